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
from typing import Any

import bpy
import bpy.utils.previews
from bpy.app.handlers import persistent

from . import preferences, properties
from .button_command import (
    PASSES,
    Settings,
    Source,
    View,
    ceiling_options,
    free_folder,
    price_arguments,
    price_key,
    safe_name,
    set_arguments,
)
from .child import Child, Event, blender_command, environment_for
from .run_view import Kind, RunView
from .set_view import SetView, dollars, read_set

PUMP_SECONDS = 0.1
PUMP_BUDGET = 0.003  # Seconds of a call: late news beats a stuttering viewport.
PRICE_PAUSE = 0.7  # Settings change one after the other; the last of them is asked about.
PRICE_LIFE = 3600.0
KEPT_RUNS = 8
BATCH = Path(__file__).resolve().parent / "batch.py"
LOOKED_AT = "looked_at"  # Our own event: a set folder was read.
MOST_ICONS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """Where a run belongs: a scene of a file."""

    file: str
    load: int
    scene_uid: int
    scene_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """A price range in US dollars; ``most`` is None when a part of it has no known price."""

    least: float
    most: float | None
    asked_at: float

    @property
    def text(self) -> str:
        if self.most is None:
            return f"from {dollars(self.least)}"
        least, most = dollars(self.least), dollars(self.most)
        return least if least == most else f"{least}-{most.removeprefix('$')}"


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
    prices: dict[tuple[str, ...], Price] = field(default_factory=dict)
    price_faults: dict[tuple[str, ...], str] = field(default_factory=dict)
    wanted_price: tuple[Settings, float] | None = None
    sets: dict[str, SetView] = field(default_factory=dict)
    to_place: list[Run] = field(default_factory=list)
    news: queue.SimpleQueue[Event] = field(default_factory=queue.SimpleQueue)
    looks: int = 0
    loads: int = 0
    redrawn_at: float = 0.0
    status: str = ""
    icons: Any = None


_state = _State()


# --- what panels ask ------------------------------------------------------------------------------


def settings_of(context: bpy.types.Context) -> Settings:
    """The settings of the scene and the preferences, read without touching the disk."""
    scene, chosen = context.scene.photoreal, preferences.get(context)
    source = Source(scene.source_kind)
    files: tuple[str, ...] = ()
    if source is Source.FILE and scene.source:
        files = (bpy.path.abspath(scene.source),)
    elif source is Source.PHOTOS:
        files = tuple(bpy.path.abspath(photo.path) for photo in scene.photos if photo.path)
    cameras: tuple[str, ...] | None = None
    if scene.angles_from == properties.CAMERAS:
        of_scene = cameras_of(context.scene) if source is Source.OBJECTS else []
        cameras = tuple(camera.name for camera in of_scene)
    return Settings(
        source=source,
        files=files,
        words=scene.words.strip(),
        engine=scene.engine,
        video=scene.video,
        views=tuple(
            View(name=view.name, azimuth=view.azimuth, elevation=view.elevation, fill=view.fill)
            for view in scene.angles
        ),
        cameras=cameras,
        rig=bpy.path.abspath(scene.panorama) if scene.rig == properties.PANORAMA else scene.rig,
        rig_rotation=scene.rig_rotation,
        rig_intensity=scene.rig_intensity,
        quality=scene.quality,
        width=scene.resolution,
        height=scene.height,
        samples=scene.samples,
        device=chosen.device,
        background=scene.background,
        passes=tuple(name for name in PASSES if getattr(scene, f"{name}_pass")),
        lens=scene.lens,
        f_stop=scene.f_stop if scene.use_f_stop else None,
        film_look=scene.film_look,
        photo_size=scene.photo_size if scene.use_photo_size else None,
        model_endpoint=scene.model_endpoint.strip() or chosen.model_endpoint.strip(),
        photo_endpoint=scene.photo_endpoint.strip() or chosen.photo_endpoint.strip(),
        video_endpoint=scene.video_endpoint.strip() or chosen.video_endpoint.strip(),
        look=scene.look,
        prompt=scene.prompt.as_string() if scene.prompt else "",
        seed=scene.seed if scene.use_seed else None,
        motion=scene.motion,
        seconds=scene.seconds,
        loop=scene.loop,
        keep_uploads=chosen.keep_uploads,
        max_cost=chosen.max_cost,
        max_cost_per_day=chosen.max_cost_per_day,
        fal_url=chosen.fal_url.strip(),
    )


def cameras_of(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """The cameras that take pictures when they are used as they stand: those not hidden from renders."""
    return [item for item in scene.objects if item.type == "CAMERA" and not item.hide_render]


def price_of(settings: Settings) -> Price | None:
    """The price as far as it is known; ``None`` before it was asked for, and when the answer is old."""
    if not settings.uses_fal:
        return Price(least=0.0, most=0.0, asked_at=time.time())
    price = _state.prices.get(price_key(settings))
    return price if price and time.time() - price.asked_at < PRICE_LIFE else None


def price_fault(settings: Settings) -> str:
    """Why the price is not known: what asking for it answered."""
    return _state.price_faults.get(price_key(settings), "")


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
    if run and run.view.folder and (found := _state.sets.get(str(run.view.folder))):
        return found
    folder = scene.photoreal.made_in or scene.photoreal.folder
    return _state.sets.get(_folder_key(folder)) if folder else None


def icon_of(path: Path | None, stamp: str) -> int:
    """The icon of a picture, loaded when its set was read; 0 when there is none."""
    if path is None or _state.icons is None:
        return 0
    known = _state.icons.get(f"{path}|{stamp}")
    return known.icon_id if known else 0


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
    if settings.source is Source.OBJECTS:
        copy = _write_copy(context, with_cameras=settings.cameras is not None)
    named = scene.photoreal.folder
    wanted = Path(_folder_key(named)) if named else preferences.output_folder(chosen) / _product_name(context)
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
        return set_arguments(settings, out, sources, scratch)

    run = _start(context, view, prepare, home=_home_of(scene), scratch=scratch, places=places)
    return run


def resume(context: bpy.types.Context, folder: Path, further: Sequence[str] = ()) -> Run:
    """Go on with a set from its folder. ``further`` are options of ``resume``."""
    view = RunView(kind=Kind.SET, folder=folder)
    settings = settings_of(context)
    if known := _state.sets.get(str(folder)):
        view.expect([picture.name for picture in known.pictures])
    arguments = ["resume", str(folder), *further, *ceiling_options(settings), "--json"]
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


def _product_name(context: bpy.types.Context) -> str:
    settings = context.scene.photoreal
    match settings.source_kind:
        case "OBJECTS":
            picked = context.active_object or next(iter(context.selected_objects), None)
            return safe_name(picked.name if picked else context.scene.name)
        case "WORDS":
            return safe_name(settings.words)
        case "PHOTOS":
            return safe_name(Path(settings.photos[0].path).stem)
        case _:
            return safe_name(Path(settings.source).stem)


def _write_copy(context: bpy.types.Context, *, with_cameras: bool) -> Path:
    """The selected objects, what hangs below them and perhaps the scene's cameras, as a .blend of their own."""
    if context.mode != "OBJECT":
        bpy.ops.ed.flush_edits()  # What is edited or sculpted stands in the mesh only after this.
    wanted: dict[int, bpy.types.Object] = {}
    for item in context.selected_objects:
        for one in (item, *item.children_recursive):
            wanted[one.session_uid] = one
    if with_cameras:
        wanted |= {camera.session_uid: camera for camera in cameras_of(context.scene)}
    path = Path(tempfile.mkdtemp(prefix="photoreal-")) / f"{_product_name(context)}.blend"
    scene = bpy.data.scenes.new("Photoreal Copy")
    unseen = bpy.data.collections.new("Photoreal Parents")
    try:
        scene.unit_settings.scale_length = context.scene.unit_settings.scale_length
        scene.frame_current = context.scene.frame_current
        scene.collection.children.link(unseen)
        unseen.hide_render = True
        for item in wanted.values():
            scene.collection.objects.link(item)
        for parent in _parents_of(wanted):  # An object without its parent would be left out.
            unseen.objects.link(parent)
        # Blender 5.2 crashes when it writes a scene whose view layer does not know its collections yet.
        scene.view_layers[0].objects.active = next(iter(wanted.values()))
        bpy.data.libraries.write(str(path), {scene}, path_remap="ABSOLUTE")
    finally:
        bpy.data.scenes.remove(scene)
        bpy.data.collections.remove(unseen)
    return path


def _parents_of(objects: dict[int, bpy.types.Object]) -> list[bpy.types.Object]:
    """What these objects hang from and is not among them."""
    found: dict[int, bpy.types.Object] = {}
    for item in objects.values():
        while (item := item.parent) and item.session_uid not in objects:
            found[item.session_uid] = item
    return list(found.values())


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
        _take_set(event["folder"], event["view"])
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


def _take_set(folder: str, view: SetView | None) -> None:
    if view is None:
        _state.sets.pop(folder, None)
        return
    _state.sets[folder] = view
    if bpy.app.background or _state.icons is None:
        return
    for picture in view.pictures:
        for path in (picture.render, picture.photo):
            name = f"{path}|{picture.stamp}"
            if path is not None and name not in _state.icons:
                if len(_state.icons) >= MOST_ICONS:
                    _state.icons.clear()
                _state.icons.load(name, str(path), "IMAGE")


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
            _take_price(run)
        case Kind.DOCTOR | Kind.KEY:
            lines = [str(fact["text"]) for fact in view.facts if fact.get("event") == "check"]
            shown = preferences.answers
            target = shown.key if view.kind is Kind.KEY else shown.doctor
            target[:] = lines or [view.error or "No answer."]


def _take_price(run: Run) -> None:
    for fact in run.view.facts:
        if fact.get("event") == "estimate":
            price = Price(least=fact["min"], most=fact["max"], asked_at=time.time())
            _state.prices[run.key] = price
            _state.price_faults.pop(run.key, None)
            return
    if run.view.error and not run.view.is_stopping:
        _state.price_faults[run.key] = run.view.error


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
    view = _state.sets.get(str(run.view.folder))
    if scene is None or (view is None and not _state.looks):
        _state.to_place.pop(0)  # Its file is not open any more: the set waits in the gallery of that file.
        return
    windows = bpy.context.window_manager.windows
    if view is None or not windows or any(_is_worked_in(window) for window in windows):
        return
    _state.to_place.pop(0)
    from .studio.placing import contact_sheet

    try:
        contact_sheet(scene, view.product, view.sheet())
    except RuntimeError as error:  # Blender would stop calling a timer that raises.
        run.view.error = f"The photos could not be placed: {str(error).strip()}"
    with bpy.context.temp_override(window=windows[0]):
        # A timer's changes have no undo step of their own.
        bpy.ops.ed.undo_push(message="Place Photoreal Set")
    _redraw()


def _is_worked_in(window: bpy.types.Window) -> bool:
    """Is the artist in the middle of an operator or in another mode there? An undo step would tear that apart."""
    active = window.view_layer.objects.active
    return bool(getattr(window, "modal_operators", ())) or (active is not None and active.mode != "OBJECT")


def _show_status() -> None:
    sets = [run for run in _state.runs if run.view.kind is Kind.SET]
    run = set_run() or (sets[-1] if sets else None)
    text = run.view.line() if run else ""
    if text == _state.status or bpy.app.background:
        return
    _state.status = text
    for window in bpy.context.window_manager.windows:
        window.workspace.status_text_set(text or None)


def _redraw() -> None:
    _state.redrawn_at = time.monotonic()
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in {"VIEW_3D", "PREFERENCES"}:
                for region in area.regions:
                    if region.type in {"UI", "WINDOW"} and (area.type != "VIEW_3D" or region.type == "UI"):
                        region.tag_redraw()


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
    _state.icons = bpy.utils.previews.new()
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
        for window in bpy.context.window_manager.windows:
            window.workspace.status_text_set(None)
    bpy.utils.previews.remove(_state.icons)
    _state.icons = None
    preferences.answers.doctor.clear()
    preferences.answers.key.clear()
