# SPDX-License-Identifier: GPL-3.0-or-later
"""How well the fidelity check tells good photos from bad ones: ``python -m benchmarks.fidelity [GLB ...]``.

Renders products made in code, and the GLB files that are named, with Cycles at 384 pixels: a reference, its passes, three
relit renders, photos in other light, and the product with defects. From these it makes hundreds of photos, good and bad,
which pass the same chain (see ``benchmarks.fidelity_photos``), and checks each one. Renders are kept in ``--cache``.

Thresholds were chosen on the products in ``TUNING`` of ``benchmarks.fidelity_products``; the tables are about those in
``SCORED`` and the named files, unless ``--group tuning``. An alarm is any verdict but ``accept``: on a good photo it is
false, on a bad one the defect is found. ``look`` is counted with the alarms and shown apart as well.

``--locks`` shows instead what becomes of good photos that were moved (see ``benchmarks.fidelity_locks``).

``--folder DIR`` takes the photos of a set or a catalogue, which count as right unless a person has rejected them, and the
same photos with defects (see ``benchmarks.fidelity_folder``). Nothing is rendered.

``--drawn N`` takes products that are drawn with numpy (see ``benchmarks.fidelity_drawn``) instead of rendered ones.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.fidelity_drawn import drawn_names
from benchmarks.fidelity_folder import results_in
from benchmarks.fidelity_locks import lock_table, steps_of
from benchmarks.fidelity_pairs import SCORED, TUNING, Result, results_of
from benchmarks.fidelity_tables import table
from command_line.bootstrap import load_package

load_package()

from photoreal_set.messages.errors import PhotorealError  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="*", type=Path, metavar="GLB")
    parser.add_argument(
        "--folder",
        type=Path,
        metavar="DIR",
        help="the photos of a set or a catalogue instead, which are right",
    )
    parser.add_argument("--cache", type=Path, default=Path("fidelity-renders"), metavar="DIR")
    parser.add_argument("--side", type=int, default=384, metavar="N", help="pixels of the renders (384)")
    parser.add_argument("--group", choices=("tuning", "scored", "all"), default="scored")
    parser.add_argument("--product", action="append", default=[], help="only these products")
    parser.add_argument(
        "--drawn", type=int, default=0, metavar="N", help="N products drawn with numpy instead"
    )
    parser.add_argument(
        "--first", type=int, default=100, metavar="N", help="number of the first of them (100)"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the photos (1)")
    parser.add_argument("--plain", action="store_true", help="without the relit renders: no calibration")
    parser.add_argument(
        "--locks", action="store_true", help="good photos that were moved instead: moved back and locked"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every result")
    parser.add_argument("--no-render", action="store_true", help="only products that are in the cache")
    options = parser.parse_args()
    try:
        results = list(_of_folder(options) if options.folder else _of_products(options))
    except PhotorealError as error:
        parser.error(str(error))
    if not results:
        parser.error("there is nothing to check")
    if options.json:
        options.json.write_text(json.dumps([asdict(one) for one in results]), encoding="utf-8")
    print(lock_table(results) if options.locks else table(results))
    return 0


def _of_folder(options: argparse.Namespace) -> Iterator[Result]:
    return results_in(options.folder, options.seed, plain=options.plain, say=_say)


def _of_products(options: argparse.Namespace) -> Iterator[Any]:
    drawn = drawn_names(options.drawn, options.cache, options.side, options.first)
    names = {"tuning": TUNING, "scored": SCORED, "all": (*TUNING, *SCORED)}[options.group]
    names = tuple(options.product) or (() if drawn else names)
    if not options.no_render and (names or options.models):
        command = [sys.executable, "-m", "benchmarks.fidelity_renders", "--cache", str(options.cache)]
        command += ["--side", str(options.side), *names, *map(str, options.models)]
        if subprocess.run(command).returncode:
            sys.exit(1)
    files = [path.stem for path in options.models]
    check = steps_of if options.locks else results_of
    return check(
        [*names, *drawn, *files], options.cache, options.side, options.seed, plain=options.plain, say=_say
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
