# SPDX-License-Identifier: GPL-3.0-or-later
"""The studio in the window follows the settings, shows what is photographed, and changes nothing of the artist's."""

from pathlib import Path

import bpy
import numpy as np
import pytest
from mathutils import Vector

from photoreal_set.optics.shadow import SHADOW_SPAN
from photoreal_set.studio import preview
from photoreal_set.studio.blender import read_pixels
from photoreal_set.window import live, studio_scene
from photoreal_set.window.scene_settings import product_objects, studio_product
from photoreal_set.window.selection import write_selection
from tests.blender.sidebar import everything

CAMERA_PARTS = ("photoreal_part", "camera")


@pytest.fixture
def studio(extension: bpy.types.Scene, block_file: Path) -> bpy.types.Scene:
    """The studio of a file."""
    extension.photoreal.source = str(block_file)
    bpy.ops.photoreal.build_studio()
    return bpy.context.scene


@pytest.fixture
def own(extension: bpy.types.Scene) -> bpy.types.Scene:
    """The studio of a selected cube of 0.4 m that is 3 m from the origin."""
    cube = bpy.context.object
    cube.location = (3.0, 0.0, 0.5)
    material = bpy.data.materials.new("Paint")
    cube.data.materials.append(material)
    bpy.context.view_layer.update()
    extension.photoreal.source_kind = "OBJECTS"
    bpy.ops.photoreal.build_studio()
    return bpy.context.scene


def turn_of_the_lights(scene: bpy.types.Scene) -> float:
    return scene.world.node_tree.nodes["Photoreal Turn"].inputs["Rotation"].default_value[2]


def strength(scene: bpy.types.Scene) -> float:
    return scene.world.node_tree.nodes["Photoreal Exposure"].inputs[1].default_value[0]


def image(scene: bpy.types.Scene) -> bpy.types.Image:
    return scene.world.node_tree.nodes["Photoreal Map"].image


def lamps(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    return [item for item in scene.objects if item.type == "LIGHT"]


def names(scene: bpy.types.Scene) -> list[str]:
    return [preview.angle_name(camera) for camera in preview.cameras_in(scene)]


def in_frame(scene: bpy.types.Scene, points: list[Vector]) -> np.ndarray:
    """Where points are in the picture of the active camera; 0 to 1 from the lower left."""
    from bpy_extras.object_utils import world_to_camera_view

    bpy.context.view_layer.update()
    return np.array([world_to_camera_view(scene, scene.camera, point)[:2] for point in points])


# --- following ------------------------------------------------------------------------------------


def test_the_studio_has_a_camera_for_every_angle(studio: bpy.types.Scene):
    assert names(studio) == ["front", "three-quarter", "side", "top", "detail"]
    assert preview.angle_name(studio.camera) == "three-quarter", "the hero"


def test_light_and_background_follow_without_another_build(studio: bpy.types.Scene):
    settings = studio.photoreal
    before, bright, first = turn_of_the_lights(studio), strength(studio), image(studio)
    settings.rig_rotation = 90.0
    assert turn_of_the_lights(studio) == pytest.approx(before - np.pi / 2.0, abs=1e-5)
    settings.rig_rotation, settings.rig_intensity = 0.0, 2.0
    assert strength(studio) == pytest.approx(2.0 * bright, rel=1e-4)
    assert image(studio) == first, "turning and dimming need no new light map"
    settings.rig = "three-point"
    assert sorted(lamp.name for lamp in lamps(studio)) == ["Photoreal Fill", "Photoreal Key", "Photoreal Rim"]
    settings.rig = "softbox"
    assert lamps(studio) == []
    for name, level in (("white", 1.0), ("grey", 127 / 255), ("black", 0.0)):
        settings.background = name
        shown = studio.camera.data
        assert shown.show_background_images
        assert shown.background_images[0].image.generated_color[0] == pytest.approx(level, abs=1e-4)
    settings.background = "transparent"
    assert not studio.camera.data.show_background_images


def test_size_lens_and_angles_follow(studio: bpy.types.Scene):
    settings = studio.photoreal
    settings.resolution, settings.height = 640, 960
    assert (studio.render.resolution_x, studio.render.resolution_y) == (640, 960)
    settings.lens = 50.0
    assert studio.camera.data.lens == pytest.approx(50.0)
    bpy.ops.photoreal.edit_angles()
    bpy.ops.photoreal.add_angle()
    assert names(studio)[-1] == "angle"
    assert preview.angle_name(studio.camera) == "angle", "the active row is looked through"
    settings.angles[-1].azimuth = 180.0
    bpy.context.view_layer.update()
    assert studio.camera.matrix_world.translation.y > 1.0
    settings.angle_index = 0
    assert preview.angle_name(studio.camera) == "front"
    settings.angle_index = len(settings.angles) - 1
    bpy.ops.photoreal.remove_angle()
    assert studio.camera in preview.cameras_in(studio)
    settings.angle_index = 0
    bpy.ops.photoreal.add_angle()
    settings.angle_index = 0
    bpy.ops.photoreal.remove_angle()
    assert names(studio) == ["three-quarter", "side", "top", "detail", "angle"]


def test_the_lights_come_with_the_camera(studio: bpy.types.Scene):
    before = turn_of_the_lights(studio)
    bpy.ops.photoreal.step_angle()
    assert preview.angle_name(studio.camera) == "side"
    assert turn_of_the_lights(studio) == pytest.approx(before - np.radians(45.0), abs=1e-5)
    bpy.ops.photoreal.step_angle(direction="PREVIOUS")
    assert turn_of_the_lights(studio) == pytest.approx(before, abs=1e-5)


def test_a_channel_shows_its_safe_areas(studio: bpy.types.Scene):
    settings = studio.photoreal
    assert not studio.camera.data.show_safe_areas
    settings.channel = "google"
    assert studio.camera.data.show_safe_areas
    assert studio.safe_areas.action[0] == pytest.approx(0.25), "the smallest product"
    assert studio.safe_areas.title[0] == pytest.approx(0.10), "the largest"
    assert live.fill_of("amazon-main") == (0.85, 1.0)


def test_a_panorama_that_cannot_be_read_leaves_the_light_and_says_why(
    studio: bpy.types.Scene, tmp_path: Path
):
    settings, first = studio.photoreal, image(studio)
    settings.panorama, settings.rig = str(tmp_path / "gone.exr"), "panorama"
    assert "gone.exr" in live.state.problem
    assert image(studio) == first
    settings.rig = "high-key"
    assert live.state.problem == ""
    assert image(studio) != first


# --- in nobody's way ------------------------------------------------------------------------------


def test_the_table_is_as_small_as_the_shadow_and_the_other_cameras_are_hidden(studio: bpy.types.Scene):
    product = studio_product(studio)
    assert product is not None
    assert [item for item in preview.cameras_in(studio) if item.visible_get()] == [studio.camera]
    ours = [item for item in studio.objects if item.name not in product.all_objects and item.visible_get()]
    others = [
        item for item in ours if item != studio.camera
    ]  # View All leaves it out when one looks through it.
    reach = [
        max(abs(part) for corner in item.bound_box for part in item.matrix_world @ Vector(corner))
        for item in others
    ]
    assert max(reach) < 1.5, "View All frames these too"


def test_the_shadow_ends_before_the_edge_of_the_table(studio: bpy.types.Scene, tmp_path: Path):
    camera = bpy.data.objects.new("Above", bpy.data.cameras.new("Above"))
    studio.collection.objects.link(camera)
    camera.data.type, camera.data.ortho_scale, camera.location.z = "ORTHO", 1.05 * SHADOW_SPAN, 5.0
    studio.camera = camera
    studio.render.resolution_x = studio.render.resolution_y = 64
    studio.cycles.samples, studio.cycles.use_denoising, studio.render.film_transparent = 64, False, True
    studio.render.image_settings.file_format, studio.render.image_settings.color_mode = "PNG", "RGBA"
    studio.render.filepath = str(tmp_path / "above.png")
    bpy.ops.render.render(write_still=True, scene=studio.name)
    alpha = read_pixels(tmp_path / "above.png")[..., 3]
    inside = np.s_[6:-6]
    assert alpha[inside, inside].max() > 0.9, "the product"
    alpha[inside, inside] = 0.0
    assert alpha.max() < 0.01


def test_only_cycles_shows_the_table(studio: bpy.types.Scene):
    table = studio.objects["Photoreal Table"]
    material = table.data.materials[0]
    outputs = {node.target: node for node in material.node_tree.nodes if node.type == "OUTPUT_MATERIAL"}
    assert outputs["EEVEE"].inputs["Surface"].links[0].from_node.type == "BSDF_TRANSPARENT"
    assert material.diffuse_color[3] == 0.0, "Solid"


def test_no_axes_of_the_product_are_drawn_over_the_picture(studio: bpy.types.Scene):
    empties = [item for item in studio.objects if item.type == "EMPTY"]
    assert empties, "the product is below one"
    assert max(item.empty_display_size for item in empties) < 0.001


def test_everything_of_the_studio_is_locked(studio: bpy.types.Scene):
    assert all(item.hide_select for item in studio.objects if item.visible_get())
    bpy.ops.photoreal.edit_product()
    product = studio_product(studio)
    assert product is not None
    assert not any(item.hide_select for item in product.all_objects)
    assert studio.photoreal.source_kind == "OBJECTS"
    assert len(product_objects(bpy.context)) >= 1


# --- a selection ----------------------------------------------------------------------------------


def test_a_selection_is_shown_where_it_is(own: bpy.types.Scene):
    cube = bpy.data.objects["Cube"]
    assert cube.name in own.objects
    assert tuple(cube.location) == (3.0, 0.0, 0.5)
    assert names(own) == ["front", "three-quarter", "side", "top", "detail"]
    own.photoreal.angles_from = "LIST"
    bpy.ops.photoreal.edit_angles()
    own.photoreal.angle_index = 0
    corners = [cube.matrix_world @ Vector(corner) for corner in cube.bound_box]
    seen = in_frame(own, corners)
    assert seen.min() > 0.0 and seen.max() < 1.0
    assert np.ptp(seen, axis=0).max() == pytest.approx(own.photoreal.angles[0].fill, abs=0.01)


def test_what_is_changed_in_the_studio_is_photographed(own: bpy.types.Scene, tmp_path: Path):
    cube = bpy.data.objects["Cube"]
    cube.data.materials[0].diffuse_color = (1.0, 0.0, 0.0, 1.0)
    bpy.ops.mesh.primitive_cube_add(size=0.1, location=(3.0, 0.0, 0.8))
    bpy.context.object.name = "Added"
    bpy.ops.mesh.primitive_cube_add(size=0.1, location=(3.0, 0.0, 0.9))
    bpy.context.object.name = "Hidden"
    bpy.context.object.hide_set(True)
    copy = write_selection(bpy.context, with_cameras=False)
    with bpy.data.libraries.load(str(copy)) as (kept, taken):
        assert sorted(kept.objects) == ["Added", "Cube"]
        taken.materials = list(kept.materials)
    red = next(one for one in taken.materials if one.name.startswith("Paint"))
    assert tuple(red.diffuse_color)[:3] == (1.0, 0.0, 0.0)


def test_leaving_the_studio_of_a_selection_keeps_every_object(own: bpy.types.Scene):
    bpy.ops.mesh.primitive_cube_add(size=0.1, location=(3.0, 0.0, 0.8))
    bpy.context.object.name = "Added"
    bpy.ops.photoreal.remove_studio()
    scene = bpy.context.scene
    assert {item.name for item in scene.objects} == {"Cube", "Added"}
    kinds = everything()
    assert (len(kinds["worlds"]), kinds["cameras"], kinds["lights"], kinds["collections"]) == (0, [], [], [])
    assert kinds["images"] == [] and len(kinds["scenes"]) == 1


def test_the_cameras_of_the_scene_are_shown_unchanged(extension: bpy.types.Scene):
    cube = bpy.context.object
    bpy.ops.object.camera_add(location=(2.0, -3.0, 1.0), rotation=(1.2, 0.0, 0.5))
    camera = bpy.context.object
    camera.name, camera.data.lens = "Mine", 35.0
    camera.select_set(False)
    cube.select_set(True)
    extension.photoreal.source_kind, extension.photoreal.angles_from = "OBJECTS", "CAMERAS"
    bpy.ops.photoreal.build_studio()
    studio = bpy.context.scene
    bpy.context.view_layer.update()
    assert names(studio) == ["Mine"]
    assert studio.camera != camera and studio.camera.data.lens == 35.0
    assert np.allclose(studio.camera.matrix_world, camera.matrix_world, atol=1e-5)


def test_a_selection_without_a_mesh_is_refused_and_nothing_changes(extension: bpy.types.Scene):
    bpy.ops.object.select_all(action="DESELECT")
    bpy.ops.object.empty_add()
    before = everything()
    extension.photoreal.source_kind = "OBJECTS"
    with pytest.raises(RuntimeError, match="Nothing of the product is visible"):
        bpy.ops.photoreal.build_studio()
    assert bpy.context.scene == extension
    assert everything() == before


def test_a_changed_product_is_framed_again(own: bpy.types.Scene):
    far = own.camera.matrix_world.translation - bpy.data.objects["Cube"].location
    bpy.data.objects["Cube"].scale = (2.0, 2.0, 2.0)
    bpy.context.view_layer.update()
    preview.forget_measures(own)
    studio_scene.show_angle(bpy.context)
    bpy.context.view_layer.update()
    now = own.camera.matrix_world.translation - bpy.data.objects["Cube"].location
    assert now.length == pytest.approx(2.0 * far.length, rel=0.15)
