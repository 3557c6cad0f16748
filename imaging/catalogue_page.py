# SPDX-License-Identifier: GPL-3.0-or-later
"""``index.html`` of a catalogue: every product on one page, those that need attention first."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

from ..messages.counts import count_of
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
SUMMARY = {"bad": "with errors in the row", "partial": "incomplete"}
SEVERITIES = {"error": "Errors in models and pictures", "warning": "Warnings"}
MAX_FINDINGS = 5  # Of one product; its own page has all.
STYLE = """
table { width: 100%; } td { border-top: 1px solid var(--line); padding: .35rem 1rem .35rem 0; }
td:first-child { font-weight: 600; min-width: 10rem; }
.grid { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); }
.grid a { color: inherit; text-decoration: none; font-size: .85rem; overflow-wrap: anywhere;
  content-visibility: auto; contain-intrinsic-size: 150px 180px; }
.grid img { aspect-ratio: 1; background: #fff; border: 1px solid var(--line); border-radius: 6px; display: block;
  object-fit: contain; width: 100%; }
.small img { background: #fff; display: block; height: 72px; object-fit: contain; width: 72px; }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One product: ``page`` and ``picture`` are paths from the overview, or empty.

    ``note`` says what it lacks; with ``is_error`` that is wrong. ``findings`` are the severity and the text of each error and warning, worst first.
    """

    title: str
    state: str
    note: str = ""
    is_error: bool = True
    page: str = ""
    picture: str = ""
    findings: tuple[tuple[str, str], ...] = ()


def build_overview(name: str, cards: Iterable[Card], cost: str) -> str:
    """The page: tables of products that are not done and of those with findings, then the pictures of all that are done.

    Errors in the findings come first, whatever the state of the product.
    """
    cards = list(cards)
    counts = Counter(card.state for card in cards)
    summary = ", ".join(
        f"{counts[state]} {SUMMARY.get(state, state)}" for state in reversed(ORDER) if counts[state]
    )
    parts = [
        f"<h1>{escape(name)}</h1>",
        f"<p class='lead'>{count_of(len(cards), 'product')}: {summary}{escape(cost and f' · {cost}')}</p>",
    ]
    for severity, title in SEVERITIES.items():
        found = [card for card in cards if card.findings and card.findings[0][0] == severity]
        if found:
            parts.append(f"<h2>{title} ({len(found)})</h2>")
            parts.append(f"<table>{''.join(map(_findings_row, found))}</table>")
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


def _findings_row(card: Card) -> str:
    texts = "".join(
        f"<div class='{'error' if severity == 'error' else 'warning'}'>{escape(severity)}: {escape(text)}</div>"
        for severity, text in card.findings[:MAX_FINDINGS]
    )
    if (more := len(card.findings) - MAX_FINDINGS) > 0:
        texts += f"<div>and {more} more</div>"
    return f"<tr><td class='small'>{_picture_link(card)}</td><td>{texts}</td></tr>"


def _picture_link(card: Card) -> str:
    title = escape(card.title)
    if not card.page:
        return title
    image = f"<img src='{quote(card.picture)}' alt='' loading='lazy'>" if card.picture else ""
    return f"<a href='{quote(card.page)}'>{image}{title}</a>"


def _table_row(card: Card) -> str:
    title = escape(card.title)
    name = f"<a href='{quote(card.page)}'>{title}</a>" if card.page else title
    style = " class='error'" if card.is_error else ""
    return f"<tr><td>{name}</td><td{style}>{escape(card.note)}</td></tr>"
