# SPDX-License-Identifier: GPL-3.0-or-later
"""glTF files as they are: read, packed into one GLB without losing anything, a material variant chosen.

After the glTF 2.0 specification (Khronos, 2021, revision 2.0.1) and its ratified extensions. What a file
holds is not trusted: a wrong type counts as missing.
"""

import base64
import binascii
import hashlib
import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from .errors import InputError
from .files import copy_atomically, sha256_of, write_atomically

Json = dict[str, Any]

VARIANTS = "KHR_materials_variants"
COMPRESSED_VIEWS = ("EXT_meshopt_compression", "KHR_meshopt_compression")  # Name a buffer of their own.
# Pictures by their first bytes: nothing else that a file names is read into the product.
PICTURE_MAGICS = {
    b"\x89PNG": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"RIFF": "image/webp",
    b"\xabKTX 20": "image/ktx2",
    b"DDS ": "image/vnd-ms.dds",
    b"GIF8": "image/gif",
    b"BM": "image/bmp",
    b"II*\0": "image/tiff",
    b"MM\0*": "image/tiff",
}
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
    """A glTF file: its description, and the bytes that are in the file itself (of a GLB)."""

    name: str
    folder: Path
    document: Json
    binary: bytes

    def entries(self, name: str) -> list[Json]:
        """A list of the document, like ``materials``; an entry of a wrong type is an empty one."""
        return _dicts(self.document.get(name))

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
        if not isinstance(index, int) or not 0 <= index < len(views):
            return None
        view = views[index]
        start, length = view.get("byteOffset", 0), view.get("byteLength")
        is_here = view.get("buffer") == 0 and not _dict(view.get("extensions"))
        if not is_here or not isinstance(start, int) or not isinstance(length, int) or start < 0:
            return None
        data = self.binary[start : start + length]
        return data if len(data) == length else None

    def image(self, index: object) -> bytes | None:
        """The file of an image that is inside; None when it is not."""
        images = self.entries("images")
        if not isinstance(index, int) or not 0 <= index < len(images):
            return None
        entry = images[index]
        if isinstance(entry.get("uri"), str):
            return _data_of(entry["uri"])
        return self.view(entry.get("bufferView"))

    def floats(self, index: object) -> NDArray[np.float32] | None:
        """An accessor of plain floats, (count, components), read-only; None for any other."""
        layout = self._layout(index)
        return None if layout is None else layout.of(self.binary)

    def _layout(self, index: object) -> "_Layout | None":
        accessors = self.entries("accessors")
        if not isinstance(index, int) or not 0 <= index < len(accessors):
            return None
        accessor = accessors[index]
        width, count = COMPONENTS.get(str(accessor.get("type"))), accessor.get("count")
        if width is None or accessor.get("componentType") != FLOAT or "sparse" in accessor:
            return None
        data, offset = self.view(accessor.get("bufferView")), _whole(accessor.get("byteOffset"))
        if data is None or not isinstance(count, int) or count < 1:
            return None
        view = self.entries("bufferViews")[accessor["bufferView"]]
        stride = view.get("byteStride") or width * 4
        if not isinstance(stride, int) or offset + stride * (count - 1) + width * 4 > len(data):
            return None
        return _Layout(offset + _whole(view.get("byteOffset")), stride, (count, width))

    def primitives(self) -> Iterator[tuple[Json, Json]]:
        """Each mesh with each of its primitives."""
        for mesh in self.entries("meshes"):
            for primitive in _dicts(mesh.get("primitives")):
                yield mesh, primitive

    def meshes_without_normals(self) -> set[int]:
        """The meshes none of whose parts have normals."""
        found = set()
        for number, mesh in enumerate(self.entries("meshes")):
            parts = [_dict(primitive.get("attributes")) for primitive in _dicts(mesh.get("primitives"))]
            if parts and not any("NORMAL" in attributes for attributes in parts):
                found.add(number)
        return found

    def variants(self) -> tuple[str, ...]:
        """The names of the material variants, in the file's order."""
        table = _dict(_dict(self.document.get("extensions")).get(VARIANTS))
        return tuple(str(entry.get("name", "")) for entry in _dicts(table.get("variants")))

    def glb(self) -> bytes:
        """The file as GLB. Raises InputError when parts of it lie outside."""
        document = dict(self.document)
        buffers = self.entries("buffers")
        if self.binary:
            if not buffers or buffers[0].get("uri"):
                raise InputError(f"{self.name} has parts outside of it.")
            document["buffers"] = [{**buffers[0], "byteLength": len(self.binary)}, *buffers[1:]]
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)
        chunks = struct.pack("<I4s", len(text), b"JSON") + text
        if self.binary:
            padding = b"\0" * (-len(self.binary) % 4)
            length = len(self.binary) + len(padding)
            chunks += struct.pack("<I4s", length, b"BIN\0") + self.binary + padding
        return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def read_gltf(path: Path, *, name: str = "", only_words: bool = False) -> Gltf:
    """A .gltf or .glb file. ``name`` is what messages call it.

    ``only_words`` leaves the bytes of a GLB on the disk, where its description is enough.
    Raises InputError when it is none.
    """
    name = name or path.name
    binary = b""
    with path.open("rb") as stream:
        if path.suffix.lower() == ".glb":  # After the file header stand chunks: length, type, content.
            head = stream.read(20)
            text = stream.read(int.from_bytes(head[12:16], "little"))
            head = b"" if only_words else stream.read(8)
            if head[4:] == b"BIN\0":
                binary = stream.read(int.from_bytes(head[:4], "little"))
        else:
            text = stream.read()
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{name} is damaged: its glTF description is no JSON.", hint="Export it again."
        ) from error
    if not isinstance(document, dict) or not isinstance(document.get("asset"), dict):
        raise InputError(f"{name} is not a glTF file: it has no asset entry.", hint="Export it again.")
    return Gltf(name, path.parent, document, binary)


def parts_beside(path: Path) -> list[Path]:
    """The files outside of a .gltf that it names and that are there, each once; of any other file none."""
    if path.suffix.lower() != ".gltf":
        return []
    try:
        gltf = read_gltf(path)
    except InputError:
        return []
    uris = (entry.get("uri") for name in ("buffers", "images") for entry in gltf.entries(name))
    outside = {uri for uri in uris if isinstance(uri, str) and _is_outside(uri) and _found(path.parent, uri)}
    return [path.parent / unquote(uri) for uri in sorted(outside)]


def sha256_of_source(path: Path) -> str:
    """Hex SHA-256 of a file's bytes; of a .gltf with parts beside it, of all of them."""
    parts = parts_beside(path)
    if not parts:
        return sha256_of(path)
    hashes = [sha256_of(file) for file in (path, *parts)]
    return hashlib.sha256("\n".join(hashes).encode()).hexdigest()


def is_whole(gltf: Gltf) -> bool:
    """Does the file hold all its parts that can be found? A copy of it is then as good as itself."""
    parts = [*gltf.entries("images"), *gltf.entries("buffers")]
    addresses = [uri for part in parts if isinstance(uri := part.get("uri"), str)]
    # A part that is missing anyway is reported by the studio; taking it out would only lose its name.
    return not any(_is_outside(uri) and _found(gltf.folder, uri) for uri in addresses)


def packed(gltf: Gltf) -> Gltf:
    """The same with all parts that it names beside it, as one file: nothing is decoded, nothing is lost.

    Pictures that are missing stay as they are named. Raises InputError when geometry is missing.
    """
    document = json.loads(json.dumps(gltf.document))
    binary = bytearray()
    places: dict[int, tuple[int, int]] = {}  # Buffer to its new buffer and the offset therein.
    others: list[Json] = []
    for number, buffer in enumerate(gltf.entries("buffers")):
        data = _buffer_data(gltf, number, buffer)
        if data is None:  # Nothing stands in it: what a decoder writes into.
            others.append(buffer)
            places[number] = (len(others), 0)
        else:
            places[number] = (0, len(binary))
            binary += data + b"\0" * (-len(data) % 4)
    for view in _dicts(document.get("bufferViews")):
        extensions = _dict(view.get("extensions"))
        for place in (view, *(_dict(extensions.get(name)) for name in COMPRESSED_VIEWS)):
            if place.get("buffer") in places:
                place["buffer"], offset = places[place["buffer"]]
                place["byteOffset"] = _whole(place.get("byteOffset")) + offset
    for entry in _dicts(document.get("images")):
        uri = entry.get("uri")
        picture = _picture(gltf.folder, uri) if isinstance(uri, str) else None
        if picture is None:
            continue
        entry.setdefault("name", Path(unquote(str(uri))).stem if _is_outside(str(uri)) else "Image")
        del entry["uri"]
        entry["mimeType"] = _media_type(picture)
        views = document.setdefault("bufferViews", [])
        entry["bufferView"] = len(views)
        views.append({"buffer": 0, "byteOffset": len(binary), "byteLength": len(picture)})
        binary += picture + b"\0" * (-len(picture) % 4)
    document["buffers"] = [{"byteLength": len(binary)}, *others]
    return Gltf(gltf.name, gltf.folder, document, bytes(binary))


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
        table = _dict(_dict(primitive.get("extensions")).pop(VARIANTS, None))
        for mapping in _dicts(table.get("mappings")):
            numbers = mapping.get("variants")
            if isinstance(numbers, list) and number in numbers:
                primitive["material"] = mapping.get("material")
    _dict(document.get("extensions")).pop(VARIANTS, None)
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
    nodes, scenes = _dicts(document.get("nodes")), _dicts(document.get("scenes"))
    number = _whole(document.get("scene"))
    if number >= len(scenes):
        return gltf
    seen: set[int] = set()
    waiting = _indices(scenes[number].get("nodes"), nodes)
    while waiting:
        index = waiting.pop()
        visibility = _dict(_dict(nodes[index].get("extensions")).get("KHR_node_visibility"))
        if index in seen or visibility.get("visible") is False:
            continue
        seen.add(index)
        waiting += _indices(nodes[index].get("children"), nodes)
    for index, node in enumerate(nodes):
        if index not in seen:
            node.pop("mesh", None)
            _dict(node.get("extensions")).pop("EXT_mesh_gpu_instancing", None)
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
        index = _dict(primitive.get("attributes")).get("POSITION")
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
        for number, entry in enumerate(_dicts(document.get(kind))):
            entry["extras"] = {**_dict(entry.get("extras")), tag: number}
    document["extensionsRequired"] = list(required)
    document["extensionsUsed"] = [*dict.fromkeys((*gltf.used, *required))]
    return Gltf(gltf.name, gltf.folder, document, gltf.binary)


def save_glb(source: Path, target: Path, *, variant: str = "", name: str = "") -> None:
    """Write a .gltf or .glb file as one whole GLB, in the materials of ``variant`` when one is named.

    ``name`` is what messages call the file. Raises InputError as ``packed`` and ``with_variant``.
    """
    gltf = read_gltf(source, name=name)
    is_one_file = source.suffix.lower() == ".glb" and is_whole(gltf)
    if is_one_file and not variant:
        copy_atomically(source, target)
        return
    chosen = with_variant(gltf, variant) if variant else gltf
    write_atomically(target, (chosen if is_one_file else packed(chosen)).glb())


def _buffer_data(gltf: Gltf, number: int, buffer: Json) -> bytes | None:
    uri = buffer.get("uri")
    if not isinstance(uri, str):
        return gltf.binary if number == 0 and gltf.binary else None
    data = _data_of(uri) if not _is_outside(uri) else _read_beside(gltf.folder, uri)
    if data is None:
        raise InputError(
            f"{gltf.name} cannot be read: its part {uri[:80]!r} is missing.",
            hint="Put it beside the file, or export one GLB.",
        )
    return data


def _picture(folder: Path, uri: str) -> bytes | None:
    data = _read_beside(folder, uri) if _is_outside(uri) else _data_of(uri)
    is_targa = Path(unquote(uri)).suffix.lower() == ".tga"  # A format without first bytes of its own.
    return data if data is not None and (_media_type(data) or is_targa) else None


def _media_type(data: bytes) -> str:
    return next((kind for magic, kind in PICTURE_MAGICS.items() if data.startswith(magic)), "")


def _is_outside(uri: str) -> bool:
    return not uri.startswith("data:")


def _found(folder: Path, uri: str) -> bool:
    try:
        return (folder / unquote(uri)).is_file()
    except (OSError, ValueError):  # Too long, or with a zero byte.
        return False


def _read_beside(folder: Path, uri: str) -> bytes | None:
    try:
        return (folder / unquote(uri)).read_bytes() if _found(folder, uri) else None
    except OSError:
        return None


def _data_of(uri: str) -> bytes | None:
    """What a ``data:`` address holds."""
    head, comma, text = uri.partition(",")
    if not comma:
        return None
    try:
        return base64.b64decode(text) if head.endswith(";base64") else unquote(text).encode("latin-1")
    except (binascii.Error, ValueError):
        return None


def _indices(value: object, entries: list[Json]) -> list[int]:
    numbers = value if isinstance(value, list) else []
    return [number for number in numbers if isinstance(number, int) and 0 <= number < len(entries)]


def _dict(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _dicts(value: object) -> list[Json]:
    return [_dict(item) for item in value] if isinstance(value, list) else []


def _texts(value: object) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def _whole(value: object) -> int:
    return value if isinstance(value, int) and value >= 0 else 0
