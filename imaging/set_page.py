# SPDX-License-Identifier: GPL-3.0-or-later
"""``index.html`` of a set: its pictures, video and model, what is wrong with them, and what people decide about them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any
from urllib.parse import quote

from .angle_part import angle_part, best_path, caption_of, maker_of, other_takes, strip_item
from .channel_part import channel_table
from .choices import HERO, Background
from .consistency_part import consistency_part
from .identity_part import identity_part
from .origin_part import costs_part, files_at_fal, is_emulated, provenance_part, total_cost
from .page_frame import html_page
from .review_part import review_bar
from .variants_part import variants_part
from .verdict_part import rejected_part

Record = Mapping[str, Any]

_MORE_VIDEOS = {"with_alpha": "with alpha (WebM)", "prores": "with alpha (ProRes)", "preview": "animation"}
IN_PROGRESS = "in progress"
RELOAD_SECONDS = 5  # While a set is being made.


def build_report(record: Record, *, is_being_made: bool = False) -> str:
    """The page for the contents of ``set.json``. Members that are missing are left out or shown as not made yet.

    ``is_being_made``: the page says so and reloads itself.
    """
    product = str(record.get("product", "Product"))
    angles = record.get("angles") or []
    model = record.get("model") or {}
    parts = [*_head(record, product, is_being_made=is_being_made), _stage(record, angles)]
    if any((entry.get("photo") or {}).get("sha256") for entry in angles):
        parts.append(review_bar())
    findings = [
        _findings("pictures", record.get("findings") or []),
        _findings("model", model.get("triage") or []),
    ]
    for title, content in (
        ("Variants", [variants_part(record)]),
        ("Angles", [angle_part(record, entry, number) for number, entry in enumerate(angles, 1)]),
        ("Consistency", [consistency_part(record)]),
        ("Findings", findings),
        ("Channels", [channel_table(record)]),
        ("Costs", [costs_part(record)]),
        ("Provenance", [provenance_part(record)]),
        ("Source", _source(record)),
        ("Model", [_model(model)]),
        ("Still at fal.ai", [files_at_fal(record.get("at_fal") or [])]),
    ):
        parts += _section(title, content)
    is_see_through = (record.get("plan") or {}).get("background") == Background.TRANSPARENT
    return html_page(
        product,
        "\n".join(filter(None, parts)),
        styles=("set.css", "verdict.css", *(("see_through.css",) if is_see_through else ())),
        scripts=("review.js", "set.js"),
        max_width=1280,
        reload_seconds=RELOAD_SECONDS if is_being_made else None,
    )


def _head(record: Record, product: str, *, is_being_made: bool) -> list[str]:
    state = IN_PROGRESS if is_being_made else escape(str(record.get("state", "partial")), quote=True)
    parts = [
        f"<h1>{escape(product)} <span class='state {state}'>{state}</span></h1>",
        f"<p class='lead'>{escape(_lead(record))}</p>",
    ]
    if (record.get("plan") or {}).get("title"):  # It is in the folder variants/NAME of another set.
        parts.append("<p><a href='../../index.html'>All variants</a></p>")
    if is_emulated(record):
        parts.append(
            "<p class='error'>Made with an emulator of fal.ai: for testing only, not for publication.</p>"
        )
    if is_being_made:
        parts.append(
            "<p>This set is being made, and the page reloads every "
            f"{RELOAD_SECONDS} seconds. If nothing changes for minutes, the run was ended: continue it with <code>resume</code>.</p>"
        )
    elif state == "partial":
        parts.append(
            "<p>This set is not complete. <code>resume</code> with the name of this folder continues it.</p>"
        )
    if record.get("error"):
        parts.append(f"<p class='error'>{escape(str(record['error']))}</p>")
    return [*parts, rejected_part(record.get("angles") or []), _findings_link(record)]


def _findings_link(record: Record) -> str:
    """How many errors and warnings there are below; empty without any."""
    found = [*(record.get("findings") or []), *((record.get("model") or {}).get("triage") or [])]
    counts = Counter(str(finding.get("severity")) for finding in found)
    parts = [f"{counts[one]} {one}{'s' * (counts[one] > 1)}" for one in ("error", "warning") if counts[one]]
    style = " class='error'" if counts["error"] else ""
    return f"<p{style}><a href='#findings'>{' and '.join(parts)} in the findings</a></p>" if parts else ""


def _section(title: str, content: Iterable[str]) -> list[str]:
    content = [part for part in content if part]
    name = title.split()[0].lower()
    return [f"<h2 id='{name}'>{title}</h2>", *content] if content else []


def _lead(record: Record) -> str:
    tool = record.get("tool", {})
    made = str(record.get("created", ""))[:16].replace("T", " ")
    parts = [f"{made} UTC", f"{tool.get('name', '')} {tool.get('version', '')}"]
    if tool.get("blender"):  # A product of a catalogue may not be rendered yet.
        parts.append(f"Blender {tool['blender']}")
    return " · ".join(filter(None, [*parts, total_cost(record)]))


def _stage(record: Record, angles: list[Record]) -> str:
    """The hero, the strip of all angles, and beside them what moves."""
    beside = [*(_video(record, entry) for entry in record.get("videos", [])), _spin(record.get("spin") or {})]
    beside = [part for part in beside if part]
    if not angles and not beside:
        return ""
    shown = _hero(angles)
    hero = "<div class='empty'>No reference yet</div>"
    caption = ""
    if shown is not None and (path := best_path(angles[shown])):
        caption = escape(caption_of(angles[shown]), quote=True)
        hero = f"<img src='{quote(path)}' alt='{caption}'>"
    strip = "".join(
        strip_item(entry, number, is_current=number - 1 == shown) for number, entry in enumerate(angles, 1)
    )
    side = f"<div class='beside'>{''.join(beside)}</div>" if beside else ""
    return (
        f"<div class='stage{'' if beside else ' alone'}'><figure class='hero'>{hero}"
        f"<figcaption>{caption}</figcaption></figure>{side}<ol class='strip'>{strip}</ol></div>"
    )


def _hero(angles: list[Record]) -> int | None:
    """The index of the angle to show first: the hero, or the first one that has a picture."""
    made = [index for index, entry in enumerate(angles) if best_path(entry)]
    named = [index for index in made if angles[index].get("name") == HERO]
    return next(iter([*named, *made]), 0 if angles else None)


def _video(record: Record, entry: Record) -> str:
    error = entry.get("error") or (entry.get("pending") or {}).get("error")
    message = f"<p class='error'>{escape(str(error))}</p>" if error else ""
    others = other_takes(record, "videos", str(entry.get("motion", "")))
    if not entry.get("path"):
        return f"<div>{message or '<p>No video yet</p>'}{others}</div>"
    address = quote(entry["path"])
    facts = f"{str(entry['motion']).capitalize()} of {entry.get('seconds', '')} s by {maker_of(entry)}"
    links = "".join(
        f", <a href='{quote(entry[name]['path'])}' download>{text}</a>"
        for name, text in _MORE_VIDEOS.items()
        if (entry.get(name) or {}).get("path")
    )
    return (
        f"<figure class='video'><video src='{address}' controls loop muted autoplay playsinline></video>"
        f"<figcaption>{escape(facts)} · <a href='{address}' download>Download video</a>{links}</figcaption>"
        f"{message}{identity_part(entry)}{others}</figure>"
    )


def _spin(spin: Record) -> str:
    """The page of the spin, and links to its files; empty as long as it is not complete."""
    if not (spin.get("page") or {}).get("path"):
        return ""
    names = {"page": "alone", "sprite": "sprite", "zip": "zip of all frames", "manifest": "manifest"}
    links = ", ".join(
        f"<a href='{quote(spin[name]['path'])}'>{text}</a>" for name, text in names.items() if name in spin
    )
    address = quote(spin["page"]["path"])
    return (
        f"<figure class='spin'><iframe src='{address}' title='Spin' loading='lazy'></iframe>"
        f"<figcaption>{spin.get('count', '')} frames, drag to turn: {links}</figcaption></figure>"
    )


def _source(record: Record) -> list[str]:
    source = record.get("source", {})
    match source.get("kind"):
        case "photos":
            figures = [_figure(f"source/{item['name']}", item["name"]) for item in source.get("files", [])]
            return [f"<div class='row screen-only'>{''.join(figures)}</div>"]
        case "text":
            return [f"<p>“{escape(str(source.get('text', '')))}”</p>"]
        case "model":
            return [f"<p>{escape(item['name'])}</p>" for item in source.get("files", [])]
    return []


def _model(model: Record) -> str:
    if not model.get("path"):
        return ""
    rows = [("File", f"<a href='{quote(model['path'])}'>{escape(model['path'])}</a>")]
    if "triangles" in model:
        rows.append(("Triangles", f"{model['triangles']:,}"))
    if "size_m" in model:
        rows.append(("Size", " × ".join(f"{side:.4g}" for side in model["size_m"]) + " m"))
    if model.get("endpoint"):
        rows.append(("Made by", escape(f"{model['endpoint']} ({model.get('request_id', '')})")))
    if model.get("variant"):
        rows.append(("Material variant", escape(str(model["variant"]))))
    if model.get("clip"):
        rows.append(("Pose", f"{escape(str(model.get('pose', '')))} of {escape(str(model['clip']))}"))
    return (
        "<table>" + "".join(f"<tr><td>{name}</td><td>{value}</td></tr>" for name, value in rows) + "</table>"
    )


def _findings(where: str, findings: Iterable[Record]) -> str:
    """A table of findings, the worst first; empty when nothing was found. ``where``: what they are about."""
    rows = ""
    for finding in findings:
        severity = escape(str(finding.get("severity", "note")))
        style = "" if severity == "note" else " class='error'"
        rows += f"<tr><td{style}>{severity}</td><td>{escape(str(finding.get('text', '')))}</td></tr>"
    head = f"<tr><th colspan='2'>In the {where}</th></tr>"
    return f"<table class='triage'>{head}{rows}</table>" if rows else ""


def _figure(path: str, caption: str) -> str:
    address = quote(path)
    return (
        f"<figure><a href='{address}'><img src='{address}' alt='{escape(caption, quote=True)}' loading='lazy'></a>"
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )
