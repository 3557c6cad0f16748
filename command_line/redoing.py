# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``resume --redo`` takes, what it costs, and how the set folder is told that another take is wanted.

What is redone is another take: another request with a key of its own. What was paid before stays in the journal.
"""

from collections.abc import Collection

from ..fal_bridge.jobs import SET_WIDE, Kind
from ..files.writing import link_to_free_name
from ..messages.errors import InputError
from ..optics.angles import hero_of
from ..photo_set.choices import Engine
from ..photo_set.folder import Record, SetFolder, angle_record
from ..photo_set.plan import SetPlan, SourceKind
from ..photo_set.takes import Shelf, Takes, chosen_number

CONCEPT, MODEL, FILM = SET_WIDE[Kind.CONCEPT], SET_WIDE[Kind.MODEL], SET_WIDE[Kind.VIDEO]
_LABELS = {CONCEPT: "concept picture", MODEL: "3D model", FILM: "film"}


def check_redo(plan: SetPlan, name: str) -> None:
    """Raises InputError for a name of which fal.ai can make no other take."""
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
    elif name == FILM:
        if plan.video is None:
            raise InputError("This set has no film.")
        if plan.video is not Engine.FAL:
            raise InputError(
                "Cycles would render the same film again.", hint="Run `set` with other settings instead."
            )
    else:
        raise InputError(
            f"Nothing of this set is called {name!r}.",
            hint=f"There are {', '.join([*_angles(plan), *_set_wide(plan)])}.",
        )


def labels_again(plan: SetPlan, folder: SetFolder, names: Collection[str]) -> set[str]:
    """What is paid again when these are redone: also what is made from them."""
    angles = set(_angles(plan)).intersection(names)
    set_wide = set(names) - angles
    hero = hero_of(list(plan.angles)).name
    if set_wide & {CONCEPT, MODEL} or (plan.with_hero and hero in angles):  # All are shown what is redone.
        angles = set(_angles(plan))
    labels = {f"{name} {what}" for name in angles for what in ("photo", "enlargement")}
    labels |= {_LABELS[name] for name in set_wide}
    if CONCEPT in set_wide:
        labels.add(_LABELS[MODEL])
    film = _film(plan, folder.record)
    # A video that was made from another photo, because the hero was lost, stays as long as it is not asked for.
    if hero in angles and not (film.get("stand_in") and folder.has(film) and not set_wide):
        labels.add(_LABELS[FILM])
    return labels - {_label(plan, name) for name in names if is_under_way(plan, folder, name)}


def is_under_way(plan: SetPlan, folder: SetFolder, name: str) -> bool:
    """Whether another take was wanted before and may still come: a second one would be bought for nothing."""
    record = folder.record
    if name in _angles(plan):
        entry = angle_record(record, name)
        return _takes(entry) > 1 and _pending(entry, entry.get("photo", {})) == "waiting"
    if name == FILM:
        film = _film(plan, record)
        return _takes(film) > 1 and _pending(film, film) == "waiting"
    model: Record = record["model"]
    counter = "concept_takes" if name == CONCEPT else "takes"
    return _takes(model, counter) > 1 and not {"path", "error"}.intersection(model)


def _pending(entry: Record, shown: Record) -> str:
    """The state of what was wanted last, beside an earlier take or alone."""
    return str(entry.get("pending", shown).get("state", "waiting"))


def take_again(plan: SetPlan, folder: SetFolder, name: str) -> None:
    """Let the next run have another take made, unless one is under way. The one that is there stays until then."""
    if is_under_way(plan, folder, name):
        return
    if name in (CONCEPT, MODEL) and name not in _angles(plan):
        _model_again(folder, "concept_takes" if name == CONCEPT else "takes")
        return
    waiting: Record = {"engine": Engine.FAL.value, "state": "waiting"}
    with folder.change() as record:
        if name in _angles(plan):
            entry = angle_record(record, name)
            entry["takes"] = _takes(entry) + 1
            entry["pending" if entry.get("photo", {}).get("path") else "photo"] = waiting
            if name == hero_of(list(plan.angles)).name:
                _film(plan, record).pop("start_take", None)  # The video is made of the new one.
        else:
            _film_again(plan, record, waiting)


def _film_again(plan: SetPlan, record: Record, waiting: Record) -> None:
    """Another video, from the take of the hero that is chosen now."""
    earlier = _film(plan, record)
    others = [entry for entry in record["videos"] if entry["motion"] != plan.motion]
    wanted: Record = {"takes": _takes(earlier) + 1}
    if number := chosen_number(record, Shelf.PHOTOS, hero_of(list(plan.angles)).name):
        wanted["start_take"] = number
    if earlier.get("path"):
        shown = {**earlier, **wanted, "pending": waiting}
    else:
        shown = {"motion": plan.motion, **waiting, **wanted}
    record["videos"] = [*others, shown]


def _model_again(folder: SetFolder, counter: str) -> None:
    """The model that is there is kept beside; pictures of it are takes, and no longer those of the set."""
    model = folder.record["model"]
    earlier = list(model.get("earlier", []))
    if folder.has(model):
        kept = folder.model.with_name(f"{folder.model.stem}-{len(earlier) + 1}{folder.model.suffix}")
        kept = link_to_free_name(folder.model, kept)
        facts = {name: model[name] for name in ("endpoint", "request_id", "price") if name in model}
        earlier.append({**folder.entry(kept), **facts})
    takes = {name: model[name] for name in ("takes", "concept_takes") if name in model}
    with folder.change() as record:
        Takes(folder).retire_all(record)
        record["model"] = {**takes, "earlier": earlier, counter: _takes(model, counter) + 1}
        for entry in record["angles"]:
            for made in set(entry) - {"name", "azimuth", "elevation", "takes"}:
                del entry[made]
        record["videos"] = [
            {
                "engine": entry["engine"],
                "motion": entry["motion"],
                "state": "waiting",
                "takes": entry["takes"],
            }
            for entry in record["videos"]
            if "takes" in entry
        ]


def _set_wide(plan: SetPlan) -> list[str]:
    """What else than angles fal.ai makes."""
    return [name for kind, name in SET_WIDE.items() if kind in plan.endpoint_ids]


def _angles(plan: SetPlan) -> list[str]:
    return [angle.name for angle in plan.angles]


def _label(plan: SetPlan, name: str) -> str:
    return f"{name} photo" if name in _angles(plan) else _LABELS[name]


def _film(plan: SetPlan, record: Record) -> Record:
    return next((entry for entry in record["videos"] if entry["motion"] == plan.motion), {})


def _takes(entry: Record, counter: str = "takes") -> int:
    return int(entry.get(counter, 1))
