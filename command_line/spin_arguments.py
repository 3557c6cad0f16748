# SPDX-License-Identifier: GPL-3.0-or-later
"""Arguments of the spin: pictures of one full turn of the product."""

import argparse

from ..files.values import read_number, read_whole
from ..optics.angles import turn
from ..optics.spin import COUNT, COUNTS, ELEVATION, TURN_ELEVATION, Direction
from .argument_types import argument


def add_spin(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--spin",
        type=argument(COUNT, read_whole),
        metavar="N",
        help=f"also render N frames of a full turn by Cycles, such as {', '.join(map(str, COUNTS))}",
    )
    parser.add_argument(
        "--spin-elevation",
        type=argument(ELEVATION, read_number),
        metavar="DEGREES",
        help=f"with --spin: height of the camera above the horizon (default: {TURN_ELEVATION:g})",
    )
    parser.add_argument(
        "--spin-start",
        type=argument(turn, read_number),
        metavar="DEGREES",
        help="with --spin: azimuth of the first frame (default: 0, the front)",
    )
    parser.add_argument(
        "--spin-direction",
        choices=[item.value for item in Direction],
        help=f"with --spin: how the product turns, seen from above (default: {Direction.COUNTER_CLOCKWISE})",
    )
