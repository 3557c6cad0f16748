# SPDX-License-Identifier: GPL-3.0-or-later
"""``resume``: go on with a set."""

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from ...catalogue.freezing import Catalogue
from ...catalogue.states import journal_in
from ...fal_bridge.decisions import Decision, decide, waiting_sentence
from ...fal_bridge.errors import UnknownEndpointError, WrongRequestError
from ...fal_bridge.journal import Journal
from ...fal_bridge.money.budget import Budget
from ...messages.errors import InputError
from ...messages.progress import Reporter
from ...photo_set import estimates
from ...photo_set.folder import SetFolder
from ...photo_set.plan_record import plan_from
from ..arguments import (
    Commands,
    add_ceilings,
    add_external_data,
    add_rows,
    add_service,
    add_talk,
    refuse_rows,
)
from ..catalogues import is_catalogue, make_catalogue, open_catalogue
from ..choosing import choose_takes
from ..plans import checked
from ..redoing import check_redo, is_under_way, labels_again, take_again
from ..service import service_of
from ..sets import make_set, working_in
from ..spending import bill_of, budget_of, ceilings_of


def add(commands: Commands) -> None:
    parser = commands.add_parser("resume", help="continue a set or a catalogue; nothing is paid twice")
    parser.add_argument("folder", type=Path, metavar="DIR", help="the folder of the set or the catalogue")
    parser.add_argument(
        "--resend", action="append", default=[], metavar="KEY", help="send this uncertain request again"
    )
    parser.add_argument(
        "--not-in-dashboard",
        action="store_true",
        help="with --resend: your fal.ai dashboard does not show the request, so it need not be waited for",
    )
    parser.add_argument(
        "--forget", action="append", default=[], metavar="KEY", help="continue without this uncertain request"
    )
    parser.add_argument(
        "--redo",
        action="append",
        default=[],
        metavar="NAME",
        help="have fal make another photo of this angle, or another `model` or `film`: it is paid again",
    )
    parser.add_argument(
        "--choose",
        action="append",
        default=[],
        metavar="NAME=NUMBER",
        help="show another take of an angle, the `video` or the `concept` again, like front=1; "
        "nothing is rendered, sent or paid",
    )
    add_external_data(parser)
    add_ceilings(parser)
    add_service(parser)
    add_rows(parser)
    add_talk(parser)
    parser.set_defaults(command=run)


def run(options: argparse.Namespace, reporter: Reporter, _output: TextIO) -> int:
    if is_catalogue(options.folder):
        return _resume_catalogue(options, reporter)
    with working_in(options.folder, reporter):
        return _resume_set(options, reporter)


def _resume_catalogue(options: argparse.Namespace, reporter: Reporter) -> int:
    for option in ("redo", "choose"):
        if getattr(options, option):
            raise InputError(f"--{option} is for one product.", hint="Name the folder of its set.")
    catalogue = open_catalogue(options.folder, options, reporter)
    budget = budget_of(catalogue.service, ceilings_of(options), catalogue=catalogue.root)
    _decide(options, reporter, budget, lambda key, decision: _journal_with(catalogue, key, decision))
    return make_catalogue(catalogue, options, reporter)


def _decide(
    options: argparse.Namespace,
    reporter: Reporter,
    budget: Budget,
    journal_with: Callable[[str, Decision], Journal],
) -> None:
    """Write down what the user decides about uncertain requests. Raises WrongRequestError."""
    if options.not_in_dashboard and not options.resend:
        raise InputError("--not-in-dashboard is about a request.", hint="Name it: --resend KEY.")
    for decision, keys in ((Decision.RESEND, options.resend), (Decision.FORGET, options.forget)):
        for key in keys:
            text = decide(
                journal_with(key, decision),
                key,
                decision,
                budget,
                is_not_in_dashboard=options.not_in_dashboard,
            )
            reporter.tell("note", text=text)


def _journal_with(catalogue: Catalogue, key: str, decision: Decision) -> Journal:
    """The journal of the product whose request has a key that begins so. Raises InputError as ``journal_in``."""
    beginning = key.strip().lower()
    folders = [row.folder for row in catalogue.lock.rows if row.is_good]
    journals = [Journal(journal_in(catalogue.root / folder)) for folder in folders]
    if not beginning.isalnum():
        raise WrongRequestError(
            f"{key!r} is not the key of a request.", hint=waiting_sentence(journals, decision)
        )
    found = [journal for journal in journals if any(journal.folder.glob(f"{beginning}*"))]
    if len(found) != 1:
        raise WrongRequestError(
            f"{len(found)} products of this catalogue have a request {key!r}.",
            hint=waiting_sentence(journals, decision),
        )
    return found[0]


def _choose(options: argparse.Namespace, folder: SetFolder, reporter: Reporter) -> int:
    """Choosing ends with that: it never pays, so nothing else of the set is made."""
    if options.redo or options.resend or options.forget:
        raise InputError("--choose sends nothing.", hint="Give --redo, --resend and --forget without it.")
    choose_takes(folder, options.choose, reporter)
    reporter.tell("finished", state=folder.record["state"], exit=0, set=str(folder.root))
    return 0


def _resume_set(options: argparse.Namespace, reporter: Reporter) -> int:
    refuse_rows(options)
    folder = SetFolder.open(options.folder)
    if options.choose:
        return _choose(options, folder, reporter)
    plan = plan_from(folder, service_of(folder, options.fal_url))
    plan = replace(plan, external_data=tuple(options.external_data))
    try:
        plan = checked(plan, reporter, online_mode=options.online_mode)
    except UnknownEndpointError as error:  # What it has made is fetched; for more of it there is no price.
        reporter.tell("warning", text=error.message)
        plan.check()
    budget = budget_of(plan.service, ceilings_of(options))
    journal = Journal(folder.journal)
    _decide(options, reporter, budget, lambda _key, _decision: journal)
    for name in options.redo:
        check_redo(plan, name)
    again = labels_again(plan, folder, options.redo) if options.redo else set()
    bill = bill_of(options, plan, reporter, budget, again=again)
    if options.redo:  # Only now: a ceiling that is too low leaves what is there.
        for name in options.redo:
            if is_under_way(plan, folder, name):
                reporter.tell("note", text=f"Another {name} is already on its way: this run goes on with it.")
            take_again(plan, folder, name)
        reporter.tell("note", text=f"Made and paid again: {estimates.sentence(bill.estimate.only(again))}")
    return make_set(plan, reporter, bill)
