# SPDX-License-Identifier: GPL-3.0-or-later
"""Arguments about the files at fal.ai: how they get there, how long they stay, who may read them."""

import argparse

from ..fal_bridge.network.lifecycle import DAY_SECONDS
from ..files.values import optional, read_whole
from ..photo_set.plan_values import EXPIRATION, INLINE_KB, WEBHOOK
from .argument_types import KEEP, argument, seconds_or_keep


def add_fal_files(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data-uri-kb",
        type=argument(INLINE_KB, read_whole),
        default=0,
        metavar="N",
        help="send files of up to N KB inside the request instead of uploading them",
    )
    parser.add_argument(
        "--expiration",
        type=argument(optional(EXPIRATION), seconds_or_keep),
        default=DAY_SECONDS,
        metavar=f"SECONDS|{KEEP}",
        help="fal.ai deletes uploads and results after this time (default: a day); "
        f"{KEEP}: as long as your account keeps files",
    )
    parser.add_argument(  # An older spelling.
        "--keep-uploads", dest="expiration", action="store_const", const=None, help=argparse.SUPPRESS
    )
    parser.add_argument(
        "--private",
        action="store_true",
        help="fal.ai: results can be read only with your key; uploads cannot be restricted",
    )
    parser.add_argument(
        "--webhook",
        type=argument(WEBHOOK),
        default="",
        metavar="URL",
        help="fal.ai calls this address for each result",
    )
