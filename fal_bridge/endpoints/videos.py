# SPDX-License-Identifier: GPL-3.0-or-later
"""Endpoints that make a video, from a picture or from text.

List prices serve for their proportions only (see ``price_models``); fal.ai is asked what a unit costs.
"""

from dataclasses import replace
from decimal import Decimal

from ...imaging.choices import FRAMES_PER_SECOND
from ..jobs import Kind, Role
from .endpoint import Endpoint, Place
from .options import TOLERANCE, Options, flag, json_value, number, one_of, text, whole
from .price_models import PER_SECOND, Per, PriceModel, Range, Tier
from .slots import Slot

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

_KLING_4 = replace(
    _ANY_VIDEO,
    price=PriceModel(
        per=Per.SECOND,
        tiers=(
            Tier(Decimal("0.157"), {"resolution": "720p"}),
            Tier(Decimal("0.235"), {"resolution": "1080p"}),
        ),
    ),
    intent={"resolution": "1080p"},
    options={"resolution": one_of("720p", "1080p")},
    image_field="start_image_url",
    image_bytes=30 << 20,
    end_image_field="end_image_url",
    slots={Role.MIDDLE: Slot(field="middle_image_urls", maximum=8, is_list=True)},
    seconds=tuple(range(3, 31)),
    is_unconfirmed=True,
)
_LOOPING = replace(
    _ANY_VIDEO,
    price=PER_SECOND,
    intent={"resolution": "1080p", "motion": "subtle", "include_audio": False},
    options={
        "resolution": one_of("480p", "768p", "1080p"),
        "motion": one_of("subtle", "spin"),
        "include_audio": flag(),
    },
    motions={"turntable": {"motion": "spin"}},
    prompt_is_needed=False,
    prompt_length=4000,
    seconds=tuple(range(5, 16)),
    seconds_form="",
    is_unconfirmed=True,
)

# --- videos that are made from a video of ours, and from photos -----------------------------------

# A request with one reference was billed 24,046 tokens (8 seconds at 480P: 15.98 units). fal.ai does not publish how many
# tokens a picture has, so that is the most that is expected; 1,000 cost 0.02, and 4,096 of a shot are free.
_TOKEN = Decimal("0.00002")
_FROM_RENDER = replace(
    _ANY_VIDEO,
    price=PriceModel(
        per=Per.SECOND,
        tiers=(
            Tier(Decimal("0.05"), {"resolution": "480P"}),
            Tier(Decimal("0.08"), {"resolution": "768P"}),
            Tier(Decimal("0.16"), {"resolution": "1080P"}),
        ),
        min_seconds=5,
        references=Range(Decimal(0), 24_046 * _TOKEN),
        free_references=4096 * _TOKEN,
    ),
    intent={"resolution": "768P"},
    options={
        "resolution": one_of("480P", "768P", "1080P"),
        "max_generated_reference_images": whole(1, 8),
    },
    image_field="",
    images=(0, 0),
    slots={
        Role.VIDEO: Slot(field="video_url", is_needed=True),
        Role.REFERENCE: Slot(field="reference_image_urls", maximum=8, is_list=True),
    },
    prompt_is_needed=False,
    prompt_length=2000,
    seconds_field="",
    seconds=tuple(range(2, 16)),
    takes_data_uris=False,
    fields=frozenset(
        {"video_url", "prompt", "reference_image_urls", "max_generated_reference_images", "resolution"}
    ),
    is_unconfirmed=True,
)
_RENDER_TO_REAL = replace(
    _ANY_VIDEO,
    price=PriceModel(is_guess=True),
    intent={
        "generate_audio": False,
        "intensity": "light",
        "resolution": "720p",
        "frames_per_second": FRAMES_PER_SECOND,
        "video_quality": "maximum",
    },
    options={
        "intensity": one_of("light", "strong", "strong-v2"),
        "resolution": one_of("480p", "720p"),
        "guidance_scale": number(),
        "num_inference_steps": whole(),
        "enable_detail_refine": flag(),
        "detail_refine_strength": number(),
        "generate_audio": flag(),
        "enable_prompt_expansion": flag(),
        "video_quality": one_of("low", "medium", "high", "maximum"),
    },
    image_field="",
    images=(0, 0),
    slots={
        Role.VIDEO: Slot(field="video_url", is_needed=True),
        Role.REFERENCE: Slot(field="image_url"),
    },
    prompt_is_needed=False,
    prompt_start="3DREAL. ",
    negative_prompt_field="negative_prompt",
    seed_field="seed",
    seconds_field="",
    seconds=tuple(range(2, 11)),
    frames_field="num_frames",
    is_unconfirmed=True,
)

_KLING_NOW = "fal-ai/kling-video/v3/pro/image-to-video"
VIDEOS = (
    replace(_FROM_RENDER, id="minimax/h3-max/3d-to-video"),
    replace(_RENDER_TO_REAL, id="fal-ai/ltx-2.3-quality/render-to-real"),
    replace(_KLING_4, id="kling/v4/image-to-video"),
    replace(_LOOPING, id="pixelcut/looping-video"),
    replace(_KLING_1, id="fal-ai/kling-video/v1/pro/image-to-video", successor=_KLING_NOW),
    replace(_KLING_1, id="fal-ai/kling-video/v1/standard/image-to-video", successor=_KLING_NOW),
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
        successor="fal-ai/veo3.1",
    ),
    replace(
        _VEO,
        id="fal-ai/veo3/image-to-video",
        price=_VEO_3,
        options=_NO_4K,
        successor="fal-ai/veo3.1/image-to-video",
    ),
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
