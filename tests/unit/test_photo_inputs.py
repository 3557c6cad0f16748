# SPDX-License-Identifier: GPL-3.0-or-later
"""Guides and masks that photo models are given, and the sides that source photos show."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photoreal_set.fal_bridge.jobs import Kind, Role
from photoreal_set.fal_bridge.network.service import Service
from photoreal_set.imaging.choices import Guide
from photoreal_set.imaging.guides import depth_guide, edge_guide, edit_mask
from photoreal_set.messages.errors import FieldError
from photoreal_set.optics.angles import ANGLES
from photoreal_set.photo_set.choices import Engine
from photoreal_set.photo_set.folder import SetFolder
from photoreal_set.photo_set.model_views import model_inputs
from photoreal_set.photo_set.photo_inputs import photo_inputs, photo_text
from photoreal_set.photo_set.plan import SetPlan
from photoreal_set.photo_set.plan_record import plan_from, plan_record
from photoreal_set.photo_set.source import Source, SourceKind, source_from
from tests.fal_emulator.glb import make_glb

DEPTH = "fal-ai/flux-control-lora-depth/image-to-image"
CANNY = "fal-ai/flux-control-lora-canny/image-to-image"
Z_IMAGE = "fal-ai/z-image/turbo/controlnet"
GPT = "openai/gpt-image-2/edit"
HUNYUAN = "fal-ai/hunyuan-3d/v3.1/pro/image-to-3d"
TRIPO = "tripo3d/h3.1/multiview-to-3d"
FRONT = ANGLES["front"]


@pytest.fixture
def plan(tmp_path: Path) -> SetPlan:
    glb = tmp_path / "clock.glb"
    glb.write_bytes(make_glb("a clock", None, triangles=100, texture_side=32))
    return SetPlan(
        source=source_from([glb], ""),
        out=tmp_path / "set",
        angles=(FRONT,),
        engine=Engine.FAL,
        video=None,
        photo_endpoint=DEPTH,
        guide=Guide.DEPTH,
        service=Service.emulator("http://127.0.0.1:9"),
    )


def scene() -> tuple[np.ndarray, np.ndarray]:
    """Depth and normals of a box in the middle: its left half faces the camera, its right half turns away."""
    depth = np.full((40, 40), np.inf)
    depth[10:30, 10:20] = 2.0
    depth[10:30, 20:30] = np.linspace(2.0, 2.05, 10)
    normal = np.zeros((40, 40, 3))
    normal[...] = (0.0, 0.0, 1.0)
    normal[:, 20:30] = (0.8, 0.0, 0.6)
    return depth, normal


# The pictures


def test_depth_is_bright_near_and_black_where_there_is_nothing():
    depth, _normal = scene()
    grey = np.asarray(depth_guide(depth))
    assert grey.shape == (40, 40, 3)
    assert (grey[0, 0] == 0).all()
    assert (grey[15, 12] == 255).all()
    assert 0 < grey[15, 29, 0] < 255
    assert (np.diff(grey[15, 20:30, 0].astype(int)) <= 0).all(), "darker with the distance"
    assert not np.asarray(depth_guide(np.full((4, 4), np.inf))).any()


def test_edges_are_the_outline_and_the_crease_and_nothing_else():
    lines = np.asarray(edge_guide(*scene()))[..., 0] > 0
    assert lines[9, 15] or lines[10, 15], "the upper border"
    assert lines[15, 9] and lines[15, 29], "the sides"
    assert lines[15, 19], "the crease"
    assert not lines[12:28, 11:18].any() and not lines[12:28, 21:28].any(), "flat surfaces"
    assert not lines[:8].any()


def test_a_step_in_depth_is_an_edge():
    depth, normal = np.full((20, 20), 2.0), np.zeros((20, 20, 3))
    normal[..., 2] = 1.0
    depth[:, 10:] = 3.0
    lines = np.asarray(edge_guide(depth, normal))[..., 0] > 0
    assert lines[:, 9].all()
    assert lines.sum() == 20


def test_the_product_is_what_may_change():
    mask = Image.new("L", (8, 8), 0)
    mask.paste(255, (2, 2, 6, 6))
    made = np.asarray(edit_mask(mask))
    assert made[4, 4].tolist() == [255, 255, 255, 0]
    assert made[0, 0].tolist() == [0, 0, 0, 255]


# Plans


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"guide": Guide.CANNY}, "guide", "does not accept a picture of edges"),
        ({"guide": None}, "guide", "needs a guide"),
        ({"photo_endpoint": "fal-ai/flux-kontext/dev"}, "guide", "does not accept a depth picture"),
        ({"with_mask": True}, "with_mask", "does not accept a mask"),
        ({"engine": Engine.CYCLES}, "guide", "photos by fal.ai"),
        ({"engine": Engine.CYCLES, "guide": None, "with_mask": True}, "with_mask", "photos by fal.ai"),
    ],
)
def test_a_guide_or_mask_that_does_not_fit_is_refused(plan, changes, field, message):
    with pytest.raises(FieldError, match=message) as refused:
        replace(plan, **changes).check()
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("endpoint", "guide", "with_mask"),
    [
        (DEPTH, Guide.DEPTH, False),
        (CANNY, Guide.CANNY, False),
        (Z_IMAGE, Guide.CANNY, False),
        (GPT, None, True),
    ],
)
def test_a_guide_or_mask_that_fits_is_accepted_and_kept(plan, endpoint, guide, with_mask):
    plan = replace(plan, photo_endpoint=endpoint, guide=guide, with_mask=with_mask)
    plan.check()
    folder = SetFolder.prepare(
        plan.out, product="clock", source=plan.source.record(), tool={}, plan=plan_record(plan)
    )
    kept = plan_from(folder, plan.service)
    assert (kept.guide, kept.with_mask) == (guide, with_mask)


def test_a_plan_without_them_has_the_record_of_older_versions(plan):
    record = plan_record(replace(plan, guide=None, photo_endpoint=GPT))
    assert not {"guide", "with_mask"} & set(record)


def test_a_request_has_the_guide_of_its_angle_and_its_mask(plan):
    plan = replace(plan, photo_endpoint=GPT, guide=None, with_mask=True)
    folder = SetFolder.prepare(
        plan.out, product="clock", source=plan.source.record(), tool={}, plan=plan_record(plan)
    )
    (folder.root / "masks").mkdir()
    Image.new("L", (16, 16), 255).save(folder.root / "masks" / "front.png")
    (mask,) = photo_inputs(plan, folder, FRONT)["files"][Role.MASK]
    with Image.open(mask) as picture:
        assert (picture.mode, picture.size) == ("RGBA", (16, 16))
    before = mask.read_bytes()
    assert photo_inputs(plan, folder, FRONT)["files"][Role.MASK][0].read_bytes() == before, (
        "the same request again"
    )
    guided = replace(plan, photo_endpoint=DEPTH, guide=Guide.DEPTH, with_mask=False)
    assert photo_inputs(guided, folder, FRONT)["files"] == {
        Role.GUIDE: (folder.root / "guides" / "front.png",)
    }


def test_an_endpoint_that_sees_no_picture_is_told_what_the_product_is(plan):
    unseen = replace(plan, photo_endpoint=Z_IMAGE)
    assert "photograph of clock, straight from the front" in photo_text(unseen, FRONT, has_hero=False)
    assert photo_text(plan, FRONT, has_hero=False).startswith("Re-photograph this exact object")
    request = unseen.generation(Kind.PHOTO, "front photo", images=(Path("render.png"),), prompt="a clock")
    assert request.images == ()


# The sides of source photos


def photos(plan: SetPlan, endpoint: str, *names: str) -> SetPlan:
    files = tuple(plan.out.parent / name for name in names)
    source = Source(kind=SourceKind.PHOTOS, files=files)
    return replace(
        plan, source=source, engine=Engine.CYCLES, guide=None, model_endpoint=endpoint, photo_endpoint=GPT
    )


def test_photos_go_to_the_field_of_their_side(plan):
    plan = photos(plan, HUNYUAN, "mug-back.jpg", "mug front.jpg", "IMG_right_2.jpg")
    made = model_inputs(plan.check(), plan.source.files)
    assert [path.name for path in made["images"]] == ["mug front.jpg"]
    assert {role: path.name for role, (path,) in made["files"].items()} == {
        Role.BACK: "mug-back.jpg",
        Role.RIGHT: "IMG_right_2.jpg",
    }


def test_photos_in_a_list_are_put_into_the_order_of_their_sides(plan):
    plan = photos(plan, TRIPO, "right.jpg", "rear.jpg", "front.jpg", "left.jpg")
    made = model_inputs(plan.check(), plan.source.files)
    assert [path.name for path in made["images"]] == ["front.jpg", "left.jpg", "rear.jpg", "right.jpg"]


def test_one_photo_is_the_front_whatever_its_name(plan):
    plan = photos(plan, HUNYUAN, "DSC_1204.jpg")
    assert model_inputs(plan.check(), plan.source.files) == {"images": plan.source.files}


def test_other_endpoints_take_photos_as_they_are(plan):
    plan = photos(plan, "meshy/v7.1/multi-image-to-3d", "a.jpg", "b.jpg")
    assert model_inputs(plan.check(), plan.source.files) == {"images": plan.source.files}


@pytest.mark.parametrize(
    ("endpoint", "names", "message"),
    [
        (HUNYUAN, ("front.jpg", "side.jpg"), "side.jpg does not say it"),
        (HUNYUAN, ("left.jpg", "back.jpg"), "needs a photo named front"),
        (HUNYUAN, ("front.jpg", "left.jpg", "left-2.jpg"), "Two photos are named left"),
        (HUNYUAN, ("front.jpg", "front-left.jpg"), "front-left.jpg does not say it"),
        (TRIPO, ("front.jpg", "back.jpg"), "and left is missing"),
        (TRIPO, ("front.jpg",), "needs at least 2 photos"),
    ],
)
def test_names_that_do_not_tell_the_sides_are_refused(plan, endpoint, names, message):
    with pytest.raises(FieldError, match=message) as refused:
        photos(plan, endpoint, *names).check()
    assert refused.value.field == "model_endpoint"
