# SPDX-License-Identifier: GPL-3.0-or-later
"""The timer that takes what background Blenders report, and places what is finished.

Only here, on the main thread and between two events of the window, does a report change what is known of a run.
"""

import contextlib
import queue
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import bpy
from bpy.app.handlers import persistent

from ..background_run.button_arguments import Source
from ..background_run.followed import Followed
from ..background_run.run_view import Kind
from ..background_run.set_view import SetView
from ..catalogue.glance import CatalogueView
from ..photo_set.living_run import KnownRun
from ..processes.child import Event
from . import changes, launch, preferences, properties, runs, screen, sheets
from .runs import Run
from .scene_settings import settings_of
from .stored_paths import stored_path
from .words import iface_

PUMP_SECONDS = 0.1  # Between two calls.
HURRY_SECONDS = 0.02  # The same while events wait: a run that was found has reported for a long time.
PUMP_BUDGET = 0.003  # Seconds for the events of one call: a late report is better than a stuttering viewport.
PRICE_PAUSE = 0.7  # Seconds without a change of the settings before their price is asked for.
REDRAW_SECONDS = 1.0  # The clocks of a running set move on.
SEARCH_SECONDS = 10.0  # Between two searches for runs that another window or a terminal has started.


def pump() -> float | None:
    """Take events for at most ``PUMP_BUDGET``, then do what has become due. Seconds to the next call, None when idle.

    Placing a finished set is not within that budget: its pictures are loaded in one go, because they are one undo
    step. That happens once a set.
    """
    deadline = time.perf_counter() + PUMP_BUDGET
    received = False
    for run, event in _events(deadline):
        received = True
        if event["event"] == launch.LOOKED_AT:
            _take_look(run, Path(event["folder"]), event["view"])
        elif event["event"] == launch.FOUND_RUNS:
            _follow(event["runs"])
        elif run is not None:
            _take(run, event)
    _ask_wanted_price()
    _place_one()
    is_stale = time.monotonic() - runs.state.redrawn_at > REDRAW_SECONDS
    if received or (is_stale and runs.set_run()):
        launch.redraw()
    if not _is_busy():
        return None
    return PUMP_SECONDS if time.perf_counter() < deadline else HURRY_SECONDS


def _take_look(run: Run | None, folder: Path, view: SetView | CatalogueView | None) -> None:
    """Keep what was read of a folder. A run that was found learns its angles or products from it."""
    if isinstance(view, CatalogueView):
        runs.state.catalogues[folder] = view
        if run is not None:
            run.view.expect_products((one.sku, one.folder, one.is_done) for one in view.products)
        return
    runs.state.sets.take(folder, view)
    if run is not None and view is not None:
        if isinstance(run.child, Followed):  # The others know them: the folder may still show an earlier set.
            run.view.expect([picture.name for picture in view.pictures])
        run.view.complete(picture.name for picture in view.pictures if picture.photo)


def _follow(found: list[tuple[KnownRun, bool]]) -> None:
    """Follow the runs of this file, living ones and those that have ended unseen; remember other living ones."""
    state = runs.state
    if any(run.view.folder is None for run in runs.running_sets()):
        return  # A run that is only starting here may be among them: the next search tells.
    state.elsewhere = []
    for known, is_alive in found:
        if runs.is_known(known.folder, is_alive=is_alive):
            continue
        if home := runs.home_of_known(known, is_alive=is_alive):
            launch.follow(known, home)
        elif is_alive:
            state.elsewhere.append(known)


def _events(deadline: float) -> Iterator[tuple[Run | None, Event]]:
    """Waiting events with the run that they are of, until ``deadline`` (``time.perf_counter``)."""
    for run in (None, *tuple(runs.state.runs)):
        source = run.child.events if run else runs.state.looked_at
        while time.perf_counter() < deadline:
            try:
                event = source.get_nowait()
            except queue.Empty:
                break
            if run is None:
                runs.state.looks -= 1
            yield run, event


def _is_busy() -> bool:
    state = runs.state
    is_running = any(not run.view.is_over for run in state.runs)
    is_placing = any(map(runs.scene_of_run, state.to_place))
    return is_running or is_placing or bool(state.looks or state.wanted_price)


def _take(run: Run, event: Event) -> None:
    run.view.take(event)
    match event["event"]:
        case "prepared":
            run.copy = Path(event["copy"]) if event["copy"] else None
        case "started" if run.view.kind is Kind.SET:
            _remember_folder(run)
    if run.view.is_over:
        _end(run)


def _remember_folder(run: Run) -> None:
    """Keep the set folder in the scene, so that its set is found after the file was saved and opened again."""
    for scene in bpy.data.scenes:
        if run.home and run.view.folder and runs.is_home(run.home, scene):
            properties.of(scene).made_in = stored_path(run.view.folder)


def _end(run: Run) -> None:
    view = run.view
    if view.error and (label := properties.label_of(view.field)):
        view.error = f"{iface_(label)}: {view.error}"
    if run.scratch:
        shutil.rmtree(run.scratch, ignore_errors=True)
    match view.kind:
        case Kind.SET | Kind.CATALOGUE:
            _end_set(run)
        case Kind.CANCEL:
            if view.folder:
                launch.look_at(view.folder)
        case Kind.CHOOSE:
            if view.folder and not view.error:
                runs.show_chosen(view.folder)
                launch.look_at(view.folder)
        case Kind.PRICE:
            runs.state.prices.learn(run.key, view.facts, "" if view.is_stopping else view.error)
        case Kind.DOCTOR | Kind.KEY:
            lines = [str(fact["text"]) for fact in view.facts if fact.get("event") == "check"]
            preferences.answers_to(view.kind)[:] = lines or [view.error or "No answer."]


def _end_set(run: Run) -> None:
    view = run.view
    if run.copy and view.state == "done":
        shutil.rmtree(run.copy.parent, ignore_errors=True)
        with contextlib.suppress(OSError):  # The copies of other sets are beside it.
            run.copy.parent.parent.rmdir()
    if runs.has_lost_scene(run) and (scene := bpy.context.scene):
        run.home = runs.home_of(scene)  # Where the artist is. The gallery there shows the set.
        _remember_folder(run)
    if view.folder:
        runs.show_chosen(view.folder)
        launch.look_at(view.folder)
        launch.forget_run(view.folder)
    if run.places and view.state == "done":
        runs.state.to_place.append(run)


def _ask_wanted_price() -> None:
    wanted = runs.state.wanted_price
    if wanted and time.monotonic() >= wanted[1]:
        launch.ask_price(bpy.context, wanted[0])


def _place_one() -> None:
    """Place one finished set in its scene, when that is open and the artist is not in the middle of an operator."""
    state = runs.state
    run = next((one for one in state.to_place if runs.scene_of_run(one)), None)
    state.to_place[:] = [one for one in state.to_place if one is run or runs.is_in_another_file(one)]
    scene = runs.scene_of_run(run) if run else None
    if run is None or scene is None:
        return
    view = state.sets.view_of(run.view.folder) if run.view.folder else None
    if view is None and not state.looks:
        state.to_place.remove(run)  # Its folder is gone.
        return
    if view is None or screen.free_window() is None:
        return
    state.to_place.remove(run)
    try:
        sheets.place(scene, view, replaces=run.replaces)
    except (RuntimeError, OSError) as error:  # Blender would no longer call a timer that raises.
        run.view.error = iface_("The photos could not be placed: {error}", error=str(error).strip())
    # Changes by a timer have no undo step otherwise. Without ``temp_override``: with Python 3.11, Blender crashes when
    # an operator runs in it while another thread runs Python.
    bpy.ops.ed.undo_push(message="Place Photoreal Set")
    launch.redraw()


def _wake() -> None:
    if not bpy.app.background and not bpy.app.timers.is_registered(pump):
        bpy.app.timers.register(pump, first_interval=PUMP_SECONDS, persistent=True)


def _settings_changed(context: bpy.types.Context) -> None:
    """Ask for the price of what costs money, once the settings stay as they are for a moment."""
    if bpy.app.background or not getattr(context, "scene", None):
        return
    settings = settings_of(context)
    has_source = bool(settings.files or settings.text or settings.source is Source.OBJECTS)
    if not (settings.uses_fal and has_source and bpy.app.online_access):
        return
    if preferences.has_key(preferences.get(context)) and runs.price_of(settings) is None:
        runs.state.wanted_price = (settings, time.monotonic() + PRICE_PAUSE)
        _wake()


def look_at_scenes() -> None:
    """Read the sets that the scenes of this file name."""
    for scene in bpy.data.scenes:
        if folder := runs.folder_of(scene):
            launch.look_at(folder)


@persistent  # type: ignore[untyped-decorator]  # The stubs give Blender's decorator no types.
def _file_was_loaded(_file: str) -> None:
    runs.state.loads += 1
    look_at_scenes()
    launch.look_for_runs()


def _search() -> float:
    """Find the runs of this machine, now and then; seconds to the next time."""
    launch.look_for_runs()
    return SEARCH_SECONDS


def _look_once() -> None:
    look_at_scenes()


def attach() -> None:
    runs.reset(_wake)
    runs.state.sets.open()
    changes.listen(_settings_changed)
    bpy.app.handlers.load_post.append(_file_was_loaded)
    if not bpy.app.background:
        # Data cannot be read while an extension is being registered.
        bpy.app.timers.register(_look_once, first_interval=0.0)
        bpy.app.timers.register(_search, first_interval=0.0, persistent=True)


def detach() -> None:
    """Runs in progress continue without this Blender."""
    for timer in (_look_once, _search, pump):
        if bpy.app.timers.is_registered(timer):
            bpy.app.timers.unregister(timer)
    bpy.app.handlers.load_post.remove(_file_was_loaded)
    changes.stop_listening(_settings_changed)
    screen.redraw_status_bars()
    runs.state.sets.close()
    preferences.answers.doctor.clear()
    preferences.answers.key.clear()
