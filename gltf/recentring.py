# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves a model that is far from its origin to the origin, and flattens deep hierarchies, in double precision.

Blender calculates in single precision: a part that is a thousand times as far away as the model is large loses its place.
Deep hierarchies add up rounding errors, and Blender's importer cannot read more than some hundred levels.
"""

import json
from collections.abc import Iterator

import numpy as np

from .document import Gltf
from .json_values import Json, as_dict, as_dicts, is_integer
from .mesh_checks import Doubles, Floats, is_far
from .node_places import Matrix, parents_of, world_matrices

FAR = 8.0  # In longest sides: nearer, single precision keeps places to a millionth of the size.
DEEP = 200  # Levels of nodes that Blender's importer reads with a large margin.
CARRIED = ("mesh", "camera", "weights", "extensions")
PLACE = ("translation", "rotation", "scale", "matrix")


def recentred(gltf: Gltf) -> tuple[Gltf, Doubles]:
    """The file with its model near the origin, and what was subtracted from every place, (3,), in glTF axes.

    It is unchanged, and the offset is 0, where nothing would be gained, and where bones, animations or damaged values need
    the nodes as they are.
    """
    unchanged = gltf, np.zeros(3)
    nodes = gltf.entries("nodes")
    if not nodes or gltf.entries("skins") or gltf.entries("animations"):
        return unchanged
    try:
        worlds, depths = world_matrices(nodes)
    except (ValueError, TypeError):
        return unchanged
    bounds = _Bounds(gltf)
    with np.errstate(all="ignore"):
        boxes = list(_boxes(bounds, gltf, worlds))
    if not boxes:
        return unchanged
    low, high = (np.array(ends) for ends in zip(*boxes, strict=True))
    low, high = low.min(axis=0), high.max(axis=0)
    size = float((high - low).max())
    if not np.isfinite(size) or size <= 0.0:
        return unchanged
    scales = _mesh_scales(nodes, worlds)
    carriers = _carriers(nodes)
    far = [float(np.abs(worlds[number][:3, 3]).max()) for number in carriers]
    furthest = max(float(np.abs((low, high)).max()), *far)
    limits = {mesh: FAR * size / max(scale, 1e-300) for mesh, scale in scales.items()}
    is_off = any(_is_off(bounds, gltf, mesh, limit) for mesh, limit in limits.items())
    is_deep = max(depths[number] for number in carriers) > DEEP
    if not np.isfinite(furthest) or not (furthest > FAR * size or is_off or is_deep):
        return unchanged
    offset = (low + high) / 2.0 if float(np.abs((low, high)).max()) > FAR * size else np.zeros(3)
    return _flat(gltf, worlds, offset, limits), offset


class _Bounds:
    """The minimum and maximum of accessors of positions: by their values, or as stated where they are compressed."""

    def __init__(self, gltf: Gltf) -> None:
        self._gltf = gltf
        self._known: dict[int, tuple[Doubles, Doubles] | None] = {}

    def of(self, index: int) -> tuple[Doubles, Doubles] | None:
        if index not in self._known:
            places = self._gltf.floats(index)
            has_values = places is not None and places.shape[1] == 3
            self._known[index] = _ends(places) if places is not None and has_values else self._stated(index)
        return self._known[index]

    def _stated(self, index: int) -> tuple[Doubles, Doubles] | None:
        accessors = self._gltf.entries("accessors")
        entry = accessors[index] if 0 <= index < len(accessors) else {}
        try:
            low, high = np.array(entry["min"], dtype=float), np.array(entry["max"], dtype=float)
        except (KeyError, ValueError, TypeError):
            return None
        return (low, high) if low.shape == high.shape == (3,) else None


def _ends(places: Floats) -> tuple[Doubles, Doubles] | None:
    """The minimum and maximum of the places (n, 3) that can be rendered."""
    ends = np.stack((places.min(axis=0), places.max(axis=0)))
    if is_far(ends).any():
        near = places[~is_far(places)]
        if not len(near):
            return None
        ends = np.stack((near.min(axis=0), near.max(axis=0)))
    low, high = ends.astype(np.float64)
    return low, high


def _carriers(nodes: list[Json]) -> list[int]:
    """The nodes with meshes, and all nodes above them."""
    parents, found = parents_of(nodes), set()
    for number, node in enumerate(nodes):
        current: int | None = number if is_integer(node.get("mesh")) else None
        while current is not None and current not in found:
            found.add(current)
            current = parents.get(current)
    return sorted(found)


def _mesh_scales(nodes: list[Json], worlds: list[Matrix]) -> dict[int, float]:
    """How much each mesh is enlarged at most, without meshes that have instances: these have places of their own."""
    scales: dict[int, float] = {}
    for node, world in zip(nodes, worlds, strict=True):
        mesh = node.get("mesh")
        if is_integer(mesh):
            is_scattered = "EXT_mesh_gpu_instancing" in as_dict(node.get("extensions"))
            scale = 0.0 if is_scattered else float(np.linalg.norm(world[:3, :3], axis=0).max())
            scales[mesh] = (
                min(scale, scales.get(mesh, scale)) if not scale else max(scale, scales.get(mesh, 0.0))
            )
    return scales


def _boxes(bounds: _Bounds, gltf: Gltf, worlds: list[Matrix]) -> Iterator[tuple[Doubles, Doubles]]:
    """The minimum and maximum corner in the world of each primitive of each node."""
    meshes = gltf.entries("meshes")
    ends = np.array([[(index >> axis) & 1 for axis in range(3)] for index in range(8)], dtype=bool)
    for node, world in zip(gltf.entries("nodes"), worlds, strict=True):
        mesh = node.get("mesh")
        if not is_integer(mesh) or not 0 <= mesh < len(meshes):
            continue
        for index in _positions(meshes[mesh]):
            if (box := bounds.of(index)) is not None:
                corners = np.where(ends, box[1], box[0]) @ world[:3, :3].T + world[:3, 3]
                if np.isfinite(corners).all():
                    yield corners.min(axis=0), corners.max(axis=0)


def _positions(mesh: Json) -> Iterator[int]:
    for primitive in as_dicts(mesh.get("primitives")):
        index = as_dict(primitive.get("attributes")).get("POSITION")
        if is_integer(index):
            yield index


def _is_off(bounds: _Bounds, gltf: Gltf, mesh: int, limit: float) -> bool:
    """Are the positions of a mesh further than ``limit`` from the origin of the mesh?"""
    meshes = gltf.entries("meshes")
    boxes = [bounds.of(index) for index in (_positions(meshes[mesh]) if 0 <= mesh < len(meshes) else ())]
    return any(box is not None and float(np.abs(box).max()) > limit for box in boxes)


def _flat(gltf: Gltf, worlds: list[Matrix], offset: Doubles, limits: dict[int, float]) -> Gltf:
    """The file with all nodes of meshes and cameras at the top, moved by -``offset``; meshes are around their origin."""
    document = json.loads(json.dumps(gltf.document))
    binary = bytearray(gltf.binary)
    middles = _centre_meshes(gltf, document, binary, limits)
    nodes = as_dicts(document.get("nodes"))
    tops: list[int] = []
    added: list[Json] = []
    for number, node in enumerate(nodes):
        node.pop("children", None)
        for name in PLACE:
            node.pop(name, None)
        tops.append(number)
        if not any(name in node for name in CARRIED):
            continue
        world = worlds[number].copy()
        middle = middles.get(node["mesh"]) if is_integer(node.get("mesh")) else None
        if middle is not None:
            world[:3, 3] += world[:3, :3] @ middle
        world[:3, 3] -= offset
        added += _place(node, world, len(nodes) + len(added))
    document["nodes"] = nodes + added
    document["scenes"] = [{"nodes": tops}]
    document["scene"] = 0
    return Gltf(gltf.name, gltf.folder, document, bytes(binary))


def _place(node: Json, world: Matrix, number: int) -> list[Json]:
    """Give a node its matrix to world as values that Blender can keep; returns the node, ``number``, that it needs below.

    A sheared matrix is a turn, a scale along the axes and another turn (singular value decomposition).
    """
    linear = world[:3, :3]
    node["translation"] = world[:3, 3].tolist()
    if not np.isfinite(world).all():
        return []
    lengths = np.linalg.norm(linear, axis=0)
    square = linear.T @ linear
    is_plain = bool((np.abs(square - np.diag(np.diag(square))) <= 1e-9 * np.outer(lengths, lengths)).all())
    if is_plain and lengths.all():
        if np.linalg.det(linear) < 0.0:
            lengths[0] = -lengths[0]
        node["rotation"], node["scale"] = _quaternion(linear / lengths), lengths.tolist()
        return []
    left, scales, right = np.linalg.svd(linear)
    if np.linalg.det(left) < 0.0:
        left[:, 2], scales[2] = -left[:, 2], -scales[2]
    if np.linalg.det(right) < 0.0:
        right[2], scales[2] = -right[2], -scales[2]
    node["rotation"], node["scale"] = _quaternion(left), scales.tolist()
    below: Json = {name: node.pop(name) for name in CARRIED if name in node}
    if not below:
        return []
    node["children"] = [number]
    return [{"name": str(node.get("name", "")), "rotation": _quaternion(right), **below}]


def _quaternion(turn: Doubles) -> list[float]:
    """The unit quaternion (x, y, z, w) of a rotation matrix (Shepperd 1978)."""
    values = np.array([turn[0, 0], turn[1, 1], turn[2, 2], np.trace(turn)])
    largest = int(values.argmax())
    result = np.empty(4)
    if largest == 3:
        result[3] = 1.0 + values[3]
        result[:3] = turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]
    else:
        i, j, k = largest, (largest + 1) % 3, (largest + 2) % 3
        result[i] = 1.0 - values[3] + 2.0 * turn[i, i]
        result[j], result[k] = turn[j, i] + turn[i, j], turn[k, i] + turn[i, k]
        result[3] = turn[k, j] - turn[j, k]
    unit: list[float] = (result / np.linalg.norm(result)).tolist()
    return unit


def _centre_meshes(
    gltf: Gltf, document: Json, binary: bytearray, limits: dict[int, float]
) -> dict[int, Doubles]:
    """Move the positions of meshes that are further than their limit from their origin; returns by how much, by index.

    A mesh stays where it is when its positions are compressed, or belong to another mesh too.
    """
    bounds, meshes = _Bounds(gltf), gltf.entries("meshes")
    users: dict[int, set[int]] = {}  # By the first byte of the positions: accessors may share their bytes.
    for number, mesh in enumerate(meshes):
        for index in _positions(mesh):
            if (layout := gltf.layout(index)) is not None:
                users.setdefault(layout.offset, set()).add(number)
    middles: dict[int, Doubles] = {}
    for number, limit in limits.items():
        if not _is_off(bounds, gltf, number, limit):
            continue
        layouts = {index: gltf.layout(index) for index in _positions(meshes[number])}
        known = {index: layout for index, layout in layouts.items() if layout and layout.shape[1] == 3}
        boxes = [box for index in known if (box := bounds.of(index)) is not None]
        starts = {layout.offset for layout in known.values()}
        is_own = len(known) == len(layouts) == len(boxes) == len(starts)
        if not is_own or any(len(users[start]) > 1 for start in starts):
            continue
        low, high = np.min([box[0] for box in boxes], axis=0), np.max([box[1] for box in boxes], axis=0)
        middles[number] = (low + high) / 2.0
        for index, layout in known.items():
            places = layout.of(binary)
            places[:] = (places.astype(np.float64) - middles[number]).astype(np.float32)
            for bound in ("min", "max"):
                document["accessors"][index].pop(bound, None)
    return middles
