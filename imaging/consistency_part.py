# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of a set's page that says whether the photos belong together. Needs no package."""

import math
from collections.abc import Mapping
from html import escape
from typing import Any
from urllib.parse import quote

Record = Mapping[str, Any]
HEAD = ("Angle", "White balance", "Exposure", "Size", "Of the tolerance")


def consistency_part(record: Record) -> str:
    """A table of how far each photo is from the middle of its set; empty when photos were not compared.

    Photos that have changed since then are left out.
    """
    found = (record.get("consistency") or {}).get("angles") or {}
    rows = [
        _row(str(entry["name"]), found[entry["name"]])
        for entry in record.get("angles") or []
        if entry.get("name") in found
        and found[entry["name"]].get("photo") == (entry.get("photo") or {}).get("sha256")
    ]
    if not rows:
        return ""
    head = "".join(f"<th>{title}</th>" for title in HEAD)
    note = (
        "<p>How far each photo is from the middle of its set, inside the product. Above 100% of the tolerance, a photo does "
        "not belong to the others.</p>"
    )
    return f"{note}<div class='wide'><table class='drifts'><tr>{head}</tr>{''.join(rows)}</table></div>"


def matched_part(photo: Record) -> str:
    """What was matched in a photo, and the photo before; empty when it stayed as it was."""
    matched = (photo.get("fidelity") or {}).get("matched")
    if not matched:
        return ""
    before = f" <a href='{quote(str(matched['path']))}'>Before</a>" if matched.get("path") else ""
    was = f"{white_balance(matched)} and {exposure(matched)}"
    return f"<p>White balance and exposure were matched to the set: it was {was}.{before}</p>"


def white_balance(drift: Record) -> str:
    """Such as "310 K warmer"."""
    kelvin = float(drift.get("kelvin", 0.0))
    return _with_word(f"{abs(kelvin):.0f}\u00a0K", "warmer" if kelvin < 0.0 else "cooler")


def exposure(drift: Record) -> str:
    """Such as "4 % brighter"."""
    share = math.exp(min(float(drift.get("exposure", 0.0)), 10.0)) - 1.0
    return _with_word(f"{abs(share):.0%}", "darker" if share < 0.0 else "brighter")


def _with_word(amount: str, word: str) -> str:
    """Amount and word; nothing is 0 K warmer."""
    return f"{amount} {word}" if any(digit in amount for digit in "123456789") else amount


def _row(name: str, drift: Record) -> str:
    fill, score = float(drift.get("fill", 0.0)), float(drift.get("score", 0.0))
    size = _with_word(f"{abs(fill):.1%}", "smaller" if fill < 0.0 else "larger")
    cells = (name, white_balance(drift), exposure(drift), size)
    style = " class='error'" if drift.get("reason") else ""
    plain = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    return f"<tr>{plain}<td{style}>{score:.0%}</td></tr>"
