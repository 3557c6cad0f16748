# SPDX-License-Identifier: GPL-3.0-or-later
"""The button in scenes as artists have them: linked and instanced products, other modes, lights and cameras."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import pytest
from mathutils import Matrix, Vector

from photoreal_set import runtime
from photoreal_set.studio.blend_file import convert_to_glb
from tests.blender.sidebar import everything, pump_until_idle

SIZE = 0.4
PLACE = (1.0, 2.0, 3.0)
Make = Callable[[Path], None]


def choose(item: bpy.types.Object) -> None:
    bpy.ops.object.select_all(action="DESELECT")
    item.select_set(True)
    bpy.context.view_layer.objects.active = item


def add(item: bpy.types.Object) -> bpy.types.Object:
    bpy.context.scene.collection.objects.link(item)
    item.location = PLACE
    choose(item)
    return item


def linked(library: Path, kind: str) -> Any:
    with bpy.data.libraries.load(str(library), link=True) as (there, here):
        setattr(here, kind, getattr(there, kind))
    return getattr(bpy.data, kind)["Jar"]


def instance(collection: bpy.types.Collection) -> None:
    empty = bpy.data.objects.new("Stand", None)
    empty.instance_type, empty.instance_collection = "COLLECTION", collection
    add(empty)


def cube(size: float = SIZE) -> bpy.types.Object:
    bpy.ops.mesh.primitive_cube_add(size=size, location=PLACE)
    return bpy.context.object


# Each leaves a cube of SIZE at PLACE selected, made in another way.


def a_linked_collection_instance(library: Path) -> None:
    instance(linked(library, "collections"))


def a_library_override(library: Path) -> None:
    add(linked(library, "objects").override_create())


def a_linked_object_below_an_empty(library: Path) -> None:
    empty = add(bpy.data.objects.new("Stand", None))
    linked(library, "collections")
    holder = bpy.data.objects.new("Holder", None)
    holder.instance_type, holder.instance_collection = "COLLECTION", bpy.data.collections["Jar"]
    bpy.context.scene.collection.objects.link(holder)
    holder.parent = empty


def an_instance_of_a_collection_that_no_scene_shows(_library: Path) -> None:
    item = cube()
    item.location = (0.0, 0.0, 0.0)
    collection = bpy.data.collections.new("Kept")
    collection.objects.link(item)
    bpy.context.scene.collection.objects.unlink(item)
    instance(collection)


def a_child_without_its_parent(_library: Path) -> None:
    item = cube()
    parent = bpy.data.objects.new("Moved", None)
    bpy.context.scene.collection.objects.link(parent)
    parent.location = PLACE
    parent.rotation_euler = (0.0, 0.0, 1.5707963)
    item.parent, item.location = parent, (0.0, 0.0, 0.0)


def what_is_being_edited(_library: Path) -> None:
    item = cube(SIZE / 2.0)
    bpy.ops.object.mode_set(mode="EDIT")
    import bmesh  # Is there once bpy is.

    mesh = bmesh.from_edit_mesh(item.data)
    bmesh.ops.scale(mesh, vec=(2.0, 2.0, 2.0), verts=mesh.verts)
    bmesh.update_edit_mesh(item.data)


def what_is_being_sculpted(_library: Path) -> None:
    cube()
    bpy.ops.object.mode_set(mode="SCULPT")


def what_a_modifier_makes(_library: Path) -> None:
    item = cube(SIZE / 2.0)
    other = bpy.data.objects.new("Half a cube away", None)
    bpy.context.scene.collection.objects.link(other)
    other.matrix_world = Matrix.Translation(PLACE)
    for axis in range(3):
        mirror = item.modifiers.new("Mirror", "MIRROR")
        mirror.use_axis = [number == axis for number in range(3)]
        mirror.mirror_object = other
    item.location = Vector(PLACE) + Vector((SIZE / 4.0,) * 3)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the object and collection Jar: a cube at its origin."""
    path = tmp_path_factory.mktemp("library") / "library.blend"
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.mesh.primitive_cube_add(size=SIZE)
    jar = bpy.context.object
    jar.name = "Jar"
    collection = bpy.data.collections.new("Jar")
    collection.objects.link(jar)
    bpy.data.libraries.write(str(path), {collection, jar}, fake_user=True)
    return path


def box_of(model: Path) -> tuple[Vector, Vector]:
    """The corners of all meshes of a GLB, in Blender's axes."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.import_scene.gltf(filepath=str(model))
    bpy.context.view_layer.update()
    corners = [
        item.matrix_world @ Vector(corner)
        for item in bpy.data.objects
        if item.type == "MESH" and item.name in bpy.context.scene.objects
        for corner in item.bound_box
    ]
    sides = list(zip(*corners, strict=True))
    return Vector([min(side) for side in sides]), Vector([max(side) for side in sides])


@pytest.mark.parametrize(
    "make",
    [
        a_linked_collection_instance,
        a_library_override,
        a_linked_object_below_an_empty,
        an_instance_of_a_collection_that_no_scene_shows,
        a_child_without_its_parent,
        what_is_being_edited,
        what_is_being_sculpted,
        what_a_modifier_makes,
    ],
)
def test_a_selection_is_photographed_as_it_stands(
    library: Path, extension: bpy.types.Scene, tmp_path: Path, make: Make
):
    make(library)
    before, mode = everything(), bpy.context.mode
    copy = runtime._write_copy(bpy.context, with_cameras=False)
    assert (everything(), bpy.context.mode) == (before, mode)
    convert_to_glb(copy, tmp_path / "copy.glb")
    low, high = box_of(tmp_path / "copy.glb")
    assert list(low) == pytest.approx([one - SIZE / 2.0 for one in PLACE], abs=1e-4)
    assert list(high) == pytest.approx([one + SIZE / 2.0 for one in PLACE], abs=1e-4)


def values(item: Any, depth: int = 3) -> Any:
    """Everything that Blender knows of a piece of data, references by name."""
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
    """All of the artist's lights and cameras, how the scene is lit and rendered."""
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
    runtime._write_copy(bpy.context, with_cameras=True)
    assert (artists_own(extension), everything()) == (before, names)


def test_cameras_photograph_a_selection_exactly_as_they_stand(extension: bpy.types.Scene, tmp_path: Path):
    fill_with_lights(extension)
    item = bpy.data.objects["Cube"]
    choose(item)
    bpy.ops.object.mode_set(mode="EDIT")
    settings = extension.photoreal
    settings.source_kind, settings.angles_from = "OBJECTS", "CAMERAS"
    settings.resolution, settings.samples, settings.folder = 64, 1, str(tmp_path / "set")
    bpy.ops.photoreal.generate_set()
    run = runtime.set_run()
    assert run is not None
    assert list(run.view.rows) == ["Shot-A", "Shot-B"]
    pump_until_idle()
    assert (run.view.state, run.view.error) == ("done", "")
    assert bpy.context.mode == "EDIT_MESH"
    record = json.loads((tmp_path / "set" / "set.json").read_text())
    assert [angle["name"] for angle in record["angles"]] == ["Shot-A", "Shot-B"]
    seen = record["angles"][0]["camera"]
    assert (seen["lens_mm"], seen["sensor_mm"]) == pytest.approx((60.0, 36.0))
    # What stands between product and camera is the same: the camera's place seen from the product.
    standing = Matrix(record["model"]["standing_matrix"])
    place = standing.inverted() @ Matrix(seen["matrix_world"]).translation
    assert list(place) == pytest.approx(list(bpy.data.objects["Shot A"].location), abs=1e-3)


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
    ("kind", "reason"), [("OBJECTS", "has no camera"), ("WORDS", "by fal.ai has no cameras")]
)
def test_without_a_camera_the_button_says_so(extension: bpy.types.Scene, kind: str, reason: str):
    settings = extension.photoreal
    settings.source_kind, settings.words, settings.angles_from = kind, "a jar", "CAMERAS"
    with pytest.raises(RuntimeError, match=reason):
        bpy.ops.photoreal.generate_set()
