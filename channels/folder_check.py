# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks the pictures that a folder has for a channel, without changing anything."""

from collections.abc import Sequence
from pathlib import Path

from ..files.kinds import FileKind, kind_of_file
from ..files.names import file_rule, safe_name
from ..messages.errors import InputError
from ..photo_set.folder import SetFolder
from .checking import Finding, findings_of
from .exporting import boxes_in, names_of
from .measuring import Measured, measured
from .pictures import Wishes, origin_of, selected
from .rules import Channel

_PICTURES = frozenset({FileKind.PNG, FileKind.JPEG, FileKind.WEBP, FileKind.AVIF})
_OTHER_PICTURES = (".gif", ".bmp", ".tif", ".tiff")


def check_channel(root: Path, channel: Channel) -> list[Finding]:
    """What the rules of a channel say about the pictures of a set, or of any folder with pictures.

    Of a set, this is what was exported for the channel, otherwise the photos as they are. Raises InputError when there
    are no pictures.
    """
    if not (root / "set.json").is_file():
        return _of_files(root, _files_in(root), channel)
    exported = root / "export" / channel.name
    if files := _files_in(exported):
        return _of_files(exported, files, channel)
    return _of_photos(SetFolder.open(root), channel)


def check_in_catalogue(catalogue: Path, root: Path, sku: str, channel: Channel) -> list[Finding]:
    """The same for the set in ``root``, whose pictures the catalogue exports together with those of the other sets."""
    exported = catalogue / "export" / channel.name
    if files := [exported / name for name in names_of(exported, sku) if (exported / name).is_file()]:
        return _of_files(exported, files, channel)
    return check_channel(root, channel)


def _of_files(root: Path, files: Sequence[Path], channel: Channel) -> list[Finding]:
    """A file that an export wrote has a known product; in others, it is what differs from the background."""
    if not files:
        raise InputError(f"{root} has no pictures.", hint="Name a set, or a folder with pictures.")
    boxes = boxes_in(root)
    close_ups = {name for name, box in boxes.items() if box is None}
    pictures = {path.name: measured(path, box=boxes.get(path.name)) for path in files}
    return findings_of(channel, pictures, close_ups)


def _of_photos(folder: SetFolder, channel: Channel) -> list[Finding]:
    chosen = selected(folder, channel, Wishes(include_unchecked=True))
    if not chosen.pictures:
        reasons = "; ".join(f"{angle}: {reason}" for angle, reason in chosen.held_back.items())
        raise InputError(f"{folder.root} has no photo for {channel.title} ({reasons or 'no angle'}).")
    name = safe_name(str(folder.record["product"]), file_rule("product"))
    pictures: dict[str, Measured] = {}
    close_ups: set[str] = set()
    for picture in chosen.pictures:
        place = f"{name}, {picture.angle}"
        pictures[place] = measured(picture.path, box=picture.box, origin=origin_of(picture))
        if picture.box is None:
            close_ups.add(place)
    return findings_of(channel, pictures, close_ups)


def _files_in(root: Path) -> list[Path]:
    if not root.is_dir():
        return []
    return [path for path in sorted(root.iterdir()) if path.is_file() and _is_picture(path)]


def _is_picture(path: Path) -> bool:
    if path.suffix.lower() in _OTHER_PICTURES:
        return True
    try:
        return kind_of_file(path) in _PICTURES
    except OSError:
        return False
