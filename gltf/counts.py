# SPDX-License-Identifier: GPL-3.0-or-later
"""How many values a glTF document announces: importers allocate memory for them before they look at the bytes."""

from .json_values import Json, as_dict, as_dicts, is_integer

# For accessors without bytes of their own: sparse and compressed ones. Decoded, each takes about 12 bytes.
MAX_WITHOUT_BYTES = 1 << 26
MAX_VERTICES = 100_000_000  # Of all primitives together; each takes about 40 bytes in Blender.


def excess_of(document: Json, size: int) -> str:
    """What is too much in a document whose buffers have ``size`` bytes, as part of a sentence; "" when nothing is.

    A value has at least one byte, so an accessor cannot have more values than its file has bytes.
    """
    counts: list[int] = []
    without_bytes = 0
    views = document.get("bufferViews")
    for number, accessor in enumerate(as_dicts(document.get("accessors"))):
        count = accessor.get("count")
        counts.append(count if is_integer(count) else 0)
        if "sparse" in accessor or not _is_plain(views, accessor.get("bufferView")):
            without_bytes += counts[-1]
        elif counts[-1] > size:
            return f"accessor {number} announces {count:,} values, and its data has {size:,} bytes"
    if without_bytes > MAX_WITHOUT_BYTES:
        return f"its accessors announce {without_bytes:,} values that it does not contain"
    vertices = sum(_vertices_of(primitive, counts) for primitive in _primitives(document))
    return f"its meshes have {vertices:,} vertices" if vertices > MAX_VERTICES else ""


def _is_plain(views: object, index: object) -> bool:
    """Whether a buffer view has the bytes as they are. Compressed ones have extensions."""
    if not isinstance(views, list) or not is_integer(index) or not 0 <= index < len(views):
        return False
    return "extensions" not in as_dict(views[index])


def _primitives(document: Json) -> list[Json]:
    meshes = as_dicts(document.get("meshes"))
    return [primitive for mesh in meshes for primitive in as_dicts(mesh.get("primitives"))]


def _vertices_of(primitive: Json, counts: list[int]) -> int:
    index = as_dict(primitive.get("attributes")).get("POSITION")
    return counts[index] if is_integer(index) and 0 <= index < len(counts) else 0
