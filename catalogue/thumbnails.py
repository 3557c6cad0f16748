# SPDX-License-Identifier: GPL-3.0-or-later
"""Small pictures for the overview of a catalogue, which may show thousands."""

from pathlib import Path

from PIL import Image

from ..fal_bridge.endpoint import MOST_PICTURE_BYTES
from ..input_files import open_regular
from .folder_names import OVERVIEW

SIDE = 240


def thumbnail_path(root: Path, folder: str) -> Path:
    """That of the product in ``folder`` of the catalogue in ``root``."""
    return root / OVERVIEW / f"{folder}.jpg"


def renew_thumbnail(root: Path, folder: str, hero: str) -> None:
    """Make the thumbnail unless it is as new as ``hero``, a photo within the product's folder, or "" for none.

    There is none for a photo that is gone or cannot be read. Raises OSError when the thumbnail cannot be written.
    """
    if not hero:
        return
    source, target = root / folder / hero, thumbnail_path(root, folder)
    try:
        if target.exists() and target.stat().st_mtime_ns >= source.stat().st_mtime_ns:
            return
        with open_regular(source, MOST_PICTURE_BYTES) as stream, Image.open(stream) as photo:
            small = photo.convert("RGBA")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return
    target.parent.mkdir(exist_ok=True)
    small.thumbnail((SIDE, SIDE))
    page = Image.new("RGB", small.size, "white")
    page.paste(small, mask=small.getchannel("A"))
    page.save(target, "JPEG", quality=82)
