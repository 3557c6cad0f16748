# SPDX-License-Identifier: GPL-3.0-or-later
"""The libraries that a .blend file links are known without Blender, in every form in which Blender stores files."""

import gzip
import importlib
import os
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from photoreal_set.files.blend_paths import blender_path, check_libraries, is_enclosed, linked_libraries
from photoreal_set.files.enclosed import OutsideError
from photoreal_set.messages.errors import InputError

PATH_LETTERS = 1024


def description(order: str, pointer: int) -> bytes:
    """A DNA1 block with an ID, an unused structure, and Library."""

    def words(mark: bytes, *texts: bytes) -> bytes:
        data = mark + struct.pack(f"{order}i", len(texts)) + b"".join(text + b"\0" for text in texts)
        return data + bytes(-len(data) % 4)

    # name[66] and *next of an ID; of Library: id, *filedata, name[1024], flag, note[16].
    names = words(b"NAME", b"name[66]", b"*next", b"id", b"(*call)()", b"name[1024]", b"flag", b"note[16]")
    types = words(b"TYPE", b"char", b"int", b"ID", b"Library", b"void")
    identity = 66 + pointer
    lengths = (
        b"TLEN" + struct.pack(f"{order}5h", 1, 4, identity, identity + pointer + 1024 + 20, 0) + bytes(2)
    )
    structures = b"STRC" + struct.pack(f"{order}i", 2)
    structures += struct.pack(f"{order}2h4h", 2, 2, 0, 0, 2, 1)
    structures += struct.pack(f"{order}2h10h", 3, 5, 2, 2, 4, 3, 0, 4, 1, 5, 0, 6)
    return b"SDNA" + names + types + lengths + structures


def blend(*libraries: str, order: str = "<", pointer: int = 8, large: bool = False) -> bytes:
    """A .blend file that links these libraries, as Blender stores it up to 4.5, or from 5.0 on (``large``)."""

    def block(code: bytes, data: bytes, structure: int = 0) -> bytes:
        if large:
            return struct.pack("<4siQqq", code, structure, 7, len(data), 1) + data
        return (
            struct.pack(f"{order}4si{'Q' if pointer == 8 else 'I'}ii", code, len(data), 7, structure, 1)
            + data
        )

    mark = b"BLENDER" + (b"-" if pointer == 8 else b"_") + (b"v" if order == "<" else b"V") + b"405"
    data = b"BLENDER17-01v0500" if large else mark
    data += block(b"REND", bytes(64)) + block(b"DATA", b"LI\0\0 is no block here")
    for path in libraries:
        text = path.encode() + bytes(PATH_LETTERS - len(path.encode()))
        data += block(b"LI\0\0", bytes(66 + 2 * pointer) + text + bytes(20), 1)
    return data + block(b"DNA1", description(order, pointer)) + block(b"ENDB", b"")


def write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def zstd(data: bytes) -> bytes:
    """Several frames, as Blender writes them, and one that readers skip."""
    package = pytest.importorskip("zstandard")
    half = len(data) // 2
    frames = [package.ZstdCompressor().compress(part) for part in (data[:half], data[half:])]
    return b"".join(frames) + struct.pack("<II", 0x184D2A5E, 5) + b"table"


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstd], ids=["plain", "gzip", "zstd"])
@pytest.mark.parametrize("form", [{}, {"large": True}, {"order": ">"}, {"pointer": 4}], ids=str)
def test_the_libraries_of_a_file_are_listed(tmp_path: Path, form: dict, pack: Callable[[bytes], bytes]):
    names = ["//library.blend", "/somewhere/Möbel.blend", "//../x.blend"]
    assert linked_libraries(write(tmp_path / "a.blend", pack(blend(*names, **form)))) == names
    assert linked_libraries(write(tmp_path / "b.blend", pack(blend(**form)))) == []


def test_without_a_decompressor_a_compressed_file_is_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = write(tmp_path / "a.blend", zstd(blend("//library.blend")))

    def missing(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(InputError, match=r"a\.blend is compressed.*Save it without Compress"):
        linked_libraries(path)


DAMAGED: dict[str, Callable[[bytes], bytes]] = {
    "something else": lambda _data: b"Dear Sir or Madam",
    "newer": lambda data: b"BLENDER17-02" + data[12:],
    "cut in a block": lambda data: data[:60],
    "cut in a library": lambda data: data[:400],
    "without a description": lambda data: data[: data.index(b"DNA1")] + data[-24:],
    "with another description": lambda data: data.replace(b"Library\0", b"Librory\0"),
    "with a damaged description": lambda data: data.replace(b"TLEN", b"TLON"),
    "with a block of negative length": lambda data: data.replace(b"REND@", b"REND\xff\xff\xff\xff"),
    "with a library that is too large": lambda data: data.replace(
        b"LI\0\0" + struct.pack("<i", 1126), b"LI\0\0\0\0\0\x40"
    ),
    "gzip of nothing": lambda _data: b"\x1f\x8b\x08",
    "zstd of nothing": lambda _data: b"\x28\xb5\x2f\xfd\0\0\0",
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_damaged_file_is_rejected_in_a_sentence(tmp_path: Path, case: str):
    data = blend("//library.blend")
    changed = DAMAGED[case](data)
    assert changed != data
    with pytest.raises(InputError, match=r"a\.blend is not a Blender file, or is damaged"):
        linked_libraries(write(tmp_path / "a.blend", changed))


def test_any_truncation_or_changed_byte_is_read_or_rejected(tmp_path: Path):
    data = blend("//library.blend")
    for place in range(0, len(data), 7):
        for changed in (data[:place], data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :]):
            path = write(tmp_path / "a.blend", changed)
            try:
                linked_libraries(path)
            except InputError as error:
                assert "a.blend" in str(error)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("//tex/a.png", "/home/me/tex/a.png"),
        (r"//tex\a.png", "/home/me/tex/a.png"),
        ("//../a.png", "/home/me/../a.png"),
        ("/abs/a.png", "/abs/a.png"),
        (r"C:\Users\a.png", "/c/Users/a.png"),
        (r"\\server\share\a.png", None),
        ("//server/share/a.png", "/home/me/server/share/a.png"),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="paths as Blender has them on Unix")
def test_paths_resolve_as_in_blender(text: str, place: str | None):
    assert blender_path(text, Path("/home/me")) == (None if place is None else Path(place))


def test_a_path_is_enclosed_by_its_target(tmp_path: Path):
    (tmp_path / "home" / "tex").mkdir(parents=True)
    (tmp_path / "home" / "up").symlink_to("..")
    (tmp_path / "allowed").mkdir()
    home, allowed = tmp_path / "home", [tmp_path / "home", tmp_path / "allowed"]
    inside = (
        "//tex/a.png",
        str(home / "a.png"),
        "//tex/../a.png",
        "//../allowed/a.png",
        str(tmp_path / "allowed/b"),
    )
    outside = ("//../a.png", "//up/a.png", "/etc/passwd", r"\\server\x", "a.png", "//a\0b", "")
    assert all(is_enclosed(text, home, allowed) for text in inside)
    assert not any(is_enclosed(text, home, allowed) for text in outside)


def test_libraries_are_followed_recursively(tmp_path: Path):
    home = tmp_path / "home"
    first = write(home / "a.blend", blend("//sub/b.blend", "//missing.blend"))
    write(home / "sub" / "b.blend", blend("//../a.blend", "//c.blend"))
    write(home / "sub" / "c.blend", blend("//b.blend"))
    check_libraries(first, [home])
    write(home / "sub" / "c.blend", blend("//../../secret.blend"))
    with pytest.raises(OutsideError, match=r"c\.blend links '//\.\./\.\./secret\.blend', which is outside"):
        check_libraries(first, [home])
    check_libraries(first, [home, tmp_path])
