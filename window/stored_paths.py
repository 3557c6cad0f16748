# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths as the open file keeps them."""

import os
from pathlib import Path

import bpy


def stored_path(path: str | Path) -> str:
    """A path relative to the open file, so that both may move together, with Blender's ``//`` in front.

    It stays absolute while the file was never saved, and where no relative path exists: on another drive of Windows.
    """
    if not bpy.data.filepath:
        return str(path)
    try:
        return str(bpy.path.relpath(str(path)))
    except ValueError:
        return str(path)


def absolute_folder(folder: str) -> Path:
    """The folder that a stored path means, normalized without looking at the disk."""
    return Path(os.path.normpath(bpy.path.abspath(folder)))
