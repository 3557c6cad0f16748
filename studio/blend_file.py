# SPDX-License-Identifier: GPL-3.0-or-later
"""Converts a .blend file to a GLB, and restores or reports what Blender's exporter drops."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import bpy

from ..files.writing import write_atomically
from ..gltf.document import Gltf, read_gltf
from ..gltf.findings import Finding, Severity
from ..gltf.json_values import Json
from ..messages.errors import MachineError
from . import compat
from .blend_opening import open_blend
from .blender import input_of, links_of, materials_of, node_before, nodes_of, output_of, present, value_of
from .materials import principled_of
from .missing_textures import disconnect_missing_textures
from .quiet import quiet_blender

# Node types that the exporter understands in front of a Principled BSDF.
EXPORTED_NODES = {
    *("TEX_IMAGE", "NORMAL_MAP", "SEPARATE_COLOR", "COMBINE_COLOR", "SEPXYZ", "COMBXYZ", "MIX", "MIX_RGB", "MATH"),
    *("VECT_MATH", "UVMAP", "TEX_COORD", "MAPPING", "VERTEX_COLOR", "ATTRIBUTE", "RGB", "VALUE", "TANGENT"),
    *("GROUP", "REROUTE", "BSDF_PRINCIPLED", "LIGHT_PATH"),
}  # fmt: skip
EXPORTED_SURFACES = {
    "BSDF_PRINCIPLED",
    "EMISSION",
    "BACKGROUND",
    "MIX_SHADER",
    "GROUP",
}  # The last two: unlit.
RENDERED_OBJECTS = {"MESH", "CURVE", "SURFACE", "FONT", "META"}

Material = bpy.types.Material


def convert_to_glb(source: Path, target: Path, external_data: Sequence[Path] = ()) -> list[Finding]:
    """Write the rendered objects of a .blend file as one GLB with its textures.

    Returns findings about what the GLB lacks: missing textures, materials that glTF cannot describe.

    Only for a background Blender: the file replaces the one that is open.
    Raises InputError as ``open_blend``, MachineError when the GLB cannot be written.
    """
    open_blend(source, external_data)
    findings = list(disconnect_missing_textures(present(bpy.context.scene).objects))
    materials = _rendered_materials()
    for material in materials:
        findings += _lost_in(material)
    extensions = {
        material.name: _extensions_of(material, thickness) for material, thickness in materials.items()
    }
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.stem}.part.glb")
    try:
        _export(part)
        write_atomically(target, _with_extensions(read_gltf(part), extensions).glb())
    except (RuntimeError, OSError) as error:
        raise MachineError(f"Blender could not write {target.name}: {error}.") from error
    finally:
        part.unlink(missing_ok=True)
    return findings


def _export(path: Path) -> None:
    with quiet_blender(), compat.exporting_variants():
        bpy.ops.export_scene.gltf(
            filepath=str(path),
            export_format="GLB",
            use_active_scene=True,
            use_renderable=True,
            export_apply=True,
            export_cameras=True,
            export_gn_mesh=True,
            # The pose of the current frame, without animation.
            export_current_frame=True,
            export_animations=False,
            export_rest_position_armature=False,
        )


def _rendered_materials() -> dict[Material, float]:
    """The materials of rendered objects, each with the shortest side of these objects, in metres."""
    sides: dict[Material, float] = {}
    for item in present(bpy.context.scene).objects:
        if item.hide_render or item.type not in RENDERED_OBJECTS:
            continue
        size = item.dimensions
        for material in materials_of(item):
            side = min(size.x, size.y, size.z)
            sides[material] = min(side, sides.get(material, side))
    return sides


def _lost_in(material: Material) -> Iterator[Finding]:
    """A finding about the nodes of a material that glTF cannot describe."""
    tree = material.node_tree
    output = tree.get_output_node("CYCLES") if tree else None
    if output is None or not input_of(output, "Surface").is_linked:
        return
    surface = node_before(input_of(output, "Surface"))
    names = set()
    if surface.type not in EXPORTED_SURFACES:
        names.add(surface.bl_label)
    for node in _upstream(surface):
        is_shader = any(socket.type == "SHADER" for socket in node.outputs)
        if node is not surface and not is_shader and node.type not in EXPORTED_NODES:
            names.add(node.bl_label)
    if input_of(output, "Displacement").is_linked:
        names.add("Displacement")
    volume = input_of(output, "Volume")
    if volume.is_linked and not isinstance(node_before(volume), bpy.types.ShaderNodeVolumeAbsorption):
        names.add(node_before(volume).bl_label)
    if isinstance(surface, bpy.types.ShaderNodeBsdfPrincipled) and _value(surface, "Subsurface Weight") > 0.0:
        names.add("Subsurface")
    if names:
        listed = ", ".join(sorted(names))
        yield Finding(
            kind="material_simplified",
            severity=Severity.WARNING,
            where=material.name,
            text=f"Material {material.name} uses nodes that a GLB cannot contain ({listed}) and is rendered simplified. "
            "Bake it to image textures on a Principled BSDF.",
        )


def _upstream(node: bpy.types.Node) -> Iterator[bpy.types.Node]:
    """A node and all nodes that feed it."""
    seen, waiting = set(), [node]
    while waiting:
        current = waiting.pop()
        if current.name in seen:
            continue
        seen.add(current.name)
        yield current
        waiting += [present(link.from_node) for socket in current.inputs for link in links_of(socket)]


def _extensions_of(material: Material, thickness: float) -> Json:
    """glTF extensions that the exporter does not write, or writes so that the material would look different.

    ``thickness`` is that of the object, in metres.
    """
    extensions: Json = {}
    surface = principled_of(material)
    if surface is not None and (film := _value(surface, "Thin Film Thickness")) > 0.0:
        extensions["KHR_materials_iridescence"] = {
            "iridescenceFactor": 1.0,
            "iridescenceIor": value_of(input_of(surface, "Thin Film IOR")),
            "iridescenceThicknessMinimum": film,
            "iridescenceThicknessMaximum": film,
        }
    volume = next(nodes_of(material.node_tree, bpy.types.ShaderNodeVolumeAbsorption), None)
    if (
        volume is None
        or not output_of(volume, 0).is_linked
        or any(socket.is_linked for socket in present(volume.inputs))
    ):
        return extensions
    density = value_of(input_of(volume, "Density"))
    absorbed = [density * max(1.0 - part, 0.0) for part in value_of(input_of(volume, "Color"))[:3]]
    if max(absorbed) > 0.0:
        distance = 1.0 / max(absorbed)
        extensions["KHR_materials_volume"] = {
            "thicknessFactor": thickness or distance,
            "attenuationDistance": distance,
            "attenuationColor": [math.exp(-part * distance) for part in absorbed],
        }
    return extensions


def _value(node: bpy.types.Node, name: str) -> float:
    """The value of an unconnected input; 0 for a connected one."""
    return 0.0 if input_of(node, name).is_linked else float(value_of(input_of(node, name)))


def _with_extensions(gltf: Gltf, extensions: dict[str, Json]) -> Gltf:
    """The file with extensions by name of material."""
    used = dict.fromkeys(gltf.used)
    for entry in gltf.entries("materials"):
        for name, value in extensions.get(str(entry.get("name")), {}).items():
            entry.setdefault("extensions", {})[name] = value
            used[name] = None
    if used:
        gltf.document["extensionsUsed"] = list(used)
    return gltf
