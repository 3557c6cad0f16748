# SPDX-License-Identifier: GPL-3.0-or-later
"""The studio's camera as a Blender object."""

import bpy
from mathutils import Matrix

from ..optics.framing import Framing
from .blender import present

NAME = "Photoreal Camera"
CLIP_START = 0.01  # Of the view from above, in product sizes.


class Camera:
    """The only camera of the studio."""

    def __init__(self, scene: bpy.types.Scene, collection: bpy.types.Collection) -> None:
        self._data = bpy.data.cameras.new(NAME)
        self.object = bpy.data.objects.new(NAME, self._data)
        collection.objects.link(self.object)
        scene.camera = self.object

    def look(self, framing: Framing) -> None:
        """Take the place, the lens and the focus of ``framing``."""
        data, focus = self._data, present(self._data.dof)
        data.type = "ORTHO" if framing.ortho_scale else "PERSP"
        data.ortho_scale = framing.ortho_scale or 1.0
        data.shift_x, data.shift_y = framing.shift
        data.sensor_fit = "AUTO"  # The sensor lies along the longer side of the picture.
        data.sensor_width = framing.sensor_mm
        data.lens = framing.lens_mm
        data.clip_start = framing.near
        data.clip_end = framing.far
        focus.use_dof = framing.lens_radius > 0.0
        if framing.lens_radius > 0.0:
            focus.focus_distance = framing.focus
            focus.aperture_fstop = framing.lens_mm / 1000.0 / (2.0 * framing.lens_radius)
        self.object.matrix_world = Matrix(framing.matrix.tolist())

    def look_down(self, span: float, height: float) -> None:
        """Look straight down from ``height`` at a square of side ``span`` around the origin, without perspective."""
        data = self._data
        data.type = "ORTHO"
        data.shift_x = data.shift_y = 0.0
        present(data.dof).use_dof = False
        data.ortho_scale = span
        data.clip_start = CLIP_START
        data.clip_end = height * 2.0
        self.object.matrix_world = Matrix.Translation((0.0, 0.0, height))
