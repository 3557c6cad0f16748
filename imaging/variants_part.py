# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of a set's page that shows its variants: a row for each, a column for each angle."""

from collections.abc import Mapping
from html import escape
from typing import Any
from urllib.parse import quote

from .angle_part import best_path

Record = Mapping[str, Any]


def variants_part(record: Record) -> str:
    """The matrix of variants and angles; empty for a set without several variants."""
    variants = record.get("variants") or []
    if not variants:
        return ""
    angles = [str(entry.get("name", "")) for entry in record.get("angles") or []]
    head = "".join(f"<th scope='col'>{escape(name)}</th>" for name in angles)
    rows = "".join(_row(record, entry, angles) for entry in variants)
    return (
        "<div class='wide variants' tabindex='0' role='region' aria-label='Variants'>"
        f"<table><thead><tr><td></td>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _row(record: Record, variant: Record, angles: list[str]) -> str:
    name, folder = str(variant.get("name", "")), str(variant.get("folder", ""))
    title = f"<a href='{quote(folder)}/index.html'>{escape(name)}</a>" if folder else escape(name)
    pictures = _pictures(record) if not folder else variant.get("angles") or []
    paths = {str(entry.get("name", "")): str(entry.get("path", "")) for entry in pictures}
    cells = "".join(_cell(f"{name}, {angle}", paths.get(angle, "")) for angle in angles)
    return f"<tr><th scope='row'>{title}{_facts(variant)}</th>{cells}</tr>"


def _pictures(record: Record) -> list[dict[str, str]]:
    """Those of the first variant, which are the pictures of the set itself."""
    return [
        {"name": str(entry.get("name", "")), "path": best_path(entry)} for entry in record.get("angles") or []
    ]


def _facts(variant: Record) -> str:
    """The colors of a variant, and why it is not complete."""
    colors = variant.get("colors") or {}
    name = str(variant.get("name", ""))
    named = all(f"{slot} {value[1:]}" in name for slot, value in colors.items())
    texts = [] if named else [f"{slot} {value}" for slot, value in colors.items()]
    lines = [f"<span class='note'>{escape(text)}</span>" for text in texts]
    if error := variant.get("error"):
        lines.append(f"<span class='error'>{escape(str(error))}</span>")
    elif variant.get("folder") and variant.get("state") != "done":
        lines.append("<span class='note'>not complete</span>")
    return "".join(lines)


def _cell(alt: str, path: str) -> str:
    if not path:
        return "<td><span class='empty'>…</span></td>"
    address, text = quote(path), escape(alt, quote=True)
    return f"<td><a href='{address}'><img src='{address}' alt='{text}' loading='lazy'></a></td>"
