# SPDX-License-Identifier: GPL-3.0-or-later
"""Mark Product as Asset."""

from pathlib import Path
from typing import Annotated

import bpy
from bpy.props import EnumProperty
from bpy.types import Context, Operator

from ..background_run.button_arguments import Source
from ..background_run.set_view import SetView
from ..files.names import file_rule, safe_name
from ..gltf.choices import ModelOptions, surroundings
from ..gltf.credits import Credits
from ..messages.errors import PhotorealError
from ..window import properties, runs
from ..window.blender_types import Result, scene_of, with_properties
from ..window.scene_settings import product_name, product_objects, settings_of
from ..window.words import rpt_
from . import checks
from .chosen import chosen_collections, chosen_objects
from .common import refuse

PRODUCT, OBJECTS, COLLECTION = "PRODUCT", "OBJECTS", "COLLECTION"


@with_properties
class PHOTOREAL_OT_mark_asset(Operator):
    bl_idname = "photoreal.mark_asset"
    bl_label = "Mark Product as Asset"
    bl_description = (
        "Make an asset of the 3D model, for the Asset Browser. Its preview is the hero photo of its set; without a set "
        "Blender renders one"
    )
    bl_options = {"REGISTER", "UNDO"}

    of: Annotated[
        str,
        EnumProperty(
            name="Of",
            description="What becomes an asset",
            items=(
                (PRODUCT, "Product", "The product of the scene: its 3D model, or the selected objects"),
                (OBJECTS, "Objects", "The selected objects"),
                (COLLECTION, "Collection", "The active collection"),
            ),
            options={"SKIP_SAVE"},
        ),
    ]

    @classmethod
    def poll(cls, context: Context) -> bool:
        return checks.allow(cls, checks.object_mode(context))

    def execute(self, context: Context) -> Result:
        from ..window import product_assets  # It imports numpy.

        found = runs.set_of(scene_of(context))
        try:
            block, credits = self._block(context, found)
            if block is None:
                return refuse(
                    self, "There is no 3D model yet: choose a file, generate one, or select objects"
                )
            if block.library:
                text = "{name} is linked from another file: mark it as an asset there"
                return refuse(self, rpt_(text, name=block.name))
            its_set = found if found and (self.of == PRODUCT or _has_name(found, block)) else None
            facts = product_assets.facts_of(block.name, its_set, credits)
            product_assets.mark(block, facts, its_set.hero if its_set else None)
        except (PhotorealError, RuntimeError) as error:
            return refuse(self, str(error).strip())
        text = "{name} is an asset: save the file to find it in the Asset Browser"
        self.report({"INFO"}, rpt_(text, name=block.name))
        return {"FINISHED"}

    def _block(self, context: Context, found: SetView | None) -> tuple[bpy.types.ID | None, Credits]:
        """What becomes the asset, and the credits of its file. Raises InputError for a file that cannot be used."""
        from ..window import product_assets

        none = Credits()
        if self.of == COLLECTION:
            collections = chosen_collections(context)
            return next((one for one in collections if one.all_objects), None), none
        if self.of == PRODUCT and (path := _file_of(context, found)):
            chosen = settings_of(context)
            options = ModelOptions(pose=chosen.pose, without=surroundings(",".join(chosen.without)))
            return product_assets.imported(context, path, product_name(context), options)
        objects = chosen_objects(context) if self.of == OBJECTS else product_objects(context)
        objects = product_assets.with_children(objects)
        if not objects:
            return None, none
        name = product_name(context) if self.of == PRODUCT else objects[0].name
        return product_assets.block_of(name, objects), none


def _file_of(context: Context, found: SetView | None) -> Path | None:
    """The 3D file of the product of a scene: that of its set, or else the chosen one; ``None`` for a selection."""
    settings = properties.of_context(context)
    if Source(settings.source_kind) is Source.OBJECTS:
        return None
    if found and found.model.path:
        return found.model.path
    is_file = Source(settings.source_kind) is Source.FILE and settings.source
    return Path(bpy.path.abspath(settings.source)) if is_file else None


def _has_name(found: SetView, block: bpy.types.ID) -> bool:
    """Whether a set was made of a product of this name."""
    return found.product == safe_name(block.name, file_rule("product"))
