# SPDX-License-Identifier: GPL-3.0-or-later
"""Files and JSON that come from outside: read only when they are regular, bounded, and of a sane shape.

A name from a user, or from a file of a user, can lead to a pipe that nobody writes to, a device without an end, or a
sparse file of a terabyte. JSON can be nested 100,000 levels deep or hold numbers that no float can. Everything here
refuses these with an ``OSError`` or a ``ValueError`` whose text completes "FILE cannot be read (…)".
"""

import errno
import io
import json
import math
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

MOST_LEVELS = 100  # Of nesting. Our own files and fal.ai's answers need fewer than 20.
MOST_INNER_LEVELS = MOST_LEVELS - 10  # Of a value that is stored inside another JSON file.
MOST_DIGITS = 30  # Of a whole number: more than any count, seed or number of bytes has.
MOST_JSON_BYTES = 64 << 20  # Of one JSON file of ours.

_KINDS = (
    (stat.S_ISDIR, "it is a folder"),
    (stat.S_ISFIFO, "it is a pipe, not a file"),
    (stat.S_ISSOCK, "it is a socket, not a file"),
    (stat.S_ISCHR, "it is a device, not a file"),
    (stat.S_ISBLK, "it is a device, not a file"),
)


def open_regular(
    path: Path, most_bytes: int | None = None, *, follows_links: bool = True
) -> io.BufferedReader:
    """Open a regular file for reading. ``most_bytes``: ``None`` for any size.

    ``follows_links``: whether ``path`` may be a link itself; where a resolved path was checked, none may take its place.

    It is looked at before it is opened, because opening alone can start a device or wait for a pipe, and once more
    afterwards, because another file can have taken its place. Raises OSError, with the reason as ``strerror``.
    """
    try:
        _require_regular(path, path.stat(), most_bytes)
        names = ("O_NONBLOCK", "O_BINARY", "O_CLOEXEC", *(() if follows_links else ("O_NOFOLLOW",)))
        descriptor = os.open(path, os.O_RDONLY | sum(getattr(os, name, 0) for name in names))
    except ValueError as error:  # A NUL: the system was not even asked.
        raise OSError(errno.EINVAL, "its name is not possible", str(path)) from error
    try:
        _require_regular(path, os.fstat(descriptor), most_bytes)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_regular(path: Path, most_bytes: int) -> bytes:
    """The bytes of a regular file of at most ``most_bytes``. Raises OSError, as ``open_regular``."""
    with open_regular(path, most_bytes) as stream:
        data = stream.read(most_bytes + 1)
    if len(data) > most_bytes:  # It has grown since it was opened.
        raise _too_large(path, most_bytes)
    return data


def read_json(path: Path, most_bytes: int = MOST_JSON_BYTES, *, is_lenient: bool = False) -> Any:
    """The value in a JSON file. Raises OSError, as ``open_regular``, and ValueError, as ``parsed_json``."""
    return parsed_json(read_regular(path, most_bytes), is_lenient=is_lenient)


def parsed_json(
    text: str | bytes,
    *,
    number: Callable[[str], Any] = float,
    most_levels: int = MOST_LEVELS,
    is_lenient: bool = False,
) -> Any:
    """The value of a JSON text; ``number`` makes the numbers with a decimal point or an exponent.

    Numbers that are not finite and whole numbers of more than ``MOST_DIGITS`` are refused, or ``None`` when
    ``is_lenient``: in what was paid for, one such number must not make the rest useless.

    Raises ValueError for them, for what is not JSON (RFC 8259), and for more than ``most_levels`` of nesting.
    """
    try:
        if isinstance(text, bytes):
            text = text.decode(json.detect_encoding(text))
        value = json.loads(
            text,
            parse_constant=lambda name: _checked(None, name, is_lenient),
            parse_int=lambda digits: _checked(_whole(digits), digits, is_lenient),
            parse_float=lambda digits: _checked(_finite(number(digits)), digits, is_lenient),
        )
    except RecursionError:
        raise ValueError(_too_deep(most_levels)) from None
    except UnicodeDecodeError as error:
        raise ValueError("it is not UTF-8 text") from error
    except json.JSONDecodeError as error:
        line = f"line {error.lineno}, " if "\n" in text else ""
        raise ValueError(f"{line}column {error.colno}: {error.msg}") from error
    if text.count("[") + text.count("{") > most_levels:
        _require_flat(value, most_levels)
    return value


def _require_regular(path: Path, facts: os.stat_result, most_bytes: int | None) -> None:
    if not stat.S_ISREG(facts.st_mode):
        reason = next((words for is_such, words in _KINDS if is_such(facts.st_mode)), "it is not a file")
        raise OSError(errno.EINVAL, reason, str(path))
    if most_bytes is not None and facts.st_size > most_bytes:
        raise _too_large(path, most_bytes)


def _too_large(path: Path, most_bytes: int) -> OSError:
    return OSError(errno.EFBIG, f"it is larger than {_shown_bytes(most_bytes)}", str(path))


def _shown_bytes(count: int) -> str:
    for unit, name in ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "KB")):
        if count >= unit:
            return f"{count // unit} {name}"
    return f"{count} bytes"


def _whole(digits: str) -> int | None:
    return int(digits) if len(digits) <= MOST_DIGITS else None


def _finite(number: Any) -> Any:
    return number if math.isfinite(number) else None


def _checked(number: Any, digits: str, is_lenient: bool) -> Any:
    if number is None and not is_lenient:
        shown = digits if len(digits) <= MOST_DIGITS else f"{digits[:MOST_DIGITS]}…"
        raise ValueError(f"the number {shown} is out of range")
    return number


def _too_deep(most_levels: int) -> str:
    return f"it is nested more than {most_levels} levels deep"


def _require_flat(value: Any, most_levels: int) -> None:
    """Level by level, without recursion: deep values must not end the reader."""
    level = [value]
    for _depth in range(most_levels):
        level = [
            part
            for item in level
            if isinstance(item, dict | list)
            for part in (item.values() if isinstance(item, dict) else item)
            if isinstance(part, dict | list)
        ]
        if not level:
            return
    raise ValueError(_too_deep(most_levels))
