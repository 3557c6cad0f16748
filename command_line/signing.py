# SPDX-License-Identifier: GPL-3.0-or-later
"""The option that signs everything that a command writes."""

import argparse

from .argument_types import place


def add_signing(parser: argparse.ArgumentParser) -> None:
    """The option that ``begin_signing`` reads."""
    parser.add_argument(
        "--sign-with",
        type=place,
        nargs=2,
        metavar=("CERTIFICATE", "KEY"),
        help="sign pictures and videos with Content Credentials (C2PA); two PEM files",
    )


def begin_signing(parsed: argparse.Namespace) -> None:
    """Check certificate and key, and sign from now on. Raises InputError when they cannot be used."""
    if files := getattr(parsed, "sign_with", None):
        from ..imaging import signing

        signing.use(*files)
