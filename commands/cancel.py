# SPDX-License-Identifier: GPL-3.0-or-later
"""``cancel``: cancel at fal.ai what has not ended."""

import argparse
from pathlib import Path
from typing import TextIO

from ..errors import InputError, PhotorealError
from ..fal_bridge.budget import Ceilings
from ..fal_bridge.cancel import IS_OVER, Fate, cancel_all
from ..fal_bridge.errors import UncertainSubmitError
from ..fal_bridge.journal import Journal
from ..plan_record import fal_of
from ..progress import Reporter
from ..set_folder import SetFolder
from .arguments import Commands, add_service, add_talk
from .service import require_online, service_of
from .spending import budget_of


def add(commands: Commands) -> None:
    parser = commands.add_parser("cancel", help="cancel at fal.ai what a set has sent and not received")
    parser.add_argument("folder", type=Path, metavar="DIR", help="the set folder")
    add_service(parser)
    add_talk(parser)
    parser.set_defaults(command=run)


def run(options: argparse.Namespace, reporter: Reporter, _output: TextIO) -> int:
    folder = SetFolder.open(options.folder)
    service = service_of(folder, options.fal_url)
    if not fal_of(folder):
        raise InputError(f"{folder.root} has nothing at fal.ai: it was made without.")
    if service is None:
        raise InputError("Cancelling at fal.ai needs the key, and none is set.", hint="Set FAL_KEY.")
    require_online(options.online_mode)
    results = cancel_all(service, Journal(folder.journal), budget=budget_of(service, Ceilings()))
    for result in results:
        reporter.tell(
            "note", text=result.sentence, request_id=result.request_id, key=result.key, fate=result.fate.value
        )
    if not results:
        reporter.tell("note", text="Nothing is left at fal.ai that could be cancelled.")
    fates = {result.fate for result in results}
    code = UncertainSubmitError.exit_code if Fate.UNCERTAIN in fates else 0
    if fates - IS_OVER - {Fate.UNCERTAIN}:
        code = PhotorealError.exit_code
    state = folder.record["state"]
    reporter.tell("finished", state=state, exit=code, set=str(folder.root))
    return code
