# SPDX-License-Identifier: GPL-3.0-or-later
"""A catalogue is checked as a whole and frozen; only what changed counts as changed."""

import io
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from photoreal_set.catalogue import planning
from photoreal_set.catalogue.frozen import NAME, read_lock
from photoreal_set.catalogue.watched_folder import WatchedFolder
from photoreal_set.errors import InputError
from photoreal_set.imaging.overview import Card, build_overview
from tests.catalogue_desk import Desk


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.delenv("FAL_KEY", raising=False)
    monkeypatch.delenv("FAL_KEY_FILE", raising=False)
    return Desk(tmp_path / "shop")


def frozen(desk: Desk, *options: str):
    run = desk.make("--engine", "cycles", "--video", "none", "--freeze", *options)
    assert run.exit_code == 0, run.error
    return read_lock(desk.out)


def rows(desk: Desk, **more: object) -> list[dict[str, object]]:
    return [
        {"sku": f"s{n}", "source": desk.model(f"{n}.glb", n), "angles": "front", **more} for n in range(3)
    ]


def test_a_lock_read_is_the_lock_that_was_written(desk: Desk):
    desk.table(*rows(desk, max_cost="1.50", note="größer", seed=4))
    lock = frozen(desk)
    assert lock.data() == (desk.out / NAME).read_bytes()
    assert str(lock.rows[0].row.max_cost) == "1.50" and lock.rows[0].row.more == {"note": "größer"}


def test_freezing_again_changes_no_byte(desk: Desk):
    desk.table(*rows(desk))
    frozen(desk)
    before = (desk.out / NAME).read_bytes()
    frozen(desk)
    assert (desk.out / NAME).read_bytes() == before


def test_paths_are_relative_so_the_folder_can_be_mounted_elsewhere(desk: Desk):
    desk.table(*rows(desk))
    lock = frozen(desk)
    assert [row.files[0].path for row in lock.rows] == ["../0.glb", "../1.glb", "../2.glb"]
    assert str(desk.folder) not in (desk.out / NAME).read_text()


@pytest.mark.parametrize("name", ["prompt", "seed", "background", "angles", "look"])
def test_what_changes_the_pictures_changes_the_digest_of_its_row_alone(desk: Desk, name: str):
    values = {"prompt": "x", "seed": 3, "background": "grey", "angles": "top", "look": "glass"}
    table = rows(desk)
    desk.table(*table)
    before = [row.digest for row in frozen(desk).rows]
    table[1][name] = values[name]
    desk.table(*table)
    after = [row.digest for row in frozen(desk).rows]
    assert [old == new for old, new in zip(before, after, strict=True)] == [True, False, True]


def test_what_does_not_change_the_pictures_changes_no_digest(desk: Desk):
    table = rows(desk)
    desk.table(*table)
    before = {row.row.sku: row.digest for row in frozen(desk).rows}
    for row in table:
        row |= {"max_cost": "3", "spec": "amazon", "colour": "red"}
    (desk.folder / "renamed.glb").write_bytes((desk.folder / "1.glb").read_bytes())
    table[1]["source"] = "renamed.glb"
    desk.table(*reversed(table))
    assert {row.row.sku: row.digest for row in frozen(desk).rows} == before


def test_files_that_did_not_change_are_not_read_again(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    desk.table(*rows(desk))
    frozen(desk)
    read = []
    real = planning.sha256_of
    monkeypatch.setattr(planning, "sha256_of", lambda path: read.append(path.name) or real(path))
    desk.model("1.glb", 50)
    os.utime(desk.folder / "1.glb", ns=(1, 1))
    frozen(desk)
    assert read == ["1.glb"]


def test_an_option_of_the_command_changes_all_rows(desk: Desk):
    desk.table(*rows(desk))
    before = {row.digest for row in frozen(desk).rows}
    assert not before & {row.digest for row in frozen(desk, "--seed", "9").rows}


def test_another_hash_is_refused(desk: Desk):
    desk.table(*rows(desk))
    frozen(desk)
    with pytest.raises(InputError, match="hash differs"):
        read_lock(desk.out, sha256="0" * 64)


@pytest.mark.parametrize("damage", [b"", b"{", b'{"schema": 9}\n'])
def test_a_damaged_lock_is_one_sentence(desk: Desk, damage: bytes):
    desk.table(*rows(desk))
    frozen(desk)
    (desk.out / NAME).write_bytes(damage)
    run = desk.run("resume", desk.out)
    assert run.exit_code == 1 and NAME in run.error


def test_a_folder_with_something_else_in_it_is_refused(desk: Desk):
    desk.table(*rows(desk))
    desk.out.mkdir()
    (desk.out / "holiday.jpg").write_bytes(b"x")
    run = desk.make("--engine", "cycles")
    assert run.exit_code == 1 and "holds no catalogue" in run.error


def test_faults_of_every_kind_are_found_before_anything_is_made(desk: Desk):
    (desk.folder / "cut.glb").write_bytes((desk.folder / desk.model("whole.glb")).read_bytes()[:-40])
    (desk.folder / "text.glb").write_text("no model")
    (desk.folder / "tiny.png").write_bytes(_tiny_png())
    table = [
        {"sku": "good", "source": "whole.glb"},
        {"sku": "cut", "source": "cut.glb"},
        {"sku": "text", "source": "text.glb"},
        {"sku": "tiny", "source": "tiny.png"},
        {"sku": "gone", "source": "gone.glb"},
        {"sku": "many", "source": ";".join(["tiny.png"] * 5)},
        {"sku": "plain", "source": "http://example.org/a.jpg"},
        {"sku": "key", "text": "a mug"},
        {"sku": "film", "source": "whole.glb", "video": "fal"},
        {"sku": "good", "source": "whole.glb"},
    ]
    desk.table(*table)
    run = desk.make("--engine", "cycles", "--video", "none")
    assert run.exit_code == 1
    words = " ".join(run.texts())
    for number in range(2, 11):
        assert f"row {number} (line {number + 1}" in words
    for reason in (
        "cut off",
        "not a GLB",
        "too small",
        "does not exist",
        "too many",
        "https://",
        "needs a key",
        "SKU",
    ):
        assert reason in words, reason
    assert not desk.out.exists()


def _tiny_png() -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (20, 20)).save(data, "PNG")
    return data.getvalue()


# --- the watched folder -------------------------------------------------------------------------


def test_what_is_being_copied_is_left_until_it_rests(desk: Desk, tmp_path: Path):
    watched = WatchedFolder(desk.folder, settle_seconds=0.0)
    whole = (desk.folder / desk.model("lamp.glb")).read_bytes()
    (desk.folder / "lamp.glb").write_bytes(whole[:100])
    assert watched.arrivals() == []
    (desk.folder / "lamp.glb").write_bytes(whole[:200])
    assert watched.arrivals() == []
    (desk.folder / "lamp.glb").write_bytes(whole)
    assert watched.arrivals() == []
    assert [arrival.sku for arrival in watched.arrivals()] == ["lamp"]
    assert watched.arrivals() == []


def test_folders_of_photos_are_products_and_other_things_are_not(desk: Desk):
    watched = WatchedFolder(desk.folder, settle_seconds=0.0)
    for name in ("mug", "copying", ".hidden"):
        (desk.folder / name).mkdir()
        desk.photo(f"{name}/front.png")
        desk.photo(f"{name}/side.png", 4)
    (desk.folder / "copying" / "back.jpg.part").write_bytes(b"x")
    (desk.folder / "notes.txt").write_text("x")
    desk.photo("loose.png")
    watched.arrivals()
    (arrival,) = watched.arrivals()
    assert (arrival.sku, arrival.sources) == ("mug", ("mug/front.png", "mug/side.png"))


def test_two_products_of_one_name_have_two_skus(desk: Desk):
    watched = WatchedFolder(desk.folder, settle_seconds=0.0)
    desk.model("mug.glb")
    (desk.folder / "mug.gltf").write_text(json.dumps({"asset": {"version": "2.0"}, "meshes": [{}]}))
    watched.arrivals()
    assert {arrival.sku for arrival in watched.arrivals()} == {"mug", "mug.gltf"}


# --- the overview -------------------------------------------------------------------------------


def test_the_overview_shows_everything_and_runs_nothing():
    card = Card(title="<script>", state="failed", note="it's <b>", page="a b/index.html", picture="x'y.jpg")
    page = build_overview("Autumn & more", [card, replace(card, state="done")], "1.00 dollars")
    assert "<script>" not in page and "<b>" not in page
    assert "a%20b/index.html" in page and "x%27y.jpg" in page
    assert page.index("Failed (1)") < page.index("Done (1)")
