# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets whose folders were read, and the icons of their pictures."""

from pathlib import Path
from typing import Any

import bpy
import bpy.utils.previews

from ..background_run.set_view import SetView

MAX_ICONS = 200  # Beyond these the icons of all sets are loaded again when they are needed.


class KnownSets:
    """Sets by their folders. Icons are loaded when a set is added, between ``open`` and ``close``, with a window only."""

    def __init__(self) -> None:
        self._views: dict[str, SetView] = {}
        self._icons: Any = None

    def open(self) -> None:
        """Keep icons until ``close``."""
        self._icons = bpy.utils.previews.new()

    def close(self) -> None:
        """Release the icons."""
        bpy.utils.previews.remove(self._icons)
        self._icons = None

    def view_of(self, folder: str | Path) -> SetView | None:
        """The set as it was last read."""
        return self._views.get(str(folder))

    def icon_of(self, path: Path | None, stamp: str) -> int:
        """The icon of a picture; 0 when there is none."""
        if path is None or self._icons is None:
            return 0
        known = self._icons.get(f"{path}|{stamp}")
        return known.icon_id if known else 0

    def take(self, folder: str | Path, view: SetView | None) -> None:
        """Add what was read of a folder; ``None`` when it has no set (any more)."""
        if view is None:
            self._views.pop(str(folder), None)
            return
        self._views[str(folder)] = view
        if bpy.app.background or self._icons is None:
            return
        for picture in view.pictures:
            self._load(picture.render, picture.stamp)
            self._load(picture.photo, picture.stamp)
            for take in picture.takes:
                self._load(take.photo, take.stamp)

    def _load(self, path: Path | None, stamp: str) -> None:
        name = f"{path}|{stamp}"
        if path is None or name in self._icons:
            return
        if len(self._icons) >= MAX_ICONS:
            self._icons.clear()
        self._icons.load(name, str(path), "IMAGE")
