# SPDX-License-Identifier: GPL-3.0-or-later
"""The command that starts a Blender for the renders of a catalogue."""

import sys
from collections.abc import Sequence
from pathlib import Path

from .bootstrap import in_blender_program
from .commands.render_worker import NAME


def worker_command(external_data: Sequence[Path] = ()) -> list[str]:
    """The command that does `render-worker` in a Blender like ours.

    ``external_data`` are folders beside their own that .blend files may read from.
    """
    arguments = [NAME, *(word for folder in external_data for word in ("--external-data", str(folder)))]
    script = str(Path(__file__).resolve().parents[1] / "batch.py")
    if in_blender_program():
        import bpy

        blender = bpy.app.binary_path
        return [blender, "-b", "--python-exit-code", "3", "--python", script, "--", *arguments]
    return [sys.executable, script, *arguments]
