# SPDX-License-Identifier: GPL-3.0-or-later
"""Endpoints that make a photo from a render, and concept pictures from text.

List prices serve for their proportions only (see ``price_models``); fal.ai is asked what a unit costs.
"""

from dataclasses import replace
from decimal import Decimal

from ..jobs import Kind, Role
from .endpoint import IMAGE_PLACES, Endpoint
from .options import ANY_FORMAT, FORMAT, TOLERANCE, Options, flag, number, one_of, text, whole
from .price_models import PER_IMAGE, PER_MEGAPIXEL, Per, PriceModel, Tier
from .slots import Slot

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
_BANANA_2_TIERS = (
    Tier(Decimal("0.06"), {"resolution": "0.5K"}),
    Tier(Decimal("0.08"), {"resolution": "1K"}),
    Tier(Decimal("0.12"), {"resolution": "2K"}),
    Tier(Decimal("0.16"), {"resolution": "4K"}),
)
_EDIT_MANY = replace(_EDIT, image_field="", image_list_field="image_urls", images=(1, 10))
_FLUX_3 = replace(
    _EDIT_MANY,
    id="blackforestlabs/flux-3/edit-image",
    price=PriceModel(
        per=Per.IMAGE,
        tiers=(
            Tier(Decimal("0.048"), {"resolution": "1k"}),
            Tier(Decimal("0.10"), {"resolution": "2k"}),
            Tier(Decimal("0.607"), {"resolution": "4k"}),
        ),
    ),
    # The words of the prompt say what must not change, so nothing may rewrite it.
    intent={"output_format": "png", "resolution": "1k", "enable_prompt_expansion": False},
    options={
        "resolution": one_of("1k", "2k", "4k"),
        "aspect_ratio": one_of("auto", *RATIOS),
        "output_format": FORMAT,
        "enable_prompt_expansion": flag(),
        "safety_tolerance": TOLERANCE,
    },
    seed_field="",
    is_unconfirmed=True,
)
_GPT_IMAGE_2 = replace(
    _EDIT_MANY,
    id="openai/gpt-image-2/edit",
    price=PriceModel(is_guess=True),
    intent={"output_format": "png", "quality": "high"},
    options={"quality": one_of("low", "medium", "high"), "output_format": ANY_FORMAT},
    seed_field="",
    slots={Role.MASK: Slot(field="mask_url")},
    is_unconfirmed=True,
)
_IDEOGRAM = replace(
    _EDIT,
    id="ideogram/v4.5/edit",
    # The page has a price for each quality; the input that chooses one is not documented.
    price=PriceModel(
        per=Per.IMAGE, tiers=(Tier(Decimal("0.03")),), alternatives=(Decimal("0.06"), Decimal("0.22"))
    ),
    intent={},
    seed_field="",
    slots={Role.MASK: Slot(field="mask_url")},
    is_unconfirmed=True,
)
_SEEDREAM = replace(
    _EDIT_MANY,
    id="bytedance/seedream/v5/pro/edit",
    price=PriceModel(is_guess=True),
    options={"output_format": FORMAT},
    seed_field="",
    is_unconfirmed=True,
)
_QWEN = replace(
    _EDIT_MANY,
    id="fal-ai/qwen-image-edit-2511",
    price=PriceModel(is_guess=True),
    intent={"guidance_scale": 4.5, "num_inference_steps": 28},
    options={"guidance_scale": number(), "num_inference_steps": whole()},
    negative_prompt_field="negative_prompt",
    is_unconfirmed=True,
)

# --- photos that are held by exact depth or edges -------------------------------------------------

_CONTROL_LORA = replace(
    _EDIT,
    price=PriceModel(is_guess=True),
    intent={
        "control_lora_strength": 1.0,
        "strength": 0.85,
        "num_inference_steps": 28,
        "guidance_scale": 3.5,
    },
    options={
        "control_lora_strength": number(),
        "strength": number(),
        "num_inference_steps": whole(),
        "guidance_scale": number(),
    },
    size_field="image_size",
    slots={Role.GUIDE: Slot(field="control_lora_image_url", is_needed=True)},
    is_unconfirmed=True,
)
_Z_CONTROL = replace(
    _EDIT,
    id="fal-ai/z-image/turbo/controlnet",
    price=PriceModel(is_guess=True),
    intent={"control_scale": 0.75, "control_end": 0.8, "preprocess": "none"},
    options={"control_scale": number(), "control_start": number(), "control_end": number()},
    image_field="",
    images=(0, 0),
    seed_field="",
    slots={Role.GUIDE: Slot(field="image_url", is_needed=True)},
    guides={"depth": {}, "canny": {}},
    note="It sees the depth or the edges, not the render: describe colors and materials in the prompt.",
    is_unconfirmed=True,
)

PHOTOS = (
    _FLUX_3,
    _GPT_IMAGE_2,
    _IDEOGRAM,
    _SEEDREAM,
    _QWEN,
    replace(_CONTROL_LORA, id="fal-ai/flux-control-lora-depth/image-to-image", guides={"depth": {}}),
    replace(_CONTROL_LORA, id="fal-ai/flux-control-lora-canny/image-to-image", guides={"canny": {}}),
    _Z_CONTROL,
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
        price=PriceModel(per=Per.IMAGE, tiers=_BANANA_2_TIERS, unit_amount=Decimal("0.08")),
        intent={"output_format": "png", "resolution": "1K"},
        options={
            **_BANANA_OPTIONS,
            "resolution": one_of("0.5K", "1K", "2K", "4K"),
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
