# SPDX-License-Identifier: GPL-3.0-or-later
"""The prompts for the image and video models.

A changed prompt is another request: a set that is resumed would pay for it again.
"""

from dataclasses import dataclass

from ..optics.angles import ANGLES, Angle

VIEWS = {
    "front": "straight from the front, slightly above",
    "three-quarter": "three-quarter view, slightly above",
    "side": "from the side, slightly above",
    "top": "from high above",
    "detail": "close-up from low at an angle",
}

# In steps of 45° counter-clockwise, seen from above.
_SIDES = (
    "straight from the front",
    "three-quarter view from the front right",
    "from the right side",
    "three-quarter view from the back right",
    "straight from the back",
    "three-quarter view from the back left",
    "from the left side",
    "three-quarter view from the front left",
)
_HEIGHTS = (
    (-80.0, "straight from below"),
    (-35.0, "from far below"),
    (-5.0, "slightly below"),
    (5.0, "at eye level"),
    (35.0, "slightly above"),
    (60.0, "from above"),
    (80.0, "from high above"),
    (90.0, "straight down from above"),
)

# Models that edit pictures change things unless the prompt says what stays, so that comes first.
PHOTO = (
    "Re-photograph this exact object as a real product photograph. Do not change its shape, proportions, "
    "parts, materials, colours or lettering. Do not move, rotate, zoom or crop it: same camera angle "
    "({view}), same position and size in the frame. Professional studio light from large softboxes, true "
    "surface texture and natural reflections, everything in sharp focus, clean {background} background with "
    "a soft contact shadow. It must look like a photograph taken with a camera, with no trace of computer "
    "graphics, plastic or toy."
)

GUIDED = (
    "A real product photograph of {product}, {view}. One single object, true surface texture and natural reflections, "
    "professional studio light from large softboxes, everything in sharp focus, clean {background} background with a "
    "soft contact shadow."
)

CONCEPT = (
    "{product}. One single object, whole and centred, seen from the front at a slight angle, on a plain light "
    "grey background. Even soft light without hard shadows or strong reflections, everything in focus, no "
    "other objects, no text beside it."
)


WITH_HERO = (
    "The first picture is the one to re-photograph. The second picture is a finished photograph of the same "
    "object: take material, colour, surface and light from it, and nothing of its camera angle."
)


RETRY = (
    "An earlier photograph of it was rejected: {reason} Avoid exactly that, and keep the object as it is in the "
    "picture."
)


MAX_REASON = 300  # Characters of what a reviewer writes that are sent to fal.ai.
REVIEW = "A reviewer of an earlier photograph of it asks for this change: “{reason}”. Everything else stays as in the picture."


@dataclass(frozen=True, slots=True, kw_only=True)
class Motion:
    """What moves in a video, and what must not."""

    prompt: str
    unwanted: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How the product is shown: additions to the prompts, and the video length in seconds that suits it."""

    photo: str = ""
    video: str = ""
    seconds: int = 5


_SAME = "Its shape, proportions, colours and lettering stay exactly the same in every frame."
_UNWANTED = "blur, shaking camera, distortion, flicker, morphing, extra objects, text"

# What moves is in the video that goes with it.
FROM_RENDER = (
    "Turn this render into real photographic footage of the product. Keep the camera, the movement, the timing, the "
    "framing and the outline of the product exactly as they are in every frame. Do not add, remove or move anything. "
    "Take material, colour, lettering and surface from the reference photos. Studio light, natural reflections and fine "
    "surface texture, with no trace of computer graphics."
)
KEY_FRAMES = "The given pictures are exact views of the turn, in order: pass through each of them."

TURNTABLE = "turntable"
LIGHT_SWEEP = "light-sweep"
DETAIL_REVEAL = "detail-reveal"
MOTIONS = {
    TURNTABLE: Motion(
        prompt=(
            "The product stands on a turntable and makes one slow, smooth, complete turn in front of a fixed "
            f"camera. Only the product turns. {_SAME} Even studio light, clean background, no cuts, no camera "
            "movement."
        ),
        unwanted=_UNWANTED,
    ),
    LIGHT_SWEEP: Motion(
        prompt=(
            "The product and the camera stand perfectly still. One studio light glides slowly from left to "
            "right: a bright highlight travels over the surface, follows its form and brings out its texture, "
            f"then leaves it in soft light. {_SAME} Dark and bright stay smooth, clean background, no cuts."
        ),
        unwanted=f"{_UNWANTED}, moving product, moving camera, blinking light, overexposure",
    ),
    DETAIL_REVEAL: Motion(
        prompt=(
            "A macro lens comes slowly and steadily closer to the most finely made part of the product, which "
            "stands still. The focus is shallow and stays on that part, what lies behind it softens. "
            f"{_SAME} Soft studio light, clean background, no cuts."
        ),
        unwanted=f"{_UNWANTED}, moving product, sudden zoom, hunting focus, invented details",
    ),
}

LOOKS = {
    "studio": Look(),
    "jewellery": Look(
        photo=(
            "It is fine jewellery: gemstones keep their number, cut and setting, their facets are crisp with "
            "clear reflections, and metal is polished with controlled dark edges that show its form."
        ),
        # Video models are worst at refractions: the less happens, the longer they stay correct.
        video="Very slow and small movement. Facets and reflections change gently and never jump.",
        seconds=4,
    ),
    "glass": Look(
        photo=(
            "It is made of clear or polished material: its edges stand out dark against the background, "
            "refractions are clean, and nothing from outside is mirrored in it."
        ),
        video="Slow movement. Reflections glide evenly over the surface.",
        seconds=4,
    ),
    "soft-daylight": Look(
        photo="The light is soft daylight from a large window at the left, with a gentle shadow to the right.",
        video="The light is soft daylight from a large window at the left.",
    ),
}
DEFAULT_LOOK = "studio"


def view_text(angle: Angle) -> str:
    """The position of the camera, for a model that was trained on captions."""
    usual = ANGLES.get(angle.name)
    if usual and (usual.azimuth, usual.elevation) == (angle.azimuth, angle.elevation) and not angle.view:
        return VIEWS[angle.name]
    around = _SIDES[round((angle.azimuth % 360.0) / 45.0) % len(_SIDES)]
    height = next(text for maximum, text in _HEIGHTS if angle.elevation <= maximum)
    view = height if abs(angle.elevation) > 80.0 else f"{around}, {height}"
    return f"close-up {view}" if angle.is_close_up else view


def photo_prompt(
    angle: Angle, background: str, extra: str, look: str = DEFAULT_LOOK, *, has_hero: bool = False
) -> str:
    """The edit instruction for one angle; ``extra`` is the user's own prompt."""
    text = PHOTO.format(view=view_text(angle), background=_shade(background))
    return " ".join(filter(None, (text, WITH_HERO if has_hero else "", LOOKS[look].photo, extra.strip())))


def retry_prompt(reason: str) -> str:
    """What is added to the prompt of a photo after one that was rejected; ``reason`` is a sentence."""
    return RETRY.format(reason=reason.strip())


def review_prompt(reason: str) -> str:
    """What is added to the prompt of a photo that a reviewer wants another try of; "" without a reason.

    ``reason`` is any text: it becomes one line of at most MAX_REASON visible characters.
    """
    visible = "".join(letter if letter.isprintable() else " " for letter in reason)
    line = " ".join(visible.replace("“", '"').replace("”", '"').split()).rstrip(".")
    if len(line) > MAX_REASON:
        line = line[: MAX_REASON - 1].rstrip() + "…"
    return REVIEW.format(reason=line) if line else ""


def guided_prompt(product: str, angle: Angle, background: str, extra: str, look: str = DEFAULT_LOOK) -> str:
    """A description for endpoints that see the shape of the product and not its surface."""
    text = GUIDED.format(product=product.strip(), view=view_text(angle), background=_shade(background))
    return " ".join(filter(None, (text, LOOKS[look].photo, extra.strip())))


def _shade(background: str) -> str:
    return {"grey": "neutral grey", "black": "deep black"}.get(background, "pure white")


def video_prompt(
    motion: str,
    extra: str,
    *,
    look: str = DEFAULT_LOOK,
    is_loop: bool = False,
    product: str = "",
    is_from_render: bool = False,
    has_key_frames: bool = False,
) -> str:
    """``product`` names what to show, for endpoints that get no picture of it.

    ``is_from_render``: the endpoint is given a video by Cycles. ``has_key_frames``: it is given pictures of the way.
    """
    if is_from_render:
        return " ".join(filter(None, (FROM_RENDER, LOOKS[look].photo, extra.strip())))
    shown = f"The product: {product}." if product else ""
    way = KEY_FRAMES if has_key_frames else ""
    end = "It ends exactly as it begins." if is_loop else ""
    return " ".join(filter(None, (shown, MOTIONS[motion].prompt, way, LOOKS[look].video, end, extra.strip())))


def concept_prompt(product: str) -> str:
    """A picture that a 3D model can be made from: one whole object in even light."""
    return CONCEPT.format(product=product.strip())
