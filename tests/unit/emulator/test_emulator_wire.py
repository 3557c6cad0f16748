# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths, codes and shapes of the queue, and the platform's own interface."""

import io
import json

import httpx
import jsonschema
import pytest
from PIL import Image

from tests.emulator_desk import (
    KLING,
    KONTEXT,
    MESHY,
    PLAINLY,
    SCHNELL,
    fetched,
    finished,
    made,
    submit,
)
from tests.patience import FOR_EVER_SECONDS, until


def test_every_form_of_the_urls_leads_to_the_job(wire, emulator):
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


def test_status_codes_while_a_job_waits_runs_and_is_done(wire, emulator):
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
    states = []
    with wire.stream("GET", job["status_url"] + "/stream", params={"logs": "1"}) as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            status = json.loads(line[6:])["status"] if line.startswith("data: ") else ""
            if status not in ("", *states):  # The clock moves only when a state has been reported.
                states.append(status)
                emulator.control(advance=FOR_EVER_SECONDS)
    assert states == ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]


@pytest.mark.parametrize(
    "header, message",
    [({}, "missing authorization token"), ({"Authorization": "Key nocolon"}, "Invalid Key Authorization")],
)
def test_a_missing_or_malformed_key_is_rejected(emulator, header, message):
    with httpx.Client(base_url=emulator.url, headers=header, **PLAINLY) as stranger:
        for path in (f"/queue/{SCHNELL}", "/rest/storage/auth/token?storage_type=fal-cdn-v3"):
            answer = stranger.post(path, json={})
            assert answer.status_code == 401
            assert message in answer.json()["detail"]
        pricing = stranger.get("/v1/models/pricing", params={"endpoint_id": SCHNELL})
        assert (pricing.status_code, pricing.json()["error"]["type"]) == (401, "authorization_error")
    assert emulator.ledger() == []


def test_stats_report_a_foreign_key(wire, emulator):
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


def test_a_download_has_a_length_ranges_and_an_etag(client):
    url = client.upload(b"0123456789", "text/plain")
    whole = fetched(url)
    assert (whole.headers["Content-Length"], whole.headers["Accept-Ranges"]) == ("10", "bytes")
    part = fetched(url, headers={"Range": "bytes=4-"})
    assert (part.status_code, part.content, part.headers["Content-Range"]) == (206, b"456789", "bytes 4-9/10")
    assert fetched(url, headers={"Range": "bytes=10-"}).status_code == 416
    assert fetched(url, headers={"If-None-Match": whole.headers["ETag"]}).status_code == 304


@pytest.mark.parametrize("kind", ["gcs", "fal-cdn-v3"])
def test_files_are_uploaded_to_a_signed_url(wire, kind):
    body = {"file_name": "a b.txt", "content_type": "text/plain"}
    answer = wire.post(f"/rest/storage/upload/initiate?storage_type={kind}", json=body).json()
    assert fetched(answer["file_url"]).status_code == 404
    assert httpx.put(answer["upload_url"], content=b"signed", **PLAINLY).status_code == 200
    assert fetched(answer["file_url"]).content == b"signed"


def test_files_are_uploaded_in_parts_to_a_signed_url(wire):
    answer = wire.post("/rest/storage/upload/initiate-multipart?storage_type=fal-cdn-v3", json={}).json()
    address, _, query = answer["upload_url"].partition("?")
    parts = [
        httpx.put(f"{address}/{number}?{query}", content=data, **PLAINLY).json()
        for number, data in ((2, b"two"), (1, b"one"))
    ]
    done = httpx.post(f"{address}/complete?{query}", json={"parts": parts}, **PLAINLY)
    assert done.status_code == 200
    assert fetched(answer["file_url"]).content == b"onetwo"


def test_prices_and_estimates(wire, emulator):
    answer = wire.get("/v1/models/pricing", params={"endpoint_id": f"{SCHNELL},{KLING}"}).json()
    prices = {line["endpoint_id"]: line for line in answer["prices"]}
    assert (prices[SCHNELL]["unit_price"], prices[SCHNELL]["unit"]) == (0.003, "megapixels")
    assert (prices[KLING]["unit_price"], prices[KLING]["unit"]) == (0.112, "seconds")
    unknown = wire.get("/v1/models/pricing", params={"endpoint_id": "no/such"})
    assert (unknown.status_code, unknown.json()["error"]["type"]) == (404, "not_found")
    body = {"estimate_type": "unit_price", "endpoints": {KLING: {"unit_quantity": 10}}}
    assert wire.post("/v1/models/pricing/estimate", json=body).json()["total_cost"] == 1.12
    emulator.control(prices={SCHNELL: {"unit_price": 0.5}})
    answer = wire.get("/v1/models/pricing", params={"endpoint_id": SCHNELL}).json()
    assert answer["prices"][0]["unit_price"] == 0.5
    wrong = wire.post("/v1/models/pricing/estimate", json={"estimate_type": "guess"})
    assert (wrong.status_code, wrong.json()["error"]["type"]) == (400, "validation_error")


def test_models_report_their_status_and_schema(wire, emulator):
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
