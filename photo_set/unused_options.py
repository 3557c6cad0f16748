# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that change nothing for a set, so that their user learns it."""

from collections.abc import Mapping
from dataclasses import fields

from ..fal_bridge.jobs import Kind
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


def unused_members(plan: SetPlan) -> list[str]:
    """The members of ``plan`` that were chosen and have no effect, because none of its requests uses them."""
    usual = {item.name: item.default for item in fields(SetPlan)}
    kinds = set(plan.endpoint_ids)
    return [
        name for name, used in _USED_BY.items() if getattr(plan, name) != usual[name] and not used & kinds
    ]
