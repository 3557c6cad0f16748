# SPDX-License-Identifier: GPL-3.0-or-later
"""The photographed object: brought in, measured, put on the ground in the middle of the studio."""

import logging
import math
import re
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix, Vector

from ..gltf.broken_vertices import find_broken_vertices
from ..gltf.document import Gltf, read_gltf
from ..gltf.edits import with_far_at, with_tags, without_unseen, without_variants
from ..gltf.extensions import check_required, find_lost
from ..gltf.findings import Finding, Severity, triage_list
from ..gltf.mesh_checks import MAX_COORDINATE_M, is_far
from ..gltf.packing import enclosed_copy
from ..messages.errors import InputError, MachineError
from . import compat, mending, mesh_facts, triage
from .materials import restore_materials
from .quiet import quiet_blender

log = logging.getLogger(__name__)

COLLECTION = "Photoreal Product"
ROOT = "Photoreal Product Root"
TAG = "photoreal_number"  # Of a mesh or material in its file, while it is imported.
SMALLEST_M = 1e-9  # What is smaller is no object, and its reciprocal overflows.
FAR_M = 1e6 * MAX_COORDINATE_M  # Where broken vertices are during the import; a float holds its square.
UNIT_SIZE = (
    1.0  # Metres of the longest side in the studio: light, shadow and clip planes then fit every product.
)
SURFACE_SPACING = UNIT_SIZE / 150.0
MOST_ON_TRIANGLE = 30_000
PYTHON_ERROR = re.compile(r"\w+(Error|Exception|Exit|Iteration)\b")  # The last line of a traceback.


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """The product in the scene.

    ``root`` carries the whole normalisation: with the identity there, every object is where the file
    put it. ``standing`` is its matrix when the front looks towards -Y. ``size_m`` is the size in the file, x, y, z
    in metres. ``triage`` is what is wrong with it, the worst first.
    """

    collection: bpy.types.Collection
    root: bpy.types.Object
    standing: Matrix
    size_m: tuple[float, float, float]
    triangles: int
    triage: tuple[Finding, ...]

    def turn(self, degrees: float) -> None:
        """Turn the product counter-clockwise, seen from above, out of its standing pose."""
        self.root.matrix_world = Matrix.Rotation(math.radians(degrees), 4, "Z") @ self.standing
        bpy.context.view_layer.update()

    def restore(self) -> None:
        """Put every object back to where its file has it."""
        self.root.matrix_world = Matrix.Identity(4)
        bpy.context.view_layer.update()


def import_product(path: Path, scene: bpy.types.Scene, *, name: str = "") -> Product:
    """Bring a GLB or glTF file into a collection of its own and normalise it.

    ``name`` is what the user calls the file.

    Raises InputError when Blender cannot read the file or it holds nothing visible.
    """
    gltf = read_gltf(path, name=name or path.name)
    name = gltf.name
    check_required(gltf, compat.importable_extensions())
    collection = bpy.data.collections.new(COLLECTION)
    scene.collection.children.link(collection)
    objects = _import_objects(gltf, collection)
    materials, meshes = _take_tags(objects)
    for mesh in meshes:
        mending.leave_out_far(mesh)
    _hide_cameras_and_lights(objects)
    root = bpy.data.objects.new(ROOT, None)
    collection.objects.link(root)
    for item in objects:
        if item.parent is None:
            item.parent = root
    broken = list(find_broken_vertices(gltf))
    points = visible_points(collection)
    if not len(points) and any(finding.kind == "broken_vertices" for finding in broken):
        raise InputError(
            f"No face of {name} is whole: vertex positions are no numbers or beyond all measure.",
            hint="Repair the mesh and export it again.",
        )
    if is_far(points).any():
        raise InputError(
            f"{name} has parts at places that are no numbers or beyond all measure.",
            hint="Check the positions, rotations and scales of its objects, and export it again.",
        )
    if not len(points):
        raise InputError(f"{name} has no visible mesh.", hint="Export the product's meshes into it.")
    low, high = points.min(axis=0), points.max(axis=0)
    size = tuple(float(side) for side in high - low)
    if max(size) < SMALLEST_M:
        raise InputError(f"All of {name} lies in one point.", hint="Check the export scale.")
    standing = _standing_matrix(low, high)
    findings = [*find_lost(gltf), *broken, *repair_textures(objects)]
    findings += _heal(gltf, collection, materials, meshes, size)
    root.matrix_world = standing
    bpy.context.view_layer.update()
    return Product(
        collection=collection,
        root=root,
        standing=standing,
        size_m=size,
        triangles=_count_triangles(collection),
        triage=triage_list(findings),
    )


def _heal(
    gltf: Gltf,
    collection: bpy.types.Collection,
    materials: dict[bpy.types.Material, int],
    meshes: dict[bpy.types.Mesh, int],
    size: tuple[float, float, float],
) -> Iterator[Finding]:
    """Look the product through as its file has it, mend what can be, and give it back its materials."""
    without_normals = gltf.meshes_without_normals()
    for mesh, number in meshes.items():
        if number in without_normals:
            mending.smooth(mesh)
    facts = mesh_facts.measure(visible_meshes(collection))
    yield from triage.find_faults(facts, size)
    yield from restore_materials(
        gltf, materials, scale=UNIT_SIZE / max(size), open_materials=mesh_facts.open_materials(facts)
    )
    mending.mend(facts)


def _import_objects(gltf: Gltf, collection: bpy.types.Collection) -> list[bpy.types.Object]:
    before = {item.session_uid for item in bpy.data.objects}
    operator = bpy.ops.import_scene.gltf
    options = compat.accepted(
        operator, import_pack_images=True, merge_vertices=False, import_select_created_objects=False
    )
    known = compat.importable_extensions()
    whole = without_unseen(without_variants(enclosed_copy(gltf)))
    whole = with_far_at(whole, FAR_M)
    tagged = with_tags(whole, TAG, required=tuple(item for item in whole.required if item in known))
    try:
        with quiet_blender(), tempfile.TemporaryDirectory(prefix="photoreal-") as folder:
            path = Path(folder) / "product.glb"
            path.write_bytes(tagged.glb())
            operator(filepath=str(path), **options)
    except RuntimeError as error:
        if "No module named 'numpy'" in str(error):
            raise MachineError(
                "Blender's glTF importer needs numpy.", hint="Install it for this Blender."
            ) from error
        log.info("Blender's importer on %s: %s", gltf.name, error)
        why = reason(error)
        if PYTHON_ERROR.match(why):  # The importer takes what the file promises for granted.
            why = "it names parts that are not there, or holds values that glTF does not allow"
        raise InputError(
            f"Blender cannot read {gltf.name}: {why}.",
            hint="Export the model again; a glTF validator shows what is wrong with this file.",
        ) from error
    objects = [item for item in bpy.data.objects if item.session_uid not in before]
    for item in objects:
        for holder in tuple(item.users_collection):
            # The importer keeps shapes of bones in a collection of its own; they are no part of the product.
            if holder.name.startswith("glTF_not_exported"):
                item.hide_render = True
            holder.objects.unlink(item)
        collection.objects.link(item)
    return objects


def _take_tags(
    objects: list[bpy.types.Object],
) -> tuple[dict[bpy.types.Material, int], dict[bpy.types.Mesh, int]]:
    """The number in the file of every material and mesh; the tags are taken off."""
    meshes = {item.data for item in objects if item.type == "MESH"}
    materials = {material for mesh in meshes for material in mesh.materials if material}
    numbered: list[dict[Any, int]] = []
    for blocks in (materials, meshes):
        numbers = {block: int(block[TAG]) for block in blocks if TAG in block}
        for block in numbers:
            del block[TAG]
        numbered.append(dict(sorted(numbers.items(), key=lambda pair: (pair[1], pair[0].name))))
    return numbered[0], numbered[1]


def reason(error: RuntimeError) -> str:
    """The last telling line of an operator's error."""
    lines = [
        line.strip() for line in str(error).splitlines() if line.strip() and not line.startswith("Location:")
    ]
    return (lines[-1] if lines else "unknown error").removeprefix("Error: ").rstrip(".")


def _hide_cameras_and_lights(objects: list[bpy.types.Object]) -> None:
    """Light and view are the studio's. Hidden, not deleted: meshes may hang below them."""
    for item in objects:
        if item.type in {"CAMERA", "LIGHT", "LIGHT_PROBE", "SPEAKER"}:
            item.hide_render = True
            item.hide_viewport = True


def _standing_matrix(low: np.ndarray, high: np.ndarray) -> Matrix:
    """On the ground, in the middle, UNIT_SIZE big."""
    scale = UNIT_SIZE / float((high - low).max())
    middle = (low + high) / 2.0
    foot = Vector((float(middle[0]), float(middle[1]), float(low[2])))
    return Matrix.Scale(scale, 4) @ Matrix.Translation(-foot)


def visible_meshes(
    collection: bpy.types.Collection,
) -> Iterator[tuple[bpy.types.Object, bpy.types.Mesh, Matrix]]:
    """Every mesh that a render shows, as evaluated, with its place in the world."""
    own = {item.session_uid for item in collection.all_objects}
    depsgraph = bpy.context.evaluated_depsgraph_get()
    for instance in depsgraph.object_instances:
        item = instance.object
        maker = instance.parent if instance.is_instance else item
        if item.type != "MESH" or maker.original.session_uid not in own:
            continue
        if maker.original.hide_render or (item.original.hide_render and not instance.is_instance):
            continue
        matrix = instance.matrix_world.copy()
        mesh = item.to_mesh()
        yield item, mesh, matrix
        item.to_mesh_clear()


def visible_points(collection: bpy.types.Collection) -> np.ndarray:
    """World coordinates of all visible vertices, float64 of shape (n, 3)."""
    parts = []
    for _item, mesh, matrix in visible_meshes(collection):
        flat = np.empty(len(mesh.vertices) * 3, dtype=np.float32)
        mesh.vertices.foreach_get("co", flat)
        used = np.unique(_corner_vertices(mesh))  # A loose vertex is in no picture.
        local = flat.reshape(-1, 3)[used].astype(np.float64)
        transform = np.array(matrix)
        parts.append(local @ transform[:3, :3].T + transform[:3, 3])
    return np.concatenate(parts) if parts else np.empty((0, 3))


def surface_points(collection: bpy.types.Collection) -> np.ndarray:
    """World coordinates of places all over the visible surface, float64 of shape (n, 3), always the same ones.

    Each triangle has as many as it is large, SURFACE_SPACING apart, and at least one.
    """
    parts = []
    for _item, mesh, matrix in visible_meshes(collection):
        mesh.calc_loop_triangles()
        flat = np.empty(len(mesh.vertices) * 3, dtype=np.float32)
        mesh.vertices.foreach_get("co", flat)
        corners = np.empty(len(mesh.loop_triangles) * 3, dtype=np.int32)
        mesh.loop_triangles.foreach_get("vertices", corners)
        transform = np.array(matrix)
        world = flat.reshape(-1, 3).astype(np.float64) @ transform[:3, :3].T + transform[:3, 3]
        first, second, third = (world[corners[corner::3]] for corner in range(3))
        area = np.linalg.norm(np.cross(second - first, third - first), axis=1) / 2.0
        area = np.nan_to_num(area, posinf=0.0)
        counts = np.clip(np.ceil(area / SURFACE_SPACING**2), 1, MOST_ON_TRIANGLE).astype(int)
        which = np.repeat(np.arange(len(counts)), counts)
        place = np.arange(len(which)) - np.repeat(counts.cumsum() - counts, counts) + 0.5
        # The R2 sequence (Roberts 2018) spreads evenly; folding brings the square onto the triangle.
        u, v = (place * 0.7548776662466927) % 1.0, (place * 0.5698402909980532) % 1.0
        u, v = np.where(u + v > 1.0, (1.0 - u, 1.0 - v), (u, v))
        parts.append(
            first[which] + u[:, None] * (second - first)[which] + v[:, None] * (third - first)[which]
        )
    points = np.concatenate(parts) if parts else np.empty((0, 3))
    return points[np.isfinite(points).all(axis=1)]


def _corner_vertices(mesh: bpy.types.Mesh) -> np.ndarray:
    corners = np.empty(len(mesh.loops), dtype=np.int32)
    mesh.loops.foreach_get("vertex_index", corners)
    return corners


def _count_triangles(collection: bpy.types.Collection) -> int:
    return sum(
        len(mesh.loops) - 2 * len(mesh.polygons) for _item, mesh, _matrix in visible_meshes(collection)
    )


def repair_textures(objects: Iterable[bpy.types.Object]) -> Iterator[Finding]:
    """Cut off textures that have no pixels, which Cycles would paint in magenta, and say so."""
    materials = {
        slot.material.name: slot.material for item in objects for slot in item.material_slots if slot.material
    }
    for name, material in sorted(materials.items()):
        if not material.node_tree:
            continue
        for node in material.node_tree.nodes:
            if node.type != "TEX_IMAGE" or (node.image and _has_pixels(node.image)):
                continue
            texture = node.image.name if node.image else "without a name"
            for output in node.outputs:
                for link in tuple(output.links):
                    material.node_tree.links.remove(link)
            yield Finding(
                kind="texture_missing",
                severity=Severity.WARNING,
                where=name,
                text=f"Material {name}: its texture {texture} is missing or unreadable, so its plain colour is shown. "
                "Put it back as PNG or JPEG, and export again.",
            )


def _has_pixels(image: bpy.types.Image) -> bool:
    return bool(image.size[0] and image.size[1])
