# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare Pictures."""

from typing import Annotated

from bpy.props import IntProperty
from bpy.types import Context, Event, Operator

from ..window import viewer
from ..window.blender_types import Result, manager_of, with_properties
from ..window.words import iface_, rpt_
from .common import refuse

ENDS = {"LEFTMOUSE", "RIGHTMOUSE", "ESC", "RET", "NUMPAD_ENTER"}


@with_properties
class PHOTOREAL_OT_compare_pictures(Operator):
    bl_idname = "photoreal.compare_pictures"
    bl_label = "Compare"
    bl_description = "Show the other picture to the left of the mouse and this one to the right. Click to end the comparison"
    bl_options = {"INTERNAL"}

    take: Annotated[int, IntProperty(default=viewer.RENDER, options={"HIDDEN"})]

    @classmethod
    def poll(cls, context: Context) -> bool:
        return viewer.shown_in(context.space_data) is not None

    def invoke(self, context: Context, event: Event) -> Result:
        from ..window.wipe import Wipe  # Blender's drawing modules exist only with a window.

        shown = viewer.shown_in(context.space_data)
        known = viewer.picture_of(shown) if shown else None
        area = context.area
        if known is None or area is None:
            return refuse(self, "The set of this picture is not open: open it in the gallery")
        try:
            self._wipe = Wipe(area, viewer.load(*known, self.take))
        except RuntimeError as error:
            return refuse(self, rpt_("The picture cannot be opened: {error}", error=str(error).strip()))
        if self.take == viewer.RENDER:
            words = iface_("Left of the mouse: the render. Click to end the comparison.")
        else:
            text = "Left of the mouse: take {number}. Click to end the comparison."
            words = iface_(text, number=self.take)
        area.header_text_set(words)
        self._area = area
        manager_of(context).modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: Context, event: Event) -> Result:
        if event.type == "MOUSEMOVE":
            self._wipe.move(event.mouse_x)
            return {"RUNNING_MODAL"}
        if event.type in ENDS and event.value == "PRESS":
            self.cancel(context)
            return {"FINISHED"}
        return {"PASS_THROUGH"}

    def cancel(self, _context: Context) -> None:
        self._wipe.end()
        self._area.header_text_set(None)
