# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m benchmarks.planted_files --count 500``: commands on folders in which one value was replaced."""

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

from tests import planted
from tests.catalogue_desk import Desk
from tests.fal_emulator.process import FAST, running_emulator


def main() -> int:
    """The number of errors found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=500, help="of mutations")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, running_emulator(delays=FAST) as emulator:
        os.environ["PHOTOREAL_HOME"] = f"{folder}/home"
        Path(folder, "work").mkdir()
        desk = Desk(Path(folder, "work", "shop"), emulator)
        planted.make(desk)
        kept = Path(folder, "work", "kept")
        shutil.copytree(desk.folder, kept)
        complaints = []
        for mutation in islice(planted.mutations(desk, random.Random(options.seed)), options.count):
            complaints += planted.complaints_about(desk, mutation, kept)
    print(f"{options.count} mutations, {len(complaints)} complaints, {time.monotonic() - began:.0f} s")
    for complaint in complaints:
        print(f"  {complaint}")
    return len(complaints)


if __name__ == "__main__":
    sys.exit(bool(main()))
