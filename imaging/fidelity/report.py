# SPDX-License-Identifier: GPL-3.0-or-later
"""What the check found: typed, and as plain JSON."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any

VERSION = 1  # Of the JSON.


class Verdict(StrEnum):
    """What to do with a photo."""

    ACCEPT = "accept"  # Nothing of what was tested speaks against it.
    REALIGN = "realign"  # The product is right and moved: warp the photo back.
    RETRY = "retry"  # Ask for another photo.
    REJECT = "reject"  # This is not a photo of the product.
    LOOK = "look"  # A person should look at the regions.


class State(StrEnum):
    """What a gate says."""

    PASSED = "passed"
    UNSURE = "unsure"  # Near the threshold, or a finding that needs a person.
    FAILED = "failed"
    UNTESTED = "untested"


@dataclass(frozen=True, slots=True)
class Gate:
    """One of the four gates. ``value`` is the finding in units of its tolerance: above ``threshold`` is wrong.

    ``confidence``, 0 to 1, is how much this photo could tell. ``found`` names what decided, ``reason`` is a sentence.
    """

    value: float
    threshold: float
    confidence: float
    state: State
    found: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Registration:
    """Where the product of the render is in the photo.

    ``shift`` (right, down), ``residual``, ``error``, ``parallax`` and ``bend`` are shares of the longer side; ``scale`` is
    a factor; ``rotation`` is in degrees, clockwise; ``stretch`` is how much longer one direction became than the other,
    ``stretch_degrees`` the direction, clockwise from the right. ``affine`` maps places of the render to the photo, in frame
    units (origin in the middle, y down, longer side 1): two rows of three.

    ``residual``: median distance of matched windows from the affine map. ``error``: standard error of the map.
    ``parallax``: displacement that follows depth. ``bend``: smooth displacement that no affine map explains.
    ``match``: agreement of structure, up to 1. ``mirrored``: agreement of the mirrored render over that of the render.
    ``is_found``: whether the product was found at all; the other numbers mean nothing without.
    """

    is_found: bool
    shift: tuple[float, float]
    scale: float
    rotation: float
    stretch: float
    stretch_degrees: float
    residual: float
    error: float
    parallax: float
    bend: float
    match: float
    mirrored: float
    moved: float
    affine: tuple[tuple[float, float, float], tuple[float, float, float]]


@dataclass(frozen=True, slots=True)
class Silhouette:
    """Agreement of outlines, before and after the registration. ``confidence`` is low on white on white."""

    iou_before: float
    iou_after: float
    boundary_before: float
    boundary_after: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Edges:
    """Edges inside the outline: the shares of the render's that the photo ``kept`` and is ``missing``, and the share of
    the photo's that the render and its relit renders do not have."""

    kept: float
    missing: float
    invented: float


@dataclass(frozen=True, slots=True)
class Colour:
    """``exposure``: the photo's, as a factor. ``cast``: gains of red, green and blue that made it neutral.
    ``typical`` and ``worst``: CIEDE2000 after both, the median and the 90th percentile of the product's blocks."""

    exposure: float
    cast: tuple[float, float, float]
    typical: float
    worst: float


@dataclass(frozen=True, slots=True)
class Print:
    """Print and labels, judged at full size. ``share``: of the product. ``kept``: contrast of the print in the photo over
    that in the render, the median. ``sharpness``: the same for its finest strokes. ``lost``: the share of the print that
    is missing or other."""

    share: float
    kept: float
    sharpness: float
    lost: float


@dataclass(frozen=True, slots=True)
class Background:
    """``difference``: CIEDE2000 between the grounds of photo and render. ``scatter``: how uneven its colour is, in L*a*b*.
    ``edges``: the share of the ground with edges. ``border``: the share of the photo's border that is not ground."""

    difference: float
    scatter: float
    edges: float
    border: float


@dataclass(frozen=True, slots=True)
class Region:
    """A place that is wrong: ``polygon`` in shares of width and height of the render, ``words`` such as "part missing,
    upper left", ``kind`` (missing, unexplained, changed, colour, print, outside), ``severity`` in units of the tolerance, ``area`` as
    a share of the product."""

    kind: str
    words: str
    severity: float
    area: float
    polygon: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Report:
    """The result of ``check_photo``.

    ``gates``: pose, background, colour and structure. ``regions``: the worst first. ``tile_grid``: structure by tile, rows
    from the top, in units of the tolerance, ``None`` where there is no product. ``light_kept``: 1 when the photo has the
    light of the render, 0 when it has another. ``measures``: the single numbers behind the gates. Parts that could not be
    measured are ``None``.
    """

    verdict: Verdict
    reason: str
    gates: Mapping[str, Gate]
    photo_size: tuple[int, int] = (0, 0)
    render_size: tuple[int, int] = (0, 0)
    is_calibrated: bool = False
    registration: Registration | None = None
    silhouette: Silhouette | None = None
    edges: Edges | None = None
    colour: Colour | None = None
    print_areas: Print | None = None
    background: Background | None = None
    light_kept: float = 0.0
    regions: tuple[Region, ...] = ()
    tile_grid: tuple[tuple[float | None, ...], ...] = ()
    measures: Mapping[str, float] | None = None
    problem: str = ""

    @property
    def is_accepted(self) -> bool:
        return self.verdict is Verdict.ACCEPT

    @property
    def score(self) -> float:
        """The largest value of a gate over its threshold: above 1 something is wrong."""
        return max((gate.value / gate.threshold for gate in self.gates.values()), default=math.inf)

    def to_json(self) -> dict[str, Any]:
        """Plain types; all numbers are finite."""
        plain = _plain(asdict(self))
        return {"version": VERSION, **plain}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Report":
        """The report that ``to_json`` wrote. Raises ValueError for anything else."""
        try:
            if record["version"] != VERSION:
                raise ValueError(f"the report has version {record['version']!r}, not {VERSION}")
            return _report(record)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"this is not a report of the fidelity check ({error})") from error


def _report(record: Mapping[str, Any]) -> Report:
    def part(kind: Any, name: str) -> Any:
        value = record.get(name)
        return None if value is None else _made(kind, value)

    return Report(
        verdict=Verdict(record["verdict"]),
        reason=str(record["reason"]),
        gates={
            str(name): _made(Gate, {**gate, "state": State(gate["state"])})
            for name, gate in record["gates"].items()
        },
        photo_size=_tuples(record["photo_size"]),
        render_size=_tuples(record["render_size"]),
        is_calibrated=bool(record["is_calibrated"]),
        registration=part(Registration, "registration"),
        silhouette=part(Silhouette, "silhouette"),
        edges=part(Edges, "edges"),
        colour=part(Colour, "colour"),
        print_areas=part(Print, "print_areas"),
        background=part(Background, "background"),
        light_kept=float(record["light_kept"]),
        regions=tuple(_made(Region, region) for region in record["regions"]),
        tile_grid=_tuples(record["tile_grid"]),
        measures=record.get("measures"),
        problem=str(record["problem"]),
    )


def _made(kind: Any, record: Mapping[str, Any]) -> Any:
    return kind(**{field.name: _tuples(record[field.name]) for field in fields(kind)})


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list | tuple) else value


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, bool | str) or value is None:
        return value
    if isinstance(value, int):
        return int(value)
    number = float(value)
    return round(number, 6) if math.isfinite(number) else None
