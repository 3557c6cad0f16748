# SPDX-License-Identifier: GPL-3.0-or-later
"""A window in a separate process that starts a set and is then killed: ``python -m tests.blender.window_process JSON``.

Prints "working" once the run works, then waits. Its argument has ``blend``, ``model``, ``out`` and ``settings``, and
``fal_url`` for photos by fal.ai. With ``products``, the names of collections, it starts a catalogue of them instead, in
the folder of ``out``. With ``saves_late``, the file is saved for the first time right after the start of the run.
"""

import json
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

from command_line.bootstrap import load_package

package = load_package()

import bpy  # noqa: E402  The package has to be loaded first.

from photoreal_set.background_run.button_arguments import Source, price_key  # noqa: E402
from photoreal_set.background_run.price_book import Price  # noqa: E402
from photoreal_set.operators import checks  # noqa: E402
from photoreal_set.window import preferences, pump, runs  # noqa: E402
from photoreal_set.window.scene_settings import settings_of  # noqa: E402
from tests.patience import until  # noqa: E402


def main() -> None:
    wanted = json.loads(sys.argv[1])
    bpy.ops.wm.read_factory_settings(use_empty=True)
    package.register()
    fal_url, output = wanted.get("fal_url", ""), str(Path(wanted["out"]).parent)
    chosen = {**preferences.DEFAULTS, "device": "cpu", "fal_url": fal_url, "output_folder": output}
    preferences.get = lambda _context: SimpleNamespace(**chosen)
    checks.generate = checks.fal = lambda *_given: (
        None
    )  # Without a price and a key: the emulator asks for neither.
    settings = bpy.context.scene.photoreal
    settings.source, settings.folder = wanted["model"], wanted["out"]
    bpy.ops.photoreal.edit_angles()
    for name, value in wanted["settings"].items():
        setattr(settings, name, value)
    while len(settings.angles) > 1:
        settings.angle_index = 1
        bpy.ops.photoreal.remove_angle()
    shelves = [_collection(name) for name in wanted.get("products", ())]
    if not wanted.get("saves_late"):
        bpy.ops.wm.save_as_mainfile(filepath=wanted["blend"])
    source = Source.OBJECTS if shelves else None
    key = price_key(settings_of(bpy.context, source))
    runs.state.prices.prices[key] = Price(minimum=0.5, maximum=0.5, asked_at=time.time())
    if shelves:
        with bpy.context.temp_override(selected_ids=shelves):
            price = f"${0.5 * len(shelves):.2f}" if settings.engine == "fal" else ""
            bpy.ops.photoreal.generate_catalogue(price=price, of_collections=True)
    else:
        bpy.ops.photoreal.generate_set(price="$0.50")
    if wanted.get("saves_late"):
        bpy.ops.wm.save_as_mainfile(filepath=wanted["blend"])

    def works() -> bool:
        pump.pump()
        run = runs.set_run()
        assert run is not None, runs.state.runs
        return any(row.is_busy for row in run.view.rows.values())

    until(works)
    sys.stdout.write("working\n")
    sys.stdout.flush()
    threading.Event().wait()


def _collection(name: str) -> bpy.types.Collection:
    """A collection with a cube."""
    bpy.ops.mesh.primitive_cube_add(size=0.4)
    cube = bpy.context.object
    shelf = bpy.data.collections.new(name)
    bpy.context.scene.collection.children.link(shelf)
    for other in cube.users_collection:
        other.objects.unlink(cube)
    shelf.objects.link(cube)
    return shelf


main()
