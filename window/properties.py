# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings that a scene keeps for us."""

from collections.abc import Callable
from typing import Any

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

from ..optics.angles import FILL, LENS_MM, MAX_F_STOP, MAX_LENS_MM, MIN_F_STOP, MIN_LENS_MM
from ..optics.rig_choice import MAX_INTENSITY, MIN_INTENSITY, RIG_NAMES, SOFTBOX
from ..optics.sizes import MAX_SIDE, MIN_SIDE
from ..photo_set.prompts import LOOKS, MOTIONS

PANORAMA = "panorama"
CAMERAS = "CAMERAS"

_listeners: list[Callable[[Context], None]] = []


def tell_change(context: Context) -> None:
    """Whoever listens learns that settings have changed, so that the price may be another one."""
    for listener in _listeners:
        listener(context)


def listen(listener: Callable[[Context], None]) -> None:
    _listeners.append(listener)


def stop_listening(listener: Callable[[Context], None]) -> None:
    _listeners.remove(listener)


def _changed(_settings: PropertyGroup, context: Context) -> None:
    tell_change(context)


def _title(name: str) -> str:
    return name.replace("-", " ").title()


class PhotorealPhoto(PropertyGroup):
    """A source photo."""

    path: StringProperty(
        name="Photo", description="A photo of the product", subtype="FILE_PATH", update=_changed
    )  # type: ignore[valid-type]


class PhotorealAngle(PropertyGroup):
    """One view of the list. ``name`` names its files."""

    name: StringProperty(
        name="Name", description="Names the pictures of this angle", default="angle", update=_changed
    )  # type: ignore[valid-type]
    azimuth: FloatProperty(
        name="Azimuth",
        description="Degrees counter-clockwise seen from above, 0 in front of the product",
        soft_min=-180.0,
        soft_max=360.0,
        precision=1,
        step=500,
        update=_changed,
    )  # type: ignore[valid-type]
    elevation: FloatProperty(
        name="Elevation",
        description="Degrees above the horizon",
        default=15.0,
        min=-10.0,
        max=89.0,
        precision=1,
        step=500,
        update=_changed,
    )  # type: ignore[valid-type]
    fill: FloatProperty(
        name="Fill",
        description="Share of the frame that the product takes; above 1 it is a close-up that crops it",
        default=FILL,
        min=0.1,
        max=3.0,
        precision=3,
        update=_changed,
    )  # type: ignore[valid-type]


class PhotorealSettings(PropertyGroup):
    """What the sidebar sets."""

    source_kind: EnumProperty(
        name="Source",
        description="What the product is made from",
        items=(
            ("FILE", "File", "A GLB, glTF or .blend file of the product", "FILE_3D", 0),
            ("OBJECTS", "Selection", "The selected objects of this file", "RESTRICT_SELECT_OFF", 1),
            ("PHOTOS", "Photos", "One to four photos: fal.ai makes the 3D model", "IMAGE_DATA", 2),
            ("WORDS", "Text", "Words: fal.ai makes the 3D model", "TEXT", 3),
        ),
        default="FILE",
        update=_changed,
    )  # type: ignore[valid-type]
    source: StringProperty(
        name="Model",
        description="GLB, glTF or .blend file of the product",
        subtype="FILE_PATH",
        default="",
        update=_changed,
    )  # type: ignore[valid-type]
    photos: CollectionProperty(type=PhotorealPhoto)  # type: ignore[valid-type]
    words: StringProperty(
        name="Product",
        description="What the product is, in words: a walnut desk clock",
        default="",
        update=_changed,
    )  # type: ignore[valid-type]
    model_endpoint: StringProperty(
        name="Endpoint",
        description="fal endpoint that makes the 3D model. Empty: that of the preferences",
        update=_changed,
    )  # type: ignore[valid-type]

    background: EnumProperty(
        name="Background",
        description="What is behind the product",
        items=(
            ("white", "White", "Exact white, as marketplaces want it"),
            ("grey", "Grey", "Neutral grey"),
            ("black", "Black", "Exact black, for jewellery, glass and dark-field light"),
            ("transparent", "Transparent", "Nothing, with alpha"),
        ),
        default="white",
        update=_changed,
    )  # type: ignore[valid-type]
    resolution: IntProperty(
        name="Width",
        description="Pixels of the pictures from left to right",
        default=1024,
        min=MIN_SIDE,
        max=MAX_SIDE,
        update=_changed,
    )  # type: ignore[valid-type]
    rig: EnumProperty(
        name="Rig",
        description="The lights",
        items=[
            *((name, _title(name), f"{_title(name)} light") for name in RIG_NAMES),
            (PANORAMA, "Panorama", "Light from an .hdr or .exr file"),
        ],
        default=SOFTBOX,
        update=_changed,
    )  # type: ignore[valid-type]
    panorama: StringProperty(
        name="Panorama", description="An .hdr or .exr light map", subtype="FILE_PATH", update=_changed
    )  # type: ignore[valid-type]
    rig_rotation: FloatProperty(
        name="Turn Lights",
        description="Degrees counter-clockwise seen from above",
        min=-360.0,
        max=360.0,
        precision=0,
        step=500,
        update=_changed,
    )  # type: ignore[valid-type]
    rig_intensity: FloatProperty(
        name="Brightness",
        description="Factor on the light; 1 is the right exposure",
        default=1.0,
        min=MIN_INTENSITY,
        max=MAX_INTENSITY,
        soft_max=4.0,
        precision=2,
        update=_changed,
    )  # type: ignore[valid-type]
    quality: EnumProperty(
        name="Quality",
        description="How hard Cycles works on photos",
        items=(
            ("draft", "Draft", "Fast, to look at"),
            ("reference", "Reference", "As the references"),
            ("final", "Final", "For publication"),
        ),
        default="final",
        update=_changed,
    )  # type: ignore[valid-type]
    height: IntProperty(
        name="Height",
        description="Pixels of the pictures from top to bottom; 0 is as many as the width",
        default=0,
        min=0,
        max=MAX_SIDE,
        update=_changed,
    )  # type: ignore[valid-type]
    samples: IntProperty(
        name="Samples",
        description="Samples of Cycles; 0 chooses them for quality",
        default=0,
        min=0,
        max=4096,
        update=_changed,
    )  # type: ignore[valid-type]

    depth_pass: BoolProperty(
        name="Depth",
        description="Beside every reference a picture of how far the product's surface is",
        update=_changed,
    )  # type: ignore[valid-type]
    normal_pass: BoolProperty(
        name="Normal",
        description="Beside every reference a picture of which way the product's surface faces",
        update=_changed,
    )  # type: ignore[valid-type]

    angles_from: EnumProperty(
        name="Angles From",
        description="What decides where the pictures are taken from",
        items=(
            ("LIST", "List", "Directions around the product; the camera is framed anew for each"),
            (
                CAMERAS,
                "Cameras",
                "The cameras of this scene for a selection, those of the file for a file: "
                "place, lens and shift exactly as they stand",
            ),
        ),
        default="LIST",
        update=_changed,
    )  # type: ignore[valid-type]
    angles: CollectionProperty(type=PhotorealAngle)  # type: ignore[valid-type]
    angle_index: IntProperty(name="Active Angle", description="The chosen angle of the list")  # type: ignore[valid-type]
    lens: FloatProperty(
        name="Lens",
        description="Focal length in millimetres of a full-frame camera: shorter shows more perspective",
        default=LENS_MM,
        min=MIN_LENS_MM,
        max=MAX_LENS_MM,
        precision=0,
        step=500,
        update=_changed,
    )  # type: ignore[valid-type]

    engine: EnumProperty(
        name="Engine",
        description="Who makes the photos",
        items=(
            ("cycles", "Cycles", "Rendered here: free and exact"),
            ("fal", "fal.ai", "An image model that is held to the renders: each photo costs money"),
        ),
        default="cycles",
        update=_changed,
    )  # type: ignore[valid-type]
    use_f_stop: BoolProperty(
        name="Depth of Field",
        description="Blur what is out of focus in photos by Cycles. Off: the whole product is sharp",
        update=_changed,
    )  # type: ignore[valid-type]
    f_stop: FloatProperty(
        name="F-Stop",
        description="Of the lens: lower numbers blur more",
        default=8.0,
        min=MIN_F_STOP,
        max=MAX_F_STOP,
        soft_max=32.0,
        precision=1,
        update=_changed,
    )  # type: ignore[valid-type]
    film_look: BoolProperty(
        name="Film Look",
        description="A gentle curve and grain on photos by Cycles",
        update=_changed,
    )  # type: ignore[valid-type]
    photo_endpoint: StringProperty(
        name="Endpoint",
        description="fal endpoint for the photos. Empty: that of the preferences",
        update=_changed,
    )  # type: ignore[valid-type]
    look: EnumProperty(
        name="Look",
        description="How fal.ai shows the product",
        items=[(name, _title(name), f"{_title(name)} look") for name in LOOKS],
        default="studio",
        update=_changed,
    )  # type: ignore[valid-type]
    prompt: PointerProperty(
        name="Prompt",
        description="A text of this file with your own words for photos and film",
        type=bpy.types.Text,
        update=_changed,
    )  # type: ignore[valid-type]
    use_seed: BoolProperty(
        name="Fixed Seed", description="Start the image models from this number", update=_changed
    )  # type: ignore[valid-type]
    seed: IntProperty(
        name="Seed", description="Another seed gives other photos", default=1, min=0, update=_changed
    )  # type: ignore[valid-type]
    use_photo_size: BoolProperty(
        name="Enlarge Photos",
        description="Enlarge the photos by fal.ai to so many pixels: costs money",
        update=_changed,
    )  # type: ignore[valid-type]
    photo_size: IntProperty(
        name="Enlarge To",
        description="Pixels of the longer side of enlarged photos",
        default=2048,
        min=MIN_SIDE,
        max=MAX_SIDE,
        update=_changed,
    )  # type: ignore[valid-type]

    video: EnumProperty(
        name="Engine",
        description="Who makes the film",
        items=(
            ("none", "None", "No film"),
            ("cycles", "Cycles", "Rendered here: free, exact, takes its time"),
            ("fal", "fal.ai", "A video model films the hero photo: costs money"),
        ),
        default="none",
        update=_changed,
    )  # type: ignore[valid-type]
    motion: EnumProperty(
        name="Motion",
        description="What happens in the film",
        items=[(name, _title(name), f"{_title(name)} film") for name in MOTIONS],
        default="turntable",
        update=_changed,
    )  # type: ignore[valid-type]
    seconds: IntProperty(
        name="Seconds",
        description="Length of the film by fal.ai; 0 is what the look bears best",
        default=0,
        min=0,
        max=60,
        update=_changed,
    )  # type: ignore[valid-type]
    loop: BoolProperty(name="Loop", description="End the film on the picture it starts from", update=_changed)  # type: ignore[valid-type]
    video_endpoint: StringProperty(
        name="Endpoint",
        description="fal endpoint for the film. Empty: that of the preferences",
        update=_changed,
    )  # type: ignore[valid-type]

    folder: StringProperty(
        name="Set Folder",
        description="Where this scene's set shall go. Empty: a folder of the product's name in the output folder",
        subtype="DIR_PATH",
        default="",
    )  # type: ignore[valid-type]
    made_in: StringProperty(options={"HIDDEN"})  # type: ignore[valid-type]
    is_studio: BoolProperty(options={"HIDDEN"})  # type: ignore[valid-type]
    home: PointerProperty(type=bpy.types.Scene)  # type: ignore[valid-type]


CLASSES = (PhotorealPhoto, PhotorealAngle, PhotorealSettings)


def attach() -> None:
    bpy.types.Scene.photoreal = PointerProperty(type=PhotorealSettings)


def detach() -> None:
    del bpy.types.Scene.photoreal


def copy_settings(source: Any, target: Any) -> None:
    """Give another scene the same settings, besides what marks a studio."""
    for name in list(source.bl_rna.properties.keys()):
        if name in {"rna_type", "name", "photos", "angles", "is_studio", "home"}:
            continue
        setattr(target, name, getattr(source, name))
    for collection in ("photos", "angles"):
        items = getattr(target, collection)
        items.clear()
        for entry in getattr(source, collection):
            copy = items.add()
            for name in list(entry.bl_rna.properties.keys()):
                if name != "rna_type":
                    setattr(copy, name, getattr(entry, name))
