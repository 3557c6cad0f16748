# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the active scene as GLB or USDZ with Blender's exporters, states in it how it was made, and opens it again."""

from pathlib import Path

import bpy

from ..gltf.document import read_gltf
from ..imaging.provenance import Provenance
from ..messages.errors import MachineError
from . import compat
from .blender import present
from .quiet import quiet_blender

# Members of ``asset.extras`` in a GLB, and custom properties of the product in a USDZ, where they are attributes with
# this namespace.
SOURCE_TYPE, TOOL, SYSTEM = "digital_source_type", "creator_tool", "ai_system_used"
NAMESPACE = "userProperties"


def statements(provenance: Provenance) -> dict[str, str]:
    """What a 3D file states about how it was made."""
    stated = {SOURCE_TYPE: provenance.source_type.address, TOOL: provenance.tool}
    return stated | ({SYSTEM: provenance.system} if provenance.system else {})


def write_glb(path: Path, name: str, provenance: Provenance) -> None:
    """Write the active scene. Raises RuntimeError and OSError."""
    operator = bpy.ops.export_scene.gltf
    options = compat.known_arguments(
        operator,
        use_active_scene=True,
        export_yup=True,
        export_animations=False,
        export_skins=False,
        export_morph=False,
        export_cameras=False,
        export_lights=False,
        export_extras=False,
        export_image_format="AUTO",
    )
    with quiet_blender():
        operator(filepath=str(path), export_format="GLB", **options)
    gltf = read_gltf(path)
    asset = gltf.document["asset"]
    asset["generator"] = f"{provenance.tool}, {asset.get('generator', 'Blender')}"
    asset["extras"] = statements(provenance)
    for scene in gltf.entries("scenes"):
        scene["name"] = name
    path.write_bytes(gltf.glb())


def write_usdz(path: Path, name: str, provenance: Provenance) -> None:
    """Write the active scene. Raises RuntimeError and OSError, and MachineError in a Blender without USD."""
    if not hasattr(bpy.types, "USDHook"):
        raise MachineError("This Blender was built without USD.", hint="Use Blender from blender.org.")
    for item in present(present(bpy.context.scene).collection).objects:
        if item.parent is None:
            for member, value in statements(provenance).items():
                item[member] = value
    operator = bpy.ops.wm.usd_export
    options = compat.known_arguments(
        operator,
        evaluation_mode="RENDER",
        export_animation=False,
        export_hair=False,
        export_lights=False,
        export_cameras=False,
        export_armatures=False,
        export_shapekeys=False,
        convert_world_material=False,
        generate_preview_surface=True,
        generate_materialx_network=False,
        export_textures_mode="NEW",
        overwrite_textures=True,
        convert_orientation=True,
        export_global_forward_selection="NEGATIVE_Z",
        export_global_up_selection="Y",
        convert_scene_units="METERS",
        export_custom_properties=True,
        custom_properties_namespace=NAMESPACE,
        author_blender_name=False,
        root_prim_path="/root",
    )
    with quiet_blender():
        operator(filepath=str(path), **options)


def read_again(path: Path) -> None:
    """Import a file into the active scene. Raises MachineError when Blender cannot open it."""
    try:
        with quiet_blender():
            if path.suffix == ".glb":
                bpy.ops.import_scene.gltf(filepath=str(path), import_pack_images=True)
            else:
                operator = bpy.ops.wm.usd_import
                options = compat.known_arguments(
                    operator,
                    import_textures_mode="IMPORT_PACK",
                    import_cameras=False,
                    import_lights=False,
                    set_frame_range=False,
                )
                operator(filepath=str(path), **options)
    except RuntimeError as error:
        raise MachineError(f"Blender wrote {path.name}, but cannot open it again: {error}.") from error
