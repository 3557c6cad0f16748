# SPDX-License-Identifier: GPL-3.0-or-later
"""The angles that a user names for a product, which may have cameras of its own."""

from collections.abc import Callable
from pathlib import Path

from ..gltf.document import read_gltf
from ..messages.errors import FieldError
from ..optics.angles import CAMERAS, Angle, chosen_angles
from ..optics.cameras import cameras_in
from .source import Source, SourceKind


def angles_for(
    text: str, source: Source, cameras_of_blend: Callable[[Path], list[Angle]]
) -> tuple[Angle, ...]:
    """The angles that ``text`` names, for the product of ``source``.

    ``cameras_of_blend`` gives the cameras of a Blender file, which only Blender can read.
    Raises InputError as ``chosen_angles``, and when cameras are asked for that are not there.
    """
    if text.strip() != CAMERAS:
        return tuple(chosen_angles(text))
    if source.kind is not SourceKind.MODEL:
        raise FieldError(
            "angles",
            "A 3D model made by fal.ai has no cameras.",
            hint="Name other angles, or give a 3D file.",
        )
    path = source.files[0]
    if path.suffix.lower() == ".blend":
        return tuple(cameras_of_blend(path))
    return tuple(cameras_in(read_gltf(path, without_binary=True).document, path.name))
