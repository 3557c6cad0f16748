# SPDX-License-Identifier: GPL-3.0-or-later
"""How ``--help`` and ``docs/command-line.md`` describe an argument: with its default."""

import argparse
from pathlib import Path

from ..optics.sizes import Size


class HelpFormatter(argparse.HelpFormatter):
    """Appends the default to the text of each argument that does not name it itself."""

    def _get_help_string(self, action: argparse.Action) -> str:
        return meaning_of(action).replace("%", "%%")


def meaning_of(action: argparse.Action, *, quote: str = "") -> str:
    """The text of an argument and its default, which stands between two ``quote``."""
    text = action.help or ""
    default = action.default
    is_shown = default not in (None, "", False, (), []) and "default" not in text and action.nargs != 0
    if not is_shown or not isinstance(default, str | int | float | Path | Size):
        return text
    return f"{text} (default: {quote}{_shown(default)}{quote})".strip()


def _shown(default: object) -> str:
    if not isinstance(default, Size):
        return str(default)
    return str(default.width) if default.width == default.height else f"{default.width}x{default.height}"
