# SPDX-License-Identifier: GPL-3.0-or-later
"""What the extension registers in Blender, and what it leaves behind: nothing."""

import re
import subprocess
import sys

import bpy
import pytest

import photoreal_set
from photoreal_set import operators
from photoreal_set.background_run.setting_words import LABELS, LEAVE_OUT
from photoreal_set.operators import resolve_uncertain
from photoreal_set.panels import menus
from photoreal_set.panels.preferences import PhotorealPreferences
from photoreal_set.window import changes, properties, pump
from tests.blender.runs import ROOT

PAID = (
    "redo_angle",
    "redo_model",
    "generate_here",
    "generate_catalogue",
    "resume_catalogue",
    "generate_set",
    "generate_model",
    "resume_set",
    "resolve_uncertain",
    "render_references",
)


def traces() -> list[str]:
    """Everything of the extension that is registered in Blender."""
    found = [name for name in dir(bpy.types) if name.startswith(("PHOTOREAL_", "Photoreal"))]
    found += list(dir(bpy.ops.photoreal))
    found += ["Scene.photoreal"] if hasattr(bpy.types.Scene, "photoreal") else []
    handlers = [
        handler
        for name in dir(bpy.app.handlers)
        if isinstance(handler := getattr(bpy.app.handlers, name), list)
    ]
    found += [
        one.__name__
        for each in handlers
        for one in each
        if "photoreal" in str(getattr(one, "__module__", ""))
    ]
    found += [
        f"{name}: {one.__name__}"
        for name, entry in menus.ENTRIES
        for one in getattr(getattr(bpy.types, name).draw, "_draw_funcs", [])
        if one is entry
    ]
    found += ["timer"] if bpy.app.timers.is_registered(pump.pump) else []
    found += ["listener"] if changes._listeners else []
    return found


def test_unregister_leaves_nothing_behind(scene: bpy.types.Scene):
    assert traces() == []
    for _time in range(2):
        photoreal_set.register()
        assert "Scene.photoreal" in traces()
        photoreal_set.unregister()
        assert traces() == []


@pytest.mark.parametrize("part", ["properties", "pump", "live", "looks", "menus", "installed_command"])
def test_a_failed_register_leaves_nothing_behind(
    scene: bpy.types.Scene, monkeypatch: pytest.MonkeyPatch, part: str
):
    def fail() -> None:
        raise RuntimeError("no")

    attachment = next(one for one in photoreal_set.attachments() if one.__name__.endswith(part))
    monkeypatch.setattr(attachment, "attach", fail)
    with pytest.raises(RuntimeError, match="no"):
        photoreal_set.register()
    assert traces() == []
    monkeypatch.undo()
    photoreal_set.register()
    photoreal_set.unregister()


def test_registering_imports_no_bundled_wheel():
    code = (
        "import sys\nfrom command_line.bootstrap import load_package\npackage = load_package()\nimport bpy\n"
        "before = set(sys.modules)\npackage.register()\n"
        "new = {name.split('.')[0] for name in set(sys.modules) - before}\n"
        "print(sorted(new & {'PIL', 'httpx', 'anyio', 'fal_client', 'certifi', 'numpy', 'asyncio'}))\n"
        "sys.stdout.flush()\nimport os; os._exit(0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_each_file_has_one_operator_with_a_tooltip():
    for cls in operators.CLASSES:
        if not issubclass(cls, bpy.types.Operator):
            continue
        name = cls.bl_idname.removeprefix("photoreal.")
        assert (cls.__module__.rsplit(".", 1)[1], cls.__name__) == (name, f"PHOTOREAL_OT_{name}")
        assert cls.bl_description
        assert not cls.bl_description.endswith(".")


def test_paid_operators_cannot_be_repeated_or_undone(extension: bpy.types.Scene):
    for name in PAID:
        cls = next(one for one in operators.CLASSES if one.__name__ == f"PHOTOREAL_OT_{name}")
        assert not cls.bl_options & {"REGISTER", "UNDO"}
    placing = next(one for one in operators.CLASSES if one.__name__ == "PHOTOREAL_OT_place_photos")
    assert placing.bl_options == {"REGISTER", "UNDO"}


def test_every_property_has_a_tooltip(extension: bpy.types.Scene):
    for cls in (*properties.CLASSES, PhotorealPreferences):
        names = {name for base in cls.__mro__ for name in vars(base).get("__annotations__", ())}
        for item in cls.bl_rna.properties:
            if item.identifier in names and not item.is_hidden and item.type != "COLLECTION":
                assert item.description or item.identifier == "home", (cls.__name__, item.identifier)


def test_no_text_of_the_window_names_an_option_of_the_command_line(extension: bpy.types.Scene):
    settings = (*properties.CLASSES, PhotorealPreferences)
    texts = [cls.bl_description for cls in operators.CLASSES if issubclass(cls, bpy.types.Operator)]
    texts += [item.description for cls in settings for item in cls.bl_rna.properties]
    assert len(texts) > 100
    assert [text for text in texts if re.search(r"--[a-z]", text)] == []


def test_reports_name_settings_by_labels_that_the_window_has(extension: bpy.types.Scene):
    settings = (*properties.CLASSES, PhotorealPreferences)
    known = {item.name for cls in settings for item in cls.bl_rna.properties}
    known |= {cls.bl_label for cls in operators.CLASSES if issubclass(cls, bpy.types.Operator)}
    known |= {item.name for item in settings[2].bl_rna.properties["engine"].enum_items}
    known |= {label for _name, label, _text in resolve_uncertain.DECISIONS}
    known |= {LEAVE_OUT, "Allow Online Access"}  # A heading of the panel, and a setting of Blender.
    assert set(LABELS.values()) <= known


def test_every_setting_is_a_blender_property(extension: bpy.types.Scene):
    for cls in (properties.PhotorealSettings, PhotorealPreferences):
        wanted = {
            name
            for base in cls.__mro__
            if base.__module__.startswith("photoreal_set")
            for name in vars(base).get("__annotations__", ())
        }
        assert len(wanted) > 10
        assert wanted <= set(cls.bl_rna.properties.keys())


def test_labels_are_spelled_as_in_blender(extension: bpy.types.Scene):
    british = re.compile(r"grey|colour|jewellery|catalogue|centre|metre", re.IGNORECASE)
    shown = []
    for cls in (*properties.CLASSES, PhotorealPreferences):
        for item in cls.bl_rna.properties:
            shown += [item.name, item.description]
            shown += [text for one in getattr(item, "enum_items", ()) for text in (one.name, one.description)]
    shown += [
        text for cls in operators.CLASSES for text in (cls.bl_label, getattr(cls, "bl_description", ""))
    ]
    assert [text for text in shown if british.search(text)] == []
