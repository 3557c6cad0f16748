# SPDX-License-Identifier: GPL-3.0-or-later
"""The records of ``set.json`` about the comparison of photos with their renders."""

from typing import Annotated, Required, TypedDict

from .set_json_values import (
    GATE_STATE,
    MAX_LIGHTS,
    REAL,
    SHIFT,
    TAKE,
    TEXT,
    TRUTH,
    VERDICT,
    FileRecord,
    Items,
)


class GateRecord(TypedDict, total=False):
    """One gate of the comparison of a photo with its render."""

    value: Annotated[float, REAL, "what was found, in units of what is tolerated"]
    threshold: Annotated[float, REAL, "the value from which it is wrong"]
    confidence: Annotated[float, REAL, "how much the photo could tell, 0 to 1"]
    state: Annotated[str, GATE_STATE, "what the gate says"]


class RealignmentRecord(FileRecord, total=False):
    """How a photo was moved back onto its render; the file is the moved photo."""

    shift: Annotated[list[float], SHIFT, "how far it was away, right and down, in shares of the longer side"]
    scale: Annotated[float, REAL, "its size compared to the render"]
    rotation: Annotated[float, REAL, "degrees, clockwise"]
    residual: Annotated[float, REAL, "what remains, a share of the longer side"]


class LockRecord(FileRecord, total=False):
    """The photo after it was locked to its render."""

    what: Annotated[str, TEXT, '"labels", "edges" or "all"']


class FidelityRecord(TypedDict, total=False):
    """What the comparison of a photo with its render has found, and what followed."""

    verdict: Required[Annotated[str, VERDICT, "what to do with it"]]
    reason: Required[Annotated[str, TEXT, "why, in a sentence"]]
    score: Annotated[float, REAL, "the worst gate in units of its threshold; above 1 something is wrong"]
    gates: Annotated[dict[str, GateRecord], Items(100), "by name"]
    is_calibrated: Annotated[bool, TRUTH, "whether renders in other light have shown what light changes"]
    checked_with: Annotated[str, TEXT, "digest of what it was compared with"]
    wish: Annotated[str, TEXT, "digest of what was asked for; the retries of a photo have the same"]
    rejected: Annotated[bool, TRUTH, "whether it is held back: not placed, exported or made into a video"]
    accepted: Annotated[bool, TRUTH, "whether a person has accepted it in spite of the verdict"]
    realigned: Annotated[RealignmentRecord, "how it was moved back onto the render"]
    locked: Annotated[LockRecord, "what it has taken from its render"]
    report: Annotated[FileRecord, "all that was measured"]
    overlay: Annotated[FileRecord, "the photo with what was found"]


class RetryRecord(TypedDict, total=False):
    """The decision to request another photo, made before it is sent."""

    wish: Required[Annotated[str, TEXT, "digest of what was asked for"]]
    prompt: Required[Annotated[str, TEXT, "what is added to the prompt"]]
    because: Annotated[str, TEXT, "why the photo before was rejected"]


class AskedRecord(TypedDict, total=False):
    """What a reviewer wants to be different, and in which of the photos that were requested."""

    take: Required[Annotated[int, TAKE, "the number of that photo among those requested"]]
    prompt: Required[Annotated[str, TEXT, "what is added to its prompt"]]


class DepthRecord(FileRecord, total=False):
    """A depth picture."""

    near: Annotated[float, REAL, "distance of the nearest surface, in product sizes"]
    far: Annotated[float, REAL, "distance of the farthest surface"]


class CalibrationRecord(TypedDict, total=False):
    """What photos by fal.ai are compared with, besides the reference."""

    made_with: Annotated[str, TEXT, "digest of everything that decides how it looks"]
    depth: Annotated[DepthRecord, "depth of the surface"]
    normal: Annotated[FileRecord, "normals of the surface"]
    base_colour: Annotated[FileRecord, "colour of the surface without light"]
    lights: Annotated[list[FileRecord], Items(MAX_LIGHTS, name="file"), "the view in other light"]
