# SPDX-License-Identifier: GPL-3.0-or-later
"""Conversions of arguments for argparse: from the rules that the product has for values, or from text."""

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from ..files.invisible import named
from ..files.values import Rule, number, read_number, read_whole, shown
from ..imaging.choices import Pass
from ..messages.errors import InputError
from ..optics.sizes import Size, parse_size
from ..photo_set.plan_values import OPTION_NAME, OPTION_VALUE

T = TypeVar("T")

KEEP = "keep"


def argument(rule: Rule[T], read: Callable[[str], Any] = str) -> Callable[[str], T]:
    """An argparse type for values that pass ``rule``; ``read`` converts the text first, or leaves it to the rule."""

    def convert(text: str) -> T:
        try:
            return rule(read(text))
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{shown(text)} {error}") from error

    return convert


def named_value(value: Any) -> tuple[str, str]:
    """``NAME=VALUE`` as a pair."""
    name, equals, rest = value.partition("=")
    if not name or not equals:
        raise ValueError("is not NAME=VALUE")
    return OPTION_NAME(name), OPTION_VALUE(rest)


def passes(value: Any) -> tuple[Pass, ...]:
    """``depth,normal`` as passes, in the order of ``Pass``."""
    names = [name.strip() for name in value.split(",")]
    if unknown := [name for name in names if name not in set(Pass)]:
        raise ValueError(f"has {shown(unknown[0])}, which is not one of {', '.join(Pass)}")
    if repeated := next((name for name in names if names.count(name) > 1), None):
        raise ValueError(f"names {shown(repeated)} twice")
    return tuple(kind for kind in Pass if kind in names)


def address(value: Any) -> str:
    """A text that is not empty: an unset variable of a script would quietly mean the real, paid fal.ai."""
    if not value.strip():
        raise ValueError("is empty")
    return str(value)


def millimetres(text: str) -> float | str:
    """The number in "50" or "50mm"."""
    return read_number(text.strip().lower().removesuffix("mm"))


_MAX_MEGABYTES = number(0.001, 4000.0)


def megabytes(text: str) -> float:
    """The number in "5" or "5MB"; a type for argparse."""
    return argument(_MAX_MEGABYTES, lambda text: read_number(text.strip().lower().removesuffix("mb")))(text)


def seconds_or_keep(text: str) -> Any:
    """The number in "3600"; ``None`` for ``KEEP``."""
    return None if text.strip().lower() == KEEP else read_whole(text)


def name(value: Any) -> str:
    """The path or address that a text names. An empty one, such as an unset variable, would mean the current folder."""
    if not (found := named(value)):
        raise ValueError("does not name a file")
    return found


def place(text: str) -> Path:
    """``name`` as the path of a file or a folder, without ".." where it can be; a type for argparse."""
    return _without_dots(Path(argument(name)(text)))


def _without_dots(path: Path) -> Path:
    """The same place as messages show it. After a link, ".." leads elsewhere, so there it stays."""
    if ".." not in path.parts:
        return path
    plain = Path(os.path.normpath(path.absolute()))
    try:
        return plain if plain.resolve() == path.resolve() else path
    except (OSError, RuntimeError):  # A loop of links.
        return path


def folder(value: Any) -> Path:
    """An existing folder, absolute."""
    path = _without_dots(Path(value)).absolute()
    if not value.strip() or not path.is_dir():
        raise ValueError("is not a folder")
    return path


def resolution(text: str) -> Size:
    try:
        return parse_size(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error).rstrip(".")) from error
