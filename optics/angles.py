# SPDX-License-Identifier: GPL-3.0-or-later
"""The camera angles of a set: the five named ones, those of a JSON file, and the cameras of the product's file.

Azimuth turns the camera counter-clockwise, seen from above; 0° is in front of the product (-Y). Elevation is the angle
above the horizon. Both are in degrees.
"""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..files.input_files import parsed_json, read_regular
from ..files.names import NameRule, is_device_name, safe_name
from ..files.values import Rule, checked_in, list_of, number, one_of, optional, record_of
from ..imaging.choices import HERO as HERO
from ..messages.errors import InputError

FILL = 0.875  # Share of the frame: between 85 % (the minimum of Amazon) and 90 % (the maximum of Google).
DETAIL_FILL = 1.9
LENS_MM = 85.0  # A short telephoto lens, as in product photography: little perspective distortion.
MIN_LENS_MM, MAX_LENS_MM = 20.0, 300.0
MIN_F_STOP, MAX_F_STOP = 0.5, 256.0
MIN_FILL, MAX_FILL = 0.05, 20.0
LENS = number(MIN_LENS_MM, MAX_LENS_MM, "mm")
F_STOP = number(MIN_F_STOP, MAX_F_STOP)
MAX_ANGLES = 72  # A turn in steps of five degrees.
CAMERAS = "cameras"  # In place of angles: the cameras of the product's file.
MAX_NAME_LENGTH = 48
MAX_FILE_BYTES = 1 << 20
SENSOR_FITS = ("AUTO", "HORIZONTAL", "VERTICAL")

Rows = tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A camera of the product's file, in Blender's axes and metres, before the product is normalised.

    ``matrix`` is its 4x4 matrix to world (looks along its -Z, +Y up) without scale. ``sensor_fit`` is the side of the
    picture that the sensor lies along: HORIZONTAL, VERTICAL, or AUTO for the longer one. ``shift`` is a share of that
    side. ``ortho_scale`` is its length in metres for a camera without perspective, otherwise 0.
    """

    matrix: Rows
    lens_mm: float = 50.0
    sensor_mm: float = 36.0
    sensor_fit: str = "AUTO"
    shift: tuple[float, float] = (0.0, 0.0)
    ortho_scale: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Angle:
    """One camera angle.

    ``fill`` is the share of the frame that the product fills; above 1 it is a close-up. ``lens_mm`` is the focal length,
    full-frame equivalent; None means that of the set. With a ``view`` that camera is used as it is, and azimuth and
    elevation only describe its direction.

    Names and values of all members are part of the digest that decides whether a picture is up to date.
    """

    name: str
    azimuth: float
    elevation: float
    fill: float = FILL
    lens_mm: float | None = None
    view: View | None = None

    @property
    def shows_whole_product(self) -> bool:
        """Is the camera placed so that all of the product is visible?"""
        return self.view is None and self.fill <= 1.0

    @property
    def is_close_up(self) -> bool:
        """Does the camera move to the most detailed part of the product?"""
        return self.view is None and self.fill > 1.0


ANGLES = {
    angle.name: angle
    for angle in (
        Angle(name="front", azimuth=0.0, elevation=15.0),
        Angle(name="three-quarter", azimuth=45.0, elevation=25.0),
        Angle(name="side", azimuth=90.0, elevation=15.0),
        Angle(name="top", azimuth=0.0, elevation=75.0),
        Angle(name="detail", azimuth=30.0, elevation=5.0, fill=DETAIL_FILL),
    )
}


def chosen_angles(text: str) -> list[Angle]:
    """The angles in a comma-separated list, in that order, or in a JSON file.

    Raises InputError for an unknown or repeated name, for an empty list, and as ``angles_in``.
    """
    wanted = [name.strip() for name in text.split(",") if name.strip()]
    choice = f"Choose from {', '.join(ANGLES)}, or name a JSON file."
    if not wanted:
        raise InputError("No angle is named.", hint=choice)
    if is_angle_file(text) and (len(wanted) == 1 or Path(text.strip()).exists()):
        return angles_in(Path(text.strip()))
    if any(is_angle_file(name) or name == CAMERAS for name in wanted):
        raise InputError(
            f"{CAMERAS} and a file of angles cannot be part of a list.",
            hint="Put all angles into the file.",
        )
    if unknown := [name for name in wanted if name not in ANGLES]:
        raise InputError(f"There is no angle called {unknown[0]!r}.", hint=choice)
    if repeated := next((name for name in wanted if wanted.count(name) > 1), None):
        raise InputError(f"The angle {repeated!r} is named twice.", hint="Name each angle once.")
    return [ANGLES[name] for name in wanted]


def is_angle_file(text: str) -> bool:
    return text.strip().lower().endswith(".json")


def angles_in(path: Path) -> list[Angle]:
    """The angles in a JSON file: a list of objects with name, azimuth, elevation, and optionally fill and lens_mm.

    Raises InputError that says which entry is wrong and why.
    """
    try:
        entries = parsed_json(read_regular(path, MAX_FILE_BYTES))
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}).", hint="Check the name.") from error
    except ValueError as error:
        raise InputError(f"{path.name} is not valid JSON ({error}).") from error
    return list(checked_in(path.name, _ANGLES_OF_FILE, entries, hint=_FILE_HINT))


# --- rules for values from outside ----------------------------------------------------------


def angle_name(value: Any) -> str:
    """The rule for the name of an angle: a valid file name on every system."""
    is_name = isinstance(value, str) and re.fullmatch(
        rf"[A-Za-z0-9][A-Za-z0-9_-]{{0,{MAX_NAME_LENGTH - 1}}}", value
    )
    # NAME-enlarged is the name of an enlargement in photos/original.
    if not is_name or is_device_name(value) or value.lower().endswith("-enlarged"):
        raise ValueError(
            f"is not the name of an angle: up to {MAX_NAME_LENGTH} letters (a-z), digits, - and _, a letter or digit "
            'first, nothing that Windows reserves, and not "-enlarged" at the end'
        )
    return str(value)


def is_angle_name(name: Any) -> bool:
    """Does ``angle_name`` accept it?"""
    try:
        angle_name(name)
    except ValueError:
        return False
    return True


def turn(value: Any) -> float:
    """The rule for an angle around the vertical axis: any number of degrees, reduced to 0 up to 360."""
    degrees = number()(value) % 360.0
    return 0.0 if degrees == 360.0 else degrees  # The remainder of a tiny negative number is rounded to 360.


_LENGTH = number(1e-6, 1e9)
_view_record = record_of(
    {
        "matrix": list_of(list_of(number(-1e9, 1e9), 4, min_count=4), 4, min_count=4, name="row"),
        "lens_mm": _LENGTH,
        "sensor_mm": _LENGTH,
        "sensor_fit": one_of(SENSOR_FITS),
        "shift": list_of(number(-1e6, 1e6), 2, min_count=2),
        "ortho_scale": number(0.0, 1e9),
    }
)
_NEEDED = {"name": angle_name, "azimuth": turn, "elevation": number(-90.0, 90.0)}
_OWN = {"fill": number(MIN_FILL, MAX_FILL), "lens_mm": LENS}
_own_record = record_of(_NEEDED, _OWN)
_kept_record = record_of(
    {**_NEEDED, "fill": _OWN["fill"], "lens_mm": optional(LENS), "view": optional(lambda view: _view(view))}
)


def kept_angle(value: Any) -> Angle:
    """The rule for an angle in ``set.json`` or a lock file: a name in ``ANGLES``, or all members of ``Angle``."""
    if isinstance(value, str):
        return ANGLES[one_of(ANGLES)(value)]
    return Angle(**_kept_record(value))


def _own_angle(value: Any) -> Angle:
    return Angle(**_own_record(value))


def _view(value: Any) -> View:
    return View(**_view_record(value))


def distinct_angles(rule: Rule[Angle]) -> Rule[tuple[Angle, ...]]:
    """The rule for a list of angles that ``rule`` accepts, with unique names; case does not count."""
    angles = list_of(rule, MAX_ANGLES, min_count=1, name="angle")

    def judge(value: Any) -> tuple[Angle, ...]:
        found = angles(value)
        numbers: dict[str, int] = {}
        for place, angle in enumerate(found, 1):
            first = numbers.setdefault(angle.name.casefold(), place)
            if first != place:
                raise ValueError(f"has the name {angle.name!r} twice, for angles {first} and {place}")
        return found

    return judge


KEPT_ANGLES = distinct_angles(kept_angle)
_ANGLES_OF_FILE = distinct_angles(_own_angle)
_FILE_HINT = 'Write entries like {"name": "back", "azimuth": 180, "elevation": 15}.'


_NAME_OF_CAMERA = NameRule(
    other=re.compile(r"[^A-Za-z0-9_-]+"),
    stand_in="-",
    otherwise="camera",
    ends="-_",
    ends_of_cut="-_",
    max_letters=MAX_NAME_LENGTH - 8,  # Leaves room for what makes it different from the others.
    is_reserved=lambda name: not is_angle_name(name),
    free="{}-camera",
)


def names_for_angles(names: Iterable[str], others: Iterable[str] = ()) -> list[str]:
    """The names of cameras as names of angles, unique and different from ``others``; case does not count."""
    found: list[str] = []
    taken = {name.casefold() for name in others}
    for name in names:
        plain = safe_name(name, _NAME_OF_CAMERA)
        free, number = plain, 1
        while free.casefold() in taken:
            number += 1
            free = f"{plain}-{number}"
        taken.add(free.casefold())
        found.append(free)
    return found


def direction_of(matrix: Rows) -> tuple[float, float]:
    """Azimuth and elevation of a camera with this matrix to world, in degrees."""
    (_, up_x, back_x), (_, up_y, back_y), (_, _, back_z) = (row[:3] for row in matrix[:3])
    elevation = math.degrees(math.asin(max(-1.0, min(1.0, back_z))))
    x, y = back_x, back_y
    if abs(elevation) > 89.9:  # Straight down or up: the upper edge of the picture decides.
        x, y = (-up_x, -up_y) if elevation > 0.0 else (up_x, up_y)
    return math.degrees(math.atan2(x, -y)) % 360.0, elevation


def hero_first(angles: list[Angle]) -> list[Angle]:
    """The angles with the hero first, because the video needs it."""
    return sorted(angles, key=lambda angle: angle.name != hero_of(angles).name)


def hero_of(angles: list[Angle]) -> Angle:
    """The angle that the video starts from: three-quarter if there is one, or else the first."""
    return next((angle for angle in angles if angle.name == HERO), angles[0])
