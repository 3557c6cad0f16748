# SPDX-License-Identifier: GPL-3.0-or-later
"""Listeners that are called when settings change, because the price may change too."""

from collections.abc import Callable
from typing import Any

from bpy.types import Context

_listeners: list[Callable[[Context], None]] = []


def notify(context: Context) -> None:
    """Call the listeners."""
    for listener in _listeners:
        listener(context)


def listen(listener: Callable[[Context], None]) -> None:
    """Have ``listener`` called when settings change, in any scene or in the preferences."""
    _listeners.append(listener)


def stop_listening(listener: Callable[[Context], None]) -> None:
    """The opposite of ``listen``."""
    _listeners.remove(listener)


def used(name: str) -> Callable[[Any, Context], None]:
    """As ``changed``, for a value with a checkbox: setting it switches the checkbox on."""

    def changed_value(owner: Any, context: Context) -> None:
        if getattr(owner, name) and not getattr(owner, f"use_{name}"):
            setattr(owner, f"use_{name}", True)  # It notifies too.
        else:
            notify(context)

    return changed_value


def changed(_owner: Any, context: Context) -> None:
    """What a property of Blender calls after a change (``update=``)."""
    notify(context)
