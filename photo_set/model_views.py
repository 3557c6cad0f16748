# SPDX-License-Identifier: GPL-3.0-or-later
"""Which source photo shows which side of the product, for endpoints that make a 3D model from named views."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..fal_bridge.endpoints.endpoint import Endpoint
from ..fal_bridge.jobs import SIDES, Kind, Role
from ..messages.errors import FieldError

if TYPE_CHECKING:
    from .plan import SetPlan

FRONT = "front"
VIEWS = (FRONT, *(role.value for role in SIDES))
_WORDS = {**{view: view for view in VIEWS}, "rear": Role.BACK.value}
_HINT = "Name the files front, left, back and right, or choose another model endpoint."


def model_inputs(plan: "SetPlan", images: Sequence[Path]) -> dict[str, Any]:
    """The pictures of a ``Generation`` of the 3D model: ``images``, or the front and the others by their side.

    Raises FieldError when the names of the photos do not say what an endpoint with named views needs.
    """
    endpoint = plan.endpoint(Kind.MODEL)
    if not _has_named_views(endpoint) or not images:
        return {"images": tuple(images)}
    if len(images) == 1:
        return {"images": tuple(images)}
    by_view = _by_view(endpoint, plan.source.kept_names, images)
    if endpoint.needs_front_first:
        _require_no_gap(endpoint, by_view)
        return {"images": tuple(by_view[view] for view in VIEWS if view in by_view)}
    files = {role: (by_view[role.value],) for role in SIDES if role.value in by_view}
    return {"images": (by_view[FRONT],), "files": files}


def most_pictures(endpoint: Endpoint) -> int:
    """The number of source photos that an endpoint takes."""
    return endpoint.images[1] + sum(endpoint.room_for(role) for role in SIDES)


def _has_named_views(endpoint: Endpoint) -> bool:
    return endpoint.needs_front_first or any(role in endpoint.slots for role in SIDES)


def _by_view(endpoint: Endpoint, names: Sequence[str], images: Sequence[Path]) -> Mapping[str, Path]:
    found: dict[str, Path] = {}
    for name, path in zip(names, images, strict=True):
        words = re.split(r"[^a-z]+", Path(name).stem.lower())
        views = {_WORDS[word] for word in words if word in _WORDS}
        if len(views) != 1:
            raise FieldError(
                "model_endpoint",
                f"{endpoint.id} needs to know which side each photo shows, and {name} does not say it.",
                hint=_HINT,
            )
        view = views.pop()
        if view in found:
            raise FieldError(
                "model_endpoint",
                f"Two photos are named {view}, and {endpoint.id} accepts only one.",
                hint=_HINT,
            )
        found[view] = path
    if FRONT not in found:
        raise FieldError("model_endpoint", f"{endpoint.id} needs a photo named {FRONT}.", hint=_HINT)
    return found


def _require_no_gap(endpoint: Endpoint, by_view: Mapping[str, Path]) -> None:
    """The sides are told apart by their position in a list, so none before the last may be missing."""
    given = [view in by_view for view in VIEWS]
    gap = given.index(False) if False in given else len(given)
    if any(given[gap:]):
        raise FieldError(
            "model_endpoint",
            f"{endpoint.id} takes photos in the order {', '.join(VIEWS)}, and {VIEWS[gap]} is missing.",
            hint="Add that photo, or choose another model endpoint.",
        )
