# SPDX-License-Identifier: GPL-3.0-or-later
"""Several collections or objects of a scene become a catalogue, made by the command ``catalogue``."""

import csv
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import pytest

from photoreal_set import operators, panels
from photoreal_set.background_run.button_arguments import Source, price_key
from photoreal_set.background_run.price_book import Price
from photoreal_set.window import preferences, pump, runs, scene_catalogue
from photoreal_set.window.scene_settings import settings_of
from tests.blender.sidebar import agree, drawn_by, everything, press, pump_until_idle
from tests.patience import FOR_EVER_SECONDS, until


@pytest.fixture
def chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The preferences."""
    values = {**preferences.DEFAULTS, "output_folder": str(tmp_path), "device": "cpu"}
    chosen = SimpleNamespace(**values)
    monkeypatch.setattr(preferences, "get", lambda _context: chosen)
    return chosen


@pytest.fixture
def shop(extension: bpy.types.Scene, chosen: SimpleNamespace) -> bpy.types.Scene:
    """A scene with the collections *Cup* and *Tea: Pot* of one cube each, and an empty one; small pictures."""
    cube = bpy.context.object
    for name in ("Cup", "Tea: Pot", "Nothing"):
        shelf = bpy.data.collections.new(name)
        extension.collection.children.link(shelf)
        if name != "Nothing":
            shelf.objects.link(bpy.data.objects.new(f"{name} body", cube.data.copy()))
    extension.photoreal.resolution, extension.photoreal.samples = 64, 1
    bpy.ops.photoreal.edit_angles()
    while len(extension.photoreal.angles) > 1:
        bpy.ops.photoreal.remove_angle()
    return extension


def collections() -> Any:
    """What a menu of the Outliner gives: the selected collections."""
    chosen = [bpy.data.collections[name] for name in ("Cup", "Tea: Pot", "Nothing")]
    return bpy.context.temp_override(selected_ids=chosen)


def test_each_collection_becomes_a_product_of_a_catalogue(shop: bpy.types.Scene, tmp_path: Path):
    before = everything()
    with collections():
        assert bpy.ops.photoreal.generate_catalogue(of_collections=True) == {"FINISHED"}
    assert everything() == before
    assert not operators.PHOTOREAL_OT_generate_set.poll(bpy.context), "one run at a time"
    pump_until_idle()
    run = runs.run_of(shop)
    assert run is not None
    assert (run.view.state, run.view.error) == ("done", "")
    assert {name: row.state for name, row in run.view.rows.items()} == {"Cup": "done", "Tea: Pot": "done"}
    root = tmp_path / "Scene-catalogue"
    assert run.view.folder == root
    results = json.loads((root / "catalogue.json").read_text())
    assert [(row["sku"], row["state"]) for row in results["products"]] == [
        ("Cup", "done"),
        ("Tea: Pot", "done"),
    ]
    with (tmp_path / "Scene-catalogue-products" / "products.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["sku"] for row in rows] == ["Cup", "Tea: Pot"]
    assert all((tmp_path / "Scene-catalogue-products" / row["source"]).is_file() for row in rows)
    assert shop.photoreal.made_in == "", "the scene has no set of its own now"
    (folder,) = {Path(row.folder) for name, row in run.view.rows.items() if name == "Cup"}
    bpy.ops.photoreal.open_set(directory=str(folder))
    pump_until_idle()
    found = runs.set_of(shop)
    assert found is not None and found.folder == folder


def test_each_object_is_a_product_with_its_children(shop: bpy.types.Scene):
    cup, pot = (bpy.data.objects[f"{name} body"] for name in ("Cup", "Tea: Pot"))
    lid = bpy.data.objects.new("Lid", pot.data)
    shop.collection.objects.link(lid)
    lid.parent = pot
    light = bpy.data.objects.new("Light", bpy.data.lights.new("Light", "POINT"))
    shop.collection.objects.link(light)
    hidden = bpy.data.objects.new("Hidden", cup.data)
    shop.collection.objects.link(hidden)
    hidden.hide_set(True)
    found = scene_catalogue.items_of_objects([lid, cup, pot, light, hidden])
    assert {item.name: {one.name for one in item.objects} for item in found} == {
        "Cup body": {"Cup body"},
        "Tea: Pot body": {"Tea: Pot body", "Lid"},
    }


def test_a_catalogue_is_paid_only_after_its_sum_was_asked(
    shop: bpy.types.Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(operators.checks, "fal", lambda *_given: None)
    asked: list[Any] = []
    monkeypatch.setattr(operators.generate_catalogue.launch, "ask_price", lambda *given: asked.append(given))
    started: list[list[str]] = []

    def start(_context: bpy.types.Context, _settings: Any, items: list[Any]) -> None:
        started.append([item.name for item in items])

    monkeypatch.setattr(scene_catalogue, "start_catalogue", start)
    shop.photoreal.engine = "fal"
    with collections():
        with pytest.raises(RuntimeError, match="asked for the price"):
            bpy.ops.photoreal.generate_catalogue(of_collections=True)
        assert len(asked) == 1
        key = price_key(settings_of(bpy.context, Source.OBJECTS))
        runs.state.prices.learn(key, [{"event": "estimate", "min": 0.5, "max": 0.75}], "")
        with pytest.raises(RuntimeError, match=r"for \$1\.00-1\.50"):
            bpy.ops.photoreal.generate_catalogue(of_collections=True)
        with pytest.raises(RuntimeError, match=r"for \$1\.00-1\.50"):
            bpy.ops.photoreal.generate_catalogue(of_collections=True, price="$0.50-0.75")
        assert started == []
        agree("generate_catalogue", of_collections=True)
    assert started == [["Cup", "Tea: Pot"]]
    runs.state.prices.learn(key, [{"event": "estimate", "min": 3.0, "max": 3.0}], "")
    with collections(), pytest.raises(RuntimeError, match=r"costs \$6\.00, above the ceiling of \$5\.00"):
        bpy.ops.photoreal.generate_catalogue(of_collections=True, price="$6.00")
    (tmp_path / "catalogue.lock.jsonl").write_text("damaged")
    with pytest.raises(RuntimeError, match=r"at most \$5\.00"):
        bpy.ops.photoreal.resume_catalogue(folder=str(tmp_path))
    assert len(started) == 1


def test_a_price_of_several_products_is_their_sum():
    assert Price(minimum=0.5, maximum=0.75, asked_at=0.0).times(3).text == "$1.50-2.25"
    assert Price(minimum=0.5, maximum=None, asked_at=0.0).times(2).text == "from $1.00"


def test_without_anything_to_photograph_nothing_is_started(shop: bpy.types.Scene):
    nothing = bpy.context.temp_override(selected_ids=[bpy.data.collections["Nothing"]])
    with nothing, pytest.raises(RuntimeError, match="There is nothing to photograph"):
        bpy.ops.photoreal.generate_catalogue(of_collections=True)
    assert not runs.state.runs


def test_what_a_stopped_catalogue_has_left_at_fal_is_cancelled_from_the_window(
    shop: bpy.types.Scene,
    chosen: SimpleNamespace,
    fresh_emulator: Any,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(operators.checks, "fal", lambda *_given: None)
    fresh_emulator.control(delays={"photo": FOR_EVER_SECONDS})
    chosen.fal_url, shop.photoreal.engine = fresh_emulator.url, "fal"
    key = price_key(settings_of(bpy.context, Source.OBJECTS))
    runs.state.prices.learn(key, [{"event": "estimate", "min": 0.05, "max": 0.05}], "")
    with collections():
        agree("generate_catalogue", of_collections=True)
    run = runs.set_run()
    assert run is not None

    def jobs() -> str:
        return " ".join(drawn_by(panels.PHOTOREAL_PT_jobs, bpy.context))

    def both_are_at_fal() -> bool:
        pump.pump()
        assert not run.view.is_over, run.view
        return len(fresh_emulator.ledger()) == 2 and "[photoreal.cancel_at_fal]" in jobs()

    until(both_are_at_fal)
    bpy.ops.photoreal.cancel_here()
    bpy.ops.photoreal.cancel_here()
    pump_until_idle()
    assert run.view.state == "partial", run.view
    assert "2 requests are still at fal.ai." in jobs().replace("  ", " ")
    press(panels.PHOTOREAL_PT_jobs, "cancel_at_fal")
    assert "Cancelling at fal.ai" in jobs()
    pump_until_idle()
    assert "2 requests:" in jobs() and "[photoreal.cancel_at_fal]" not in jobs()
    assert [job["state"] for job in fresh_emulator.ledger()] == ["CANCELLED"] * 2
    bpy.ops.photoreal.close_notice()
    assert "[photoreal.resume_catalogue]" in jobs(), "it can be continued later"
