# SPDX-License-Identifier: GPL-3.0-or-later
"""The rig in a Blender scene: distant lights as a world, near lights as area lights, and a table.

Lights and camera do not move; the product turns, as on a photographer's turntable.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix
from numpy.typing import NDArray

from ..gltf.findings import Finding, Severity, counted
from ..messages.errors import InputError
from ..optics.light_map import MAP_WIDTH, Area, Light, Rig, light_of, repaired
from ..optics.rig_choice import Panorama
from . import compat
from .blender import (
    data_of,
    input_of,
    move_to,
    new_node,
    output_of,
    overridden,
    pixels_of,
    present,
    sampled,
    set_choice,
    set_different,
    set_pixels,
    set_value,
)
from .light_behind_glass import LightBehindGlass

TABLE_RADIUS = 30.0  # In product sizes: its edge is never visible, not even in a mirror near the ground.
PREFIX = "Photoreal"
QUICK_MAP = 256  # Pixels along the map by which Cycles finds the bright parts of a light map.


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """Where the studio is in the scene: the point in its middle on the ground, and the length of a product size."""

    scale: float
    origin: tuple[float, float, float]

    def place(self, point: Any) -> NDArray[np.float64]:
        """A point (3,) of the studio in the scene."""
        placed: NDArray[np.float64] = np.asarray(point) * self.scale + self.origin
        return placed


STUDIO = Stand(scale=1.0, origin=(0.0, 0.0, 0.0))


def read_panorama(panorama: Panorama) -> tuple[NDArray[np.float32], int]:
    """The radiance in an HDR or EXR file, float32 (h, w, 3), row 0 at the bottom, and how many pixels were repaired.

    Raises InputError when it is not a picture, or not an equirectangular one with light above the horizon.
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
            raise InputError(
                f"{path.name} is damaged or not a picture.", hint="Give an .hdr or .exr panorama."
            )
        if width != 2 * height:
            raise InputError(
                f"{path.name} is not a full panorama: it has {width} x {height} pixels.",
                hint="Give an equirectangular panorama, twice as wide as high.",
            )
        radiance, broken = repaired(pixels_of(image)[..., :3])
    finally:
        bpy.data.images.remove(image)
    if not float(radiance[height // 2 :].max(initial=0.0)) > 0.0:
        raise InputError(
            f"{path.name} is black above the horizon.", hint="Give a panorama with lights in it."
        )
    return radiance, broken


class Studio:
    """A rig in a scene: its world, its near lights and its table.

    ``rig`` is the rig in use; ``light`` is the current light, which also contains added lights. ``broken_pixels`` is how
    many pixels of its light map had to be repaired.
    """

    def __init__(self, scene: bpy.types.Scene, rig: Rig) -> None:
        self._scene = scene
        self._before = scene.world
        self.collection = bpy.data.collections.new(f"{PREFIX} Studio")
        present(scene.collection).children.link(self.collection)
        self.table, self._table_colour = self._build_table()
        self.world = bpy.data.worlds.new(f"{PREFIX} World")
        self._texture, background = self._build_world()
        self.behind_glass = LightBehindGlass(self.world, background)
        self._lamps: list[Lamp] = []
        self._panoramas: dict[str, tuple[NDArray[np.float32], int]] = {}
        scene.world = self.world
        self.rig: Rig
        self.broken_pixels = 0
        self.light: Light
        self._rig_areas: tuple[tuple[Area, float], ...] = ()
        self.use(rig)

    def use(self, rig: Rig) -> None:
        """Light the scene with ``rig``. Raises as ``read_panorama``; the light is then unchanged."""
        panorama, broken = None, 0
        if rig.panorama:
            if rig.panorama.sha256 not in self._panoramas:
                self._panoramas = {rig.panorama.sha256: read_panorama(rig.panorama)}
            panorama, broken = self._panoramas[rig.panorama.sha256]
        self.rig = rig
        self.broken_pixels = broken
        self.light = light_of(rig, panorama)
        self._rig_areas = self.light.areas
        self._shine(self.light.radiance)
        self._put_up(self.light.areas)
        set_value(self._table_colour, (self.light.table_albedo,) * 3 + (1.0,))

    def problems(self) -> Iterator[Finding]:
        """What was wrong with the light map."""
        if self.rig.panorama is None or not self.broken_pixels:
            return
        name = Path(self.rig.panorama.path).name
        yield Finding(
            kind="broken_light_map",
            severity=Severity.WARNING,
            where=name,
            count=self.broken_pixels,
            text=f"{name}: {counted(self.broken_pixels, 'pixel')} {'has' if self.broken_pixels == 1 else 'have'} infinite or "
            "invalid values; infinite ones were replaced by the brightest valid value, invalid ones by their neighbors. "
            "Export the light map with 32 bits per channel.",
        )

    def add_light(self, area: Area, radiance: float) -> None:
        """Add a near light to those of the rig. It replaces the one added before."""
        self.light = replace(self.light, areas=(*self._rig_areas, (area, radiance)))
        self._put_up(self.light.areas)

    def _put_up(self, areas: Sequence[tuple[Area, float]]) -> None:
        """Make exactly these near lights shine, each with its radiance."""
        while len(self._lamps) > len(areas):
            lamp = self._lamps.pop()
            bpy.data.objects.remove(lamp.item)
            bpy.data.lights.remove(lamp.data)
        while len(self._lamps) < len(areas):
            lamp = new_lamp()
            self.collection.objects.link(lamp.item)
            self._lamps.append(lamp)
        for lamp, (area, radiance) in zip(self._lamps, areas, strict=True):
            lamp.place(area, radiance)

    def follow_table(self, follow: bool) -> None:
        """Choose whether light bounces off the table, or off the light map below the horizon, which is less noisy."""
        table = self.table
        table.visible_diffuse = table.visible_glossy = table.visible_transmission = follow
        table.visible_shadow = follow  # Otherwise it would block the lower half of the light map.

    @contextmanager
    def quick(self) -> Iterator[None]:
        """While entered, Cycles samples the light map less exactly, which makes another light map load faster."""
        with sampled(self.world, "MANUAL", sample_map_resolution=QUICK_MAP):
            yield

    @contextmanager
    def only_behind_glass(self) -> Iterator[None]:
        """Replace all light by white that is visible straight through glass only."""
        with ExitStack() as undo:
            undo.enter_context(self.behind_glass.alone())
            for lamp in self._lamps:
                undo.enter_context(overridden(lamp.item, hide_render=True))
            yield

    def _shine(self, radiance: NDArray[np.float32]) -> None:
        """Use ``radiance``, (h, w) or (h, w, 3), as the light of the world."""
        height, width = radiance.shape[:2]
        # A new image each time: with persistent data, Cycles keeps the old pixels of a known one.
        earlier = self._texture.image
        image = bpy.data.images.new(f"{PREFIX} Light Map", width, height, float_buffer=True)
        set_choice(image.colorspace_settings, "name", "Linear Rec.709")
        set_pixels(image, radiance)
        image.update()
        self._texture.image = image
        if earlier is not None:
            bpy.data.images.remove(earlier)

    def remove(self) -> None:
        """Remove the rig and restore the world of the scene."""
        self._scene.world = self._before
        self._put_up(())
        mesh = data_of(self.table, bpy.types.Mesh)
        material = present(mesh.materials[0])
        bpy.data.collections.remove(self.collection)
        bpy.data.objects.remove(self.table)
        bpy.data.meshes.remove(mesh)
        bpy.data.materials.remove(material)
        image = self._texture.image
        bpy.data.worlds.remove(self.world)
        if image is not None:
            bpy.data.images.remove(image)

    def _build_table(self) -> tuple[bpy.types.Object, bpy.types.NodeSocket]:
        """The table, and the input for its color."""
        mesh = bpy.data.meshes.new(f"{PREFIX} Table")
        side = TABLE_RADIUS
        mesh.from_pydata(
            [(-side, -side, 0), (side, -side, 0), (side, side, 0), (-side, side, 0)], [], [(0, 1, 2, 3)]
        )
        material = bpy.data.materials.new(f"{PREFIX} Table")
        tree = compat.empty_tree(material)
        surface = new_node(tree, bpy.types.ShaderNodeBsdfDiffuse)
        output = new_node(tree, bpy.types.ShaderNodeOutputMaterial)
        tree.links.new(output_of(surface, "BSDF"), input_of(output, "Surface"))
        mesh.materials.append(material)
        table = bpy.data.objects.new(f"{PREFIX} Table", mesh)
        # Behind the product is the exact background colour; the shadow is composed with it later.
        table.visible_camera = False
        self.collection.objects.link(table)
        return table, input_of(surface, "Color")

    def _build_world(self) -> tuple[bpy.types.ShaderNodeTexEnvironment, bpy.types.ShaderNodeBackground]:
        """The nodes for the light map and for its brightness."""
        tree = compat.empty_tree(self.world)
        settings = present(self.world.cycles)
        # Left to itself, Cycles looks for bright parts in 64 MB: sixteen times the pixels of a light map.
        settings.sampling_method, settings.sample_map_resolution = "MANUAL", MAP_WIDTH
        texture = new_node(tree, bpy.types.ShaderNodeTexEnvironment)
        background = new_node(tree, bpy.types.ShaderNodeBackground)
        output = new_node(tree, bpy.types.ShaderNodeOutputWorld)
        tree.links.new(output_of(texture, "Color"), input_of(background, "Color"))
        tree.links.new(output_of(background, "Background"), input_of(output, "Surface"))
        return texture, background


@dataclass(frozen=True, slots=True)
class Lamp:
    """An area light in the scene."""

    item: bpy.types.Object
    data: bpy.types.AreaLight

    def place(self, area: Area, radiance: float, stand: Stand = STUDIO) -> None:
        """Give the light the place, the size and the name of ``area``, in a studio that is at ``stand``."""
        name = f"{PREFIX} {area.name}"
        if self.item.name.split(".")[0] != name:  # Another studio may have one of the same name.
            self.item.name = name
        width, height = area.width * stand.scale, area.height * stand.scale
        # Blender distributes the watts of a rectangle over the half-space: radiance = watts / (pi * area).
        set_different(self.data, size=width, size_y=height, energy=float(radiance * math.pi * width * height))
        matrix = np.eye(4)
        matrix[:3, :3] = area.axes
        matrix[:3, 3] = stand.place(area.place)
        move_to(self.item, Matrix(matrix.tolist()))


def new_lamp() -> Lamp:
    """An area light that the camera does not see; in no collection yet."""
    data = bpy.data.lights.new(f"{PREFIX} Light", "AREA")
    if not isinstance(data, bpy.types.AreaLight):
        raise TypeError("Blender did not make an area light.")
    data.shape = "RECTANGLE"
    item = bpy.data.objects.new(data.name, data)
    item.visible_camera = False
    return Lamp(item, data)
