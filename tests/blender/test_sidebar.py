# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar without a window: what is registered, drawn, started and left behind, on the bpy module."""

import builtins
import re
import socket
import subprocess
import sys
import time
import webbrowser
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import pytest

import photoreal_set
from photoreal_set import operators, panels
from photoreal_set.background_run.button_arguments import Source, price_key
from photoreal_set.background_run.price_book import Price
from photoreal_set.background_run.run_view import Kind, RunView
from photoreal_set.background_run.set_view import Held, Model, Picture, SetView, Video
from photoreal_set.background_run.setting_words import LABELS, LEAVE_OUT
from photoreal_set.gltf.choices import Surrounding
from photoreal_set.imaging.choices import Background, Pass
from photoreal_set.messages.moments import clock_time
from photoreal_set.operators import paying, resolve_uncertain
from photoreal_set.optics.rig_choice import RIG_NAMES
from photoreal_set.panels import endpoints, jobs, menus
from photoreal_set.panels.preferences import PhotorealPreferences
from photoreal_set.photo_set.choices import DEVICES, QUALITY_NAMES, VIDEO_CHOICES, Engine
from photoreal_set.photo_set.prompts import LOOKS, MOTIONS
from photoreal_set.window import changes, launch, preferences, properties, pump, runs, sheets
from photoreal_set.window.scene_settings import product_objects, settings_of
from photoreal_set.window.studio_properties import PANORAMA
from tests.blender.products import photo
from tests.blender.runs import ROOT
from tests.blender.sidebar import agree, everything, pump_until_idle
from tests.painted_mug import painted_mug
from tests.patience import FOR_EVER_SECONDS, until

PAID = (
    "redo_angle",
    "redo_model",
    "generate_here",
    "generate_catalogue",
    "resume_catalogue",
    "generate_set",
    "generate_model",
    "resume_set",
    "resolve_uncertain",
    "render_references",
)


def traces() -> list[str]:
    """Everything of the extension that is registered in Blender."""
    found = [name for name in dir(bpy.types) if name.startswith(("PHOTOREAL_", "Photoreal"))]
    found += list(dir(bpy.ops.photoreal))
    found += ["Scene.photoreal"] if hasattr(bpy.types.Scene, "photoreal") else []
    handlers = [
        handler
        for name in dir(bpy.app.handlers)
        if isinstance(handler := getattr(bpy.app.handlers, name), list)
    ]
    found += [
        one.__name__
        for each in handlers
        for one in each
        if "photoreal" in str(getattr(one, "__module__", ""))
    ]
    found += [
        f"{name}: {one.__name__}"
        for name, entry in menus.ENTRIES
        for one in getattr(getattr(bpy.types, name).draw, "_draw_funcs", [])
        if one is entry
    ]
    found += ["timer"] if bpy.app.timers.is_registered(pump.pump) else []
    found += ["listener"] if changes._listeners else []
    return found


@pytest.fixture
def stored(extension: bpy.types.Scene) -> Any:
    """The extension's preferences as Blender keeps them."""
    addon = bpy.context.preferences.addons.new()
    addon.module = preferences.package
    yield addon.preferences
    bpy.context.preferences.addons.remove(addon)


# --- registering ----------------------------------------------------------------------------------


def test_unregister_leaves_nothing_behind(scene: bpy.types.Scene):
    assert traces() == []
    for _time in range(2):
        photoreal_set.register()
        assert "Scene.photoreal" in traces()
        photoreal_set.unregister()
        assert traces() == []


@pytest.mark.parametrize("part", ["properties", "pump", "live", "looks", "menus", "installed_command"])
def test_a_failed_register_leaves_nothing_behind(
    scene: bpy.types.Scene, monkeypatch: pytest.MonkeyPatch, part: str
):
    def fail() -> None:
        raise RuntimeError("no")

    attachment = next(one for one in photoreal_set.attachments() if one.__name__.endswith(part))
    monkeypatch.setattr(attachment, "attach", fail)
    with pytest.raises(RuntimeError, match="no"):
        photoreal_set.register()
    assert traces() == []
    monkeypatch.undo()
    photoreal_set.register()
    photoreal_set.unregister()


def test_registering_imports_no_bundled_wheel():
    code = (
        "import sys\nfrom command_line.bootstrap import load_package\npackage = load_package()\nimport bpy\n"
        "before = set(sys.modules)\npackage.register()\n"
        "new = {name.split('.')[0] for name in set(sys.modules) - before}\n"
        "print(sorted(new & {'PIL', 'httpx', 'anyio', 'fal_client', 'certifi', 'numpy', 'asyncio'}))\n"
        "sys.stdout.flush()\nimport os; os._exit(0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_each_file_has_one_operator_with_a_tooltip():
    for cls in operators.CLASSES:
        if not issubclass(cls, bpy.types.Operator):
            continue
        name = cls.bl_idname.removeprefix("photoreal.")
        assert (cls.__module__.rsplit(".", 1)[1], cls.__name__) == (name, f"PHOTOREAL_OT_{name}")
        assert cls.bl_description
        assert not cls.bl_description.endswith(".")


def test_paid_operators_cannot_be_repeated_or_undone(extension: bpy.types.Scene):
    for name in PAID:
        cls = next(one for one in operators.CLASSES if one.__name__ == f"PHOTOREAL_OT_{name}")
        assert not cls.bl_options & {"REGISTER", "UNDO"}
    placing = next(one for one in operators.CLASSES if one.__name__ == "PHOTOREAL_OT_place_photos")
    assert placing.bl_options == {"REGISTER", "UNDO"}


def test_every_property_has_a_tooltip(extension: bpy.types.Scene):
    for cls in (*properties.CLASSES, PhotorealPreferences):
        names = {name for base in cls.__mro__ for name in vars(base).get("__annotations__", ())}
        for item in cls.bl_rna.properties:
            if item.identifier in names and not item.is_hidden and item.type != "COLLECTION":
                assert item.description or item.identifier == "home", (cls.__name__, item.identifier)


def test_no_text_of_the_window_names_an_option_of_the_command_line(extension: bpy.types.Scene):
    settings = (*properties.CLASSES, PhotorealPreferences)
    texts = [cls.bl_description for cls in operators.CLASSES if issubclass(cls, bpy.types.Operator)]
    texts += [item.description for cls in settings for item in cls.bl_rna.properties]
    assert len(texts) > 100
    assert [text for text in texts if re.search(r"--[a-z]", text)] == []


def test_reports_name_settings_by_labels_that_the_window_has(extension: bpy.types.Scene):
    settings = (*properties.CLASSES, PhotorealPreferences)
    known = {item.name for cls in settings for item in cls.bl_rna.properties}
    known |= {cls.bl_label for cls in operators.CLASSES if issubclass(cls, bpy.types.Operator)}
    known |= {item.name for item in settings[2].bl_rna.properties["engine"].enum_items}
    known |= {label for _name, label, _text in resolve_uncertain.DECISIONS}
    known |= {LEAVE_OUT, "Allow Online Access"}  # A heading of the panel, and a setting of Blender.
    assert set(LABELS.values()) <= known


def test_every_setting_is_a_blender_property(extension: bpy.types.Scene):
    for cls in (properties.PhotorealSettings, PhotorealPreferences):
        wanted = {
            name
            for base in cls.__mro__
            if base.__module__.startswith("photoreal_set")
            for name in vars(base).get("__annotations__", ())
        }
        assert len(wanted) > 10
        assert wanted <= set(cls.bl_rna.properties.keys())


def test_the_pose_and_what_is_left_out_are_settings(extension: bpy.types.Scene):
    settings = extension.photoreal
    usual = settings_of(bpy.context)
    assert (usual.pose, usual.without) == ("rest", ())
    settings.pose, settings.pose_seconds = "seconds", 1.5
    settings.without_floor = settings.without_crumbs = True
    chosen = settings_of(bpy.context)
    assert (chosen.pose, chosen.without) == ("1.5", ("floor", "crumbs"))


def test_a_value_turns_its_checkbox_on_and_is_left_out_without_it(extension: bpy.types.Scene):
    settings = extension.photoreal
    usual = settings_of(bpy.context)
    assert (usual.height, usual.samples, usual.seconds) == (0, 0, 0)
    settings.height, settings.samples, settings.seconds = 640, 8, 6
    chosen = settings_of(bpy.context)
    assert (chosen.height, chosen.samples, chosen.seconds) == (640, 8, 6)
    settings.use_samples = False
    other = bpy.data.scenes.new("Other")
    properties.copy_settings(settings, properties.of(other))
    copied = properties.of(other)
    assert (copied.use_height, copied.use_samples, copied.use_seconds) == (True, False, True)
    assert settings_of(bpy.context).samples == 0


def test_angles_are_shown_with_their_unit(extension: bpy.types.Scene):
    bpy.ops.photoreal.edit_angles()
    view = extension.photoreal.angles[1]
    assert view.turn == pytest.approx(0.7853982)
    view.turn, view.lift, extension.photoreal.rig_turn = 1.5707963, 0.5235988, -0.5235988
    assert (view.azimuth, view.elevation) == (pytest.approx(90.0), pytest.approx(30.0))
    assert extension.photoreal.rig_rotation == pytest.approx(-30.0)


def test_labels_are_spelled_as_in_blender(extension: bpy.types.Scene):
    british = re.compile(r"grey|colour|jewellery|catalogue|centre|metre", re.IGNORECASE)
    shown = []
    for cls in (*properties.CLASSES, PhotorealPreferences):
        for item in cls.bl_rna.properties:
            shown += [item.name, item.description]
            shown += [text for one in getattr(item, "enum_items", ()) for text in (one.name, one.description)]
    shown += [
        text for cls in operators.CLASSES for text in (cls.bl_label, getattr(cls, "bl_description", ""))
    ]
    assert [text for text in shown if british.search(text)] == []


def test_endpoints_are_chosen_from_menus_or_typed(extension: bpy.types.Scene):
    drawn = drawn_by(endpoints.PHOTOREAL_MT_photo_endpoints, bpy.context)
    assert any(line.startswith("[Nano Banana 2, $0.06-0.16 per image: ") for line in drawn)
    bpy.ops.photoreal.choose_endpoint(kind="photo", endpoint="ideogram/v4.5/edit")
    extension.photoreal.engine = "fal"
    assert settings_of(bpy.context).photo_endpoint == "ideogram/v4.5/edit"
    assert "Ideogram 4.5, $0.03 per image" in drawn_by(panels.PHOTOREAL_PT_photos, bpy.context)
    extension.photoreal.photo_endpoint = "somebody/own-model"
    assert settings_of(bpy.context).photo_endpoint == "somebody/own-model"


def test_the_preferences_have_the_same_menus_of_endpoints(stored: Any, extension: bpy.types.Scene):
    drawn = drawn_by(endpoints.PHOTOREAL_MT_stored_photo_endpoints, bpy.context)
    assert drawn[0] == "[Recommended]"
    assert any(line.startswith("[Nano Banana 2, $0.06-0.16 per image: ") for line in drawn)
    bpy.ops.photoreal.choose_endpoint(kind="photo", endpoint="ideogram/v4.5/edit", of_preferences=True)
    assert stored.photo_endpoint == "ideogram/v4.5/edit"
    assert extension.photoreal.photo_endpoint == "", "the scene names none"
    assert settings_of(bpy.context).photo_endpoint == "ideogram/v4.5/edit"


def test_a_ceiling_counts_while_its_checkbox_is_on(stored: Any):
    assert (settings_of(bpy.context).max_cost, settings_of(bpy.context).max_cost_per_day) == (5.0, 20.0)
    stored.use_max_cost = False
    assert settings_of(bpy.context).max_cost == 0.0
    assert paying.at_most(bpy.context).agreed == "without a ceiling"
    stored.max_cost = 7.5
    assert settings_of(bpy.context).max_cost == 7.5, "a value turns its checkbox on"


def test_a_stored_ceiling_of_0_still_means_none(stored: Any):
    stored.max_cost = 0.0
    assert settings_of(bpy.context).max_cost == 0.0
    preferences.attach()
    assert (stored.use_max_cost, stored.max_cost) == (False, 5.0)
    assert (stored.use_max_cost_per_day, stored.max_cost_per_day) == (True, 20.0)
    assert settings_of(bpy.context).max_cost == 0.0


def test_choices_match_the_command_line(extension: bpy.types.Scene):
    settings, stored = properties.PhotorealSettings.bl_rna, PhotorealPreferences.bl_rna
    wanted = {
        "background": [one.value for one in Background],
        "quality": list(QUALITY_NAMES),
        "rig": [*RIG_NAMES, PANORAMA],
        "look": list(LOOKS),
        "motion": list(MOTIONS),
        "engine": [one.value for one in Engine],
        "video": list(VIDEO_CHOICES),
    }
    for name, choices in wanted.items():
        assert sorted(settings.properties[name].enum_items.keys()) == sorted(choices), name
    assert tuple(stored.properties["device"].enum_items.keys()) == DEVICES
    assert {f"{one.value}_pass" for one in Pass} <= set(settings.properties.keys())
    assert {f"without_{one.value}" for one in Surrounding} <= set(settings.properties.keys())


def test_without_stored_preferences_blenders_defaults_apply(extension: bpy.types.Scene):
    known = PhotorealPreferences.bl_rna.properties
    assert {name: known[name].default for name in preferences.DEFAULTS} == preferences.DEFAULTS
    chosen = preferences.get(bpy.context)
    assert {name: getattr(chosen, name) for name in preferences.DEFAULTS} == preferences.DEFAULTS


# --- drawing --------------------------------------------------------------------------------------


class Recorder:
    """A layout that records what is drawn. Attributes of layouts may be set; those of data may not."""

    def __init__(self, drawn: list[str]) -> None:
        self.drawn = drawn

    def __getattr__(self, name: str) -> Any:
        if name == "drawn":
            raise AttributeError(name)

        def call(*given: Any, **facts: Any) -> Any:
            if name == "prop":
                assert given[1] in given[0].bl_rna.properties, given[1]
            if name == "operator":
                assert hasattr(bpy.types, _class_of(given[0])), given[0]
                self.drawn.append(f"[{facts.get('text') or given[0]}]")
                return SimpleNamespace()
            if "text" in facts:
                self.drawn.append(facts["text"])
            return Recorder(self.drawn)

        return call


def _class_of(name: str) -> str:
    space, _, rest = name.partition(".")
    return f"{space.upper()}_OT_{rest}"


def drawn_by(cls: type, context: Any) -> list[str]:
    drawn: list[str] = []
    ours = [base for base in reversed(cls.__mro__) if "photoreal_set" in base.__module__]
    members = {name: value for base in ours for name, value in vars(base).items() if name[:2] != "__"}
    type("Fake", (), {**members, "layout": Recorder(drawn)})().draw(context)
    return drawn


def a_set(folder: Path, **changes: Any) -> SetView:
    facts: dict[str, Any] = {
        "folder": folder,
        "product": "Jar",
        "state": "held",
        "error": "The disk is full.",
        "pictures": (
            Picture(
                name="front", render=folder / "1.png", photo=None, stamp="1", state="failed",
                error="Refused.", verdict="look", reason="Part missing.", price=0.04, engine="fal",
            ),
        ),
        "videos": (Video(motion="turntable", path=None, state="failed", error=""),),
        "held": (Held(key="abc", label="front photo"),),
        "spent": 1.25,
        "problems": ("Lid: 212 faces look inwards.", "A", "B", "C", "D"),
    }  # fmt: skip
    return SetView(**{**facts, **changes})


def a_run(scene: bpy.types.Scene, *events: dict[str, Any], folder: Path) -> runs.Run:
    view = RunView(kind=Kind.SET, folder=folder)
    view.expect(["front", "side"])
    for event in events:
        view.take(event)
    child = SimpleNamespace(events=SimpleNamespace(get_nowait=_nothing), stop=lambda: None)
    run = runs.Run(child=child, view=view, home=runs.home_of(scene))  # type: ignore[arg-type]
    runs.state.runs.append(run)
    return run


def _nothing() -> None:
    import queue

    raise queue.Empty


EVENTS = [
    {"event": "started", "product": "Jar", "summary": "", "set": "/sets/jar"},
    {"event": "progress", "stage": "references", "done": 1, "of": 2, "label": "side"},
    {"event": "job", "label": "front photo", "state": "queued", "queue_position": 2},
    {"event": "job", "label": "film", "state": "failed", "error": "Refused, with a very long sentence " * 4},
    {"event": "warning", "text": "A texture is missing."},
]


def test_a_run_is_shown_in_the_other_scenes_of_its_file(extension: bpy.types.Scene):
    run = a_run(extension, *EVENTS, folder=Path("/sets/jar"))
    other = SimpleNamespace(
        scene=bpy.data.scenes.new("Other"), region=None, preferences=bpy.context.preferences
    )
    drawn = " ".join(drawn_by(panels.PHOTOREAL_PT_jobs, other))
    assert f"In the scene {extension.name}: side render" in drawn
    run.view.take({"event": "exited", "code": -9, "output": []})
    assert "failed" in " ".join(drawn_by(panels.PHOTOREAL_PT_jobs, other))


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


# --- why a button is grey -------------------------------------------------------------------------


def head(scene: bpy.types.Scene) -> list[str]:
    return drawn_by(panels.PHOTOREAL_PT_main, bpy.context)


def test_without_a_source_the_button_explains_why_and_offers_the_choice(extension: bpy.types.Scene):
    drawn = head(extension)
    assert "Choose a GLB, glTF or .blend file" in " ".join(drawn)
    assert "[Choose a Model …]" in drawn
    assert not bpy.ops.photoreal.generate_set.poll()


def test_the_first_screen_offers_what_is_selected(extension: bpy.types.Scene):
    assert [item.name for item in bpy.context.view_layer.objects.selected] == ["Cube"]
    assert "Use 1 Selected Object" in head(extension)
    bpy.ops.object.duplicate()
    bpy.ops.object.select_all(action="SELECT")
    assert "Use 2 Selected Objects" in head(extension)
    bpy.ops.object.select_all(action="DESELECT")
    assert not any("Selected" in text for text in head(extension))


def test_no_button_of_the_first_screen_is_there_twice(extension: bpy.types.Scene):
    drawn = [text for cls in DRAWN if issubclass(cls, bpy.types.Panel) for text in drawn_by(cls, bpy.context)]
    assert drawn.count("[Choose a Model …]") == 1
    assert "[Import Product]" not in drawn


def test_fal_without_a_key_asks_for_one(extension: bpy.types.Scene):
    extension.photoreal.source, extension.photoreal.engine = "/jar.glb", "fal"
    drawn = head(extension)
    assert "fal.ai needs a key" in " ".join(drawn) or "fal.ai needs Online Access" in " ".join(drawn)
    assert not bpy.ops.photoreal.generate_set.poll()


def test_nothing_is_paid_before_its_price_is_shown(
    extension: bpy.types.Scene, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(preferences, "has_key", lambda _preferences: True)
    monkeypatch.setattr(operators.checks, "fal", lambda _context, _settings: None)
    extension.photoreal.source, extension.photoreal.engine = "/jar.glb", "fal"
    assert "[Ask for the Price]" in head(extension)
    assert not bpy.ops.photoreal.generate_set.poll()
    settings = settings_of(bpy.context)
    key = price_key(settings)
    runs.state.prices.prices[key] = Price(minimum=0.5, maximum=0.75, asked_at=time.time())
    assert head(extension)[0].endswith("$0.50-0.75]")
    assert bpy.ops.photoreal.generate_set.poll()
    runs.state.prices.prices[key] = Price(minimum=50.0, maximum=75.0, asked_at=time.time())
    assert "[Change the Ceiling …]" in head(extension)
    runs.state.prices.prices[key] = Price(minimum=0.5, maximum=0.75, asked_at=time.time() - 2 * 3600)
    assert "[Ask for the Price]" in head(extension)


def know_the_price() -> None:
    """As if fal.ai had answered for the settings of the scene."""
    key = price_key(settings_of(bpy.context))
    runs.state.prices.prices[key] = Price(minimum=0.5, maximum=0.75, asked_at=time.time())


def test_every_way_to_spend_money_asks_with_the_sum(
    extension: bpy.types.Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for name in ("fal", "generate"):
        monkeypatch.setattr(operators.checks, name, lambda *_given: None)
    extension.photoreal.source, extension.photoreal.engine = str(tmp_path / "jar.glb"), "fal"
    with pytest.raises(RuntimeError, match="price is not known"):
        bpy.ops.photoreal.generate_set()
    know_the_price()
    with pytest.raises(RuntimeError, match=r"for \$0\.50-0\.75"):
        bpy.ops.photoreal.generate_set()
    with pytest.raises(RuntimeError, match=r"for \$0\.50-0\.75"):
        bpy.ops.photoreal.generate_set(price="$0.10")
    with pytest.raises(RuntimeError, match=r"jar\.glb does not exist"):
        bpy.ops.photoreal.generate_set(price="$0.50-0.75")
    rejected = replace(a_set(tmp_path).pictures[0], photo=tmp_path / "1.png", is_rejected=True)
    view = a_set(tmp_path, pays=True, is_model_bought=True, model_price=1.2, pictures=(rejected,))
    runs.state.sets.take(tmp_path, view)
    extension.photoreal.made_in = str(tmp_path)
    for name, options in (
        ("resume_set", {}),
        ("redo_angle", {"name": "front"}),
        ("redo_model", {}),
        ("accept_photo", {"name": "front"}),
        ("resolve_uncertain", {"key": "abc", "decision": "resend", "is_not_in_dashboard": True}),
    ):
        with pytest.raises(RuntimeError, match=r"at most \$5\.00"):
            getattr(bpy.ops.photoreal, name)(**options)
    assert runs.set_run() is None


def test_every_change_of_the_angles_asks_for_the_price_again(extension: bpy.types.Scene):
    told: list[int] = []

    def count(_context: bpy.types.Context) -> None:
        told.append(len(extension.photoreal.angles))

    changes.listen(count)
    try:
        bpy.ops.object.camera_add()
        for name, options, after in (
            ("edit_angles", {}, 5),
            ("add_angle", {}, 6),
            ("use_cameras", {}, 7),
            ("remove_angle", {}, 6),
        ):
            getattr(bpy.ops.photoreal, name)(**options)
            assert told[-1] == after, name
        told.clear()
        bpy.ops.photoreal.move_angle(direction="UP")
        assert told
    finally:
        changes.stop_listening(count)


def test_menus_of_objects_and_collections_make_a_set_of_them(
    extension: bpy.types.Scene, monkeypatch: pytest.MonkeyPatch
):
    started: list[list[str]] = []

    def start(context: bpy.types.Context, settings: Any, **_options: Any) -> None:
        assert settings.source is Source.OBJECTS
        started.append([item.name for item in product_objects(context)])

    monkeypatch.setattr(launch, "start_set", start)
    cube = bpy.context.object
    shelf = bpy.data.collections.new("Shelf")
    extension.collection.children.link(shelf)
    for name in ("Cup", "Lid"):
        mesh = bpy.data.meshes.new_from_object(cube)
        shelf.objects.link(bpy.data.objects.new(name, mesh))
    assert "[photoreal.generate_here]" in drawn_menu(menus.draw_object_entry)
    bpy.ops.photoreal.generate_here()
    layer = bpy.context.view_layer
    layer.active_layer_collection = layer.layer_collection.children["Shelf"]
    bpy.ops.photoreal.generate_here(of_collection=True)
    assert started == [["Cube"], ["Cup", "Lid"]]
    bpy.ops.object.select_all(action="DESELECT")
    with pytest.raises(RuntimeError, match="There are no objects"):
        bpy.ops.photoreal.generate_here()
    monkeypatch.setattr(operators.checks, "fal", lambda *_given: None)
    extension.photoreal.engine = "fal"
    know_the_price()
    with pytest.raises(RuntimeError, match=r"for \$0\.50-0\.75"):
        bpy.ops.photoreal.generate_here(of_collection=True)
    assert len(started) == 2


def drawn_menu(draw: Any) -> list[str]:
    drawn: list[str] = []
    draw(SimpleNamespace(layout=Recorder(drawn)), bpy.context)
    return drawn


def test_one_set_at_a_time(extension: bpy.types.Scene):
    extension.photoreal.source = "/jar.glb"
    assert bpy.ops.photoreal.generate_set.poll()
    a_run(extension, *EVENTS, folder=Path("/sets/jar"))
    assert not bpy.ops.photoreal.generate_set.poll()


# --- sources, angles, studio ----------------------------------------------------------------------


def test_a_model_and_photos_become_the_source(extension: bpy.types.Scene, block_file: Path, tmp_path: Path):
    bpy.ops.photoreal.import_product(filepath=str(block_file), build_studio=False)
    assert (extension.photoreal.source_kind, extension.photoreal.source) == ("FILE", str(block_file))
    names = [photo(tmp_path / f"{number}.png").name for number in range(5)]
    bpy.ops.photoreal.import_photos(directory=str(tmp_path), files=[{"name": name} for name in names])
    assert extension.photoreal.source_kind == "PHOTOS"
    assert [Path(entry.path).name for entry in extension.photoreal.photos] == names[:4]


def test_a_file_that_is_not_a_model_is_rejected(extension: bpy.types.Scene, tmp_path: Path):
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear artist")
    for path, reason in (
        (letter, "letter.txt is not a 3D file"),
        (tmp_path / "gone.glb", "gone.glb does not exist"),
    ):
        with pytest.raises(RuntimeError, match=reason):
            bpy.ops.photoreal.import_product(filepath=str(path))


def test_angles_are_added_moved_and_removed(extension: bpy.types.Scene):
    settings = extension.photoreal
    bpy.ops.photoreal.edit_angles()
    bpy.ops.photoreal.add_angle()
    bpy.ops.photoreal.add_angle()
    assert [view.name for view in settings.angles][-2:] == ["angle", "angle-2"]
    bpy.ops.photoreal.move_angle(direction="UP")
    assert [view.name for view in settings.angles][-2:] == ["angle-2", "angle"]
    bpy.ops.photoreal.remove_angle()
    assert [view.name for view in settings.angles][-1] == "angle"


def test_cameras_become_angles_in_place(extension: bpy.types.Scene):
    bpy.ops.object.camera_add(location=(5.0, 0.0, 0.0), rotation=(1.5707963, 0.0, 1.5707963))
    bpy.context.object.name = "From Right"
    bpy.ops.photoreal.use_cameras()
    view = extension.photoreal.angles[-1]
    assert view.name == "From-Right"
    assert view.azimuth == pytest.approx(90.0, abs=0.01)
    assert view.elevation == pytest.approx(0.0, abs=0.01)


def test_the_studio_is_added_and_removed_without_a_trace(extension: bpy.types.Scene, block_file: Path):
    bpy.ops.object.light_add(type="SUN")
    bpy.ops.object.camera_add()
    bpy.data.materials.new("Mine, without users")
    before, home = everything(), extension.name
    extension.photoreal.source = str(block_file)
    bpy.ops.photoreal.build_studio()
    assert bpy.context.scene.photoreal.is_studio
    studio = bpy.context.scene
    bpy.ops.photoreal.edit_angles()
    studio.photoreal.angle_index, studio.photoreal.lens = 2, 50.0
    turned = studio.camera.matrix_world.copy()
    bpy.ops.photoreal.frame_angle()
    assert studio.camera.matrix_world != turned and studio.camera.data.lens == 50.0
    bpy.ops.photoreal.build_studio()
    assert len(bpy.data.scenes) == 2, "rebuilding removes the first one"
    bpy.context.window.scene = extension
    drawn = drawn_by(panels.PHOTOREAL_PT_studio, bpy.context)
    assert "[photoreal.show_studio]" in drawn
    bpy.ops.photoreal.show_studio()
    assert bpy.context.scene.photoreal.is_studio
    bpy.ops.photoreal.remove_studio()
    assert "[photoreal.show_studio]" not in drawn_by(panels.PHOTOREAL_PT_studio, bpy.context)
    assert bpy.context.scene.name == home
    assert everything() == before
    assert len(bpy.context.scene.photoreal.angles) == 5, "settings made in the studio are kept"


# --- a whole set ----------------------------------------------------------------------------------


def small(settings: Any, out: Path) -> None:
    settings.resolution, settings.samples = 64, 1
    settings.folder = str(out)
    bpy.ops.photoreal.edit_angles()
    for _time in range(3):
        settings.angle_index = 2
        bpy.ops.photoreal.remove_angle()


@pytest.mark.parametrize(
    ("field", "label"),
    [("film_look", "Film Look"), ("out", "Save To"), ("with_hero", ""), ("", "")],
)
def test_a_field_of_an_error_has_the_label_of_the_sidebar(extension: bpy.types.Scene, field: str, label: str):
    assert properties.label_of(field) == label


def test_the_button_makes_a_set_of_the_selection_and_leaves_the_file_unchanged(
    extension: bpy.types.Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    chosen = SimpleNamespace(**{**preferences.DEFAULTS, "place_when_done": False, "device": "cpu"})
    monkeypatch.setattr(preferences, "get", lambda _context: chosen)
    settings = extension.photoreal
    small(settings, tmp_path / "set")
    settings.source_kind = "OBJECTS"
    bpy.context.object.name = "Soap Bar"
    before = everything()
    bpy.ops.photoreal.generate_set()
    assert everything() == before
    pump_until_idle()
    run = runs.run_of(extension)
    assert run is not None
    assert (run.view.state, run.view.error) == ("done", "")
    found = runs.set_of(extension)
    assert found is not None
    assert Path(extension.photoreal.made_in) == tmp_path / "set"
    assert (found.product, [name for name, _path in found.sheet()]) == (
        "Soap Bar",
        ["front", "three-quarter"],
    )
    assert not list(tmp_path.rglob("*.blend")), "the copy is removed"
    bpy.ops.photoreal.place_photos()
    sheet = bpy.data.collections["Soap Bar"]
    assert sorted(item.name for item in sheet.objects) == ["Soap Bar front", "Soap Bar three-quarter"]
    shown = sheet.objects["Soap Bar front"].data
    assert tuple(shown.size) == (64, 64)
    make_again(tmp_path / "set" / "photos" / "front.png", side=80)
    bpy.ops.photoreal.place_photos(as_new=True)
    assert tuple(shown.size) == (64, 64), "placed pictures change only when asked"
    again = bpy.data.collections["Soap Bar.001"]
    assert tuple(again.objects[0].data.size) == (120, 80)
    size = again.objects[0].empty_display_size
    heights = [{round(item.location.z, 3) for item in one.objects} for one in (sheet, again)]
    assert min(heights[1]) - max(heights[0]) > size, "one above the other"
    make_again(tmp_path / "set" / "photos" / "front.png", side=40)
    before = [item.name for item in bpy.data.objects]
    bpy.ops.photoreal.place_photos()
    assert [item.name for item in bpy.data.objects] == before, "one picture of the newest sheet is replaced"
    assert [tuple(one.objects[0].data.size) for one in (sheet, again)] == [(64, 64), (80, 40)]
    bpy.ops.photoreal.export_set(directory=str(tmp_path))
    assert (tmp_path / "Soap Bar-front.png").is_file()
    with pytest.raises(RuntimeError, match="already exists"):
        bpy.ops.photoreal.export_set(directory=str(tmp_path))


def make_again(path: Path, side: int) -> None:
    """Another photo under the same name: a new file, as a run writes it."""
    path.unlink()
    photo(path, side=side)


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


def test_the_price_comes_from_the_command_line(
    extension: bpy.types.Scene, fresh_emulator: Any, block_file: Path, monkeypatch: pytest.MonkeyPatch
):
    chosen = SimpleNamespace(**{**preferences.DEFAULTS, "fal_url": fresh_emulator.url, "device": "cpu"})
    monkeypatch.setattr(preferences, "get", lambda _context: chosen)
    monkeypatch.setattr(operators.checks, "fal", lambda _context, _settings: None)
    settings = extension.photoreal
    settings.source, settings.engine = str(block_file), "fal"
    bpy.ops.photoreal.ask_price()
    assert runs.is_asking_price()
    pump_until_idle()
    price = runs.price_of(settings_of(bpy.context))
    assert price is not None
    assert price.maximum is not None
    assert 0.0 < price.minimum <= price.maximum
    assert fresh_emulator.ledger() == []


def test_the_price_counts_all_variants_and_an_unknown_one_is_refused(
    extension: bpy.types.Scene, fresh_emulator: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    chosen = SimpleNamespace(**{**preferences.DEFAULTS, "fal_url": fresh_emulator.url, "device": "cpu"})
    monkeypatch.setattr(preferences, "get", lambda _context: chosen)
    monkeypatch.setattr(operators.checks, "fal", lambda _context, _settings: None)
    settings = extension.photoreal
    settings.source, settings.engine = str(painted_mug(("Red", "Blue")).write(tmp_path / "mug.glb")), "fal"

    def price_with(variant: str) -> Price | None:
        settings.variant = variant
        if runs.price_of(settings_of(bpy.context)) is None:
            bpy.ops.photoreal.ask_price()
            pump_until_idle()
        return runs.price_of(settings_of(bpy.context))

    one, both = price_with("red"), price_with("All")
    assert one is not None and both is not None
    assert both.minimum == pytest.approx(2 * one.minimum) and one.minimum > 0.0
    for unknown in ("Pink", "Red, Pink"):
        assert price_with(unknown) is None
        assert not bpy.ops.photoreal.generate_set.poll()
        assert "mug.glb has no variant 'Pink'. It has 'Red', 'Blue'." in " ".join(head(extension))
    assert fresh_emulator.ledger() == []


def test_a_stopped_set_can_be_resumed_and_pays_nothing_twice(
    extension: bpy.types.Scene,
    fresh_emulator: Any,
    block_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    chosen = SimpleNamespace(**{**preferences.DEFAULTS, "fal_url": fresh_emulator.url, "device": "cpu"})
    monkeypatch.setattr(preferences, "get", lambda _context: chosen)
    monkeypatch.setattr(operators.checks, "generate", lambda _context: None)
    monkeypatch.setattr(operators.checks, "fal", lambda _context, _settings: None)
    fresh_emulator.control(delays={"photo": FOR_EVER_SECONDS})
    settings = extension.photoreal
    small(settings, tmp_path / "set")
    settings.source, settings.engine = str(block_file), "fal"
    know_the_price()
    agree("generate_set")
    run = runs.set_run()
    assert run is not None

    def both_are_sent() -> bool:
        pump.pump()
        assert not run.view.is_over, run.view
        return len(fresh_emulator.ledger()) == 2

    until(both_are_sent)
    bpy.ops.photoreal.cancel_here()
    assert "[End Now]" in head(extension)
    bpy.ops.photoreal.cancel_here()
    pump_until_idle()
    found = runs.set_of(extension)
    assert found is not None
    assert found.can_resume
    assert "[photoreal.resume_set]" in head(extension)
    fresh_emulator.control(delays={"photo": 0.0}, advance=FOR_EVER_SECONDS)
    agree("resume_set")
    pump_until_idle()
    found = runs.set_of(extension)
    assert found is not None
    assert found.state == "done"
    assert len(fresh_emulator.ledger()) == 2
    agree("redo_angle", name="front")
    pump_until_idle()
    found = runs.set_of(extension)
    assert found is not None
    assert found.state == "done"
    sent = fresh_emulator.ledger()
    assert len(sent) == 3
    assert sent[2]["input"]["image_url"] and sent[2]["input"]["seed"] == 1
    assert placed(extension, found) == ["front.2.png"], "another take replaces the picture of the sheet"
    bpy.ops.photoreal.step_take(name="front", step=-1)
    drawn = drawn_by(panels.PHOTOREAL_PT_gallery, bpy.context)
    assert "Take 1" in " ".join(drawn) and "[photoreal.choose_take]" in drawn
    assert runs.set_of(extension).pictures[0].take == 2, "looking changes nothing"
    bpy.ops.photoreal.choose_take(name="front", number=1)
    pump_until_idle()
    found = runs.set_of(extension)
    assert found is not None and found.pictures[0].take == 1
    assert "[photoreal.choose_take]" not in drawn_by(panels.PHOTOREAL_PT_gallery, bpy.context)
    assert placed(extension, found) == ["front.2.png"], "placed pictures change only when asked"
    bpy.ops.photoreal.place_photos()
    assert placed(extension, found) == ["front.1.png"]
    assert len(fresh_emulator.ledger()) == 3, "choosing is free"


def placed(scene: bpy.types.Scene, found: SetView) -> list[str]:
    """The files of the front picture on every sheet of a set."""
    shown = [sheet.objects for sheet in sheets.sheets_of(scene, found.folder)]
    return [Path(item.data.filepath).name for one in shown for item in one if "front" in item.name]


def test_a_damaged_model_can_be_generated_again_from_the_gallery(
    extension: bpy.types.Scene, fresh_emulator: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    chosen = SimpleNamespace(**{**preferences.DEFAULTS, "fal_url": fresh_emulator.url, "device": "cpu"})
    monkeypatch.setattr(preferences, "get", lambda _context: chosen)
    monkeypatch.setattr(operators.checks, "generate", lambda _context: None)
    monkeypatch.setattr(operators.checks, "fal", lambda _context, _settings: None)
    fresh_emulator.control(faults=[{"name": "corrupt-output", "endpoint": "*meshy*", "count": 1}])
    settings = extension.photoreal
    small(settings, tmp_path / "set")
    settings.source_kind, settings.video = "PHOTOS", "none"
    settings.photos.add().path = str(photo(tmp_path / "front.png"))
    know_the_price()
    agree("generate_set")
    pump_until_idle()
    found = runs.set_of(extension)
    assert found is not None and "edo" in found.error and "--" not in found.error
    assert "[photoreal.redo_model]" in drawn_by(panels.PHOTOREAL_PT_gallery, bpy.context)
    agree("redo_model")
    pump_until_idle()
    found = runs.set_of(extension)
    assert found is not None
    assert (found.state, found.model_price) == ("done", 1.2)
    assert len(fresh_emulator.ledger()) == 2


def test_diagnostics_are_shown_in_the_preferences(
    extension: bpy.types.Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    chosen = SimpleNamespace(**{**preferences.DEFAULTS, "output_folder": str(tmp_path)})
    monkeypatch.setattr(preferences, "get", lambda _context: chosen)
    bpy.ops.photoreal.run_doctor()
    pump_until_idle()
    text = "\n".join(preferences.answers.doctor)
    for word in ("Blender", "pillow", "Cycles renders on", "OpenImageDenoise", "key", str(tmp_path)):
        assert word in text


def test_elapsed_time_is_formatted():
    assert [jobs.clock(seconds) for seconds in (0.0, 61.5, 3600.0)] == ["0:00", "1:01", "60:00"]
