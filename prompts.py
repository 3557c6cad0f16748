# SPDX-License-Identifier: GPL-3.0-or-later
"""The words for the image and video models."""

from .angles import Angle

VIEWS = {
    "front": "straight from the front, slightly above",
    "three-quarter": "three-quarter view, slightly above",
    "side": "from the side, slightly above",
    "top": "from high above",
    "detail": "close-up from low at an angle",
}

# Edit models move things unless told what stays, so that comes first.
PHOTO = (
    "Re-photograph this exact object as a real product photograph. Do not change its shape, proportions, "
    "parts, materials, colours or lettering. Do not move, rotate, zoom or crop it: same camera angle "
    "({view}), same position and size in the frame. Professional studio light from large softboxes, true "
    "surface texture and natural reflections, everything in sharp focus, clean {background} background with "
    "a soft contact shadow. It must look like a photograph taken with a camera, with no trace of computer "
    "graphics, plastic or toy."
)

CONCEPT = (
    "{product}. One single object, whole and centred, seen from the front at a slight angle, on a plain light "
    "grey background. Even soft light without hard shadows or strong reflections, everything in focus, no "
    "other objects, no text beside it."
)

TURNTABLE = (
    "The product stands on a turntable and makes one slow, smooth, complete turn in front of a fixed "
    "camera. Only the product turns. Its shape, colours and lettering stay exactly the same. Even studio "
    "light, clean background, no cuts, no camera movement."
)
TURNTABLE_UNWANTED = "blur, shaking camera, distortion, flicker, morphing, extra objects, text"


def photo_prompt(angle: Angle, background: str, extra: str) -> str:
    """The edit instruction for one angle; ``extra`` are the user's own words."""
    view = VIEWS.get(angle.name, f"azimuth {angle.azimuth:g}°, elevation {angle.elevation:g}°")
    shade = "neutral grey" if background == "grey" else "pure white"
    return " ".join(filter(None, (PHOTO.format(view=view, background=shade), extra.strip())))


def video_prompt(extra: str, product: str = "") -> str:
    """``product`` names what to show, for endpoints that see no picture of it."""
    shown = f"The product: {product}." if product else ""
    return " ".join(filter(None, (shown, TURNTABLE, extra.strip())))


def concept_prompt(product: str) -> str:
    """A picture that a 3D model can be made from: one whole object, plainly lit."""
    return CONCEPT.format(product=product.strip())
