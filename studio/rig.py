# SPDX-License-Identifier: GPL-3.0-or-later
"""The studio: softboxes around the product as a light map made in code, and a white table below it.

The map is neutral (R=G=B) and exposed so that a matt surface turned to the camera shows its own base
colour. Lights and camera stay and the product turns, as on a photographer's turntable.
"""

import math
from dataclasses import dataclass

import bpy
import numpy as np

from . import compat
from .framing import camera_axes

MAP_WIDTH, MAP_HEIGHT = 1024, 512
TABLE_RADIUS = 30.0  # In product sizes: its edge is never seen, not even in a mirror near the ground.
TABLE_ALBEDO = 0.8
FACING_ELEVATION = 25.0  # The surface that is exposed for looks at the camera of the usual angles.


@dataclass(frozen=True, slots=True, kw_only=True)
class Softbox:
    """A rectangular light seen from the product; angles in degrees, azimuth 0 behind the camera."""

    azimuth: float
    elevation: float
    width: float
    height: float
    strength: float
    softness: float = 0.25  # Share of the half-width over which the light falls off at its edge.


@dataclass(frozen=True, slots=True, kw_only=True)
class Rig:
    """A light set-up. ``dome`` is the brightness of the room at the zenith and at the horizon."""

    name: str
    lights: tuple[Softbox, ...]
    dome: tuple[float, float]


REFERENCE = Rig(  # Even light: shape and silhouette are readable everywhere.
    name="softbox",
    lights=(
        Softbox(azimuth=-45.0, elevation=40.0, width=60.0, height=60.0, strength=4.5),
        Softbox(azimuth=60.0, elevation=25.0, width=60.0, height=70.0, strength=2.0),
        Softbox(azimuth=0.0, elevation=88.0, width=80.0, height=80.0, strength=3.0),
        Softbox(azimuth=150.0, elevation=25.0, width=24.0, height=80.0, strength=5.0),
        Softbox(azimuth=-150.0, elevation=25.0, width=24.0, height=80.0, strength=5.0),
    ),
    dome=(0.75, 0.6),
)
PHOTO = Rig(  # More contrast between key and fill, crisper reflections.
    name="softbox",
    lights=(
        Softbox(azimuth=-50.0, elevation=42.0, width=46.0, height=56.0, strength=11.0, softness=0.15),
        Softbox(azimuth=65.0, elevation=22.0, width=40.0, height=70.0, strength=2.6, softness=0.35),
        Softbox(azimuth=0.0, elevation=86.0, width=70.0, height=60.0, strength=4.5, softness=0.2),
        Softbox(azimuth=148.0, elevation=28.0, width=18.0, height=84.0, strength=10.0, softness=0.1),
        Softbox(azimuth=-148.0, elevation=28.0, width=18.0, height=84.0, strength=10.0, softness=0.1),
    ),
    dome=(0.5, 0.34),
)


def light_map(rig: Rig, width: int = MAP_WIDTH, height: int = MAP_HEIGHT) -> np.ndarray:
    """Radiance for every direction, float32 of shape (height, width), row 0 at the bottom.

    The layout is Blender's equirectangular one: column u looks along the angle (0.5 - u) * 360° from
    +X towards +Y, row v along the elevation (v - 0.5) * 180°.
    """
    directions = _directions(width, height)
    up = directions[..., 2]
    zenith, horizon = rig.dome
    radiance = horizon + (zenith - horizon) * np.clip(up, 0.0, 1.0)
    for light in rig.lights:
        radiance = radiance + light.strength * _softbox_mask(light, directions)
    # Below the horizon lies the white table: it gives back what falls on it.
    table = TABLE_ALBEDO * irradiance(radiance, np.array((0.0, 0.0, 1.0))) / math.pi
    radiance = np.where(up < 0.0, table, radiance)
    facing = camera_axes(0.0, FACING_ELEVATION)[:, 2]
    return (radiance * (math.pi / irradiance(radiance, facing))).astype(np.float32)


def _directions(width: int, height: int) -> np.ndarray:
    turn = (0.5 - (np.arange(width) + 0.5) / width) * 2.0 * np.pi
    lift = ((np.arange(height) + 0.5) / height - 0.5) * np.pi
    turn, lift = np.meshgrid(turn, lift)
    return np.stack((np.cos(lift) * np.cos(turn), np.cos(lift) * np.sin(turn), np.sin(lift)), axis=-1)


def _softbox_mask(light: Softbox, directions: np.ndarray) -> np.ndarray:
    """1 inside the softbox, 0 outside, a smooth edge between."""
    local = directions @ camera_axes(light.azimuth, light.elevation)
    depth = np.where(local[..., 2] > 1e-3, local[..., 2], np.nan)
    mask = np.ones(directions.shape[:2])
    for axis, degrees in ((0, light.width), (1, light.height)):
        half = math.tan(math.radians(degrees / 2.0))
        inside = (half - np.abs(local[..., axis] / depth)) / (half * light.softness)
        edge = np.clip(np.nan_to_num(inside, nan=0.0), 0.0, 1.0)
        mask = mask * edge * edge * (3.0 - 2.0 * edge)
    return mask


def irradiance(radiance: np.ndarray, normal: np.ndarray) -> float:
    """Cosine-weighted integral of a light map over the half-space of ``normal``."""
    height, width = radiance.shape
    lift = ((np.arange(height) + 0.5) / height - 0.5) * np.pi
    solid_angle = np.cos(lift)[:, None] * (np.pi / height) * (2.0 * np.pi / width)
    facing = np.clip(_directions(width, height) @ normal, 0.0, None)
    return float((radiance * facing * solid_angle).sum())


class Studio:
    """The rig in a scene: its world and its table.

    ``table_radiance`` is what the camera would see of the table if nothing stood on it.
    """

    def __init__(self, scene: bpy.types.Scene, rig: Rig) -> None:
        self._scene = scene
        self._before = scene.world
        self.collection = bpy.data.collections.new("Photoreal Studio")
        scene.collection.children.link(self.collection)
        self.table = self._build_table()
        self.world = bpy.data.worlds.new("Photoreal World")
        self._texture = self._build_world()
        scene.world = self.world
        self.table_radiance = 0.0
        self.use(rig)

    def use(self, rig: Rig) -> None:
        """Light the scene with ``rig``."""
        radiance = light_map(rig)
        self.table_radiance = TABLE_ALBEDO * irradiance(radiance, np.array((0.0, 0.0, 1.0))) / math.pi
        pixels = np.ones((MAP_HEIGHT, MAP_WIDTH, 4), dtype=np.float32)
        pixels[..., :3] = radiance[..., None]
        # A new picture each time: with persistent data Cycles goes on with the pixels that it has of a known one.
        earlier = self._texture.image
        image = bpy.data.images.new("Photoreal Light Map", MAP_WIDTH, MAP_HEIGHT, float_buffer=True)
        image.colorspace_settings.name = "Linear Rec.709"
        image.pixels.foreach_set(pixels.ravel())
        image.update()
        self._texture.image = image
        if earlier is not None:
            bpy.data.images.remove(earlier)

    def remove(self) -> None:
        """Take the rig out and give the scene its own world back."""
        self._scene.world = self._before
        mesh = self.table.data
        material = mesh.materials[0]
        bpy.data.collections.remove(self.collection)
        bpy.data.objects.remove(self.table)
        bpy.data.meshes.remove(mesh)
        bpy.data.materials.remove(material)
        image = self._texture.image
        bpy.data.worlds.remove(self.world)
        bpy.data.images.remove(image)

    def _build_table(self) -> bpy.types.Object:
        mesh = bpy.data.meshes.new("Photoreal Table")
        side = TABLE_RADIUS
        mesh.from_pydata(
            [(-side, -side, 0), (side, -side, 0), (side, side, 0), (-side, side, 0)], [], [(0, 1, 2, 3)]
        )
        material = bpy.data.materials.new("Photoreal Table")
        tree = compat.ensure_nodes(material)
        surface = tree.nodes.new("ShaderNodeBsdfDiffuse")
        surface.inputs["Color"].default_value = (TABLE_ALBEDO,) * 3 + (1.0,)
        output = tree.nodes.new("ShaderNodeOutputMaterial")
        tree.links.new(surface.outputs["BSDF"], output.inputs["Surface"])
        mesh.materials.append(material)
        table = bpy.data.objects.new("Photoreal Table", mesh)
        table.visible_camera = (
            False  # The product meets exact background colour; the shadow is laid below it.
        )
        self.collection.objects.link(table)
        return table

    def _build_world(self) -> bpy.types.Node:
        tree = compat.ensure_nodes(self.world)
        texture = tree.nodes.new("ShaderNodeTexEnvironment")
        background = tree.nodes.new("ShaderNodeBackground")
        output = tree.nodes.new("ShaderNodeOutputWorld")
        tree.links.new(texture.outputs["Color"], background.inputs["Color"])
        tree.links.new(background.outputs["Background"], output.inputs["Surface"])
        return texture
