# SPDX-License-Identifier: GPL-3.0-or-later
"""``resume --redo``: which takes can be made again, what that costs, and how ``set.json`` records that one is wanted.

Another take is another request with its own key. What was paid before stays in the journal.
"""

from collections.abc import Collection, Mapping
from typing import Any, cast

from ..fal_bridge.jobs import SET_WIDE, Kind
from ..files.writing import link_to_free_name
from ..messages.errors import InputError
from ..messages.labels import shown_label
from ..optics.angles import hero_of
from ..photo_set.choices import Engine
from ..photo_set.folder import Record, SetFolder, angle_record
from ..photo_set.labels import (
    CONCEPT_LABEL,
    MODEL_LABEL,
    VIDEO_LABEL,
    enlargement_label,
    photo_label,
    retry_label,
)
from ..photo_set.plan import SetPlan
from ..photo_set.set_json import AngleRecord, MadeRecord, Manifest, ModelRecord, Pending, VideoRecord
from ..photo_set.source import SourceKind
from ..photo_set.takes import Shelf, Takes, chosen_number
from ..photo_set.video_plan import used_angles, waits_for_all_photos

CONCEPT, MODEL, VIDEO = SET_WIDE[Kind.CONCEPT], SET_WIDE[Kind.MODEL], SET_WIDE[Kind.VIDEO]
_LABELS = {CONCEPT: CONCEPT_LABEL, MODEL: MODEL_LABEL, VIDEO: VIDEO_LABEL}


def redo_name(plan: SetPlan, name: str) -> str:
    """``name`` as the set calls it: the video has an older name too.

    Raises InputError for something that fal.ai cannot make another take of.
    """
    name = VIDEO if name == "video" and name not in _angles(plan) else name
    _check(plan, name)
    return name


def _check(plan: SetPlan, name: str) -> None:
    if name in _angles(plan):
        if plan.engine is not Engine.FAL:
            raise InputError(
                "Cycles would render the same photo again.", hint="Run `set` with other settings instead."
            )
    elif name == MODEL:
        if plan.source.kind is SourceKind.MODEL:
            raise InputError(
                "The 3D model of this set is your own file, so there is nothing to redo.",
                hint="Give another file to `set` with another --out folder.",
            )
    elif name == CONCEPT:
        if not plan.concept_endpoint:
            raise InputError("This set has no concept picture.")
    elif name == VIDEO:
        if plan.video is None:
            raise InputError("This set has no video.")
        if plan.video is not Engine.FAL:
            raise InputError(
                "Cycles would render the same video again.", hint="Run `set` with other settings instead."
            )
    else:
        raise InputError(
            f"This set has nothing called {name!r}.",
            hint=f"It has: {', '.join([*_angles(plan), *map(shown_label, _set_wide(plan))])}.",
        )


def labels_again(plan: SetPlan, folder: SetFolder, names: Collection[str]) -> set[str]:
    """What is paid again when these are redone: also what is made from them."""
    angles = set(_angles(plan)).intersection(names)
    set_wide = set(names) - angles
    hero = hero_of(list(plan.angles)).name
    if set_wide & {CONCEPT, MODEL} or (plan.with_hero and hero in angles):  # All are shown what is redone.
        angles = set(_angles(plan))
    labels = {label(name) for name in angles for label in (photo_label, retry_label, enlargement_label)}
    labels |= {_LABELS[name] for name in set_wide}
    if CONCEPT in set_wide:
        labels.add(_LABELS[MODEL])
    video = _video(plan, folder.record)
    # A video that was made from another photo, because the hero was lost, stays as long as it is not asked for.
    is_lesser = video.get("stand_in") or video.get("missing")
    made_from = {angle.name for angle in used_angles(plan)} if plan.video is Engine.FAL else set()
    if made_from & angles and not (is_lesser and folder.has(video) and not set_wide):
        labels.add(_LABELS[VIDEO])
    return labels - {_label(plan, name) for name in names if is_under_way(plan, folder, name)}


def is_under_way(plan: SetPlan, folder: SetFolder, name: str) -> bool:
    """Whether another take was wanted before and may still come: a second one would be paid for needlessly."""
    record = folder.record
    if name in _angles(plan):
        entry = angle_record(record, name)
        is_retry = bool(entry.get("retries"))
        return (_takes(entry) > 1 or is_retry) and _pending(entry, entry.get("photo", {})) == "waiting"
    if name == VIDEO:
        video = _video(plan, record)
        return _takes(video) > 1 and _pending(video, video) == "waiting"
    model = record["model"]
    counter = "concept_takes" if name == CONCEPT else "takes"
    return _takes(model, counter) > 1 and not {"path", "error"}.intersection(model)


def _pending(entry: Mapping[str, Any], shown: Mapping[str, Any]) -> str:
    """The state of what was wanted last, beside an earlier take or alone."""
    return str(entry.get("pending", shown).get("state", "waiting"))


def take_again(plan: SetPlan, folder: SetFolder, name: str, *, asked: str = "") -> None:
    """Let the next run have another take made, unless one is under way. The one that is there stays until then.

    ``asked`` is added to the prompt of a photo.
    """
    if is_under_way(plan, folder, name):
        return
    if name in (CONCEPT, MODEL) and name not in _angles(plan):
        _model_again(folder, "concept_takes" if name == CONCEPT else "takes")
        return
    waiting: Record = {"engine": Engine.FAL.value, "state": "waiting"}
    with folder.change() as record:
        if name in _angles(plan):
            entry = angle_record(record, name)
            entry["takes"] = _takes(entry) + len(entry.get("retries", [])) + 1  # Retries count as requested.
            entry.pop("asked", None)
            if asked:
                entry["asked"] = {"take": entry["takes"], "prompt": asked}
            if entry.get("photo", {}).get("path"):
                entry["pending"] = cast(Pending, waiting)
            else:
                entry["photo"] = cast(MadeRecord, waiting)
            video = _video(plan, record)
            if name == hero_of(list(plan.angles)).name:
                video.pop("start_take", None)  # The video is made of the new one.
            video.get("photo_takes", {}).pop(name, None)
        else:
            _video_again(plan, record, waiting)


def _video_again(plan: SetPlan, record: Manifest, waiting: Record) -> None:
    """Another video, from the take of the hero that is chosen now."""
    earlier = _video(plan, record)
    others = [entry for entry in record["videos"] if entry["motion"] != plan.motion]
    wanted: Record = {"takes": _takes(earlier) + 1}
    if number := chosen_number(record, Shelf.PHOTOS, hero_of(list(plan.angles)).name):
        wanted["start_take"] = number
    if waits_for_all_photos(plan):
        names = [angle.name for angle in used_angles(plan)]
        numbers = {name: chosen_number(record, Shelf.PHOTOS, name) for name in names}
        wanted["photo_takes"] = {name: number for name, number in numbers.items() if number}
    shown: Record
    if earlier.get("path"):
        shown = {**earlier, **wanted, "pending": waiting}
    else:
        shown = {"motion": plan.motion, **waiting, **wanted}
    record["videos"] = [*others, cast(VideoRecord, shown)]


def _model_again(folder: SetFolder, counter: str) -> None:
    """Keep the model as an earlier one; its pictures stay as takes, and the set no longer shows them."""
    model = folder.record["model"]
    earlier = list(model.get("earlier", []))
    if folder.has(model):
        kept = folder.model.with_name(f"{folder.model.stem}-{len(earlier) + 1}{folder.model.suffix}")
        kept = link_to_free_name(folder.model, kept)
        facts = {name: value for name, value in model.items() if name in ("endpoint", "request_id", "price")}
        earlier.append(cast(MadeRecord, {**folder.entry(kept), **facts}))
    takes = {name: value for name, value in model.items() if name in ("takes", "concept_takes")}
    with folder.change() as record:
        Takes(folder).retire_all(record)
        again: Record = {**takes, "earlier": earlier, counter: _takes(model, counter) + 1}
        record["model"] = cast(ModelRecord, again)
        kept_members = {"name", "azimuth", "elevation", "takes"}
        angles = [
            {name: value for name, value in entry.items() if name in kept_members}
            for entry in record["angles"]
        ]
        record["angles"] = cast(list[AngleRecord], angles)
        record["videos"] = [
            {
                "engine": video["engine"],
                "motion": video["motion"],
                "state": "waiting",
                "takes": video["takes"],
            }
            for video in record["videos"]
            if "takes" in video
        ]


def _set_wide(plan: SetPlan) -> list[str]:
    """What fal.ai makes once for the set."""
    return [name for kind, name in SET_WIDE.items() if kind in plan.endpoint_ids]


def _angles(plan: SetPlan) -> list[str]:
    return [angle.name for angle in plan.angles]


def _label(plan: SetPlan, name: str) -> str:
    return photo_label(name) if name in _angles(plan) else _LABELS[name]


def _video(plan: SetPlan, record: Manifest) -> VideoRecord:
    none = cast(VideoRecord, {})
    return next((entry for entry in record["videos"] if entry["motion"] == plan.motion), none)


def _takes(entry: Mapping[str, Any], counter: str = "takes") -> int:
    return int(entry.get(counter, 1))
