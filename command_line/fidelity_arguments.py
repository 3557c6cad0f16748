# SPDX-License-Identifier: GPL-3.0-or-later
"""The arguments that decide how photos by fal.ai are compared with their renders, and what follows from it."""

import argparse

from ..files.values import read_whole
from ..imaging.choices import Lock
from ..photo_set.choices import Fidelity
from ..photo_set.plan_values import RETRIES
from .argument_types import argument


def add_fidelity(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--fidelity",
        choices=[choice.value for choice in Fidelity],
        default=Fidelity.GATE.value,
        help="fal.ai: compare photos with their renders, and request rejected ones again (gate), only report, or off",
    )
    parser.add_argument(
        "--retries",
        type=argument(RETRIES, read_whole),
        default=1,
        metavar="N",
        help="fal.ai: further photos of an angle that are paid for when one is rejected",
    )
    parser.add_argument(
        "--lock",
        choices=[choice.value for choice in Lock],
        default=Lock.NONE.value,
        help="fal.ai: take print (labels), print and edges, or everything from the render, in the light of the photo",
    )
