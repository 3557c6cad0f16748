# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that outlives its Blender is found again: shown, stopped, and its photos placed."""

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import pytest

from photoreal_set import panels
from photoreal_set.background_run.run_view import Kind
from photoreal_set.command_line.option_values import Context, RowOptions
from photoreal_set.command_line.visible_runs import visible_catalogue, visible_run, working_in
from photoreal_set.messages import events
from photoreal_set.messages.progress import JsonReporter
from photoreal_set.photo_set.living_run import is_asked_to_stop, known_runs
from photoreal_set.window import preferences, pump, runs, sheets
from tests.blender.runs import ROOT
from tests.blender.sidebar import drawn_by, press, pump_until_idle
from tests.patience import FOR_EVER_SECONDS, until

pytestmark = pytest.mark.slow


class Window:
    """A Blender that has started a set or a catalogue in ``folder``, and has been killed."""

    def __init__(self, block_file: Path, folder: Path, **wanted: Any) -> None:
        self.blend, self.out = folder / "mine.blend", folder / "set"
        small = {"resolution": 64, "samples": 1, "quality": "draft"}
        request = {"blend": str(self.blend), "model": str(block_file), "out": str(self.out), **wanted}
        request["settings"] = {**small, **wanted.get("settings", {})}
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.blender.window_process", json.dumps(request)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        line = next((line for line in process.stdout if line == "working\n"), "")
        process.kill()
        process.wait()
        assert line, "the window has started a run"

    def open(self) -> bpy.types.Scene:
        """Open the file of the window here, and look around as after its start."""
        bpy.ops.wm.open_mainfile(filepath=str(self.blend))
        pump.look_at_scenes()
        pump.launch.look_for_runs()
        return bpy.context.scene


@pytest.fixture
def here(extension: bpy.types.Scene, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The extension in this process, which has no stored preferences."""
    chosen = SimpleNamespace(**{**preferences.DEFAULTS, "device": "cpu"})
    monkeypatch.setattr(preferences, "get", lambda _context: chosen)
    yield
    for known in known_runs():  # After a failed test.
        if known.is_alive:
            os.kill(known.process, signal.SIGKILL)


def head() -> str:
    return " ".join(drawn_by(panels.PHOTOREAL_PT_main, bpy.context))


def jobs() -> str:
    return " ".join(drawn_by(panels.PHOTOREAL_PT_jobs, bpy.context))


def test_a_living_run_of_a_killed_blender_is_shown_and_stopped(
    here: None, fresh_emulator: Any, block_file: Path, tmp_path: Path
):
    fresh_emulator.control(delays={"photo": FOR_EVER_SECONDS})
    window = Window(
        block_file, tmp_path, settings={"engine": "fal", "video": "none"}, fal_url=fresh_emulator.url
    )
    scene = window.open()
    assert scene.photoreal.made_in == "", "the file was saved before the run began"

    def is_at_fal() -> bool:
        pump.pump()
        return len(fresh_emulator.ledger()) == 1 and "[photoreal.cancel_at_fal]" in jobs()

    until(is_at_fal)
    run = runs.run_of(scene)
    assert run is not None and runs.set_run() is run and not run.view.is_over
    assert run.view.folder == window.out
    assert not bpy.ops.photoreal.generate_set.poll(), "one set at a time"
    assert "[Stop Here]" in head()
    bpy.ops.photoreal.cancel_here()
    assert "[End Now]" in head()
    bpy.ops.photoreal.cancel_here()
    pump_until_idle()
    assert run.view.is_over and run.view.state == "partial", run.view
    found = runs.set_of(scene)
    assert found is not None and found.can_resume
    assert "[photoreal.resume_set]" in head()
    until(lambda: not known_runs())
    assert len(fresh_emulator.ledger()) == 1


def test_photos_of_a_run_that_ended_without_blender_are_placed_when_its_file_is_opened(
    here: None, block_file: Path, tmp_path: Path
):
    window = Window(block_file, tmp_path, settings={"engine": "cycles", "video": "none"})
    until(lambda: not any(known.is_alive for known in known_runs()))
    assert [known.folder for known in known_runs()] == [window.out], "its end is kept for the window"
    pump_until_idle()
    assert not runs.state.runs, "another file has nothing to do with it"
    scene = window.open()
    pump_until_idle()
    run = runs.run_of(scene)
    assert run is not None and (run.view.state, run.view.error) == ("done", "")
    (sheet,) = sheets.sheets_of(scene, window.out)
    assert [item.data.size[:] for item in sheet.objects] == [(64, 64)]
    assert "finished" in head()
    bpy.ops.photoreal.close_notice()
    assert "finished" not in head()
    until(lambda: not known_runs())
    window.open()
    pump_until_idle()
    assert "finished" not in head(), "it was seen"


def test_a_file_that_was_first_saved_just_after_the_start_finds_its_run(
    here: None, block_file: Path, tmp_path: Path
):
    small = {"engine": "cycles", "video": "none"}
    window = Window(block_file, tmp_path, settings=small, saves_late=True)
    until(lambda: not any(known.is_alive for known in known_runs()))
    scene = window.open()
    assert scene.photoreal.made_in == "", "the folder was not known yet"
    pump_until_idle()
    run = runs.run_of(scene)
    assert run is not None and (run.view.state, run.view.folder) == ("done", window.out)
    assert len(sheets.sheets_of(scene, window.out)) == 1
    until(lambda: not known_runs())


def test_a_run_of_a_terminal_is_listed_followed_and_stopped(
    here: None, extension: bpy.types.Scene, tmp_path: Path
):
    folder, nowhere = tmp_path / "chair", JsonReporter(io.StringIO())
    with working_in(folder, nowhere), visible_run(folder, nowhere) as reporter:
        pump.launch.look_for_runs()
        pump_until_idle()
        assert "Running: chair" in head() and runs.run_of(extension) is None
        bpy.ops.photoreal.show_run(folder=str(folder))
        until(lambda: pump.pump() is not None and runs.run_of(extension) is not None)
        assert "Running: chair" not in head() and "[Stop Here]" in head()
        reporter.tell(events.Progress(stage="references", done=1, of=2, label="front"))
        reporter.tell(events.Working(task="references", label="front", done=1, of=2, sample=24, samples=64))
        until(lambda: pump.pump() is not None and "Front render, sample 24 of 64" in head())
        bpy.ops.photoreal.cancel_here()
        assert is_asked_to_stop(folder)
        reporter.tell(events.Finished(state="partial", exit=130, set=str(folder)))
    pump_until_idle()
    assert "The set: incomplete" in head()
    assert not runs.state.to_place, "no window has asked for its photos"


def test_a_run_is_kept_in_sight_while_another_file_is_open(
    here: None, extension: bpy.types.Scene, tmp_path: Path
):
    mine = str(tmp_path / "mine.blend")
    bpy.ops.wm.save_as_mainfile(filepath=mine)
    folder, nowhere = tmp_path / "chair", JsonReporter(io.StringIO())
    with working_in(folder, nowhere), visible_run(folder, nowhere) as reporter:
        bpy.ops.photoreal.show_run(folder=str(folder))
        until(lambda: pump.pump() is not None and runs.run_of(extension) is not None)
        run = runs.run_of(extension)
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
        pump.pump()
        assert "For mine.blend." in head() and "[Stop Here]" in head()
        bpy.ops.wm.open_mainfile(filepath=mine)
        pump.pump()
        assert runs.run_of(bpy.context.scene) is run and "For mine.blend." not in head()
        reporter.tell(events.Finished(state="done", exit=0, set=str(folder)))
    pump_until_idle()
    assert len([one for one in runs.state.runs if one.view.folder == folder]) == 1


def test_a_living_catalogue_of_a_killed_blender_is_shown_and_stopped(
    here: None, fresh_emulator: Any, block_file: Path, tmp_path: Path
):
    fresh_emulator.control(delays={"photo": FOR_EVER_SECONDS})
    window = Window(
        block_file,
        tmp_path,
        settings={"engine": "fal", "video": "none"},
        fal_url=fresh_emulator.url,
        products=["Cup", "Pot"],
    )
    scene = window.open()

    def both_are_at_fal() -> bool:
        pump.pump()
        return len(fresh_emulator.ledger()) == 2 and jobs().count("generating") == 2

    until(both_are_at_fal)
    run = runs.run_of(scene)
    assert run is not None and runs.set_run() is run and run.view.kind is Kind.CATALOGUE
    assert run.view.folder == tmp_path / "mine-catalogue" and run.pays
    assert not bpy.ops.photoreal.generate_set.poll(), "one run at a time"
    assert "0 of 2 done" in head() and "[Stop Here]" in head()
    bpy.ops.photoreal.cancel_here()
    until(lambda: pump.pump() is not None and is_asked_to_stop(run.view.folder))
    bpy.ops.photoreal.cancel_here()
    pump_until_idle()
    assert run.view.state == "partial", run.view
    assert "2 requests are still at fal.ai" in jobs() and "[photoreal.resume_catalogue]" in head()
    until(lambda: not known_runs())
    with pytest.raises(RuntimeError, match="at most"):
        press(panels.PHOTOREAL_PT_main, "resume_catalogue")


def test_a_catalogue_that_ended_without_blender_is_told_when_its_file_is_opened(
    here: None, block_file: Path, tmp_path: Path
):
    window = Window(
        block_file, tmp_path, settings={"engine": "cycles", "video": "none"}, products=["Cup", "Pot"]
    )
    until(lambda: not any(known.is_alive for known in known_runs()))
    scene = window.open()
    pump_until_idle()
    run = runs.run_of(scene)
    assert run is not None and (run.view.state, run.view.error, run.pays) == ("done", "", False)
    assert {name: row.state for name, row in run.view.rows.items()} == {"Cup": "done", "Pot": "done"}
    assert "mine-catalogue: finished" in head() and "[photoreal.open_results]" in head()
    until(lambda: not known_runs())


def test_a_catalogue_of_a_terminal_is_listed_followed_and_stopped(
    here: None, extension: bpy.types.Scene, tmp_path: Path
):
    folder = tmp_path / "shop"
    context = Context(reporter=JsonReporter(io.StringIO()), output=io.StringIO(), scratch=tmp_path)
    with visible_catalogue(folder, RowOptions(), context) as visible:
        pump.launch.look_for_runs()
        pump_until_idle()
        assert "Running: shop" in head() and runs.run_of(extension) is None
        press(panels.PHOTOREAL_PT_main, "show_run")
        until(lambda: pump.pump() is not None and runs.run_of(extension) is not None)
        assert "Running: shop" not in head() and "[Stop Here]" in head()
        assert extension.photoreal.made_in == "", "only a set is remembered as the scene's set"
        visible.reporter.detail(events.Progress(sku="Cup", stage="references", done=1, of=2, label="front"))
        visible.reporter.tell(events.Progress(stage="products", done=1, of=4, spent=1.5, eta_seconds=60))
        until(lambda: pump.pump() is not None and "Cup render" in jobs() and "$1.50" in jobs())
        assert not visible.is_asked_to_stop()
        bpy.ops.photoreal.cancel_here()
        assert visible.is_asked_to_stop()
        visible.reporter.tell(events.Finished(state="partial", exit=130, set=str(folder)))
    pump_until_idle()
    assert "shop: incomplete" in head()
