# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads glTF files (.gltf and .glb) and gives access to what they contain.

See the glTF 2.0 specification (Khronos, 2021, revision 2.0.1) and its ratified extensions. The contents of a file are
not trusted: a value of a wrong type counts as missing.
"""

import hashlib
import json
import os
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..files.input_files import open_regular
from ..files.writing import sha256_of
from ..messages.errors import InputError
from .counts import excess_of
from .json_values import Json, as_dict, as_dicts, as_texts, as_whole, is_integer
from .parts import MAX_GLB_BYTES, check_addresses, find_part, is_inline, read_part

VARIANTS = "KHR_materials_variants"
MAX_DEPTH = 256  # Levels of objects and lists; real files have about a dozen.
MAX_JSON_BYTES = 1 << 30  # A file may contain everything inline.
MAX_VALUES = 20_000_000  # Each takes about 100 bytes of memory; a million nodes have about ten each.
_LONE_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")  # Perhaps: a pair of them is one valid character.
FLOAT = 5126
COMPONENTS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}


@dataclass(frozen=True, slots=True)
class Layout:
    """Where an accessor of plain floats is in the bytes of a file."""

    offset: int
    stride: int
    shape: tuple[int, int]

    def of(self, binary: bytes | bytearray) -> NDArray[np.float32]:
        """The floats, of ``shape``; read-only if ``binary`` is."""
        return np.ndarray(self.shape, "<f4", binary, self.offset, (self.stride, 4))


@dataclass(frozen=True, slots=True)
class Gltf:
    """A glTF file: its JSON document, and the binary chunk of a GLB.

    ``folder`` contains the files that it refers to; None for a GLB, which refers to none.
    """

    name: str
    folder: Path | None
    document: Json
    binary: bytes

    def entries(self, name: str) -> list[Json]:
        """A list in the document, such as ``materials``; an entry of a wrong type becomes an empty one."""
        return as_dicts(self.document.get(name))

    @property
    def required(self) -> tuple[str, ...]:
        """The extensions that a reader must support."""
        return as_texts(self.document.get("extensionsRequired"))

    @property
    def used(self) -> tuple[str, ...]:
        """All extensions that the file declares."""
        return as_texts(self.document.get("extensionsUsed"))

    def view(self, index: object) -> bytes | None:
        """The bytes of a buffer view of the binary chunk; None for any other."""
        views = self.entries("bufferViews")
        if not is_integer(index) or not 0 <= index < len(views):
            return None
        view = views[index]
        start, length = view.get("byteOffset", 0), view.get("byteLength")
        is_here = view.get("buffer") == 0 and not as_dict(view.get("extensions"))
        if not is_here or not is_integer(start) or not is_integer(length) or start < 0:
            return None
        data = self.binary[start : start + length]
        return data if len(data) == length else None

    def image(self, index: object) -> bytes | None:
        """The contents of an image that is inside the file; None for any other."""
        images = self.entries("images")
        if not is_integer(index) or not 0 <= index < len(images):
            return None
        entry = images[index]
        if isinstance(address := entry.get("uri"), str):
            return read_part(address, None, self.name, max_bytes=MAX_GLB_BYTES)
        return self.view(entry.get("bufferView"))

    def floats(self, index: object) -> NDArray[np.float32] | None:
        """An accessor of plain floats, (count, components), read-only; None for any other."""
        layout = self.layout(index)
        return None if layout is None else layout.of(self.binary)

    def layout(self, index: object) -> Layout | None:
        """Where an accessor of plain floats is in ``binary``; None for any other accessor."""
        accessors = self.entries("accessors")
        if not is_integer(index) or not 0 <= index < len(accessors):
            return None
        accessor = accessors[index]
        width, count = COMPONENTS.get(str(accessor.get("type"))), accessor.get("count")
        if width is None or accessor.get("componentType") != FLOAT or "sparse" in accessor:
            return None
        data, offset = self.view(accessor.get("bufferView")), as_whole(accessor.get("byteOffset"))
        if data is None or not is_integer(count) or count < 1:
            return None
        view = self.entries("bufferViews")[accessor["bufferView"]]
        stride = view.get("byteStride") or width * 4
        if not is_integer(stride) or stride < 1 or offset + stride * (count - 1) + width * 4 > len(data):
            return None
        return Layout(offset + as_whole(view.get("byteOffset")), stride, (count, width))

    def size_of_buffers(self) -> int:
        """The bytes of all buffers that are inside the document, or in files next to it: at least so many."""
        addresses = [buffer.get("uri") for buffer in self.entries("buffers")]
        return sum(self._size_of(address) for address in addresses if isinstance(address, str))

    def _size_of(self, address: str) -> int:
        if is_inline(address):
            return len(address)
        part = find_part(address, self.folder, self.name)
        return part.stat().st_size if part else MAX_GLB_BYTES  # That it is missing is reported later.

    def primitives(self) -> Iterator[tuple[Json, Json]]:
        """Every primitive, with the mesh that it belongs to."""
        for mesh in self.entries("meshes"):
            for primitive in as_dicts(mesh.get("primitives")):
                yield mesh, primitive

    def meshes_without_normals(self) -> set[int]:
        """The indices of meshes without any normals."""
        found = set()
        for number, mesh in enumerate(self.entries("meshes")):
            parts = [as_dict(primitive.get("attributes")) for primitive in as_dicts(mesh.get("primitives"))]
            if parts and not any("NORMAL" in attributes for attributes in parts):
                found.add(number)
        return found

    def variants(self) -> tuple[str, ...]:
        """The names of the material variants, in the file's order."""
        table = as_dict(as_dict(self.document.get("extensions")).get(VARIANTS))
        return tuple(str(entry.get("name", "")) for entry in as_dicts(table.get("variants")))

    def glb(self) -> bytes:
        """The file as GLB. Raises InputError when it refers to other files, or is too large for a GLB."""
        document = dict(self.document)
        buffers = self.entries("buffers")
        if self.binary:
            if not buffers or buffers[0].get("uri"):
                raise InputError(f"{self.name} refers to other files.")
            document["buffers"] = [{**buffers[0], "byteLength": len(self.binary)}, *buffers[1:]]
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)
        chunks = struct.pack("<I4s", len(text), b"JSON") + text
        if 28 + len(chunks) + len(self.binary) > MAX_GLB_BYTES:  # With headers and padding.
            raise too_large(self.name)
        if self.binary:
            padding = b"\0" * (-len(self.binary) % 4)
            length = len(self.binary) + len(padding)
            chunks += struct.pack("<I4s", length, b"BIN\0") + self.binary + padding
        return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def too_large(name: str) -> InputError:
    """The error for a file that does not fit into a GLB."""
    return InputError(
        f"{name} with all its parts exceeds the maximum size of a GLB, 4 GiB.",
        hint="Export it with smaller textures or fewer triangles.",
    )


class DamagedGltfError(InputError):
    """A file that is not valid glTF."""


def read_gltf(path: Path, *, name: str = "", without_binary: bool = False) -> Gltf:
    """Read a .gltf or .glb file. ``name`` is its name in messages.

    With ``without_binary`` the binary chunk of a GLB is not read.
    Raises DamagedGltfError for an invalid file, and InputError when it refers to a file that may not be read.
    """
    name = name or path.name
    is_glb = path.suffix.lower() == ".glb"
    binary = b""
    with open_regular(path.resolve(), follows_links=False) as stream:
        size = file_size = os.fstat(stream.fileno()).st_size
        if is_glb:  # Chunks follow the file header: length, type, contents.
            head = stream.read(20)
            size = min(size, int.from_bytes(head[12:16], "little"))
        if size > MAX_JSON_BYTES:
            raise InputError(
                f"The JSON in {name} has {size:,} bytes; the maximum is {MAX_JSON_BYTES:,}.",
                hint="Export it as GLB.",
            )
        text = stream.read(size)
        if is_glb and not without_binary and (head := stream.read(8))[4:] == b"BIN\0":
            binary = stream.read(int.from_bytes(head[:4], "little"))
    document = _document_in(text, name)
    folder = None if is_glb else path.parent
    check_addresses(document, folder, name)
    gltf = Gltf(name, folder, document, binary)
    if excess := excess_of(document, file_size if is_glb else gltf.size_of_buffers()):
        raise DamagedGltfError(f"{name} is damaged: {excess}.", hint="Export it again.")
    return gltf


def _document_in(text: bytes, name: str) -> Json:
    """The document in ``text``. Raises DamagedGltfError."""
    if text.count(b",") > MAX_VALUES:
        raise DamagedGltfError(
            f"The JSON in {name} has more than {MAX_VALUES:,} values.", hint="Export it again."
        )
    try:
        decoded = text.decode(json.detect_encoding(text))
        document: Any = json.loads(decoded.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise DamagedGltfError(
            f"{name} is damaged: its glTF document is not valid JSON.", hint="Export it again."
        ) from error
    if not isinstance(document, dict) or not isinstance(document.get("asset"), dict):
        raise DamagedGltfError(f"{name} is not a glTF file: it has no asset entry.", hint="Export it again.")
    if _is_nested_deeply(document):
        raise DamagedGltfError(
            f"{name} is damaged: its glTF document is nested more than {MAX_DEPTH} levels deep.",
            hint="Export it again.",
        )
    if _LONE_SURROGATE.search(decoded):
        whole: Json = json.loads(json.dumps(document, ensure_ascii=False).encode(errors="replace"))
        return whole
    return document


def _is_nested_deeply(document: Json) -> bool:
    """Is the document deeper than recursive functions can go in Python?"""
    level: list[Any] = [document]
    for _depth in range(MAX_DEPTH):
        inside = (item for value in level for item in (value.values() if isinstance(value, dict) else value))
        level = [item for item in inside if isinstance(item, dict | list)]
        if not level:
            return False
    return True


def parts_beside(path: Path) -> list[Path]:
    """The existing files that a .gltf file refers to, each once; empty for any other kind of file.

    Raises InputError when it refers to a file that may not be read.
    """
    if path.suffix.lower() != ".gltf":
        return []
    try:
        gltf = read_gltf(path)
    except DamagedGltfError:
        return []
    entries = [*gltf.entries("buffers"), *gltf.entries("images")]
    addresses = {address for entry in entries if isinstance(address := entry.get("uri"), str)}
    found = (find_part(address, gltf.folder, gltf.name) for address in sorted(addresses))
    return list(dict.fromkeys(part for part in found if part is not None))


def sha256_of_source(path: Path) -> str:
    """Hex SHA-256 of a file; for a .gltf file with parts next to it, of all of them together."""
    parts = parts_beside(path)
    if not parts:
        return sha256_of(path)
    hashes = [sha256_of(file) for file in (path, *parts)]
    return hashlib.sha256("\n".join(hashes).encode()).hexdigest()
