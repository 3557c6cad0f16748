# SPDX-License-Identifier: GPL-3.0-or-later
"""Contact sheets: finished photos as image empties in the artist's scene, one collection for each sheet.

All sheets are in one collection of the scene that the artist works in. The studio is another scene, so no camera of it
sees them. A picture keeps its file: files of takes do not change.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import bpy
from mathutils import Vector

from ..background_run.set_view import SetView
from . import properties
from .sheet_places import COLUMNS, GAP, Place, free_place, place_at_cursor
from .stored_paths import absolute_folder, stored_path

SHEETS = "Photoreal Sheets"  # The collection of all sheets of a scene.
SET, ANGLE = "photoreal_set", "photoreal_angle"  # Custom properties of a sheet and of its pictures.


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """What placing did: the sheet, and how many of its pictures are new or show another file now."""

    sheet: bpy.types.Collection
    changed: int


def sheet_scene(scene: bpy.types.Scene) -> bpy.types.Scene:
    """The scene that gets the sheets of a scene: for a studio, the one that it was built for."""
    settings = properties.of(scene)
    if not settings.is_studio:
        return scene
    others = (one for one in bpy.data.scenes if not properties.of(one).is_studio)
    return settings.home or next(others, scene)


def sheets_of(scene: bpy.types.Scene, folder: Path) -> list[bpy.types.Collection]:
    """The sheets of a set in the scene that gets those of ``scene``, oldest first."""
    parent = next((one for one in sheet_scene(scene).collection.children if _is_parent(one)), None)
    found = parent.children if parent else ()
    return [one for one in found if (named := _custom(one, SET)) and absolute_folder(named) == folder]


def place(
    scene: bpy.types.Scene,
    view: SetView,
    *,
    replaces: bool,
    as_new: bool = False,
    at_cursor: bool = False,
) -> Placed:
    """Show the photos of a set in the scene of the artist.

    The newest sheet of the set is completed with the pictures that it lacks. When it shows other pictures of the same
    angles, ``replaces`` exchanges them; otherwise it stays as it is, and a new sheet is made. ``as_new`` and
    ``at_cursor``, at the 3D cursor, always make a new one. Raises RuntimeError for a file that Blender cannot load, OSError as
    ``lasting_sheet``.
    """
    target = sheet_scene(scene)
    pictures = view.lasting_sheet()
    images = {name: _image(path) for name, path in pictures}  # Before the scene is changed.
    known = sheets_of(scene, view.folder)
    newest = known[-1] if known and not (at_cursor or as_new) else None
    if newest is not None and (replaces or not _shows_others(newest, images)):
        return Placed(sheet=newest, changed=_update(newest, view.product, images))
    spot = place_at_cursor(target) if at_cursor else free_place(target, len(images), pictures_in(target))
    return Placed(sheet=_new_sheet(target, view, images, spot), changed=len(images))


def pictures_in(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """All pictures of sheets in a scene."""
    parents = [one for one in scene.collection.children if _is_parent(one)]
    return [item for one in parents for item in one.all_objects]


def _is_parent(collection: bpy.types.Collection) -> bool:
    return collection.name.split(".")[0] == SHEETS


def _image(path: Path) -> bpy.types.Image:
    image = bpy.data.images.load(str(path), check_existing=True)
    image.filepath = stored_path(Path(bpy.path.abspath(image.filepath)))  # The set may move with the file.
    return image


def _by_angle(sheet: bpy.types.Collection) -> dict[str, bpy.types.Object]:
    return {name: item for item in sheet.objects if (name := _custom(item, ANGLE))}


def _custom(block: bpy.types.ID, name: str) -> str:
    """A custom property that this module has set; "" without it."""
    return str(block.get(name) or "")  # type: ignore[func-returns-value]  # The stubs know no value.


def _shows_others(sheet: bpy.types.Collection, images: dict[str, bpy.types.Image]) -> bool:
    known = _by_angle(sheet)
    return any(name in known and not _shows(known[name], image) for name, image in images.items())


def _shows(item: bpy.types.Object, image: bpy.types.Image) -> bool:
    return isinstance(item.data, bpy.types.Image) and item.data == image


def _update(sheet: bpy.types.Collection, product: str, images: dict[str, bpy.types.Image]) -> int:
    """Exchange the pictures that differ, and add those that the sheet lacks; how many."""
    known, changed = _by_angle(sheet), 0
    for name, image in images.items():
        if (item := known.get(name)) is None or not _shows(item, image):
            changed += 1
        if item is not None:
            item.data = image  # type: ignore[assignment]  # The stubs leave out images, which empties show.
    lacking = {name: image for name, image in images.items() if name not in known}
    if known and lacking:
        first = min(known.values(), key=lambda item: item.location.x - item.location.z)
        size = first.empty_display_size
        corner = (first.location.x - size / 2.0, first.location.y, first.location.z + size / 2.0)
        taken = [item.location.copy() for item in known.values()]
        spots = (
            spot
            for spot in _spots(corner, size)
            if all((Vector(spot) - one).length > GAP * size for one in taken)
        )
        for (name, image), spot in zip(lacking.items(), spots, strict=False):
            _add(sheet, product, name, image, size, spot)
    return changed


def _new_sheet(
    scene: bpy.types.Scene, view: SetView, images: dict[str, bpy.types.Image], spot: Place
) -> bpy.types.Collection:
    sheet = bpy.data.collections.new(view.product)
    sheet[SET] = stored_path(view.folder)
    _parent(scene).children.link(sheet)
    rows = max(1, math.ceil(len(images) / COLUMNS))
    top = spot.low_z + rows * spot.size + (rows - 1) * GAP * spot.size
    for (name, image), place_ in zip(
        images.items(), _spots((spot.left, spot.y, top), spot.size), strict=False
    ):
        _add(sheet, view.product, name, image, spot.size, place_)
    return sheet


def _parent(scene: bpy.types.Scene) -> bpy.types.Collection:
    for one in scene.collection.children:
        if _is_parent(one):
            return one
    parent = bpy.data.collections.new(SHEETS)
    scene.collection.children.link(parent)
    return parent


def _spots(corner: tuple[float, float, float], size: float) -> Iterator[tuple[float, float, float]]:
    """Where the middles of pictures are, row by row, from the upper left ``corner`` of a sheet; m."""
    left, y, top = corner
    step = size * (1.0 + GAP)
    number = 0
    while True:
        row, column = divmod(number, COLUMNS)
        yield left + size / 2.0 + column * step, y, top - size / 2.0 - row * step
        number += 1


def _add(
    sheet: bpy.types.Collection,
    product: str,
    name: str,
    image: bpy.types.Image,
    size: float,
    spot: Iterable[float],
) -> None:
    empty = bpy.data.objects.new(f"{product} {name}", None)
    empty[ANGLE] = name
    empty.empty_display_type = "IMAGE"
    empty.empty_display_size = size
    empty.data = image  # type: ignore[assignment]  # The stubs leave out images, which empties show.
    empty.rotation_euler = (math.radians(90.0), 0.0, 0.0)
    empty.location = tuple(spot)
    sheet.objects.link(empty)
