# SPDX-License-Identifier: GPL-3.0-or-later
"""Soft gradients and a long lens, for metal and stones."""

from typing import Any

import bpy

context: Any = bpy.context
look = context.scene.photoreal
look.angles.clear()
for name, azimuth, elevation, fill in (
    ("front", 0.0, 20.0, 0.8),
    ("three-quarter", 40.0, 35.0, 0.8),
    ("top", 0.0, 75.0, 0.8),
    ("detail", 30.0, 25.0, 1.8),
):
    angle = look.angles.add()
    angle.name, angle.azimuth, angle.elevation, angle.fill = name, azimuth, elevation, fill
look.angle_index = 0
look.angles_from = "LIST"
look.rig = "jewellery"
look.rig_rotation = 0.0
look.rig_intensity = 1.0
look.background = "white"
look.quality = "final"
look.lens = 135.0
look.channel = "none"
