# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of a scene and of the preferences, and what is passed on of them."""

from pathlib import Path
from typing import Any

import bpy
import pytest

from photoreal_set import panels
from photoreal_set.gltf.choices import Surrounding
from photoreal_set.imaging.choices import Background, Pass
from photoreal_set.operators import paying
from photoreal_set.optics.rig_choice import RIG_NAMES
from photoreal_set.panels import endpoints
from photoreal_set.panels.preferences import PhotorealPreferences
from photoreal_set.photo_set.choices import DEVICES, QUALITY_NAMES, VIDEO_CHOICES, Engine
from photoreal_set.photo_set.prompts import LOOKS, MOTIONS
from photoreal_set.window import preferences, properties
from photoreal_set.window.scene_settings import settings_of
from photoreal_set.window.studio_properties import PANORAMA
from tests.blender.products import photo
from tests.blender.sidebar import drawn_by


@pytest.fixture
def stored(extension: bpy.types.Scene) -> Any:
    """The extension's preferences as Blender keeps them."""
    addon = bpy.context.preferences.addons.new()
    addon.module = preferences.package
    yield addon.preferences
    bpy.context.preferences.addons.remove(addon)


def test_the_pose_and_what_is_left_out_are_settings(extension: bpy.types.Scene):
    settings = extension.photoreal
    usual = settings_of(bpy.context)
    assert (usual.pose, usual.without) == ("rest", ())
    settings.pose, settings.pose_seconds = "seconds", 1.5
    settings.without_floor = settings.without_crumbs = True
    chosen = settings_of(bpy.context)
    assert (chosen.pose, chosen.without) == ("1.5", ("floor", "crumbs"))


def test_a_value_turns_its_checkbox_on_and_is_left_out_without_it(extension: bpy.types.Scene):
    settings = extension.photoreal
    usual = settings_of(bpy.context)
    assert (usual.height, usual.samples, usual.seconds) == (0, 0, 0)
    settings.height, settings.samples, settings.seconds = 640, 8, 6
    chosen = settings_of(bpy.context)
    assert (chosen.height, chosen.samples, chosen.seconds) == (640, 8, 6)
    settings.use_samples = False
    other = bpy.data.scenes.new("Other")
    properties.copy_settings(settings, properties.of(other))
    copied = properties.of(other)
    assert (copied.use_height, copied.use_samples, copied.use_seconds) == (True, False, True)
    assert settings_of(bpy.context).samples == 0


def test_angles_are_shown_with_their_unit(extension: bpy.types.Scene):
    bpy.ops.photoreal.edit_angles()
    view = extension.photoreal.angles[1]
    assert view.turn == pytest.approx(0.7853982)
    view.turn, view.lift, extension.photoreal.rig_turn = 1.5707963, 0.5235988, -0.5235988
    assert (view.azimuth, view.elevation) == (pytest.approx(90.0), pytest.approx(30.0))
    assert extension.photoreal.rig_rotation == pytest.approx(-30.0)


def test_endpoints_are_chosen_from_menus_or_typed(extension: bpy.types.Scene):
    drawn = drawn_by(endpoints.PHOTOREAL_MT_photo_endpoints, bpy.context)
    assert any(line.startswith("[Nano Banana 2, $0.06-0.16 per image: ") for line in drawn)
    bpy.ops.photoreal.choose_endpoint(kind="photo", endpoint="ideogram/v4.5/edit")
    extension.photoreal.engine = "fal"
    assert settings_of(bpy.context).photo_endpoint == "ideogram/v4.5/edit"
    assert "Ideogram 4.5, $0.03 per image" in drawn_by(panels.PHOTOREAL_PT_photos, bpy.context)
    extension.photoreal.photo_endpoint = "somebody/own-model"
    assert settings_of(bpy.context).photo_endpoint == "somebody/own-model"


def test_the_preferences_have_the_same_menus_of_endpoints(stored: Any, extension: bpy.types.Scene):
    drawn = drawn_by(endpoints.PHOTOREAL_MT_stored_photo_endpoints, bpy.context)
    assert drawn[0] == "[Recommended]"
    assert any(line.startswith("[Nano Banana 2, $0.06-0.16 per image: ") for line in drawn)
    bpy.ops.photoreal.choose_endpoint(kind="photo", endpoint="ideogram/v4.5/edit", of_preferences=True)
    assert stored.photo_endpoint == "ideogram/v4.5/edit"
    assert extension.photoreal.photo_endpoint == "", "the scene names none"
    assert settings_of(bpy.context).photo_endpoint == "ideogram/v4.5/edit"


def test_a_ceiling_counts_while_its_checkbox_is_on(stored: Any):
    assert (settings_of(bpy.context).max_cost, settings_of(bpy.context).max_cost_per_day) == (5.0, 20.0)
    stored.use_max_cost = False
    assert settings_of(bpy.context).max_cost == 0.0
    assert paying.at_most(bpy.context).agreed == "without a ceiling"
    stored.max_cost = 7.5
    assert settings_of(bpy.context).max_cost == 7.5, "a value turns its checkbox on"


def test_a_stored_ceiling_of_0_still_means_none(stored: Any):
    stored.max_cost = 0.0
    assert settings_of(bpy.context).max_cost == 0.0
    preferences.attach()
    assert (stored.use_max_cost, stored.max_cost) == (False, 5.0)
    assert (stored.use_max_cost_per_day, stored.max_cost_per_day) == (True, 20.0)
    assert settings_of(bpy.context).max_cost == 0.0


def test_choices_match_the_command_line(extension: bpy.types.Scene):
    settings, stored = properties.PhotorealSettings.bl_rna, PhotorealPreferences.bl_rna
    wanted = {
        "background": [one.value for one in Background],
        "quality": list(QUALITY_NAMES),
        "rig": [*RIG_NAMES, PANORAMA],
        "look": list(LOOKS),
        "motion": list(MOTIONS),
        "engine": [one.value for one in Engine],
        "video": list(VIDEO_CHOICES),
    }
    for name, choices in wanted.items():
        assert sorted(settings.properties[name].enum_items.keys()) == sorted(choices), name
    assert tuple(stored.properties["device"].enum_items.keys()) == DEVICES
    assert {f"{one.value}_pass" for one in Pass} <= set(settings.properties.keys())
    assert {f"without_{one.value}" for one in Surrounding} <= set(settings.properties.keys())


def test_without_stored_preferences_blenders_defaults_apply(extension: bpy.types.Scene):
    known = PhotorealPreferences.bl_rna.properties
    assert {name: known[name].default for name in preferences.DEFAULTS} == preferences.DEFAULTS
    chosen = preferences.get(bpy.context)
    assert {name: getattr(chosen, name) for name in preferences.DEFAULTS} == preferences.DEFAULTS


def test_a_model_and_photos_become_the_source(extension: bpy.types.Scene, block_file: Path, tmp_path: Path):
    bpy.ops.photoreal.import_product(filepath=str(block_file), build_studio=False)
    assert (extension.photoreal.source_kind, extension.photoreal.source) == ("FILE", str(block_file))
    names = [photo(tmp_path / f"{number}.png").name for number in range(5)]
    bpy.ops.photoreal.import_photos(directory=str(tmp_path), files=[{"name": name} for name in names])
    assert extension.photoreal.source_kind == "PHOTOS"
    assert [Path(entry.path).name for entry in extension.photoreal.photos] == names[:4]


def test_a_file_that_is_not_a_model_is_rejected(extension: bpy.types.Scene, tmp_path: Path):
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear artist")
    for path, reason in (
        (letter, "letter.txt is not a 3D file"),
        (tmp_path / "gone.glb", "gone.glb does not exist"),
    ):
        with pytest.raises(RuntimeError, match=reason):
            bpy.ops.photoreal.import_product(filepath=str(path))


def test_angles_are_added_moved_and_removed(extension: bpy.types.Scene):
    settings = extension.photoreal
    bpy.ops.photoreal.edit_angles()
    bpy.ops.photoreal.add_angle()
    bpy.ops.photoreal.add_angle()
    assert [view.name for view in settings.angles][-2:] == ["angle", "angle-2"]
    bpy.ops.photoreal.move_angle(direction="UP")
    assert [view.name for view in settings.angles][-2:] == ["angle-2", "angle"]
    bpy.ops.photoreal.remove_angle()
    assert [view.name for view in settings.angles][-1] == "angle"


def test_cameras_become_angles_in_place(extension: bpy.types.Scene):
    bpy.ops.object.camera_add(location=(5.0, 0.0, 0.0), rotation=(1.5707963, 0.0, 1.5707963))
    bpy.context.object.name = "From Right"
    bpy.ops.photoreal.use_cameras()
    view = extension.photoreal.angles[-1]
    assert view.name == "From-Right"
    assert view.azimuth == pytest.approx(90.0, abs=0.01)
    assert view.elevation == pytest.approx(0.0, abs=0.01)


@pytest.mark.parametrize(
    ("field", "label"),
    [("film_look", "Film Look"), ("out", "Save To"), ("with_hero", ""), ("", "")],
)
def test_a_field_of_an_error_has_the_label_of_the_sidebar(extension: bpy.types.Scene, field: str, label: str):
    assert properties.label_of(field) == label
