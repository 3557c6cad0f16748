# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator works with the official client."""

import fal_client
import fal_client.client
import pytest

from tests.emulator_desk import KONTEXT, SCHNELL, fetched, picture, product_photo
from tests.patience import FOR_EVER_SECONDS


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


def test_an_invalid_input_is_accepted_and_rejected_at_the_result(client, emulator):
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


def test_a_file_lifetime_expires(client, emulator):
    url = client.upload(
        b"short-lived", "text/plain", lifecycle=fal_client.StorageSettings(expires_in="immediate")
    )
    assert fetched(url).status_code == 200
    emulator.control(advance=61)
    assert fetched(url).status_code == 404
