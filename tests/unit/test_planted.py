# SPDX-License-Identifier: GPL-3.0-or-later
"""When any value in any file of a catalogue is replaced, commands print one sentence and stay in their folder.

``python -m benchmarks.planted_files`` does the same hundreds of times.
"""

import random
import shutil
from itertools import islice
from pathlib import Path

import pytest

from tests import planted
from tests.catalogue_desk import Desk

pytestmark = pytest.mark.slow

COUNT = 12


def test_no_replaced_value_ends_in_a_traceback_or_outside_the_folder(emulator, tmp_path: Path):
    desk = Desk(tmp_path / "shop", emulator)
    planted.make(desk)
    kept = tmp_path / "kept"
    shutil.copytree(desk.folder, kept)
    complaints = [
        complaint
        for mutation in islice(planted.mutations(desk, random.Random(1)), COUNT)
        for complaint in planted.complaints_about(desk, mutation, kept)
    ]
    assert complaints == []
