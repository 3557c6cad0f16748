# SPDX-License-Identifier: GPL-3.0-or-later
"""The named camera views of a set.

Azimuth turns the camera counter-clockwise seen from above, 0° in front of the product (-Y);
elevation is above the horizon. Both in degrees.
"""

from dataclasses import dataclass

from .errors import InputError

FILL = 0.875  # Share of the frame's larger side: between 85 % (Amazon's least) and 90 % (Google's most).
DETAIL_FILL = 1.7
DETAIL_AIM = 0.66  # Faces, labels and controls are mostly in the upper half.


@dataclass(frozen=True, slots=True, kw_only=True)
class Angle:
    """One view. ``fill`` above 1 is a close-up that crops the product on purpose.

    ``aim`` is the height in the silhouette that comes to the middle of the frame: 0 its foot, 1 its top.
    """

    name: str
    azimuth: float
    elevation: float
    fill: float = FILL
    aim: float = 0.5

    @property
    def shows_whole_product(self) -> bool:
        return self.fill <= 1.0


ANGLES = {
    angle.name: angle
    for angle in (
        Angle(name="front", azimuth=0.0, elevation=15.0),
        Angle(name="three-quarter", azimuth=45.0, elevation=25.0),
        Angle(name="side", azimuth=90.0, elevation=15.0),
        Angle(name="top", azimuth=0.0, elevation=75.0),
        Angle(name="detail", azimuth=30.0, elevation=5.0, fill=DETAIL_FILL, aim=DETAIL_AIM),
    )
}
HERO = "three-quarter"


def chosen_angles(names: str) -> list[Angle]:
    """The angles of a comma-separated list, without repeats, in its order.

    Raises InputError for a name that is not known and for an empty list.
    """
    wanted = list(dict.fromkeys(name.strip() for name in names.split(",") if name.strip()))
    if not wanted:
        raise InputError("No angle is named.", hint=f"Choose from {', '.join(ANGLES)}.")
    if unknown := [name for name in wanted if name not in ANGLES]:
        raise InputError(
            f"There is no angle called {unknown[0]!r}.", hint=f"Choose from {', '.join(ANGLES)}."
        )
    return [ANGLES[name] for name in wanted]


def hero_first(angles: list[Angle]) -> list[Angle]:
    """The same angles in working order: the video waits for the hero, so it comes first."""
    return sorted(angles, key=lambda angle: angle.name != hero_of(angles).name)


def hero_of(angles: list[Angle]) -> Angle:
    """The angle that the video starts from: three-quarter, or the first one without it."""
    return next((angle for angle in angles if angle.name == HERO), angles[0])
