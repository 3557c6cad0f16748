# SPDX-License-Identifier: GPL-3.0-or-later
"""What the pages need so that people can accept and reject photos, and how a decision names its set and its photo."""

import hashlib
import json
from collections.abc import Mapping
from html import escape
from typing import Any

Record = Mapping[str, Any]

WHOLE_SET = "*"  # The name in a decision about all photos of a set, as the page of a catalogue makes it.
WORDS = {"accept": "accepted", "reject": "rejected", "retry": "try again"}
_BUTTONS = (("accept", "Accept", "A"), ("reject", "Reject", "R"), ("retry", "Try again", "T"))


def set_id(record: Record) -> str:
    """32 hexadecimal digits that name a set in a file of decisions: from its product, source and time of creation."""
    parts = [record.get("product"), record.get("created"), record.get("source")]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def photos_id(record: Record) -> str:
    """32 hexadecimal digits that name the photos that a set shows now; "" when there are none."""
    shown = [
        (entry.get("name"), (entry.get("photo") or {}).get("sha256")) for entry in record.get("angles", [])
    ]
    photos = [(name, digest) for name, digest in shown if digest]
    return hashlib.sha256(json.dumps(photos).encode()).hexdigest()[:32] if photos else ""


def product_photos_id(record: Record) -> str:
    """As ``photos_id``, together with the photos of the other variants, as the set lists them."""
    own = photos_id(record)
    others = [
        (variant.get("name"), *photo)
        for variant in record.get("variants", [])
        for photo in variant_photos(variant).items()
    ]
    return hashlib.sha256(json.dumps([own, others]).encode()).hexdigest()[:32] if others else own


def variant_photos(variant: Record) -> dict[str, str]:
    """The SHA-256 of the photos that a set lists for one of its variants, by angle."""
    return {
        str(entry["name"]): str(entry["sha256"])
        for entry in variant.get("angles", [])
        if entry.get("kind") == "photo" and entry.get("sha256")
    }


def review_bar() -> str:
    """Name of the reviewer, how many photos are decided, and the button that exports the decisions."""
    return (
        "<section class='review-bar js-only' aria-label='Review'>"
        "<label>Reviewer <input type='text' class='reviewer' maxlength='100' autocomplete='name'></label>"
        "<span class='told' role='status'></span>"
        "<button type='button' class='export' title='E'>Export decisions</button></section>"
    )


def decide_part(what: str, *, can_retry: bool) -> str:
    """The buttons for one photo, or one product. ``can_retry``: fal.ai can be asked for another photo."""
    buttons = "".join(
        f"<button type='button' data-decision='{word}' aria-pressed='false' title='{key}'>{title}</button>"
        for word, title, key in _BUTTONS
        if can_retry or word != "retry"
    )
    hint = "Reason; with Try again it is added to the prompt" if can_retry else "Reason"
    return (
        f"<div class='decide js-only' role='group' aria-label='Decision on {escape(what)}'>{buttons}"
        f"<input type='text' class='reason' maxlength='500' placeholder='{hint}' aria-label='Reason' hidden></div>"
    )


def noted_part(photo: Record) -> str:
    """What a reviewer has decided about a photo before; empty when nothing is recorded."""
    review = photo.get("review") or {}
    if not review:
        return ""
    word = WORDS.get(str(review.get("decision")), "decided")
    when = str(review.get("when", ""))[:16].replace("T", " ")
    reason = f" “{review['reason']}”" if review.get("reason") else ""
    text = f"{word.capitalize()} by {review.get('by', '')}, {when} UTC.{reason}"
    return f"<p class='noted'>{escape(text)}</p>"
