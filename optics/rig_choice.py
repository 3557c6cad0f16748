# SPDX-License-Identifier: GPL-3.0-or-later
"""The light that the user chose: a rig by name, or a light map in a file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..files.names import path_text
from ..files.values import SHA256, checked, number, one_of, optional, record_of
from ..files.writing import sha256_of
from ..messages.errors import InputError
from .angles import turn

SOFTBOX = "softbox"
RIG_NAMES = (SOFTBOX, "three-point", "high-key", "dark-field", "jewellery")
PANORAMA_SUFFIXES = (".hdr", ".exr")
MAX_PANORAMA_BYTES = 2 << 30  # 16384 x 8192 pixels of four floats.
MIN_INTENSITY, MAX_INTENSITY = 0.05, 20.0
INTENSITY = number(MIN_INTENSITY, MAX_INTENSITY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Panorama:
    """A light map in a file, identified by its contents."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RigChoice:
    """``rotation`` is in degrees, counter-clockwise seen from above; ``intensity`` is a factor on the exposure."""

    name: str = SOFTBOX
    panorama: Panorama | None = None
    rotation: float = 0.0
    intensity: float = 1.0


_panorama_record = record_of({"path": path_text, "sha256": SHA256})
_rig_record = record_of(
    {"name": path_text, "rotation": turn, "intensity": INTENSITY}, {"panorama": optional(_panorama_record)}
)


def kept_rig(value: Any) -> RigChoice:
    """The rule for a rig in ``set.json`` or a lock file: the members of ``RigChoice``. The light map is not read."""
    record = _rig_record(value)
    panorama = record.get("panorama")
    if panorama is None:
        one_of(RIG_NAMES)(record["name"])
        return RigChoice(**{**record, "panorama": None})
    return RigChoice(**{**record, "panorama": Panorama(**panorama)})


def is_panorama_file(text: str) -> bool:
    return Path(text).suffix.lower() in PANORAMA_SUFFIXES


def chosen_rig(text: str, *, rotation: float = 0.0, intensity: float = 1.0) -> RigChoice:
    """The rig called ``text``, or one with the panorama in the file ``text``.

    Raises InputError for an unknown name, a file that cannot be read, and values out of range.
    """
    intensity = checked(INTENSITY, intensity, "The intensity of the rig", hint="1 is the normal exposure.")
    rotation = checked(turn, rotation, "The rotation of the rig")
    if text in RIG_NAMES:
        return RigChoice(name=text, rotation=rotation, intensity=intensity)
    path = Path(text)
    if not is_panorama_file(text):
        raise InputError(
            f"There is no rig called {text!r}.",
            hint=f"Choose from {', '.join(RIG_NAMES)}, or name an .hdr or .exr panorama.",
        )
    try:
        digest = sha256_of(path, MAX_PANORAMA_BYTES)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}).", hint="Check the name.") from error
    panorama = Panorama(path=str(path), sha256=digest)
    return RigChoice(name=path.stem, panorama=panorama, rotation=rotation, intensity=intensity)
