# SPDX-License-Identifier: GPL-3.0-or-later
"""``compile-kernels``: started by a run that uses a graphics card, never by a user, so ``--help`` does not list it."""

import argparse
from dataclasses import dataclass

from ...photo_set.choices import DEVICES
from ..option_values import Command, Context

NAME = "compile-kernels"


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelOptions:
    backend: str


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("backend", choices=DEVICES)
    parser.set_defaults(command=Command(KernelOptions, run))


def run(options: KernelOptions, context: Context) -> int:
    from ...studio.kernels import compile_here

    compile_here(options.backend)
    return 0
