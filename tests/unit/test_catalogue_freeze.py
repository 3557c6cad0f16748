# SPDX-License-Identifier: GPL-3.0-or-later
"""A catalogue is checked as a whole and frozen; only what changed counts as changed."""

import io
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from photoreal_set.catalogue import freezing as planning
from photoreal_set.catalogue import sources
from photoreal_set.catalogue.lock_file import NAME, FrozenRow, read_lock
from photoreal_set.catalogue.rows import read_rows
from photoreal_set.catalogue.states import RowState, Status, write_status
from photoreal_set.catalogue.thumbnails import renew_thumbnail
from photoreal_set.catalogue.watched_folder import WatchedFolder
from photoreal_set.files.values import shown
from photoreal_set.imaging.catalogue_page import Card, build_overview
from photoreal_set.messages.errors import InputError
from photoreal_set.optics.angles import ANGLES, CAMERAS
from photoreal_set.optics.spin import Spin
from photoreal_set.photo_set.plan import SetPlan
from tests.blender.products import textured_block
from tests.catalogue_desk import Desk, light_map
from tests.opened_files import recorded_opens


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


def test_a_lock_is_read_back_as_it_was_written(desk: Desk):
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
def test_an_option_that_changes_pictures_changes_only_the_digest_of_its_row(desk: Desk, name: str):
    values = {"prompt": "x", "seed": 3, "background": "grey", "angles": "top", "look": "glass"}
    table = rows(desk)
    desk.table(*table)
    before = [row.digest for row in frozen(desk).rows]
    table[1][name] = values[name]
    desk.table(*table)
    after = [row.digest for row in frozen(desk).rows]
    assert [old == new for old, new in zip(before, after, strict=True)] == [True, False, True]


def test_an_option_that_changes_no_picture_changes_no_digest(desk: Desk):
    table = rows(desk)
    desk.table(*table)
    before = {row.row.sku: row.digest for row in frozen(desk).rows}
    for row in table:
        row |= {"max_cost": "3", "spec": "amazon", "colour": "red"}
    (desk.folder / "renamed.glb").write_bytes((desk.folder / "1.glb").read_bytes())
    table[1]["source"] = "renamed.glb"
    desk.table(*reversed(table))
    assert {row.row.sku: row.digest for row in frozen(desk).rows} == before


def test_unchanged_files_are_not_read_again(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    desk.table(*rows(desk))
    frozen(desk)
    read = []
    real = sources.sha256_of_source
    monkeypatch.setattr(sources, "sha256_of_source", lambda path: read.append(path.name) or real(path))
    desk.model("1.glb", 50)
    os.utime(desk.folder / "1.glb", ns=(1, 1))
    frozen(desk)
    assert read == ["1.glb"]


def test_a_changed_file_beside_a_gltf_changes_the_digest_of_its_row(desk: Desk):
    table = rows(desk)
    glb = textured_block()
    glb.document["buffers"] = [{"byteLength": len(glb.binary), "uri": "pot.bin"}]
    (desk.folder / "pot.bin").write_bytes(glb.binary)
    (desk.folder / "pot.gltf").write_text(json.dumps(glb.document))
    table[1]["source"] = "pot.gltf"
    desk.table(*table)
    before = [row.digest for row in frozen(desk).rows]
    assert [row.digest for row in frozen(desk).rows] == before
    (desk.folder / "pot.bin").write_bytes(glb.binary + b"x")
    after = [row.digest for row in frozen(desk).rows]
    assert [old == new for old, new in zip(before, after, strict=True)] == [True, False, True]


def test_a_command_option_changes_all_rows(desk: Desk):
    desk.table(*rows(desk))
    before = {row.digest for row in frozen(desk).rows}
    assert not before & {row.digest for row in frozen(desk, "--seed", "9").rows}


# --- angles and light from files ----------------------------------------------------------------


def own_views(desk: Desk, elevation: float = 20.0, name: str = "own.json") -> str:
    views = [{"name": "back", "azimuth": 180, "elevation": elevation}]
    (desk.folder / name).write_text(json.dumps(views))
    return name


def light(desk: Desk, level: int = 100, name: str = "dawn.hdr") -> str:
    (desk.folder / name).write_bytes(light_map(level))
    return name


def with_camera(desk: Desk, name: str, x: float = 0.0) -> str:
    glb = textured_block()
    glb.document["cameras"] = [{"type": "perspective", "perspective": {"yfov": 0.5, "znear": 0.1}}]
    eye = glb.add("nodes", {"name": "eye", "camera": 0, "translation": [x, 0.3, 3.0]})
    glb.document["scenes"][0]["nodes"].append(eye)
    glb.write(desk.folder / name)
    return name


def special(desk: Desk) -> list[dict[str, object]]:
    """A row with a file of angles, one with a light map, one with the cameras of its file, and a default one."""
    return [
        {"sku": "views", "source": desk.model("0.glb"), "angles": own_views(desk), "rig": "high-key"},
        {"sku": "light", "source": "0.glb", "angles": "front", "rig": light(desk)},
        {"sku": "cameras", "source": with_camera(desk, "seen.glb"), "angles": CAMERAS},
        {"sku": "usual", "source": "0.glb"},
    ]


def planned(desk: Desk, row: FrozenRow) -> SetPlan:
    catalogue = planning.Catalogue(root=desk.out, lock=read_lock(desk.out), service=None)
    return catalogue.plan(row)


def test_a_row_takes_angles_and_light_from_files_as_the_command_does(desk: Desk):
    desk.table(*special(desk))
    lock = frozen(desk, "--rig-rotation", "30")
    views, lit, seen, usual = (planned(desk, row) for row in lock.rows)
    assert [(angle.name, angle.azimuth, angle.elevation) for angle in views.angles] == [("back", 180.0, 20.0)]
    assert views.rig.name == "high-key" and views.rig.panorama is None
    assert Path(lit.rig.panorama.path).read_bytes() == light_map(100) and lit.rig.rotation == 30.0
    assert [angle.name for angle in seen.angles] == ["eye"] and seen.angles[0].view
    assert usual.angles == tuple(ANGLES.values()) and usual.rig.panorama is None
    assert lock.data() == (desk.out / NAME).read_bytes()


def test_a_row_chooses_its_spin(desk: Desk):
    source = desk.model("0.glb")
    desk.table(
        *(
            {"sku": sku, "source": source, "spin": spin}
            for sku, spin in zip("abc", ("", 24, "none"), strict=True)
        )
    )
    lock = frozen(desk, "--spin", "36", "--spin-start", "90")
    spins = [planned(desk, row).spin for row in lock.rows]
    assert [spin and (spin.count, spin.start) for spin in spins] == [(36, 90.0), (24, 90.0), None]
    assert len({row.digest for row in lock.rows}) == 3
    assert [planned(desk, row).spin for row in frozen(desk).rows] == [None, Spin(count=24), None]


def test_a_row_chooses_pose_and_what_is_left_out(desk: Desk):
    table: list[dict[str, object]] = [
        {"sku": "a", "source": desk.model("0.glb")},
        {"sku": "b", "source": "0.glb", "pose": "1.50"},
        {"sku": "c", "source": "0.glb", "without": "crumbs,Floor"},
        {"sku": "d", "source": "0.glb", "pose": "end", "without": "table"},
    ]
    desk.table(*table[:3])
    lock = frozen(desk, "--pose", "start")
    assert [planned(desk, row).pose for row in lock.rows] == ["start", "1.5", "start"]
    assert [planned(desk, row).without for row in lock.rows] == [(), (), ("floor", "crumbs")]
    assert len({row.digest for row in lock.rows}) == 3
    desk.table(*table[:1])
    usual = frozen(desk)
    assert not {"pose", "without"} & set(usual.options), "locks made before keep their digests"
    desk.table(table[3])
    (row,) = read_rows(desk.file)
    assert "pose 'end' is not rest, start or a number of seconds" in row.errors[0]
    assert "without 'table' has 'table', which is not one of floor" in row.errors[1]


def test_another_file_of_angles_or_light_changes_only_its_row(desk: Desk):
    table = special(desk)
    desk.table(*table)
    before = [row.digest for row in frozen(desk).rows]

    def changed() -> list[bool]:
        desk.table(*table)
        return [old != row.digest for old, row in zip(before, frozen(desk).rows, strict=True)]

    table[0]["angles"], table[1]["rig"] = own_views(desk, name="same.json"), light(desk, name="same.hdr")
    assert changed() == [False] * 4  # Other names for the same folder.
    own_views(desk, 35.0, "same.json")
    assert changed() == [True, False, False, False]
    light(desk, 50, "same.hdr")
    assert changed() == [True, True, False, False]
    with_camera(desk, "seen.glb", x=0.5)
    assert changed() == [True, True, True, False]


def test_errors_in_files_of_angles_and_light_are_named(desk: Desk):
    (desk.folder / "broken.json").write_text("[{}]")
    desk.model("0.glb")
    cells = [
        ({"angles": "gone.json"}, "gone.json cannot be read"),
        ({"angles": "broken.json"}, "has no name"),
        ({"angles": CAMERAS}, "0.glb has no camera"),
        ({"rig": "gone.exr"}, "gone.exr cannot be read"),
        ({"variant": "Oak"}, "0.glb has no material variants"),
    ]
    desk.table(*({"sku": reason, "source": "0.glb", **cell} for cell, reason in cells))
    run = desk.make("--engine", "cycles", "--freeze")
    assert run.exit_code == 1
    for (_cell, reason), text in zip(cells, run.texts(), strict=True):
        assert reason in text.split(":", 1)[1], text


def test_cameras_for_all_rows_keep_the_angles_of_a_row(desk: Desk):
    with_camera(desk, "seen.glb")
    desk.table({"sku": "a", "source": "seen.glb"}, {"sku": "b", "source": "seen.glb", "angles": "top"})
    lock = frozen(desk, "--angles", CAMERAS)
    assert [planned(desk, row).angles[0].name for row in lock.rows] == ["eye", "top"]


def test_a_row_that_repeats_a_sku_has_no_folder(desk: Desk):
    desk.table(*rows(desk), {"sku": "s1", "source": "0.glb"})
    lock = frozen(desk, "--skip-bad-rows")
    assert [row.folder for row in lock.rows] == ["s0", "s1", "s2", ""]
    desk.table(*rows(desk))
    assert [row.folder for row in frozen(desk).rows] == ["s0", "s1", "s2"]


def test_a_catalogue_without_fal_has_nothing_to_cancel(desk: Desk):
    desk.table(*rows(desk))
    frozen(desk)
    run = desk.run("cancel", desk.out)
    assert run.exit_code == 1 and "has no requests at fal.ai" in run.error


def test_another_hash_is_rejected(desk: Desk):
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


def test_a_folder_with_something_else_in_it_is_rejected(desk: Desk):
    desk.table(*rows(desk))
    desk.out.mkdir()
    (desk.out / "holiday.jpg").write_bytes(b"x")
    run = desk.make("--engine", "cycles")
    assert run.exit_code == 1 and "contains no catalogue" in run.error


def test_errors_of_every_kind_are_found_before_anything_is_made(desk: Desk):
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
    texts = " ".join(run.texts())
    for number in range(2, 11):
        assert f"row {number} (line {number + 1}" in texts
    for reason in (
        "cut off",
        "not a GLB",
        "too small",
        "does not exist",
        "exceed the maximum",
        "https://",
        "needs a key",
        "SKU",
    ):
        assert reason in texts, reason
    assert not desk.out.exists()


def _tiny_png() -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (20, 20)).save(data, "PNG")
    return data.getvalue()


# --- the watched folder -------------------------------------------------------------------------


def test_a_file_being_copied_waits_until_it_is_complete(desk: Desk, tmp_path: Path):
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


def test_folders_of_photos_are_products_and_other_files_are_not(desk: Desk):
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


def test_products_with_the_same_name_have_different_skus(desk: Desk):
    watched = WatchedFolder(desk.folder, settle_seconds=0.0)
    desk.model("mug.glb")
    (desk.folder / "mug.gltf").write_text(json.dumps({"asset": {"version": "2.0"}, "meshes": [{}]}))
    watched.arrivals()
    assert {arrival.sku for arrival in watched.arrivals()} == {"mug", "mug.gltf"}


def test_a_link_out_of_the_watched_folder_is_rejected_without_being_read(desk: Desk, tmp_path: Path):
    inbox = tmp_path / "inbox"
    (inbox / "mug").mkdir(parents=True)
    private = textured_block().write(tmp_path / "private.glb")
    (inbox / "lamp.glb").symlink_to(private)
    (inbox / "mug" / "front.png").symlink_to(desk.folder / desk.photo("private.png"))
    desk.model("chair.glb")
    (inbox / "chair.glb").write_bytes((desk.folder / "chair.glb").read_bytes())
    (inbox / "stool.glb").symlink_to("chair.glb")
    watched = WatchedFolder(inbox, settle_seconds=0.0)
    watched.arrivals()
    with recorded_opens() as opened:
        found = {arrival.sku: arrival for arrival in watched.arrivals()}
    assert not [path for path in opened if "lamp" in path or "mug" in path]
    assert {sku for sku, arrival in found.items() if not arrival.error} == {"chair", "stool"}
    assert found["lamp"].error == "lamp.glb is a link that leads out of the watched folder"
    assert (found["mug"].sources, found["lamp"].sources) == ((), ())


# --- paths that leave the catalogue -------------------------------------------------------------


@pytest.mark.parametrize("folder", ["..", "../elsewhere", "/tmp/x", "a/b", ".", "a\0b", 3, None, ["x"]])
def test_a_lock_with_a_folder_elsewhere_is_rejected(desk: Desk, folder: object):
    desk.table(*rows(desk))
    frozen(desk)
    lines = (desk.out / NAME).read_text().splitlines()
    lines[1] = json.dumps({**json.loads(lines[1]), "folder": folder})
    (desk.out / NAME).write_text("\n".join(lines) + "\n")
    run = desk.run("resume", desk.out)
    assert run.exit_code == 1
    assert f"line 2: folder is {shown(folder)}" in run.error
    assert desk.report() == 1
    with pytest.raises(InputError, match="is not the name of a product's folder"):
        read_lock(desk.out)


@pytest.mark.parametrize(
    "name", ["s1", "s1/.journal", "s1/.journal/row.lock", ".journal", "overview", "index.html"]
)
def test_a_link_in_a_catalogue_is_rejected_and_nothing_is_written_through_it(
    desk: Desk, tmp_path: Path, name: str
):
    desk.table(*rows(desk))
    frozen(desk)
    (elsewhere := tmp_path / "elsewhere").mkdir()
    (desk.out / name).parent.mkdir(parents=True, exist_ok=True)
    (desk.out / name).unlink(missing_ok=True)
    (desk.out / name).symlink_to(elsewhere / "new" if name.endswith(".lock") else elsewhere)
    run = desk.run("resume", desk.out)
    assert run.exit_code == 1, run
    assert f"{desk.out / name} is a link" in run.error
    assert desk.report() == 1
    assert list(elsewhere.iterdir()) == []


def test_the_overview_contains_no_outside_picture(desk: Desk, tmp_path: Path):
    desk.table(*rows(desk))
    lock = frozen(desk)
    Image.new("RGB", (300, 300)).save(tmp_path / "private.png")
    (desk.out / "s0").mkdir()
    status = Status(digest=lock.rows[0].digest, photos=("../../../private.png",), state=RowState.PARTIAL)
    write_status(desk.out / "s0", status)
    assert desk.report() == 2, "the status does not count, so nothing is known to be made"
    assert not (desk.out / "overview").exists()


def test_a_photo_of_an_unknown_kind_is_not_opened(desk: Desk):
    desk.table(*rows(desk))
    frozen(desk)
    (desk.out / "s0" / "photos").mkdir(parents=True)
    Image.new("RGB", (300, 300)).save(desk.out / "s0" / "photos" / "front.png", "EPS")
    renew_thumbnail(desk.out, "s0", "photos/front.png")
    assert not (desk.out / "overview" / "s0.jpg").exists()
    Image.new("RGB", (300, 300)).save(desk.out / "s0" / "photos" / "front.png", "PNG")
    renew_thumbnail(desk.out, "s0", "photos/front.png")
    assert (desk.out / "overview" / "s0.jpg").is_file()


# --- the overview -------------------------------------------------------------------------------


def test_the_overview_shows_everything_and_runs_nothing():
    card = Card(title="<script>", state="failed", note="it's <b>", page="a b/index.html", picture="x'y.jpg")
    page = build_overview("Autumn & more", [card, replace(card, state="done")], "$1.00")
    assert page.count("<script>") == 1 and "it's <b>" not in page
    assert "a%20b/index.html" in page and "x%27y.jpg" in page
    assert page.index("data-state='failed'") < page.index("data-state='done'")


def test_a_product_whose_sku_had_an_invisible_character_keeps_its_folder(desk: Desk):
    """Earlier versions read it as part of the SKU; what was paid for lies in that folder."""
    desk.table(*rows(desk))
    frozen(desk)
    lock = desk.out / NAME
    text = lock.read_text().replace('"folder":"s1"', '"folder":"s1_-0123456789"')
    lock.write_text(text.replace('"sku":"s1"', '"sku":"s1\\u200b"'))
    assert [row.folder for row in frozen(desk).rows] == ["s0", "s1_-0123456789", "s2"]
