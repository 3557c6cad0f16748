# SPDX-License-Identifier: GPL-3.0-or-later
"""Good photos that have moved are accepted after they were moved back and locked: ``benchmarks.fidelity --locks``."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.fidelity_locks import REALIGNED, RECEIVED, Step, lock_table, steps_of
from tests.printed_product import Light, view

SIDE = 192
LIGHTS = {
    "render": Light(),
    "good:0:other": Light(towards=(0.2, 0.6, 0.7), gloss=0.1),
    "good:1:other": Light(towards=(-0.6, 0.4, 0.6)),
    "relit:0": Light(towards=(0.5, 0.3, 0.8)),
    "relit:1": Light(ambient=(0.5, 0.5, 0.5), gloss=0.05),
}


def layer(light: Light) -> Any:
    seen = view(SIDE, light)
    return np.dstack((seen.picture, seen.mask))


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A product as ``benchmarks.fidelity_renders`` keeps it."""
    seen = view(SIDE)
    kept: dict[str, Any] = {name: layer(light) for name, light in LIGHTS.items()}
    kept |= {f"{name}/shadow": np.zeros((SIDE, SIDE), np.float16) for name in LIGHTS}
    kept |= {"mask": seen.mask, "depth": seen.depth, "normal": seen.normal, "base": seen.base_colour}
    kept |= {"names": np.array([], dtype=str), "shares": np.zeros(0), "background": np.array("white")}
    np.savez(tmp_path / f"tea-{SIDE}.npz", **kept)
    return tmp_path


def test_moved_photos_are_put_back_locked_and_accepted(cache: Path):
    steps = list(steps_of(["tea"], cache, SIDE, 1, plain=False, say=lambda text: None))
    done = [one.done for one in steps]
    assert done == [RECEIVED, REALIGNED, "labels", "edges", "all"] * 4
    assert {one.verdict for one in steps if one.done == RECEIVED} == {"realign"}
    assert {one.verdict for one in steps if one.done != RECEIVED} == {"accept"}
    assert max(one.residual for one in steps if one.done == REALIGNED) < 0.003


def test_the_table_counts_verdicts_and_names_what_was_not_accepted():
    steps = [
        Step("tea", "shift 2 %, other light", RECEIVED, "realign", "pose: moved", 0.02),
        Step("tea", "shift 2 %, other light", REALIGNED, "accept", "", 0.001),
        Step("tea", "zoom 3 %, same light", RECEIVED, "realign", "pose: moved", 0.03),
        Step("tea", "zoom 3 %, same light", REALIGNED, "look", "colour: part", 0.001),
    ]
    lines = lock_table(steps).splitlines()
    assert lines[2] == "| received | 2 | 0 | 2 | 0 | 0 | 0 | 0% | 2.50 % |"
    assert lines[3] == "| realigned | 2 | 1 | 0 | 0 | 0 | 1 | 50% | 0.10 % |"
    assert lines[-1] == "| tea | zoom 3 %, same light | realigned | look | colour: part |"
