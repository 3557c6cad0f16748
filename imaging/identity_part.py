# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of a set's page about its video: whether it shows the product all the time, as a curve. Needs no package."""

from collections.abc import Mapping
from html import escape
from typing import Any

Record = Mapping[str, Any]

WIDTH, HEIGHT = 320, 90  # Of the drawing, in its own units.
LEFT, BOTTOM, TOP = 4, 16, 6
HIGHEST = 2.0  # In units of the tolerance; larger values are drawn there.
TITLES = {
    "accept": "The video shows the product",
    "look": "Look at the video",
    "reject": "The video does not show the product",
}
SOURCES = {
    "input": "the rendered video, frame by frame",
    "spin": "the photos and the frames of the spin",
    "photos": "the photos",
}


def identity_part(video: Record) -> str:
    """The verdict about a video, its reason, and the curve; empty when it was not compared."""
    found = video.get("identity") or {}
    if not found.get("verdict"):
        return ""
    verdict = str(found["verdict"])
    style = "rejected" if found.get("rejected") else "accepted" if verdict == "accept" else "look"
    title = "Accepted by a person" if found.get("accepted") else TITLES.get(verdict, "Compared")
    source = SOURCES.get(str(found.get("compared_with")), "")
    compared = f"<p>Compared with {source}.</p>" if source else ""
    return (
        f"<div class='verdict {style}'><b>{title}</b>"
        f"<p>{escape(str(found.get('reason', '')))}</p>{_curve(found)}{compared}</div>"
    )


def _curve(found: Record) -> str:
    """Deviation over time, with the tolerance as a line. Frames that could not be compared interrupt it."""
    values, seconds = list(found.get("values") or []), float(found.get("seconds") or 0.0)
    if len(values) < 2:
        return ""
    room = HEIGHT - BOTTOM - TOP

    def place(index: int, value: float) -> tuple[float, float]:
        x = LEFT + index * (WIDTH - 2 * LEFT) / (len(values) - 1)
        return round(x, 1), round(TOP + room * (1.0 - min(value, HIGHEST) / HIGHEST), 1)

    lines, points, line = "", "", ""
    for index, value in enumerate(values):
        if value is None:
            lines, line = lines + _line(line), ""
            continue
        x, y = place(index, float(value))
        line += f"{'L' if line else 'M'}{x} {y}"
        style = "wrong" if float(value) > 1.0 else "right"
        points += f"<circle class='{style}' cx='{x}' cy='{y}' r='2.5'/>"
    lines += _line(line)
    limit = place(0, 1.0)[1]
    wrong = sum(value is not None and float(value) > 1.0 for value in values)
    label = f"Deviation of {len(values)} frames over {seconds:.1f} s; {wrong} above the tolerance"
    return (
        f"<svg class='curve' viewBox='0 0 {WIDTH} {HEIGHT}' role='img' aria-label='{escape(label, quote=True)}'>"
        f"<line class='limit' x1='{LEFT}' x2='{WIDTH - LEFT}' y1='{limit}' y2='{limit}'/>"
        f"<text x='{LEFT}' y='{limit - 3}'>tolerance</text>"
        f"<line class='axis' x1='{LEFT}' x2='{WIDTH - LEFT}' y1='{HEIGHT - BOTTOM}' y2='{HEIGHT - BOTTOM}'/>"
        f"<text x='{LEFT}' y='{HEIGHT - 4}'>0 s</text>"
        f"<text class='end' x='{WIDTH - LEFT}' y='{HEIGHT - 4}'>{seconds:.1f} s</text>{lines}{points}</svg>"
    )


def _line(path: str) -> str:
    return f"<path class='line' d='{path}'/>" if path else ""
