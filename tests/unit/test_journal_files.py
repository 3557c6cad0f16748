# SPDX-License-Identifier: GPL-3.0-or-later
"""A journal finds the files of its finished jobs, however its folder is named, and only in the folder of its set."""

from pathlib import Path

import pytest

from photoreal_set.fal_bridge.journal import Journal


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    photos = tmp_path / "set" / "photos"
    photos.mkdir(parents=True)
    (photos / "front.png").write_bytes(b"paid")
    (tmp_path / "work").mkdir()
    return Journal(tmp_path / "set" / ".journal")


@pytest.mark.parametrize("way", ["set", "work/../set", "set/../work/../set"])
def test_a_file_is_found_by_every_path_to_the_set(journal: Journal, tmp_path: Path, way: str):
    found = Journal(tmp_path / way / ".journal").file_of({"path": "../photos/front.png"})
    assert found is not None
    assert found.read_bytes() == b"paid"


def test_a_file_is_found_behind_a_link_and_dots(journal: Journal, tmp_path: Path):
    (tmp_path / "elsewhere" / "deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere" / "deep")
    (tmp_path / "elsewhere" / "set").symlink_to(tmp_path / "set")
    found = Journal(tmp_path / "link" / ".." / "set" / ".journal").file_of({"path": "../photos/front.png"})
    assert found is not None
    assert found.read_bytes() == b"paid"


@pytest.mark.parametrize("path", ["../../front.png", "/etc/passwd", "../photos/../../front.png"])
def test_no_file_outside_the_set_is_named(journal: Journal, path: str):
    assert journal.file_of({"path": path}) is None
