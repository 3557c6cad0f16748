# SPDX-License-Identifier: GPL-3.0-or-later
"""kill -9 at many steps: nothing paid is lost, nothing is paid twice. The long form is benchmarks/kill_campaign.py."""

import os
import random

import pytest

from tests import killed
from tests.fal_emulator.process import running_emulator

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL and fork")]
STEPS = 24
KILLS = 12


@pytest.fixture(scope="module")
def emulator():
    delays = dict.fromkeys(("queue", "photo", "video"), 0.0)
    with running_emulator(delays=delays, list_running=False) as emulator:
        yield emulator


def test_the_next_run_finishes_one_that_was_killed_at_any_step(emulator, tmp_path):
    points = killed.steps(killed.Desk(tmp_path / "quiet", emulator.url, (1,)).prepare())
    assert len(points) > 200, "the bridge has more lines than that"
    chosen = [points[len(points) * place // STEPS] for place in range(STEPS)]
    *_, tally = killed.kill_at_steps(emulator, tmp_path, chosen, first_seed=1000)
    assert tally.complaints == []
    assert tally.kills >= STEPS * 3 // 4
    assert tally.accepted == tally.jobs == tally.files == STEPS


def test_two_processes_killed_again_and_again_pay_each_job_once(emulator, tmp_path):
    tally = killed.kill_at_random(
        emulator, tmp_path / "set", kills=KILLS, photos=4, first_seed=50, chance=random.Random(7)
    )
    assert tally.complaints == []
    assert tally.accepted == tally.jobs == tally.files == 5
