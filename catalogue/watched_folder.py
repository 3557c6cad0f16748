# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder that products are put into: each 3D file or folder of photos becomes one when it is complete."""

import time
from dataclasses import dataclass
from pathlib import Path

from ..files.enclosed import is_in
from ..files.kinds import PICTURE_SUFFIXES, FileKind, kind_of_file, missing_end
from ..photo_set.source import MODEL_SUFFIXES

SETTLE_SECONDS = 5.0  # Without a change, after which files count as complete.
_UNFINISHED = {".part", ".partial", ".tmp", ".crdownload", ".download", ".filepart"}

_Print = tuple[tuple[str, int, int], ...]  # Name, size and time of each file.


@dataclass(frozen=True, slots=True)
class Arrival:
    """A product that is complete. ``sources`` are relative to the watched folder.

    ``error``: why it cannot be used; it has no sources then.
    """

    sku: str
    sources: tuple[str, ...]
    error: str = ""


class WatchedFolder:
    """Watches a folder. Call ``arrivals`` regularly."""

    def __init__(self, root: Path, *, settle_seconds: float = SETTLE_SECONDS) -> None:
        self._root = root
        self._settle_seconds = settle_seconds
        self._seen: dict[str, tuple[_Print, float]] = {}
        self._taken: dict[str, _Print] = {}

    def arrivals(self) -> list[Arrival]:
        """Products that are new or have changed since the last call and no longer change; oldest first."""
        now = time.monotonic()
        found = []
        stems: dict[str, str] = {}
        for place in sorted(self._root.iterdir(), key=lambda path: path.name):
            files = _files_of(place)
            if not files:
                continue
            plain = place.name if place.is_dir() else place.stem
            is_first = stems.setdefault(plain.casefold(), place.name) == place.name
            sku = plain if is_first else place.name  # mug.gltf beside mug.glb is another product.
            print_ = _print_of(files)
            before, since = self._seen.get(place.name, (None, now))
            if before != print_:
                self._seen[place.name] = print_, now
                continue
            if self._taken.get(place.name) == print_ or now - since < self._settle_seconds:
                continue
            error = self._error_of(files)
            if not error and any(map(_is_growing, files)) and now - since < 20 * self._settle_seconds:
                continue  # A slow copy pauses. A file that stays incomplete is returned eventually and rejected with the reason.
            self._taken[place.name] = print_
            arrival = Arrival(sku, (), error) if error else self._arrival(sku, files)
            found.append((max(changed for _name, _size, changed in print_), arrival))
        return [arrival for _time, arrival in sorted(found, key=lambda item: item[0])]

    def _error_of(self, files: list[Path]) -> str:
        """Names a link that leads out of the watched folder; "" when there is none."""
        leads_out = (path.name for path in files if not is_in(path.resolve(), [self._root]))
        name = next(leads_out, "")
        return f"{name} is a link that leads out of the watched folder" if name else ""

    def _arrival(self, sku: str, files: list[Path]) -> Arrival:
        models = [path for path in files if path.suffix.lower() in MODEL_SUFFIXES]
        chosen = models[:1] or [path for path in files if path.suffix.lower() in PICTURE_SUFFIXES]
        sources = tuple(path.relative_to(self._root).as_posix() for path in chosen)
        return Arrival(sku, sources)


def _files_of(place: Path) -> list[Path]:
    """The files of one product; none for what is hidden, unfinished by its name, or something else."""
    try:
        if place.name.startswith("."):
            return []
        if place.is_file():
            return [place] if place.suffix.lower() in MODEL_SUFFIXES else []
        files = sorted(path for path in place.iterdir() if path.is_file() and not path.name.startswith("."))
    except OSError:
        return []  # It is being moved, or cannot be read.
    if any(path.suffix.lower() in _UNFINISHED for path in files):
        return []
    suffixes = {path.suffix.lower() for path in files}
    return files if suffixes & (MODEL_SUFFIXES | PICTURE_SUFFIXES) else []


def _print_of(files: list[Path]) -> _Print:
    facts = []
    for path in files:
        try:
            stat = path.stat()
            facts.append((path.name, stat.st_size, stat.st_mtime_ns))
        except OSError:
            facts.append((path.name, -1, 0))
    return tuple(facts)


def _is_growing(path: Path) -> bool:
    """Whether the file's own container says that bytes are still to come."""
    try:
        return kind_of_file(path) is not FileKind.UNKNOWN and bool(missing_end(path))
    except (OSError, ValueError):
        return True
