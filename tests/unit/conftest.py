# SPDX-License-Identifier: GPL-3.0-or-later
"""Loads the repository root as the package ``photoreal_set``, as Blender does."""

from pathlib import Path

import pytest

from tools.bootstrap import load_package

load_package()


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes what belongs to the user."""
    home: Path = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("PHOTOREAL_HOME", str(home))
    monkeypatch.delenv("PHOTOREAL_MAX_COST_PER_DAY", raising=False)
