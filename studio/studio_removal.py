# SPDX-License-Identifier: GPL-3.0-or-later
"""A studio scene removed completely, without the artist's own objects."""

import bpy

from .blender import materials_of, present


def remove_studio_scene(scene: bpy.types.Scene, kept: set[bpy.types.Object]) -> None:
    """Delete a studio scene and all data that only it uses, except for the objects in ``kept``, which are in other scenes.

    No window may show it.
    """
    holder = present(scene.collection)
    doomed = [item for item in holder.all_objects if set(item.users_scene) <= {scene} and item not in kept]
    used: list[bpy.types.ID] = _used_by(doomed)
    if scene.world:
        used.append(scene.world)
        used += _images_of(scene.world.node_tree)
    used += [image for item in doomed for image in _background_images_of(item)]
    collections = list(holder.children_recursive)
    bpy.data.scenes.remove(scene)
    bpy.data.batch_remove(doomed)
    for one in collections:
        if not one.users:
            bpy.data.collections.remove(one)
    _remove_unused(used)


def _used_by(objects: list[bpy.types.Object]) -> list[bpy.types.ID]:
    """Data, materials, images and actions of objects, each after what uses it."""
    data = [item.data for item in objects if item.data]
    materials = [material for item in objects for material in materials_of(item)]
    images = [image for material in materials for image in _images_of(material.node_tree)]
    actions = [
        item.animation_data.action for item in objects if item.animation_data and item.animation_data.action
    ]
    return [*data, *materials, *images, *actions]


def _images_of(tree: bpy.types.NodeTree | None) -> list[bpy.types.Image]:
    return [image for node in tree.nodes if (image := getattr(node, "image", None))] if tree else []


def _background_images_of(item: bpy.types.Object) -> list[bpy.types.Image]:
    if not isinstance(item.data, bpy.types.Camera):
        return []
    return [one.image for one in item.data.background_images if one.image]


def _remove_unused(blocks: list[bpy.types.ID]) -> None:
    """Remove data-blocks without users. Those with a fake user stay."""
    left = {block.session_uid: block for block in blocks}
    while unused := [block for block in left.values() if not block.users]:
        for block in unused:
            del left[block.session_uid]
        bpy.data.batch_remove(unused)
