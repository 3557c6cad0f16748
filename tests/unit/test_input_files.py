# SPDX-License-Identifier: GPL-3.0-or-later
"""User files are read only when they are regular files of bounded size, and JSON only when it is well formed."""

import json
import os
import socket
import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from photoreal_set.catalogue.glance import is_catalogue
from photoreal_set.catalogue.lock_file import NAME, read_lock
from photoreal_set.catalogue.rows import read_rows
from photoreal_set.fal_bridge.endpoints.endpoint import size_of
from photoreal_set.fal_bridge.network.service import key_from_environment
from photoreal_set.files.input_files import (
    MAX_INNER_LEVELS,
    MAX_LEVELS,
    open_regular,
    parsed_json,
    read_json,
    read_regular,
)
from photoreal_set.files.kinds import kind_of_file, missing_end
from photoreal_set.files.writing import sha256_of
from photoreal_set.messages.errors import PhotorealError
from photoreal_set.optics.angles import chosen_angles
from photoreal_set.optics.rig_choice import chosen_rig
from photoreal_set.photo_set.folder import SetFolder
from photoreal_set.photo_set.source import source_from
from tests.patience import PATIENCE_SECONDS

pytestmark = pytest.mark.skipif(os.name == "nt", reason="makes pipes and sockets")

TERABYTE = 1 << 40


def in_time(call: Callable[[], object]) -> BaseException | None:
    """What ``call`` raises. The test fails when the call does not return: it would hang for a user as well."""
    raised: list[BaseException | None] = []

    def work() -> None:
        try:
            call()
        except BaseException as error:  # noqa: BLE001  The test checks it.
            raised.append(error)
        else:
            raised.append(None)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(PATIENCE_SECONDS)
    assert raised, "it hangs"
    return raised[0]


def pipe(path: Path) -> None:
    os.mkfifo(path)


def linked_pipe(path: Path) -> None:
    os.mkfifo(path.with_name("pipe"))
    path.symlink_to("pipe")


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def listening_socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # The address of a socket is short.
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(path.name)
    finally:
        os.chdir(here)


def endless(path: Path) -> None:
    with path.open("wb") as stream:
        stream.write(b"glTF")
        stream.truncate(TERABYTE)


ODD = {
    "pipe": (pipe, "it is a pipe, not a file"),
    "linked pipe": (linked_pipe, "it is a pipe, not a file"),
    "device": (device, "it is a device, not a file"),
    "socket": (listening_socket, "it is a socket, not a file"),
    "folder": (Path.mkdir, "it is a folder"),
    "terabyte": (endless, "it is larger than"),
}
READERS = {
    "key": ("key.txt", lambda path: key_from_environment({"FAL_KEY_FILE": str(path)})),
    "angles": ("own.json", lambda path: chosen_angles(str(path))),
    "light": ("dawn.hdr", lambda path: chosen_rig(str(path))),
    "table": ("shop.csv", read_rows),
    "lines": ("shop.jsonl", read_rows),
    "photo": ("mug.jpg", lambda path: source_from([path], "")),
    "binary": ("mug.glb", lambda path: source_from([path], "")),
    "text": ("mug.gltf", lambda path: source_from([path], "")),
    "blend": ("mug.blend", lambda path: source_from([path], "")),
}


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("reader", READERS)
def test_what_is_not_a_regular_file_is_rejected_in_one_sentence(tmp_path: Path, reader: str, odd: str):
    name, read = READERS[reader]
    make, message = ODD[odd]
    path = tmp_path / name
    make(path)
    error = in_time(lambda: read(path))
    assert isinstance(error, PhotorealError) and error.exit_code == 1
    assert message in str(error) and name in str(error)
    assert len(str(error).splitlines()) == 1


@pytest.mark.parametrize("odd", ODD)
def test_a_manifest_or_lock_that_is_not_a_file_is_no_set_or_catalogue(tmp_path: Path, odd: str):
    make, message = ODD[odd]
    for name, read in (("set.json", SetFolder.open), (NAME, read_lock)):
        folder = tmp_path / name
        folder.mkdir()
        make(folder / name)
        error = in_time(lambda read=read, folder=folder: read(folder))
        assert isinstance(error, PhotorealError) and error.exit_code == 1
        expected = {"terabyte": message, "linked pipe": "is a link", "device": "is a link"}
        assert expected.get(odd, "contains no") in str(error)
        assert is_catalogue(folder) == (name == NAME and odd == "terabyte")


@pytest.mark.parametrize("look", [sha256_of, kind_of_file, missing_end, lambda path: open_regular(path)])
def test_checking_a_file_never_blocks_on_a_pipe(tmp_path: Path, look: Callable[[Path], object]):
    pipe(tmp_path / "pipe")
    error = in_time(lambda: look(tmp_path / "pipe"))
    assert isinstance(error, OSError) and error.strerror == "it is a pipe, not a file"
    assert in_time(lambda: size_of(tmp_path / "pipe")) is None


class _Swapped(type(Path())):
    """A path at which a regular file was seen just before something else took its place."""

    def stat(self, **_options: object) -> os.stat_result:
        return Path(__file__).stat()


def test_a_file_replaced_after_the_first_check_is_detected(tmp_path: Path):
    pipe(tmp_path / "pipe")
    error = in_time(lambda: open_regular(_Swapped(tmp_path / "pipe")))
    assert isinstance(error, OSError) and error.strerror == "it is a pipe, not a file"


def test_the_limit_counts_the_bytes_that_are_read(tmp_path: Path):
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert read_regular(path, 5) == b"12345"
    with pytest.raises(OSError, match="larger than 4 bytes"):
        read_regular(path, 4)
    proc = Path("/proc/self/status")  # Reports a size of zero, and has content.
    if proc.exists():
        with pytest.raises(OSError, match="larger than 3 bytes"):
            read_regular(proc, 3)


def test_an_impossible_file_name_is_an_os_error(tmp_path: Path):
    with pytest.raises(OSError, match="its name is not possible"):
        open_regular(tmp_path / "a\0b")


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (nested(100_000), "nested more than"),
        ('{"a":' * 100_000 + "1" + "}" * 100_000, "nested more than"),
        (nested(MAX_LEVELS + 1), "nested more than"),
        ("[" * 100_000, "nested more than"),
        ("NaN", "NaN is out of range"),
        ("-Infinity", "-Infinity is out of range"),
        ("1e999", "1e999 is out of range"),
        ("1" * 5000, "out of range"),
        ("1" * 31, "out of range"),
        (b"\xff[]", "not UTF-8"),
        (b'"\xed\xa0\x80"', "not UTF-8"),
        ("[1,\n2", "line 2, column 2"),
        ("[1", "^column 3"),
        ("", "Expecting value"),
    ],
)
def test_malformed_json_is_a_value_error(text: str | bytes, message: str):
    with pytest.raises(ValueError, match=message):
        parsed_json(text)


def test_json_within_the_limits_is_read(tmp_path: Path):
    assert parsed_json(nested(MAX_LEVELS))
    assert parsed_json(json.dumps([[[]] * 300])) == [[[]] * 300]  # Wide is not deep.
    assert parsed_json("﻿[1.5]".encode()) == [1.5]
    assert parsed_json("[1.10, 2]", number=Decimal) == [Decimal("1.10"), 2]
    (tmp_path / "a.json").write_text("{}")
    assert read_json(tmp_path / "a.json") == {}


def test_one_invalid_number_does_not_discard_a_paid_answer():
    text = f'{{"a": NaN, "b": 1e999, "c": {"1" * 5000}, "url": "x"}}'
    assert parsed_json(text, is_lenient=True) == {"a": None, "b": None, "c": None, "url": "x"}
    with pytest.raises(ValueError, match="nested"):
        parsed_json(nested(MAX_LEVELS + 1), is_lenient=True)
    assert MAX_INNER_LEVELS < MAX_LEVELS
