# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults whose bytes look valid and are not: compressed bodies, bombs, and files with wrong indexes."""

import io
import json
import shutil
import struct
import subprocess

import av
import httpx
import pytest
from PIL import Image

from tests.emulator_desk import KLING, KONTEXT, MESHY, fetched, made, product_photo
from tests.fal_emulator.encodings import encoded
from tests.fal_emulator.lies import DEEP, LARGE_BYTES, MANY, MANY_FRAMES, MANY_SCANS

pytestmark = pytest.mark.slow

NOISE = bytes(range(256)) * 700  # More than one block of each coding.


@pytest.fixture
def photo(client) -> str:
    return client.upload(product_photo(), "image/png")


@pytest.mark.parametrize("megabytes", [0, 2])
@pytest.mark.parametrize("coding", ["zstd", "gzip", "deflate"])
def test_a_compressed_body_expands_to_the_right_one_and_zeros(client, emulator, coding, megabytes):
    url = client.upload(NOISE, "application/octet-stream")
    emulator.control(faults=[{"name": "encoded-body", "coding": coding, "megabytes": megabytes}])
    answer = fetched(url, headers={"Accept-Encoding": "identity"})
    assert answer.headers["Content-Encoding"] == coding
    assert answer.content == NOISE + bytes(megabytes << 20)


@pytest.mark.skipif(not shutil.which("node"), reason="needs Node.js, which decompresses brotli")
@pytest.mark.parametrize("data", [b"", NOISE], ids=["empty", "long"])
def test_brotli_can_be_decompressed(data):
    code = "const z = require('zlib'), f = require('fs'); process.stdout.write(z.brotliDecompressSync(f.readFileSync(0)))"
    done = subprocess.run(["node", "-e", code], input=encoded("br", data, 0), capture_output=True, check=True)
    assert done.stdout == data


def test_a_small_zstd_body_is_a_large_bomb():
    assert len(encoded("zstd", b"", 4096)) < 200_000


def test_headers_that_never_end(client, emulator):
    url = client.upload(NOISE, "application/octet-stream")
    emulator.control(faults=[{"name": "slow-headers", "seconds": 0.01, "crumb": 10_000}])
    with pytest.raises(httpx.RemoteProtocolError):  # The client's own limit on the size of headers.
        fetched(url)


def video_bytes(wire, photo: str) -> bytes:
    return fetched(
        made(wire, KLING, start_image_url=photo, prompt="turn", duration="3")["video"]["url"]
    ).content


def boxes(data: bytes) -> list[tuple[bytes, bytes]]:
    found, position = [], 0
    while position < len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        assert length >= 8
        found.append((kind, data[position + 8 : position + length]))
        position += length
    return found


def test_a_box_bomb_is_complete_and_empty(wire, emulator, photo):
    emulator.control(faults=[{"name": "box-bomb", "megabytes": 1}])
    found = boxes(video_bytes(wire, photo))
    assert found[0][0] == b"ftyp"
    assert len(found) == 1 + (1 << 20) // 8


def test_a_noise_video_keeps_its_index_and_shows_nothing(wire, emulator, photo):
    good = video_bytes(wire, photo)
    emulator.control(faults=[{"name": "noise-video"}])
    noise = video_bytes(wire, photo)
    assert len(noise) == len(good)
    assert dict(boxes(noise))[b"moov"] == dict(boxes(good))[b"moov"]
    with av.open(io.BytesIO(good)) as container:
        assert next(container.decode(video=0)).width > 0
    with pytest.raises((av.FFmpegError, StopIteration)), av.open(io.BytesIO(noise)) as container:
        next(container.decode(video=0))


@pytest.mark.parametrize("lie", ["beyond", "no-track", "no-samples", "deep", "large"])
def test_a_lying_video_has_complete_boxes(wire, emulator, photo, lie):
    good = dict(boxes(video_bytes(wire, photo)))
    emulator.control(faults=[{"name": "lying-video", "lie": lie}])
    told = dict(boxes(video_bytes(wire, photo)))
    assert set(told) == set(good)
    assert told[b"mdat"] == good[b"mdat"]
    growth = {"deep": 8 * DEEP, "large": 8 + LARGE_BYTES}.get(lie, 0)
    assert len(told[b"moov"]) == len(good[b"moov"]) + growth
    assert told[b"moov"] != good[b"moov"]


@pytest.mark.parametrize("lie", ["pixels", "pieces", "truncated", "scans", "frames"])
def test_a_lying_picture_looks_like_one(wire, emulator, photo, lie):
    emulator.control(faults=[{"name": "lying-picture", "lie": lie}])
    data = fetched(made(wire, KONTEXT, image_url=photo, prompt="x")["images"][0]["url"]).content
    if lie == "pixels":
        with pytest.raises(Image.DecompressionBombError):
            Image.open(io.BytesIO(data))
    elif lie == "pieces":
        assert data.count(b"prIv") == MANY
    elif lie == "truncated":
        assert data.endswith(b"IEND\xaeB`\x82")
        with pytest.raises(OSError, match="truncated"):
            Image.open(io.BytesIO(data)).load()
    elif lie == "scans":
        assert data.count(b"\xff\xda") > MANY_SCANS
    else:
        assert data.count(b"ANMF") == MANY_FRAMES


@pytest.mark.parametrize("lie", ["empty", "text", "nested", "large", "beyond", "chunks"])
def test_a_lying_model_has_a_right_header(wire, emulator, photo, lie):
    emulator.control(faults=[{"name": "lying-model", "lie": lie}])
    data = fetched(made(wire, MESHY, image_urls=[photo])["model_glb"]["url"]).content
    magic, version, length = struct.unpack_from("<4sII", data)
    assert (magic, version, length) == (b"glTF", 2, len(data))
    announced = int.from_bytes(data[12:16], "little")
    description = data[20 : 20 + announced]
    if lie in ("text", "nested"):
        with pytest.raises((ValueError, RecursionError)):
            json.loads(description)
    elif lie == "beyond":
        assert announced > len(data)
    else:
        assert json.loads(description)["asset"] == {"version": "2.0"}
        assert (announced == LARGE_BYTES) is (lie == "large")
        assert data.count(b"NONE") == (MANY if lie == "chunks" else 0)


def test_other_files_are_left_alone(wire, emulator, photo):
    emulator.control(faults=[{"name": "lying-video"}, {"name": "box-bomb"}, {"name": "lying-model"}])
    url = made(wire, KONTEXT, image_url=photo, prompt="x")["images"][0]["url"]
    assert Image.open(io.BytesIO(fetched(url).content)).size
