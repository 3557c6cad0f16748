# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves a model that is far from its origin to the origin, and flattens deep hierarchies, in double precision.

The nodes of a file with bones keep their order: those nearest to the top that are far away are moved.

Blender calculates in single precision: a part that is a thousand times as far away as the model is large loses its place.
Deep hierarchies add up rounding errors, and Blender's importer cannot read more than some hundred levels.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .accessors import DIVISORS
from .document import Gltf
from .findings import Finding, Severity
from .instances import INSTANCING
from .json_values import Json, as_dict, as_dicts, as_whole, is_integer
from .mesh_checks import Doubles, Floats, is_far
from .node_places import Matrix, children_of, parents_of, world_matrices
from .skins import skinned_nodes, skinned_place

LOST = (
    300.0  # In longest sides: further away, single precision loses places by more than 1/50,000 of the size.
)
FAR = 8.0  # In longest sides: nearer, single precision keeps places to a millionth of the size.
DEEP = 200  # Levels of nodes that Blender's importer reads with a large margin.
CARRIED = ("mesh", "camera", "weights", "extensions")
PLACE = ("translation", "rotation", "scale", "matrix")


@dataclass(frozen=True, slots=True)
class Recentred:
    """A file with its model near the origin, and what was subtracted from every place, (3,), in glTF axes."""

    gltf: Gltf
    offset: Doubles
    findings: tuple[Finding, ...] = ()


def recentred(gltf: Gltf) -> Recentred:
    """Move the model to the origin, if single precision would lose places where it is.

    Otherwise the file is unchanged and the offset is 0, also where damaged values need the nodes as they are.
    """
    unchanged = Recentred(gltf, np.zeros(3))
    nodes = gltf.entries("nodes")
    try:
        worlds, depths = world_matrices(nodes)
    except (ValueError, TypeError):
        return unchanged
    bounds = _Bounds(gltf)
    with np.errstate(all="ignore"):
        places = [skinned_place(gltf, number, worlds) for number in range(len(nodes))]
        boxes = list(_boxes(bounds, gltf, places))
    if not boxes:
        return unchanged
    low, high = (np.array(ends) for ends in zip(*boxes, strict=True))
    low, high = low.min(axis=0), high.max(axis=0)
    size = float((high - low).max())
    if not np.isfinite(size) or size <= 0.0:
        return unchanged
    scales = _mesh_scales(nodes, places)
    joints = skinned_nodes(gltf)
    carriers = _carriers(nodes, joints)
    far = [float(np.abs(worlds[number][:3, 3]).max()) for number in carriers]
    furthest = max(float(np.abs((low, high)).max()), *far)
    limits = {mesh: FAR * size / max(scale, 1e-300) for mesh, scale in scales.items()}
    is_off = any(_furthest(bounds, gltf, mesh) > limit for mesh, limit in limits.items())
    is_deep = max(depths[number] for number in carriers) > DEEP and not joints
    if not np.isfinite(furthest) or not (furthest > FAR * size or is_off or is_deep):
        return unchanged
    offset = (low + high) / 2.0 if float(np.abs((low, high)).max()) > FAR * size else np.zeros(3)
    far_m = FAR * size
    moved = _moved(gltf, worlds, offset, far_m) if joints else _flat(gltf, worlds, offset, limits)
    return Recentred(moved, offset, tuple(_still_far(moved, size)))


def _still_far(gltf: Gltf, size: float) -> Iterator[Finding]:
    """A warning about meshes whose places single precision loses, because they could not be moved."""
    nodes = gltf.entries("nodes")
    worlds, _depths = world_matrices(nodes)
    bounds, joints = _Bounds(gltf), skinned_nodes(gltf)
    far: dict[str, float] = {}
    for number, node in enumerate(nodes):
        if not is_integer(node.get("mesh")):
            continue
        matrices = [worlds[joint] for joint in joints[number]] if number in joints else [worlds[number]]
        furthest = max((float(np.abs(matrix[:3, 3]).max()) for matrix in matrices), default=0.0)
        scale = float(np.linalg.norm(skinned_place(gltf, number, worlds)[:3, :3], axis=0).max())
        furthest = max(furthest, scale * _furthest(bounds, gltf, node["mesh"]))
        if furthest > LOST * size:
            name = str(node.get("name") or "A mesh without a name")
            far[name] = max(far.get(name, 0.0), furthest / size)
    for name, times in far.items():
        yield Finding(
            kind="far_from_origin",
            severity=Severity.WARNING,
            where=name,
            text=f"{name} is {times:,.0f} times the size of the model away from the origin, and bones or compression keep it "
            "there. Vertices lose their exact places at such a distance. Move the model to the origin and export it again.",
        )


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
        if entry.get("normalized") is True:  # Bounds are those of the integers (glTF 2.0, 3.6.2.5).
            divisor = DIVISORS.get(as_whole(entry.get("componentType")), 1.0)
            low, high = np.maximum(low / divisor, -1.0), np.maximum(high / divisor, -1.0)
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


def _carriers(nodes: list[Json], joints: Mapping[int, Sequence[int]]) -> list[int]:
    """The nodes with meshes or with the bones of meshes, and all nodes above them."""
    parents, found = parents_of(nodes), set()
    holders = [number for number, node in enumerate(nodes) if is_integer(node.get("mesh"))]
    for number in (*holders, *(joint for those in joints.values() for joint in those)):
        current: int | None = number
        while current is not None and current not in found:
            found.add(current)
            current = parents.get(current)
    return sorted(found)


def _mesh_scales(nodes: list[Json], worlds: list[Matrix]) -> dict[int, float]:
    """How much each mesh is enlarged at most, without meshes whose instances cannot be read."""
    scales: dict[int, float] = {}
    for node, world in zip(nodes, worlds, strict=True):
        mesh = node.get("mesh")
        if is_integer(mesh):
            is_scattered = INSTANCING in as_dict(node.get("extensions"))
            scale = 0.0 if is_scattered else float(np.linalg.norm(world[:3, :3], axis=0).max())
            scales[mesh] = (
                min(scale, scales.get(mesh, scale)) if not scale else max(scale, scales.get(mesh, 0.0))
            )
    return scales


def _boxes(bounds: _Bounds, gltf: Gltf, worlds: list[Matrix]) -> Iterator[tuple[Doubles, Doubles]]:
    """The minimum and maximum corner in the world of each primitive of each node."""
    meshes = gltf.entries("meshes")
    ends = np.array([[(index >> axis) & 1 for axis in range(3)] for index in range(8)], dtype=bool)
    for number, node in enumerate(gltf.entries("nodes")):
        mesh = node.get("mesh")
        if not is_integer(mesh) or not 0 <= mesh < len(meshes):
            continue
        world = skinned_place(gltf, number, worlds)
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


def _furthest(bounds: _Bounds, gltf: Gltf, mesh: int) -> float:
    """How far a position of a mesh is from the origin of the mesh, along an axis; 0 for a mesh that does not exist."""
    meshes = gltf.entries("meshes")
    boxes = [bounds.of(index) for index in (_positions(meshes[mesh]) if 0 <= mesh < len(meshes) else ())]
    return max((float(np.abs(box).max()) for box in boxes if box is not None), default=0.0)


def _moved(gltf: Gltf, worlds: list[Matrix], offset: Doubles, far: float) -> Gltf:
    """The file with everything moved by -``offset``, by nodes as near to the top as possible that are ``far`` away.

    A node that carries something itself is moved in any case, unless one above it was.
    """
    document = json.loads(json.dumps(gltf.document))
    nodes = as_dicts(document.get("nodes"))
    parents = parents_of(nodes)
    used = {joint for joints in skinned_nodes(gltf).values() for joint in joints}
    waiting = [number for number in range(len(nodes)) if number not in parents]
    while waiting:
        number = waiting.pop()
        node, world = nodes[number], worlds[number].copy()
        carries = number in used or any(name in node for name in CARRIED)
        below = children_of(node.get("children"), nodes)
        if below and not carries and float(np.abs(world[:3, 3]).max()) <= far:
            waiting += below
            continue
        world[:3, 3] -= offset
        local = np.linalg.pinv(worlds[parents[number]]) @ world if number in parents else world
        if "matrix" in node:
            node["matrix"] = local.T.ravel().tolist()
        else:
            node["translation"] = local[:3, 3].tolist()
    return Gltf(gltf.name, gltf.folder, document, gltf.binary)


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
        if _furthest(bounds, gltf, number) <= limit:
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
