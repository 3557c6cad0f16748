# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths are stored so that a file and its pictures can move together."""

import ntpath
import os
from pathlib import Path

import bpy
import pytest

from photoreal_set.window.stored_paths import absolute_folder, stored_path


def test_without_a_saved_file_a_path_stays_absolute(extension: bpy.types.Scene, tmp_path: Path):
    assert stored_path(tmp_path / "jar.glb") == str(tmp_path / "jar.glb")


def test_beside_a_saved_file_a_path_is_relative_and_resolves_back(extension: bpy.types.Scene, tmp_path: Path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "mine.blend"))
    stored = stored_path(tmp_path / "sets" / "jar")
    assert stored == "//" + os.path.join("sets", "jar")  # noqa: PTH118  Blender's own form, not a path.
    assert absolute_folder(stored) == tmp_path / "sets" / "jar"


def test_a_path_on_another_windows_drive_stays_absolute(
    extension: bpy.types.Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "mine.blend"))
    with monkeypatch.context() as patched:  # The rule of Windows for relative paths, which Blender follows.
        patched.setattr(os.path, "relpath", ntpath.relpath)
        with pytest.raises(ValueError, match="mount"):
            bpy.path.relpath("D:\\models\\jar.glb")
        stored = stored_path("D:\\models\\jar.glb")
    assert stored == "D:\\models\\jar.glb"
