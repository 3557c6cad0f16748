# SPDX-License-Identifier: GPL-3.0-or-later
"""The studio in a scene: the rig's far light as a world made in code, its near lights, and a table.

Lights and camera stay and the product turns, as on a photographer's turntable.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix

from ..messages.errors import InputError
from ..optics.light_map import Area, Light, Rig, light_of
from ..optics.rig_choice import Panorama
from . import compat

TABLE_RADIUS = 30.0  # In product sizes: its edge is never seen, not even in a mirror near the ground.
PREFIX = "Photoreal"


def read_panorama(panorama: Panorama) -> np.ndarray:
    """The radiance in an HDR or EXR file, float32 (h, w, 3), row 0 at the bottom.

    Raises InputError when it is no picture, or not one of all directions.
    """
    path = Path(panorama.path)
    try:
        image = bpy.data.images.load(str(path))
    except RuntimeError as error:
        raise InputError(
            f"{path.name} cannot be read as a light map.", hint="Give an .hdr or .exr panorama."
        ) from error
    try:
        width, height = image.size
        if not width or not height:
            raise InputError(f"{path.name} is damaged or no picture.", hint="Give an .hdr or .exr panorama.")
        if width != 2 * height:
            raise InputError(
                f"{path.name} is no panorama of all directions: it has {width} x {height} pixels.",
                hint="Give an equirectangular one, twice as wide as high.",
            )
        pixels = np.empty(width * height * 4, dtype=np.float32)
        image.pixels.foreach_get(pixels)
    finally:
        bpy.data.images.remove(image)
    radiance = pixels.reshape(height, width, 4)[..., :3]
    if not float(np.nan_to_num(radiance[height // 2 :]).max(initial=0.0)) > 0.0:
        raise InputError(
            f"{path.name} is black above the horizon.", hint="Give a panorama with lights in it."
        )
    return radiance


class Studio:
    """A rig in a scene: its world, its near lights and its table.

    ``rig`` is the one that it was told to use, ``light`` what shines at the moment.
    """

    def __init__(self, scene: bpy.types.Scene, rig: Rig) -> None:
        self._scene = scene
        self._before = scene.world
        self.collection = bpy.data.collections.new(f"{PREFIX} Studio")
        scene.collection.children.link(self.collection)
        self._table_colour: bpy.types.NodeSocket
        self.table = self._build_table()
        self.world = bpy.data.worlds.new(f"{PREFIX} World")
        self._texture = self._build_world()
        self._lamps: list[bpy.types.Object] = []
        self._panoramas: dict[str, np.ndarray] = {}
        scene.world = self.world
        self.rig: Rig
        self.light: Light
        self._rig_areas: tuple[tuple[Area, float], ...] = ()
        self.use(rig)

    def use(self, rig: Rig) -> None:
        """Light the scene with ``rig``. Raises as ``read_panorama``; the earlier light shines on then."""
        panorama = None
        if rig.panorama:
            if rig.panorama.sha256 not in self._panoramas:
                self._panoramas = {rig.panorama.sha256: read_panorama(rig.panorama)}
            panorama = self._panoramas[rig.panorama.sha256]
        self.rig = rig
        self.light = light_of(rig, panorama)
        self._rig_areas = self.light.areas
        self._shine(self.light.radiance)
        self._put_up(self.light.areas)
        self._table_colour.default_value = (self.light.table_albedo,) * 3 + (1.0,)

    def add_light(self, area: Area, radiance: float) -> None:
        """Put one more near light beside those of the rig, instead of the last that was added."""
        self.light = replace(self.light, areas=(*self._rig_areas, (area, radiance)))
        self._put_up(self.light.areas)

    def _put_up(self, areas: Sequence[tuple[Area, float]]) -> None:
        """Let exactly these near lights shine, each with its radiance."""
        while len(self._lamps) > len(areas):
            lamp = self._lamps.pop()
            data = lamp.data
            bpy.data.objects.remove(lamp)
            bpy.data.lights.remove(data)
        while len(self._lamps) < len(areas):
            data = bpy.data.lights.new(f"{PREFIX} Light", "AREA")
            data.shape = "RECTANGLE"
            lamp = bpy.data.objects.new(data.name, data)
            lamp.visible_camera = False
            self.collection.objects.link(lamp)
            self._lamps.append(lamp)
        for lamp, (area, radiance) in zip(self._lamps, areas, strict=True):
            lamp.name = f"{PREFIX} {area.name}"
            place_lamp(lamp, area, radiance)

    def follow_table(self, follow: bool) -> None:
        """Whether light that meets the table comes back from it, or from the light map below the horizon."""
        table = self.table
        table.visible_diffuse = table.visible_glossy = table.visible_transmission = follow
        table.visible_shadow = follow  # Else it would keep the light map's own table away.

    def _shine(self, radiance: np.ndarray) -> None:
        height, width = radiance.shape[:2]
        pixels = np.ones((height, width, 4), dtype=np.float32)
        pixels[..., :3] = radiance if radiance.ndim == 3 else radiance[..., None]
        # A new picture each time: with persistent data Cycles goes on with the pixels that it has of a known one.
        earlier = self._texture.image
        image = bpy.data.images.new(f"{PREFIX} Light Map", width, height, float_buffer=True)
        image.colorspace_settings.name = "Linear Rec.709"
        image.pixels.foreach_set(pixels.ravel())
        image.update()
        self._texture.image = image
        if earlier is not None:
            bpy.data.images.remove(earlier)

    def remove(self) -> None:
        """Take the rig out and give the scene its own world back."""
        self._scene.world = self._before
        self._put_up(())
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
        mesh = bpy.data.meshes.new(f"{PREFIX} Table")
        side = TABLE_RADIUS
        mesh.from_pydata(
            [(-side, -side, 0), (side, -side, 0), (side, side, 0), (-side, side, 0)], [], [(0, 1, 2, 3)]
        )
        material = bpy.data.materials.new(f"{PREFIX} Table")
        tree = compat.ensure_nodes(material)
        surface = tree.nodes.new("ShaderNodeBsdfDiffuse")
        self._table_colour = surface.inputs["Color"]
        output = tree.nodes.new("ShaderNodeOutputMaterial")
        tree.links.new(surface.outputs["BSDF"], output.inputs["Surface"])
        mesh.materials.append(material)
        table = bpy.data.objects.new(f"{PREFIX} Table", mesh)
        # The product meets exact background colour; the shadow is laid below it.
        table.visible_camera = False
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


def place_lamp(lamp: bpy.types.Object, area: Area, radiance: float) -> None:
    """Bring an area light to where ``area`` is, as bright."""
    data = lamp.data
    data.size, data.size_y = area.width, area.height
    # Blender's watts leave a rectangle evenly over the half-space: radiance = watts / (pi * area).
    data.energy = radiance * math.pi * area.width * area.height
    matrix = np.eye(4)
    matrix[:3, :3] = area.axes
    matrix[:3, 3] = area.place
    lamp.matrix_world = Matrix(matrix.tolist())
