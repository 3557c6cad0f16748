# SPDX-License-Identifier: GPL-3.0-or-later
"""Helpers for tests of the sidebar without a window."""

import bpy

from photoreal_set.window import pump
from tests.patience import until

KINDS = ("scenes", "objects", "meshes", "materials", "images", "worlds", "collections", "cameras", "lights")


def everything() -> dict[str, list[str]]:
    """The names of all data-blocks of the file."""
    return {kind: sorted(item.name for item in getattr(bpy.data, kind)) for kind in KINDS}


def pump_until_idle() -> None:
    """Do what the timer would do, until there is nothing left to do."""
    until(lambda: pump.pump() is None)
