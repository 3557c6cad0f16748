# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts that a window shows in its language. ``window/words.py`` sets the translation; elsewhere they stay English."""

from collections.abc import Callable


def as_written(text: str) -> str:
    """No translation."""
    return text


_translate: Callable[[str], str] = as_written


def use(translate: Callable[[str], str]) -> None:
    """Translate with this function from now on."""
    global _translate
    _translate = translate


def translated(text: str, **values: object) -> str:
    """``text`` in the language of the window. With ``values`` it is a template for ``str.format``."""
    found = _translate(text)
    return found.format(**values) if values else found
