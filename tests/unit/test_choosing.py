# SPDX-License-Identifier: GPL-3.0-or-later
"""``resume --choose`` judges the pictures that the set shows afterwards, as a run does at its end."""

import io
import json
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from photoreal_set.command_line.main import main
from photoreal_set.optics.angles import ANGLES
from photoreal_set.photo_set.choices import Engine
from photoreal_set.photo_set.folder import SetFolder, angle_record
from photoreal_set.photo_set.plan import SetPlan
from photoreal_set.photo_set.plan_record import plan_record
from photoreal_set.photo_set.source import source_from
from photoreal_set.photo_set.takes import Shelf, Takes, takes_in
from tests.fal_emulator.glb import make_glb

DISC = (16, 16, 48, 48)


def picture(mode: str, ground: int, *shades: int) -> bytes:
    """A disc with some shades from left to right."""
    image = Image.new(mode, (64, 64), ground if mode == "L" else (ground,) * 3)
    draw = ImageDraw.Draw(image)
    for place, shade in enumerate(shades):
        left = 16 + 32 * place // len(shades)
        draw.ellipse((left, 16, 48, 48), fill=shade if mode == "L" else (shade,) * 3)
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> SetFolder:
    """A set of one angle. Its first photo is black, the second one, which it shows, is right."""
    glb = tmp_path / "clock.glb"
    glb.write_bytes(make_glb("a clock", None, triangles=100, texture_side=32))
    plan = SetPlan(
        source=source_from([glb], ""), out=tmp_path / "set", angles=(ANGLES["front"],), engine=Engine.CYCLES
    )
    folder = SetFolder.prepare(
        plan.out, product="clock", source=plan.source.record(), tool={}, plan=plan_record(plan)
    )
    (folder.root / "masks").mkdir()
    (folder.root / "masks" / "front.png").write_bytes(picture("L", 0, 255))
    with folder.change() as record:
        angle_record(record, "front")["mask"] = "masks/front.png"
        record["state"] = "done"
    for number, shades in enumerate(((0,), (60, 120, 200))):
        facts = {"engine": "cycles", "made_with": f"digest {number}"}
        Takes(folder).add(Shelf.PHOTOS, "front", facts, {"": picture("RGB", 255, *shades)})
    return folder


def choose(folder: SetFolder, number: int, *options: str) -> tuple[int, list[dict[str, object]]]:
    """The exit code and the events of ``resume --choose``."""
    said = io.StringIO()
    code = main(["resume", str(folder.root), "--choose", f"front={number}", "--json", *options], said)
    return code, [json.loads(line) for line in said.getvalue().splitlines()]


def found(folder: SetFolder) -> list[tuple[str, str]]:
    record = json.loads((folder.root / "set.json").read_text())
    return [(entry["kind"], entry["where"]) for entry in record.get("findings", [])]


def test_a_chosen_photo_with_an_error_is_reported(folder: SetFolder):
    code, said = choose(folder, 1)
    assert code == 0
    assert found(folder) == [("picture_black", "front")]
    assert any(event["event"] == "warning" and "black" in str(event["text"]) for event in said)
    assert "the product is black" in (folder.root / "index.html").read_text()


def test_the_finding_about_a_photo_that_is_no_longer_shown_is_removed(folder: SetFolder):
    choose(folder, 1)
    code, said = choose(folder, 2, "--strict")
    assert code == 0
    assert found(folder) == []
    assert not [event for event in said if event["event"] == "warning"]


def test_strict_makes_a_chosen_photo_with_an_error_a_failure(folder: SetFolder):
    code, said = choose(folder, 1, "--strict")
    assert code == said[-1]["exit"] == 2


def test_a_set_of_an_older_version_without_a_plan_can_still_choose(folder: SetFolder):
    with folder.change() as record:
        record["plan"] = None
    assert choose(folder, 1)[0] == 0
    assert found(folder) == []


def test_a_set_is_complete_when_a_photo_that_was_held_back_is_replaced_by_a_good_take(folder: SetFolder):
    with folder.change() as record:
        record["state"] = "partial"
        record["plan"]["video"] = None
        first = takes_in(record, Shelf.PHOTOS, "front")[0]
        first["fidelity"] = {"verdict": "reject", "reason": "Another product.", "rejected": True}
    _code, said = choose(folder, 2)
    assert said[-1]["state"] == json.loads((folder.root / "set.json").read_text())["state"] == "done"
    _code, said = choose(folder, 1)
    assert said[-1]["state"] == "partial"
