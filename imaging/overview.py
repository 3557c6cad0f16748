# SPDX-License-Identifier: GPL-3.0-or-later
"""``index.html`` of a catalogue: every product on one page that opens from disk, those that need somebody first."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

ORDER = ("held", "failed", "bad", "partial", "waiting", "done")
TITLES = {
    "held": "Waiting for you",
    "failed": "Failed",
    "bad": "Rows that cannot be used",
    "partial": "Not all pictures",
    "waiting": "Not finished",
    "done": "Done",
}
STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --bad: #c0392b; --good: #1e8449; }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 1400px; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.9rem; margin: 0; overflow-wrap: anywhere; } h2 { font-size: 1.2rem; margin: 2.5rem 0 .75rem; }
p.lead { margin: .25rem 0 0; opacity: .75; }
table { border-collapse: collapse; width: 100%; } td { border-top: 1px solid var(--line); padding: .35rem 1rem .35rem 0;
  vertical-align: top; overflow-wrap: anywhere; } td:first-child { font-weight: 600; min-width: 10rem; }
.fault { color: var(--bad); }
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
    """The page. What is not done stands above as a table with reasons, what is done below as pictures."""
    cards = list(cards)
    counts = Counter(card.state for card in cards)
    told = ", ".join(f"{counts[state]} {state}" for state in reversed(ORDER) if counts[state])
    parts = [
        f"<h1>{escape(name)}</h1>",
        f"<p class='lead'>{len(cards)} products: {told} · {escape(cost)}</p>",
    ]
    for state in ORDER:
        chosen = [card for card in cards if card.state == state]
        if not chosen:
            continue
        parts.append(f"<h2>{TITLES[state]} ({len(chosen)})</h2>")
        if state == "done":
            parts.append(f"<div class='grid'>{''.join(map(_picture, chosen))}</div>")
        else:
            parts.append(f"<table>{''.join(map(_line, chosen))}</table>")
    body = "\n".join(parts)
    return (
        "<!doctype html>\n<html lang='en'>\n<meta charset='utf-8'>\n"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>\n"
        f"<title>{escape(name)}</title>\n<style>{STYLE}</style>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _picture(card: Card) -> str:
    title = escape(card.title)
    image = f"<img src='{quote(card.picture)}' alt='' loading='lazy'>" if card.picture else ""
    return f"<a href='{quote(card.page)}'>{image}{title}</a>"


def _line(card: Card) -> str:
    title = escape(card.title)
    name = f"<a href='{quote(card.page)}'>{title}</a>" if card.page else title
    return f"<tr><td>{name}</td><td class='fault'>{escape(card.note)}</td></tr>"
