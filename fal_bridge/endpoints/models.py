# SPDX-License-Identifier: GPL-3.0-or-later
"""Endpoints that make a 3D model from photos or from text.

List prices serve for their proportions only (see ``price_models``); fal.ai is asked what a unit costs.
"""

from dataclasses import replace
from decimal import Decimal

from ...files.kinds import FileKind
from ..jobs import Kind, Role
from .endpoint import Endpoint, Place
from .options import Options, flag, number, one_of, text, whole
from .price_models import PriceModel, Tier
from .slots import Cap, Slot

GLB_PLACES: tuple[Place, ...] = (("model_glb", "url"), ("model_urls", "glb", "url"))

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
_MESHY_6 = PriceModel(tiers=(Tier(Decimal("0.8"), _BARE), Tier(Decimal("1.2"), _TEXTURED)))
_MESHY_6_TEXT = PriceModel(
    tiers=(Tier(Decimal("0.8"), {"mode": "preview"}), Tier(Decimal("1.2"), {"mode": "full"}))
)
_ULTRA = Tier(Decimal("1.4"), {"ultra_mode": True})
_RIG = (
    Tier(Decimal("0.2"), {"enable_rigging": True}),
    Tier(Decimal("0.12"), {"enable_animation": True}),
)
_MESHY_7 = replace(_MESHY_6, tiers=(_ULTRA, *_MESHY_6.tiers), surcharges=_RIG)
_MESHY_7_TEXT = replace(_MESHY_6_TEXT, tiers=(_ULTRA, *_MESHY_6_TEXT.tiers), surcharges=_RIG)
_MESHY_7_MULTI = PriceModel(tiers=(Tier(Decimal("1.2")),), alternatives=(Decimal("1.4"),), surcharges=_RIG)

_MESHY_IMAGE = Endpoint(
    id="",
    kind=Kind.MODEL,
    output=GLB_PLACES,
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
    images=(1, 4),  # A fifth would be ignored silently.
)
_MESHY_TEXT = Endpoint(
    id="",
    kind=Kind.MODEL,
    output=GLB_PLACES,
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

_MESHY_7_1 = PriceModel(tiers=_MESHY_6.tiers, surcharges=_RIG)
_V71_OPTIONS: Options = {
    "model_type": _V7_OPTIONS["model_type"],
    "geometry_resolution": one_of("standard", "2k", "4k"),
}
_SMART_FACES = (Cap(name="target_polycount", maximum=15_000, when=("model_type", "smart-topology")),)

_HUNYUAN = Endpoint(
    id="fal-ai/hunyuan-3d/v3.1/pro/image-to-3d",
    kind=Kind.MODEL,
    output=GLB_PLACES,
    price=PriceModel(
        tiers=(Tier(Decimal("0.375")),),
        surcharges=(
            Tier(Decimal("0.15"), {"enable_pbr": True}),
            Tier(Decimal("0.15"), given=("left_image_url", "back_image_url", "right_image_url")),
            Tier(Decimal("0.15"), given=("face_count",)),
        ),
    ),
    intent={"enable_pbr": True, "generate_type": "Normal"},
    options={
        "enable_pbr": flag(),
        "generate_type": one_of("Normal", "Geometry"),
        "face_count": whole(40_000, 1_500_000),
    },
    image_field="input_image_url",
    images=(1, 1),
    image_bytes=8 << 20,
    slots={
        Role.LEFT: Slot(field="left_image_url"),
        Role.BACK: Slot(field="back_image_url"),
        Role.RIGHT: Slot(field="right_image_url"),
    },
)
_TRIPO = Endpoint(
    id="tripo3d/h3.1/multiview-to-3d",
    kind=Kind.MODEL,
    output=GLB_PLACES,
    price=PriceModel(is_guess=True),
    intent={"pbr": True, "auto_size": True},  # ``auto_size``: in metres, as large as the real product.
    options={
        "pbr": flag(),
        "auto_size": flag(),
        "geometry_quality": text(),
        "texture_quality": text(),
    },
    image_list_field="image_urls",
    images=(2, 4),
    needs_front_first=True,
    is_unconfirmed=True,
)

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
    output=GLB_PLACES,
    price=PriceModel(
        tiers=(Tier(Decimal("0.3"), {"resolution": 1024}), Tier(Decimal("0.42"), {"resolution": 1536}))
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

MODELS = (
    replace(
        _MESHY_IMAGE,
        id="meshy/v7.1/image-to-3d",
        price=_MESHY_7_1,
        options={**_MESHY_IMAGE.options, **_V71_OPTIONS},
        caps=_SMART_FACES,
    ),
    replace(
        _MESHY_MULTI,
        id="meshy/v7.1/multi-image-to-3d",
        price=_MESHY_7_1,
        options={**_MESHY_MULTI.options, "geometry_resolution": one_of("standard", "2k")},
    ),
    replace(
        _MESHY_TEXT,
        id="meshy/v7.1/text-to-3d",
        price=replace(_MESHY_6_TEXT, surcharges=_RIG),
        options={**_MESHY_TEXT.options, **_V71_OPTIONS},
        caps=_SMART_FACES,
    ),
    _HUNYUAN,
    _TRIPO,
    replace(_MESHY_MULTI, id="fal-ai/meshy/v5/multi-image-to-3d", price=PriceModel()),
    replace(_MESHY_IMAGE, id="fal-ai/meshy/v6/image-to-3d"),
    replace(_MESHY_MULTI, id="fal-ai/meshy/v6/multi-image-to-3d"),
    replace(_MESHY_TEXT, id="fal-ai/meshy/v6/text-to-3d"),
    replace(
        _MESHY_IMAGE,
        id="meshy/v7/image-to-3d",
        price=_MESHY_7,
        options={**_MESHY_IMAGE.options, **_V7_OPTIONS},
        successor="meshy/v7.1/image-to-3d",
    ),
    replace(
        _MESHY_MULTI,
        id="meshy/v7/multi-image-to-3d",
        price=_MESHY_7_MULTI,
        successor="meshy/v7.1/multi-image-to-3d",
    ),
    replace(
        _MESHY_TEXT,
        id="meshy/v7/text-to-3d",
        price=_MESHY_7_TEXT,
        options={**_MESHY_TEXT.options, **_V7_OPTIONS},
        successor="meshy/v7.1/text-to-3d",
    ),
    _PIXAL,
)
