# SPDX-License-Identifier: GPL-3.0-or-later
"""A catalogue from a scene: each collection or object is a product, and ``catalogue`` makes the sets of all."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import bpy

from ..background_run.button_arguments import (
    Settings,
    catalogue_arguments,
    ceiling_options,
    external_data_options,
    free_folder,
)
from ..background_run.run_view import Kind, RunView
from ..catalogue.product_table import write_table
from ..files.names import file_rule, safe_name
from ..processes.child import Prepare, Prepared
from . import preferences, runs
from .blender_types import scene_of
from .launch import child_of, look_at_catalogue, start
from .selection import external_folders, write_objects

# Objects of other types are not photographed, and alone they are no product.
VISIBLE_TYPES = {"MESH", "CURVE", "CURVES", "SURFACE", "META", "FONT", "VOLUME", "POINTCLOUD", "GREASEPENCIL"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A product of the scene: its name, and the visible objects that it consists of."""

    name: str
    objects: tuple[bpy.types.Object, ...]


def items_of_collections(collections: Iterable[bpy.types.Collection]) -> list[Item]:
    """Each collection with everything visible in it; those without anything to photograph are left out."""
    found = [Item(name=one.name, objects=_visible(one.all_objects)) for one in collections]
    return [item for item in found if _has_something(item)]


def items_of_objects(objects: Iterable[bpy.types.Object]) -> list[Item]:
    """Each object with everything visible below it; objects below another one of them belong to that."""
    chosen = list(objects)
    tops = [item for item in chosen if not any(_is_below(item, other) for other in chosen)]
    found = [Item(name=one.name, objects=_visible((one, *one.children_recursive))) for one in tops]
    return [item for item in found if _has_something(item)]


def start_catalogue(context: bpy.types.Context, settings: Settings, items: list[Item]) -> runs.Run:
    """Make the sets of these products in a background Blender. Copies of the products are written first.

    Raises RuntimeError when Blender cannot write a copy, OSError when there is no place for it.
    """
    scene, rule = scene_of(context), file_rule("product")
    with_cameras = settings.cameras is not None
    copies = {
        item.name: write_objects(context, item.objects, safe_name(item.name, rule), with_cameras=with_cameras)
        for item in items
    }
    external = external_data_options(external_folders())
    name = Path(bpy.data.filepath).stem or scene.name
    folder = preferences.output_folder(preferences.get(context))
    wanted = folder / f"{safe_name(name, rule)}-catalogue"
    view = RunView(kind=Kind.CATALOGUE, product=name)
    view.expect([item.name for item in items])

    def prepare() -> Prepared:
        out = free_folder(wanted, (), may_continue=False)
        table = write_table(
            free_folder(out.with_name(f"{out.name}-products"), (), may_continue=False), copies
        )
        event = {"event": "prepared", "folder": str(out), "copy": ""}
        return Prepared(arguments=[*catalogue_arguments(settings, out, table), *external], event=event)

    return _start(context, prepare, view, pays=settings.uses_fal)


def resume_catalogue(context: bpy.types.Context, folder: Path, settings: Settings, *, pays: bool) -> runs.Run:
    """Continue a catalogue from its folder. ``settings`` has the ceilings; ``pays``: whether it may cost money."""
    view = RunView(kind=Kind.CATALOGUE, folder=folder, product=folder.name)
    external = external_data_options(external_folders())
    prepared = Prepared(arguments=["resume", str(folder), *external, *ceiling_options(settings), "--json"])
    return _start(context, lambda: prepared, view, pays=pays)


def _start(context: bpy.types.Context, prepare: Prepare, view: RunView, *, pays: bool) -> runs.Run:
    scene = scene_of(context)
    asker = runs.asked_by(scene, pays=pays).variable
    child = child_of(context, prepare, look=look_at_catalogue(), variables=asker)
    return start(runs.Run(child=child, view=view, home=runs.home_of(scene), pays=pays))


def _visible(objects: Iterable[bpy.types.Object]) -> tuple[bpy.types.Object, ...]:
    return tuple(item for item in objects if item.visible_get())


def _has_something(item: Item) -> bool:
    """Whether there may be something to photograph: a shape, or an instance of a collection."""
    return any(one.type in VISIBLE_TYPES or one.instance_type == "COLLECTION" for one in item.objects)


def _is_below(item: bpy.types.Object, other: bpy.types.Object) -> bool:
    parent = item.parent
    while parent is not None and parent != other:
        parent = parent.parent
    return parent is not None
