# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the file that a glTF file means when its name is not quite that of the file beside it.

Exporters on Windows write names as the disk there has them: in other capitals, or as the absolute path on the machine of
the artist. Only the folder of the glTF file is searched.
"""

import difflib
import os
from collections.abc import Iterator
from pathlib import Path

from ..files.enclosed import is_in
from ..files.invisible import trimmed
from ..files.names import same_name

MAX_ENTRIES = 100_000  # Of one folder, that are looked through.
MAX_PARTS = 64  # Of a path.
SIMILAR = 0.6  # The share of equal letters (``difflib``).


def nearby_name(folder: Path, name: str) -> str | None:
    """``name``, a relative path with slashes, as the disk spells it; ``None`` when there is nothing of that name.

    Capitals and the composition of accented letters may differ, when only one file is meant then.
    """
    parts = [part for part in os.path.normpath(name).replace("\\", "/").split("/") if part not in ("", ".")]
    if not parts or ".." in parts or len(parts) > MAX_PARTS:
        return None
    found: list[str] = []
    for part in parts:
        entry = _entry(folder.joinpath(*found), part, folder)
        if entry is None:
            return None
        found.append(entry)
    return "/".join(found)


def last_parts_in(folder: Path, path: str) -> str | None:
    """The file in ``folder`` that an absolute ``path`` of another machine ends with; the longest end counts."""
    parts = [part for part in path.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    for start in range(max(0, len(parts) - MAX_PARTS), len(parts)):
        name = nearby_name(folder, "/".join(parts[start:]))
        if name is not None and (folder / name).is_file():
            return name
    return None


def similar_names(folder: Path, name: str, count: int = 3) -> list[str]:
    """Paths in ``folder`` of files with a name like the last part of ``name``, the most similar first.

    They are looked for where the path leads, in the folder itself, and in the folders directly in it.
    """
    *above, last = [part for part in name.replace("\\", "/").split("/") if part] or [""]
    ends = (nearby_name(folder, "/".join(above[start:])) for start in range(len(above)))
    inner = [entry for entry in _names_in(folder, folder) if (folder / entry).is_dir()][:MAX_PARTS]
    places = dict.fromkeys([*(end for end in ends if end), "", *sorted(inner)])
    for cutoff in (1.0, SIMILAR):  # The same name in another folder comes first.
        for place in places:
            names = {same_name(entry): entry for entry in _names_in(folder / place, folder)}
            if near := difflib.get_close_matches(same_name(last), names, n=count, cutoff=cutoff):
                return [(Path(place) / names[key]).as_posix() for key in near]
    return []


def _entry(folder: Path, part: str, top: Path) -> str | None:
    """The entry of ``folder`` that ``part`` means; ``None`` when there is none, or more than one."""
    if os.path.lexists(folder / part):
        return part
    wanted = {same_name(part), same_name(trimmed(part))}
    near = [name for name in _names_in(folder, top) if same_name(name) in wanted]
    return near[0] if len(near) == 1 else None


def _names_in(folder: Path, top: Path) -> Iterator[str]:
    """The names in ``folder``; none when a link leads out of ``top``."""
    try:
        if not is_in(folder.resolve(), (top,)):
            return
        with os.scandir(folder) as entries:
            for number, entry in enumerate(entries):
                if number >= MAX_ENTRIES:
                    return
                yield entry.name
    except (OSError, ValueError, RuntimeError):
        return
