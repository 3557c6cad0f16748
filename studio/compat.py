# SPDX-License-Identifier: GPL-3.0-or-later
"""Every place where Blender 4.3 to 5.2 and its distribution builds differ."""

import importlib
import importlib.util
import io
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bpy

from ..files import mp4

TO_PICTURES = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"avc1")  # Down to their description.
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


# Quality, prefilter and guides of OpenImageDenoise. The careful prefilter costs more than several samples do. Behind
# glass the guides are as noisy as the picture, and leave their grain in it.
DENOISERS = {
    "fast": ("FAST", "FAST", "RGB_ALBEDO_NORMAL"),
    "balanced": ("BALANCED", "FAST", "RGB_ALBEDO_NORMAL"),
    "careful": ("HIGH", "ACCURATE", "RGB_ALBEDO_NORMAL"),
    "unguided": ("HIGH", "FAST", "RGB"),
}


def set_denoiser(scene: bpy.types.Scene, effort: str) -> bool:
    """Switch OpenImageDenoise on with an effort of ``DENOISERS``.

    False where this build has none (then denoising stays off).
    """
    cycles = scene.cycles
    try:
        cycles.denoiser = "OPENIMAGEDENOISE"
    except TypeError:  # Distribution builds: the list is empty, and rendering fails while denoising is on.
        cycles.use_denoising = False
        return False
    cycles.use_denoising = True
    cycles.denoising_quality, cycles.denoising_prefilter, cycles.denoising_input_passes = DENOISERS[effort]
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


def mark_movie_colours(path: Path) -> None:
    """Say in an MP4 of ours which colours it holds, where Blender has not said it.

    Blender 4.3 encodes in BT.601 and leaves it open; players take BT.709 for a film of this size, and
    its colours shift. The mark is a ``colr`` box, put at the end of the description of the pictures.
    """
    data = bytearray(path.read_bytes())
    places = mp4.path_to(io.BytesIO(data), 0, len(data), TO_PICTURES)
    if not places or places[0].end != len(data):
        return  # Pictures behind the index would move.
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


def shows_film_on_metal() -> bool:
    """Does Cycles colour metal by a thin film? Measured: not in 4.3 and 4.5, but in 5.2."""
    return bpy.app.version >= (5, 0, 0)


def importable_extensions() -> set[str]:
    """The glTF extensions that this Blender's importer can read; distribution builds lack decoders."""
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
    """Have the exporter write material variants, which a preference of the glTF add-on decides."""
    addon = bpy.context.preferences.addons.get("io_scene_gltf2")
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
    """Every path of a file that the open file names, without those that are packed, and the data-block that has it.

    Blender 4.3 does not tell the data-block of all: for the others it is None and the path is absolute.
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
    """Is the shared library there? 5.2 keeps them in one place, before each had a module of its own."""
    if importlib.util.find_spec("io_scene_gltf2.io.com.library"):
        path = importlib.import_module("io_scene_gltf2.io.com.library").dll_path(*library)
    elif module:
        path = importlib.import_module(f"io_scene_gltf2.io.com.{module}").dll_path()
    else:
        return False
    return path is not None and path.is_file()


def sequence_strips(editor: bpy.types.SequenceEditor) -> Any:
    """The strips of a sequence editor: called ``sequences`` before 4.4."""
    return editor.strips if hasattr(editor, "strips") else editor.sequences
