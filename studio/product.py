# SPDX-License-Identifier: GPL-3.0-or-later
"""The product: imported, repaired, and placed on the ground in the middle of the studio."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix, Vector

from ..gltf.broken_vertices import find_broken_vertices
from ..gltf.choices import ModelOptions
from ..gltf.document import Gltf, read_gltf
from ..gltf.extensions import check_required, find_lost
from ..gltf.findings import Finding, triage_list
from ..gltf.instances import with_instances_as_nodes
from ..gltf.mesh_checks import is_far
from ..gltf.packing import enclosed_copy
from ..gltf.pose import Posed, posed
from ..gltf.visibility import has_meshes, without_unseen
from ..messages.errors import InputError
from . import compat, mesh_facts, mesh_repairs
from .blender import present
from .coincident import find_coincident, lift_surfaces
from .gltf_import import import_objects, take_tags
from .layers import Layers, count_layers
from .materials import restore_materials
from .missing_textures import disconnect_missing_textures
from .one_sided import hide_back_faces, judge_sides
from .picture_alpha import alpha_of
from .surroundings import leave_out, look_around, surroundings_problems
from .triage import find_problems
from .visible import UNIT_SIZE, Points, count_triangles, visible_meshes, visible_points

COLLECTION = "Photoreal Product"
ROOT = "Photoreal Product Root"
MIN_SIZE_M = 1e-9  # The scale of anything smaller would overflow.

MODEL_AS_IT_IS = ModelOptions()

Sides = tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """The product in the scene.

    All objects are below ``root``, whose matrix places the product; with the identity matrix every object is where the
    file has it, except for ``offset``, (3,), which was subtracted from all places. ``standing`` is its matrix when the
    front faces -Y. ``size_m`` are the sides x, y, z in the file, in metres. ``layers`` is what light passes through.
    ``triage`` lists problems, worst first. ``clip`` names the animation that posed it, "" without one.
    """

    collection: bpy.types.Collection
    root: bpy.types.Object
    standing: Matrix
    offset: Points
    size_m: Sides
    triangles: int
    layers: Layers
    triage: tuple[Finding, ...]
    clip: str = ""

    @property
    def from_file(self) -> Points:
        """The 4x4 matrix from coordinates in the file, in Blender's axes, to the standing product."""
        matrix = np.array(self.standing, dtype=np.float64)
        matrix[:3, 3] -= matrix[:3, :3] @ self.offset
        return matrix

    def turn(self, degrees: float) -> None:
        """Turn the product counter-clockwise, seen from above, from its standing pose."""
        self.root.matrix_world = Matrix.Rotation(math.radians(degrees), 4, "Z") @ self.standing
        present(bpy.context.view_layer).update()


def import_product(
    path: Path,
    scene: bpy.types.Scene,
    *,
    name: str = "",
    options: ModelOptions = MODEL_AS_IT_IS,
    is_for_cycles: bool = True,
) -> Product:
    """Import a GLB or glTF file into a new collection of ``scene``, repair it, and put it on the ground.

    ``name`` is the name of the file in messages. ``options``: its pose, what is left out, and where it stands. Exporters
    know materials only as the importer makes them: they stay so unless it ``is_for_cycles``. Raises InputError when
    Blender cannot read the file, or it contains nothing visible.
    """
    gltf = (pose := _read(path, name or path.name, options.pose)).gltf
    collection, objects, offset, far = _imported(gltf, scene)
    materials, meshes = take_tags(objects)
    root = _put_below_root(objects, collection)
    points, broken = _prepared(gltf, collection, meshes)
    findings = [*pose.findings, *far, *find_lost(gltf), *broken, *disconnect_missing_textures(objects)]
    facts, around = _without(collection, options)
    points = visible_points(collection) if options.without else points
    size, standing = _measured(points, gltf.name, options.from_file, offset)
    findings += [*around, *_repair(gltf, facts, materials if is_for_cycles else None, size)]
    findings += (layers := count_layers(collection)).findings()
    root.matrix_world = standing
    present(bpy.context.view_layer).update()
    return Product(
        collection=collection,
        root=root,
        standing=standing,
        offset=offset,
        size_m=size,
        triangles=count_triangles(collection),
        layers=layers,
        triage=triage_list(findings),
        clip=pose.clip,
    )


def _read(path: Path, name: str, pose: str) -> Posed:
    """The visible parts of a file in a pose. Raises as ``import_product``."""
    gltf = read_gltf(path, name=name)
    check_required(gltf, compat.importable_extensions())
    standing = posed(enclosed_copy(gltf), pose)
    seen = without_unseen(with_instances_as_nodes(standing.gltf), alpha_of)
    if has_meshes(standing.gltf) and not has_meshes(seen):
        raise InputError(
            f"Nothing in {name} can be seen: its parts are transparent, hidden, or scaled to nothing.",
            hint="Make the product visible and export it again.",
        )
    return replace(standing, gltf=seen)


def _imported(
    gltf: Gltf, scene: bpy.types.Scene
) -> tuple[bpy.types.Collection, list[bpy.types.Object], Points, tuple[Finding, ...]]:
    """The objects of a file in a new collection of ``scene``, what was subtracted from their places, (3,), and findings."""
    collection = bpy.data.collections.new(COLLECTION)
    present(scene.collection).children.link(collection)
    objects, offset, findings = import_objects(gltf, collection)
    _hide_cameras_and_lights(objects)
    return collection, objects, offset, findings


def _put_below_root(objects: list[bpy.types.Object], collection: bpy.types.Collection) -> bpy.types.Object:
    root = bpy.data.objects.new(ROOT, None)
    collection.objects.link(root)
    for item in objects:
        if item.parent is None:
            item.parent = root
    return root


def _prepared(
    gltf: Gltf, collection: bpy.types.Collection, meshes: dict[bpy.types.Mesh, int]
) -> tuple[Points, list[Finding]]:
    """Remove faces that are too far away and compute missing normals; the visible vertices, (n, 3), and findings.

    Raises as ``_check_points``.
    """
    for mesh in meshes:
        mesh_repairs.delete_far_faces(mesh)
    broken = list(find_broken_vertices(gltf))
    points = visible_points(collection)
    _check_points(points, gltf.name, broken, has_faces=any(len(one.polygons) for one in meshes))
    _smooth(gltf, meshes)
    return points, broken


def _check_points(points: Points, name: str, broken: list[Finding], *, has_faces: bool) -> None:
    """Raises InputError unless the visible vertices (n, 3) can be rendered. ``broken`` is what is wrong in the file."""
    if not len(points) and any(finding.kind == "broken_vertices" for finding in broken):
        raise InputError(
            f"All faces of {name} have vertices with invalid or extremely large coordinates.",
            hint="Repair the mesh and export it again.",
        )
    if is_far(points).any():
        raise InputError(
            f"{name} has parts with invalid or extremely large coordinates.",
            hint="Check the positions, rotations and scales of its objects, and export it again.",
        )
    if not len(points) and has_faces:
        raise InputError(f"All of {name} is in a single point or on a line.", hint="Check the export scale.")
    if not len(points):
        raise InputError(
            f"{name} has no visible mesh.", hint="Include the meshes of the product in the export."
        )


def _measured(
    points: Points, name: str, from_file: Sequence[Sequence[float]] | None, offset: Points
) -> tuple[Sides, Matrix]:
    """The sides of the box around points (n, 3), and the matrix of the root. Raises as ``_size_of``.

    ``from_file`` decides where it stands if it is given; ``offset`` was subtracted from all places.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    size = _size_of(low, high, name)
    if from_file is None:
        return size, _standing_matrix(low, high)
    matrix = np.array(from_file, dtype=np.float64)
    matrix[:3, 3] += matrix[:3, :3] @ offset
    return size, Matrix(matrix.tolist())


def _size_of(low: Points, high: Points, name: str) -> Sides:
    """The sides of the box from ``low`` to ``high``, in metres. Raises InputError when they are all zero."""
    x, y, z = (float(side) for side in high - low)
    if max(x, y, z) < MIN_SIZE_M:
        raise InputError(f"All of {name} is in a single point.", hint="Check the export scale.")
    return x, y, z


def _without(
    collection: bpy.types.Collection, options: ModelOptions
) -> tuple[list[mesh_facts.MeshFacts], list[Finding]]:
    """Leave out the surroundings that the user does not want; what is left, and findings about the surroundings."""
    around = look_around(mesh_facts.measure(visible_meshes(collection)))
    findings = list(surroundings_problems(around, options.without))
    if not leave_out(around, options.without):
        return around.meshes, findings
    return mesh_facts.measure(visible_meshes(collection)), findings


def _smooth(gltf: Gltf, meshes: dict[bpy.types.Mesh, int]) -> None:
    """Give normals to the meshes without any."""
    without_normals = gltf.meshes_without_normals()
    for mesh, number in meshes.items():
        if number in without_normals:
            mesh_repairs.smooth_normals(mesh)


def _repair(
    gltf: Gltf,
    facts: list[mesh_facts.MeshFacts],
    materials: dict[bpy.types.Material, int] | None,
    size: Sides,
) -> Iterator[Finding]:
    """Check the product as the file has it, repair its meshes, and restore its ``materials`` unless they are ``None``."""
    facings = judge_sides(facts)
    lifts = find_coincident(facts, facings, max(size))
    yield from find_problems(facts, facings, lifts, size)
    if materials is not None:
        yield from restore_materials(
            gltf, materials, scale=UNIT_SIZE / max(size), open_materials=mesh_facts.open_materials(facts)
        )
    lift_surfaces(facts, lifts)
    if materials is not None:
        hide_back_faces(facts, facings)
    mesh_repairs.repair_meshes(facts, facings)


def _hide_cameras_and_lights(objects: list[bpy.types.Object]) -> None:
    """The studio has a camera and lights. Those of the file are hidden, not deleted: meshes may be their children."""
    for item in objects:
        if item.type in {"CAMERA", "LIGHT", "LIGHT_PROBE", "SPEAKER"}:
            item.hide_render = True
            item.hide_viewport = True


def _standing_matrix(low: Points, high: Points) -> Matrix:
    """Moves the box from ``low`` to ``high`` onto the ground, in the middle, with a longest side of UNIT_SIZE."""
    scale = UNIT_SIZE / float((high - low).max())
    middle = (low + high) / 2.0
    foot = Vector((float(middle[0]), float(middle[1]), float(low[2])))
    return Matrix.Scale(scale, 4) @ Matrix.Translation(-foot)
