# SPDX-License-Identifier: GPL-3.0-or-later
"""The spin in ``set.json``: its rule, the same as JSON Schema, and when it is complete."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..files.names import inner_path
from ..files.values import SHA256, list_of, number, record_of, whole
from ..optics.spin import COUNT

if TYPE_CHECKING:
    from .folder import SetFolder

FOLDER = "spin"
FILES = ("page", "sprite", "manifest", "zip")

_DEGREES, _SIDE = number(-360.0, 360.0), whole(1, 1 << 20)
_FILE = record_of({"path": inner_path, "sha256": SHA256}, may_have_others=True)
_BOX = list_of(whole(0, 1 << 20), 4, min_count=4, name="side")
_FRAME = record_of(
    {"path": inner_path, "sha256": SHA256, "azimuth": _DEGREES, "fill": number(0.0, 1.0), "box": _BOX},
    may_have_others=True,
)
SPIN_RULE = record_of(
    {"count": COUNT, "frames": list_of(_FRAME, 72, name="frame")},
    {**dict.fromkeys(FILES, _FILE), "width": _SIDE, "height": _SIDE, "fill": number(0.0, 1.0)},
    may_have_others=True,
)

_PATH = {"type": "string", "minLength": 1, "description": "relative to the set folder"}
_HASH = {"type": "string", "pattern": "^[0-9a-f]{64}$", "description": "hash of its content"}
_FILE_SCHEMA = {
    "type": "object",
    "properties": {"path": _PATH, "sha256": _HASH},
    "required": ["path", "sha256"],
}
_FRAME_SCHEMA = {
    "type": "object",
    "properties": {
        "path": _PATH,
        "sha256": _HASH,
        "azimuth": {"type": "number", "description": "degrees, counter-clockwise from above; 0 is in front"},
        "fill": {"type": "number", "description": "share of the frame that the product fills"},
        "box": {
            "type": "array",
            "items": {"type": "integer"},
            "description": "the product in pixels: left, top, right and bottom",
        },
        "camera": {"type": "object", "description": "the camera, as that of an angle"},
    },
    "required": ["path", "sha256", "azimuth", "fill", "box"],
}
SPIN_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "count": {"type": "integer", "minimum": 8, "maximum": 72, "description": "number of frames"},
        "elevation": {"type": "number", "description": "degrees above the horizon"},
        "start": {"type": "number", "description": "azimuth of the first frame in degrees"},
        "direction": {
            "enum": ["counter-clockwise", "clockwise"],
            "description": "how the product turns, seen from above",
        },
        "width": {"type": "integer", "minimum": 1, "description": "pixels"},
        "height": {"type": "integer", "minimum": 1, "description": "pixels"},
        "fill": {"type": "number", "description": "share that the product fills of the fullest frame"},
        "made_with": {"type": "string", "description": "digest of everything that decides how it looks"},
        "frames": {"type": "array", "items": _FRAME_SCHEMA, "maxItems": 72},
        **dict.fromkeys(FILES, _FILE_SCHEMA),
    },
    "required": ["count", "frames"],
}


def is_complete(entry: Mapping[str, Any] | None) -> bool:
    """Whether the spin in a manifest has all its frames, and what pages and shops take of them."""
    return entry is not None and len(entry["frames"]) == entry["count"] and entry.keys() >= set(FILES)


def is_spin_whole(folder: "SetFolder", made_with: str) -> bool:
    """Whether the spin in ``folder`` was made with this digest, and all its files exist and are unchanged."""
    entry = folder.record.get("spin")
    if entry is None or entry.get("made_with") != made_with or not is_complete(entry):
        return False
    return all(folder.has(entry.get(name)) for name in FILES) and all(map(folder.has, entry["frames"]))
