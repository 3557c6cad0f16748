# SPDX-License-Identifier: GPL-3.0-or-later
"""glTF files as they are: read, packed into one GLB without losing anything, a material variant chosen.

After the glTF 2.0 specification (Khronos, 2021, revision 2.0.1) and its ratified extensions. What a file
holds is not trusted: a wrong type counts as missing.
"""

import hashlib
import json
import os
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from ..files.input_files import open_regular
from ..files.writing import sha256_of
from ..messages.errors import InputError
from .parts import LARGEST_GLB, check_addresses, find_part, read_part

Json = dict[str, Any]

VARIANTS = "KHR_materials_variants"
MOST_NESTED = 256  # Levels of objects and lists; real files have about a dozen.
LARGEST_TEXT = 1 << 30  # Bytes of a description, in which everything may be inline.
MOST_VALUES = 20_000_000  # In a description: each takes about 100 bytes of memory. A million nodes have ten.
_LONE_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")  # Possibly: pairs of them are one character.
FLOAT = 5126
COMPONENTS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}
FARTHEST_M = 1e9  # Maps of the earth reach 1e7; products of larger numbers overflow in the renderer's floats.


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where plain floats stand in the bytes of a file."""

    offset: int
    stride: int
    shape: tuple[int, int]

    def of(self, binary: bytes | bytearray) -> NDArray[np.float32]:
        """The floats, read-only when the bytes are."""
        return np.ndarray(self.shape, "<f4", binary, self.offset, (self.stride, 4))


@dataclass(frozen=True, slots=True)
class Gltf:
    """A glTF file: its description, and the bytes that are in the file itself (of a GLB).

    ``folder`` is where its parts lie; None for a GLB, which reads nothing beside itself.
    """

    name: str
    folder: Path | None
    document: Json
    binary: bytes

    def entries(self, name: str) -> list[Json]:
        """A list of the document, like ``materials``; an entry of a wrong type is an empty one."""
        return as_dicts(self.document.get(name))

    @property
    def required(self) -> tuple[str, ...]:
        """The extensions without which the file cannot be understood."""
        return _texts(self.document.get("extensionsRequired"))

    @property
    def used(self) -> tuple[str, ...]:
        """All extensions that the file says it uses."""
        return _texts(self.document.get("extensionsUsed"))

    def view(self, index: object) -> bytes | None:
        """The bytes of a buffer view inside the file; None when they are not there."""
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
        """The file of an image that is inside; None when it is not."""
        images = self.entries("images")
        if not is_integer(index) or not 0 <= index < len(images):
            return None
        entry = images[index]
        if isinstance(address := entry.get("uri"), str):
            return read_part(address, None, self.name, max_bytes=LARGEST_GLB)
        return self.view(entry.get("bufferView"))

    def floats(self, index: object) -> NDArray[np.float32] | None:
        """An accessor of plain floats, (count, components), read-only; None for any other."""
        layout = self._layout(index)
        return None if layout is None else layout.of(self.binary)

    def _layout(self, index: object) -> "_Layout | None":
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
        return _Layout(offset + as_whole(view.get("byteOffset")), stride, (count, width))

    def primitives(self) -> Iterator[tuple[Json, Json]]:
        """Each mesh with each of its primitives."""
        for mesh in self.entries("meshes"):
            for primitive in as_dicts(mesh.get("primitives")):
                yield mesh, primitive

    def meshes_without_normals(self) -> set[int]:
        """The meshes none of whose parts have normals."""
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
        """The file as GLB. Raises InputError when parts of it lie outside, or when it is too large for a GLB."""
        document = dict(self.document)
        buffers = self.entries("buffers")
        if self.binary:
            if not buffers or buffers[0].get("uri"):
                raise InputError(f"{self.name} has parts outside of it.")
            document["buffers"] = [{**buffers[0], "byteLength": len(self.binary)}, *buffers[1:]]
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)
        chunks = struct.pack("<I4s", len(text), b"JSON") + text
        if 28 + len(chunks) + len(self.binary) > LARGEST_GLB:  # With headers and padding.
            raise too_large(self.name)
        if self.binary:
            padding = b"\0" * (-len(self.binary) % 4)
            length = len(self.binary) + len(padding)
            chunks += struct.pack("<I4s", length, b"BIN\0") + self.binary + padding
        return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def too_large(name: str) -> InputError:
    """The error for a file that no GLB can hold."""
    return InputError(
        f"{name} is larger with all its parts than the 4 GiB that a GLB can hold.",
        hint="Export it with smaller textures or fewer triangles.",
    )


class DamagedGltfError(InputError):
    """A file whose glTF description cannot be understood."""


def read_gltf(path: Path, *, name: str = "", only_words: bool = False) -> Gltf:
    """A .gltf or .glb file. ``name`` is what messages call it.

    ``only_words`` leaves the bytes of a GLB on the disk, where its description is enough.
    Raises DamagedGltfError when it is none, and InputError when it names a file that may not be read.
    """
    name = name or path.name
    is_glb = path.suffix.lower() == ".glb"
    binary = b""
    with open_regular(path.resolve(), follows_links=False) as stream:
        size = os.fstat(stream.fileno()).st_size
        if is_glb:  # After the file header stand chunks: length, type, content.
            head = stream.read(20)
            size = min(size, int.from_bytes(head[12:16], "little"))
        if size > LARGEST_TEXT:
            raise InputError(
                f"{name} has a glTF description of {size:,} bytes; the maximum is {LARGEST_TEXT:,}.",
                hint="Export it as GLB.",
            )
        text = stream.read(size)
        if is_glb and not only_words and (head := stream.read(8))[4:] == b"BIN\0":
            binary = stream.read(int.from_bytes(head[:4], "little"))
    document = _document_in(text, name)
    folder = None if is_glb else path.parent
    check_addresses(document, folder, name)
    return Gltf(name, folder, document, binary)


def _document_in(text: bytes, name: str) -> Json:
    """The description that stands in ``text``. Raises DamagedGltfError."""
    if text.count(b",") > MOST_VALUES:
        raise DamagedGltfError(
            f"{name} has more than {MOST_VALUES:,} values in its glTF description.", hint="Export it again."
        )
    try:
        words = text.decode(json.detect_encoding(text))
        document: Any = json.loads(words.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise DamagedGltfError(
            f"{name} is damaged: its glTF description is not valid JSON.", hint="Export it again."
        ) from error
    if not isinstance(document, dict) or not isinstance(document.get("asset"), dict):
        raise DamagedGltfError(f"{name} is not a glTF file: it has no asset entry.", hint="Export it again.")
    if _is_nested_deeply(document):
        raise DamagedGltfError(
            f"{name} is damaged: its glTF description is nested more than {MOST_NESTED} levels deep.",
            hint="Export it again.",
        )
    if _LONE_SURROGATE.search(words):
        whole: Json = json.loads(json.dumps(document, ensure_ascii=False).encode(errors="replace"))
        return whole
    return document


def _is_nested_deeply(document: Json) -> bool:
    """Functions that call themselves for each level would end with an error of Python."""
    level: list[Any] = [document]
    for _depth in range(MOST_NESTED):
        inside = (item for value in level for item in (value.values() if isinstance(value, dict) else value))
        level = [item for item in inside if isinstance(item, dict | list)]
        if not level:
            return False
    return True


def parts_beside(path: Path) -> list[Path]:
    """The files outside of a .gltf that it names and that are there, each once; of any other file none.

    Raises InputError when it names a file that may not be read.
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
    """Hex SHA-256 of a file's bytes; of a .gltf with parts beside it, of all of them."""
    parts = parts_beside(path)
    if not parts:
        return sha256_of(path)
    hashes = [sha256_of(file) for file in (path, *parts)]
    return hashlib.sha256("\n".join(hashes).encode()).hexdigest()


def with_variant(gltf: Gltf, variant: str) -> Gltf:
    """The same with the materials of a variant as its own ones (KHR_materials_variants).

    Raises InputError when it has no variant of that name; the sentence lists those that it has.
    """
    names = gltf.variants()
    if not names:
        raise InputError(f"{gltf.name} has no material variants.", hint="Leave --variant out.")
    known = variant if variant in names else None
    if known is None:
        alike = [name for name in names if name.casefold() == variant.casefold()]
        if len(set(alike)) != 1:
            listed = ", ".join(repr(name) for name in names)
            raise InputError(f"{gltf.name} has no variant {variant!r}.", hint=f"It has {listed}.")
        known = alike[0]
    return _settled(gltf, names.index(known))


def without_variants(gltf: Gltf) -> Gltf:
    """The same in its default materials, and no others to choose from."""
    return _settled(gltf, None)


def _settled(gltf: Gltf, number: int | None) -> Gltf:
    document = json.loads(json.dumps(gltf.document))
    settled = Gltf(gltf.name, gltf.folder, document, gltf.binary)
    for _mesh, primitive in settled.primitives():
        table = as_dict(as_dict(primitive.get("extensions")).pop(VARIANTS, None))
        for mapping in as_dicts(table.get("mappings")):
            numbers = mapping.get("variants")
            if isinstance(numbers, list) and number in numbers:
                primitive["material"] = mapping.get("material")
    as_dict(document.get("extensions")).pop(VARIANTS, None)
    for name in ("extensionsUsed", "extensionsRequired"):
        if isinstance(document.get(name), list):
            document[name] = [item for item in document[name] if item != VARIANTS]
    return settled


def without_unseen(gltf: Gltf) -> Gltf:
    """The same without the meshes of nodes that are in no scene to be shown, or switched off.

    Importers bring all nodes in. The scene to be shown is ``scene``, or the first one; a node is switched
    off by KHR_node_visibility, with all below it.
    """
    document = json.loads(json.dumps(gltf.document))
    nodes, scenes = as_dicts(document.get("nodes")), as_dicts(document.get("scenes"))
    number = as_whole(document.get("scene"))
    if number >= len(scenes):
        return gltf
    seen: set[int] = set()
    waiting = _indices(scenes[number].get("nodes"), nodes)
    while waiting:
        index = waiting.pop()
        visibility = as_dict(as_dict(nodes[index].get("extensions")).get("KHR_node_visibility"))
        if index in seen or visibility.get("visible") is False:
            continue
        seen.add(index)
        waiting += _indices(nodes[index].get("children"), nodes)
    for index, node in enumerate(nodes):
        if index not in seen:
            node.pop("mesh", None)
            as_dict(node.get("extensions")).pop("EXT_mesh_gpu_instancing", None)
    return Gltf(gltf.name, gltf.folder, document, gltf.binary)


def is_far(places: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which places (n, 3) are no numbers, or so far away that nothing can be photographed there, (n,)."""
    is_near: NDArray[np.bool_] = (np.abs(places) <= FARTHEST_M).all(axis=1)
    return ~is_near


def with_far_at(gltf: Gltf, place: float) -> Gltf:
    """The same with ``place`` for each coordinate of a vertex that ``is_far``.

    Importers put what is no number into the origin, where it can no longer be told from others.
    """
    binary = bytearray(gltf.binary)
    document = json.loads(json.dumps(gltf.document))
    for _mesh, primitive in gltf.primitives():
        index = as_dict(primitive.get("attributes")).get("POSITION")
        layout = gltf._layout(index)
        if layout is None or layout.shape[1] != 3:
            continue
        places = layout.of(binary)
        far = is_far(places)
        if far.any():
            places[far] = place
            for bound in ("min", "max"):  # No JSON when they are no numbers.
                document["accessors"][index].pop(bound, None)
    return Gltf(gltf.name, gltf.folder, document, bytes(binary))


def with_tags(gltf: Gltf, tag: str, *, required: tuple[str, ...]) -> Gltf:
    """For an importer: each mesh and material bears its number under ``tag`` in its extras.

    ``required`` are the only extensions that it then still requires.
    """
    document = json.loads(json.dumps(gltf.document))
    for kind in ("meshes", "materials"):
        for number, entry in enumerate(as_dicts(document.get(kind))):
            entry["extras"] = {**as_dict(entry.get("extras")), tag: number}
    document["extensionsRequired"] = list(required)
    document["extensionsUsed"] = [*dict.fromkeys((*gltf.used, *required))]
    return Gltf(gltf.name, gltf.folder, document, gltf.binary)


def _indices(value: object, entries: list[Json]) -> list[int]:
    numbers = value if isinstance(value, list) else []
    return [number for number in numbers if is_integer(number) and 0 <= number < len(entries)]


def as_dict(value: object) -> Json:
    """An object of the document; an empty one for a value of another type."""
    return value if isinstance(value, dict) else {}


def as_dicts(value: object) -> list[Json]:
    """A list of objects; an item of another type counts as an empty object."""
    return [as_dict(item) for item in value] if isinstance(value, list) else []


def _texts(value: object) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def as_whole(value: object) -> int:
    """A number of bytes; 0 for anything else."""
    return value if is_integer(value) and value >= 0 else 0


def is_integer(value: object) -> TypeGuard[int]:
    """Is it an integer of JSON? Python counts true and false as integers, too."""
    return isinstance(value, int) and not isinstance(value, bool)
