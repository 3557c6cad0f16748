# SPDX-License-Identifier: GPL-3.0-or-later
"""``doctor``: what this machine has, what is missing and how to get it."""

import argparse
import importlib.metadata
import platform
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ...fal_bridge.errors import BadKeyError
from ...fal_bridge.network.key_permissions import Granted, permissions_of
from ...fal_bridge.network.service import Service
from ...files.home import VARIABLE, home_folder
from ...messages import events
from ...messages.errors import MachineError, PhotorealError
from ...photo_set.choices import DEVICES
from ...photo_set.version import VERSION
from ...processes.blender_program import in_blender_program
from ..argument_types import place
from ..arguments import add_output, add_service
from ..option_values import Command, Context, ServiceOptions
from ..service import key_variable, require_online, service_at

PACKAGES = ("numpy", "pillow", "httpx", "anyio", "fal-client")
OLDEST = (4, 3, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was checked. ``is_needed``: even the free engine needs it."""

    name: str
    is_good: bool
    text: str
    is_needed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorOptions:
    out: Path
    device: str
    test_key: bool
    warm_up: bool
    quiet: bool
    service: ServiceOptions


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=place, default=Path(), metavar="DIR", help="the folder for sets")
    parser.add_argument("--device", choices=DEVICES, default="auto", help="Cycles render device")
    parser.add_argument(
        "--test-key",
        action="store_true",
        help="only ask fal.ai whether the key is valid and what it may do; free of charge",
    )
    parser.add_argument(
        "--warm-up",
        action="store_true",
        help="compile the kernels of Cycles for the graphics card now, so that the first render does not wait for it",
    )
    add_service(parser)
    add_output(parser)
    parser.set_defaults(command=Command(DoctorOptions, run))


def run(options: DoctorOptions, context: Context) -> int:
    """Check this machine. Gives 0, or 3 when something is missing that even the free engine needs."""
    if options.warm_up:
        _warm_up(options.device, context)
    if options.test_key:
        checks: Iterator[Check] = _test_key(options)
    else:
        checks = _checks(options)
    is_well = True
    for check in checks:
        is_well = is_well and (check.is_good or not check.is_needed)
        if options.quiet and check.is_good:
            continue
        event = events.Check(name=check.name, good=check.is_good, text=check.text)
        context.reporter.result([event], f"{'ok ' if check.is_good else 'NO '} {check.text}")
    code = 0 if is_well else MachineError.exit_code
    context.reporter.tell(events.Finished(state="done" if is_well else "failed", exit=code, set=None))
    return code


def _checks(options: DoctorOptions) -> Iterator[Check]:
    import bpy

    blender = bpy.app.version_string
    yield Check(
        name="blender",
        is_good=bpy.app.version >= OLDEST,
        text=f"Photoreal Set {VERSION}, Blender {blender} with Python {platform.python_version()}",
    )
    for package in PACKAGES:
        yield _package(package)
    yield from _cycles(options.device)
    yield _key(options.service.fal_url)
    yield _online(options.service.online_mode)
    yield _folder("out", "Sets", options.out)
    yield _folder("home", "Prices and ledgers", home_folder(), f"name another one in {VARIABLE}")


def _package(package: str) -> Check:
    try:
        return Check(name=package, is_good=True, text=f"{package} {importlib.metadata.version(package)}")
    except importlib.metadata.PackageNotFoundError:
        module = sys.modules.get(package)  # Some Blenders carry a package without its metadata.
        version = getattr(module, "__version__", "")
        if module is not None:
            return Check(name=package, is_good=True, text=f"{package} {version}".rstrip())
        return Check(
            name=package,
            is_good=False,
            text=f"{package} is missing: install the extension again",
        )


def _cycles(wanted: str) -> Iterator[Check]:
    from ...studio.machine import gpu_devices, has_denoiser

    devices = gpu_devices()
    names = ", ".join(f"{device.name} ({device.backend})" for device in devices)
    is_there = wanted in ("auto", "cpu") or any(device.backend == wanted for device in devices)
    text = f"Cycles renders on {names}" if devices else "Cycles renders on the CPU: it finds no GPU"
    if not is_there:
        text = f"Cycles finds no {wanted} device: choose auto or cpu"
    yield Check(name="device", is_good=is_there, text=text)
    if is_there:
        yield from _kernels(wanted)
    denoiser = has_denoiser()
    text = (
        "OpenImageDenoise is available"
        if denoiser
        else "This Blender has no OpenImageDenoise: renders take longer"
    )
    yield Check(name="denoiser", is_good=denoiser, text=text, is_needed=False)


def _warm_up(device: str, context: Context) -> None:
    from ...studio.kernels import ready_device

    ready_device(device, context.reporter.tell)


def _kernels(wanted: str) -> Iterator[Check]:
    """Whether the first render on the graphics card has to wait for its kernels. Nothing without a card."""
    from ...studio.kernels import kernels_of
    from ...studio.machine import use_card

    card = use_card(wanted)
    if card is None:
        return
    is_ready = kernels_of(card) is not None
    text = f"{card} is ready to render"
    if not is_ready:
        text = f"{card} may have to compile kernels for minutes at the first render: --warm-up does it now"
    yield Check(name="kernels", is_good=is_ready, text=text, is_needed=False)


def _key(fal_url: str | None) -> Check:
    try:
        service = service_at(fal_url)
    except BadKeyError as error:
        return Check(name="key", is_good=False, text=str(error), is_needed=False)
    if service is None:
        text = "No fal.ai key is set: only Cycles can be used"
        return Check(name="key", is_good=False, text=text, is_needed=False)
    text = f"A fal.ai key is set ({key_variable()})"
    if service.is_emulator:
        text = f"The emulator of fal.ai at {service.emulator_url} needs no key"
    return Check(name="key", is_good=True, text=text, is_needed=False)


def _online(online_mode: bool) -> Check:
    try:
        require_online(online_mode)
    except PhotorealError as error:
        return Check(name="online", is_good=False, text=str(error), is_needed=False)
    text = "Online Access is allowed" if in_blender_program() else "Online Access is not restricted here"
    return Check(name="online", is_good=True, text=text, is_needed=False)


def _folder(name: str, what: str, folder: Path, remedy: str = "choose another folder") -> Check:
    """Whether files can be written there, or in the nearest folder above that exists."""
    place = folder.absolute()
    nearest = next(one for one in (place, *place.parents) if one.exists())
    try:
        with tempfile.TemporaryFile(dir=nearest):
            return Check(name=name, is_good=True, text=f"{what} can be written to {place}")
    except OSError as error:
        reason = error.strerror or str(error)
        return Check(name=name, is_good=False, text=f"{place} cannot be written ({reason}): {remedy}")


def _test_key(options: DoctorOptions) -> Iterator[Check]:
    """Whether fal.ai accepts the key, and what the key may do."""

    def no(text: str) -> Check:
        return Check(name="key", is_good=False, text=text)

    try:
        service: Service | None = service_at(options.service.fal_url)
        if service is None:
            yield no("No fal.ai key is set")
            return
        require_online(options.service.online_mode)
        found = permissions_of(service)
    except PhotorealError as error:
        yield no(str(error))
        return
    who = "The emulator answers" if service.is_emulator else "fal.ai accepts the key"
    yield Check(name="key", is_good=True, text=who)
    for granted in found:
        yield _permission(granted)


def _permission(granted: Granted) -> Check:
    permission = granted.permission
    if granted.is_granted:
        text = f"The key may {permission.text}"
    elif granted.is_granted is None:
        text = f"Whether the key may {permission.text} is not known ({granted.reason.rstrip('.')})"
    else:
        text = granted.reason or f"The key may not {permission.text}: {permission.without}"
    is_needed = permission.is_needed and granted.is_granted is not None
    return Check(
        name=f"key-{permission.name}", is_good=bool(granted.is_granted), text=text, is_needed=is_needed
    )
