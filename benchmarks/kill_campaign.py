# SPDX-License-Identifier: GPL-3.0-or-later
"""The long kill campaign: ``python -m benchmarks.kill_campaign``. Free: it pays only the emulator.

First a kill before each line of the bridge that a run reaches; then pairs of processes on one folder, with faults on,
killed at random moments. The request lists show only requests that have ended. Prints the numbers, and ends with 1
when anything was lost or paid twice.
"""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from tests import killed
from tests.fal_emulator.process import RunningEmulator, running_emulator


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only each n-th line (1)")
    parser.add_argument("--kills", type=int, default=300, help="random kills (300)")
    parser.add_argument("--seed", type=int, default=1, help="of the random moments")
    options = parser.parse_args()
    quiet = dict.fromkeys(("queue", "photo", "video"), 0.0)
    with (
        tempfile.TemporaryDirectory() as folder,
        running_emulator(delays=quiet, list_running=False) as emulator,
    ):
        by_step = _steps(emulator, Path(folder), options.every)
        by_chance = _random(emulator, Path(folder), options.kills, random.Random(options.seed))
    return 1 if by_step.complaints or by_chance.complaints else 0


def _steps(emulator: RunningEmulator, folder: Path, every: int) -> killed.Tally:
    began = time.monotonic()
    points = killed.steps(killed.Desk(folder / "quiet", emulator.url, (1,)).prepare())[::every]
    *_, tally = killed.kill_at_steps(emulator, folder, points, first_seed=10_000)
    _say(f"{len(points)} steps", tally, began)
    return tally


def _random(emulator: RunningEmulator, folder: Path, kills: int, chance: random.Random) -> killed.Tally:
    began = time.monotonic()
    whole = killed.Tally()
    sets = 0
    while whole.kills < kills:
        sets += 1
        one = killed.kill_at_random(
            emulator,
            folder / f"random-{sets}",
            kills=kills - whole.kills,
            photos=8,
            first_seed=100_000 + 100 * sets,
            chance=chance,
        )
        for name in ("kills", "runs", "jobs", "accepted", "files", "decisions", "complaints"):
            setattr(whole, name, getattr(whole, name) + getattr(one, name))
    _say(f"{sets} folders with two processes and faults", whole, began)
    return whole


def _say(what: str, tally: killed.Tally, began: float) -> None:
    print(
        f"{what}: {tally.kills} kills of {tally.runs} runs, {tally.jobs} jobs, {tally.accepted} accepted submits,"
        f" {tally.files} files whole, {tally.decisions} user decisions,"
        f" {len(tally.complaints)} complaints, {time.monotonic() - began:.0f} s"
    )
    for complaint in tally.complaints:
        print(f"  {complaint}")


if __name__ == "__main__":
    sys.exit(main())
