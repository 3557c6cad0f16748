# SPDX-License-Identifier: GPL-3.0-or-later
"""The bundled sample product, modelled in code: a glazed storage jar with a brass plate and a wooden lid.

Glaze, brass and wood reflect the same light differently; the handle and the plate with its lettering distinguish front
and side.
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import bpy
import numpy as np

from ..gltf.mesh_checks import Doubles
from ..messages.errors import MachineError
from . import compat
from .blender import data_of, input_of, new_node, output_of, present, set_pixels, set_value
from .quiet import quiet_blender

SEGMENTS = 128
TEXTURE_SIDE = 1024
LETTERING = "No. 5  TEA"
BODY_RADIUS = 0.060

# Outlines as (radius, height) in metres, from the bottom upwards.
BODY = (
    (0.0, 0.0), (0.046, 0.0), (0.0475, 0.0006), (0.0495, 0.003), (0.0535, 0.010), (0.0575, 0.022),
    (0.0595, 0.036), (BODY_RADIUS, 0.052), (BODY_RADIUS, 0.088), (0.0592, 0.100), (0.0565, 0.110),
    (0.0525, 0.1165), (0.0495, 0.1195), (0.0488, 0.1215), (0.0488, 0.1245), (0.0478, 0.1255), (0.0, 0.1255),
)  # fmt: skip
COLLAR = (
    (0.0470, 0.1254), (0.0492, 0.1254), (0.0500, 0.1262), (0.0500, 0.1292), (0.0492, 0.1300), (0.0470, 0.1300),
)  # fmt: skip
LID = (
    (0.0, 0.1300), (0.0500, 0.1300), (0.0518, 0.1306), (0.0524, 0.1320), (0.0524, 0.1380), (0.0514, 0.1398),
    (0.0490, 0.1408), (0.0180, 0.1424), (0.0120, 0.1436), (0.0100, 0.1460), (0.0104, 0.1490), (0.0140, 0.1530),
    (0.0160, 0.1570), (0.0158, 0.1610), (0.0130, 0.1645), (0.0070, 0.1662), (0.0, 0.1665),
)  # fmt: skip


def build_sample(target: Path) -> None:
    """Write the sample as a GLB. Raises MachineError when Blender cannot write it."""
    scene = bpy.data.scenes.new("Photoreal Sample")
    present(bpy.context.window).scene = scene
    glaze = _material("Glaze", roughness=0.22, texture=_glaze())
    brass = _material("Brass", colour=(0.83, 0.62, 0.30), metallic=1.0, roughness=0.28)
    wood = _material("Walnut", roughness=0.55, texture=_wood())
    ink = _material("Ink", colour=(0.02, 0.018, 0.015), roughness=0.6)
    parts = [
        _lathe("Body", BODY, glaze),
        _lathe("Collar", COLLAR, brass),
        _lathe("Lid", LID, wood),
        _handle(glaze),
        _plate(brass),
        _lettering(ink),
    ]
    for part in parts:
        present(scene.collection).objects.link(part)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with quiet_blender():
            bpy.ops.export_scene.gltf(
                filepath=str(target), export_format="GLB", use_active_scene=True, export_image_format="JPEG"
            )
    except RuntimeError as error:
        raise MachineError(f"Blender could not write the sample: {str(error).strip()}") from error
    finally:
        bpy.data.scenes.remove(scene)


def _mesh_object(
    name: str,
    vertices: Doubles,
    faces: Sequence[tuple[int, ...]],
    material: bpy.types.Material,
    uv: Callable[[int], tuple[float, float]] | None = None,
) -> bpy.types.Object:
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(vertices.tolist(), [], list(faces))
    if uv is not None:
        layer = mesh.uv_layers.new(name="UVMap")
        for polygon in mesh.polygons:
            corners = [uv(mesh.loops[loop].vertex_index) for loop in polygon.loop_indices]
            wraps = max(u for u, _v in corners) - min(u for u, _v in corners) > 0.5
            for loop, (u, v) in zip(polygon.loop_indices, corners, strict=True):
                layer.data[loop].uv = (u + 1.0 if wraps and u < 0.5 else u, v)
    mesh.materials.append(material)
    mesh.shade_smooth()
    mesh.validate()
    return bpy.data.objects.new(name, mesh)


def _lathe(
    name: str, outline: tuple[tuple[float, float], ...], material: bpy.types.Material
) -> bpy.types.Object:
    """A solid of revolution around Z with a smoothed outline."""
    profile = _smooth(np.array(outline))
    turns = np.linspace(0.0, 2.0 * np.pi, SEGMENTS, endpoint=False)
    rings = [
        np.stack((radius * np.sin(turns), -radius * np.cos(turns), np.full(SEGMENTS, height)), axis=1)
        for radius, height in profile
    ]
    faces: list[tuple[int, ...]] = []
    for row in range(len(profile) - 1):
        for column in range(SEGMENTS):
            after = (column + 1) % SEGMENTS
            lower, upper = row * SEGMENTS, (row + 1) * SEGMENTS
            quad: tuple[int, ...] = (lower + column, lower + after, upper + after, upper + column)
            if profile[row][0] < 1e-6:
                quad = (lower, upper + after, upper + column)
            elif profile[row + 1][0] < 1e-6:
                quad = (lower + column, lower + after, upper)
            faces.append(quad)
    lengths = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(profile, axis=0).T))))

    def uv(index: int) -> tuple[float, float]:
        return (index % SEGMENTS) / SEGMENTS, float(lengths[index // SEGMENTS] / lengths[-1])

    return _mesh_object(name, np.concatenate(rings), faces, material, uv)


def _smooth(points: Doubles, rounds: int = 2) -> Doubles:
    """Smooth a polyline (n, 2) by cutting its corners (Chaikin 1974): its ends stay, and it does not overshoot."""
    for _round in range(rounds):
        starts, ends = points[:-1], points[1:]
        cut = np.stack((0.75 * starts + 0.25 * ends, 0.25 * starts + 0.75 * ends), axis=1).reshape(-1, 2)
        points = np.concatenate((points[:1], cut[1:-1], points[-1:]))
    return points


def _handle(material: bpy.types.Material) -> bpy.types.Object:
    """A handle on the left of the product (+X), swept along half an ellipse."""
    along, around = 48, 24
    path = np.linspace(-0.5 * np.pi, 0.5 * np.pi, along)
    centres = np.stack(
        (BODY_RADIUS - 0.006 + 0.034 * np.cos(path), np.zeros(along), 0.068 + 0.030 * np.sin(path)), 1
    )
    tangents = np.stack((-0.034 * np.sin(path), np.zeros(along), 0.030 * np.cos(path)), 1)
    tangents /= np.linalg.norm(tangents, axis=1, keepdims=True)
    outward = np.stack((tangents[:, 2], np.zeros(along), -tangents[:, 0]), 1)
    turns = np.linspace(0.0, 2.0 * np.pi, around, endpoint=False)
    circle = np.cos(turns)[None, :, None] * outward[:, None] * 0.0052 + np.sin(turns)[
        None, :, None
    ] * np.array((0.0, 0.0085, 0.0))
    vertices = (centres[:, None] + circle).reshape(-1, 3)
    faces = [
        (
            row * around + column,
            row * around + (column + 1) % around,
            (row + 1) * around + (column + 1) % around,
            (row + 1) * around + column,
        )
        for row in range(along - 1)
        for column in range(around)
    ]
    return _mesh_object(
        "Handle", vertices, faces, material, lambda index: (index % around / around, index // around / along)
    )


def _on_body(vertices: Doubles, lift: float) -> Doubles:
    """Wrap flat coordinates (n, 3), x along the front, y up, z outwards, around the front of the body."""
    radius = BODY_RADIUS + lift + vertices[:, 2]
    turn = vertices[:, 0] / BODY_RADIUS
    return np.stack((radius * np.sin(turn), -radius * np.cos(turn), 0.070 + vertices[:, 1]), axis=1)


def _plate(material: bpy.types.Material) -> bpy.types.Object:
    columns, half_width, half_height, thick = 48, 0.033, 0.0125, 0.0014
    x = np.linspace(-half_width, half_width, columns)
    # Half the height of the plate at every column: the short sides are rounded.
    reach = half_height * np.sqrt(
        np.clip(1.0 - np.clip((np.abs(x) - half_width + 0.006) / 0.006, 0.0, 1.0) ** 2, 0.04, 1.0)
    )
    rows = np.stack(
        (
            np.stack((x, -reach, np.full(columns, -0.002)), 1),
            np.stack((x, -reach, np.full(columns, thick * 0.7)), 1),
            np.stack((x, -reach * 0.95, np.full(columns, thick)), 1),
            np.stack((x, reach * 0.95, np.full(columns, thick)), 1),
            np.stack((x, reach, np.full(columns, thick * 0.7)), 1),
            np.stack((x, reach, np.full(columns, -0.002)), 1),
        )
    )
    faces: list[tuple[int, ...]] = [
        (
            row * columns + column,
            row * columns + column + 1,
            (row + 1) * columns + column + 1,
            (row + 1) * columns + column,
        )
        for row in range(5)
        for column in range(columns - 1)
    ]
    for side in (0, columns - 1):
        end = tuple(row * columns + side for row in range(6))
        faces.append(end if side == 0 else end[::-1])
    plate = _mesh_object("Plate", _on_body(rows.reshape(-1, 3), 0.0), faces, material)
    data_of(plate, bpy.types.Mesh).set_sharp_from_angle(angle=math.radians(35.0))
    return plate


def _lettering(material: bpy.types.Material) -> bpy.types.Object:
    curve = bpy.data.curves.new("Lettering", "FONT")
    if not isinstance(curve, bpy.types.TextCurve):
        raise TypeError("Blender did not make a text.")
    curve.body = LETTERING
    curve.size = 0.0115
    curve.extrude = 0.0002
    curve.align_x, curve.align_y = "CENTER", "CENTER"
    curve.resolution_u = 4
    flat = bpy.data.objects.new("Lettering Curve", curve)
    mesh = bpy.data.meshes.new_from_object(flat)
    vertices = np.array([vertex.co[:] for vertex in mesh.vertices])
    faces = [tuple(polygon.vertices) for polygon in mesh.polygons]
    bpy.data.objects.remove(flat)
    bpy.data.curves.remove(curve)
    lettering = _mesh_object("Lettering", _on_body(vertices, 0.0016), faces, material)
    data_of(lettering, bpy.types.Mesh).set_sharp_from_angle(angle=math.radians(30.0))
    return lettering


def _material(
    name: str,
    *,
    colour: tuple[float, float, float] = (0.8, 0.8, 0.8),
    metallic: float = 0.0,
    roughness: float = 0.5,
    texture: Doubles | None = None,
) -> bpy.types.Material:
    material = bpy.data.materials.new(name)
    tree = compat.empty_tree(material)
    surface = new_node(tree, bpy.types.ShaderNodeBsdfPrincipled)
    set_value(input_of(surface, "Base Color"), (*colour, 1.0))
    set_value(input_of(surface, "Metallic"), metallic)
    set_value(input_of(surface, "Roughness"), roughness)
    output = new_node(tree, bpy.types.ShaderNodeOutputMaterial)
    tree.links.new(output_of(surface, "BSDF"), input_of(output, "Surface"))
    if texture is not None:
        height, width = texture.shape[:2]
        image = bpy.data.images.new(name, width, height)
        set_pixels(image, texture)
        image.pack()
        node = new_node(tree, bpy.types.ShaderNodeTexImage)
        node.image = image
        tree.links.new(output_of(node, "Color"), input_of(surface, "Base Color"))
    return material


def _noise(generator: np.random.Generator, cells_x: int, cells_y: int) -> Doubles:
    """Smooth noise from 0 to 1 that repeats in x: (TEXTURE_SIDE, TEXTURE_SIDE)."""
    grid = generator.random((cells_y + 1, cells_x))
    x = np.arange(TEXTURE_SIDE) / TEXTURE_SIDE * cells_x
    y = np.arange(TEXTURE_SIDE) / TEXTURE_SIDE * cells_y
    left, lower = x.astype(int), y.astype(int)
    fade_x, fade_y = (part * part * (3.0 - 2.0 * part) for part in (x - left, y - lower))
    right = (left + 1) % cells_x
    below = grid[lower][:, left] * (1.0 - fade_x) + grid[lower][:, right] * fade_x
    above = grid[lower + 1][:, left] * (1.0 - fade_x) + grid[lower + 1][:, right] * fade_x
    noise: Doubles = below * (1.0 - fade_y)[:, None] + above * fade_y[:, None]
    return noise


def _glaze() -> Doubles:
    """Dark teal with slow variations and dark speckles: sRGB (h, w, 3)."""
    generator = np.random.default_rng(5)
    drift = 0.6 * _noise(generator, 6, 5) + 0.4 * _noise(generator, 24, 20)
    dark, light = np.array((0.045, 0.245, 0.270)), np.array((0.110, 0.400, 0.410))
    picture = dark + (light - dark) * drift[..., None]
    speckle = np.clip((_noise(generator, 270, 170) - 0.87) * 14.0, 0.0, 1.0)[..., None]
    glaze: Doubles = picture * (1.0 - 0.75 * speckle)
    return glaze


def _wood() -> Doubles:
    """Walnut, with rings stretched along the grain: sRGB (h, w, 3)."""
    generator = np.random.default_rng(7)
    bend = _noise(generator, 4, 6)
    rings = 0.5 + 0.5 * np.sin(
        (np.arange(TEXTURE_SIDE)[:, None] / TEXTURE_SIDE * 9.0 + bend * 3.0) * 2.0 * np.pi
    )
    fibre = _noise(generator, 12, 300)
    dark, light = np.array((0.20, 0.115, 0.065)), np.array((0.47, 0.305, 0.185))
    wood: Doubles = dark + (light - dark) * (0.65 * rings + 0.35 * fibre)[..., None]
    return wood
