# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules for the files of a journal, by the first part of their names. They check what the bridge relies on."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from ..files.values import MAX_DOLLARS, SHA256, Rule, number, optional, record_of, text, truth, whole

MAX_TEXT_LENGTH = 100_000
MAX_PATH_LENGTH = 4096


def _amount(value: Any) -> Any:
    """A price or a number of units, as a number or as text."""
    try:
        amount = (
            Decimal(str(value))
            if isinstance(value, str | int | float) and not isinstance(value, bool)
            else None
        )
    except InvalidOperation:
        amount = None
    if amount is None or not amount.is_finite() or not 0 <= amount <= MAX_DOLLARS:
        raise ValueError("is not an amount")
    return value


def _open(needed: Mapping[str, Rule[Any]], more: Mapping[str, Rule[Any]]) -> Rule[dict[str, Any]]:
    return record_of(needed, more, may_have_others=True)


_TEXT = text(MAX_TEXT_LENGTH)
_ID = text(1000, min_length=1)
_UNITS = optional(number(0.0, 1e12))
_STAMP = {"time": number(0.0, 1e12), "attempt": whole(1, 1_000_000)}
_PRICE = _open(
    {},
    {
        **dict.fromkeys(("min", "max", "unit_price"), _amount),
        **dict.fromkeys(("unit", "currency", "reservation"), _TEXT),
    },
)
_ERROR = dict.fromkeys(("error", "message", "hint"), _TEXT)
_ADOPTS = _open({"request_id": _ID}, {"key": _TEXT})
FACT_RULES: Mapping[str, Rule[dict[str, Any]]] = {
    "intent": _open(
        {},
        {
            **_STAMP,
            **dict.fromkeys(("label", "endpoint", "kind", "wish"), _TEXT),
            "price": _PRICE,
            "expires_after": optional(whole(0, 1 << 53)),
            "is_private": truth,
            "adopts": _ADOPTS,
        },
    ),
    "uncertain": _open({}, {**_STAMP, **_ERROR}),
    "resend": _open({}, {**_STAMP, "is_not_in_dashboard": truth}),
    "forgotten": _open({}, _STAMP),
    "submitted": _open({"request_id": _ID}, _STAMP),
    "answer": _open({"output": _open({}, {}), "units": _UNITS}, {**_STAMP, "refused_units": _TEXT}),
    "ended": _open(
        {},
        {
            **_STAMP,
            **_ERROR,
            "may_send_again": truth,
            "status": whole(0, 999),
            "units": _UNITS,
            "refused_units": _TEXT,
        },
    ),
    "done": _open(
        {
            "request_id": _ID,
            "path": text(MAX_PATH_LENGTH, min_length=1),
            "sha256": SHA256,
            "seed": optional(whole(-(1 << 63), 1 << 64)),
            "units": _UNITS,
        },
        {**_STAMP, "cost": optional(_amount), "is_public": truth},
    ),
}
