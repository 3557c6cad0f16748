# SPDX-License-Identifier: GPL-3.0-or-later
"""The studio as a scene that an artist works in: it shows what the photos will show, and follows the settings.

The product stands still, and there is a camera for every angle. The lights belong to the camera that is looked
through: they turn around the product with it, as they do when the photos are taken. ``show`` makes all of this, and
changes only what differs from the settings.
"""

import math
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

from ..imaging.choices import Background
from ..optics.angles import Angle, direction_of
from ..optics.framing import Framing, frame
from ..optics.rig_choice import RigChoice
from ..optics.sizes import Size
from . import compat, preview_light
from .blender import custom_property, data_of, move_to, present, set_different
from .layers import count_layers
from .materials import lets_light_through
from .preview_light import PART
from .preview_table import set_table
from .quality import FINAL
from .render_settings import set_bounces, set_up_cycles, set_up_output
from .rig import PREFIX, Stand
from .visible import UNIT_SIZE, Points, visible_points

PRODUCT, STUDIO, CAMERA = "product", "studio", "camera"  # Values of ``PART``.
AZIMUTH, NUMBER = (
    "photoreal_azimuth",
    "photoreal_number",
)  # Custom properties of a camera; degrees, place in the list.
SAMPLES = 64  # Of the viewport.
DIRECTIONS = 1500  # In which the outermost points of the product are kept: the others change no framing.
LEVELS = {Background.WHITE: 1.0, Background.GREY: 127 / 255, Background.BLACK: 0.0}  # Of the display.
BLOCK = 64  # Directions that are compared at once.


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the studio shows.

    ``cameras`` are used unchanged instead of ``angles``. ``shown`` names the angle that is looked through, "" leaves it.
    ``fill``: the share of the frame that the product should take up, from and to; None draws no safe areas.
    """

    size: Size
    background: Background
    rig: RigChoice
    lens_mm: float
    angles: tuple[Angle, ...]
    cameras: tuple[bpy.types.Object, ...] | None = None
    shown: str = ""
    fill: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """The outermost points of a product (n, 3), in product sizes around the middle of the studio, and its place."""

    points: Points
    stand: Stand


_measured: dict[int, Measured] = {}  # By the ``session_uid`` of the scene.


def product_of(scene: bpy.types.Scene) -> bpy.types.Collection | None:
    """The collection with the product of a studio."""
    return _part_of(scene, PRODUCT)


def _part_of(scene: bpy.types.Scene, part: str) -> bpy.types.Collection | None:
    children = present(scene.collection).children
    return next((one for one in children if custom_property(one, PART) == part), None)


def mark_product(collection: bpy.types.Collection) -> None:
    """Make a collection of a scene the product of its studio."""
    marked: Any = collection
    marked[PART] = PRODUCT


def set_up(scene: bpy.types.Scene, product: bpy.types.Collection) -> None:
    """Render settings for looking at ``product`` in this scene."""
    holder = bpy.data.collections.new(f"{PREFIX} Studio")
    marked: Any = holder
    marked[PART] = STUDIO
    present(scene.collection).children.link(holder)
    set_up_output(scene)
    is_glass, layers = lets_light_through(product.all_objects), count_layers(product)
    set_up_cycles(scene, lets_light_through=is_glass, transparent_layers=layers.transparent)
    set_bounces(scene, FINAL.bounces, lets_light_through=is_glass, glass_layers=layers.glass)
    cycles = present(scene.cycles)
    cycles.preview_samples = SAMPLES
    cycles.use_preview_denoising = compat.set_viewport_denoiser(scene)
    cycles.device = "GPU" if compat.has_active_card() else "CPU"


def forget_measures(scene: bpy.types.Scene) -> None:
    """Measure the product again when the studio is shown next."""
    _measured.pop(scene.session_uid, None)


def show(scene: bpy.types.Scene, look: Look, *, is_lit: bool = True) -> bool:
    """Have the studio show ``look``. False when its product is missing, hidden or empty; nothing has changed then.

    The scene must be the one of the context. Without ``is_lit`` the light stays as it is, because the light map of the
    rig is not known yet.
    """
    product, holder = product_of(scene), _part_of(scene, STUDIO)
    measured = _measure(scene, product) if product else None
    if measured is None or holder is None:
        return False
    render = present(scene.render)
    if (render.resolution_x, render.resolution_y) != tuple(look.size):
        render.resolution_x, render.resolution_y = look.size
    set_table(holder, measured.stand)
    cameras = _place_cameras(scene, holder, look, measured)
    backdrop = _backdrop(cameras, look.background)
    for item in cameras:
        _set_backdrop(item, look, backdrop)
    _set_safe_areas(scene, look.fill)
    scene.camera = _shown_camera(scene, cameras, look.shown)
    if is_lit:
        relight(scene, look)
    else:
        hide_other_cameras(scene)
    return True


def relight(scene: bpy.types.Scene, look: Look) -> None:
    """Turn the lights of a studio that was shown to the camera that is looked through."""
    holder, measured = _part_of(scene, STUDIO), _measured.get(scene.session_uid)
    if holder is None or measured is None:
        return
    hide_other_cameras(scene)
    azimuth = custom_property(scene.camera, AZIMUTH) if scene.camera else None
    preview_light.shine(scene, holder, look.rig, measured.stand, float(azimuth or 0.0))


def _measure(scene: bpy.types.Scene, product: bpy.types.Collection) -> Measured | None:
    known = _measured.get(scene.session_uid)
    if known is not None:
        return known
    points = visible_points(product)
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        return None
    low, high = points.min(axis=0), points.max(axis=0)
    scale = float((high - low).max()) / UNIT_SIZE
    if not scale > 0.0:
        return None
    middle = (low + high) / 2.0
    foot = (float(middle[0]), float(middle[1]), float(low[2]))
    found = Measured(_outermost((points - foot) / scale), Stand(scale=scale, origin=foot))
    _measured[scene.session_uid] = found
    return found


def _outermost(points: Points) -> Points:
    """The points (n, 3) that are farthest in any of ``DIRECTIONS`` directions: framing needs no others."""
    # A Fibonacci lattice covers the sphere evenly (Swinbank and Purser 2006).
    number = np.arange(DIRECTIONS) + 0.5
    height = 1.0 - 2.0 * number / DIRECTIONS
    turn = np.pi * (1.0 + math.sqrt(5.0)) * number
    flat = np.sqrt(1.0 - height**2)
    directions = np.stack((flat * np.cos(turn), flat * np.sin(turn), height), axis=0)
    blocks = (directions[:, first : first + BLOCK] for first in range(0, DIRECTIONS, BLOCK))
    kept: Points = points[np.unique(np.concatenate([(points @ block).argmax(axis=0) for block in blocks]))]
    return kept


def _place_cameras(
    scene: bpy.types.Scene, holder: bpy.types.Collection, look: Look, measured: Measured
) -> list[bpy.types.Object]:
    """A camera for every angle, in the order of the list."""
    count = len(look.angles) if look.cameras is None else len(look.cameras)
    cameras = _cameras(scene, holder, count)
    if look.cameras is not None:
        for item, source in zip(cameras, look.cameras, strict=True):
            _copy_camera(item, source)
        return cameras
    for item, angle in zip(cameras, look.angles, strict=True):
        _rename(item, angle.name)
        _set_number(item, AZIMUTH, angle.azimuth)
        framing = frame(measured.points, angle, look.size, lens_mm=look.lens_mm)
        _frame(item, framing, measured.stand)
    return cameras


def cameras_in(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """The studio's cameras, in the order of the angles."""
    holder = _part_of(scene, STUDIO)
    found = [item for item in holder.objects if custom_property(item, PART) == CAMERA] if holder else []
    return sorted(found, key=lambda item: int(custom_property(item, NUMBER) or 0))


def angle_name(camera: bpy.types.Object) -> str:
    """The name of the angle that a camera of the studio is for; "" for another camera."""
    return str(custom_property(camera, "photoreal_angle") or "")


def _cameras(scene: bpy.types.Scene, holder: bpy.types.Collection, count: int) -> list[bpy.types.Object]:
    """Exactly ``count`` cameras in ``holder``."""
    found = [item for item in holder.objects if custom_property(item, PART) == CAMERA]
    found.sort(key=lambda item: int(custom_property(item, NUMBER) or 0))
    while len(found) > count:
        item = found.pop()
        if scene.camera == item and found:
            scene.camera = found[0]  # Viewports would no longer look through a camera.
        data = data_of(item, bpy.types.Camera)
        bpy.data.objects.remove(item)
        bpy.data.cameras.remove(data)
    while len(found) < count:
        data = bpy.data.cameras.new(f"{PREFIX} Camera")
        item = bpy.data.objects.new(data.name, data)
        marked: Any = item
        marked[PART], marked[NUMBER] = CAMERA, len(found)
        item.hide_select = True
        holder.objects.link(item)
        found.append(item)
    return found


def _rename(item: bpy.types.Object, angle: str) -> None:
    if angle_name(item) != angle:
        marked: Any = item
        marked["photoreal_angle"] = angle
        item.name = f"{PREFIX} {angle}"


def _set_number(item: bpy.types.Object, name: str, value: float) -> None:
    if custom_property(item, name) != value:
        marked: Any = item
        marked[name] = value


def _frame(item: bpy.types.Object, framing: Framing, stand: Stand) -> None:
    set_different(
        data_of(item, bpy.types.Camera),
        type="PERSP",
        sensor_fit="AUTO",
        sensor_width=framing.sensor_mm,
        lens=framing.lens_mm,
        shift_x=framing.shift[0],
        shift_y=framing.shift[1],
        clip_start=framing.near * stand.scale,
        clip_end=framing.far * stand.scale,
        display_size=0.2 * stand.scale,
    )
    matrix = framing.matrix.copy()
    matrix[:3, 3] = stand.place(matrix[:3, 3])
    move_to(item, Matrix(matrix.tolist()))


def _copy_camera(item: bpy.types.Object, source: bpy.types.Object) -> None:
    """See what another camera sees."""
    kept = data_of(source, bpy.types.Camera)
    names = ["type", "sensor_fit", "sensor_width", "sensor_height", "lens", "ortho_scale"]
    names += ["shift_x", "shift_y", "clip_start", "clip_end"]
    set_different(data_of(item, bpy.types.Camera), **{name: getattr(kept, name) for name in names})
    place, turn, _scale = source.matrix_world.decompose()
    matrix = Matrix.LocRotScale(place, turn, None)
    azimuth, _elevation = direction_of(tuple(tuple(row) for row in matrix.row))
    _rename(item, source.name)
    _set_number(item, AZIMUTH, azimuth)
    move_to(item, matrix)


def _backdrop(cameras: list[bpy.types.Object], background: Background) -> bpy.types.Image | None:
    """A picture of the color of the background, which no view transform changes; None for a transparent one."""
    level = LEVELS.get(background)
    if level is None:
        return None
    shown = (one for item in cameras for one in data_of(item, bpy.types.Camera).background_images)
    image = next((one.image for one in shown if one.image), None)
    image = image or bpy.data.images.new(f"{PREFIX} Background", 4, 4)
    if abs(image.generated_color[0] - level) > 1e-6:
        image.generated_color = (level, level, level, 1.0)
    return image


def _set_backdrop(item: bpy.types.Object, look: Look, image: bpy.types.Image | None) -> None:
    """Show the exact background behind the product."""
    camera = data_of(item, bpy.types.Camera)
    set_different(camera, show_background_images=image is not None, show_safe_areas=look.fill is not None)
    if image is None:
        return
    shown = next(iter(camera.background_images), None) or camera.background_images.new()
    set_different(shown, alpha=1.0, display_depth="BACK", frame_method="STRETCH", image=image)


def hide_other_cameras(scene: bpy.types.Scene) -> None:
    """Show only the camera that is looked through: Blender draws no background for a hidden one.

    The others would be drawn in its view.
    """
    layer = scene.view_layers[0]
    for item in cameras_in(scene):
        if item.name not in layer.objects:
            layer.update()  # It does not know new objects yet.
        is_hidden = item != scene.camera
        if item.hide_get(view_layer=layer) != is_hidden:
            item.hide_set(is_hidden, view_layer=layer)


def _set_safe_areas(scene: bpy.types.Scene, fill: tuple[float, float] | None) -> None:
    """The outer frame is the largest product that is wanted, the inner one the smallest."""
    if fill is not None:
        smallest, largest = fill
        areas = present(scene.safe_areas)
        for name, share in (("title", largest), ("action", smallest)):
            if abs(getattr(areas, name)[0] - (1.0 - share)) > 1e-6:
                setattr(areas, name, (1.0 - share, 1.0 - share))


def _shown_camera(
    scene: bpy.types.Scene, cameras: list[bpy.types.Object], shown: str
) -> bpy.types.Object | None:
    """The camera of the angle ``shown``, or the one that is looked through already, or the first."""
    wanted = next((item for item in cameras if angle_name(item) == shown), None) if shown else None
    if wanted is None and scene.camera in cameras:
        wanted = scene.camera
    return wanted or next(iter(cameras), None)
