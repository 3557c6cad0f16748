# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pictures of a set a channel gets, and which are held back."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from ..imaging.compose import box_of
from ..imaging.provenance import SourceType
from ..imaging.sent_picture import DECODING_ERRORS
from ..messages.errors import InputError
from ..photo_set.choices import Engine
from ..photo_set.folder import SetFolder
from ..photo_set.review import is_accepted
from .measuring import Box
from .rules import Channel

MAIN = "main"
FURTHER = "further"
SPIN = "spin"
HERO = "three-quarter"
CLOSE_UP = "detail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A finished photo of a set. ``box``: where the product is, ``None`` when it is not shown whole. ``mask``: its file."""

    angle: str
    path: Path
    sha256: str
    entry: Mapping[str, Any]
    box: Box | None
    mask: Path | None = None

    @property
    def is_generated(self) -> bool:
        """Whether an AI model made it, or a part of it."""
        return self.entry.get("engine") == Engine.FAL.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What may be exported. ``angle`` of the main picture; "" for the hero."""

    angle: str = ""
    accepted_only: bool = False
    include_unchecked: bool = False


@dataclass(frozen=True, slots=True)
class Selection:
    """Pictures in their order, and why others are held back, by angle."""

    pictures: tuple[Picture, ...]
    held_back: Mapping[str, str]


def selected(folder: SetFolder, channel: Channel, wishes: Wishes) -> Selection:
    """The pictures of a set for a channel. Raises InputError when the main angle is not in the set."""
    record = folder.record
    if channel.angles == SPIN:
        return _spin_frames(folder, record.get("spin") or {})
    entries = {entry["name"]: entry for entry in record["angles"]}
    if wishes.angle and wishes.angle not in entries:
        raise InputError(
            f"{folder.root} has no angle {wishes.angle}.", hint=f"It has: {', '.join(entries) or 'none'}."
        )
    main = wishes.angle or (HERO if HERO in entries else next(iter(entries), ""))
    names = [main, *(name for name in entries if name != main)]
    if channel.angles == MAIN:
        names = names[:1]
    elif channel.angles == FURTHER:
        names = names[1:]
    pictures: list[Picture] = []
    held_back: dict[str, str] = {}
    for name in names:
        entry: Mapping[str, Any] = entries.get(name, {})
        photo: Mapping[str, Any] = entry.get("photo") or {}
        if not folder.has(photo):
            held_back[name] = "it has no finished photo"
        elif reason := _why_not(photo, wishes):
            held_back[name] = reason
        elif channel.is_cut_out and _mask(folder, entry) is None:
            held_back[name] = "its mask is missing (`resume` renders it)"
        else:
            try:
                pictures.append(_picture(folder, name, entry, photo))
            except DECODING_ERRORS:
                held_back[name] = "its mask cannot be read"
    return Selection(tuple(pictures), held_back)


def _spin_frames(folder: SetFolder, spin: Mapping[str, Any]) -> Selection:
    """The frames of the spin in their order, if all of them are there: a part of a turn is not a spin."""
    frames = spin.get("frames", [])
    if not frames:
        return Selection((), {"spin": "the set has none (make it with --spin 72)"})
    if len(frames) != spin["count"] or not all(map(folder.has, frames)):
        return Selection((), {"spin": "frames of it are missing or changed (`resume` renders them)"})
    pictures = (
        Picture(
            angle=Path(frame["path"]).stem,
            path=folder.root / frame["path"],
            sha256=frame["sha256"],
            entry=frame,
            box=tuple(frame["box"]),
        )
        for frame in frames
    )
    return Selection(tuple(pictures), {})


def _why_not(photo: Mapping[str, Any], wishes: Wishes) -> str:
    """Why a photo is held back; "" when it is not."""
    fidelity: Mapping[str, Any] = photo.get("fidelity") or {}
    review: Mapping[str, Any] = photo.get("review") or {}
    if review and not is_accepted(photo):
        return "it was rejected in the review"
    if wishes.accepted_only and not review:
        return "it was not accepted in a review"
    was_accepted = bool(fidelity.get("accepted")) or is_accepted(photo)
    if fidelity.get("rejected") and not was_accepted:
        return f"its check has rejected it: {fidelity.get('reason', '')}".rstrip(": .")
    is_generated = photo.get("engine") == Engine.FAL.value
    if is_generated and not fidelity and not was_accepted and not wishes.include_unchecked:
        return "an AI model made it, and it was not compared with its render (use --include-unchecked)"
    return ""


def _picture(folder: SetFolder, name: str, entry: Mapping[str, Any], photo: Mapping[str, Any]) -> Picture:
    path = folder.root / str(photo["path"])
    return Picture(
        angle=name,
        path=path,
        sha256=str(photo["sha256"]),
        entry=photo,
        box=None if name == CLOSE_UP else _box(folder, entry, path),
        mask=_mask(folder, entry),
    )


def _mask(folder: SetFolder, entry: Mapping[str, Any]) -> Path | None:
    path = folder.root / str(entry.get("mask") or "")
    return path if path.is_file() else None


def _box(folder: SetFolder, entry: Mapping[str, Any], photo: Path) -> Box | None:
    """Where the mask of an angle has the product, in the pixels of its photo."""
    mask_path = _mask(folder, entry)
    if mask_path is None:
        return None
    with Image.open(mask_path) as mask, Image.open(photo) as picture:
        box = box_of(mask.convert("L"))
        if box is None:
            return None
        across, down = picture.width / mask.width, picture.height / mask.height
        return (
            int(box[0] * across),
            int(box[1] * down),
            min(picture.width, int(-(-box[2] * across // 1))),
            min(picture.height, int(-(-box[3] * down // 1))),
        )


def origin_of(picture: Picture) -> str:
    """The source type of a picture, of sets that do not record it too."""
    stated = str(picture.entry.get("source_type") or "")
    return stated or (SourceType.GENERATED if picture.is_generated else SourceType.RENDER).value
