# SPDX-License-Identifier: GPL-3.0-or-later
"""Small pictures for the overview of a catalogue, which may show thousands."""

import io
from pathlib import Path, PurePosixPath

from PIL import Image

from ..fal_bridge.endpoints.endpoint import MAX_PICTURE_BYTES
from ..files.enclosed import place_in
from ..files.input_files import open_regular
from ..files.writing import write_atomically
from ..photo_set import variants
from .folder_names import OVERVIEW

SIDE = 240
# Pillow passes other formats on to further programs, such as Ghostscript.
FORMATS = ("PNG", "JPEG", "WEBP")


def thumbnail_path(root: Path, folder: str, hero: str) -> Path:
    """The thumbnail of the product in ``folder`` of the catalogue in ``root``, or of the variant that ``hero`` shows."""
    match PurePosixPath(hero).parts:
        case (variants.FOLDER, variant, _, *_):
            return root / OVERVIEW / f"{folder}.variants" / f"{variant}.jpg"
    return root / OVERVIEW / f"{folder}.jpg"


def renew_thumbnail(root: Path, folder: str, hero: str) -> None:
    """Make the thumbnail unless it is as new as ``hero``, a picture within the product's folder, or "" for none.

    There is none for a photo that is gone or cannot be read. Raises OutsideError for one outside the product's folder,
    and OSError when the thumbnail cannot be written.
    """
    source = place_in(root / folder, hero, str(root / folder)) if hero else None
    if source is None:
        return
    target = thumbnail_path(root, folder, hero)
    try:
        if target.exists() and target.stat().st_mtime_ns >= source.stat().st_mtime_ns:
            return
        with open_regular(source, MAX_PICTURE_BYTES) as stream, Image.open(stream, formats=FORMATS) as photo:
            small = photo.convert("RGBA")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return
    small.thumbnail((SIDE, SIDE))
    page = Image.new("RGB", small.size, "white")
    page.paste(small, mask=small.getchannel("A"))
    buffer = io.BytesIO()
    page.save(buffer, "JPEG", quality=82)
    write_atomically(target, buffer.getvalue())
