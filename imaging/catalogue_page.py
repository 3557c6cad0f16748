# SPDX-License-Identifier: GPL-3.0-or-later
"""``index.html`` of a catalogue: every product on one page, those that need attention first, with filters and review."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import NamedTuple
from urllib.parse import quote

from ..messages.counts import count_of
from .page_frame import html_page
from .review_part import WHOLE_SET, decide_part, review_bar

ORDER = ("held", "failed", "bad", "partial", "waiting", "done")
TITLES = {
    "held": "Waiting for you",
    "failed": "Failed",
    "bad": "Row cannot be used",
    "partial": "Some pictures are missing",
    "waiting": "Not finished",
    "done": "Done",
}
SUMMARY = {
    "bad": "with errors in the row",
    "partial": "incomplete",
}  # Where the name of the state is not clear.
SEVERITIES = ("error", "warning")
MAX_FINDINGS = 5  # Of one product; its own page has all.
SORTS = {"attention": "What needs attention", "row": "Row", "sku": "SKU", "cost": "Cost, highest first"}


MAX_VARIANTS = 8  # Of one product; its own page has all.


class CardVariant(NamedTuple):
    """A variant of a product. ``picture`` is a path from the overview; "" for the first, whose picture the card has."""

    name: str
    picture: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One product: ``page`` and ``picture`` are paths from the overview, or empty.

    ``note`` says what it lacks; with ``is_error`` that is wrong.
    ``findings`` are the severity and the text of each error and warning, worst first. ``verdicts`` are those of the
    check of its photos. ``cost`` is in US dollars. ``set_id`` and ``photos_id`` name its set and its photos in
    decisions; without photos they are empty, and there is nothing to decide. ``variants`` are all of them if there are
    several.
    """

    title: str
    state: str
    note: str = ""
    is_error: bool = True
    page: str = ""
    picture: str = ""
    folder: str = ""
    findings: tuple[tuple[str, str], ...] = ()
    verdicts: tuple[str, ...] = ()
    cost: float = 0.0
    set_id: str = ""
    photos_id: str = ""
    variants: tuple[CardVariant, ...] = ()

    @property
    def severity(self) -> str:
        """Of the worst finding; "none" without any."""
        return self.findings[0][0] if self.findings else "none"


def build_overview(name: str, cards: Iterable[Card], cost: str, *, can_retry: bool = False) -> str:
    """The page. Products with errors in the findings come first, whatever their state, then the order of ``ORDER``.

    ``can_retry``: fal.ai makes the photos, so that others can be requested.
    """
    numbered = list(enumerate(cards, 1))
    counts = Counter(card.state for _row, card in numbered)
    summary = ", ".join(
        f"{counts[state]} {SUMMARY.get(state, state)}" for state in reversed(ORDER) if counts[state]
    )
    numbered.sort(key=lambda item: (*_urgency(item[1]), item[0]))
    parts = [
        f"<h1>{escape(name)}</h1>",
        f"<p class='lead'>{count_of(len(numbered), 'product')}: {summary}{escape(cost and f' · {cost}')}</p>",
        review_bar(),
        _filters([card for _row, card in numbered]),
        f"<template id='decide'>{decide_part('this product', can_retry=can_retry)}</template>",
        f"<ol class='products'>{''.join(_item(row, card) for row, card in numbered)}</ol>",
        "<p class='nothing' hidden>No product matches these filters.</p>",
    ]
    return html_page(
        name,
        "\n".join(parts),
        styles=("catalogue.css",),
        scripts=("review.js", "catalogue.js"),
        max_width=1440,
    )


def _urgency(card: Card) -> tuple[bool, int, bool]:
    state = ORDER.index(card.state) if card.state in ORDER else len(ORDER)
    return card.severity != "error", state, card.severity != "warning"


def _filters(cards: list[Card]) -> str:
    """Fields that choose and sort the products; only values that occur are offered."""
    states = Counter(card.state for card in cards)
    severities = Counter(card.severity for card in cards)
    verdicts = Counter(verdict for card in cards for verdict in set(card.verdicts))
    choices = [
        (
            "state",
            "State",
            [(state, f"{TITLES[state]} ({states[state]})") for state in ORDER if states[state]],
        ),
        (
            "severity",
            "Findings",
            [(one, f"{one} ({severities[one]})") for one in (*SEVERITIES, "none") if severities[one]],
        ),
        ("verdict", "Verdict", [(one, f"{one} ({verdicts[one]})") for one in sorted(verdicts)]),
        ("variants", "Variants", _variant_choices(cards)),
        (
            "decision",
            "Review",
            [("", "undecided"), ("accept", "accepted"), ("reject", "rejected"), ("retry", "try again")],
        ),
    ]
    fields = "".join(_select(name, title, options) for name, title, options in choices if options)
    sorts = "".join(f"<option value='{name}'>{title}</option>" for name, title in SORTS.items())
    return (
        "<form class='filters js-only' role='search'><label>SKU <input type='search' name='sku' title='/'></label>"
        f"{fields}<label>Sort <select name='sort'>{sorts}</select></label>"
        "<output class='count'></output></form>"
    )


def _variant_choices(cards: list[Card]) -> list[tuple[str, str]]:
    """Empty when no product has several."""
    several = sum(bool(card.variants) for card in cards)
    choices = [("several", f"several ({several})"), ("one", f"one ({len(cards) - several})")]
    return choices if several else []


def _select(name: str, title: str, options: list[tuple[str, str]]) -> str:
    listed = "".join(f"<option value='={escape(value)}'>{escape(text)}</option>" for value, text in options)
    return f"<label>{title} <select name='{name}'><option value=''>all</option>{listed}</select></label>"


def _item(row: int, card: Card) -> str:
    title, state = escape(card.title), escape(card.state)
    data = {
        "row": str(row),
        "sku": card.title,
        "state": card.state,
        "severity": card.severity,
        "verdicts": " ".join(card.verdicts),
        "cost": f"{card.cost:g}",
        "variants": "several" if card.variants else "one",
    }
    if card.set_id and card.photos_id:
        data |= {"set": card.set_id, "name": WHOLE_SET, "photo": card.photos_id}
        data |= {"product": card.title, "folder": card.folder}
    attributes = "".join(f" data-{name}='{escape(value)}'" for name, value in data.items())
    picture = (
        f"<img src='{quote(card.picture)}' alt='' loading='lazy' decoding='async'>"
        if card.picture
        else "<i></i>"
    )
    link = f"<a href='{quote(card.page)}'>{title}</a>" if card.page else title
    note = (
        f"<p class='{'error' if card.is_error else 'note'}'>{escape(card.note)}</p>"
        if card.note and card.state != "done"
        else ""
    )
    return (
        f"<li tabindex='-1'{attributes}>{picture}<div class='about'><b>{link}</b> "
        f"<span class='state {state}'>{state}</span>{note}{_variants(card)}{_findings(card)}</div></li>\n"
    )


def _variants(card: Card) -> str:
    """How many there are, and a small picture of each except the first."""
    if not card.variants:
        return ""
    text = count_of(len(card.variants), "variant")
    link = f"<a href='{quote(card.page)}#variants'>{text}</a>" if card.page else text
    shown = card.variants[:MAX_VARIANTS]
    names = ", ".join(one.name for one in shown)
    if (more := len(card.variants) - MAX_VARIANTS) > 0:
        names += f" and {more} more"
    pictures = "".join(
        f"<img src='{quote(one.picture)}' alt='{escape(one.name)}' title='{escape(one.name)}' loading='lazy' decoding='async'>"
        for one in shown
        if one.picture
    )
    return f"<p>{link}: {escape(names)}</p><div class='variants'>{pictures}</div>"


def _findings(card: Card) -> str:
    texts = "".join(
        f"<p class='{'error' if severity == 'error' else 'warning'}'>{escape(severity)}: {escape(text)}</p>"
        for severity, text in card.findings[:MAX_FINDINGS]
    )
    if (more := len(card.findings) - MAX_FINDINGS) > 0:
        texts += f"<p>and {more} more</p>"
    return texts
