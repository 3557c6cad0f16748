# SPDX-License-Identifier: GPL-3.0-or-later
"""The libraries that a .blend file links, read without Blender, and the places that its paths lead to.

Blender opens linked libraries while it loads a file, so they must be known first. The layout of a .blend file is
that of Blender's ``BLO_core_file_reader.hh`` and ``dna_genfile.cc``: a header, blocks that each begin with their length,
and one block (``DNA1``) that describes all structures.
"""

import gzip
import importlib
import os
import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..messages.errors import InputError
from .enclosed import OutsideError, is_in, shown
from .input_files import open_regular

HINT = (
    "Pack it into the file (File, External Data), move it to the folder of the file, or allow its folder as external "
    "data."
)
GZIP_MAGIC, ZSTD_MAGIC = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
MAX_UNPACKED_BYTES = 1 << 36  # Bytes of a file that is stored compressed.
MAX_LIBRARY_BYTES = 1 << 20
MAX_DNA_BYTES = 1 << 26
MIN_PATH_LENGTH = 256  # The path of a library has room for 1,024 bytes; its other texts have less.
SKIPPED_AT_ONCE = 1 << 20
_DRIVE = re.compile(r"([A-Za-z]):[/\\]")


def blender_path(text: str, folder: Path) -> Path | None:
    """Where Blender looks for what a .blend file in ``folder`` calls ``text``; None on another machine (``\\\\host\\…``).

    ``//`` stands for ``folder``. Outside Windows a drive is a folder below the root, as Blender reads it.
    """
    if text.startswith("\\\\"):
        return None
    plain = text.replace("\\", "/")
    if plain.startswith("//"):
        return folder / plain[2:].lstrip("/")
    if os.name != "nt" and (drive := _DRIVE.match(text)):
        return Path("/", drive[1].lower(), plain[3:])
    return Path(plain).absolute()


def is_enclosed(text: str, folder: Path, allowed: Sequence[Path]) -> bool:
    """Whether the path ``text`` of a .blend file in ``folder`` leads into an ``allowed`` folder, links followed."""
    path = blender_path(text, folder)
    try:
        return path is not None and is_in(path.resolve(), allowed)
    except (OSError, ValueError, RuntimeError):  # Not a possible file name.
        return False


def check_libraries(path: Path, allowed: Sequence[Path]) -> None:
    """Raises InputError when a .blend file, or a library that it links, links one outside the ``allowed`` folders.

    A missing library is ignored. A device or a pipe in its place would block Blender and is refused.
    """
    waiting, seen = [path], {path.resolve()}
    while waiting:
        owner = waiting.pop()
        for text in linked_libraries(owner):
            found = blender_path(text, owner.parent)
            if found is None or not is_enclosed(text, owner.parent, allowed):
                raise OutsideError(
                    f"{owner.name} links {shown(text)}, which is outside its folder.", hint=HINT
                )
            if found.exists() and not found.is_file():
                raise InputError(f"{owner.name} links {shown(text)}, which is not a regular file.", hint=HINT)
            if found.is_file() and found.resolve() not in seen:
                seen.add(found.resolve())
                waiting.append(found)


def linked_libraries(path: Path) -> list[str]:
    """The paths of the libraries that a .blend file links, exactly as it stores them.

    Raises InputError when the file cannot be read.
    """
    try:
        with _unpacked(path) as stream:
            return _libraries_in(stream)
    except (EOFError, OSError, ValueError, IndexError, struct.error, zlib.error) as error:
        raise InputError(
            f"{path.name} is not a Blender file, or is damaged.", hint="Save it again."
        ) from error


@contextmanager
def _unpacked(path: Path) -> Iterator[BinaryIO]:
    """The uncompressed content. Raises InputError when it is compressed in a way that cannot be read here."""
    with open_regular(path.resolve(), follows_links=False) as raw:
        magic = raw.read(4)
        raw.seek(0)
        if magic.startswith(GZIP_MAGIC):
            with gzip.open(raw) as stream:
                yield stream  # type: ignore[misc]  # It is only read.
        elif magic == ZSTD_MAGIC:
            yield _zstd_stream(raw, path.name)
        else:
            yield raw


def _zstd_stream(raw: BinaryIO, name: str) -> BinaryIO:
    """Blender has the package ``zstandard`` since 4.5, and Python a module since 3.14."""
    try:
        reader: BinaryIO = importlib.import_module("compression.zstd").ZstdFile(raw)
    except ImportError:
        pass
    else:
        return reader
    try:
        package = importlib.import_module("zstandard")
    except ImportError as error:
        raise InputError(
            f"{name} is compressed, and this version of Blender cannot inspect it before opening it.",
            hint="Save it without Compress, or use Blender 4.5 or newer.",
        ) from error
    unpacked: BinaryIO = package.ZstdDecompressor().stream_reader(raw, read_across_frames=True)
    return unpacked


@dataclass(frozen=True, slots=True)
class _Layout:
    """The layout of a block's header, and of numbers in the file."""

    order: str
    pointer: int
    block: struct.Struct
    is_large: bool

    def block_head(self, data: bytes) -> tuple[bytes, int, int]:
        """Code, length and number of the structure."""
        values = self.block.unpack(data)
        code, length, structure = (
            (values[0], values[3], values[1]) if self.is_large else (*values[:2], values[3])
        )
        if length < 0:
            raise ValueError("a block of negative length")
        return code, length, structure


def _layout_in(stream: BinaryIO) -> _Layout:
    head = stream.read(12)
    if not head.startswith(b"BLENDER"):
        raise ValueError("no header")
    if head[7:8] in (b"_", b"-"):
        order, pointer = ("<" if head[8:9] == b"v" else ">"), (8 if head[7:8] == b"-" else 4)
        return _Layout(order, pointer, struct.Struct(f"{order}4si{'Q' if pointer == 8 else 'I'}ii"), False)
    size, version = int(head[7:9]), int(head[10:12])
    if version != 1:
        raise ValueError("an unknown version of the format")
    stream.read(size - len(head))
    return _Layout("<", 8, struct.Struct("<4siQqq"), True)


def _libraries_in(stream: BinaryIO) -> list[str]:
    layout = _layout_in(stream)
    libraries: list[tuple[int, bytes]] = []
    description = b""
    total = 0
    while len(head := stream.read(layout.block.size)) == layout.block.size:
        code, length, structure = layout.block_head(head)
        if code == b"ENDB":
            break
        total += length
        if total > MAX_UNPACKED_BYTES:
            raise ValueError("too large")
        if code == b"DNA1":
            description = _read(stream, length, MAX_DNA_BYTES)
        elif code == b"LI\0\0":
            libraries.append((structure, _read(stream, length, MAX_LIBRARY_BYTES)))
        else:
            _skip(stream, length)
    if not libraries:
        return []
    number, members = _texts_of_libraries(description, layout)
    if any(structure != number for structure, _data in libraries):
        raise ValueError("a library block of another type")
    found = (data[start : start + size] for _structure, data in libraries for start, size in members)
    return [os.fsdecode(text.partition(b"\0")[0]) for text in found if text.partition(b"\0")[0]]


def _read(stream: BinaryIO, length: int, most: int) -> bytes:
    if length > most:
        raise ValueError("a block that is too large")
    data = stream.read(length)
    if len(data) < length:
        raise EOFError
    return data


def _skip(stream: BinaryIO, length: int) -> None:
    while length:
        data = stream.read(min(length, SKIPPED_AT_ONCE))
        if not data:
            raise EOFError
        length -= len(data)


def _texts_of_libraries(description: bytes, layout: _Layout) -> tuple[int, list[tuple[int, int]]]:
    """The index of the structure Library, and the offset and length of each long text in it.

    Raises ValueError when there is no such structure.
    """
    dna = _Description(description, layout)
    for number, (kind, fields) in enumerate(dna.structures):
        if dna.types[kind] != b"Library":
            continue
        place, members = 0, []
        for field, name in fields:
            size = dna.size_of(field, dna.names[name])
            if dna.types[field] == b"char" and size >= MIN_PATH_LENGTH:
                members.append((place, size))
            place += size
        return number, members
    raise ValueError("no description of libraries")


class _Description:
    """The structures that a ``DNA1`` block describes: for each its type, and the type and name of its members."""

    def __init__(self, data: bytes, layout: _Layout) -> None:
        self._data = data
        self._place = 4  # After "SDNA".
        self._order = layout.order
        self._pointer = layout.pointer
        self.names = self._words(b"NAME")
        self.types = self._words(b"TYPE")
        self._expect(b"TLEN")
        self._sizes = self._shorts(len(self.types))
        self._expect(b"STRC")
        self.structures: list[tuple[int, list[tuple[int, int]]]] = []
        for _structure in range(self._count()):
            kind, count = self._shorts(2)
            numbers = self._shorts(2 * count)
            self.structures.append((kind, list(zip(numbers[::2], numbers[1::2], strict=True))))

    def size_of(self, kind: int, name: bytes) -> int:
        """The size in bytes of a member: a pointer, a value, or an array of either."""
        is_pointer = name.startswith((b"*", b"("))
        size = self._pointer if is_pointer else self._sizes[kind]
        for count in re.findall(rb"\[(\d+)\]", name):
            size *= int(count)
        return size

    def _words(self, mark: bytes) -> list[bytes]:
        self._expect(mark)
        count = self._count()
        words = self._data[self._place :].split(b"\0", count)[:count]
        self._place += sum(len(word) + 1 for word in words)
        return words

    def _expect(self, mark: bytes) -> None:
        self._place += -self._place % 4
        if self._data[self._place : self._place + 4] != mark:
            raise ValueError("a damaged description")
        self._place += 4

    def _count(self) -> int:
        (count,) = struct.unpack_from(f"{self._order}i", self._data, self._place)
        self._place += 4
        if not 0 <= count <= len(self._data):
            raise ValueError("a damaged description")
        return int(count)

    def _shorts(self, count: int) -> tuple[int, ...]:
        numbers = struct.unpack_from(f"{self._order}{count}h", self._data, self._place)
        self._place += 2 * count
        return numbers
