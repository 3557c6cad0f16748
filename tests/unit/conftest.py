# SPDX-License-Identifier: GPL-3.0-or-later
"""Loads the repository root as the package ``photoreal_set``, as Blender does."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from command_line.bootstrap import load_package
from tests.desk import Desk
from tests.fal_emulator.process import FAST, RunningEmulator, running_emulator

load_package()
SURROUNDINGS = ("FAL_KEY", "FAL_KEY_FILE", "PHOTOREAL_MAX_COST_PER_DAY", "BLENDER")


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's files."""
    home: Path = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("PHOTOREAL_HOME", str(home))
    for name in SURROUNDINGS:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def server() -> Iterator[RunningEmulator]:
    with running_emulator() as emulator:
        yield emulator


@pytest.fixture
def emulator(server: RunningEmulator) -> RunningEmulator:
    """The module's emulator, reset and without delays."""
    server.control(reset=True, delays=FAST)
    return server


@pytest.fixture
def desk(tmp_path: Path, emulator: RunningEmulator) -> Desk:
    return Desk(tmp_path, emulator)
