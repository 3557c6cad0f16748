# SPDX-License-Identifier: GPL-3.0-or-later
"""An export writes what a channel wants, only what has changed, and nothing that was held back."""

import csv
import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from photoreal_set.channels.exporting import ChannelFolder, ExportPlan
from photoreal_set.channels.own_files import MANIFEST, UNFINISHED
from photoreal_set.channels.rules import CHANNELS, Measure, Rule
from photoreal_set.command_line.channel_checks import check_channels
from photoreal_set.command_line.main import main
from photoreal_set.photo_set.folder import SetFolder, angle_record

_AT_MOST_TWO = Rule(measure=Measure.COUNT, low=1, high=2, source="a test")
ANGLES = ("three-quarter", "front", "detail")


def make_set(
    root: Path, *, product: str = "Tea jar", side: int = 1200, engine: str = "cycles", **photo: Any
) -> SetFolder:
    """A finished set in code: a box of another colour for every angle, with its mask."""
    folder = SetFolder.prepare(
        root, product=product, source={"kind": "text"}, tool={"name": "x", "version": "1"}
    )
    for number, name in enumerate(ANGLES):
        values = np.full((side, side, 3), 255, dtype=np.uint8)
        box = slice(round(side * 0.1), round(side * 0.9))
        values[box, box] = (40 * number, 90, 160)
        mask = np.zeros((side, side), dtype=np.uint8)
        mask[box, box] = 255
        stored = folder.store(f"photos/{name}.png", _png(values))
        stored_mask = folder.store(f"masks/{name}.png", _png(mask))
        with folder.change() as record:
            entry: Any = angle_record(record, name)
            entry["photo"] = {**stored, "engine": engine, "state": "done", **photo}
            entry["mask"] = stored_mask["path"]
    return folder


def _png(values: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "PNG")
    return buffer.getvalue()


def export(*arguments: object) -> tuple[int, str]:
    output = io.StringIO()
    code = main(["export", *map(str, arguments)], output)
    return code, output.getvalue()


def test_the_main_picture_of_amazon(tmp_path: Path) -> None:
    make_set(tmp_path / "set")
    code, text = export(tmp_path / "set", "--channel", "amazon-main")
    assert code == 0, text
    assert "origin: render, must be photograph" in text
    with Image.open(tmp_path / "set/export/amazon-main/Tea jar.MAIN.jpg") as picture:
        assert picture.size == (1103, 1103)
        assert picture.getpixel((0, 0)) == (255, 255, 255)


def test_a_second_export_writes_only_what_has_changed(tmp_path: Path) -> None:
    folder = make_set(tmp_path / "set")
    export(folder.root, "--channel", "google")
    target = folder.root / "export/google"
    times = {path.name: path.stat().st_mtime_ns for path in target.glob("*.jpg")}
    stored = folder.store("photos/front.png", _png(np.full((1200, 1200, 3), 250, dtype=np.uint8)))
    with folder.change() as record:
        angle_record(record, "front")["photo"].update(stored)
    code, text = export(folder.root, "--channel", "google")
    assert code == 0, text
    assert "3 pictures, 1 written" in text
    changed = {name for name, time in times.items() if (target / name).stat().st_mtime_ns != time}
    assert changed == {"Tea jar_front_1103.jpg"}


def test_files_of_an_earlier_export_are_removed_and_foreign_ones_stay(tmp_path: Path) -> None:
    folder = make_set(tmp_path / "set")
    export(folder.root, "--channel", "web", "--size", "600")
    target = folder.root / "export/web"
    (target / "mine.txt").write_text("keep")
    code, text = export(folder.root, "--channel", "web", "--size", "300")
    assert code == 0
    assert "3 removed" in text
    assert sorted(path.name for path in target.glob("*.webp")) == [
        f"Tea jar_{name}_300.webp" for name in sorted(ANGLES)
    ]
    assert (target / "mine.txt").read_text() == "keep"


def test_files_of_a_product_that_cannot_be_read_stay(tmp_path: Path) -> None:
    sets = {sku: make_set(tmp_path / sku) for sku in ("jar", "mug")}
    plan = ExportPlan(channel=CHANNELS["amazon-main"])
    root = tmp_path / "export"
    first = ChannelFolder(root, plan)
    for sku, folder in sets.items():
        first.add(folder, sku)
    first.finish()
    for _time in range(2):
        again = ChannelFolder(root, plan)
        again.add(sets["jar"], "jar")
        again.keep_earlier("mug")
        assert again.finish() == []
    assert {path.name for path in root.glob("*.jpg")} == {"jar.MAIN.jpg", "mug.MAIN.jpg"}


def test_a_foreign_file_with_the_same_name_is_not_replaced(tmp_path: Path) -> None:
    folder = make_set(tmp_path / "set")
    target = folder.root / "export/amazon-main"
    target.mkdir(parents=True)
    (target / "Tea jar.MAIN.jpg").write_bytes(b"mine")
    code, _text = export(folder.root, "--channel", "amazon-main")
    assert code == 1
    assert (target / "Tea jar.MAIN.jpg").read_bytes() == b"mine"


def test_photos_that_nobody_has_checked_are_held_back(tmp_path: Path) -> None:
    folder = make_set(tmp_path / "set", engine="fal", endpoint="fal-ai/x")
    code, text = export(folder.root, "--channel", "web")
    assert code == 2
    assert "not compared with its render" in text
    assert not list((folder.root / "export/web").glob("*.webp"))
    assert export(folder.root, "--channel", "web", "--include-unchecked")[0] == 0


def test_rejected_photos_are_held_back(tmp_path: Path) -> None:
    reason = "The product is 4 % larger than in the render."
    folder = make_set(
        tmp_path / "set", engine="fal", fidelity={"verdict": "reject", "reason": reason, "rejected": True}
    )
    code, text = export(folder.root, "--channel", "web", "--include-unchecked")
    assert code == 2
    assert reason in text


def test_a_photo_whose_mask_is_damaged_is_held_back(tmp_path: Path) -> None:
    folder = make_set(tmp_path / "set")
    (folder.root / "masks/front.png").write_bytes(b"no picture")
    code, text = export(folder.root, "--channel", "web")
    assert code == 2
    assert "front: not exported, because its mask cannot be read" in text
    assert "2 pictures, 2 written" in text


def test_only_accepted_photos_when_asked(tmp_path: Path) -> None:
    folder = make_set(tmp_path / "set")
    with folder.change() as record:
        photo: Any = angle_record(record, "front")["photo"]
        photo["review"] = {"decision": "accept", "by": "Ann", "when": "2026-11-26T10:00:00Z"}
    code, _text = export(folder.root, "--channel", "web", "--accepted-only")
    assert code == 2
    assert [path.name for path in (folder.root / "export/web").glob("*.webp")] == ["Tea jar_front_1200.webp"]


def test_a_picture_that_is_too_small_says_which_number_fell_short(tmp_path: Path) -> None:
    folder = make_set(tmp_path / "set", side=500)
    code, text = export(folder.root, "--channel", "amazon-main")
    assert code == 2
    assert "longest side: 460 px, must be 1000 to 10000 px" in text
    assert "--resolution" in text


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{sku}.jpg", "would both be named"),
        ("{colour}.jpg", "cannot contain {colour}"),
        ("a/{sku}", "cannot be the name"),
        ("{angle}.avif", "google does not take"),
    ],
)
def test_names_that_cannot_work_are_refused_before_anything_is_written(
    template: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_set(tmp_path / "set")
    assert export(folder.root, "--channel", "google", "--name", template)[0] == 1
    assert words in capsys.readouterr().err
    assert not (folder.root / "export").exists()


def test_the_extension_of_a_name_is_the_format(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_set(tmp_path / "set", side=200)
    assert export(folder.root, "--channel", "web", "--name", "{angle}.jpg")[0] == 0
    with Image.open(folder.root / "export/web/front.jpg") as picture:
        assert picture.format == "JPEG"
    assert export(folder.root, "--channel", "web,cut-out", "--name", "{angle}.jpg")[0] == 1
    assert "cut-out does not take (must be PNG, WebP or AVIF)" in capsys.readouterr().err
    assert not (folder.root / "export/cut-out").exists()
    assert export(folder.root, "--channel", "web", "--name", "{angle}.jpg", "--format", "png")[0] == 1
    assert "--format is png" in capsys.readouterr().err


def test_what_is_wrong_with_all_pictures_is_one_line_that_names_the_channel(tmp_path: Path) -> None:
    folder = make_set(tmp_path / "set", side=300)
    code, text = export(folder.root, "--channel", "google,web")
    of = len(ANGLES)
    lines = [line for line in text.splitlines() if "not exported" in line]
    assert code == 2 and len(lines) == 1, text
    assert lines[0].startswith(f"google: Tea jar, {of} of {of} pictures: not exported. shortest side: ")
    line = next(
        line for line in check_channels(folder.root, "ebay").table().splitlines() if "NOT MET" in line
    )
    assert line.startswith(f"ebay  Tea jar, {of} of {of} pictures  NOT MET  longest side: 300 px")


def test_a_spin_that_is_too_short_is_told_how_many_frames_are_wanted(tmp_path: Path) -> None:
    folder = make_set(tmp_path / "set", side=200)
    frames = []
    for number in range(1, 9):
        stored = folder.store(f"spin/frames/{number:03}.png", _png(np.full((200, 200, 3), 9, dtype=np.uint8)))
        frames.append({**stored, "azimuth": 0.0, "fill": 0.8, "box": [20, 20, 180, 180]})
    with folder.change() as record:
        record["spin"] = {"count": 8, "frames": frames}
    advice = "number of pictures: 8, must be 24, 48 or 72. Render a spin with --spin 24, 48 or 72."
    assert advice in check_channels(folder.root, "amazon-360").table()
    text = export(folder.root, "--channel", "amazon-360")[1]
    assert advice in text and "8 of 8 frames: not exported. longest side: 200 px" in text


def test_an_address_that_is_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_set(tmp_path / "set", side=200)
    for url in ("nonsense", "shop.example/p", "https://", "https://[", "https://shop.example/?p=1"):
        assert export(folder.root, "--channel", "web", "--base-url", url)[0] == 1
        assert "is not the address of a folder" in capsys.readouterr().err
    assert not (folder.root / "export").exists()


def test_the_place_of_the_zip_file_is_printed(tmp_path: Path) -> None:
    folder = make_set(tmp_path / "set", side=200)
    assert (
        f"ZIP file: {folder.root / 'export/web.zip'}" in export(folder.root, "--channel", "web", "--zip")[1]
    )


def test_too_many_pictures_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CHANNELS, "ebay", replace(CHANNELS["ebay"], rules=(_AT_MOST_TWO,)))
    code, text = export(make_set(tmp_path / "set").root, "--channel", "ebay", "--json")
    assert code == 2
    assert "number of pictures: 3, must be 1 to 2" in text
    assert json.loads(text)["channels"]["ebay"]["meets_all_rules"] is False


def test_lists_for_shops(tmp_path: Path) -> None:
    folder = make_set(tmp_path / "set")
    export(folder.root, "--channel", "shopify", "--base-url", "https://shop.example/p", "--zip")
    target = folder.root / "export/shopify"
    rows = list(csv.DictReader((target / "files.csv").open(newline="")))
    assert [row["angle"] for row in rows] == list(ANGLES)
    assert rows[0]["alt_text"] == "Tea jar, three quarter view"
    shop = list(csv.DictReader((target / "shopify.csv").open(newline="")))
    assert rows[0]["file"].startswith("Tea jar_")
    assert shop[0]["Image Src"] == f"https://shop.example/p/{rows[0]['file'].replace(' ', '%20')}"
    assert {row["Handle"] for row in shop} == {"tea-jar"}
    akeneo = list(csv.DictReader((target / "akeneo.csv").open(newline=""), delimiter=";"))
    assert akeneo[1]["code"] == "Tea_jar_front"
    with zipfile.ZipFile(folder.root / "export/shopify.zip") as archive:
        assert archive.testzip() is None
        assert {row["file"] for row in rows} <= set(archive.namelist())


def test_a_zip_of_an_earlier_export_is_replaced_and_any_other_file_stays(tmp_path: Path) -> None:
    folder = make_set(tmp_path / "set", engine="fal", fidelity={"verdict": "accept", "reason": ""})
    target = folder.root / "export/web.zip"
    target.parent.mkdir()
    command = (folder.root, "--channel", "web", "--zip")
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("files.csv", "of somebody else")
    for content in (target.read_bytes(), b"no archive"):
        target.write_bytes(content)
        code, _text = export(*command)
        assert code == 1
        assert target.read_bytes() == content
        assert not (target.parent / "web").exists(), "nothing is written"
    target.unlink()
    assert export(*command)[0] == 0
    first = target.read_bytes()
    assert export(*command, "--size", "600")[0] == 0
    assert target.read_bytes() != first
    assert export(*command[:-1])[0] == 0
    assert target.read_bytes() == first, "it is kept up to date without --zip"
    assert export(*command[:-1], "--accepted-only")[0] == 2
    assert not target.exists(), "it had pictures that are no longer exported"


def test_json_reports_every_rule_as_a_number(tmp_path: Path) -> None:
    folder = make_set(tmp_path / "set")
    code, text = export(folder.root, "--channel", "amazon-main", "--json")
    found = json.loads(text)["channels"]["amazon-main"]
    assert code == 0
    assert found["meets_all_rules"] is False
    values = {rule["rule"]: rule["value"] for rule in found["files"][0]["rules"]}
    assert values["fill"] == pytest.approx(87, abs=0.3)
    assert values["background"] == 255


def test_the_page_has_a_table_of_what_was_exported(tmp_path: Path) -> None:
    folder = make_set(tmp_path / "set", product="<b>Tea</b> jar")
    export(folder.root, "--channel", "amazon-main,google")
    record = SetFolder.open(folder.root).record
    main, google = record["channels"]
    assert (main["name"], main["exported"], google["exported"]) == ("amazon-main", 1, 3)
    assert main["unmet"] == ["origin: render, must be photograph"]
    assert google["rules"] == google["met"] + 3, "three pictures are smaller than recommended"
    page = (folder.root / "index.html").read_text()
    assert "<td>Amazon, main picture</td><td>1</td><td>10 of 12</td>" in page
    assert "origin: render, must be photograph" in page
    assert "The photos have changed since" not in page
    written = folder.manifest.stat().st_mtime_ns
    export(folder.root, "--channel", "google")
    assert folder.manifest.stat().st_mtime_ns == written, "nothing has changed"
    stored = folder.store("photos/front.png", _png(np.full((1200, 1200, 3), 250, dtype=np.uint8)))
    changed = SetFolder.open(folder.root)
    with changed.change() as record:
        angle_record(record, "front")["photo"].update(stored)
    changed.write_page()
    assert (folder.root / "index.html").read_text().count("The photos have changed since") == 2


def test_cut_outs_have_the_mask_as_their_alpha_and_no_background(tmp_path: Path) -> None:
    folder = make_set(tmp_path / "set", side=600)
    code, text = export(folder.root, "--channel", "cut-out")
    assert code == 0, text
    with Image.open(folder.root / "export/cut-out/Tea jar_front_600.png") as picture:
        cut = np.asarray(picture)
    with Image.open(folder.root / "masks/front.png") as mask:
        assert np.array_equal(cut[..., 3], np.asarray(mask))
    shown = cut[cut[..., 3] > 0]
    assert np.abs(shown[:, :3].astype(int) - (40, 90, 160)).max() <= 1
    code, text = export(folder.root, "--channel", "cut-out", "--format", "jpg")
    assert code == 2
    assert "format: JPEG, must be PNG, WebP or AVIF" in text
    (folder.root / "masks/front.png").unlink()
    code, text = export(folder.root, "--channel", "cut-out", "--format", "webp")
    assert (code, "front: not exported, because its mask is missing" in text) == (2, True), text


def test_a_damaged_list_of_an_earlier_export_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_set(tmp_path / "set")
    export(folder.root, "--channel", "web")
    (folder.root / "export/web" / MANIFEST).write_text("{")
    assert export(folder.root, "--channel", "web")[0] == 1
    assert "is damaged" in capsys.readouterr().err


def test_an_unknown_channel_is_named_with_those_that_exist(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_set(tmp_path / "set")
    assert export(folder.root, "--channel", "amazn")[0] == 1
    assert "amazon-main" in capsys.readouterr().err


def test_a_check_measures_what_was_exported_and_finds_what_was_changed_since(tmp_path: Path) -> None:
    folder = make_set(tmp_path / "set")
    export(folder.root, "--channel", "amazon-main")
    assert {
        one.rule.measure for _, _, one in check_channels(folder.root, "amazon-main").found if one.is_failure
    } == {Measure.ORIGIN}
    path = folder.root / "export/amazon-main/Tea jar.MAIN.jpg"
    Image.new("CMYK", (1100, 1100)).save(path, "JPEG")
    broken = {
        one.rule.measure for _, _, one in check_channels(folder.root, "amazon-main").found if one.is_failure
    }
    assert {Measure.COLOUR, Measure.FILL, Measure.MARGIN} <= broken


def test_a_check_measures_photos_that_were_not_exported(tmp_path: Path) -> None:
    folder = make_set(tmp_path / "set", side=600)
    check = check_channels(folder.root, "amazon-main")
    assert {one.rule.measure for _, _, one in check.found if one.is_failure} >= {
        Measure.LONGEST,
        Measure.FILL,
    }
    assert check.has_failed and "600 px" in check.table()


def test_the_older_name_of_the_channel_still_works(tmp_path: Path) -> None:
    folder = make_set(tmp_path / "set")
    texts = []
    for option in ("--channel", "--spec"):
        output = io.StringIO()
        main(["check", str(folder.root), option, "google"], output)
        texts.append(output.getvalue())
    assert texts[0] == texts[1] and "google" in texts[0]


def test_a_check_of_any_folder_of_pictures(tmp_path: Path) -> None:
    Image.new("RGB", (1200, 1200), "white").save(tmp_path / "a.jpg")
    assert not check_channels(tmp_path, "google").has_failed


def test_a_check_names_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff" + bytes(40))
    output = io.StringIO()
    assert main(["check", str(tmp_path), "--channel", "google"], output) == 2
    assert "a.jpg  NOT MET  it cannot be read as a picture" in output.getvalue()


def test_a_check_of_a_set_with_an_unknown_background_names_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_set(tmp_path / "set", engine="fal")
    with folder.change() as record:
        record["plan"] = {"background": "pink"}
    assert main(["check", str(folder.root)], io.StringIO()) == 1
    assert "plan, background is 'pink'" in capsys.readouterr().err


def test_an_export_that_was_killed_is_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list of files is written at the end; until then, a note says which files are ours."""
    folder = make_set(tmp_path / "set")

    def kill(_self: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ChannelFolder, "finish", kill)
        export(folder.root, "--channel", "web")
    target = folder.root / "export/web"
    assert len(list(target.glob("*.webp"))) == 3 and not (target / MANIFEST).exists()
    code, text = export(folder.root, "--channel", "web")
    assert (code, "3 pictures" in text) == (0, True), text
    assert not (target / UNFINISHED).exists()


def test_a_check_of_a_catalogue_continues_after_a_damaged_set(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    (shop / "a").mkdir(parents=True)
    (shop / "a" / "set.json").write_text("{")
    first = make_set(shop / "b", engine="fal")
    blue = make_set(shop / "b" / "variants" / "Blue", product="Tea jar, Blue", engine="fal")
    with first.change() as record:
        record["variants"] = [
            {"name": name, "folder": folder, "material": name, "colors": {}}
            for name, folder in (("Red", ""), ("Blue", first.relative(blue.root)))
        ]
    output = io.StringIO()
    assert main(["check", str(shop)], output) == 2
    assert "a: not checked. " in output.getvalue()
    assert "6 photos, 0 rejected." in output.getvalue()
    assert "Tea jar, Blue" in output.getvalue(), "the photos of its other variants are checked too"
    assert main(["check", str(shop / "a")], io.StringIO()) == 1


def test_pictures_of_an_emulator_are_exported_with_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_set(tmp_path / "set")
    export(folder.root, "--channel", "web")
    assert "emulator" not in capsys.readouterr().err
    with folder.change() as record:
        record["plan"] = {"fal": "http://127.0.0.1:8399"}
    code, _text = export(folder.root, "--channel", "web")
    assert code == 0
    assert "made with an emulator of fal.ai: for testing only" in capsys.readouterr().err
