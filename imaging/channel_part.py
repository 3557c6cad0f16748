# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of a set's page that says for which channels its pictures were exported, and which rules they do not meet."""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from .review_part import photos_id

Record = Mapping[str, Any]

_HEAD = ("Channel", "Pictures", "Rules met", "What is not met")


def channel_table(record: Record) -> str:
    """A line for each channel; empty when nothing was exported."""
    entries = record.get("channels") or []
    if not entries:
        return ""
    head = "".join(f"<th>{title}</th>" for title in _HEAD)
    rows = "".join(_row(entry, is_current=entry.get("photos") == photos_id(record)) for entry in entries)
    return f"<table class='channels'><tr>{head}</tr>{rows}</table>"


def _row(entry: Record, *, is_current: bool) -> str:
    told = [
        *_lines("error", entry.get("problems") or []),
        *_lines("error", entry.get("unmet") or []),
        *_lines("", entry.get("advice") or []),
    ]
    if not is_current:
        told.insert(0, "<p>The photos have changed since: export again.</p>")
    cells = (
        escape(str(entry.get("title") or entry.get("name", ""))),
        escape(str(entry.get("exported", 0))),
        escape(f"{entry.get('met', 0)} of {entry.get('rules', 0)}"),
        "".join(told) or "–",
    )
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _lines(style: str, texts: Iterable[object]) -> list[str]:
    mark = f" class='{style}'" if style else ""
    return [f"<p{mark}>{escape(str(text))}</p>" for text in texts]
