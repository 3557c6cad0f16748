# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator is held to the wire by the official client, and its files by independent readers."""

import io
import json
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import av
import fal_client
import fal_client.client
import httpx
import jsonschema
import numpy as np
import pytest
from PIL import Image

from tests.fal_emulator.faults import KINDS, parse_fault
from tests.fal_emulator.prices import Measure, published, units
from tests.fal_emulator.process import FAST, ROOT, RunningEmulator, running_emulator
from tests.fal_emulator.schemas import TYPES, Endpoint, all_endpoints
from tests.fal_emulator.signatures import SigningKey
from tests.fal_emulator.wire import WAYS
from tests.patience import FOR_EVER_SECONDS, PATIENCE_SECONDS, until

KEY = "emulator:emulator"
AUTH = {"Authorization": f"Key {KEY}"}
KONTEXT = "fal-ai/flux-kontext/dev"
SCHNELL = "fal-ai/flux/schnell"
KLING = "fal-ai/kling-video/v3/pro/image-to-video"
MESHY = "fal-ai/meshy/v6/multi-image-to-3d"
PLAINLY: dict[str, Any] = {"trust_env": False, "timeout": PATIENCE_SECONDS}


@pytest.fixture(scope="module")
def shared_emulator() -> Iterator[RunningEmulator]:
    with running_emulator(delays=FAST) as emulator:
        yield emulator


@pytest.fixture
def emulator(shared_emulator: RunningEmulator) -> RunningEmulator:
    shared_emulator.control(reset=True)
    return shared_emulator


@pytest.fixture
def client(emulator: RunningEmulator, monkeypatch: pytest.MonkeyPatch) -> fal_client.SyncClient:
    module = fal_client.client
    monkeypatch.setattr(module, "QUEUE_URL_FORMAT", f"{emulator.url}/queue/")
    monkeypatch.setattr(module, "RUN_URL_FORMAT", f"{emulator.url}/run/")
    monkeypatch.setattr(module, "REST_URL", f"{emulator.url}/rest")
    monkeypatch.setattr(module, "CDN_URL", f"{emulator.url}/cdn")
    return fal_client.SyncClient(key=KEY)


@pytest.fixture
def wire(emulator: RunningEmulator) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=emulator.url, headers=AUTH, **PLAINLY) as plain:
        yield plain


def product_photo(side: int = 256) -> bytes:
    """A red box on pure white."""
    pixels = np.full((side, side, 3), 255, np.uint8)
    third = side // 3
    pixels[third : 2 * third, third : 2 * third] = (180, 40, 30)
    with io.BytesIO() as stream:
        Image.fromarray(pixels).save(stream, "PNG")
        return stream.getvalue()


def fetched(url: str, **options: Any) -> httpx.Response:
    return httpx.get(url, **PLAINLY, **options)


def picture(url: str) -> Image.Image:
    image = Image.open(io.BytesIO(fetched(url).raise_for_status().content))
    image.load()
    return image


def submit(wire: httpx.Client, endpoint: str, **inputs: Any) -> dict[str, Any]:
    return wire.post(f"/queue/{endpoint}", json=inputs).raise_for_status().json()


def finished(wire: httpx.Client, job: dict[str, Any]) -> httpx.Response:
    """The result of a job, once its status says COMPLETED."""
    until(lambda: wire.get(job["status_url"]).json()["status"] == "COMPLETED", "the job does not finish")
    return wire.get(job["response_url"])


def made(wire: httpx.Client, endpoint: str, **inputs: Any) -> dict[str, Any]:
    return finished(wire, submit(wire, endpoint, **inputs)).raise_for_status().json()


# The official client.


def test_the_official_client_uploads_submits_follows_and_fetches(client, emulator):
    emulator.control(delays={"queue": 60.0, "photo": FOR_EVER_SECONDS})
    url = client.upload(product_photo(), "image/png", file_name="box.png")
    handle = client.submit(KONTEXT, {"image_url": url, "prompt": "studio light", "output_format": "png"})
    events = []
    for event in handle.iter_events(with_logs=True, interval=0.01):
        events.append(event)  # The clock moves only when a state has been seen.
        emulator.control(advance=20.0 if isinstance(event, fal_client.Queued) else FOR_EVER_SECONDS)
    kinds = list(dict.fromkeys(type(event) for event in events))
    assert kinds == [fal_client.Queued, fal_client.InProgress, fal_client.Completed]
    positions = [event.position for event in events if isinstance(event, fal_client.Queued)]
    assert positions == sorted(positions, reverse=True)
    assert positions[0] > positions[-1]
    assert events[-1].logs[-1]["message"] == "task 100%"
    assert events[-1].metrics["inference_time"] >= FOR_EVER_SECONDS
    result = handle.get(interval=0.01)
    assert picture(result["images"][0]["url"]).size == (256, 256)
    assert result["has_nsfw_concepts"] == [False]
    assert client.result(KONTEXT, handle.request_id) == result
    (entry,) = emulator.ledger()
    assert entry["request_id"] == handle.request_id
    assert (entry["endpoint"], entry["state"], entry["units"]) == (KONTEXT, "COMPLETED", 1)
    assert entry["input"]["prompt"] == "studio light"
    assert entry["unknown_fields"] == []


def test_subscribe_and_run_work_too(client):
    assert client.subscribe(SCHNELL, {"prompt": "jar", "image_size": "square"}, interval=0.01)["images"]
    assert client.run(SCHNELL, {"prompt": "jar", "image_size": "square"})["images"]


def test_a_wrong_input_is_accepted_and_refused_at_the_result(client, emulator):
    handle = client.submit(KONTEXT, {"prompt": "light", "guidance_scale": 99})
    with pytest.raises(fal_client.FalClientHTTPError) as raised:
        handle.get(interval=0.01)
    assert raised.value.status_code == 422
    places = {tuple(entry["loc"]): entry for entry in raised.value.response.json()["detail"]}
    assert places["body", "image_url"]["type"] == "missing"
    assert places["body", "guidance_scale"]["type"] == "less_than_equal"
    assert places["body", "guidance_scale"]["ctx"] == {"le": 20}
    assert raised.value.response.headers["X-Fal-Retryable"] == "false"
    status = handle.status()
    assert status.error
    (entry,) = emulator.ledger()
    assert (entry["state"], entry["units"], entry["status_code"]) == ("FAILED", 0, 422)


def test_the_official_client_cancels(client, emulator):
    emulator.control(delays={"queue": FOR_EVER_SECONDS})
    handle = client.submit(SCHNELL, {"prompt": "jar"})
    handle.cancel()
    with pytest.raises(fal_client.FalClientHTTPError) as raised:
        handle.get(interval=0.01)
    assert (raised.value.status_code, raised.value.error_type) == (499, "client_cancelled")
    with pytest.raises(fal_client.FalClientHTTPError) as raised:
        handle.cancel()
    assert raised.value.response.json() == {"status": "ALREADY_COMPLETED"}
    assert emulator.ledger()[0]["state"] == "CANCELLED"


def test_the_official_client_uploads_in_parts(client, monkeypatch):
    monkeypatch.setattr(fal_client.client, "MULTIPART_THRESHOLD", 1000)
    monkeypatch.setattr(fal_client.client, "MULTIPART_CHUNK_SIZE", 700)
    data = bytes(range(256)) * 20
    url = client.upload(data, "application/octet-stream", file_name="big.bin")
    assert fetched(url).content == data


def test_the_official_client_falls_back_to_the_second_repository(client, emulator):
    emulator.control(faults=[{"name": "server-error", "at": "upload", "count": 1}])
    url = client.upload(b"second way", "text/plain", file_name="a.txt")
    assert fetched(url).content == b"second way"
    assert emulator.stats()["routes"]["initiate"] == 1


def test_a_lost_answer_makes_the_official_client_submit_twice(client, emulator):
    emulator.control(faults=[{"name": "drop-submit-answer", "count": 1}])
    client.submit(SCHNELL, {"prompt": "jar"})
    assert len(emulator.ledger()) == 2


def test_a_lifetime_ends(client, emulator):
    url = client.upload(
        b"short-lived", "text/plain", lifecycle=fal_client.StorageSettings(expires_in="immediate")
    )
    assert fetched(url).status_code == 200
    emulator.control(advance=61)
    assert fetched(url).status_code == 404


# Outputs, read by others.


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
    assert np.abs(after - before)[100:150, 100:150].mean() > 4, "the light is another"
    assert np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.98, "the shapes stay"
    again = made(wire, KONTEXT, **inputs)
    assert fetched(again["images"][0]["url"]).content == fetched(result["images"][0]["url"]).content


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
        found[name] = [value] if schema["type"] == "array" else value
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


# Paths, codes and shapes.


def test_every_form_of_the_addresses_leads_to_the_job(wire, emulator):
    job = submit(wire, SCHNELL, prompt="jar", image_size="square")
    finished(wire, job)
    number = job["request_id"]
    for app in ("fal-ai/flux", SCHNELL):
        for slash in ("", "/"):
            status = wire.get(f"/queue/{app}/requests/{number}/status{slash}", params={"logs": "1"})
            assert (status.status_code, status.json()["status"]) == (200, "COMPLETED")
            assert wire.get(f"/queue/{app}/requests/{number}{slash}").json()["images"]
            assert wire.get(f"/queue/{app}/requests/{number}/response{slash}").json()["images"]
    assert wire.get(f"/queue/fal-ai/other/requests/{number}").status_code == 404
    for endpoint in ("workflows/emulator/relight", "comfy/emulator/relight", "emulator/relight-2/edit"):
        job = submit(wire, endpoint)
        assert finished(wire, job).status_code == 422
        assert wire.get(f"/queue/{endpoint}/requests/{job['request_id']}/status").status_code == 200


def test_codes_while_a_job_waits_runs_and_is_done(wire, emulator):
    emulator.control(delays={"queue": FOR_EVER_SECONDS, "image": FOR_EVER_SECONDS})
    job = submit(wire, SCHNELL, prompt="jar", image_size="square")
    waiting = wire.get(job["status_url"])
    assert (waiting.status_code, waiting.json()["status"]) == (202, "IN_QUEUE")
    assert wire.get(job["response_url"]).status_code == 400
    emulator.control(advance=FOR_EVER_SECONDS)
    until(lambda: wire.get(job["status_url"]).json()["status"] != "IN_QUEUE")
    running = wire.get(job["status_url"], params={"logs": "true"})
    assert (running.status_code, running.json()["status"]) == (202, "IN_PROGRESS")
    assert running.json()["logs"]
    assert wire.get(job["status_url"]).json()["logs"] is None
    emulator.control(advance=FOR_EVER_SECONDS)
    answer = finished(wire, job)
    assert answer.headers["X-Fal-Billable-Units"] == "1"
    assert answer.headers["x-fal-request-id"] == job["request_id"]
    unknown = wire.put("/queue/fal-ai/flux/requests/nobody/cancel")
    assert (unknown.status_code, unknown.json()) == (404, {"status": "NOT_FOUND"})
    assert wire.post("/queue/fal-ai/nothing", json={}).status_code == 404
    assert len(emulator.ledger()) == 1


def test_the_status_stream_ends_with_completed(wire, emulator):
    emulator.control(delays={"queue": FOR_EVER_SECONDS, "image": FOR_EVER_SECONDS})
    job = submit(wire, SCHNELL, prompt="jar", image_size="square")
    words = []
    with wire.stream("GET", job["status_url"] + "/stream", params={"logs": "1"}) as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            status = json.loads(line[6:])["status"] if line.startswith("data: ") else ""
            if status not in ("", *words):  # The clock moves only when a state has been told.
                words.append(status)
                emulator.control(advance=FOR_EVER_SECONDS)
    assert words == ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]


@pytest.mark.parametrize(
    "header, words",
    [({}, "missing authorization token"), ({"Authorization": "Key nocolon"}, "Invalid Key Authorization")],
)
def test_a_missing_or_malformed_key_is_refused(emulator, header, words):
    with httpx.Client(base_url=emulator.url, headers=header, **PLAINLY) as stranger:
        for path in (f"/queue/{SCHNELL}", "/rest/storage/auth/token?storage_type=fal-cdn-v3"):
            answer = stranger.post(path, json={})
            assert answer.status_code == 401
            assert words in answer.json()["detail"]
        pricing = stranger.get("/v1/models/pricing", params={"endpoint_id": SCHNELL})
        assert (pricing.status_code, pricing.json()["error"]["type"]) == (401, "authorization_error")
    assert emulator.ledger() == []


def test_stats_tell_whether_a_foreign_key_came(wire, emulator):
    submit(wire, SCHNELL, prompt="jar")
    assert emulator.stats()["foreign_keys"] == []
    wire.get("/v1/models", headers={"Authorization": "Key real:secret"})
    stats = emulator.stats()
    assert len(stats["foreign_keys"]) == 1
    assert "secret" not in json.dumps(stats)


@pytest.mark.parametrize(
    "endpoint, inputs, word",
    [
        (KONTEXT, {"prompt": "x", "image_url": "https://192.0.2.7/a.png"}, "file_download_error"),
        (KONTEXT, {"prompt": "x", "image_url": "data:image/png;base64,bm8="}, "image_load_error"),
        (KLING, {"start_image_url": "data:,x"}, "value_error"),
        (
            KLING,
            {"start_image_url": "data:,x", "prompt": "a", "multi_prompt": [{"prompt": "b"}]},
            "value_error",
        ),
        (KLING, {"start_image_url": "data:,x", "prompt": "a", "duration": "2"}, "one_of"),
        (KLING, {"start_image_url": "data:,x", "prompt": "a", "duration": 5}, "string_type"),
        (MESHY, {"image_urls": []}, "sequence_too_short"),
        (MESHY, {"image_urls": ["data:,x"], "enable_animation": True}, "value_error"),
    ],
)
def test_refused_inputs_are_named(wire, endpoint, inputs, word):
    answer = finished(wire, submit(wire, endpoint, **inputs))
    assert answer.status_code == 422
    assert word in [entry["type"] for entry in answer.json()["detail"]]


def test_picture_sizes_are_limited(client, wire):
    tiny = io.BytesIO()
    Image.new("RGB", (100, 300)).save(tiny, "PNG")
    url = client.upload(tiny.getvalue(), "image/png")
    answer = finished(wire, submit(wire, "fal-ai/hunyuan-3d/v3.1/pro/image-to-3d", input_image_url=url))
    (entry,) = answer.json()["detail"]
    assert (entry["type"], entry["ctx"]["min_width"]) == ("image_too_small", 128)


def test_unknown_fields_are_dropped_and_reported(wire, emulator):
    made(wire, SCHNELL, prompt="jar", image_size="square", negative_prompt="ugly")
    assert emulator.ledger()[0]["unknown_fields"] == ["negative_prompt"]


def test_a_download_has_length_ranges_and_a_tag(client):
    url = client.upload(b"0123456789", "text/plain")
    whole = fetched(url)
    assert (whole.headers["Content-Length"], whole.headers["Accept-Ranges"]) == ("10", "bytes")
    part = fetched(url, headers={"Range": "bytes=4-"})
    assert (part.status_code, part.content, part.headers["Content-Range"]) == (206, b"456789", "bytes 4-9/10")
    assert fetched(url, headers={"Range": "bytes=10-"}).status_code == 416
    assert fetched(url, headers={"If-None-Match": whole.headers["ETag"]}).status_code == 304


@pytest.mark.parametrize("kind", ["gcs", "fal-cdn-v3"])
def test_files_go_up_by_a_signed_address(wire, kind):
    wish = {"file_name": "a b.txt", "content_type": "text/plain"}
    answer = wire.post(f"/rest/storage/upload/initiate?storage_type={kind}", json=wish).json()
    assert fetched(answer["file_url"]).status_code == 404
    assert httpx.put(answer["upload_url"], content=b"signed", **PLAINLY).status_code == 200
    assert fetched(answer["file_url"]).content == b"signed"


def test_files_go_up_in_parts_by_a_signed_address(wire):
    answer = wire.post("/rest/storage/upload/initiate-multipart?storage_type=fal-cdn-v3", json={}).json()
    address, _, query = answer["upload_url"].partition("?")
    parts = [
        httpx.put(f"{address}/{number}?{query}", content=data, **PLAINLY).json()
        for number, data in ((2, b"two"), (1, b"one"))
    ]
    done = httpx.post(f"{address}/complete?{query}", json={"parts": parts}, **PLAINLY)
    assert done.status_code == 200
    assert fetched(answer["file_url"]).content == b"onetwo"


# Platform API.


def test_prices_and_estimates(wire, emulator):
    answer = wire.get("/v1/models/pricing", params={"endpoint_id": f"{SCHNELL},{KLING}"}).json()
    prices = {line["endpoint_id"]: line for line in answer["prices"]}
    assert (prices[SCHNELL]["unit_price"], prices[SCHNELL]["unit"]) == (0.003, "megapixels")
    assert (prices[KLING]["unit_price"], prices[KLING]["unit"]) == (0.112, "seconds")
    unknown = wire.get("/v1/models/pricing", params={"endpoint_id": "no/such"})
    assert (unknown.status_code, unknown.json()["error"]["type"]) == (404, "not_found")
    wish = {"estimate_type": "unit_price", "endpoints": {KLING: {"unit_quantity": 10}}}
    assert wire.post("/v1/models/pricing/estimate", json=wish).json()["total_cost"] == 1.12
    emulator.control(prices={SCHNELL: {"unit_price": 0.5}})
    answer = wire.get("/v1/models/pricing", params={"endpoint_id": SCHNELL}).json()
    assert answer["prices"][0]["unit_price"] == 0.5
    wrong = wire.post("/v1/models/pricing/estimate", json={"estimate_type": "guess"})
    assert (wrong.status_code, wrong.json()["error"]["type"]) == (400, "validation_error")


def test_models_tell_their_status_and_schema(wire, emulator):
    emulator.control(withdrawn=[SCHNELL], deprecated=[KONTEXT])
    answer = wire.get(
        "/v1/models", params={"endpoint_id": f"{SCHNELL},{KONTEXT}", "expand": "openapi-3.0"}
    ).json()
    (model,) = answer["models"]
    assert (model["endpoint_id"], model["metadata"]["status"]) == (KONTEXT, "deprecated")
    assert model["openapi"]["info"]["x-fal-metadata"]["endpointId"] == KONTEXT
    first = wire.get("/v1/models", params={"limit": 2}).json()
    second = wire.get("/v1/models", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert first["has_more"]
    assert first["models"] != second["models"]


def test_an_openapi_document_validates_inputs(wire):
    document = wire.get("/openapi", params={"endpoint_id": KLING}).json()
    name = next(name for name in document["components"]["schemas"] if name.endswith("Input"))
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    jsonschema.validate({"start_image_url": "https://a/b", "duration": "5"}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"start_image_url": "https://a/b", "duration": "99"}, schema)
    assert document["components"]["schemas"][name]["x-fal-order-properties"][0] == "prompt"
    assert f"/{KLING}/requests/{{request_id}}/cancel" in document["paths"]
    assert wire.get("/openapi", params={"endpoint_id": "no/such"}).status_code == 404


def test_the_request_list_finds_a_job_whose_answer_was_lost(wire, emulator):
    emulator.control(faults=[{"name": "drop-submit-answer", "count": 1}], request_list_delay=FOR_EVER_SECONDS)
    inputs = {"prompt": "lost jar", "image_size": "square"}
    with pytest.raises(httpx.RemoteProtocolError):
        submit(wire, SCHNELL, **inputs)
    assert len(emulator.ledger()) == 1
    query = {"endpoint_id": SCHNELL, "expand": "payloads"}
    assert wire.get("/v1/models/requests/by-endpoint", params=query).json()["items"] == []
    emulator.control(advance=FOR_EVER_SECONDS)
    (item,) = wire.get("/v1/models/requests/by-endpoint", params=query).json()["items"]
    assert item["json_input"] == inputs
    assert item["request_id"] == emulator.ledger()[0]["request_id"]
    for index in range(3):
        submit(wire, SCHNELL, prompt=str(index))
    emulator.control(advance=FOR_EVER_SECONDS)
    page = wire.get("/v1/models/requests/by-endpoint", params=query | {"limit": "3"}).json()
    rest = wire.get(
        "/v1/models/requests/by-endpoint", params=query | {"limit": "3", "cursor": page["next_cursor"]}
    ).json()
    assert [len(page["items"]), len(rest["items"]), rest["has_more"]] == [3, 1, False]


# Limits, clocks and faults.


def test_jobs_beyond_the_concurrency_wait(wire, emulator):
    emulator.control(concurrency=2, delays={"image": FOR_EVER_SECONDS})
    jobs = [submit(wire, SCHNELL, prompt=str(index), image_size="square") for index in range(4)]
    found = [wire.get(job["status_url"]).json() for job in jobs]
    assert [item["status"] for item in found] == ["IN_PROGRESS"] * 2 + ["IN_QUEUE"] * 2
    assert [item["queue_position"] for item in found[2:]] == [0, 1]
    assert wire.post(f"/run/{SCHNELL}", json={"prompt": "x"}).status_code == 429
    emulator.control(delays={"image": 0.0}, advance=FOR_EVER_SECONDS)
    for job in jobs:
        assert finished(wire, job).status_code == 200
    assert emulator.stats()["highest_concurrency"] == 2


def test_a_start_deadline_passes(wire, emulator):
    emulator.control(faults=[{"name": "never-leaves-queue"}])
    job = wire.post(
        f"/queue/{SCHNELL}", json={"prompt": "x"}, headers={"X-Fal-Request-Timeout": "0.2"}
    ).json()
    answer = finished(wire, job)
    assert (answer.status_code, answer.headers["X-Fal-Request-Timeout-Type"]) == (504, "user")
    assert answer.headers["X-Fal-Billable-Units"] == "0"


def test_a_result_and_a_token_expire(wire, emulator):
    job = submit(wire, SCHNELL, prompt="x", image_size="square")
    assert finished(wire, job).status_code == 200
    token = wire.post("/rest/storage/auth/token?storage_type=fal-cdn-v3", json={}).json()
    assert token["expires_at"].endswith("+00:00")
    emulator.control(result_lifetime=100, advance=3601)
    assert wire.get(job["response_url"]).status_code == 404
    late = wire.post(
        "/cdn/files/upload",
        content=b"x",
        headers={"Authorization": f"{token['token_type']} {token['token']}"},
    )
    assert late.status_code == 401


@pytest.mark.parametrize(
    "fault, status",
    [
        ("rate-limited", 429),
        ("nginx-503", 503),
        ("fal-503", 503),
        ("user-timeout", 504),
        ("account-locked", 403),
    ],
)
def test_a_refused_submit_accepts_nothing(wire, emulator, fault, status):
    emulator.control(faults=[{"name": fault, "nth": [2], "endpoint": "fal-ai/flux/*"}])
    submit(wire, SCHNELL, prompt="first")
    answer = wire.post(f"/queue/{SCHNELL}", json={"prompt": "second"})
    assert answer.status_code == status
    assert ("x-fal-request-id" in answer.headers) is (fault != "nginx-503")
    assert len(emulator.ledger()) == 1


@pytest.mark.parametrize("fault", ["reset-submit-answer", "malformed-json", "empty-answer"])
def test_an_unreadable_answer_comes_after_acceptance(wire, emulator, fault):
    emulator.control(faults=[{"name": fault}])
    with pytest.raises((httpx.TransportError, ValueError, KeyError)):
        submit(wire, SCHNELL, prompt="x")["request_id"]
    assert len(emulator.ledger()) == 1


def test_job_faults_show_at_the_result(wire, emulator):
    emulator.control(faults=[{"name": "model-error", "type": "content_policy_violation", "count": 1}])
    answer = finished(wire, submit(wire, SCHNELL, prompt="x"))
    assert (answer.status_code, answer.json()["detail"][0]["type"]) == (422, "content_policy_violation")
    emulator.control(faults=[{"name": "runner-error"}])
    answer = finished(wire, submit(wire, SCHNELL, prompt="x"))
    assert (answer.status_code, answer.headers["X-Fal-Error-Type"]) == (503, "runner_disconnected")
    emulator.control(faults=[{"name": "nsfw-black"}])
    result = made(wire, SCHNELL, prompt="x", image_size="square")
    assert result["has_nsfw_concepts"] == [True]
    assert picture(result["images"][0]["url"]).getextrema() == ((0, 0),) * 3
    emulator.control(faults=[{"name": "missing-optional-members"}])
    result = made(wire, SCHNELL, prompt="x", image_size="square")
    assert set(result) == {"images"}
    assert set(result["images"][0]) == {"url"}


def test_download_faults(client, emulator):
    data = bytes(1000)
    url = client.upload(data, "application/octet-stream")
    emulator.control(faults=[{"name": "short-body"}])
    with pytest.raises(httpx.RemoteProtocolError):
        fetched(url)
    emulator.control(faults=[{"name": "truncated-file"}])
    assert len(fetched(url).content) == 500
    emulator.control(faults=[{"name": "file-missing", "count": 1}])
    assert fetched(url).status_code == 404
    assert fetched(url).content == data
    emulator.control(faults=[{"name": "gzip-bomb", "megabytes": 4}])
    assert len(fetched(url).content) == 4 << 20
    emulator.control(faults=[{"name": "redirect-loopback"}])
    assert fetched(url, follow_redirects=True).content == data
    emulator.control(faults=[{"name": "slow-loris", "seconds": 0.01, "crumb": 400}])
    assert fetched(url).content == data


@pytest.mark.parametrize(
    "fault, status, words",
    [
        ("nginx-502", 502, "nginx"),
        ("nginx-504", 504, "nginx"),
        ("gateway-timeout", 504, "request_timeout"),
        ("server-error", 500, "internal_error"),
        ("bad-key", 401, "No user found"),
        ("wrong-scope", 403, "authorization_error"),
        ("endpoint-withdrawn", 404, "not found"),
        ("html-answer", 200, "<!DOCTYPE html>"),
        ("redirect-outside", 307, ""),
        ("slow-answer", 202, "request_id"),
    ],
)
def test_a_fault_can_hit_any_point(wire, emulator, fault, status, words):
    emulator.control(delays={"queue": FOR_EVER_SECONDS})
    job = submit(wire, SCHNELL, prompt="x")
    extra = {"seconds": 0.1} if fault == "slow-answer" else {}
    emulator.control(faults=[{"name": fault, "at": "status", "count": 1, **extra}])
    answer = wire.get(job["status_url"])
    assert answer.status_code == status
    assert words in answer.text
    assert wire.get(job["status_url"]).status_code == 202


@pytest.mark.parametrize(
    "fault, status, words",
    [
        ("model-crash", 500, "internal_server_error"),
        ("result-timeout", 504, "request_timeout"),
        ("result-expired", 404, "NOT_FOUND"),
    ],
)
def test_a_job_that_fails_for_good(wire, emulator, fault, status, words):
    emulator.control(faults=[{"name": fault}])
    answer = finished(wire, submit(wire, SCHNELL, prompt="x", image_size="square"))
    assert answer.status_code == status
    assert words in answer.text


def test_output_files_can_be_wrong(wire, emulator):
    wish = {"prompt": "x", "image_size": "square"}
    emulator.control(faults=[{"name": "corrupt-output"}])
    url = made(wire, SCHNELL, **wish)["images"][0]["url"]
    assert fetched(url).content.startswith(b"\xff\xd8\xff")
    with pytest.raises(OSError, match=r"cannot identify|truncated|broken"):
        picture(url)
    emulator.control(faults=[{"name": "outside-output"}])
    assert "127.0.0.1" not in made(wire, SCHNELL, **wish)["images"][0]["url"]
    emulator.control(faults=[])
    url = made(wire, SCHNELL, **wish)["images"][0]["url"]
    for fault, header in (("wrong-media-type", "text/plain"), ("no-length", "image/jpeg")):
        emulator.control(faults=[{"name": fault}])
        answer = fetched(url)
        assert answer.headers["Content-Type"].startswith(header)
        assert ("Content-Length" in answer.headers) is (fault != "no-length")
    emulator.control(faults=[{"name": "file-forbidden"}])
    assert fetched(url).status_code == 403


def test_a_job_may_ignore_cancel_or_never_finish(wire, emulator):
    emulator.control(faults=[{"name": "ignore-cancel"}], delays={"queue": FOR_EVER_SECONDS})
    job = submit(wire, SCHNELL, prompt="x", image_size="square")
    assert wire.put(job["cancel_url"]).status_code == 202
    emulator.control(advance=FOR_EVER_SECONDS)
    assert finished(wire, job).status_code == 200
    emulator.control(faults=[{"name": "never-finishes"}], delays={"queue": 0})
    job = submit(wire, SCHNELL, prompt="x", image_size="square")
    time.sleep(0.3)
    assert wire.get(job["status_url"]).json()["status"] == "IN_PROGRESS"
    assert wire.put(job["cancel_url"]).json() == {"status": "CANCELLATION_REQUESTED"}
    assert finished(wire, job).status_code == 499


def test_the_request_list_can_be_late_or_silent(wire, emulator):
    emulator.control(
        faults=[
            {"name": "late-request-list", "seconds": FOR_EVER_SECONDS, "nth": 1},
            {"name": "unlisted", "nth": 2},
        ]
    )
    for words in ("late", "never", "at once"):
        submit(wire, SCHNELL, prompt=words)

    def listed() -> set[str]:
        query = {"endpoint_id": SCHNELL, "expand": "payloads"}
        items = wire.get("/v1/models/requests/by-endpoint", params=query).json()["items"]
        return {item["json_input"]["prompt"] for item in items}

    assert listed() == {"at once"}
    emulator.control(advance=FOR_EVER_SECONDS)
    assert listed() == {"late", "at once"}


def test_a_skewed_clock_shows_in_the_token(wire, emulator):
    emulator.control(faults=[{"name": "clock-skew", "seconds": -7200}])
    token = wire.post("/rest/storage/auth/token", json={}).json()
    assert datetime.fromisoformat(token["expires_at"]) < datetime.now(UTC)


class WebhookReceiver(BaseHTTPRequestHandler):
    """Keeps what is posted to it."""

    received: ClassVar[list[tuple[dict[str, str], bytes]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.received.append((dict(self.headers), body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_arguments: Any) -> None:
        """Nothing: pytest shows what matters."""


def test_webhooks_are_signed_and_may_come_twice(wire, emulator):
    WebhookReceiver.received.clear()
    emulator.control(faults=[{"name": "duplicate-webhooks", "times": 2}])
    with HTTPServer(("127.0.0.1", 0), WebhookReceiver) as receiver:
        threading.Thread(target=receiver.serve_forever, daemon=True).start()
        target = f"http://127.0.0.1:{receiver.server_port}/hook"
        job = wire.post(f"/queue/{SCHNELL}", params={"fal_webhook": target}, json={}).json()
        until(lambda: len(WebhookReceiver.received) >= 2)
        receiver.shutdown()
    (headers, body), (_, again), *_ = WebhookReceiver.received
    message = json.loads(body)
    assert body == again
    assert (message["request_id"], message["status"]) == (job["request_id"], "ERROR")
    assert message["payload"]["detail"][0]["type"] == "missing"
    assert headers["X-Fal-Webhook-Request-Id"] == job["request_id"]
    assert len(bytes.fromhex(headers["X-Fal-Webhook-Signature"])) == 64
    assert len(wire.get("/rest/.well-known/jwks.json").json()["keys"]) == 2


def test_signatures_agree_with_rfc_8032():
    key = SigningKey(bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"))
    assert key.public.hex() == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    assert key.sign(b"").hex() == (
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555"
        "fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )


def test_every_fault_has_a_point_and_a_way():
    assert {name for name, kind in KINDS.items() if kind.is_movable} == set(WAYS)
    fault = parse_fault("rate-limited:at=status,nth=1+3,rate=0.5,retry_after=2")
    assert (fault.at, fault.nth, fault.rate, fault.parameters["retry_after"]) == ("status", (1, 3), 0.5, 2)


def test_a_control_message_with_a_mistake_changes_nothing(emulator):
    for message in ({"nonsense": 1}, {"faults": [{"name": "no-such"}]}, {"delays": {"coffee": 1}}):
        with pytest.raises(ValueError, match=r"unknown|no fault"):
            emulator.control(concurrency=1, **message)
    assert emulator.control()["concurrency"] is None


def test_the_command_says_one_line_and_stops_on_sigterm():
    command = [
        sys.executable,
        "-m",
        "tests.fal_emulator",
        "--port",
        "0",
        "--delay",
        "all=0",
        "--fault",
        "fal-503",
    ]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    line = process.stdout.readline()
    assert "http://127.0.0.1:" in line
    with httpx.Client(base_url=line.split()[-1], headers=AUTH, **PLAINLY) as wire:
        assert wire.post(f"/queue/{SCHNELL}", json={}).status_code == 503
    process.terminate()
    rest, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, rest) == (0, "")


def test_the_emulator_does_not_import_the_product():
    folder = Path(ROOT, "tests", "fal_emulator")
    for path in folder.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "photoreal_set" not in text
        assert "fal_bridge" not in text
