# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and paths of files: which ones are allowed, and when two names mean the same file."""

import os
import unicodedata
from pathlib import Path, PurePath
from typing import Any

MAX_NAME_BYTES = 255  # The limit of nearly every file system.
MAX_PATH_LENGTH = 4096
MAX_SAFE_LETTERS = 60  # Leaves room for a suffix, and for folders around it on Windows.

# Windows opens a device for these, whatever follows the first dot. NFKC makes the digits of COM¹ plain.
# Source: "Naming Files, Paths, and Namespaces" in Microsoft's documentation of Windows.
_DEVICES = frozenset(
    {
        *("con", "prn", "aux", "nul", "conin$", "conout$"),
        *(f"{port}{digit}" for port in ("com", "lpt") for digit in range(10)),
    }
)


def is_device_name(name: str) -> bool:
    """Whether Windows opens a device instead of a file of this name."""
    stem = unicodedata.normalize("NFKC", name).split(".")[0].split(":")[0]
    return stem.strip().casefold() in _DEVICES


def same_name(name: str) -> str:
    """Equal for names that some systems treat as one: they differ in case or in composition (Unicode, 3.13, D145)."""
    folded = unicodedata.normalize("NFD", name).casefold()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", folded))


def portable_path(path: Path, folder: Path) -> str:
    """``path`` relative to ``folder``, with slashes, so that both can be moved together.

    Absolute where there is no relative path: on another drive of Windows.
    """
    try:
        return Path(os.path.relpath(path.absolute(), folder.absolute())).as_posix()
    except ValueError:
        return path.absolute().as_posix()


def safe_name(text: str, *, otherwise: str) -> str:
    """``text`` as the name of a file or folder on every system; ``otherwise`` when nothing of it is left."""
    kept = "".join(letter if letter.isalnum() or letter in " -_." else "-" for letter in text)
    name = kept.strip(" .-")[:MAX_SAFE_LETTERS] or otherwise
    return f"_{name}" if is_device_name(name) else name


def component(value: Any) -> str:
    """The rule for a bare name in a folder: not a path on this system, and possible for a file."""
    is_one = (
        isinstance(value, str)
        and value not in ("", ".", "..")
        and not {"/", "\0"} & set(value)
        and PurePath(value).name == value
        and len(value.encode(errors="surrogatepass")) <= MAX_NAME_BYTES
    )
    if not is_one:
        raise ValueError("is not the name of a file in one folder")
    return str(value)


def path_text(value: Any) -> str:
    """The rule for a path as text. The disk is not accessed."""
    if not isinstance(value, str) or not 0 < len(value) <= MAX_PATH_LENGTH or "\0" in value:
        raise ValueError("is not a path")
    return value


def inner_path(value: Any) -> str:
    """The rule for the path of a file inside a folder, with slashes. Links are not checked."""
    try:
        for part in path_text(value).split("/"):
            component(part)
    except ValueError:
        raise ValueError("is not the path of a file inside the folder") from None
    return str(value)
