# SPDX-License-Identifier: GPL-3.0-or-later
"""The values of ``set.json``: their rules, and the same as JSON Schema."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, TypedDict

from ..files.names import component, inner_path
from ..files.values import (
    SHA256,
    Rule,
    empty_or,
    list_of,
    mapping_of,
    member_of,
    number,
    one_of,
    optional,
    record_of,
    truth,
    whole,
)
from ..gltf.findings import Severity
from ..imaging.review_part import WORDS
from ..optics.angles import MAX_ANGLES, angle_name

MAX_TAKES = 10_000
# Of ``imaging.fidelity``, which a Blender with a window does not load: it needs packages.
VERDICTS = ("accept", "realign", "retry", "reject", "look")
GATE_STATES = ("passed", "unsure", "failed", "untested")
MAX_VIDEOS = 100
MAX_VARIANTS = 100
MAX_LIGHTS = 100
MAX_FILES_AT_FAL = 100_000
MAX_REQUESTS = 100_000
MAX_NAMES = 10_000  # Angles and motions that a set has had.
MAX_FINDINGS = 10_000
MAX_TEXT = 100_000


class SetState(StrEnum):
    PARTIAL = "partial"
    DONE = "done"
    FAILED = "failed"
    HELD = "held"  # A paid request is uncertain and waits for a decision of the user.


class PictureState(StrEnum):
    """How far a photo, an enlargement or a video is."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    UNCERTAIN = "uncertain"  # Sent, answer lost: it may be charged, and waits for a decision of the user.


def any_text(value: Any) -> str:
    """The rule for text for people, or from fal.ai, which is only shown and compared."""
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise ValueError("is not text")
    return value


@dataclass(frozen=True, slots=True)
class Value:
    """The rule for a value, and what JSON Schema says of it."""

    rule: Rule[Any]
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Items:
    """How many entries a list may have, and what messages call one."""

    maximum: int
    minimum: int = 0
    name: str = "entry"


NEEDED = "needed"  # Marks a member that a record requires, but the record that it extends does not.

TEXT = Value(any_text, {"type": "string"})
NO_TEXT = Value(optional(any_text), {"type": ["string", "null"]})
LABELS = Value(list_of(any_text, MAX_NAMES), {"type": "array", "items": {"type": "string"}})
HASH = Value(SHA256, {"type": "string", "pattern": "^[0-9a-f]{64}$"})
TEXTS = Value(
    mapping_of(any_text, any_text, MAX_NAMES), {"type": "object", "additionalProperties": {"type": "string"}}
)
FOLDER_OR_NONE = Value(empty_or(inner_path), {"type": "string"})
PATH = Value(inner_path, {"type": "string", "minLength": 1})
NAME = Value(component, {"type": "string", "minLength": 1})
ANGLE = Value(angle_name, {"type": "string", "minLength": 1})
COUNT = Value(whole(0, 1 << 53), {"type": "integer", "minimum": 0})
AMOUNT = Value(number(0.0, 1e12), {"type": "number", "minimum": 0})
NO_AMOUNT = Value(optional(number(0.0, 1e12)), {"type": ["number", "null"], "minimum": 0})
REAL = Value(number(-1e12, 1e12), {"type": "number"})
LENGTH = Value(number(1e-6, 1e9), {"type": "number", "exclusiveMinimum": 0})
TAKE = Value(whole(1, MAX_TAKES), {"type": "integer", "minimum": 1, "maximum": MAX_TAKES})
TAKE_OR_NONE = Value(whole(0, MAX_TAKES), {"type": "integer", "minimum": 0, "maximum": MAX_TAKES})
ANGLES = Value(
    list_of(angle_name, MAX_ANGLES), {"type": "array", "items": {"type": "string"}, "maxItems": MAX_ANGLES}
)
PHOTO_TAKES = Value(
    mapping_of(angle_name, TAKE.rule, MAX_ANGLES),
    {"type": "object", "additionalProperties": {"type": "integer", "minimum": 1}},
)
START_TAKE = Value(optional(whole(0, MAX_TAKES)), {"type": ["integer", "null"], "minimum": 0})
STATE = Value(any_text, {"enum": [state.value for state in PictureState]})
_MATRIX_RULE = list_of(list_of(REAL.rule, 4, min_count=4), 4, min_count=4, name="row")
_ROW = {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4}
MATRIX = Value(_MATRIX_RULE, {"type": "array", "items": _ROW, "minItems": 4, "maxItems": 4})
SIZE = Value(
    list_of(AMOUNT.rule, 3, min_count=3), {"type": "array", "items": {"type": "number"}, "minItems": 3}
)
SHIFT = Value(
    list_of(REAL.rule, 2, min_count=2), {"type": "array", "items": {"type": "number"}, "minItems": 2}
)
VALUES = Value(
    list_of(optional(REAL.rule), 1000),
    {"type": "array", "items": {"type": ["number", "null"]}, "maxItems": 1000},
)
PLAN = Value(optional(record_of({}, may_have_others=True)), {"type": ["object", "null"]})
DECISION = Value(one_of(WORDS), {"enum": list(WORDS)})
SET_STATE = Value(member_of(SetState), {"enum": [state.value for state in SetState]})
SEVERITY = Value(member_of(Severity), {"enum": [severity.value for severity in Severity]})
SCHEMA = Value(whole(0, 1_000_000), {"const": 1})
TRUTH = Value(truth, {"type": "boolean"})
VERDICT = Value(one_of(VERDICTS), {"enum": list(VERDICTS)})
GATE_STATE = Value(one_of(GATE_STATES), {"enum": list(GATE_STATES)})


class FileRecord(TypedDict, total=False):
    """A file of the set."""

    path: Annotated[str, PATH, "relative to the set folder"]
    sha256: Annotated[str, HASH, "hash of its content"]
    width: Annotated[int, COUNT, "pixels"]
    height: Annotated[int, COUNT, "pixels"]
    made_with: Annotated[str, TEXT, "digest of everything that decides how it looks"]
    source_type: Annotated[str, TEXT, "IPTC digital source type that the file states"]
