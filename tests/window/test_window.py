# SPDX-License-Identifier: GPL-3.0-or-later
"""An artist's way through a real Blender with a window: from the zip to a set in the file.

The tests of one Blender follow each other, as a person would go on.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fal_emulator.process import RunningEmulator
from tests.window.desktop import Desktop, wait_for

MODULE = "bl_ext.user_default.photoreal_set"
WHEELS = ("PIL", "httpx", "anyio", "fal_client")  # Blender itself imports certifi.
RUN_SECONDS = 600.0
LONGEST_BLOCK = 0.05
LONGEST_REDRAW = 0.01  # All panels together, far above what they take.
LONGEST_START = 0.3

ask = f"from {MODULE} import runtime, preferences\nsettings = bpy.context.scene.photoreal\n"

# Times what we do on the main thread, in its own processor time: the machine may be busy with other things.
TIMED = f"""
import time
from {MODULE} import runtime, panels
spent = bpy.app.driver_namespace.setdefault('photoreal_spent', {{}})
def timed(name, function):
    def call(*words, **facts):
        before = time.thread_time()
        try:
            return function(*words, **facts)
        finally:
            spent.setdefault(name, []).append(time.thread_time() - before)
    return call
def timed_draw(cls):
    call = timed(cls.__name__, cls.draw)
    def draw(self, context):  # Blender counts the arguments.
        return call(self, context)
    return draw
again = timed('pump', runtime.pump)
if bpy.app.timers.is_registered(runtime.pump):
    bpy.app.timers.unregister(runtime.pump)
runtime.pump = again
runtime.start_set = timed('start_set', runtime.start_set)
runtime.resume = timed('resume', runtime.resume)
for cls in panels.CLASSES:
    if hasattr(cls, 'draw') and issubclass(cls, bpy.types.Panel):
        cls.draw = timed_draw(cls)
"""


@pytest.fixture(scope="module")
def blender(desktop: Desktop) -> Iterator[Desktop]:
    """The second start after the zip was installed, with the tab open."""
    desktop.run("blender", "--command", "extension", "validate", "/desk/photoreal_set.zip")
    installed = desktop.run(
        *(
            "blender",
            "--command",
            "extension",
            "install-file",
            "-r",
            "user_default",
            "-e",
            "/desk/photoreal_set.zip",
        )
    )
    assert "ERROR" not in installed, installed
    desktop.start_blender()
    assert_is_there(desktop)
    assert desktop.quit_blender() == 0
    desktop.start_blender()
    # As the user allows it in the preferences. At the start Blender would look for updates in the net.
    desktop.python("bpy.context.preferences.system.use_online_access = True")
    yield desktop
    desktop.quit_blender()


def assert_is_there(desktop: Desktop) -> None:
    """Enabled, and nothing of the wheels was imported."""
    enabled, imported = desktop.python(
        f"import sys\nanswer = [{MODULE!r} in bpy.context.preferences.addons, sorted(set({WHEELS!r}) & set(sys.modules))]"
    )
    assert enabled
    assert imported == []


def ended(desktop: Desktop) -> Any:
    wait_for(
        lambda: desktop.python(f"{ask}answer = runtime.pump() is None and runtime.set_run() is None"),
        "the end of the run",
        RUN_SECONDS,
    )
    return desktop.python(
        f"{ask}run = runtime.run_of(bpy.context.scene)\nanswer = [run.view.state, run.view.error, run.view.warnings]"
    )


def test_the_tab_opens_and_says_what_to_do_first(blender: Desktop):
    assert_is_there(blender)
    blender.show_tab("Photoreal")
    blender.picture("first")
    with pytest.raises(RuntimeError, match="Choose a GLB"):
        blender.python("bpy.ops.photoreal.generate_set()")


def test_a_dropped_model_stands_in_the_studio(blender: Desktop):
    assert blender.python("answer = bpy.types.PHOTOREAL_FH_model.bl_file_extensions") == ".glb;.gltf"
    blender.python(
        """
area = next(a for a in bpy.context.window_manager.windows[0].screen.areas if a.type == 'VIEW_3D')
region = next(r for r in area.regions if r.type == 'WINDOW')
with bpy.context.temp_override(window=bpy.context.window_manager.windows[0], area=area, region=region):
    assert bpy.types.PHOTOREAL_FH_model.poll_drop(bpy.context)
    bpy.ops.photoreal.import_product('INVOKE_DEFAULT', filepath='/desk/Enamel Block.glb')
    bpy.ops.ed.undo_push(message="Import Product")  # A drop does it; what a timer calls does not.
"""
    )
    blender.show_tab("Photoreal")
    blender.picture("studio")
    names = blender.python(
        "answer = [bpy.context.scene.name, bpy.context.scene.photoreal.home.name, len(bpy.data.scenes)]"
    )
    assert names == ["Photoreal Studio", "Scene", 2]


def test_fal_without_a_key_offers_the_preferences(blender: Desktop):
    blender.python(f"{ask}settings.resolution, settings.samples = 96, 1\nsettings.engine = 'fal'")
    blender.settle()
    blender.picture("no-key")
    with pytest.raises(RuntimeError, match="needs a key"):
        blender.python("bpy.ops.photoreal.generate_set()")


def test_the_price_stands_on_the_button(blender: Desktop, emulator: RunningEmulator):
    blender.python(
        f"{ask}preferences.get(bpy.context).fal_url = {emulator.url!r}\n"
        "settings.folder = '/desk/set'\nsettings.video = 'fal'"
    )
    known = f"{ask}price = runtime.price_of(runtime.settings_of(bpy.context))\nanswer = price.text if price else ''"
    assert wait_for(lambda: blender.python(known), "the price", RUN_SECONDS).startswith("$0.")
    blender.settle()
    blender.picture("price")
    assert emulator.ledger() == [], "asking is free"


def test_the_button_makes_a_set_while_the_artist_goes_on(blender: Desktop, emulator: RunningEmulator):
    blender.python(TIMED)
    emulator.control(delays={"photo": 2.0})
    blender.press("photoreal.generate_set")
    wait_for(lambda: blender.python(f"{ask}answer = runtime.set_run() is not None"), "the run")
    wait_for(
        lambda: blender.python(
            f"{ask}answer = any(row.is_busy for row in runtime.set_run().view.rows.values())"
        ),
        "work",
        RUN_SECONDS,
    )
    blender.python("bpy.context.scene.cursor.location.x = 5.0")
    blender.settle()
    blender.picture("working")
    state, error, _warnings = ended(blender)
    assert (state, error) == ("done", "")
    wait_for(
        lambda: blender.python("answer = 'Enamel Block' in bpy.data.collections"), "the photos in the scene"
    )
    assert len(emulator.ledger()) == 6
    left, top, width, height = blender.sidebar()
    blender.move(left + width // 2, top + height - 20)  # A button under the mouse keeps its look.
    blender.settle()
    blender.picture("finished")
    blender.scroll(left + width // 2, top + height // 2, 60)
    blender.settle()
    blender.picture("gallery")
    blender.scroll(left + width // 2, top + height // 2, -90)


def test_nothing_blocked_the_window(blender: Desktop):
    spent = blender.python("answer = bpy.app.driver_namespace['photoreal_spent']")
    longest = {name: max(times) for name, times in spent.items()}
    assert {name: seconds for name, seconds in longest.items() if seconds > LONGEST_BLOCK} == {}
    usual = sorted(spent["PHOTOREAL_PT_main"])[len(spent["PHOTOREAL_PT_main"]) // 2]
    redraw = sum(sorted(times)[len(times) // 2] for name, times in spent.items() if "_PT_" in name)
    figures = {name: {"calls": len(times), "longest": max(times)} for name, times in spent.items()}
    text = json.dumps({"redraw_of_all_panels": redraw, **figures}, indent=1)
    (blender.folder / "pictures" / f"{blender.name}-figures.json").write_text(text)
    assert usual > 0.0
    assert redraw < LONGEST_REDRAW, spent


def test_placing_is_one_undo_step(blender: Desktop):
    def state() -> list[Any]:
        return blender.python(
            "answer = ['Enamel Block' in bpy.data.collections, len(bpy.data.scenes), "
            "any(o.name.startswith('Photoreal Product') for o in bpy.data.objects)]"
        )

    assert state() == [True, 2, True]
    blender.move(500, 500)
    blender.key("ctrl+z")
    wait_for(lambda: state() == [False, 2, True], "one undo")
    blender.key("ctrl+shift+z")
    wait_for(lambda: state() == [True, 2, True], "one redo")


def test_after_saving_and_opening_the_set_is_in_the_gallery(blender: Desktop):
    blender.python("bpy.ops.wm.save_as_mainfile(filepath='/desk/mine.blend')")
    blender.python("bpy.ops.wm.read_homefile(use_factory_startup=True)")
    assert blender.python(f"{ask}answer = runtime.set_of(bpy.context.scene) is None")
    blender.python("bpy.ops.wm.open_mainfile(filepath='/desk/mine.blend')")
    wait_for(
        lambda: blender.python(f"{ask}answer = runtime.set_of(bpy.context.scene) is not None"), "the set"
    )
    assert blender.python(
        "answer = all(i.has_data or i.size[0] for i in bpy.data.images if i.name.endswith('.png'))"
    )


def test_the_studio_goes_and_the_scene_is_as_it_was(blender: Desktop):
    blender.python("bpy.ops.photoreal.remove_studio()")
    names = blender.python(
        "answer = [[s.name for s in bpy.data.scenes], sorted(o.name for o in bpy.data.objects)]"
    )
    assert names == [["Scene"], ["Camera", "Cube", "Light"]]


def test_a_lost_answer_waits_for_the_artist(blender: Desktop, emulator: RunningEmulator):
    blender.show_tab("Photoreal")
    emulator.control(
        reset=True,
        faults=[{"name": "drop-submit-answer", "count": 1}, {"name": "nginx-503", "at": "requests"}],
    )
    blender.python(
        f"{ask}settings.folder = '/desk/held'\nsettings.source = '/desk/Enamel Block.glb'\n"
        "settings.source_kind, settings.engine, settings.video = 'FILE', 'fal', 'none'\n"
        "settings.resolution, settings.samples = 64, 1\n"
        "bpy.ops.photoreal.edit_angles()\n"
        "for _time in range(4):\n    settings.angle_index = 1\n    bpy.ops.photoreal.remove_angle()\n"
        "bpy.ops.photoreal.ask_price()"
    )
    wait_for(
        lambda: blender.python("answer = bpy.ops.photoreal.generate_set.poll()"), "the price", RUN_SECONDS
    )
    blender.python("bpy.ops.photoreal.generate_set()")
    state, _error, _warnings = ended(blender)
    assert state == "held"
    wait_for(
        lambda: blender.python(
            f"{ask}found = runtime.set_of(bpy.context.scene)\nanswer = len(found.held) if found else 0"
        ),
        "what is held",
    )
    blender.settle()
    left, top, width, height = blender.sidebar()
    blender.scroll(left + width // 2, top + height // 2, 60)
    blender.settle()
    blender.picture("held")
    emulator.control(faults=[])
    blender.python(
        f"{ask}key = runtime.set_of(bpy.context.scene).held[0].key\nbpy.ops.photoreal.resolve_uncertain(key=key, decision='resend')"
    )
    state, error, _warnings = ended(blender)
    assert (state, error) == ("done", "")


def test_enabling_takes_no_time_that_is_felt(blender: Desktop):
    seconds = blender.python(
        f"""
import addon_utils, sys, time
addon_utils.disable({MODULE!r})
for name in [name for name in sys.modules if name.startswith({MODULE!r})]:
    del sys.modules[name]
before = time.thread_time()
addon_utils.enable({MODULE!r})
answer = time.thread_time() - before
"""
    )
    (blender.folder / "pictures" / f"{blender.name}-start.json").write_text(json.dumps(seconds))
    assert seconds < LONGEST_START


def test_light_theme_and_preferences_are_seen_too(blender: Desktop):
    blender.python(
        """
import os
for folder in bpy.utils.preset_paths('interface_theme'):
    path = os.path.join(folder, 'Blender_Light.xml')
    if os.path.exists(path):
        bpy.ops.script.execute_preset(filepath=path, menu_idname='USERPREF_MT_interface_theme_presets')
"""
    )
    blender.show_tab("Photoreal")
    blender.picture("light")
    blender.python(f"bpy.ops.preferences.addon_show(module={MODULE!r})")
    wait_for(
        lambda: blender.python("answer = len(bpy.context.window_manager.windows) > 1"), "the preferences"
    )
    blender.settle()
    blender.picture("preferences")
    blender.python("bpy.ops.photoreal.run_doctor()")
    answered = f"{ask}answer = len(preferences.answers.doctor)"
    wait_for(lambda: blender.python(answered) > 3, "diagnostics", RUN_SECONDS)
    blender.settle()
    blender.picture("diagnostics")


def test_no_error_was_printed(blender: Desktop):
    lines = [
        line for line in blender.log().splitlines() if "photoreal" in line.lower() or "Traceback" in line
    ]
    wrong = [line for line in lines if "Error" in line or "Traceback" in line]
    assert wrong == [], json.dumps(wrong, indent=1)
