# SPDX-License-Identifier: GPL-3.0-or-later
"""What this Blender knows of runs, prices and sets: what panels draw and operators check.

Nothing here keeps a reference to Blender's data: undo, redo and opening a file would leave it dangling.
A scene is found again by its ``session_uid`` in the file that it belongs to.
"""

import queue
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import bpy

from ..background_run.button_arguments import Settings
from ..background_run.price_book import Price, PriceBook
from ..background_run.run_view import Kind, RunView
from ..background_run.set_view import SetView
from ..processes.child import Child, Event
from . import properties
from .icons import KnownSets
from .stored_paths import absolute_folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """Where a run belongs: a scene of a file. ``load`` counts the files that were opened in this session."""

    file: str
    load: int
    scene_uid: int
    scene_name: str


@dataclass(slots=True, kw_only=True)
class Run:
    """A child process and what it reported.

    ``key`` is that of the price that it asks for; ``places``: its photos are placed in the scene when it is done.
    ``scratch`` is deleted when it ends, ``copy`` (a selection as a file) when it ends well.
    """

    child: Child
    view: RunView
    home: Home | None = None
    key: tuple[str, ...] = ()
    places: bool = False
    scratch: Path | None = None
    copy: Path | None = None


def _no_timer() -> None:
    """Until the pump is attached, nothing needs to be woken."""


@dataclass(slots=True)
class State:
    """All that changes. ``wake`` starts the timer that takes events; ``looks`` counts folders that are being read."""

    wake: Callable[[], None] = _no_timer
    runs: list[Run] = field(default_factory=list)
    prices: PriceBook = field(default_factory=PriceBook)
    wanted_price: tuple[Settings, float] | None = None  # With the time (monotonic, s) at which it is asked.
    sets: KnownSets = field(default_factory=KnownSets)
    to_place: list[Run] = field(default_factory=list)
    looked_at: queue.SimpleQueue[Event] = field(default_factory=queue.SimpleQueue)
    looks: int = 0
    loads: int = 0
    redrawn_at: float = 0.0
    status: str = ""


state = State()


def reset(wake: Callable[[], None]) -> None:
    """Forget everything. ``wake`` is called whenever there is something to wait for."""
    global state
    state = State(wake=wake)


def price_of(settings: Settings) -> Price | None:
    """The price as far as it is known."""
    return state.prices.price_of(settings)


def price_error(settings: Settings) -> str:
    """Why the price is not known; "" when there is no reason yet."""
    return state.prices.error(settings)


def is_asking_price() -> bool:
    """Whether a price is being asked for, or is about to be."""
    return state.wanted_price is not None or any(
        run.view.kind is Kind.PRICE and not run.view.is_over for run in state.runs
    )


def set_run() -> Run | None:
    """The set that is being made now, in any file."""
    return next((run for run in state.runs if run.view.kind is Kind.SET and not run.view.is_over), None)


def run_of(scene: bpy.types.Scene) -> Run | None:
    """The newest run for this scene, also one that has ended."""
    for run in reversed(state.runs):
        if run.view.kind is Kind.SET and run.home and is_home(run.home, scene):
            return run
    return None


def run_elsewhere(scene: bpy.types.Scene) -> Run | None:
    """The newest run for another scene of this file."""
    others = [one for one in bpy.data.scenes if one != scene]
    for run in reversed(state.runs):
        if run.home and any(is_home(run.home, other) for other in others):
            return run
    return None


def cancel_run() -> Run | None:
    """The newest cancellation at fal.ai."""
    return next((run for run in reversed(state.runs) if run.view.kind is Kind.CANCEL), None)


def waits_to_place(run: Run) -> bool:
    """Finished; its photos are placed as soon as no operator is running and the mode is Object Mode."""
    return any(one is run for one in state.to_place)


def folder_of(scene: bpy.types.Scene) -> Path | None:
    """The set folder that a scene names: that of its last run, else the one chosen for the next."""
    settings = properties.of(scene)
    folder = settings.made_in or settings.folder
    return absolute_folder(folder) if folder else None


def set_of(scene: bpy.types.Scene) -> SetView | None:
    """The set of this scene as it was last read."""
    run = run_of(scene)
    if run and run.view.folder and (found := state.sets.view_of(run.view.folder)):
        return found
    folder = folder_of(scene)
    return state.sets.view_of(folder) if folder else None


def icon_of(path: Path | None, stamp: str) -> int:
    """The icon of a picture, loaded when its set was read; 0 when there is none."""
    return state.sets.icon_of(path, stamp)


def is_home(home: Home, scene: bpy.types.Scene) -> bool:
    """Whether ``home`` means this scene, also after its file was saved and opened again."""
    if home.load == state.loads:
        return bool(scene.session_uid == home.scene_uid)
    return bool(home.file) and home.file == bpy.data.filepath and scene.name == home.scene_name


def home_of(scene: bpy.types.Scene) -> Home:
    """Where a run that is started now for this scene belongs."""
    return Home(file=bpy.data.filepath, load=state.loads, scene_uid=scene.session_uid, scene_name=scene.name)
