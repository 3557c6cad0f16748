# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks through an imported product for what would spoil its pictures, and says it.

``mesh_checks.py`` has the geometry, ``mending.py`` mends what can be mended safely; thresholds stand here, each
with what it is for.
"""

from collections.abc import Iterator

import bpy
import numpy as np

from ..gltf import mesh_checks
from ..gltf.findings import Finding, Severity, counted
from .materials import principled_of
from .mesh_facts import MeshFacts, removable_faces

LEAST_SIZE_M, MOST_SIZE_M = 0.001, 500.0  # Of the longest side: beyond, a unit was mistaken.
MOST_TRIANGLES = 5_000_000  # Several GB of memory in Cycles, minutes to build.
MOST_TEXTURE = 8192  # Pixels of a side; a larger one takes more than 1 GB as float, and no frame shows it.
LEAST_TEXTURE = 128  # Pixels of a side; over a whole product that is less than a picture has.
FEW = 0.001  # Share of faces below which a fault is not worth a sentence: it is not seen.
MANY = 0.01  # Share of faces from which it is.
SMALL_PART = 0.005  # Share of the surface that a stray part may have.
FAR = 0.25  # Distance of a stray part, in longest sides of the rest.
SHRUNK = 1.3  # How much smaller it must make the product for it to matter.
HOLE = 0.05  # Edges at holes, as a share of a part's triangles: a surface with a hole, not a sheet.


# --- what is found ------------------------------------------------------------------------------


def find_faults(meshes: list[MeshFacts], size_m: tuple[float, float, float]) -> Iterator[Finding]:
    """Everything about shapes, scale and textures, before anything is mended."""
    yield from _scale(max(size_m))
    yield from _weight(sum(facts.triangles * len(facts.names) for facts in meshes))
    yield from _stray(meshes)
    yield from _same_place(meshes)
    for facts in meshes:
        yield from _winding(facts)
        yield from _surface(facts)
        yield from _uvs(facts)
        yield from _mirrored(facts)
    yield from _textures(meshes)
    yield from _plainness(meshes)


def _scale(longest: float) -> Iterator[Finding]:
    if LEAST_SIZE_M <= longest <= MOST_SIZE_M:
        return
    yield Finding(
        kind="absurd_scale",
        severity=Severity.WARNING,
        text=f"The product is {longest:.3g} m long by its file: a unit was mistaken. The pictures are right but for "
        "coloured glass, and the size in set.json is not; export it in metres.",
    )


def _weight(triangles: int) -> Iterator[Finding]:
    if triangles <= MOST_TRIANGLES:
        return
    yield Finding(
        kind="too_many_triangles",
        severity=Severity.WARNING,
        count=triangles,
        text=f"The product has {triangles:,} triangles: every picture waits for them and memory may run out. Reduce "
        f"it below {MOST_TRIANGLES:,}; finer detail belongs into a normal map.",
    )


def _world_boxes(meshes: list[MeshFacts]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Of every part, as often as it is shown: low and high corner in the world, area, triangles."""
    lows, highs, areas, counts = [], [], [], []
    ends = np.array([[(index >> axis) & 1 for axis in range(3)] for index in range(8)], dtype=bool)
    for facts in meshes:
        low, high = facts.shape.part_boxes()
        for matrix in facts.matrices:
            corners = np.where(ends[None], high[:, None], low[:, None]) @ matrix[:3, :3].T + matrix[:3, 3]
            lows.append(corners.min(axis=1))
            highs.append(corners.max(axis=1))
            areas.append(facts.shape.part_areas * abs(np.linalg.det(matrix[:3, :3])) ** (2.0 / 3.0))
            counts.append(facts.shape.part_triangles)
    return np.concatenate(lows), np.concatenate(highs), np.concatenate(areas), np.concatenate(counts)


def _stray(meshes: list[MeshFacts]) -> Iterator[Finding]:
    if not meshes:
        return
    low, high, areas, counts = _world_boxes(meshes)
    sound = np.isfinite(low).all(axis=1) & np.isfinite(high).all(axis=1)
    low, high, areas, counts = low[sound], high[sound], areas[sound], counts[sound]
    total = areas.sum()
    order = np.argsort(areas, kind="stable")
    small = np.zeros(len(areas), dtype=bool)
    small[order] = np.cumsum(areas[order]) <= SMALL_PART * total  # Together, not each.
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
        text=f"{counted(faces, 'face')} lie{'s' * (faces == 1)} far from the product and make it only "
        f"{side / whole:.0%} as large in the frame. Delete what lies apart, and export again.",
    )


def _same_place(meshes: list[MeshFacts]) -> Iterator[Finding]:
    """Objects that are exactly on one another: exported twice."""
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
                *np.round(place / grid).tolist(),
                round(facts.shape.areas.sum() / size**2, 4),
            )
            if key in seen:
                yield Finding(
                    kind="doubled_objects",
                    severity=Severity.WARNING,
                    where=name,
                    text=f"{name} lies exactly on {seen[key]}: both surfaces shimmer through each other or go dark. "
                    "Delete one of them.",
                )
            seen.setdefault(key, name)


def _winding(facts: MeshFacts) -> Iterator[Finding]:
    shape, clear = facts.shape, facts.clear
    opposed = int(facts.opposed.sum())
    if opposed >= max(1.0, FEW * facts.triangles):
        yield Finding(
            kind="flipped_faces",
            severity=Severity.WARNING,
            where=facts.where,
            count=opposed,
            text=f"{facts.where}: {counted(opposed, 'face')} look{'s' * (opposed == 1)} away from their normals, which "
            "Cycles draws black; here they were turned to agree. Recalculate the normals outside in your program, "
            "other viewers show holes there.",
        )
    wrong = mesh_checks.inside_out(shape)[shape.group] & ~facts.opposed
    for is_glass, faces in ((True, int((wrong & clear).sum())), (False, int((wrong & ~clear).sum()))):
        if not faces:
            continue
        yield Finding(
            kind="inside_out",
            severity=Severity.WARNING if is_glass else Severity.NOTE,
            where=facts.where,
            count=faces,
            text=f"{facts.where} is inside out ({counted(faces, 'face')}): "
            + (
                "light would bend the wrong way in it; here it was turned outwards. "
                if is_glass
                else "these pictures show both sides alike, other viewers show holes. "
            )
            + "Recalculate the normals outside in your program.",
        )
    twisted = int(shape.twisted_edges.sum())
    if twisted >= max(1.0, FEW * facts.triangles) and opposed < max(1.0, FEW * facts.triangles):
        yield Finding(
            kind="inconsistent_winding",
            severity=Severity.WARNING if clear.any() else Severity.NOTE,
            where=facts.where,
            count=twisted,
            text=f"{facts.where}: at {counted(twisted, 'edge')} neighbouring faces look to opposite sides, so "
            + ("glass bends light both ways" if clear.any() else "other viewers show holes")
            + ". Recalculate the normals outside in your program.",
        )


def _surface(facts: MeshFacts) -> Iterator[Finding]:
    shape, clear = facts.shape, facts.clear
    flat = int(shape.flat.sum())
    if flat >= max(1.0, FEW * facts.triangles):
        yield Finding(
            kind="zero_area_faces",
            severity=Severity.NOTE,
            where=facts.where,
            count=flat,
            text=f"{facts.where}: {counted(flat, 'face')} without any area, which no picture shows but which can leave "
            "dark specks where the surface is smooth. Dissolve degenerate faces in your program.",
        )
    crowded = int(shape.crowded_edges.sum())
    doubled = int(facts.doubled.sum())
    if crowded >= max(1.0, FEW * facts.triangles) and not doubled:
        yield Finding(
            kind="non_manifold",
            severity=Severity.WARNING if clear.any() else Severity.NOTE,
            where=facts.where,
            count=crowded,
            text=f"{facts.where}: at {counted(crowded, 'edge')} more than two faces meet, "
            + (
                "so it has no clear inside and glass looks wrong"
                if clear.any()
                else "which only glass would show"
            )
            + ". Separate the walls, or remove those inside.",
        )
    if doubled >= max(1.0, FEW * facts.triangles):
        yield from _doubled(facts, doubled)
    holes = _holes(facts)
    if holes:
        is_glass = bool((clear & ~shape.is_closed[shape.group]).any())
        yield Finding(
            kind="open_edges",
            severity=Severity.WARNING if is_glass else Severity.NOTE,
            where=facts.where,
            count=holes,
            text=f"{facts.where} has holes ({counted(holes, 'open edge')}): "
            + (
                "glass needs a closed surface to bend light as it does. "
                if is_glass
                else "its inside shows through them where they can be seen. "
            )
            + "Close them in your program.",
        )


def _holes(facts: MeshFacts) -> int:
    """Open edges of parts that are closed but for them; a sheet, which is open all around, has none."""
    shape = facts.shape
    few = (shape.border_edges > 0) & (shape.border_edges < HOLE * shape.part_triangles)
    few &= shape.crowded_edges == 0  # Walls inside end somewhere; that is another fault.
    return int(shape.border_edges[few].sum())


def _doubled(facts: MeshFacts, doubled: int) -> Iterator[Finding]:
    mended = int(removable_faces(facts).sum())
    for count, fate in (
        (mended, "others and would darken them; here they were left out. Merge by distance and delete them"),
        (
            doubled - mended,
            "others of another look, and chance decides which is seen. Delete the hidden ones",
        ),
    ):
        if count:
            yield Finding(
                kind="doubled_faces",
                severity=Severity.WARNING,
                where=facts.where,
                count=count,
                text=f"{facts.where}: {counted(count, 'face')} lie{'s' * (count == 1)} exactly on {fate} in your program.",
            )


def _uvs(facts: MeshFacts) -> Iterator[Finding]:
    """UVs of what has textures."""
    textured = [item for item in facts.materials if item and _images_of(item)]
    faces = facts.of(textured)
    if not faces.any():
        return
    if not facts.has_uvs or facts.uv_areas is None:
        yield Finding(
            kind="missing_uvs",
            severity=Severity.WARNING,
            where=facts.where,
            count=int(faces.sum()),
            text=f"{facts.where} has textures but no UV map, so each shows as a single colour. Unwrap it and export "
            "again.",
        )
        return
    areas = facts.shape.areas[faces]
    empty = (facts.uv_areas[faces] <= 0.0) & ~facts.shape.flat[faces]
    share = float(areas[empty].sum() / areas.sum()) if areas.sum() > 0.0 else 0.0
    has_normal_map = any(_has_normal_map(item) for item in textured)
    # Models that take each face's colour from one place in a palette have no such areas at all.
    is_palette = share > 0.9 and not has_normal_map
    if share < MANY or is_palette:
        return
    yield Finding(
        kind="zero_area_uvs",
        severity=Severity.WARNING,
        where=facts.where,
        count=int(empty.sum()),
        text=f"{facts.where}: {counted(int(empty.sum()), 'face')} ({share:.0%} of its surface) have no area in the UV "
        "map, so its textures are smeared there. Unwrap them and export again.",
    )


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
        text=f"{mirrored[0]} is mirrored by a negative scale: lettering on it reads backwards unless that is meant. "
        "Apply the scale before exporting.",
    )


def _textures(meshes: list[MeshFacts]) -> Iterator[Finding]:
    users: dict[str, tuple[bpy.types.Image, str]] = {}
    for facts in meshes:
        for item in facts.materials:
            for image in _images_of(item) if item else ():
                users.setdefault(image.name, (image, item.name))
    for name, (image, material) in sorted(users.items()):
        width, height = image.size
        at = f"Texture {name} of material {material} ({width} × {height})"
        if max(width, height) > MOST_TEXTURE:
            yield Finding(
                kind="texture_huge",
                severity=Severity.WARNING,
                where=name,
                count=max(width, height),
                text=f"{at} takes {width * height * 16 / 2**30:.1f} GB of memory, and no picture shows that much of it. "
                f"Reduce it to {MOST_TEXTURE // 2} pixels.",
            )
        elif not _is_power(width) or not _is_power(height):
            yield Finding(
                kind="texture_not_power_of_two",
                severity=Severity.NOTE,
                where=name,
                text=f"{at} has sides that are no powers of two: these pictures show it as it is, phones and web "
                "viewers blur it. Resize it to powers of two for them.",
            )
        # A palette or a plain colour as an image is small on purpose, and so are maps of nothing in particular.
        if 16 < max(width, height) < LEAST_TEXTURE and not image.colorspace_settings.is_data:
            yield Finding(
                kind="texture_tiny",
                severity=Severity.NOTE,
                where=name,
                count=max(width, height),
                text=f"{at} is small, so it looks blurred in large pictures. Use a larger one if it holds a pattern or "
                "print.",
            )


def _plainness(meshes: list[MeshFacts]) -> Iterator[Finding]:
    """A product whose only detail is colour: each matter on it reflects alike."""
    materials = {item.name: item for facts in meshes for item in facts.materials if item}
    surfaces = [(item, principled_of(item)) for item in materials.values()]
    lit = [(item, surface) for item, surface in surfaces if surface is not None]
    if not lit or not any(surface.inputs["Base Color"].is_linked for _item, surface in lit):
        return
    inputs = ("Metallic", "Roughness", "Normal")
    if any(surface.inputs[name].is_linked for _item, surface in lit for name in inputs):
        return
    values = {
        tuple(round(float(surface.inputs[name].default_value), 3) for name in inputs[:2])
        for _item, surface in lit
    }
    if len(values) > 1:
        return
    ((metallic, roughness),) = values
    is_metal = metallic > 0.5
    yield Finding(
        kind="no_pbr_maps",
        severity=Severity.WARNING if is_metal else Severity.NOTE,
        where=", ".join(sorted(materials))[:120],
        text="The product has colours only, no maps of metal, roughness or relief: all of it is shown as "
        + (
            f"metal (metallic {metallic:g}, roughness {roughness:g}), which is dark if it is none"
            if is_metal
            else f"one matter of roughness {roughness:g}, so metal and glass in it look painted"
        )
        + ". Export those maps too, or give each matter a material of its own.",
    )


def _images_of(material: bpy.types.Material) -> list[bpy.types.Image]:
    if not material.node_tree:
        return []
    return [
        node.image
        for node in material.node_tree.nodes
        if node.type == "TEX_IMAGE" and node.image and any(output.is_linked for output in node.outputs)
    ]


def _has_normal_map(material: bpy.types.Material) -> bool:
    return any(
        node.type == "NORMAL_MAP" and node.inputs["Color"].is_linked for node in material.node_tree.nodes
    )


def _is_power(side: int) -> bool:
    return side & (side - 1) == 0
