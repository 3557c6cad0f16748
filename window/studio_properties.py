# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of a scene: the studio and the angles."""

import math
from typing import Annotated, Any

from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    StringProperty,
)
from bpy.types import PropertyGroup

from ..channels.rules import CHANNELS
from ..gltf.choices import MAX_POSE_SECONDS, REST, START
from ..imaging.choices import Background
from ..optics.angles import FILL, LENS_MM, MAX_LENS_MM, MIN_LENS_MM
from ..optics.rig_choice import MAX_INTENSITY, MIN_INTENSITY, RIG_NAMES, SOFTBOX
from ..optics.sizes import MAX_SIDE, MIN_SIDE
from ..photo_set.choices import FINAL, MAX_SAMPLES, QUALITY_NAMES
from .blender_types import Items, with_properties
from .changes import changed, used
from .labels import BACKGROUND_TIPS, QUALITY_TIPS, label_of

PANORAMA = "panorama"
NO_CHANNEL = "none"
CAMERAS = "CAMERAS"
SECONDS = "seconds"


def in_degrees(stored: str, *, name: str, description: str) -> Any:
    """A property that shows the degrees in ``stored`` with their unit: Blender keeps an angle in radians."""

    def read(owner: Any) -> float:
        return math.radians(getattr(owner, stored))

    def write(owner: Any, value: float) -> None:
        setattr(owner, stored, math.degrees(value))

    return FloatProperty(
        name=name, description=description, subtype="ANGLE", precision=1, step=500, get=read, set=write
    )


@with_properties
class PhotorealAngle(PropertyGroup):
    """One angle of the list. ``name`` names its files; azimuth and elevation are in degrees."""

    name: Annotated[
        str,
        StringProperty(
            name="Name", description="Names the pictures of this angle", default="angle", update=changed
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
            update=changed,
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
            update=changed,
        ),
    ]
    turn: Annotated[
        float,
        in_degrees(
            "azimuth",
            name="Azimuth",
            description="Counter-clockwise seen from above, 0 in front of the product",
        ),
    ]
    lift: Annotated[
        float,
        in_degrees("elevation", name="Elevation", description="Above the horizon"),
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
            update=changed,
        ),
    ]


@with_properties
class StudioProperties:
    """Background, size, light and quality."""

    background: Annotated[
        str,
        EnumProperty(
            name="Background",
            description="What is visible behind the product",
            items=[(one.value, label_of(one.value), BACKGROUND_TIPS[one.value]) for one in Background],
            default=Background.WHITE.value,
            update=changed,
        ),
    ]
    resolution: Annotated[
        int,
        IntProperty(
            name="Width",
            description="Width of the pictures in pixels",
            default=1024,
            min=MIN_SIDE,
            max=MAX_SIDE,
            subtype="PIXEL",
            update=changed,
        ),
    ]
    rig: Annotated[
        str,
        EnumProperty(
            name="Rig",
            description="The lights",
            items=[
                *((name, label_of(name), f"{label_of(name)} light") for name in RIG_NAMES),
                (PANORAMA, "Panorama", "Light from an .hdr or .exr file"),
            ],
            default=SOFTBOX,
            update=changed,
        ),
    ]
    panorama: Annotated[
        str,
        StringProperty(
            name="Panorama", description="An .hdr or .exr light map", subtype="FILE_PATH", update=changed
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
            update=changed,
        ),
    ]
    rig_turn: Annotated[
        float,
        in_degrees(
            "rig_rotation",
            name="Turn Lights",
            description="Rotation of the lights, counter-clockwise seen from above",
        ),
    ]
    rig_intensity: Annotated[
        float,
        FloatProperty(
            name="Brightness",
            description="Factor for the brightness of the light; 1 is the correct exposure",
            default=1.0,
            min=MIN_INTENSITY,
            max=MAX_INTENSITY,
            soft_max=4.0,
            precision=2,
            update=changed,
        ),
    ]
    quality: Annotated[
        str,
        EnumProperty(
            name="Quality",
            description="Quality of photos by Cycles",
            items=[(name, label_of(name), QUALITY_TIPS[name]) for name in QUALITY_NAMES],
            default=FINAL,
            update=changed,
        ),
    ]
    use_height: Annotated[
        bool,
        BoolProperty(name="Height", description="Without it the pictures are square", update=changed),
    ]
    height: Annotated[
        int,
        IntProperty(
            name="Height",
            description="Height of the pictures in pixels",
            default=1024,
            min=0,
            max=MAX_SIDE,
            subtype="PIXEL",
            update=used("height"),
        ),
    ]
    use_samples: Annotated[
        bool,
        BoolProperty(name="Samples", description="Without it they are chosen by quality", update=changed),
    ]
    samples: Annotated[
        int,
        IntProperty(
            name="Samples",
            description="Cycles samples of each pixel",
            default=64,
            min=0,
            max=MAX_SAMPLES,
            soft_max=4096,
            update=used("samples"),
        ),
    ]

    channel: Annotated[
        str,
        EnumProperty(
            name="Channel",
            description="Where the pictures are published: its safe areas are shown in the studio",
            items=[
                (NO_CHANNEL, "None", "No safe areas"),
                *((one.name, one.title, f"What {one.title} asks for") for one in CHANNELS.values()),
            ],
            default=NO_CHANNEL,
            update=changed,
        ),
    ]
    depth_pass: Annotated[
        bool,
        BoolProperty(
            name="Depth",
            description="Render a depth picture beside every reference",
            update=changed,
        ),
    ]
    normal_pass: Annotated[
        bool,
        BoolProperty(
            name="Normal",
            description="Render a picture of the surface normals beside every reference",
            update=changed,
        ),
    ]


@with_properties
class ModelProperties:
    """The pose of the 3D model, and what is left out of it."""

    pose: Annotated[
        str,
        EnumProperty(
            name="Pose",
            description="The pose of a GLB or glTF file with animations. A .blend file is shown at its current frame",
            items=(
                (REST, "Rest", "As the file stands without its animations"),
                (START, "Start", "At the start of its first animation"),
                (SECONDS, "Time", "After some seconds of its first animation"),
            ),
            default=REST,
            update=changed,
        ),
    ]
    pose_seconds: Annotated[
        float,
        FloatProperty(
            name="Seconds",
            description="Time in the first animation, in seconds",
            default=0.0,
            min=0.0,
            max=MAX_POSE_SECONDS,
            soft_max=60.0,
            precision=2,
            unit="TIME_ABSOLUTE",
            update=changed,
        ),
    ]
    without_floor: Annotated[
        bool,
        BoolProperty(name="Floor", description="Leave out a flat part below everything else", update=changed),
    ]
    without_backdrop: Annotated[
        bool,
        BoolProperty(
            name="Backdrop",
            description="Leave out a wall or a curved sheet behind the product",
            update=changed,
        ),
    ]
    without_dome: Annotated[
        bool, BoolProperty(name="Dome", description="Leave out a sky around the product", update=changed)
    ]
    without_crumbs: Annotated[
        bool, BoolProperty(name="Crumbs", description="Leave out small loose pieces", update=changed)
    ]


@with_properties
class AngleProperties:
    """Where the pictures are taken from."""

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
            update=changed,
        ),
    ]
    angles: Annotated[Items[PhotorealAngle], CollectionProperty(type=PhotorealAngle)]
    angle_index: Annotated[
        int,
        IntProperty(name="Active Angle", description="Selected angle of the list", update=changed),
    ]
    lens: Annotated[
        float,
        FloatProperty(
            name="Lens",
            description="Full-frame focal length in millimeters; shorter lenses show more perspective",
            default=LENS_MM,
            min=MIN_LENS_MM,
            max=MAX_LENS_MM,
            precision=0,
            step=500,
            unit="CAMERA",
            update=changed,
        ),
    ]
