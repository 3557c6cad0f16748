# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension's page in Blender's preferences."""

from bpy.types import AddonPreferences, Context, UILayout

from ..fal_bridge.jobs import Kind
from ..messages.fal_pages import KEYS_PAGE
from ..operators.forget_key import PHOTOREAL_OT_forget_key
from ..operators.open_manual import PHOTOREAL_OT_open_manual
from ..operators.run_doctor import PHOTOREAL_OT_run_doctor
from ..operators.test_key import PHOTOREAL_OT_test_key
from ..window import preferences
from ..window.blender_types import layout_of
from .endpoints import draw_stored_endpoint
from .layout import button, draw_optional

ON_FILE = "Blender stores this key unencrypted in its preferences file."


class PhotorealPreferences(preferences.StoredPreferences, AddonPreferences):
    bl_idname = preferences.package

    def draw(self, context: Context) -> None:
        layout = layout_of(self)
        layout.use_property_split = True
        layout.use_property_decorate = False
        self._draw_key(layout.box().column())
        box = layout.box().column(
            align=True
        )  # Near the top: this is what people look for when something fails.
        row = box.row(align=True)
        button(row, PHOTOREAL_OT_run_doctor, icon="CHECKMARK")
        button(row, PHOTOREAL_OT_open_manual, icon="HELP")
        for line in preferences.answers.doctor:
            box.label(text=line)
        column = layout.column()
        column.prop(self, "output_folder")
        column.prop(self, "place_when_done")
        column.prop(self, "device")
        column.prop(self, "studio_shading")
        column.prop(self, "default_look")
        column = layout.column(align=True)
        for name in preferences.CEILINGS:
            draw_optional(column, self, name)
        column = layout.column(align=True)
        column.prop(self, "expiration")
        column.prop(self, "private")
        column = layout.column(align=True)
        for kind in (Kind.MODEL, Kind.PHOTO, Kind.VIDEO):
            draw_stored_endpoint(context, column, self, kind)
        if context.preferences and context.preferences.view.show_developer_ui:
            layout.prop(self, "fal_url")

    def _draw_key(self, column: UILayout) -> None:
        column.prop(self, "key_source")
        is_in_environment = preferences.is_in_environment()
        if self.key_source == "PREFERENCES":
            column.prop(self, "fal_key")
            column.label(text=ON_FILE, icon="INFO")
            if not self.fal_key and is_in_environment:
                column.label(text="FAL_KEY is set: choose Environment to use it.", icon="INFO")
        elif is_in_environment:
            column.label(text="FAL_KEY or FAL_KEY_FILE is set.", icon="CHECKMARK")
        else:
            column.label(
                text="Neither FAL_KEY nor FAL_KEY_FILE is set in Blender's environment.", icon="ERROR"
            )
        row = column.row(align=True)
        button(row, PHOTOREAL_OT_test_key, icon="CHECKMARK")
        button(row, PHOTOREAL_OT_forget_key, icon="TRASH")
        setattr(row.operator("wm.url_open", text="Get a Key", icon="URL"), "url", KEYS_PAGE)  # noqa: B010  The stubs know no properties.
        for line in preferences.answers.key:
            column.label(text=line)
