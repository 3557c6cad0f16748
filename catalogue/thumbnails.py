# SPDX-License-Identifier: GPL-3.0-or-later
"""Small pictures for the overview of a catalogue, which may show thousands."""

import io
from pathlib import Path

from PIL import Image

from ..enclosed import place_in
from ..files import write_atomically

SIDE = 240
FORMATS = (
    "PNG",
    "JPEG",
    "WEBP",
)  # Of photos. Pillow hands others to further programs, PostScript for example.


def thumbnail_path(root: Path, folder: str) -> Path:
    """That of the product in ``folder`` of the catalogue in ``root``."""
    return root / "overview" / f"{folder}.jpg"


def renew_thumbnail(root: Path, folder: str, hero: str) -> None:
    """Make the thumbnail unless it is as new as ``hero``, a photo within the product's folder, or "" for none.

    Raises OSError when the photo cannot be read, and OutsideError when it lies outside the product's folder.
    """
    source = place_in(root / folder, hero, str(root / folder)) if hero else None
    if source is None:
        return
    target = thumbnail_path(root, folder)
    if target.exists() and target.stat().st_mtime_ns >= source.stat().st_mtime_ns:
        return
    with Image.open(source, formats=FORMATS) as photo:
        small = photo.convert("RGBA")
    small.thumbnail((SIDE, SIDE))
    page = Image.new("RGB", small.size, "white")
    page.paste(small, mask=small.getchannel("A"))
    buffer = io.BytesIO()
    page.save(buffer, "JPEG", quality=82)
    write_atomically(target, buffer.getvalue())
