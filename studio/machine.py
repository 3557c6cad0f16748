# SPDX-License-Identifier: GPL-3.0-or-later
"""The devices and the denoiser that this Blender can use on this machine."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import bpy

from ..messages.errors import FieldError
from . import compat
from .blender import present

BACKENDS = ("OPTIX", "CUDA", "HIP", "METAL", "ONEAPI")  # The best first.


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device that Cycles can render on; ``backend`` is a value of ``--device``."""

    backend: str
    name: str


def gpu_devices() -> list[Device]:
    """The GPUs that Cycles finds. Only for a background Blender, because it changes the preferences of Cycles."""
    preferences = _preferences()
    found = [
        Device(backend=backend.lower(), name=device.name)
        for backend in BACKENDS
        for device in _devices_of(preferences, backend)
    ]
    preferences.compute_device_type = "NONE"
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """The graphics card of this machine, or several of one kind, which render a picture together.

    ``backend`` is a value of ``--device``; ``names`` has one entry for each card.
    """

    backend: str
    names: tuple[str, ...]

    def __str__(self) -> str:
        return f"{', '.join(dict.fromkeys(self.names))} ({self.backend})"


def cards_for(wanted: str) -> Iterator[Card]:
    """The cards for ``wanted``, a value of ``--device``, the best back end first. None for ``cpu``.

    While a card is being used by the caller, it is the one that is selected in the preferences, with all its devices.
    Raises InputError for a back end that has no device on this machine.
    """
    if wanted == "cpu":
        return
    preferences = _preferences()
    is_found = False
    for backend in BACKENDS if wanted == "auto" else (wanted.upper(),):
        if devices := _devices_of(preferences, backend):
            is_found = True
            for device in preferences.devices:
                device.use = device.type == backend
            yield Card(backend=backend.lower(), names=tuple(device.name for device in devices))
    preferences.compute_device_type = "NONE"
    if not is_found and wanted != "auto":
        raise FieldError(
            "device", f"Cycles finds no {wanted} device on this machine.", hint="Choose auto or cpu."
        )


def use_card(wanted: str) -> Card | None:
    """Select the card for ``wanted``, a value of ``--device``, in the preferences; None: Cycles renders on the CPU.

    Raises InputError as ``cards_for``.
    """
    for card in cards_for(wanted):
        return card
    return None


def use_device(wanted: str) -> str:
    """Select the device ``wanted`` (cpu, auto or a GPU back end) in the preferences.

    Returns the value for ``scene.cycles.device``. Raises InputError for a back end that has no device on this machine.
    """
    return "GPU" if use_card(wanted) else "CPU"


def has_denoiser() -> bool:
    """Does this build of Blender have OpenImageDenoise?"""
    scene = bpy.data.scenes.new("Photoreal Diagnosis")
    try:
        return compat.set_denoiser(scene, next(iter(compat.DENOISERS)))
    finally:
        bpy.data.scenes.remove(scene)


def _preferences() -> Any:
    return present(bpy.context.preferences).addons["cycles"].preferences


def _devices_of(preferences: Any, backend: str) -> list[Any]:
    """The devices of one back end: asking for all at once crashes on some machines with several kinds of GPU."""
    try:
        preferences.compute_device_type = backend
    except TypeError:
        return []  # Not in this build.
    preferences.refresh_devices()
    return [device for device in preferences.devices if device.type == backend]
