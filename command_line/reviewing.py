# SPDX-License-Identifier: GPL-3.0-or-later
"""``resume --decisions``: what people have decided about photos is recorded, and others are requested."""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from ..catalogue.freezing import Catalogue
from ..catalogue.lock_file import FrozenRow
from ..catalogue.states import read_status
from ..fal_bridge.errors import CeilingReachedError, UnknownPriceError
from ..fal_bridge.money.budget import Budget
from ..imaging.review_part import WORDS, set_id
from ..messages import events
from ..messages.errors import InputError
from ..messages.money import dollars
from ..messages.progress import Reporter
from ..photo_set.choices import Engine
from ..photo_set.estimates import Estimate, estimate_of, money
from ..photo_set.folder import Record, SetFolder, SetState
from ..photo_set.photo_inputs import extended, photo_text
from ..photo_set.plan import SetPlan
from ..photo_set.prompts import review_prompt
from ..photo_set.review import (
    PhotoDecision,
    ReviewFile,
    decisions_on,
    decisions_on_variant,
    read_review,
)
from ..photo_set.takes import Shelf, Takes, identity_of
from ..photo_set.variant_folders import other_variants
from ..photo_set.variants import plan_of_variant
from .redoing import is_under_way, labels_again, redo_name, take_again
from .spending import prices_for
from .visible_runs import working_in


def read_reviews(paths: Sequence[Path]) -> list[ReviewFile]:
    """Raises InputError as ``read_review``."""
    return [read_review(path) for path in paths]


def names_to_redo(plan: SetPlan, decisions: Sequence[PhotoDecision]) -> list[str]:
    """The angles of which another photo is to be requested.

    A photo by Cycles that is only rejected is not: it would be the same. Raises InputError when another try of it is wanted.
    """
    return [
        redo_name(plan, one.name)
        for one in decisions
        if one.wants_another and (plan.engine is Engine.FAL or one.decision == "retry")
    ]


def record_decisions(folder: SetFolder, decisions: Sequence[PhotoDecision], reporter: Reporter) -> None:
    """Write down who has decided what; the photos stay as they are."""
    takes = Takes(folder)
    for one in decisions:
        take = takes.chosen(Shelf.PHOTOS, one.name)
        facts: Record = {"review": one.record()}
        if (
            take.get("fidelity") and not one.wants_another
        ):  # A person has looked: its verdict no longer holds it back.
            facts["fidelity"] = {**take["fidelity"], "rejected": False, "accepted": True}
        takes.renew(Shelf.PHOTOS, one.name, identity_of(take), facts)
    counts = Counter(one.decision for one in decisions)
    told = ", ".join(f"{counts[word]} {text}" for word, text in WORDS.items() if counts[word])
    reporter.tell(events.Note(text=f"Decisions recorded: {told}."))


def wishes_in(plan: SetPlan, decisions: Sequence[PhotoDecision], reporter: Reporter) -> dict[str, str]:
    """What reviewers who want another try add to its prompt, by angle. It is printed, because it goes to fal.ai."""
    found: dict[str, str] = {}
    angles = {angle.name: angle for angle in plan.angles}
    for one in decisions:
        if one.decision != "retry" or not (wish := review_prompt(one.reason)):
            continue
        prompt = photo_text(plan, angles[one.name], has_hero=plan.with_hero)
        if extended(plan, prompt, wish) == prompt:
            text = f"{one.name}: the reason is not sent, because {plan.photo_endpoint} does not accept a longer prompt."
            reporter.tell(events.Warning(text=text))
            continue
        found[one.name] = wish
        reporter.tell(events.Note(text=f"{one.name}: added to the prompt: {wish}"))
    return found


def request_again(
    plan: SetPlan, folder: SetFolder, names: Sequence[str], reporter: Reporter, wishes: Mapping[str, str] = {}
) -> None:
    """Let the next run make another one of each, unless one is under way. ``wishes`` are added to prompts, by angle."""
    for name in names:
        if is_under_way(plan, folder, name):
            text = f"Another {name} was requested before: this run continues with it."
            reporter.tell(events.Note(text=text))
        take_again(plan, folder, name, asked=wishes.get(name, ""))


# --- catalogues ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Product:
    """A product of a catalogue, or another variant of one, and what was decided about it.

    ``whole`` is the set of the product, whose state decides whether the next run continues it.
    """

    plan: SetPlan
    folder: SetFolder
    whole: SetFolder
    decisions: list[PhotoDecision]
    redo: list[str]
    wishes: dict[str, str]


def review_catalogue(
    catalogue: Catalogue, paths: Sequence[Path], budget: Budget, reporter: Reporter, *, allows_unknown: bool
) -> None:
    """Record decisions about products of a catalogue, and let its next run make what is wanted again.

    Raises InputError, CeilingReachedError and UnknownPriceError before anything changes.
    """
    files = read_reviews(paths)
    rows = _rows_of(catalogue, files)
    with ExitStack() as stack:
        for row in rows:
            stack.enter_context(working_in(catalogue.folder(row), reporter))
        products = [one for row in rows for one in _products(catalogue, row, files, reporter)]
        _tell_price(catalogue, products, budget, reporter, allows_unknown=allows_unknown)
        for product in products:
            record_decisions(product.folder, product.decisions, reporter)
            if product.redo:
                request_again(product.plan, product.folder, product.redo, reporter, product.wishes)
                for folder in (product.folder, product.whole):
                    with folder.change() as record:
                        record["state"] = SetState.PARTIAL.value  # The run of the catalogue continues it.
            product.folder.write_page()


def _rows_of(catalogue: Catalogue, files: Sequence[ReviewFile]) -> list[FrozenRow]:
    """The rows that the files decide about, in the order of the catalogue. Raises InputError for a set that is not there."""
    wanted = {entry.id: (file, entry) for file in files for entry in file.sets}
    good = [row for row in catalogue.lock.rows if row.is_good]
    rows = {read_status(catalogue.folder(row), row.digest).set_id: row for row in good}
    if not rows.keys() >= wanted.keys():
        for row in (row for row in good if row.own.get("variants")):
            rows |= dict.fromkeys(_variant_ids(catalogue, row), row)
    for identity, (file, entry) in wanted.items():
        if identity not in rows:
            raise InputError(
                f"{file.path} is about a set that this catalogue does not have ({entry.product or identity}).",
                hint="Name the folder of the catalogue or the set that the page belongs to.",
            )
    numbers = {rows[identity].row.number for identity in wanted}
    return [row for row in good if row.row.number in numbers]


def _variant_ids(catalogue: Catalogue, row: FrozenRow) -> list[str]:
    """The identities of the other variants of a product that are made."""
    root = catalogue.folder(row)
    if not (root / "set.json").is_file():
        return []
    return [set_id(folder.record) for _name, folder in other_variants(SetFolder.open(root))]


def _products(
    catalogue: Catalogue, row: FrozenRow, files: Sequence[ReviewFile], reporter: Reporter
) -> list[_Product]:
    """A product and its variants, as far as something was decided about them."""
    plan, folder = catalogue.plan(row), SetFolder.open(catalogue.folder(row))
    about = [file for file in files if any(entry.id == set_id(folder.record) for entry in file.sets)]
    variants = {variant.name: variant for variant in plan.variants}
    try:
        found = [(plan, folder, decisions_on(folder.record, about))]
        found += [
            (
                plan_of_variant(plan, variants[name], folder.model),
                other,
                decisions_on_variant(other.record, name, folder.record, files),
            )
            for name, other in other_variants(folder)
            if name in variants
        ]
    except InputError as error:
        raise InputError(f"{row.folder}: {error.message}", hint=error.hint) from error
    return [
        _Product(
            own, one, folder, decisions, names_to_redo(own, decisions), wishes_in(own, decisions, reporter)
        )
        for own, one, decisions in found
        if decisions
    ]


def _tell_price(
    catalogue: Catalogue,
    products: Sequence[_Product],
    budget: Budget,
    reporter: Reporter,
    *,
    allows_unknown: bool,
) -> None:
    """Say what is paid again. Raises when that is over the ceilings, or its price is not known."""
    redone = [product for product in products if product.redo]
    if not redone or catalogue.service is None:
        return
    endpoints = {
        endpoint_id: catalogue.endpoints[endpoint_id]
        for product in redone
        for endpoint_id in product.plan.endpoint_ids.values()
    }
    prices = prices_for(endpoints.values(), catalogue.service, reporter)
    jobs = [
        job
        for product in redone
        for job in estimate_of(product.plan, prices)
        .only(labels_again(product.plan, product.folder, product.redo))
        .jobs
    ]
    estimate = Estimate(tuple(jobs), prices.age_seconds)
    if estimate.unknown and not allows_unknown:
        job = estimate.unknown[0]
        raise UnknownPriceError(f"{job.name}: {job.quote.reason}.")
    left = budget.left()
    if left is not None and estimate.known.low > left:
        raise CeilingReachedError(
            f"What was rejected costs {money(estimate.known)}, and {dollars(max(left, Decimal(0)))} may be spent.",
            hint="Nothing was changed. Raise the ceiling, or reject fewer photos.",
        )
    count = f"{len(redone)} product{'s' * (len(redone) != 1)}"
    more = ", plus requests of unknown price" if estimate.unknown else ""
    reporter.tell(
        events.Note(text=f"Will be made and paid again for {count}: {money(estimate.known)}{more}.")
    )
