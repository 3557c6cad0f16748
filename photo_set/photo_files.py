# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of a photo from which an enlargement or a video is made."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def source_of(root: Path, photo: Mapping[str, Any]) -> Path:
    """The photo before it was enlarged: locked, moved back onto its render, or as it was received.

    Where that file is gone, the photo as the set in ``root`` shows it.
    """
    wanted = root / _recorded(photo)
    return wanted if wanted.is_file() else root / str(photo.get("path", ""))


def is_source_gone(root: Path, photo: Mapping[str, Any] | None) -> bool:
    """Whether the set has a photo only as it shows it: what was made from its source cannot be requested again."""
    return bool(photo and photo.get("path")) and not (root / _recorded(photo or {})).is_file()


def _recorded(photo: Mapping[str, Any]) -> str:
    found = photo.get("fidelity") or {}
    changed = found.get("locked") or found.get("realigned") or {}
    return str(changed.get("path") or photo.get("original") or photo.get("path", ""))
