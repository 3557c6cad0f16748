# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets that the sidebar makes in a background Blender: their price, their pictures, their resumption."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import pytest

from photoreal_set import operators, panels
from photoreal_set.background_run.price_book import Price
from photoreal_set.background_run.run_view import Kind, RunView
from photoreal_set.background_run.set_view import SetView
from photoreal_set.processes.child import Child, Prepared
from photoreal_set.window import preferences, pump, runs, sheets
from photoreal_set.window.scene_settings import settings_of
from tests.blender.products import photo
from tests.blender.sidebar import agree, drawn_by, everything, head, know_the_price, pump_until_idle
from tests.painted_mug import painted_mug
from tests.patience import FOR_EVER_SECONDS, until


def test_the_studio_is_added_and_removed_without_a_trace(extension: bpy.types.Scene, block_file: Path):
    bpy.ops.object.light_add(type="SUN")
    bpy.ops.object.camera_add()
    bpy.data.materials.new("Mine, without users")
    before, home = everything(), extension.name
    extension.photoreal.source = str(block_file)
    bpy.ops.photoreal.build_studio()
    assert bpy.context.scene.photoreal.is_studio
    studio = bpy.context.scene
    bpy.ops.photoreal.edit_angles()
    studio.photoreal.angle_index, studio.photoreal.lens = 2, 50.0
    turned = studio.camera.matrix_world.copy()
    bpy.ops.photoreal.frame_angle()
    assert studio.camera.matrix_world != turned and studio.camera.data.lens == 50.0
    bpy.ops.photoreal.build_studio()
    assert len(bpy.data.scenes) == 2, "rebuilding removes the first one"
    bpy.context.window.scene = extension
    drawn = drawn_by(panels.PHOTOREAL_PT_studio, bpy.context)
    assert "[photoreal.show_studio]" in drawn
    bpy.ops.photoreal.show_studio()
    assert bpy.context.scene.photoreal.is_studio
    bpy.ops.photoreal.remove_studio()
    assert "[photoreal.show_studio]" not in drawn_by(panels.PHOTOREAL_PT_studio, bpy.context)
    assert bpy.context.scene.name == home
    assert everything() == before
    assert len(bpy.context.scene.photoreal.angles) == 5, "settings made in the studio are kept"


def test_a_new_studio_replaces_that_of_the_scene_and_gets_its_run(
    extension: bpy.types.Scene, block_file: Path, tmp_path: Path
):
    extension.photoreal.source = str(block_file)
    bpy.ops.photoreal.build_studio()
    old = bpy.context.scene
    old.photoreal.made_in = str(tmp_path / "set")
    child = Child([], lambda: Prepared(arguments=[]), {})
    run = runs.Run(child=child, view=RunView(kind=Kind.SET), home=runs.home_of(old))
    runs.state.runs.append(run)
    bpy.context.window.scene = extension
    bpy.ops.photoreal.build_studio()
    studio = bpy.context.scene
    assert [one.photoreal.is_studio for one in bpy.data.scenes].count(True) == 1
    assert studio.photoreal.made_in == str(tmp_path / "set")
    assert runs.run_of(studio) is run
    bpy.ops.photoreal.remove_studio()
    assert runs.run_of(extension) is run, "its photos are placed here"
    runs.state.runs.remove(run)


def small(settings: Any, out: Path) -> None:
    settings.resolution, settings.samples = 64, 1
    settings.folder = str(out)
    bpy.ops.photoreal.edit_angles()
    for _time in range(3):
        settings.angle_index = 2
        bpy.ops.photoreal.remove_angle()


def test_the_button_makes_a_set_of_the_selection_and_leaves_the_file_unchanged(
    extension: bpy.types.Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    chosen = SimpleNamespace(**{**preferences.DEFAULTS, "place_when_done": False, "device": "cpu"})
    monkeypatch.setattr(preferences, "get", lambda _context: chosen)
    settings = extension.photoreal
    small(settings, tmp_path / "set")
    settings.source_kind = "OBJECTS"
    bpy.context.object.name = "Soap Bar"
    before = everything()
    bpy.ops.photoreal.generate_set()
    assert everything() == before
    pump_until_idle()
    run = runs.run_of(extension)
    assert run is not None
    assert (run.view.state, run.view.error) == ("done", "")
    found = runs.set_of(extension)
    assert found is not None
    assert Path(extension.photoreal.made_in) == tmp_path / "set"
    assert (found.product, [name for name, _path in found.sheet()]) == (
        "Soap Bar",
        ["front", "three-quarter"],
    )
    assert not list(tmp_path.rglob("*.blend")), "the copy is removed"
    bpy.ops.photoreal.place_photos()
    sheet = bpy.data.collections["Soap Bar"]
    assert sorted(item.name for item in sheet.objects) == ["Soap Bar front", "Soap Bar three-quarter"]
    shown = sheet.objects["Soap Bar front"].data
    assert tuple(shown.size) == (64, 64)
    make_again(tmp_path / "set" / "photos" / "front.png", side=80)
    bpy.ops.photoreal.place_photos(as_new=True)
    assert tuple(shown.size) == (64, 64), "placed pictures change only when asked"
    again = bpy.data.collections["Soap Bar.001"]
    assert tuple(again.objects[0].data.size) == (120, 80)
    size = again.objects[0].empty_display_size
    heights = [{round(item.location.z, 3) for item in one.objects} for one in (sheet, again)]
    assert min(heights[1]) - max(heights[0]) > size, "one above the other"
    make_again(tmp_path / "set" / "photos" / "front.png", side=40)
    before = [item.name for item in bpy.data.objects]
    bpy.ops.photoreal.place_photos()
    assert [item.name for item in bpy.data.objects] == before, "one picture of the newest sheet is replaced"
    assert [tuple(one.objects[0].data.size) for one in (sheet, again)] == [(64, 64), (80, 40)]
    bpy.ops.photoreal.export_set(directory=str(tmp_path))
    assert (tmp_path / "Soap Bar-front.png").is_file()
    with pytest.raises(RuntimeError, match="already exists"):
        bpy.ops.photoreal.export_set(directory=str(tmp_path))


def test_a_run_whose_scene_was_undone_ends_in_the_scene_that_the_artist_sees(
    extension: bpy.types.Scene, block_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    chosen = SimpleNamespace(**{**preferences.DEFAULTS, "place_when_done": False, "device": "cpu"})
    monkeypatch.setattr(preferences, "get", lambda _context: chosen)
    extension.photoreal.source = str(block_file)
    bpy.ops.photoreal.build_studio()
    studio = bpy.context.scene
    small(studio.photoreal, tmp_path / "set")
    bpy.ops.photoreal.generate_set()
    run = runs.run_of(studio)
    assert run is not None and runs.run_of(extension) is None
    bpy.data.scenes.remove(studio)  # As undo does with Build Studio.
    pump_until_idle()
    assert (run.view.state, run.view.error) == ("done", "")
    assert runs.run_of(extension) is run
    assert Path(extension.photoreal.made_in) == tmp_path / "set"
    assert "[photoreal.place_photos]" in drawn_by(panels.PHOTOREAL_PT_gallery, bpy.context)


def make_again(path: Path, side: int) -> None:
    """Another photo under the same name: a new file, as a run writes it."""
    path.unlink()
    photo(path, side=side)


def test_the_price_comes_from_the_command_line(
    extension: bpy.types.Scene, fresh_emulator: Any, block_file: Path, monkeypatch: pytest.MonkeyPatch
):
    chosen = SimpleNamespace(**{**preferences.DEFAULTS, "fal_url": fresh_emulator.url, "device": "cpu"})
    monkeypatch.setattr(preferences, "get", lambda _context: chosen)
    monkeypatch.setattr(operators.checks, "fal", lambda _context, _settings: None)
    settings = extension.photoreal
    settings.source, settings.engine = str(block_file), "fal"
    bpy.ops.photoreal.ask_price()
    assert runs.is_asking_price()
    pump_until_idle()
    price = runs.price_of(settings_of(bpy.context))
    assert price is not None
    assert price.maximum is not None
    assert 0.0 < price.minimum <= price.maximum
    assert fresh_emulator.ledger() == []


def test_the_price_counts_all_variants_and_an_unknown_one_is_refused(
    extension: bpy.types.Scene, fresh_emulator: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    chosen = SimpleNamespace(**{**preferences.DEFAULTS, "fal_url": fresh_emulator.url, "device": "cpu"})
    monkeypatch.setattr(preferences, "get", lambda _context: chosen)
    monkeypatch.setattr(operators.checks, "fal", lambda _context, _settings: None)
    settings = extension.photoreal
    settings.source, settings.engine = str(painted_mug(("Red", "Blue")).write(tmp_path / "mug.glb")), "fal"

    def price_with(variant: str) -> Price | None:
        settings.variant = variant
        if runs.price_of(settings_of(bpy.context)) is None:
            bpy.ops.photoreal.ask_price()
            pump_until_idle()
        return runs.price_of(settings_of(bpy.context))

    one, both = price_with("red"), price_with("All")
    assert one is not None and both is not None
    assert both.minimum == pytest.approx(2 * one.minimum) and one.minimum > 0.0
    for unknown in ("Pink", "Red, Pink"):
        assert price_with(unknown) is None
        assert not bpy.ops.photoreal.generate_set.poll()
        assert "mug.glb has no variant 'Pink'. It has 'Red', 'Blue'." in " ".join(head(extension))
    assert fresh_emulator.ledger() == []


def test_a_stopped_set_can_be_resumed_and_pays_nothing_twice(
    extension: bpy.types.Scene,
    fresh_emulator: Any,
    block_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    chosen = SimpleNamespace(**{**preferences.DEFAULTS, "fal_url": fresh_emulator.url, "device": "cpu"})
    monkeypatch.setattr(preferences, "get", lambda _context: chosen)
    monkeypatch.setattr(operators.checks, "generate", lambda _context: None)
    monkeypatch.setattr(operators.checks, "fal", lambda _context, _settings: None)
    fresh_emulator.control(delays={"photo": FOR_EVER_SECONDS})
    settings = extension.photoreal
    small(settings, tmp_path / "set")
    settings.source, settings.engine = str(block_file), "fal"
    know_the_price()
    agree("generate_set")
    run = runs.set_run()
    assert run is not None

    def both_are_sent() -> bool:
        pump.pump()
        assert not run.view.is_over, run.view
        return len(fresh_emulator.ledger()) == 2

    until(both_are_sent)
    bpy.ops.photoreal.cancel_here()
    assert "[End Now]" in head(extension)
    bpy.ops.photoreal.cancel_here()
    pump_until_idle()
    found = runs.set_of(extension)
    assert found is not None
    assert found.can_resume
    assert "[photoreal.resume_set]" in head(extension)
    fresh_emulator.control(delays={"photo": 0.0}, advance=FOR_EVER_SECONDS)
    agree("resume_set")
    pump_until_idle()
    found = runs.set_of(extension)
    assert found is not None
    assert found.state == "done"
    assert len(fresh_emulator.ledger()) == 2
    agree("redo_angle", name="front")
    pump_until_idle()
    found = runs.set_of(extension)
    assert found is not None
    assert found.state == "done"
    sent = fresh_emulator.ledger()
    assert len(sent) == 3
    assert sent[2]["input"]["image_url"] and sent[2]["input"]["seed"] == 1
    assert placed(extension, found) == ["front.2.png"], "another take replaces the picture of the sheet"
    bpy.ops.photoreal.step_take(name="front", step=-1)
    drawn = drawn_by(panels.PHOTOREAL_PT_gallery, bpy.context)
    assert "Take 1" in " ".join(drawn) and "[photoreal.choose_take]" in drawn
    assert runs.set_of(extension).pictures[0].take == 2, "looking changes nothing"
    bpy.ops.photoreal.choose_take(name="front", number=1)
    pump_until_idle()
    found = runs.set_of(extension)
    assert found is not None and found.pictures[0].take == 1
    assert "[photoreal.choose_take]" not in drawn_by(panels.PHOTOREAL_PT_gallery, bpy.context)
    assert placed(extension, found) == ["front.2.png"], "placed pictures change only when asked"
    bpy.ops.photoreal.place_photos()
    assert placed(extension, found) == ["front.1.png"]
    assert len(fresh_emulator.ledger()) == 3, "choosing is free"


def placed(scene: bpy.types.Scene, found: SetView) -> list[str]:
    """The files of the front picture on every sheet of a set."""
    shown = [sheet.objects for sheet in sheets.sheets_of(scene, found.folder)]
    return [Path(item.data.filepath).name for one in shown for item in one if "front" in item.name]


def test_a_damaged_model_can_be_generated_again_from_the_gallery(
    extension: bpy.types.Scene, fresh_emulator: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    chosen = SimpleNamespace(**{**preferences.DEFAULTS, "fal_url": fresh_emulator.url, "device": "cpu"})
    monkeypatch.setattr(preferences, "get", lambda _context: chosen)
    monkeypatch.setattr(operators.checks, "generate", lambda _context: None)
    monkeypatch.setattr(operators.checks, "fal", lambda _context, _settings: None)
    fresh_emulator.control(faults=[{"name": "corrupt-output", "endpoint": "*meshy*", "count": 1}])
    settings = extension.photoreal
    small(settings, tmp_path / "set")
    settings.source_kind, settings.video = "PHOTOS", "none"
    settings.photos.add().path = str(photo(tmp_path / "front.png"))
    know_the_price()
    agree("generate_set")
    pump_until_idle()
    found = runs.set_of(extension)
    assert found is not None and "edo" in found.error and "--" not in found.error
    assert "[photoreal.redo_model]" in drawn_by(panels.PHOTOREAL_PT_gallery, bpy.context)
    agree("redo_model")
    pump_until_idle()
    found = runs.set_of(extension)
    assert found is not None
    assert (found.state, found.model_price) == ("done", 1.2)
    assert len(fresh_emulator.ledger()) == 2


def test_diagnostics_are_shown_in_the_preferences(
    extension: bpy.types.Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    chosen = SimpleNamespace(**{**preferences.DEFAULTS, "output_folder": str(tmp_path)})
    monkeypatch.setattr(preferences, "get", lambda _context: chosen)
    bpy.ops.photoreal.run_doctor()
    pump_until_idle()
    text = "\n".join(preferences.answers.doctor)
    for word in ("Blender", "pillow", "Cycles renders on", "OpenImageDenoise", "key", str(tmp_path)):
        assert word in text
