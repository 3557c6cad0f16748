# SPDX-License-Identifier: GPL-3.0-or-later
"""A neutral gray for web shops, with light that falls off."""

from typing import Any

import bpy

context: Any = bpy.context
look = context.scene.photoreal
look.angles.clear()
for name, azimuth, elevation, fill in (
    ("front", 0.0, 10.0, 0.8),
    ("three-quarter", 40.0, 20.0, 0.8),
    ("side", 90.0, 10.0, 0.8),
    ("top", 0.0, 70.0, 0.8),
):
    angle = look.angles.add()
    angle.name, angle.azimuth, angle.elevation, angle.fill = name, azimuth, elevation, fill
look.angle_index = 0
look.angles_from = "LIST"
look.rig = "three-point"
look.rig_rotation = 0.0
look.rig_intensity = 1.0
look.background = "grey"
look.quality = "final"
look.lens = 70.0
look.channel = "web"
