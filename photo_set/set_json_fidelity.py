# SPDX-License-Identifier: GPL-3.0-or-later
"""The records of ``set.json`` about the comparison of photos with their renders."""

from typing import Annotated, Required, TypedDict

from .set_json_values import (
    AMOUNT,
    GATE_STATE,
    MAX_LIGHTS,
    MAX_NAMES,
    REAL,
    SHIFT,
    TAKE,
    TEXT,
    TRUTH,
    VALUES,
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


class MatchRecord(FileRecord, total=False):
    """How the white balance and the exposure of a photo were brought to those of its set.

    The file is the photo before; it has the same size.
    """

    kelvin: Annotated[float, REAL, "how far its white balance was away, at 6500 K; warmer is negative"]
    tint: Annotated[float, REAL, "natural logarithm; greener is positive"]
    exposure: Annotated[float, REAL, "natural logarithm; brighter is positive"]


class DriftRecord(TypedDict, total=False):
    """How far a photo is from the middle of its set, as the set shows it."""

    photo: Required[Annotated[str, TEXT, "hash of the photo that was compared"]]
    score: Required[
        Annotated[float, REAL, "the largest difference in units of its tolerance; above 1 it has drifted"]
    ]
    kelvin: Annotated[float, REAL, "white balance, at 6500 K; warmer is negative"]
    tint: Annotated[float, REAL, "natural logarithm; greener is positive"]
    exposure: Annotated[float, REAL, "natural logarithm; brighter is positive"]
    fill: Annotated[float, REAL, "size of the product, a share; larger is positive"]
    reason: Annotated[str, TEXT, 'why, in a sentence; "" when it has not drifted']


class ConsistencyRecord(TypedDict, total=False):
    """Whether the photos of a set belong together."""

    score: Required[
        Annotated[float, REAL, "that of the angle that is farthest away; above 1 one has drifted"]
    ]
    checked_with: Annotated[str, TEXT, "digest of what was compared"]
    angles: Annotated[dict[str, DriftRecord], Items(MAX_NAMES), "the photos that were compared, by angle"]


class AloneRecord(TypedDict):
    """The verdict about a photo before it was compared with the others of its set."""

    verdict: Annotated[str, VERDICT, "what to do with it"]
    reason: Annotated[str, TEXT, "why, in a sentence"]


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
    alone: Annotated[AloneRecord, "its verdict before the set was compared, where the set has changed it"]
    matched: Annotated[MatchRecord, "how its white balance and exposure were matched to the set"]
    report: Annotated[FileRecord, "all that was measured"]
    overlay: Annotated[FileRecord, "the photo with what was found"]


class IdentityRecord(TypedDict, total=False):
    """What the comparison of a video with the product has found."""

    verdict: Required[Annotated[str, VERDICT, '"accept", "look" or "reject"']]
    reason: Required[Annotated[str, TEXT, "why, in a sentence"]]
    compared_with: Annotated[
        str, TEXT, '"input", the rendered video; "spin", photos and frames of the spin; "photos"'
    ]
    seconds: Annotated[float, AMOUNT, "the length of the video"]
    score: Annotated[float, REAL, "the largest of ``values``"]
    values: Annotated[
        list[float | None],
        VALUES,
        "of frames at equal distances, in units of the tolerance; above 1, the frame does not show the product; null when it "
        "cannot be compared",
    ]
    rejected: Annotated[bool, TRUTH, "whether it is held back"]
    accepted: Annotated[bool, TRUTH, "whether a person has accepted it in spite of its verdict"]
    closure: Annotated[float, REAL, "how far the last frame is from the first, 0 to 1"]
    checked_with: Annotated[str, TEXT, "digest of what was compared"]


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
