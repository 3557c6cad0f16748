# SPDX-License-Identifier: GPL-3.0-or-later
"""The studio follows the settings: every change is shown at once, without building it again.

A light map that is not known yet is computed by a timer, a few milliseconds at a time. The modules that change the
studio import numpy, so they are imported only when a file has a studio.
"""

import contextlib
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import bpy
from bpy.app.handlers import persistent
from bpy.types import Context, Depsgraph, Scene

from ..channels.rules import CHANNELS, Measure
from ..imaging.choices import Background
from ..messages.errors import PhotorealError
from ..optics.angles import ANGLES, HERO, Angle
from ..optics.rig_choice import RigChoice, chosen_rig
from ..optics.sizes import MIN_SIDE, Size
from . import changes, properties, screen, studio_properties
from .scene_settings import cameras_of, studio_product

if TYPE_CHECKING:
    from ..studio.preview import Look

STEP_SECONDS = 0.0  # Between two steps of a light map: Blender handles its events in between.
PAUSE_SECONDS = 0.2  # Without a change of the product before it is measured again.


@dataclass(slots=True)
class State:
    """``steps`` compute the light map of ``rig``; ``problem`` is why the light cannot be shown, "" without one."""

    steps: Generator[None, None, None] | None = None
    rig: RigChoice | None = None
    problem: str = ""
    panorama: tuple[str, RigChoice] | None = None  # The last one that was read, because its file is large.


state = State()


def angles_of(settings: properties.PhotorealSettings) -> tuple[Angle, ...]:
    """The angles of the list, or the standard angles while it is empty."""
    listed = tuple(
        Angle(name=view.name, azimuth=view.azimuth, elevation=view.elevation, fill=view.fill)
        for view in settings.angles
    )
    return listed or tuple(ANGLES.values())


def fill_of(channel: str) -> tuple[float, float] | None:
    """The share of the frame that a channel wants the product to take up, from and to; None without a channel."""
    chosen = CHANNELS.get(channel)
    if chosen is None:
        return None
    rules = [rule for rule in chosen.rules if rule.measure is Measure.FILL]
    lows = [rule.low for rule in rules if rule.low is not None]
    highs = [rule.high for rule in rules if rule.high is not None]
    return max(lows, default=chosen.fill or 0.0) / 100.0, min(highs, default=100.0) / 100.0


def look_of(scene: Scene, shown: str = "") -> "Look":
    """What the settings want the studio to show. Raises InputError for a panorama that cannot be used."""
    from ..studio.preview import Look  # noqa: PLC0415  It imports numpy.

    settings = properties.of(scene)
    height = settings.height if settings.use_height else 0
    size = Size(settings.resolution, max(height or settings.resolution, MIN_SIDE))
    uses_cameras = settings.angles_from == studio_properties.CAMERAS
    return Look(
        size=size,
        background=Background(settings.background),
        rig=_rig_of(settings),
        lens_mm=settings.lens,
        angles=angles_of(settings),
        cameras=tuple(cameras_of(scene)) if uses_cameras else None,
        shown=shown,
        fill=fill_of(settings.channel),
    )


def _rig_of(settings: properties.PhotorealSettings) -> RigChoice:
    rotation, intensity = settings.rig_rotation, settings.rig_intensity
    if settings.rig != studio_properties.PANORAMA:
        return RigChoice(name=settings.rig, rotation=rotation, intensity=intensity)
    path = bpy.path.abspath(settings.panorama)
    if state.panorama is None or state.panorama[0] != path:
        state.panorama = (path, chosen_rig(path))
    kept = state.panorama[1]
    return RigChoice(name=kept.name, panorama=kept.panorama, rotation=rotation, intensity=intensity)


def chosen_name(scene: Scene) -> str:
    """The selected angle of the list; "" while the list is empty or cameras are used unchanged."""
    settings = properties.of(scene)
    is_list = settings.angles_from != studio_properties.CAMERAS
    if is_list and 0 <= settings.angle_index < len(settings.angles):
        return settings.angles[settings.angle_index].name
    return ""


def follow(scene: Scene) -> bool:
    """Have the studio in ``scene`` show its settings; False when its product is missing.

    A light map that is not known yet comes later, with a window; without one it is computed now.
    """
    from ..studio import preview, preview_light  # noqa: PLC0415  They import numpy.

    try:
        look = look_of(scene, chosen_name(scene))
        state.problem = ""
        if not preview_light.is_known(look.rig):
            if bpy.app.background:
                preview_light.learn(look.rig)
            else:
                _begin(look.rig)
                return preview.show(scene, look, is_lit=False)
        return preview.show(scene, look)
    except PhotorealError as error:
        state.problem = str(error)
        return True


def show_first(scene: Scene) -> bool:
    """Show a studio that has just been built, from the hero. Raises PhotorealError for light that cannot be used."""
    from ..studio import preview, preview_light  # noqa: PLC0415  They import numpy.

    look = look_of(scene, chosen_name(scene) or HERO)
    if not preview_light.is_known(look.rig):
        preview_light.learn(look.rig)
    return preview.show(scene, look)


def _begin(rig: RigChoice) -> None:
    from ..studio import preview_light  # noqa: PLC0415  It imports numpy.

    if state.steps is None or state.rig is None or not _is_same_map(state.rig, rig):
        state.steps, state.rig = preview_light.sky_steps(rig), rig
    if not bpy.app.timers.is_registered(_step):
        bpy.app.timers.register(_step, first_interval=STEP_SECONDS)


def _is_same_map(one: RigChoice, other: RigChoice) -> bool:
    return (one.name, one.panorama) == (other.name, other.panorama)


def _step() -> float | None:
    """One step of the light map; the studio shows it after the last one."""
    if state.steps is None:
        return None
    try:
        next(state.steps)
        return STEP_SECONDS
    except StopIteration:
        state.problem = ""
    except PhotorealError as error:  # Blender would no longer call a timer that raises.
        state.problem = str(error)
    state.steps = state.rig = None
    if not state.problem:
        _follow_shown()
    screen.redraw_panels()
    return None


def _follow_shown() -> None:
    """Follow the settings of the studio in the window, where there is one."""
    scene = getattr(bpy.context, "scene", None)
    if scene is not None and properties.of(scene).is_studio:
        follow(scene)


def _settings_changed(context: Context) -> None:
    scene = getattr(context, "scene", None)
    if scene is not None and properties.of(scene).is_studio:
        follow(scene)


def _measure_again() -> None:
    from ..studio import preview  # noqa: PLC0415  It imports numpy.

    scene = getattr(bpy.context, "scene", None)
    if scene is not None and properties.of(scene).is_studio:
        preview.forget_measures(scene)
        follow(scene)


def _relight() -> None:
    """The artist looks through another camera of the studio: its lights come with it."""
    from ..studio import preview, preview_light  # noqa: PLC0415  They import numpy.

    scene = getattr(bpy.context, "scene", None)
    if scene is None or not properties.of(scene).is_studio:
        return
    with contextlib.suppress(PhotorealError):  # The panel says so already.
        look = look_of(scene)
        if preview_light.is_known(look.rig):
            preview.relight(scene, look)


def _later(function: Callable[[], None], seconds: float) -> None:
    if bpy.app.timers.is_registered(function):
        bpy.app.timers.unregister(function)
    bpy.app.timers.register(function, first_interval=seconds)


@persistent  # type: ignore[untyped-decorator]  # The stubs give Blender's decorator no types.
def _scene_changed(scene: Scene, graph: Depsgraph) -> None:
    """Measure the product again when the artist has changed it. A handler may not change anything itself."""
    if bpy.app.background or not properties.of(scene).is_studio:
        return
    product = studio_product(scene)
    if product is None:
        return
    ours = product.all_objects
    for update in graph.updates:
        if update.is_updated_geometry or update.is_updated_transform:
            block = update.id
            if isinstance(block, bpy.types.Object) and block.name in ours:
                _later(_measure_again, PAUSE_SECONDS)
                return
        if isinstance(update.id, bpy.types.Scene):
            _later(_relight, 0.0)


@persistent  # type: ignore[untyped-decorator]  # The stubs give Blender's decorator no types.
def _file_changed(*_facts: object) -> None:
    """After undo, redo and opening a file, the studio may show other settings than those in the scene."""
    if not bpy.app.background:
        _later(_follow_shown, 0.0)


_HANDLERS = ("undo_post", "redo_post", "load_post")


def attach() -> None:
    global state
    state = State()
    changes.listen(_settings_changed)
    bpy.app.handlers.depsgraph_update_post.append(_scene_changed)
    for name in _HANDLERS:
        getattr(bpy.app.handlers, name).append(_file_changed)


def detach() -> None:
    for timer in (_step, _follow_shown, _measure_again, _relight):
        if bpy.app.timers.is_registered(timer):
            bpy.app.timers.unregister(timer)
    for name in _HANDLERS:
        getattr(bpy.app.handlers, name).remove(_file_changed)
    bpy.app.handlers.depsgraph_update_post.remove(_scene_changed)
    changes.stop_listening(_settings_changed)
