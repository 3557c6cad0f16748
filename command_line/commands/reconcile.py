# SPDX-License-Identifier: GPL-3.0-or-later
"""``reconcile``: what fal.ai has really charged for a set or a catalogue, against what was recorded."""

import argparse
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ...catalogue.glance import is_catalogue
from ...catalogue.lock_file import read_lock
from ...catalogue.states import journal_in
from ...fal_bridge.money import billing
from ...fal_bridge.money.billing import Charge
from ...fal_bridge.network.platform_api import Platform
from ...fal_bridge.network.service import Service
from ...files.writing import write_atomically, write_json_atomically
from ...messages import events
from ...messages.counts import count_of
from ...messages.errors import InputError, PhotorealError
from ...messages.money import exact_dollars
from ...messages.progress import LABEL_TEXTS
from ...photo_set.folder import SetFolder
from ...photo_set.plan_record import fal_of
from ...photo_set.set_costs import costs_of
from ..folder_at_fal import FolderOptions, add_folder_at_fal
from ..option_values import Command, Context
from ..service import required_service
from ..visible_runs import working_in

MAX_NAMED = 10


def add(parser: argparse.ArgumentParser) -> None:
    add_folder_at_fal(parser)
    parser.set_defaults(command=Command(FolderOptions, run))


def run(options: FolderOptions, context: Context) -> int:
    """Compare with the bill. Gives 0, or 2 when the bill lacks a request that may have cost something."""
    root, service, folders = _found(options)
    costs_in = {folder: costs_of(journal_in(folder).parent, product) for folder, product in folders.items()}
    costs = [cost for own in costs_in.values() for cost in own]
    if not costs:
        raise InputError(f"{root} has no paid requests.")
    with Platform(service) as platform:
        bill = billing.bill_for(costs, platform)
    charges = billing.charges_of(costs, bill)
    write_atomically(root / "charges.csv", billing.as_csv(charges).encode())
    write_json_atomically(root / "charges.json", _record(charges))
    by_cost = {charge.cost.intent: charge for charge in charges}
    for folder, of_folder in costs_in.items():
        own = [by_cost[cost.intent] for cost in of_folder if cost.intent in by_cost]
        if own and (folder / "set.json").is_file():
            with working_in(folder, context.reporter):
                _record_in(folder, own)
    context.reporter.result(map(_event, charges), _table(charges))
    for text in _complaints(charges):
        context.reporter.tell(events.Warning(text=text))
    has_gaps = any(charge.is_missing for charge in charges)
    code = PhotorealError.exit_code if has_gaps else 0
    state = "partial" if has_gaps else "done"
    context.reporter.tell(events.Finished(state=state, exit=code, set=str(root)))
    return code


def _found(options: FolderOptions) -> tuple[Path, Service, dict[Path, str]]:
    """The folder, where its requests are, and the names of the products by their set folders."""
    if not is_catalogue(options.folder):
        folder = SetFolder.open(options.folder.resolve())  # The user may name a link.
        service = required_service(folder.root, fal_of(folder), options.service)
        return folder.root, service, {folder.root: folder.record["product"]}
    root = options.folder.absolute()
    lock = read_lock(root)
    service = required_service(root, lock.fal, options.service)
    return root, service, {root / row.folder: row.row.sku for row in lock.rows if row.is_good}


def _record(charges: Sequence[Charge]) -> dict[str, Any]:
    return {
        "checked": datetime.now(UTC).isoformat(timespec="seconds"),
        "currency": "USD",
        "total": billing.sums_of(charges).record(),
        "products": {name: sums.record() for name, sums in billing.sums_by(charges, "product").items()},
        "endpoints": {name: sums.record() for name, sums in billing.sums_by(charges, "endpoint").items()},
        "missing": [charge.row() for charge in charges if charge.is_missing],
        "different": [charge.row() for charge in charges if charge.differs],
    }


def _record_in(root: Path, charges: Sequence[Charge]) -> None:
    """Record the sum in the manifest of a set."""
    sums = billing.sums_of(charges)
    with SetFolder.open(root).change() as record:
        record["cost"]["charged"] = float(sums.charged)
        record["cost"]["missing"] = sums.missing


def _event(charge: Charge) -> events.Event:
    row = charge.row()
    return events.Charge(
        product=row["product"],
        job=row["job"],
        endpoint=row["endpoint"],
        request_id=row["request_id"],
        file=row["file"],
        recorded=row["recorded"] or None,
        charged=row["charged"] or None,
    )


def _table(charges: Sequence[Charge]) -> str:
    """A line for each request of a set, or for each product of a catalogue, and the sum."""
    products = billing.sums_by(charges, "product")
    rows = [("what", "recorded", "charged")]
    if len(products) > 1:
        rows += [
            (name, exact_dollars(sums.recorded), exact_dollars(sums.charged))
            for name, sums in products.items()
        ]
    else:
        rows += [(_job(charge), _shown(charge.cost.amount), _shown(charge.amount)) for charge in charges]
    total = billing.sums_of(charges)
    is_recorded = any(charge.cost.amount is not None for charge in charges)
    rows.append(("total", _shown(total.recorded if is_recorded else None), exact_dollars(total.charged)))
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, (*widths, 0), strict=True)) for row in rows
    ]
    lines.insert(-1, "-" * max(map(len, lines)))
    if total.discount:
        lines.append(f"Discounts of {exact_dollars(total.discount)} are subtracted.")
    if total.failed:
        lines.append(f"{exact_dollars(total.failed)} of this is for failed requests.")
    return "\n".join(lines)


def _job(charge: Charge) -> str:
    label = charge.cost.row["job"]
    state = charge.cost.row["state"]
    return LABEL_TEXTS.get(label, label) + ("" if state == "done" else f" ({state})")


def _shown(amount: Any) -> str:
    return "unknown" if amount is None else exact_dollars(amount)


def _complaints(charges: Iterable[Charge]) -> Iterable[str]:
    found = list(charges)
    missing = [charge for charge in found if charge.is_missing and not charge.is_unreadable]
    if missing:
        yield (
            f"fal.ai's bill has no line for {_count(missing)}, not counted here: {_named(missing)}. Either nothing was "
            "charged, or not yet: ask again later."
        )
    if unreadable := [charge for charge in found if charge.is_unreadable]:
        yield (
            f"fal.ai's bill cannot be understood for {_count(unreadable)}, not counted here: {_named(unreadable)}. "
            "Check it in your fal.ai dashboard."
        )
    if different := [charge for charge in found if charge.differs]:
        yield f"The charge differs from the recorded amount for {_count(different)}: {_named(different)}."


def _count(charges: Sequence[Charge]) -> str:
    return count_of(len(charges), "request")


def _named(charges: Sequence[Charge]) -> str:
    names = [
        f"{charge.cost.row['product']}, {_job(charge)} ({charge.request_id or 'no request id'})"
        for charge in charges[:MAX_NAMED]
    ]
    more = f" and {len(charges) - MAX_NAMED} more" if len(charges) > MAX_NAMED else ""
    return f"{', '.join(names)}{more}"
