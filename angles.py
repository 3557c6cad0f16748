# SPDX-License-Identifier: GPL-3.0-or-later
"""The camera views of a set: the five named ones, a user's own, and the cameras that a file brings along.

Azimuth turns the camera counter-clockwise seen from above, 0° in front of the product (-Y);
elevation is above the horizon. Both in degrees.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import InputError
from .input_files import parsed_json, read_regular

FILL = 0.875  # Share of the frame's larger side: between 85 % (Amazon's least) and 90 % (Google's most).
DETAIL_FILL = 1.9
LENS_MM = 85.0  # A short telephoto: little perspective distortion, as product photographers use.
LEAST_LENS_MM, MOST_LENS_MM = 20.0, 300.0
LEAST_F_STOP, MOST_F_STOP = 0.5, 256.0
LEAST_FILL, MOST_FILL = 0.05, 20.0
MOST_ANGLES = 72  # A turn in steps of five degrees.
CAMERAS = "cameras"  # Stands for the cameras of the product's file.
LONGEST_NAME = 48
LARGEST_FILE = 1 << 20
RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{digit}" for port in ("com", "lpt") for digit in range(10))}

Rows = tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A camera as it stands in the product's file; in Blender's axes, metres, before the product is normalised.

    ``matrix`` is its 4x4 matrix to world (looks along its -Z, +Y up) without scale. ``sensor_fit`` says along
    which side of the picture the sensor lies: HORIZONTAL, VERTICAL, or AUTO for the longer one. ``shift`` is a
    share of that side. ``ortho_scale`` is its length in metres for a camera without perspective, else 0.
    """

    matrix: Rows
    lens_mm: float = 50.0
    sensor_mm: float = 36.0
    sensor_fit: str = "AUTO"
    shift: tuple[float, float] = (0.0, 0.0)
    ortho_scale: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Angle:
    """One view. ``fill`` above 1 is a close-up: so many times larger than the frame would the product be.

    ``lens_mm`` is the angle's own lens, full-frame equivalent; None: that of the set. With a ``view`` the camera
    is used as it is, and azimuth and elevation only say where it looks from.
    """

    name: str
    azimuth: float
    elevation: float
    fill: float = FILL
    lens_mm: float | None = None
    view: View | None = None

    @property
    def shows_whole_product(self) -> bool:
        return self.view is None and self.fill <= 1.0

    @property
    def is_close_up(self) -> bool:
        """Does the camera go where the product is most detailed?"""
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
HERO = "three-quarter"


def chosen_angles(text: str) -> list[Angle]:
    """The angles of a comma-separated list, in its order; or those of a JSON file.

    Raises InputError for a name that is not known or there twice, for an empty list, and as ``angles_in``.
    """
    wanted = [name.strip() for name in text.split(",") if name.strip()]
    choice = f"Choose from {', '.join(ANGLES)}, or name a JSON file."
    if not wanted:
        raise InputError("No angle is named.", hint=choice)
    if is_angle_file(text) and (len(wanted) == 1 or Path(text.strip()).exists()):
        return angles_in(Path(text.strip()))
    if any(is_angle_file(name) or name == CAMERAS for name in wanted):
        raise InputError(
            f"{CAMERAS} and a file of angles stand alone, not in a list.",
            hint="Write all the angles into the file.",
        )
    if unknown := [name for name in wanted if name not in ANGLES]:
        raise InputError(f"There is no angle called {unknown[0]!r}.", hint=choice)
    if repeated := next((name for name in wanted if wanted.count(name) > 1), None):
        raise InputError(f"The angle {repeated!r} is named twice.", hint="Name each angle once.")
    return [ANGLES[name] for name in wanted]


def is_angle_file(text: str) -> bool:
    return text.strip().lower().endswith(".json")


def angles_in(path: Path) -> list[Angle]:
    """The angles of a JSON file: a list of objects with name, azimuth, elevation, and perhaps fill and lens_mm.

    Raises InputError with what is wrong in which entry.
    """
    try:
        entries = parsed_json(read_regular(path, LARGEST_FILE))
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}).", hint="Check the name.") from error
    except ValueError as error:
        raise InputError(f"{path.name} is not valid JSON ({error}).") from error
    if not isinstance(entries, list) or not entries:
        raise InputError(
            f"{path.name} holds no list of angles.",
            hint='Write [{"name": "back", "azimuth": 180, "elevation": 15}].',
        )
    if len(entries) > MOST_ANGLES:
        raise InputError(f"{path.name} has {len(entries)} angles; {MOST_ANGLES} are the most.")
    angles = [_angle(entry, f"{path.name}, angle {number}") for number, entry in enumerate(entries, 1)]
    numbers: dict[str, int] = {}
    for number, angle in enumerate(angles, 1):
        first = numbers.setdefault(angle.name.casefold(), number)
        if first != number:
            raise InputError(
                f"{path.name}, angle {number}: the name {angle.name!r} is that of angle {first} already.",
                hint="Give each angle a name of its own; capitals do not count.",
            )
    return angles


def _angle(entry: Any, where: str) -> Angle:
    if not isinstance(entry, Mapping):
        raise InputError(f"{where} is no object with name, azimuth and elevation.")
    known = {"name", "azimuth", "elevation", "fill", "lens_mm"}
    if unknown := sorted(set(entry) - known):
        raise InputError(f"{where}: {unknown[0]!r} is not known.", hint=f"Known: {', '.join(sorted(known))}.")
    for name in ("name", "azimuth", "elevation"):
        if name not in entry:
            raise InputError(f"{where} has no {name}.")
    if not is_safe_name(entry["name"]):
        raise InputError(
            f"{where}: {entry['name']!r} cannot name a file everywhere.",
            hint=f"Use up to {LONGEST_NAME} letters (a-z), digits, - and _, a letter or digit first.",
        )
    lens = _number(entry, "lens_mm", where, LEAST_LENS_MM, MOST_LENS_MM) if "lens_mm" in entry else None
    return Angle(
        name=entry["name"],
        azimuth=_number(entry, "azimuth", where) % 360.0,
        elevation=_number(entry, "elevation", where, -90.0, 90.0),
        fill=_number(entry, "fill", where, LEAST_FILL, MOST_FILL) if "fill" in entry else FILL,
        lens_mm=lens,
    )


def _number(
    entry: Mapping[str, Any], name: str, where: str, least: float = -math.inf, most: float = math.inf
) -> float:
    value = entry[name]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    try:
        number = float(value) if is_number else math.nan
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise InputError(f"{where}: {name} is not a number.")
    if not least <= number <= most:
        raise InputError(f"{where}: {name} is {number:g}, and not between {least:g} and {most:g}.")
    return number


def is_safe_name(name: Any) -> bool:
    """Can files of every system be called so, and no two files of a set the same?"""
    if not isinstance(name, str) or not re.fullmatch(
        rf"[A-Za-z0-9][A-Za-z0-9_-]{{0,{LONGEST_NAME - 1}}}", name
    ):
        return False
    # photos/original keeps the enlargement of NAME as NAME-enlarged.
    return name.lower() not in RESERVED and not name.lower().endswith("-enlarged")


def safe_names(names: Iterable[str], others: Iterable[str] = ()) -> list[str]:
    """The same names as files may have them, each another one, also than ``others``."""
    found: list[str] = []
    taken = {name.casefold() for name in others}
    for name in names:
        plain = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-_")[: LONGEST_NAME - 8].rstrip("-_")
        plain = plain if is_safe_name(plain) else f"{plain}-camera".lstrip("-")
        safe, number = plain, 1
        while safe.casefold() in taken:
            number += 1
            safe = f"{plain}-{number}"
        taken.add(safe.casefold())
        found.append(safe)
    return found


def direction_of(matrix: Rows) -> tuple[float, float]:
    """Azimuth and elevation that a camera with this matrix to world looks from, in degrees."""
    (_, up_x, back_x), (_, up_y, back_y), (_, _, back_z) = (row[:3] for row in matrix[:3])
    elevation = math.degrees(math.asin(max(-1.0, min(1.0, back_z))))
    x, y = back_x, back_y
    if abs(elevation) > 89.9:  # Straight down or up: by the upper edge of the picture.
        x, y = (-up_x, -up_y) if elevation > 0.0 else (up_x, up_y)
    return math.degrees(math.atan2(x, -y)) % 360.0, elevation


def hero_first(angles: list[Angle]) -> list[Angle]:
    """The same angles in working order: the video waits for the hero, so it comes first."""
    return sorted(angles, key=lambda angle: angle.name != hero_of(angles).name)


def hero_of(angles: list[Angle]) -> Angle:
    """The angle that the video starts from: three-quarter, or the first one without it."""
    return next((angle for angle in angles if angle.name == HERO), angles[0])
