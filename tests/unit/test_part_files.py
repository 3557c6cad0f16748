# SPDX-License-Identifier: GPL-3.0-or-later
"""A part is removed when its process has ended, and never while a process may be writing it."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from photoreal_set.files import part_files
from photoreal_set.files.part_files import OLD_SECONDS, note_of, part_for, parts_of, sweep, sweep_tree
from photoreal_set.files.writing import write_atomically, write_if_absent
from tests.patience import until

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(os.name == "nt", reason="there no process can be asked whether it lives")


@pytest.fixture(params=["sweep", "sweep_tree"])
def swept(request: pytest.FixtureRequest):
    """Sweep the folder of a target in one of the two ways; the remaining files."""

    def go(target: Path) -> set[str]:
        sweep(target) if request.param == "sweep" else sweep_tree(target.parent)
        return {path.name for path in target.parent.iterdir()}

    return go


@contextlib.contextmanager
def another_process(target: Path) -> Iterator[Path]:
    """A part of ``target`` whose process waits; it is killed on exit."""
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from command_line.bootstrap import load_package\n"
        "load_package()\n"
        "from photoreal_set.files.part_files import part_for\n"
        f"part_for(Path({str(target)!r})).write_bytes(b'half')\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen([sys.executable, "-B", "-c", code], cwd=ROOT, stdin=subprocess.PIPE) as process:
        try:
            until(lambda: [path for path in parts_of(target) if path.stat().st_size])
            (part,) = parts_of(target)
            yield part
        finally:
            process.kill()


def written_days_ago(path: Path, days: float) -> None:
    moment = time.time() - days * 86_400
    os.utime(path, (moment, moment))


def of_another_machine(target: Path, days: float) -> Path:
    own = part_for(target)
    part = own.with_name(own.name.replace(part_files._space, "0123abcd"))
    part.write_bytes(b"half")
    written_days_ago(part, days)
    return part


def test_a_part_of_this_process_is_kept_with_any_clock(tmp_path, monkeypatch, swept):
    target = tmp_path / "front"
    part = part_for(target)
    part.write_bytes(b"half")
    written_days_ago(part, 30)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 100 * OLD_SECONDS)
    assert swept(target) == {part.name}


def test_a_part_of_another_process_is_kept_until_that_process_ends(tmp_path, swept):
    target = tmp_path / "front"
    with another_process(target) as part:
        written_days_ago(part, 30)
        assert swept(target) == {part.name}
    assert swept(target) == set()


def test_a_part_of_an_earlier_process_with_the_same_number_is_removed(tmp_path, swept):
    """The process of a container has the same number each time."""
    target = tmp_path / "front"
    own = part_for(target)
    own.with_name(own.name.replace(part_files._run, "fedcba")).write_bytes(b"half")
    assert swept(target) == set()


@pytest.mark.parametrize("ahead", [-30, 0, 30], ids=lambda days: f"our clock {days} days ahead")
def test_a_part_of_another_machine_expires_by_the_clock_of_the_file_system(
    tmp_path, monkeypatch, swept, ahead
):
    target = tmp_path / "front"
    fresh = of_another_machine(target, 0.9)
    old = of_another_machine(target, 1.1)
    noted = of_another_machine(target, 1.1)
    note_of(noted).write_bytes(b"{}")  # Its process has just recorded its progress.
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + ahead * 86_400)
    left = swept(target)
    assert old.name not in left
    assert {fresh.name, noted.name, note_of(noted).name} == left


def test_a_part_without_a_mark_is_kept_for_a_day(tmp_path, swept):
    """Earlier versions wrote such parts."""
    target = tmp_path / "front"
    for name in (".front.0123456789ab.part", ".front.x_8k2m1a.part"):
        (tmp_path / name).write_bytes(b"half")
    assert len(swept(target)) == 2
    for path in list(tmp_path.iterdir()):
        written_days_ago(path, 1.1)
    assert swept(target) == set()


def test_only_parts_of_the_target_are_removed(tmp_path):
    names = ["front.refused", "fron", "front[1]", "set.json"]
    others = {part_for(tmp_path / name) for name in names}
    for part in others:
        part.with_name(part.name.replace(part_files._run, "fedcba")).write_bytes(b"half")
    (tmp_path / "front.png").write_bytes(b"picture")
    (tmp_path / ".hidden.part.txt").write_bytes(b"mine")
    before = set(tmp_path.iterdir())
    sweep(tmp_path / "front")
    assert set(tmp_path.iterdir()) == before
    sweep(tmp_path / "front[1]")
    assert len(set(tmp_path.iterdir())) == len(before) - 1


def test_a_part_that_can_be_resumed_is_kept_for_its_download(tmp_path):
    target = tmp_path / "photos" / "front"
    target.parent.mkdir()
    own = part_for(target)
    part = own.with_name(own.name.replace(part_files._run, "fedcba"))
    part.write_bytes(b"half")
    note_of(part).write_bytes(b"{}")
    half_a_note = part_for(note_of(part))
    half_a_note.with_name(half_a_note.name.replace(part_files._run, "fedcba")).write_bytes(b"{")
    sweep_tree(tmp_path)
    assert set(target.parent.iterdir()) == {part, note_of(part)}
    sweep(target)
    assert not list(target.parent.iterdir())


def test_a_note_without_its_part_is_removed(tmp_path, swept):
    target = tmp_path / "front"
    own = part_for(target)
    note = note_of(own.with_name(own.name.replace(part_files._run, "fedcba")))
    note.write_bytes(b"{}")
    written_days_ago(note, 1.1)
    assert swept(target) == set()


def test_links_are_not_followed(tmp_path):
    inside, outside = tmp_path / "set", tmp_path / "elsewhere"
    inside.mkdir()
    outside.mkdir()
    own = part_for(outside / "front")
    part = own.with_name(own.name.replace(part_files._run, "fedcba"))
    part.write_bytes(b"half")
    (inside / "photos").symlink_to(outside, target_is_directory=True)
    (inside / part.name).symlink_to(part)
    sweep_tree(inside)
    assert part.read_bytes() == b"half"
    assert [path.name for path in inside.iterdir()] == ["photos"]


@pytest.mark.parametrize("name", ["x" * 250, "é" * 120, os.fsdecode(b"caf\xe9") * 50, "."])
def test_a_long_or_unusual_name_can_be_written(tmp_path, name):
    target = tmp_path / f"{name}.json"
    write_atomically(target, b"data")
    assert target.read_bytes() == b"data"
    assert not write_if_absent(target, b"other")
    assert [path.name for path in tmp_path.iterdir()] == [target.name]


def test_no_two_parts_have_the_same_name(tmp_path):
    assert len({part_for(tmp_path / "front") for _time in range(100)}) == 100


def test_in_an_unwritable_folder_nothing_counts_as_old(tmp_path):
    """The time of the file system cannot be asked for there."""
    part = of_another_machine(tmp_path / "front", 30)
    code = (
        "import resource\n"
        "from pathlib import Path\n"
        "from command_line.bootstrap import load_package\n"
        "load_package()\n"
        "from photoreal_set.files.part_files import sweep_tree\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
        f"sweep_tree(Path({str(tmp_path)!r}))\n"
    )
    subprocess.run([sys.executable, "-B", "-c", code], cwd=ROOT, check=True)
    assert [path.name for path in tmp_path.iterdir()] == [part.name]
    sweep_tree(tmp_path)
    assert not list(tmp_path.iterdir())
