# SPDX-License-Identifier: GPL-3.0-or-later
"""What a video by fal.ai is made from: the hero's photo, photos as key frames, or a video by Cycles and photos.

Everything here follows from a plan and the endpoint that it names for the video.
"""

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..fal_bridge.endpoints.endpoint import Endpoint
from ..fal_bridge.jobs import Kind, Role
from ..messages.errors import FieldError
from ..optics.angles import Angle, hero_first, hero_of
from .choices import Engine
from .prompts import DETAIL_REVEAL, TURNTABLE, video_prompt

if TYPE_CHECKING:
    from .plan import SetPlan

MAX_TILT = (
    20.0  # Degrees between the elevations of the hero and of a key frame: a turntable has one elevation.
)
MAX_GAP = 135.0  # Degrees between key frames: beyond half a turn, the shorter way is the wrong one.
USUAL_SIDE = 720  # Pixels of a video that is sent to an endpoint that names no resolution.


def is_from_render(plan: "SetPlan") -> bool:
    """Whether fal.ai turns a video by Cycles into the video of the set."""
    return plan.video is Engine.FAL and Role.VIDEO in _endpoint(plan).slots


def waits_for_all_photos(plan: "SetPlan") -> bool:
    """Whether the video is made from more photos than the hero's."""
    return plan.video is Engine.FAL and bool(is_from_render(plan) or key_angles(plan))


def key_angles(plan: "SetPlan") -> list[Angle]:
    """The angles between the first and the last frame of a turntable, in the order in which it shows them.

    None when they do not go all the way round: the model would turn back where they leave a large gap.
    """
    room = _endpoint(plan).room_for(Role.MIDDLE)
    if not room or plan.motion != TURNTABLE:
        return []
    hero = hero_of(list(plan.angles))
    fitting = [
        angle
        for angle in plan.angles
        if angle.shows_whole_product
        and abs(angle.elevation - hero.elevation) <= MAX_TILT
        and (angle.azimuth - hero.azimuth) % 360.0
    ]
    in_order = sorted(fitting, key=lambda angle: (angle.azimuth - hero.azimuth) % 360.0)
    if len(in_order) > room:
        in_order = [in_order[index * len(in_order) // room] for index in range(room)]
    turns = [0.0, *((angle.azimuth - hero.azimuth) % 360.0 for angle in in_order), 360.0]
    goes_round = all(later - earlier <= MAX_GAP for earlier, later in itertools.pairwise(turns))
    return in_order if goes_round else []


def reference_angles(plan: "SetPlan") -> list[Angle]:
    """The angles whose photos show an endpoint what the product really looks like, the hero first."""
    return hero_first(list(plan.angles))[: _endpoint(plan).room_for(Role.REFERENCE)]


def used_angles(plan: "SetPlan") -> list[Angle]:
    """The angles whose photos the video is made from, the most important first."""
    if is_from_render(plan):
        return reference_angles(plan)
    return [hero_of(list(plan.angles)), *key_angles(plan)]


def loops(plan: "SetPlan") -> bool:
    """Whether the last frame leads to the first."""
    if is_from_render(plan):
        return plan.motion != DETAIL_REVEAL
    return plan.loop or bool(key_angles(plan))


def shows_product(plan: "SetPlan") -> bool:
    """Whether the endpoint is given a picture or a video of the product."""
    return _endpoint(plan).images[1] > 0 or is_from_render(plan)


def video_text(plan: "SetPlan") -> str:
    """The prompt of the video."""
    return video_prompt(
        plan.motion,
        plan.prompt,
        look=plan.look,
        is_loop=plan.loop,
        product="" if shows_product(plan) else plan.source.text or plan.product,
        is_from_render=is_from_render(plan),
        has_key_frames=bool(key_angles(plan)),
    )


def render_order(plan: "SetPlan") -> dict[str, Any]:
    """The video that Cycles has to render for the endpoint: its motion, length, frames and size. Empty for none."""
    if not is_from_render(plan):
        return {}
    endpoint, seconds = _endpoint(plan), plan.video_seconds
    side = (endpoint.video_side(plan.options(Kind.VIDEO)) or USUAL_SIDE) // 2 * 2
    return {
        "motion": plan.motion,
        "seconds": seconds,
        "frames": endpoint.frames_of(seconds),
        "width": side,
        "height": side,
    }


def video_files(plan: "SetPlan") -> dict[Role, int]:
    """How many files of each role the video is made from, besides the first and the last frame."""
    if is_from_render(plan):
        return {Role.VIDEO: 1, Role.REFERENCE: len(reference_angles(plan))}
    return {Role.MIDDLE: len(key_angles(plan))}


def video_settings(plan: "SetPlan") -> Mapping[str, Any]:
    """The inputs of the endpoint that follow from the motion."""
    return _endpoint(plan).motions.get(plan.motion, {})


def check_video(plan: "SetPlan") -> None:
    """Raises FieldError for a video that cannot be made."""
    if plan.video is not Engine.FAL:
        if plan.loop:
            raise FieldError(
                "loop",
                "Looping is for videos by fal.ai.",
                hint="By Cycles, turntable and light-sweep always loop.",
            )
        if plan.seconds and plan.video is None:
            raise FieldError("seconds", "There is no video to give a length to.")
        return
    video = _endpoint(plan)
    if plan.loop and not video.end_image_field:
        hint = "Leave it out: the video ends as the render does." if is_from_render(plan) else ""
        raise FieldError(
            "loop", f"{video.id} does not accept a last frame.", hint=hint or "Choose another video endpoint."
        )
    if plan.seconds and video.seconds and plan.seconds not in video.seconds:
        raise FieldError("seconds", f"{video.id} {video.seconds_sentence(plan.seconds)}")
    if video.end_image_is_needed and not loops(plan):
        raise FieldError("loop", f"{video.id} needs a last frame.", hint="Let the video loop.")


def _endpoint(plan: "SetPlan") -> Endpoint:
    return plan.endpoint(Kind.VIDEO)
