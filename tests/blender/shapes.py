# SPDX-License-Identifier: GPL-3.0-or-later
"""Shapes for broken and intact products, as arrays in glTF axes, and GLBs made of them."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tests.blender.products import Glb


@dataclass(frozen=True)
class Solid:
    """Positions (n, 3), normals (n, 3), UVs (n, 2) and triangles (t, 3)."""

    places: np.ndarray
    normals: np.ndarray | None
    uvs: np.ndarray | None
    triangles: np.ndarray

    def with_(self, **changes: Any) -> "Solid":
        return replace(self, **changes)

    def at(self, x: float, y: float, z: float) -> "Solid":
        return replace(self, places=self.places + np.array((x, y, z)))

    def scaled(self, factor: float) -> "Solid":
        return replace(self, places=self.places * factor)

    def wound_back(self) -> "Solid":
        return replace(self, triangles=self.triangles[:, ::-1])

    def inside_out(self) -> "Solid":
        assert self.normals is not None
        return replace(self, triangles=self.triangles[:, ::-1], normals=-self.normals)


def together(*solids: Solid) -> Solid:
    """Several as one mesh."""
    starts = np.cumsum([0, *(len(solid.places) for solid in solids[:-1])])
    return Solid(
        np.concatenate([solid.places for solid in solids]),
        np.concatenate([solid.normals for solid in solids]),
        np.concatenate([solid.uvs for solid in solids]),
        np.concatenate([solid.triangles + start for solid, start in zip(solids, starts, strict=True)]),
    )


def ball(*, radius: float = 0.5, around: int = 24) -> Solid:
    """A closed ball with a UV seam, as in exported files; every face has an area."""
    rows = around // 2
    u, v = np.meshgrid(np.arange(around + 1), np.arange(rows + 1))
    turn, tilt = u % around / around * 2.0 * np.pi, v / rows * np.pi
    out = np.stack((np.cos(turn) * np.sin(tilt), np.cos(tilt), -np.sin(turn) * np.sin(tilt)), -1)
    out[0], out[-1] = (0.0, 1.0, 0.0), (0.0, -1.0, 0.0)
    index = np.arange(u.size).reshape(u.shape)
    upper, lower = index[:-1], index[1:]
    first = np.stack((upper[:, :-1], lower[:, :-1], lower[:, 1:]), -1)[:-1]
    second = np.stack((upper[:, :-1], lower[:, 1:], upper[:, 1:]), -1)[1:]
    triangles = np.concatenate((first.reshape(-1, 3), second.reshape(-1, 3)))
    uvs = np.stack((u / around, v / rows), -1).reshape(-1, 2)
    return Solid(out.reshape(-1, 3) * radius, out.reshape(-1, 3), uvs, triangles)


def sheet(*, side: float = 1.0, cells: int = 12) -> Solid:
    """A waving cloth, open all around, one sheet thick."""
    x, z = np.meshgrid(np.linspace(-0.5, 0.5, cells + 1), np.linspace(-0.5, 0.5, cells + 1))
    places = np.stack((x, 0.05 * np.sin(9.0 * x) + 0.3, z), -1)
    normals = np.stack((-0.45 * np.cos(9.0 * x), np.ones_like(x), np.zeros_like(x)), -1)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    index = np.arange(x.size).reshape(x.shape)
    square = np.stack((index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]), -1).reshape(-1, 4)
    triangles = np.concatenate((square[:, (0, 1, 2)], square[:, (0, 2, 3)]))
    uvs = np.stack((x + 0.5, z + 0.5), -1).reshape(-1, 2)
    return Solid(places.reshape(-1, 3) * side, normals.reshape(-1, 3), uvs, triangles)


def quad(*corners: tuple[float, float, float]) -> Solid:
    """A flat square with these four corners, counter-clockwise as seen from its front."""
    places = np.array(corners, dtype=float)
    normal = np.cross(places[1] - places[0], places[2] - places[0])
    uvs = np.array(((0.0, 1.0), (1.0, 1.0), (1.0, 0.0), (0.0, 0.0)))
    triangles = np.array(((0, 1, 2), (0, 2, 3)))
    return Solid(places, np.tile(normal / np.linalg.norm(normal), (4, 1)), uvs, triangles)


def box_sides(low: tuple[float, float, float], high: tuple[float, float, float]) -> list[Solid]:
    """The front, back, left, right, top and bottom of a box, facing outwards."""
    (x0, y0, z0), (x1, y1, z1) = low, high
    return [
        quad((x0, y0, z1), (x1, y0, z1), (x1, y1, z1), (x0, y1, z1)),
        quad((x1, y0, z0), (x0, y0, z0), (x0, y1, z0), (x1, y1, z0)),
        quad((x0, y0, z0), (x0, y0, z1), (x0, y1, z1), (x0, y1, z0)),
        quad((x1, y0, z1), (x1, y0, z0), (x1, y1, z0), (x1, y1, z1)),
        quad((x0, y1, z1), (x1, y1, z1), (x1, y1, z0), (x0, y1, z0)),
        quad((x0, y0, z0), (x1, y0, z0), (x1, y0, z1), (x0, y0, z1)),
    ]


def box(low: tuple[float, float, float], high: tuple[float, float, float]) -> Solid:
    return together(*box_sides(low, high))


def tube(
    low: float, high: float, *, facets: int, radius: float = 0.4, first: float = -180.0, last: float = 180.0
) -> Solid:
    """A wall around the y axis, or a piece of it between two directions in degrees; 0 is the front."""
    turn, y = np.meshgrid(np.radians(np.linspace(first, last, facets + 1)), (low, high))
    normals = np.stack((np.sin(turn), np.zeros_like(turn), np.cos(turn)), -1)
    index = np.arange(turn.size).reshape(turn.shape)
    square = np.stack((index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]), -1).reshape(-1, 4)
    u = np.broadcast_to(np.linspace(0.0, 1.0, facets + 1), turn.shape)
    return Solid(
        (normals * radius + np.stack((0.0 * y, y, 0.0 * y), -1)).reshape(-1, 3),
        normals.reshape(-1, 3),
        np.stack((u, (high - y) / (high - low)), -1).reshape(-1, 2),
        np.concatenate((square[:, (0, 1, 2)], square[:, (0, 2, 3)])),
    )


def add_solid(glb: Glb, solid: Solid, material: int | None, name: str = "Part", **node: Any) -> int:
    """The node of a solid in a file under construction."""
    attributes = {"POSITION": glb.add_array(solid.places, "VEC3")}
    if solid.normals is not None:
        attributes["NORMAL"] = glb.add_array(solid.normals, "VEC3")
    if solid.uvs is not None:
        attributes["TEXCOORD_0"] = glb.add_array(solid.uvs, "VEC2")
    for number in attributes.values():  # Only positions need bounds; those of a NaN would not be valid JSON.
        bounds = glb.document["accessors"][number]
        if not all(np.isfinite(bounds.get("max", [])).tolist()) or number != attributes["POSITION"]:
            bounds.pop("min", None), bounds.pop("max", None)
    primitive: dict[str, Any] = {
        "attributes": attributes,
        "indices": glb.add_array(solid.triangles.reshape(-1), "SCALAR"),
    }
    if material is not None:
        primitive["material"] = material
    return glb.add(
        "nodes", {"name": name, "mesh": glb.add("meshes", {"name": name, "primitives": [primitive]}), **node}
    )


def product(solid: Solid, extensions: dict[str, Any] | None = None, **surface: Any) -> Glb:
    """A file of one part in one material, "Enamel", with material extensions."""
    glb = Glb()
    material = glb.add_material("Enamel", surface.pop("texture", None), **surface)
    give(glb, material, extensions or {})
    glb.add_scene(add_solid(glb, solid, material))
    return glb


def give(glb: Glb, material: int, extensions: dict[str, Any]) -> None:
    """Material extensions, and the list of extensions used."""
    if extensions:
        glb.document["materials"][material]["extensions"] = extensions
        used = glb.document.setdefault("extensionsUsed", [])
        used += [name for name in extensions if name not in used]
