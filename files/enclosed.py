# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that another file may name: those in its own folder, and no others.

A 3D file, a ``set.json`` or the lock of a catalogue may come from a stranger, and each of them names more files. Such
a name is used only when it is relative and stays inside its folder after all links are followed. Only regular files
of a limited size are read: devices, pipes and sockets are refused before they are opened.

Two kinds of names are exempt: names that the user gives (on the command line, in a catalogue file), and originals
that are recorded with the SHA-256 of their content.
"""

import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path

from ..messages.errors import InputError
from .input_files import open_regular
from .names import component

SHOWN_LENGTH = 80  # Characters of a name in a message.
_DRIVE = re.compile(r"[A-Za-z]:")


class OutsideError(InputError):
    """A file names another one that is outside its folder."""


def shown(name: str) -> str:
    """``name`` quoted for a message; a long one is shortened in the middle."""
    half = SHOWN_LENGTH // 2
    return repr(name if len(name) <= SHOWN_LENGTH else f"{name[:half]}…{name[-half:]}")


def check_name(name: str, owner: str, *, hint: str = "") -> str:
    """The relative path ``name`` with slashes instead of backslashes, so that it means the same on every system.

    ``owner`` is what messages call the file that names it. The disk is not accessed.
    Raises OutsideError for an absolute path and for one that leaves its folder.
    """
    plain = name.replace("\\", "/")
    climbs = os.path.normpath(plain).replace("\\", "/").split("/")[0] == ".."
    if plain.startswith("/") or _DRIVE.match(plain) or climbs:
        raise outside(name, owner, hint=hint)
    return plain


def outside(name: str, owner: str, *, hint: str = "") -> OutsideError:
    """The error for ``name``, which is outside the folder of ``owner``."""
    return OutsideError(f"{owner} names {shown(name)}, which is outside its folder.", hint=hint)


def place_in(folder: Path, name: str, owner: str, *, hint: str = "") -> Path | None:
    """The path of the file that ``owner`` calls ``name`` in ``folder``, with all links followed.

    It may be missing. None when the name is not possible. Raises OutsideError when it is outside ``folder``.
    """
    plain = check_name(name, owner, hint=hint)
    try:
        path = (folder / plain).resolve()
    except (OSError, ValueError, RuntimeError):  # Too long, a null character, or a loop of links.
        return None
    if not is_in(path, (folder,)):
        raise outside(name, owner, hint=hint)
    return path


def is_in(path: Path, folders: Iterable[Path]) -> bool:
    """Whether the resolved ``path`` is one of ``folders`` or inside one. Links in ``folders`` are followed."""
    return any(path.is_relative_to(folder.resolve()) for folder in folders)


def find_in(folder: Path, name: str, owner: str, *, max_bytes: int, hint: str = "") -> Path | None:
    """The regular file that ``owner`` calls ``name`` in ``folder``; None when there is none.

    Nothing is opened. Raises OutsideError when it is outside ``folder``, and InputError for a device, a pipe or a
    socket, or when the file has more than ``max_bytes``.
    """
    path = place_in(folder, name, owner, hint=hint)
    try:
        status = None if path is None else path.stat()
    except (OSError, ValueError):
        return None
    if status is None or stat.S_ISDIR(status.st_mode):
        return None
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{owner} names {shown(name)}, which is not a regular file.", hint=hint)
    if status.st_size > max_bytes:
        raise InputError(
            f"{owner} names {shown(name)}, which is too large ({status.st_size:,} bytes; the maximum is {max_bytes:,}).",
            hint=hint,
        )
    return path


def read_in(folder: Path, name: str, owner: str, *, max_bytes: int, hint: str = "") -> bytes | None:
    """The content of the file that ``find_in`` finds; None when there is none or it cannot be read.

    Raises as ``find_in``.
    """
    path = find_in(folder, name, owner, max_bytes=max_bytes, hint=hint)
    if path is None:
        return None
    try:
        with open_regular(path, follows_links=False) as stream:
            return stream.read(max_bytes)
    except OSError:
        return None


def is_plain_name(name: object) -> bool:
    """Whether this is the bare name of a file or folder, without a path."""
    try:
        component(name)
    except ValueError:
        return False
    return True


def refuse_link(path: Path) -> None:
    """Raises InputError when ``path`` itself is a link: what is written there would go elsewhere."""
    if _is_link(path):
        raise InputError(
            f"{path} is a link, which may lead to another folder.",
            hint="Replace the link with the file or folder itself.",
        )


def refuse_links(paths: Iterable[Path]) -> None:
    """Raises InputError as ``refuse_link`` for each of ``paths`` and for everything below them."""
    for path in paths:
        refuse_link(path)
        for folder, folders, files in os.walk(path):
            for name in (*folders, *files):
                refuse_link(Path(folder, name))


def _is_link(path: Path) -> bool:
    """Symbolic links, and junctions of Windows, which Python recognizes only since 3.12."""
    try:
        status = path.lstat()
    except (OSError, ValueError):
        return False
    junction = getattr(stat, "IO_REPARSE_TAG_MOUNT_POINT", None)
    return stat.S_ISLNK(status.st_mode) or (
        junction is not None and getattr(status, "st_reparse_tag", 0) == junction
    )
