# SPDX-License-Identifier: GPL-3.0-or-later
"""Values read back from a folder follow the rules of the command line: in ``set.json``, and in the lock of a catalogue."""

import io
import json
import sys
import types
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from photoreal_set.catalogue.lock_file import NAME, DamagedLockError, read_lock
from photoreal_set.command_line import main as cli
from photoreal_set.messages.errors import InputError
from photoreal_set.optics.angles import ANGLES
from photoreal_set.photo_set.folder import SetFolder, SetState
from photoreal_set.photo_set.plan import SetPlan
from photoreal_set.photo_set.plan_record import MEMBER_RULES, plan_record
from photoreal_set.photo_set.source import source_from
from tests.blender.products import textured_block
from tests.catalogue_desk import Desk

pytestmark = pytest.mark.slow

OUT = "../../../x"
NOT_KEPT = {"source", "out", "service", "endpoints", "external_data"}
VIEW = {
    "matrix": [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]],
    "lens_mm": 50.0,
    "sensor_mm": 36.0,
    "sensor_fit": "AUTO",
    "shift": [0.0, 0.0],
    "ortho_scale": 0.0,
}
ANGLE = {"name": "back", "azimuth": 180.0, "elevation": 15.0, "fill": 0.8, "lens_mm": None, "view": None}
RIG = {"name": "softbox", "panorama": None, "rotation": 0.0, "intensity": 1.0}


def changed(record: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {**record, **members}


# Member of the plan, an invalid value, a part of the message, and equivalent arguments.
WRONG: list[tuple[str, Any, str, tuple[str, ...]]] = [
    ("angles", [changed(ANGLE, name=OUT)], f"name is '{OUT}', which is not the name of an angle", ()),
    ("angles", [changed(ANGLE, name="con")], "not the name of an angle", ()),
    ("angles", [changed(ANGLE, name=["front"])], "not the name of an angle", ()),
    ("angles", ["bottom"], "angle 1 is 'bottom', which is not one of front, ", ("--angles", "bottom")),
    ("angles", [], "has 0 entries", ("--angles", ",")),
    ("angles", "front", "which is not a list", ()),
    ("angles", ["front", changed(ANGLE, name="Front")], "has the name 'Front' twice", ()),
    ("angles", ["front"] * 10_000, "has 10000 entries instead of 1 to 72", ()),
    ("angles", [changed(ANGLE, azimuth="0")], "azimuth is '0', which is not a number", ()),
    ("angles", [changed(ANGLE, elevation=91)], "elevation is 91, which is not a number from -90 to 90", ()),
    ("angles", [changed(ANGLE, fill=1e9)], "fill is 1000000000.0, which is not", ()),
    ("angles", [changed(ANGLE, wings=2)], "has 'wings', which is not one of", ()),
    ("angles", [{"name": "back"}], "has no azimuth", ()),
    (
        "angles",
        [changed(ANGLE, view=changed(VIEW, matrix=[[1.0]]))],
        "matrix is [[1.0]], which has 1 ent",
        (),
    ),
    ("angles", [changed(ANGLE, view=changed(VIEW, lens_mm=0))], "view, lens_mm is 0, which is not", ()),
    ("angles", [changed(ANGLE, view=changed(VIEW, sensor_fit="BOTH"))], "sensor_fit is 'BOTH'", ()),
    ("angles", [changed(ANGLE, view=changed(VIEW, shift=[0.0]))], "shift is [0.0]", ()),
    ("engine", "gas", "engine is 'gas', which is not one of cycles, fal", ("--engine", "gas")),
    ("engine", True, "engine is true", ()),
    ("video", "vhs", "video is 'vhs'", ("--video", "vhs")),
    ("resolution", [1_000_000, 1_000_000], "side 1 is 1000000, which is not", ("--resolution", "1000000")),
    ("resolution", [1024], "resolution is [1024], which has 1 entries instead of 2", ()),
    ("resolution", [1024, "1024"], "side 2 is '1024'", ("--resolution", "1024x")),
    ("resolution", [1024, 1024.5], "side 2 is 1024.5", ("--resolution", "1024.5")),
    ("lens_mm", 5, "lens_mm is 5, which is not a number from 20 to 300 mm", ("--lens", "5")),
    ("lens_mm", True, "lens_mm is true", ()),
    ("samples", 10**9, "samples is 1000000000, which is not a whole number", ("--samples", "1000000000")),
    ("samples", 0, "samples is 0", ("--samples", "0")),
    ("samples", 1.5, "samples is 1.5", ("--samples", "1.5")),
    ("device", "abacus", "device is 'abacus', which is not one of auto, cpu", ("--device", "abacus")),
    ("background", "pink", "background is 'pink'", ("--background", "pink")),
    ("rig", changed(RIG, name=OUT), f"rig is {{'intensity': 1.0, 'name': '{OUT}'", ("--rig", OUT)),
    ("rig", changed(RIG, intensity=0), "intensity is 0, which is not", ("--rig-intensity", "0")),
    ("rig", changed(RIG, rotation="90"), "rotation is '90'", ("--rig-rotation", "east")),
    ("rig", changed(RIG, panorama={"path": "a.hdr"}), "which has no sha256", ()),
    ("rig", changed(RIG, panorama={"path": "a.hdr", "sha256": "0"}), "is not a SHA-256 hash", ()),
    ("rig", "softbox", "which is not an object with members", ()),
    ("quality", "best", "quality is 'best'", ("--quality", "best")),
    ("f_stop", 0, "f_stop is 0, which is not a number from 0.5 to 256", ("--f-stop", "0")),
    ("film_look", "no", "film_look is 'no', which is neither true nor false", ()),
    ("film_look", 1, "film_look is 1, which is neither", ()),
    ("passes", ["heat"], "entry 1 is 'heat', which is not one of depth, normal", ("--passes", "heat")),
    ("passes", "depth", "passes is 'depth', which is not a list", ()),
    ("preview", "mov", "preview is 'mov'", ("--preview", "mov")),
    ("spin", {"count": 100}, "count is 100, which is not", ("--spin", "100")),
    ("variant", "x" * 300, "has more than 255 characters", ("--variant", "x" * 300)),
    ("variant", 7, "variant is 7, which is not text", ()),
    ("variants", [{"name": ""}], "name is '', which is empty", ()),
    ("variants", [{"name": "a/b"}, {"name": "a:b"}], "has two variants for one folder", ()),
    ("colors", {"Body": "red"}, "Body is 'red', which is not a color", ("--color", "Body=red")),
    ("title", 7, "title is 7, which is not text", ()),
    ("pose", "end", "pose is 'end', which is not rest, start or a number of seconds", ("--pose", "end")),
    ("pose", 1.5, "pose is 1.5, which is not rest", ()),
    ("without", ["table"], "entry 1 is 'table', which is not one of floor", ("--without", "table")),
    ("without", "floor", "without is 'floor', which is not a list", ()),
    *(
        (f"{name}_endpoint", value, "which is not an endpoint id", (f"--{name}-endpoint", value))
        for name in ("model", "photo", "video", "concept", "upscale")
        for value in ("flux", "a/../b", "https://evil.example/x", "a/b?c=d", f"a/{'b' * 300}")
    ),
    ("option_texts", {"photo": {"seed": 3}}, "seed is 3, which is not text", ()),
    ("option_texts", {"smell": {}}, "is 'smell', which is not one of model, photo", ()),
    ("option_texts", {"photo": {"": "3"}}, "is '', which is empty", ("--photo-option", "=3")),
    ("option_texts", [], "is not an object", ()),
    ("with_hero", None, "with_hero is null, which is neither", ()),
    ("with_mask", None, "with_mask is null, which is neither", ()),
    ("guide", "normal", "guide is 'normal', which is not one of depth, canny", ("--guide", "normal")),
    ("motion", OUT, f"motion is '{OUT}', which is not one of turntable", ("--motion", OUT)),
    ("look", "noir", "look is 'noir'", ("--look", "noir")),
    ("seconds", 10**6, "seconds is 1000000, which is not a whole number from 1 to", ("--seconds", "1000000")),
    ("seconds", "5", "seconds is '5'", ("--seconds", "five")),
    ("loop", "yes", "loop is 'yes'", ()),
    (
        "fidelity",
        "strict",
        "fidelity is 'strict', which is not one of off, report, gate",
        ("--fidelity", "strict"),
    ),
    ("lock", "text", "lock is 'text', which is not one of none, labels, edges, all", ("--lock", "text")),
    ("retries", 10, "retries is 10, which is not a whole number from 0 to 9", ("--retries", "10")),
    ("photo_size", 10**6, "photo_size is 1000000", ("--photo-size", "1000000")),
    ("prompt", "x" * 20_001, "prompt is 'xxx", ("--prompt", "x" * 20_001)),
    ("prompt", "a\0b", "prompt is 'a\\x00b', which has characters that are not text", ("--prompt", "a\0b")),
    ("prompt", "\ud800", "prompt is '\\ud800', which has characters", ("--prompt", "\ud800")),
    ("prompt", ["walnut"], "prompt is ['walnut'], which is not text", ()),
    ("seed", -1, "seed is -1, which is not a whole number from 0", ("--seed", "-1")),
    ("seed", 1 << 32, "seed is 4294967296", ("--seed", "4294967296")),
    ("seed", True, "seed is true", ()),
    ("keep_uploads", 0, "keep_uploads is 0, which is neither", ()),
    ("private", "yes", "private is 'yes', which is neither", ()),
    ("expiration", 60, "is not a whole number from 3600 to", ("--expiration", "60")),
    ("expiration", "1d", "is not a whole number from 3600 to", ("--expiration", "1d")),
    (
        "webhook",
        "javascript:alert(1)",
        "is not the URL of a webhook",
        ("--webhook", "javascript:alert(1)"),
    ),
    (
        "webhook",
        "https://a.example/ x",
        "is not the URL of a webhook",
        ("--webhook", "https://a.example/ x"),
    ),
    ("webhook", 7, "webhook is 7", ()),
    ("inline_bytes", 1 << 40, "inline_bytes is 1099511627776", ("--data-uri-kb", "1073741824")),
    ("inline_bytes", -1, "inline_bytes is -1", ("--data-uri-kb", "-1")),
]


def named(case: tuple[str, Any, str, tuple[str, ...]]) -> str:
    return f"{case[0]}-{json.dumps(case[1])[:30]}"


@pytest.fixture
def plan(tmp_path: Path) -> SetPlan:
    textured_block().write(tmp_path / "chair.glb")
    return SetPlan(
        source=source_from([tmp_path / "chair.glb"], ""), out=tmp_path / "set", angles=(ANGLES["top"],)
    )


@pytest.fixture
def folder(plan: SetPlan) -> SetFolder:
    return SetFolder.prepare(
        plan.out, product="chair", source=plan.source.record(), tool={}, plan=plan_record(plan)
    )


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[SetPlan]:
    """The plans that reach the pipeline, which itself would need Blender."""
    plans: list[SetPlan] = []

    def run_set(plan: SetPlan, *_more: object) -> types.SimpleNamespace:
        plans.append(plan)
        return types.SimpleNamespace(state=SetState.DONE, exit_code=0, folder=plan.out)

    monkeypatch.setitem(
        sys.modules, "photoreal_set.photo_set.pipeline", types.SimpleNamespace(run_set=run_set)
    )
    return plans


def run(*arguments: object) -> tuple[int, str]:
    """The exit code of a command, and its error."""
    output = io.StringIO()
    code = cli.main([*map(str, arguments), "--json"], output)
    return code, json.loads(output.getvalue().splitlines()[-1]).get("error", "")


def write(folder: SetFolder, **members: Any) -> None:
    record = json.loads(folder.manifest.read_text())
    folder.manifest.write_text(json.dumps({**record, **members}))


def assert_is_refused(code: int, error: str, *message: str) -> None:
    """One sentence with its hint, without a traceback and of bounded length."""
    assert code == 1
    assert "This is a fault" not in error
    assert len(error.splitlines()) == 1 and len(error) < 700
    assert all(word in error for word in message), error


@pytest.mark.parametrize("case", WRONG, ids=named)
def test_a_wrong_value_in_a_plan_is_rejected_with_its_file_and_member(folder, plan, runs, case):
    member, value, message, _arguments = case
    write(folder, plan={**plan_record(plan), member: value})
    before = folder.manifest.read_bytes()
    code, error = run("resume", plan.out)
    assert_is_refused(code, error, f"{folder.manifest}: plan, {member}", message, "Correct it there, or run")
    assert not runs
    assert folder.manifest.read_bytes() == before
    assert sorted(path.name for path in plan.out.parent.iterdir()) == ["chair.glb", "set"]


@pytest.mark.parametrize("case", [case for case in WRONG if case[3]], ids=named)
def test_the_command_line_rejects_the_same_values(plan, runs, case):
    source = () if "--concept-endpoint" in case[3] else (plan.source.files[0],)
    text = ("--text", "a mug") if not source else ()
    option, value = case[3]
    code, error = run("set", *source, *text, "--out", plan.out, "--engine", "cycles", f"{option}={value}")
    assert_is_refused(code, error)
    assert option.removeprefix("--") in error or case[0] in ("angles", "rig")
    assert not runs and not plan.out.exists()


def test_every_member_of_a_plan_has_a_rule():
    assert set(MEMBER_RULES) == {item.name for item in fields(SetPlan)} - NOT_KEPT
    assert {member for member, *_more in WRONG} >= set(MEMBER_RULES)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1e999", "1" * 5000, "[" * 100_000 + "]" * 100_000])
def test_an_impossible_number_or_nesting_depth_makes_a_manifest_damaged(folder, plan, runs, text):
    written = folder.manifest.read_text().replace('"lens_mm": 85.0', f'"lens_mm": {text}')
    assert text in written
    folder.manifest.write_text(written)
    code, error = run("resume", plan.out)
    assert_is_refused(code, error, f"{folder.manifest} is damaged")
    assert not runs


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (None, "source is null"),
        ({"kind": "dream"}, "kind is 'dream', which is not one of model, photos, text"),
        ({"kind": "text", "text": 7}, "text is 7, which is not text"),
        (
            {"kind": "photos", "files": [{"name": OUT, "sha256": "0" * 64}]},
            f"names a source '{OUT}', which is not",
        ),
        ({"kind": "photos", "files": [{"name": "..", "sha256": "0" * 64}]}, "names a source '..'"),
        ({"kind": "photos", "files": [{"name": "a.png", "sha256": "../x"}]}, "sha256 is '../x'"),
        ({"kind": "photos", "files": [{"name": "a.png"}]}, "has no sha256"),
        ({"kind": "photos", "files": {}}, "files is {}, which is not a list"),
        ({"kind": "photos", "files": []}, "has 0 files and the plan 1"),
        ({"kind": "text"}, "has 0 files and the plan 1"),
    ],
)
def test_a_wrong_source_is_rejected(folder, plan, runs, source, message):
    write(folder, source=source)
    code, error = run("resume", plan.out)
    assert_is_refused(code, error, str(folder.manifest), message)
    assert not runs


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"source_files": [7]}, "source_files, entry 1 is 7, which is not a path"),
        ({"source_files": ["a\0b"]}, "which is not a path"),
        ({"source_files": []}, "has 1 files and the plan 0"),
        ({"fal": 7}, "fal is 7, which is not text"),
        ({"fal": "http://evil.example"}, "is not an emulator"),
    ],
)
def test_the_rest_of_a_plan_is_checked(folder, plan, runs, members, message):
    write(folder, plan={**plan_record(plan), **members})
    code, error = run("resume", plan.out)
    assert_is_refused(code, error, message)
    assert not runs


# --- the lock of a catalogue --------------------------------------------------------------------


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path / "shop")
    desk.table(
        {"sku": "mug", "source": desk.model("mug.glb"), "seed": "4", "max_cost": "1.5", "note": "x"},
        {"sku": "cup", "source": desk.model("cup.glb", 1)},
        {"sku": "", "source": "gone.glb"},
    )
    run = desk.make("--engine", "cycles", "--video", "none", "--freeze", "--skip-bad-rows")
    assert run.exit_code == 0, run.error
    return desk


def lock_lines(desk: Desk) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (desk.out / NAME).read_text().splitlines()]


def relock(desk: Desk, lines: list[Any]) -> None:
    (desk.out / NAME).write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.mark.parametrize("case", WRONG, ids=named)
def test_a_wrong_option_in_a_lock_is_rejected_with_its_file_and_member(desk, case):
    member, value, message, _arguments = case
    header, *rows = lock_lines(desk)
    relock(desk, [{**header, "options": {**header["options"], member: value}}, *rows])
    before = sorted(path.name for path in desk.folder.rglob("*"))
    for command in ("resume", "report", "cancel"):
        code, error = run(command, desk.out) if command != "report" else (desk.report(), message)
        assert_is_refused(code, error, message)
    code, error = run("resume", desk.out)
    assert_is_refused(code, error, f"{NAME}, line 1: options, {member}", "Run the `catalogue` command again")
    assert sorted(path.name for path in desk.folder.rglob("*")) == before


@pytest.mark.parametrize(
    ("members", "message"),
    [
        *(
            ({"folder": name}, "which is not the name of")
            for name in (
                "..",
                "../..",
                ".",
                "a/b",
                "/etc",
                "a\0b",
                ".journal",
                "-x",
                "x ",
                "x.",
                "con",
                "com1.txt",
            )
        ),
        *(
            ({"folder": name}, "which is not the name of")
            for name in ("C:", "a\\b", "index.html", "x" * 300, 7)
        ),
        ({"folder": "cup"}, "two products have the folder 'cup'"),
        ({"folder": "CUP"}, "two products have the folder"),
        ({"folder": ""}, "has no folder or no digest"),
        ({"digest": "x"}, "digest is 'x', which is not a digest"),
        ({"files": []}, "has 0 files for 1 sources"),
        ({"files": [{"path": "a"}]}, "file 1 is {'path': 'a'}, which has no"),
        ({"files": "mug.glb"}, "files is 'mug.glb', which is not a list"),
        ({"own": {"rig": RIG, "seed": 1}}, "has 'seed', which is not one of angles, rig"),
        ({"own": {"angles": [changed(ANGLE, name=OUT)]}}, f"name is '{OUT}'"),
        ({"own": {"rig": changed(RIG, intensity=-1)}}, "intensity is -1"),
        ({"sku": ""}, "sku is '', which is empty"),
        ({"sku": ["mug"]}, "sku is ['mug'], which is not text"),
        ({"number": "1"}, "number is '1', which is not a whole number"),
        ({"seed": -4}, "seed is -4"),
        ({"seed": "4"}, "seed is '4'"),
        ({"max_cost": "NaN"}, "max_cost is 'NaN', which is not an amount of dollars"),
        ({"max_cost": "1e99999"}, "max_cost is '1e99999'"),
        ({"max_cost": 3}, "max_cost is 3"),
        ({"angles": OUT}, f"angles is '{OUT}', which cannot be used"),
        ({"rig": "sun"}, "rig is 'sun'"),
        ({"background": "pink"}, "background is 'pink'"),
        ({"look": "noir"}, "look is 'noir'"),
        ({"video": "vhs"}, "video is 'vhs'"),
        ({"endpoint": "a/../b"}, "endpoint is 'a/../b'"),
        ({"prompt": "\ud800"}, "prompt is '\\ud800'"),
        ({"sources": "mug.glb"}, "sources is 'mug.glb', which is not a list"),
        ({"more": {"a": 1}}, "a is 1, which is not text"),
        ({"wings": 2}, "has 'wings', which is not one of"),
    ],
)
def test_a_wrong_value_in_a_row_of_a_lock_is_rejected_with_its_line(desk, members, message):
    header, row, *others = lock_lines(desk)
    relock(desk, [header, {**row, **members}, *others])
    before = sorted(path.name for path in desk.folder.rglob("*"))
    code, error = run("resume", desk.out)
    assert_is_refused(code, error, NAME, message, "Run the `catalogue` command again")
    assert sorted(path.name for path in desk.folder.rglob("*")) == before
    again = desk.make("--engine", "cycles", "--video", "none", "--freeze", "--skip-bad-rows")
    assert again.exit_code == 0, again.error
    assert lock_lines(desk)[1] == row, "the command that made the lock makes it again"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lines: [7, *lines[1:]], "line 1 holds 7, which is not an object"),
        (lambda lines: [*lines[:1], [], *lines[2:]], "line 2 holds [], which is not an object"),
        (lambda lines: [{**lines[0], "rows": "3"}, *lines[1:]], "rows is '3'"),
        (lambda lines: [{**lines[0], "fal": {}}, *lines[1:]], "fal is {}, which is not text"),
        (lambda lines: [{**lines[0], "options": {}}, *lines[1:]], "options is {}, which has no angles"),
        (lambda lines: lines[:-1], "2 of 3 rows are there"),
        (lambda lines: [*lines[:1], nest(200), *lines[2:]], "line 2, it is nested more than"),
    ],
)
def test_a_lock_of_another_shape_is_rejected(desk, change, message):
    relock(desk, change(lock_lines(desk)))
    with pytest.raises(DamagedLockError) as refused:
        read_lock(desk.out)
    assert_is_refused(refused.value.exit_code, str(refused.value), message)


def nest(levels: int) -> list[Any]:
    value: list[Any] = []
    for _level in range(levels):
        value = [value]
    return value


def test_a_skipped_row_may_contain_any_value_of_the_right_type(desk):
    *good, bad = lock_lines(desk)
    assert bad["faults"] and not bad["folder"]
    relock(desk, [*good, {**bad, "background": "pink", "angles": "bottom"}])
    assert len(read_lock(desk.out).rows) == 3
    relock(desk, [*good, {**bad, "folder": "../.."}])
    with pytest.raises(InputError, match="not the name of a product's folder"):
        read_lock(desk.out)
