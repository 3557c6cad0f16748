# SPDX-License-Identifier: GPL-3.0-or-later
"""Packs a glTF file and all files that it refers to into one GLB, without decoding or losing anything."""

import json
from collections.abc import Mapping
from pathlib import Path

from ..files.enclosed import shown
from ..files.writing import copy_atomically, write_atomically
from ..messages.errors import InputError
from .colors import with_colors
from .document import Gltf, read_gltf, too_large
from .edits import with_variant, without_variants
from .json_values import Json, as_dict, as_dicts, as_whole, is_integer
from .parts import MAX_GLB_BYTES, addresses_in, is_inline, media_type, part_name, read_part, read_picture

COMPRESSED_VIEWS = (
    "EXT_meshopt_compression",
    "KHR_meshopt_compression",
)  # These refer to a buffer themselves.
# Replaces a missing picture: importers make a texture without pixels from it.
NO_PICTURE = "data:application/octet-stream;base64,AAAA"


def save_glb(
    source: Path, target: Path, *, variant: str = "", colors: Mapping[str, str] | None = None, name: str = ""
) -> None:
    """Write a .gltf or .glb file as one self-contained GLB, with the materials of ``variant`` if it is given.

    ``colors`` replace those of materials, by name. ``name`` is the name of the file in messages.
    Raises InputError as ``packed``, ``with_variant`` and ``with_colors``.
    """
    gltf = read_gltf(source, name=name)
    has_own_buffers = any("uri" in buffer for buffer in gltf.entries("buffers"))
    if source.suffix.lower() == ".glb" and not variant and not colors and not has_own_buffers:
        copy_atomically(source, target)
        return
    chosen = with_variant(gltf, variant) if variant else gltf
    if colors:
        chosen = with_colors(without_variants(chosen), colors)
    write_atomically(target, packed(chosen).glb())


def packed(gltf: Gltf) -> Gltf:
    """The file with the contents of all files that it refers to. Nothing is decoded, nothing is lost.

    References to missing pictures stay. Raises InputError when geometry is missing, and for a file that may not be read.
    """
    packing = _Packing(gltf)
    packing.take_buffers()
    packing.take_pictures()
    return packing.result()


def enclosed_copy(gltf: Gltf) -> Gltf:
    """The file for an importer, without any reference to another file, not even in unknown extensions.

    A missing picture becomes one without pixels, with the same name. Raises InputError as ``packed``.
    """
    entries = [*gltf.entries("buffers"), *gltf.entries("images")]
    whole = packed(gltf) if any("uri" in entry for entry in entries) else gltf
    document = json.loads(json.dumps(whole.document))
    for entry in as_dicts(document.get("images")):
        if (address := entry.pop("uri", None)) is not None:
            entry.setdefault("name", part_name(str(address)) or "Image")
            if "bufferView" not in entry:
                entry["mimeType"], entry["uri"] = "image/png", NO_PICTURE
    for entry in as_dicts(document.get("buffers")):
        entry.pop("uri", None)
    for holder, member, _address in list(addresses_in(document)):
        if holder.get(member) != NO_PICTURE:
            holder.pop(member, None)
    return Gltf(gltf.name, None, document, whole.binary)


class _Packing:
    """Moves the parts of a glTF document into one binary."""

    def __init__(self, gltf: Gltf) -> None:
        self._gltf = gltf
        self._document: Json = json.loads(json.dumps(gltf.document))
        self._binary = bytearray()
        self._others: list[Json] = []  # Buffers without bytes, into which decoders write.
        self._views: dict[str, int] = {}  # Buffer views of pictures, by address.

    def result(self) -> Gltf:
        self._document["buffers"] = [{"byteLength": len(self._binary)}, *self._others]
        return Gltf(self._gltf.name, None, self._document, bytes(self._binary))

    def take_buffers(self) -> None:
        """Move the bytes of all buffers into the first one. Raises InputError when some are missing."""
        places: list[tuple[int, int]] = []  # For each old buffer: its new buffer and the offset there.
        known: dict[str, tuple[int, int]] = {}
        for number, buffer in enumerate(self._gltf.entries("buffers")):
            address = buffer.get("uri")
            place = known.get(address) if isinstance(address, str) else None
            if place is None:
                data = self._buffer_data(number, buffer)
                if data is None:
                    self._others.append(buffer)
                place = (len(self._others), 0) if data is None else (0, self._add(data))
            if isinstance(address, str):
                known[address] = place
            places.append(place)
        for view in as_dicts(self._document.get("bufferViews")):
            extensions = as_dict(view.get("extensions"))
            for user in (view, *(as_dict(extensions.get(name)) for name in COMPRESSED_VIEWS)):
                old = user.get("buffer")
                if is_integer(old) and 0 <= old < len(places):
                    user["buffer"], offset = places[old]
                    user["byteOffset"] = as_whole(user.get("byteOffset")) + offset

    def take_pictures(self) -> None:
        """Move the pictures that exist into the first buffer."""
        views = self._document.get("bufferViews")
        self._document["bufferViews"] = views = views if isinstance(views, list) else []
        for entry in as_dicts(self._document.get("images")):
            address = entry.get("uri")
            if not isinstance(address, str):
                continue
            if address not in self._views:
                picture = read_picture(address, self._gltf.folder, self._gltf.name)
                if picture is None:
                    continue
                self._views[address] = len(views)
                views.append({"buffer": 0, "byteOffset": self._add(picture), "byteLength": len(picture)})
            view = self._views[address]
            name = "Image" if is_inline(address) else Path(part_name(address)).stem
            start = views[view]["byteOffset"]
            entry.setdefault("name", name)
            entry["mimeType"] = media_type(bytes(self._binary[start : start + 16]))
            entry["bufferView"] = view
            del entry["uri"]
        if not views:
            del self._document["bufferViews"]

    def _add(self, data: bytes) -> int:
        """Append ``data``; returns its offset."""
        offset = len(self._binary)
        if offset + len(data) > MAX_GLB_BYTES:
            raise too_large(self._gltf.name)
        self._binary += data + b"\0" * (-len(data) % 4)
        return offset

    def _buffer_data(self, number: int, buffer: Json) -> bytes | None:
        address, name = buffer.get("uri"), self._gltf.name
        if not isinstance(address, str):
            return self._gltf.binary if number == 0 and self._gltf.binary else None
        data = read_part(address, self._gltf.folder, name, max_bytes=MAX_GLB_BYTES)
        if data is None:
            hint = "Put it next to the file, or export a single GLB."
            if self._gltf.folder is None and not is_inline(address):
                hint = "A GLB contains all its parts: export it again."
            raise InputError(f"{name} cannot be read: its part {shown(address)} is missing.", hint=hint)
        length = buffer.get("byteLength")
        if not is_integer(length):
            return data
        if len(data) < length:
            raise InputError(
                f"{name} cannot be read: its part {shown(address)} has {len(data):,} of {length:,} bytes.",
                hint="Copy it again.",
            )
        return data[: max(length, 0)]
