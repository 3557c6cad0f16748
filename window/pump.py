# SPDX-License-Identifier: GPL-3.0-or-later
"""With a window: starts the background Blender, hears what it says, and holds what the panels draw.

Nothing here keeps a reference to Blender's data: undo, redo and opening a file would leave it dangling.
A scene is found again by its ``session_uid`` in the file that it belongs to.
"""

import contextlib
import os
import queue
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import bpy
from bpy.app.handlers import persistent

from ..background_run.button_command import (
    Settings,
    Source,
    ceiling_options,
    external_data_options,
    free_folder,
    price_arguments,
    price_key,
    set_arguments,
)
from ..background_run.price_book import Price, PriceBook
from ..background_run.run_view import Kind, RunView
from ..background_run.set_view import SetView, read_set
from ..processes.child import Child, Event, blender_command, environment_for
from . import preferences, properties
from . import screen as windows
from .icons import KnownSets
from .scene_settings import product_name, settings_of
from .selection import external_folders, write_selection

PUMP_SECONDS = 0.1
PUMP_BUDGET = 0.003  # Seconds of a call: late news beats a stuttering viewport.
PRICE_PAUSE = 0.7  # Settings change one after the other; the last of them is asked about.
KEPT_RUNS = 8
BATCH = Path(__file__).resolve().parents[1] / "batch.py"
LOOKED_AT = "looked_at"  # Our own event: a set folder was read.


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """Where a run belongs: a scene of a file."""

    file: str
    load: int
    scene_uid: int
    scene_name: str


@dataclass(slots=True, kw_only=True)
class Run:
    """A child and what it told. ``scratch`` is taken away when it ends."""

    child: Child
    view: RunView
    home: Home | None = None
    key: tuple[str, ...] = ()
    places: bool = False
    scratch: Path | None = None
    copy: Path | None = None


@dataclass(slots=True)
class _State:
    runs: list[Run] = field(default_factory=list)
    prices: PriceBook = field(default_factory=PriceBook)
    wanted_price: tuple[Settings, float] | None = None
    sets: KnownSets = field(default_factory=KnownSets)
    to_place: list[Run] = field(default_factory=list)
    news: queue.SimpleQueue[Event] = field(default_factory=queue.SimpleQueue)
    looks: int = 0
    loads: int = 0
    redrawn_at: float = 0.0
    status: str = ""


_state = _State()


# --- what panels ask ------------------------------------------------------------------------------


def price_of(settings: Settings) -> Price | None:
    """The price as far as it is known."""
    return _state.prices.price_of(settings)


def price_fault(settings: Settings) -> str:
    """Why the price is not known."""
    return _state.prices.fault(settings)


def is_asking_price() -> bool:
    return _state.wanted_price is not None or any(
        run.view.kind is Kind.PRICE and not run.view.is_over for run in _state.runs
    )


def set_run() -> Run | None:
    """The set that is being made now, in any file."""
    return next((run for run in _state.runs if run.view.kind is Kind.SET and not run.view.is_over), None)


def run_of(scene: bpy.types.Scene) -> Run | None:
    """The newest run for this scene, also one that has ended."""
    for run in reversed(_state.runs):
        if run.view.kind is Kind.SET and run.home and _is_home(run.home, scene):
            return run
    return None


def run_elsewhere(scene: bpy.types.Scene) -> Run | None:
    """The newest run for another scene of this file."""
    others = [one for one in bpy.data.scenes if one != scene]
    for run in reversed(_state.runs):
        if run.home and any(_is_home(run.home, other) for other in others):
            return run
    return None


def cancel_run() -> Run | None:
    """The newest cancelling at fal.ai."""
    return next((run for run in reversed(_state.runs) if run.view.kind is Kind.CANCEL), None)


def waits_to_place(run: Run) -> bool:
    """Finished, and its photos come into the scene as soon as nobody is in the middle of something."""
    return any(one is run for one in _state.to_place)


def set_of(scene: bpy.types.Scene) -> SetView | None:
    """The set of this scene as it was last read."""
    run = run_of(scene)
    if run and run.view.folder and (found := _state.sets.view_of(run.view.folder)):
        return found
    folder = scene.photoreal.made_in or scene.photoreal.folder
    return _state.sets.view_of(_folder_key(folder)) if folder else None


def icon_of(path: Path | None, stamp: str) -> int:
    """The icon of a picture, loaded when its set was read; 0 when there is none."""
    return _state.sets.icon_of(path, stamp)


def _folder_key(folder: str) -> str:
    return os.path.normpath(bpy.path.abspath(folder))


def _is_home(home: Home, scene: bpy.types.Scene) -> bool:
    if home.load == _state.loads:
        return bool(scene.session_uid == home.scene_uid)
    return bool(home.file) and home.file == bpy.data.filepath and scene.name == home.scene_name


def _home_of(scene: bpy.types.Scene) -> Home:
    return Home(file=bpy.data.filepath, load=_state.loads, scene_uid=scene.session_uid, scene_name=scene.name)


# --- what operators start -------------------------------------------------------------------------


def start_set(context: bpy.types.Context, settings: Settings, *, places: bool = True) -> Run:
    """Make the set of the scene in a background Blender. Writes the copy of a selection first.

    Raises RuntimeError when Blender cannot write it.
    """
    scene, chosen = context.scene, preferences.get(context)
    copy: Path | None = None
    external: list[str] = []
    if settings.source is Source.OBJECTS:
        copy = write_selection(context, with_cameras=settings.cameras is not None)
        external = external_data_options(external_folders())
    named = scene.photoreal.folder
    wanted = Path(_folder_key(named)) if named else preferences.output_folder(chosen) / product_name(context)
    scratch = Path(tempfile.mkdtemp(prefix="photoreal-"))
    view = RunView(kind=Kind.SET)
    view.expect(settings.angle_names())

    def prepare() -> Sequence[str]:
        names = [Path(name).name for name in settings.files]
        out = free_folder(wanted, names, may_continue=copy is None)
        sources: list[str] = list(settings.files)
        if copy is not None:
            kept = out.parent / ".scenes" / out.name / copy.name
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(copy, kept)
            run.copy = kept
            sources = [str(kept)]
        view.folder = out
        return [*set_arguments(settings, out, sources, scratch), *external]

    run = _start(context, view, prepare, home=_home_of(scene), scratch=scratch, places=places)
    return run


def resume(context: bpy.types.Context, folder: Path, further: Sequence[str] = ()) -> Run:
    """Go on with a set from its folder. ``further`` are options of ``resume``."""
    view = RunView(kind=Kind.SET, folder=folder)
    settings = settings_of(context)
    if known := _state.sets.view_of(folder):
        view.expect([picture.name for picture in known.pictures])
    external = external_data_options(external_folders()) if settings.source is Source.OBJECTS else []
    arguments = ["resume", str(folder), *further, *external, *ceiling_options(settings), "--json"]
    places = preferences.get(context).place_when_done
    return _start(context, view, lambda: arguments, home=_home_of(context.scene), places=places)


def cancel_at_fal(context: bpy.types.Context, folder: Path) -> Run:
    """Cancel at fal.ai what the set has sent; a run of it stops by itself."""
    if (running := set_run()) and running.view.folder == folder:
        stop_here(running)
    view = RunView(kind=Kind.CANCEL, folder=folder)
    return _start(context, view, lambda: ["cancel", str(folder), "--json"])


def stop_here(run: Run) -> None:
    """Once: nothing more is rendered or sent, what is paid is finished. Twice: leave at once."""
    run.view.is_stopping = True
    run.child.stop()
    _redraw()


def ask_price(context: bpy.types.Context, settings: Settings) -> None:
    """Have a background Blender ask for the price; the panel shows it when it is there."""
    _state.wanted_price = None
    key = price_key(settings)
    for run in _state.runs:
        if run.view.kind is Kind.PRICE and not run.view.is_over:
            if run.key == key:
                return
            run.child.stop()
    scratch = Path(tempfile.mkdtemp(prefix="photoreal-"))
    _start(
        context,
        RunView(kind=Kind.PRICE),
        lambda: price_arguments(settings, scratch),
        key=key,
        scratch=scratch,
    )


def ask_doctor(context: bpy.types.Context, kind: Kind) -> None:
    """Diagnostics, or (``Kind.KEY``) whether fal.ai takes the key. The answer shows in the preferences."""
    settings = settings_of(context)
    arguments = ["doctor", "--json", "--device", settings.device, "--out"]
    arguments.append(str(preferences.output_folder(preferences.get(context))))
    if settings.fal_url:
        arguments += ["--fal-url", settings.fal_url]
    if kind is Kind.KEY:
        arguments.append("--test-key")
    shown = preferences.answers
    (shown.key if kind is Kind.KEY else shown.doctor)[:] = ["Asking …"]
    _start(context, RunView(kind=kind), lambda: arguments)


def look_at(folder: Path) -> None:
    """Read a set folder on a thread; panels show it when it is there."""
    _state.looks += 1

    def read() -> None:
        _state.news.put({"event": LOOKED_AT, "folder": str(folder), "view": read_set(folder)})

    threading.Thread(target=read, name="photoreal-look", daemon=True).start()
    _listen()


def _start(
    context: bpy.types.Context,
    view: RunView,
    prepare: Callable[[], Sequence[str]],
    *,
    home: Home | None = None,
    key: tuple[str, ...] = (),
    scratch: Path | None = None,
    places: bool = False,
) -> Run:
    command = blender_command(bpy.app.binary_path, sys.executable, BATCH, online=bool(bpy.app.online_access))
    environment = environment_for(os.environ, preferences.key_for_child(preferences.get(context)))

    def look(event: Event) -> Event | None:
        if view.kind is not Kind.SET or view.folder is None or event.get("stage") == "film":
            return None
        if event["event"] == "job" and event.get("state") not in {"done", "failed", "uncertain"}:
            return None
        return {"event": LOOKED_AT, "folder": str(view.folder), "view": read_set(view.folder)}

    ready = threading.Event()

    def prepare_when_known() -> Sequence[str]:
        ready.wait()  # ``prepare`` may write into the run, which is made below.
        return prepare()

    run = Run(
        child=Child(command, prepare_when_known, environment, look=look),
        view=view,
        home=home,
        key=key,
        scratch=scratch,
        places=places,
    )
    _state.runs.append(run)
    over = [old for old in _state.runs if old.view.is_over]
    for old in over[: max(0, len(_state.runs) - KEPT_RUNS)]:
        _state.runs.remove(old)
    # Only now: what the thread reads of ``run`` is complete.
    ready.set()
    _listen()
    _redraw()
    return run


# --- the pump -------------------------------------------------------------------------------------


def pump() -> float | None:
    """Take what the children said, for a few milliseconds at most. Seconds to the next call, None when idle."""
    deadline = time.perf_counter() + PUMP_BUDGET
    heard = False
    for source, run in [(_state.news, None), *((run.child.events, run) for run in _state.runs)]:
        while time.perf_counter() < deadline:
            try:
                event = source.get_nowait()
            except queue.Empty:
                break
            heard = True
            _take(run, event)
    _ask_wanted_price()
    _place_one()
    _show_status()
    if heard or (set_run() and time.monotonic() - _state.redrawn_at > 1.0):
        _redraw()
    is_busy = (
        bool(_state.to_place)
        or bool(_state.status)
        or _state.looks > 0
        or _state.wanted_price is not None
        or any(not run.view.is_over for run in _state.runs)
    )
    return PUMP_SECONDS if is_busy else None


def _take(run: Run | None, event: Event) -> None:
    if event["event"] == LOOKED_AT:
        _state.sets.take(event["folder"], event["view"])
        if run is None:
            _state.looks -= 1
        return
    assert run is not None
    run.view.take(event)
    if event["event"] == "started":
        _remember_folder(run)
    if run.view.is_over:
        _end(run)


def _remember_folder(run: Run) -> None:
    """Let the scene know its set also after it was saved and opened again."""
    for scene in bpy.data.scenes:
        if run.home and run.view.folder and _is_home(run.home, scene):
            path = str(run.view.folder)
            with contextlib.suppress(ValueError):  # On another drive of Windows there is no way from here.
                path = bpy.path.relpath(path) if bpy.data.filepath else path
            scene.photoreal.made_in = path


def _end(run: Run) -> None:
    view = run.view
    if run.scratch:
        shutil.rmtree(run.scratch, ignore_errors=True)
    match view.kind:
        case Kind.SET:
            if run.copy and view.state == "done":
                shutil.rmtree(run.copy.parent, ignore_errors=True)
                with contextlib.suppress(OSError):
                    run.copy.parent.parent.rmdir()
            if view.folder:
                look_at(view.folder)
            if run.places and view.state == "done" and not bpy.app.background:
                _state.to_place.append(run)
        case Kind.PRICE:
            _state.prices.learn(run.key, view.facts, "" if view.is_stopping else view.error)
        case Kind.DOCTOR | Kind.KEY:
            lines = [str(fact["text"]) for fact in view.facts if fact.get("event") == "check"]
            shown = preferences.answers
            target = shown.key if view.kind is Kind.KEY else shown.doctor
            target[:] = lines or [view.error or "No answer."]


def _ask_wanted_price() -> None:
    if _state.wanted_price and time.monotonic() >= _state.wanted_price[1]:
        settings = _state.wanted_price[0]
        _state.wanted_price = None
        ask_price(bpy.context, settings)


def _place_one() -> None:
    """Put one finished set into its scene, when that is open and nobody is in the middle of something."""
    if not _state.to_place:
        return
    run = _state.to_place[0]
    assert run.home is not None
    scene = next((one for one in bpy.data.scenes if _is_home(run.home, one)), None)
    view = _state.sets.view_of(run.view.folder)
    if scene is None or (view is None and not _state.looks):
        _state.to_place.pop(0)  # Its file is not open any more: the set waits in the gallery of that file.
        return
    opened = bpy.context.window_manager.windows
    if view is None or not opened or any(windows.is_worked_in(window) for window in opened):
        return
    _state.to_place.pop(0)
    from .placing import contact_sheet  # noqa: PLC0415  It needs packages that a window does not load.

    try:
        contact_sheet(scene, view.product, view.lasting_sheet())
    except (RuntimeError, OSError) as error:  # Blender would stop calling a timer that raises.
        run.view.error = f"The photos could not be placed: {str(error).strip()}"
    with bpy.context.temp_override(window=opened[0]):
        # A timer's changes have no undo step of their own.
        bpy.ops.ed.undo_push(message="Place Photoreal Set")
    _redraw()


def _show_status() -> None:
    sets = [run for run in _state.runs if run.view.kind is Kind.SET]
    run = set_run() or (sets[-1] if sets else None)
    text = run.view.line() if run else ""
    if text == _state.status or bpy.app.background:
        return
    _state.status = text
    windows.show_status(text)


def _redraw() -> None:
    _state.redrawn_at = time.monotonic()
    windows.redraw_panels()


def _listen() -> None:
    if not bpy.app.background and not bpy.app.timers.is_registered(pump):
        bpy.app.timers.register(pump, first_interval=PUMP_SECONDS, persistent=True)


def _settings_changed(context: bpy.types.Context) -> None:
    if bpy.app.background or not getattr(context, "scene", None):
        return
    settings = settings_of(context)
    has_source = bool(settings.files or settings.words or settings.source is Source.OBJECTS)
    if not (settings.uses_fal and has_source and bpy.app.online_access):
        return
    if preferences.has_key(preferences.get(context)) and price_of(settings) is None:
        _state.wanted_price = (settings, time.monotonic() + PRICE_PAUSE)
        _listen()


def look_at_scenes() -> None:
    """Read the sets that the scenes of this file name."""
    for scene in bpy.data.scenes:
        if folder := scene.photoreal.made_in or scene.photoreal.folder:
            look_at(Path(_folder_key(folder)))


@persistent
def _file_was_loaded(_file: str) -> None:
    _state.loads += 1
    look_at_scenes()


def _look_once() -> None:
    look_at_scenes()


def attach() -> None:
    global _state
    _state = _State()
    _state.sets.open()
    properties.listen(_settings_changed)
    bpy.app.handlers.load_post.append(_file_was_loaded)
    if not bpy.app.background:
        bpy.app.timers.register(_look_once, first_interval=0.0)  # Data is out of reach while registering.


def detach() -> None:
    """Runs that are under way go on without us."""
    for timer in (_look_once, pump):
        if bpy.app.timers.is_registered(timer):
            bpy.app.timers.unregister(timer)
    bpy.app.handlers.load_post.remove(_file_was_loaded)
    properties.stop_listening(_settings_changed)
    if _state.status:
        windows.show_status("")
    _state.sets.close()
    preferences.answers.doctor.clear()
    preferences.answers.key.clear()
