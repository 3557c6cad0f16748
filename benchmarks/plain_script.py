# SPDX-License-Identifier: GPL-3.0-or-later
"""What others render with: the settings of a new scene in Blender, and the picture that both are compared with."""

from typing import Any

import bpy

TRUTH_SAMPLES = 1024
TRUTH_BOUNCES = 64
PLAIN_SAMPLES = 128


def as_it_comes(scene: Any, *, is_truth: bool) -> None:
    """Set up Cycles as a new scene has it in Blender, with the samples of the comparison."""
    scene.render.use_persistent_data = False
    scene.render.use_border = False
    fresh = bpy.data.scenes.new("As it comes")
    for key in (
        "max_bounces", "diffuse_bounces", "glossy_bounces", "transmission_bounces", "volume_bounces",
        "transparent_max_bounces", "use_adaptive_sampling", "adaptive_threshold", "adaptive_min_samples",
        "caustics_reflective", "caustics_refractive", "blur_glossy", "sample_clamp_direct",
        "sample_clamp_indirect", "use_denoising", "denoising_input_passes", "denoising_prefilter",
        "denoising_quality", "use_light_tree", "sampling_pattern", "use_auto_tile", "seed",
    ):  # fmt: skip
        setattr(scene.cycles, key, getattr(fresh.cycles, key))
    scene.cycles.samples = PLAIN_SAMPLES
    if is_truth:
        scene.cycles.samples = TRUTH_SAMPLES
        scene.cycles.use_adaptive_sampling = scene.cycles.use_denoising = False
        scene.cycles.sample_clamp_indirect = scene.cycles.blur_glossy = 0.0
        # A path that is cut short inside glass is black: Blender's own limits darken it.
        for kind in ("max", "diffuse", "glossy", "transmission", "transparent_max"):
            setattr(scene.cycles, f"{kind}_bounces", TRUTH_BOUNCES)
        scene.cycles.seed = 99


def render_window(scene: Any, share: float) -> None:
    """Render only the middle; the rest of the picture stays empty."""
    render = scene.render
    render.use_border, render.use_crop_to_border = True, False
    render.border_min_x = render.border_min_y = 0.5 - share / 2.0
    render.border_max_x = render.border_max_y = 0.5 + share / 2.0
