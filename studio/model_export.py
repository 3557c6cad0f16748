# SPDX-License-Identifier: GPL-3.0-or-later
"""Exports the product of a set as GLB or USDZ, in the state in which it was photographed.

That is: in its pose, without what the user left out, with its meshes repaired, in its real size in meters, standing on
the ground with its middle at the origin, y up and its front towards +z. Materials are those that Blender's glTF importer
makes, because its exporters know only these.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix
from numpy.typing import NDArray

from ..files.writing import copy_atomically
from ..gltf.choices import ModelOptions
from ..imaging.provenance import Provenance
from ..messages.errors import FieldError, MachineError
from .blender import data_of, present, reason_of
from .mesh_facts import original_of
from .model_files import read_again, write_glb, write_usdz
from .model_textures import TextureSet
from .product import MODEL_AS_IT_IS, Product, Sides, import_product
from .session import empty_blender
from .visible import count_triangles, visible_meshes, visible_points

MAX_CHANGE = 1e-3  # Of the size, after the file was opened again.
TEXTURE_SIDES = (4096, 2048, 1024, 512, 256)  # Pixels; smaller ones no longer show print.
_SHEAR = 1e-5

_WRITERS = {".glb": write_glb, ".usdz": write_usdz}


class ModelTooLargeError(FieldError):
    """A 3D model that does not fit into the size that the user allows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """What is in an exported file. ``size_m`` are the sides x, y, z in Blender's axes, in meters.

    ``texture_side`` is the longest side of a texture in pixels, 0 without textures.
    """

    size_m: Sides
    triangles: int
    textures: int
    texture_side: int
    bytes: int


def export_model(
    source: Path,
    target: Path,
    provenance: Provenance,
    *,
    name: str,
    options: ModelOptions = MODEL_AS_IT_IS,
    max_bytes: int | None = None,
) -> ModelFacts:
    """Write the GLB ``source`` to ``target``, a .glb or .usdz file, which is replaced only by a complete and checked one.

    ``name`` is the name of the product. ``options``: its pose, and what is left out. With ``max_bytes``, textures are
    made smaller until the file fits. Only for a background Blender: the open file is emptied.

    Raises InputError as ``import_product``; ModelTooLargeError; MachineError when this Blender cannot write the format, or
    the file does not contain what it should.
    """
    empty_blender()
    scene = _new_scene("Photoreal Import")
    product = import_product(source, scene, name=name, options=options, is_for_cycles=False)
    wanted = _flattened(product, name)
    textures = TextureSet(wanted)
    with tempfile.TemporaryDirectory(prefix="photoreal-model-") as scratch:
        part = Path(scratch) / f"model{target.suffix}"
        for side in (None, *(side for side in TEXTURE_SIDES if side < textures.side)):
            if side is not None:
                textures.reduce(side)
            _write(part, name, provenance)
            if max_bytes is None or part.stat().st_size <= max_bytes:
                break
        else:
            raise _too_large(name, part.stat().st_size, max_bytes, count_triangles(wanted), textures)
        facts = _facts(wanted, textures, part)
        _check(part, wanted, facts, target.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        copy_atomically(part, target)
    return facts


def _new_scene(name: str) -> bpy.types.Scene:
    scene = bpy.data.scenes.new(name)
    present(bpy.context.window).scene = scene
    return scene


def _flattened(product: Product, name: str) -> bpy.types.Collection:
    """The visible meshes in a new scene, as static objects below one empty that has the name of the product.

    Copies of the same mesh stay copies.
    """
    scale = product.standing.to_scale()[0]
    product.root.matrix_world = Matrix.Scale(1.0 / scale, 4) @ product.standing
    present(bpy.context.view_layer).update()
    # First a list: new data-blocks may not be made while Blender goes through the objects.
    shown = [(original_of(item), matrix) for item, _mesh, matrix in visible_meshes(product.collection)]
    depsgraph = bpy.context.evaluated_depsgraph_get()
    root = bpy.data.objects.new(name, None)
    meshes: dict[int, bpy.types.Mesh] = {}
    made = [root]
    for item, matrix in shown:
        key = item.session_uid if item.modifiers else data_of(item, bpy.types.Mesh).session_uid
        if key not in meshes:
            evaluated = item.evaluated_get(depsgraph)
            meshes[key] = bpy.data.meshes.new_from_object(
                evaluated, preserve_all_data_layers=True, depsgraph=depsgraph
            )
        made.append(_placed(meshes[key], matrix, root))
    names = [name, *(item.name for item, _matrix in shown)]
    bpy.data.batch_remove(list(product.collection.all_objects))  # Otherwise the copies get other names.
    collection = present(_new_scene("Photoreal Export").collection)
    for one, its_name in zip(made, names, strict=True):
        one.name = its_name
        collection.objects.link(one)
    present(bpy.context.view_layer).update()
    return collection


def _placed(mesh: bpy.types.Mesh, matrix: Matrix, root: bpy.types.Object) -> bpy.types.Object:
    """An object that shows ``mesh`` at ``matrix``. Files hold no shear, so a sheared mesh is stored as it is shown."""
    rebuilt = np.array(Matrix.LocRotScale(*matrix.decompose()))
    original = np.array(matrix)
    is_sheared = np.abs(rebuilt - original).max() > _SHEAR * max(np.abs(original[:3, :3]).max(), 1e-30)
    if is_sheared:
        mesh = mesh.copy()
        mesh.transform(matrix)
        if matrix.determinant() < 0.0:
            mesh.flip_normals()
        matrix = Matrix()
    item = bpy.data.objects.new(mesh.name, mesh)
    item.parent = root
    item.matrix_world = matrix
    return item


def _write(part: Path, name: str, provenance: Provenance) -> None:
    try:
        _WRITERS[part.suffix](part, name, provenance)
    except (RuntimeError, OSError) as error:
        reason = reason_of(error) if isinstance(error, RuntimeError) else error.strerror
        raise MachineError(f"Blender could not write {name}{part.suffix}: {reason}.") from error


def _facts(collection: bpy.types.Collection, textures: TextureSet, part: Path) -> ModelFacts:
    return ModelFacts(
        size_m=_sides(collection),
        triangles=count_triangles(collection),
        textures=textures.count,
        texture_side=textures.side,
        bytes=part.stat().st_size,
    )


def _sides(collection: bpy.types.Collection) -> Sides:
    points = visible_points(collection)
    if not len(points):
        return 0.0, 0.0, 0.0
    x, y, z = (float(side) for side in np.ptp(points, axis=0))
    return x, y, z


def _check(part: Path, wanted: bpy.types.Collection, facts: ModelFacts, name: str) -> None:
    """Open the file again. Raises MachineError when its bounds or its textures are not those of the product."""
    expected = _bounds(wanted)
    collection = present(_new_scene("Photoreal Check").collection)
    read_again(part)
    found = _bounds(collection)
    change = np.abs(found - expected).max() / max(facts.size_m)
    if not change <= MAX_CHANGE:  # Also for NaN.
        raise MachineError(
            f"{name} was written, but opened again it differs by {100.0 * change:.1f} % of its size. It was not kept."
        )
    count = TextureSet(collection).count
    if count < facts.textures:
        raise MachineError(
            f"{name} was written, but opened again it has {count} of {facts.textures} textures. It was not kept."
        )


def _bounds(collection: bpy.types.Collection) -> NDArray[np.float64]:
    """Lowest and highest coordinates, (2, 3); NaN without a mesh."""
    points = visible_points(collection)
    if not len(points):
        return np.full((2, 3), np.nan)
    return np.stack((points.min(axis=0), points.max(axis=0)))


def _too_large(
    name: str, size: int, limit: int | None, triangles: int, textures: TextureSet
) -> ModelTooLargeError:
    reduced = f" with textures of {textures.side} pixels" if textures.count else " without any texture"
    return ModelTooLargeError(
        "max_size",
        f"The 3D model of {name} has {size / 1e6:.2f} MB{reduced}, and {(limit or 0) / 1e6:g} MB are allowed. "
        f"It has {triangles:,} triangles.",
        hint="Reduce them in your 3D software, or allow a larger file.",
    )
