# SPDX-License-Identifier: GPL-3.0-or-later
"""``resume``: go on with a set."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from .. import estimates
from ..catalogue.planning import Catalogue
from ..errors import InputError
from ..fal_bridge.decisions import Decision, decide, waiting_sentence
from ..fal_bridge.errors import UnknownEndpointError, WrongRequestError
from ..fal_bridge.journal import Journal
from ..plan_record import plan_from
from ..progress import Reporter
from ..set_folder import SetFolder
from .arguments import Commands, add_ceilings, add_external_data, add_rows, add_service, add_talk, refuse_rows
from .catalogues import is_catalogue, make_catalogue, open_catalogue
from .planning import checked
from .redoing import check_redo, is_under_way, labels_again, take_again
from .running import make_set, working_in
from .service import service_of
from .spending import bill_of, budget_of, ceilings_of


def add(commands: Commands) -> None:
    parser = commands.add_parser("resume", help="continue a set or a catalogue; nothing is paid twice")
    parser.add_argument("folder", type=Path, metavar="DIR", help="the folder of the set or the catalogue")
    parser.add_argument(
        "--resend", action="append", default=[], metavar="KEY", help="send this uncertain request once more"
    )
    parser.add_argument(
        "--forget", action="append", default=[], metavar="KEY", help="do without this uncertain request"
    )
    parser.add_argument(
        "--redo",
        action="append",
        default=[],
        metavar="NAME",
        help="have fal make another photo of this angle, or another `model` or `film`: it is paid again",
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
    if options.redo:
        raise InputError("--redo is for one product.", hint="Name the folder of its set.")
    catalogue = open_catalogue(options.folder, options, reporter)
    budget = budget_of(catalogue.service, ceilings_of(options), catalogue=catalogue.root)
    for decision, keys in ((Decision.RESEND, options.resend), (Decision.FORGET, options.forget)):
        for key in keys:
            journal = _journal_with(catalogue, key, decision)
            reporter.tell("note", text=decide(journal, key, decision, budget))
    return make_catalogue(catalogue, options, reporter)


def _journal_with(catalogue: Catalogue, key: str, decision: Decision) -> Journal:
    """The journal of the product whose request has a key that begins so."""
    beginning = key.strip().lower()
    folders = [row.folder for row in catalogue.lock.rows if row.is_good]
    journals = [Journal(catalogue.root / folder / ".journal") for folder in folders]
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


def _resume_set(options: argparse.Namespace, reporter: Reporter) -> int:
    refuse_rows(options)
    folder = SetFolder.open(options.folder)
    plan = plan_from(folder, service_of(folder, options.fal_url))
    plan = replace(plan, external_data=tuple(options.external_data))
    try:
        plan = checked(plan, reporter, online_mode=options.online_mode)
    except UnknownEndpointError as error:  # What it has made is fetched; for more of it there is no price.
        reporter.tell("warning", text=error.message)
        plan.check()
    budget = budget_of(plan.service, ceilings_of(options))
    journal = Journal(folder.journal)
    for decision, keys in ((Decision.RESEND, options.resend), (Decision.FORGET, options.forget)):
        for key in keys:
            reporter.tell("note", text=decide(journal, key, decision, budget))
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
