# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that change nothing for a set or a catalogue, so that their user learns it."""

from collections.abc import Collection, Mapping
from dataclasses import fields
from typing import Any

from ..fal_bridge.jobs import Kind
from .choices import LANCZOS, Fidelity
from .plan import SetPlan

# Members of a plan that only some kinds of requests use.
_PICTURES = frozenset({Kind.PHOTO, Kind.VIDEO})
_USED_BY: Mapping[str, frozenset[Kind]] = {
    "prompt": _PICTURES,
    "look": _PICTURES,
    "seed": frozenset(Kind),
    **dict.fromkeys(("fidelity", "retries"), frozenset({Kind.PHOTO})),
    "loop": frozenset({Kind.VIDEO}),
    "private": frozenset(Kind),
    "expiration": frozenset(Kind),
    "keep_uploads": frozenset(Kind),
    "inline_bytes": frozenset(Kind),
    **{f"{kind}_endpoint": frozenset({kind}) for kind in Kind},
}


def unused_members(chosen: Mapping[str, Any], kinds: Collection[Kind]) -> list[str]:
    """The members of a plan that were chosen and have no effect, because no request uses them.

    ``chosen`` are members by name; those that are missing have their default. ``kinds``: the kinds of all requests.
    """
    usual = {item.name: item.default for item in fields(SetPlan)}
    given = {**usual, **chosen}

    def is_used(name: str) -> bool:
        if name == "upscale_endpoint" and given[name] == LANCZOS:  # It needs no request.
            return bool(given["photo_size"]) and Kind.PHOTO in kinds
        is_retried = given["fidelity"] is Fidelity.GATE
        return not _USED_BY[name].isdisjoint(kinds) and (name != "retries" or is_retried)

    return [name for name in _USED_BY if given[name] != usual[name] and not is_used(name)]


def members_of(plan: SetPlan) -> dict[str, Any]:
    """The members of a plan that ``unused_members`` looks at."""
    return {name: getattr(plan, name) for name in (*_USED_BY, "photo_size")}
