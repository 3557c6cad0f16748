# SPDX-License-Identifier: GPL-3.0-or-later
"""The endpoints of autumn 2026: their files, what they refuse, what their schemas may change, and what replaced what."""

import copy
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from photoreal_set.fal_bridge import errors
from photoreal_set.fal_bridge.bridge import Bridge
from photoreal_set.fal_bridge.endpoints.choosing import known_ids
from photoreal_set.fal_bridge.endpoints.endpoint import Endpoint
from photoreal_set.fal_bridge.endpoints.published import check_endpoints
from photoreal_set.fal_bridge.endpoints.registry import REGISTRY
from photoreal_set.fal_bridge.endpoints.schema_reader import confirmed, endpoint_from
from photoreal_set.fal_bridge.jobs import Generation, Kind, Role
from photoreal_set.fal_bridge.money.price_list import PriceList
from photoreal_set.fal_bridge.network.platform_api import Platform, UnitPrice
from photoreal_set.fal_bridge.network.service import Service
from photoreal_set.files.mp4 import seconds_in
from tests.fal_emulator.openapi import document
from tests.fal_emulator.schemas import all_endpoints
from tests.fal_emulator.videos import make_mp4
from tests.patience import PATIENCE_SECONDS

pytestmark = pytest.mark.slow

REAL = "minimax/h3-max/3d-to-video"
LTX = "fal-ai/ltx-2.3-quality/render-to-real"
KLING = "kling/v4/image-to-video"
FLUX = "blackforestlabs/flux-3/edit-image"
HUNYUAN = "fal-ai/hunyuan-3d/v3.1/pro/image-to-3d"
DEPTH = "fal-ai/flux-control-lora-depth/image-to-image"
WITHDRAWN = {
    "fal-ai/kling-video/v1/pro/image-to-video": "kling-video/v3",
    "fal-ai/kling-video/v1/standard/image-to-video": "kling-video/v3",
    "fal-ai/veo3": "fal-ai/veo3.1",
    "fal-ai/veo3/image-to-video": "fal-ai/veo3.1/image-to-video",
}


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("files")
    made = {}
    for number, name in enumerate(("front", "left", "back", "right", "guide")):
        made[name] = folder / f"{name}.png"
        Image.new("RGB", (128, 128), (50 * number, 90, 160)).save(made[name])
    made["video"] = folder / "turntable.mp4"
    with Image.open(made["front"]) as picture:
        made["video"].write_bytes(make_mp4(picture, None, seconds=3, has_sound=False, max_side=64))
    return made


def wanted(row: Endpoint, **members: Any) -> Generation:
    return Generation(kind=row.kind, endpoint=row.id, label=row.id, prompt="a jar", **members)


def published(endpoint_id: str) -> dict[str, Any]:
    return copy.deepcopy(document(all_endpoints()[endpoint_id], "http://127.0.0.1:1"))


def schema_in(openapi: dict[str, Any]) -> dict[str, Any]:
    schemas = openapi["components"]["schemas"]
    return next(schemas[name] for name in schemas if name.endswith("Input"))


def checked(emulator, ids: dict[Kind, str], told: list[str]) -> dict[str, Endpoint]:
    with Platform(Service.emulator(emulator.url)) as platform:
        return check_endpoints(ids, platform, told.append)


def prices(endpoint_id: str, amount: str, unit: str = "seconds") -> PriceList:
    return PriceList({endpoint_id: UnitPrice(amount=Decimal(amount), unit=unit, asked_at=0.0)})


# Files by what they are for


def test_a_video_and_photos_become_the_fields_of_the_endpoint(files):
    row = REGISTRY[REAL]
    roles = {Role.VIDEO: (files["video"],), Role.REFERENCE: (files["front"], files["back"])}
    request = wanted(row, files=roles, seconds=3)
    row.check(request)
    assert row.arguments(request) == {
        "video_url": files["video"],
        "reference_image_urls": [files["front"], files["back"]],
        "prompt": "a jar",
        "resolution": "768P",
    }


def test_the_other_one_takes_one_photo_its_trigger_word_and_the_number_of_frames(files):
    row = REGISTRY[LTX]
    roles = {Role.VIDEO: (files["video"],), Role.REFERENCE: (files["front"],)}
    made = row.arguments(wanted(row, files=roles, seconds=5))
    assert (made["video_url"], made["image_url"]) == (files["video"], files["front"])
    assert made["prompt"] == "3DREAL. a jar"
    assert (made["num_frames"], made["frames_per_second"], made["generate_audio"]) == (121, 24, False)


@pytest.mark.parametrize(
    ("endpoint_id", "roles", "message"),
    [
        (REAL, {}, "needs a video"),
        (REAL, {Role.VIDEO: ("video",), Role.REFERENCE: ("front",) * 9}, "at most 8 files"),
        (REAL, {Role.VIDEO: ("front",)}, "not a file that .* accepts"),
        (REAL, {Role.VIDEO: ("video",), Role.MASK: ("front",)}, "does not accept a mask"),
        (DEPTH, {}, "needs a guide"),
        (FLUX, {Role.GUIDE: ("guide",)}, "does not accept a guide"),
    ],
)
def test_files_that_an_endpoint_would_refuse_are_refused_before(endpoint_id, roles, message, files):
    row = REGISTRY[endpoint_id]
    given = {role: tuple(files[name] for name in names) for role, names in roles.items()}
    images = (files["front"],) * row.images[0]
    with pytest.raises(errors.WrongRequestError, match=message):
        row.check(wanted(row, images=images, files=given, seconds=3))


def test_a_closed_endpoint_gets_no_input_that_it_does_not_know(files):
    row = REGISTRY[REAL]
    request = wanted(row, files={Role.VIDEO: (files["video"],)}, seconds=3, options={"seed": 3})
    with pytest.raises(errors.WrongRequestError, match="has no input called seed"):
        row.check(request)
    with pytest.raises(errors.WrongRequestError, match="does not exist"):
        row.parsed_options({"seed": "3"})


def test_named_views_go_to_their_fields(files):
    row = REGISTRY[HUNYUAN]
    roles = {Role.LEFT: (files["left"],), Role.RIGHT: (files["right"],)}
    made = row.arguments(wanted(row, images=(files["front"],), files=roles))
    names = ("input_image_url", "left_image_url", "right_image_url")
    assert [made[name] for name in names] == [files["front"], files["left"], files["right"]]
    assert "back_image_url" not in made


def test_a_picture_that_is_too_large_is_refused_before(files, tmp_path):
    large = tmp_path / "large.png"
    pixels = np.random.default_rng(1).integers(0, 256, (1800, 1800, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(large, compress_level=0)
    row = REGISTRY[HUNYUAN]
    with pytest.raises(errors.WrongRequestError, match=r"up to 8 MB, and .* has 9\.3"):
        row.check(wanted(row, images=(large,)))
    row.check(wanted(row, images=(files["front"],)))


def test_smart_topology_has_few_faces_unless_the_user_says_otherwise(files):
    row = REGISTRY["meshy/v7.1/image-to-3d"]
    smart = {"model_type": "smart-topology"}
    request = wanted(row, images=(files["front"],), options=smart)
    assert row.arguments(request)["target_polycount"] == 15_000
    assert row.arguments(replace(request, options={}))["target_polycount"] == 200_000


# Prices, compared with the published tables by hand


@pytest.mark.parametrize(
    ("resolution", "seconds", "references", "low", "high"),
    [
        ("480P", 8, 1, "0.4", "0.799"),  # The request that is known was billed 15.98 units of 0.05.
        ("480P", 3, 0, "0.25", "0.25"),  # Five seconds at least.
        ("768P", 5, 3, "0.4", "1.76084"),  # 5 x 0.08, and 3 x 24,046 - 4,096 tokens at 0.02 for 1,000.
        ("1080P", 10, 0, "1.6", "1.6"),
    ],
)
def test_a_render_to_real_costs_seconds_and_references(resolution, seconds, references, low, high):
    row = REGISTRY[REAL]
    arguments = {"video_url": Path("none.mp4"), "resolution": resolution}
    if references:
        arguments["reference_image_urls"] = [Path("photo.png")] * references
    cost = prices(REAL, "0.05").quote(row, arguments, [], video_seconds=seconds).cost
    assert (cost.low, cost.high) == (Decimal(low), Decimal(high))


def test_the_length_of_a_video_that_exists_is_read_from_it(files):
    assert seconds_in(files["video"]) == pytest.approx(3.0)
    arguments = {"video_url": files["video"], "resolution": "480P"}
    assert REGISTRY[REAL].work(arguments, []).seconds == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("endpoint_id", "inputs", "unit_price", "unit", "cost"),
    [
        (FLUX, {"resolution": "1k"}, "0.048", "images", "0.048"),
        (FLUX, {"resolution": "2k"}, "0.048", "images", "0.1"),
        (FLUX, {"resolution": "4k"}, "0.048", "images", "0.607"),
        ("fal-ai/nano-banana-2/edit", {"resolution": "0.5K"}, "0.08", "images", "0.06"),
        ("fal-ai/nano-banana-2/edit", {"resolution": "1K"}, "0.08", "images", "0.08"),
        ("fal-ai/nano-banana-2/edit", {"resolution": "2K"}, "0.08", "images", "0.12"),
        ("fal-ai/nano-banana-2/edit", {"resolution": "4K"}, "0.08", "images", "0.16"),
        (KLING, {"resolution": "720p", "duration": "5"}, "0.157", "seconds", "0.785"),
        (KLING, {"resolution": "1080p", "duration": "5"}, "0.157", "seconds", "1.175"),
        ("pixelcut/looping-video", {"duration": 6}, "0.08", "seconds", "0.48"),
        (HUNYUAN, {"enable_pbr": False}, "0.375", "units", "0.375"),
        (HUNYUAN, {"enable_pbr": True, "back_image_url": 1, "left_image_url": 1}, "0.375", "units", "0.675"),
        ("meshy/v7.1/multi-image-to-3d", {"should_texture": True}, "0.8", "generations", "1.2"),
    ],
)
def test_prices_are_those_of_the_pages(endpoint_id, inputs, unit_price, unit, cost):
    quote = prices(endpoint_id, unit_price, unit).quote(REGISTRY[endpoint_id], inputs, [(1024, 1024)])
    assert quote.cost.low <= Decimal(cost) <= quote.cost.high
    assert quote.cost.high - quote.cost.low <= Decimal("0.000002")


# What replaced what


@pytest.mark.parametrize(("endpoint_id", "successor"), list(WITHDRAWN.items()))
def test_a_withdrawn_endpoint_names_its_successor_and_is_in_no_hint(endpoint_id, successor, emulator):
    assert endpoint_id not in known_ids(Kind.VIDEO)
    emulator.control(withdrawn=[endpoint_id])
    with pytest.raises(errors.UnknownEndpointError, match="has withdrawn") as caught:
        checked(emulator, {Kind.VIDEO: endpoint_id}, [])
    assert successor in caught.value.hint
    told: list[str] = []
    emulator.control(withdrawn=[], deprecated=[endpoint_id])
    assert checked(emulator, {Kind.VIDEO: endpoint_id}, told)[endpoint_id] is REGISTRY[endpoint_id]
    assert successor in told[0]


def test_an_endpoint_that_was_replaced_still_works_with_a_warning(emulator):
    told: list[str] = []
    checked(emulator, {Kind.MODEL: "meshy/v7/image-to-3d"}, told)
    assert told == ["meshy/v7.1/image-to-3d has replaced meshy/v7/image-to-3d, which may stop working."]


def test_a_successor_is_known_and_current():
    for row in REGISTRY.values():
        if row.successor:
            assert REGISTRY[row.successor].kind is row.kind
            assert not REGISTRY[row.successor].successor


@pytest.mark.parametrize("endpoint_id", ["workflows/emulator/relight", FLUX, "fal-ai/flux-kontext/dev"])
def test_an_unlisted_endpoint_with_a_schema_warns_and_works(endpoint_id, emulator, files, tmp_path):
    told: list[str] = []
    emulator.control(unlisted=[endpoint_id])
    known = checked(emulator, {Kind.PHOTO: endpoint_id}, told)
    assert len(told) == 1
    assert "does not list" in told[0]
    request = wanted(known[endpoint_id], images=(files["front"],))
    service = Service.emulator(emulator.url)
    with Bridge(service, tmp_path / ".journal", lambda _job: None, endpoints=known) as bridge:
        assert bridge.start(request, tmp_path / "photo").result(PATIENCE_SECONDS).path.is_file()


# What a published schema changes


def test_choices_and_lengths_come_from_the_published_schema():
    openapi = published(KLING)
    schema_in(openapi)["properties"] |= {
        "duration": {"type": "integer", "minimum": 4, "maximum": 12},
        "resolution": {"type": "string", "enum": ["720p", "4k"], "default": "720p"},
    }
    row = confirmed(REGISTRY[KLING], openapi)
    assert (row.seconds, row.seconds_form) == (tuple(range(4, 13)), "")
    assert row.intent["resolution"] == "720p"  # What we would have sent does not exist any more.
    assert row.price == REGISTRY[KLING].price


def test_key_frames_that_the_schema_does_not_have_are_not_sent():
    openapi = published(KLING)
    del schema_in(openapi)["properties"]["middle_image_urls"]
    row = confirmed(REGISTRY[KLING], openapi)
    assert row.room_for(Role.MIDDLE) == 0
    assert confirmed(REGISTRY[KLING], published(KLING)).room_for(Role.MIDDLE) == 8


def test_a_finished_guide_is_not_processed_again():
    row = confirmed(REGISTRY[DEPTH], published(DEPTH))
    assert row.intent["preprocess_depth"] is False
    assert row.slots[Role.GUIDE].field == "control_lora_image_url"
    assert (
        confirmed(
            REGISTRY["fal-ai/z-image/turbo/controlnet"], published("fal-ai/z-image/turbo/controlnet")
        ).intent["preprocess"]
        == "none"
    )


def test_a_new_need_is_one_sentence_and_nothing_is_sent(emulator):
    openapi = published(REAL)
    schema_in(openapi)["properties"]["scene_url"] = {"type": "string"}
    schema_in(openapi)["required"].append("scene_url")
    with pytest.raises(errors.UnknownEndpointError, match="needs scene_url"):
        confirmed(REGISTRY[REAL], openapi)
    with pytest.raises(errors.UnknownEndpointError, match="cannot be read"):
        confirmed(REGISTRY[REAL], {"paths": {}})
    assert emulator.ledger() == []


def test_a_schema_that_cannot_be_fetched_leaves_what_is_known(emulator):
    told: list[str] = []
    emulator.control(faults=[{"name": "nginx-503", "at": "openapi", "count": 1000}])
    assert checked(emulator, {Kind.VIDEO: KLING}, told)[KLING] is REGISTRY[KLING]
    assert "could not be checked" in told[0]


def test_the_words_of_unknown_endpoints_are_understood():
    read = endpoint_from(
        published("emulator/real-2/render-to-real"), "emulator/real-2/render-to-real", Kind.VIDEO
    )
    assert read.slots[Role.VIDEO].is_needed
    assert (read.slots[Role.REFERENCE].field, read.room_for(Role.REFERENCE)) == ("reference_image_urls", 3)
    assert read.video_side({}) == 64
    assert read.video_side({"resolution": "128p"}) == 128
    assert read.fields == {"video_url", "reference_image_urls", "prompt", "resolution"}
    masked = endpoint_from(published("openai/gpt-image-2/edit"), "openai/gpt-image-2/edit", Kind.PHOTO)
    assert masked.slots[Role.MASK].field == "mask_url"
    views = endpoint_from(published(HUNYUAN), HUNYUAN, Kind.MODEL)
    assert {role: slot.field for role, slot in views.slots.items()} == {
        Role.LEFT: "left_image_url",
        Role.BACK: "back_image_url",
        Role.RIGHT: "right_image_url",
    }
    silent = endpoint_from(published("pixelcut/looping-video"), "pixelcut/looping-video", Kind.VIDEO)
    assert silent.intent["include_audio"] is False


def test_a_value_that_may_be_null_is_read():
    read = endpoint_from(published(REAL), REAL, Kind.VIDEO)
    assert (read.prompt_field, read.prompt_length, read.prompt_is_needed) == ("prompt", 2000, False)


def test_data_uris_are_not_sent_where_they_are_refused(emulator, files, tmp_path):
    row = REGISTRY[REAL]
    roles = {Role.VIDEO: (files["video"],), Role.REFERENCE: (files["front"],)}
    service = Service.emulator(emulator.url)
    with Bridge(service, tmp_path / ".journal", lambda _job: None, inline_bytes=1 << 20) as bridge:
        result = bridge.start(wanted(row, files=roles, seconds=3), tmp_path / "video")
        assert result.result(PATIENCE_SECONDS).path.is_file()
    (sent,) = emulator.ledger()
    assert sent["input"]["video_url"].startswith("http")
    assert sent["input"]["reference_image_urls"][0].startswith("http")
