# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender must know about us. Each step pushes its own undo, so nothing is left behind."""

from contextlib import ExitStack

import bpy

from . import command, operators, panels, preferences, properties, runtime
from .panels import menus

CLASSES = (
    *properties.CLASSES,  # Property groups first: everything else points at them.
    *preferences.CLASSES,
    *operators.CLASSES,
    *panels.CLASSES,
)
ATTACHMENTS = (properties, runtime, menus, command)

_undo = ExitStack()


def register() -> None:
    global _undo
    with ExitStack() as undo:
        for cls in CLASSES:
            bpy.utils.register_class(cls)
            undo.callback(bpy.utils.unregister_class, cls)
        for part in ATTACHMENTS:
            part.attach()
            undo.callback(part.detach)
        _undo = undo.pop_all()  # Nothing failed: keep it all until unregister().


def unregister() -> None:
    _undo.close()
