# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of a set's page that show one angle: in the strip, and with its photo over its render."""

from collections.abc import Mapping
from html import escape
from typing import Any
from urllib.parse import quote

from ..messages.money import dollars
from .choices import Pass
from .review_part import decide_part, noted_part, set_id
from .verdict_part import overlay_path, style_of, verdict_part

Record = Mapping[str, Any]


def maker_of(entry: Record) -> str:
    """What made a photo or a video: the endpoint, or the engine."""
    engine = str(entry.get("engine", ""))
    return str(entry.get("endpoint") or {"cycles": "Cycles", "fal": "fal.ai"}.get(engine, engine))


def price_of(entry: Record) -> str:
    """What a photo or a video cost with its enlargement; "" when nothing was paid."""
    parts = [part for part in (entry, entry.get("enlargement") or {}) if part.get("request_id")]
    if not parts:
        return ""
    if any(part.get("price") is None for part in parts):
        return "price not known"
    return dollars(sum(part["price"] for part in parts))


def best_path(entry: Record) -> str:
    """The photo of an angle, its render while there is no photo; "" without either."""
    photo = (entry.get("photo") or {}).get("path")
    return str(photo or (entry.get("render") or {}).get("path") or "")


def caption_of(entry: Record) -> str:
    """Name of the angle and what its best picture is."""
    photo = entry.get("photo") or {}
    if photo.get("path"):
        return f"{entry.get('name', '')}: photo by {maker_of(photo)}"
    return f"{entry.get('name', '')}: {'reference' if entry.get('render') else 'no reference yet'}"


def strip_item(entry: Record, number: int, *, is_current: bool) -> str:
    """One picture of the strip; it leads to the angle below."""
    path, name = quote(best_path(entry)), escape(str(entry.get("name", "")))
    current = " aria-current='true'" if is_current else ""
    image = f"<img src='{path}' alt='' loading='lazy'>" if path else "<span class='empty'>…</span>"
    caption = escape(caption_of(entry), quote=True)
    style = style_of(entry.get("photo") or {})
    verdict = f" data-verdict='{style}'" if style else ""
    return f"<li{verdict}><a href='#angle-{number}' data-picture='{path}' data-caption='{caption}'{current}>{image}{name}</a></li>"


def angle_part(record: Record, entry: Record, number: int) -> str:
    """Everything about one angle."""
    photo = entry.get("photo") or {}
    name, digest = (
        escape(str(text), quote=True) for text in (entry.get("name", ""), photo.get("sha256", ""))
    )
    product = escape(str(record.get("product", "")), quote=True)
    data = f"data-set='{set_id(record)}' data-product='{product}' data-name='{name}' data-photo='{digest}'"
    review = noted_part(photo)
    if digest:
        review = decide_part(str(entry.get("name", "")), can_retry=photo.get("engine") == "fal") + review
    return (
        f"<article class='angle' id='angle-{number}' tabindex='-1' {data}>{_compare(entry)}"
        f"<div><h3>{name}</h3>{verdict_part(photo)}{_errors(entry)}{_facts(entry)}"
        f"{other_takes(record, 'photos', str(entry.get('name', '')))}{_actions(entry)}{review}</div></article>"
    )


def _compare(entry: Record) -> str:
    """The render under the photo, with a slider, and the overlay of the check on both."""
    photo, render = entry.get("photo") or {}, entry.get("render") or {}
    name = escape(str(entry.get("name", "")), quote=True)
    parts = []
    if render.get("path"):
        parts.append(
            f"<img class='render' src='{quote(render['path'])}' alt='Reference, {name}' loading='lazy'>"
        )
    if photo.get("path"):
        kind = "photo" if parts else "render"  # Alone, it gives the frame its size.
        parts.append(f"<img class='{kind}' src='{quote(photo['path'])}' alt='Photo, {name}' loading='lazy'>")
    if not parts:
        return f"<div class='empty'>No reference yet. {_photo_state(photo)}</div>"
    if overlay := overlay_path(photo):
        parts.append(
            f"<img class='overlay' data-src='{quote(overlay)}' alt='What the check has found, {name}' hidden>"
        )
    if not (photo.get("path") and render.get("path")):
        state = "" if photo.get("path") else f"<span class='tag left'>{_photo_state(photo)}</span>"
        return f"<div class='compare'>{''.join(parts)}{state}</div>"
    return (
        f"<div class='compare both'>{''.join(parts)}<span class='tag left'>Photo</span>"
        f"<span class='tag right'>Reference</span><input class='js-only' type='range' min='0' max='100' value='50' "
        f"aria-label='How much of the photo covers the reference, {name}'></div>"
    )


def _photo_state(photo: Record) -> str:
    return {"waiting": "Waiting for the photo", "failed": "Photo failed", "uncertain": "Photo uncertain"}.get(
        str(photo.get("state", "")), "No photo yet"
    )


def _facts(entry: Record) -> str:
    photo, render = entry.get("photo") or {}, entry.get("render") or {}
    enlargement = photo.get("enlargement") or {}
    facts = [
        (
            "Camera",
            f"azimuth\u00a0{entry.get('azimuth', 0):g}°, elevation\u00a0{entry.get('elevation', 0):g}°",
        )
    ]
    if entry.get("fill"):
        facts.append(("Frame", f"the product fills {entry['fill']:.0%}"))
    if render:
        count = render.get("samples", 0)
        facts.append(("Reference", f"Cycles, {count} sample{'s' * (count != 1)}"))
    if photo.get("path"):
        facts.append(("Photo", maker_of(photo)))
    if enlargement.get("endpoint"):
        facts.append(("Enlarged by", str(enlargement["endpoint"])))
    if photo.get("request_id"):
        facts.append(("Request", str(photo["request_id"])))
    if price := price_of(photo):
        facts.append(("Price", price))
    if photo.get("prompt"):
        facts.append(("Prompt", str(photo["prompt"])))
    return facts_list(facts)


def facts_list(facts: list[tuple[str, str]]) -> str:
    """Names and values, which are plain text."""
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts)
    return f"<dl class='facts'>{rows}</dl>"


def _errors(entry: Record) -> str:
    found = ((entry.get("photo") or {}).get("error"), (entry.get("pending") or {}).get("error"))
    text = "".join(f"<p class='error'>{escape(str(error))}</p>" for error in found if error)
    if (entry.get("pending") or {}).get("state") == "waiting":
        text += "<p>Another photo was requested.</p>"
    return text


def _actions(entry: Record) -> str:
    photo, render = entry.get("photo") or {}, entry.get("render") or {}
    buttons = []
    if overlay_path(photo):
        buttons.append(
            "<button type='button' class='toggle js-only' aria-pressed='false' title='O'>Show what was found</button>"
        )
    files = [("Download photo", photo.get("path")), ("Download reference", render.get("path"))]
    files += [(f"Download {kind}", (entry.get(kind) or {}).get("path")) for kind in Pass]
    buttons += [
        f"<a class='button' href='{quote(path)}' download>{escape(title)}</a>"
        for title, path in files
        if path
    ]
    return f"<div class='actions screen-only'>{''.join(buttons)}</div>" if buttons else ""


def _verdict_of(take: Record) -> str:
    """Why a take is not shown, in parentheses; "" when there is nothing against it."""
    return {"rejected": " (rejected)", "look": " (look at it)"}.get(style_of(take), "")


def other_takes(record: Record, shelf: str, name: str) -> str:
    """Links to the takes that are not chosen; empty when there are none."""
    slot = ((record.get("takes") or {}).get(shelf) or {}).get(name) or {}
    others = [take for take in slot.get("list", []) if take.get("take") != slot.get("chosen")]
    links = (
        f"<a href='{quote(str(take['path']))}'>{escape(str(take['take']))}</a>{_verdict_of(take)}"
        for take in others
        if take.get("path")
    )
    listed = ", ".join(links)
    return f"<p>Other takes: {listed}</p>" if listed else ""
