# SPDX-License-Identifier: GPL-3.0-or-later
"""Hides the back faces of one-sided materials from the camera, as glTF viewers do (glTF 2.0, 3.9.6).

Only cameras look through them, directly or through glass. Light falls on both sides and both sides cast shadows, except
for shells around the product, such as outlines and rooms: these are invisible to all light, and cast no shadow.
"""

from collections.abc import Iterator, Sequence

import bpy
import numpy as np

from ..gltf.facing import Facing, judge
from ..gltf.findings import Finding, Severity, counted
from ..gltf.mesh_checks import Flags
from ..optics.angles import ANGLES
from ..optics.framing import camera_axes
from .blender import data_of, input_of, new_node, nodes_of, output_of, present, set_value, source_of
from .materials import has_alpha
from .mesh_facts import MeshFacts, values_of
from .shader_nodes import Socket, Tree

ATTRIBUTE = "photoreal_one_sided"  # Of faces: 1 where the back is not seen.
SHELL, SHEET = "shell", "one-sided"


def judge_sides(meshes: Sequence[MeshFacts]) -> list[Facing]:
    """What becomes of the faces of each mesh."""
    facings = judge(meshes, [camera_axes(angle.azimuth, angle.elevation) for angle in ANGLES.values()])
    for facts, facing in zip(meshes, facings, strict=True):
        if not facts.is_as_shown:
            facing.culled[:] = facing.shell[:] = facing.turned[:] = False
        elif not facts.is_editable:  # What cannot be turned is shown as it is.
            group, wrong = facts.shape.group, facing.turned | facts.opposed
            facing.culled &= ~np.isin(group, np.unique(group[wrong]))
            facing.turned[:] = False
    return facings


def side_problems(facts: MeshFacts, facing: Facing) -> Iterator[Finding]:
    """Parts that the pictures look through although they surround others, and parts that face away from all cameras."""
    count = int(facing.shell.sum())
    if count:
        yield Finding(
            kind="faces_inwards",
            severity=Severity.NOTE,
            where=facts.where,
            count=count,
            text=f"{facts.where} is one-sided and faces inwards, like an outline or a room ({counted(count, 'face')}): the "
            "pictures look through its outside, as glTF viewers do. If it should be visible from outside, recalculate "
            "its normals or make its material double-sided.",
        )
    count = int(facing.shown.sum())
    if count:
        yield Finding(
            kind="faces_away",
            severity=Severity.WARNING,
            where=facts.where,
            count=count,
            text=f"{facts.where} is one-sided and faces away from the camera in all usual views "
            f"({counted(count, 'face')}): both sides are shown, but other viewers show nothing. Flip its normals or make "
            "its material double-sided.",
        )


def hide_back_faces(meshes: Sequence[MeshFacts], facings: Sequence[Facing]) -> None:
    """Give faces that are culled a copy of their material that a camera looks through from behind.

    Before ``repair_meshes``, which changes the order of faces.
    """
    copies: dict[tuple[str, str], bpy.types.Material] = {}
    done: set[int] = set()
    for facts, facing in zip(meshes, facings, strict=True):
        mesh = data_of(facts.item, bpy.types.Mesh)
        if not facing.culled.any() or mesh.session_uid in done:
            continue
        done.add(mesh.session_uid)
        _mark(mesh, facing.culled)
        slots = values_of(mesh.polygons, "material_index", 1, np.int32).ravel()
        for kind, chosen in ((SHELL, facing.shell), (SHEET, facing.culled & ~facing.shell)):
            for slot in np.unique(facts.material[chosen]):
                material = facts.materials[slot]
                if material is None:
                    continue
                key = (material.name, kind)
                if key not in copies:
                    copies[key] = _one_sided(material, kind)
                slots[chosen & (facts.material == slot)] = len(mesh.materials)
                mesh.materials.append(copies[key])
        mesh.polygons.foreach_set("material_index", slots)


def _mark(mesh: bpy.types.Mesh, culled: Flags) -> None:
    attribute = mesh.attributes.new(ATTRIBUTE, "FLOAT", "FACE")
    if not isinstance(attribute, bpy.types.FloatAttribute):
        raise TypeError(f"{attribute.name} does not hold numbers.")
    attribute.data.foreach_set("value", culled.astype(np.float32))


def _one_sided(material: bpy.types.Material, kind: str) -> bpy.types.Material:
    """A copy of a material whose back is transparent: to cameras for a sheet; for a shell, to cameras, and its front to
    everything else too."""
    copy = material.copy()
    copy.name = f"{material.name} ({kind})"
    tree = present(copy.node_tree)
    is_behind = output_of(new_node(tree, bpy.types.ShaderNodeNewGeometry), "Backfacing")
    path = new_node(tree, bpy.types.ShaderNodeLightPath)
    looks = _math(tree, "MAXIMUM", output_of(path, "Is Camera Ray"), output_of(path, "Is Transmission Ray"))
    if kind == SHELL:
        factor = _math(tree, "MAXIMUM", is_behind, _math(tree, "SUBTRACT", 1.0, looks))
    else:
        factor = _math(tree, "MINIMUM", is_behind, looks)
        if not has_alpha(material):
            copy.use_transparent_shadow = False  # Shadow rays need not run the shader.
    for output in tuple(nodes_of(tree, bpy.types.ShaderNodeOutputMaterial)):
        surface = input_of(output, "Surface")
        if surface.is_linked:
            see_through(tree, factor, source_of(surface), surface)
    return copy


def see_through(tree: Tree, factor: Socket, shader: Socket, target: Socket) -> None:
    """Link ``shader`` to ``target``, mixed with transparency by ``factor``."""
    clear = new_node(tree, bpy.types.ShaderNodeBsdfTransparent)
    mix = new_node(tree, bpy.types.ShaderNodeMixShader)
    tree.links.new(factor, input_of(mix, 0))
    tree.links.new(shader, input_of(mix, 1))
    tree.links.new(output_of(clear, 0), input_of(mix, 2))
    tree.links.new(output_of(mix, 0), target)


def _math(tree: Tree, operation: str, first: Socket | float, second: Socket | float) -> Socket:
    node = new_node(tree, bpy.types.ShaderNodeMath)
    node.operation = operation  # type: ignore[assignment]  # The stubs list the names as literals.
    for number, value in enumerate((first, second)):
        if isinstance(value, float):
            set_value(input_of(node, number), value)
        else:
            tree.links.new(value, input_of(node, number))
    return output_of(node, 0)
