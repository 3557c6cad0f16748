# SPDX-License-Identifier: GPL-3.0-or-later
"""Endpoints that the registry does not know, and retired endpoints."""

import copy
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from photoreal_set.fal_bridge import errors
from photoreal_set.fal_bridge.bridge import Bridge
from photoreal_set.fal_bridge.endpoints.published import check_endpoints
from photoreal_set.fal_bridge.endpoints.registry import REGISTRY
from photoreal_set.fal_bridge.endpoints.schema_reader import endpoint_from
from photoreal_set.fal_bridge.jobs import Generation, Kind
from photoreal_set.fal_bridge.network.platform_api import Platform
from photoreal_set.fal_bridge.network.service import Service
from tests.fal_emulator.openapi import document
from tests.fal_emulator.schemas import all_endpoints
from tests.patience import PATIENCE_SECONDS

RELIGHT = "emulator/relight-2/edit"
NEW = {
    Kind.MODEL: "emulator/sculpt-2",
    Kind.PHOTO: RELIGHT,
    Kind.VIDEO: "emulator/film-2/image-to-video",
}


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "front.png"
    Image.new("RGB", (64, 64), (200, 120, 40)).save(path)
    return path


def checked(emulator, wanted: dict[Kind, str], warnings: list[str] | None = None):
    told = [] if warnings is None else warnings
    with Platform(Service.emulator(emulator.url)) as platform:
        return check_endpoints(wanted, platform, told.append)


def published(endpoint_id: str) -> dict[str, Any]:
    return copy.deepcopy(document(all_endpoints()[endpoint_id], "http://127.0.0.1:1"))


def test_a_new_endpoint_is_one_string(emulator, picture, tmp_path):
    known = checked(emulator, NEW)
    assert set(known) - set(REGISTRY) == set(NEW.values())
    with Bridge(
        Service.emulator(emulator.url), tmp_path / ".journal", lambda _job: None, endpoints=known
    ) as bridge:
        for kind, endpoint_id in NEW.items():
            wanted = Generation(
                kind=kind,
                endpoint=endpoint_id,
                label=str(kind),
                images=(picture,),
                prompt="a turn",
                seed=3,
                seconds=4,
            )
            assert bridge.start(wanted, tmp_path / kind).result(PATIENCE_SECONDS).path.is_file()
    model, photo, video = emulator.ledger()
    assert [entry["unknown_fields"] for entry in (model, photo, video)] == [[], [], []]
    assert photo["input"]["output_format"] == "png"
    assert (video["input"]["duration"], video["input"]["generate_audio"]) == (4, False)


@pytest.mark.parametrize(
    "endpoint_id",
    [
        name
        for name, endpoint in all_endpoints().items()
        if endpoint.kind in set(Kind) and name not in REGISTRY
    ],
)
def test_every_other_endpoint_is_supported_or_rejected_with_a_reason(endpoint_id):
    kind = Kind(all_endpoints()[endpoint_id].kind)
    try:
        found = endpoint_from(published(endpoint_id), endpoint_id, kind)
    except errors.UnknownEndpointError as error:
        assert "cannot be read" not in str(error)
    else:
        assert (found.id, found.kind, found.price.is_guess) == (endpoint_id, kind, True)


@pytest.mark.parametrize("row", list(REGISTRY.values()), ids=list(REGISTRY))
def test_schemas_agree_with_the_registry(row):
    """What is read from a schema agrees with the registry."""
    read = endpoint_from(published(row.id), row.id, row.kind, row)
    if row.images[1]:
        assert (read.image_field, read.image_list_field) == (row.image_field, row.image_list_field)
    assert read.slots == row.slots
    assert read.fields == row.fields
    for name in ("prompt_field", "negative_prompt_field", "seconds_field", "frames_field", "factor_field"):
        if row.prompt_field != "texture_prompt" or name != "prompt_field":
            assert getattr(read, name) == getattr(row, name), name
    assert read.output[0] in row.output
    assert set(row.seconds) <= set(read.seconds)


def test_limits_and_options_come_from_the_schema(emulator):
    video = checked(emulator, NEW)[NEW[Kind.VIDEO]]
    assert video.seconds == tuple(range(2, 11))
    assert video.end_image_field == "end_image_url"
    assert video.parsed_options({"generate_audio": "true"}) == {"generate_audio": True}
    with pytest.raises(errors.WrongRequestError, match="does not exist"):
        video.parsed_options({"loudness": "3"})


def test_an_endpoint_of_another_kind_is_rejected(emulator):
    for kind in (Kind.MODEL, Kind.VIDEO):
        with pytest.raises(errors.UnknownEndpointError, match="returns images, seed, but no"):
            checked(emulator, {kind: RELIGHT})
    with pytest.raises(errors.UnknownEndpointError, match="does not accept a picture"):
        endpoint_from(published("fal-ai/flux/schnell"), "fal-ai/flux/schnell", Kind.PHOTO)


def test_an_unknown_required_field_is_rejected():
    strange = published(RELIGHT)
    (name,) = (name for name in strange["components"]["schemas"] if name.endswith("Input"))
    schema = strange["components"]["schemas"][name]
    schema["properties"]["voice_id"] = {"type": "string"}
    schema["required"].append("voice_id")
    with pytest.raises(errors.UnknownEndpointError, match="needs voice_id"):
        endpoint_from(strange, RELIGHT, Kind.PHOTO)
    for broken in ({}, {"paths": []}, {"paths": {f"/{RELIGHT}": None}}):
        with pytest.raises(errors.UnknownEndpointError, match="cannot be read"):
            endpoint_from(broken, RELIGHT, Kind.PHOTO)


def test_a_retired_endpoint_is_found_before_money_is_spent(emulator):
    kontext = {Kind.PHOTO: "fal-ai/flux-kontext/dev"}
    emulator.control(withdrawn=list(kontext.values()))
    with pytest.raises(errors.UnknownEndpointError, match="was withdrawn, or is misspelled") as caught:
        checked(emulator, kontext)
    assert caught.value.exit_code == 1
    warnings: list[str] = []
    emulator.control(withdrawn=[], deprecated=list(kontext.values()))
    checked(emulator, kontext, warnings)
    assert "deprecated" in warnings[0]
    assert emulator.ledger() == []


@pytest.mark.parametrize("endpoint_id", ["relight", "a//b", "../x/y", "a/b?c=d", "a/b/../c", "a/ b", ""])
def test_an_id_never_leads_elsewhere(emulator, endpoint_id):
    with pytest.raises(errors.WrongRequestError, match="not an endpoint id"):
        checked(emulator, {Kind.PHOTO: endpoint_id})


@pytest.mark.parametrize("fault", ["nginx-503", "rate-limited", "malformed-json", "html-answer"])
def test_a_failed_request_is_repeated(emulator, fault):
    emulator.control(faults=[{"name": fault, "at": "models", "count": 2}])
    assert checked(emulator, {Kind.PHOTO: "fal-ai/flux-kontext/dev"})


def test_known_endpoints_do_not_wait_for_the_platform_api():
    warnings: list[str] = []
    with Platform(Service.emulator("http://127.0.0.1:9")) as platform:
        check_endpoints({Kind.PHOTO: "fal-ai/flux-kontext/dev"}, platform, warnings.append)
        assert "still exist" in warnings[0]
        with pytest.raises(errors.NetworkDownError):
            check_endpoints({Kind.PHOTO: RELIGHT}, platform, warnings.append)


def test_without_a_network_the_error_is_one_sentence():
    with (
        Platform(Service.emulator("http://127.0.0.1:9")) as platform,
        pytest.raises(errors.NetworkDownError, match=r"127\.0\.0\.1 cannot be reached") as caught,
    ):
        platform.statuses(["fal-ai/pixal3d"])
    assert "Nothing was spent" in str(caught.value)
