# SPDX-License-Identifier: GPL-3.0-or-later
"""A result of the wrong type is not accepted: it stays paid, is not sent again, and delays no other job."""

import asyncio
import io
import struct
import threading
from pathlib import Path

import httpx
import pytest
from PIL import Image

from photoreal_set.fal_bridge import errors
from photoreal_set.fal_bridge.endpoints.choosing import DEFAULT_VIDEO_ENDPOINT, default_model_endpoint
from photoreal_set.fal_bridge.jobs import Generation, Kind
from photoreal_set.fal_bridge.network.downloads import Downloads
from photoreal_set.fal_bridge.network.http_clients import download_client
from photoreal_set.fal_bridge.network.result_checks import judge
from photoreal_set.fal_bridge.network.sdk import opened_client
from photoreal_set.fal_bridge.network.service import Service
from photoreal_set.files.kinds import FileKind
from tests.patience import PATIENCE_SECONDS
from tests.unit.test_mp4 import video_bytes

pytestmark = pytest.mark.slow

FAULTS = {
    Kind.VIDEO: [
        ({"name": "box-bomb", "megabytes": 1}, "more than 16384 boxes"),
        ({"name": "noise-video"}, "none of its frames can be decoded"),
        ({"name": "lying-video", "lie": "beyond"}, "after the end"),
        ({"name": "lying-video", "lie": "no-track"}, "no video track"),
        ({"name": "lying-video", "lie": "no-samples"}, "no frames"),
        ({"name": "lying-video", "lie": "deep"}, "nested more than"),
        ({"name": "lying-video", "lie": "large"}, "index is larger than"),
    ],
    Kind.PHOTO: [
        ({"name": "lying-picture", "lie": "pixels"}, "too many pixels"),
        ({"name": "lying-picture", "lie": "pieces"}, "more than 262144 chunks"),
        ({"name": "lying-picture", "lie": "truncated"}, "cannot be decoded"),
        ({"name": "lying-picture", "lie": "scans"}, "more than 200 scans"),
        ({"name": "lying-picture", "lie": "frames"}, "more than 4096 frames"),
        ({"name": "corrupt-output"}, ""),
    ],
    Kind.MODEL: [
        ({"name": "lying-model", "lie": "text"}, "not valid JSON"),
        ({"name": "lying-model", "lie": "nested"}, "not valid JSON"),
        ({"name": "lying-model", "lie": "large"}, "JSON chunk is larger than"),
        ({"name": "lying-model", "lie": "beyond"}, "cut off"),
        ({"name": "lying-model", "lie": "chunks"}, "more than 64 chunks"),
        ({"name": "corrupt-output"}, "damaged"),
    ],
}


def generation(desk, kind: Kind) -> Generation:
    if kind is Kind.VIDEO:
        return desk.photo(kind=kind, endpoint=DEFAULT_VIDEO_ENDPOINT, label="film")
    if kind is Kind.MODEL:
        return desk.photo(kind=kind, endpoint=default_model_endpoint(0), label="model", images=())
    return desk.photo()


@pytest.mark.parametrize(
    ("kind", "fault", "expected"),
    [(kind, *row) for kind, rows in FAULTS.items() for row in rows],
    ids=lambda value: " ".join(map(str, value.values())) if isinstance(value, dict) else None,
)
def test_a_result_of_another_type_is_rejected(desk, kind, fault, expected):
    wanted = generation(desk, kind)
    desk.emulator.control(faults=[{**fault, "count": 1}])
    for _run in range(2):
        error = desk.failure(wanted)
        assert isinstance(error, errors.DownloadFailedError)
        assert expected in error.message
        assert error.message.startswith(
            {Kind.PHOTO: "front photo: ", Kind.VIDEO: "video: ", Kind.MODEL: "model: "}[kind]
        )
        assert "Resume soon, free of charge." in error.hint
        assert "redo it" in error.hint
    assert len(desk.emulator.ledger()) == 1, "it is paid once"
    assert len(list(desk.journal.glob("*/answer.1.json"))) == 1
    assert not list(desk.journal.glob("*/done.json"))
    assert [path.name for path in (desk.folder / "photos").iterdir()] == []


@pytest.mark.parametrize("kind", FAULTS)
def test_a_good_result_is_accepted(desk, kind):
    assert desk.made(generation(desk, kind)).path.is_file()


def glb(*chunks: bytes, version: int = 2, announced: int | None = None) -> bytes:
    body = b"".join(chunks)
    length = 12 + len(body) if announced is None else announced
    return struct.pack("<4sII", b"glTF", version, length) + body


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack("<I4s", len(content), kind) + content


DESCRIPTION = chunk(b"JSON", b'{"asset":{}} ')
BINARY = chunk(b"BIN\0", bytes(100))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (glb(DESCRIPTION), ""),
        (glb(DESCRIPTION, BINARY), ""),
        (glb(DESCRIPTION, BINARY) + b"trailing", ""),
        (glb(DESCRIPTION, BINARY, chunk(b"EXT1", b"")), ""),
        (glb(DESCRIPTION, version=1), "glTF version is 1, not 2"),
        (glb(BINARY, DESCRIPTION), "does not begin with its JSON chunk"),
        (glb(chunk(b"JSON", b"[1, 2]")), "is not an object"),
        (glb(chunk(b"JSON", b"\xff\xfe{}")), "not valid JSON"),
        (glb(), "empty"),
        (glb(DESCRIPTION, BINARY[:-1]), "cut off"),
    ],
)
def test_a_model_is_read_up_to_its_json_chunk(tmp_path, data, expected):
    path = tmp_path / "model"
    path.write_bytes(data)
    if expected:
        with pytest.raises(errors.DownloadFailedError, match=expected):
            judge(path, "model", lambda _path: "")
    else:
        assert judge(path, "model", lambda _path: "") == (FileKind.GLB, False)


@pytest.mark.parametrize(
    ("mode", "colour", "is_black"),
    [
        ("RGB", (8, 0, 3), True),
        ("RGB", (0, 9, 0), False),
        ("RGBA", (0, 0, 0, 255), True),
        ("RGBA", (0, 0, 30, 255), False),
        ("L", 8, True),
        ("L", 200, False),
        ("P", 0, True),
        ("LA", (0, 255), True),
    ],
)
def test_a_black_picture_is_detected(tmp_path, mode, colour, is_black):
    path = tmp_path / "picture"
    Image.new(mode, (20, 20), colour).save(path, "PNG")
    assert judge(path, "photo", lambda _path: "") == (FileKind.PNG, is_black)


def test_a_slow_check_does_not_delay_other_downloads(emulator, tmp_path):
    """The video is checked while the picture is downloaded in the same event loop."""
    service = Service.emulator(emulator.url)
    has_come = threading.Event()

    def look(_path: Path) -> str:
        return "" if has_come.wait(PATIENCE_SECONDS) else "the picture did not come meanwhile"

    picture_file = io.BytesIO()
    Image.effect_noise((64, 64), 80).save(picture_file, "PNG")

    async def go() -> list[FileKind]:
        async with opened_client(service) as client:
            urls = [
                await client.upload(picture_file.getvalue(), "image/png", "picture.png"),
                await client.upload(video_bytes(), "video/mp4", "film.mp4"),
            ]
        async with download_client(service, httpx.create_ssl_context()) as client:
            downloads = Downloads(service, client, 0.02, check_video=look)

            async def picture() -> FileKind:
                arrived = await downloads.fetch(urls[0], tmp_path / "a", frozenset(FileKind), "picture")
                has_come.set()
                return arrived.kind

            async def video() -> FileKind:
                return (await downloads.fetch(urls[1], tmp_path / "b", frozenset(FileKind), "film")).kind

            return list(await asyncio.gather(video(), picture()))

    assert asyncio.run(go()) == [FileKind.MP4, FileKind.PNG]
