# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of a photo or a video that is gone is called missing, with what brings it back, and is not bought again."""

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from photoreal_set.command_line import main as cli
from photoreal_set.imaging.origin_part import is_emulated, total_cost
from photoreal_set.messages import events
from photoreal_set.photo_set.choices import Engine, Fidelity
from photoreal_set.photo_set.folder import SetFolder
from photoreal_set.photo_set.lost_files import Way
from photoreal_set.photo_set.plan_record import plan_record
from photoreal_set.photo_set.results import SetResults
from photoreal_set.processes.stop import Stop
from tests.gated_set import HERO, OTHER, GatedSet, Told
from tests.told import events_in

pytestmark = pytest.mark.slow

RESTORED = f"{HERO} photo: the file was missing or changed. It is made again, and nothing is paid for it."


@pytest.fixture
def tea(tmp_path: Path, emulator) -> GatedSet:
    tea = GatedSet.at(tmp_path, emulator.url)
    assert tea.run(video=Engine.FAL).exit_code == 0
    return tea


def checked(root: Path) -> tuple[int, list[dict], str]:
    """The exit code of ``check``, its events, and its table."""
    lines, plain = io.StringIO(), io.StringIO()
    code = cli.main(["check", str(root), "--json"], lines)
    assert cli.main(["check", str(root)], plain) == code
    return code, events_in(lines.getvalue()), plain.getvalue()


def test_a_photo_that_is_gone_comes_back_from_the_file_as_received(tea: GatedSet, emulator):
    root, original = tea.plan.out, tea.photo(HERO)["original"]
    (root / tea.photo(HERO)["path"]).unlink()
    code, lines, text = checked(root)
    assert code == 2
    verdicts = {line["angle"]: (line["verdict"], line["rejected"]) for line in lines if "angle" in line}
    assert verdicts == {HERO: ("missing", False), OTHER: ("accept", False)}
    way = f"photos/{HERO}.png is missing. `resume {root}` makes it again from {original}, free of charge."
    assert way in text and "2 photos, 1 missing, 0 rejected." in text
    paid = len(emulator.ledger())
    assert tea.run().exit_code == 0
    assert RESTORED in tea.told.texts
    assert (checked(root)[0], len(emulator.ledger())) == (0, paid)
    assert tea.run().exit_code == 0 and RESTORED not in tea.told.texts


def test_results_that_are_gone_are_fetched_again_as_long_as_fal_has_them(tea: GatedSet, emulator):
    root = tea.plan.out
    files = [tea.photo(HERO), tea.record["videos"][0]]
    for path in (root / one[name] for one in files for name in ("path", "original")):
        path.unlink()
    code, lines, text = checked(root)
    assert (code, [line["verdict"] for line in lines if line["event"] == "identity"]) == (2, ["missing"])
    assert (
        text.count(f"`resume {root}` fetches it from fal.ai again, free of charge. fal.ai keeps it until")
        == 2
    )
    paid = len(emulator.ledger())
    assert tea.run().exit_code == 0
    assert {RESTORED, RESTORED.replace(f"{HERO} photo", "video")} <= set(tea.told.texts)
    assert (checked(root)[0], len(emulator.ledger())) == (0, paid)


def test_only_what_fal_no_longer_has_must_be_bought(tea: GatedSet, emulator):
    root = tea.plan.out
    for name in ("path", "original"):
        (root / tea.photo(HERO)[name]).unlink()
    for intent in (root / ".journal").glob("*/intent.*"):
        facts = json.loads(intent.read_text(encoding="utf-8"))
        intent.write_text(json.dumps({**facts, "expires_after": 0}), encoding="utf-8")
    _code, _lines, text = checked(root)
    assert f"fal.ai no longer keeps it: `resume {root} --redo {HERO}` buys another one." in text
    emulator.control(faults=[{"name": "file-missing"}])
    paid = len(emulator.ledger())
    assert tea.run().exit_code == 2
    assert any("fal.ai no longer has the file" in text for text in tea.told.texts)
    assert len(emulator.ledger()) == paid, "only a person buys another one"


def without_originals(tea: GatedSet, emulator) -> None:
    """Delete the files as received, here and at fal."""
    for original in tea.plan.out.glob("*/original/*"):
        original.unlink()
    emulator.control(faults=[{"name": "file-missing", "count": 100}])


def test_a_photo_and_a_video_without_the_files_as_received_are_kept(tea: GatedSet, emulator):
    without_originals(tea, emulator)
    before, paid = tea.record, len(emulator.ledger())
    outcome = tea.run()
    assert (outcome.exit_code, len(emulator.ledger())) == (0, paid)
    for label, path in ((f"{HERO} photo", f"photos/{HERO}.png"), (f"{OTHER} photo", f"photos/{OTHER}.png")):
        assert (
            f"{label}: the file as received is gone, and fal.ai does not provide it again. {path} is kept, and nothing is bought again."
            in tea.told.texts
        )
    assert any("The video made from other files of the photos is kept" in text for text in tea.told.texts)
    jobs = [event for event in tea.told.events if isinstance(event, events.Job)]
    assert not [job for job in jobs if job.state == "failed" or job.redo]
    assert tea.record["angles"] == before["angles"] and tea.record["videos"] == before["videos"]


def test_a_video_without_the_file_as_received_is_kept(tea: GatedSet, emulator):
    (tea.plan.out / tea.record["videos"][0]["original"]).unlink()
    emulator.control(faults=[{"name": "file-missing", "count": 100}])
    before, paid = tea.record, len(emulator.ledger())
    assert tea.run().exit_code == 0
    assert any(text.startswith("video: the file as received is gone") for text in tea.told.texts)
    assert tea.record["videos"] == before["videos"] and len(emulator.ledger()) == paid


def test_a_first_video_is_made_from_the_photo_that_is_left_and_kept_when_the_file_as_received_returns(
    tmp_path: Path, emulator
):
    tea = GatedSet.at(tmp_path, emulator.url)
    assert tea.run().exit_code == 0
    originals = {path: path.read_bytes() for path in tea.plan.out.glob("*/original/*")}
    without_originals(tea, emulator)
    emulator.control(faults=[{"name": "file-missing", "endpoint": tea.plan.photo_endpoint}])
    paid = len(emulator.ledger())
    assert tea.run(video=Engine.FAL).exit_code == 0
    assert len(emulator.ledger()) == paid + 1
    assert tea.record["videos"][0]["stand_in"] == HERO
    assert tea.run().exit_code == 0
    for path, content in originals.items():
        path.write_bytes(content)
    assert tea.run().exit_code == 0
    assert len(emulator.ledger()) == paid + 1
    assert any("The video made from other files of the photos is kept" in text for text in tea.told.texts)


def test_an_enlargement_is_not_bought_again_from_another_file(tmp_path: Path, emulator):
    tea = GatedSet.at(tmp_path, emulator.url, photo_size=1500)
    assert tea.run().exit_code == 0
    without_originals(tea, emulator)
    before, paid = tea.record["angles"], len(emulator.ledger())
    assert paid == 4, "two photos and their enlargements"
    for size in (1500, 2000, None):
        assert tea.run(photo_size=size).exit_code == 0
        assert (tea.record["angles"], len(emulator.ledger())) == (before, paid)
        assert any("it keeps its size" in text for text in tea.told.texts) == (size == 2000)


def test_photos_that_were_shown_a_hero_are_not_made_again_from_another_file_of_it(tmp_path: Path, emulator):
    with_hero = {"with_hero": True, "photo_endpoint": "fal-ai/flux-2/edit", "fidelity": Fidelity.OFF}
    tea = GatedSet.at(tmp_path, emulator.url, **with_hero)
    assert tea.run().exit_code == 0
    without_originals(tea, emulator)
    paid = len(emulator.ledger())
    assert tea.run().exit_code == 2
    assert len(emulator.ledger()) == paid


def test_what_an_emulator_has_made_stays_marked_when_set_json_is_rebuilt_without_it(tea: GatedSet):
    (tea.plan.out / "set.json").write_text("{", encoding="utf-8")
    cycles = {"engine": Engine.CYCLES, "video": None, "service": None}
    plan = replace(tea.plan, **cycles)
    folder = SetFolder.prepare(
        plan.out, product="tea", source=plan.source.record(), tool={}, plan=plan_record(plan)
    )
    assert not is_emulated(folder.record)
    SetResults(plan=plan, folder=folder, reporter=Told(), stop=Stop()).record_account()
    assert is_emulated(folder.record)
    assert total_cost(folder.record).endswith("to an emulator, so nothing was billed")


def test_a_photo_by_cycles_is_rendered_again(tea: GatedSet):
    photo = {**tea.photo(OTHER), "engine": "cycles"}
    record = tea.record
    next(one for one in record["angles"] if one["name"] == OTHER)["photo"] = photo
    (tea.plan.out / "set.json").write_text(json.dumps(record), encoding="utf-8")
    (tea.plan.out / photo["path"]).unlink()
    assert (
        f"photos/{OTHER}.png is missing. `resume {tea.plan.out}` renders it again."
        in checked(tea.plan.out)[2]
    )
    assert len(Way) == 4, "each way has a test here"
