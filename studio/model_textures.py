# SPDX-License-Identifier: GPL-3.0-or-later
"""The textures of a collection: how many and how large they are, and smaller ones in their place."""

import tempfile
from pathlib import Path
from typing import Any

import bpy

from ..files.kinds import kind_of
from ..imaging.sent_picture import PictureError
from ..imaging.texture_files import reduced
from .blender import materials_of, nodes_of, present, set_choice

COLOUR = "sRGB"  # The colour space of textures that hold colours; the others hold numbers.


class TextureSet:
    """The textures that the materials of a collection use."""

    def __init__(self, collection: bpy.types.Collection) -> None:
        materials = {item.name: item for one in collection.all_objects for item in materials_of(one)}
        self._nodes = [
            node
            for _name, material in sorted(materials.items())
            for node in nodes_of(material.node_tree, bpy.types.ShaderNodeTexImage)
            if node.image and node.image.size[0] and node.image.size[1]
        ]
        # The first version of each, so that nothing is reduced twice.
        self._originals = {present(node.image).name: present(node.image) for node in self._nodes}
        self._names = [present(node.image).name for node in self._nodes]

    @property
    def count(self) -> int:
        return len(self._originals)

    @property
    def side(self) -> int:
        """The longest side of a texture in pixels, 0 without textures."""
        return max((max(present(node.image).size) for node in self._nodes), default=0)

    def reduce(self, side: int) -> None:
        """Use textures of at most ``side`` pixels. One that cannot be read stays as it is."""
        smaller = {name: _smaller(image, side) for name, image in self._originals.items()}
        for node, name in zip(self._nodes, self._names, strict=True):
            node.image = smaller[name]


def _smaller(image: bpy.types.Image, side: int) -> bpy.types.Image:
    packed = image.packed_file
    if packed is None:
        return image
    space = present(image.colorspace_settings).name
    try:
        data = reduced(_bytes_of(packed), side, is_colour=space == COLOUR)
    except PictureError:
        return image
    with tempfile.TemporaryDirectory(prefix="photoreal-") as folder:
        path = Path(folder) / f"{image.name}.{kind_of(data).value}"
        path = path if path.name == Path(path.name).name else Path(folder) / f"texture.{kind_of(data).value}"
        path.write_bytes(data)
        made = bpy.data.images.load(str(path))
        made.pack()
    made.name = image.name
    made.alpha_mode = image.alpha_mode
    set_choice(made.colorspace_settings, "name", space)
    return made


def _bytes_of(packed: bpy.types.PackedFile) -> bytes:
    data: Any = packed.data  # The stubs say that it is a text.
    return bytes(data)
