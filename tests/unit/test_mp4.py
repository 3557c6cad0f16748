# SPDX-License-Identifier: GPL-3.0-or-later
"""An incomplete video is detected by its index, and every check is fast."""

import io
import itertools
import struct
import tempfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from photoreal_set.files import mp4
from tests.fal_emulator.lies import VIDEO_LIES, box_bomb, noise

PLAIN = ""
FRONT = "faststart"
FRAGMENTS = "frag_keyframe+empty_moov+default_base_moof"
FRAMES = 30


def video_bytes(
    flags: str = PLAIN, *, codec: str = "libx264", has_sound: bool = False, size: int = 64
) -> bytes:
    pattern = np.random.default_rng(3).integers(0, 255, (size, size, 3), dtype=np.uint8)
    with (
        tempfile.TemporaryDirectory() as folder,  # A real file: moving the index to the front reads it again.
        av.open(f"{folder}/film.mp4", "w", options={"movflags": flags} if flags else {}) as container,
    ):
        video = container.add_stream(codec, rate=24)
        video.width = video.height = size
        video.pix_fmt = "yuv420p"
        video.gop_size = 10
        sound = container.add_stream("aac", rate=44_100) if has_sound else None
        for number in range(FRAMES):
            frame = av.VideoFrame.from_image(Image.fromarray(np.roll(pattern, number, axis=1)))
            frame.pts, frame.time_base = number, Fraction(1, 24)
            container.mux(video.encode(frame))
        container.mux(video.encode())
        if sound:
            for begin in range(0, 44_100, 1024):
                part = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), "fltp", "stereo")
                part.sample_rate, part.time_base, part.pts = 44_100, Fraction(1, 44_100), begin
                container.mux(sound.encode(part))
            container.mux(sound.encode())
        container.close()
        return Path(folder, "film.mp4").read_bytes()


def gap(data: bytes) -> str:
    return mp4.gap(io.BytesIO(data), len(data))


def box(kind: bytes, *contents: bytes) -> bytes:
    content = b"".join(contents)
    return struct.pack(">I4s", 8 + len(content), kind) + content


def changed(data: bytes, kind: bytes, place: int, form: str, *values: int) -> bytes:
    """``data`` with numbers written at an offset in the content of the first box of that kind."""
    start = data.index(kind) + 4 + place
    new = struct.pack(form, *values)
    return data[:start] + new + data[start + len(new) :]


@pytest.fixture(scope="module")
def plain() -> bytes:
    return video_bytes()


# --- complete files -----------------------------------------------------------------------------


@pytest.mark.parametrize("has_sound", [False, True], ids=["silent", "with sound"])
@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
@pytest.mark.parametrize("flags", [PLAIN, FRONT, FRAGMENTS, "frag_every_frame+empty_moov"])
def test_a_complete_video_has_no_gap(flags, codec, has_sound):
    assert gap(video_bytes(flags, codec=codec, has_sound=has_sound)) == ""


def test_alternative_encodings_of_sizes_and_offsets_are_read(plain):
    """One size for all samples, sizes of one byte or half a byte, offsets of 64 bits."""
    head, index, data = dissected(plain)
    place = len(head) + 8
    for table, sizes in (
        (box(b"stsz", struct.pack(">III", 0, 100, FRAMES)), [100] * FRAMES),
        (box(b"stz2", struct.pack(">III", 0, 8, FRAMES), bytes(range(FRAMES))), list(range(FRAMES))),
        (box(b"stz2", struct.pack(">III", 0, 4, 3), b"\x37\x10"), [3, 7, 1]),
    ):
        for offsets in (
            box(b"co64", struct.pack(">IIQ", 0, 1, place)),
            box(b"stco", struct.pack(">III", 0, 1, place)),
        ):
            chunks = box(b"stsc", struct.pack(">5I", 0, 1, 1, len(sizes), 1))
            made = head + box(b"mdat", data) + with_tables(index, table, chunks, offsets)
            assert gap(made) == ""
            cut = (
                head
                + box(b"mdat", bytes(max(0, sum(sizes) - 1)))
                + with_tables(index, table, chunks, offsets)
            )
            assert gap(cut) == "" or "after the end" in gap(cut)


def dissected(data: bytes) -> tuple[bytes, bytes, bytes]:
    """The file type box, the content of the index, and that of the data."""
    found = {item.kind: item for item in mp4.boxes(io.BytesIO(data), 0, len(data))}
    head, index, content = (found[kind] for kind in (b"ftyp", b"moov", b"mdat"))
    return data[: head.end], data[index.content : index.end], data[content.content : content.end]


def with_tables(index: bytes, *tables: bytes) -> bytes:
    """An index with one track that has these tables, and the sample description that there was."""
    description = index[index.index(b"stsd") - 4 :]
    description = description[: int.from_bytes(description[:4], "big")]
    handler = box(b"hdlr", bytes(8), b"vide", bytes(12))
    return box(b"moov", box(b"trak", box(b"mdia", handler, box(b"minf", box(b"stbl", description, *tables)))))


# --- wrong indexes ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (VIDEO_LIES["beyond"], "after the end"),
        (VIDEO_LIES["no-track"], "no video track"),
        (VIDEO_LIES["no-samples"], "no frames"),
        (VIDEO_LIES["deep"], "nested more than"),
        (VIDEO_LIES["large"], "larger than"),
        (lambda _data: box_bomb(60), "more than 16384 boxes"),
        (lambda data: data.replace(b"vide", b"soun"), "no video track"),
        (lambda data: data.replace(b"hdlr", b"skip"), "no hdlr"),
        (lambda data: data.replace(b"stsd", b"skip"), "no stsd"),
        (lambda data: data.replace(b"stsz", b"skip"), "no stsz"),
        (lambda data: data.replace(b"stco", b"skip"), "no stco"),
        (lambda data: data.replace(b"stsc", b"skip"), "no stsc"),
        (lambda data: changed(data, b"stsd", 4, ">I", 0), "how it is encoded"),
        (lambda data: changed(data, b"stsd", 40, ">HH", 0, 64), "0 x 64 pixels"),
        (lambda data: changed(data, b"stsd", 40, ">HH", 65535, 65535), "65535 x 65535 pixels"),
        (lambda data: changed(data, b"stsz", 8, ">I", 0xFFFFFFFF), "lists more than"),
        (lambda data: changed(data, b"stsz", 4, ">II", 1, 0xFFFFFFFF), "lists more than"),
        (lambda data: changed(data, b"stsz", 4, ">II", 0xFFFFFFFF, 1000), "after the end"),
        (lambda data: changed(data, b"stsz", 8, ">I", 100_000), "cut off"),
        (lambda data: changed(data, b"stsz", 12, f">{FRAMES}I", *[0] * FRAMES), "are empty"),
        (lambda data: changed(data, b"stco", 4, ">I", 0), "where 30 frames are"),
        (lambda data: changed(data, b"stco", 4, ">I", 0xFFFFFFFF), "lists more than"),
        (lambda data: changed(data, b"stsc", 4, ">I", 0), "where 30 frames are"),
        (lambda data: changed(data, b"stsc", 4, ">I", 0xFFFFFFFF), "lists more than"),
        (lambda data: changed(data, b"stsc", 12, ">I", 0), "where 30 frames are"),
        (lambda data: changed(data, b"stts", -4, ">4s", b"stz2"), "unknown format"),
    ],
)
def test_a_wrong_index_is_detected(plain, change: Callable[[bytes], bytes], message: str):
    assert message in gap(change(plain))


def test_excessive_counts_end_the_check(plain):
    head, index, data = dissected(plain)
    for more, message in (
        (box(b"trak") * 100, "more than 64 tracks"),
        (box(b"udta", box(b"free") * 70_000), "more than 16384 boxes"),
        (box(b"udta", *[box(b"udta", box(b"free") * 700)] * 100), "more than 16384 boxes"),
    ):
        assert message in gap(head + box(b"mdat", data) + box(b"moov", index, more))


def test_chunks_out_of_order_are_detected(plain):
    head, index, data = dissected(plain)
    tables = (
        box(b"stsz", struct.pack(">III", 0, 1, 10)),
        box(b"stsc", struct.pack(">8I", 0, 2, 2, 1, 1, 1, 1, 1)),
        box(b"stco", struct.pack(">12I", 0, 10, *[100] * 10)),
    )
    assert "out of order" in gap(head + box(b"mdat", data) + with_tables(index, *tables))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data.replace(b"traf", b"skip"), "no frames"),
        (lambda data: data.replace(b"trun", b"skip"), "no frames"),
        (lambda data: data.replace(b"moof", b"skip"), "no frames"),
        (lambda data: data.replace(b"tfhd", b"skip"), "no tfhd"),
        (lambda data: changed(data, b"trun", 4, ">I", 0xFFFFFFFF), "lists more than"),
        (lambda data: changed(data, b"trun", 4, ">I", 50_000), "cut off"),
    ],
)
def test_wrong_fragments_are_detected(change: Callable[[bytes], bytes], message: str):
    assert message in gap(change(video_bytes(FRAGMENTS)))


def test_fragments_beyond_the_end_of_the_file_are_detected():
    data = video_bytes(FRAGMENTS)
    start = data.index(b"trun") + 4
    flags, count = struct.unpack_from(">II", data, start)
    assert flags & 0x200, "the sizes stand in the run"
    place = 8 + 4 * bool(flags & 0x1) + 4 * bool(flags & 0x4) + 4 * bool(flags & 0x100)
    assert count
    assert "more data than it has" in gap(changed(data, b"trun", place, ">I", 0x7FFFFFFF))


def test_what_only_a_decoder_can_detect_is_not_a_gap(plain):
    """The index is right; ``video_check`` tests whether there are frames."""
    assert gap(noise(plain)) == ""


@pytest.mark.parametrize("flags", [PLAIN, FRONT, FRAGMENTS])
def test_any_changed_index_gives_an_answer(flags):
    """Checking neither raises nor hangs, whatever a byte contains."""
    data = video_bytes(flags)
    start, end = data.index(b"moov") - 4, data.index(b"moov") - 4
    end += int.from_bytes(data[start : start + 4], "big")
    chance = np.random.default_rng(5)
    for _turn in range(400):
        broken = bytearray(data)
        for place in chance.integers(start, end, 4):
            broken[place] = chance.integers(0, 256)
        assert isinstance(gap(bytes(broken)), str)


# --- paths --------------------------------------------------------------------------------------


def test_a_path_leads_to_the_description_of_the_pictures(plain):
    kinds = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"avc1")
    found = mp4.path_to(io.BytesIO(plain), 0, len(plain), kinds)
    assert tuple(item.kind for item in found) == kinds
    assert all(
        inner.start >= outer.content and inner.end <= outer.end for outer, inner in itertools.pairwise(found)
    )
    assert plain[found[-1].start + 4 : found[-1].content] == b"avc1"
    assert mp4.path_to(io.BytesIO(plain), 0, len(plain), (b"moov", b"nope")) == []
