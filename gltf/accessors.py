# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the numbers of a glTF accessor of any component type."""

import numpy as np
from numpy.typing import NDArray

from .document import Gltf
from .json_values import as_whole, is_integer

WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
# Of component types (glTF 2.0, 3.6.2.2), with the number that a normalized integer is divided by (3.6.2.3 and 3.11).
TYPES = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
DIVISORS = {5120: 127.0, 5121: 255.0, 5122: 32767.0, 5123: 65535.0}


def values_of(gltf: Gltf, index: object) -> NDArray[np.float64] | None:
    """The values of an accessor in the binary chunk, (count, components); normalized integers become 0 to 1 or -1 to 1.

    None for other matrices than 4x4, for sparse and compressed accessors, and for what is not valid.
    """
    accessors = gltf.entries("accessors")
    if not is_integer(index) or not 0 <= index < len(accessors):
        return None
    accessor = accessors[index]
    kind, count = accessor.get("componentType"), accessor.get("count")
    width = WIDTHS.get(str(accessor.get("type")))
    if not is_integer(kind) or kind not in TYPES or width is None or "sparse" in accessor:
        return None
    data, offset = gltf.view(accessor.get("bufferView")), as_whole(accessor.get("byteOffset"))
    if data is None or not is_integer(count) or count < 1:
        return None
    step = np.dtype(TYPES[kind])
    stride = gltf.entries("bufferViews")[accessor["bufferView"]].get("byteStride") or width * step.itemsize
    if not is_integer(stride) or stride < 1:
        return None
    if offset + stride * (count - 1) + width * step.itemsize > len(data):
        return None
    values = np.ndarray((count, width), step, data, offset, (stride, step.itemsize)).astype(np.float64)
    if accessor.get("normalized") is True and kind in DIVISORS:
        values = np.maximum(values / DIVISORS[kind], -1.0)
    return values
