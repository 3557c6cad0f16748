# SPDX-License-Identifier: GPL-3.0-or-later
"""Write files so that a reader sees the old content or the new content, and never a part of it."""

import contextlib
import hashlib
import itertools
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .input_files import open_regular
from .part_files import part_for


def sha256_of(path: Path, max_bytes: int | None = None) -> str:
    """Hex SHA-256 of the bytes of a regular file. Raises OSError, as ``open_regular``."""
    with open_regular(path, max_bytes) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def flush_folder(folder: Path) -> None:
    """Make a rename inside ``folder`` survive a power cut, where the system supports that."""
    if os.name == "nt":
        return  # Windows cannot flush a folder.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def saying_where(folder: Path) -> Iterator[None]:
    """While entered, an OSError without a file name (as for a full disk) gets the name of ``folder``."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(folder)
        raise


def write_atomically(path: Path, data: bytes) -> None:
    """Replace the content of ``path``: a reader sees the old bytes or the new ones, never a mixture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = part_for(path)
    try:
        with saying_where(path.parent):
            _write_new(part, data)
        part.chmod(0o644)  # A set is meant to be shared.
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    flush_folder(path.parent)


def write_if_absent(path: Path, data: bytes) -> bool:
    """Create ``path`` with ``data``, flushed to disk; ``False`` when it exists already.

    A hard link makes the file appear complete. File systems without links (FAT) use exclusive creation instead,
    where a crash may leave an empty file.
    """
    whole = part_for(path)
    try:
        _write_new(whole, data)
        try:
            path.hardlink_to(whole)
        except FileExistsError:
            return False
        except OSError:
            if not _create_in_place(path, data):
                return False
    finally:
        whole.unlink(missing_ok=True)
    flush_folder(path.parent)
    return True


def _write_new(path: Path, data: bytes) -> None:
    with path.open("xb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _create_in_place(path: Path, data: bytes) -> bool:
    try:
        path.touch(exist_ok=False)
    except FileExistsError:
        return False
    try:
        with path.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError:
        path.unlink(missing_ok=True)  # Its creator gets the error and can try again.
        raise
    return True


def move_to_free_name(
    source: Path, target: Path, *, is_taken: Callable[[Path], bool] = lambda _path: False
) -> Path:
    """Give ``source`` the name ``target``, or the next that is free (``name.2.png``); nothing is overwritten.

    Both must be on one file system. An existing file with the same content is used instead, and ``source`` is
    removed, unless ``is_taken`` says that the file belongs to something else.
    """
    path = link_to_free_name(source, target, is_taken=is_taken)
    source.unlink(missing_ok=True)
    return path


def link_to_free_name(
    source: Path, target: Path, *, is_taken: Callable[[Path], bool] = lambda _path: False
) -> Path:
    """Let ``target``, or the next name that is free (``name.2.png``), be the same file; nothing is overwritten.

    A copy where the file system has no hard links. An existing file with the same content is used instead, unless
    ``is_taken`` says that it belongs to something else.
    """
    sha256 = ""
    for number in itertools.count(1):
        path = target if number == 1 else target.with_name(f"{target.stem}.{number}{target.suffix}")
        try:
            path.hardlink_to(source)
        except FileExistsError:
            sha256 = sha256 or sha256_of(source)
            if is_taken(path) or not (path.is_file() and sha256_of(path) == sha256):
                continue
        except OSError:
            if not _create_in_place(path, source.read_bytes()):
                continue
        flush_folder(path.parent)
        return path
    raise AssertionError("there is always another name")


def link_to(source: Path, target: Path) -> None:
    """Replace ``target`` with a hard link to ``source``, or with a copy where there are no hard links."""
    part = part_for(target)
    try:
        part.hardlink_to(source)
    except OSError:
        write_atomically(target, source.read_bytes())
        return
    try:
        part.replace(target)  # When both are already one file, this does nothing.
    finally:
        part.unlink(missing_ok=True)
    flush_folder(target.parent)


def copy_to_free_name(source: Path, target: Path) -> Path:
    """Copy ``source`` to ``target``, or to the next free name; nothing is overwritten."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = part_for(target)
    try:
        with saying_where(target.parent):
            _write_new(part, source.read_bytes())
        return move_to_free_name(part, target)
    finally:
        part.unlink(missing_ok=True)


def write_json_atomically(path: Path, value: Any) -> None:
    """Replace ``path`` as ``write_atomically``. Raises ValueError for numbers that are not finite."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    try:
        data = text.encode()
    except UnicodeEncodeError:  # A file name with bytes that are not UTF-8: write it with escapes.
        data = json.dumps(value, indent=2, allow_nan=False).encode()
    write_atomically(path, data + b"\n")


def copy_atomically(source: Path, target: Path) -> None:
    """Copy ``source`` to ``target``; ``target`` is never seen half-copied."""
    if target.exists() and source.samefile(target):
        return
    with open_regular(source) as stream:
        write_atomically(target, stream.read())
