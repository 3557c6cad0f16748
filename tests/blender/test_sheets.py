# SPDX-License-Identifier: GPL-3.0-or-later
"""Contact sheets: where they have room, what they keep, and that no camera of the studio sees them."""

from collections.abc import Callable
from pathlib import Path

import bpy
import pytest

from photoreal_set.background_run.set_view import Picture, SetView
from photoreal_set.window import sheets
from photoreal_set.window.sheet_places import Box, box_of_pictures
from tests.blender.products import photo

NAMES = ("front", "side", "top")


@pytest.fixture
def view(tmp_path: Path) -> Callable[[int], SetView]:
    """A finished set of three angles whose photos are all of one take."""

    def made(take: int) -> SetView:
        pictures = []
        for name in NAMES:
            path = tmp_path / "photos" / f"{name}.{take}.png"
            path.parent.mkdir(exist_ok=True)
            pictures.append(
                Picture(
                    name=name, render=None, photo=photo(path), stamp="", state="done", error="", price=None,
                    engine="cycles", take=take,
                )
            )  # fmt: skip
        return SetView(
            folder=tmp_path, product="Jar", state="done", error="", pictures=tuple(pictures), videos=(),
            held=(), spent=0.0,
        )  # fmt: skip

    return made


def files(sheet: bpy.types.Collection) -> list[str]:
    return sorted(Path(item.data.filepath).name for item in sheet.objects)


def box(sheet: bpy.types.Collection) -> Box:
    return box_of_pictures(sheet.objects)


def remove(sheet: bpy.types.Collection) -> None:
    for item in list(sheet.objects):
        bpy.data.objects.remove(item)
    bpy.data.collections.remove(sheet)


def cube_at(x: float) -> None:
    bpy.ops.mesh.primitive_cube_add(size=0.4, location=(x, 0.0, 0.0))
    bpy.ops.object.select_all(action="DESELECT")


def test_a_sheet_is_beside_the_product_where_there_is_room(
    extension: bpy.types.Scene, view: Callable[[int], SetView]
):
    product = bpy.context.object
    sheet = sheets.place(extension, view(1), replaces=False).sheet
    assert box(sheet).low[0] > 0.2 and box(sheet).low[2] == pytest.approx(-0.2)
    remove(sheet)
    cube_at(1.0)
    product.select_set(True)
    bpy.context.view_layer.update()
    sheet = sheets.place(extension, view(1), replaces=False).sheet
    assert box(sheet).high[0] < -0.2, "the right side is occupied"
    remove(sheet)
    cube_at(-1.0)
    product.select_set(True)
    bpy.context.view_layer.update()
    sheet = sheets.place(extension, view(1), replaces=False).sheet
    assert box(sheet).low[0] > 1.2, "both sides are"


def test_a_sheet_stands_at_the_cursor_when_asked(extension: bpy.types.Scene, view: Callable[[int], SetView]):
    extension.cursor.location = (-5.0, 3.0, 2.0)
    sheet = sheets.place(extension, view(1), replaces=True, at_cursor=True).sheet
    assert box(sheet).low[0] == pytest.approx(-5.0) and box(sheet).low[2] == pytest.approx(2.0)
    assert {round(item.location.y, 4) for item in sheet.objects} == {3.0}


def test_another_look_gets_a_new_sheet_and_another_try_replaces_pictures(
    extension: bpy.types.Scene, view: Callable[[int], SetView]
):
    first = sheets.place(extension, view(1), replaces=False).sheet
    assert sheets.place(extension, view(1), replaces=False).changed == 0
    second = sheets.place(extension, view(2), replaces=False).sheet
    assert second != first and files(first) == ["front.1.png", "side.1.png", "top.1.png"]
    assert not box(first).meets(box(second))
    placed = sheets.place(extension, view(3), replaces=True)
    assert (placed.sheet, placed.changed) == (second, 3)
    assert files(second) == ["front.3.png", "side.3.png", "top.3.png"]
    assert len(sheets.sheets_of(extension, view(1).folder)) == 2
    assert len(sheets.pictures_in(extension)) == 6


def test_a_sheet_is_completed_with_what_it_lacks(extension: bpy.types.Scene, view: Callable[[int], SetView]):
    sheet = sheets.place(extension, view(1), replaces=False).sheet
    whole = box(sheet)
    lost = next(item for item in sheet.objects if item.name == "Jar side")
    bpy.data.objects.remove(lost)
    assert sheets.place(extension, view(1), replaces=False).changed == 1
    assert files(sheet) == ["front.1.png", "side.1.png", "top.1.png"]
    assert box(sheet) == whole, "in the gap"


def test_no_camera_of_the_studio_sees_a_sheet(extension: bpy.types.Scene, view: Callable[[int], SetView]):
    studio = bpy.data.scenes.new("Studio")
    studio.photoreal.is_studio, studio.photoreal.home = True, extension
    sheet = sheets.place(studio, view(1), replaces=False).sheet
    assert list(studio.collection.all_objects) == []
    assert {item.name for item in sheet.objects} <= {item.name for item in extension.collection.all_objects}
    assert sheets.sheets_of(studio, view(1).folder) == sheets.sheets_of(extension, view(1).folder) == [sheet]
