# SPDX-License-Identifier: GPL-3.0-or-later
"""What a set has cost with all its variants, each of which has its own journal."""

from collections.abc import Iterable
from pathlib import Path

from ..fal_bridge.money.journal_costs import Cost, costs_in
from .set_json_costs import PaidRequest
from .variant_folders import set_journals


def costs_of(root: Path, product: str) -> list[Cost]:
    """Every request for the set in ``root`` and its other variants, in the order of sending.

    ``product``: its name; those of variants have the name of their folder after it. Raises InputError for links.
    """
    costs = []
    for folder, journal in set_journals(root).items():
        name = product if folder == root else f"{product}, {folder.name}"
        costs += costs_in(journal.folder, name)
    return sorted(costs, key=lambda cost: cost.row["time"])


def requests_record(costs: Iterable[Cost]) -> list[PaidRequest]:
    """The requests as ``set.json`` lists them, in the same order."""
    return [
        {
            "job": cost.row["job"],
            "product": cost.row["product"],
            "endpoint": cost.row["endpoint"],
            "request": cost.row["request_id"],
            "state": cost.row["state"],
            "price": None if cost.amount is None else float(cost.amount),
            "emulated": cost.is_emulated,
        }
        for cost in costs
    ]
