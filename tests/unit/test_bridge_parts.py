# SPDX-License-Identifier: GPL-3.0-or-later
"""What the bridge decides without a network: keys, URLs, state transitions, inputs, the journal."""

import multiprocessing
import os
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from PIL import Image

from photoreal_set.fal_bridge import errors
from photoreal_set.fal_bridge.endpoints import choosing as endpoints
from photoreal_set.fal_bridge.jobs import NEXT_STATES, Generation, Job, JobState, Kind
from photoreal_set.fal_bridge.journal import NEXT_STAGES, Journal, Stage, job_key
from photoreal_set.fal_bridge.money.journal_costs import costs_in
from photoreal_set.fal_bridge.network.answers import body_of
from photoreal_set.fal_bridge.network.service import Service, key_from_environment
from photoreal_set.files.input_files import MAX_INNER_LEVELS

SECRET = "1f2e3d4c-aaaa-bbbb-cccc-0123456789ab:5ecre7f00d"


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "front.png"
    Image.new("RGB", (64, 64), (200, 120, 40)).save(path)
    return path


def check(wanted: Generation) -> None:
    endpoints.endpoint_for(wanted.endpoint, wanted.kind).check(wanted)


def photo(picture: Path, **changes: object) -> Generation:
    wanted = Generation(
        kind=Kind.PHOTO,
        endpoint=endpoints.DEFAULT_PHOTO_ENDPOINT,
        label="front photo",
        images=(picture,),
        prompt="studio photograph",
    )
    return replace(wanted, **changes)


# Service


def test_the_key_is_stripped_and_never_shown():
    service = Service.live(f"  {SECRET}\n")
    assert service.key == SECRET
    assert "5ecre7f00d" not in repr(service)
    assert service.without_key(f"no user for {SECRET}") == "no user for [key]"


@pytest.mark.parametrize(
    "key", ["", "   ", "no-colon", ":secret", "id:", "id:sec ret", "id:sécret", '"id:secret"', "id:a\tb"]
)
def test_an_invalid_key_is_rejected_without_showing_it(key):
    with pytest.raises(errors.BadKeyError) as caught:
        Service.live(key)
    assert caught.value.exit_code == 1
    assert not key.strip() or key.strip() not in str(caught.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "http://localhost:1/", "http://[::1]:99"])
def test_an_emulator_runs_on_this_machine(url):
    service = Service.emulator(url)
    assert service.queue_url == f"{url.rstrip('/')}/queue"
    assert service.key == "emulator:emulator"
    assert service.owns_queue_url(f"{service.queue_url}/fal-ai/meshy/requests/1")


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1:8080",
        "http://127.0.0.1",
        "http://192.168.1.2:80",
        "http://127.0.0.1@evil.example:80",
        "http://user:word@127.0.0.1:80",
        "http://127.0.0.1:80/queue",
        "http://127.0.0.1:99999",
        "http://127.0.0.1.evil.example:80",
        "nonsense",
    ],
)
def test_anything_else_is_not_an_emulator(url):
    with pytest.raises(errors.WrongRequestError):
        Service.emulator(url)


def test_the_key_goes_to_the_queue_only():
    service = Service.live(SECRET)
    assert service.owns_queue_url("https://queue.fal.run/fal-ai/meshy/requests/1/status")
    for url in (
        "http://queue.fal.run/x",
        "https://queue.fal.run.evil.example/x",
        "https://queue.fal.run:8443/x",
        "https://queue.fal.run@evil.example/x",
        "",
    ):
        assert not service.owns_queue_url(url)
    assert service.allows_file_url("https://v3b.fal.media/files/b/1/model.glb")
    assert not service.allows_file_url("http://v3b.fal.media/files/b/1/model.glb")
    assert not service.allows_file_url("file:///etc/passwd")


def test_the_key_comes_from_the_environment_or_its_file(tmp_path):
    file = tmp_path / "key"
    file.write_text(f"{SECRET}\n")
    assert key_from_environment({}) is None
    assert key_from_environment({"FAL_KEY": SECRET, "FAL_KEY_FILE": "/nowhere"}) == SECRET
    assert key_from_environment({"FAL_KEY_FILE": str(file)}) == SECRET
    assert key_from_environment({"FAL_KEY": "", "FAL_KEY_FILE": str(file)}) == SECRET
    assert key_from_environment({"FAL_KEY": " ", "FAL_KEY_FILE": ""}) is None
    file.write_text(" \n")
    for environ in (
        {"FAL_KEY_FILE": str(file)},
        {"FAL_KEY_FILE": str(tmp_path / "missing")},
        {"FAL_KEY_FILE": str(tmp_path)},
    ):
        with pytest.raises(errors.BadKeyError, match="FAL_KEY"):
            key_from_environment(environ)


# Jobs


def test_every_state_allows_only_its_transitions():
    job = Job(key="k", label="front photo", kind=Kind.PHOTO, endpoint="e")
    assert set(NEXT_STATES) == set(JobState)
    for state in JobState:
        for following in JobState:
            standing = replace(job, state=state)
            if following in NEXT_STATES[state]:
                assert standing.moved_to(following).state is following
            else:
                with pytest.raises(ValueError, match="front photo"):
                    standing.moved_to(following)


def test_a_request_that_may_have_been_sent_is_never_reported_as_cancelled():
    sent = (JobState.SUBMITTING, JobState.QUEUED, JobState.RUNNING, JobState.DOWNLOADING)
    assert not any(JobState.CANCELLED in NEXT_STATES[state] for state in sent)
    assert JobState.SUBMITTING not in NEXT_STATES[JobState.UNCERTAIN]


# Endpoints


def test_inputs_use_the_fields_of_the_endpoint(picture):
    arguments = endpoints.endpoint_for(endpoints.DEFAULT_PHOTO_ENDPOINT, Kind.PHOTO).arguments(
        photo(picture, seed=0, negative_prompt="plastic", seconds=10)
    )
    assert arguments == {
        "image_url": picture,
        "prompt": "studio photograph",
        "seed": 0,
        "output_format": "png",
        "resolution_mode": "match_input",
        "guidance_scale": 2.5,
        "num_inference_steps": 30,
    }


def test_a_clip_has_no_sound_and_seconds_as_text(picture):
    wanted = photo(
        picture,
        kind=Kind.VIDEO,
        endpoint=endpoints.DEFAULT_VIDEO_ENDPOINT,
        end_image=picture,
        negative_prompt="blur",
    )
    arguments = endpoints.endpoint_for(wanted.endpoint, wanted.kind).arguments(wanted)
    assert arguments["duration"] == "5"
    assert arguments["generate_audio"] is False
    assert arguments["end_image_url"] == picture
    assert arguments["negative_prompt"] == "blur"


@pytest.mark.parametrize(
    ("photos", "ending"), [(0, "text-to-3d"), (1, "v6/image-to-3d"), (4, "multi-image-to-3d")]
)
def test_the_number_of_photos_chooses_the_model(photos, ending):
    chosen = endpoints.default_model_endpoint(photos)
    assert chosen.endswith(ending)
    assert endpoints.endpoint_for(chosen, Kind.MODEL)


def test_unknown_and_wrong_endpoints_are_rejected_with_the_valid_ones(picture):
    with pytest.raises(errors.UnknownEndpointError, match="fal-ai/flux-kontext/dev") as caught:
        check(photo(picture, endpoint="fal-ai/flux-contexts"))
    assert caught.value.exit_code == 1
    with pytest.raises(errors.WrongRequestError, match="makes a video, not a photo"):
        check(photo(picture, endpoint=endpoints.DEFAULT_VIDEO_ENDPOINT))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": ()}, "needs 1 picture, not 0"),
        ({"prompt": " "}, "needs a prompt"),
        ({"prompt": "x" * 5001}, "up to 5000 characters, not 5001"),
        ({"prompt": "\udc80"}, "invalid Unicode"),
        ({"end_image": Path("end.png")}, "does not accept a picture for the end"),
        ({"kind": Kind.VIDEO, "endpoint": endpoints.DEFAULT_VIDEO_ENDPOINT, "seconds": 2}, "not 2"),
        ({"images": (Path("missing.png"),)}, "cannot be read"),
    ],
)
def test_limits_are_checked_before_anything_is_sent(picture, changes, message):
    with pytest.raises(errors.WrongRequestError, match=message) as caught:
        check(photo(picture, **changes))
    assert caught.value.exit_code == 1


def test_a_picture_must_be_valid_and_complete(picture):
    whole = picture.read_bytes()
    picture.write_bytes(whole[:-20])
    with pytest.raises(errors.WrongRequestError, match="not complete"):
        check(photo(picture))
    picture.write_text("not a picture")
    with pytest.raises(errors.WrongRequestError, match="not a file that"):
        check(photo(picture))


# Journal


def test_the_key_of_a_job_is_its_content():
    inputs = {"prompt": "a", "image_url": {"sha256": "0"}}
    key = job_key("e", inputs, is_emulated=False)
    assert key == job_key("e", dict(reversed(inputs.items())), is_emulated=False)
    assert key != job_key("e", inputs, is_emulated=True)
    assert key != job_key("e", {**inputs, "seed": 1}, is_emulated=False)


def test_a_claim_is_granted_once(tmp_path):
    journal = Journal(tmp_path / ".journal")
    assert journal.claim("k", 1, {"label": "x"})
    assert not journal.claim("k", 1, {"label": "x"})
    assert not journal.claim("k", 2, {"label": "x"})
    assert journal.read("k").stage is Stage.IN_FLIGHT


def test_a_new_attempt_needs_an_outcome_that_allows_it(tmp_path):
    journal = Journal(tmp_path / ".journal")
    journal.claim("k", 1, {})
    journal.record("k", 1, Stage.ENDED, {"may_send_again": True})
    assert journal.claim("k", 2, {})
    journal.record("k", 2, Stage.SUBMITTED, {"request_id": "r"})
    journal.record("k", 2, Stage.ENDED, {"may_send_again": False})
    assert not journal.claim("k", 3, {})
    entry = journal.read("k")
    assert (entry.stage, entry.attempt, entry.may_send) == (Stage.ENDED, 2, False)


def test_illegal_records_raise_and_known_records_do_not(tmp_path):
    journal = Journal(tmp_path / ".journal")
    journal.claim("k", 1, {})
    with pytest.raises(ValueError, match="cannot become done"):
        journal.record("k", 1, Stage.DONE, {})
    with pytest.raises(ValueError, match="attempt"):
        journal.record("k", 2, Stage.SUBMITTED, {})
    journal.record("k", 1, Stage.SUBMITTED, {"request_id": "r"})
    journal.record("k", 1, Stage.SUBMITTED, {"request_id": "other"})
    assert journal.read("k").facts[Stage.SUBMITTED]["request_id"] == "r"
    assert set(NEXT_STAGES) == set(Stage)


def test_an_empty_intent_counts(tmp_path):
    journal = Journal(tmp_path / ".journal")
    (tmp_path / ".journal" / "k").mkdir(parents=True)
    (tmp_path / ".journal" / "k" / "intent.1").touch()
    assert journal.read("k").stage is Stage.IN_FLIGHT
    assert not journal.claim("k", 1, {})


def test_a_deeply_nested_answer_is_recorded_and_read_back(tmp_path):
    deep = "[" * (MAX_INNER_LEVELS - 1) + "1e999" + "]" * (MAX_INNER_LEVELS - 1)
    body = body_of(httpx.Response(200, content=f'{{"a": {deep}}}'))
    assert body is not None
    journal = Journal(tmp_path / ".journal")
    journal.claim("k", 1, {})
    journal.record("k", 1, Stage.SUBMITTED, {"request_id": "r"})
    journal.record("k", 1, Stage.ANSWERED, {"output": body, "units": None})
    assert journal.read("k").facts[Stage.ANSWERED]["output"] == body
    assert body_of(httpx.Response(200, content=f'{{"a": [{deep}]}}')) is None


def test_a_malformed_record_is_damaged(tmp_path):
    journal = Journal(tmp_path / ".journal")
    journal.claim("k", 1, {})
    (tmp_path / ".journal" / "k" / "submitted.1.json").write_text("[" * 100_000 + "]" * 100_000)
    with pytest.raises(errors.JournalError, match="damaged"):
        journal.read("k")
    assert [cost.row["state"] for cost in costs_in(tmp_path / ".journal", "lamp")] == ["uncertain"]


def test_a_sender_counts_as_dead_only_when_it_is(tmp_path):
    journal = Journal(tmp_path / ".journal")
    journal.claim("mine", 1, {})
    assert not journal.read("mine").sender_is_gone
    child = multiprocessing.get_context("spawn").Process(target=os.getpid)
    child.start()
    child.join()
    path = tmp_path / ".journal" / "mine" / "intent.1"
    path.write_text(path.read_text().replace(f'"process":{os.getpid()}', f'"process":{child.pid}'))
    assert journal.read("mine").sender_is_gone is (os.name != "nt")


def test_errors_survive_the_journal():
    for kind in errors.BY_NAME.values():
        error = kind("It failed.")
        assert str(error).startswith("It failed.")
        assert error.hint or kind is errors.WrongRequestError
    assert errors.UncertainSubmitError("x").exit_code == 5
