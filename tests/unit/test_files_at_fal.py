# SPDX-License-Identifier: GPL-3.0-or-later
"""What stays at fal.ai, until when, and who can read it."""

import io
import json
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from photoreal_set.command_line import main as cli
from photoreal_set.fal_bridge.journal import Journal, Stage, late_key
from photoreal_set.fal_bridge.stored_files import pickup_deadline, stored_files
from photoreal_set.photo_set.choices import Engine
from tests.cloud_sets import Sets
from tests.patience import FOR_EVER_SECONDS, PATIENCE_SECONDS

pytestmark = pytest.mark.slow

DAY = 86400
HEADER = "X-Fal-Object-Lifecycle-Preference"


@pytest.fixture
def sets(tmp_path: Path, emulator) -> Sets:
    return Sets(tmp_path, emulator)


def wishes(sets: Sets) -> list[dict]:
    """The lifecycle headers of all requests."""
    return [json.loads(entry["headers"].get(HEADER, "null")) for entry in sets.emulator.ledger()]


def addresses(sets: Sets) -> list[str]:
    return [url for files in stored_files(journal(sets)) for url in files.urls]


def journal(sets: Sets) -> Journal:
    return Journal(sets.plan.out / ".journal")


def status(url: str) -> int:
    return httpx.get(url, trust_env=False, timeout=PATIENCE_SECONDS).status_code


def test_a_day_after_a_finished_set_nothing_of_it_can_be_fetched(sets):
    plan = replace(sets.plan, video=Engine.FAL, photo_size=256)
    assert sets.run(plan).exit_code == 0
    assert wishes(sets) == [{"expiration_duration_seconds": DAY}] * len(sets.emulator.ledger())
    files, urls = sets.emulator.files(), addresses(sets)
    assert {file["endpoint"] for file in files} >= {"upload", plan.photo_endpoint, plan.video_endpoint}
    assert all(file["is_public"] for file in files)
    assert {file["path"] for file in files} == {url.partition("/cdn/")[2] for url in urls}
    assert {status(url) for url in urls} == {200}
    sets.emulator.control(advance=DAY + 60)
    assert not any(file["is_public"] for file in sets.emulator.files())
    assert {status(url) for url in urls} == {404}


def test_files_are_kept_on_request(sets):
    assert sets.run(replace(sets.plan, keep_uploads=True)).exit_code == 0
    assert wishes(sets) == [None, None]
    sets.emulator.control(advance=400 * DAY)
    assert {status(url) for url in addresses(sets)} == {200}
    assert {entry["until"] for entry in sets.record["at_fal"]} == {None}
    assert "as long as your account keeps files" in page(sets)


def test_the_expiration_can_be_chosen_and_changes_no_request(sets):
    assert sets.run(replace(sets.plan, expiration=7200)).exit_code == 0
    assert {wish["expiration_duration_seconds"] for wish in wishes(sets)} == {7200}
    assert sets.run(replace(sets.plan, expiration=30 * DAY, private=True)).exit_code == 0
    assert len(sets.emulator.ledger()) == 2  # The same jobs, which are done.


def test_the_set_lists_what_fal_still_has(sets):
    assert sets.run().exit_code == 0
    entries = sets.record["at_fal"]
    results = [entry for entry in entries if entry["kind"] == "result"]
    assert {label for entry in results for label in entry["labels"]} == {"front photo", "three-quarter photo"}
    assert {entry["request"] for entry in results} == {
        entry["request_id"] for entry in sets.emulator.ledger()
    }
    assert sum(entry["kind"] == "upload" for entry in entries) == 2
    assert {entry["readable_by"] for entry in entries} == {"anyone"}
    assert all(entry["until"] for entry in entries)
    assert "Sent for front photo" in page(sets)
    assert f"until {results[0]['until'][:10]}" in page(sets)


def page(sets: Sets) -> str:
    folder = sets.folder(sets.plan)
    folder.write_page()
    return folder.report.read_text()


def test_results_of_older_versions_have_no_end(sets):
    assert sets.run().exit_code == 0
    for path in journal(sets).folder.glob("*/intent.1"):
        facts = json.loads(path.read_text())
        del facts["expires_after"], facts["is_private"]
        path.write_text(json.dumps(facts))
    results = [files for files in stored_files(journal(sets)) if files.request_id]
    assert [(files.until, files.is_public) for files in results] == [(None, True)] * 2


def test_the_time_until_which_a_result_must_be_fetched_is_known(sets):
    sets.emulator.control(delays={"photo": FOR_EVER_SECONDS})

    def are_running() -> bool:
        return [entry["state"] for entry in sets.emulator.ledger()] == ["IN_PROGRESS"] * 2

    sets.run(replace(sets.plan, expiration=7200), leave_when=are_running)
    sent = min(json.loads(path.read_text())["time"] for path in journal(sets).folder.glob("*/intent.1"))
    assert pickup_deadline(journal(sets)) == sent + 7200
    sets.emulator.control(advance=FOR_EVER_SECONDS, delays={"photo": 0.0})
    assert sets.run().exit_code == 0
    assert pickup_deadline(journal(sets)) is None


# Private results


def test_private_results_are_read_with_the_key_only(sets):
    assert sets.run(replace(sets.plan, private=True)).exit_code == 0
    assert wishes(sets)[0]["initial_acl"] == {"default": "forbid"}
    by_kind = {entry["kind"]: entry["readable_by"] for entry in sets.record["at_fal"]}
    assert by_kind == {"result": "key", "upload": "anyone"}
    for files in stored_files(journal(sets)):
        assert {status(url) for url in files.urls} == {403 if files.request_id else 200}
    assert "readable only with your key" in page(sets)


def test_a_restriction_that_fal_ignores_is_named(sets):
    sets.emulator.control(faults=[{"name": "ignore-acl", "nth": [1]}])
    assert sets.run(replace(sets.plan, private=True)).exit_code == 0
    results = [entry for entry in sets.record["at_fal"] if entry["kind"] == "result"]
    assert sorted(entry["readable_by"] for entry in results) == ["anyone", "key"]
    assert any("can be read by anyone, although" in text for text in sets.said)


def test_a_key_that_could_not_read_private_results_sends_nothing(sets):
    sets.emulator.control(permissions=["submit", "requests", "uploads"])
    assert sets.run(replace(sets.plan, private=True)).exit_code != 0
    assert sets.emulator.ledger() == []
    assert any("may not read restricted files" in text for text in sets.said)
    sets.emulator.control(permissions=["submit", "requests", "uploads", "assets"])
    assert sets.run(replace(sets.plan, private=True)).exit_code == 0


# Cleaning up

ALL = ["submit", "requests", "uploads", "assets", "billing", "payloads"]


def cleanup(folder: Path) -> tuple[int, str]:
    """The exit code and the output of the command."""
    stream = io.StringIO()
    code = cli.main(["cleanup", str(folder), "--json"], stream)
    return code, stream.getvalue()


def test_cleaning_up_leaves_nothing_that_can_be_fetched_and_loses_nothing(sets):
    sets.emulator.control(permissions=ALL)
    assert sets.run(replace(sets.plan, video=Engine.FAL)).exit_code == 0
    urls = addresses(sets)
    link = sets.plan.out.with_name("link")
    link.symlink_to(sets.plan.out, target_is_directory=True)
    code, said = cleanup(link)
    assert code == 0
    assert f"{len(urls)} files hidden, and the records of 3 requests deleted" in said
    assert {status(url) for url in urls} == {404}
    assert not any(file["is_public"] for file in sets.emulator.files())
    assert sets.record["at_fal"] == []
    assert "Still at fal.ai" not in (sets.plan.out / "index.html").read_text()
    code, said = cleanup(sets.plan.out)
    assert code == 0
    assert "Nothing was hidden or deleted" in said
    sent = len(sets.emulator.ledger())
    assert sets.run(replace(sets.plan, video=Engine.FAL)).exit_code == 0
    assert len(sets.emulator.ledger()) == sent


def test_a_key_without_permissions_is_told_what_stays(sets):
    sets.emulator.control(permissions=["submit", "requests", "uploads"])
    assert sets.run().exit_code == 0
    code, said = cleanup(sets.plan.out)
    assert code == 2
    assert "may not hide files" in said
    assert "needs an admin key" in said
    assert {entry["kind"] for entry in sets.record["at_fal"]} == {"result", "upload"}
    sets.emulator.control(permissions=["submit", "requests", "uploads", "assets"])
    code, said = cleanup(sets.plan.out)
    assert code == 2
    assert "may not hide files" not in said
    assert sets.record["at_fal"] == []
    sets.emulator.control(permissions=ALL)
    assert cleanup(sets.plan.out)[0] == 0


def test_a_file_that_cannot_be_deleted_is_hidden(sets):
    sets.emulator.control(permissions=ALL, faults=[{"name": "undeletable"}])
    assert sets.run().exit_code == 0
    urls = addresses(sets)
    assert cleanup(sets.plan.out)[0] == 0
    assert {status(url) for url in urls} == {404}


@pytest.mark.parametrize("answer", [403, 400, 422])
def test_a_file_that_fal_does_not_let_be_hidden_is_named_and_the_others_are_hidden(sets, answer: int):
    sets.emulator.control(
        permissions=["submit", "requests", "uploads", "assets"],
        faults=[{"name": "fixed-acl", "nth": [1], "status": answer}],
    )
    assert sets.run().exit_code == 0
    code, said = cleanup(sets.plan.out)
    assert code == 2
    assert "three-quarter photo: fal.ai does not let these files be hidden" in said
    assert "may not hide files" not in said
    (left,) = sets.record["at_fal"]
    assert left["labels"] == ["three-quarter photo"]
    assert [file["is_public"] for file in sets.emulator.files()].count(True) == 1


def test_what_is_not_on_disk_stays(sets):
    sets.emulator.control(permissions=ALL)
    assert sets.run().exit_code == 0
    lost = next((sets.plan.out / "photos" / "original").glob("front.*"))
    lost.unlink()
    code, said = cleanup(sets.plan.out)
    assert code == 2
    assert "front photo: its file is missing or changed here" in said
    assert sets.run().exit_code == 0
    assert lost.is_file()
    assert len(sets.emulator.ledger()) == 2
    assert cleanup(sets.plan.out)[0] == 0


def test_a_result_that_has_got_another_name_is_on_disk(sets):
    """As with a 3D model or a concept picture of which another take was bought."""
    sets.emulator.control(permissions=ALL)
    assert sets.run().exit_code == 0
    first = next((sets.plan.out / "photos" / "original").glob("front.*"))
    first.rename(first.with_name(f"front-1{first.suffix}"))
    first.write_bytes(b"another take")
    assert cleanup(sets.plan.out)[0] == 0


def test_files_of_a_request_that_is_open_stay(sets):
    sets.emulator.control(permissions=ALL, delays={"photo": FOR_EVER_SECONDS})

    def are_running() -> bool:
        return [entry["state"] for entry in sets.emulator.ledger()] == ["IN_PROGRESS"] * 2

    sets.run(leave_when=are_running)
    code, said = cleanup(sets.plan.out)
    assert code == 2
    assert "the request is open" in said
    assert "pictures that were sent stay" in said
    sets.emulator.control(advance=FOR_EVER_SECONDS, delays={"photo": 0.0})
    assert sets.run().exit_code == 0


def test_a_request_that_was_given_up_and_fetched_later_is_not_open(sets):
    sets.emulator.control(permissions=ALL)
    assert sets.run().exit_code == 0
    known, key = journal(sets), "a" * 64
    done = known.done_jobs("front photo")[0]
    intent = {"label": "front photo", "endpoint": sets.plan.photo_endpoint, "kind": "photo"}
    known.claim(key, 1, intent)
    known.record(key, 1, Stage.UNCERTAIN, {"error": "UncertainSubmitError", "message": "Lost."})
    known.record(key, 1, Stage.RELEASED, {})
    known.claim(key, 2, intent)
    known.record(key, 1, Stage.SUBMITTED, {"request_id": "late"})  # The run that has sent it learns this now.
    fetched = {name: done.facts[Stage.DONE][name] for name in ("path", "sha256", "units", "seed")}
    for job, attempt, request_id in ((key, 2, "resent"), (late_key(key, 1), 1, "late")):
        known.claim(job, attempt, intent)
        known.record(job, attempt, Stage.SUBMITTED, {"request_id": request_id})
        known.record(job, attempt, Stage.ANSWERED, {"output": {}, "units": 1.0})
        known.record(job, attempt, Stage.DONE, {**fetched, "request_id": request_id})
    code, said = cleanup(sets.plan.out)
    assert (code, "is open" in said) == (0, False)


def test_a_set_without_fal_has_nothing_to_clean_up(sets, capsys):
    sets.folder(replace(sets.plan, engine=Engine.CYCLES, service=None))
    assert cleanup(sets.plan.out)[0] == 1
    assert "has no requests at fal.ai" in capsys.readouterr().err
