# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry against fal.ai's schemas, as the emulator has them: every row, every field, every option."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from photoreal_set.fal_bridge import errors
from photoreal_set.fal_bridge.bridge import Bridge
from photoreal_set.fal_bridge.endpoints.endpoint import Endpoint
from photoreal_set.fal_bridge.endpoints.registry import REGISTRY
from photoreal_set.fal_bridge.jobs import Generation, Kind, Role
from photoreal_set.fal_bridge.money.price_list import PriceList
from photoreal_set.fal_bridge.network.platform_api import Platform
from photoreal_set.fal_bridge.network.service import Service
from photoreal_set.files.kinds import missing_end
from tests.fal_emulator.process import start_emulator
from tests.fal_emulator.schemas import all_endpoints
from tests.fal_emulator.videos import make_mp4
from tests.patience import PATIENCE_SECONDS

pytestmark = pytest.mark.slow

ROWS = list(REGISTRY.values())
IDS = [row.id for row in ROWS]


@pytest.fixture(scope="module")
def emulator():
    server = start_emulator(
        delays=dict.fromkeys(("queue", "model", "photo", "image", "video", "upscale"), 0.0)
    )
    yield server
    server.close()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> list[Path]:
    folder = tmp_path_factory.mktemp("pictures")
    paths = []
    for number in range(4):
        paths.append(folder / f"{number}.png")
        Image.new("RGB", (128, 128), (60 * number, 120, 200)).save(paths[-1])
    (folder / "turntable.mp4").write_bytes(make_mp4(Image.open(paths[0]), None, seconds=2, has_sound=False))
    return paths


def generation(row: Endpoint, pictures: list[Path], **changes: Any) -> Generation:
    """A request with every file and option that the endpoint supports."""
    video = pictures[0].with_name("turntable.mp4")
    wanted = Generation(
        files={
            role: (video,) if role is Role.VIDEO else tuple(pictures[: slot.maximum])
            for role, slot in row.slots.items()
        },
        kind=row.kind,
        endpoint=row.id,
        label=row.id,
        images=tuple(pictures[: row.images[1]]),
        end_image=pictures[0] if row.end_image_field else None,
        prompt="a brass lamp" if row.prompt_field else "",
        negative_prompt="blur",
        seed=7,
        seconds=row.seconds[0] if row.seconds else 5,
        enlarge=2.0,
    )
    return replace(wanted, **changes)


def schema_of(row: Endpoint) -> dict[str, Any]:
    return all_endpoints()[row.id].properties


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_every_endpoint_accepts_our_request_and_its_file_is_found(row, pictures, emulator, tmp_path):
    before, wanted = len(emulator.ledger()), generation(row, pictures)
    with Bridge(Service.emulator(emulator.url), tmp_path / ".journal", lambda _job: None) as bridge:
        result = bridge.start(wanted, tmp_path / "result").result(PATIENCE_SECONDS)
    (accepted,) = emulator.ledger()[before:]
    assert accepted["endpoint"] == row.id
    assert (accepted["unknown_fields"], accepted["ignored_items"]) == ([], [])
    assert missing_end(result.path) == ""
    assert result.units is not None
    with Platform(Service.emulator(emulator.url)) as platform:
        prices = PriceList(platform.unit_prices([row.id]))
    quote = prices.quote(row, row.arguments(wanted), [(128, 128)] * len(wanted.images))
    if quote.unit_price:
        billed, hair = Decimal(str(result.units)) * quote.unit_price.amount, Decimal("0.000001")
        assert quote.cost.low - hair <= billed <= quote.cost.high + hair


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_options_match_the_schema(row):
    properties = schema_of(row)
    ours = {
        *(row.image_field, row.image_list_field, row.end_image_field, row.prompt_field),
        *(row.negative_prompt_field, row.seed_field, row.seconds_field, row.size_field, row.factor_field),
        *(slot.field for slot in row.slots.values()),
        row.frames_field,
    }
    assert ours - {""} <= set(properties)
    assert not ours & set(row.options)
    assert set(row.intent) <= set(properties)
    types = {"boolean": bool, "integer": int, "number": float, "string": str, "array": object}
    for name, option in row.options.items():
        schema = properties[name]
        if "anyOf" in schema:  # A preset or an object; we offer the presets.
            schema = schema["anyOf"][0]
        assert option.type is types[schema["type"]], name
        assert set(option.choices) <= set(schema.get("enum", option.choices)), name
        assert option.minimum == schema.get("minimum"), name
        assert option.maximum == schema.get("maximum"), name
        assert option.above == schema.get("exclusiveMinimum"), name
        if option.choices and not row.is_unconfirmed:  # Those take their choices from the schema.
            offered = {value for value in schema["enum"] if value != "auto" or value in option.choices}
            assert set(option.choices) == offered, name


@pytest.mark.parametrize("row", [row for row in ROWS if row.seconds_field], ids=lambda row: row.id)
def test_clip_durations_match_the_schema(row):
    schema = schema_of(row)["duration"]
    if "minimum" in schema:
        assert row.seconds == tuple(range(schema["minimum"], schema["maximum"] + 1))
    else:
        assert [row.seconds_form.format(seconds) for seconds in row.seconds] == schema.get(
            "enum", [schema["default"]]
        )


@pytest.mark.parametrize(
    ("endpoint_id", "size", "ratio"),
    [
        ("fal-ai/flux-pro/kontext", (1920, 1080), "16:9"),
        ("fal-ai/flux-pro/kontext/multi", (1024, 1024), "1:1"),
        (
            "fal-ai/flux-pro/kontext",
            (1024, 1280),
            None,
        ),  # It does not have 4:5, and uses the shape of its picture.
        ("fal-ai/nano-banana-pro/edit", (1024, 1280), "4:5"),
        ("fal-ai/nano-banana-2/edit", (1077, 1920), "9:16"),
        ("fal-ai/nano-banana-2/edit", (1000, 1700), None),
        ("fal-ai/flux-kontext/dev", (1920, 1080), None),  # It matches its picture.
        ("fal-ai/kling-video/v1/pro/image-to-video", (1920, 1080), None),
    ],
)
def test_photos_are_requested_in_the_aspect_ratio_of_their_render(endpoint_id, size, ratio, pictures):
    row = REGISTRY[endpoint_id]
    wanted = generation(row, pictures)
    assert row.arguments(wanted, size).get("aspect_ratio") == ratio
    own = row.arguments(replace(wanted, options={"aspect_ratio": "21:9"}), size)
    assert own["aspect_ratio"] == "21:9", "the user's own word goes first"


def test_pixal_has_all_its_parameters():
    row = REGISTRY["fal-ai/pixal3d"]
    assert set(row.options) | {"image_url", "seed"} == set(schema_of(row))


def test_the_ids_named_in_the_brief_are_known():
    for endpoint_id in (
        "fal-ai/meshy/v5/multi-image-to-3d",
        "fal-ai/flux-pro/kontext/multi",
        "fal-ai/nano-banana-2/edit",
        "fal-ai/flux-pro/v1.1",
        "fal-ai/flux/schnell",
        "fal-ai/kling-video/v1/pro/image-to-video",
        "fal-ai/veo3",
        "fal-ai/veo3.1/first-last-frame-to-video",
        "bria/increase-resolution",
    ):
        assert endpoint_id in REGISTRY
    assert {row.kind for row in ROWS} == set(Kind)


def test_options_are_read_and_checked():
    row = REGISTRY["fal-ai/pixal3d"]
    assert row.parsed_options({"resolution": "1024", "remesh": "no", "mesh_scale": "2"}) == {
        "resolution": 1024,
        "remesh": False,
        "mesh_scale": 2.0,
    }
    for texts, message in (
        ({"resolution": "2000"}, "not one of 1024, 1536"),
        ({"resolution": "fine"}, "not a whole number"),
        ({"mesh_scale": "5"}, "more than 4"),
        ({"mesh_scale": "nan"}, "not a number"),
        ({"remesh": "maybe"}, "neither true nor false"),
        ({"image_url": "x"}, "does not exist"),
        ({"colour": "x"}, "It has: decimation_target"),
    ):
        with pytest.raises(errors.WrongRequestError, match=message):
            row.parsed_options(texts)


def test_options_override_our_defaults(pictures):
    row = REGISTRY["fal-ai/pixal3d"]
    made = row.arguments(generation(row, pictures, options={"resolution": 1024}))
    assert (made["resolution"], made["texture_size"]) == (1024, 4096)


def test_a_model_without_texture_requests_no_maps(pictures):
    row = REGISTRY["fal-ai/meshy/v5/multi-image-to-3d"]
    made = row.arguments(generation(row, pictures, options={"should_texture": False}))
    assert not {"enable_pbr", "texture_prompt"} & set(made)


def test_an_upscaler_uses_the_next_factor_it_supports(pictures):
    for endpoint_id, field, wanted, made in (
        ("fal-ai/seedvr/upscale/image", "upscale_factor", 1.953125, 1.953125),
        ("topaz/upscale/image/precision", "upscale_factor", 3.5, 3.5),
        ("bria/increase-resolution", "desired_increase", 1.5, 2),
        ("bria/increase-resolution", "desired_increase", 2.5, 4),
    ):
        row = REGISTRY[endpoint_id]
        assert row.arguments(generation(row, pictures, enlarge=wanted))[field] == made
    with pytest.raises(errors.WrongRequestError, match="enlarges up to 4 times"):
        row.check(generation(row, pictures, enlarge=5.0))


def test_a_start_and_end_frame_video_needs_both_frames(pictures):
    row = REGISTRY["fal-ai/veo3.1/first-last-frame-to-video"]
    with pytest.raises(errors.WrongRequestError, match="video loop") as refused:
        row.check(generation(row, pictures, end_image=None))
    assert refused.value.field == "loop"
    assert row.nearest_seconds(5) == 4
