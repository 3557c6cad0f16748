# SPDX-License-Identifier: GPL-3.0-or-later
"""Responses are never decompressed, and every wait has a limit."""

import asyncio
from pathlib import Path

import pytest
from PIL import Image

from photoreal_set.fal_bridge import errors
from photoreal_set.fal_bridge.endpoints.choosing import DEFAULT_PHOTO_ENDPOINT
from photoreal_set.fal_bridge.network import downloads, picture_addresses
from photoreal_set.fal_bridge.network.picture_addresses import fetch_picture
from photoreal_set.fal_bridge.network.platform_api import Platform
from photoreal_set.fal_bridge.network.sdk import opened_client
from photoreal_set.fal_bridge.network.service import Service
from photoreal_set.fal_bridge.network.uploads import Uploads
from photoreal_set.files.writing import sha256_of

pytestmark = pytest.mark.slow

CODINGS = ("zstd", "gzip", "deflate", "br")
COMPRESSED = {"name": "encoded-body", "megabytes": 0}  # Decompressed, it would be the right answer.
ENDLESS = [
    pytest.param({"name": "slow-loris", "seconds": 0.05, "crumb": 1}, id="body in crumbs"),
    pytest.param({"name": "slow-headers", "seconds": 0.05}, id="headers in crumbs"),
]


@pytest.fixture
def service(emulator) -> Service:
    return Service.emulator(emulator.url)


@pytest.fixture
def photo(tmp_path) -> Path:
    path = tmp_path / "photo.png"
    Image.effect_noise((300, 300), 80).convert("RGB").save(path)
    return path


def uploaded(service: Service, photo: Path) -> str:
    async def go() -> str:
        async with opened_client(service) as client:
            return await Uploads(service, client, photo.parent / "uploads").address_of(
                photo, sha256_of(photo)
            )

    return asyncio.run(go())


def questions(platform: Platform) -> dict:
    return {
        "prices": lambda: platform.unit_prices([DEFAULT_PHOTO_ENDPOINT]),
        "models": lambda: platform.statuses([DEFAULT_PHOTO_ENDPOINT]),
        "openapi": lambda: platform.document(DEFAULT_PHOTO_ENDPOINT),
    }


# --- compressed bodies ---------------------------------------------------------------------------


@pytest.mark.parametrize("coding", CODINGS)
def test_a_compressed_result_is_requested_again_and_then_given_up(desk, coding):
    desk.fault(**COMPRESSED, coding=coding, at="download", endpoint="fal-ai/*")
    error = desk.failure()
    assert isinstance(error, errors.DownloadFailedError)
    assert f"compressed ({coding}), which was not requested" in error.message
    assert "Resume" in error.hint and "redo it" in error.hint
    desk.fault(**COMPRESSED, coding=coding, at="download", endpoint="fal-ai/*", count=2)
    with Image.open(desk.made().path) as picture:
        picture.load()
    assert len(desk.emulator.ledger()) == 1


def test_a_compressed_remainder_is_not_appended(desk):
    """An interrupted download is resumed, and the remainder is compressed."""
    short = {"name": "short-body", "endpoint": "fal-ai/*", "count": 1}
    desk.emulator.control(
        faults=[short, {**COMPRESSED, "coding": "gzip", "at": "download", "endpoint": "fal-ai/*", "count": 1}]
    )
    with Image.open(desk.made().path) as picture:
        picture.load()
    assert len(desk.emulator.ledger()) == 1


@pytest.mark.parametrize("at", ["status", "result"])
@pytest.mark.parametrize("coding", CODINGS)
def test_a_compressed_answer_is_ignored(desk, coding, at):
    desk.fault(**COMPRESSED, coding=coding, at=at)
    error = desk.failure(patience=0.4)
    assert isinstance(error, errors.NetworkDownError)
    assert f"compressed ({coding})" in error.message
    desk.emulator.control(faults=[])
    assert desk.made().path.is_file()
    assert len(desk.emulator.ledger()) == 1


@pytest.mark.parametrize("coding", CODINGS)
def test_a_paid_request_with_a_compressed_answer_is_searched_for(desk, coding):
    desk.fault(**COMPRESSED, coding=coding, at="submit")
    assert desk.made().path.is_file()
    assert len(desk.emulator.ledger()) == 1


def test_a_compressed_request_list_decides_nothing(desk):
    desk.emulator.control(
        faults=[{"name": "drop-submit-answer"}, {**COMPRESSED, "coding": "zstd", "at": "requests"}]
    )
    desk.failure(lookup=0.3, patience=0.4)
    desk.emulator.control(faults=[])
    assert desk.made().path.is_file()
    assert len(desk.emulator.ledger()) == 1


@pytest.mark.parametrize("at", ["prices", "models", "openapi"])
@pytest.mark.parametrize("coding", CODINGS)
def test_a_compressed_platform_answer_is_not_read(emulator, service, monkeypatch, coding, at):
    monkeypatch.setattr("photoreal_set.fal_bridge.network.platform_api.EMULATOR_PATIENCE_SECONDS", 0.1)
    emulator.control(faults=[{**COMPRESSED, "coding": coding, "at": at}])
    with Platform(service) as platform:
        with pytest.raises(errors.NetworkDownError, match=rf"compressed \({coding}\)"):
            questions(platform)[at]()
        emulator.control(faults=[])
        assert questions(platform)[at]()


@pytest.mark.parametrize("coding", CODINGS)
def test_a_compressed_source_photo_is_rejected(emulator, service, photo, tmp_path, coding):
    url = uploaded(service, photo)
    emulator.control(faults=[{**COMPRESSED, "coding": coding, "at": "download"}])
    with pytest.raises(errors.WrongRequestError, match=rf"compressed \({coding}\)"):
        fetch_picture(url, tmp_path / "source", service)
    emulator.control(faults=[])
    assert fetch_picture(url, tmp_path / "source", service).read_bytes() == photo.read_bytes()


@pytest.mark.parametrize("at", ["token", "upload"])
@pytest.mark.parametrize("coding", CODINGS)
def test_an_upload_with_a_compressed_answer_is_repeated_or_uses_another_storage(
    emulator, service, photo, tmp_path, coding, at
):
    emulator.control(faults=[{**COMPRESSED, "coding": coding, "at": at, "count": 1}])
    url = uploaded(service, photo)
    routes = emulator.stats()["routes"]
    assert routes["upload"] == 2 if at == "upload" else routes["initiate"] == 1, "the answer was not read"
    emulator.control(faults=[])
    assert fetch_picture(url, tmp_path / "source", service).read_bytes() == photo.read_bytes()


# --- endless responses --------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ENDLESS)
@pytest.mark.parametrize("at", ["prices", "models", "openapi"])
def test_a_platform_request_times_out(emulator, service, monkeypatch, at, fault):
    monkeypatch.setattr("photoreal_set.fal_bridge.network.platform_api.WHOLE_ANSWER_SECONDS", 0.3)
    monkeypatch.setattr("photoreal_set.fal_bridge.network.platform_api.EMULATOR_PATIENCE_SECONDS", 0.1)
    emulator.control(faults=[{**fault, "at": at}])
    with Platform(service) as platform, pytest.raises(errors.NetworkDownError, match="TimeoutError"):
        questions(platform)[at]()


@pytest.mark.parametrize("fault", ENDLESS)
def test_a_source_photo_download_times_out(emulator, service, photo, tmp_path, monkeypatch, fault):
    monkeypatch.setattr(picture_addresses, "WHOLE_PHOTO_SECONDS", 0.5)
    url = uploaded(service, photo)
    emulator.control(faults=[{**fault, "at": "download"}])
    with pytest.raises(errors.NetworkDownError, match="did not send the whole picture"):
        fetch_picture(url, tmp_path / "source", service)
    assert not (tmp_path / "source").exists()


def test_an_oversized_source_photo_is_rejected(emulator, service, photo, tmp_path, monkeypatch):
    monkeypatch.setattr(picture_addresses, "MAX_PHOTO_BYTES", 1 << 10)
    with pytest.raises(errors.WrongRequestError, match="larger than"):
        fetch_picture(uploaded(service, photo), tmp_path / "source", service)


def test_a_result_with_endless_headers_is_requested_again(desk, monkeypatch):
    monkeypatch.setattr(downloads, "HEADERS_SECONDS", 0.3)
    desk.fault("slow-headers", seconds=0.05, endpoint="fal-ai/*", count=1)
    assert desk.made().path.is_file()
    desk.fault("slow-headers", seconds=0.05, endpoint="fal-ai/*")
    error = desk.failure(desk.photo(seed=2))
    assert isinstance(error, errors.DownloadFailedError)
    assert "no response within" in error.message


def test_all_attempts_of_a_download_share_its_time_limit_and_keep_received_data(desk, monkeypatch):
    """Each attempt receives data, so each makes progress."""
    monkeypatch.setattr(downloads, "WHOLE_FILE_SECONDS", 5.0)
    desk.fault("short-body", endpoint="fal-ai/*")
    monkeypatch.setattr(downloads, "FRUITLESS_TRIES", 1_000_000)
    error = desk.failure()
    assert isinstance(error, errors.DownloadFailedError)
    assert "did not finish within" in error.message
    (note,) = (desk.folder / "photos").glob(".front.*.part.json")
    assert note.with_suffix("").stat().st_size > 0
    assert len(desk.emulator.ledger()) == 1
