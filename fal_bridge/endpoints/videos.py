# SPDX-License-Identifier: GPL-3.0-or-later
"""Endpoints that make a video, from a picture or from text.

List prices serve for their proportions only (see ``price_models``); fal.ai is asked what a unit costs.
"""

from dataclasses import replace
from decimal import Decimal

from ..jobs import Kind
from .endpoint import Endpoint, Place
from .options import TOLERANCE, Options, flag, json_value, number, one_of, text
from .price_models import PER_SECOND, Per, PriceModel, Tier

VIDEO_PLACES: tuple[Place, ...] = (("video", "url"),)


def _with_sound(silent: str, sound: str) -> PriceModel:
    return PriceModel(
        per=Per.SECOND,
        tiers=(
            Tier(Decimal(silent), {"generate_audio": False}),
            Tier(Decimal(sound), {"generate_audio": True}),
        ),
    )


_ANY_VIDEO = Endpoint(
    id="",
    kind=Kind.VIDEO,
    output=VIDEO_PLACES,
    image_field="image_url",
    images=(1, 1),
    prompt_field="prompt",
    prompt_is_needed=True,
    prompt_length=2500,
    seconds_field="duration",
)
_KLING_1 = replace(
    _ANY_VIDEO,
    price=PER_SECOND,
    intent={"cfg_scale": 0.5},
    options={"cfg_scale": number(0, 1), "static_mask_url": text(), "dynamic_masks": json_value()},
    end_image_field="tail_image_url",
    negative_prompt_field="negative_prompt",
    seconds=(5, 10),
)
_KLING_3 = replace(
    _ANY_VIDEO,
    intent={"generate_audio": False, "cfg_scale": 0.5},  # Sound is on by default and more expensive.
    options={"generate_audio": flag(), "cfg_scale": number(0, 1)},  # Not elements: a voice is more expensive.
    image_field="start_image_url",
    end_image_field="end_image_url",
    negative_prompt_field="negative_prompt",
    seconds=tuple(range(3, 16)),
)
_KLING_O3 = replace(
    _ANY_VIDEO,
    intent={"generate_audio": False},
    options={"generate_audio": flag()},
    end_image_field="end_image_url",
    seconds=tuple(range(3, 16)),
)


def _veo(silent: str, sound: str, *others: tuple[str, str, str]) -> PriceModel:
    """``others``: a resolution, and the list price of one second without and with sound."""
    small = ("720p",) if any(resolution == "1080p" for resolution, *_ in others) else ("720p", "1080p")
    tiers = [(small, silent, sound), *(((name,), mute, loud) for name, mute, loud in others)]
    return PriceModel(
        per=Per.SECOND,
        tiers=tuple(
            Tier(Decimal(amount), {"resolution": names, "generate_audio": has_sound})
            for names, *amounts in tiers
            for amount, has_sound in zip(amounts, (False, True), strict=True)
        ),
    )


_VEO_3 = _veo("0.2", "0.4")
_VEO_31 = _veo("0.2", "0.4", ("4k", "0.4", "0.6"))
_VEO_31_FAST = _veo("0.1", "0.15", ("4k", "0.3", "0.35"))
_VEO_31_LITE = _veo("0.03", "0.05", ("1080p", "0.05", "0.08"))
_VEO = replace(
    _ANY_VIDEO,
    price=_VEO_31,
    intent={"generate_audio": False, "resolution": "720p", "aspect_ratio": "auto"},
    options={
        "generate_audio": flag(),
        "resolution": one_of("720p", "1080p", "4k"),
        "aspect_ratio": one_of("auto", "16:9", "9:16"),
        "auto_fix": flag(),
        "safety_tolerance": TOLERANCE,
    },
    prompt_length=5000,
    negative_prompt_field="negative_prompt",
    seed_field="seed",
    seconds=(4, 6, 8),
    seconds_form="{}s",
    note="Veo videos are 16:9 or 9:16: a square photo is cropped.",
)
_NO_4K: Options = {**_VEO.options, "resolution": one_of("720p", "1080p")}
_VEO_TWO_FRAMES = replace(
    _VEO, image_field="first_frame_url", end_image_field="last_frame_url", end_image_is_needed=True
)
_VEO_TEXT = replace(
    _VEO,
    image_field="",
    images=(0, 0),
    intent={**_VEO.intent, "aspect_ratio": "16:9"},
    options={**_VEO.options, "aspect_ratio": one_of("16:9", "9:16")},
    note="It does not accept a picture: the video shows what the prompt says, not your product.",
)

VIDEOS = (
    replace(_KLING_1, id="fal-ai/kling-video/v1/pro/image-to-video"),
    replace(_KLING_1, id="fal-ai/kling-video/v1/standard/image-to-video"),
    replace(
        _KLING_3,
        id="fal-ai/kling-video/v3/pro/image-to-video",
        price=_with_sound("0.112", "0.168"),
    ),
    replace(
        _KLING_3,
        id="fal-ai/kling-video/v3/standard/image-to-video",
        price=_with_sound("0.084", "0.126"),
    ),
    replace(_KLING_O3, id="fal-ai/kling-video/o3/pro/image-to-video", price=_with_sound("0.112", "0.14")),
    replace(
        _KLING_O3, id="fal-ai/kling-video/o3/standard/image-to-video", price=_with_sound("0.084", "0.112")
    ),
    replace(
        _VEO_TEXT,
        id="fal-ai/veo3",
        price=_VEO_3,
        options={**_VEO_TEXT.options, "resolution": _NO_4K["resolution"]},
    ),
    replace(_VEO, id="fal-ai/veo3/image-to-video", price=_VEO_3, options=_NO_4K),
    replace(_VEO_TEXT, id="fal-ai/veo3.1"),
    replace(_VEO, id="fal-ai/veo3.1/image-to-video"),
    replace(_VEO_TWO_FRAMES, id="fal-ai/veo3.1/first-last-frame-to-video"),
    replace(_VEO, id="fal-ai/veo3.1/fast/image-to-video", price=_VEO_31_FAST),
    replace(_VEO_TWO_FRAMES, id="fal-ai/veo3.1/fast/first-last-frame-to-video", price=_VEO_31_FAST),
    replace(_VEO, id="fal-ai/veo3.1/lite/image-to-video", price=_VEO_31_LITE, options=_NO_4K),
    replace(
        _VEO_TWO_FRAMES,
        id="fal-ai/veo3.1/lite/first-last-frame-to-video",
        price=_VEO_31_LITE,
        options=_NO_4K,
        seconds=(8,),
    ),
)
