# SPDX-License-Identifier: GPL-3.0-or-later
"""The boxes of MP4 files, and whether the video in one can be complete (ISO/IEC 14496-12:2022).

The file is not trusted and is checked in bounded time: boxes are counted, the index is limited in size and depth, and
offsets are compared with the size of the file. ``video_check`` tests whether frames can be decoded.
"""

import io
import itertools
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from .input_files import open_regular

MAX_BOXES = 1 << 14  # Two hours in fragments of one second, each with its data.
MAX_INDEX_BYTES = 16 << 20  # About nine hours of video.
MAX_SAMPLES = 1 << 20
MAX_TRACKS = 64
MAX_DEPTH = 10  # As far as FFmpeg follows (libavformat/mov.c).
MAX_PIXELS = 139_264 * 256  # Of a frame. The highest level of H.264 (6.2, table A.1) has 139,264 macroblocks.

CONTAINERS = frozenset(
    {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"mvex", b"edts", b"dinf", b"udta", b"moof", b"traf"}
)


class Mp4Error(ValueError):
    """What is wrong with a file, as the end of a sentence about it."""


@dataclass(frozen=True, slots=True)
class Box:
    """One box: its four-byte type, and the offsets of its start, of its content and of its end."""

    kind: bytes
    start: int
    content: int
    end: int


def boxes(stream: BinaryIO, start: int, end: int) -> Iterator[Box]:
    """The boxes between two offsets, in order. Raises Mp4Error for one that is cut off, and when there are too many."""
    for _number in range(MAX_BOXES):
        if start >= end:
            return
        box = _box_at(stream, start, end)
        yield box
        start = box.end
    raise Mp4Error(f"it has more than {MAX_BOXES} boxes")


def path_to(stream: BinaryIO, start: int, end: int, kinds: Sequence[bytes]) -> list[Box]:
    """The first box of the first kind, in it the first of the second kind, and so on; empty when one is missing."""
    found: list[Box] = []
    for kind in kinds:
        box = next((box for box in boxes(stream, start, end) if box.kind == kind), None)
        if box is None:
            return []
        found.append(box)
        # A sample description begins with its version and the number of its entries.
        start, end = box.content + (8 if kind == b"stsd" else 0), box.end
    return found


def gap(stream: BinaryIO, size: int) -> str:
    """Why a file of ``size`` bytes cannot hold a complete video, or "" when it can."""
    try:
        _check(stream, size)
    except Mp4Error as error:
        return str(error)
    except struct.error:
        return "its index is cut off"
    return ""


def seconds_in(path: Path) -> float | None:
    """The length of a video by its movie header (ISO/IEC 14496-12, 8.2.2); None when it cannot be read."""
    try:
        with open_regular(path) as stream:
            found = path_to(stream, 0, path.stat().st_size, (b"moov", b"mvhd"))
            if len(found) < 2:
                return None
            stream.seek(found[1].content)
            header = stream.read(32)
            form, start = (">IQ", 20) if header[:1] == b"\1" else (">II", 12)
            scale, length = struct.unpack_from(form, header, start)
    except (OSError, Mp4Error, struct.error):
        return None
    return float(length) / float(scale) if scale else None


def _box_at(stream: BinaryIO, start: int, end: int) -> Box:
    stream.seek(start)
    header = stream.read(min(16, end - start))
    if len(header) < 8:
        raise Mp4Error("its last box is cut off")
    length, kind = struct.unpack_from(">I4s", header)
    content = start + 8
    if length == 1 and len(header) == 16:
        (length,) = struct.unpack_from(">Q", header, 8)
        content = start + 16
    elif length == 0:
        length = end - start  # This box extends to the end of the file.
    if start + length < content or start + length > end:
        raise Mp4Error("its last box is cut off")
    return Box(kind, start, content, start + length)


@dataclass(slots=True)
class _Node:
    """A box in memory, with the boxes in it when it is a container."""

    content: memoryview
    children: list[tuple[bytes, "_Node"]] = field(default_factory=list)

    def all(self, *kinds: bytes) -> list["_Node"]:
        """The nodes at this path of types."""
        nodes = [self]
        for kind in kinds:
            nodes = [node for parent in nodes for name, node in parent.children if name == kind]
        return nodes

    def one(self, *kinds: bytes) -> memoryview:
        """The content of the first of them. Raises Mp4Error when there is none."""
        nodes = self.all(*kinds)
        if not nodes:
            raise Mp4Error(f"its index has no {kinds[-1].decode()}")
        return nodes[0].content


def _check(stream: BinaryIO, size: int) -> None:
    top = list(boxes(stream, 0, size))
    kinds = {box.kind for box in top}
    if not {b"moov", b"mdat"} <= kinds:
        raise Mp4Error("its index (moov) or its data (mdat) is missing")
    index, fragments = _read_index(stream, [box for box in top if box.kind in (b"moov", b"moof")])
    tracks = index.all(b"trak")
    if len(tracks) > MAX_TRACKS:
        raise Mp4Error(f"it has more than {MAX_TRACKS} tracks")
    videos = [track for track in tracks if bytes(track.one(b"mdia", b"hdlr")[8:12]) == b"vide"]
    if not videos:
        raise Mp4Error("it has no video track")
    data_bytes = sum(box.end - box.content for box in top if box.kind == b"mdat")
    for track in videos:
        _check_sides(track)
        if not _samples_of(track, size) + _fragment_samples_of(track, index, fragments, data_bytes):
            raise Mp4Error("its video track has no frames")


# --- reading the index --------------------------------------------------------------------------


def _read_index(stream: BinaryIO, parts: list[Box]) -> tuple[_Node, list[_Node]]:
    """The index and the movie fragments. Raises Mp4Error when they exceed a limit."""
    if sum(box.end - box.content for box in parts) > MAX_INDEX_BYTES:
        raise Mp4Error(f"its index is larger than {MAX_INDEX_BYTES >> 20} MB")
    counted = itertools.count(1)
    read = []
    for box in parts:
        stream.seek(box.content)
        data = stream.read(box.end - box.content)
        whole = Box(box.kind, 0, 0, len(data))
        read.append((box.kind, _parsed(io.BytesIO(data), memoryview(data), whole, 1, counted)))
    index = next(node for kind, node in read if kind == b"moov")
    return index, [node for kind, node in read if kind == b"moof"]


def _parsed(stream: BinaryIO, data: memoryview, box: Box, depth: int, counted: Iterator[int]) -> _Node:
    node = _Node(data[box.content : box.end])
    if box.kind not in CONTAINERS:
        return node
    if depth > MAX_DEPTH:
        raise Mp4Error(f"its boxes are nested more than {MAX_DEPTH} levels deep")
    for child in boxes(stream, box.content, box.end):
        if next(counted) > MAX_BOXES:
            raise Mp4Error(f"it has more than {MAX_BOXES} boxes")
        node.children.append((child.kind, _parsed(stream, data, child, depth + 1, counted)))
    return node


def _number(content: memoryview, place: int) -> int:
    number: int = struct.unpack_from(">I", content, place)[0]
    return number


def _check_count(count: int) -> None:
    if count > MAX_SAMPLES:
        raise Mp4Error(f"its index lists more than {MAX_SAMPLES} frames")


# --- one track ----------------------------------------------------------------------------------


def _check_sides(track: _Node) -> None:
    """Check the size of the frames in the sample description (8.5.2, 12.1.3)."""
    description = track.one(b"mdia", b"minf", b"stbl", b"stsd")
    if not _number(description, 4):
        raise Mp4Error("its video track does not say how it is encoded")
    width, height = struct.unpack_from(">HH", description, 8 + 32)
    if not 0 < width * height <= MAX_PIXELS:
        raise Mp4Error(f"its frames have {width} x {height} pixels")


def _samples_of(track: _Node, size: int) -> int:
    """How many samples the track's own tables list (8.7). Raises Mp4Error when some lie outside the file."""
    table = track.all(b"mdia", b"minf", b"stbl")[0]
    sizes = _sample_sizes(table)
    if not sizes:
        return 0
    ends = [0, *itertools.accumulate(sizes)]
    if not ends[-1]:
        raise Mp4Error("its frames are empty")
    place = 0
    for offset, count in zip(_chunk_offsets(table), _chunk_lengths(table), strict=False):
        following = min(place + count, len(sizes))
        if offset + ends[following] - ends[place] > size:
            raise Mp4Error("its index refers to frames after the end of the file")
        place = following
    if place < len(sizes):
        raise Mp4Error(f"its index does not say where {len(sizes) - place} frames are")
    return len(sizes)


def _sample_sizes(table: _Node) -> Sequence[int]:
    """The bytes of each sample (8.7.3)."""
    is_compact = bool(table.all(b"stz2"))
    content = table.one(b"stz2" if is_compact else b"stsz")
    common, count = _number(content, 4), _number(content, 8)
    _check_count(count)
    if not is_compact:
        return [common] * count if common else struct.unpack_from(f">{count}I", content, 12)
    if common == 4:  # Bits.
        both = struct.unpack_from(f">{(count + 1) // 2}B", content, 12)
        return [half for byte in both for half in (byte >> 4, byte & 15)][:count]
    if common not in (8, 16):
        raise Mp4Error("its index has sizes in an unknown format")
    return struct.unpack_from(f">{count}{'B' if common == 8 else 'H'}", content, 12)


def _chunk_offsets(table: _Node) -> Sequence[int]:
    """Where each chunk of samples begins in the file (8.7.5)."""
    is_long = bool(table.all(b"co64"))
    content = table.one(b"co64" if is_long else b"stco")
    count = _number(content, 4)
    _check_count(count)
    return struct.unpack_from(f">{count}{'Q' if is_long else 'I'}", content, 8)


def _chunk_lengths(table: _Node) -> Iterator[int]:
    """The number of samples in each chunk (8.7.4): runs of equal chunks, the last of them endless."""
    content = table.one(b"stsc")
    count = _number(content, 4)
    _check_count(count)
    runs = [struct.unpack_from(">II", content, 8 + 12 * number) for number in range(count)]
    for (first, samples), following in itertools.zip_longest(runs, runs[1:]):
        if following is None:
            yield from itertools.repeat(samples)
        elif following[0] <= first:
            raise Mp4Error("the chunks of its index are out of order")
        else:
            yield from itertools.repeat(samples, following[0] - first)


# --- movie fragments ----------------------------------------------------------------------------


def _fragment_samples_of(track: _Node, index: _Node, fragments: list[_Node], data_bytes: int) -> int:
    """How many samples of a track are in fragments (8.8). Raises Mp4Error when they need more data than the file has."""
    if not fragments:
        return 0
    header = track.one(b"tkhd")
    track_id = _number(header, 20 if header[0] == 1 else 12)
    defaults = [node.content for node in index.all(b"mvex", b"trex") if _number(node.content, 4) == track_id]
    common = _number(defaults[0], 16) if defaults else 0
    samples = used = 0
    for part in (part for fragment in fragments for part in fragment.all(b"traf")):
        head = part.one(b"tfhd")
        if _number(head, 4) != track_id:
            continue
        for run in part.all(b"trun"):
            sizes = _run_sizes(run.content, _common_size(head, common))
            samples += len(sizes)
            used += sum(sizes)
            _check_count(samples)
    if used > data_bytes:
        raise Mp4Error("its fragments refer to more data than it has")
    return samples if used else 0


def _common_size(header: memoryview, otherwise: int) -> int:
    """The default size of samples in this fragment (8.8.7)."""
    flags = _number(header, 0) & 0xFFFFFF
    if not flags & 0x10:
        return otherwise
    before = 8 * bool(flags & 0x1) + 4 * bool(flags & 0x2) + 4 * bool(flags & 0x8)
    return _number(header, 8 + before)


def _run_sizes(content: memoryview, common: int) -> Sequence[int]:
    """The bytes of each sample of a track run (8.8.8)."""
    flags, count = _number(content, 0) & 0xFFFFFF, _number(content, 4)
    _check_count(count)
    if not flags & 0x200:
        return [common] * count
    fields = [flag for flag in (0x100, 0x200, 0x400, 0x800) if flags & flag]
    start = 8 + 4 * bool(flags & 0x1) + 4 * bool(flags & 0x4)
    values = struct.unpack_from(f">{count * len(fields)}I", content, start)
    return values[fields.index(0x200) :: len(fields)]
