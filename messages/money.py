# SPDX-License-Identifier: GPL-3.0-or-later
"""Amounts of money as people read them: the same everywhere."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any


def cost_sentence(cost: Mapping[str, Any]) -> str:
    """What was paid, by the ``cost`` of an event."""
    where = "an emulator of fal.ai, so nothing is billed" if cost.get("is_emulated") else "fal.ai"
    text = f"Cost at {where}: {dollars(cost['actual'])} dollars"
    if cost.get("estimated"):
        text += f", {dollars(cost['estimated'])} of them estimated"
    if count := cost.get("unpriced"):
        text += f", and {count} request{'s' * (count > 1)} without a known bill"
    return f"{text}."


def dollars(amount: float | Decimal) -> str:
    """A sum as the terminal and pages say it: at least cents, more places only where they say something."""
    whole, fraction = f"{amount:.6f}".split(".")
    return f"{whole}.{fraction[:2]}{fraction[2:].rstrip('0')}"
