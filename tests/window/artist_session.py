# SPDX-License-Identifier: GPL-3.0-or-later
"""An artist's workflow in a real Blender with a window: from the zip to a set in the file.

The tests of one Blender depend on each other and run in order, as a user would work.
"""

import json
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from tests.blender.products import textured_block
from tests.fal_emulator.process import RunningEmulator
from tests.watched_processes import arguments_of_processes
from tests.window.desktop import Desktop, wait_for
from tests.window.states import PREPARE, STATES
from tests.window.timing import ENABLE, LIVE, MODULE, WATCH

WHEELS = ("PIL", "httpx", "anyio", "fal_client")  # Blender itself imports certifi.
RUN_SECONDS = 600.0
DROP_SECONDS = 20.0
FIRST_FILE = 38  # Pixels below the upper edge of a File Browser's list.
MAX_BLOCK_SECONDS = 0.05
MAX_REDRAW_SECONDS = 0.01  # All panels together; they need far less.
MAX_ENABLE_SECONDS = 0.3
MAX_LIVE_SECONDS = 0.016  # A frame.

VIEW = (
    "spaces = [area.spaces.active for area in bpy.context.window_manager.windows[0].screen.areas]\n"
    "view = next(one for one in spaces if one.type == 'VIEW_3D')\n"
)
ask = f"from {MODULE}.window import preferences, pump, runs, scene_settings\nsettings = bpy.context.scene.photoreal\n"


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
    # As the user allows it in the preferences. At startup Blender would check for updates online.
    desktop.python("bpy.context.preferences.system.use_online_access = True")
    yield desktop
    desktop.quit_blender()


def assert_is_there(desktop: Desktop) -> None:
    """Enabled, and no bundled wheel was imported."""
    enabled, imported = desktop.python(
        f"import sys\nanswer = [{MODULE!r} in bpy.context.preferences.addons, sorted(set({WHEELS!r}) & set(sys.modules))]"
    )
    assert enabled
    assert imported == []


def ended(desktop: Desktop) -> Any:
    wait_for(
        lambda: desktop.python(f"{ask}answer = pump.pump() is None and runs.set_run() is None"),
        "the end of the run",
        RUN_SECONDS,
    )
    return desktop.python(
        f"{ask}run = runs.run_of(bpy.context.scene)\nanswer = [run.view.state, run.view.error, run.view.warnings]"
    )


def test_the_tab_opens_and_shows_the_first_step(blender: Desktop):
    assert_is_there(blender)
    blender.show_tab("Photoreal")
    blender.picture("first")
    with pytest.raises(RuntimeError, match="Choose a GLB"):
        blender.python("bpy.ops.photoreal.generate_set()")


def drop_from_file_browser(desktop: Desktop, folder: str, target: tuple[int, int]) -> None:
    """Drag the one file of a folder from a File Browser beside the viewport, and choose the last of its importers."""
    window = "window = bpy.context.window_manager.windows[0]\n"
    desktop.python(
        f"{window}area = next(a for a in window.screen.areas if a.type in ('PROPERTIES', 'FILE_BROWSER'))\n"
        "area.ui_type = 'FILES'"
    )
    desktop.settle()
    browser = f"{window}area = next(a for a in window.screen.areas if a.type == 'FILE_BROWSER')\n"
    desktop.python(
        f"{browser}space = area.spaces.active\nspace.params.directory = {folder.encode()!r}\n"
        "space.params.display_type, space.show_region_toolbar = 'LIST_VERTICAL', False"
    )
    desktop.settle()
    region = desktop.python(
        f"{browser}region = next(r for r in area.regions if r.type == 'WINDOW')\n"
        "answer = [region.x, window.height - region.y - region.height]"
    )
    desktop.drag((region[0] + 80, region[1] + FIRST_FILE), target)
    desktop.key("End", "Return")


def test_a_dropped_model_appears_in_the_studio(blender: Desktop):
    folder = blender.folder / "products"
    folder.mkdir()
    shutil.copyfile(blender.folder / "Tea Jar.glb", folder / "Tea Jar.glb")

    def is_there() -> bool:
        # The list of files comes when it has been read.
        drop_from_file_browser(blender, "/desk/products", (500, 500))
        try:
            wait_for(lambda: blender.python("answer = len(bpy.data.scenes)") == 2, "the studio", DROP_SECONDS)
        except TimeoutError:
            blender.picture("drop")
            blender.key("Escape")
            return False
        return True

    wait_for(is_there, "the dropped model in the studio")
    blender.python(
        "area = next(a for a in bpy.context.window_manager.windows[0].screen.areas if a.type == 'FILE_BROWSER')\n"
        "area.ui_type = 'PROPERTIES'"
    )
    blender.show_tab("Photoreal")
    blender.picture("studio")
    names = blender.python(
        "answer = [bpy.context.scene.name, bpy.context.scene.photoreal.home.name, len(bpy.data.scenes)]"
    )
    assert names == ["Photoreal Studio", "Scene", 2]
    shown = blender.python(
        f"{VIEW}answer = [view.shading.type, view.region_3d.view_perspective, view.overlay.show_floor, "
        "view.overlay.show_extras, view.shading.use_scene_world]"
    )
    assert shown == ["RENDERED", "CAMERA", False, False, True]
    looks = f"{VIEW}answer = [view.shading.type, view.overlay.show_extras, view.overlay.show_floor]"
    blender.python("bpy.context.window_manager.windows[0].scene = bpy.data.scenes['Scene']")
    wait_for(
        lambda: blender.python(looks) == ["SOLID", True, True], "the view as before, in the artist's scene"
    )
    blender.press("photoreal.show_studio")
    wait_for(lambda: blender.python(looks) == ["RENDERED", False, False], "the view of the studio")
    blender.python(
        f"{VIEW}view.shading.type = 'SOLID'"
    )  # Cycles would take the processors from what follows.


def test_the_studio_follows_within_a_frame(blender: Desktop):
    times = blender.python(LIVE)
    assert {name: own for name, (_clock, own) in times.items() if own > MAX_LIVE_SECONDS} == {}


def test_fal_without_a_key_offers_the_preferences(blender: Desktop):
    blender.python(f"{ask}settings.resolution, settings.samples = 160, 1\nsettings.engine = 'fal'")
    blender.settle()
    blender.picture("no-key")
    with pytest.raises(RuntimeError, match="needs a key"):
        blender.python("bpy.ops.photoreal.generate_set()")


def test_the_button_shows_the_price(blender: Desktop, emulator: RunningEmulator):
    blender.python(
        f"{ask}preferences.get(bpy.context).fal_url = {emulator.url!r}\n"
        "settings.folder = '/desk/set'\nsettings.video = 'fal'"
    )
    known = f"{ask}price = runs.price_of(scene_settings.settings_of(bpy.context))\nanswer = price.text if price else ''"
    assert wait_for(lambda: blender.python(known), "the price", RUN_SECONDS).startswith("$0.")
    blender.settle()
    blender.picture("price")
    assert emulator.ledger() == [], "asking is free"


def test_the_button_makes_a_set_while_the_artist_continues_working(
    blender: Desktop, emulator: RunningEmulator
):
    blender.python(WATCH)
    emulator.control(delays={"photo": 2.0})
    blender.press("photoreal.generate_set")
    wait_for(lambda: blender.python(f"{ask}answer = runs.set_run() is not None"), "the run")
    wait_for(
        lambda: blender.python(
            f"{ask}answer = any(row.is_busy for row in runs.set_run().view.rows.values())"
        ),
        "work",
        RUN_SECONDS,
    )
    blender.python("bpy.context.scene.cursor.location.x = 5.0")
    blender.settle()
    blender.picture("working")
    state, error, _warnings = ended(blender)
    assert (state, error) == ("done", "")
    wait_for(lambda: blender.python("answer = 'Tea Jar' in bpy.data.collections"), "the photos in the scene")
    assert len(emulator.ledger()) == 6
    left, top, width, height = blender.sidebar()
    blender.move(left + width // 2, top + height - 20)  # A button under the mouse stays highlighted.
    blender.settle()
    blender.picture("finished")
    blender.scroll(left + width // 2, top + height // 2, 60)
    blender.settle()
    blender.picture("gallery")
    blender.scroll(left + width // 2, top + height // 2, -90)


def test_a_picture_opens_large_and_is_compared_with_its_render(blender: Desktop):
    first = "with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):\n    "
    blender.python(f"{first}bpy.ops.photoreal.open_picture(name='front', take=1)")
    editor = (
        "window = bpy.context.window_manager.windows[-1]\n"
        "area = next(a for a in window.screen.areas if a.ui_type == 'IMAGE_EDITOR')\n"
        "region = next(r for r in area.regions if r.type == 'WINDOW')\n"
    )
    inside = f"{editor}with bpy.context.temp_override(window=window, area=area, region=region):\n    "
    shown = f"{editor}answer = area.spaces.active.image.name"
    assert blender.python(shown) == "Tea Jar front take 1"
    blender.python(
        f"{inside}bpy.ops.image.view_zoom_ratio(ratio=2.0)\n    bpy.ops.image.view_pan(offset=(20.0, 5.0))"
    )
    blender.settle()
    place = f"{editor}answer = [one for part in (0.0, 1.0) for one in region.view2d.view_to_region(part, part, clip=False)]"
    before = blender.python(place)
    header = inside.replace("'WINDOW'", "'HEADER'")  # Where its button is.
    for take in (0, 1, 0, 1, 0):  # What is off by half a pixel adds up.
        blender.python(f"{header}bpy.ops.photoreal.flip_picture(name='front', take={take})")
        blender.settle()
    assert blender.python(shown) == "Tea Jar front render"
    assert blender.python(place) == pytest.approx(before, abs=1), "in the same place"
    blender.python(f"{inside}bpy.ops.image.view_all(fit_view=True)")
    blender.python(f"{inside}bpy.ops.photoreal.compare_pictures('INVOKE_DEFAULT', take=1)")
    blender.settle()
    blender.picture("compare")
    running = f"{editor}answer = len(window.modal_operators) if hasattr(window, 'modal_operators') else -1"
    assert blender.python(running) != 0
    left, top, width, height = blender.python(
        f"{editor}answer = [window.x + region.x, 1000 - window.y - region.y - region.height, region.width, region.height]"
    )
    blender.click(left + width // 2, top + height // 2)
    wait_for(lambda: blender.python(running) in (0, -1), "the end of the comparison")
    blender.python(f"{editor}with bpy.context.temp_override(window=window):\n    bpy.ops.wm.window_close()")
    wait_for(
        lambda: blender.python("answer = len(bpy.context.window_manager.windows)") == 1, "the closed window"
    )


def test_nothing_blocked_the_window(blender: Desktop):
    pairs = blender.python("answer = bpy.app.driver_namespace['photoreal_spent']")
    spent = {name: [own for _clock, own in times] for name, times in pairs.items()}
    assert {"pump", "PHOTOREAL_OT_generate_set.pay"} <= set(spent)
    longest = {name: max(times) for name, times in spent.items()}
    assert {name: seconds for name, seconds in longest.items() if seconds > MAX_BLOCK_SECONDS} == {}
    redraw = [sorted(times)[len(times) // 2] for name, times in spent.items() if "_PT_" in name]
    assert 0.0 < sum(redraw) < MAX_REDRAW_SECONDS, spent


def test_placing_is_one_undo_step(blender: Desktop):
    def state() -> list[Any]:
        return blender.python(
            "answer = ['Tea Jar' in bpy.data.collections, len(bpy.data.scenes), "
            "any(o.name.startswith('Photoreal Product') for o in bpy.data.objects)]"
        )

    assert state() == [True, 2, True]
    blender.move(500, 500)
    blender.key("ctrl+z")
    wait_for(lambda: state() == [False, 2, True], "one undo")
    blender.key("ctrl+shift+z")
    wait_for(lambda: state() == [True, 2, True], "one redo")


def test_a_reopened_file_shows_the_set_in_the_gallery(blender: Desktop):
    blender.python("bpy.ops.wm.save_as_mainfile(filepath='/desk/mine.blend')")
    blender.python("bpy.ops.wm.read_homefile(use_factory_startup=True)")
    assert blender.python(f"{ask}answer = runs.set_of(bpy.context.scene) is None")
    blender.python("bpy.ops.wm.open_mainfile(filepath='/desk/mine.blend')")
    wait_for(lambda: blender.python(f"{ask}answer = runs.set_of(bpy.context.scene) is not None"), "the set")
    assert blender.python(
        "answer = all(i.has_data or i.size[0] for i in bpy.data.images if i.name.endswith('.png'))"
    )


def test_removing_the_studio_restores_the_scene(blender: Desktop):
    blender.python("bpy.ops.photoreal.remove_studio()")
    names = blender.python(
        "answer = [[s.name for s in bpy.data.scenes], sorted(o.name for o in bpy.data.objects if o.type != 'EMPTY'), "
        "[c.name for c in bpy.data.collections['Photoreal Sheets'].children]]"
    )
    assert names == [["Scene"], ["Camera", "Cube", "Light"], ["Tea Jar"]], "the photos are in the scene"
    shown = blender.python(f"{VIEW}answer = [view.overlay.show_extras, view.shading.use_scene_world]")
    assert shown == [True, False], "as before the studio"


def scenes_shown(desktop: Desktop) -> list[str]:
    return desktop.python("answer = [window.scene.name for window in bpy.context.window_manager.windows]")


def test_the_studio_is_added_and_removed_in_several_windows(blender: Desktop):
    blender.python(
        "with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):\n    bpy.ops.wm.window_new_main()"
    )
    wait_for(lambda: len(scenes_shown(blender)) == 2, "a second window")
    in_first = "with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):\n    bpy.ops.photoreal."
    blender.python(f"{ask}settings.source_kind, settings.source = 'FILE', '/desk/Tea Jar.glb'")
    blender.python(f"{in_first}build_studio()")
    assert scenes_shown(blender) == ["Photoreal Studio", "Scene"]
    blender.python("bpy.context.window_manager.windows[1].scene = bpy.data.scenes['Photoreal Studio']")
    blender.python(f"{in_first}build_studio()")
    shown = scenes_shown(blender)
    assert shown[0] == shown[1] != "Scene"
    blender.python(f"{in_first}remove_studio()")
    assert scenes_shown(blender) == ["Scene", "Scene"]
    assert blender.python("answer = len(bpy.data.scenes)") == 1


def test_photos_wait_until_the_artist_has_finished_sculpting(blender: Desktop):
    blender.python(
        f"""{ask}
first = bpy.context.window_manager.windows[0]
with bpy.context.temp_override(window=first):
    bpy.ops.object.select_all(action='DESELECT')
    cube = bpy.data.objects['Cube']
    cube.select_set(True)
    first.view_layer.objects.active = cube
    bpy.ops.object.mode_set(mode='SCULPT')
    settings.source_kind, settings.engine, settings.video = 'OBJECTS', 'cycles', 'none'
    settings.angles_from, settings.folder = 'CAMERAS', '/desk/sculpted'
    settings.resolution, settings.samples = 48, 1
    bpy.ops.photoreal.generate_set()
"""
    )
    finished = f"{ask}run = runs.run_of(bpy.data.scenes['Scene'])\nanswer = run.view.state if runs.waits_to_place(run) else ''"
    assert wait_for(lambda: blender.python(finished), "the end of the run", RUN_SECONDS) == "done"
    assert blender.python("answer = [bpy.data.objects['Cube'].mode, 'Cube' in bpy.data.collections]") == [
        "SCULPT",
        False,
    ]
    blender.settle()
    blender.picture("waits-for-object-mode")
    blender.python(
        "with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):\n"
        "    bpy.ops.object.mode_set(mode='OBJECT')"
    )
    wait_for(lambda: blender.python("answer = 'Cube' in bpy.data.collections"), "the photos in the scene")
    assert blender.python("answer = [one.name for one in bpy.data.collections['Cube'].objects]") == [
        "Cube Camera"
    ]
    blender.python(
        "second = bpy.context.window_manager.windows[1]\nwith bpy.context.temp_override(window=second):\n    bpy.ops.wm.window_close()\n"
        f"{ask}settings.angles_from = 'LIST'"
    )


def test_a_run_outlives_its_blender(blender: Desktop):
    """In a real Blender, where a closed pipe ends a process that does not take care of it."""
    manifest = blender.folder / "outlived" / "set.json"
    blender.python("bpy.ops.wm.read_homefile(use_factory_startup=True)")
    blender.python(
        f"{ask}settings.source_kind, settings.engine, settings.video = 'OBJECTS', 'cycles', 'none'\n"
        "settings.angles_from, settings.folder = 'CAMERAS', '/desk/outlived'\n"
        "settings.resolution, settings.samples = 384, 32\n"
        "bpy.ops.wm.save_as_mainfile(filepath='/desk/outlived.blend')\n"
        "with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):\n"
        "    bpy.ops.photoreal.generate_set()"
    )
    wait_for(manifest.exists, "the beginning of the set", RUN_SECONDS)
    assert blender.quit_blender() == 0
    assert json.loads(manifest.read_text())["state"] != "done", "it was closed in the middle of the run"
    blender.start_blender("/desk/outlived.blend")
    blender.python("bpy.context.preferences.system.use_online_access = True")
    found = f"{ask}answer = runs.run_of(bpy.context.scene) is not None"
    wait_for(lambda: blender.python(found), "the run")
    blender.show_tab("Photoreal")
    blender.picture("outlived")
    wait_for(lambda: blender.python("answer = 'Cube' in bpy.data.collections"), "the photos", RUN_SECONDS)
    assert blender.python(f"{ask}answer = runs.run_of(bpy.context.scene).view.state") == "done"
    blender.python(f"{ask}settings.angles_from = 'LIST'")
    assert json.loads(manifest.read_text())["state"] == "done"


def test_selections_are_photographed_in_place(blender: Desktop):
    script = ("--python-exit-code", "3", "--python", "/project/tests/window/selections.py")
    output = blender.run("blender", "-b", *script)
    line = next(line for line in output.splitlines() if line.startswith("SELECTIONS "))
    distances = json.loads(line.removeprefix("SELECTIONS "))
    assert distances
    assert {name: metres for name, metres in distances.items() if metres > 1e-4} == {}


def prepare_one_photo(desktop: Desktop, emulator: RunningEmulator, source: str, folder: str) -> None:
    """Choose a set of one small photo by fal.ai, and ask for its price."""
    desktop.python(
        f"{ask}preferences.get(bpy.context).fal_url = {emulator.url!r}\n"
        f"settings.folder, settings.source = {folder!r}, {source!r}\n"
        "settings.source_kind, settings.engine, settings.video = 'FILE', 'fal', 'none'\n"
        "settings.resolution, settings.samples = 64, 1\n"
        "bpy.ops.photoreal.edit_angles()\n"
        "while len(settings.angles) > 1:\n    settings.angle_index = 1\n    bpy.ops.photoreal.remove_angle()\n"
        "bpy.ops.photoreal.ask_price()"
    )


def generate_when_priced(desktop: Desktop) -> None:
    can_start = "answer = bpy.ops.photoreal.generate_set.poll()"
    wait_for(lambda: desktop.python(can_start), "the price", RUN_SECONDS)
    desktop.python(
        f"{ask}price = runs.price_of(scene_settings.settings_of(bpy.context)).text\n"
        "bpy.ops.photoreal.generate_set(price=price)"
    )


def test_a_lost_answer_waits_for_the_artist(blender: Desktop, emulator: RunningEmulator):
    blender.show_tab("Photoreal")
    emulator.control(
        reset=True,
        faults=[{"name": "drop-submit-answer", "count": 1}, {"name": "nginx-503", "at": "requests"}],
    )
    prepare_one_photo(blender, emulator, "/desk/Tea Jar.glb", "/desk/held")
    generate_when_priced(blender)
    state, _error, _warnings = ended(blender)
    assert state == "held"
    wait_for(
        lambda: blender.python(
            f"{ask}found = runs.set_of(bpy.context.scene)\nanswer = len(found.held) if found else 0"
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
        f"{ask}from {MODULE}.operators.paying import at_most\n"
        "key = runs.set_of(bpy.context.scene).held[0].key\n"
        "bpy.ops.photoreal.resolve_uncertain("
        "key=key, decision='resend', is_not_in_dashboard=True, price=at_most(bpy.context).agreed)"
    )
    state, error, _warnings = ended(blender)
    assert (state, error) == ("done", "")


@pytest.fixture
def key(blender: Desktop) -> Iterator[bytes]:
    """A key in the environment of Blender and in its preferences, read from a file so that no order contains it."""
    value = b"canary-in-a-window-93bd:5e1f0c77secret2b9d"
    file = blender.folder / "keys" / "key.txt"
    file.parent.mkdir()
    file.write_bytes(value)
    blender.python(
        f"import os\nfrom pathlib import Path\n{ask}os.environ['FAL_KEY'] = Path('/desk/keys/key.txt').read_text()\n"
        "preferences.get(bpy.context).fal_key = os.environ['FAL_KEY']"
    )
    yield value
    blender.python(
        f"import os\n{ask}del os.environ['FAL_KEY']\nchosen = preferences.get(bpy.context)\n"
        "chosen.fal_key, chosen.key_source = '', 'PREFERENCES'"
    )


def hostile_model(desktop: Desktop) -> str:
    """A model that names the environment as its texture; its path inside the root."""
    glb = textured_block()
    glb.document["images"] = [{"uri": "/proc/self/environ"}]
    glb.write(desktop.folder / "hostile.glb")
    return "/desk/hostile.glb"


def test_no_byte_of_a_key_leaves_the_window(blender: Desktop, emulator: RunningEmulator, key: bytes):
    emulator.control(reset=True)
    said = []
    hostile = hostile_model(blender)

    def price_error() -> Any:
        return blender.python(f"{ask}answer = runs.price_error(scene_settings.settings_of(bpy.context))")

    with arguments_of_processes() as seen:
        for key_source in ("PREFERENCES", "ENVIRONMENT"):
            blender.python(f"{ask}preferences.get(bpy.context).key_source = {key_source!r}")
            prepare_one_photo(blender, emulator, hostile, f"/desk/refused-{key_source}")
            said.append(wait_for(price_error, "an answer about the price", RUN_SECONDS))
            assert "is outside its folder" in said[-1]
            prepare_one_photo(blender, emulator, "/desk/Tea Jar.glb", f"/desk/kept-{key_source}")
            generate_when_priced(blender)
            said.append(ended(blender))
            assert said[-1][0] == "done"
        blender.python(f"{ask}settings.engine, settings.source = 'cycles', {hostile!r}")
        generate_when_priced(blender)
        said.append(ended(blender))
        assert "is outside its folder" in said[-1][1]
    marks = key.removeprefix(b"canary-").split(b":")
    files = [path for path in blender.folder.rglob("*") if path.is_file() and path.parent.name != "keys"]
    assert {"blender.log", "set.json", "product.glb", "index.html"} <= {path.name for path in files}
    assert not [path for path in files if any(mark in path.read_bytes() for mark in marks)]
    assert not any(mark in json.dumps([said, emulator.ledger()]).encode() for mark in marks)
    assert any(b"batch.py" in arguments for arguments in seen), "the background Blender was seen"
    assert not [arguments for arguments in seen if any(mark in arguments for mark in marks)]


def test_enabling_causes_no_noticeable_delay(blender: Desktop):
    # The least of three: other processes on the same core cost processor time, too.
    assert min(blender.python(ENABLE)[1] for _time in range(3)) < MAX_ENABLE_SECONDS


def use_theme(desktop: Desktop, theme: str) -> None:
    desktop.python(
        f"""
from pathlib import Path
found = [Path(place) / 'Blender_{theme}.xml' for place in bpy.utils.preset_paths('interface_theme')]
path = next(path for path in found if path.exists())
bpy.ops.script.execute_preset(filepath=str(path), menu_idname='USERPREF_MT_interface_theme_presets')
"""
    )


@pytest.mark.parametrize(("theme", "scale"), [("Dark", 1.0), ("Light", 1.5)])
def test_every_state_of_every_panel_is_captured(blender: Desktop, theme: str, scale: float):
    Image.new("RGB", (256, 256), (60, 120, 180)).save(blender.folder / "picture.png")
    blender.show_tab("Photoreal")
    use_theme(blender, theme)
    blender.python(f"bpy.context.preferences.view.ui_scale = {scale}")
    # The states are simulated, so no prices are requested.
    listening = f"from {MODULE}.window import changes, pump\nchanges.{{}}(pump._settings_changed)"
    blender.python(listening.format("stop_listening"))
    for name, code in STATES.items():
        blender.python(f"{PREPARE}\n{code}")
        blender.settle()
        blender.picture(f"state-{theme.lower()}-{name}", blender.sidebar())
    blender.python(
        f"{PREPARE}\nforget()\nonly(*(cls.__name__[13:] for cls in panels.CLASSES if '_PT_' in cls.__name__))"
    )
    blender.python(f"bpy.context.preferences.view.ui_scale = 1.0\n{listening.format('listen')}")


def test_the_preferences_are_captured(blender: Desktop):
    use_theme(blender, "Light")
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


LANGUAGES = {
    "de_DE": ["Fotos platzieren", "3 Objekte ausgewählt", "Füllgrad"],
    "ja_JP": ["写真を配置", "3オブジェクトを選択中", "占有率"],
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_window_speaks_the_language_of_blender(blender: Desktop, language: str):
    blender.python(
        f"view = bpy.context.preferences.view\nview.language = {language!r}\n"
        "view.use_translate_interface = view.use_translate_tooltips = view.use_translate_reports = True"
    )
    said, left = blender.python(
        f"""
from {MODULE}.window import translations, words
ask = bpy.app.translations.pgettext_iface
said = [ask('Place Photos', 'Operator'), words.iface_('{{count}} objects selected', count=3), words.iface_('Fill')]
known = translations.for_blender()[{language[:2]!r}]
answer = [said, [text for (context, text), other in known.items() if other != text == ask(text, context)]]
"""
    )
    blender.show_tab("Photoreal")
    blender.picture(f"language-{language}")
    blender.python("bpy.context.preferences.view.language = 'en_US'")
    assert said == LANGUAGES[language]
    assert left == []


def test_online_manual_opens_a_page_of_the_extension(blender: Desktop):
    found = blender.python(
        """
from bl_operators.wm import WM_OT_doc_view_manual, _wm_doc_get_id
from urllib.parse import unquote, urlsplit
from pathlib import Path
names = ['photoreal.generate_set', 'PhotorealSettings.rig', 'PhotorealAngle.fill']
answer = []
for name in names:
    address = WM_OT_doc_view_manual._lookup_rna_url(_wm_doc_get_id(name, do_url=False), verbose=False)
    answer.append([address.rpartition('/')[2], Path(unquote(urlsplit(address).path)).is_file()])
"""
    )
    assert found == [
        ["user-guide.html#the-first-set-free", True],
        ["studio.html#light", True],
        ["user-guide.html#angles", True],
    ]


def test_no_error_was_printed(blender: Desktop):
    lines = [
        line for line in blender.log().splitlines() if "photoreal" in line.lower() or "Traceback" in line
    ]
    wrong = [line for line in lines if "Error" in line or "Traceback" in line]
    assert wrong == [], json.dumps(wrong, indent=1)
