# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m benchmarks.fuzz_models [--reader 2000] [--blender 100] [--seed N] [FILE.glb …]``

Broken and hostile models through the reader, and those that it takes through the command line with Blender. Ends with 1
when one of them raised anything but an error for the user, opened a file outside its folder, or brought the secret or
the key along. Models made by the tests are the source, and further GLB files that are named. A regular test does a
small part of it; strace makes the part with Blender see more.
"""

import argparse
import shutil
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

from tests.model_fuzz import Mutator, Verdict, judge_reader, judge_set, models, reaches_blender


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
    parser.add_argument("--reader", type=int, default=2000, metavar="N", help="mutants for the reader")
    parser.add_argument("--blender", type=int, default=100, metavar="N", help="mutants for Blender")
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    parser.add_argument(
        "--keep", type=Path, metavar="DIR", help="a new folder for the mutants, which stay there"
    )
    options = parser.parse_args()
    good = models(options.files)
    with tempfile.TemporaryDirectory(prefix="photoreal-fuzz-") as scratch:
        folder = options.keep.absolute() if options.keep else Path(scratch)
        reader = Verdict()
        began = time.monotonic()
        for path in Mutator(folder / "reader", options.seed, good).mutants(options.reader):
            judge_reader(path, reader)
            if not options.keep:
                shutil.rmtree(path.parent)
        _tell("reader", reader, began)
        blender = Verdict()
        began = time.monotonic()
        mutants = Mutator(folder / "blender", options.seed + 1, good).mutants(100 * options.blender)
        for path in islice(filter(reaches_blender, mutants), options.blender):
            judge_set(path, blender)
        _tell(f"Blender{'' if shutil.which('strace') else ' (without strace)'}", blender, began)
    return 1 if reader.faults or blender.faults else 0


def _tell(what: str, verdict: Verdict, began: float) -> None:
    counts = ", ".join(f"{count} {name}" for name, count in sorted(verdict.counts.items()))
    print(f"{what}: {counts}; {len(verdict.faults)} faults; {time.monotonic() - began:.0f} s", flush=True)
    for fault in verdict.faults:
        print(f"  {fault}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
