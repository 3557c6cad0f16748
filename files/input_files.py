# SPDX-License-Identifier: GPL-3.0-or-later
"""Read files and JSON that come from outside, with limits on their type, size and nesting.

A name that a user gives, directly or in a file, can lead to a pipe without a writer, an endless device, or a sparse
file of a terabyte. JSON can be nested 100,000 levels deep or contain numbers that no float can hold. All of these are
refused with an ``OSError`` or a ``ValueError`` whose text completes "FILE cannot be read (…)".
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

MAX_LEVELS = 100  # Of nesting. Our own files and fal.ai's responses need fewer than 20.
MAX_INNER_LEVELS = MAX_LEVELS - 10  # Of a value that is stored inside another JSON file.
MAX_DIGITS = 30  # Of an integer: more than any count, seed or file size has.
MAX_JSON_BYTES = 64 << 20  # Of one JSON file of ours.

_KINDS = (
    (stat.S_ISDIR, "it is a folder"),
    (stat.S_ISFIFO, "it is a pipe, not a file"),
    (stat.S_ISSOCK, "it is a socket, not a file"),
    (stat.S_ISCHR, "it is a device, not a file"),
    (stat.S_ISBLK, "it is a device, not a file"),
)


def open_regular(
    path: Path, max_bytes: int | None = None, *, follows_links: bool = True
) -> io.BufferedReader:
    """Open a regular file for reading. ``max_bytes``: ``None`` for any size.

    ``follows_links``: whether ``path`` may be a link itself; pass False for a resolved path that was checked.

    The file is checked before it is opened, because opening a device or a pipe has effects or blocks, and again
    afterwards, because another file may have replaced it. Raises OSError, with the reason as ``strerror``.
    """
    try:
        _require_regular(path, path.stat(), max_bytes)
        names = ("O_NONBLOCK", "O_BINARY", "O_CLOEXEC", *(() if follows_links else ("O_NOFOLLOW",)))
        descriptor = os.open(path, os.O_RDONLY | sum(getattr(os, name, 0) for name in names))
    except ValueError as error:  # A null character: Python does not ask the system.
        raise OSError(errno.EINVAL, "its name is not possible", str(path)) from error
    try:
        _require_regular(path, os.fstat(descriptor), max_bytes)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_regular(path: Path, max_bytes: int) -> bytes:
    """The bytes of a regular file of at most ``max_bytes``. Raises OSError, as ``open_regular``."""
    with open_regular(path, max_bytes) as stream:
        data = stream.read(max_bytes + 1)
    if len(data) > max_bytes:  # It grew after it was opened.
        raise _too_large(path, max_bytes)
    return data


def read_json(path: Path, max_bytes: int = MAX_JSON_BYTES, *, is_lenient: bool = False) -> Any:
    """The value in a JSON file. Raises OSError, as ``open_regular``, and ValueError, as ``parsed_json``."""
    return parsed_json(read_regular(path, max_bytes), is_lenient=is_lenient)


def parsed_json(
    text: str | bytes,
    *,
    number: Callable[[str], Any] = float,
    max_levels: int = MAX_LEVELS,
    is_lenient: bool = False,
    may_have_raw_control: bool = False,
) -> Any:
    """The value of a JSON text; ``number`` makes the numbers with a decimal point or an exponent.

    Numbers that are not finite and integers of more than ``MAX_DIGITS`` digits are refused. With ``is_lenient`` they
    become ``None``: one such number must not make the rest of a paid result useless. With ``may_have_raw_control``,
    texts may contain control characters that are not escaped.

    Raises ValueError for them, for what is not JSON (RFC 8259), and for more than ``max_levels`` of nesting.
    """
    try:
        if isinstance(text, bytes):
            text = text.decode(json.detect_encoding(text))
        value = json.loads(
            text,
            strict=not may_have_raw_control,
            parse_constant=lambda name: _checked(None, name, is_lenient),
            parse_int=lambda digits: _checked(_whole(digits), digits, is_lenient),
            parse_float=lambda digits: _checked(_finite(number(digits)), digits, is_lenient),
        )
    except RecursionError:
        raise ValueError(_too_deep(max_levels)) from None
    except UnicodeDecodeError as error:
        raise ValueError("it is not UTF-8 text") from error
    except json.JSONDecodeError as error:
        line = f"line {error.lineno}, " if "\n" in text else ""
        raise ValueError(f"{line}column {error.colno}: {error.msg}") from error
    if text.count("[") + text.count("{") > max_levels:
        _require_flat(value, max_levels)
    return value


def _require_regular(path: Path, facts: os.stat_result, max_bytes: int | None) -> None:
    if not stat.S_ISREG(facts.st_mode):
        reason = next((text for is_such, text in _KINDS if is_such(facts.st_mode)), "it is not a file")
        raise OSError(errno.EINVAL, reason, str(path))
    if max_bytes is not None and facts.st_size > max_bytes:
        raise _too_large(path, max_bytes)


def _too_large(path: Path, max_bytes: int) -> OSError:
    return OSError(errno.EFBIG, f"it is larger than {shown_bytes(max_bytes)}", str(path))


def shown_bytes(count: int) -> str:
    """A size for a message, in the largest unit that it fills."""
    for unit, name in ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "KB")):
        if count >= unit:
            return f"{count // unit} {name}"
    return f"{count} bytes"


def _whole(digits: str) -> int | None:
    return int(digits) if len(digits) <= MAX_DIGITS else None


def _finite(number: Any) -> Any:
    return number if math.isfinite(number) else None


def _checked(number: Any, digits: str, is_lenient: bool) -> Any:
    if number is None and not is_lenient:
        shown = digits if len(digits) <= MAX_DIGITS else f"{digits[:MAX_DIGITS]}…"
        raise ValueError(f"the number {shown} is out of range")
    return number


def _too_deep(max_levels: int) -> str:
    return f"it is nested more than {max_levels} levels deep"


def _require_flat(value: Any, max_levels: int) -> None:
    """Check level by level, without recursion, which deep values would exhaust."""
    level = [value]
    for _depth in range(max_levels):
        level = [
            part
            for item in level
            if isinstance(item, dict | list)
            for part in (item.values() if isinstance(item, dict) else item)
            if isinstance(part, dict | list)
        ]
        if not level:
            return
    raise ValueError(_too_deep(max_levels))
