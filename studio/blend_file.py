# SPDX-License-Identifier: GPL-3.0-or-later
"""A .blend file as one GLB, with what Blender's exporter leaves out put back or said."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import bpy

from ..files.writing import write_atomically
from ..gltf.document import Gltf, read_gltf
from ..gltf.findings import Finding, Severity
from ..messages.errors import MachineError
from . import compat
from .blend_opening import open_blend
from .materials import principled_of
from .product import repair_textures
from .quiet import quiet_blender

# What the exporter understands before a Principled BSDF; anything else is computed by Blender alone.
CARRIED_NODES = {
    *(
        "TEX_IMAGE",
        "NORMAL_MAP",
        "SEPARATE_COLOR",
        "COMBINE_COLOR",
        "SEPXYZ",
        "COMBXYZ",
        "MIX",
        "MIX_RGB",
        "MATH",
    ),
    *("VECT_MATH", "UVMAP", "TEX_COORD", "MAPPING", "VERTEX_COLOR", "ATTRIBUTE", "RGB", "VALUE", "TANGENT"),
    *("GROUP", "REROUTE", "BSDF_PRINCIPLED", "LIGHT_PATH"),
}
SHOWN_SURFACES = {"BSDF_PRINCIPLED", "EMISSION", "BACKGROUND", "MIX_SHADER", "GROUP"}  # The last two: unlit.


def convert_to_glb(source: Path, target: Path, external_data: Sequence[Path] = ()) -> list[Finding]:
    """Write what a .blend file shows as one GLB that holds its textures.

    Gives what the GLB cannot tell any more: textures that are missing, materials that it cannot hold.

    Only for a background Blender: the file replaces the one that is open.
    Raises InputError as ``open_blend``, MachineError when the GLB cannot be written.
    """
    open_blend(source, external_data)
    findings = list(repair_textures(bpy.context.scene.objects))
    materials = _shown_materials()
    for material in materials:
        findings += _lost_in(material)
    extensions = {
        material.name: _extensions_of(material, thickness) for material, thickness in materials.items()
    }
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.stem}.part.glb")
    try:
        with quiet_blender(), compat.exporting_variants():
            bpy.ops.export_scene.gltf(
                filepath=str(part),
                export_format="GLB",
                use_active_scene=True,
                use_renderable=True,
                export_apply=True,
                export_cameras=True,
                export_gn_mesh=True,
                # As it stands in the file: the current frame, posed, without the movement to other frames.
                export_current_frame=True,
                export_animations=False,
                export_rest_position_armature=False,
            )
        write_atomically(target, _with_extensions(read_gltf(part), extensions).glb())
    except (RuntimeError, OSError) as error:
        raise MachineError(f"Blender could not write {target.name}: {error}.") from error
    finally:
        part.unlink(missing_ok=True)
    return findings


def _shown_materials() -> dict[bpy.types.Material, float]:
    """The materials of what is rendered, with the least side in metres of what has them."""
    sides: dict[bpy.types.Material, float] = {}
    for item in bpy.context.scene.objects:
        if item.hide_render or item.type not in {"MESH", "CURVE", "SURFACE", "FONT", "META"}:
            continue
        for slot in item.material_slots:
            if slot.material:
                side = min(item.dimensions)
                sides[slot.material] = min(side, sides.get(slot.material, side))
    return sides


def _lost_in(material: bpy.types.Material) -> Iterator[Finding]:
    """What of a material no GLB can hold."""
    tree = material.node_tree
    output = tree.get_output_node("CYCLES") if tree else None
    if output is None or not output.inputs["Surface"].is_linked:
        return
    surface = output.inputs["Surface"].links[0].from_node
    names = set()
    if surface.type not in SHOWN_SURFACES:
        names.add(surface.bl_label)
    for node in _upstream(surface):
        is_shader = any(socket.type == "SHADER" for socket in node.outputs)
        if node is not surface and not is_shader and node.type not in CARRIED_NODES:
            names.add(node.bl_label)
    if output.inputs["Displacement"].is_linked:
        names.add("Displacement")
    volume = output.inputs["Volume"]
    if volume.is_linked and volume.links[0].from_node.type != "VOLUME_ABSORPTION":
        names.add(volume.links[0].from_node.bl_label)
    if surface.type == "BSDF_PRINCIPLED" and _value(surface, "Subsurface Weight") > 0.0:
        names.add("Subsurface")
    if names:
        listed = ", ".join(sorted(names))
        yield Finding(
            kind="material_simplified",
            severity=Severity.WARNING,
            where=material.name,
            text=f"Material {material.name} is made with what a GLB cannot hold ({listed}), so it is shown simplified. "
            "Bake it to image textures on a Principled BSDF.",
        )


def _upstream(node: bpy.types.Node) -> Iterator[bpy.types.Node]:
    """A node and all that feed it."""
    seen, waiting = set(), [node]
    while waiting:
        current = waiting.pop()
        if current.name in seen:
            continue
        seen.add(current.name)
        yield current
        waiting += [link.from_node for socket in current.inputs for link in socket.links]


def _extensions_of(material: bpy.types.Material, thickness: float) -> dict[str, Any]:
    """glTF extensions for what the exporter does not write, or writes so that it would look otherwise."""
    extensions: dict[str, Any] = {}
    surface = principled_of(material)
    if surface is not None and (film := _value(surface, "Thin Film Thickness")) > 0.0:
        extensions["KHR_materials_iridescence"] = {
            "iridescenceFactor": 1.0,
            "iridescenceIor": surface.inputs["Thin Film IOR"].default_value,
            "iridescenceThicknessMinimum": film,
            "iridescenceThicknessMaximum": film,
        }
    nodes = material.node_tree.nodes if material.node_tree else ()
    volume = next((node for node in nodes if node.type == "VOLUME_ABSORPTION"), None)
    if volume is None or not volume.outputs[0].is_linked or any(socket.is_linked for socket in volume.inputs):
        return extensions
    density = volume.inputs["Density"].default_value
    absorbed = [density * max(1.0 - part, 0.0) for part in volume.inputs["Color"].default_value[:3]]
    if max(absorbed) > 0.0:
        distance = 1.0 / max(absorbed)
        extensions["KHR_materials_volume"] = {
            "thicknessFactor": thickness or distance,
            "attenuationDistance": distance,
            "attenuationColor": [math.exp(-part * distance) for part in absorbed],
        }
    return extensions


def _value(node: bpy.types.Node, name: str) -> float:
    """The value of an input that nothing is linked to; 0 for one that is."""
    return 0.0 if node.inputs[name].is_linked else float(node.inputs[name].default_value)


def _with_extensions(gltf: Gltf, extensions: dict[str, dict[str, Any]]) -> Gltf:
    used = dict.fromkeys(gltf.used)
    for entry in gltf.entries("materials"):
        for name, value in extensions.get(str(entry.get("name")), {}).items():
            entry.setdefault("extensions", {})[name] = value
            used[name] = None
    if used:
        gltf.document["extensionsUsed"] = list(used)
    return gltf
