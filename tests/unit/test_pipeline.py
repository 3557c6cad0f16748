# SPDX-License-Identifier: GPL-3.0-or-later
"""A run of a whole set leaves a page that is right, however it ends."""

from pathlib import Path

import pytest

from photoreal_set.optics.angles import ANGLES
from photoreal_set.photo_set.choices import Engine
from photoreal_set.photo_set.pipeline import Renderer, run_set
from photoreal_set.photo_set.plan import SetPlan
from photoreal_set.photo_set.source import source_from
from photoreal_set.processes.stop import Stop, StopRenderingError
from tests.cloud_sets import Notes
from tests.fal_emulator.glb import make_glb

RELOADS = "http-equiv='refresh'"


@pytest.fixture
def plan(tmp_path: Path) -> SetPlan:
    glb = tmp_path / "clock.glb"
    glb.write_bytes(make_glb("a clock", None, triangles=100, texture_side=32))
    return SetPlan(
        source=source_from([glb], ""),
        out=tmp_path / "set",
        angles=(ANGLES["front"],),
        engine=Engine.CYCLES,
        video=None,
    )


def renderer(while_rendering) -> Renderer:
    """A Blender that only calls ``while_rendering`` and stops."""

    class Stage:
        def take_model(self) -> None: ...

        def go(self) -> None:
            while_rendering()
            raise StopRenderingError

    return Renderer(blender="", check=lambda plan: None, stage=lambda results, listener: Stage())


def test_a_run_that_leaves_says_on_its_page_that_it_has_ended(plan: SetPlan):
    stop, page, pages = Stop(), plan.out / "index.html", []

    def look() -> None:
        pages.append(page.read_text())
        stop.leave()
        pages.append(page.read_text())

    run_set(plan, Notes(), renderer(look), None, stop)
    while_made, after_leaving = pages
    assert RELOADS in while_made
    assert RELOADS not in after_leaving and "in progress" not in after_leaving
