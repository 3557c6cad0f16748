# SPDX-License-Identifier: GPL-3.0-or-later
"""Several variants by the command line: one camera and one mask for all, and nothing is rendered twice."""

import json
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import bpy
import numpy as np
import pytest

from photoreal_set.command_line.plans import materials_reader
from photoreal_set.imaging.review_part import product_photos_id, set_id
from photoreal_set.studio import compat
from tests.blender.runs import ROOT, RUN_SECONDS, Run, command, environment, sha256, tree
from tests.painted_mug import painted_mug
from tests.told import events_in, manifest_in

OPTIONS = ("--engine", "cycles", "--video", "none", "--angles", "front", "--quality", "draft")
SMALL = ("--resolution", "64", "--samples", "2", "--device", "cpu", "--json")
HOSTILE = "../Blue <b>"
BLUE = "variants/Blue -b"
UNSEEN = {"alphaMode": "BLEND", "pbrMetallicRoughness": {"baseColorFactor": [1.0, 1.0, 1.0, 0.0]}}


def counted(record: Path, *arguments: object) -> tuple[subprocess.CompletedProcess[str], Counter[str]]:
    """A command, and how many pictures were rendered in each of its studios."""
    record.unlink(missing_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "tests.blender.counting_renders", str(record), *map(str, arguments)],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
    )
    return done, Counter(record.read_text().split() if record.is_file() else [])


@pytest.fixture(scope="module")
def mug(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its last variant hides the body."""
    names = ("Red", HOSTILE, "Clear")
    return painted_mug(names, **UNSEEN).write(tmp_path_factory.mktemp("mug") / "mug.glb")


@pytest.fixture(scope="module")
def made(mug: Path) -> tuple[Run, Counter[str]]:
    out = mug.parent / "set"
    more = ("--variant", "all", "--color", "Handle=#102030 as Dark", "--passes", "depth,normal")
    done, counts = counted(mug.parent / "count", "set", mug, "--out", out, *SMALL, *OPTIONS, *more)
    return Run(done.returncode, events_in(done.stdout), done.stderr, out), counts


def test_every_variant_has_every_angle_in_its_own_set_folder(made: tuple[Run, Counter[str]]):
    run, counts = made
    assert run.exit_code == 0, run.stderr
    listed = run.record["variants"]
    assert [entry["name"] for entry in listed] == ["Red", HOSTILE, "Clear", "Dark"]
    assert [entry["folder"] for entry in listed] == ["", BLUE, "variants/Clear", "variants/Dark"]
    assert [entry.get("state") for entry in listed] == [None, "done", "done", "done"]
    for entry in listed[1:]:
        own = manifest_in(run.out / entry["folder"])
        assert (own["state"], own["product"]) == ("done", f"mug, {entry['name']}")
        path = f"{entry['folder']}/photos/front.png"
        picture = {"name": "front", "kind": "photo", "path": path, "sha256": sha256(run.out / path)}
        assert entry["angles"] == [picture]
        assert (run.out / entry["folder"] / "renders/front.png").is_file()
        assert (run.out / entry["folder"] / "index.html").is_file()
    # A reference and a photo of each; only the first one may be framed again.
    assert [counts[str(number)] for number in (1, 2, 3)] == [2, 2, 2]
    assert sum(counts.values()) == counts["0"] + 6


def test_variants_of_other_colors_share_camera_mask_and_passes(made: tuple[Run, Counter[str]]):
    run, _counts = made
    first = run.angle("front")
    for folder in (BLUE, "variants/Clear", "variants/Dark"):
        own = manifest_in(run.out / folder)["angles"][0]
        assert own["camera"] == first["camera"]
    for name in ("masks/front.png", "depth/front.png", "normal/front.png"):
        same = {sha256(run.out / folder / name) for folder in ("", BLUE, "variants/Dark")}
        assert len(same) == 1
        assert sha256(run.out / "variants/Clear" / name) not in same
    for kind in ("renders", "photos"):
        red, blue, dark = (
            run.pixels(f"{folder}{kind}/front.png").astype(int)
            for folder in ("", f"{BLUE}/", "variants/Dark/")
        )
        body, handle = (32, 22), (32, 58)
        assert red[body][0] > red[body][2] + 50
        assert blue[body][2] > blue[body][0] + 50
        assert np.abs(red[body] - dark[body]).max() < 12, "only the handle has another color"
        assert dark[handle].max() < 100 < red[handle].min()


def test_a_variant_that_hides_a_part_stands_where_the_others_do(made: tuple[Run, Counter[str]]):
    run, _counts = made
    whole, part = run.pixels("masks/front.png"), run.pixels("variants/Clear/masks/front.png")
    assert 0 < (part > 0).sum() < (whole > 0).sum() / 3
    assert not ((part > 128) & (whole == 0)).any(), "the handle is where it is with its body"


def test_another_color_renders_only_that(made: tuple[Run, Counter[str]], mug: Path, tmp_path: Path):
    run, _counts = made
    shutil.copytree(run.out, tmp_path / "set")
    before = tree(tmp_path / "set")
    more = ("--variant", "all", "--passes", "depth,normal")
    colors = ("--color", "Handle=#102030 as Dark", "--color", "handle=#f00")
    arguments = ("set", mug, "--out", tmp_path / "set", *SMALL, *OPTIONS, *more, *colors)
    done, counts = counted(tmp_path / "count", *arguments)
    assert done.returncode == 0, done.stderr
    assert sorted(counts.values()) == [2]
    after = tree(tmp_path / "set")
    pictures = [name for name in before if name.endswith((".png", ".glb"))]
    assert {name: after[name][0] for name in pictures} == {name: before[name][0] for name in pictures}
    assert "variants/Handle FF0000/photos/front.png" in after
    assert json.loads((tmp_path / "set/set.json").read_text())["state"] == "done"


def test_a_killed_run_continues(tmp_path: Path):
    source = painted_mug().write(tmp_path / "mug.glb")
    out = tmp_path / "set"
    process = subprocess.Popen(
        command("set", source, "--out", out, *SMALL, *OPTIONS, "--variant", "Blue,Red,Green"),
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        event = json.loads(line)
        if event.get("stage") == "variants" and event["done"] == 1:
            process.send_signal(signal.SIGKILL)
            break
    process.wait()
    assert manifest_in(out)["variants"][2]["state"] == "partial"
    before = {
        name: facts
        for name, facts in tree(out).items()
        if name.endswith(".png")
        and not name.startswith("variants/Green/")  # The kill may have hit its pictures.
    }
    source.unlink()
    green = out / "variants/Green"
    done = subprocess.run(command("resume", out, "--json"), env=environment(), capture_output=True, text=True)
    record = manifest_in(out)
    if (green / "model/product.glb").is_file():  # The kill came after its model.
        assert done.returncode == 0, done.stderr
    else:
        assert done.returncode == 2
        copy = out / "source/mug.glb"
        assert (
            f"was moved or deleted, and the set has no copy with the variant 'Green'. Copy it to {copy}."
            in (record["variants"][2]["error"])
        )
        copy.parent.mkdir(exist_ok=True)
        painted_mug().write(copy)
        done = subprocess.run(
            command("resume", out, "--json"), env=environment(), capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
    assert manifest_in(out)["state"] == "done"
    after = tree(out)
    assert {name: after[name] for name in before} == before
    assert (green / "photos/front.png").is_file()


def test_a_catalogue_makes_the_variants_of_its_rows(tmp_path: Path):
    painted_mug().write(tmp_path / "mug.glb")
    table = 'sku,source,angles,variants,colors\nm-1,mug.glb,front,"Green,Red",\nm-2,mug.glb,front,Purple,Lid=#fff\n'
    (tmp_path / "shop.csv").write_text(table)
    out = tmp_path / "out"
    arguments = (
        "catalogue",
        tmp_path / "shop.csv",
        "--out",
        out,
        *SMALL,
        "--engine",
        "cycles",
        "--video",
        "none",
    )
    done = subprocess.run(
        command(*arguments, "--skip-bad-rows", "--quality", "draft"),
        env=environment(),
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
    )
    warnings = [event["text"] for event in events_in(done.stdout) if event["event"] == "warning"]
    assert any("'Purple'" in text and "'Red', 'Blue', 'Green'" in text for text in warnings)
    record = manifest_in(out / "m-1")
    assert [(entry["name"], entry.get("state")) for entry in record["variants"]] == [
        ("Green", None),
        ("Red", "done"),
    ]
    assert (out / "m-1/variants/Red/photos/front.png").is_file()
    assert sha256(out / "m-1/masks/front.png") == sha256(out / "m-1/variants/Red/masks/front.png")
    assert (out / "overview/m-1.variants/Red.jpg").is_file()
    page = (out / "index.html").read_text(encoding="utf-8")
    assert "href='m-1/index.html#variants'" in page and "src='overview/m-1.variants/Red.jpg'" in page
    _decide_about_the_variants(out, tmp_path)


def _decide_about_the_variants(out: Path, place: Path) -> None:
    """A decision on the page of the catalogue holds for all variants, one on the page of a variant for that one."""
    first, red = (manifest_in(out / "m-1" / folder) for folder in ("", "variants/Red"))
    assert product_photos_id(first) in (out / "index.html").read_text(encoding="utf-8")
    whole = {
        "name": "*",
        "photo": product_photos_id(first),
        "decision": "reject",
        "when": "2026-01-02T03:04:05Z",
    }
    later = {**whole, "name": "front", "decision": "accept", "when": "2026-01-02T03:04:06Z"}
    later["photo"] = red["angles"][0]["photo"]["sha256"]
    sets = [{"set": set_id(first), "decisions": [whole]}]
    assert _decided(out, place, sets) == ["reject", "reject"]
    assert _decided(out, place, [*sets, {"set": set_id(red), "decisions": [later]}]) == ["reject", "accept"]
    assert (
        _decided(out, place, [{"set": set_id(red), "decisions": [{**later, "decision": "reject"}]}])
        == ["reject"] * 2
    )


def _decided(out: Path, place: Path, sets: list[dict]) -> list[str]:
    """What is recorded for both variants after a file of decisions was applied."""
    file = place / "decisions.json"
    record = {"schema": 1, "kind": "photoreal-set-decisions", "reviewer": "Ana", "sets": sets}
    file.write_text(json.dumps(record), encoding="utf-8")
    arguments = command("resume", out, "--decisions", file)
    done = subprocess.run(arguments, env=environment(), capture_output=True, text=True, timeout=RUN_SECONDS)
    assert done.returncode == 2, done.stderr  # The row that is not valid.
    records = (manifest_in(out / "m-1" / folder) for folder in ("", "variants/Red"))
    return [record["angles"][0]["photo"]["review"]["decision"] for record in records]


def test_the_variants_of_a_blend_are_known_before_anything_is_made(tmp_path: Path):
    source = painted_mug().write(tmp_path / "mug.glb")
    with compat.exporting_variants():
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
        bpy.ops.import_scene.gltf(filepath=str(source))
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "mug.blend"))
    assert materials_reader(())(tmp_path / "mug.blend").variants() == ("Red", "Blue", "Green")
