# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar tab: it only draws what is there."""

from .studio import PHOTOREAL_PT_studio

CLASSES = (PHOTOREAL_PT_studio,)
