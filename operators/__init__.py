# SPDX-License-Identifier: GPL-3.0-or-later
"""What buttons do: one operator a file, thin."""

from .build_studio import PHOTOREAL_OT_build_studio

CLASSES = (PHOTOREAL_OT_build_studio,)
