# SPDX-License-Identifier: GPL-3.0-or-later
"""Paid jobs against the emulator: each is accepted once."""

import json
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from PIL import Image

from photoreal_set.fal_bridge import errors
from photoreal_set.fal_bridge.bridge import Bridge
from photoreal_set.fal_bridge.decisions import Decision, decide
from photoreal_set.fal_bridge.endpoints.choosing import (
    DEFAULT_PHOTO_ENDPOINT,
    DEFAULT_VIDEO_ENDPOINT,
    default_model_endpoint,
)
from photoreal_set.fal_bridge.jobs import Generation, JobState, Kind
from photoreal_set.fal_bridge.journal import Journal
from photoreal_set.fal_bridge.network.http_clients import download_client
from photoreal_set.fal_bridge.network.service import Service
from photoreal_set.files.kinds import FileKind, kind_of_file, missing_end
from photoreal_set.files.writing import sha256_of
from tests.desk import Desk
from tests.patience import FOR_EVER_SECONDS, PATIENCE_SECONDS, until

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]


# Every kind of job


def test_a_photo_is_downloaded(desk):
    result = desk.made(desk.photo(seed=7))
    assert result.path == desk.folder / "photos" / "front.png"
    assert result.sha256 == sha256_of(result.path)
    with Image.open(result.path) as picture:
        picture.load()
    assert result.seed == 7
    assert result.units is not None
    assert result.inputs["image_url"] == {"sha256": sha256_of(desk.picture)}
    (accepted,) = desk.emulator.ledger()
    assert accepted["request_id"] == result.request_id
    assert accepted["unknown_fields"] == []
    assert desk.states()[0] is JobState.PREPARED
    assert desk.states()[1:3] == [JobState.UPLOADING, JobState.SUBMITTING]
    assert desk.states()[-2:] == [JobState.DOWNLOADING, JobState.DONE]
    assert not list(desk.folder.rglob("*.part"))


@pytest.mark.parametrize("photos", [0, 1, 3])
def test_a_model_is_downloaded(desk, photos):
    pictures = []
    for number in range(photos):
        pictures.append(desk.folder / f"source{number}.png")
        Image.new("RGB", (64, 64), (40 * number, 90, 120)).save(pictures[-1])
    wanted = Generation(
        kind=Kind.MODEL,
        endpoint=default_model_endpoint(photos),
        label="model",
        images=tuple(pictures),
        prompt="" if photos else "a brass lamp",
    )
    result = desk.made(wanted, "model/product")
    assert result.path.name == "product.glb"
    assert kind_of_file(result.path) is FileKind.GLB
    assert missing_end(result.path) == ""
    (accepted,) = desk.emulator.ledger()
    assert (accepted["unknown_fields"], accepted["ignored_items"]) == ([], accepted["ignored_items"])
    assert accepted["input"]["enable_pbr"] is True
    assert desk.count("upload") == photos


def test_pixal_makes_a_model(desk):
    wanted = Generation(
        kind=Kind.MODEL, endpoint="fal-ai/pixal3d", label="model", images=(desk.picture,), seed=3
    )
    assert desk.made(wanted, "model/product").path.suffix == ".glb"
    assert desk.emulator.ledger()[0]["unknown_fields"] == []


def test_the_video_starts_from_the_callback_of_its_photo(desk):
    with desk.bridge() as bridge:
        videos = []

        def start_video(photo):
            wanted = Generation(
                kind=Kind.VIDEO,
                endpoint=DEFAULT_VIDEO_ENDPOINT,
                label="turntable",
                images=(photo.result().path,),
                end_image=photo.result().path,
                prompt="slow full rotation",
                negative_prompt="blur",
            )
            videos.append(bridge.start(wanted, desk.folder / "video" / "turntable"))

        photo = bridge.start(desk.photo(), desk.folder / "photos" / "hero")
        photo.add_done_callback(start_video)
        photo.result(PATIENCE_SECONDS)
        until(lambda: videos)
        result = videos[0].result(PATIENCE_SECONDS)
    assert result.path.name == "turntable.mp4"
    assert missing_end(result.path) == ""
    video = desk.emulator.ledger()[1]
    assert video["unknown_fields"] == []
    assert video["input"]["generate_audio"] is False
    assert video["input"]["duration"] == "5"
    assert video["input"]["start_image_url"] == video["input"]["end_image_url"]


def test_five_photos_run_at_the_same_time(desk):
    desk.emulator.control(delays={"photo": FOR_EVER_SECONDS})
    with desk.bridge() as bridge:
        futures = [
            bridge.start(desk.photo(seed=seed, label=f"photo {seed}"), desk.folder / f"photos/{seed}")
            for seed in range(5)
        ]
        until(lambda: [entry["state"] for entry in desk.emulator.ledger()] == ["IN_PROGRESS"] * 5)
        desk.emulator.control(advance=FOR_EVER_SECONDS)
        paths = {future.result(PATIENCE_SECONDS).path for future in futures}
    assert len(paths) == 5
    assert desk.count("upload") == 1


def test_queue_positions_and_log_lines_are_reported(desk):
    desk.emulator.control(delays={"queue": FOR_EVER_SECONDS, "photo": FOR_EVER_SECONDS})
    with desk.bridge() as bridge:
        future = bridge.start(desk.photo(), desk.folder / "photos" / "front")
        until(lambda: desk.states()[-1:] == [JobState.QUEUED] and desk.news[-1].queue_position)
        desk.emulator.control(advance=FOR_EVER_SECONDS)
        until(lambda: desk.states()[-1] is JobState.RUNNING)
        desk.emulator.control(advance=FOR_EVER_SECONDS / 2)
        until(lambda: "40%" in desk.news[-1].message)
        desk.emulator.control(advance=FOR_EVER_SECONDS)
        assert future.result(PATIENCE_SECONDS).path.is_file()


# Once


def test_finished_jobs_need_no_network(desk):
    first = desk.made()
    before = desk.emulator.stats()["routes"]
    assert desk.made() == first
    again = desk.made(target="photos/other")
    assert (again.path.name, again.sha256) == ("other.png", first.sha256)
    after = desk.emulator.stats()["routes"]
    assert {route for route in after if after[route] != before.get(route)} <= {"GET /stats", "stats"}
    assert len(desk.emulator.ledger()) == 1


@pytest.mark.parametrize("harm", ["missing", "damaged"])
def test_a_lost_file_is_downloaded_again_without_paying(desk, harm):
    first = desk.made()
    if harm == "missing":
        first.path.unlink()
    else:
        first.path.write_bytes(first.path.read_bytes()[:-100])
    assert desk.made() == first
    assert sha256_of(first.path) == first.sha256
    assert len(desk.emulator.ledger()) == 1


def test_the_same_request_twice_at_once_is_one_job(desk):
    with desk.bridge() as bridge:
        one = bridge.start(desk.photo(), desk.folder / "photos" / "one")
        two = bridge.start(desk.photo(), desk.folder / "photos" / "two")
        assert one.result(PATIENCE_SECONDS).sha256 == two.result(PATIENCE_SECONDS).sha256
    assert (desk.folder / "photos" / "two.png").is_file()
    assert len(desk.emulator.ledger()) == 1


def test_a_new_seed_is_a_new_job_but_not_a_new_upload(desk):
    assert desk.made(desk.photo(seed=1)).key != desk.made(desk.photo(seed=2), "photos/two").key
    assert len(desk.emulator.ledger()) == 2
    assert desk.count("upload") == 1


@pytest.mark.parametrize(
    "fault",
    [
        {"name": "drop-submit-answer"},
        {"name": "reset-submit-answer"},
        {"name": "slow-answer", "seconds": FOR_EVER_SECONDS},
        {"name": "malformed-json"},
        {"name": "empty-answer"},
        {"name": "nginx-503", "accepted": True},
        {"name": "gateway-timeout", "accepted": True},
        {"name": "html-answer", "accepted": True},
        {"name": "gzip-bomb", "at": "submit", "megabytes": 8},
    ],
    ids=lambda fault: fault["name"],
)
def test_a_lost_response_is_uncertain_and_never_sent_again(desk, fault):
    desk.emulator.control(faults=[fault, {"name": "unlisted"}])
    error = desk.failure(submit=5.0, lookup=0.3)
    assert isinstance(error, errors.UncertainSubmitError)
    assert error.exit_code == 5
    assert "front photo" in error.message
    assert desk.states()[-1] is JobState.UNCERTAIN
    desk.emulator.control(faults=[])
    again = desk.failure()
    assert isinstance(again, errors.UncertainSubmitError)
    assert len(desk.emulator.ledger()) == 1


def test_a_request_with_a_lost_response_is_found_in_the_list(desk):
    desk.fault("drop-submit-answer")
    assert desk.made().path.is_file()
    assert JobState.UNCERTAIN in desk.states()
    assert desk.states()[-1] is JobState.DONE
    assert len(desk.emulator.ledger()) == 1


def held(desk) -> str:
    """A job that is held, and its key."""
    desk.emulator.control(faults=[{"name": "drop-before-accept"}])
    error = desk.failure(lookup=0.2)
    assert isinstance(error, errors.UncertainSubmitError)
    desk.emulator.control(faults=[])
    (key,) = Journal(desk.journal).job_keys()
    assert key[:12] in error.hint
    return key


def test_the_user_can_resend_a_held_job(desk):
    key = held(desk)
    assert desk.emulator.ledger() == []
    decide(Journal(desk.journal), key, Decision.RESEND, is_not_in_dashboard=True)
    assert desk.made().path.is_file()
    assert len(desk.emulator.ledger()) == 1
    assert len(list(desk.journal.glob("*/intent.*"))) == 2


def test_the_user_can_give_up_a_held_job(desk):
    key = held(desk)
    decide(Journal(desk.journal), key, Decision.FORGET)
    error = desk.failure()
    assert isinstance(error, errors.ForgottenError)
    assert (error.exit_code, key[:12] in error.hint) == (2, True)
    assert desk.emulator.ledger() == []


def test_a_request_that_turns_up_late_is_not_sent_again(desk):
    desk.emulator.control(faults=[{"name": "drop-submit-answer"}], request_list_delay=FOR_EVER_SECONDS)
    assert isinstance(desk.failure(lookup=0.2), errors.UncertainSubmitError)
    desk.emulator.control(faults=[], advance=FOR_EVER_SECONDS)
    (key,) = Journal(desk.journal).job_keys()
    decide(Journal(desk.journal), key, Decision.RESEND, is_not_in_dashboard=True)
    assert desk.made().path.is_file()
    assert len(desk.emulator.ledger()) == 1


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("bad-key", errors.BadKeyError),
        ("account-locked", errors.AccountLockedError),
        ("endpoint-withdrawn", errors.UnknownEndpointError),
        ("rate-limited", errors.RateLimitedError),
    ],
)
def test_a_refused_submit_may_be_sent_again(desk, fault, expected):
    desk.fault(fault)
    error = desk.failure(max_wait=0.0)
    assert type(error) is expected
    assert error.hint
    assert desk.emulator.ledger() == []
    desk.emulator.control(faults=[])
    assert desk.made().path.is_file()
    assert len(desk.emulator.ledger()) == 1
    assert len(list(desk.journal.glob("*/intent.*"))) == 2


def test_a_refused_connection_means_nothing_was_sent(desk):
    service = Service.emulator("http://127.0.0.1:9")
    news = []
    wanted = desk.photo(kind=Kind.MODEL, endpoint=default_model_endpoint(0), images=())
    with Bridge(service, desk.journal, news.append, pace=desk.pace) as bridge:
        error = bridge.start(wanted, desk.folder / "model").exception(PATIENCE_SECONDS)
    assert isinstance(error, errors.NetworkDownError)
    assert news[-1].state is JobState.FAILED
    assert desk.made(wanted, "model").path.is_file()


# Failures after the submit


@pytest.mark.parametrize(
    ("fault", "expected", "submits"),
    [
        ({"name": "model-error"}, errors.ContentPolicyError, 1),
        ({"name": "model-error", "type": "image_too_small"}, errors.InputRefusedError, 1),
        ({"name": "model-error", "type": "file_download_error"}, errors.InputRefusedError, 2),
        ({"name": "model-crash"}, errors.RunnerTroubleError, 2),
        ({"name": "runner-error"}, errors.RunnerTroubleError, 2),
        ({"name": "result-timeout"}, errors.RunnerTroubleError, 2),
    ],
    ids=str,
)
def test_a_failed_job_is_sent_again_only_when_that_is_free(desk, fault, expected, submits):
    desk.fault(**fault, count=1)
    error = desk.failure()
    assert type(error) is expected
    assert desk.states()[-1] is JobState.FAILED
    if submits == 2:
        assert desk.made().path.is_file()
    else:
        assert str(desk.failure()) == str(error)
    assert len(desk.emulator.ledger()) == submits


def test_a_black_picture_is_kept_and_rejected(desk):
    desk.fault("nsfw-black")
    assert isinstance(desk.failure(), errors.UnsafePictureError)
    assert (desk.folder / "photos" / "front.refused.png").is_file()
    assert not (desk.folder / "photos" / "front.png").exists()
    assert isinstance(desk.failure(), errors.UnsafePictureError)
    assert len(desk.emulator.ledger()) == 1


def test_a_stuck_queue_times_out_and_can_be_resumed(desk):
    desk.fault("never-leaves-queue")
    assert isinstance(desk.failure(queue=0.3), errors.QueueDeadlineError)
    assert isinstance(desk.failure(queue=0.3), errors.QueueDeadlineError)
    assert len(desk.emulator.ledger()) == 1


def test_an_unavailable_service_leaves_the_job_to_the_next_run(desk):
    desk.fault("nginx-503", at="status")
    assert isinstance(desk.failure(patience=0.5), errors.ServiceTroubleError)
    desk.emulator.control(faults=[])
    assert desk.made().path.is_file()
    assert len(desk.emulator.ledger()) == 1


def test_an_expired_result_is_reported(desk):
    desk.fault("result-expired")
    assert isinstance(desk.failure(), errors.ExpiredResultError)
    assert len(desk.emulator.ledger()) == 1


@pytest.mark.parametrize("at", ["status", "result"])
@pytest.mark.parametrize(
    "name", ["nginx-503", "rate-limited", "drop-before-accept", "malformed-json", "html-answer"]
)
def test_safe_calls_are_repeated(desk, name, at):
    desk.fault(name, at=at, count=1 if name == "rate-limited" else 2)
    assert desk.made().path.is_file()
    assert len(desk.emulator.ledger()) == 1


# Downloads


@pytest.mark.parametrize(
    "fault",
    [
        {"name": "short-body"},
        {"name": "truncated-file"},
        {"name": "wrong-media-type"},
        {"name": "no-length"},
        {"name": "redirect-loopback"},
        {"name": "html-answer", "at": "download"},
        {"name": "nginx-502", "at": "download"},
        {"name": "gzip-bomb", "megabytes": 64},
    ],
    ids=lambda fault: fault["name"],
)
def test_a_download_survives_network_errors(desk, fault):
    desk.fault(**fault, endpoint="fal-ai/*", count=1)
    result = desk.made()
    with Image.open(result.path) as picture:
        picture.load()
    assert len(desk.emulator.ledger()) == 1
    assert not list(desk.folder.rglob("*.part"))


def test_an_interrupted_download_resumes(desk):
    desk.fault("short-body", endpoint="fal-ai/*", nth=[1, 2])
    desk.made()
    answers = desk.emulator.stats()["answers"]
    assert any("206" in answer for answer in answers), answers


@pytest.mark.parametrize("name", ["redirect-outside", "outside-output"])
def test_a_file_from_another_host_is_not_downloaded(desk, name):
    desk.fault(name)
    assert isinstance(desk.failure(), errors.DownloadFailedError)
    desk.emulator.control(faults=[])
    assert len(desk.emulator.ledger()) == 1


def test_a_failed_download_is_repeated_by_the_next_run_for_free(desk):
    desk.fault("file-missing", endpoint="fal-ai/*")
    assert isinstance(desk.failure(), errors.ExpiredResultError)
    desk.emulator.control(faults=[])
    assert desk.made().path.is_file()
    assert len(desk.emulator.ledger()) == 1


def test_a_picture_that_cannot_be_decoded_is_rejected(desk):
    desk.fault("corrupt-output")
    assert isinstance(desk.failure(), errors.DownloadFailedError)
    assert not list(desk.folder.rglob("*.part"))


# Leaving


def test_leaving_is_quick_and_keeps_what_was_sent(desk):
    desk.emulator.control(delays={"photo": FOR_EVER_SECONDS})
    with desk.bridge() as bridge:
        future = bridge.start(desk.photo(), desk.folder / "photos" / "front")
        until(lambda: desk.states()[-1:] == [JobState.RUNNING])
    assert [entry["state"] for entry in desk.emulator.ledger()] == ["IN_PROGRESS"]  # It was not waited for.
    assert isinstance(future.exception(PATIENCE_SECONDS), errors.StoppedError)
    assert desk.states()[-1] is JobState.LEFT
    late = bridge.start(desk.photo(seed=5), desk.folder / "photos" / "late")
    assert isinstance(late.exception(PATIENCE_SECONDS), errors.StoppedError)
    desk.emulator.control(advance=FOR_EVER_SECONDS)
    assert desk.made().path.is_file()
    assert len(desk.emulator.ledger()) == 1


def test_leaving_waits_for_the_answer_to_a_paid_submit(desk):
    desk.fault("slow-answer", seconds=2.0)
    with desk.bridge() as bridge:
        bridge.start(desk.photo(), desk.folder / "photos" / "front")
        until(desk.emulator.ledger)
    assert len(list(desk.journal.glob("*/submitted.1.json"))) == 1
    desk.emulator.control(faults=[])
    assert desk.made().path.is_file()
    assert len(desk.emulator.ledger()) == 1


CHILD = """
import sys
sys.path.insert(0, {root!r})
from command_line.bootstrap import load_package
load_package()
from pathlib import Path
from photoreal_set.fal_bridge.bridge import Bridge
from photoreal_set.fal_bridge.jobs import Generation, Kind
from photoreal_set.fal_bridge.network.service import Service

folder = Path({folder!r})
wanted = Generation(kind=Kind.PHOTO, endpoint={endpoint!r}, label="front photo",
                    images=(folder / "render.png",), prompt="studio photograph")
with Bridge(Service.emulator({url!r}), folder / ".journal", lambda job: None) as bridge:
    future = bridge.start(wanted, folder / "photos" / "front")
    print("started", flush=True)
    future.result()
"""


def child(desk: Desk) -> subprocess.Popen:
    code = CHILD.format(
        root=str(ROOT), folder=str(desk.folder), endpoint=DEFAULT_PHOTO_ENDPOINT, url=desk.emulator.url
    )
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
@pytest.mark.parametrize("fact", ["intent.1", "submitted.1.json"])
def test_a_killed_run_is_resumed_without_paying_again(desk, fact):
    desk.emulator.control(delays={"photo": FOR_EVER_SECONDS})
    if fact == "intent.1":
        desk.fault("slow-answer", seconds=FOR_EVER_SECONDS)
    process = child(desk)
    until(lambda: list(desk.journal.glob(f"*/{fact}")) and desk.emulator.ledger())
    process.send_signal(signal.SIGKILL)
    process.wait()
    desk.emulator.control(advance=FOR_EVER_SECONDS, faults=[])
    assert desk.made().path.is_file()
    assert len(desk.emulator.ledger()) == 1


def test_two_processes_on_one_folder_pay_once(desk):
    desk.emulator.control(delays={"photo": FOR_EVER_SECONDS})
    processes = [child(desk), child(desk)]
    assert [process.stdout.readline() for process in processes] == ["started\n"] * 2
    until(desk.emulator.ledger)
    desk.emulator.control(advance=FOR_EVER_SECONDS)
    assert [process.wait(PATIENCE_SECONDS) for process in processes] == [0, 0]
    assert (desk.folder / "photos" / "front.png").is_file()
    assert len(desk.emulator.ledger()) == 1


# Secrets


def test_no_byte_of_the_key_is_written_or_printed(desk, caplog, monkeypatch):
    key = "0a1b2c3d-key-identifier:s3cr3t-of-the-key"
    monkeypatch.setattr("photoreal_set.fal_bridge.network.service.EMULATOR_KEY", key)
    caplog.set_level(logging.DEBUG)
    result = desk.made()
    desk.fault("bad-key")
    error = desk.failure(desk.photo(seed=9))
    said = [repr(result), repr(error), str(error), caplog.text, json.dumps([repr(job) for job in desk.news])]
    cause = error
    while cause is not None:
        said += [repr(cause), str(cause)]
        cause = cause.__cause__ or cause.__context__
    written = [path.read_bytes() for path in desk.folder.rglob("*") if path.is_file()]
    for part in key.split(":"):
        assert not [text for text in said if part in text]
        assert not [data for data in written if part.encode() in data]
    assert list(desk.emulator.stats()["foreign_keys"])  # This is the key that was sent.


def test_files_are_downloaded_without_the_key():
    client = download_client(Service.live("identifier:secret"), httpx.create_ssl_context())
    assert "authorization" not in client.headers


@pytest.mark.parametrize("path", ["../../private.png", "../photos/link/private.png", "/private.png"])
def test_a_path_in_the_journal_reaches_no_file_outside_the_set(desk: Desk, path: str):
    private = desk.folder.parent / "private.png"
    private.write_bytes(b"private")
    result = desk.made()
    (desk.folder / "photos" / "link").symlink_to(private.parent, target_is_directory=True)
    (done,) = desk.journal.glob("*/done*")
    facts = json.loads(done.read_text())
    done.write_text(
        json.dumps({**facts, "path": path.replace("/private.png", str(private)) if path[0] == "/" else path})
    )
    again = desk.made()
    assert (again.request_id, again.path.parent) == (result.request_id, desk.folder / "photos")
    assert [item.name for item in private.parent.glob("private*")] == ["private.png"]
    assert len(desk.emulator.ledger()) == 1
