# SPDX-License-Identifier: GPL-3.0-or-later
"""``resume``: continue a set or a catalogue."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ...catalogue.freezing import Catalogue
from ...catalogue.glance import is_catalogue
from ...catalogue.states import journal_in
from ...fal_bridge.decisions import Decision, decide, waiting_sentence
from ...fal_bridge.errors import WrongRequestError
from ...fal_bridge.journal import Journal
from ...fal_bridge.money.budget import Budget
from ...gltf.findings import Severity
from ...messages import events
from ...messages.errors import InputError, PhotorealError
from ...messages.progress import Reporter
from ...photo_set import estimates
from ...photo_set.folder import SetFolder
from ...photo_set.plan_record import plan_from
from ...photo_set.review import decisions_on
from ...photo_set.variant_folders import set_journals
from ...photo_set.verdict import all_findings, worst_of
from ..accepting import accept_results
from ..argument_types import place
from ..arguments import (
    add_ceilings,
    add_external_data,
    add_output,
    add_rows,
    add_service,
    add_strict,
)
from ..catalogue_plans import catalogue_ceilings, open_catalogue
from ..catalogues import make_catalogue
from ..choosing import choose_takes
from ..option_values import Command, Context, MakeOptions
from ..plans import checked
from ..redoing import labels_again, redo_name
from ..reviewing import (
    names_to_redo,
    read_reviews,
    record_decisions,
    request_again,
    review_catalogue,
    wishes_in,
)
from ..service import service_of
from ..sets import make_set
from ..signing import add_signing
from ..spending import bill_of, budget_of, ceilings_of
from ..visible_runs import visible_catalogue, visible_run, working_in


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeOptions:
    """``resend`` and ``forget`` are keys of requests, or their first characters; ``redo`` and ``choose`` name takes,
    ``decisions`` are files of decisions; ``accept`` names angles.
    """

    folder: Path
    resend: tuple[str, ...]
    not_in_dashboard: bool
    forget: tuple[str, ...]
    redo: tuple[str, ...]
    choose: tuple[str, ...]
    decisions: tuple[Path, ...]
    accept: tuple[str, ...]
    making: MakeOptions


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=place, metavar="DIR", help="the folder of the set or the catalogue")
    parser.add_argument(
        "--resend", action="append", default=[], metavar="KEY", help="send this uncertain request again"
    )
    parser.add_argument(
        "--not-in-dashboard",
        action="store_true",
        help="with --resend: your fal.ai dashboard does not show the request, so do not wait for it",
    )
    parser.add_argument(
        "--forget", action="append", default=[], metavar="KEY", help="continue without this uncertain request"
    )
    _add_takes(parser)
    add_external_data(parser)
    add_ceilings(parser)
    add_signing(parser)
    add_service(parser)
    add_rows(parser)
    add_strict(parser)
    add_output(parser)
    parser.set_defaults(command=Command(ResumeOptions, run))


def _add_takes(parser: argparse.ArgumentParser) -> None:
    """What is made again, chosen or decided."""
    parser.add_argument(
        "--redo",
        action="append",
        default=[],
        metavar="NAME",
        help="buy another photo of this angle from fal.ai, or another `model`, `concept` or `video`",
    )
    parser.add_argument(
        "--choose",
        action="append",
        default=[],
        metavar="NAME=NUMBER",
        help="show another take of an angle, the `video` or the `concept`, such as front=1; "
        "nothing is rendered, sent or paid",
    )
    parser.add_argument(
        "--decisions",
        action="append",
        default=[],
        type=place,
        metavar="FILE",
        help="apply decisions that were exported from the page: rejected photos are made and paid again; "
        "can be given once for each reviewer",
    )
    parser.add_argument(
        "--accept",
        action="append",
        default=[],
        metavar="ANGLE",
        help='accept the photo of this angle, or the "video", in spite of its verdict; what waits for it continues',
    )


def run(options: ResumeOptions, context: Context) -> int:
    if is_catalogue(options.folder):
        with visible_catalogue(options.folder, options.making.rows, context) as visible:
            return _resume_catalogue(options, visible)
    with (
        working_in(options.folder, context.reporter),
        visible_run(options.folder, context.reporter) as reporter,
    ):
        return _resume_set(options, reporter)


def _resume_catalogue(options: ResumeOptions, context: Context) -> int:
    given = {"redo": options.redo, "choose": options.choose, "accept": options.accept}
    for option in (name for name, values in given.items() if values):
        raise InputError(f"--{option} is for one product.", hint="Name the folder of its set.")
    making = options.making
    catalogue = open_catalogue(options.folder, making.rows, making.service, context.reporter)
    budget = budget_of(catalogue.service, ceilings_of(making.ceilings), catalogue=catalogue.root)
    _decide(options, context.reporter, budget, lambda: _journals_of(catalogue), "products of this catalogue")
    if options.decisions:
        whole = budget_of(catalogue.service, catalogue_ceilings(making.ceilings), catalogue=catalogue.root)
        allows_unknown = making.ceilings.allow_unknown_price
        review_catalogue(catalogue, options.decisions, whole, context.reporter, allows_unknown=allows_unknown)
    return make_catalogue(catalogue, making, context)


def _decide(
    options: ResumeOptions,
    reporter: Reporter,
    budget: Budget,
    journals: Callable[[], Sequence[Journal]],
    places: str,
) -> None:
    """Record what the user decides about uncertain requests. Raises WrongRequestError.

    ``journals``: those that may have the requests; ``places``: what they are of.
    """
    if options.not_in_dashboard and not options.resend:
        raise InputError("--not-in-dashboard is about a request.", hint="Name it: --resend KEY.")
    for decision, keys in ((Decision.RESEND, options.resend), (Decision.FORGET, options.forget)):
        for key in keys:
            text = decide(
                _journal_with(journals(), key, decision, places=places),
                key,
                decision,
                budget,
                is_not_in_dashboard=options.not_in_dashboard,
            )
            reporter.tell(events.Note(text=text))


def _journal_with(journals: Sequence[Journal], key: str, decision: Decision, *, places: str) -> Journal:
    """The one of these journals that has a request whose key begins with ``key``. ``places``: what the journals are of.

    The only journal is not searched. Raises WrongRequestError.
    """
    if len(journals) == 1:
        return journals[0]
    beginning = key.strip().lower()
    if not beginning.isalnum():
        raise WrongRequestError(
            f"{key!r} is not the key of a request.", hint=waiting_sentence(journals, decision)
        )
    found = [journal for journal in journals if any(journal.folder.glob(f"{beginning}*"))]
    if len(found) != 1:
        raise WrongRequestError(
            f"{len(found)} {places} have a request {key!r}.", hint=waiting_sentence(journals, decision)
        )
    return found[0]


def _journals_of(catalogue: Catalogue) -> list[Journal]:
    """The journals of all products and their variants. Raises InputError as ``journal_in``."""
    roots = [catalogue.root / row.folder for row in catalogue.lock.rows if row.is_good]
    return [journal for root in roots for journal in set_journals(journal_in(root).parent).values()]


def _choose(options: ResumeOptions, folder: SetFolder, reporter: Reporter) -> int:
    """Choosing takes never pays, so nothing else of the set is made."""
    if options.redo or options.resend or options.forget or options.decisions or options.accept:
        raise InputError(
            "--choose sends nothing.",
            hint="Give --redo, --resend, --forget, --decisions and --accept without it.",
        )
    choose_takes(folder, options.choose, reporter)
    has_errors = options.making.strict and worst_of(all_findings(folder.record)) is Severity.ERROR
    code = PhotorealError.exit_code if has_errors else 0
    reporter.tell(events.Finished(state=folder.record["state"], exit=code, set=str(folder.root)))
    return code


def _resume_set(options: ResumeOptions, reporter: Reporter) -> int:
    making = options.making
    making.rows.refuse()
    folder = SetFolder.open(options.folder)
    if options.choose:
        return _choose(options, folder, reporter)
    if both := set(options.accept) & set(options.redo):
        raise InputError(f"{min(both)} is both accepted and redone.", hint="Give one of the two options.")
    plan = plan_from(folder, service_of(folder, making.service.fal_url))
    plan = checked(
        replace(plan, external_data=making.external_data),
        reporter,
        online_mode=making.service.online_mode,
        may_lack_endpoint=True,
    )
    budget = budget_of(plan.service, ceilings_of(making.ceilings))
    journals = list(set_journals(folder.root).values())
    _decide(options, reporter, budget, lambda: journals, "variants of this set")
    decisions = decisions_on(folder.record, read_reviews(options.decisions))
    redo = list(
        dict.fromkeys([*(redo_name(plan, name) for name in options.redo), *names_to_redo(plan, decisions)])
    )
    wishes = wishes_in(plan, decisions, reporter)
    again = labels_again(plan, folder, redo) if redo else set()
    bill = bill_of(plan, reporter, budget, allows_unknown=making.ceilings.allow_unknown_price, again=again)
    accept_results(folder, options.accept, reporter)
    if decisions:  # Only now: a ceiling that is too low changes nothing.
        record_decisions(folder, decisions, reporter)
    if redo:
        request_again(plan, folder, redo, reporter, wishes)
        reporter.tell(
            events.Note(text=f"Will be made and paid again: {estimates.sentence(bill.estimate.only(again))}")
        )
    return make_set(plan, reporter, bill, is_strict=making.strict)
