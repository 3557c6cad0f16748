# SPDX-License-Identifier: GPL-3.0-or-later
"""How amounts of money are written, in one form for the terminal, the sidebar and pages."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from .counts import count_of


def dollars(amount: float | Decimal) -> str:
    """``amount`` in US dollars as "$0.025": at least cents, and more digits, up to six, where they are not zero."""
    whole, fraction = f"{amount:.6f}".split(".")
    return f"${whole}.{fraction[:2]}{fraction[2:].rstrip('0')}"


def exact_dollars(amount: Decimal) -> str:
    """``amount`` in US dollars with all its digits: at least cents."""
    whole, _point, fraction = f"{amount:f}".partition(".")
    return f"${whole}.{fraction.rstrip('0'):0<2}"


def paid_to(amount: float, unknown: int, *, is_emulated: bool) -> str:
    """What was paid to whom, such as "$2.40 to fal.ai"; "" for nothing. ``unknown`` counts requests of unknown cost."""
    parts = [dollars(amount)] if amount else []
    if unknown:
        parts.append(f"{count_of(unknown, 'request')} of unknown cost")
    where = "an emulator, so nothing was billed" if is_emulated else "fal.ai"
    return f"{' and '.join(parts)} to {where}" if parts else ""


def cost_sentence(cost: Mapping[str, Any]) -> str:
    """What a run has paid, from the ``cost`` member of an event (``fal_bridge.money.journal_costs.summary``)."""
    where = "an emulator of fal.ai, so nothing is billed" if cost.get("is_emulated") else "fal.ai"
    text = f"Cost at {where}: {dollars(cost['actual'])}"
    if cost.get("estimated"):
        text += f", {dollars(cost['estimated'])} of it estimated"
    if count := cost.get("unpriced"):
        text += f", plus {count_of(count, 'request')} of unknown cost"
    return f"{text}."
