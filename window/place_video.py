# SPDX-License-Identifier: GPL-3.0-or-later
"""A finished video in the artist's sequencer. Imports numpy, which a window without a video never needs."""

from pathlib import Path

import bpy

from ..studio import compat


def place_video(scene: bpy.types.Scene, path: Path, name: str) -> None:
    """Add a video to the scene's sequencer, from the current frame, on the first free channel.

    Raises RuntimeError when Blender cannot read it.
    """
    editor = scene.sequence_editor or scene.sequence_editor_create()
    strips = compat.sequence_strips(editor)
    channel = max((strip.channel for strip in strips), default=0) + 1
    strips.new_movie(name=name, filepath=str(path), channel=channel, frame_start=scene.frame_current)
