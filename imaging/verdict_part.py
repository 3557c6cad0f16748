# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of a set's page that says what the comparison of a photo with its render has found."""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any
from urllib.parse import quote

from .consistency_part import matched_part

Record = Mapping[str, Any]

TITLES = {
    "accept": "Accepted",
    "realign": "Moved",
    "look": "Look at this",
    "retry": "Rejected",
    "reject": "Rejected",
}


def verdict_part(photo: Record) -> str:
    """The verdict, its reason and the photo as it was received; empty when it was not checked."""
    found = photo.get("fidelity") or {}
    if not found:
        return ""
    title, style = TITLES.get(str(found.get("verdict")), "Checked"), ""
    if found.get("accepted"):
        title, style = "Accepted by a person", "accepted"
    elif found.get("rejected"):
        style = "rejected"
    elif found.get("verdict") == "accept":
        style = "accepted"
    reason = f"<p>{escape(str(found.get('reason', '')))}</p>"
    return f"<div class='verdict {style}'><b>{title}</b>{reason}{_moved(photo, found)}{_locked(found)}{matched_part(photo)}</div>"


def rejected_part(entries: Iterable[Record]) -> str:
    """One line about the photos that are held back; empty when there are none."""
    names = [
        str(entry.get("name", ""))
        for entry in entries
        if ((entry.get("photo") or {}).get("fidelity") or {}).get("rejected")
    ]
    if not names:
        return ""
    count = "A photo is" if len(names) == 1 else f"{len(names)} photos are"
    text = f"{count} rejected and held back: {', '.join(names)}."
    return f"<p class='error'>{escape(text)}</p>"


def _moved(photo: Record, found: Record) -> str:
    moved = found.get("realigned")
    if not moved:
        return ""
    remain = f" {moved['residual']:.2%} of the frame remain." if "residual" in moved else ""
    before = f" <a href='{quote(str(photo['original']))}'>Before</a>" if photo.get("original") else ""
    return f"<p>Moved back onto the render.{remain}{before}</p>"


def _locked(found: Record) -> str:
    what = (found.get("locked") or {}).get("what")
    return f"<p>Locked to the render: {escape(str(what))}.</p>" if what else ""


def overlay_path(photo: Record) -> str:
    """The picture of what the check has found, drawn into the photo; "" when there is none."""
    return str(((photo.get("fidelity") or {}).get("overlay") or {}).get("path") or "")
