# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds problems in an imported product that would spoil its pictures.

``gltf/mesh_checks.py`` measures shapes, ``face_checks.py`` and ``texture_checks.py`` judge single meshes, and
``mesh_repairs.py`` repairs what can be repaired safely. The constants are thresholds.
"""

import math
from collections.abc import Iterator

import numpy as np

from ..gltf.coincidence import Lift
from ..gltf.facing import Facing
from ..gltf.findings import Finding, Severity, counted
from ..gltf.mesh_checks import Doubles, Numbers
from .coincident import coincidence_problems
from .face_checks import surface_problems, winding_problems
from .mesh_facts import MeshFacts
from .one_sided import side_problems
from .texture_checks import plain_materials, texture_problems, uv_problems

MIN_SIZE_M, MAX_SIZE_M = 0.001, 500.0  # Of the longest side: outside, the unit is probably wrong.
MAX_TRIANGLES = 5_000_000  # They take several GB of memory in Cycles, and minutes to prepare.
SMALL_PART = 0.005  # The maximum share of the surface in stray parts.
FAR = 0.25  # The minimum distance of a stray part, in longest sides of the rest.
SHRUNK = 1.3  # Stray parts matter when they make the product this much smaller in the picture.


def find_problems(
    meshes: list[MeshFacts], facings: list[Facing], lifts: list[Lift], size_m: tuple[float, float, float]
) -> Iterator[Finding]:
    """Findings about shapes, scale and textures, before anything is repaired.

    ``facings`` are those of the meshes; ``lifts`` are the surfaces that lie on others.
    """
    yield from _scale(max(size_m))
    yield from _weight(sum(facts.triangles * len(facts.names) for facts in meshes))
    yield from _stray_parts(meshes)
    cards = {meshes[lift.body].names[lift.copy] for lift in lifts if lift.is_back}
    doubled = [finding for finding in _same_place(meshes) if finding.where not in cards]
    yield from doubled
    yield from coincidence_problems(meshes, lifts, {finding.where for finding in doubled})
    for facts, facing in zip(meshes, facings, strict=True):
        yield from winding_problems(facts, facing)
        yield from side_problems(facts, facing)
        yield from surface_problems(facts)
        yield from uv_problems(facts)
        yield from _mirrored(facts)
    yield from texture_problems(meshes)
    yield from plain_materials(meshes)


def _scale(longest: float) -> Iterator[Finding]:
    if MIN_SIZE_M <= longest <= MAX_SIZE_M:
        return
    yield Finding(
        kind="absurd_scale",
        severity=Severity.WARNING,
        text=f"The product is {longest:.3g} m long according to its file; the unit is probably wrong. The pictures are "
        "correct except for colored glass, but the size in set.json is not. Export the product in meters.",
    )


def _weight(triangles: int) -> Iterator[Finding]:
    if triangles <= MAX_TRIANGLES:
        return
    yield Finding(
        kind="too_many_triangles",
        severity=Severity.WARNING,
        count=triangles,
        text=f"The product has {triangles:,} triangles: rendering is slow, and memory may run out. Reduce them to less "
        f"than {MAX_TRIANGLES:,}; use a normal map for finer detail.",
    )


def _world_boxes(meshes: list[MeshFacts]) -> tuple[Doubles, Doubles, Doubles, Numbers]:
    """For every part, once for each object: minimum and maximum corner in the world, area, number of triangles."""
    lows, highs, areas, counts = [], [], [], []
    for facts in meshes:
        for matrix in facts.matrices:
            low, high = facts.shape.placed_boxes(matrix)
            lows.append(low)
            highs.append(high)
            areas.append(facts.shape.part_areas * abs(np.linalg.det(matrix[:3, :3])) ** (2.0 / 3.0))
            counts.append(facts.shape.part_triangles)
    return np.concatenate(lows), np.concatenate(highs), np.concatenate(areas), np.concatenate(counts)


def _stray_parts(meshes: list[MeshFacts]) -> Iterator[Finding]:
    """Small parts far from the rest, which make the product small in the picture."""
    if not meshes:
        return
    low, high, areas, counts = _world_boxes(meshes)
    sound = np.isfinite(low).all(axis=1) & np.isfinite(high).all(axis=1)
    low, high, areas, counts = low[sound], high[sound], areas[sound], counts[sound]
    total = areas.sum()
    order = np.argsort(areas, kind="stable")
    small = np.zeros(len(areas), dtype=bool)
    small[order] = np.cumsum(areas[order]) <= SMALL_PART * total  # All of them together.
    if small.all() or not small.any():
        return
    core_low, core_high = low[~small].min(axis=0), high[~small].max(axis=0)
    side = float((core_high - core_low).max())
    gap = np.maximum(np.maximum(low - core_high, core_low - high), 0.0).max(axis=1)
    far = small & (gap > FAR * side)
    whole = float((high.max(axis=0) - low.min(axis=0)).max())
    if not far.any() or side <= 0.0 or whole < SHRUNK * side:
        return
    faces = int(counts[far].sum())
    yield Finding(
        kind="stray_geometry",
        severity=Severity.WARNING,
        count=faces,
        text=f"{counted(faces, 'face')} far from the product make{'s' * (faces == 1)} it only {side / whole:.0%} as large "
        "in the picture. Leave them out (without: crumbs), or delete the stray geometry and export again.",
        setting="without",
        value="crumbs",
    )


def _same_place(meshes: list[MeshFacts]) -> Iterator[Finding]:
    """Objects that coincide with another one, usually because they were exported twice."""
    seen: dict[tuple[float, ...], str] = {}
    for facts in meshes:
        low, high = facts.shape.part_boxes()
        low, high = low.min(axis=0), high.max(axis=0)
        size = float((high - low).max()) or 1.0
        for name, matrix in zip(facts.names, facts.matrices, strict=True):
            place = np.concatenate((matrix[:3, :3] @ low, matrix[:3, :3] @ high)) + np.tile(matrix[:3, 3], 2)
            grid = size * abs(np.linalg.det(matrix[:3, :3])) ** (1.0 / 3.0) * 1e-4 or 1.0
            key = (
                facts.triangles,
                round(math.log(grid) * 1e4),
                *np.round(place / grid).tolist(),
                round(facts.shape.areas.sum() / size**2, 4),
            )
            if key in seen:
                yield Finding(
                    kind="doubled_objects",
                    severity=Severity.WARNING,
                    where=name,
                    text=f"{name} is in exactly the same place as {seen[key]}; the pictures show {name}. Delete one "
                    "of them.",
                )
            seen.setdefault(key, name)


def _mirrored(facts: MeshFacts) -> Iterator[Finding]:
    mirrored = [
        name
        for name, matrix in zip(facts.names, facts.matrices, strict=True)
        if np.linalg.det(matrix[:3, :3]) < 0.0
    ]
    if not mirrored:
        return
    yield Finding(
        kind="negative_scale",
        severity=Severity.NOTE,
        where=mirrored[0],
        count=len(mirrored),
        text=f"{mirrored[0]} is mirrored by a negative scale, so that any text on it reads backwards. If that is not "
        "intended, apply the scale before exporting.",
    )
