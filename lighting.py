# SPDX-License-Identifier: GPL-3.0-or-later
"""Which light the user wants: a rig by name, or a light map from a file."""

from dataclasses import dataclass
from pathlib import Path

from .errors import InputError
from .files import sha256_of

SOFTBOX = "softbox"
RIG_NAMES = (SOFTBOX, "three-point", "high-key", "dark-field", "jewellery")
PANORAMA_SUFFIXES = (".hdr", ".exr")
MOST_PANORAMA_BYTES = 2 << 30  # 16384 x 8192 pixels of four floats.
LEAST_INTENSITY, MOST_INTENSITY = 0.05, 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Panorama:
    """A light map in a file, known by its content."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RigChoice:
    """``rotation``: degrees counter-clockwise seen from above; ``intensity``: factor on the right exposure."""

    name: str = SOFTBOX
    panorama: Panorama | None = None
    rotation: float = 0.0
    intensity: float = 1.0


def is_panorama_file(text: str) -> bool:
    return Path(text).suffix.lower() in PANORAMA_SUFFIXES


def chosen_rig(text: str, *, rotation: float = 0.0, intensity: float = 1.0) -> RigChoice:
    """The rig called ``text``, or lit by the panorama in that file.

    Raises InputError for a name that is not known, a file that cannot be read, and light that is none.
    """
    if not LEAST_INTENSITY <= intensity <= MOST_INTENSITY:
        raise InputError(
            f"A rig intensity of {intensity:g} is not between {LEAST_INTENSITY:g} and {MOST_INTENSITY:g}.",
            hint="1 is the right exposure.",
        )
    rotation %= 360.0
    if text in RIG_NAMES:
        return RigChoice(name=text, rotation=rotation, intensity=intensity)
    path = Path(text)
    if not is_panorama_file(text):
        raise InputError(
            f"There is no rig called {text!r}.",
            hint=f"Choose from {', '.join(RIG_NAMES)}, or name an .hdr or .exr panorama.",
        )
    try:
        digest = sha256_of(path, MOST_PANORAMA_BYTES)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}).", hint="Check the name.") from error
    panorama = Panorama(path=str(path), sha256=digest)
    return RigChoice(name=path.stem, panorama=panorama, rotation=rotation, intensity=intensity)
