# SPDX-License-Identifier: GPL-3.0-or-later
"""Differences between Blender 4.3 to 5.2, and of builds by Linux distributions."""

import importlib
import importlib.util
import inspect
import io
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import bpy

from ..files import mp4
from .blender import present, set_choice

SAMPLE_ENTRY = (
    b"moov",
    b"trak",
    b"mdia",
    b"minf",
    b"stbl",
    b"stsd",
    b"avc1",
)  # Path to the video description.
NEUTRAL_VIEW = "Khronos PBR Neutral"


def set_view_transform(scene: bpy.types.Scene, name: str) -> str:
    """Use the view transform ``name`` on an sRGB display; returns the one that is used.

    That is Standard in builds that do not have ``name``.
    """
    set_choice(scene.display_settings, "display_device", "sRGB")
    view = present(scene.view_settings)
    for candidate in (name, "Standard"):
        try:
            set_choice(view, "view_transform", candidate)
        except TypeError:
            continue
        break
    set_choice(view, "look", "None")
    view.exposure = 0.0
    view.gamma = 1.0
    return str(view.view_transform)


# Quality, prefilter and guides of OpenImageDenoise. The accurate prefilter takes longer than several samples. Behind glass
# and half-transparent surfaces the guides are as noisy as the picture, and their noise would remain in it.
DENOISERS = {
    "fast": ("FAST", "FAST", "RGB_ALBEDO_NORMAL"),
    "balanced": ("BALANCED", "FAST", "RGB_ALBEDO_NORMAL"),
    "careful": ("HIGH", "ACCURATE", "RGB_ALBEDO_NORMAL"),
    "unguided": ("HIGH", "FAST", "RGB"),
}


def set_denoiser(scene: bpy.types.Scene, effort: str, *, on_card: bool = False) -> bool:
    """Denoise with OpenImageDenoise; ``effort`` is a key of ``DENOISERS``. With ``on_card``, on the graphics card.

    In builds without it, OptiX denoises where the card can. Returns False without any denoiser; denoising is then off.
    """
    cycles = present(scene.cycles)
    for name in ("OPENIMAGEDENOISE", "OPTIX") if on_card else ("OPENIMAGEDENOISE",):
        try:
            cycles.denoiser = name
        except TypeError:
            continue
        break
    else:  # The list of denoisers is empty, and rendering would fail with denoising on.
        cycles.use_denoising = False
        return False
    cycles.use_denoising = True
    cycles.denoising_use_gpu = on_card
    cycles.denoising_quality, cycles.denoising_prefilter, cycles.denoising_input_passes = DENOISERS[effort]
    return True


def set_viewport_denoiser(scene: bpy.types.Scene) -> bool:
    """Use OpenImageDenoise for rendered viewports; False in builds without it."""
    try:
        present(scene.cycles).preview_denoiser = "OPENIMAGEDENOISE"
    except TypeError:
        return False
    return True


def has_active_card() -> bool:
    """Has the artist chosen graphics cards for Cycles in the preferences?"""
    cycles = present(bpy.context.preferences).addons.get("cycles")
    chosen: Any = cycles.preferences if cycles else None
    return bool(chosen and chosen.has_active_device())


def set_still(
    scene: bpy.types.Scene, *, file_format: Literal["PNG", "OPEN_EXR"], depth: Literal["8", "16", "32"]
) -> None:
    """Write RGBA still images with ``depth`` bits per channel."""
    settings = present(present(scene.render).image_settings)
    if hasattr(settings, "media_type"):  # From 5.0 on, and it limits the formats.
        settings.media_type = "IMAGE"
    settings.file_format = file_format
    settings.color_mode = "RGBA"
    settings.color_depth = depth
    settings.compression = 0


def set_video(scene: bpy.types.Scene) -> None:
    """Write H.264 in MP4: visually lossless, and 4:2:0, which every player supports."""
    settings = present(present(scene.render).image_settings)
    if hasattr(settings, "media_type"):
        settings.media_type = "VIDEO"
    settings.file_format = "FFMPEG"
    settings.color_mode = "RGB"
    ffmpeg = present(present(scene.render).ffmpeg)
    ffmpeg.format = "MPEG4"
    ffmpeg.codec = "H264"
    ffmpeg.constant_rate_factor = "PERC_LOSSLESS"
    ffmpeg.ffmpeg_preset = "GOOD"
    ffmpeg.gopsize = 12
    ffmpeg.audio_codec = "NONE"


def set_alpha_video(scene: bpy.types.Scene) -> None:
    """After ``set_video``: write VP9 with alpha in WebM instead, which browsers show over any background."""
    ffmpeg = present(present(scene.render).ffmpeg)
    ffmpeg.format, ffmpeg.codec = "WEBM", "WEBM"
    ffmpeg.constant_rate_factor = "HIGH"
    present(present(scene.render).image_settings).color_mode = "RGBA"  # Only codecs with alpha have it.


def has_prores(scene: bpy.types.Scene) -> bool:
    """Can this Blender write ProRes with alpha? Blender 4.3 cannot."""
    return hasattr(present(present(scene.render).ffmpeg), "ffmpeg_prores_profile")


def set_prores_video(scene: bpy.types.Scene) -> None:
    """After ``set_video``: write ProRes 4444 with alpha in QuickTime instead, for video editors."""
    ffmpeg = present(present(scene.render).ffmpeg)
    set_choice(ffmpeg, "format", "QUICKTIME")
    set_choice(ffmpeg, "codec", "PRORES")
    set_choice(ffmpeg, "ffmpeg_prores_profile", "4444")
    present(present(scene.render).image_settings).color_mode = "RGBA"


def state_in_video(scene: bpy.types.Scene, note: str) -> None:
    """Write ``note``, at most 255 characters, into the metadata of a video, and nothing else about this scene.

    Of the formats here, WebM has it: as the tag NOTE (RFC 9559, 5.1.8).
    """
    render = present(scene.render)
    for name in dir(render):
        if name.startswith("use_stamp_"):
            setattr(render, name, False)
    render.use_stamp_note, render.stamp_note_text = bool(note), note


def mark_video_colours(path: Path) -> None:
    """Declare the colour space in an MP4 that Blender wrote, if it is not declared.

    Blender 4.3 encodes in BT.601 without declaring it; players assume BT.709 for a video of this size, and show wrong
    colours. The declaration is a ``colr`` box at the end of the sample entry (ISO/IEC 14496-12, 12.1.5).
    """
    data = bytearray(path.read_bytes())
    places = mp4.path_to(io.BytesIO(data), 0, len(data), SAMPLE_ENTRY)
    if not places or places[0].end != len(data):
        return  # Inserting the box would move the pictures after the index.
    entry = places[-1]
    if b"colr" in data[entry.content : entry.end]:
        return
    # BT.709 primaries and transfer, BT.601 matrix, limited range.
    mark = struct.pack(">I4s4sHHHB", 19, b"colr", b"nclx", 1, 1, 6, 0)
    data[entry.end : entry.end] = mark
    for box in places:
        (size,) = struct.unpack_from(">I", data, box.start)
        struct.pack_into(">I", data, box.start, size + len(mark))
    path.write_bytes(data)


def empty_tree(data_block: bpy.types.Material | bpy.types.World) -> bpy.types.NodeTree:
    """The node tree of a world or material, emptied."""
    if not data_block.node_tree:
        data_block.use_nodes = True
    tree = present(data_block.node_tree)
    tree.nodes.clear()
    return tree


def compositor_tree(scene: bpy.types.Scene) -> bpy.types.NodeTree | None:
    """The compositor's nodes of a scene, ``None`` as long as it has none. Since 5.0 they are a node group."""
    anything: Any = scene
    tree: bpy.types.NodeTree | None = (
        anything.compositing_node_group if hasattr(scene, "compositing_node_group") else anything.node_tree
    )
    return tree


def new_compositor_tree(scene: bpy.types.Scene) -> bpy.types.NodeTree:
    """Give a scene without compositor nodes those that Blender begins with: its render goes to the output unchanged."""
    anything: Any = scene
    if not hasattr(scene, "compositing_node_group"):
        anything.use_nodes = True
        return present(compositor_tree(scene))
    groups: Any = bpy.data.node_groups  # The stubs know no kinds of groups.
    tree: bpy.types.NodeTree = groups.new("Compositor Nodes", "CompositorNodeTree")
    present(tree.interface).new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
    layers, output = tree.nodes.new("CompositorNodeRLayers"), tree.nodes.new("NodeGroupOutput")
    output.location = (400.0, 0.0)
    tree.links.new(layers.outputs["Image"], output.inputs["Image"])
    anything.compositing_node_group = tree
    return tree


def known_arguments(operator: Any, **arguments: Any) -> dict[str, Any]:
    """The arguments that an operator has in this version of Blender."""
    known = operator.get_rna_type().properties.keys()
    return {name: value for name, value in arguments.items() if name in known}


def renders_thin_film_on_metal() -> bool:
    """Does Cycles support a thin film on metal? Measured: not in 4.3 and 4.5, but in 5.2."""
    return bpy.app.version >= (5, 0, 0)


def importable_extensions() -> set[str]:
    """The glTF extensions that the importer can read; builds by distributions lack some decoders."""
    reader = importlib.import_module("io_scene_gltf2.io.imp.gltf2_io_gltf")
    known = set(reader.glTFImporter("", {"import_user_extensions": []}).extensions_managed)
    decoders = {"KHR_draco_mesh_compression": (("bf_intern_draco_bridge", "Draco"), "draco")}
    for name in ("EXT_meshopt_compression", "KHR_meshopt_compression"):
        decoders[name] = (("bf_intern_meshopt_bridge", "MeshOptimizer"), "")
    for name, (library, module) in decoders.items():
        if name in known and not _has_decoder(library, module):
            known.remove(name)
    return known


@contextmanager
def exporting_variants() -> Iterator[None]:
    """Let the exporter write material variants, which is a preference of the glTF add-on."""
    addon = present(bpy.context.preferences).addons.get("io_scene_gltf2")
    preferences = addon.preferences if addon else None
    if preferences is None or not hasattr(preferences, "KHR_materials_variants_ui"):
        yield
        return
    before = preferences.KHR_materials_variants_ui
    preferences.KHR_materials_variants_ui = True
    try:
        yield
    finally:
        preferences.KHR_materials_variants_ui = before


def named_files() -> Iterator[tuple[bpy.types.ID | None, str]]:
    """Every file path in the open file, except those of packed files, and the data-block that contains it.

    Blender 4.3 does not report all data-blocks: where it is unknown, it is None and the path is absolute.
    """
    if hasattr(bpy.data, "file_path_map"):
        for block, texts in bpy.data.file_path_map().items():
            yield from ((block, text) for text in sorted(texts))
        return
    known = set()
    for blocks in (bpy.data.images, bpy.data.sounds, bpy.data.movieclips, bpy.data.libraries):
        for block in blocks:
            if block.filepath and not getattr(block, "packed_file", None):
                known.add(_absolute(block.filepath, block.library))
                yield block, block.filepath
    for text in bpy.utils.blend_paths(absolute=True, packed=False):
        if _absolute(text, None) not in known:
            yield None, text


def _absolute(text: str, library: bpy.types.Library | None) -> str:
    return os.path.normpath(bpy.path.abspath(text, library=library))


def _has_decoder(library: tuple[str, str], module: str) -> bool:
    """Does the shared library exist? Blender 5.2 has one module for all of them, earlier versions one for each."""
    if importlib.util.find_spec("io_scene_gltf2.io.com.library"):
        path = importlib.import_module("io_scene_gltf2.io.com.library").dll_path(*library)
    elif module:
        path = importlib.import_module(f"io_scene_gltf2.io.com.{module}").dll_path()
    else:
        return False
    return path is not None and path.is_file()


def sequence_strips(editor: bpy.types.SequenceEditor) -> Any:
    """The strips of a sequence editor, which were called ``sequences`` before 4.4."""
    return editor.strips if hasattr(editor, "strips") else editor.sequences


def draw_linear_texture(texture: Any, place: tuple[float, float], width: float, height: float) -> None:
    """Draw a texture in linear light into a window, with its lower left corner at ``place``; pixels.

    Since Blender 5.0 what is drawn is no longer converted to sRGB unless that is asked for.
    """
    from gpu_extras.presets import draw_texture_2d  # noqa: PLC0415  It exists only with a window.

    option = "is_scene_linear_with_rec709_srgb_target"
    draw: Any = draw_texture_2d  # The stubs do not know the option.
    known = inspect.signature(draw).parameters
    draw(texture, place, width, height, **({option: True} if option in known else {}))
