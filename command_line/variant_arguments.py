# SPDX-License-Identifier: GPL-3.0-or-later
"""The arguments that choose among the materials of a 3D file, or give them other colors."""

import argparse

from ..photo_set.variants import ALL, color_choice, variant_choice
from .argument_types import argument


def add_variants(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--variant",
        type=argument(variant_choice),
        default="",
        metavar=f"A,B|{ALL}",
        help=f"material variants, when the 3D file has several: one, some, or {ALL} of them, all with one camera and one "
        "light",
    )
    what = (
        "one more variant, with this color for a material of the 3D file; "
        "MATERIAL=#RRGGBB,MATERIAL=#RRGGBB as NAME for several materials and a name; can be repeated"
    )
    for spelling, help_text in (("--color", what), ("--colour", argparse.SUPPRESS)):
        parser.add_argument(
            spelling,
            dest="color",
            action="append",
            default=[],
            type=argument(color_choice),
            metavar="MATERIAL=#RRGGBB",
            help=help_text,
        )
