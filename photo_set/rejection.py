# SPDX-License-Identifier: GPL-3.0-or-later
"""What an entry of ``set.json`` says about photos and videos that are held back. Needs no package."""

from collections.abc import Mapping
from typing import Any

from ..messages.errors import PhotorealError


class RejectedPhotoError(PhotorealError):
    """A photo was received and is held back, because it does not show the product as its render does."""


def is_rejected(made: Mapping[str, Any] | None) -> bool:
    """Whether a photo or a video is held back: not placed, not exported, and no video is made from it."""
    return bool(check_of(made).get("rejected"))


def reason_of(made: Mapping[str, Any] | None) -> str:
    """Why its check has this verdict; "" when it was not checked."""
    return str(check_of(made).get("reason", ""))


def check_of(made: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """What the check of a photo or a video has found; empty when it was not checked."""
    made = made or {}
    return made.get("fidelity") or made.get("identity") or {}


def verdict_of(made: Mapping[str, Any] | None) -> str:
    """The verdict of its check; "" when it was not checked, "accepted" when a person has overruled it."""
    found = check_of(made)
    return "accepted" if found.get("accepted") else str(found.get("verdict", ""))
