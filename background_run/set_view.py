# SPDX-License-Identifier: GPL-3.0-or-later
"""The contents of a set folder, read once: what the Gallery panel draws."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ..fal_bridge.journal import Stage, shown_key
from ..files.enclosed import place_in
from ..files.input_files import read_json
from ..imaging.choices import HERO
from ..messages.errors import InputError
from ..photo_set.choices import Engine
from ..photo_set.part_states import part_states
from ..photo_set.pending import entries_in, pending_in
from ..photo_set.rejection import is_rejected, reason_of, verdict_of
from ..photo_set.set_json import Manifest
from ..photo_set.takes import Shelf, own_file, takes_in
from .setting_words import with_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """One of the photos that were made of an angle. ``photo`` is None for a file that is gone; ``price``: US dollars.

    ``made_by``: the endpoint or Cycles, with its ``samples``. ``request_id``: its request at fal.ai, "" without one.
    ``verdict``, ``reason`` and ``is_rejected`` are as those of ``Picture``.
    """

    number: int
    photo: Path | None
    stamp: str
    made_by: str
    price: float | None
    samples: int | None = None
    request_id: str = ""
    verdict: str = ""
    reason: str = ""
    is_rejected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One angle. Paths are None while there is no file; ``stamp`` changes with the files; ``price`` is in US dollars.

    ``mask``, ``depth`` and ``normal`` belong to the render. ``take`` is the number of the chosen take, ``takes`` are all of them, oldest first. ``verdict`` is what the comparison with the
    render has found, "" for a photo that was not checked, and "accepted" when a person has overruled it.
    """

    name: str
    render: Path | None
    photo: Path | None
    stamp: str
    state: str
    error: str
    price: float | None
    engine: str
    request_id: str = ""
    mask: Path | None = None
    depth: Path | None = None
    normal: Path | None = None
    take: int = 1
    takes: tuple[Take, ...] = ()
    verdict: str = ""
    reason: str = ""
    is_rejected: bool = False

    def take_of(self, number: int) -> Take | None:
        """The take with this number, or else the chosen one; ``None`` before there is a photo."""
        found = {take.number: take for take in self.takes}
        return found.get(number) or found.get(self.take) or (self._as_take if self.photo else None)

    @property
    def _as_take(self) -> Take:
        """What is known of the photo of a set without a list of takes."""
        return Take(
            number=self.take,
            photo=self.photo,
            stamp=self.stamp,
            made_by=self.engine,
            price=self.price,
            request_id=self.request_id,
            verdict=self.verdict,
            reason=self.reason,
            is_rejected=self.is_rejected,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Video:
    """One video of the set. ``path`` is None while there is no file.

    ``price``: US dollars; None for one by Cycles. ``angles``: those whose photos it is made from. ``verdict``, ``reason`` and ``is_rejected`` are as those of ``Picture``, of the comparison over time.
    """

    motion: str
    path: Path | None
    state: str
    error: str
    price: float | None = None
    angles: tuple[str, ...] = ()
    request_id: str = ""
    verdict: str = ""
    reason: str = ""
    is_rejected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """The 3D model of the set. ``path`` is None while there is no file.

    ``endpoint`` and ``request_id`` are those at fal.ai that made it; "" for a model of the artist. ``size_m``: width, depth
    and height in meters; empty while they are not known.
    """

    path: Path | None = None
    endpoint: str = ""
    request_id: str = ""
    size_m: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A paid request whose answer was lost, and that waits for a decision.

    ``resend_at``: when it may be sent again without a look at the dashboard, in seconds since 1970. ``request_id``: its
    likely id at fal.ai; "" where none is known.
    """

    key: str
    label: str
    resend_at: float = 0.0
    request_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetView:
    """What ``set.json`` and the journal of a folder say.

    ``pending``: requests that fal.ai may still be working on. ``spent`` and ``model_price`` are in US dollars, as far as
    prices are known. ``problems``: what is wrong with the model, worst first, without what is only a note.
    """

    folder: Path
    product: str
    state: str
    error: str
    pictures: tuple[Picture, ...]
    videos: tuple[Video, ...]
    held: tuple[Held, ...]
    spent: float
    is_model_bought: bool = False  # Made by fal.ai, or about to be; not the user's own file.
    pays: bool = False  # Whether anything of it is made by fal.ai.
    model_price: float | None = None  # Of the newest model that was received.
    model: Model = Model()
    problems: tuple[str, ...] = ()
    pending: int = 0
    shown_hero: str = ""  # With ``--with-hero``: the angle whose photo the others are made from.
    lacks_acceptance: bool = (
        False  # All is made, and one picture or video is rejected: accepting it costs nothing.
    )

    def remade_with(self, name: str) -> tuple[Picture, ...]:
        """The pictures whose photos are made again when that of an angle is."""
        return tuple(one for one in self.pictures if name in (one.name, self.shown_hero))

    @property
    def can_resume(self) -> bool:
        """Whether ``resume`` has something to do."""
        return self.state in {"partial", "failed", "held"}

    def sheet(self) -> list[tuple[str, Path]]:
        """Name and file of every finished photo that is not held back."""
        return [(one.name, one.photo) for one in self.pictures if one.photo and not one.is_rejected]

    @property
    def hero(self) -> Path | None:
        """The picture that stands for the set: the photo of the hero or of another angle, or else a render."""
        ordered = sorted(self.pictures, key=lambda picture: picture.name != HERO)
        photos = [one.photo for one in ordered if one.photo and not one.is_rejected]
        return next(iter([*photos, *(one.render for one in ordered if one.render)]), None)

    @property
    def rejected(self) -> tuple[str, ...]:
        """The angles whose photos are held back."""
        return tuple(one.name for one in self.pictures if one.photo and one.is_rejected)

    def reason_for(self, name: str) -> str:
        """Why the photo of this angle, or the video with this motion, has its verdict; "" when it was not checked."""
        named = {
            **{one.motion: one.reason for one in self.videos},
            **{one.name: one.reason for one in self.pictures},
        }
        return named.get(name, "")

    def clips(self) -> list[tuple[str, Path]]:
        """Motion and file of every video that is not held back."""
        return [(one.motion, one.path) for one in self.videos if one.path and not one.is_rejected]

    def lasting_sheet(self) -> list[tuple[str, Path]]:
        """The same with files that no later take replaces, so that a placed picture does not change.

        Writes those files where they are missing. Raises OSError.
        """
        pictures = [picture for picture in self.pictures if picture.photo and not picture.is_rejected]
        return [(one.name, own_file(one.photo, one.take)) for one in pictures if one.photo]


def read_set(folder: Path) -> SetView | None:
    """The set in ``folder``; ``None`` when there is none, or none that can be read."""
    try:
        record = read_json(folder / "set.json")
        angles = tuple(_picture(folder, record, entry) for entry in record.get("angles", []))
        names = [one.name for one in angles]
        hero = HERO if HERO in names else next(iter(names), "")
        videos = tuple(_video(folder, entry, hero) for entry in record.get("videos", []))
        paid = [record.get("model", {}).get("price"), *(picture.price for picture in angles)]
        paid += [entry.get("price") for entry in record.get("videos", [])]
        actual = float(record.get("cost", {}).get("actual") or 0.0)
        return SetView(
            folder=folder,
            product=str(record.get("product", folder.name)),
            state=str(record.get("state", "")),
            error=str(record.get("error") or ""),
            pictures=angles,
            videos=videos,
            held=_held(folder),
            spent=max(actual, sum(price for price in paid if price)),
            is_model_bought=record.get("source", {}).get("kind") in ("photos", "text"),
            pays=_pays(record),
            lacks_acceptance=_lacks_acceptance(record),
            model_price=_model_price(record.get("model", {})),
            model=_model(folder, record.get("model", {})),
            problems=tuple(
                with_words(str(entry["text"]), str(entry.get("setting", "")), str(entry.get("value", "")))
                for entry in record.get("model", {}).get("triage", [])
                if entry["severity"] != "note"
            ),
            pending=pending_in(folder),
            shown_hero=hero if (record.get("plan") or {}).get("with_hero") else "",
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _lacks_acceptance(record: dict[str, Any]) -> bool:
    plan = record.get("plan") or {}
    if plan.get("photo_size"):
        return False  # The photo is enlarged when it is accepted, which may be charged.
    has = {"has_video": bool(plan.get("video")), "has_spin": bool(plan.get("spin"))}
    return [one for one in part_states(cast(Manifest, record), **has) if one != "done"] == ["rejected"]


def _pays(record: dict[str, Any]) -> bool:
    plan = record.get("plan") or {}
    is_bought = record.get("source", {}).get("kind") in ("photos", "text")
    return is_bought or Engine.FAL in (plan.get("engine"), plan.get("video"))


def _model(folder: Path, model: dict[str, Any]) -> Model:
    return Model(
        path=_file(folder, model),
        endpoint=str(model.get("endpoint") or ""),
        request_id=str(model.get("request_id") or ""),
        size_m=tuple(float(side) for side in model.get("size_m") or ()),
    )


def _model_price(model: dict[str, Any]) -> float | None:
    prices = [entry.get("price") for entry in (*model.get("earlier", []), model)]
    return next((float(price) for price in reversed(prices) if price), None)


def _picture(folder: Path, record: dict[str, Any], entry: dict[str, Any]) -> Picture:
    photo, render = entry.get("photo") or {}, entry.get("render") or {}
    pending = entry.get("pending") or {}
    return Picture(
        name=str(entry["name"]),
        render=_file(folder, render),
        photo=_file(folder, photo),
        stamp=f"{render.get('sha256', '')[:12]}-{photo.get('sha256', '')[:12]}",
        state=str(pending.get("state") or photo.get("state") or ("rendered" if render else "waiting")),
        error=str(pending.get("error") or photo.get("error") or ""),
        price=photo.get("price"),
        engine=str(photo.get("engine", "")),
        request_id=str(photo.get("request_id") or ""),
        mask=_file(folder, {"path": entry.get("mask")}),
        depth=_file(folder, entry.get("depth") or {}),
        normal=_file(folder, entry.get("normal") or {}),
        take=int(photo.get("take", 1)),
        takes=tuple(_take(folder, one) for one in takes_in(record, Shelf.PHOTOS, str(entry["name"]))),
        verdict=verdict_of(photo),
        reason=reason_of(photo),
        is_rejected=is_rejected(photo),
    )


def _take(folder: Path, record: dict[str, Any]) -> Take:
    return Take(
        number=int(record["take"]),
        photo=_file(folder, record),
        stamp=str(record.get("sha256", ""))[:12],
        made_by=str(record.get("endpoint") or "Cycles").removeprefix("fal-ai/"),
        samples=None if record.get("endpoint") else record.get("samples"),
        price=record.get("price"),
        request_id=str(record.get("request_id") or ""),
        verdict=verdict_of(record),
        reason=reason_of(record),
        is_rejected=is_rejected(record),
    )


def _video(folder: Path, entry: dict[str, Any], hero: str) -> Video:
    pending = entry.get("pending") or {}
    return Video(
        motion=str(entry.get("motion", "video")),
        path=_file(folder, entry),
        state=str(pending.get("state") or entry.get("state", "")),
        error=str(pending.get("error") or entry.get("error") or ""),
        price=entry.get("price"),
        angles=tuple(map(str, entry.get("photos") or (entry.get("stand_in") or hero,))),
        request_id=str(entry.get("request_id") or ""),
        verdict=verdict_of(entry),
        reason=reason_of(entry),
        is_rejected=is_rejected(entry),
    )


def _file(folder: Path, entry: dict[str, Any]) -> Path | None:
    try:
        place = place_in(folder, str(entry.get("path") or ""), str(folder / "set.json"))
    except InputError:
        return None
    return folder / str(entry["path"]) if place is not None and place.is_file() else None


def _held(folder: Path) -> tuple[Held, ...]:
    return tuple(
        Held(
            key=shown_key(entry.key),
            label=entry.label,
            resend_at=entry.resend_at,
            request_id=entry.likely_request,
        )
        for entry in entries_in(folder)
        if entry.stage is Stage.UNCERTAIN
        or (entry.stage is Stage.IN_FLIGHT and entry.sender_is_gone)
        or not entry.is_resend_certain
    )
