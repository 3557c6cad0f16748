# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and paths of files: which ones are allowed, and when two names mean the same file."""

import os
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True, kw_only=True)
class NameRule:
    """What ``safe_name`` changes in a text.

    A set is found by its name. If a rule gives another name, the set is not continued: it is made and paid again.
    """

    other: re.Pattern[str]  # What is not allowed in the name; ``stand_in`` takes its place.
    stand_in: str
    otherwise: str  # The name when nothing is left.
    ends: str  # Removed at both ends before the name is cut.
    ends_of_cut: str  # Removed at the end after it.
    max_letters: int
    max_bytes: int = MAX_NAME_BYTES  # In UTF-8.
    is_reserved: Callable[[str], bool] = is_device_name
    free: str = "_{}"  # The pattern that turns a reserved name into one that is not reserved.


def file_rule(otherwise: str) -> NameRule:
    """The rule for files and folders in general: letters and digits of all scripts, spaces, ``-``, ``_`` and dots."""
    return NameRule(
        other=re.compile(r"[^\w .-]"),
        stand_in="-",
        otherwise=otherwise,
        ends=" .-",
        ends_of_cut="",
        max_letters=MAX_SAFE_LETTERS,
    )


def safe_name(text: str, rule: NameRule) -> str:
    """``text`` as the name of a file or folder on every system."""
    name = rule.other.sub(rule.stand_in, text).strip(rule.ends)[: rule.max_letters]
    name = name.encode()[: rule.max_bytes].decode(errors="ignore")  # File systems count bytes.
    name = name.rstrip(rule.ends_of_cut) or rule.otherwise
    return rule.free.format(name) if rule.is_reserved(name) else name


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
