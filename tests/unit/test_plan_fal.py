# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans that use fal: what they pay for, and what is rejected before anything is spent."""

from dataclasses import fields, replace
from pathlib import Path

import pytest
from PIL import Image

from photoreal_set.fal_bridge.endpoints.registry import REGISTRY
from photoreal_set.fal_bridge.jobs import Kind
from photoreal_set.fal_bridge.network.service import Service
from photoreal_set.messages.errors import FieldError, PhotorealError
from photoreal_set.optics.angles import ANGLES
from photoreal_set.photo_set import prompts
from photoreal_set.photo_set.choices import Engine
from photoreal_set.photo_set.plan import SetPlan
from photoreal_set.photo_set.source import Source, SourceKind, source_from

PIXAL = "fal-ai/pixal3d"


@pytest.fixture
def plan(tmp_path) -> SetPlan:
    """One photo, everything by fal."""
    photo = tmp_path / "front.png"
    Image.new("RGB", (300, 300), (200, 40, 90)).save(photo)
    return SetPlan(
        source=source_from([photo], ""),
        out=tmp_path / "out",
        angles=tuple(ANGLES.values()),
        engine=Engine.FAL,
        video=Engine.FAL,
        service=Service.emulator("http://127.0.0.1:9"),
    )


def test_a_plan_lists_its_paid_requests(plan):
    plan.check()
    assert plan.endpoint_ids == {
        Kind.MODEL: "fal-ai/meshy/v6/image-to-3d",
        Kind.PHOTO: "fal-ai/flux-kontext/dev",
        Kind.VIDEO: "fal-ai/kling-video/v3/pro/image-to-video",
    }
    free = replace(
        plan,
        source=Source(kind=SourceKind.MODEL, files=(Path("a.glb"),)),
        engine=Engine.CYCLES,
        video=None,
    )
    assert free.endpoint_ids == {}


def test_text_becomes_a_picture_first_on_request(plan):
    from_text = replace(plan, source=source_from([], "a brass lamp"))
    from_text.check()
    assert from_text.chosen_model_endpoint.endswith("text-to-3d")
    drawn = replace(from_text, concept_endpoint="fal-ai/flux/schnell")
    drawn.check()
    assert drawn.chosen_model_endpoint.endswith("v6/image-to-3d")


PLAN_FIELDS = {item.name for item in fields(SetPlan)} | {f"{kind}_option" for kind in Kind}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"service": None}, "needs a key"),
        ({"concept_endpoint": "fal-ai/flux/schnell"}, "from a text"),
        ({"concept_endpoint": "fal-ai/flux/schnel"}, "from a text"),
        ({"source": Source(kind=SourceKind.TEXT, text="x"), "model_endpoint": PIXAL}, "concept endpoint"),
        (
            {"source": Source(kind=SourceKind.PHOTOS, files=(Path("a"),) * 2), "model_endpoint": PIXAL},
            "at most 1 picture, not 2",
        ),
        ({"model_endpoint": "meshy/v7/text-to-3d"}, "only a text"),
        ({"option_texts": {Kind.PHOTO: {"colour": "red"}}}, "colour does not exist"),
        ({"option_texts": {Kind.PHOTO: {"guidance_scale": "50"}}}, "more than 20"),
        ({"option_texts": {Kind.CONCEPT: {"image_size": "square"}}}, "the concept endpoint"),
        ({"with_hero": True}, "several pictures"),
        ({"engine": Engine.CYCLES, "photo_size": 2048}, "set the resolution"),
        ({"photo_size": 8000, "upscale_endpoint": "bria/increase-resolution"}, "at most 4096 px"),
        ({"option_texts": {Kind.UPSCALE: {"noise_scale": "0"}}}, "the upscale endpoint"),
        ({"video": None, "seconds": 5}, "no video"),
        ({"seconds": 2}, "not 2"),
        (
            {"video_endpoint": "fal-ai/kling-video/v1/pro/image-to-video", "seconds": 4},
            "5, 10 seconds, not 4",
        ),
        ({"video": Engine.CYCLES, "loop": True}, "for videos by fal"),
        ({"video_endpoint": "fal-ai/veo3.1/image-to-video", "loop": True}, "not accept a last frame"),
        ({"video_endpoint": "fal-ai/veo3.1/first-last-frame-to-video"}, "needs a last frame"),
    ],
)
def test_impossible_options_are_rejected_before_anything_is_spent(plan, changes, message):
    with pytest.raises(PhotorealError, match=message) as caught:
        replace(plan, **changes).check()
    assert caught.value.exit_code == 1
    if isinstance(caught.value, FieldError):  # The sidebar and catalogues show it too: they have no options.
        assert "--" not in str(caught.value)
        assert caught.value.field in PLAN_FIELDS


def test_upscaling_is_paid_only_when_a_model_does_it(plan):
    assert Kind.UPSCALE not in plan.endpoint_ids
    larger = replace(plan, photo_size=2048)
    larger.check()
    assert larger.endpoint_ids[Kind.UPSCALE] == "fal-ai/seedvr/upscale/image"
    assert Kind.UPSCALE not in replace(larger, upscale_endpoint="lanczos").endpoint_ids


def test_a_look_uses_a_duration_that_the_endpoint_supports(plan):
    assert plan.video_seconds == 5
    jewellery = replace(plan, look="jewellery")
    assert jewellery.video_seconds == 4
    assert replace(jewellery, seconds=3).video_seconds == 3
    for endpoint, seconds in (
        ("fal-ai/kling-video/v1/pro/image-to-video", 5),
        ("fal-ai/veo3.1/image-to-video", 4),
    ):
        assert replace(jewellery, video_endpoint=endpoint).video_seconds == seconds


def test_every_motion_and_look_fits_every_video_endpoint():
    shortest = min(row.prompt_length for row in REGISTRY.values() if row.kind is Kind.VIDEO)
    for motion in prompts.MOTIONS:
        for look in prompts.LOOKS:
            prompt = prompts.video_prompt(motion, "", look=look, is_loop=True, product="a ring")
            assert len(prompt) < shortest / 2
            assert "{" not in prompt
    assert set(prompts.MOTIONS) == {"turntable", "light-sweep", "detail-reveal"}
    assert all(3 <= look.seconds <= 5 for look in prompts.LOOKS.values())
    photo = prompts.photo_prompt(ANGLES["front"], "grey", "On slate.", "jewellery")
    assert "neutral grey" in photo
    assert "gemstones" in photo
    assert photo.endswith("On slate.")
