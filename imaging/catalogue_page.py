# SPDX-License-Identifier: GPL-3.0-or-later
"""``index.html`` of a catalogue: every product on one page, those that need attention first."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

from .page_frame import html_page

ORDER = ("held", "failed", "bad", "partial", "waiting", "done")
TITLES = {
    "held": "Waiting for you",
    "failed": "Failed",
    "bad": "Rows that cannot be used",
    "partial": "Some pictures are missing",
    "waiting": "Not finished",
    "done": "Done",
}
STYLE = """
table { width: 100%; } td { border-top: 1px solid var(--line); padding: .35rem 1rem .35rem 0; }
td:first-child { font-weight: 600; min-width: 10rem; }
.grid { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); }
.grid a { color: inherit; text-decoration: none; font-size: .85rem; overflow-wrap: anywhere;
  content-visibility: auto; contain-intrinsic-size: 150px 180px; }
.grid img { aspect-ratio: 1; background: #fff; border: 1px solid var(--line); border-radius: 6px; display: block;
  object-fit: contain; width: 100%; }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One product: ``page`` and ``picture`` are paths from the overview, or empty."""

    title: str
    state: str
    note: str = ""
    page: str = ""
    picture: str = ""


def build_overview(name: str, cards: Iterable[Card], cost: str) -> str:
    """The page: first tables of the products that are not done, with reasons, then the pictures of those that are."""
    cards = list(cards)
    counts = Counter(card.state for card in cards)
    summary = ", ".join(f"{counts[state]} {state}" for state in reversed(ORDER) if counts[state])
    parts = [
        f"<h1>{escape(name)}</h1>",
        f"<p class='lead'>{len(cards)} products: {summary} · {escape(cost)}</p>",
    ]
    for state in ORDER:
        chosen = [card for card in cards if card.state == state]
        if not chosen:
            continue
        parts.append(f"<h2>{TITLES[state]} ({len(chosen)})</h2>")
        if state == "done":
            parts.append(f"<div class='grid'>{''.join(map(_picture_link, chosen))}</div>")
        else:
            parts.append(f"<table>{''.join(map(_table_row, chosen))}</table>")
    return html_page(name, "\n".join(parts), STYLE, max_width=1400)


def _picture_link(card: Card) -> str:
    title = escape(card.title)
    image = f"<img src='{quote(card.picture)}' alt='' loading='lazy'>" if card.picture else ""
    return f"<a href='{quote(card.page)}'>{image}{title}</a>"


def _table_row(card: Card) -> str:
    title = escape(card.title)
    name = f"<a href='{quote(card.page)}'>{title}</a>" if card.page else title
    return f"<tr><td>{name}</td><td class='error'>{escape(card.note)}</td></tr>"
