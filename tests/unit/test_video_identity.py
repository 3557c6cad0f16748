# SPDX-License-Identifier: GPL-3.0-or-later
"""Videos by fal.ai are compared with the product from their first frame to their last."""

import io
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from photoreal_set.background_run.set_view import read_set
from photoreal_set.catalogue.states import first_error, results_in
from photoreal_set.command_line import main as cli
from photoreal_set.command_line.accepting import accept_results
from photoreal_set.command_line.next_steps import next_steps
from photoreal_set.files.video_check import sampled_frames
from photoreal_set.files.video_probe import evenly
from photoreal_set.imaging.set_page import build_report
from photoreal_set.photo_set.choices import Engine
from photoreal_set.photo_set.folder import SetFolder
from photoreal_set.photo_set.video_identity import Pictures, compared
from tests.fal_emulator import defects, pictures
from tests.fal_emulator.videos import write_mp4
from tests.gated_set import HERO, GatedSet
from tests.printed_product import view
from tests.told import events_in

SIDE, FRAMES = 160, 36
Change = Callable[[float, Image.Image], Image.Image]


@cache
def seen() -> np.ndarray:
    return view(SIDE).picture


def product(share: float) -> Image.Image:
    """A frame of the rendered video: the product swings to one side and back."""
    return Image.fromarray(np.roll(seen(), round(10 * np.sin(2 * np.pi * share)), axis=1))


def clip(path: Path, change: Change = lambda _share, frame: frame, count: int = FRAMES) -> Path:
    frames = [change(number / (count - 1), product(number / (count - 1))) for number in range(count)]
    write_mp4(path, frames, frames[0].size)
    return path


def relit(_share: float, frame: Image.Image) -> Image.Image:
    return pictures.relit(frame, frame.size, 7)


def later(defect: str) -> Change:
    """A defect that begins in the middle of the video."""
    return lambda share, frame: defects.planted(frame, defect, 0.0, 3) if share > 0.5 else frame


@pytest.fixture
def folder(tmp_path: Path) -> SetFolder:
    """A set with one photo, and a rendered video."""
    root = tmp_path / "set"
    for name in ("photos", "renders", "video"):
        (root / name).mkdir(parents=True)
    product(0.0).save(root / "photos" / "front.png")
    folder = SetFolder(root)
    made = {"engine": "fal", "state": "done"}
    record = {
        "schema": 1,
        "source": {"kind": "text"},
        "state": "partial",
        "model": {},
        "angles": [{"name": "front", "photo": {**made, **folder.entry(root / "photos" / "front.png")}}],
        "videos": [],
        "video_input": {
            "motion": "turntable",
            "seconds": 2,
            "frames": FRAMES,
            "width": SIDE,
            "height": SIDE,
            **folder.entry(clip(root / "renders" / "turntable.mp4")),
        },
    }
    (root / "set.json").write_text(json.dumps(record))
    return SetFolder.open(root)


def found(folder: SetFolder, path: Path, *, is_from_render: bool, **facts: Any) -> dict[str, Any]:
    video = {"path": folder.relative(path), "loop": True, **facts}
    if is_from_render:
        video["input"] = folder.record["video_input"]["sha256"]
    against = Pictures.of(folder, video)
    assert against.kind == ("input" if is_from_render else "photos")
    answer = compared(folder, video, against)
    assert answer is not None
    return answer


@pytest.mark.parametrize("is_from_render", [True, False])
def test_a_video_of_the_product_in_another_light_is_accepted(folder: SetFolder, is_from_render: bool):
    answer = found(folder, clip(folder.root / "video" / "a.mp4", relit), is_from_render=is_from_render)
    assert answer["verdict"] == "accept", answer
    assert answer["score"] < 1.0
    assert len(answer["values"]) == 16
    assert answer["seconds"] == pytest.approx(FRAMES / 24.0)


@pytest.mark.parametrize("defect", ["missing", "recoloured", "shift"])
def test_frame_by_frame_a_change_is_found_when_it_begins(folder: SetFolder, defect: str):
    answer = found(folder, clip(folder.root / "video" / "a.mp4", later(defect)), is_from_render=True)
    assert answer["verdict"] == "look"
    first, second = answer["values"][:7], answer["values"][9:]
    assert max(first) < 1.0 < min(second)
    assert "frames do not show the product as it is" in answer["reason"]


def test_other_colours_are_found_without_a_rendered_video(folder: SetFolder):
    answer = found(folder, clip(folder.root / "video" / "a.mp4", later("recoloured")), is_from_render=False)
    assert answer["verdict"] == "look"
    assert max(answer["values"][:7]) < 1.0 < min(answer["values"][9:])


@pytest.mark.parametrize("is_accepted", [False, True])
def test_a_photo_that_failed_its_check_counts_once_a_person_has_accepted_it(
    folder: SetFolder, is_accepted: bool
):
    with folder.change() as record:
        verdict = {"verdict": "reject", "rejected": not is_accepted, "accepted": is_accepted}
        record["angles"][0]["photo"]["fidelity"] = verdict
    files = Pictures.of(folder, {"path": "video/turntable.mp4"}).files
    assert [file.name for file in files] == ["front.png"] * is_accepted


def test_a_loop_that_does_not_close_is_named(folder: SetFolder):
    def drift(share: float, frame: Image.Image) -> Image.Image:
        return Image.fromarray(np.roll(np.asarray(frame), round(30 * share), axis=0))

    path = clip(folder.root / "video" / "a.mp4", drift)
    answer = found(folder, path, is_from_render=False)
    assert (answer["verdict"], answer["reason"]) == (
        "look",
        "The last frame does not lead back to the first one.",
    )
    assert found(folder, path, is_from_render=False, loop=False)["verdict"] == "accept"


def test_a_cut_is_named_with_its_time(folder: SetFolder):
    def cut(share: float, frame: Image.Image) -> Image.Image:
        return frame if share < 0.5 else Image.fromarray(np.roll(np.asarray(frame), 45, axis=0))

    answer = found(folder, clip(folder.root / "video" / "a.mp4", cut), is_from_render=False, loop=False)
    assert answer["verdict"] == "look"
    assert answer["reason"] == "The video jumps at 0.8 s."


@pytest.mark.parametrize("is_from_render", [True, False])
def test_bad_videos_get_a_reason_and_are_never_accepted(folder: SetFolder, is_from_render: bool):
    video = folder.root / "video"
    good = clip(video / "good.mp4").read_bytes()
    (video / "cut.mp4").write_bytes(good[: len(good) * 6 // 10])
    (video / "text.mp4").write_text("no video")
    clip(video / "long.mp4", count=3 * FRAMES)
    clip(video / "wide.mp4", lambda _share, frame: frame.resize((320, 160)))
    clip(video / "white.mp4", lambda _share, frame: Image.new("RGB", frame.size, "white"))
    reasons = {
        "cut": "cannot be decoded to its end",
        "text": "cannot be decoded to its end",
        "long": "4.5 s long instead of 1.5 s",
        "wide": "another aspect ratio",
        "white": "do not show the product" if is_from_render else "Too few frames",
    }
    for name, reason in reasons.items():
        answer = found(folder, video / f"{name}.mp4", is_from_render=is_from_render, seconds=1.5)
        assert answer["verdict"] == "look", name
        assert reason in answer["reason"] or "Too few" in answer["reason"], (name, answer)


def another_product(_share: float, frame: Image.Image) -> Image.Image:
    return defects.planted(frame, "recoloured", 0.0, 3)


@pytest.mark.parametrize("is_from_render", [True, False])
def test_a_video_that_mostly_shows_something_else_is_rejected(folder: SetFolder, is_from_render: bool):
    green = clip(folder.root / "video" / "a.mp4", another_product)
    answer = found(folder, green, is_from_render=is_from_render)
    assert answer["verdict"] == "reject", answer
    assert "16 of 16 frames do not show the product as it is" in answer["reason"]


def checked(folder: SetFolder) -> tuple[int, dict[str, Any], str]:
    """The exit code of ``check``, its event about the video, and its table."""
    lines, plain = io.StringIO(), io.StringIO()
    code = cli.main(["check", str(folder.root), "--json"], lines)
    assert cli.main(["check", str(folder.root)], plain) == code
    (event,) = [one for one in events_in(lines.getvalue()) if one["event"] == "identity"]
    return code, event, plain.getvalue()


@pytest.mark.parametrize(
    ("change", "verdict", "code"),
    [(relit, "accept", 0), (later("recoloured"), "look", 0), (another_product, "reject", 2)],
)
def test_a_folder_is_checked_with_its_videos(folder: SetFolder, change: Change, verdict: str, code: int):
    made = folder.entry(clip(folder.root / "video" / "turntable.mp4", change))
    with folder.change() as record:
        record["angles"][0]["photo"]["engine"] = "cycles"
        record["videos"] = [{"motion": "turntable", "engine": "fal", "state": "done", "loop": True, **made}]
    found_code, event, text = checked(folder)
    assert (found_code, event["verdict"], event["rejected"]) == (code, verdict, code == 2)
    assert event["motion"] == "turntable"
    assert event["reason"] in text
    assert f"1 video, {int(code == 2)} rejected." in text
    with folder.change() as record:
        record["videos"][0]["identity"] = {"verdict": "reject", "reason": "Green.", "accepted": True}
    assert checked(folder)[0] == 0, "a person has accepted it"


def test_a_rejected_video_is_held_back_until_a_person_accepts_it(tmp_path: Path, emulator):
    tea = GatedSet.at(tmp_path, emulator.url)
    emulator.control(
        faults=[{"name": "planted-defect", "defect": "recoloured", "endpoint": tea.plan.video_endpoint}]
    )
    assert tea.run(video=Engine.FAL).exit_code == 2
    (made,) = tea.record["videos"]
    assert (made["identity"]["verdict"], made["identity"]["rejected"]) == ("reject", True)
    shown = read_set(tea.plan.out)
    assert shown is not None
    assert (shown.clips(), shown.videos[0].verdict, shown.videos[0].is_rejected) == ([], "reject", True)
    assert shown.reason_for("turntable") == made["identity"]["reason"]
    assert results_in(SetFolder.open(tea.plan.out))["videos"] == ()
    assert results_in(SetFolder.open(tea.plan.out))["rejected"] == (made["path"],)
    assert results_in(SetFolder.open(tea.plan.out))["verdicts"]["video"] == "reject"
    assert first_error(SetFolder.open(tea.plan.out)).startswith("Video: rejected. ")
    assert "--accept video" in next_steps(tea.plan.out, {})
    assert "The video does not show the product" in build_report(tea.record)
    paid = len(emulator.ledger())
    accept_results(SetFolder.open(tea.plan.out), ["video"], tea.told)
    assert tea.run().exit_code == 0
    assert tea.record["videos"][0]["identity"]["accepted"]
    assert results_in(SetFolder.open(tea.plan.out))["verdicts"]["video"] == "accepted"
    assert len(emulator.ledger()) == paid


def test_a_set_records_the_verdict_of_its_video_once(tmp_path: Path, emulator):
    tea = GatedSet.at(tmp_path, emulator.url)
    assert tea.run(video=Engine.FAL).exit_code == 0
    (video,) = tea.record["videos"]
    assert video["identity"]["verdict"] == "accept", video["identity"]
    assert video["identity"]["compared_with"] == "photos"
    page = build_report(tea.record)
    assert "class='curve'" in page
    before = tea.record
    assert tea.run().exit_code == 0
    assert tea.record["videos"] == before["videos"]
    assert tea.photo(HERO)["fidelity"]["verdict"] == "accept"


def test_frames_are_taken_at_equal_distances(tmp_path: Path):
    assert evenly(5, 3) == [0, 2, 4]
    assert evenly(2, 16) == [0, 1]
    assert evenly(1, 16) == [0]
    assert evenly(0, 16) == []
    frames = sampled_frames(clip(tmp_path / "a.mp4"), 4, 80, tmp_path)
    assert frames is not None
    assert (frames.problem, frames.count, frames.numbers) == ("", FRAMES, (0, 12, 23, 35))
    assert (frames.width, frames.height) == (SIDE, SIDE)
    assert [Image.open(file).size for file in frames.files] == [(80, 80)] * 4
