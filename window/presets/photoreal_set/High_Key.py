# SPDX-License-Identifier: GPL-3.0-or-later
"""A bright room that outlines white products."""

from typing import Any

import bpy

context: Any = bpy.context
look = context.scene.photoreal
look.angles.clear()
for name, azimuth, elevation, fill in (
    ("front", 0.0, 15.0, 0.85),
    ("three-quarter", 45.0, 20.0, 0.85),
    ("side", 90.0, 15.0, 0.85),
    ("top", 0.0, 75.0, 0.85),
    ("detail", 30.0, 5.0, 1.8),
):
    angle = look.angles.add()
    angle.name, angle.azimuth, angle.elevation, angle.fill = name, azimuth, elevation, fill
look.angle_index = 0
look.angles_from = "LIST"
look.rig = "high-key"
look.rig_rotation = 0.0
look.rig_intensity = 1.0
look.background = "white"
look.quality = "final"
look.lens = 85.0
look.channel = "shopify"
