# SPDX-License-Identifier: GPL-3.0-or-later
"""A run is visible to other processes as long as it lives, and to its window until that has seen the end."""

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from command_line.bootstrap import load_package

load_package()

from photoreal_set.background_run.followed import Followed  # noqa: E402  The package has to be loaded first.
from photoreal_set.command_line.option_values import Context, RowOptions  # noqa: E402
from photoreal_set.command_line.visible_runs import (  # noqa: E402
    visible_catalogue,
    visible_run,
    working_in,
)
from photoreal_set.messages import events  # noqa: E402
from photoreal_set.messages.errors import InputError  # noqa: E402
from photoreal_set.messages.progress import JsonReporter  # noqa: E402
from photoreal_set.photo_set.living_run import (  # noqa: E402
    ASKED_BY,
    MAX_DETAILED,
    AskedBy,
    forget,
    is_asked_to_stop,
    known_runs,
)
from tests.catalogue_desk import Desk  # noqa: E402
from tests.patience import until  # noqa: E402

WINDOW = AskedBy(window=7, file="/mine.blend", scene="Scene", places=True)
PLAIN = Context(reporter=JsonReporter(io.StringIO()), output=io.StringIO(), scratch=Path())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("PHOTOREAL_HOME", str(tmp_path / "home"))
    monkeypatch.delenv(ASKED_BY, raising=False)
    yield tmp_path / "set"


def nowhere() -> JsonReporter:
    return JsonReporter(io.StringIO())


def taken(followed: Followed) -> list[dict[str, Any]]:
    """All events of a run that has ended."""
    found: list[dict[str, Any]] = []

    def is_over() -> bool:
        while not followed.events.empty():
            found.append(followed.events.get())
        return bool(found) and found[-1]["event"] == "exited"

    until(is_over)
    return found


def test_a_run_is_followed_from_its_first_event_to_its_last(folder: Path):
    with working_in(folder, nowhere()), visible_run(folder, nowhere()) as reporter:
        reporter.tell(events.Started(product="Jar", summary="", set=str(folder)))
        for done in range(3):
            reporter.tell(events.Working(text=f"step {done}"))
        (known,) = known_runs()
        assert known.is_alive and (known.folder, known.process) == (folder, os.getpid())
        followed = Followed(known)
        followed.start()
        first: list[dict[str, Any]] = []
        until(
            lambda: (not followed.events.empty() and first.append(followed.events.get())) or len(first) == 3
        )
        reporter.tell(events.Finished(state="done", exit=0, set=str(folder)))
    later = taken(followed)
    assert [event["event"] for event in first] == ["process", "started", "working"]
    assert first[-1]["text"] == "step 2", "earlier signs of life are left out"
    assert [event["event"] for event in later] == ["finished", "exited"]
    assert later[-1]["code"] == 0
    assert known_runs() == [], "no window waits for its end"


def test_the_end_of_a_run_is_kept_until_its_window_has_seen_it(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(ASKED_BY, WINDOW.variable[ASKED_BY])
    with (
        pytest.raises(InputError),
        working_in(folder, nowhere()),
        visible_run(folder, nowhere()),
    ):
        forget(folder)
        raise InputError("The folder is full.", field="out")
    (known,) = known_runs()
    assert not known.is_alive and known.asked_by == WINDOW
    followed = Followed(known)
    followed.start()
    finished, exited = taken(followed)[-2:]
    assert (finished["error"], finished["field"], exited["code"]) == ("The folder is full.", "out", 1)
    forget(folder)
    assert known_runs() == []


def test_another_process_asks_a_run_to_stop(folder: Path):
    with working_in(folder, nowhere()), visible_run(folder, nowhere()):
        (known,) = known_runs()
        assert not is_asked_to_stop(folder)
        Followed(known).stop()
        assert is_asked_to_stop(folder)
    with working_in(folder, nowhere()), visible_run(folder, nowhere()):
        assert not is_asked_to_stop(folder), "the next run was not asked"


def test_a_process_that_disappears_is_a_failure(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(ASKED_BY, WINDOW.variable[ASKED_BY])
    with working_in(folder, nowhere()), visible_run(folder, nowhere()) as reporter:
        reporter.tell(events.Started(product="Jar", summary="", set=str(folder)))
    (known,) = known_runs()
    followed = Followed(known)
    followed.start()
    last = taken(followed)[-1]
    assert (last["code"], last["output"]) == (3, ["its process has disappeared"])


@pytest.mark.parametrize(
    "content", ["", "no json\n", "[]\n", '{"event": "process"}\n', '{"set": 1, "pid": "x"}\n']
)
def test_a_damaged_log_is_no_run(folder: Path, content: str):
    with working_in(folder, nowhere()), visible_run(folder, nowhere()):
        (known,) = known_runs()
        known.log.write_text(content)
        assert known_runs() == []


def test_lines_of_a_log_have_the_time_of_their_events(folder: Path):
    with working_in(folder, nowhere()), visible_run(folder, nowhere()) as reporter:
        reporter.tell(events.Note(text="Wörter"))
        (known,) = known_runs()
        lines = [json.loads(line) for line in known.log.read_text(encoding="utf-8").splitlines()]
    assert [line["event"] for line in lines] == ["process", "note"]
    assert lines[1]["text"] == "Wörter" and lines[1]["at"] >= lines[0]["at"] == known.began


def test_the_first_of_several_runs_of_a_catalogue_is_visible_and_stopped(folder: Path):
    with visible_catalogue(folder, RowOptions(), PLAIN) as first:
        (known,) = known_runs()
        assert known.is_alive and known.is_catalogue
        known.stop()
        with visible_catalogue(folder, RowOptions(), PLAIN) as second:
            assert second is PLAIN and not second.is_asked_to_stop(), "the second run makes other products"
            assert known_runs() == [known]
        assert first.is_asked_to_stop() and known.is_alive
    assert known_runs() == []
    with visible_catalogue(folder, RowOptions(as_task=True), PLAIN) as task:
        assert task is PLAIN and known_runs() == [], "tasks of a farm run on other machines"


def test_a_run_of_days_keeps_a_short_log_and_its_end(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(ASKED_BY, WINDOW.variable[ASKED_BY])
    with visible_catalogue(folder, RowOptions(), PLAIN) as context:
        text = "x" * (MAX_DETAILED // 10)
        for _number in range(20):
            context.reporter.detail(events.Note(text=text, sku="Cup"))
            context.reporter.tell(events.Working(text=text))
        context.reporter.tell(events.Finished(state="done", exit=0, set=str(folder)))
    (known,) = known_runs()
    assert MAX_DETAILED < known.log.stat().st_size < 1.2 * MAX_DETAILED
    assert json.loads(known.log.read_text().splitlines()[-1])["event"] == "finished"


@pytest.mark.slow
def test_a_catalogue_that_watches_a_folder_ends_when_another_process_asks(folder: Path):
    inbox = folder.parent / "inbox"
    inbox.mkdir()
    process = Desk(folder.parent).start("catalogue", "--watch", inbox, "--out", folder)
    until(lambda: [run.process for run in known_runs()] == [process.pid])
    known_runs()[0].stop()
    output, _errors = process.communicate()
    assert process.returncode == 130 and json.loads(output.splitlines()[-1])["event"] == "finished"
    until(lambda: not known_runs())
