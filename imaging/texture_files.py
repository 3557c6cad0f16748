# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the texture files of a 3D model smaller."""

import io

from PIL import Image

from .sent_picture import PictureError

JPEG_QUALITY = 90


def reduced(data: bytes, side: int, *, is_colour: bool) -> bytes:
    """A texture with at most ``side`` pixels on its longer side, as JPEG where it is opaque and ``is_colour``, else as PNG.

    Other textures hold numbers, such as normals, in which the blocks of JPEG would be seen. Each channel is resized
    alone, because colors also count where alpha is 0. Raises PictureError for a file that cannot be read.
    """
    try:
        with Image.open(io.BytesIO(data)) as opened:
            picture = opened.convert("RGBA" if opened.has_transparency_data else "RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise PictureError(f"a texture cannot be read ({error})") from error
    scale = min(1.0, side / max(picture.size))
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    if size != picture.size:
        channels = [channel.resize(size, Image.Resampling.LANCZOS) for channel in picture.split()]
        picture = Image.merge(picture.mode, channels)
    buffer = io.BytesIO()
    if is_colour and picture.mode == "RGB":
        picture.save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    else:
        picture.save(buffer, "PNG", compress_level=9)
    return buffer.getvalue()
