# SPDX-License-Identifier: GPL-3.0-or-later
"""Where fal.ai is, and whether it may be used."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from ..fal_bridge.network.service import Service, key_from_environment
from ..messages.errors import InputError
from ..photo_set.folder import SetFolder
from ..photo_set.plan_record import LIVE, fal_of
from ..processes.blender_program import in_blender_program
from ..processes.fal_keys import KEY_VARIABLES
from .option_values import ServiceOptions

_taken: Mapping[str, str] | None = None


@contextlib.contextmanager
def taken_keys() -> Iterator[None]:
    """While entered, keys are known only to this module. Blender, its Python and child processes do not see them.

    The environment that the operating system shows for this process does not change.
    """
    global _taken
    before = _taken
    _taken = {name: os.environ.pop(name) for name in KEY_VARIABLES if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(_taken)
        _taken = before


def key_variable() -> str:
    """The variable that a key comes from; "" without one."""
    names = ("FAL_KEY", "FAL_KEY_FILE")
    return next((name for name in names if _key_environment().get(name, "").strip()), "")


def service_at(fal_url: str | None) -> Service | None:
    """Where fal.ai is, when a key or an emulator is configured."""
    if fal_url:
        return Service.emulator(fal_url)
    key = key_from_environment(_key_environment())
    return Service.live(key) if key else None


def _key_environment() -> Mapping[str, str]:
    return os.environ if _taken is None else _taken


def service_of(folder: SetFolder, fal_url: str | None) -> Service | None:
    """The service that the set was planned with: who is paid never changes between runs."""
    return service_named(fal_of(folder), fal_url)


def service_named(fal: str, fal_url: str | None) -> Service | None:
    """The service that a record names: ``fal.ai``, the address of an emulator (or where it is now), or ""."""
    if fal_url and fal in ("", LIVE):
        raise InputError("This folder was not made with an emulator.", hint="Leave --fal-url out.")
    if not fal:
        return None
    return service_at(fal_url or ("" if fal == LIVE else fal))


def required_service(root: Path, fal: str, options: ServiceOptions) -> Service:
    """Where the requests of the folder ``root`` are; ``fal`` is as for ``service_named``.

    Raises InputError when there are none, or they cannot be reached.
    """
    service = service_named(fal, options.fal_url)
    if not fal:
        raise InputError(f"{root} has no requests at fal.ai: it was made without it.")
    if service is None:
        raise InputError(
            "Reaching its requests at fal.ai needs the key, and none is set.", hint="Set FAL_KEY."
        )
    require_online(options.online_mode)
    return service


def require_online(online_mode: bool) -> None:
    """Raises InputError in a Blender whose user has not allowed Online Access.

    ``online_mode`` allows it for this run, unless Blender itself was started with --offline-mode.
    """
    if not in_blender_program():
        return
    import bpy

    if bpy.app.online_access:
        return
    if bpy.app.online_access_override:
        raise InputError("Blender was started with --offline-mode, and fal.ai needs the internet.")
    if not online_mode:
        raise InputError(
            "Online Access is off in this Blender, and fal.ai needs it.",
            hint="Add --online-mode, or allow Online Access in its System preferences.",
        )
