# SPDX-License-Identifier: GPL-3.0-or-later
"""Helpers for tests of the sidebar without a window."""

import queue
import re
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import pytest

from photoreal_set import panels
from photoreal_set.background_run.button_arguments import price_key
from photoreal_set.background_run.price_book import Price
from photoreal_set.background_run.run_view import Kind, RunView
from photoreal_set.background_run.set_view import Held, Picture, SetView, Video
from photoreal_set.window import pump, runs
from photoreal_set.window.scene_settings import settings_of
from tests.patience import until

KINDS = ("scenes", "objects", "meshes", "materials", "images", "worlds", "collections", "cameras", "lights")


def everything() -> dict[str, list[str]]:
    """The names of all data-blocks of the file."""
    return {kind: sorted(item.name for item in getattr(bpy.data, kind)) for kind in KINDS}


def agree(name: str, /, **options: Any) -> None:
    """Call an operator that costs money as someone who has read its question; fails when it does not ask."""
    operator = getattr(bpy.ops.photoreal, name)
    with pytest.raises(RuntimeError) as asked:
        operator(**options)
    named = re.search(r"price='([^']*\$[^']*)'", str(asked.value))
    assert named, f"a question without a sum: {asked.value}"
    operator(price=named[1], **options)


def pump_until_idle() -> None:
    """Do what the timer would do, until there is nothing left to do."""
    until(lambda: pump.pump() is None)


class Recorder:
    """A layout that records what is drawn. Attributes of layouts may be set; those of data may not."""

    def __init__(self, drawn: list[str], buttons: list[tuple[str, SimpleNamespace]] | None = None) -> None:
        self.drawn = drawn
        self.buttons = [] if buttons is None else buttons

    def __getattr__(self, name: str) -> Any:
        if name in ("drawn", "buttons"):
            raise AttributeError(name)

        def call(*given: Any, **facts: Any) -> Any:
            if name == "prop":
                assert given[1] in given[0].bl_rna.properties, given[1]
            if name == "operator":
                assert hasattr(bpy.types, _class_of(given[0])), given[0]
                self.drawn.append(f"[{facts.get('text') or given[0]}]")
                self.buttons.append((given[0], SimpleNamespace()))
                return self.buttons[-1][1]
            if "text" in facts:
                self.drawn.append(facts["text"])
            return Recorder(self.drawn, self.buttons)

        return call


def _class_of(name: str) -> str:
    space, _, rest = name.partition(".")
    return f"{space.upper()}_OT_{rest}"


def drawn_by(cls: type, context: Any) -> list[str]:
    """The texts and, in brackets, the buttons that a panel draws."""
    return _draw(cls, context).drawn


def press(cls: type, name: str) -> None:
    """Press the only button for an operator that a panel draws, with the options that it has there."""
    (options,) = (
        options for pressed, options in _draw(cls, bpy.context).buttons if pressed == f"photoreal.{name}"
    )
    assert getattr(bpy.ops.photoreal, name)(**vars(options)) == {"FINISHED"}


def _draw(cls: type, context: Any) -> Recorder:
    layout = Recorder([])
    ours = [base for base in reversed(cls.__mro__) if "photoreal_set" in base.__module__]
    members = {name: value for base in ours for name, value in vars(base).items() if name[:2] != "__"}
    type("Fake", (), {**members, "layout": layout})().draw(context)
    return layout


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
    raise queue.Empty


EVENTS = [
    {"event": "started", "product": "Jar", "summary": "", "set": "/sets/jar"},
    {"event": "progress", "stage": "references", "done": 1, "of": 2, "label": "side"},
    {"event": "job", "label": "front photo", "state": "queued", "queue_position": 2},
    {"event": "job", "label": "film", "state": "failed", "error": "Refused, with a very long sentence " * 4},
    {"event": "warning", "text": "A texture is missing."},
]


def head(scene: bpy.types.Scene) -> list[str]:
    return drawn_by(panels.PHOTOREAL_PT_main, bpy.context)


def know_the_price() -> None:
    """As if fal.ai had answered for the settings of the scene."""
    key = price_key(settings_of(bpy.context))
    runs.state.prices.prices[key] = Price(minimum=0.5, maximum=0.75, asked_at=time.time())
