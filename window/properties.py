# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings that a scene keeps for this extension.

Names of properties and numbers of choices are what .blend files hold: they stay as they are.
"""

from collections.abc import Callable, Collection
from typing import Annotated, cast

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)
from bpy.types import Context, PropertyGroup

from ..optics.angles import FILL, LEAST_F_STOP, LEAST_LENS_MM, LENS_MM, MOST_F_STOP, MOST_LENS_MM
from ..optics.rig_choice import LEAST_INTENSITY, MOST_INTENSITY, RIG_NAMES, SOFTBOX
from ..optics.sizes import LEAST_SIDE, MOST_SIDE
from ..photo_set.prompts import LOOKS, MOTIONS
from .blender_types import Items, scene_of, with_properties

PANORAMA = "panorama"
CAMERAS = "CAMERAS"

_listeners: list[Callable[[Context], None]] = []


def tell_change(context: Context) -> None:
    """Call the listeners: settings have changed, so the price may be another one."""
    for listener in _listeners:
        listener(context)


def listen(listener: Callable[[Context], None]) -> None:
    """Have ``listener`` called when settings change, in any scene or in the preferences."""
    _listeners.append(listener)


def stop_listening(listener: Callable[[Context], None]) -> None:
    _listeners.remove(listener)


def _changed(_settings: PropertyGroup, context: Context) -> None:
    tell_change(context)


def _title(name: str) -> str:
    return name.replace("-", " ").title()


@with_properties
class PhotorealPhoto(PropertyGroup):
    """A source photo."""

    path: Annotated[
        str,
        StringProperty(
            name="Photo", description="A photo of the product", subtype="FILE_PATH", update=_changed
        ),
    ]


@with_properties
class PhotorealAngle(PropertyGroup):
    """One angle of the list. ``name`` names its files; azimuth and elevation are in degrees."""

    name: Annotated[
        str,
        StringProperty(
            name="Name", description="Names the pictures of this angle", default="angle", update=_changed
        ),
    ]
    azimuth: Annotated[
        float,
        FloatProperty(
            name="Azimuth",
            description="Degrees counter-clockwise seen from above, 0 in front of the product",
            soft_min=-180.0,
            soft_max=360.0,
            precision=1,
            step=500,
            update=_changed,
        ),
    ]
    elevation: Annotated[
        float,
        FloatProperty(
            name="Elevation",
            description="Degrees above the horizon",
            default=15.0,
            min=-10.0,
            max=89.0,
            precision=1,
            step=500,
            update=_changed,
        ),
    ]
    fill: Annotated[
        float,
        FloatProperty(
            name="Fill",
            description="Share of the frame that the product takes up. Above 1 it is a close-up that crops the product",
            default=FILL,
            min=0.1,
            max=3.0,
            precision=3,
            update=_changed,
        ),
    ]


@with_properties
class PhotorealSettings(PropertyGroup):
    """What the sidebar sets. ``made_in`` is the folder of the last set, ``home`` the scene that a studio was built for."""

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
            update=_changed,
        ),
    ]
    source: Annotated[
        str,
        StringProperty(
            name="Model",
            description="GLB, glTF or .blend file of the product",
            subtype="FILE_PATH",
            default="",
            update=_changed,
        ),
    ]
    photos: Annotated[Items[PhotorealPhoto], CollectionProperty(type=PhotorealPhoto)]
    words: Annotated[
        str,
        StringProperty(
            name="Product",
            description="Text that describes the product: a walnut desk clock",
            default="",
            update=_changed,
        ),
    ]
    model_endpoint: Annotated[
        str,
        StringProperty(
            name="Endpoint",
            description="fal endpoint that makes the 3D model. Empty: the one in the preferences",
            update=_changed,
        ),
    ]

    background: Annotated[
        str,
        EnumProperty(
            name="Background",
            description="What is visible behind the product",
            items=(
                ("white", "White", "Exact white, as marketplaces require"),
                ("grey", "Grey", "Neutral grey"),
                ("black", "Black", "Exact black, for jewellery, glass and dark-field light"),
                ("transparent", "Transparent", "An alpha channel instead of a background"),
            ),
            default="white",
            update=_changed,
        ),
    ]
    resolution: Annotated[
        int,
        IntProperty(
            name="Width",
            description="Width of the pictures in pixels",
            default=1024,
            min=LEAST_SIDE,
            max=MOST_SIDE,
            update=_changed,
        ),
    ]
    rig: Annotated[
        str,
        EnumProperty(
            name="Rig",
            description="The lights",
            items=[
                *((name, _title(name), f"{_title(name)} light") for name in RIG_NAMES),
                (PANORAMA, "Panorama", "Light from an .hdr or .exr file"),
            ],
            default=SOFTBOX,
            update=_changed,
        ),
    ]
    panorama: Annotated[
        str,
        StringProperty(
            name="Panorama", description="An .hdr or .exr light map", subtype="FILE_PATH", update=_changed
        ),
    ]
    rig_rotation: Annotated[
        float,
        FloatProperty(
            name="Turn Lights",
            description="Rotation of the lights in degrees, counter-clockwise seen from above",
            min=-360.0,
            max=360.0,
            precision=0,
            step=500,
            update=_changed,
        ),
    ]
    rig_intensity: Annotated[
        float,
        FloatProperty(
            name="Brightness",
            description="Factor for the brightness of the light; 1 is the correct exposure",
            default=1.0,
            min=LEAST_INTENSITY,
            max=MOST_INTENSITY,
            soft_max=4.0,
            precision=2,
            update=_changed,
        ),
    ]
    quality: Annotated[
        str,
        EnumProperty(
            name="Quality",
            description="Quality of photos by Cycles",
            items=(
                ("draft", "Draft", "Fast and noisy, for a first look"),
                ("reference", "Reference", "The quality of the references"),
                ("final", "Final", "For publication"),
            ),
            default="final",
            update=_changed,
        ),
    ]
    height: Annotated[
        int,
        IntProperty(
            name="Height",
            description="Height of the pictures in pixels; 0 uses the width",
            default=0,
            min=0,
            max=MOST_SIDE,
            update=_changed,
        ),
    ]
    samples: Annotated[
        int,
        IntProperty(
            name="Samples",
            description="Cycles samples; 0 chooses them by quality",
            default=0,
            min=0,
            max=4096,
            update=_changed,
        ),
    ]

    depth_pass: Annotated[
        bool,
        BoolProperty(
            name="Depth",
            description="Render a depth picture beside every reference",
            update=_changed,
        ),
    ]
    normal_pass: Annotated[
        bool,
        BoolProperty(
            name="Normal",
            description="Render a picture of the surface normals beside every reference",
            update=_changed,
        ),
    ]

    angles_from: Annotated[
        str,
        EnumProperty(
            name="Angles From",
            description="Where the camera positions come from",
            items=(
                ("LIST", "List", "Directions around the product; the camera is framed for each of them"),
                (
                    CAMERAS,
                    "Cameras",
                    "The cameras of this scene for a selection, those of the file for a file, "
                    "with their position, lens and shift unchanged",
                ),
            ),
            default="LIST",
            update=_changed,
        ),
    ]
    angles: Annotated[Items[PhotorealAngle], CollectionProperty(type=PhotorealAngle)]
    angle_index: Annotated[int, IntProperty(name="Active Angle", description="Selected angle of the list")]
    lens: Annotated[
        float,
        FloatProperty(
            name="Lens",
            description="Full-frame focal length in millimetres; shorter lenses show more perspective",
            default=LENS_MM,
            min=LEAST_LENS_MM,
            max=MOST_LENS_MM,
            precision=0,
            step=500,
            update=_changed,
        ),
    ]

    engine: Annotated[
        str,
        EnumProperty(
            name="Engine",
            description="What makes the photos",
            items=(
                ("cycles", "Cycles", "Rendered on this machine: free and exact"),
                ("fal", "fal.ai", "An image model that follows the renders: each photo costs money"),
            ),
            default="cycles",
            update=_changed,
        ),
    ]
    use_f_stop: Annotated[
        bool,
        BoolProperty(
            name="Depth of Field",
            description="Blur what is out of focus in photos by Cycles. Without it the whole product is sharp",
            update=_changed,
        ),
    ]
    f_stop: Annotated[
        float,
        FloatProperty(
            name="F-Stop",
            description="Aperture of the lens; lower numbers blur more",
            default=8.0,
            min=LEAST_F_STOP,
            max=MOST_F_STOP,
            soft_max=32.0,
            precision=1,
            update=_changed,
        ),
    ]
    film_look: Annotated[
        bool,
        BoolProperty(
            name="Film Look",
            description="Add a gentle curve and grain to photos by Cycles",
            update=_changed,
        ),
    ]
    photo_endpoint: Annotated[
        str,
        StringProperty(
            name="Endpoint",
            description="fal endpoint for the photos. Empty: the one in the preferences",
            update=_changed,
        ),
    ]
    look: Annotated[
        str,
        EnumProperty(
            name="Look",
            description="Style in which fal.ai shows the product",
            items=[(name, _title(name), f"{_title(name)} look") for name in LOOKS],
            default="studio",
            update=_changed,
        ),
    ]
    prompt: Annotated[
        bpy.types.Text | None,
        PointerProperty(
            name="Prompt",
            description="A text data-block with your own prompt for photos and video",
            type=bpy.types.Text,
            update=_changed,
        ),
    ]
    use_seed: Annotated[
        bool,
        BoolProperty(name="Fixed Seed", description="Use this seed for the image models", update=_changed),
    ]
    seed: Annotated[
        int,
        IntProperty(
            name="Seed",
            description="A different seed gives different photos",
            default=1,
            min=0,
            update=_changed,
        ),
    ]
    use_photo_size: Annotated[
        bool,
        BoolProperty(
            name="Enlarge Photos",
            description="Enlarge photos by fal.ai; this costs money",
            update=_changed,
        ),
    ]
    photo_size: Annotated[
        int,
        IntProperty(
            name="Enlarge To",
            description="Longer side of enlarged photos in pixels",
            default=2048,
            min=LEAST_SIDE,
            max=MOST_SIDE,
            update=_changed,
        ),
    ]

    video: Annotated[
        str,
        EnumProperty(
            name="Engine",
            description="What makes the video",
            items=(
                ("none", "None", "No video"),
                ("cycles", "Cycles", "Rendered on this machine: free and exact, but slow"),
                ("fal", "fal.ai", "A video model that starts from the hero photo: costs money"),
            ),
            default="none",
            update=_changed,
        ),
    ]
    motion: Annotated[
        str,
        EnumProperty(
            name="Motion",
            description="What happens in the video",
            items=[(name, _title(name), f"{_title(name)} video") for name in MOTIONS],
            default="turntable",
            update=_changed,
        ),
    ]
    seconds: Annotated[
        int,
        IntProperty(
            name="Seconds",
            description="Length of videos by fal.ai; 0 uses the default for the chosen look",
            default=0,
            min=0,
            max=60,
            update=_changed,
        ),
    ]
    loop: Annotated[
        bool,
        BoolProperty(
            name="Loop", description="End the video on the picture that it starts from", update=_changed
        ),
    ]
    video_endpoint: Annotated[
        str,
        StringProperty(
            name="Endpoint",
            description="fal endpoint for the video. Empty: the one in the preferences",
            update=_changed,
        ),
    ]

    folder: Annotated[
        str,
        StringProperty(
            name="Set Folder",
            description="Folder for this scene's set. Empty: a folder in the output folder, named after the product",
            subtype="DIR_PATH",
            default="",
        ),
    ]
    made_in: Annotated[str, StringProperty(options={"HIDDEN"})]
    is_studio: Annotated[bool, BoolProperty(options={"HIDDEN"})]
    home: Annotated[bpy.types.Scene | None, PointerProperty(type=bpy.types.Scene)]


CLASSES = (PhotorealPhoto, PhotorealAngle, PhotorealSettings)


def of(scene: bpy.types.Scene) -> PhotorealSettings:
    """The settings of a scene."""
    return cast(PhotorealSettings, scene.photoreal)  # type: ignore[attr-defined]  # ``attach`` adds it.


def of_context(context: Context) -> PhotorealSettings:
    """The settings of the scene of a context."""
    return of(scene_of(context))


def attach() -> None:
    bpy.types.Scene.photoreal = PointerProperty(type=PhotorealSettings)  # type: ignore[attr-defined, func-returns-value, arg-type]  # The stubs know neither.


def detach() -> None:
    del bpy.types.Scene.photoreal  # type: ignore[attr-defined]  # ``attach`` has added it.


def copy_settings(source: PhotorealSettings, target: PhotorealSettings) -> None:
    """Copy all settings to another scene, except those that mark a studio."""
    _copy_values(source, target, leave={"name", "photos", "angles", "is_studio", "home"})
    for kept, copied in ((source.photos, target.photos), (source.angles, target.angles)):
        copied.clear()
        for item in kept:
            _copy_values(item, copied.add())


def _copy_values(source: PropertyGroup, target: PropertyGroup, leave: Collection[str] = ()) -> None:
    for name in source.bl_rna.properties.keys():  # noqa: SIM118  Blender's collections give values when iterated.
        if name != "rna_type" and name not in leave:
            setattr(target, name, getattr(source, name))
