# SPDX-License-Identifier: GPL-3.0-or-later
"""What many products cost: plans that differ only in the product have the same price."""

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import replace

from ..fal_bridge.endpoints.endpoint import size_of
from ..fal_bridge.money.price_list import PriceList
from ..photo_set.estimates import Estimate, PlannedJob, estimate_of
from ..photo_set.plan import SetPlan
from ..photo_set.source import SourceKind


class Pricing:
    """Estimates of many plans; plans with the same price are estimated once."""

    def __init__(self, prices: PriceList) -> None:
        self._prices = prices
        self._known: dict[Hashable, Estimate] = {}

    def estimate(self, plan: SetPlan) -> Estimate:
        shape = _shape(plan)
        if shape not in self._known:
            self._known[shape] = estimate_of(plan, self._prices)
        return self._known[shape]

    def whole(self, plans: Iterable[SetPlan]) -> Estimate:
        """All requests of all plans; identical ones are one job with a count."""
        counts: dict[int, int] = {}
        estimates: dict[int, Estimate] = {}
        for plan in plans:
            estimate = self.estimate(plan)
            counts[id(estimate)] = counts.get(id(estimate), 0) + 1
            estimates[id(estimate)] = estimate
        jobs = tuple(_times(estimates[key], count) for key, count in counts.items())
        return Estimate(tuple(job for group in jobs for job in group), self._prices.age_seconds)


def _times(estimate: Estimate, count: int) -> Iterator[PlannedJob]:
    for job in estimate.jobs:
        yield replace(job, times=job.times * count)


def _shape(plan: SetPlan) -> Hashable:
    """Everything in a plan that its price depends on."""
    pictures = plan.source.kind is SourceKind.PHOTOS
    return (
        plan.source.kind,
        tuple(size_of(path) for path in plan.source.files) if pictures else (),
        plan.angles,
        plan.engine,
        plan.video,
        plan.resolution,
        tuple(plan.endpoint_ids.items()),
        tuple((kind, tuple(texts.items())) for kind, texts in plan.option_texts.items()),
        plan.with_hero,
        plan.motion,
        plan.look,
        plan.seconds,
        plan.loop,
        plan.photo_size,
        plan.photo_retries,
        tuple(variant.name for variant in plan.variants),
    )
