# SPDX-License-Identifier: GPL-3.0-or-later
"""Every place where Blender 4.3 to 5.2 and its distribution builds differ."""

from typing import Any

import bpy

NEUTRAL_VIEW = "Khronos PBR Neutral"


def set_view_transform(scene: bpy.types.Scene, name: str) -> str:
    """Show the scene through ``name`` on an sRGB display; the name that this build really took."""
    scene.display_settings.display_device = "sRGB"
    view = scene.view_settings
    for candidate in (name, "Standard"):
        try:
            view.view_transform = candidate
        except TypeError:
            continue
        break
    view.look = "None"
    view.exposure = 0.0
    view.gamma = 1.0
    return str(view.view_transform)


def set_denoiser(scene: bpy.types.Scene, *, fast: bool) -> bool:
    """Switch OpenImageDenoise on; False where this build has none (then denoising stays off)."""
    cycles = scene.cycles
    try:
        cycles.denoiser = "OPENIMAGEDENOISE"
    except TypeError:  # Distribution builds: the list is empty, and rendering fails while denoising is on.
        cycles.use_denoising = False
        return False
    cycles.use_denoising = True
    cycles.denoising_input_passes = "RGB_ALBEDO_NORMAL"
    cycles.denoising_prefilter = "FAST" if fast else "ACCURATE"
    cycles.denoising_quality = "FAST" if fast else "HIGH"
    return True


def set_still(scene: bpy.types.Scene, *, file_format: str, depth: str) -> None:
    """Write RGBA stills of ``file_format`` (PNG or OPEN_EXR) with ``depth`` bits a channel."""
    settings = scene.render.image_settings
    if hasattr(settings, "media_type"):  # 5.0 and later: chosen before the format.
        settings.media_type = "IMAGE"
    settings.file_format = file_format
    settings.color_mode = "RGBA"
    settings.color_depth = depth
    settings.compression = 0


def set_movie(scene: bpy.types.Scene) -> None:
    """Write H.264 in MP4, visually lossless, playable everywhere (4:2:0)."""
    settings = scene.render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "VIDEO"
    settings.file_format = "FFMPEG"
    settings.color_mode = "RGB"
    ffmpeg = scene.render.ffmpeg
    ffmpeg.format = "MPEG4"
    ffmpeg.codec = "H264"
    ffmpeg.constant_rate_factor = "PERC_LOSSLESS"
    ffmpeg.ffmpeg_preset = "GOOD"
    ffmpeg.gopsize = 12
    ffmpeg.audio_codec = "NONE"


def ensure_nodes(data_block: Any) -> bpy.types.NodeTree:
    """The node tree of a world or material, empty."""
    if not data_block.node_tree:
        data_block.use_nodes = True
    data_block.node_tree.nodes.clear()
    return data_block.node_tree


def accepted(operator: Any, **arguments: Any) -> dict[str, Any]:
    """The arguments that this version of an operator knows."""
    known = operator.get_rna_type().properties.keys()
    return {name: value for name, value in arguments.items() if name in known}


def sequence_strips(editor: bpy.types.SequenceEditor) -> Any:
    """The strips of a sequence editor: called ``sequences`` before 4.4."""
    return editor.strips if hasattr(editor, "strips") else editor.sequences
