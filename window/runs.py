# SPDX-License-Identifier: GPL-3.0-or-later
"""What this Blender knows of runs, prices and sets: what panels draw and operators check.

Nothing here keeps a reference to Blender's data: undo, redo and opening a file would leave it dangling.
A scene is found again by its ``session_uid`` in the file that it belongs to.
"""

import os
import queue
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import bpy

from ..background_run.button_arguments import Settings
from ..background_run.followed import Followed
from ..background_run.price_book import Price, PriceBook
from ..background_run.run_view import Kind, RunView
from ..background_run.set_view import Picture, SetView, Take
from ..catalogue.glance import CatalogueView
from ..photo_set.living_run import AskedBy, KnownRun
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
    """A process and what it reported: a child, or one that this window has found.

    ``key`` is that of the price that it asks for; ``places``: its photos are placed in the scene when it is done;
    ``replaces``: they replace those of the same angles on the sheet of the set.
    ``pays``: a catalogue of which fal.ai makes something.
    ``scratch`` is deleted when it ends, ``copy`` (a selection as a file) when it ends well.
    """

    child: Child | Followed
    view: RunView
    home: Home | None = None
    key: tuple[str, ...] = ()
    places: bool = False
    replaces: bool = False
    pays: bool = False
    scratch: Path | None = None
    copy: Path | None = None
    is_seen: bool = False  # The artist has closed the notice about its end.


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
    catalogues: dict[Path, CatalogueView] = field(default_factory=dict)  # As they were last read.
    shown_takes: dict[tuple[Path, str], int] = field(
        default_factory=dict
    )  # Those that the gallery shows instead.
    to_place: list[Run] = field(default_factory=list)
    elsewhere: list[KnownRun] = field(default_factory=list)  # Living runs that no scene of this file has.
    wanted: dict[Path, Home] = field(
        default_factory=dict
    )  # Where the artist wants to see such a run, by folder.
    looked_at: queue.SimpleQueue[Event] = field(default_factory=queue.SimpleQueue)
    looks: int = 0
    loads: int = 0
    redrawn_at: float = 0.0


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


def running_sets() -> list[Run]:
    """The sets that are being made now, in any file."""
    return [run for run in state.runs if run.view.kind.makes_pictures and not run.view.is_over]


def set_run() -> Run | None:
    """The set that is being made now, in any file; that of this file where there are several."""
    running = running_sets()
    return next((run for run in running if scene_of_run(run)), running[0] if running else None)


def run_of(scene: bpy.types.Scene) -> Run | None:
    """The newest run for this scene, also one that has ended."""
    for run in reversed(state.runs):
        if run.view.kind.makes_pictures and run.home and is_home(run.home, scene):
            return run
    return None


def run_elsewhere(scene: bpy.types.Scene) -> Run | None:
    """The newest run for another scene of this file."""
    others = [one for one in bpy.data.scenes if one != scene]
    for run in reversed(state.runs):
        if run.home and any(is_home(run.home, other) for other in others):
            return run
    return None


def ended_run(scene: bpy.types.Scene) -> Run | None:
    """The run for this scene, or else one for another file or scene, whose end the artist has not closed yet."""
    own = run_of(scene)
    if own is not None:
        return own if own.view.is_over and not own.is_seen else None
    ended = [
        run for run in state.runs if run.view.kind.makes_pictures and run.view.is_over and not run.is_seen
    ]
    return ended[-1] if ended else None


def is_known(folder: Path, *, is_alive: bool) -> bool:
    """Whether this window has the living run of a folder, or, of one that has ended, has seen its end."""
    known = [run for run in state.runs if run.view.kind.makes_pictures and run.view.folder == folder]
    return any(not run.view.is_over for run in known) if is_alive else bool(known)


def scene_of_run(run: Run) -> bpy.types.Scene | None:
    """The scene of the open file that a run belongs to."""
    return next((one for one in bpy.data.scenes if run.home and is_home(run.home, one)), None)


def has_lost_scene(run: Run) -> bool:
    """Whether the scene of a run for a set of this file was undone or deleted."""
    is_here = run.home is not None and run.home.load == state.loads
    return run.view.kind is Kind.SET and is_here and scene_of_run(run) is None


def is_in_another_file(run: Run) -> bool:
    """Whether a run belongs to a file that is not open now, and can be opened again."""
    return run.home is not None and bool(run.home.file) and run.home.file != bpy.data.filepath


def cancel_run(*folders: Path | None) -> Run | None:
    """The newest cancellation at fal.ai, if it was for one of these folders."""
    newest = next((run for run in reversed(state.runs) if run.view.kind is Kind.CANCEL), None)
    return newest if newest and newest.view.folder in folders else None


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


def catalogue_of(run: Run | None) -> CatalogueView | None:
    """The catalogue that a run makes, as it was last read."""
    folder = run.view.folder if run and run.view.kind is Kind.CATALOGUE else None
    return state.catalogues.get(folder) if folder else None


def icon_of(path: Path | None, stamp: str) -> int:
    """The icon of a picture, loaded when its set was read; 0 when there is none."""
    return state.sets.icon_of(path, stamp)


def shown_take(folder: Path, picture: Picture) -> Take | None:
    """The take of an angle that the gallery shows: the chosen one, until the artist looks at another."""
    return picture.take_of(state.shown_takes.get((folder, picture.name), picture.take))


def is_choosing(folder: Path) -> bool:
    """Whether another take of a set is being chosen."""
    return any(
        run.view.kind is Kind.CHOOSE and not run.view.is_over and run.view.folder == folder
        for run in state.runs
    )


def choosing_error(folder: Path) -> str:
    """Why the take that was chosen last could not be; "" otherwise."""
    chosen = [run for run in state.runs if run.view.kind is Kind.CHOOSE and run.view.folder == folder]
    return chosen[-1].view.error if chosen and chosen[-1].view.is_over else ""


def show_chosen(folder: Path) -> None:
    """Have the gallery show the chosen takes of a set again."""
    for key in [key for key in state.shown_takes if key[0] == folder]:
        del state.shown_takes[key]


def is_home(home: Home, scene: bpy.types.Scene) -> bool:
    """Whether ``home`` means this scene, also after its file was saved and opened again."""
    if home.load == state.loads:
        return bool(scene.session_uid == home.scene_uid)
    return bool(home.file) and home.file == bpy.data.filepath and scene.name == home.scene_name


def hand_over(scene: bpy.types.Scene, heir: bpy.types.Scene) -> None:
    """Have the runs of a scene that is being removed belong to another one, with the set that it shows."""
    mine = [run for run in state.runs if run.home and is_home(run.home, scene)]
    for run in mine:
        run.home = home_of(heir)
    settings = properties.of(scene)
    if settings.made_in:
        properties.of(heir).made_in = settings.made_in
    if mine:
        properties.of(heir).run_mark = settings.run_mark


def home_of(scene: bpy.types.Scene) -> Home:
    """Where a run that is started now for this scene belongs."""
    return Home(file=bpy.data.filepath, load=state.loads, scene_uid=scene.session_uid, scene_name=scene.name)


def asked_by(
    scene: bpy.types.Scene, *, places: bool = False, replaces: bool = False, pays: bool = False
) -> AskedBy:
    """What a run keeps of the window that starts it for ``scene``, for windows that find it later. Marks the scene."""
    mark = properties.of(scene).run_mark = uuid.uuid4().hex
    return AskedBy(
        window=os.getpid(),
        file=bpy.data.filepath,
        scene=scene.name,
        places=places,
        replaces=replaces,
        pays=pays,
        mark=mark,
    )


def home_of_known(run: KnownRun, *, is_alive: bool) -> Home | None:
    """The scene of this file that a run was started for, that wants it or names its folder; ``None`` without one."""
    asked, found = run.asked_by, None
    if is_alive and (wanted := state.wanted.pop(run.folder, None)):
        return wanted
    if asked and asked.file == bpy.data.filepath and (asked.file or asked.window == os.getpid()):
        found = bpy.data.scenes.get(asked.scene)
    if found is None and asked and asked.mark:
        marked = [scene for scene in bpy.data.scenes if properties.of(scene).run_mark == asked.mark]
        found = next((scene for scene in marked if scene.name == asked.scene), marked[0] if marked else None)
    if found is None and is_alive:
        found = next((scene for scene in bpy.data.scenes if folder_of(scene) == run.folder), None)
    return home_of(found) if found else None
