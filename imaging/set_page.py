# SPDX-License-Identifier: GPL-3.0-or-later
"""``index.html`` of a set: its pictures, video, model and what is wrong with the model."""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any
from urllib.parse import quote

from ..messages.money import paid_to
from .choices import Pass
from .page_frame import html_page
from .verdict_part import STYLE as VERDICT_STYLE
from .verdict_part import rejected_part, verdict_part

Record = Mapping[str, Any]

IN_PROGRESS = "in progress"
RELOAD_SECONDS = 5  # While a set is being made.
STYLE = """
.state { border-radius: 99px; font-size: .85rem; padding: .1rem .7rem; background: var(--soft); vertical-align: middle; }
.state.done { color: #fff; background: var(--good); } .state.failed, .state.held { color: #fff; background: var(--bad); }
.pair { border-top: 1px solid var(--line); display: grid; gap: 1rem; grid-template-columns: 11rem 1fr 1fr; padding: 1rem 0; }
.pair h3 { font-size: 1rem; margin: 0; } .pair p, figcaption { font-size: .85rem; margin: .2rem 0 0; opacity: .75; }
figure { margin: 0; } figure img, figure video { background: #fff; border: 1px solid var(--line); border-radius: 6px;
  display: block; height: auto; width: 100%; }
.row { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(220px, 1fr)); }
.video { max-width: 560px; }
.empty { align-items: center; aspect-ratio: 1; background: var(--soft); border-radius: 6px; display: flex;
  justify-content: center; padding: 1rem; text-align: center; }
td { padding: .15rem 1.25rem .15rem 0; }
@media (max-width: 720px) { .pair { grid-template-columns: 1fr 1fr; } .pair > div { grid-column: 1 / -1; } }
"""


def build_report(record: Record, *, is_being_made: bool = False) -> str:
    """The page for the contents of ``set.json``. Members that are missing are left out or shown as not made yet.

    ``is_being_made``: the page says so and reloads itself.
    """
    product = str(record.get("product", "Product"))
    state = IN_PROGRESS if is_being_made else escape(str(record.get("state", "partial")))
    parts = [
        f"<h1>{escape(product)} <span class='state {state}'>{state}</span></h1>",
        f"<p class='lead'>{escape(_lead(record))}</p>",
    ]
    if _is_emulated(record):
        parts.append(
            "<p class='error'>Made with an emulator of fal.ai: for testing only, not for publication.</p>"
        )
    parts += _progress(state, is_being_made=is_being_made)
    if record.get("error"):
        parts.append(f"<p class='error'>{escape(str(record['error']))}</p>")
    parts += _about_pictures(record)
    parts += _section("Source", _source(record))
    parts += _section("Angles", [_pair(record, entry) for entry in record.get("angles", [])])
    parts += _section("Video", [_video(record, entry) for entry in record.get("videos", [])])
    parts += _section("Model", [_model(record)])
    parts += _section(
        "Findings about the model", [_findings((record.get("model") or {}).get("triage") or [])]
    )
    parts += _section("Still at fal.ai", [_files_at_fal(record.get("at_fal") or [])])
    reload_seconds = RELOAD_SECONDS if is_being_made else None
    return html_page(
        product,
        "\n".join(filter(None, parts)),
        STYLE + VERDICT_STYLE,
        max_width=1200,
        reload_seconds=reload_seconds,
    )


def _progress(state: str, *, is_being_made: bool) -> list[str]:
    """What the page of a set says that is not complete."""
    if is_being_made:
        return [
            "<p>This set is being made, and the page reloads every "
            f"{RELOAD_SECONDS} seconds. If nothing changes for minutes, the run was ended: continue it with <code>resume</code>.</p>"
        ]
    if state == "partial":
        return [
            "<p>This set is not complete. <code>resume</code> with the name of this folder continues it.</p>"
        ]
    return []


def _about_pictures(record: Record) -> list[str]:
    """The photos that are held back, and what is wrong with the finished pictures."""
    findings = _section("Findings about the pictures", [_findings(record.get("findings") or [])])
    return [rejected_part(record.get("angles") or []), *findings]


def _section(title: str, content: Iterable[str]) -> list[str]:
    content = [part for part in content if part]
    return [f"<h2>{title}</h2>", *content] if content else []


def _lead(record: Record) -> str:
    tool = record.get("tool", {})
    made = str(record.get("created", ""))[:16].replace("T", " ")
    cost = record.get("cost") or {}
    parts = [f"{made} UTC", f"{tool.get('name', '')} {tool.get('version', '')}"]
    if tool.get("blender"):  # A product of a catalogue may not be rendered yet.
        parts.append(f"Blender {tool['blender']}")
    parts.append(
        paid_to(cost.get("actual") or 0.0, cost.get("unknown") or 0, is_emulated=_is_emulated(record))
    )
    return " · ".join(filter(None, parts))


def _is_emulated(record: Record) -> bool:
    return str((record.get("plan") or {}).get("fal", "")).startswith("http")


def _source(record: Record) -> list[str]:
    source = record.get("source", {})
    match source.get("kind"):
        case "photos":
            figures = [_figure(f"source/{item['name']}", item["name"]) for item in source.get("files", [])]
            return [f"<div class='row'>{''.join(figures)}</div>"]
        case "text":
            return [f"<p>“{escape(str(source.get('text', '')))}”</p>"]
        case "model":
            return [f"<p>{escape(item['name'])}</p>" for item in source.get("files", [])]
    return []


def _pair(record: Record, entry: Record) -> str:
    render, photo = entry.get("render"), entry.get("photo") or {}
    # A no-break space keeps each word at its number.
    facts = [f"azimuth\u00a0{entry.get('azimuth', 0):g}°, elevation\u00a0{entry.get('elevation', 0):g}°"]
    if entry.get("fill"):
        facts.append(f"fills {entry['fill']:.0%} of the frame")
    details = "".join(f"<p>{escape(fact)}</p>" for fact in facts)
    passes = {kind: entry[kind]["path"] for kind in Pass if (entry.get(kind) or {}).get("path")}
    if passes:
        links = (f"<a href='{quote(path)}'>{escape(kind)}</a>" for kind, path in passes.items())
        details += f"<p>{', '.join(links)}</p>"
    details += _other_takes(record, "photos", entry["name"])
    details += verdict_part(photo)
    for error in filter(None, (photo.get("error"), (entry.get("pending") or {}).get("error"))):
        details += f"<p class='error'>{escape(str(error))}</p>"
    left = (
        _figure(render["path"], f"Reference, {render['samples']} sample{'s' * (render['samples'] != 1)}")
        if render
        else _empty("No reference yet")
    )
    right = (
        _figure(photo["path"], f"Photo by {_maker(photo)}")
        if photo.get("path")
        else _empty(_photo_state(photo))
    )
    return f"<div class='pair'><div><h3>{escape(str(entry['name']))}</h3>{details}</div>{left}{right}</div>"


def _maker(made: Record) -> str:
    """Who has made a photo or a video."""
    engine = str(made.get("engine", ""))
    return str(made.get("endpoint") or {"cycles": "Cycles", "fal": "fal.ai"}.get(engine, engine))


def _photo_state(photo: Record) -> str:
    return {"waiting": "Waiting for the photo", "failed": "Photo failed", "uncertain": "Photo uncertain"}.get(
        str(photo.get("state", "")), "No photo yet"
    )


def _other_takes(record: Record, shelf: str, name: str) -> str:
    """Links to the takes that are not chosen; empty when there are none."""
    slot = ((record.get("takes") or {}).get(shelf) or {}).get(name) or {}
    others = [take for take in slot.get("list", []) if take.get("take") != slot.get("chosen")]
    links = (
        f"<a href='{quote(str(take['path']))}'>{take['take']}</a>" for take in others if take.get("path")
    )
    listed = ", ".join(links)
    return f"<p>Other takes: {listed}</p>" if listed else ""


def _video(record: Record, entry: Record) -> str:
    error = entry.get("error") or (entry.get("pending") or {}).get("error")
    message = f"<p class='error'>{escape(str(error))}</p>" if error else ""
    others = _other_takes(record, "videos", str(entry.get("motion", "")))
    if not entry.get("path"):
        return (message or "<p>No video yet</p>") + others
    address = quote(entry["path"])
    facts = f"{str(entry['motion']).capitalize()} of {entry.get('seconds', '')} s by {_maker(entry)}"
    return (
        f"<figure class='video'><video src='{address}' controls loop muted autoplay playsinline></video>"
        f"<figcaption>{escape(facts)}</figcaption></figure>{message}{others}"
    )


def _model(record: Record) -> str:
    model = record.get("model") or {}
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


def _files_at_fal(entries: Iterable[Record]) -> str:
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
    return f"<table>{rows}</table>" if rows else ""


def _findings(findings: Iterable[Record]) -> str:
    """A table of findings, the worst first; empty when nothing was found."""
    rows = ""
    for finding in findings:
        severity = escape(str(finding.get("severity", "note")))
        style = "" if severity == "note" else " class='error'"
        rows += f"<tr><td{style}>{severity}</td><td>{escape(str(finding.get('text', '')))}</td></tr>"
    return f"<table class='triage'>{rows}</table>" if rows else ""


def _figure(path: str, caption: str) -> str:
    address = quote(path)
    return (
        f"<figure><a href='{address}'><img src='{address}' alt='{escape(caption, quote=True)}' loading='lazy'></a>"
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def _empty(text: str) -> str:
    return f"<figure><div class='empty'>{escape(text)}</div></figure>"
