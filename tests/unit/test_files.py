# SPDX-License-Identifier: GPL-3.0-or-later
"""Files are written completely or not at all, and a truncated file is detected."""

import io
import json
import os
import struct
import subprocess
import sys
import threading
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from photoreal_set.files.kinds import FileKind, kind_of, kind_of_file, missing_end
from photoreal_set.files.writing import copy_atomically, sha256_of, write_atomically, write_json_atomically
from tests.fal_emulator.glb import make_glb

ROOT = Path(__file__).resolve().parents[2]
KINDS = ("glb", "png", "jpg", "webp", "mp4")


def picture() -> Image.Image:
    noise = np.random.default_rng(3).integers(0, 255, (40, 40, 3), dtype=np.uint8)
    return Image.fromarray(noise)


def video_bytes() -> bytes:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=24)
        stream.width = stream.height = 40
        stream.pix_fmt = "yuv420p"
        for _ in range(5):
            container.mux(stream.encode(av.VideoFrame.from_image(picture())))
        container.mux(stream.encode())
    return buffer.getvalue()


@pytest.fixture(scope="module")
def whole() -> dict[str, bytes]:
    """One complete file of every kind."""
    files = {
        "glb": make_glb("a jar", None, triangles=100, texture_side=32),
        "mp4": video_bytes(),
    }
    for name, form in (("png", "PNG"), ("jpg", "JPEG"), ("webp", "WEBP")):
        buffer = io.BytesIO()
        picture().save(buffer, form)
        files[name] = buffer.getvalue()
    return files


# --- writing ------------------------------------------------------------------------------------


def test_a_file_is_replaced_and_its_folder_created(tmp_path: Path):
    target = tmp_path / "new" / "deeper" / "a ümläut 🫖.bin"
    write_atomically(target, b"first")
    write_atomically(target, b"second")
    assert target.read_bytes() == b"second"
    assert [item.name for item in target.parent.iterdir()] == [target.name]


@pytest.mark.skipif(sys.platform == "win32", reason="rights are kept differently there")
def test_a_written_file_can_be_read_by_others(tmp_path: Path):
    write_atomically(tmp_path / "file", b"")
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o644


def test_a_folder_in_the_place_of_a_file_fails_without_leftovers(tmp_path: Path):
    (tmp_path / "target").mkdir()
    with pytest.raises(OSError):
        write_atomically(tmp_path / "target", b"data")
    assert [item.name for item in tmp_path.iterdir()] == ["target"]


def test_a_file_in_the_place_of_the_folder_fails_and_stays(tmp_path: Path):
    (tmp_path / "target").write_bytes(b"here first")
    with pytest.raises(OSError):
        write_atomically(tmp_path / "target" / "file", b"data")
    assert (tmp_path / "target").read_bytes() == b"here first"


@pytest.mark.skipif(sys.platform == "win32", reason="no file size limits there")
@pytest.mark.parametrize("call", ["write_atomically(t, bytes(1 << 20))", "copy_atomically(s, t)"])
def test_a_full_disk_keeps_the_old_file_and_leaves_no_part(tmp_path: Path, call: str):
    target, source = tmp_path / "folder" / "target", tmp_path / "source"
    write_atomically(target, b"old")
    source.write_bytes(bytes(1 << 20))
    code = (
        "import resource\n"
        "from pathlib import Path\n"
        "from command_line.bootstrap import load_package\n"
        "load_package()\n"
        "from photoreal_set.files.writing import copy_atomically, write_atomically\n"
        f"s, t = Path({str(source)!r}), Path({str(target)!r})\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))\n"
        "try:\n"
        f"    {call}\n"
        "except OSError as error:\n"
        "    raise SystemExit(40 if error.filename == str(t.parent) else 41)\n"
    )
    done = subprocess.run([sys.executable, "-B", "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 40, done.stderr
    assert target.read_bytes() == b"old"
    assert [item.name for item in target.parent.iterdir()] == ["target"]


def test_a_reader_never_sees_a_partial_file(tmp_path: Path):
    target = tmp_path / "target"
    versions = [bytes([letter]) * size for letter, size in ((65, 10), (66, 300_000), (67, 5000))]
    write_atomically(target, versions[0])
    strange: list[int] = []
    ended = threading.Event()

    def read() -> None:
        while not ended.is_set():
            data = target.read_bytes()
            if data not in versions:
                strange.append(len(data))

    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(150):
        write_atomically(target, versions[turn % 3])
    ended.set()
    reader.join()
    assert strange == []
    assert [item.name for item in tmp_path.iterdir()] == ["target"]


def test_a_value_that_is_not_valid_json_keeps_the_old_file(tmp_path: Path):
    target = tmp_path / "set.json"
    write_json_atomically(target, {"a": "ü"})
    for bad in ({"a": float("nan")}, {"a": object()}):
        with pytest.raises((ValueError, TypeError)):
            write_json_atomically(target, bad)
    assert json.loads(target.read_text(encoding="utf-8")) == {"a": "ü"}
    assert [item.name for item in tmp_path.iterdir()] == ["set.json"]


def test_a_copy_is_identical_and_a_file_may_be_copied_onto_itself(tmp_path: Path):
    source = tmp_path / "source"
    source.write_bytes(b"x" * 3_000_000)
    copy_atomically(source, tmp_path / "deep" / "copy")
    copy_atomically(source, source)
    assert sha256_of(tmp_path / "deep" / "copy") == sha256_of(source)
    assert source.stat().st_size == 3_000_000


# --- kinds --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_type_is_detected_from_the_content(whole, tmp_path: Path, kind: str):
    file = tmp_path / "wrong.txt"
    file.write_bytes(whole[kind])
    assert kind_of_file(file) is FileKind(kind)
    assert missing_end(file) == ""


@pytest.mark.parametrize(
    "head",
    [b"", b"g", b"GLTF", b"{}", b"\x89PNG", b"RIFF1234WAVE", b"RIFF", b"%PDF-1.7", b"GIF89a", b"\xff\xd8"],
)
def test_anything_else_is_unknown(head: bytes):
    assert kind_of(head) is FileKind.UNKNOWN


# --- completeness -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_truncated_file_is_detected(whole, tmp_path: Path, kind: str):
    data = whole[kind]
    file = tmp_path / "cut"
    lengths = {*range(40), *range(len(data) - 40, len(data)), *range(0, len(data), len(data) // 150 + 1)}
    unnoticed = []
    for length in sorted(lengths):
        file.write_bytes(data[:length])
        if not missing_end(file):
            unnoticed.append(len(data) - length)
    assert unnoticed == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_ends_in_zeros_is_detected_or_has_its_full_length(whole, tmp_path: Path, kind: str):
    """Some interrupted downloads leave this: the length is right, the end was never written."""
    data = whole[kind]
    (tmp_path / "cut").write_bytes(data[: len(data) // 2] + bytes(len(data) - len(data) // 2))
    said = missing_end(tmp_path / "cut")
    assert said or kind in {"glb", "webp"}  # These two formats record only their length.


def test_missing_parts_are_described(whole, tmp_path: Path):
    (tmp_path / "cut.glb").write_bytes(whole["glb"][:1000])
    assert missing_end(tmp_path / "cut.glb") == f"it has 1000 of {len(whole['glb'])} bytes"


def test_a_video_with_its_index_first_or_large_boxes_is_complete(whole, tmp_path: Path):
    data = whole["mp4"]
    boxes, position = [], 0
    while position < len(data):
        length, name = struct.unpack_from(">I4s", data, position)
        boxes.append((name, data[position + 8 : position + length]))
        position += length
    head = boxes[0][1]
    rest = dict(boxes[1:])
    small = struct.pack(">I4s", 8 + len(head), b"ftyp") + head
    small += struct.pack(">I4s", 8 + len(rest[b"moov"]), b"moov") + rest[b"moov"]
    large = struct.pack(">I4sQ", 1, b"mdat", 16 + len(rest[b"mdat"])) + rest[b"mdat"]
    endless = struct.pack(">I4s", 0, b"mdat") + rest[b"mdat"]
    for tail in (large, endless):
        (tmp_path / "film").write_bytes(small + tail)
        assert missing_end(tmp_path / "film") == ""
    (tmp_path / "film").write_bytes((small + large)[:-1])
    assert missing_end(tmp_path / "film")
    (tmp_path / "film").write_bytes(small)
    assert missing_end(tmp_path / "film")


def test_an_undecodable_file_name_is_preserved(tmp_path: Path):
    value = {"files": [os.fsdecode(b"caf\xe9.glb"), "ü"]}
    write_json_atomically(tmp_path / "set.json", value)
    assert json.loads((tmp_path / "set.json").read_text(encoding="utf-8")) == value
