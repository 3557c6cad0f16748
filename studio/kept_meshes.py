# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes that Cycles keeps while the product turns."""

import bpy

NAME = "Photoreal Second Instance"
SCALE = 1e-4  # Of the product. Not 0: a matrix needs an inverse.
# Of the rays of Cycles all but those scattered in a volume, of which a studio has none. An object that no ray can meet
# is not given to Cycles at all.
RAYS = ("camera", "diffuse", "glossy", "transmission", "shadow")


def keep_meshes(product: bpy.types.Collection, holder: bpy.types.Collection) -> None:
    """Put a second, invisible instance of ``product`` into ``holder``.

    Cycles applies the transformation of an object to its mesh if no other object has that mesh. When the object moves,
    it reads the whole mesh from Blender again, with normals and tangents: a tenth of a second for 50,000 triangles, at
    every picture. A mesh with two instances is kept, and only the matrix changes.
    """
    second = bpy.data.objects.new(NAME, None)
    second.instance_type = "COLLECTION"
    second.instance_collection = product
    second.scale = (SCALE, SCALE, SCALE)
    for ray in RAYS:
        setattr(second, f"visible_{ray}", False)
    holder.objects.link(second)
