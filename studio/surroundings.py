# SPDX-License-Identifier: GPL-3.0-or-later
"""What came with the model and is not the product: reported, or left out as the user chooses."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import bpy
import numpy as np

from ..gltf.choices import Surrounding
from ..gltf.findings import Finding, Severity, counted
from ..gltf.mesh_checks import Flags, Numbers
from ..gltf.pieces import Pieces, Placed, pieces_of
from ..gltf.surroundings import Found, find_surroundings, fused_floor
from ..optics.angles import ANGLES
from ..optics.framing import frame, seen_box
from ..optics.sizes import Size, square
from .blender import data_of, input_of, value_of
from .materials import is_clear, principled_of
from .mesh_facts import MeshFacts
from .mesh_repairs import delete_faces

FRONT = ANGLES["front"]
SIZE: Size = square(4096)  # Of an imagined picture; only shares of it matter.
CLEAR_ALPHA = 0.9

_WHAT = {
    Surrounding.FLOOR: "A flat part below everything else, such as a floor,",
    Surrounding.BACKDROP: "A wall or sheet behind everything else, such as a backdrop,",
    Surrounding.DOME: "A shell around everything else, such as a sky dome,",
}


@dataclass(frozen=True, slots=True)
class Around:
    """The loose pieces of a product, and which of them are surroundings."""

    meshes: list[MeshFacts]
    pieces: Pieces
    found: Found
    fused_floor: float | None  # How long the product is, compared to the whole with a floor of its own piece.

    def of(self, kinds: Iterable[Surrounding]) -> Flags:
        """The pieces of some kinds of surroundings, (n,)."""
        chosen = np.zeros(len(self.pieces), dtype=bool)
        for kind in kinds:
            chosen |= self.found.get(kind, np.zeros_like(chosen))
        return chosen


def look_around(meshes: list[MeshFacts]) -> Around:
    """Find the surroundings among meshes."""
    whole = [Placed(facts.shape, matrix, _clear(facts)) for facts in meshes for matrix in facts.matrices]
    placed = whole
    if sum(one.shape.parts for one in placed) < 2:  # There is nothing around a single piece.
        placed = []
    pieces = pieces_of(placed)
    found = find_surroundings(pieces)
    return Around(meshes, pieces, found, None if found else fused_floor(whole))


def _clear(facts: MeshFacts) -> Flags:
    return facts.of(item for item in facts.materials if item and (is_clear(item) or _is_faint(item)))


def _is_faint(material: bpy.types.Material) -> bool:
    surface = principled_of(material)
    if surface is None:
        return False
    alpha = input_of(surface, "Alpha")
    return bool(alpha.is_linked or value_of(alpha) < CLEAR_ALPHA)


def surroundings_problems(around: Around, without: Iterable[Surrounding]) -> Iterator[Finding]:
    """A warning about each kind of surroundings, or a note when it is one of ``without`` and so left out."""
    if around.fused_floor is not None:
        yield Finding(
            kind="floor_in_product",
            severity=Severity.WARNING,
            text="The product and a flat part below it, such as a floor, are one piece, so the flat part cannot be left out. "
            f"The product is only {around.fused_floor:.0%} as long as both together. Separate the part in your 3D software, "
            "or make the model from another photo.",
        )
    product = ~around.of(around.found)
    for kind, chosen in around.found.items():
        faces = counted(around.pieces.count(chosen), "face")
        if kind in without:
            yield Finding(
                kind=kind.value,
                severity=Severity.NOTE,
                count=int(chosen.sum()),
                text=f"The {kind.value} of the model ({faces}) was left out.",
            )
            continue
        it = "them" if kind is Surrounding.CRUMBS else "it"
        yield Finding(
            kind=kind.value,
            severity=Severity.WARNING,
            count=int(chosen.sum()),
            text=f"{_problem(around.pieces, kind, chosen, product)} Leave {it} out (without: {kind.value}), or delete {it} "
            "and export again.",
            setting="without",
            value=kind.value,
        )


def _problem(pieces: Pieces, kind: Surrounding, chosen: Flags, product: Flags) -> str:
    share = _share(pieces, product, chosen)
    if kind is Surrounding.CRUMBS:
        smaller = f" and make it only {share:.0%} as large in the picture" if share < 0.95 else ""
        return f"{counted(int(chosen.sum()), 'small loose piece')} float near the product{smaller}."
    return f"{_WHAT[kind]} makes the product only {share:.0%} as large in the picture."


def _share(pieces: Pieces, product: Flags, chosen: Flags) -> float:
    """How large the product is in the front view, compared to a picture without the chosen pieces."""
    part, whole = pieces.points(product), pieces.points(product | chosen)
    framing = frame(whole, FRONT, SIZE)
    sizes = []
    for points in (part, whole):
        box = seen_box(points, framing, SIZE, 0)
        sizes.append(max(box.right - box.left, box.bottom - box.top))
    return sizes[0] / sizes[1]


def leave_out(around: Around, kinds: Iterable[Surrounding]) -> bool:
    """Remove surroundings from the scene; whether there were any.

    Objects that only consist of them are hidden; of others the faces are deleted, in a mesh of their own if others share
    it. What modifiers make of a mesh with other faces cannot be told apart, and stays.
    """
    chosen = around.of(kinds)
    owner = 0
    for facts in around.meshes:
        for name in facts.names:
            parts = around.pieces.part[chosen & (around.pieces.owner == owner)]
            owner += 1
            item = bpy.data.objects.get(name)
            if item is None or not len(parts):
                continue
            if len(parts) == facts.shape.parts:
                item.hide_render = item.hide_viewport = True
            elif len(data_of(item, bpy.types.Mesh).polygons) == facts.triangles:
                _delete_parts(item, facts, parts)
    return bool(chosen.any())


def _delete_parts(item: bpy.types.Object, facts: MeshFacts, parts: Numbers) -> None:
    mesh = data_of(item, bpy.types.Mesh)
    if mesh.users > 1:
        mesh = mesh.copy()
        item.data = mesh
    doomed = np.zeros(facts.triangles, dtype=bool)
    doomed[facts.polygon] = np.isin(facts.shape.group, parts)
    delete_faces(mesh, doomed)
