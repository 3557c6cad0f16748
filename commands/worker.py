# SPDX-License-Identifier: GPL-3.0-or-later
"""How a Blender for a catalogue's renders is started."""

import sys
from pathlib import Path

from .render_worker import NAME
from .service import in_blender_program


def worker_command() -> list[str]:
    """The command that does `render-worker` in a Blender like ours."""
    script = str(Path(__file__).resolve().parents[1] / "batch.py")
    if in_blender_program():
        import bpy

        blender = bpy.app.binary_path
        return [blender, "-b", "--python-exit-code", "3", "--python", script, "--", NAME]
    return [sys.executable, script, NAME]
