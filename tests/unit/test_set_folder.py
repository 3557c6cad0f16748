# SPDX-License-Identifier: GPL-3.0-or-later
"""A set folder belongs to one set, is never partially written, and can be continued."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from photoreal_set.files.part_files import part_for
from photoreal_set.messages.errors import InputError
from photoreal_set.photo_set.folder import SetFolder, angle_record
from tests.opened_files import recorded_opens

SOURCE = {"kind": "model", "files": [{"name": "pot.glb", "sha256": "a" * 64}]}
OTHER = {"kind": "model", "files": [{"name": "pot.glb", "sha256": "b" * 64}]}
TOOL = {"name": "Photoreal Set", "version": "0", "blender": "4.5"}


def prepare(root: Path, source: dict = SOURCE) -> SetFolder:
    return SetFolder.prepare(root, product="pot", source=source, tool=TOOL)


def everything_in(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


def test_a_new_set_records_its_source_and_that_it_is_unfinished(tmp_path: Path):
    prepare(tmp_path / "deep" / "set")
    record = json.loads((tmp_path / "deep" / "set" / "set.json").read_text(encoding="utf-8"))
    assert record["schema"] == 1
    assert record["state"] == "partial"
    assert record["source"] == SOURCE
    assert record["tool"] == TOOL
    assert record["cost"] == {"estimate": {"min": 0.0, "max": 0.0}, "actual": 0.0, "currency": "USD"}


def test_the_same_source_reopens_the_set_with_its_creation_date_and_results(tmp_path: Path):
    first = prepare(tmp_path)
    entry = {**first.store("renders/front.png", b"picture"), "samples": 8}
    with first.change() as record:
        record["created"] = "2001-02-03T04:05:06+00:00"
        record["model"] = {"path": "model/product.glb"}
        record["videos"] = [{"motion": "turntable", "state": "done"}]
        record["cost"]["actual"] = 1.5
        record["state"], record["error"] = "failed", "The disk was full."
        angle_record(record, "front")["render"] = entry
    again = prepare(tmp_path).record
    assert again["created"] == "2001-02-03T04:05:06+00:00"
    assert again["angles"] == [{"name": "front", "render": entry}]
    assert again["model"] == {"path": "model/product.glb"}
    assert again["videos"] == [{"motion": "turntable", "state": "done"}]
    assert again["cost"]["actual"] == 1.5
    assert again["state"] == "partial"
    assert "error" not in again


def test_only_a_catalogue_gives_a_set_that_is_continued_another_name(tmp_path: Path):
    def named(product: str, *, is_catalogue: bool) -> str:
        folder = SetFolder.prepare(
            tmp_path, product=product, source=SOURCE, tool=TOOL, may_replace_source=is_catalogue
        )
        return folder.record["product"]

    assert named("TEA-7", is_catalogue=True) == "TEA-7"
    assert named("pot", is_catalogue=False) == "TEA-7", "`resume` of one product keeps the SKU"
    assert named("TEA-8", is_catalogue=True) == "TEA-8"


def test_a_set_of_another_source_is_rejected_and_unchanged(tmp_path: Path):
    prepare(tmp_path).store("renders/front.png", b"picture")
    before = everything_in(tmp_path)
    with pytest.raises(InputError, match="another source"):
        prepare(tmp_path, OTHER)
    assert everything_in(tmp_path) == before


@pytest.mark.parametrize("name", ["holiday.jpg", ".hidden", "renders/front.png", "set.json.bak"])
def test_a_folder_with_other_files_is_rejected_and_left_unchanged(tmp_path: Path, name: str):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(b"mine")
    with pytest.raises(InputError, match="contains no set"):
        prepare(tmp_path)
    assert everything_in(tmp_path) == {name: b"mine"}


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"schema": 2}', '"set"', "\xff"])
def test_an_invalid_manifest_is_rejected_and_unchanged(tmp_path: Path, text: str):
    (tmp_path / "set.json").write_bytes(text.encode("latin-1"))
    for take in (prepare, SetFolder.open):
        with pytest.raises(InputError) as refused:
            take(tmp_path)
        assert "set.json" in str(refused.value)
    assert everything_in(tmp_path) == {"set.json": text.encode("latin-1")}


def test_a_folder_with_only_a_journal_of_paid_jobs_can_be_used(tmp_path: Path):
    (tmp_path / ".journal" / "key").mkdir(parents=True)
    assert prepare(tmp_path).record["state"] == "partial"


def test_a_damaged_manifest_is_set_aside_when_the_journal_records_what_is_paid(tmp_path: Path):
    prepare(tmp_path).store("photos/front.png", b"picture")
    (tmp_path / ".journal" / "key").mkdir(parents=True)
    (tmp_path / "set.json").write_text('{"schema": 1, "prod')
    with pytest.raises(InputError, match=r"damaged.*`set` command again"):
        SetFolder.open(tmp_path)
    assert prepare(tmp_path).record["state"] == "partial"
    assert (tmp_path / "set.damaged.json").read_text() == '{"schema": 1, "prod'
    assert (tmp_path / "photos" / "front.png").read_bytes() == b"picture"


def test_a_set_without_its_manifest_is_continued_from_its_journal(tmp_path: Path):
    prepare(tmp_path).store("photos/front.png", b"picture")
    (tmp_path / ".journal" / "key").mkdir(parents=True)
    (tmp_path / "set.json").unlink()
    with pytest.raises(InputError, match=r"set\.json is missing.*`set` command again"):
        SetFolder.open(tmp_path)
    folder = prepare(tmp_path)
    assert folder.record["state"] == "partial"
    folder.discard()
    assert (tmp_path / "photos" / "front.png").read_bytes() == b"picture"


def test_an_impossible_output_folder_is_rejected(tmp_path: Path):
    (tmp_path / "file").write_bytes(b"mine")
    places = [tmp_path / "file", tmp_path / "file" / "set", tmp_path / ("long" * 100)]
    if Path("/proc/self").exists():
        places.append(Path("/proc/set"))
    for place in places:
        with pytest.raises(InputError, match="cannot be written"):
            prepare(place)
    assert everything_in(tmp_path) == {"file": b"mine"}


def test_opening_needs_a_set(tmp_path: Path):
    with pytest.raises(InputError, match="contains no set"):
        SetFolder.open(tmp_path)
    with pytest.raises(InputError, match="contains no set"):
        SetFolder.open(tmp_path / "missing")
    prepare(tmp_path)
    assert SetFolder.open(tmp_path).record["product"] == "pot"


def test_a_file_counts_only_when_unchanged_and_made_as_planned(tmp_path: Path):
    folder = prepare(tmp_path)
    entry = {**folder.store("masks/front.png", b"mask"), "made_with": "x"}
    assert entry["path"] == "masks/front.png"
    assert folder.has(entry)
    assert folder.has(entry, made_with="x")
    assert not folder.has(entry, made_with="y")
    assert not folder.has(None)
    assert not folder.has({})
    (tmp_path / "masks" / "front.png").write_bytes(b"mesk")
    assert not folder.has(entry)
    (tmp_path / "masks" / "front.png").unlink()
    assert not folder.has(entry)


def test_a_failed_change_changes_nothing(tmp_path: Path):
    folder = prepare(tmp_path)
    before = everything_in(tmp_path)
    with pytest.raises(KeyError), folder.change() as record:
        record["product"] = "half"
        raise KeyError
    assert everything_in(tmp_path) == before
    assert folder.record["product"] == "pot"


def test_a_change_that_cannot_be_written_is_not_kept_in_memory(tmp_path: Path):
    folder = prepare(tmp_path)
    before = everything_in(tmp_path)
    with pytest.raises(ValueError), folder.change() as record:
        record["fill"] = float("nan")
    assert everything_in(tmp_path) == before
    with folder.change() as record:
        record["product"] = "whole"
    assert json.loads(folder.manifest.read_text(encoding="utf-8"))["product"] == "whole"


def test_returned_values_are_copies(tmp_path: Path):
    folder = prepare(tmp_path)
    folder.record["angles"].append("mine")
    assert folder.record["angles"] == []


def test_the_manifest_is_valid_at_every_moment_while_threads_change_it(tmp_path: Path):
    folder = prepare(tmp_path)
    changes, writers = 25, 4
    ended = threading.Event()
    faults: list[str] = []
    highest: list[int] = [0]

    def write(name: str) -> None:
        for turn in range(changes):
            with folder.change() as record:
                angle_record(record, name)["text"] = "ü" * (turn * 400 % 3000)
                record["count"] = record.get("count", 0) + 1

    def read() -> None:
        while not ended.is_set():
            try:
                record = json.loads(folder.manifest.read_bytes())
            except (OSError, ValueError) as error:
                faults.append(repr(error))
                continue
            count = record.get("count", 0)
            if record["source"] != SOURCE or count < highest[0]:
                faults.append(f"{count} after {highest[0]}")
            highest[0] = count

    reader = threading.Thread(target=read)
    threads = [threading.Thread(target=write, args=(f"angle {number}",)) for number in range(writers)]
    reader.start()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ended.set()
    reader.join()
    assert faults == []
    assert folder.record["count"] == changes * writers
    assert sorted(path.name for path in tmp_path.iterdir()) == ["set.json"]


def test_the_page_follows_the_set_while_it_is_being_made(tmp_path: Path):
    folder = prepare(tmp_path)
    folder.start_page()
    assert "http-equiv='refresh'" in folder.report.read_text()
    with folder.change() as record:
        record["angles"] = [{"name": "front", "render": {"path": "renders/front.png", "samples": 8}}]
    assert "renders/front.png" in folder.report.read_text()
    folder.write_page()
    with folder.change() as record:
        record["angles"] = []
    page = folder.report.read_text()
    assert "renders/front.png" in page and "http-equiv='refresh'" not in page


def test_a_set_that_could_not_start_is_removed_with_its_folder(tmp_path: Path):
    folder = prepare(tmp_path / "set")
    folder.store("model/product.glb", b"model")
    folder.write_page()
    folder.discard()
    assert not (tmp_path / "set").exists()


def test_an_existing_set_is_not_removed(tmp_path: Path):
    prepare(tmp_path).store("renders/front.png", b"picture")
    prepare(tmp_path).discard()
    assert set(everything_in(tmp_path)) == {"set.json", "renders/front.png"}


def test_a_set_with_paid_requests_is_not_removed(tmp_path: Path):
    folder = prepare(tmp_path)
    (tmp_path / ".journal").mkdir()
    folder.discard()
    assert (tmp_path / "set.json").exists()


def left_by_a_killed_run(path: Path) -> Path:
    """A part of ``path`` with the mark of a process that has ended."""
    part = part_for(path)
    left = part.with_name(part.name.replace(f"-{os.getpid():x}-", f"-{gone_process():x}-"))
    left.parent.mkdir(parents=True, exist_ok=True)
    left.write_bytes(b"half")
    return left


def gone_process() -> int:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


@pytest.mark.skipif(os.name == "nt", reason="there no process can be asked whether it lives")
def test_partial_files_of_a_killed_run_are_removed_and_those_of_a_live_run_are_kept(tmp_path: Path):
    root = tmp_path / "set"
    prepare(root)
    for name in ("photos/front.png", "renders/front.png", ".journal/key/done.json"):
        left_by_a_killed_run(root / name)
    living = part_for(root / "photos" / "side.png")
    living.write_bytes(b"half")
    os.utime(living, (0, 0))
    prepare(root)
    assert [path.name for path in root.rglob("*.part")] == [living.name]


@pytest.mark.skipif(os.name == "nt", reason="there no process can be asked whether it lives")
def test_a_run_that_was_killed_before_it_wrote_a_manifest_can_be_repeated(tmp_path: Path):
    left_by_a_killed_run(tmp_path / "set.json")
    assert prepare(tmp_path).record["state"] == "partial"
    assert set(everything_in(tmp_path)) == {"set.json"}


# --- paths that leave the folder ---------------------------------------------------------------

SECRET = b"my password"


def planted(root: Path, **members: object) -> Path:
    """A set whose manifest was tampered with, beside a private file."""
    folder = prepare(root)
    folder.store("photos/front.png", b"picture")
    (root.parent / "secret.txt").write_bytes(SECRET)
    record = json.loads(folder.manifest.read_text(encoding="utf-8"))
    folder.manifest.write_text(json.dumps({**record, **members}))
    return root


NAMES = ("../secret.txt", "photos/../../secret.txt", "/etc/passwd", r"..\secret.txt", "C:\\secret.txt")
ENTRIES = (
    lambda name: {"model": {"path": name, "sha256": "a"}},
    lambda name: {"model": {"earlier": [{"path": name}]}},
    lambda name: {"model": {"concept": {"path": name}}},
    lambda name: {"angles": [{"name": "front", "photo": {"path": name}}]},
    lambda name: {"angles": [{"name": "front", "mask": name}]},
    lambda name: {"angles": [{"name": "front", "depth": {"path": name}}]},
    lambda name: {"angles": [{"name": "front", "photo": {"enlargement": {"original": name}}}]},
    lambda name: {"videos": [{"motion": "turntable", "preview": {"path": name}}]},
)


@pytest.mark.parametrize("entry", range(len(ENTRIES)))
@pytest.mark.parametrize("name", NAMES)
def test_a_manifest_that_names_an_outside_file_is_rejected_without_opening_it(
    tmp_path: Path, name: str, entry: int
):
    root = planted(tmp_path / "set", **ENTRIES[entry](name))
    before = everything_in(root)
    with recorded_opens() as opened:
        for take in (prepare, SetFolder.open):
            with pytest.raises(InputError) as refused:
                take(root)
            assert "set.json" in str(refused.value)
            assert repr(name) in str(refused.value)
    assert {Path(path).name for path in opened if "write-test" not in path} <= {"set.json"}
    assert everything_in(root) == before


@pytest.mark.parametrize("name", ["../front.jpg", "/etc/passwd", "a/b.jpg", "..", "", 3, None, {"x": 1}])
def test_a_source_that_is_not_the_name_of_a_file_is_rejected(tmp_path: Path, name: object):
    root = planted(tmp_path / "set", source={"kind": "photos", "files": [{"name": name, "sha256": "a"}]})
    with pytest.raises(InputError, match=r"set\.json names a source"):
        SetFolder.open(root)


@pytest.mark.parametrize("name", [3, ["x"], True])
def test_a_path_of_another_type_is_rejected(tmp_path: Path, name: object):
    root = planted(tmp_path / "set", model={"path": name})
    with pytest.raises(InputError, match=r"set\.json names .*not the path of a file"):
        SetFolder.open(root)


@pytest.mark.parametrize(
    "name",
    ["photos", "video", ".journal", "renders", "masks", "model", "source", "photos/original", "set.json"],
)
def test_a_planted_link_is_rejected_and_nothing_is_written_through_it(tmp_path: Path, name: str):
    root, elsewhere = tmp_path / "set", tmp_path / "elsewhere"
    prepare(root)
    elsewhere.mkdir()
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).unlink(missing_ok=True)
    (root / name).symlink_to(elsewhere)
    for take in (prepare, SetFolder.open):
        with pytest.raises(InputError) as refused:
            take(root)
        assert str(root / name) in str(refused.value)
        assert "is a link" in str(refused.value)
    assert list(elsewhere.iterdir()) == []


def test_a_result_that_is_a_link_or_a_pipe_is_rejected(tmp_path: Path):
    folder = prepare(tmp_path / "set")
    entry = folder.store("photos/front.png", b"picture")
    (tmp_path / "secret.txt").write_bytes(b"picture")
    photo = folder.root / "photos" / "front.png"
    photo.unlink()
    photo.symlink_to(tmp_path / "secret.txt")
    with pytest.raises(InputError, match="is outside"):
        folder.has(entry)
    with pytest.raises(InputError, match="is a link"):
        SetFolder.open(folder.root)
    photo.unlink()
    os.mkfifo(photo)
    with pytest.raises(InputError, match="not a regular file"):
        folder.has(entry)


def test_nothing_is_written_outside_the_folder(tmp_path: Path):
    folder = prepare(tmp_path / "set")
    for name in ("../x.png", "photos/../../x.png", str(tmp_path / "x.png")):
        with pytest.raises(InputError, match="is outside"):
            folder.store(name, b"picture")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["set"]


def test_a_set_folder_reached_through_a_link_is_accepted(tmp_path: Path):
    prepare(tmp_path / "set").store("photos/front.png", b"picture")
    (tmp_path / "alias").symlink_to("set")
    folder = SetFolder.open(tmp_path / "alias")
    assert folder.has(folder.store("photos/side.png", b"picture"))
