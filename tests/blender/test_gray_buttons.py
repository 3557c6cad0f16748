# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a button is gray, and that nothing is paid before its sum was shown."""

import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import pytest

from photoreal_set import operators
from photoreal_set.background_run.button_arguments import Source, price_key
from photoreal_set.background_run.price_book import Price
from photoreal_set.background_run.set_view import Video
from photoreal_set.panels import menus
from photoreal_set.window import changes, launch, preferences, runs
from photoreal_set.window.scene_settings import product_objects, settings_of
from tests.blender.sidebar import EVENTS, Recorder, a_run, a_set, head, know_the_price


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


def test_another_photo_is_priced_with_the_video_that_is_made_from_it(
    extension: bpy.types.Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(operators.checks, "redo", lambda _context: None)
    video = Video(motion="turntable", path=None, state="done", error="", price=0.35, angles=("front",))
    extension.photoreal.made_in = str(tmp_path)
    front = a_set(tmp_path).pictures[0]
    further = {"pictures": (front, replace(front, name="side"))}
    for changed, question in (
        ({}, r"Another photo costs about \$0\.04,"),
        ({"videos": (video,)}, r"Another photo and the video made from it cost about \$0\.39,"),
        ({"videos": (replace(video, angles=("side",)),)}, r"Another photo costs about \$0\.04,"),
        (
            {**further, "shown_hero": "front", "videos": (video,)},
            r"The photos of all angles and what is made from them cost about \$0\.43,",
        ),
        ({**further, "shown_hero": "side"}, r"Another photo costs about \$0\.04,"),
    ):
        runs.state.sets.take(tmp_path, replace(a_set(tmp_path, pays=True), **changed))
        with pytest.raises(RuntimeError, match=question):
            bpy.ops.photoreal.redo_angle(name="front")


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
