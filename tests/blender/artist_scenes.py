# SPDX-License-Identifier: GPL-3.0-or-later
"""Selections as artists make them: each of SELECTIONS leaves a cube of SIZE at PLACE selected, made in a different way.

Needs bpy alone, so that real Blenders can make them, too.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
from mathutils import Matrix, Vector

SIZE = 0.4
PLACE = (1.0, 2.0, 3.0)
Make = Callable[[Path], None]


def choose(item: bpy.types.Object) -> None:
    bpy.ops.object.select_all(action="DESELECT")
    item.select_set(True)
    bpy.context.view_layer.objects.active = item


def add(item: bpy.types.Object) -> bpy.types.Object:
    bpy.context.scene.collection.objects.link(item)
    item.location = PLACE
    choose(item)
    return item


def linked(library: Path, kind: str) -> Any:
    with bpy.data.libraries.load(str(library), link=True) as (there, here):
        setattr(here, kind, getattr(there, kind))
    return getattr(bpy.data, kind)["Jar"]


def instance(collection: bpy.types.Collection) -> None:
    empty = bpy.data.objects.new("Stand", None)
    empty.instance_type, empty.instance_collection = "COLLECTION", collection
    add(empty)


def cube(size: float = SIZE) -> bpy.types.Object:
    bpy.ops.mesh.primitive_cube_add(size=size, location=PLACE)
    return bpy.context.object


def a_linked_collection_instance(library: Path) -> None:
    instance(linked(library, "collections"))


def a_library_override(library: Path) -> None:
    item = linked(library, "objects")
    bpy.context.scene.collection.objects.link(item)  # Blender 5.3 overrides only what the file uses itself.
    override = item.override_create(remap_local_usages=True)
    override.location = PLACE
    choose(override)


def a_linked_object_below_an_empty(library: Path) -> None:
    empty = add(bpy.data.objects.new("Stand", None))
    linked(library, "collections")
    holder = bpy.data.objects.new("Holder", None)
    holder.instance_type, holder.instance_collection = "COLLECTION", bpy.data.collections["Jar"]
    bpy.context.scene.collection.objects.link(holder)
    holder.parent = empty


def an_instance_of_a_collection_that_no_scene_shows(_library: Path) -> None:
    item = cube()
    item.location = (0.0, 0.0, 0.0)
    collection = bpy.data.collections.new("Kept")
    collection.objects.link(item)
    bpy.context.scene.collection.objects.unlink(item)
    instance(collection)


def a_child_without_its_parent(_library: Path) -> None:
    item = cube()
    parent = bpy.data.objects.new("Moved", None)
    bpy.context.scene.collection.objects.link(parent)
    parent.location = PLACE
    parent.rotation_euler = (0.0, 0.0, 1.5707963)
    item.parent, item.location = parent, (0.0, 0.0, 0.0)


def what_is_being_edited(_library: Path) -> None:
    item = cube(SIZE / 2.0)
    bpy.ops.object.mode_set(mode="EDIT")
    import bmesh  # Available once bpy is imported.

    mesh = bmesh.from_edit_mesh(item.data)
    bmesh.ops.scale(mesh, vec=(2.0, 2.0, 2.0), verts=mesh.verts)
    bmesh.update_edit_mesh(item.data)


def what_is_being_sculpted(_library: Path) -> None:
    cube()
    bpy.ops.object.mode_set(mode="SCULPT")


def what_a_modifier_makes(_library: Path) -> None:
    item = cube(SIZE / 2.0)
    other = bpy.data.objects.new("Half a cube away", None)
    bpy.context.scene.collection.objects.link(other)
    other.matrix_world = Matrix.Translation(PLACE)
    for axis in range(3):
        mirror = item.modifiers.new("Mirror", "MIRROR")
        mirror.use_axis = [number == axis for number in range(3)]
        mirror.mirror_object = other
    item.location = Vector(PLACE) + Vector((SIZE / 4.0,) * 3)


def what_geometry_nodes_instance(_library: Path) -> None:
    nodes = bpy.data.node_groups.new("Instance", "GeometryNodeTree")
    nodes.interface.new_socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    made = nodes.nodes.new("GeometryNodeMeshCube")
    made.inputs["Size"].default_value = (SIZE,) * 3
    instanced = nodes.nodes.new("GeometryNodeGeometryToInstance")
    nodes.links.new(made.outputs["Mesh"], instanced.inputs["Geometry"])
    output = nodes.nodes.new("NodeGroupOutput")
    nodes.links.new(instanced.outputs["Instances"], output.inputs["Geometry"])
    cube(SIZE / 2.0).modifiers.new("Instance", "NODES").node_group = nodes


def move_to_place_at(frame: int, moved: Any) -> None:
    """Animate an object so that it is at PLACE at ``frame`` and elsewhere before and after; make that the current frame."""
    for when, where in ((1, (9.0, 9.0, 9.0)), (frame, PLACE), (2 * frame, (5.0, 5.0, 5.0))):
        moved.location = where
        moved.keyframe_insert("location", frame=when)
    bpy.context.scene.frame_set(frame)


def what_is_animated(_library: Path) -> None:
    move_to_place_at(12, cube())


def what_a_shape_key_makes(_library: Path) -> None:
    item = cube(SIZE / 2.0)
    item.shape_key_add(name="Basis")
    key = item.shape_key_add(name="Twice as large")
    for point in key.data:
        point.co *= 2.0
    for frame, value in ((1, 0.0), (12, 1.0), (24, 0.5)):
        key.value = value
        key.keyframe_insert("value", frame=frame)
    bpy.context.scene.frame_set(12)


def what_an_armature_poses(_library: Path) -> None:
    item = cube()
    item.location = (0.0, 0.0, 0.0)
    bpy.ops.object.armature_add()
    armature = bpy.context.object
    bone = armature.pose.bones[0]
    item.vertex_groups.new(name=bone.name).add(range(8), 1.0, "REPLACE")
    item.modifiers.new("Armature", "ARMATURE").object = armature
    item.parent = armature
    # The bone points up: its own axes are the world's, turned about X.
    armature.rotation_euler = (-1.5707963, 0.0, 0.0)
    move_to_place_at(12, bone)
    choose(armature)


SELECTIONS: tuple[Make, ...] = (
    a_linked_collection_instance,
    a_library_override,
    a_linked_object_below_an_empty,
    an_instance_of_a_collection_that_no_scene_shows,
    a_child_without_its_parent,
    what_is_being_edited,
    what_is_being_sculpted,
    what_a_modifier_makes,
    what_geometry_nodes_instance,
    what_is_animated,
    what_a_shape_key_makes,
    what_an_armature_poses,
)


def write_library(path: Path) -> None:
    """A file with the object and collection Jar: a cube at its origin."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.mesh.primitive_cube_add(size=SIZE)
    jar = bpy.context.object
    jar.name = "Jar"
    collection = bpy.data.collections.new("Jar")
    collection.objects.link(jar)
    bpy.data.libraries.write(str(path), {collection, jar}, fake_user=True)


def box_of(model: Path) -> tuple[Vector, Vector]:
    """The corners of all meshes of a GLB, in Blender's axes."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.import_scene.gltf(filepath=str(model), disable_bone_shape=True)
    bpy.context.view_layer.update()
    corners = [
        item.matrix_world @ Vector(corner)
        for item in bpy.data.objects
        if item.type == "MESH" and item.name in bpy.context.scene.objects
        for corner in item.bound_box
    ]
    sides = list(zip(*corners, strict=True))
    return Vector([min(side) for side in sides]), Vector([max(side) for side in sides])
