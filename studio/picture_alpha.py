# SPDX-License-Identifier: GPL-3.0-or-later
"""Decodes the alpha channel of a picture file with Blender, which needs no packages."""

import bpy
import numpy as np

from ..gltf.visibility import Alpha
from .blender import pixels_of

_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8"
# Colour types (PNG specification, 11.2.2); a palette may be transparent by its tRNS chunk.
_PNG_WITH_ALPHA = (b"\x04", b"\x06")
_HEAD = 1 << 16


def alpha_of(data: bytes) -> Alpha | None:
    """The alpha channel of a picture, uint8 (h, w), row 0 on top; None when there is none or Blender cannot read it."""
    if not _may_have_alpha(data):
        return None
    picture = bpy.data.images.new("Photoreal Alpha", 8, 8)
    try:
        picture.pack(data=data, data_len=len(data))  # type: ignore[arg-type]  # Blender takes bytes, the stubs say str.
        picture.source = "FILE"
        if not (picture.size[0] and picture.size[1]):
            return None
        alpha: Alpha = np.rint(np.clip(pixels_of(picture)[::-1, :, 3], 0.0, 1.0) * 255.0).astype(np.uint8)
        return alpha
    finally:
        bpy.data.images.remove(picture)


def _may_have_alpha(data: bytes) -> bool:
    if data.startswith(_JPEG):
        return False
    if data.startswith(_PNG):
        return data[25:26] in _PNG_WITH_ALPHA or b"tRNS" in data[:_HEAD]
    return True
