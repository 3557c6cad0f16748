# SPDX-License-Identifier: GPL-3.0-or-later
"""The cost of the extension in a Blender with a window: ``python -m benchmarks.window``. Pays only the emulator.

In Debian's Blenders 4.3 and 5.2 under Xvfb (Linux, root; see ``tools.real_blender``), with the zip that users get:
what enabling it takes, what drawing all its panels takes, the longest time that a call of ours held the main thread
while a set was made and placed, and the longest pause between two turns of Blender's own loop: with the set, and with
the extension off, when Blender draws, when Cycles renders beside it, when pictures come into the scene. By the clock, so that it wants a machine with nothing else to do; the processor time of our own thread stands
beside it.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from command_line.bootstrap import load_package
from tests.blender.products import textured_block
from tests.fal_emulator.process import RunningEmulator, running_emulator
from tests.window.desktop import Desktop, wait_for
from tests.window.timing import ENABLE, MODULE, WATCH
from tools.real_blender import default_folder, make

load_package()

from photoreal_set.processes.child import NICENESS  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
BLENDERS = ("trixie", "sid")
STARTS = 7
WATCHED_SECONDS = 5.0
BEGINNING_SECONDS = 4.0  # Until a background Blender renders.
RUN_SECONDS = 900.0
IMPORTS = ("import_product", "build_studio")  # They wait for Blender's importer.
DELAYS = {"queue": 0.5, "photo": 2.0}

# Records how long each iteration of the main loop took.
HEARTBEAT = """
import time
names = bpy.app.driver_namespace
names['photoreal_beats'] = []
names['photoreal_last'] = time.perf_counter()
def beat():
    now = time.perf_counter()
    names['photoreal_beats'].append(now - names['photoreal_last'])
    names['photoreal_last'] = now
    return 0.002
names['photoreal_beat'] = beat
bpy.app.timers.register(beat)
"""
STOP_HEARTBEAT = """
names = bpy.app.driver_namespace
bpy.app.timers.unregister(names['photoreal_beat'])
answer = names['photoreal_beats'][2:]
"""
# As often as the panels of a run are drawn, or with {regions} of more.
REDRAW = """
def redraw():
    for area in bpy.context.window_manager.windows[0].screen.areas:
        if area.type == 'VIEW_3D':
            for region in area.regions:
                if region.type in {regions}:
                    region.tag_redraw()
    return 0.1
bpy.app.driver_namespace['photoreal_redraw'] = redraw
bpy.app.timers.register(redraw)
"""
STOP_REDRAW = "bpy.app.timers.unregister(bpy.app.driver_namespace['photoreal_redraw'])"
# A render that does not end by itself, started in a separate session as from a terminal.
CYCLES = """
import bpy
scene = bpy.context.scene
scene.render.engine, scene.render.filepath = 'CYCLES', '/desk/beside.png'
scene.cycles.samples, scene.cycles.use_adaptive_sampling, scene.cycles.use_denoising = 1000000, False, False
bpy.ops.render.render(write_still=True)
"""
CHILD = ("blender", "-b", "--factory-startup", "--python-expr", CYCLES)
LOWER = f'echo {NICENESS} > /proc/self/autogroup; exec nice -n {NICENESS} "$@"'
# The same as dragging five pictures into the viewport.
PICTURES = """
for number in range(5):
    picture = bpy.data.images.new(f'control {number}', 256, 256)
    empty = bpy.data.objects.new(picture.name, None)
    empty.empty_display_type, empty.data = 'IMAGE', picture
    empty.location.x = number
    bpy.context.scene.collection.objects.link(empty)
"""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--blender", action="append", choices=BLENDERS, help="Debian's name; default: both")
    parser.add_argument("--model", type=Path, help="a GLB (a textured block)")
    parser.add_argument("--resolution", type=int, default=256)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results = {}
    with tempfile.TemporaryDirectory() as place, running_emulator(delays=DELAYS) as emulator:
        folder = Path(place)
        zip_file = _zip(folder / "dist")
        for name in options.blender or BLENDERS:
            desk = folder / name
            desk.mkdir()
            shutil.copyfile(zip_file, desk / "photoreal_set.zip")
            if options.model:
                shutil.copyfile(options.model, desk / "product.glb")
            else:
                textured_block().write(desk / "product.glb")
            results[name] = _measure(name, desk, emulator, options.resolution)
    if options.json:
        print(json.dumps(results, indent=1))
    else:
        for figures in results.values():
            _tell(figures)
    return 0


def _zip(out: Path) -> Path:
    command = [sys.executable, "-m", "tools.build", "--platform", "linux-x64", "--out", str(out)]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return next(out.glob("*.zip"))


def _measure(name: str, desk: Path, emulator: RunningEmulator, resolution: int) -> dict[str, Any]:
    home = os.environ.get("PHOTOREAL_ROOTS", "")
    screen = Desktop(make(name, Path(home) / name if home else default_folder(name)), desk)
    try:
        return _measure_on(screen, emulator, resolution)
    finally:
        screen.close()


def _measure_on(screen: Desktop, emulator: RunningEmulator, resolution: int) -> dict[str, Any]:
    install = ("extension", "install-file", "-r", "user_default", "-e", "/desk/photoreal_set.zip")
    screen.run("blender", "--command", *install)
    version = screen.start_blender()
    pauses = _pauses_without_us(screen)
    starts = [screen.python(ENABLE) for _time in range(STARTS)]
    screen.python(
        "bpy.context.preferences.system.use_online_access = True\n"
        f"from {MODULE}.window import preferences\n"
        f"preferences.get(bpy.context).fal_url = {emulator.url!r}\n"
        "settings = bpy.context.scene.photoreal\n"
        f"settings.resolution, settings.samples = {resolution}, 1\n"
        "settings.engine, settings.folder = 'fal', '/desk/set'\n"
        "bpy.ops.photoreal.import_product(filepath='/desk/product.glb')\n"
        "bpy.ops.photoreal.edit_angles()"
    )
    wait_for(
        lambda: screen.python("answer = bpy.ops.photoreal.generate_set.poll()"), "the price", RUN_SECONDS
    )
    screen.show_tab("Photoreal")
    screen.python(WATCH)
    screen.python(HEARTBEAT)
    screen.python(
        f"from {MODULE}.window import runs, scene_settings\n"
        "price = runs.price_of(scene_settings.settings_of(bpy.context)).text\n"
        "bpy.ops.photoreal.generate_set(price=price)"
    )
    told = (
        f"from {MODULE}.window import pump, runs\nrun = runs.run_of(bpy.context.scene)\n"
        "over = run.view.is_over and pump.pump() is None\n"
        "answer = [run.view.state, run.view.error, run.view.warnings] if over else None"
    )
    while (end := screen.python(told)) is None:
        time.sleep(2.0)  # Each query takes one iteration of the loop.
    if end[0] != "done":
        raise RuntimeError(f"The set is {end[0]}: {end[1]} {end[2]}")
    pauses["a set"] = screen.python(STOP_HEARTBEAT)
    screen.python("bpy.ops.photoreal.place_photos()")
    spent = screen.python("answer = bpy.app.driver_namespace['photoreal_spent']")
    screen.quit_blender()
    draws = {name: times for name, times in spent.items() if name.endswith(".draw")}
    calls = {name: times for name, times in spent.items() if not any(part in name for part in IMPORTS)}
    return {
        "blender": version,
        "enable": _pair(starts, statistics.median),
        "redraw_of_all_panels": [
            sum(_pair(times, statistics.median)[part] for times in draws.values()) for part in (0, 1)
        ],
        "longest": {name: _pair(times, max) for name, times in sorted(calls.items())},
        "calls": {name: len(times) for name, times in sorted(calls.items())},
        "pauses": {
            what: {"longest": max(times), "usual": statistics.median(times)} for what, times in pauses.items()
        },
    }


def _pauses_without_us(screen: Desktop) -> dict[str, list[float]]:
    """The time that Blender's own drawing takes: the extension is off, and renders run beside Blender."""
    screen.python(f"import addon_utils\naddon_utils.disable({MODULE!r})")
    screen.show_tab("View")
    pauses = {"nothing": _pauses(screen)}
    screen.python(REDRAW.format(regions="{'UI'}"))
    pauses["a sidebar that is redrawn"] = _pauses(screen)
    screen.python(STOP_REDRAW)
    screen.python(REDRAW.format(regions="{'UI', 'WINDOW'}"))
    pauses["a viewport that is redrawn"] = _pauses(screen)
    for what, command in (
        ("… beside Cycles from a terminal", ("setsid", *CHILD)),
        ("… beside the same at lower priority", ("setsid", "sh", "-c", LOWER, "sh", *CHILD)),
    ):
        with screen.running(*command):
            time.sleep(BEGINNING_SECONDS)
            pauses[what] = _pauses(screen)
    screen.python(STOP_REDRAW)
    for what in ("five image empties, the first time", "five more"):
        pauses[what] = _pauses(screen, PICTURES)
    screen.python("bpy.ops.wm.read_homefile(use_factory_startup=True)")
    return pauses


def _pauses(screen: Desktop, code: str = "pass") -> list[float]:
    """Seconds of each iteration of Blender's loop after ``code`` was run in it."""
    screen.python(HEARTBEAT)
    screen.python(code)
    time.sleep(WATCHED_SECONDS)
    return list(screen.python(STOP_HEARTBEAT))


def _pair(times: list[list[float]], choose: Any) -> list[float]:
    """By the clock and by our own thread: each chosen from its own column."""
    return [float(choose([pair[part] for pair in times])) for part in (0, 1)]


def _tell(figures: dict[str, Any]) -> None:
    def formatted(pair: list[float]) -> str:
        return f"{pair[0] * 1000:.2f} ms by the clock, {pair[1] * 1000:.2f} ms of our thread"

    print(f"Blender {figures['blender']}")
    print(f"  enabling            {formatted(figures['enable'])}")
    print(f"  drawing all panels  {formatted(figures['redraw_of_all_panels'])}")
    longest = sorted(figures["longest"].items(), key=lambda entry: -entry[1][0])
    for name, pair in longest[:5]:
        print(f"  longest {name} of {figures['calls'][name]}: {formatted(pair)}")
    for what, pause in figures["pauses"].items():
        print(f"  longest pause of Blender with {what}: {pause['longest'] * 1000:.0f} ms")


if __name__ == "__main__":
    sys.exit(main())
