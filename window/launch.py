# SPDX-License-Identifier: GPL-3.0-or-later
"""What operators start: background Blenders, and threads that read set folders."""

import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import bpy

from ..background_run.button_arguments import (
    Settings,
    Source,
    ceiling_options,
    external_data_options,
    free_folder,
    price_arguments,
    price_key,
    set_arguments,
)
from ..background_run.followed import Followed
from ..background_run.run_view import VIDEO, Kind, RunView
from ..background_run.set_view import read_set
from ..catalogue.glance import is_catalogue, read_catalogue
from ..photo_set.choices import NO_VIDEO
from ..photo_set.living_run import KnownRun, forget, known_runs
from ..processes.blender_program import BATCH, background_command, factory_settings, running_blender
from ..processes.child import Child, Event, Look, Prepare, Prepared, environment_for
from . import preferences, properties, runs, screen
from .blender_types import scene_of
from .scene_settings import product_name, settings_of
from .selection import external_folders, write_selection
from .stored_paths import absolute_folder

KEPT_RUNS = 8  # Ended ones beyond these are forgotten.
LOOKED_AT = "looked_at"  # An event of this module: the folder of a set or a catalogue was read.
FOUND_RUNS = "found_runs"  # Another: this machine was searched for runs.
SETTLED = {"done", "failed", "uncertain"}  # States of a job that change what is in the set folder.


def start_set(context: bpy.types.Context, settings: Settings, *, places: bool = True) -> runs.Run:
    """Make the set of the scene in a background Blender. The copy of a selection is written first.

    Raises RuntimeError when Blender cannot write that copy, OSError when there is no place for it.
    """
    scene = scene_of(context)
    copy: Path | None = None
    external: list[str] = []
    if settings.source is Source.OBJECTS:
        copy = write_selection(context, with_cameras=settings.cameras is not None)
        external = external_data_options(external_folders())
    named = properties.of(scene).folder
    wanted = absolute_folder(named) if named else _output_folder(context) / product_name(context)
    scratch = Path(tempfile.mkdtemp(prefix="photoreal-"))
    view = RunView(kind=Kind.SET)
    view.expect([*settings.angle_names(), *([VIDEO] if settings.video != NO_VIDEO else [])])

    def prepare() -> Prepared:
        names = [Path(name).name for name in settings.files]
        out = free_folder(wanted, names, may_continue=copy is None)
        kept = _kept_copy(copy, out) if copy else None
        arguments = set_arguments(settings, out, [str(kept)] if kept else settings.files, scratch)
        event = {"event": "prepared", "folder": str(out), "copy": str(kept) if kept else ""}
        return Prepared(arguments=[*arguments, *external], event=event)

    home = runs.home_of(scene)
    asker = runs.asked_by(scene, places=places).variable
    run = runs.Run(
        child=child_of(context, prepare, look=_look_at_changes(), variables=asker),
        view=view,
        home=home,
        scratch=scratch,
        places=places,
    )
    return start(run)


def _kept_copy(copy: Path, out: Path) -> Path:
    """Move the copy of a selection beside the set, where ``resume`` finds it as long as the set is not done."""
    kept = out.parent / ".scenes" / out.name / copy.name
    kept.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(copy, kept)
    return kept


def resume(context: bpy.types.Context, folder: Path, further: Sequence[str] = ()) -> runs.Run:
    """Continue a set from its folder. ``further`` are options of ``resume``."""
    view = RunView(kind=Kind.SET, folder=folder)
    settings = settings_of(context)
    if known := runs.state.sets.view_of(folder):
        view.expect([picture.name for picture in known.pictures])
    external = external_data_options(external_folders()) if settings.source is Source.OBJECTS else []
    arguments = ["resume", str(folder), *further, *external, *ceiling_options(settings), "--json"]
    scene, places = scene_of(context), preferences.get(context).place_when_done
    replaces = bool({"--redo", "--accept"} & set(further))
    asker = runs.asked_by(scene, places=places, replaces=replaces).variable
    run = runs.Run(
        child=child_of(
            context, lambda: Prepared(arguments=arguments), look=_look_at_changes(), variables=asker
        ),
        view=view,
        home=runs.home_of(scene),
        places=places,
        replaces=replaces,
    )
    return start(run)


def follow(known: KnownRun, home: runs.Home) -> runs.Run:
    """Show a run that this window has not started, or has lost sight of, and place its results as it wanted."""
    kind = Kind.CATALOGUE if known.is_catalogue else Kind.SET
    view = RunView(kind=kind, folder=known.folder, product=known.folder.name if known.is_catalogue else "")
    if found := runs.state.sets.view_of(known.folder):
        view.expect([picture.name for picture in found.pictures])
    look = look_at_catalogue(known.folder) if known.is_catalogue else _look_at_changes()
    run = runs.Run(child=Followed(known, look=look), view=view, home=home, pays=True)
    if asked := known.asked_by:
        run.places, run.replaces, run.pays = asked.places, asked.replaces, asked.pays
    return start(run)


def look_for_runs() -> None:
    """Find the runs of this machine on a thread; the pump follows those of this file."""

    events = runs.state.looked_at

    def find() -> None:
        found = [(run, run.is_alive) for run in known_runs()]
        events.put({"event": FOUND_RUNS, "runs": found})

    _in_background(find)


def forget_run(folder: Path) -> None:
    """Delete, on a thread, what other windows would learn of a run that has ended here."""
    threading.Thread(target=forget, args=(folder,), name="photoreal-forget", daemon=True).start()


def choose_take(context: bpy.types.Context, folder: Path, name: str, number: int) -> runs.Run:
    """Have a set show another take of an angle, free of charge. Waits for a run that works in the folder."""
    arguments = ["resume", str(folder), "--choose", f"{name}={number}", "--json"]
    child = child_of(context, lambda: Prepared(arguments=arguments))
    return start(runs.Run(child=child, view=RunView(kind=Kind.CHOOSE, folder=folder)))


def cancel_at_fal(context: bpy.types.Context, folder: Path) -> runs.Run:
    """Cancel at fal.ai what the set or the catalogue has sent; a run that makes it is stopped."""
    if (running := runs.set_run()) and running.view.folder == folder:
        stop_here(running)
    prepared = Prepared(arguments=["cancel", str(folder), "--json"])
    view = RunView(kind=Kind.CANCEL, folder=folder)
    return start(runs.Run(child=child_of(context, lambda: prepared), view=view))


def stop_here(run: runs.Run) -> None:
    """Once: nothing more is rendered or sent, what is paid for is finished. Twice: end at once. Raises OSError."""
    run.child.stop()
    run.view.is_stopping = True
    redraw()


def ask_price(context: bpy.types.Context, settings: Settings) -> None:
    """Have a background Blender ask for the price; the panel shows it when it arrives."""
    runs.state.wanted_price = None
    key = price_key(settings)
    for run in runs.state.runs:
        if run.view.kind is Kind.PRICE and not run.view.is_over:
            if run.key == key:
                return
            run.child.stop()
    scratch = Path(tempfile.mkdtemp(prefix="photoreal-"))
    child = child_of(context, lambda: Prepared(arguments=price_arguments(settings, scratch)))
    start(runs.Run(child=child, view=RunView(kind=Kind.PRICE), key=key, scratch=scratch))


def ask_doctor(context: bpy.types.Context, kind: Kind) -> None:
    """Run diagnostics, or (``Kind.KEY``) test the key. The preferences show the answer."""
    settings = settings_of(context)
    arguments = ["doctor", "--json", "--device", settings.device, "--out", str(_output_folder(context))]
    if settings.fal_url:
        arguments += ["--fal-url", settings.fal_url]
    if kind is Kind.KEY:
        arguments.append("--test-key")
    preferences.answers_to(kind)[:] = ["Asking …"]
    child = child_of(context, lambda: Prepared(arguments=arguments))
    start(runs.Run(child=child, view=RunView(kind=kind)))


def look_at(folder: Path) -> None:
    """Read the folder of a set or a catalogue on a thread; panels show it when it was read."""
    events = runs.state.looked_at
    _in_background(lambda: events.put(_looked_at(folder)))


def _in_background(look: Callable[[], None]) -> None:
    """Have ``look`` called on a thread: it puts one event into ``looked_at``, which the pump waits for."""
    runs.state.looks += 1
    threading.Thread(target=look, name="photoreal-look", daemon=True).start()
    runs.state.wake()


def redraw() -> None:
    """Redraw the panels, and remember when."""
    runs.state.redrawn_at = screen.redraw_panels()


def _output_folder(context: bpy.types.Context) -> Path:
    return preferences.output_folder(preferences.get(context))


def _looked_at(folder: Path) -> Event:
    view = read_catalogue(folder) if is_catalogue(folder) else read_set(folder)
    return {"event": LOOKED_AT, "folder": str(folder), "view": view}


def _look_at_changes() -> Look:
    """Reads the set folder, on the child's thread, after each event that changes what a panel shows of it."""
    folder: Path | None = None

    def look(event: Event) -> Event | None:
        nonlocal folder
        if event.get("set"):
            folder = Path(event["set"])
        is_video = event.get("stage") == "film"
        is_step = event["event"] == "job" and event.get("state") not in SETTLED
        is_sign_of_life = event["event"] == "working"
        return None if folder is None or is_video or is_step or is_sign_of_life else _looked_at(folder)

    return look


def look_at_catalogue(folder: Path | None = None) -> Look:
    """Reads the folder of a catalogue once, on the child's thread: ``folder``, or the one in which the run has begun."""
    is_read = False

    def look(event: Event) -> Event | None:
        nonlocal is_read
        begun = Path(event["set"]) if event["event"] == "started" else folder
        if is_read or begun is None:
            return None
        found = _looked_at(begun)
        is_read = found["view"] is not None  # Its rows are not frozen at once.
        return found

    return look


def child_of(
    context: bpy.types.Context,
    prepare: Prepare,
    *,
    look: Look = lambda _event: None,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> Child:
    """A background Blender as the user's preferences want it, not started yet. ``variables``: further environment."""
    options = factory_settings(online=bool(bpy.app.online_access))
    command = background_command(BATCH, blender=running_blender(), options=options)
    environment = environment_for(os.environ, preferences.key_for_child(preferences.get(context)))
    return Child(command, prepare, {**environment, **variables}, look=look)


def start(run: runs.Run) -> runs.Run:
    """Start the process of a run and remember it; the oldest ended runs are forgotten."""
    known = runs.state.runs
    known.append(run)
    over = [old for old in known if old.view.is_over]
    for old in over[: max(0, len(known) - KEPT_RUNS)]:
        known.remove(old)
    run.child.start()
    runs.state.wake()
    redraw()
    return run
