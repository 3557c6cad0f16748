# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of a set's page about money and origin: what each picture cost, what made it, and what fal.ai still has."""

from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any
from urllib.parse import quote

from ..messages.money import paid_to
from .angle_part import maker_of, price_of

Record = Mapping[str, Any]


def is_emulated(record: Record) -> bool:
    """Whether an emulator stood in for fal.ai."""
    return str((record.get("plan") or {}).get("fal", "")).startswith("http")


def total_cost(record: Record) -> str:
    """What the set cost and who was paid; empty when fal.ai was not used."""
    cost = record.get("cost") or {}
    actual, unknown = cost.get("actual") or 0.0, cost.get("unknown") or 0
    return paid_to(actual, unknown, is_emulated=is_emulated(record))


def costs_part(record: Record) -> str:
    """What each thing that the set shows has cost, and the total with earlier takes; empty when nothing was paid."""
    total = total_cost(record)
    rows = [(name, maker_of(entry), price_of(entry)) for name, entry in _made(record) if price_of(entry)]
    if not total and not rows:
        return ""
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    sum_row = (
        f"<tr><th>All requests of the set</th><th colspan='2'>{escape(total)}</th></tr>" if total else ""
    )
    return f"<div class='wide'><table>{body}{sum_row}</table></div>"


def _made(record: Record) -> Iterator[tuple[str, Record]]:
    """Everything that the set shows and that can be made by fal.ai."""
    model = record.get("model") or {}
    yield "Concept picture", model.get("concept") or {}
    yield "3D model", model
    for entry in record.get("angles", []):
        yield f"Photo {entry.get('name', '')}", entry.get("photo") or {}
    for entry in record.get("videos", []):
        yield f"Video {entry.get('motion', '')}", entry


def provenance_part(record: Record) -> str:
    """For every picture: its file, what made it, its IPTC source type and its hash; empty when there is none."""
    rows = [_provenance_row(name, entry) for name, entry in _files(record) if entry.get("path")]
    if not rows:
        return ""
    tool = record.get("tool") or {}
    made_by = f"{tool.get('name', '')} {tool.get('version', '')}"
    if tool.get("blender"):
        made_by += f", Blender {tool['blender']}"
    head = "<tr><th>Picture</th><th>Made by</th><th>Kind</th><th>SHA-256</th></tr>"
    return (
        f"<p>{escape(made_by)}. “Kind” is the IPTC digital source type that the file states.</p>"
        f"<details class='screen-only'><summary>{len(rows)} files</summary>"
        f"<div class='wide'><table class='provenance'>{head}{''.join(rows)}</table></div></details>"
    )


def _files(record: Record) -> Iterator[tuple[str, Record]]:
    model = record.get("model") or {}
    yield "3D model", model
    for entry in record.get("angles", []):
        name = entry.get("name", "")
        yield f"Render {name}", {"engine": "cycles", **(entry.get("render") or {})}
        yield f"Photo {name}", entry.get("photo") or {}
    for entry in record.get("videos", []):
        yield f"Video {entry.get('motion', '')}", entry


def _provenance_row(name: str, entry: Record) -> str:
    made_by = maker_of(entry) + (f", request {entry['request_id']}" if entry.get("request_id") else "")
    digest = escape(str(entry.get("sha256", "")))
    return (
        f"<tr><td><a href='{quote(str(entry['path']))}'>{escape(name)}</a></td><td>{escape(made_by)}</td>"
        f"<td>{escape(str(entry.get('source_type', '')))}</td><td><code title='{digest}'>{digest[:16]}</code></td></tr>"
    )


def files_at_fal(entries: Iterable[Record]) -> str:
    """A table of the files that fal.ai keeps; empty when there are none."""
    rows = ""
    for entry in entries:
        what = ", ".join(map(str, entry.get("labels") or [])) or "a picture"
        what = f"Sent for {what}" if entry.get("kind") == "upload" else what
        count = entry.get("files", 1)
        what += f" ({count} files)" if count != 1 else ""
        is_public = entry.get("readable_by") == "anyone"
        reader = "readable by anyone who knows the address" if is_public else "readable only with your key"
        until = entry.get("until")
        end = (
            f"until {str(until)[:16].replace('T', ' ')} UTC"
            if until
            else "as long as your account keeps files"
        )
        rows += "".join(f"<td>{escape(text)}</td>" for text in (what, reader, end)).join(("<tr>", "</tr>"))
    return f"<div class='wide screen-only'><table>{rows}</table></div>" if rows else ""
