# SPDX-License-Identifier: GPL-3.0-or-later
"""Products with and without surroundings, as lists of solids in glTF axes (y up, front towards +z)."""

from collections.abc import Callable

import numpy as np

from tests.blender.products import block
from tests.blender.shapes import Solid, ball, together

Vector = tuple[float, float, float]


def box(low: Vector, high: Vector) -> Solid:
    (x0, y0, z0), (x1, y1, z1) = low, high
    bottom = [(x0, y0, z1), (x1, y0, z1), (x1, y0, z0), (x0, y0, z0)]
    top = [(x0, y1, z1), (x1, y1, z1), (x1, y1, z0), (x0, y1, z0)]
    places, normals, uvs, indices = block(np.array(bottom + top, dtype=float))
    return Solid(places, normals, uvs, indices.reshape(-1, 3))


def plate(side: float, thickness: float, *, at: Vector = (0.0, 0.0, 0.0)) -> Solid:
    """A square plate; ``at`` is the middle of its bottom."""
    x, y, z = at
    return box((x - side / 2, y, z - side / 2), (x + side / 2, y + thickness, z + side / 2))


def plane(side: float, *, depth: float | None = None, y: float = 0.0) -> Solid:
    half, deep = side / 2, (depth or side) / 2
    return quad((-half, y, -deep), (-half, y, deep), (half, y, deep), (half, y, -deep))


def quad(*corners: Vector) -> Solid:
    places = np.array(corners, dtype=float)
    normal = np.cross(places[1] - places[0], places[2] - places[0])
    normals = np.tile(normal / np.linalg.norm(normal), (4, 1))
    uvs = np.array(((0, 0), (0, 1), (1, 1), (1, 0)), dtype=float)
    return Solid(places, normals, uvs, np.array(((0, 1, 2), (0, 2, 3))))


def cove(side: float, height: float) -> Solid:
    """A floor that bends upwards behind the product, one sheet."""
    path = [(0.0, side / 2), (0.0, -side * 0.3), (height * 0.1, -side * 0.45), (height, -side / 2)]
    places = np.array([(x, y, z) for y, z in path for x in (-side / 2, side / 2)])
    rows = [(2 * row, 2 * row + 1, 2 * row + 3, 2 * row + 2) for row in range(len(path) - 1)]
    triangles = np.array([face for a, b, c, d in rows for face in ((a, b, c), (a, c, d))])
    uvs = places[:, :2].copy()
    return Solid(places, np.tile((0.0, 1.0, 0.0), (len(places), 1)), uvs, triangles)


def upper_half(solid: Solid) -> Solid:
    """The part of a ball around the origin above the ground, open below."""
    heights = solid.places[solid.triangles][:, :, 1]
    return solid.with_(triangles=solid.triangles[(heights > -1e-6).all(axis=1)])


def disc(radius: float, thickness: float) -> Solid:
    """A flat cylinder, as a ball whose upper and lower halves are flattened."""
    solid = ball(radius=radius, around=32)
    flat = np.sign(solid.places[:, 1]) * thickness / 2.0
    places = np.stack((solid.places[:, 0], flat + thickness / 2.0, solid.places[:, 2]), axis=1)
    return solid.with_(places=places)


def crumbs(count: int, *, around: float, size: float, seed: int = 1) -> Solid:
    """Small balls at random places outside of a radius, above the ground."""
    random = np.random.default_rng(seed)
    found = []
    while len(found) < count:
        place = random.uniform(-around * 1.6, around * 1.6, 3)
        if np.linalg.norm(place) > around * 1.2:
            found.append(ball(radius=size, around=6).at(*place))
    return together(*found)


def egg(radius: float = 0.5) -> Solid:
    """The product: a ball that stands on the ground."""
    return ball(radius=radius, around=20).at(0.0, radius, 0.0)


def open_box(low: Vector, high: Vector, wall: float) -> list[Solid]:
    (x0, y0, z0), (x1, y1, z1) = low, high
    return [
        box(low, (x1, y0 + wall, z1)),
        box(low, (x0 + wall, y1, z1)),
        box((x1 - wall, y0, z0), high),
        box(low, (x1, y1, z0 + wall)),
        box((x0, y0, z1 - wall), high),
    ]


SURROUNDED: dict[str, tuple[str, list[Solid]]] = {
    "a slab": ("floor", [egg().at(0, 0.02, 0), plate(1.8, 0.02)]),
    "a round slab": ("floor", [egg().at(0, 0.061, 0), disc(1.0, 0.06)]),
    "a plane": ("floor", [egg(), plane(6.0)]),
    "a slab that the product is sunk into": ("floor", [egg(), plate(2.0, 0.03)]),
    "a plane that the product is sunk into": ("floor", [egg().at(0, -0.03, 0), plane(4.0)]),
    "a floor of tiles": (
        "floor",
        [egg().at(0, 0.001, 0), *(plane(2.0).at(x, 0, z) for x in (-1, 1) for z in (-1, 1))],
    ),
    "a plane below a tall product": ("floor", [box((-0.1, 0, -0.1), (0.1, 1, 0.1)), plane(1.4)]),
    "a thin slab below a tall product": (
        "floor",
        [box((-0.1, 0.01, -0.1), (0.1, 1, 0.1)), plate(1.3, 0.01)],
    ),
    "a floor below four legs": (
        "floor",
        [
            box((-0.5, 0.6, -0.4), (0.5, 0.65, 0.4)),
            *(box((x, 0.01, z), (x + 0.05, 0.6, z + 0.05)) for x in (-0.5, 0.45) for z in (-0.4, 0.35)),
            plate(2.5, 0.01),
        ],
    ),
    "a wall": ("backdrop", [egg(), quad((-2, 0, -1), (2, 0, -1), (2, 3, -1), (-2, 3, -1))]),
    "a wall on the left": ("backdrop", [egg(), box((-1.02, 0, -2), (-1, 3, 2))]),
    "a cove": ("backdrop", [egg(), cove(6.0, 4.0)]),
    "a sky": ("dome", [egg(), ball(radius=5.0).inside_out()]),
    "a sky that is seen from outside": ("dome", [egg(), ball(radius=5.0)]),
    "half a sky": ("dome", [egg(), upper_half(ball(radius=3.0)).inside_out()]),
    "a sky box": ("dome", [egg(), box((-3, -3, -3), (3, 3, 3)).inside_out()]),
    "crumbs": ("crumbs", [egg(), crumbs(20, around=0.8, size=0.012).at(0, 0.5, 0)]),
    "large crumbs": ("crumbs", [egg(), crumbs(25, around=0.8, size=0.04).at(0, 0.5, 0)]),
}
PLATE_OF_ITS_OWN = [box((-0.05, 0.02, -0.05), (0.05, 0.3, 0.05)), plate(0.2, 0.02)]
HONEST: dict[str, list[Solid]] = {
    "a ball": [egg()],
    "a rug": [plate(2.0, 0.015)],
    "a rug without thickness": [plane(2.0)],
    "a rug with tassels": [
        plate(2.0, 0.015),
        *(box((x / 10, 0, 1.0), (x / 10 + 0.02, 0.01, 1.08)) for x in range(-9, 10)),
    ],
    "a trophy on its plate": PLATE_OF_ITS_OWN,
    "a figure on a wide plate": [box((-0.06, 0.006, -0.06), (0.06, 0.2, 0.06)), plate(0.25, 0.006)],
    "a floor lamp": [
        plate(0.35, 0.01),
        box((-0.02, 0.01, -0.02), (0.02, 1.5, 0.02)),
        box((-0.2, 1.5, -0.2), (0.2, 1.8, 0.2)),
    ],
    "a table": SURROUNDED["a floor below four legs"][1][:-1],
    "a table on one foot": [
        plate(0.5, 0.01),
        box((-0.04, 0.01, -0.04), (0.04, 0.7, 0.04)),
        plate(0.9, 0.02, at=(0, 0.7, 0)),
    ],
    "a tablet with buttons and a lens": [
        plate(0.25, 0.006),
        box((0.08, 0.006, 0.08), (0.1, 0.008, 0.1)),
        box((-0.1, 0.006, 0.08), (-0.09, 0.007, 0.1)),
    ],
    "a tray with a handle": [
        box((-0.2, 0, -0.15), (0.2, 0.01, 0.15)),
        box((-0.05, 0.01, -0.01), (0.05, 0.05, 0.01)),
    ],
    "a phone on a stand": [
        box((-0.05, 0, -0.05), (0.05, 0.005, 0.05)),
        box((-0.01, 0.005, -0.03), (0.01, 0.08, -0.025)),
        box((-0.036, 0.02, -0.024), (0.036, 0.17, -0.016)),
    ],
    "a cup on a saucer": [plate(0.15, 0.02), box((-0.04, 0.02, -0.04), (0.04, 0.09, 0.04))],
    "a chess board with pieces": [
        plate(0.5, 0.012),
        *(box((x, 0.012, z), (x + 0.03, 0.08, z + 0.03)) for x in (-0.22, 0.0, 0.19) for z in (-0.22, 0.19)),
    ],
    "a whiteboard with a pen tray": [
        box((-0.6, 0, 0), (0.6, 0.9, 0.02)),
        box((-0.15, 0.02, 0.02), (0.15, 0.05, 0.08)),
    ],
    "a bed": [box((-0.8, 0, -1), (0.8, 0.5, 1)), box((-0.8, 0, -1.03), (0.8, 1.2, -1))],
    "a sofa with a cushion": [
        box((-1, 0, -0.4), (1, 0.4, 0.4)),
        box((-1, 0.4, -0.4), (1, 0.8, -0.2)),
        box((0.2, 0.4, -0.2), (0.6, 0.7, 0.0)),
    ],
    "a box with a ring in it": [
        *open_box((-0.1, 0, -0.1), (0.1, 0.08, 0.1), 0.005),
        ball(radius=0.015, around=8).at(0, 0.02, 0),
    ],
    "a lamp with an open shade": [
        ball(radius=0.05, around=8).at(0, 0.3, 0),
        upper_half(ball(radius=0.3, around=16)).at(0, 0.25, 0),
        box((-0.02, 0, -0.02), (0.02, 0.25, 0.02)),
    ],
    "a case with a thing in it": [box((-1, 0, -1), (1, 2, 1)), egg(0.3).at(0, 0.5, 0)],
    "a hat with a flat brim": [
        ball(radius=0.1, around=16).at(0, 0.1, 0),
        *(
            box((x0, 0, z0), (x1, 0.004, z1))
            for x0, z0, x1, z1 in (
                (-0.2, -0.2, 0.2, -0.09),
                (-0.2, 0.09, 0.2, 0.2),
                (-0.2, -0.09, -0.09, 0.09),
                (0.09, -0.09, 0.2, 0.09),
            )
        ),
    ],
    "a ball with studs": [
        egg(),
        *(
            ball(radius=0.012, around=6).at(0.5 * np.cos(turn), 0.5, 0.5 * np.sin(turn))
            for turn in np.linspace(0, 6, 20)
        ),
    ],
    "a chain of small beads": [
        egg(),
        *(ball(radius=0.012, around=6).at(0, 1.0 + 0.02 * number, 0) for number in range(20)),
    ],
}


def grown(height: Callable[[np.ndarray], np.ndarray], *, side: float, cells: int = 60) -> Solid:
    """One closed piece, as image-to-3D models make it: flat below, and ``height`` by the distance from its middle."""
    x, z = np.meshgrid(np.linspace(-0.5, 0.5, cells + 1) * side, np.linspace(-0.5, 0.5, cells + 1) * side)
    upper = np.stack((x, height(np.hypot(x, z)), z), -1).reshape(-1, 3)
    lower = upper * (1.0, 0.0, 1.0)
    index = np.arange(x.size).reshape(x.shape)
    cell = np.stack((index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]), -1).reshape(-1, 4)
    rim = np.concatenate((index[0], index[1:, -1], index[-1, -2::-1], index[-2::-1, 0]))
    walls = np.stack((rim[:-1], rim[1:], rim[1:] + x.size, rim[:-1] + x.size), -1)
    faces = np.concatenate((cell, cell[:, ::-1] + x.size, walls))
    triangles = np.concatenate((faces[:, (0, 1, 2)], faces[:, (0, 2, 3)]))
    places = np.concatenate((upper, lower))
    return Solid(places, None, None, triangles)


FUSED: dict[str, Solid] = {
    "a dome on a floor": grown(
        lambda far: 0.02 + 0.8 * np.sqrt(np.clip(1.0 - (far / 0.4) ** 2, 0.0, 1.0)), side=2.4
    ),
    "a box on a thin floor": grown(lambda far: np.where(far < 0.5, 0.5, 0.004), side=4.0),
}
GROWN: dict[str, Solid] = {
    "a hill": grown(lambda far: 0.02 + 0.5 * np.exp(-((far / 0.5) ** 2)), side=2.0),
    "a cone": grown(lambda far: np.clip(0.8 - far, 0.01, None), side=1.6),
    "a tall figure on a base": grown(lambda far: np.where(far < 0.3, 2.0, 0.03), side=1.2),
    "a plate with a rim": grown(lambda far: np.where(far > 0.45, 0.1, 0.02), side=1.0),
    "a slab": grown(lambda far: np.full_like(far, 0.05), side=2.0),
    "a wide base": grown(lambda far: np.where(far < 0.36, 0.6, 0.03), side=1.0),
}
