# SPDX-License-Identifier: GPL-3.0-or-later
"""The light of a studio that an artist looks at: a world whose map is turned and exposed by nodes, and near lights.

A new rig needs a new light map, which is computed in steps. Everything else changes a few values in place.
"""

import math
from collections.abc import Generator
from dataclasses import replace
from typing import Any

import bpy

from ..optics.live_light import LiveSky, exposure_of, sky_in_steps
from ..optics.rig_choice import RigChoice
from ..optics.rigs import rig_of
from . import compat
from .blender import (
    custom_property,
    input_of,
    new_node,
    output_of,
    present,
    set_choice,
    set_pixels,
    set_value,
    value_of,
)
from .rig import PREFIX, QUICK_MAP, Lamp, Stand, new_lamp, read_panorama

MAP, TURN, EXPOSURE = f"{PREFIX} Map", f"{PREFIX} Turn", f"{PREFIX} Exposure"  # Nodes of the world.
PART = "photoreal_part"  # Custom property: what a data-block is in the studio.
SKY = "photoreal_sky"  # Custom property of the image: of which rig it is the light map.

_skies: dict[str, LiveSky] = {}
# Images whose pixels were set in this session: those of a reopened file have lost them.
_filled: dict[int, str] = {}


def sky_name(choice: RigChoice) -> str:
    """Rigs with the same name share a light map, whatever their rotation and brightness."""
    return choice.panorama.sha256 if choice.panorama else choice.name


def is_known(choice: RigChoice) -> bool:
    """Whether the light map of a rig has been computed."""
    return sky_name(choice) in _skies


def sky_steps(choice: RigChoice) -> Generator[None, None, None]:
    """Compute the light map of a rig. Raises as ``read_panorama``."""
    panorama = None
    if choice.panorama:
        panorama, _broken = read_panorama(choice.panorama)
        yield
    _skies[sky_name(choice)] = yield from sky_in_steps(rig_of(choice), panorama)


def learn(choice: RigChoice) -> None:
    """Compute the light map of a rig in one go. Raises as ``read_panorama``."""
    for _step in sky_steps(choice):
        pass


def shine(
    scene: bpy.types.Scene,
    holder: bpy.types.Collection,
    choice: RigChoice,
    stand: Stand,
    azimuth: float,
) -> None:
    """Light the scene with a rig whose light map is known, for a camera at ``azimuth`` degrees.

    ``holder`` is the collection of the near lights.
    """
    sky = _skies[sky_name(choice)]
    rig = rig_of(choice)
    exposure = exposure_of(sky, rig)
    tree = present(_world_of(scene).node_tree)
    _fill(tree.nodes[MAP], sky_name(choice), sky)
    turn = -math.radians(rig.rotation + azimuth)
    _set(input_of(tree.nodes[TURN], "Rotation"), (0.0, 0.0, turn))
    _set(input_of(tree.nodes[EXPOSURE], 1), exposure.factor)
    lamps = _lamps(holder, len(exposure.areas))
    for lamp, (area, radiance) in zip(lamps, exposure.areas, strict=True):
        lamp.place(replace(area, azimuth=area.azimuth + azimuth), radiance, stand)


def _set(socket: bpy.types.NodeSocket, values: tuple[float, float, float]) -> None:
    """Set a vector; the same values again would restart Cycles."""
    if any(
        abs(old - new) > 1e-6 * max(1.0, abs(new)) for old, new in zip(value_of(socket), values, strict=True)
    ):
        set_value(socket, values)


def _world_of(scene: bpy.types.Scene) -> bpy.types.World:
    """The world of the studio, made where it is missing."""
    world = scene.world
    if world is not None and custom_property(world, PART) is not None and world.node_tree is not None:
        nodes = world.node_tree.nodes
        if all(name in nodes for name in (MAP, TURN, EXPOSURE)):
            return world
    world = bpy.data.worlds.new(f"{PREFIX} World")
    marked: Any = world
    marked[PART] = "world"
    # A coarser map of its bright parts loads faster, and is noisier.
    set_choice(world.cycles, "sampling_method", "MANUAL")
    present(world.cycles).sample_map_resolution = QUICK_MAP
    tree = compat.empty_tree(world)
    direction = new_node(tree, bpy.types.ShaderNodeTexCoord)
    turn = new_node(tree, bpy.types.ShaderNodeMapping)
    texture = new_node(tree, bpy.types.ShaderNodeTexEnvironment)
    exposure = new_node(tree, bpy.types.ShaderNodeVectorMath)
    background = new_node(tree, bpy.types.ShaderNodeBackground)
    output = new_node(tree, bpy.types.ShaderNodeOutputWorld)
    turn.name, texture.name, exposure.name = TURN, MAP, EXPOSURE
    exposure.operation = "MULTIPLY"
    tree.links.new(output_of(direction, "Generated"), input_of(turn, "Vector"))
    tree.links.new(output_of(turn, "Vector"), input_of(texture, "Vector"))
    tree.links.new(output_of(texture, "Color"), input_of(exposure, 0))
    tree.links.new(output_of(exposure, "Vector"), input_of(background, "Color"))
    tree.links.new(output_of(background, "Background"), input_of(output, "Surface"))
    scene.world = world
    return world


def _fill(node: bpy.types.Node, name: str, sky: LiveSky) -> None:
    """Have the node of the light map show ``sky``."""
    texture: Any = node
    earlier = texture.image
    if earlier is not None and _filled.get(earlier.session_uid) == name:
        return
    height, width = sky.radiance.shape[:2]
    # A new image each time: Cycles keeps the old pixels of a known one.
    image = bpy.data.images.new(f"{PREFIX} Light Map", width, height, float_buffer=True)
    set_choice(image.colorspace_settings, "name", "Linear Rec.709")
    set_pixels(image, sky.radiance)
    image.update()
    marked: Any = image
    marked[SKY] = name
    _filled[image.session_uid] = name
    texture.image = image
    if earlier is not None and not earlier.users:
        bpy.data.images.remove(earlier)


def _lamps(holder: bpy.types.Collection, count: int) -> list[Lamp]:
    """Exactly ``count`` near lights in ``holder``."""
    lamps = [
        Lamp(item, item.data)
        for item in holder.objects
        if custom_property(item, PART) == "lamp" and isinstance(item.data, bpy.types.AreaLight)
    ]
    while len(lamps) > count:
        lamp = lamps.pop()
        bpy.data.objects.remove(lamp.item)
        bpy.data.lights.remove(lamp.data)
    while len(lamps) < count:
        lamp = new_lamp()
        marked: Any = lamp.item
        marked[PART] = "lamp"
        lamp.item.hide_select = True
        holder.objects.link(lamp.item)
        lamps.append(lamp)
    return lamps
