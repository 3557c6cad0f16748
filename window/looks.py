# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks: rig, background, quality, lens, angles and channel as presets of Blender, and the one of new files."""

from pathlib import Path

import bpy
from bpy.app.handlers import persistent

from . import preferences

SUBDIR = "photoreal_set"  # Of Blender's folders for presets.
VALUES = ("rig", "panorama", "rig_rotation", "rig_intensity", "background", "quality", "lens", "channel")


def names() -> list[str]:
    """The names of all looks, those of the extension and the artist's own."""
    files = [file for folder in bpy.utils.preset_paths(SUBDIR) for file in Path(folder).glob("*.py")]
    return sorted({bpy.path.display_name(file.name, title_case=False) for file in files})


def apply(name: str) -> bool:
    """Give the scene of the context a look; False when there is none of this name."""
    path = bpy.utils.preset_find(name, SUBDIR, display_name=True)  # type: ignore[func-returns-value]  # It returns a path.
    if not path:
        return False
    bpy.utils.execfile(path)
    return True


def _apply_default() -> None:
    """Give a new file the look of the preferences."""
    scene = getattr(bpy.context, "scene", None)
    chosen = preferences.get(bpy.context).default_look
    if scene is None or not chosen or bpy.data.filepath or scene.photoreal.is_property_set("rig"):
        return
    apply(chosen)


@persistent  # type: ignore[untyped-decorator]  # The stubs give Blender's decorator no types.
def _file_was_loaded(_file: str) -> None:
    _apply_default()


def attach() -> None:
    bpy.utils.register_preset_path(str(Path(__file__).parent))
    bpy.app.handlers.load_post.append(_file_was_loaded)
    if not bpy.app.background:
        # Data cannot be read while an extension is being registered.
        bpy.app.timers.register(_apply_default, first_interval=0.0)


def detach() -> None:
    if bpy.app.timers.is_registered(_apply_default):
        bpy.app.timers.unregister(_apply_default)
    bpy.app.handlers.load_post.remove(_file_was_loaded)
    bpy.utils.unregister_preset_path(str(Path(__file__).parent))
