# SPDX-License-Identifier: GPL-3.0-or-later
"""Independent libraries can read the emulator's files."""

import io
import json
import struct
from typing import Any

import av
import jsonschema
import numpy as np
import pytest
from PIL import Image

from tests.emulator_desk import (
    KLING,
    KONTEXT,
    MESHY,
    SCHNELL,
    fetched,
    finished,
    made,
    picture,
    product_photo,
    submit,
)
from tests.fal_emulator.pictures import relit
from tests.fal_emulator.prices import Measure, published, units
from tests.fal_emulator.schemas import TYPES, Endpoint, all_endpoints

pytestmark = pytest.mark.slow


def glb_document(data: bytes) -> tuple[dict[str, Any], bytes]:
    magic, version, length = struct.unpack_from("<4sII", data)
    assert (magic, version, length) == (b"glTF", 2, len(data))
    text_length, text_kind = struct.unpack_from("<I4s", data, 12)
    assert text_kind == b"JSON"
    rest = data[20 + text_length :]
    binary_length, binary_kind = struct.unpack_from("<I4s", rest)
    assert binary_kind == b"BIN\0"
    assert len(rest) == 8 + binary_length
    return json.loads(data[20 : 20 + text_length]), rest[8:]


def test_a_model_is_a_closed_textured_glb(client, wire):
    url = client.upload(product_photo(), "image/png")
    result = made(wire, MESHY, image_urls=[url, url], enable_pbr=True)
    assert result["model_glb"]["url"] == result["model_urls"]["glb"]["url"]
    data = fetched(result["model_glb"]["url"]).content
    assert len(data) == result["model_glb"]["file_size"]
    document, binary = glb_document(data)
    primitive = document["meshes"][0]["primitives"][0]

    def values(number: int, kind: str, width: int) -> np.ndarray:
        accessor = document["accessors"][number]
        view = document["bufferViews"][accessor["bufferView"]]
        found = np.frombuffer(binary[view["byteOffset"] :][: view["byteLength"]], kind).reshape(-1, width)
        assert found.size == accessor["count"] * {"SCALAR": 1, "VEC2": 2, "VEC3": 3}[accessor["type"]]
        return found

    positions = values(primitive["attributes"]["POSITION"], "<f4", 3)
    normals = values(primitive["attributes"]["NORMAL"], "<f4", 3)
    corners = values(primitive["indices"], "<u4", 3)
    assert 5000 <= len(corners) <= 20000
    assert np.allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-4)
    assert positions[:, 1].min() == pytest.approx(0, abs=1e-6)
    assert positions[:, 1].max() == pytest.approx(0.24, abs=1e-3)
    first, second, third = (positions[corners[:, index]].astype(np.float64) for index in range(3))
    volume = np.einsum("ij,ij->i", first, np.cross(second, third)).sum() / 6
    assert volume > 0, "the faces look inwards"
    faces = np.cross(second - first, third - first)
    assert (np.einsum("ij,ij->i", faces, normals[corners[:, 0]]) > 0).mean() > 0.99
    material = document["materials"][0]
    assert {"baseColorTexture", "metallicRoughnessTexture"} <= set(material["pbrMetallicRoughness"])
    for image in document["images"]:
        view = document["bufferViews"][image["bufferView"]]
        Image.open(io.BytesIO(binary[view["byteOffset"] :][: view["byteLength"]])).load()
    assert picture(result["thumbnail"]["url"]).size == (512, 512)


def test_pixal_gives_a_model_and_a_seed(client, wire):
    result = made(wire, "fal-ai/pixal3d", image_url=client.upload(product_photo(), "image/png"), seed=7)
    assert set(result) == {"model_glb", "seed"}
    assert result["seed"] == 7


def test_a_photo_is_the_uploaded_picture_in_other_light(client, wire):
    source = product_photo(250)
    url = client.upload(source, "image/png")
    inputs = {"image_url": url, "prompt": "studio", "output_format": "png", "seed": 3}
    result = made(wire, KONTEXT, **inputs)
    image = picture(result["images"][0]["url"])
    assert image.size == (256, 256)
    assert (result["images"][0]["width"], result["images"][0]["content_type"]) == (256, "image/png")
    before = np.asarray(Image.open(io.BytesIO(source)).resize((256, 256), Image.Resampling.LANCZOS), int)
    after = np.asarray(image, int)
    assert (after[:40] == 255).all(), "the white background stays white"
    assert np.abs(after - before)[100:150, 100:150].mean() > 4, "the light is different"
    assert np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.98, "the shapes are unchanged"
    again = made(wire, KONTEXT, **inputs)
    assert fetched(again["images"][0]["url"]).content == fetched(result["images"][0]["url"]).content


@pytest.mark.parametrize("seed", range(0, 360, 45))
def test_the_ground_of_a_close_up_is_unchanged(seed: int):
    """The product fills the corners on the left, with noise and a gradient, as in a render with few samples."""
    noise = np.random.default_rng(1).integers(0, 12, (96, 96, 3))
    pixels = (np.array([190, 25, 30]) + noise + np.linspace(0, 12, 96)[:, None, None]).astype(np.uint8)
    pixels[:, 70:] = 255
    after = np.asarray(relit(Image.fromarray(pixels), (96, 96), seed))
    assert (after[:, 70:] == 255).all()
    assert np.abs(after[:, :70].astype(float) - pixels[:, :70]).mean() > 4, "the light is different"


@pytest.mark.parametrize("length, sound", [("3", False), ("3", True)])
def test_a_video_plays_and_returns(client, wire, length, sound):
    url = client.upload(product_photo(128), "image/png")
    inputs = {"start_image_url": url, "end_image_url": url, "prompt": "turn"}
    result = made(wire, KLING, duration=length, generate_audio=sound, **inputs)
    data = fetched(result["video"]["url"]).content
    with av.open(io.BytesIO(data)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert stream.average_rate == 24
        assert bool(container.streams.audio) is sound
        frames = [frame.to_ndarray(format="rgb24").astype(int) for frame in container.decode(stream)]
    assert len(frames) == 72
    assert np.abs(frames[0] - frames[-1]).mean() < 2
    assert np.abs(frames[0] - frames[36]).mean() > 2


def test_the_other_kinds_of_picture(client, wire):
    url = client.upload(product_photo(), "image/png")
    enlarged = made(wire, "fal-ai/seedvr/upscale/image", image_url=url, upscale_factor=3, output_format="png")
    assert picture(enlarged["image"]["url"]).size == (768, 768)
    cut = picture(made(wire, "fal-ai/bria/background/remove", image_url=url)["image"]["url"])
    assert cut.getpixel((2, 2))[3] == 0
    assert cut.getpixel((128, 128))[3] == 255
    drawn = made(wire, "fal-ai/flux-pro/v1.1", prompt="a green jar", image_size={"width": 320, "height": 256})
    assert picture(drawn["images"][0]["url"]).size == (320, 256)
    assert drawn["images"][0]["content_type"] == "image/jpeg"
    inline = made(wire, SCHNELL, prompt="jar", image_size="square", sync_mode=True)
    assert inline["images"][0]["url"].startswith("data:image/")


def smallest_input(endpoint: Endpoint, url: str) -> dict[str, Any]:
    """Values for the required fields only."""
    found: dict[str, Any] = {}
    for name in endpoint.data["input"]["required"]:
        schema = endpoint.properties[name]
        value = url if name.endswith(("_url", "_urls")) else "a jar of honey"
        found[name] = [value] * schema.get("minItems", 1) if schema["type"] == "array" else value
    for rule in endpoint.data.get("rules", []):
        if rule["rule"] == "exactly-one":
            found.setdefault(rule["fields"][0], "a jar of honey")
        if rule["rule"] == "any-of":
            found.setdefault(rule["fields"][0], [url])
    return found


def test_every_endpoint_answers_in_the_shape_of_its_schema(client, wire):
    url = client.upload(product_photo(128), "image/png")
    endpoints = [found for found in all_endpoints().values() if found.kind != "video"]  # Videos take seconds.
    endpoints.append(all_endpoints()["emulator/film-2/image-to-video"])
    jobs = [submit(wire, endpoint.id, **smallest_input(endpoint, url)) for endpoint in endpoints]
    for endpoint, job in zip(endpoints, jobs, strict=True):
        answer = finished(wire, job)
        assert answer.status_code == 200, endpoint.id
        jsonschema.validate(answer.json(), {**endpoint.data["output"], "types": TYPES})
        assert float(answer.headers["X-Fal-Billable-Units"]) > 0


@pytest.mark.parametrize(
    "endpoint, inputs, measure, price",
    [
        (KLING, {}, Measure(seconds=5), 0.84),
        (KLING, {"generate_audio": False}, Measure(seconds=5), 0.56),
        (MESHY, {}, Measure(), 1.2),
        (MESHY, {"should_texture": False}, Measure(), 0.8),
        ("meshy/v7/image-to-3d", {"enable_rigging": True, "enable_animation": True}, Measure(), 1.52),
        (KONTEXT, {}, Measure(output_pixels=1024 * 1024), 0.025),
        (KONTEXT, {}, Measure(output_pixels=1920 * 1080), 0.05),
        ("fal-ai/flux-2-pro/edit", {}, Measure(output_pixels=1 << 20, input_megapixels=1), 0.045),
        ("fal-ai/topaz/upscale/image", {}, Measure(output_pixels=30_000_000), 0.16),
        ("topaz/upscale/image/precision", {}, Measure(output_pixels=30_000_000), 0.16),
        ("fal-ai/veo3.1", {"resolution": "4k"}, Measure(seconds=8), 4.8),
    ],
)
def test_units_times_unit_price_is_the_price(endpoint, inputs, measure, price):
    found = all_endpoints()[endpoint]
    unit_price = published(found)["unit_price"]
    assert units(found, found.completed(inputs), measure) * unit_price == pytest.approx(price)
