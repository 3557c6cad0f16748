# SPDX-License-Identifier: GPL-3.0-or-later
"""Render settings that every picture of a product has, and the studio in which an artist looks at it."""

import bpy

from . import compat
from .blender import present, set_choice
from .layers import limit_for

# Light bounces many times inside glass, and a path that ends there is dark: a filled bottle needs this many bounces.
# ``benchmarks.render`` shows it with its glass bottle.
GLASS_BOUNCES = 32
TRANSPARENT_BOUNCES = 16


def set_up_output(scene: bpy.types.Scene) -> None:
    """Render with Cycles, on a transparent background, exactly what is in the scene."""
    render = present(scene.render)
    set_choice(render, "engine", "CYCLES")
    render.film_transparent = True
    render.use_persistent_data = True
    render.use_compositing = False
    render.use_sequencer = False
    render.dither_intensity = 0.0
    render.use_border = False
    render.use_simplify = False
    render.use_motion_blur = False
    render.resolution_percentage = 100
    render.pixel_aspect_x = render.pixel_aspect_y = 1.0
    render.use_file_extension = True
    compat.set_view_transform(scene, compat.NEUTRAL_VIEW)


def set_up_cycles(scene: bpy.types.Scene, *, lets_light_through: bool, transparent_layers: int) -> None:
    """Settings of Cycles that depend on the product: whether it has glass, and how many layers light passes through."""
    cycles = present(scene.cycles)
    cycles.seed = 0
    cycles.use_animated_seed = False
    cycles.film_transparent_glass = False
    cycles.caustics_reflective = False
    # Objects behind glass, and the ground below it, receive light through it.
    cycles.caustics_refractive = lets_light_through
    cycles.blur_glossy = 0.0 if lets_light_through else 1.0
    cycles.sample_clamp_indirect = 6.0
    cycles.transparent_max_bounces = limit_for(transparent_layers, TRANSPARENT_BOUNCES)


def set_bounces(scene: bpy.types.Scene, bounces: int, *, lets_light_through: bool, glass_layers: int) -> None:
    """How often light bounces: ``bounces`` times, and more inside glass."""
    cycles = present(scene.cycles)
    most = max(bounces, limit_for(glass_layers, GLASS_BOUNCES)) if lets_light_through else bounces
    cycles.max_bounces = most
    cycles.diffuse_bounces = min(bounces, 3)
    cycles.glossy_bounces = most if lets_light_through else min(bounces, 4)
    cycles.transmission_bounces = most
