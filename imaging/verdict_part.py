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
    title, style = TITLES.get(str(found.get("verdict")), "Checked"), style_of(photo)
    if found.get("accepted"):
        title = "Accepted by a person"
    reason = f"<p>{escape(str(found.get('reason', '')))}</p>"
    return f"<div class='verdict {style}'><b>{title}</b>{reason}{_moved(photo, found)}{_locked(found)}{matched_part(photo)}</div>"


def style_of(photo: Record) -> str:
    """The class of everything that shows the verdict: "accepted", "rejected" or "look"; "" when it was not checked."""
    found = photo.get("fidelity") or {}
    if found.get("rejected"):
        return "rejected"
    if found.get("accepted") or found.get("verdict") == "accept":
        return "accepted"
    return "look" if found.get("verdict") else ""


def rejected_part(entries: Iterable[Record]) -> str:
    """The photos that are held back, and what can be done; empty when there are none."""
    links = [
        f"<a href='#angle-{number}'>{escape(str(entry.get('name', '')))}</a>"
        for number, entry in enumerate(entries, 1)
        if style_of(entry.get("photo") or {}) == "rejected"
    ]
    if not links:
        return ""
    count = "A photo is" if len(links) == 1 else f"{len(links)} photos are"
    advice = (
        "<code>resume</code> with <code>--accept ANGLE</code> accepts one anyway, with <code>--redo ANGLE</code> it "
        "buys another one."
    )
    return f"<p class='error'>{count} rejected and held back: {', '.join(links)}.</p><p>{advice}</p>"


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
