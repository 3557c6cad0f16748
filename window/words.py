# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts in the language of Blender's window.

Blender translates labels and tooltips itself. These functions are for texts that are put together, and for the few
places where it does not. They have the names that they have in Blender's own add-ons, and each follows its checkbox in
Blender's preferences: Interface, Tooltips, Reports. ``values`` fill a template of ``str.format``.
"""

from collections.abc import Callable
from typing import Any

import bpy

from ..messages import translation
from . import translations
from .preferences import package

_blender: Any = bpy.app.translations  # The stubs have no return values.


def iface_(text: str, **values: object) -> str:
    """A text of a panel, menu or dialog."""
    return _filled(_blender.pgettext_iface, text, values)


def tip_(text: str, **values: object) -> str:
    """A tooltip."""
    return _filled(_blender.pgettext_tip, text, values)


def rpt_(text: str, **values: object) -> str:
    """A report of an operator."""
    return _filled(_blender.pgettext_rpt, text, values)


def _filled(translate: Callable[..., str], text: str, values: dict[str, object]) -> str:
    context = translations.context_of(text)
    found = translate(text, context) if context else translate(text)
    return found.format(**values) if values else found


def attach() -> None:
    _blender.register(package, translations.for_blender())
    translation.use(iface_)


def detach() -> None:
    translation.use(translation.as_written)
    _blender.unregister(package)
