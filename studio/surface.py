# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the surface is that a camera sees, and which way it faces: measured by Cycles, one ray a pixel."""

from dataclasses import dataclass

import bpy
import numpy as np

MATERIAL = "Photoreal Surface"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """What lies behind the middle of each pixel. Row 0 on top.

    ``depth``: float32 (h, w), along the camera's axis in the units of the camera's matrix; infinite where
    nothing is. ``normal``: float32 (h, w, 3) in camera space, x right, y up, z towards the camera; (0, 0, 1)
    where nothing is.
    """

    depth: np.ndarray
    normal: np.ndarray


def measuring_material() -> bpy.types.Material:
    """Shines with (x + 1) / 2 and (y + 1) / 2 of the normal in camera space, and with the depth."""
    made = bpy.data.materials.get(MATERIAL)
    if made is not None:
        return made
    made = bpy.data.materials.new(MATERIAL)
    made.use_nodes = True
    tree = made.node_tree
    tree.nodes.clear()
    nodes = {
        name: tree.nodes.new(kind)
        for name, kind in (
            ("geometry", "ShaderNodeNewGeometry"),
            ("turn", "ShaderNodeVectorTransform"),
            ("halve", "ShaderNodeVectorMath"),
            ("split", "ShaderNodeSeparateXYZ"),
            ("camera", "ShaderNodeCameraData"),
            ("join", "ShaderNodeCombineXYZ"),
            ("shine", "ShaderNodeEmission"),
            ("end", "ShaderNodeOutputMaterial"),
        )
    }
    nodes["turn"].vector_type, nodes["turn"].convert_from, nodes["turn"].convert_to = (
        "NORMAL",
        "WORLD",
        "CAMERA",
    )
    nodes["halve"].operation = "MULTIPLY_ADD"
    for number in (1, 2):
        nodes["halve"].inputs[number].default_value = (0.5, 0.5, 0.5)
    for (start, output), (end, entry) in (
        (("geometry", "Normal"), ("turn", 0)),
        (("turn", 0), ("halve", 0)),
        (("halve", 0), ("split", 0)),
        (("split", 0), ("join", 0)),
        (("split", 1), ("join", 1)),
        (("camera", "View Z Depth"), ("join", 2)),
        (("join", 0), ("shine", "Color")),
        (("shine", 0), ("end", "Surface")),
    ):
        tree.links.new(nodes[start].outputs[output], nodes[end].inputs[entry])
    return made


def surface_from(picture: np.ndarray) -> Surface:
    """What the measuring material showed: float32 (h, w, 4)."""
    is_seen = picture[..., 3] > 0.0
    across, up = (picture[..., axis] * 2.0 - 1.0 for axis in (0, 1))
    towards = np.sqrt(np.clip(1.0 - across**2 - up**2, 0.0, None))
    normal = np.stack((across, up, towards), axis=-1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    return Surface(
        depth=np.where(is_seen, picture[..., 2], np.inf).astype(np.float32),
        normal=np.where(is_seen[..., None], normal, (0.0, 0.0, 1.0)).astype(np.float32),
    )
