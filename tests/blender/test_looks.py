# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks are presets of Blender: shipped, saved, removed, and given to new files."""

from pathlib import Path
from types import SimpleNamespace

import bpy
import pytest

from photoreal_set.optics.angles import ANGLES, is_angle_name
from photoreal_set.panels.looks import PHOTOREAL_MT_looks
from photoreal_set.window import looks, preferences
from photoreal_set.window.scene_settings import settings_of

SHIPPED = sorted(one.stem for one in (Path(looks.__file__).parent / "presets" / looks.SUBDIR).glob("*.py"))


@pytest.fixture(autouse=True)
def label_of_the_menu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blender gives the menu the name of the look that was applied; other tests find it as it was."""
    monkeypatch.setattr(PHOTOREAL_MT_looks, "bl_label", PHOTOREAL_MT_looks.bl_label)


@pytest.fixture
def own_presets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for presets that are saved."""
    monkeypatch.setattr(bpy.utils, "user_resource", lambda *_given, **_facts: str(tmp_path))
    found = bpy.utils.preset_find
    monkeypatch.setattr(
        bpy.utils,
        "preset_find",
        lambda name, *given, **facts: (
            next((str(one) for one in tmp_path.glob("*.py") if one.stem == name.replace(" ", "_")), None)
            or found(name, *given, **facts)
        ),
    )
    return tmp_path


def test_five_looks_are_shipped(extension: bpy.types.Scene):
    assert len(SHIPPED) == 5
    assert set(looks.names()) >= {bpy.path.display_name(name, title_case=False) for name in SHIPPED}


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_look_sets_light_background_and_angles(extension: bpy.types.Scene, name: str):
    settings = extension.photoreal
    settings.rig_intensity, settings.rig_rotation = 2.0, 45.0
    assert looks.apply(name.replace("_", " "))
    chosen = settings_of(bpy.context)
    assert (chosen.rig_intensity, chosen.rig_rotation) == (1.0, 0.0)
    assert chosen.views and all(is_angle_name(view.name) for view in chosen.views)
    assert len({view.name for view in chosen.views}) == len(chosen.views)


def test_a_look_is_saved_applied_and_removed(extension: bpy.types.Scene, own_presets: Path):
    settings = extension.photoreal
    bpy.ops.photoreal.edit_angles()
    settings.rig, settings.background, settings.lens, settings.channel = "jewellery", "black", 60.0, "google"
    settings.angles[0].azimuth = 12.0
    bpy.ops.photoreal.save_look(name="Mine")
    assert (own_presets / "Mine.py").is_file()
    settings.angles.clear()
    settings.rig, settings.background, settings.lens, settings.channel = "softbox", "white", 85.0, "none"
    assert looks.apply("Mine")
    assert (settings.rig, settings.background, settings.channel) == ("jewellery", "black", "google")
    assert settings.lens == pytest.approx(60.0)
    assert [view.name for view in settings.angles] == list(ANGLES)
    assert settings.angles[0].azimuth == pytest.approx(12.0, abs=1e-4)
    assert PHOTOREAL_MT_looks.bl_label == "Mine"
    bpy.ops.photoreal.save_look(remove_active=True)
    assert not (own_presets / "Mine.py").exists()


def test_new_files_have_the_chosen_look(extension: bpy.types.Scene, monkeypatch: pytest.MonkeyPatch):
    chosen = SimpleNamespace(**{**preferences.DEFAULTS, "default_look": ""})
    monkeypatch.setattr(preferences, "get", lambda _context: chosen)
    bpy.ops.photoreal.default_look(look="Dark Glass")
    assert chosen.default_look == "Dark Glass"
    bpy.ops.wm.read_factory_settings(use_empty=True)
    assert bpy.context.scene.photoreal.rig == "dark-field"


def test_a_file_with_settings_keeps_them(
    extension: bpy.types.Scene, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    chosen = SimpleNamespace(**{**preferences.DEFAULTS, "default_look": "Dark Glass"})
    monkeypatch.setattr(preferences, "get", lambda _context: chosen)
    extension.photoreal.rig = "high-key"
    path = tmp_path / "mine.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.open_mainfile(filepath=str(path))
    assert bpy.context.scene.photoreal.rig == "high-key"
