# SPDX-License-Identifier: GPL-3.0-or-later
"""The rule for ``set.json``: of which type its members are, and within which bounds. Members not named here are allowed.

``plan`` and ``source`` have rules of their own (``plan_record``), for they decide what is made.
"""

from enum import StrEnum
from typing import Any

from ..files.names import component, inner_path
from ..files.values import SHA256, Rule, list_of, mapping_of, member_of, number, optional, record_of, whole
from ..gltf.findings import Severity
from ..optics.angles import MAX_ANGLES, angle_name
from .choices import MAX_PHOTOS

MOST_TAKES = 10_000
MOST_VIDEOS = 100
MOST_EARLIER = MOST_TAKES
MOST_NAMES = 10_000  # Angles and motions that a set has had.
MOST_FINDINGS = 10_000
LONGEST_WORDS = 100_000


class SetState(StrEnum):
    PARTIAL = "partial"
    DONE = "done"
    FAILED = "failed"
    HELD = "held"  # A paid call is uncertain and waits for a person.


def words(value: Any) -> str:
    """Text for people, or from fal.ai: shown and compared, never more."""
    if not isinstance(value, str) or len(value) > LONGEST_WORDS:
        raise ValueError("is not text")
    return value


def _open(**members: Rule[Any]) -> Rule[dict[str, Any]]:
    return record_of({}, members, may_have_others=True)


_COUNT = whole(0, 1 << 53)
_AMOUNT = number(0.0, 1e12)
_REAL = number(-1e12, 1e12)
_TAKES = whole(1, MOST_TAKES)
SOURCE_FILES = list_of(record_of({"name": component, "sha256": SHA256}), MAX_PHOTOS, name="file")
_MATRIX = list_of(list_of(_REAL, 4, min_count=4), 4, min_count=4, name="row")
_FILE = {"path": inner_path, "sha256": SHA256, "width": _COUNT, "height": _COUNT, "made_with": words}
_ENLARGED = {
    **_FILE,
    "state": words,
    "endpoint": words,
    "request_id": words,
    "price": optional(_AMOUNT),
    "error": words,
    "original": inner_path,
}
_MADE = {
    **_ENLARGED,
    "engine": words,
    "prompt": words,
    "samples": _COUNT,
    "seconds": _AMOUNT,
    "take": _TAKES,
    "preview": optional(_open(**_FILE)),
    "enlargement": record_of({"state": words}, _ENLARGED, may_have_others=True),
}
_pending = record_of({"state": words}, _MADE, may_have_others=True)
_camera = record_of(
    {
        "matrix_world": _MATRIX,
        **dict.fromkeys(("lens_mm", "sensor_mm"), number(1e-6, 1e9)),
        **dict.fromkeys(("shift_x", "shift_y", "clip_start", "clip_end"), _REAL),
    },
    {"ortho_scale": _AMOUNT},
    may_have_others=True,
)
_finding = record_of(
    {"severity": member_of(Severity), "text": words},
    {"kind": words, "where": words, "count": optional(_COUNT)},
    may_have_others=True,
)
_FINDINGS = list_of(_finding, MOST_FINDINGS, name="finding")
_render = record_of({"path": inner_path, "samples": _COUNT}, _FILE, may_have_others=True)
_angle = record_of(
    {"name": angle_name},
    {
        "azimuth": _REAL,
        "elevation": _REAL,
        "fill": _REAL,
        "camera": _camera,
        "render": _render,
        "mask": inner_path,
        "photo": _open(**_MADE),
        "pending": _pending,
        "depth": _open(**_FILE),
        "normal": _open(**_FILE),
        "takes": _TAKES,
    },
    may_have_others=True,
)
_video = record_of(
    {"motion": words, "state": words},
    {
        **_MADE,
        "takes": _TAKES,
        "start_take": optional(whole(0, MOST_TAKES)),
        "pending": _pending,
        "stand_in": words,
        "earlier": list_of(_open(), MOST_EARLIER),
    },
    may_have_others=True,
)
_take = record_of({"take": _TAKES}, _MADE, may_have_others=True)
_slot = record_of(
    {
        "chosen": whole(0, MOST_TAKES),
        "wanted": words,
        "list": list_of(_take, MOST_TAKES, name="take"),
    }
)
_names = mapping_of(angle_name, _slot, MOST_NAMES)  # Motions are named by the same rule.
_model = _open(
    **_MADE,
    takes=_TAKES,
    concept_takes=_TAKES,
    earlier=list_of(_open(**_MADE), MOST_EARLIER, name="model"),
    variant=words,
    concept=_open(**_MADE),
    triangles=_COUNT,
    size_m=list_of(_AMOUNT, 3, min_count=3),
    standing_matrix=_MATRIX,
    triage=_FINDINGS,
    source_triage=_FINDINGS,
)
MANIFEST = record_of(
    {
        "schema": whole(0, 1_000_000),
        "source": _open(kind=words, text=words, files=SOURCE_FILES),
        "state": member_of(SetState),
        "model": _model,
        "angles": list_of(_angle, MAX_ANGLES, name="angle"),
        "videos": list_of(_video, MOST_VIDEOS, name="video"),
    },
    {
        "product": words,
        "created": words,
        "tool": _open(name=words, version=words, blender=words),
        "plan": optional(_open()),
        "cost": _open(
            actual=_AMOUNT, unknown=_COUNT, estimate=_open(min=optional(_AMOUNT), max=optional(_AMOUNT))
        ),
        "error": words,
        "takes": _open(**dict.fromkeys(("photos", "videos", "concepts"), _names)),
    },
    may_have_others=True,
)
