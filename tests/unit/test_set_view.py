# SPDX-License-Identifier: GPL-3.0-or-later
"""The gallery shows the current state of a set folder, complete or not."""

import json
from pathlib import Path
from typing import Any

import pytest

from command_line.bootstrap import load_package

load_package()

from photoreal_set.background_run.set_view import read_set  # noqa: E402
from photoreal_set.fal_bridge.journal import Journal, Stage, shown_key  # noqa: E402

KEY = "a" * 64


def write(folder: Path, **changes: Any) -> Path:
    for name in ("renders", "photos"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "renders" / "front.png").write_bytes(b"render")
    (folder / "photos" / "front.png").write_bytes(b"photo")
    record = {
        "schema": 1,
        "product": "Jar",
        "state": "partial",
        "source": {"kind": "model", "files": [{"name": "jar.glb"}]},
        "model": {"price": 0.5},
        "angles": [
            {
                "name": "front",
                "render": {"path": "renders/front.png", "sha256": "1"},
                "photo": {"path": "photos/front.png", "sha256": "2", "state": "done", "price": 0.25},
            },
            {"name": "side", "photo": {"state": "failed", "error": "Refused."}},
        ],
        "videos": [{"motion": "turntable", "state": "done", "path": "video/turntable.mp4", "price": 1.0}],
        "cost": {"actual": 0.0},
        **changes,
    }
    (folder / "set.json").write_text(json.dumps(record))
    return folder


def test_pictures_states_and_money_are_read(tmp_path: Path):
    found = read_set(write(tmp_path))
    assert found is not None
    assert (found.product, found.state, found.spent) == ("Jar", "partial", 1.75)
    assert not found.is_model_bought
    assert found.sheet() == [("front", tmp_path / "photos" / "front.png")]
    assert (found.pictures[1].state, found.pictures[1].error) == ("failed", "Refused.")


def test_a_fal_model_keeps_its_price_while_the_next_one_is_requested(tmp_path: Path):
    model = {"takes": 2, "earlier": [{"path": "model/product-1.glb", "price": 1.2}]}
    found = read_set(write(tmp_path, source={"kind": "text", "text": "a jar"}, model=model))
    assert found is not None
    assert (found.is_model_bought, found.model_price) == (True, 1.2)


def test_a_missing_file_is_not_shown(tmp_path: Path):
    found = read_set(write(tmp_path))
    assert found is not None
    assert found.videos[0].path is None


@pytest.mark.parametrize("state", ["partial", "failed", "held"])
def test_an_unfinished_set_can_be_resumed(tmp_path: Path, state: str):
    found = read_set(write(tmp_path, state=state))
    assert found is not None
    assert found.can_resume


def test_a_finished_set_cannot_be_resumed(tmp_path: Path):
    found = read_set(write(tmp_path, state="done"))
    assert found is not None
    assert not found.can_resume


@pytest.mark.parametrize(
    ("plan", "lacks_it"), [({}, True), ({"video": "fal"}, False), ({"photo_size": 2048}, False)]
)
def test_a_rejected_photo_may_be_all_that_keeps_a_set_from_being_complete(
    tmp_path: Path, plan: dict[str, Any], lacks_it: bool
):
    photo = {
        "path": "photos/front.png",
        "sha256": "2",
        "state": "done",
        "fidelity": {"verdict": "retry", "rejected": True},
    }
    found = read_set(write(tmp_path, plan=plan, angles=[{"name": "front", "photo": photo}], videos=[]))
    assert found is not None and found.pictures[0].is_rejected
    assert found.lacks_acceptance == lacks_it, "a video or an enlargement waits for the photo"


def test_an_uncertain_request_is_listed(tmp_path: Path):
    journal = Journal(write(tmp_path) / ".journal")
    assert journal.claim(KEY, 1, {"label": "front photo", "endpoint": "fal-ai/x"})
    journal.record(KEY, 1, Stage.UNCERTAIN, {})
    found = read_set(tmp_path)
    assert found is not None
    assert [(held.key, held.label) for held in found.held] == [(shown_key(KEY), "front photo")]


def test_a_resend_that_needs_a_look_at_the_dashboard_is_listed(tmp_path: Path):
    journal = Journal(write(tmp_path) / ".journal")
    assert journal.claim(KEY, 1, {"label": "front photo", "endpoint": "fal-ai/x"})
    journal.record(KEY, 1, Stage.UNCERTAIN, {})
    for is_sure, count in ((False, 1), (True, 0)):
        journal.record(KEY, 1, Stage.RELEASED, {"is_not_in_dashboard": is_sure})
        assert len(read_set(tmp_path).held) == count


def test_requests_at_fal_are_counted_with_those_of_variants(tmp_path: Path):
    for folder in (write(tmp_path), tmp_path / "variants" / "Blue"):
        for key in ("b" * 64, "c" * 64):
            journal = Journal(folder / ".journal")
            assert journal.claim(key, 1, {"label": "front photo", "endpoint": "fal-ai/x"})
            journal.record(key, 1, Stage.SUBMITTED, {"request_id": key[:4]})
        journal.record("c" * 64, 1, Stage.ENDED, {"may_send_again": True})
    found = read_set(tmp_path)
    assert found is not None and found.pending == 2


def test_everything_that_was_requested_names_its_request(tmp_path: Path):
    photo = {"path": "photos/front.png", "sha256": "a", "take": 1, "engine": "fal", "request_id": "r-photo"}
    write(
        tmp_path,
        angles=[{"name": "front", "photo": photo}],
        videos=[{"motion": "turntable", "request_id": "r-video"}],
        model={"path": "model/product.glb", "request_id": "r-model"},
    )
    journal = Journal(tmp_path / ".journal")
    assert journal.claim(KEY, 1, {"label": "side photo", "endpoint": "fal-ai/x"})
    journal.record(KEY, 1, Stage.UNCERTAIN, {"request_id": "r-held"})
    found = read_set(tmp_path)
    assert found is not None
    (picture,) = found.pictures
    take = picture.take_of(1)
    assert take is not None
    named = (take, *found.videos, *found.held)
    assert [one.request_id for one in named] == ["r-photo", "r-video", "r-held"]
    assert found.model.request_id == "r-model"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"angles": [{}]}', '{"angles": 3}', '{"cost": 1}'])
def test_a_folder_that_is_not_a_set_gives_none(tmp_path: Path, text: str):
    (tmp_path / "set.json").write_text(text)
    assert read_set(tmp_path) is None


def test_an_empty_folder_gives_none(tmp_path: Path):
    assert read_set(tmp_path / "nothing") is None


def test_model_warnings_are_shown_and_notes_are_not(tmp_path: Path):
    triage = [
        {"kind": "flipped_faces", "severity": "warning", "where": "Lid", "text": "Lid: faces look inwards."},
        {
            "kind": "floor",
            "severity": "warning",
            "text": "A floor. Leave it out.",
            "setting": "without",
            "value": "floor",
        },
        {"kind": "open_edges", "severity": "note", "where": "Lid", "text": "Lid has a hole."},
    ]
    found = read_set(write(tmp_path, model={"price": 0.5, "triage": triage}))
    assert found is not None
    assert found.problems == (
        "Lid: faces look inwards.",
        "A floor. Leave it out. (Source: Leave Out Floor)",
    )


@pytest.mark.parametrize("path", ["../secret.png", "/etc/passwd", "photos/leak.png"])
def test_a_picture_outside_the_folder_is_not_shown(tmp_path: Path, path: str):
    (tmp_path / "secret.png").write_bytes(b"secret")
    folder = tmp_path / "set"
    photo = {"path": path, "sha256": "2", "state": "done"}
    write(folder, angles=[{"name": "front", "photo": photo}], videos=[{"motion": "turntable", "path": path}])
    (folder / "photos" / "leak.png").symlink_to(tmp_path / "secret.png")
    found = read_set(folder)
    assert found is not None
    assert (found.pictures[0].photo, found.videos[0].path) == (None, None)
