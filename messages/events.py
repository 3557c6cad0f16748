# SPDX-License-Identifier: GPL-3.0-or-later
"""The events of a run. With ``--json`` each is one line: the name of its class in lower case, and its members.

Use them as ``events.Note(...)``: some have names that other things have too.

A member that defaults to ``None`` is left out of the line when it is ``None``; the others are always there.
``docs/json-events.md`` is made from this file.
"""

import types
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Annotated, Any, TypedDict, Union, get_args, get_origin, get_type_hints, is_typeddict

ETA = "estimated seconds until the run ends; left out while it cannot be estimated"


class Cost(TypedDict, total=False):
    """What a run has paid so far, in US dollars."""

    actual: Annotated[float, "the sum of all known amounts"]
    estimated: Annotated[float, "the part of the sum that is estimated, because fal.ai has not billed it yet"]
    unpriced: Annotated[int, "requests of unknown cost"]
    currency: Annotated[str, '"USD"']
    is_emulated: Annotated[bool, "whether an emulator made the pictures, so that nothing is billed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened in a run."""

    sku: Annotated[str | None, "the product, in a run of a catalogue"] = None

    @classmethod
    def event_name(cls) -> str:
        return cls.__name__.lower()

    def record(self) -> dict[str, Any]:
        """The event as one JSON object."""
        members = {item.name: (getattr(self, item.name), item.default) for item in fields(self)}
        shown = {
            name: value for name, (value, default) in members.items() if (value, default) != (None, None)
        }
        return {"event": self.event_name(), **shown}


@dataclass(frozen=True, slots=True, kw_only=True)
class Started(Event):
    """A run begins."""

    product: Annotated[str, "the product, or the file of the catalogue"]
    summary: Annotated[str, "what is going to be made, for people"]
    set: Annotated[str, "the folder of the set or the catalogue"]
    angles: Annotated[list[str] | None, "the angles of a set, as far as they are known before it is made"] = (
        None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Note(Event):
    """Something worth knowing."""

    text: Annotated[str, "one sentence"]
    cost: Annotated[Cost | None, "what was paid, when the run ends with an error"] = None
    request_id: Annotated[str | None, "`cancel`: the request"] = None
    key: Annotated[str | None, "`cancel`: the key of the request in the journal"] = None
    fate: Annotated[str | None, "`cancel`: what became of the request"] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Warning(Event):
    """Something is wrong, and the run continues."""

    text: Annotated[str, "one sentence"]
    row: Annotated[int | None, "the row of the catalogue, counted from 1"] = None
    line: Annotated[int | None, "the line in the file of the catalogue"] = None
    field: Annotated[str | None, "the setting that avoids it, as `set.json` calls it"] = None
    value: Annotated[str | None, "the value of that setting"] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress(Event):
    """One more picture or frame of a stage, or one more product of a catalogue."""

    stage: Annotated[
        str,
        '"references", "photos", "spin", "film" (the video), "passes", "calibration", "variants" or "products"',
    ]
    done: Annotated[int, "how many are finished"]
    of: Annotated[int, "how many there are"]
    label: Annotated[str, "which one, or a summary for people; of a variant, after its name and a colon"] = ""
    kept: Annotated[bool | None, "true: an earlier run has made it"] = None
    failed: Annotated[int | None, "products that failed"] = None
    held: Annotated[int | None, "products that wait for a decision"] = None
    seconds_left: Annotated[int | None, "estimated time until the last product"] = None
    spent: Annotated[float | None, "US dollars paid for the products"] = None
    expected: Annotated[float | None, "US dollars that all products may cost"] = None
    eta_seconds: Annotated[int | None, ETA] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Working(Event):
    """A sign of life: at least one every few seconds while something is made or awaited."""

    task: Annotated[str, 'what is being made: a stage, as in `progress`; "" between two stages'] = ""
    label: Annotated[str, "the picture that is being made"] = ""
    text: Annotated[str, 'what is done besides rendering samples; "" otherwise'] = ""
    done: Annotated[int | None, "how many items of the stage are finished"] = None
    of: Annotated[int | None, "how many there are"] = None
    sample: Annotated[int | None, "samples of the current picture that Cycles has rendered"] = None
    samples: Annotated[int | None, "samples that it gets at most"] = None
    eta_seconds: Annotated[int | None, ETA] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job(Event):
    """A request at fal.ai has another state."""

    label: Annotated[str, 'what it makes, such as "front photo", "3D model" or "film" (the video)']
    state: Annotated[str, 'such as "queued", "running", "done", "failed" or "uncertain"']
    endpoint: Annotated[str, "the endpoint that makes it"]
    request_id: Annotated[str, 'its id at fal.ai; "" before it is sent']
    queue_position: Annotated[int | None, "requests ahead of it in the queue; null when not known"]
    message: Annotated[str, "what happens to it, for people"]
    error: Annotated[str, 'why it failed; "" otherwise']
    redo: Annotated[str | None, "its name for `resume --redo`, when another one can be bought"] = None
    key: Annotated[str | None, "while it is uncertain: its key for `resume --resend` and `--forget`"] = None
    eta_seconds: Annotated[int | None, ETA] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked(Event):
    """A photo was compared with its render."""

    angle: Annotated[str, "the angle"]
    verdict: Annotated[
        str,
        '"accept", "realign", "retry", "reject" or "look"; `check` also reports "missing" for a lost file',
    ]
    reason: Annotated[str, "why, in a sentence"]
    rejected: Annotated[bool, "whether it is held back"]
    request_id: Annotated[str, "its request at fal.ai"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift(Event):
    """A photo differs from the other photos of its set in white balance, exposure or size."""

    angle: Annotated[str, "the angle"]
    reason: Annotated[str, "how, in a sentence"]
    matched: Annotated[bool, "whether its white balance and exposure were matched to the others"]
    score: Annotated[
        float, "the largest difference that remains, in units of its tolerance; above 1 is too much"
    ]
    kelvin: Annotated[float, "white balance before, at 6500 K; warmer is negative"]
    exposure: Annotated[float, "exposure before, as a natural logarithm; brighter is positive"]
    fill: Annotated[float, "size of the product, a share; larger is positive"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity(Event):
    """A video by fal.ai was compared with the product, from its first frame to its last."""

    motion: Annotated[str, "the motion of the video"]
    verdict: Annotated[str, '"accept", "look" or "reject"; `check` also reports "missing" for a lost file']
    reason: Annotated[str, "why, in a sentence"]
    rejected: Annotated[bool, "whether it is held back"]
    request_id: Annotated[str, "its request at fal.ai"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(Event):
    """What one rule of a channel says about a picture."""

    channel: Annotated[str, "the channel"]
    picture: Annotated[str, 'the picture; "" for a rule about all of them']
    rule: Annotated[str, "what it limits"]
    value: Annotated[float | str | None, "what was measured; null when it cannot be measured"]
    wanted: Annotated[str, "what the rule asks for"]
    met: Annotated[bool, "whether the picture meets it"]
    advice: Annotated[bool, "whether the channel only recommends it"]
    source: Annotated[str, "where the rule comes from"]
    read: Annotated[str, "the day on which the source was read"]
    problem: Annotated[str | None, "why the picture cannot be measured"] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Price(Event):
    """What one sort of request costs."""

    kind: Annotated[str, '"model", "concept", "photo", "video" or "upscale"']
    endpoint: Annotated[str, "the endpoint"]
    labels: Annotated[list[str], "what the requests make"]
    requests: Annotated[int, "how many there are"]
    unit: Annotated[str | None, "what fal.ai charges for; null when not known"]
    unit_price: Annotated[float | None, "US dollars for one unit; null when not known"]
    min: Annotated[float | None, "US dollars for all, at least; null when not known"]
    max: Annotated[float | None, "US dollars for all, at most; null when not known"]
    reason: Annotated[str, 'why the price is not known; "" otherwise']


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge(Event):
    """What fal.ai has charged for one request. Amounts are exact, in US dollars, as texts."""

    product: Annotated[str, "the product"]
    job: Annotated[str, "what the request makes"]
    endpoint: Annotated[str, "the endpoint"]
    request_id: Annotated[str, 'the id of the request at fal.ai; "" when not known']
    file: Annotated[str, 'the file that it produced, relative to the set folder; "" for none']
    recorded: Annotated[str | None, "the recorded amount; null when not known"]
    charged: Annotated[str | None, "the charged amount; null when the request is not on the bill"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate(Event):
    """What everything costs."""

    min: Annotated[float, "US dollars, at least"]
    max: Annotated[float | None, "US dollars, at most; null when a part of it is not known"]
    currency: Annotated[str, '"USD"']
    age_seconds: Annotated[float, "how old the prices are"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen(Event):
    """`catalogue --freeze` has written the lock."""

    rows: Annotated[int, "rows in the lock"]
    sha256: Annotated[str, "hash of the lock, for `--sha256` of the tasks"]
    set: Annotated[str, "the folder of the catalogue"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Product(Event):
    """A product of a catalogue has ended, or cannot continue in this run."""

    row: Annotated[int, "its row, counted from 1"]
    state: Annotated[str, '"waiting", "done", "partial", "failed" or "held"']
    step: Annotated[str, 'what it waits for: "model", "render", "cloud" or "nothing"']
    error: Annotated[str, 'why it is not done; "" otherwise']
    paid: Annotated[float, "US dollars paid for it"]
    set: Annotated[str, "its set folder"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check(Event):
    """`doctor` has checked one thing."""

    name: Annotated[str, "what was checked"]
    good: Annotated[bool, "whether it is as it should be"]
    text: Annotated[str, "one sentence"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished(Event):
    """The command has ended. Always the last line."""

    state: Annotated[str, '"done", "partial", "failed" or "held"']
    exit: Annotated[int, "the exit code"]
    set: Annotated[str | None, "the folder of the set or the catalogue; null when there is none"]
    error: Annotated[str | None, "why the command failed"] = None
    field: Annotated[str | None, "the setting that the error is about, as `set.json` calls it"] = None
    cost: Annotated[Cost | None, "what was paid"] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready(Event):
    """Internal: the Blender that renders a catalogue has started."""

    blender: Annotated[str, "its version"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered(Event):
    """Internal: the Blender that renders a catalogue has finished one set."""

    set: Annotated[str, "the set folder"]
    state: Annotated[str, '"done", "failed" or "stopped"']
    error: Annotated[str, 'why it failed; "" otherwise']
    exit: Annotated[int, "the exit code of the error"]


KINDS: Mapping[str, type[Event]] = {kind.event_name(): kind for kind in Event.__subclasses__()}


def event_from(record: Mapping[str, Any]) -> Event:
    """The event in one JSON object. Raises ValueError when it is not exactly one of those above."""
    kind = KINDS.get(str(record.get("event")))
    if kind is None:
        raise ValueError(f"{record.get('event')!r} is not the name of an event")
    members = {name: value for name, value in record.items() if name != "event"}
    hints = get_type_hints(kind)
    needed = {item.name for item in fields(kind) if item.default is MISSING}
    if wrong := sorted((needed - set(members)) | (set(members) - set(hints))):
        raise ValueError(f"{kind.event_name()}: {', '.join(wrong)} is missing or not known")
    for name, value in members.items():
        if not _fits(value, hints[name]):
            raise ValueError(
                f"{kind.event_name()}: {name} is {value!r}, which is not of the type {hints[name]}"
            )
    return kind(**members)


def _fits(value: Any, hint: Any) -> bool:
    """Whether a JSON value is of a type that events use."""
    if get_origin(hint) in (Union, types.UnionType):
        return any(_fits(value, part) for part in get_args(hint))
    if get_origin(hint) is list:
        return isinstance(value, list) and all(_fits(item, get_args(hint)[0]) for item in value)
    if is_typeddict(hint):
        members = get_type_hints(hint)
        return isinstance(value, dict) and all(
            name in members and _fits(item, members[name]) for name, item in value.items()
        )
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, hint) and not (hint is int and isinstance(value, bool))
