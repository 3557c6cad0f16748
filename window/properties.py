# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings that a scene keeps for this extension.

Names of properties and numbers of choices are what .blend files hold: they stay as they are.
"""

from collections.abc import Collection
from typing import Annotated, cast

import bpy
from bpy.props import BoolProperty, CollectionProperty, EnumProperty, PointerProperty, StringProperty
from bpy.types import Context, PropertyGroup

from .blender_types import Items, scene_of, with_properties
from .changes import changed
from .engine_properties import PhotoProperties, VideoProperties
from .studio_properties import AngleProperties, ModelProperties, PhotorealAngle, StudioProperties


@with_properties
class PhotorealPhoto(PropertyGroup):
    """A source photo."""

    path: Annotated[
        str,
        StringProperty(
            name="Photo", description="A photo of the product", subtype="FILE_PATH", update=changed
        ),
    ]


@with_properties
class SourceProperties:
    """What the product is made from."""

    source_kind: Annotated[
        str,
        EnumProperty(
            name="Source",
            description="What the product is made from",
            items=(
                ("FILE", "File", "A GLB, glTF or .blend file of the product", "FILE_3D", 0),
                ("OBJECTS", "Selection", "The selected objects of this file", "RESTRICT_SELECT_OFF", 1),
                ("PHOTOS", "Photos", "One to four photos: fal.ai makes the 3D model", "IMAGE_DATA", 2),
                ("TEXT", "Text", "A text prompt: fal.ai makes the 3D model from it", "TEXT", 3),
            ),
            default="FILE",
            update=changed,
        ),
    ]
    source: Annotated[
        str,
        StringProperty(
            name="Model",
            description="GLB, glTF or .blend file of the product",
            subtype="FILE_PATH",
            default="",
            update=changed,
        ),
    ]
    variant: Annotated[
        str,
        StringProperty(
            name="Variants",
            description="Material variants of the file: names separated by commas, or all. Each has all photos. "
            "Empty: only its default materials",
            update=changed,
        ),
    ]
    photos: Annotated[Items[PhotorealPhoto], CollectionProperty(type=PhotorealPhoto)]
    words: Annotated[
        str,
        StringProperty(
            name="Product",
            description="Text that describes the product: a walnut desk clock",
            default="",
            update=changed,
        ),
    ]
    model_endpoint: Annotated[
        str,
        StringProperty(
            name="Endpoint",
            description="fal endpoint that makes the 3D model. Empty: the one in the preferences",
            update=changed,
        ),
    ]


@with_properties
class PhotorealSettings(
    SourceProperties,
    ModelProperties,
    StudioProperties,
    AngleProperties,
    PhotoProperties,
    VideoProperties,
    PropertyGroup,
):
    """What the sidebar sets.

    ``made_in`` is the folder of the last set, and ``run_mark`` marks the last run that was started. Of a studio: ``home``
    is the scene that it was built for, ``is_linked`` says whether it shows the artist's own objects, ``studio_name``
    names the product, and ``view_before`` is how the viewports looked before.
    """

    folder: Annotated[
        str,
        StringProperty(
            name="Save To",
            description="Folder for this scene's set. Empty: a folder in the output folder, named after the product",
            subtype="DIR_PATH",
            default="",
        ),
    ]
    made_in: Annotated[str, StringProperty(options={"HIDDEN"})]
    run_mark: Annotated[str, StringProperty(options={"HIDDEN"})]
    is_studio: Annotated[bool, BoolProperty(options={"HIDDEN"})]
    is_linked: Annotated[bool, BoolProperty(options={"HIDDEN"})]
    studio_name: Annotated[str, StringProperty(options={"HIDDEN"})]
    view_before: Annotated[str, StringProperty(options={"HIDDEN"})]
    home: Annotated[bpy.types.Scene | None, PointerProperty(type=bpy.types.Scene)]


CLASSES = (PhotorealPhoto, PhotorealAngle, PhotorealSettings)


def of(scene: bpy.types.Scene) -> PhotorealSettings:
    """The settings of a scene."""
    return cast(PhotorealSettings, scene.photoreal)  # type: ignore[attr-defined]  # ``attach`` adds it.


def of_context(context: Context) -> PhotorealSettings:
    """The settings of the scene of a context."""
    return of(scene_of(context))


def label_of(field: str) -> str:
    """The label in the sidebar of what a plan calls ``field``; "" for what the sidebar does not set."""
    name = "folder" if field == "out" else field
    known = PhotorealSettings.bl_rna.properties.get(name) if name else None
    return known.name if known else ""


def attach() -> None:
    bpy.types.Scene.photoreal = PointerProperty(type=PhotorealSettings)  # type: ignore[attr-defined, func-returns-value, arg-type]  # The stubs know neither.


def detach() -> None:
    del bpy.types.Scene.photoreal  # type: ignore[attr-defined]  # ``attach`` has added it.


SHOWN = ("rig_turn", "turn", "lift")  # Other properties with their units.


def studio_of(scene: bpy.types.Scene) -> bpy.types.Scene | None:
    """The studio that was built for a scene."""
    return next((one for one in bpy.data.scenes if of(one).is_studio and of(one).home == scene), None)


OF_STUDIO = ("is_studio", "is_linked", "studio_name", "view_before", "home")


def copy_settings(source: PhotorealSettings, target: PhotorealSettings) -> None:
    """Copy all settings to another scene, except those that mark a studio."""
    _copy_values(source, target, leave={"name", "photos", "angles", *OF_STUDIO})
    for kept, copied in ((source.photos, target.photos), (source.angles, target.angles)):
        copied.clear()
        for item in kept:
            _copy_values(item, copied.add())


def _copy_values(source: PropertyGroup, target: PropertyGroup, leave: Collection[str] = ()) -> None:
    names = source.bl_rna.properties.keys()
    for name in sorted(names, key=lambda one: one.startswith("use_")):  # A value turns its checkbox on.
        if name != "rna_type" and name not in (*leave, *SHOWN):
            setattr(target, name, getattr(source, name))
