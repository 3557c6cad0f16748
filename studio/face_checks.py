# SPDX-License-Identifier: GPL-3.0-or-later
"""Problems with the faces of one mesh: winding, missing area, walls, coinciding faces, holes."""

from collections.abc import Iterator

from ..gltf import mesh_checks
from ..gltf.facing import Facing
from ..gltf.findings import Finding, Severity, counted
from .mesh_facts import MeshFacts, removable_faces

FEW = 0.001  # The share of faces below which a problem is not reported: it is not visible.
HOLE = 0.05  # Maximum edges at holes per triangle of a part: with more it is an open sheet.
RECALCULATE = "Recalculate the normals outside in your 3D software."


def _is_worth_reporting(count: int, facts: MeshFacts) -> bool:
    return count >= max(1.0, FEW * facts.triangles)


def winding_problems(facts: MeshFacts, facing: Facing) -> Iterator[Finding]:
    """Faces that point away from their normals, closed parts that are inside out, and mixed winding."""
    opposed = int(facts.opposed.sum())
    if _is_worth_reporting(opposed, facts):
        yield Finding(
            kind="flipped_faces",
            severity=Severity.WARNING,
            where=facts.where,
            count=opposed,
            text=f"{facts.where}: {counted(opposed, 'face')} point{'s' * (opposed == 1)} away from the normals and would "
            f"be rendered black; the faces were turned to match. {RECALCULATE} Other viewers show holes there.",
        )
    yield from _inside_out(facts, facing)
    twisted = int(facts.shape.twisted_edges.sum())
    if _is_worth_reporting(twisted, facts) and not _is_worth_reporting(opposed, facts):
        is_glass = bool(facts.clear.any())
        effect = "glass refracts light in both directions" if is_glass else "other viewers show holes"
        yield Finding(
            kind="inconsistent_winding",
            severity=Severity.WARNING if is_glass else Severity.NOTE,
            where=facts.where,
            count=twisted,
            text=f"{facts.where}: the faces on both sides of {counted(twisted, 'edge')} point in opposite directions, so "
            f"that {effect}. {RECALCULATE}",
        )


def _inside_out(facts: MeshFacts, facing: Facing) -> Iterator[Finding]:
    is_known = facts.opposed | facing.shell
    wrong = mesh_checks.inside_out(facts.shape)[facts.shape.group] & ~is_known
    turned = (facing.turned & ~is_known & ~facts.clear).sum()
    for severity, faces, effect in (
        (
            Severity.WARNING,
            int((wrong & facts.clear).sum()),
            "light would be refracted the wrong way, so it was turned outwards",
        ),
        (
            Severity.NOTE,
            int(turned),
            "its one-sided material would hide its outside, so it was turned outwards",
        ),
        (
            Severity.NOTE,
            int((wrong & ~facts.clear & ~facing.turned).sum()),
            "these pictures show both sides alike, but other viewers show holes",
        ),
    ):
        if faces:
            yield Finding(
                kind="inside_out",
                severity=severity,
                where=facts.where,
                count=faces,
                text=f"{facts.where} is inside out ({counted(faces, 'face')}): {effect}. {RECALCULATE}",
            )


def surface_problems(facts: MeshFacts) -> Iterator[Finding]:
    """Faces without area, edges with more than two faces, coinciding faces, and holes."""
    flat = int(facts.shape.flat.sum())
    if _is_worth_reporting(flat, facts):
        yield Finding(
            kind="zero_area_faces",
            severity=Severity.NOTE,
            where=facts.where,
            count=flat,
            text=f"{facts.where}: {counted(flat, 'face')} without area; they are invisible, but can cause dark specks on "
            "smooth surfaces. Dissolve degenerate faces in your 3D software.",
        )
    doubled = int(facts.doubled.sum())
    if not doubled:
        yield from _crowded_edges(facts)
    if _is_worth_reporting(doubled, facts):
        yield from _doubled(facts, doubled)
    yield from _open_edges(facts)


def _crowded_edges(facts: MeshFacts) -> Iterator[Finding]:
    crowded = int(facts.shape.crowded_edges.sum())
    if not _is_worth_reporting(crowded, facts):
        return
    is_glass = bool(facts.clear.any())
    effect = (
        "so that it has no clear inside and glass looks wrong" if is_glass else "which matters for glass only"
    )
    yield Finding(
        kind="non_manifold",
        severity=Severity.WARNING if is_glass else Severity.NOTE,
        where=facts.where,
        count=crowded,
        text=f"{facts.where}: {counted(crowded, 'edge')} with more than two faces, {effect}. Separate the walls, or "
        "remove those inside.",
    )


def _doubled(facts: MeshFacts, doubled: int) -> Iterator[Finding]:
    removed = int(removable_faces(facts).sum())
    for count, effect in (
        (removed, "they would darken them, so they were left out. Merge by distance and delete them"),
        (
            doubled - removed,
            "which have another material; the pictures show the later material. Delete the hidden ones",
        ),
    ):
        if count:
            place = "is in the same place as another" if count == 1 else "are in the same place as others"
            yield Finding(
                kind="doubled_faces",
                severity=Severity.WARNING,
                where=facts.where,
                count=count,
                text=f"{facts.where}: {counted(count, 'face')} {place}; {effect} in your 3D software.",
            )


def _open_edges(facts: MeshFacts) -> Iterator[Finding]:
    holes = _hole_edges(facts)
    if not holes:
        return
    is_glass = bool((facts.clear & ~facts.shape.is_closed[facts.shape.group]).any())
    effect = "the inside is visible through them"
    if is_glass:
        effect = "glass must be closed to refract light correctly"
    yield Finding(
        kind="open_edges",
        severity=Severity.WARNING if is_glass else Severity.NOTE,
        where=facts.where,
        count=holes,
        text=f"{facts.where} has holes ({counted(holes, 'open edge')}): {effect}. Close them in your 3D software.",
    )


def _hole_edges(facts: MeshFacts) -> int:
    """The open edges of parts that are closed apart from holes; not those of a sheet, which is open all around."""
    shape = facts.shape
    few = (shape.border_edges > 0) & (shape.border_edges < HOLE * shape.part_triangles)
    few &= shape.crowded_edges == 0  # Inner walls have open edges too; ``_crowded_edges`` reports those.
    return int(shape.border_edges[few].sum())
