# SPDX-License-Identifier: GPL-3.0-or-later
"""``resume DIR``: the plan comes from the folder, decisions from the person; nothing of Blender is needed."""

import io
import json
import sys
import types
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from photoreal_set import cli
from photoreal_set.angles import ANGLES
from photoreal_set.errors import InputError
from photoreal_set.fal_bridge.journal import Journal, Stage
from photoreal_set.fal_bridge.service import Service
from photoreal_set.imaging.compose import Background
from photoreal_set.plan import Engine, SetPlan, Source, SourceKind, source_from
from photoreal_set.plan_record import LIVE, fal_of, plan_from, plan_record
from photoreal_set.set_folder import SetFolder, SetState

KEY = "a1" * 32
EMULATOR = "http://127.0.0.1:8123"


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / "desk" / f"{name}.png" for name in ("front", "side")]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        Image.effect_noise((300, 300), 40).save(path)
    return paths


@pytest.fixture
def plan(photos, tmp_path) -> SetPlan:
    return SetPlan(
        source=source_from(photos, ""),
        out=tmp_path / "set",
        angles=(ANGLES["side"], ANGLES["front"]),
        engine=Engine.FAL,
        video=None,
        resolution=512,
        samples=8,
        background=Background.GREY,
        prompt="walnut",
        seed=0,
        service=Service.emulator(EMULATOR),
    )


def prepared(plan: SetPlan) -> SetFolder:
    return SetFolder.prepare(
        plan.out,
        product=plan.product,
        source=plan.source.record(),
        tool={},
        plan=plan_record(plan),
    )


@pytest.fixture
def runs(monkeypatch):
    """The plans that reach the pipeline, which itself would need Blender."""
    plans = []

    def run_set(plan, _reporter, *_more):
        plans.append(plan)
        return types.SimpleNamespace(state=SetState.DONE, exit_code=0, folder=plan.out)

    monkeypatch.setitem(sys.modules, "photoreal_set.pipeline", types.SimpleNamespace(run_set=run_set))
    return plans


def run(*arguments: object) -> tuple[int, list[dict]]:
    output = io.StringIO()
    code = cli.main([*map(str, arguments), "--json"], output)
    return code, [json.loads(line) for line in output.getvalue().splitlines()]


def test_a_plan_survives_its_folder(plan):
    folder = prepared(plan)
    again = plan_from(SetFolder.open(plan.out), plan.service)
    assert again.source.record() == plan.source.record()
    assert again.source.files == plan.source.files
    assert replace(again, source=plan.source) == plan
    assert plan_record(again) == plan_record(plan)
    assert fal_of(folder) == EMULATOR


def test_the_key_is_not_in_the_folder(plan):
    secret = "0a1b2c3d-identifier:53cr37-of-the-key"
    folder = prepared(replace(plan, service=Service.live(secret)))
    assert fal_of(folder) == LIVE
    text = folder.manifest.read_text()
    assert not [part for part in secret.split(":") if part in text]


def test_paths_of_the_plan_are_relative(plan):
    assert plan_record(plan)["source_files"] == ["../desk/front.png", "../desk/side.png"]


def test_the_copies_in_the_folder_are_enough(plan, photos):
    folder = prepared(plan)
    (folder.root / "source").mkdir()
    for path in photos:
        path.rename(folder.root / "source" / path.name)
    moved = folder.root.rename(folder.root.with_name("moved"))
    again = plan_from(SetFolder.open(moved), plan.service)
    assert [path.parent for path in again.source.files] == [moved / "source"] * 2


def test_a_source_that_was_changed_is_refused(plan, photos):
    folder = prepared(plan)
    Image.new("RGB", (300, 300)).save(photos[1])
    with pytest.raises(InputError, match=r"side\.png is no longer where it was"):
        plan_from(folder, plan.service)


def test_a_model_that_is_in_the_folder_needs_no_source(tmp_path, plan):
    glb = tmp_path / "chair.glb"
    glb.write_bytes(b"glTF\x02\x00\x00\x00\x0c\x00\x00\x00")
    plan = replace(plan, source=Source(kind=SourceKind.MODEL, files=(glb,)))
    folder = prepared(plan)
    folder.model.parent.mkdir()
    glb.rename(folder.model)
    with pytest.raises(InputError, match=r"chair\.glb is no longer"):
        plan_from(folder, None)
    with folder.change() as record:
        record["model"] = folder.entry(folder.model)
    assert plan_from(folder, None).product == "chair"


@pytest.mark.parametrize(
    ("plan_of", "words"),
    [(None, "holds no plan"), ({"engine": "gas"}, "damaged"), ({"wings": 2}, "newer version")],
)
def test_a_folder_whose_plan_cannot_be_followed_says_so(plan, plan_of, words):
    folder = prepared(plan)
    with folder.change() as record:
        record["plan"] = plan_of and {**record["plan"], **plan_of}
    with pytest.raises(InputError, match=words):
        plan_from(folder, None)


def test_resume_does_what_set_would_do(plan, runs):
    prepared(plan)
    code, lines = run("resume", plan.out)
    assert (code, lines[-1]["event"], lines[-1]["state"]) == (0, "finished", "done")
    assert runs[0].service == plan.service
    code, _lines = run("resume", plan.out, "--fal-url", "http://127.0.0.1:9000")
    assert (code, runs[1].service.emulator_url) == (0, "http://127.0.0.1:9000")


def test_resume_never_changes_who_is_paid(plan, runs, monkeypatch):
    monkeypatch.setenv("FAL_KEY", "identifier:of-a-real-key")
    prepared(plan)
    run("resume", plan.out)
    assert runs[0].service.is_emulator
    prepared(replace(plan, service=Service.live("identifier:of-a-real-key")))
    code, lines = run("resume", plan.out, "--fal-url", EMULATOR)
    assert (code, len(runs)) == (1, 1)
    assert "not made with an emulator" in lines[-1]["error"]
    monkeypatch.delenv("FAL_KEY")
    code, lines = run("resume", plan.out)
    assert (code, len(runs)) == (1, 1)
    assert "FAL_KEY" in lines[-1]["error"]


def test_decisions_come_before_the_run(plan, runs):
    journal = Journal(prepared(plan).journal)
    journal.claim(KEY, 1, {"label": "front photo"})
    journal.record(KEY, 1, Stage.UNCERTAIN, {})
    code, lines = run("resume", plan.out, "--forget", KEY[:12])
    assert (code, journal.read(KEY).stage) == (0, Stage.FORGOTTEN)
    assert "front photo" in lines[0]["text"]
    code, _lines = run("resume", plan.out, "--resend", KEY[:4])
    assert (code, journal.read(KEY).may_send) == (0, True)
    code, lines = run("resume", plan.out, "--resend", "ffff")
    assert (code, len(runs)) == (1, 2)
    assert "ffff" in lines[-1]["error"]


def test_a_folder_without_a_set_is_refused(tmp_path, runs):
    assert run("resume", tmp_path)[0] == 1
    assert runs == []
