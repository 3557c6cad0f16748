# SPDX-License-Identifier: GPL-3.0-or-later
"""The studio as a scene that the user works in: posed for another angle, and removed completely."""

import math
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

from ..optics.angles import Angle
from ..optics.framing import frame, turned
from ..optics.sizes import Size
from .blender import custom_property, data_of, materials_of, present
from .product import COLLECTION, ROOT, Product
from .visible import visible_points

STANDING = "photoreal_standing"  # Custom property of the root: its matrix when the front faces -Y.


def remember_standing(product: Product) -> None:
    """Store in the file what ``pose_studio`` needs."""
    root: Any = product.root  # The stubs lack custom properties.
    root[STANDING] = np.array(product.standing).ravel().tolist()


def pose_studio(scene: bpy.types.Scene, angle: Angle) -> bool:
    """Turn the product and place the camera for ``angle``; False when one of them was deleted."""
    root = next((item for item in scene.objects if custom_property(item, STANDING) is not None), None)
    camera = scene.camera
    if root is None or camera is None or root.name.split(".")[0] != ROOT:
        return False
    standing = Matrix(np.reshape(list(custom_property(root, STANDING)), (4, 4)).tolist())
    root.matrix_world = standing
    present(bpy.context.view_layer).update()
    holder = next((one for one in root.users_collection if one.name.split(".")[0] == COLLECTION), None)
    points = visible_points(holder) if holder else np.empty((0, 3))
    if not len(points):
        return False
    render = present(scene.render)
    size = Size(render.resolution_x, render.resolution_y)
    framing = turned(frame(points, angle, size), -angle.azimuth)
    data = data_of(camera, bpy.types.Camera)
    data.lens, data.sensor_width = framing.lens_mm, framing.sensor_mm
    data.clip_start, data.clip_end = framing.near, framing.far
    camera.matrix_world = Matrix(framing.matrix.tolist())
    root.matrix_world = Matrix.Rotation(-math.radians(angle.azimuth), 4, "Z") @ standing
    return True


def remove_studio_scene(scene: bpy.types.Scene) -> None:
    """Delete a studio scene and all data that only it uses. No window may show it."""
    holder = present(scene.collection)
    doomed = [item for item in holder.all_objects if set(item.users_scene) <= {scene}]
    used: list[bpy.types.ID] = _used_by(doomed)
    if scene.world:
        used.append(scene.world)
        used += _images_of(scene.world.node_tree)
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


def _remove_unused(blocks: list[bpy.types.ID]) -> None:
    """Remove data-blocks without users. Those with a fake user stay."""
    left = {block.session_uid: block for block in blocks}
    while unused := [block for block in left.values() if not block.users]:
        for block in unused:
            del left[block.session_uid]
        bpy.data.batch_remove(unused)
