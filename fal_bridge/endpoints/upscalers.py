# SPDX-License-Identifier: GPL-3.0-or-later
"""Endpoints that enlarge a picture.

List prices serve for their proportions only (see ``price_models``); fal.ai is asked what a unit costs.
"""

from dataclasses import replace

from ..jobs import Kind
from .endpoint import IMAGE_PLACES, Endpoint
from .options import FORMAT, flag, number, one_of
from .price_models import DECIMAL_MEGAPIXEL, PER_IMAGE, Per, PriceModel

_UPSCALE = Endpoint(
    id="", kind=Kind.UPSCALE, output=IMAGE_PLACES, image_field="image_url", images=(1, 1), factor_is_free=True
)
UPSCALERS = (
    replace(
        _UPSCALE,
        id="fal-ai/seedvr/upscale/image",
        price=PriceModel(per=Per.MEGAPIXEL, megapixel=DECIMAL_MEGAPIXEL),
        intent={"upscale_mode": "factor", "output_format": "png", "noise_scale": 0.1, "seed": 0},
        options={"noise_scale": number(0, 1), "output_format": one_of("png", "jpg", "webp")},
        seed_field="seed",
        factor_field="upscale_factor",
        factors=(1, 10),
        side_step=16,
    ),
    replace(
        _UPSCALE,
        id="topaz/upscale/image/precision",
        price=PriceModel(per=Per.BLOCK, block_megapixels=24),
        intent={"model": "High Fidelity V3", "output_format": "png", "face_enhancement": False},
        options={
            "model": one_of(
                *("Standard V2", "High Fidelity V3", "High Fidelity V2", "Low Resolution V2"),
                *("CGI", "Text Refine", "Faces"),
            ),
            "output_format": FORMAT,
            "subject_detection": one_of("All", "Foreground", "Background"),
            "face_enhancement": flag(),
            "face_enhancement_strength": number(0, 1),
            "face_enhancement_creativity": number(0, 1),
            "sharpen": number(0, 1),
            "denoise": number(0, 1),
            "fix_compression": number(0, 1),
            "strength": number(0.01, 1),
        },
        factor_field="upscale_factor",
        factors=(1, 4),
    ),
    replace(
        _UPSCALE,
        id="bria/increase-resolution",
        price=PER_IMAGE,
        intent={"preserve_alpha": True},
        options={"preserve_alpha": flag(), "preserve_color": flag()},
        factor_field="desired_increase",
        factors=(2, 4),
        factor_is_free=False,
    ),
)
