# SPDX-License-Identifier: GPL-3.0-or-later
"""View Request on fal.ai."""

from typing import Annotated

import bpy
from bpy.props import StringProperty
from bpy.types import Context, Operator

from ..messages.fal_pages import REQUESTS_PAGE
from ..window.blender_types import Result, manager_of, with_properties
from ..window.words import rpt_


@with_properties
class PHOTOREAL_OT_view_request(Operator):
    bl_idname = "photoreal.view_request"
    bl_label = "View Request on fal.ai"
    bl_description = (
        "Open the list of requests in your fal.ai dashboard. fal.ai has no address for one request, so its id is copied "
        "to the clipboard: paste it into the search of that list"
    )
    bl_options = {"INTERNAL"}

    request_id: Annotated[str, StringProperty(options={"HIDDEN", "SKIP_SAVE"})]

    def execute(self, context: Context) -> Result:
        bpy.ops.wm.url_open(url=REQUESTS_PAGE)
        if self.request_id:
            manager_of(context).clipboard = self.request_id
            self.report({"INFO"}, rpt_("Copied the request id {id}", id=self.request_id))
        else:
            text = "The id of this request is not known: look for its endpoint and its time"
            self.report({"WARNING"}, rpt_(text))
        return {"FINISHED"}
