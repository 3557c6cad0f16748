# SPDX-License-Identifier: GPL-3.0-or-later
"""Photoreal Set: photographs of one product from several angles that show the same product.

Nothing is imported at module level, so the bpy-free packages load in a plain Python.
"""

from contextlib import ExitStack
from typing import Any

_undo = ExitStack()


def classes() -> tuple[type, ...]:
    """Every class that Blender must know, in the order of registration."""
    from . import operators, panels
    from .window import properties

    # Property groups first: everything else refers to them.
    return (*properties.CLASSES, *operators.CLASSES, *panels.CLASSES)


def attachments() -> tuple[Any, ...]:
    """The modules that add something else to Blender: their ``attach`` does so, their ``detach`` removes it."""
    from .panels import image_header, menus, progress
    from .window import (
        installed_command,
        live,
        looks,
        manual,
        preferences,
        properties,
        pump,
        studio_views,
        words,
    )

    parts = (preferences, words, manual, properties, pump, live, studio_views, looks, menus, progress)
    return (*parts, image_header, installed_command)


def register() -> None:
    """Called by Blender. When a step fails, those before it are undone."""
    import bpy

    global _undo
    with ExitStack() as undo:
        for cls in classes():
            bpy.utils.register_class(cls)
            undo.callback(bpy.utils.unregister_class, cls)
        for part in attachments():
            part.attach()
            undo.callback(part.detach)
        _undo = undo.pop_all()


def unregister() -> None:
    """Called by Blender."""
    _undo.close()
