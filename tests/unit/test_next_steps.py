# SPDX-License-Identifier: GPL-3.0-or-later
"""At a terminal, a run that is not done ends with the commands that errors do not name."""

import ast
import io
import json
import re
import time
from pathlib import Path

import pytest

from command_line.bootstrap import load_package
from tools.imports import folder_of, package_sources

load_package()

from photoreal_set.command_line.commands.resume import _journal_with  # noqa: E402
from photoreal_set.command_line.next_steps import RedoListener, next_steps  # noqa: E402
from photoreal_set.fal_bridge.decisions import Decision, decide  # noqa: E402
from photoreal_set.fal_bridge.errors import WrongRequestError  # noqa: E402
from photoreal_set.fal_bridge.journal import Journal, Stage  # noqa: E402
from photoreal_set.messages import events  # noqa: E402
from photoreal_set.messages.progress import JsonReporter, PlainReporter  # noqa: E402
from photoreal_set.photo_set.folder import SetFolder, angle_record  # noqa: E402
from photoreal_set.photo_set.variant_folders import set_folders  # noqa: E402

KEY = "a1" * 32


def job(label: str, redo: str | None) -> events.Job:
    return events.Job(
        label=label,
        state="failed" if redo else "running",
        endpoint="fal-ai/x",
        request_id="r",
        queue_position=None,
        message="",
        error="",
        redo=redo,
    )


def uncertain(folder: Path) -> Journal:
    journal = Journal(folder / ".journal")
    assert journal.claim(KEY, 1, {"label": "front photo", "endpoint": "fal-ai/x"})
    journal.record(KEY, 1, Stage.UNCERTAIN, {"time": time.time()})
    return journal


def test_a_set_without_open_questions_needs_no_command(tmp_path: Path):
    assert next_steps(tmp_path / "none", {}) == ""


def test_a_lost_result_can_be_bought_again_until_it_comes(tmp_path: Path):
    output = io.StringIO()
    listener = RedoListener(JsonReporter(output))
    listener.tell(job("front photo", "front"))
    listener.tell(job("film", "video"))
    folder = tmp_path / "my set"
    assert next_steps(folder, listener.names).splitlines() == [
        f"front photo: `resume '{folder}' --redo front` buys another one.",
        f"video: `resume '{folder}' --redo video` buys another one.",
    ]
    listener.tell(job("front photo", None))
    assert list(listener.names) == ["film"]
    redo = [json.loads(line).get("redo") for line in output.getvalue().splitlines()]
    assert redo == ["front", "video", None], "programs get the name too"


def test_an_uncertain_request_is_shown_with_both_decisions(tmp_path: Path):
    journal = uncertain(tmp_path)
    text = next_steps(tmp_path, {})
    assert f"`resume {tmp_path} --resend a1a1a1a1a1a1` sends it again (before " in text
    assert "with --not-in-dashboard" in text
    assert f"`resume {tmp_path} --forget a1a1a1a1a1a1` continues without it." in text
    assert text.endswith("https://fal.ai/dashboard/requests.")
    decide(journal, KEY, Decision.FORGET)
    assert "--resend" in next_steps(tmp_path, {}) and "--forget" not in next_steps(tmp_path, {})
    decide(journal, KEY, Decision.RESEND, is_not_in_dashboard=True)
    assert next_steps(tmp_path, {}) == ""


def test_a_request_of_a_variant_is_decided_in_the_folder_of_its_set(tmp_path: Path):
    (tmp_path / ".journal").mkdir()
    journal = uncertain(tmp_path / "variants" / "Blue")
    assert f"Blue: front photo: `resume {tmp_path} --resend a1a1a1a1a1a1`" in next_steps(tmp_path, {})
    journals = [Journal(folder / ".journal") for folder in set_folders(tmp_path)]
    for key in (KEY, "A1A1A1", " a1a1a1a1 "):
        found = _journal_with(journals, key, Decision.RESEND, places="variants of this set")
        assert found.folder == journal.folder
    for key in ("b2b2", "*"):
        with pytest.raises(WrongRequestError, match="request"):
            _journal_with(journals, key, Decision.FORGET, places="variants of this set")


def test_only_people_get_the_commands():
    for_programs, for_people = io.StringIO(), io.StringIO()
    RedoListener(JsonReporter(for_programs)).result((), "x")
    RedoListener(PlainReporter(for_people)).result((), "x")
    assert (for_programs.getvalue(), for_people.getvalue()) == ("", "x\n")


def options_in(text: str) -> list[str]:
    """Options of the command line in the strings of a module, docstrings aside."""
    tree = ast.parse(text)
    docstrings = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    strings = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
    ]
    return [
        found
        for one in strings
        for found in re.findall(r"(?:^|[ `(])--[a-z][a-z-]*(?![a-z=-])|`resume ", one)
    ]


def test_an_option_in_a_message_is_found():
    assert options_in('"""--fine"""\nhint = f"Leave {1} out: --loop"\n') == [" --loop"]


@pytest.mark.parametrize(
    "folder", ["catalogue", "fal_bridge", "files", "gltf", "optics", "photo_set", "studio"]
)
def test_only_the_terminal_knows_its_options(folder: str):
    """The sidebar and the catalogue show these messages too."""
    sources = {path: text for path, text in package_sources().items() if folder_of(path) == folder}
    assert len(sources) > 5
    found = {path: options_in(text) for path, text in sources.items()}
    assert {path: options for path, options in found.items() if options} == {}


def test_a_rejected_photo_names_the_earlier_take_that_can_be_chosen(tmp_path: Path):
    folder = SetFolder.prepare(tmp_path / "set", product="jar", source={"kind": "model"}, tool={})
    rejected = {"fidelity": {"verdict": "reject", "reason": "It is another jar.", "rejected": True}}
    with folder.change() as record:
        for name, takes in (
            ("front", [{"take": 1}, {"take": 2, **rejected}]),
            ("side", [{"take": 1, **rejected}]),
        ):
            entry = angle_record(record, name)
            entry["photo"] = {"state": "done", **takes[-1]}
            record.setdefault("takes", {}).setdefault("photos", {})[name] = {
                "chosen": len(takes),
                "wanted": "",
                "list": takes,
            }
    front, side = next_steps(folder.root, {}).splitlines()
    resume = f"`resume {folder.root}"
    assert front == (
        f"front photo, rejected: {resume} --choose front=1` shows take 1, {resume} --accept front` accepts it, and "
        f"{resume} --redo front` buys another one."
    )
    assert "--choose" not in side
