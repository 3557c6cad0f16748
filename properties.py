# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings that a scene keeps for us."""

import bpy
from bpy.props import EnumProperty, IntProperty, PointerProperty, StringProperty
from bpy.types import PropertyGroup


class PhotorealSettings(PropertyGroup):
    """What the sidebar sets."""

    source: StringProperty(
        name="Model", description="GLB or glTF file of the product", subtype="FILE_PATH", default=""
    )  # type: ignore[valid-type]
    angle: EnumProperty(
        name="Angle",
        description="Where the camera stands",
        items=(
            ("front", "Front", "In front, slightly above"),
            ("three-quarter", "Three-Quarter", "Between front and side, slightly above"),
            ("side", "Side", "From the side, slightly above"),
            ("top", "Top", "From high above"),
            ("detail", "Detail", "Close, from low at an angle"),
        ),
        default="three-quarter",
    )  # type: ignore[valid-type]
    resolution: IntProperty(
        name="Resolution", description="Pixels of a side of the pictures", default=1024, min=64, max=8192
    )  # type: ignore[valid-type]


CLASSES = (PhotorealSettings,)


def attach() -> None:
    bpy.types.Scene.photoreal = PointerProperty(type=PhotorealSettings)


def detach() -> None:
    del bpy.types.Scene.photoreal
