# SPDX-License-Identifier: GPL-3.0-or-later
"""``resume DIR``: the plan comes from the folder, decisions from the user; Blender is not needed."""

import io
import json
import subprocess
import sys
import types
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from pathlib import Path

import pytest
from PIL import Image

from photoreal_set.catalogue.states import row_lock
from photoreal_set.command_line import main as cli
from photoreal_set.command_line import sets
from photoreal_set.fal_bridge.jobs import Kind
from photoreal_set.fal_bridge.journal import Journal, Stage, job_key
from photoreal_set.fal_bridge.network.service import Service
from photoreal_set.files.home import home_folder
from photoreal_set.gltf.choices import Surrounding
from photoreal_set.imaging.choices import Background, Guide, Lock, Pass, Preview
from photoreal_set.messages.errors import InputError
from photoreal_set.optics.angles import ANGLES, Angle, View
from photoreal_set.optics.rig_choice import chosen_rig
from photoreal_set.optics.sizes import Size
from photoreal_set.optics.spin import Spin
from photoreal_set.photo_set.choices import Engine, Fidelity
from photoreal_set.photo_set.folder import SetFolder, SetState
from photoreal_set.photo_set.plan import SetPlan
from photoreal_set.photo_set.plan_record import LIVE, fal_of, plan_from, plan_record
from photoreal_set.photo_set.source import source_from
from photoreal_set.photo_set.variants import Variant
from tests.fal_emulator.glb import make_glb
from tests.fal_emulator.process import start_emulator
from tests.patience import until
from tests.told import events_in

pytestmark = pytest.mark.slow

KEY = "a1" * 32
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / "desk" / f"{name}.png" for name in ("front", "side")]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        Image.effect_noise((300, 300), 40).save(path)
    return paths


@pytest.fixture(scope="module")
def emulator():
    server = start_emulator()
    yield server
    server.close()


@pytest.fixture
def plan(photos, tmp_path, emulator) -> SetPlan:
    return SetPlan(
        source=source_from(photos, ""),
        out=tmp_path / "set",
        angles=(ANGLES["side"], ANGLES["front"]),
        engine=Engine.FAL,
        video=None,
        resolution=Size(512, 640),
        samples=8,
        background=Background.GREY,
        prompt="walnut",
        seed=0,
        service=Service.emulator(emulator.url),
    )


def prepared(plan: SetPlan) -> SetFolder:
    return SetFolder.prepare(
        plan.out,
        product=plan.product,
        source=plan.source.record(),
        tool={},
        plan=plan_record(plan),
    )


@pytest.fixture
def runs(monkeypatch):
    """The plans that reach the pipeline; no Blender renders them."""
    plans = []

    def run_set(plan, _reporter, *_more):
        plans.append(plan)
        return types.SimpleNamespace(state=SetState.DONE, exit_code=0, folder=plan.out)

    monkeypatch.setattr(sets, "run_set", run_set)
    monkeypatch.setitem(sys.modules, "photoreal_set.studio.stage", types.SimpleNamespace(RENDERER=None))
    return plans


def run(*arguments: object) -> tuple[int, list[dict]]:
    output = io.StringIO()
    code = cli.main([*map(str, arguments), "--json"], output)
    return code, events_in(output.getvalue())


def test_redo_shows_the_price_of_what_it_pays_again_first(plan, runs):
    prepared(replace(plan, video=Engine.FAL))
    told = []
    for name in ("side", "front"):
        code, events = run("resume", plan.out, "--redo", name)
        assert code == 0
        told += [event["text"] for event in events if "paid again" in event.get("text", "")]
    assert told == [
        # The video starts from this photo.
        "Will be made and paid again: side photo, side retry, video: $0.585 to $0.61.",
        "Will be made and paid again: front photo, front retry: $0.025 to $0.05.",
    ]
    assert len(runs) == 2


def test_redo_shows_the_price_of_everything_that_depends_on_it(plan, runs):
    from_text = replace(
        plan, source=source_from([], "a lamp"), concept_endpoint="fal-ai/flux/schnell", retries=0
    )
    for name, again in (
        ("concept", "concept picture, 3D model, side photo, front photo, video"),
        ("model", "3D model, side photo, front photo, video"),
        ("film", "video"),
    ):
        prepared(replace(from_text, video=Engine.FAL))
        _code, events = run("resume", plan.out, "--redo", name)
        assert any(
            event.get("text", "").startswith(f"Will be made and paid again: {again}: ") for event in events
        )
    endpoint = "fal-ai/flux-pro/kontext/multi"
    prepared(replace(from_text, with_hero=True, photo_endpoint=endpoint))
    unknown = ("--max-cost", "9", "--allow-unknown-price")
    _code, events = run(
        "resume", plan.out, "--redo", "side", *unknown
    )  # The front photo is based on this one.
    assert any("again: side photo, front photo: " in event.get("text", "") for event in events)


def test_what_fal_did_not_make_cannot_be_redone(plan, runs, tmp_path):
    glb = tmp_path / "chair.glb"
    glb.write_bytes(make_glb("a chair", None, triangles=100, texture_side=32))
    own = replace(plan, source=source_from([glb], ""))
    prepared(own)
    for name, message in (
        ("model", "The 3D model of this set is your own file, so there is nothing to redo."),
        ("concept", "no concept picture"),
        ("film", "no video"),
        ("video", "no video"),
        ("nothing", "It has: side, front."),
    ):
        code, events = run("resume", own.out, "--redo", name)
        assert code == 1
        assert message in events[-1]["error"]
    prepared(replace(own, video=Engine.CYCLES))
    assert "same video" in run("resume", own.out, "--redo", "film")[1][-1]["error"]
    assert not runs


def test_a_requested_take_is_not_requested_twice(plan, runs):
    folder = prepared(plan)
    for takes in (2, 2):
        run("resume", plan.out, "--redo", "side", "--redo", "model")
        record = json.loads(folder.manifest.read_text())
        assert record["model"]["takes"] == takes
        assert [entry["takes"] for entry in record["angles"]] == [takes]
    with SetFolder.open(plan.out).change() as record:
        record["model"]["error"] = "It is lost."
        record["angles"][0]["photo"] = {"state": "failed"}
    run("resume", plan.out, "--redo", "side", "--redo", "model")
    record = json.loads(folder.manifest.read_text())
    assert (record["model"]["takes"], record["angles"][0]["takes"]) == (3, 3)


def test_another_take_is_another_request_with_or_without_seeds(plan):
    keys = set()
    for kind in (Kind.MODEL, Kind.PHOTO):
        for take in (1, 2, 2, 3):
            wanted = plan.generation(kind, "it", images=plan.source.files[:1], take=take)
            inputs = {name: str(value) for name, value in plan.endpoint(kind).arguments(wanted).items()}
            keys.add(job_key(wanted.endpoint, inputs, is_emulated=True, take=wanted.take))
    assert len(keys) == 6


def test_a_ceiling_that_redo_would_break_leaves_everything_as_it_is(plan, runs, capsys):
    folder = prepared(replace(plan, video=Engine.FAL))
    with folder.change() as record:
        record["videos"] = [{"motion": plan.motion, "state": "done"}]
    before = (plan.out / "set.json").read_bytes()
    code, _events = run("resume", plan.out, "--redo", "side", "--max-cost", "0.1")
    assert code == 4
    assert (plan.out / "set.json").read_bytes() == before
    assert not runs


def test_a_plan_is_read_back_from_its_folder(plan, emulator):
    folder = prepared(plan)
    again = plan_from(SetFolder.open(plan.out), plan.service)
    assert again.source.record() == plan.source.record()
    assert again.source.files == plan.source.files
    assert replace(again, source=plan.source) == plan
    assert plan_record(again) == plan_record(plan)
    assert fal_of(folder) == emulator.url


def test_every_option_of_a_plan_is_read_back(plan, tmp_path):
    chosen = replace(
        plan,
        video=Engine.FAL,
        photo_endpoint="fal-ai/flux-pro/kontext/multi",
        option_texts={Kind.PHOTO: {"guidance_scale": "3"}},
        with_hero=True,
        motion="light-sweep",
        look="jewellery",
        seconds=4,
        loop=True,
        photo_size=2048,
        fidelity=Fidelity.REPORT,
        retries=2,
        upscale_endpoint="lanczos",
        keep_uploads=True,
        expiration=7200,
        private=True,
        webhook="http://127.0.0.1:9/hook",
        inline_bytes=4096,
        lens_mm=50.0,
        passes=(Pass.NORMAL,),
    )
    free = replace(
        plan,
        engine=Engine.CYCLES,
        video=Engine.CYCLES,
        rig=chosen_rig("jewellery", rotation=30.0, intensity=1.5),
        quality="draft",
        f_stop=8.0,
        film_look=True,
        preview=Preview.GIF,
        pose="1.5",
        spin=Spin(count=24, elevation=20.0),
        without=(Surrounding.FLOOR, Surrounding.CRUMBS),
    )
    from_text = replace(
        plan, source=source_from([], "a lamp"), concept_endpoint="fal-ai/flux/schnell", lock=Lock.LABELS
    )
    lamp = tmp_path / "lamp.gltf"
    variants = {"KHR_materials_variants": {"variants": [{"name": "Brass"}]}}
    lamp.write_text(json.dumps({"asset": {}, "meshes": [{}], "extensions": variants}))
    model = replace(plan, source=source_from([lamp], ""), variant="Brass")
    guided = replace(plan, photo_endpoint="fal-ai/flux-control-lora-canny/image-to-image", guide=Guide.CANNY)
    masked = replace(plan, photo_endpoint="openai/gpt-image-2/edit", with_mask=True)
    brass = Variant(name="Brass", material="Brass")
    several = replace(
        free,
        source=model.source,
        variant="Brass",
        variants=(brass, replace(brass, name="Bronze", colors={"Body": "#A07030"})),
    )
    one = replace(several, variants=(), colors={"Body": "#A07030"}, title="lamp, Bronze")
    plans = (chosen, free, from_text, model, guided, masked, several, one)
    for wanted in plans:
        wanted.check()
        plan.out.mkdir(exist_ok=True)
        for file in plan.out.iterdir():
            file.unlink()
        prepared(wanted)
        again = plan_from(SetFolder.open(plan.out), plan.service)
        assert replace(again, source=wanted.source) == wanted
    defaults = SetPlan(source=plan.source, out=plan.out, angles=plan.angles)
    own = {"source", "out", "angles", "engine", "device", "endpoints", "external_data"}
    for item in fields(SetPlan):  # A new option must be tested here as well.
        same = all(getattr(one, item.name) == getattr(defaults, item.name) for one in (plan, *plans))
        assert not same or item.name in own | {"model_endpoint", "video_endpoint"}, item.name


def test_a_set_folder_cannot_allow_external_data(plan, tmp_path):
    folder = prepared(replace(plan, external_data=(tmp_path,)))
    assert plan_from(SetFolder.open(plan.out), plan.service).external_data == ()
    record = json.loads(folder.manifest.read_text())
    record["plan"]["external_data"] = ["/"]
    folder.manifest.write_text(json.dumps(record))
    with pytest.raises(InputError, match="external_data is not known"):
        plan_from(SetFolder.open(plan.out), plan.service)


def test_angles_of_every_kind_are_read_back(plan):
    rows = ((1.0, 0.0, 0.0, 0.5), (0.0, 0.0, -1.0, -3.0), (0.0, 1.0, 0.0, 1 / 3), (0.0, 0.0, 0.0, 1.0))
    view = View(matrix=rows, lens_mm=31.0, sensor_mm=24.0, sensor_fit="VERTICAL", shift=(0.1, 0.0))
    angles = (
        ANGLES["top"],
        Angle(name="front", azimuth=180.0, elevation=15.0),
        Angle(name="macro", azimuth=0.1 + 0.2, elevation=-5.0, fill=3.0, lens_mm=135.0),
        Angle(name="eye", azimuth=0.0, elevation=0.0, view=view),
        Angle(name="plan", azimuth=0.0, elevation=90.0, view=replace(view, ortho_scale=2.5)),
    )
    wanted = replace(plan, angles=angles)
    folder = prepared(wanted)
    assert plan_from(SetFolder.open(plan.out), plan.service).angles == angles
    kept = json.loads(folder.manifest.read_text())["plan"]["angles"]
    assert kept[0] == "top", "a known angle is kept by its name"
    with folder.change() as record:
        record["plan"]["angles"] = [{"name": "odd"}]
    with pytest.raises(InputError, match="which has no azimuth"):
        plan_from(folder, plan.service)


@pytest.mark.parametrize("lens", [5.0, 301.0, float("nan")])
def test_an_impossible_lens_is_rejected(plan, lens: float):
    with pytest.raises(InputError, match="not a number from 20 to 300 mm"):
        replace(plan, lens_mm=lens).check()


def test_a_light_map_is_copied_into_its_set_and_identified_by_content(plan, tmp_path):
    room = tmp_path / "room.hdr"
    room.write_bytes(b"#?RADIANCE a room")
    wanted = replace(plan, rig=chosen_rig(str(room), rotation=90.0))
    folder = prepared(wanted)
    again = plan_from(folder, plan.service)
    assert again.rig.panorama.sha256 == wanted.rig.panorama.sha256
    assert Path(again.rig.panorama.path).read_bytes() == room.read_bytes()
    assert again.rig.rotation == 90.0
    room.write_bytes(b"another room")
    with pytest.raises(InputError, match=r"room\.hdr"):
        plan_from(folder, plan.service)


def test_source_urls_are_not_in_the_manifest(plan, photos):
    url = "https://shop.example/front.png?signature=s3cret"
    folder = prepared(replace(plan, source=replace(plan.source, addresses={photos[0]: url})))
    assert "s3cret" not in folder.manifest.read_text()


def test_the_key_is_not_in_the_folder(plan):
    secret = "0a1b2c3d-identifier:53cr37-of-the-key"
    folder = prepared(replace(plan, service=Service.live(secret)))
    assert fal_of(folder) == LIVE
    text = folder.manifest.read_text()
    assert not [part for part in secret.split(":") if part in text]


def test_paths_of_the_plan_are_relative(plan):
    assert plan_record(plan)["source_files"] == ["../desk/front.png", "../desk/side.png"]


def test_the_copies_in_the_folder_are_enough(plan, photos):
    folder = prepared(plan)
    (folder.root / "source").mkdir()
    for path in photos:
        path.rename(folder.root / "source" / path.name)
    moved = folder.root.rename(folder.root.with_name("moved"))
    again = plan_from(SetFolder.open(moved), plan.service)
    assert [path.parent for path in again.source.files] == [moved / "source"] * 2


def test_a_source_that_was_changed_is_rejected(plan, photos):
    folder = prepared(plan)
    Image.new("RGB", (300, 300)).save(photos[1])
    with pytest.raises(InputError, match=r"side\.png was moved, deleted or changed"):
        plan_from(folder, plan.service)


def test_a_model_in_the_folder_needs_no_source(tmp_path, plan):
    glb = tmp_path / "chair.glb"
    glb.write_bytes(make_glb("a chair", None, triangles=100, texture_side=32))
    plan = replace(plan, source=source_from([glb], ""))
    folder = prepared(plan)
    folder.model.parent.mkdir()
    glb.rename(folder.model)
    with pytest.raises(InputError, match=r"chair\.glb was moved"):
        plan_from(folder, None)
    with folder.change() as record:
        record["model"] = folder.entry(folder.model)
    assert plan_from(folder, None).product == "chair"


@pytest.mark.parametrize(
    ("plan_of", "message"),
    [
        (None, "contains no plan"),
        ({"engine": "gas"}, "plan, engine is 'gas'"),
        ({"wings": 2}, "newer version"),
    ],
)
def test_an_unusable_plan_is_reported(plan, plan_of, message):
    folder = prepared(plan)
    with folder.change() as record:
        record["plan"] = plan_of and {**record["plan"], **plan_of}
    with pytest.raises(InputError, match=message):
        plan_from(folder, None)


def test_resume_does_what_set_would_do(plan, runs, emulator):
    prepared(plan)
    code, lines = run("resume", plan.out)
    assert (code, lines[-1]["event"], lines[-1]["state"]) == (0, "finished", "done")
    assert runs[0].service == plan.service
    other = emulator.url.replace("127.0.0.1", "localhost")
    code, _lines = run("resume", plan.out, "--fal-url", other)
    assert (code, runs[1].service.emulator_url) == (0, other)


def test_resume_never_changes_the_service(plan, runs, monkeypatch, emulator):
    monkeypatch.setenv("FAL_KEY", "identifier:of-a-real-key")
    prepared(plan)
    run("resume", plan.out)
    assert runs[0].service.is_emulator
    prepared(replace(plan, service=Service.live("identifier:of-a-real-key")))
    code, lines = run("resume", plan.out, "--fal-url", emulator.url)
    assert (code, len(runs)) == (1, 1)
    assert "not made with an emulator" in lines[-1]["error"]
    monkeypatch.delenv("FAL_KEY")
    code, lines = run("resume", plan.out)
    assert (code, len(runs)) == (1, 1)
    assert "FAL_KEY" in lines[-1]["error"]


def test_decisions_come_before_the_run(plan, runs):
    journal = Journal(prepared(plan).journal)
    journal.claim(KEY, 1, {"label": "front photo"})
    journal.record(KEY, 1, Stage.UNCERTAIN, {})
    code, lines = run("resume", plan.out, "--forget", KEY[:12])
    assert (code, journal.read(KEY).stage) == (0, Stage.FORGOTTEN)
    assert "front photo" in lines[0]["text"]
    code, _lines = run("resume", plan.out, "--resend", KEY[:4], "--not-in-dashboard")
    assert (code, journal.read(KEY).may_send) == (0, True)
    code, lines = run("resume", plan.out, "--resend", "ffff")
    assert (code, len(runs)) == (1, 2)
    assert "'ffff'. There is no request to resend." in lines[-1]["error"]


def sent(journal: Journal, key: str, label: str, endpoint: str) -> None:
    journal.claim(key, 1, {"label": label, "endpoint": endpoint})
    journal.record(key, 1, Stage.SUBMITTED, {"request_id": label})


def test_a_ceiling_applies_to_one_run_and_never_blocks_paid_results(plan, runs):
    journal = Journal(prepared(plan).journal)
    code, lines = run("resume", plan.out, "--max-cost", "0.01")
    assert (code, len(runs)) == (4, 0)
    assert "may be spent" in lines[-1]["error"]
    sent(journal, KEY, "3D model", plan.chosen_model_endpoint)
    for number, angle in enumerate(plan.angles):
        sent(journal, f"{number:064}", f"{angle.name} photo", plan.photo_endpoint)
    assert run("resume", plan.out, "--max-cost", "0")[0] == 0
    assert run("resume", plan.out)[0] == 0
    assert len(runs) == 2


def test_paid_results_are_downloaded_from_a_withdrawn_endpoint(plan, runs, emulator):
    journal = Journal(prepared(plan).journal)
    emulator.control(withdrawn=[plan.photo_endpoint])
    try:
        assert run("resume", plan.out)[0] == 1
        sent(journal, KEY, "3D model", plan.chosen_model_endpoint)
        for number, angle in enumerate(plan.angles):
            sent(journal, f"{number:064}", f"{angle.name} photo", plan.photo_endpoint)
        code, lines = run("resume", plan.out)
        assert (code, len(runs)) == (0, 1)
        assert "withdrawn" in lines[0]["text"]
    finally:
        emulator.control(reset=True)


def test_a_folder_without_a_set_is_rejected(tmp_path, runs):
    assert run("resume", tmp_path)[0] == 1
    assert runs == []


def holding(lock: Path) -> "subprocess.Popen[str]":
    """A process that has a lock, until it is killed."""
    code = (
        "import sys, time; from pathlib import Path; from command_line.bootstrap import load_package; load_package();"
        f"from photoreal_set.files.lock import FileLock; lock = FileLock.taken(Path({str(lock)!r}));"
        "print('taken', flush=True); time.sleep(3600)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "taken\n"
    return process


@pytest.mark.parametrize(("state", "code"), [("done", 0), ("partial", 2), ("failed", 2), ("held", 5)])
def test_the_exit_code_of_report_reflects_the_set(plan, state, code):
    with prepared(plan).change() as record:
        record["state"] = state
    output = io.StringIO()
    assert cli.main(["report", str(plan.out)], output) == code
    assert ("The set is not finished." in output.getvalue()) == bool(code)
    output = io.StringIO()
    assert cli.main(["report", str(plan.out), "--json"], output) == code
    end = events_in(output.getvalue())[-1]
    assert (end["event"], end["state"], end["exit"]) == ("finished", state, code)


@pytest.mark.parametrize("who", ["another run", "a catalogue"])
def test_a_second_run_in_the_same_folder_waits_until_the_first_is_gone(plan, runs, tmp_path, who):
    prepared(plan)
    same = tmp_path / "link"
    same.symlink_to(plan.out)
    assert run("resume", plan.out)[0] == 0
    (lock,) = (home_folder() / "locks").iterdir()
    first = holding(row_lock(plan.out) if who == "a catalogue" else lock)
    output, seen = io.StringIO(), []

    def end_first() -> None:
        try:
            until(lambda: "Another run uses" in output.getvalue())
            seen.append(len(runs))
            seen.append(run("cancel", plan.out)[0])  # It does not wait.
            seen.append(cli.main(["report", str(plan.out)], io.StringIO()))
        finally:
            first.kill()
            first.communicate()

    with ThreadPoolExecutor() as other:
        ended = other.submit(end_first)
        assert cli.main(["resume", str(same), "--json"], output) == 0
        ended.result()
    assert seen == [1, 0, 2] and len(runs) == 2
