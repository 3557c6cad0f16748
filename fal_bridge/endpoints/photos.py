# SPDX-License-Identifier: GPL-3.0-or-later
"""Endpoints that make a photo from a render, and concept pictures from text.

List prices serve for their proportions only (see ``price_models``); fal.ai is asked what a unit costs.
"""

from dataclasses import replace
from decimal import Decimal

from ..jobs import Kind
from .endpoint import IMAGE_PLACES, Endpoint
from .options import ANY_FORMAT, FORMAT, TOLERANCE, Options, flag, number, one_of, text, whole
from .price_models import PER_IMAGE, PER_MEGAPIXEL, Per, PriceModel, Tier

# --- photos from renders ------------------------------------------------------------------------

RATIOS = ("21:9", "16:9", "4:3", "3:2", "1:1", "2:3", "3:4", "9:16", "9:21")

_EDIT = Endpoint(
    id="",
    kind=Kind.PHOTO,
    output=IMAGE_PLACES,
    price=PER_IMAGE,
    intent={"output_format": "png"},
    image_field="image_url",
    images=(1, 1),
    prompt_field="prompt",
    prompt_is_needed=True,
    seed_field="seed",
)
_KONTEXT = replace(
    _EDIT,
    options={
        "guidance_scale": number(1, 20),
        "aspect_ratio": one_of(*RATIOS),
        "output_format": FORMAT,
        "safety_tolerance": TOLERANCE,
        "enhance_prompt": flag(),
    },
)
_KONTEXT_MULTI = replace(_KONTEXT, image_field="", image_list_field="image_urls", images=(1, 5))
_FLUX_2 = replace(
    _EDIT,
    price=PriceModel(per=Per.MEGAPIXEL, counts_input=True),
    options={
        "guidance_scale": number(0, 20),
        "output_format": ANY_FORMAT,
        "enable_prompt_expansion": flag(),
        "enable_safety_checker": flag(),
    },
    image_field="",
    image_list_field="image_urls",
    images=(1, 4),  # A fifth would be ignored silently.
    size_field="image_size",  # Without it, the fast variants make squares.
)
_FLUX_2_PRO = replace(
    _FLUX_2,
    price=PriceModel(
        per=Per.MEGAPIXEL,
        tiers=(Tier(Decimal("0.03")),),
        further=Decimal("0.015"),
        counts_input=True,
        rounds_up=True,
    ),
    options={
        "output_format": FORMAT,
        "safety_tolerance": one_of("1", "2", "3", "4", "5"),
        "enable_safety_checker": flag(),
    },
    size_field="",
)
_BANANA_RATIOS = ("auto", "21:9", "16:9", "3:2", "4:3", "5:4", "1:1", "4:5", "3:4", "2:3", "9:16")
_BANANA_OPTIONS: Options = {
    "output_format": ANY_FORMAT,
    "safety_tolerance": TOLERANCE,
    "limit_generations": flag(),
    "enable_web_search": flag(),
    "system_prompt": text(),
}
_BANANA_TIERS = (
    Tier(Decimal("0.15"), {"resolution": ("1K", "2K")}),
    Tier(Decimal("0.3"), {"resolution": "4K"}),
)

PHOTOS = (
    replace(
        _EDIT,
        id="fal-ai/flux-kontext/dev",
        price=PER_MEGAPIXEL,
        intent={
            "output_format": "png",
            "resolution_mode": "match_input",
            "guidance_scale": 2.5,
            "num_inference_steps": 30,
        },
        options={
            "num_inference_steps": whole(10, 50),
            "guidance_scale": number(1, 20),
            "resolution_mode": one_of(
                *("auto", "match_input", "1:1", "16:9", "21:9", "3:2", "2:3"),
                *("4:5", "5:4", "3:4", "4:3", "9:16", "9:21"),
            ),
            "output_format": FORMAT,
            "acceleration": one_of("none", "regular", "high"),
            "enable_safety_checker": flag(),
        },
    ),
    replace(_KONTEXT, id="fal-ai/flux-pro/kontext"),
    replace(_KONTEXT, id="fal-ai/flux-pro/kontext/max"),
    replace(_KONTEXT_MULTI, id="fal-ai/flux-pro/kontext/multi"),
    replace(_KONTEXT_MULTI, id="fal-ai/flux-pro/kontext/max/multi"),
    replace(
        _FLUX_2,
        id="fal-ai/flux-2/edit",
        options={
            **_FLUX_2.options,
            "num_inference_steps": whole(4, 50),
            "acceleration": one_of("none", "regular", "high"),
        },
    ),
    replace(_FLUX_2, id="fal-ai/flux-2/turbo/edit"),
    replace(_FLUX_2, id="fal-ai/flux-2/flash/edit"),
    replace(_FLUX_2_PRO, id="fal-ai/flux-2-pro/edit"),
    replace(
        _FLUX_2_PRO,
        id="fal-ai/flux-2-max/edit",
        price=replace(_FLUX_2_PRO.price, tiers=(Tier(Decimal("0.07")),), further=Decimal("0.03")),
    ),
    replace(
        _FLUX_2_PRO,
        id="fal-ai/flux-2-flex/edit",
        price=PriceModel(per=Per.MEGAPIXEL, counts_input=True, rounds_up=True),
        options={**_FLUX_2_PRO.options, "guidance_scale": number(), "num_inference_steps": whole()},
    ),
    replace(
        _EDIT,
        id="fal-ai/nano-banana-2/edit",
        price=PriceModel(per=Per.IMAGE),
        intent={"output_format": "png", "resolution": "1K"},
        options={
            **_BANANA_OPTIONS,
            "resolution": one_of("1K"),  # The prices of other sizes are not published.
            "aspect_ratio": one_of(*_BANANA_RATIOS, "4:1", "1:4", "8:1", "1:8"),
            "thinking_level": one_of("minimal", "high"),
        },
        image_field="",
        image_list_field="image_urls",
        images=(1, 10),
    ),
    replace(
        _EDIT,
        id="fal-ai/nano-banana-pro/edit",
        price=PriceModel(
            per=Per.IMAGE,
            tiers=_BANANA_TIERS,
            surcharges=(Tier(Decimal("0.015"), {"enable_web_search": True}),),
        ),
        intent={"output_format": "png", "resolution": "1K"},
        options={
            **_BANANA_OPTIONS,
            "resolution": one_of("1K", "2K", "4K"),
            "aspect_ratio": one_of(*_BANANA_RATIOS),
        },
        image_field="",
        image_list_field="image_urls",
        images=(1, 10),
    ),
)

# --- concept pictures from text ------------------------------------------------------------------

_CONCEPT = Endpoint(
    id="",
    kind=Kind.CONCEPT,
    output=IMAGE_PLACES,
    price=PER_MEGAPIXEL,
    intent={"output_format": "png", "image_size": "square_hd"},
    prompt_field="prompt",
    prompt_is_needed=True,
    seed_field="seed",
)
_PRESETS = one_of("square_hd", "square", "portrait_4_3", "portrait_16_9", "landscape_4_3", "landscape_16_9")
CONCEPTS = (
    replace(
        _CONCEPT,
        id="fal-ai/flux-pro/v1.1",
        options={
            "image_size": _PRESETS,
            "output_format": FORMAT,
            "safety_tolerance": TOLERANCE,
            "enhance_prompt": flag(),
        },
    ),
    replace(
        _CONCEPT,
        id="fal-ai/flux-pro/v1.1-ultra",
        price=PER_IMAGE,
        intent={"output_format": "png", "aspect_ratio": "1:1"},
        options={
            "aspect_ratio": one_of(*RATIOS),
            "raw": flag(),
            "output_format": FORMAT,
            "safety_tolerance": TOLERANCE,
            "enhance_prompt": flag(),
        },
    ),
    replace(
        _CONCEPT,
        id="fal-ai/flux/schnell",
        options={
            "image_size": _PRESETS,
            "num_inference_steps": whole(1, 12),
            "guidance_scale": number(1, 20),
            "output_format": FORMAT,
            "acceleration": one_of("none", "regular", "high"),
            "enable_safety_checker": flag(),
        },
    ),
)
