# SPDX-License-Identifier: GPL-3.0-or-later
"""Bright edges on black, for glass and bottles."""

from typing import Any

import bpy

context: Any = bpy.context
look = context.scene.photoreal
look.angles.clear()
for name, azimuth, elevation, fill in (
    ("front", 0.0, 5.0, 0.85),
    ("three-quarter", 35.0, 10.0, 0.85),
    ("detail", 30.0, 5.0, 1.8),
):
    angle = look.angles.add()
    angle.name, angle.azimuth, angle.elevation, angle.fill = name, azimuth, elevation, fill
look.angle_index = 0
look.angles_from = "LIST"
look.rig = "dark-field"
look.rig_rotation = 0.0
look.rig_intensity = 1.0
look.background = "black"
look.quality = "final"
look.lens = 100.0
look.channel = "none"
