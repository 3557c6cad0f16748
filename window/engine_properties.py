# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of a scene: what makes the photos and the video, and how."""

from typing import Annotated

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, PointerProperty, StringProperty

from ..imaging.choices import Guide, Lock
from ..optics.angles import MAX_F_STOP, MIN_F_STOP
from ..optics.sizes import MAX_SIDE, MIN_SIDE
from ..optics.spin import MAX_COUNT, MIN_COUNT
from ..photo_set.choices import MAX_RETRIES, MAX_SECONDS, NO_VIDEO, Engine, Fidelity
from ..photo_set.prompts import DEFAULT_LOOK, LOOKS, MOTIONS, TURNTABLE
from .blender_types import with_properties
from .changes import changed, used
from .labels import FIDELITY_TIPS, LOCK_TIPS, label_of

NO_GUIDE = "none"


@with_properties
class PhotoProperties:
    """Photos, by Cycles or by fal.ai."""

    engine: Annotated[
        str,
        EnumProperty(
            name="Engine",
            description="What makes the photos",
            items=(
                (Engine.CYCLES.value, "Cycles", "Rendered on this machine: free and exact"),
                (
                    Engine.FAL.value,
                    "fal.ai",
                    "An image model that follows the renders: each photo costs money",
                ),
            ),
            default=Engine.CYCLES.value,
            update=changed,
        ),
    ]
    use_f_stop: Annotated[
        bool,
        BoolProperty(
            name="Depth of Field",
            description="Blur what is out of focus in photos by Cycles. Without it the whole product is sharp",
            update=changed,
        ),
    ]
    f_stop: Annotated[
        float,
        FloatProperty(
            name="F-Stop",
            description="Aperture of the lens; lower numbers blur more",
            default=8.0,
            min=MIN_F_STOP,
            max=MAX_F_STOP,
            soft_max=32.0,
            precision=1,
            update=changed,
        ),
    ]
    film_look: Annotated[
        bool,
        BoolProperty(
            name="Film Look",
            description="Add a gentle curve and grain to photos by Cycles",
            update=changed,
        ),
    ]
    photo_endpoint: Annotated[
        str,
        StringProperty(
            name="Endpoint",
            description="fal endpoint for the photos. Empty: the one in the preferences",
            update=changed,
        ),
    ]
    look: Annotated[
        str,
        EnumProperty(
            name="Look",
            description="Style in which fal.ai shows the product",
            items=[(name, label_of(name), f"{label_of(name)} look") for name in LOOKS],
            default=DEFAULT_LOOK,
            update=changed,
        ),
    ]
    prompt: Annotated[
        bpy.types.Text | None,
        PointerProperty(
            name="Prompt",
            description="A text data-block with your own prompt for photos and video",
            type=bpy.types.Text,
            update=changed,
        ),
    ]
    use_seed: Annotated[
        bool,
        BoolProperty(name="Fixed Seed", description="Use this seed for the image models", update=changed),
    ]
    seed: Annotated[
        int,
        IntProperty(
            name="Seed",
            description="A different seed gives different photos",
            default=1,
            min=0,
            update=changed,
        ),
    ]
    fidelity: Annotated[
        str,
        EnumProperty(
            name="Check",
            description="Compare photos by fal.ai with their renders",
            items=[(one.value, label_of(one.value), FIDELITY_TIPS[one.value]) for one in Fidelity],
            default=Fidelity.GATE.value,
            update=changed,
        ),
    ]
    retries: Annotated[
        int,
        IntProperty(
            name="Retries",
            description="Further photos of an angle that are paid for when one is rejected",
            default=1,
            min=0,
            max=MAX_RETRIES,
            update=changed,
        ),
    ]
    lock: Annotated[
        str,
        EnumProperty(
            name="Lock",
            description="What photos by fal.ai take from their renders, in the light of the photo",
            items=[(one.value, label_of(one.value), LOCK_TIPS[one.value]) for one in Lock],
            default=Lock.NONE.value,
            update=changed,
        ),
    ]
    guide: Annotated[
        str,
        EnumProperty(
            name="Guide",
            description="Guide the photo model with an exact picture, for endpoints that accept one",
            items=(
                (NO_GUIDE, "None", "Only the render is sent"),
                (Guide.DEPTH.value, "Depth", "The exact depth of every reference is sent too"),
                (Guide.CANNY.value, "Edges", "The exact edges of every reference are sent too"),
            ),
            default=NO_GUIDE,
            update=changed,
        ),
    ]
    with_mask: Annotated[
        bool,
        BoolProperty(
            name="With Mask",
            description="Send the mask of the product, so that only the product changes, to endpoints that accept one",
            update=changed,
        ),
    ]
    photo_option: Annotated[
        str,
        StringProperty(
            name="Inputs",
            description="Inputs of the photo endpoint that have no field here, separated by semicolons: guidance_scale=4",
            update=changed,
        ),
    ]
    use_photo_size: Annotated[
        bool,
        BoolProperty(
            name="Enlarge Photos",
            description="Enlarge photos by fal.ai; this costs money",
            update=changed,
        ),
    ]
    photo_size: Annotated[
        int,
        IntProperty(
            name="Enlarge To",
            description="Longer side of enlarged photos in pixels",
            default=2048,
            min=MIN_SIDE,
            max=MAX_SIDE,
            subtype="PIXEL",
            update=changed,
        ),
    ]


@with_properties
class VideoProperties:
    """The video, by Cycles or by fal.ai, and the spin."""

    video: Annotated[
        str,
        EnumProperty(
            name="Engine",
            description="What makes the video",
            items=(
                (NO_VIDEO, "None", "No video"),
                (Engine.CYCLES.value, "Cycles", "Rendered on this machine: free and exact, but slow"),
                (Engine.FAL.value, "fal.ai", "A video model that starts from the hero photo: costs money"),
            ),
            default=NO_VIDEO,
            update=changed,
        ),
    ]
    motion: Annotated[
        str,
        EnumProperty(
            name="Motion",
            description="What happens in the video",
            items=[(name, label_of(name), f"{label_of(name)} video") for name in MOTIONS],
            default=TURNTABLE,
            update=changed,
        ),
    ]
    use_seconds: Annotated[
        bool,
        BoolProperty(
            name="Seconds",
            description="Without it a video by Cycles takes 5 seconds, one by fal.ai as long as the chosen look",
            update=changed,
        ),
    ]
    seconds: Annotated[
        int,
        IntProperty(
            name="Seconds",
            description="Length of the video in seconds",
            default=5,
            min=0,
            max=MAX_SECONDS,
            soft_max=60,
            update=used("seconds"),
        ),
    ]
    video_option: Annotated[
        str,
        StringProperty(
            name="Inputs",
            description="Inputs of the video endpoint that have no field here, separated by semicolons: resolution=1080P",
            update=changed,
        ),
    ]
    loop: Annotated[
        bool,
        BoolProperty(
            name="Loop", description="End the video on the picture that it starts from", update=changed
        ),
    ]
    video_endpoint: Annotated[
        str,
        StringProperty(
            name="Endpoint",
            description="fal endpoint for the video. Empty: the one in the preferences",
            update=changed,
        ),
    ]
    use_spin: Annotated[
        bool,
        BoolProperty(
            name="Spin",
            description="Also render a full turn of the product by Cycles, and a page on which visitors turn it",
            update=changed,
        ),
    ]
    spin: Annotated[
        int,
        IntProperty(
            name="Spin",
            description="Number of pictures of the full turn. Amazon's 360 View takes 24, 48 or 72",
            default=36,
            min=MIN_COUNT,
            max=MAX_COUNT,
            update=changed,
        ),
    ]
