# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of a set, large in an Image Editor. The picture itself says which one it is, in custom properties."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ..background_run.set_view import Picture, SetView
from . import runs
from .blender_types import manager_of
from .stored_paths import absolute_folder, stored_path
from .words import rpt_

HALF_PIXEL = 0.5  # Blender 5.2 centers an image so far from its middle.
SET, ANGLE, TAKE = "photoreal_view_set", "photoreal_view_angle", "photoreal_view_take"
RENDER = 0  # The number that a render has in place of a take.


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A picture that an Image Editor shows: a take of an angle, or its render."""

    folder: Path
    angle: str
    take: int

    @property
    def is_render(self) -> bool:
        return self.take == RENDER


def shown_in(space: Any) -> Shown | None:
    """The picture of a set in an Image Editor; ``None`` for any other picture."""
    image = getattr(space, "image", None)
    if image is None or not (folder := image.get(SET)):
        return None
    return Shown(
        folder=absolute_folder(str(folder)),
        angle=str(image.get(ANGLE, "")),
        take=int(image.get(TAKE, RENDER)),
    )


def picture_of(shown: Shown) -> tuple[SetView, Picture] | None:
    """What is known of the set and the angle of a picture."""
    found = runs.state.sets.view_of(shown.folder)
    picture = next((one for one in found.pictures if one.name == shown.angle), None) if found else None
    return (found, picture) if found and picture else None


def path_of(picture: Picture, take: int) -> Path | None:
    """The file of a take of an angle, or of its render."""
    if take == RENDER:
        return picture.render
    return next((one.photo for one in picture.takes if one.number == take), None)


def load(found: SetView, picture: Picture, take: int) -> bpy.types.Image:
    """The picture as an image of the file. Raises RuntimeError when Blender cannot load it, or it is gone."""
    path = path_of(picture, take)
    if path is None:
        raise RuntimeError(rpt_("{name} has no such picture any more", name=picture.name))
    image = bpy.data.images.load(str(path), check_existing=True)
    if image.has_data:
        image.reload()  # The set may have another picture under this name by now.
    image.name = f"{found.product} {picture.name} {'render' if take == RENDER else f'take {take}'}"
    image.filepath = stored_path(path)
    image[SET], image[ANGLE], image[TAKE] = stored_path(found.folder), picture.name, take
    return image


def show(context: bpy.types.Context, image: bpy.types.Image) -> None:
    """Show an image in an Image Editor: one that has a picture of a set or none, or one in a new window."""
    window, area = _editor(context) or _new_editor(context)
    space = area.spaces.active
    assert isinstance(space, bpy.types.SpaceImageEditor)
    space.image = image
    space.mode = "VIEW"
    region = next(one for one in area.regions if one.type == "WINDOW")
    with context.temp_override(window=window, area=area, region=region):
        bpy.ops.image.view_all(fit_view=True)


def show_in_place(
    space: bpy.types.SpaceImageEditor, region: bpy.types.Region, image: bpy.types.Image
) -> None:
    """Show another image in the main ``region`` of an Image Editor, as large and in the same place as the one before.

    Blender 5.2 remembers zoom and place for each image. The context must be that of the editor, in any of its regions.
    """
    view, before = region.view2d, space.image
    width = before.size[0] if before else 0
    if not width or not image.size[0]:
        space.image = image
        return
    middle = view.region_to_view(region.width / 2.0, region.height / 2.0)
    zoom = space.zoom_percentage * width
    space.image = image
    bpy.ops.image.view_all("EXEC_REGION_WIN")  # The middle of the image in the middle of the region.
    space.zoom_percentage = zoom / image.size[0]
    shift = HALF_PIXEL if bpy.app.version >= (5, 2) else 0.0
    offset = [(part - 0.5) * side - shift for part, side in zip(middle, image.size, strict=True)]
    bpy.ops.image.view_pan("EXEC_REGION_WIN", offset=(offset[0], offset[1]))


def _editor(context: bpy.types.Context) -> tuple[bpy.types.Window, bpy.types.Area] | None:
    for window in manager_of(context).windows:
        for area in window.screen.areas:
            space = area.spaces.active
            is_viewer = isinstance(space, bpy.types.SpaceImageEditor) and area.ui_type == "IMAGE_EDITOR"
            if is_viewer and (getattr(space, "image", None) is None or shown_in(space)):
                return window, area
    return None


def _new_editor(context: bpy.types.Context) -> tuple[bpy.types.Window, bpy.types.Area]:
    bpy.ops.wm.window_new()
    window = manager_of(context).windows[-1]
    area = max(window.screen.areas, key=lambda area: area.width * area.height)
    area.ui_type = "IMAGE_EDITOR"
    return window, area
