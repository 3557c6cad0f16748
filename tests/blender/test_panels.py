# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panels draw of a set and its runs, and that drawing only reads."""

import builtins
import socket
import time
import webbrowser
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import pytest

from photoreal_set import operators, panels
from photoreal_set.background_run.run_view import Kind
from photoreal_set.background_run.set_view import Held, Model, Video
from photoreal_set.messages.moments import clock_time
from photoreal_set.panels import jobs
from photoreal_set.panels.preferences import PhotorealPreferences
from photoreal_set.window import preferences, pump, runs
from tests.blender.sidebar import (
    EVENTS,
    Recorder,
    a_run,
    a_set,
    drawn_by,
    head,
)


def test_a_run_is_shown_in_the_other_scenes_of_its_file(extension: bpy.types.Scene):
    run = a_run(extension, *EVENTS, folder=Path("/sets/jar"))
    other = SimpleNamespace(
        scene=bpy.data.scenes.new("Other"), region=None, preferences=bpy.context.preferences
    )
    drawn = " ".join(drawn_by(panels.PHOTOREAL_PT_jobs, other))
    assert f"In the scene {extension.name}: side render" in drawn
    run.view.take({"event": "exited", "code": -9, "output": []})
    assert "failed" in " ".join(drawn_by(panels.PHOTOREAL_PT_jobs, other))


def test_of_a_large_catalogue_only_what_is_being_made_is_listed(extension: bpy.types.Scene):
    run = a_run(extension, folder=Path("/sets/shop"))
    run.view.kind = Kind.CATALOGUE
    run.view.expect([f"Cup {number}" for number in range(98)])
    run.view.take({"event": "job", "sku": "Cup 7", "label": "front photo", "state": "queued"})
    drawn = drawn_by(panels.PHOTOREAL_PT_jobs, bpy.context)
    assert [text for text in drawn if text.startswith("Cup")] == ["Cup 7"]
    assert "99 more products." in drawn


def test_a_set_of_an_earlier_session_shows_its_state(extension: bpy.types.Scene):
    folder = Path("/sets/jar")
    extension.photoreal.made_in = str(folder)
    runs.state.sets.take(folder, a_set(folder, state="done"))
    assert drawn_by(panels.PHOTOREAL_PT_jobs, bpy.context)[:2] == ["Finished", "$1.25"]


def test_a_rejected_photo_shows_its_reason_and_both_decisions(extension: bpy.types.Scene):
    folder = Path("/sets/jar")
    extension.photoreal.made_in = str(folder)
    (picture,) = a_set(folder).pictures
    picture = replace(picture, photo=folder / "2.png")
    rejected = replace(picture, verdict="retry", reason="A part is missing.", is_rejected=True)
    runs.state.sets.take(folder, a_set(folder, pictures=(rejected,)))
    drawn = drawn_by(panels.PHOTOREAL_PT_gallery, bpy.context)
    assert "Rejected: A part is missing." in " ".join(drawn)
    assert drawn.count("[photoreal.redo_angle]") == drawn.count("[photoreal.accept_photo]") == 1
    runs.state.sets.take(folder, a_set(folder, pictures=(replace(picture, verdict="accepted"),)))
    drawn = drawn_by(panels.PHOTOREAL_PT_gallery, bpy.context)
    assert "[photoreal.redo_angle]" in drawn and "[photoreal.accept_photo]" not in drawn
    labels = {cls.bl_idname: cls.bl_label for cls in operators.CLASSES if hasattr(cls, "bl_label")}
    assert labels["photoreal.redo_angle"] == "Try Again"
    assert labels["photoreal.accept_photo"] == "Accept Anyway"


def test_every_request_of_a_set_leads_to_fal(extension: bpy.types.Scene):
    folder = Path("/sets/jar")
    extension.photoreal.made_in = str(folder)
    (picture,) = a_set(folder).pictures
    picture = replace(picture, photo=folder / "2.png", request_id="r-1")
    video = Video(motion="turntable", path=None, state="done", error="", request_id="r-2")
    view = a_set(
        folder, pictures=(picture,), videos=(video,), is_model_bought=True, model=Model(request_id="r-3")
    )
    runs.state.sets.take(folder, view)
    assert drawn_by(panels.PHOTOREAL_PT_gallery, bpy.context).count("[photoreal.view_request]") == 3
    job = {"event": "job", "label": "front photo", "state": "queued", "request_id": "r-1"}
    a_run(extension, EVENTS[0], job, folder=folder)
    assert drawn_by(panels.PHOTOREAL_PT_jobs, bpy.context).count("[photoreal.view_request]") == 1


def test_the_link_of_a_request_opens_the_list_of_requests(extension: bpy.types.Scene):
    opened: list[str] = []

    class Browser(webbrowser.BaseBrowser):
        def open(self, url: str, new: int = 0, autoraise: bool = True) -> bool:
            opened.append(url)
            return True

    webbrowser.register("recorder", None, Browser(), preferred=True)
    try:
        bpy.ops.photoreal.view_request(request_id="r-1")
    finally:
        webbrowser._tryorder.remove("recorder")  # type: ignore[union-attr]  # It has no public way back.
    assert opened == ["https://fal.ai/dashboard/requests"]


def test_a_video_shows_its_verdict_and_is_held_back_when_it_is_rejected(extension: bpy.types.Scene):
    folder = Path("/sets/jar")
    extension.photoreal.made_in = str(folder)
    (video,) = a_set(folder).videos
    video = replace(video, state="done", path=folder / "turntable.mp4", verdict="look", reason="It jumps.")
    runs.state.sets.take(folder, a_set(folder, videos=(video,)))
    drawn = " ".join(drawn_by(panels.PHOTOREAL_PT_gallery, bpy.context))
    assert "Look at this video: It jumps." in drawn
    assert "[photoreal.accept_photo]" not in drawn
    assert operators.PHOTOREAL_OT_place_video.poll(bpy.context)
    rejected = replace(video, verdict="reject", is_rejected=True)
    runs.state.sets.take(folder, a_set(folder, videos=(rejected,)))
    drawn = " ".join(drawn_by(panels.PHOTOREAL_PT_gallery, bpy.context))
    assert "Rejected: It jumps." in drawn
    assert "[photoreal.accept_photo]" in drawn
    assert operators.PHOTOREAL_OT_accept_photo.poll(bpy.context)
    assert not operators.PHOTOREAL_OT_place_video.poll(bpy.context)


def test_a_request_that_may_be_running_is_not_sent_again_and_the_sidebar_says_until_when(
    extension: bpy.types.Scene, tmp_path: Path
):
    extension.photoreal.made_in = str(tmp_path)
    moment = time.time() + 600.0
    held = Held(key="abc", label="front photo", resend_at=moment)
    runs.state.sets.take(tmp_path, a_set(tmp_path, held=(held,)))
    with pytest.raises(RuntimeError, match=f"may still be running until {clock_time(moment)}"):
        bpy.ops.photoreal.resolve_uncertain(key="abc", decision="resend")
    assert not runs.state.runs


# Blender's own menu of presets lists its folder when it is opened.
DRAWN = [cls for cls in panels.CLASSES if cls is not panels.PHOTOREAL_MT_looks]


@pytest.mark.parametrize("kind", ["FILE", "OBJECTS", "PHOTOS", "TEXT"])
@pytest.mark.parametrize("engine", ["cycles", "fal"])
@pytest.mark.parametrize(("state", "angles"), [("nothing", "CAMERAS"), ("runs", "LIST"), ("ended", "LIST")])
def test_every_panel_draws_without_disk_network_or_changes(
    extension: bpy.types.Scene,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    engine: str,
    state: str,
    angles: str,
):
    settings = extension.photoreal
    settings.source_kind, settings.engine, settings.video = kind, engine, engine
    settings.words, settings.source = "a jar", "/nowhere/jar.glb"
    settings.photos.add().path = "/nowhere/front.jpg"
    bpy.ops.photoreal.edit_angles()
    settings.angles_from = angles
    folder = Path("/sets/jar")
    if state != "nothing":
        end = [{"event": "exited", "code": 5, "output": []}] if state == "ended" else []
        a_run(extension, *EVENTS, *end, folder=folder)
        runs.state.sets.take(folder, a_set(folder))
    before = dump(extension)

    def forbidden(*_given: Any, **_facts: Any) -> None:
        raise AssertionError("drawing uses the disk or the network")

    drawn_preferences: list[str] = []
    fake = SimpleNamespace(layout=Recorder(drawn_preferences), **preferences.DEFAULTS)
    fake.bl_rna = PhotorealPreferences.bl_rna
    fake._draw_key = PhotorealPreferences._draw_key.__get__(fake)
    places = ((builtins, "open"), (socket, "socket"), (Path, "stat"), (Path, "open"), (Path, "iterdir"))
    drawn = {}
    with monkeypatch.context() as patched:  # pytest itself opens files when a test fails.
        for module, name in places:
            patched.setattr(module, name, forbidden)
        try:
            for cls in DRAWN:
                if issubclass(cls, bpy.types.Panel | bpy.types.Menu):
                    drawn[cls.__name__] = drawn_by(cls, bpy.context)
            PhotorealPreferences.draw(fake, bpy.context)
        except Exception as error:  # noqa: BLE001  Any failure is reported.
            raised = error
        else:
            raised = None
    assert raised is None, repr(raised)
    assert dump(extension) == before
    assert drawn["PHOTOREAL_PT_main"][0].startswith("[Generate")
    if state == "runs":
        assert "[Stop Here]" in drawn["PHOTOREAL_PT_main"]
        assert "2 ahead" in drawn["PHOTOREAL_PT_jobs"]
    if state == "ended":
        assert {"[Copy Error]", "[photoreal.resume_set]"} <= set(drawn["PHOTOREAL_PT_main"])
        assert {"[Send Again]", "[Do Without]"} <= set(drawn["PHOTOREAL_PT_jobs"])
        assert "[photoreal.resume_set]" not in drawn["PHOTOREAL_PT_jobs"], "no button twice in sight"
        bpy.ops.photoreal.close_notice()
        assert "[photoreal.resume_set]" in drawn_by(panels.PHOTOREAL_PT_jobs, bpy.context)


def dump(scene: bpy.types.Scene) -> str:
    """Every value of the scene's settings."""

    def values(group: Any) -> list[Any]:
        found = []
        for item in group.bl_rna.properties:
            value = getattr(group, item.identifier)
            found.append([values(one) for one in value] if item.type == "COLLECTION" else repr(value))
        return found

    return str(values(scene.photoreal))


def test_a_run_belongs_to_its_scene_and_file(extension: bpy.types.Scene):
    run = a_run(extension, *EVENTS, folder=Path("/sets/jar"))
    other = bpy.data.scenes.new("Other")
    assert runs.run_of(extension) is run
    assert runs.run_of(other) is None
    extension.name = "Renamed"
    assert runs.run_of(extension) is run
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    assert runs.run_of(bpy.context.scene) is None
    assert runs.set_run() is run, "it continues, and can be stopped"


def test_a_missing_photo_is_reported_and_blocks_nothing(extension: bpy.types.Scene, tmp_path: Path):
    end = [{"event": "finished", "state": "done"}, {"event": "exited", "code": 0, "output": []}]
    run = a_run(extension, *EVENTS, *end, folder=Path("/sets/jar"))
    picture = replace(a_set(tmp_path).pictures[0], photo=tmp_path / "gone.png")
    runs.state.sets.take("/sets/jar", a_set(tmp_path, state="done", pictures=(picture,)))
    runs.state.to_place.append(run)
    assert pump.pump() is None
    drawn = " ".join(head(extension) + drawn_by(panels.PHOTOREAL_PT_jobs, bpy.context))
    assert "could not be placed" in drawn
    assert "2 ahead" not in drawn, "nothing is queued any more"


def test_a_saved_file_reconnects_to_its_run(extension: bpy.types.Scene, tmp_path: Path):
    path = str(tmp_path / "mine.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    run = a_run(extension, *EVENTS, folder=Path("/sets/jar"))
    bpy.ops.wm.open_mainfile(filepath=path)
    assert runs.run_of(bpy.context.scene) is run


def test_elapsed_time_is_formatted():
    assert [jobs.clock(seconds) for seconds in (0.0, 61.5, 3600.0)] == ["0:00", "1:01", "60:00"]


def test_no_button_of_the_first_screen_is_there_twice(extension: bpy.types.Scene):
    drawn = [text for cls in DRAWN if issubclass(cls, bpy.types.Panel) for text in drawn_by(cls, bpy.context)]
    assert drawn.count("[Choose a Model …]") == 1
    assert "[Import Product]" not in drawn
