# SPDX-License-Identifier: GPL-3.0-or-later
"""The endpoints we know, one row each. The tests hold every row against the emulator's schemas.

List prices serve for their proportions only (see ``price_models``); what a unit costs is asked at fal.ai.
"""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from ...files.writing import FileKind
from ..jobs import Kind
from .endpoint import Endpoint, Place
from .options import Option, flag, json_value, number, one_of, text, whole
from .price_models import DECIMAL_MEGAPIXEL, Per, PriceModel, Tier

Options = Mapping[str, Option]

_GLB: tuple[Place, ...] = (("model_glb", "url"), ("model_urls", "glb", "url"))
_IMAGE: tuple[Place, ...] = (("images", 0, "url"), ("image", "url"))
_VIDEO: tuple[Place, ...] = (("video", "url"),)


def _usd(amount: str) -> Decimal:
    return Decimal(amount)


_PER_IMAGE = PriceModel(per=Per.IMAGE)
_PER_SECOND = PriceModel(per=Per.SECOND)
_PER_MEGAPIXEL = PriceModel(per=Per.MEGAPIXEL, rounds_up=True)

# --- 3D models ----------------------------------------------------------------------------------

_MESHY_FILES = frozenset({FileKind.PNG, FileKind.JPEG})
_MESHY_INTENT = {"topology": "triangle", "target_polycount": 200_000, "enable_pbr": True}
_MESHY_OPTIONS: Options = {
    "topology": one_of("quad", "triangle"),
    "target_polycount": whole(100, 300_000),
    "should_remesh": flag(),
    "symmetry_mode": one_of("off", "auto", "on"),
    "pose_mode": one_of("a-pose", "t-pose", ""),
    "enable_pbr": flag(),
    "texture_image_url": text(),
    "enable_rigging": flag(),
    "rigging_height_meters": number(above=0),
    "enable_animation": flag(),
    "animation_action_id": whole(0, 696),
    "enable_safety_checker": flag(),
}
_TEXTURED = {"should_texture": True}
_BARE = {"should_texture": False}
_MESHY_6 = PriceModel(tiers=(Tier(_usd("0.8"), _BARE), Tier(_usd("1.2"), _TEXTURED)))
_MESHY_6_TEXT = PriceModel(
    tiers=(Tier(_usd("0.8"), {"mode": "preview"}), Tier(_usd("1.2"), {"mode": "full"}))
)
_ULTRA = Tier(_usd("1.4"), {"ultra_mode": True})
_RIG = (
    Tier(_usd("0.2"), {"enable_rigging": True}),
    Tier(_usd("0.12"), {"enable_animation": True}),
)
_MESHY_7 = replace(_MESHY_6, tiers=(_ULTRA, *_MESHY_6.tiers), surcharges=_RIG)
_MESHY_7_TEXT = replace(_MESHY_6_TEXT, tiers=(_ULTRA, *_MESHY_6_TEXT.tiers), surcharges=_RIG)
_MESHY_7_MULTI = PriceModel(tiers=(Tier(_usd("1.2")),), alternatives=(_usd("1.4"),), surcharges=_RIG)

_MESHY_IMAGE = Endpoint(
    id="",
    kind=Kind.MODEL,
    output=_GLB,
    price=_MESHY_6,
    intent={**_MESHY_INTENT, **_TEXTURED},
    options={**_MESHY_OPTIONS, "should_texture": flag(), "model_type": one_of("standard", "lowpoly")},
    needs={"enable_pbr": "should_texture", "texture_prompt": "should_texture"},
    image_field="image_url",
    images=(1, 1),
    image_files=_MESHY_FILES,
    prompt_field="texture_prompt",
    prompt_length=600,
)
_MESHY_MULTI = replace(
    _MESHY_IMAGE,
    options={**_MESHY_OPTIONS, "should_texture": flag()},
    image_field="",
    image_list_field="image_urls",
    images=(1, 4),  # A fifth would be ignored without a word.
)
_MESHY_TEXT = Endpoint(
    id="",
    kind=Kind.MODEL,
    output=_GLB,
    price=_MESHY_6_TEXT,
    intent={**_MESHY_INTENT, "mode": "full"},
    options={
        **_MESHY_OPTIONS,
        "mode": one_of("preview", "full"),
        "model_type": one_of("standard", "lowpoly"),
        "enable_prompt_expansion": flag(),
        "texture_prompt": text(600),
    },
    prompt_field="prompt",
    prompt_is_needed=True,
    prompt_length=600,
    seed_field="seed",
)
_V7_OPTIONS: Options = {
    "ultra_mode": flag(),
    "model_type": one_of("standard", "lowpoly", "smart-topology"),
}

_PIXAL_STAGES: Options = {
    f"{stage}_{name}": option
    for stage in ("ss", "shape_slat", "tex_slat")
    for name, option in (
        ("guidance_strength", number(0, 10)),
        ("guidance_rescale", number(0, 1)),
        ("sampling_steps", whole(1, 50)),
        ("rescale_t", number(1, 6)),
    )
}
_PIXAL = Endpoint(
    id="fal-ai/pixal3d",
    kind=Kind.MODEL,
    output=_GLB,
    price=PriceModel(
        tiers=(Tier(_usd("0.3"), {"resolution": 1024}), Tier(_usd("0.42"), {"resolution": 1536}))
    ),
    intent={"resolution": 1536, "texture_size": 4096},
    options={
        **_PIXAL_STAGES,
        "resolution": one_of(1024, 1536),
        "mesh_scale": number(0.1, 4),
        "max_num_tokens": whole(4096, 131_072),
        "decimation_target": whole(5000, 1_586_021),
        "texture_size": one_of(1024, 2048, 4096),
        "remesh": flag(),
    },
    image_field="image_url",
    images=(1, 1),
    seed_field="seed",
)

_MODELS = (
    replace(_MESHY_MULTI, id="fal-ai/meshy/v5/multi-image-to-3d", price=PriceModel()),
    replace(_MESHY_IMAGE, id="fal-ai/meshy/v6/image-to-3d"),
    replace(_MESHY_MULTI, id="fal-ai/meshy/v6/multi-image-to-3d"),
    replace(_MESHY_TEXT, id="fal-ai/meshy/v6/text-to-3d"),
    replace(
        _MESHY_IMAGE,
        id="meshy/v7/image-to-3d",
        price=_MESHY_7,
        options={**_MESHY_IMAGE.options, **_V7_OPTIONS},
    ),
    replace(_MESHY_MULTI, id="meshy/v7/multi-image-to-3d", price=_MESHY_7_MULTI),
    replace(
        _MESHY_TEXT,
        id="meshy/v7/text-to-3d",
        price=_MESHY_7_TEXT,
        options={**_MESHY_TEXT.options, **_V7_OPTIONS},
    ),
    _PIXAL,
)

# --- photos from renders ------------------------------------------------------------------------

_TOLERANCE = one_of("1", "2", "3", "4", "5", "6")
_FORMAT = one_of("jpeg", "png")
_EVERY_FORMAT = one_of("jpeg", "png", "webp")
_RATIOS = ("21:9", "16:9", "4:3", "3:2", "1:1", "2:3", "3:4", "9:16", "9:21")

_EDIT = Endpoint(
    id="",
    kind=Kind.PHOTO,
    output=_IMAGE,
    price=_PER_IMAGE,
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
        "aspect_ratio": one_of(*_RATIOS),
        "output_format": _FORMAT,
        "safety_tolerance": _TOLERANCE,
        "enhance_prompt": flag(),
    },
)
_KONTEXT_MULTI = replace(_KONTEXT, image_field="", image_list_field="image_urls", images=(1, 5))
_FLUX_2 = replace(
    _EDIT,
    price=PriceModel(per=Per.MEGAPIXEL, counts_input=True),
    options={
        "guidance_scale": number(0, 20),
        "output_format": _EVERY_FORMAT,
        "enable_prompt_expansion": flag(),
        "enable_safety_checker": flag(),
    },
    image_field="",
    image_list_field="image_urls",
    images=(1, 4),  # A fifth would be ignored without a word.
    size_field="image_size",  # Left to itself, the fast variants make squares.
)
_FLUX_2_PRO = replace(
    _FLUX_2,
    price=PriceModel(
        per=Per.MEGAPIXEL,
        tiers=(Tier(_usd("0.03")),),
        further=_usd("0.015"),
        counts_input=True,
        rounds_up=True,
    ),
    options={
        "output_format": _FORMAT,
        "safety_tolerance": one_of("1", "2", "3", "4", "5"),
        "enable_safety_checker": flag(),
    },
    size_field="",
)
_BANANA_RATIOS = ("auto", "21:9", "16:9", "3:2", "4:3", "5:4", "1:1", "4:5", "3:4", "2:3", "9:16")
_BANANA_OPTIONS: Options = {
    "output_format": _EVERY_FORMAT,
    "safety_tolerance": _TOLERANCE,
    "limit_generations": flag(),
    "enable_web_search": flag(),
    "system_prompt": text(),
}
_BANANA_TIERS = (
    Tier(_usd("0.15"), {"resolution": ("1K", "2K")}),
    Tier(_usd("0.3"), {"resolution": "4K"}),
)

_PHOTOS = (
    replace(
        _EDIT,
        id="fal-ai/flux-kontext/dev",
        price=_PER_MEGAPIXEL,
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
            "output_format": _FORMAT,
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
        price=replace(_FLUX_2_PRO.price, tiers=(Tier(_usd("0.07")),), further=_usd("0.03")),
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
            "resolution": one_of("1K"),  # What the other sizes cost, no page says.
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
            surcharges=(Tier(_usd("0.015"), {"enable_web_search": True}),),
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

# --- concept pictures from words ----------------------------------------------------------------

_CONCEPT = Endpoint(
    id="",
    kind=Kind.CONCEPT,
    output=_IMAGE,
    price=_PER_MEGAPIXEL,
    intent={"output_format": "png", "image_size": "square_hd"},
    prompt_field="prompt",
    prompt_is_needed=True,
    seed_field="seed",
)
_PRESETS = one_of("square_hd", "square", "portrait_4_3", "portrait_16_9", "landscape_4_3", "landscape_16_9")
_CONCEPTS = (
    replace(
        _CONCEPT,
        id="fal-ai/flux-pro/v1.1",
        options={
            "image_size": _PRESETS,
            "output_format": _FORMAT,
            "safety_tolerance": _TOLERANCE,
            "enhance_prompt": flag(),
        },
    ),
    replace(
        _CONCEPT,
        id="fal-ai/flux-pro/v1.1-ultra",
        price=_PER_IMAGE,
        intent={"output_format": "png", "aspect_ratio": "1:1"},
        options={
            "aspect_ratio": one_of(*_RATIOS),
            "raw": flag(),
            "output_format": _FORMAT,
            "safety_tolerance": _TOLERANCE,
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
            "output_format": _FORMAT,
            "acceleration": one_of("none", "regular", "high"),
            "enable_safety_checker": flag(),
        },
    ),
)

# --- films --------------------------------------------------------------------------------------


def _with_sound(silent: str, sound: str) -> PriceModel:
    return PriceModel(
        per=Per.SECOND,
        tiers=(
            Tier(_usd(silent), {"generate_audio": False}),
            Tier(_usd(sound), {"generate_audio": True}),
        ),
    )


_FILM = Endpoint(
    id="",
    kind=Kind.VIDEO,
    output=_VIDEO,
    image_field="image_url",
    images=(1, 1),
    prompt_field="prompt",
    prompt_is_needed=True,
    prompt_length=2500,
    seconds_field="duration",
)
_KLING_1 = replace(
    _FILM,
    price=_PER_SECOND,
    intent={"cfg_scale": 0.5},
    options={"cfg_scale": number(0, 1), "static_mask_url": text(), "dynamic_masks": json_value()},
    end_image_field="tail_image_url",
    negative_prompt_field="negative_prompt",
    seconds=(5, 10),
)
_KLING_3 = replace(
    _FILM,
    intent={"generate_audio": False, "cfg_scale": 0.5},  # Sound is on unless refused, and dearer.
    options={"generate_audio": flag(), "cfg_scale": number(0, 1)},  # Not elements: a voice is dearer.
    image_field="start_image_url",
    end_image_field="end_image_url",
    negative_prompt_field="negative_prompt",
    seconds=tuple(range(3, 16)),
)
_KLING_O3 = replace(
    _FILM,
    intent={"generate_audio": False},
    options={"generate_audio": flag()},
    end_image_field="end_image_url",
    seconds=tuple(range(3, 16)),
)


def _veo(silent: str, sound: str, *dearer: tuple[str, str, str]) -> PriceModel:
    """``dearer``: a resolution, and what a second of it costs without and with sound."""
    small = ("720p",) if any(resolution == "1080p" for resolution, *_ in dearer) else ("720p", "1080p")
    tiers = [(small, silent, sound), *(((name,), mute, loud) for name, mute, loud in dearer)]
    return PriceModel(
        per=Per.SECOND,
        tiers=tuple(
            Tier(_usd(amount), {"resolution": names, "generate_audio": has_sound})
            for names, *amounts in tiers
            for amount, has_sound in zip(amounts, (False, True), strict=True)
        ),
    )


_VEO_3 = _veo("0.2", "0.4")
_VEO_31 = _veo("0.2", "0.4", ("4k", "0.4", "0.6"))
_VEO_31_FAST = _veo("0.1", "0.15", ("4k", "0.3", "0.35"))
_VEO_31_LITE = _veo("0.03", "0.05", ("1080p", "0.05", "0.08"))
_VEO = replace(
    _FILM,
    price=_VEO_31,
    intent={"generate_audio": False, "resolution": "720p", "aspect_ratio": "auto"},
    options={
        "generate_audio": flag(),
        "resolution": one_of("720p", "1080p", "4k"),
        "aspect_ratio": one_of("auto", "16:9", "9:16"),
        "auto_fix": flag(),
        "safety_tolerance": _TOLERANCE,
    },
    prompt_length=5000,
    negative_prompt_field="negative_prompt",
    seed_field="seed",
    seconds=(4, 6, 8),
    seconds_form="{}s",
    note="Veo films are 16:9 or 9:16: a square photo is cropped.",
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
    note="It takes no picture: the film shows what the words say, not your product.",
)

_FILMS = (
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

# --- larger pictures ----------------------------------------------------------------------------

_UPSCALE = Endpoint(
    id="", kind=Kind.UPSCALE, output=_IMAGE, image_field="image_url", images=(1, 1), factor_is_free=True
)
_UPSCALES = (
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
            "output_format": _FORMAT,
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
        price=_PER_IMAGE,
        intent={"preserve_alpha": True},
        options={"preserve_alpha": flag(), "preserve_color": flag()},
        factor_field="desired_increase",
        factors=(2, 4),
        factor_is_free=False,
    ),
)

REGISTRY: Mapping[str, Endpoint] = {
    endpoint.id: endpoint for endpoint in (*_MODELS, *_PHOTOS, *_CONCEPTS, *_FILMS, *_UPSCALES)
}
