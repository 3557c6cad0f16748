# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports a glTF file with Blender's importer, and finds out which mesh and material of the file became which."""

import logging
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import bpy
import numpy as np
from numpy.typing import NDArray

from ..gltf.document import Gltf
from ..gltf.edits import with_far_at, with_tags, without_variants
from ..gltf.findings import Finding
from ..gltf.mesh_checks import MAX_COORDINATE_M
from ..gltf.recentring import recentred
from ..messages.errors import InputError, MachineError
from ..optics.cameras import TO_BLENDER
from . import compat
from .blender import custom_property, data_of, reason_of
from .quiet import quiet_blender

log = logging.getLogger(__name__)

TAG = "photoreal_number"  # A custom property of meshes and materials during the import: their index in the file.
FAR_M = 1e6 * MAX_COORDINATE_M  # Where broken vertices are during the import; float32 can hold its square.
PYTHON_ERROR = re.compile(r"\w+(Error|Exception|Exit|Iteration)\b")  # The last line of a traceback.

FRAMES_PER_NODE, MAX_RECURSION = (
    4,
    100_000,
)  # Of Python functions; they take memory, but no stack of the process.

Block = TypeVar("Block", bpy.types.Material, bpy.types.Mesh)


def import_objects(
    gltf: Gltf, collection: bpy.types.Collection
) -> tuple[list[bpy.types.Object], NDArray[np.float64], tuple[Finding, ...]]:
    """Import the default scene of a file, with the default materials, into ``collection``.

    Returns its objects, what was subtracted from all places, (3,), in Blender's axes, and findings about places: see
    ``gltf.recentring``.

    ``gltf`` refers to no other file.
    Raises InputError when the importer cannot read the file, MachineError when the importer is not complete.
    """
    before = {item.session_uid for item in bpy.data.objects}
    near = recentred(with_far_at(without_variants(gltf), FAR_M))
    whole = near.gltf
    known = compat.importable_extensions()
    tagged = with_tags(whole, TAG, required=tuple(item for item in whole.required if item in known))
    try:
        with _recursion_for(len(tagged.entries("nodes"))):
            _run_importer(tagged.glb())
    except RuntimeError as error:
        raise _import_error(gltf.name, error) from error
    objects = [item for item in bpy.data.objects if item.session_uid not in before]
    for item in objects:
        for holder in tuple(item.users_collection):
            # The importer keeps the shapes of bones in this collection; they are not part of the product.
            if holder.name.startswith("glTF_not_exported"):
                item.hide_render = True
            holder.objects.unlink(item)
        collection.objects.link(item)
    return objects, near.offset @ TO_BLENDER[:3, :3].T, near.findings


@contextmanager
def _recursion_for(nodes: int) -> Iterator[None]:
    """Let the importer, which is recursive, go through a chain of this many nodes."""
    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(max(usual, min(FRAMES_PER_NODE * nodes, MAX_RECURSION)))
    try:
        yield
    finally:
        sys.setrecursionlimit(usual)


def _run_importer(glb: bytes) -> None:
    operator = bpy.ops.import_scene.gltf
    options = compat.known_arguments(
        operator, import_pack_images=True, merge_vertices=False, import_select_created_objects=False
    )
    with quiet_blender(), tempfile.TemporaryDirectory(prefix="photoreal-") as folder:
        path = Path(folder) / "product.glb"
        path.write_bytes(glb)
        operator(filepath=str(path), **options)


def _import_error(name: str, error: RuntimeError) -> InputError | MachineError:
    if "No module named 'numpy'" in str(error):
        return MachineError("Blender's glTF importer needs numpy.", hint="Install it for this Blender.")
    log.info("Blender's importer on %s: %s", name, error)
    reason = reason_of(error)
    if PYTHON_ERROR.match(reason):  # The importer expects files to be valid.
        reason = "it refers to parts that do not exist, or contains values that glTF does not allow"
    return InputError(
        f"Blender cannot read {name}: {reason}.",
        hint="Export the model again; a glTF validator shows what is wrong with this file.",
    )


def take_tags(
    objects: list[bpy.types.Object],
) -> tuple[dict[bpy.types.Material, int], dict[bpy.types.Mesh, int]]:
    """The index in the file of each imported material and mesh. Removes the tags."""
    meshes = {data_of(item, bpy.types.Mesh) for item in objects if item.type == "MESH"}
    materials = {material for mesh in meshes for material in mesh.materials if material}
    return _numbers_of(materials), _numbers_of(meshes)


def _numbers_of(blocks: Iterable[Block]) -> dict[Block, int]:
    numbers = {block: int(number) for block in blocks if (number := custom_property(block, TAG)) is not None}
    for block in numbers:
        del block[TAG]
    return dict(sorted(numbers.items(), key=lambda pair: (pair[1], pair[0].name)))
