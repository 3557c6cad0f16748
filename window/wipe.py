# SPDX-License-Identifier: GPL-3.0-or-later
"""A picture drawn over another one in an Image Editor, up to a vertical line that follows the mouse."""

from typing import Any, cast

import bpy
import gpu

from ..studio import compat


class Wipe:
    """Draws ``before`` left of the line, from its creation to ``end``. The area must be an Image Editor.

    The picture is loaded here, because nothing may be loaded while the window is drawn.
    """

    def __init__(self, area: bpy.types.Area, before: bpy.types.Image) -> None:
        self._area = area
        self._region = next(one for one in area.regions if one.type == "WINDOW")
        self._texture = gpu.texture.from_image(before)
        self._line = self._region.width // 2  # Pixels from the left border of the region.
        draw = cast(Any, self._draw)  # The stubs want a handler with arguments.
        self._handle = cast(
            Any, bpy.types.SpaceImageEditor.draw_handler_add(draw, (), "WINDOW", "POST_PIXEL")
        )
        area.tag_redraw()

    def move(self, x: int) -> None:
        """Have the line at ``x``, in pixels of the window."""
        self._line = min(max(0, x - self._region.x), self._region.width)
        self._area.tag_redraw()

    def end(self) -> None:
        """Show the Image Editor as it was. To be called once."""
        bpy.types.SpaceImageEditor.draw_handler_remove(self._handle, "WINDOW")
        self._area.tag_redraw()

    def _draw(self) -> None:
        region = bpy.context.region
        if region != self._region:
            return  # Another Image Editor.
        # Not ``view_to_region``, which gives whole pixels: the pictures must lie exactly over each other.
        (x_low, y_low), (x_high, y_high) = (
            region.view2d.region_to_view(*corner) for corner in ((0, 0), (region.width, region.height))
        )
        width, height = region.width / (x_high - x_low), region.height / (y_high - y_low)
        whole = gpu.state.scissor_get()
        gpu.state.scissor_test_set(True)
        gpu.state.scissor_set(whole[0], whole[1], max(1, self._line), whole[3])
        compat.draw_linear_texture(self._texture, (-x_low * width, -y_low * height), width, height)
        gpu.state.scissor_set(*whole)
