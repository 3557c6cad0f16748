# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of files and folders that come from outside: what they may be, and when two of them are the same."""

import unicodedata
from pathlib import PurePath
from typing import Any

MOST_BYTES = 255  # Of one name, on nearly every file system.
LONGEST_PATH = 4096
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
    """Whether Windows takes a file of this name for a device."""
    stem = unicodedata.normalize("NFKC", name).split(".")[0].split(":")[0]
    return stem.strip().casefold() in _DEVICES


def same_name(name: str) -> str:
    """Equal for names that some system takes for the same: in capitals or not, composed or not (Unicode, 3.13, D145)."""
    folded = unicodedata.normalize("NFD", name).casefold()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", folded))


def safe_name(text: str, *, otherwise: str) -> str:
    """``text`` as the name of a file or folder on every system; ``otherwise`` when nothing of it is left."""
    kept = "".join(letter if letter.isalnum() or letter in " -_." else "-" for letter in text)
    name = kept.strip(" .-")[:MAX_SAFE_LETTERS] or otherwise
    return f"_{name}" if is_device_name(name) else name


def component(value: Any) -> str:
    """The rule for one name within a folder: no path, on the system at hand, and one that a file can have."""
    is_one = (
        isinstance(value, str)
        and value not in ("", ".", "..")
        and not {"/", "\0"} & set(value)
        and PurePath(value).name == value
        and len(value.encode(errors="surrogatepass")) <= MOST_BYTES
    )
    if not is_one:
        raise ValueError("is not the name of a file in one folder")
    return str(value)


def path_text(value: Any) -> str:
    """The rule for a path as text; whether there is a file at it is another question."""
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_PATH or "\0" in value:
        raise ValueError("is not a path")
    return value


def inner_path(value: Any) -> str:
    """The rule for the path of a file within a folder, with slashes; links are another question."""
    try:
        for part in path_text(value).split("/"):
            component(part)
    except ValueError:
        raise ValueError("is not the path of a file inside the folder") from None
    return str(value)
