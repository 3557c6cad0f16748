# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernels of Cycles for graphics cards: compiled once for each Blender, card and driver.

Where Blender has no ready binary for a card, the card's driver compiles the kernels at the first render and keeps them
in its own cache. That takes minutes, and a process that is killed meanwhile leaves nothing. A separate process therefore
renders a tiny picture first. It continues when the run that started it is killed, other runs wait for it, and a marker
in the user's folder says that it has been done.
"""

import contextlib
import hashlib
import json
import logging
import os
import platform
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import bpy

from ..files.home import home_folder
from ..files.lock import locked
from ..files.writing import write_atomically
from ..messages import events
from ..messages.errors import MachineError
from ..processes.blender_program import BATCH, background_command, factory_settings, running_blender
from ..processes.child import own_group
from ..processes.fal_keys import without_keys
from . import compat
from .blender import present, set_choice
from .machine import Card, cards_for

COMMAND = "compile-kernels"
FOLDER = "kernels"
LOOK_SECONDS = 0.5  # Between two checks for a request to stop.
DRIVER_SECONDS = 10.0  # To ask for the version of the driver.
SIDE = 16  # Pixels of the tiny picture.
# Of NVIDIA's driver on Linux; without it nvidia-smi is asked, which takes longer.
DRIVER_VERSION = Path("/sys/module/nvidia/version")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernels:
    """What the tiny picture has shown about a card."""

    denoises: bool


def ready_device(
    wanted: str, tell: Callable[[events.Event], None], check_stop: Callable[[], None] = lambda: None
) -> str:
    """The device to render on for ``wanted``, a value of ``--device``: cpu, or a back end with its kernels compiled.

    A back end that does not work is replaced by the next one, or by the CPU, with a warning. ``check_stop`` is called
    while kernels are being compiled; what it raises ends the waiting, not the compiling. Raises InputError as
    ``cards_for``.
    """
    has_card = False
    for card in cards_for(wanted):
        has_card = True
        kernels = kernels_of(card) or _compiled(card, tell, check_stop)
        if kernels is None:
            continue
        if not kernels.denoises:
            tell(events.Warning(text=f"{card} cannot denoise with this Blender."))
        return card.backend
    if has_card:
        tell(events.Warning(text="No graphics card works with Cycles; rendering on the CPU."))
    elif wanted == "auto":
        tell(events.Note(text="Cycles finds no GPU that it can use; rendering on the CPU."))
    return "cpu"


def kernels_of(card: Card) -> Kernels | None:
    """The kernels of ``card``, if this user's marker says that they are compiled."""
    try:
        record = json.loads(_marker(card).read_bytes())
    except (OSError, ValueError):
        return None
    denoises = record.get("denoises") if isinstance(record, dict) else None
    return Kernels(denoises=denoises) if isinstance(denoises, bool) else None


def denoises_on(card: Card) -> bool:
    """Does ``card`` denoise? Yes, unless its tiny picture has shown that it does not."""
    kernels = kernels_of(card)
    return kernels is None or kernels.denoises


def compile_here(backend: str) -> None:
    """Compile the kernels of ``backend`` in this process, and write the marker. Waits for another process that does.

    Raises InputError as ``cards_for``, and MachineError when Cycles cannot render on the card.
    """
    for card in cards_for(backend):
        marker = _marker(card)
        marker.parent.mkdir(parents=True, exist_ok=True)
        with marker.with_suffix(".lock").open("a+b") as stream, locked(stream):
            if kernels_of(card):
                return
            began = time.monotonic()
            denoises = _renders_tiny_picture(denoise=True)
            if not denoises and not _renders_tiny_picture(denoise=False):
                raise MachineError(f"Cycles cannot render on {card}.")
            seconds = round(time.monotonic() - began, 1)
            facts = {"card": str(card), "denoises": denoises, "seconds": seconds}
            write_atomically(marker, json.dumps(facts).encode())


def _compiled(
    card: Card, tell: Callable[[events.Event], None], check_stop: Callable[[], None]
) -> Kernels | None:
    """Compile the kernels of ``card`` in a child process; None, after a warning, when the card does not work."""
    tell(
        events.Note(
            text=f"Cycles prepares {card}. The first time with this Blender and this driver, its kernels may have to be"
            " compiled, which can take 15 minutes. Stopping this run does not interrupt that."
        )
    )
    began = time.monotonic()
    messages = _marker(card).with_suffix(".log")
    messages.parent.mkdir(parents=True, exist_ok=True)
    command = background_command(
        BATCH, (COMMAND, card.backend), blender=running_blender(), options=factory_settings(online=False)
    )
    with messages.open("wb") as output:  # A pipe would end the child together with this process.
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=without_keys(os.environ),
            **own_group(),
        )
    told = 0
    while child.poll() is None:
        check_stop()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(LOOK_SECONDS)
        minutes = int((time.monotonic() - began) / 60.0)
        if minutes > told:  # Also a sign of life for a catalogue, which limits the time without one.
            told = minutes
            tell(events.Note(text=f"Cycles still prepares {card}, for {minutes} min so far."))
    kernels = kernels_of(card)
    if kernels is None:
        tell(events.Warning(text=f"Cycles cannot render on {card}; its messages are in {messages}."))
    else:
        tell(events.Note(text=f"{card} is ready after {time.monotonic() - began:.0f} s."))
    return kernels


def _renders_tiny_picture(*, denoise: bool) -> bool:
    """Render one on the card that the preferences select; whether Cycles could. The result is not stored."""
    scene = bpy.data.scenes.new("Photoreal Kernels")
    camera = bpy.data.objects.new("Photoreal Kernels", bpy.data.cameras.new("Photoreal Kernels"))
    mesh = bpy.data.meshes.new("Photoreal Kernels")
    mesh.from_pydata([(-1, -1, -2), (1, -1, -2), (0, 1, -2)], [], [(0, 1, 2)])  # In front of the camera.
    for item in (camera, bpy.data.objects.new("Photoreal Kernels", mesh)):
        present(scene.collection).objects.link(item)
    scene.camera = camera
    render, cycles = present(scene.render), present(scene.cycles)
    set_choice(render, "engine", "CYCLES")
    render.resolution_x = render.resolution_y = SIDE
    render.resolution_percentage = 100
    cycles.device, cycles.samples, cycles.use_denoising = "GPU", 1, False
    try:
        if denoise and not compat.set_denoiser(scene, next(iter(compat.DENOISERS)), on_card=True):
            return False
        bpy.ops.render.render(scene=scene.name)
    except RuntimeError as error:
        log.warning("Cycles: %s", str(error).strip())
        return False
    finally:
        bpy.data.scenes.remove(scene)
    return True


def _marker(card: Card) -> Path:
    """The file that says that the kernels are compiled, for this Blender, card, driver and machine."""
    build = bpy.app.build_hash
    facts = (
        bpy.app.version_string,
        build.decode() if isinstance(build, bytes) else build,
        card.backend,
        sorted(card.names),
        _driver(),
        platform.node(),
    )
    digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]
    return home_folder() / FOLDER / f"{digest}.json"


def _driver() -> str:
    """The version of the graphics driver. Drivers that come with the system have the version of the system."""
    with contextlib.suppress(OSError):
        return DRIVER_VERSION.read_text().strip()
    if program := shutil.which("nvidia-smi"):
        query = [program, "--query-gpu=driver_version", "--format=csv,noheader"]
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            done = subprocess.run(query, capture_output=True, text=True, check=True, timeout=DRIVER_SECONDS)
            return done.stdout.strip()
    return platform.release()
