# SPDX-License-Identifier: GPL-3.0-or-later
"""Uploads and downloads against the emulator: sent once, with a short lifetime, complete and resumable."""

import asyncio
import io
import json
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import fal_client.client
import httpx
import pytest
from PIL import Image

from photoreal_set.fal_bridge import errors
from photoreal_set.fal_bridge.network import downloads, sdk
from photoreal_set.fal_bridge.network.downloads import Downloads
from photoreal_set.fal_bridge.network.http_clients import download_client
from photoreal_set.fal_bridge.network.sdk import opened_client
from photoreal_set.fal_bridge.network.service import Service
from photoreal_set.fal_bridge.network.uploads import Uploads
from photoreal_set.files.kinds import FileKind
from photoreal_set.files.writing import sha256_of
from tests.patience import FOR_EVER_SECONDS, PATIENCE_SECONDS, until

pytestmark = pytest.mark.slow

DAY = 86400.0


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "front.png"
    path.write_bytes(_png(600))
    return path


def _png(side: int) -> bytes:
    """An incompressible picture of about a megabyte."""
    stream = io.BytesIO()
    noise = random.Random(3).randbytes(3 * side * side)
    Image.frombytes("RGB", (side, side), noise).save(stream, "PNG", compress_level=0)
    return stream.getvalue()


def upload(emulator, picture: Path, *, lifetime: int | None = 86400, folder: str = "uploads") -> str:
    service = Service.emulator(emulator.url)

    async def go() -> str:
        async with opened_client(service) as client:
            uploads = Uploads(service, client, picture.parent / folder, lifetime=lifetime)
            return await uploads.address_of(picture, sha256_of(picture))

    return asyncio.run(go())


def content(url: str) -> bytes:
    return answer(url).content


def answer(url: str) -> httpx.Response:
    return httpx.get(url, trust_env=False, timeout=PATIENCE_SECONDS)


def count(emulator, word: str) -> int:
    return emulator.stats()["routes"].get(word, 0)


# Uploads


def test_an_upload_expires_after_a_day(emulator, picture):
    url = upload(emulator, picture)
    assert content(url) == picture.read_bytes()
    emulator.control(advance=DAY + 60)
    assert answer(url).status_code == 404


def test_an_upload_is_kept_on_request(emulator, picture):
    url = upload(emulator, picture, lifetime=None)
    emulator.control(advance=400 * DAY)
    assert content(url) == picture.read_bytes()
    assert upload(emulator, picture, lifetime=None) == url


def test_an_upload_is_reused_only_until_it_expires(emulator, picture):
    url = upload(emulator, picture)
    assert upload(emulator, picture) == url
    (record,) = (picture.parent / "uploads").iterdir()
    facts = json.loads(record.read_text())
    record.write_text(json.dumps({**facts, "expires_at": time.time() + 60}))
    assert upload(emulator, picture) != url
    assert count(emulator, "upload") == 2


@pytest.mark.parametrize(
    "fault",
    [
        {"name": "server-error", "at": "upload", "count": 1},
        {"name": "bad-key", "at": "upload", "count": 1},
        {"name": "malformed-json", "at": "upload", "count": 1},
        {"name": "server-error", "at": "token"},
        {"name": "clock-skew", "seconds": -3600.0},
        {"name": "clock-skew", "seconds": 3600.0},
    ],
    ids=lambda fault: f"{fault['name']} {fault.get('at', fault.get('seconds'))}",
)
def test_the_second_storage_is_used_when_the_first_fails(emulator, picture, fault):
    if fault["name"] == "clock-skew":  # The token has expired, but not by our clock.
        emulator.control(faults=[fault], token_lifetime=0.0 if fault["seconds"] > 0 else 3600.0)
    else:
        emulator.control(faults=[fault])
    assert content(upload(emulator, picture)) == picture.read_bytes()
    is_dead_token = fault["name"] != "clock-skew" or fault["seconds"] > 0
    assert count(emulator, "initiate") == (1 if is_dead_token else 0)


def set_parts(monkeypatch, *, threshold: int, size: int = 10 << 20) -> None:
    """Upload files above ``threshold`` bytes in parts of ``size`` bytes; fal-client begins at 100 MB."""
    configured_copy = sdk.configured_copy

    def copy(service: Service) -> ModuleType:
        module = configured_copy(service)
        vars(module).update(MULTIPART_THRESHOLD=threshold, MULTIPART_CHUNK_SIZE=size)
        return module

    monkeypatch.setattr(sdk, "configured_copy", copy)


def test_other_users_of_fal_client_and_the_environment_are_unaffected(emulator, picture):
    module, environment = dict(vars(fal_client.client)), dict(os.environ)
    upload(emulator, picture)
    assert vars(fal_client.client) == module
    assert dict(os.environ) == environment


def test_large_files_are_uploaded_in_parts(emulator, picture, monkeypatch):
    set_parts(monkeypatch, threshold=256 << 10, size=100 << 10)
    assert content(upload(emulator, picture)) == picture.read_bytes()
    parts = -(-picture.stat().st_size // (100 << 10))
    assert count(emulator, "upload") == parts + 2  # Plus a start and a completion request.


def test_a_part_that_fails_ends_the_upload_before_anything_is_paid(emulator, picture, monkeypatch):
    set_parts(monkeypatch, threshold=256 << 10)
    emulator.control(faults=[{"name": "server-error", "at": "upload", "nth": [2]}])
    with pytest.raises(errors.UploadFailedError) as caught:
        upload(emulator, picture)
    assert "Nothing was paid" in caught.value.hint
    emulator.control(faults=[])
    assert content(upload(emulator, picture)) == picture.read_bytes()


# Downloads


def fetch(emulator, url: str, target: Path, before: Callable[[], None] = lambda: None) -> bytes:
    service = Service.emulator(emulator.url)

    async def go() -> bytes:
        before()
        async with download_client(service, httpx.create_ssl_context()) as client:
            arrived = await Downloads(service, client, 0.02).fetch(
                url, target, frozenset({FileKind.PNG}), "front photo"
            )
            return arrived.place(target).read_bytes()

    return asyncio.run(go())


def test_a_download_says_how_much_has_arrived(emulator, picture, tmp_path):
    url = upload(emulator, picture)
    service = Service.emulator(emulator.url)
    told = []

    async def go() -> None:
        async with download_client(service, httpx.create_ssl_context()) as client:
            fetching = Downloads(service, client, 0.02).fetch
            target = tmp_path / "told"
            await fetching(
                url, target, frozenset({FileKind.PNG}), "front photo", lambda *bytes_: told.append(bytes_)
            )

    asyncio.run(go())
    size = picture.stat().st_size
    assert told
    assert all(0 < arrived <= total == size for arrived, total in told)


def child_that_fetches(emulator, url: str, target: Path) -> int:
    """A forked process that downloads; the caller kills it."""
    process = os.fork()
    if process == 0:
        try:
            downloads.SAFE_BYTES = 64 << 10
            fetch(emulator, url, target)
        finally:
            os._exit(0)
    return process


def stands_still_between_notes(process: int, folder: Path) -> bool:
    """Stop the child while it writes no note, so that no partial note is left."""
    os.kill(process, signal.SIGSTOP)
    os.waitpid(process, os.WUNTRACED)
    if not list(folder.glob("..front.*")):
        return True
    os.kill(process, signal.SIGCONT)
    return False


@pytest.mark.skipif(os.name == "nt", reason="needs fork and SIGKILL")
def test_a_download_resumes_where_a_killed_process_stopped(emulator, picture, tmp_path):
    url = upload(emulator, picture)
    target = tmp_path / "photos" / "front"
    stops = {"name": "slow-loris", "at": "download", "seconds": FOR_EVER_SECONDS, "crumb": 256 << 10}
    emulator.control(faults=[{**stops, "count": 1}])
    process = child_that_fetches(emulator, url, target)
    until(lambda: list(target.parent.glob(".front.*.part.json")))
    until(lambda: stands_still_between_notes(process, target.parent))
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    assert fetch(emulator, url, target) == picture.read_bytes()
    assert "download 206" in emulator.stats()["answers"]
    assert not [path for path in target.parent.iterdir() if ".part" in path.name]


@pytest.mark.skipif(os.name == "nt", reason="needs fork and SIGKILL")
@pytest.mark.parametrize("harm", ["other file", "no note", "part is gone", "owner lives"])
def test_an_untrusted_part_is_not_used(emulator, picture, tmp_path, harm):
    url = upload(emulator, picture)
    target = tmp_path / "photos" / "front"
    target.parent.mkdir()
    part = target.parent / ".front.0123456789ab.part"
    part.write_bytes(bytes(100_000))
    note = {
        "url": url if harm != "other file" else f"{url}x",
        "total": picture.stat().st_size,
        "validator": "",
        "safe_bytes": 100_000,
        **downloads.this_process(),
    }
    if harm != "owner lives":
        process = os.fork()
        if process == 0:
            os._exit(0)
        os.waitpid(process, 0)
        note["process"] = process
    if harm != "no note":
        part.with_name(f"{part.name}.json").write_text(json.dumps(note))
    if harm == "part is gone":
        part.unlink()
    assert fetch(emulator, url, target) == picture.read_bytes()
    assert "download 206" not in emulator.stats()["answers"]


def test_a_file_that_was_replaced_meanwhile_is_downloaded_completely(emulator, picture, tmp_path):
    url = upload(emulator, picture)
    target = tmp_path / "photos" / "front"
    target.parent.mkdir()
    process = os.fork()
    if process == 0:
        os._exit(0)
    os.waitpid(process, 0)
    part = target.parent / ".front.0123456789ab.part"
    part.write_bytes(bytes(100_000))
    note = {"url": url, "total": picture.stat().st_size, "validator": '"older"', "safe_bytes": 100_000}
    part.with_name(f"{part.name}.json").write_text(
        json.dumps({**note, **downloads.this_process(), "process": process})
    )
    assert fetch(emulator, url, target) == picture.read_bytes()


@pytest.mark.parametrize("ahead", [-7 * DAY, 7 * DAY], ids=["behind", "ahead"])
def test_a_clock_that_differs_from_the_file_system_breaks_no_download(
    emulator, picture, tmp_path, monkeypatch, ahead
):
    url = upload(emulator, picture)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + ahead)
    assert fetch(emulator, url, tmp_path / "photos" / "front") == picture.read_bytes()


def test_a_trickling_download_is_requested_again(emulator, picture, tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "SLOW_SECONDS", 0.3)
    monkeypatch.setattr(downloads, "MIN_BYTES", 2_000)  # One byte per 0.05 s is slower, on any machine.
    url = upload(emulator, picture)
    emulator.control(
        faults=[{"name": "slow-loris", "at": "download", "seconds": 0.05, "crumb": 100, "count": 2}]
    )
    began = time.monotonic()
    assert fetch(emulator, url, tmp_path / "front-again") == picture.read_bytes()
    whole_trickle = picture.stat().st_size / 100 * 0.05
    assert time.monotonic() - began < whole_trickle / 2


def test_a_download_that_always_trickles_is_given_up(emulator, picture, tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "SLOW_SECONDS", 0.2)
    url = upload(emulator, picture)
    emulator.control(faults=[{"name": "slow-loris", "at": "download", "seconds": 0.05, "crumb": 100}])
    with pytest.raises(errors.DownloadFailedError, match="too slow") as caught:
        fetch(emulator, url, tmp_path / "front-again")
    assert "free of charge" in caught.value.hint
    assert not [path for path in tmp_path.iterdir() if ".part" in path.name]
