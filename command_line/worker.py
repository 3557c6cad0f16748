# SPDX-License-Identifier: GPL-3.0-or-later
"""The command that starts a Blender for the renders of a catalogue."""

from collections.abc import Sequence
from pathlib import Path

from ..processes.blender_program import BATCH, background_command, running_blender
from .commands.render_worker import NAME


def worker_command(external_data: Sequence[Path] = ()) -> list[str]:
    """The command that does `render-worker` in a Blender like ours.

    ``external_data`` are folders beside their own that .blend files may read from.
    """
    arguments = [NAME, *(word for folder in external_data for word in ("--external-data", str(folder)))]
    return background_command(BATCH, arguments, blender=running_blender())
