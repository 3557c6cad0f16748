# SPDX-License-Identifier: GPL-3.0-or-later
"""A file names only regular files in its own folder; nothing else is opened."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from photoreal_set.files.enclosed import (
    OutsideError,
    check_name,
    find_in,
    is_plain_name,
    open_regular,
    place_in,
    read_in,
    refuse_links,
)
from photoreal_set.messages.errors import InputError
from tests.opened_files import recorded_opens

OWNER = "chair.gltf"
needs_pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder with a part in it, beside a private file."""
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "product" / "parts").mkdir(parents=True)
    (tmp_path / "product" / "parts" / "mesh.bin").write_bytes(b"0123456789")
    return tmp_path / "product"


def read(folder: Path, name: str, max_bytes: int = 100) -> bytes | None:
    return read_in(folder, name, OWNER, max_bytes=max_bytes)


@pytest.mark.parametrize("name", ["parts/mesh.bin", "./parts/../parts/mesh.bin", r"parts\mesh.bin"])
def test_a_file_in_the_folder_is_read(folder: Path, name: str):
    assert read(folder, name) == b"0123456789"


OUTSIDE = (
    "../secret.txt",
    "parts/../../secret.txt",
    r"..\secret.txt",
    r"parts\..\..\secret.txt",
    "/etc/passwd",
    "//server/share/x",
    r"\\server\share\x",
    "C:/secret.txt",
    r"c:\secret.txt",
    "c:secret.txt",
    "..",
    "parts/../..",
)


@pytest.mark.parametrize("name", OUTSIDE)
def test_an_outside_file_is_rejected_by_name_and_not_opened(folder: Path, name: str):
    with recorded_opens() as opened:
        for look in (check_name, lambda name, owner: place_in(folder, name, owner)):
            with pytest.raises(OutsideError) as refused:
                look(name, OWNER)
            assert OWNER in str(refused.value)
            assert repr(name) in str(refused.value)
        with pytest.raises(OutsideError):
            read(folder, name)
    assert opened == []


def test_a_long_name_is_shortened_in_the_message(folder: Path):
    with pytest.raises(OutsideError) as refused:
        read(folder, "../" + "x" * 5000)
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize("name", ["missing.bin", "parts/missing.bin", "parts", "", ".", "a\0b", "x" * 5000])
def test_a_missing_file_gives_none(folder: Path, name: str):
    assert read(folder, name) is None
    assert find_in(folder, name, OWNER, max_bytes=100) is None


def test_a_link_may_point_inside_the_folder_but_not_outside(folder: Path):
    (folder / "again.bin").symlink_to("parts/mesh.bin")
    assert read(folder, "again.bin") == b"0123456789"
    (folder / "leak.bin").symlink_to("../secret.txt")
    (folder / "up").symlink_to("..")
    (folder / "circle").symlink_to("circle")
    with recorded_opens() as opened:
        for name in ("leak.bin", "up/secret.txt", "up/product/parts/mesh.bin/../../../secret.txt"):
            with pytest.raises(OutsideError, match=name.split("/")[0]):
                read(folder, name)
        assert read(folder, "circle") is None
    assert opened == []


def test_the_folder_itself_may_be_reached_through_a_link(folder: Path, tmp_path: Path):
    (tmp_path / "alias").symlink_to("product")
    assert read(tmp_path / "alias", "parts/mesh.bin") == b"0123456789"


def test_a_file_that_is_too_large_is_rejected_without_being_opened(folder: Path):
    with (folder / "sparse.bin").open("wb") as stream:
        stream.truncate(1 << 40)
    with recorded_opens() as opened, pytest.raises(InputError, match=r"sparse\.bin.*too large"):
        read(folder, "sparse.bin", 1 << 20)
    assert opened == []
    assert read(folder, "parts/mesh.bin", 10) == b"0123456789"


@needs_pipes
def test_a_pipe_is_rejected_without_being_opened(folder: Path):
    os.mkfifo(folder / "pipe")
    with recorded_opens() as opened, pytest.raises(InputError, match=r"'pipe'.*not a regular file"):
        read(folder, "pipe")
    assert opened == []
    with pytest.raises(OSError, match="it is a pipe, not a file"):
        open_regular(folder / "pipe")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs devices as Linux has them")
def test_a_device_behind_a_link_is_outside(folder: Path):
    (folder / "endless").symlink_to("/dev/zero")
    with pytest.raises(OutsideError, match="endless"):
        read(folder, "endless")


def test_plain_names():
    assert all(map(is_plain_name, ("a.jpg", "ü ü", ".hidden", "a..b")))
    names = ("", ".", "..", "a/b", "../a", "/a", "a/", "a\0b", None, 3, ["a"])
    assert not any(map(is_plain_name, names))


def test_links_anywhere_in_a_folder_are_rejected(folder: Path):
    refuse_links([folder / "parts", folder / "missing"])
    deep = folder / "parts" / "a" / "b"
    deep.mkdir(parents=True)
    for link, target in ((deep / "file", "/etc/passwd"), (deep / "folder", "/"), (deep / "nowhere", "gone")):
        link.symlink_to(target)
        with pytest.raises(InputError, match=f"{link.name} is a link"):
            refuse_links([folder / "parts"])
        link.unlink()
    (folder / "photos").symlink_to(folder.parent)
    with pytest.raises(InputError, match="photos is a link"):
        refuse_links([folder / "photos"])
