# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of a set's page about money and origin: what each picture cost, what made it, and what fal.ai still has."""

from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any
from urllib.parse import quote

from ..messages.money import dollars, paid_to
from .angle_part import maker_of
from .verdict_part import style_of

Record = Mapping[str, Any]


def is_emulated(record: Record) -> bool:
    """Whether an emulator stood in for fal.ai: in this plan, or in an earlier one for requests that are listed."""
    return _is_planned_so(record) or any(request.get("emulated") for request in _requests(record))


def _is_planned_so(record: Record) -> bool:
    return str((record.get("plan") or {}).get("fal", "")).startswith("http")


def _requests(record: Record) -> list[Record]:
    return (record.get("cost") or {}).get("requests") or []


def total_cost(record: Record) -> str:
    """What the set cost and who was paid; empty when fal.ai was not used."""
    cost = record.get("cost") or {}
    actual, unknown = cost.get("actual") or 0.0, cost.get("unknown") or 0
    requests = _requests(record)
    is_free = all(request.get("emulated") for request in requests) if requests else _is_planned_so(record)
    return paid_to(actual, unknown, is_emulated=is_free or _is_planned_so(record))


def costs_part(record: Record) -> str:
    """Every request with its price, and their sum; empty when nothing was paid."""
    total = total_cost(record)
    requests = _requests(record)
    if not total and not requests:
        return ""
    takes = {str(take["request_id"]): take for take in _takes(record) if take.get("request_id")}
    rows = (
        (_purpose(record, request, takes), str(request.get("endpoint", "")), _price(request))
        for request in requests
    )
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    sum_row = (
        f"<tr><th>All requests of the set</th><th colspan='2'>{escape(total)}</th></tr>" if total else ""
    )
    return f"<div class='wide'><table>{body}{sum_row}</table></div>"


def _takes(record: Record) -> Iterator[Record]:
    for shelf in (record.get("takes") or {}).values():
        for name in shelf.values():
            yield from name.get("list", [])


def _purpose(record: Record, request: Record, takes: Mapping[str, Record]) -> str:
    """What a request was for, with its take, and what has become of it where that is not to be expected."""
    parts = [str(request.get("job", ""))]
    product = str(request.get("product", ""))
    if product and product != record.get("product"):
        parts[0] = f"{product}: {parts[0]}"
    state = str(request.get("state", ""))
    if take := takes.get(str(request.get("request", ""))):
        parts.append(f"take {take.get('take', '')}")
        if style_of(take) == "rejected":
            parts.append("rejected")
    elif state != "done":
        parts.append(state)
    return ", ".join(filter(None, parts))


def _price(request: Record) -> str:
    price = request.get("price")
    return "price not known" if price is None else dollars(price)


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
