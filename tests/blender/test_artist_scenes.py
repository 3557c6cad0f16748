# SPDX-License-Identifier: GPL-3.0-or-later
"""The button in scenes as artists have them: linked and instanced products, other modes, lights and cameras."""

import json
from pathlib import Path
from typing import Any

import bpy
import pytest
from mathutils import Matrix

from photoreal_set.studio.blend_file import convert_to_glb
from photoreal_set.window import pump, runs, sheets
from photoreal_set.window.selection import external_folders, write_selection
from tests.blender.artist_scenes import PLACE, SELECTIONS, SIZE, Make, box_of, choose, write_library
from tests.blender.sidebar import everything, pump_until_idle
from tests.patience import until


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("library") / "library.blend"
    write_library(path)
    return path


@pytest.mark.parametrize("make", SELECTIONS)
def test_a_selection_is_photographed_in_place(
    library: Path, extension: bpy.types.Scene, tmp_path: Path, make: Make
):
    make(library)
    before, mode = everything(), bpy.context.mode
    copy = write_selection(bpy.context, with_cameras=False)
    assert (everything(), bpy.context.mode) == (before, mode)
    convert_to_glb(copy, tmp_path / "copy.glb", list(map(Path, external_folders())))
    low, high = box_of(tmp_path / "copy.glb")
    assert list(low) == pytest.approx([one - SIZE / 2.0 for one in PLACE], abs=1e-4)
    assert list(high) == pytest.approx([one + SIZE / 2.0 for one in PLACE], abs=1e-4)


def values(item: Any, depth: int = 3) -> Any:
    """All properties of a data-block, references by name."""
    found = {}
    for each in item.bl_rna.properties:
        value = getattr(item, each.identifier)
        if each.identifier in {"rna_type", "is_evaluated", "users", "select", "tag"}:
            continue
        if each.type == "POINTER":
            nested = value is not None and depth and not isinstance(value, bpy.types.ID)
            found[each.identifier] = values(value, depth - 1) if nested else getattr(value, "name", None)
        elif each.type == "COLLECTION":
            found[each.identifier] = [getattr(one, "name", "") for one in value]
        else:
            found[each.identifier] = repr(value[:] if getattr(each, "is_array", False) else value)
    return found


def artists_own(scene: bpy.types.Scene) -> dict[str, Any]:
    """All of the artist's lights and cameras, and the world and render settings of the scene."""
    kinds = {"LIGHT", "CAMERA", "LIGHT_PROBE"}
    mine = [item for item in scene.objects if item.type in kinds]
    found = {item.name: [values(item), values(item.data)] for item in mine}
    parts = (scene.render, scene.cycles, scene.view_settings, scene.display_settings, scene.world)
    found["scene"] = [values(part) for part in parts]
    found["camera"] = [scene.camera.name, scene.frame_current]
    return found


def fill_with_lights(scene: bpy.types.Scene) -> None:
    for number, kind in enumerate(("SUN", "AREA", "POINT", "SPOT")):
        bpy.ops.object.light_add(type=kind, location=(number, -number, 4.0))
        bpy.context.object.data.energy = 10.0 + number
    for name in ("Shot A", "Shot B", "Not this one"):
        bpy.ops.object.camera_add(location=(0.0, -3.0, 0.0), rotation=(1.5707963, 0.0, 0.0))
        bpy.context.object.name = name
        bpy.context.object.data.lens = 60.0
    bpy.context.object.hide_render = True
    scene.camera = bpy.data.objects["Shot B"]
    scene.world = bpy.data.worlds.new("Dusk")
    scene.render.resolution_x, scene.frame_current = 777, 12


def test_the_artists_lights_and_cameras_stay_as_they_are(
    extension: bpy.types.Scene, block_file: Path, tmp_path: Path
):
    fill_with_lights(extension)
    before, names = artists_own(extension), everything()
    extension.photoreal.source = str(block_file)
    bpy.ops.photoreal.build_studio()
    studio = bpy.context.scene
    assert artists_own(extension) == before
    assert not [item.name for item in studio.objects if item.type == "LIGHT" and item.name in before]
    bpy.ops.photoreal.remove_studio()
    assert (artists_own(extension), everything()) == (before, names)
    for item in extension.objects:
        item.select_set(True)
    write_selection(bpy.context, with_cameras=True)
    assert (artists_own(extension), everything()) == (before, names)


def test_cameras_photograph_a_selection_from_their_exact_positions(
    extension: bpy.types.Scene, tmp_path: Path
):
    fill_with_lights(extension)
    item = bpy.data.objects["Cube"]
    choose(item)
    bpy.ops.object.mode_set(mode="EDIT")
    settings = extension.photoreal
    settings.source_kind, settings.angles_from = "OBJECTS", "CAMERAS"
    settings.resolution, settings.samples, settings.folder = 64, 1, str(tmp_path / "set")
    bpy.ops.photoreal.generate_set()
    run = runs.set_run()
    assert run is not None
    assert list(run.view.rows) == ["Shot-A", "Shot-B"]
    until(lambda: pump.pump() is not None and run.view.is_over)
    assert (run.view.state, run.view.error) == ("done", "")
    assert bpy.context.mode == "EDIT_MESH"
    assert not sheets.sheets_of(extension, tmp_path / "set"), "photos are placed in Object Mode"
    record = json.loads((tmp_path / "set" / "set.json").read_text())
    assert [angle["name"] for angle in record["angles"]] == ["Shot-A", "Shot-B"]
    seen = record["angles"][0]["camera"]
    assert (seen["lens_mm"], seen["sensor_mm"]) == pytest.approx((60.0, 36.0))
    # The relation is unchanged: the camera's position relative to the product.
    standing = Matrix(record["model"]["standing_matrix"])
    place = standing.inverted() @ Matrix(seen["matrix_world"]).translation
    assert list(place) == pytest.approx(list(bpy.data.objects["Shot A"].location), abs=1e-3)
    bpy.ops.object.mode_set(mode="OBJECT")
    pump_until_idle()
    assert sheets.sheets_of(extension, tmp_path / "set")


def test_a_model_chosen_in_edit_mode_waits_with_its_studio(extension: bpy.types.Scene, block_file: Path):
    choose(bpy.data.objects["Cube"])
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.photoreal.import_product(filepath=str(block_file))
    assert (bpy.context.mode, bpy.context.scene) == ("EDIT_MESH", extension)
    assert extension.photoreal.source == str(block_file)
    assert bpy.ops.photoreal.generate_set.poll()
    assert not bpy.ops.photoreal.build_studio.poll()
    bpy.ops.object.mode_set(mode="OBJECT")
    assert bpy.ops.photoreal.build_studio.poll()


@pytest.mark.parametrize(
    ("kind", "reason"), [("OBJECTS", "has no camera"), ("TEXT", "by fal.ai has no cameras")]
)
def test_without_a_camera_the_button_explains_why(extension: bpy.types.Scene, kind: str, reason: str):
    settings = extension.photoreal
    settings.source_kind, settings.words, settings.angles_from = kind, "a jar", "CAMERAS"
    with pytest.raises(RuntimeError, match=reason):
        bpy.ops.photoreal.generate_set()
