# SPDX-License-Identifier: GPL-3.0-or-later
"""Reference pages that are made from the code are current, and real output matches them."""

import jsonschema
import pytest

from photoreal_set.messages import events
from photoreal_set.photo_set.schema import schema_of_sets
from photoreal_set.photo_set.set_json import MANIFEST
from tools import reference


@pytest.mark.parametrize("path", reference.pages(), ids=lambda path: path.name)
def test_a_generated_page_is_current(path):
    hint = "run: python -m tools.reference"
    assert path.read_text(encoding="utf-8") == reference.pages()[path], hint


def test_the_schema_is_a_valid_json_schema():
    jsonschema.Draft202012Validator.check_schema(schema_of_sets())


def test_every_command_and_event_is_documented():
    page = reference.command_line_page()
    for name in ("demo", "set", "catalogue", "resume", "cancel", "estimate", "report", "doctor", "test"):
        assert f"## {name}\n" in page
    assert "render-worker" not in page
    assert all(f"## {name}\n" in reference.events_page() for name in events.KINDS)


SMALLEST = {"schema": 1, "source": {}, "state": "partial", "model": {}, "angles": [], "videos": []}


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "lost"},
        {"angles": [{"azimuth": 0.0}]},
        {"angles": [{"name": "front", "render": {"path": "renders/front.png"}}]},
        {"angles": [{"name": "front", "photo": {"width": -1}}]},
        {"videos": [{"motion": "turntable"}]},
        {"source": {"files": [{"name": "a.glb", "sha256": "a" * 64, "more": 1}]}},
        {"source": {"files": [{"name": "a.glb", "sha256": "short"}]}},
        {"takes": {"photos": {"front": {"chosen": 1, "wanted": "x", "list": [{}]}}}},
        {"model": {"triage": [{"text": "x"}]}},
        {"cost": {"actual": -0.5}},
    ],
)
def test_rules_and_schema_of_a_manifest_reject_the_same_values(changes: dict):
    validator = jsonschema.Draft202012Validator(schema_of_sets())
    MANIFEST(SMALLEST)
    validator.validate(SMALLEST)
    with pytest.raises(ValueError):
        MANIFEST({**SMALLEST, **changes})
    assert list(validator.iter_errors({**SMALLEST, **changes}))


@pytest.mark.parametrize(
    "record",
    [
        {"event": "news", "text": "x"},
        {"event": "note"},
        {"event": "note", "text": 1},
        {"event": "note", "text": "x", "colour": "red"},
        {"event": "progress", "stage": "references", "done": True, "of": 1, "label": ""},
        {"event": "finished", "state": "done", "exit": 0},
        {"event": "finished", "state": "done", "exit": 0, "set": None, "cost": {"euros": 1.0}},
    ],
)
def test_an_invalid_event_is_rejected(record: dict):
    with pytest.raises(ValueError):
        events.event_from(record)


def test_an_event_is_read_back_from_its_line():
    for event in (
        events.Note(text="x", sku="mug"),
        events.Job(
            label="film",
            state="queued",
            endpoint="e",
            request_id="",
            queue_position=None,
            message="",
            error="",
        ),
        events.Finished(state="done", exit=0, set=None, cost={"actual": 1, "currency": "USD"}),
    ):
        assert events.event_from(event.record()) == event
    assert events.Note(text="x").record() == {"event": "note", "text": "x"}
