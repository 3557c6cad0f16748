# SPDX-License-Identifier: GPL-3.0-or-later
"""The files among the arguments of a request: each is a ``Path`` until a hash or an address replaces it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


def files_in(arguments: Any) -> list[Path]:
    """Every file in the arguments once, in order."""
    found: dict[Path, None] = {}
    with_files(arguments, lambda path: found.setdefault(path))
    return list(found)


def with_files(value: Any, replacement: Callable[[Path], Any]) -> Any:
    """A copy of ``value`` with every file replaced by ``replacement(file)``."""
    if isinstance(value, Path):
        return replacement(value)
    if isinstance(value, Mapping):
        return {name: with_files(member, replacement) for name, member in value.items()}
    if isinstance(value, list):
        return [with_files(member, replacement) for member in value]
    return value
