# SPDX-License-Identifier: GPL-3.0-or-later
"""The studio as a scene to work in: posed for another angle, and taken away without a trace."""

import math
from typing import Any

import bpy
from mathutils import Matrix

from ..optics.angles import Angle
from ..optics.framing import frame, turned
from ..optics.sizes import Size
from .product import COLLECTION, ROOT, Product, visible_points

STANDING = "photoreal_standing"  # On the root: its matrix when the front looks towards -Y.


def remember_standing(product: Product) -> None:
    """Keep in the file what ``pose_studio`` needs."""
    product.root[STANDING] = [value for row in product.standing for value in row]


def pose_studio(scene: bpy.types.Scene, angle: Angle) -> bool:
    """Turn the product and set the camera for ``angle``; False when one of them is gone."""
    root = next((item for item in scene.objects if STANDING in item), None)
    camera = scene.camera
    if root is None or camera is None or root.name.split(".")[0] != ROOT:
        return False
    values = list(root[STANDING])
    standing = Matrix([values[row * 4 : row * 4 + 4] for row in range(4)])
    root.matrix_world = standing
    bpy.context.view_layer.update()
    holder = next((one for one in root.users_collection if one.name.split(".")[0] == COLLECTION), None)
    points = visible_points(holder) if holder else ()
    if not len(points):
        return False
    size = Size(scene.render.resolution_x, scene.render.resolution_y)
    framing = turned(frame(points, angle, size), -angle.azimuth)
    camera.data.lens, camera.data.sensor_width = framing.lens_mm, framing.sensor_mm
    camera.data.clip_start, camera.data.clip_end = framing.near, framing.far
    camera.matrix_world = Matrix(framing.matrix.tolist())
    root.matrix_world = Matrix.Rotation(-math.radians(angle.azimuth), 4, "Z") @ standing
    return True


def remove_studio_scene(scene: bpy.types.Scene) -> None:
    """Delete a studio and all that only it used. No window may show it."""
    doomed: list[Any] = []
    for item in scene.collection.all_objects:
        if set(item.users_scene) <= {scene}:
            doomed.append(item)
    brought = _used_by(doomed)
    if scene.world:
        brought.append(scene.world)
        brought += _images_of(scene.world.node_tree)
    collections = list(scene.collection.children_recursive)
    bpy.data.scenes.remove(scene)
    bpy.data.batch_remove(doomed)
    for one in collections:
        if not one.users:
            bpy.data.collections.remove(one)
    _remove_unused(brought)


def _used_by(objects: list[bpy.types.Object]) -> list[Any]:
    """Data, materials and images of objects, each after what uses it."""
    data = [item.data for item in objects if item.data]
    materials = [slot.material for item in objects for slot in item.material_slots if slot.material]
    images = [image for material in materials for image in _images_of(material.node_tree)]
    actions = [
        item.animation_data.action for item in objects if item.animation_data and item.animation_data.action
    ]
    return [*data, *materials, *images, *actions]


def _images_of(tree: bpy.types.NodeTree | None) -> list[bpy.types.Image]:
    return [node.image for node in tree.nodes if getattr(node, "image", None)] if tree else []


def _remove_unused(blocks: list[Any]) -> None:
    """What is used elsewhere, or kept by a fake user, stays."""
    left = {block.session_uid: block for block in blocks}
    while unused := [block for block in left.values() if not block.users]:
        for block in unused:
            del left[block.session_uid]
        bpy.data.batch_remove(unused)
