# SPDX-License-Identifier: GPL-3.0-or-later
"""What a set will cost, before anything is spent."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from ..fal_bridge.endpoints.endpoint import Endpoint, size_of
from ..fal_bridge.endpoints.price_models import NOTHING, Range, Size
from ..fal_bridge.errors import CeilingReachedError, PricesUnreachableError, UnknownPriceError
from ..fal_bridge.jobs import Kind
from ..fal_bridge.journal import Journal, Stage, journal_place
from ..fal_bridge.money.budget import Budget
from ..fal_bridge.money.price_list import EMULATOR, PriceList, Quote, age_sentence
from ..fal_bridge.money.spending import Spending
from ..messages import events
from ..messages.errors import FieldError
from ..messages.labels import shown_label
from ..messages.money import dollars
from ..optics.angles import hero_of
from ..optics.sizes import DEFAULT_SIZE
from ..optics.sizes import Size as PixelSize
from .choices import Engine
from .folder import DamagedSetError, SetFolder
from .labels import (
    CONCEPT_LABEL,
    MODEL_LABEL,
    VIDEO_LABEL,
    enlargement_label,
    label_of_variant,
    photo_label,
    retry_label,
)
from .model_views import model_inputs
from .photo_inputs import planned_roles
from .plan import TYPICAL_PHOTO_PIXELS, SetPlan
from .plan_record import is_of_plan
from .variants import plans_of_variants
from .video_plan import video_files, video_settings

PICTURE = Path("picture.png")  # In place of files that do not exist yet.
MEGAPIXEL: Size = DEFAULT_SIZE
RETRIES = "retries of photos"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedJob:
    """One request that a plan leads to, or ``times`` identical ones."""

    label: str
    endpoint: Endpoint
    quote: Quote
    times: int = 1
    variant: str = ""  # The name of the variant, unless it is the first.
    plural: str = ""  # What tables call several of them; "" for the kind of the endpoint.

    @property
    def name(self) -> str:
        """The label as people read it."""
        return shown_label(self.label)

    @property
    def cost(self) -> Range | None:
        """Of all of them, in US dollars; ``None`` when it is not known."""
        return self.quote.cost.times(Decimal(self.times)) if self.quote.cost else None


@dataclass(frozen=True, slots=True)
class Estimate:
    jobs: tuple[PlannedJob, ...]
    age_seconds: float

    @property
    def known(self) -> Range:
        """The sum of the known prices, in US dollars."""
        return _sum(self.jobs)

    @property
    def unknown(self) -> list[PlannedJob]:
        return [job for job in self.jobs if job.quote.cost is None]

    def without(self, labels: Collection[str]) -> "Estimate":
        return Estimate(tuple(job for job in self.jobs if job.label not in labels), self.age_seconds)

    def only(self, labels: Collection[str]) -> "Estimate":
        return Estimate(tuple(job for job in self.jobs if job.label in labels), self.age_seconds)

    def of_variant(self, name: str) -> "Estimate":
        return Estimate(tuple(job for job in self.jobs if job.variant == name), self.age_seconds)

    def record(self) -> dict[str, Any]:
        """For ``set.json`` and programs; a sum that is not known is null."""
        return {
            "min": float(self.known.low),
            "max": None if self.unknown else float(self.known.high),
        }


def estimate_of(plan: SetPlan, prices: PriceList) -> Estimate:
    """Every request of the plan with its price range, the whole set with all its variants from the start."""
    jobs = list(_planned(plan, prices))
    for variant, own in plans_of_variants(plan):
        jobs += [
            replace(job, label=label_of_variant(variant.name, job.label), variant=variant.name)
            for job in _planned(own, prices)
        ]
    return Estimate(tuple(jobs), prices.age_seconds)


def _planned(plan: SetPlan, prices: PriceList) -> Iterable[PlannedJob]:
    def job(kind: Kind, label: str, *inputs: Size, **members: Any) -> PlannedJob:
        endpoint = plan.endpoint(kind)
        wanted = plan.generation(kind, label, **{"images": (PICTURE,) * len(inputs), **members})
        arguments = endpoint.arguments(wanted, inputs[0] if inputs else None)
        quote = prices.quote(endpoint, arguments, inputs, members.get("seconds"))
        return PlannedJob(label=label, endpoint=endpoint, quote=quote)

    ids = plan.endpoint_ids
    if Kind.CONCEPT in ids:
        yield job(Kind.CONCEPT, CONCEPT_LABEL)
    if Kind.MODEL in ids:
        source_sizes = [size_of(path) or MEGAPIXEL for path in plan.source.files]
        yield job(Kind.MODEL, MODEL_LABEL, *source_sizes, **model_inputs(plan, plan.source.files))
    if plan.engine is Engine.FAL:
        hero = hero_of(list(plan.angles))
        smallest, largest = _photo_sizes(plan)
        for angle in plan.angles:
            shown = (smallest,) if plan.with_hero and angle != hero else ()
            files = dict.fromkeys(planned_roles(plan), (PICTURE,))
            photo = job(Kind.PHOTO, photo_label(angle.name), plan.resolution, *shown, files=files)
            yield photo
            if plan.photo_retries:
                retry = replace(photo, label=retry_label(angle.name), plural=RETRIES)
                yield _perhaps(replace(retry, times=plan.photo_retries))
            if Kind.UPSCALE in ids and (plan.photo_size or 0) > smallest.longer:
                factor = (plan.photo_size or 0) / smallest.longer
                enlargement = job(Kind.UPSCALE, enlargement_label(angle.name), smallest, enlarge=factor)
                is_sure = largest.longer < (plan.photo_size or 0)
                yield enlargement if is_sure else _perhaps(enlargement)
    if Kind.VIDEO in ids:
        sources = {role: (PICTURE,) * count for role, count in video_files(plan).items()}
        members: dict[str, Any] = {"files": sources, "settings": video_settings(plan)}
        yield job(Kind.VIDEO, VIDEO_LABEL, MEGAPIXEL, seconds=plan.video_seconds, **members)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What a run may spend, and what its whole set is expected to cost.

    ``to_come``: what of it is still to be paid, ``None`` where only the journal knows that, request by request.
    """

    estimate: Estimate
    spending: Spending
    to_come: Estimate | None = None


def open_bill(
    plan: SetPlan,
    prices: PriceList,
    budget: Budget,
    *,
    allows_unknown: bool,
    again: Collection[str] = (),
) -> Bill:
    """Raises CeilingReachedError when even the cheapest outcome of what is still to be made is over the ceilings.

    ``again``: labels of what exists and is to be paid once more.

    An unknown price counts as an equal share of what the run's ceiling leaves after the known ones.
    """
    estimate = estimate_of(plan, prices)
    to_come = estimate.without(_paid_with_variants(plan, again))
    if allows_unknown and budget.ceilings.run is None:
        raise FieldError(
            "allow_unknown_price",
            "Sending requests of unknown price needs a ceiling.",
            hint="Set one for this run.",
        )
    if not allows_unknown:
        _require_prices(to_come, prices)
    left = budget.left()
    if left is not None and to_come.known.low > left:
        raise CeilingReachedError(
            f"This costs {money(to_come.known)}, and {dollars(max(left, Decimal(0)))} may be spent.",
            hint="Nothing was sent. Raise the ceiling, or ask for fewer pictures or no video.",
        )
    assumed = None
    if allows_unknown and left is not None:
        requests = max(1, _requests(to_come.unknown) or _requests(estimate.unknown))
        assumed = max(left - to_come.known.high, Decimal(0)) / requests
    return Bill(
        estimate=estimate,
        spending=Spending(prices, budget, assumed=assumed),
        to_come=to_come if is_of_plan(plan) else None,
    )


def price_sentence(estimate: Estimate, to_come: Estimate | None) -> str:
    """What a set costs, and what of it is still to be paid; "" when that is nothing."""
    left = estimate if to_come is None else to_come
    if not left.jobs:
        return ""
    text = f"The whole set costs {_sum_text(estimate)}"
    return f"{text}." if left.jobs == estimate.jobs else f"{text}; {_sum_text(left)} is still to be paid."


def _sum_text(estimate: Estimate) -> str:
    return f"{money(estimate.known)}{', plus items of unknown price' if estimate.unknown else ''}"


def _require_prices(to_come: Estimate, prices: PriceList) -> None:
    """Raises UnknownPriceError for a request of unknown price, or PricesUnreachableError when none could be fetched."""
    if not to_come.unknown:
        return
    job = to_come.unknown[0]
    if not prices.was_reached:
        where = "that it runs" if prices.provider == EMULATOR else "the network"
        raise PricesUnreachableError(
            f"{job.name}: {job.quote.reason}.", hint=f"Nothing was sent. Check {where}, then try again."
        )
    raise UnknownPriceError(f"{job.name}: {job.quote.reason}.")


def _paid_with_variants(plan: SetPlan, again: Collection[str]) -> set[str]:
    others = plans_of_variants(plan)
    return _paid(plan, again) | {
        label_of_variant(variant.name, label) for variant, own in others for label in _paid(own, ())
    }


def _paid(plan: SetPlan, again: Collection[str]) -> set[str]:
    """The labels of what is not to be paid any more, in one set folder."""
    paid = (_made(plan) | _sent(plan)) - set(again)
    # A retry follows from a photo that is received: until then nothing of it is certain.
    return paid | {retry_label(angle.name) for angle in plan.angles if photo_label(angle.name) in paid}


def _made(plan: SetPlan) -> set[str]:
    """The labels of what the set folder has already."""
    if not (plan.out / "set.json").is_file():
        return set()
    try:
        record = SetFolder.open(plan.out).record
    except DamagedSetError:
        return set()  # The journal knows what was sent; the run that repairs the folder deals with the rest.
    made = {CONCEPT_LABEL, MODEL_LABEL} if record.get("model", {}).get("path") else set()
    for entry in record.get("angles", []):
        photo = entry.get("photo") or {}
        made |= {photo_label(entry["name"])} if _is_done(photo) and "pending" not in entry else set()
        made |= {enlargement_label(entry["name"])} if _is_done(photo.get("enlargement")) else set()
    videos = [video for video in record.get("videos", []) if video.get("motion") == plan.motion]
    return made | ({VIDEO_LABEL} if any(map(_is_done, videos)) else set())


def _sent(plan: SetPlan) -> set[str]:
    """The labels of what an earlier run has sent: that is paid, and is only fetched.

    Another prompt or seed makes other requests of the same name; those the engine stops at the ceiling.
    """
    journal = Journal(journal_place(plan.out))
    entries = [journal.read(key) for key in journal.job_keys()]
    wanted = set(plan.endpoint_ids.values())
    return {
        entry.label
        for entry in entries
        if entry.stage is not Stage.FREE and not entry.may_send and entry.endpoint in wanted
    }


def _is_done(entry: Mapping[str, Any] | None) -> bool:
    return entry is not None and entry.get("state") == "done" and "pending" not in entry


def _photo_sizes(plan: SetPlan) -> tuple[PixelSize, PixelSize]:
    """The smallest and the largest that a photo of this plan may be; its shape is that of the render."""
    named = {**plan.endpoint(Kind.PHOTO).intent, **plan.options(Kind.PHOTO)}.get("resolution")
    if side := {"0.5K": 512, "1K": 1024, "2K": 2048, "4K": 4096}.get(str(named).upper()):
        size = plan.resolution.of_pixels(side * side)
        return size, size
    usual = plan.resolution.of_pixels(TYPICAL_PHOTO_PIXELS)
    smallest, largest = sorted((plan.resolution, usual), key=lambda size: size.longer)
    return smallest, largest


def _perhaps(job: PlannedJob) -> PlannedJob:
    """A request that may turn out not to be needed."""
    cost = job.quote.cost
    return job if cost is None else replace(job, quote=replace(job.quote, cost=Range(Decimal(0), cost.high)))


def table(estimate: Estimate, *, what: str = "set") -> str:
    """One line for each sort of request, and the sum."""
    if not estimate.jobs:
        return f"This {what} is free: fal.ai makes no part of it."
    rows = [("what", "endpoint", "requests", "unit price", "cost")]
    for jobs in _alike(estimate.jobs):
        first = jobs[0]
        requests = _requests(jobs)
        is_one = requests == 1 and what == "set"
        name = first.name if is_one else first.plural or _plural(first.endpoint.kind)
        cost = _sum(jobs)
        rows.append(
            (
                name,
                first.endpoint.id,
                str(requests),
                _unit_price(first.quote),
                money(cost) if first.quote.cost else "unknown",
            )
        )
    has_known = any(job.quote.cost for job in estimate.jobs)
    total = _sum_text(estimate) if has_known else "unknown"
    rows.append(("total", "", str(_requests(estimate.jobs)), "", total))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, (*widths, 0), strict=True)).rstrip()
        for row in rows
    ]
    lines.insert(-1, "-" * max(map(len, lines)))
    reasons = dict.fromkeys(job.quote.reason for job in estimate.unknown)
    lines += [f"Unknown: {reason}." for reason in reasons]
    if has_known:
        lines.append(f"Prices {age_sentence(estimate.age_seconds)}. Discounts may be subtracted in the bill.")
    return "\n".join(lines)


def _unit_price(quote: Quote) -> str:
    """Like "$0.025 per image", or "1.5 × $0.80 per unit" when a request takes another number of units than one."""
    price, units = quote.unit_price, quote.units
    if not price:
        return "unknown"
    text = f"{dollars(price.amount)} per {price.unit.removesuffix('s')}"
    if units is None or units.low == units.high == 1:
        return text
    count = f"{units.low:.4g}" if units.low == units.high else f"{units.low:.4g} to {units.high:.4g}"
    return f"{count} × {text}"


def money(amount: Range) -> str:
    if amount.low == amount.high:
        return dollars(amount.low)
    return f"{dollars(amount.low)} to {dollars(amount.high)}"


def sentence(estimate: Estimate) -> str:
    """What is made, and for how much, in one line."""
    what = ", ".join(job.name for job in estimate.jobs)
    return f"{what}: {_sum_text(estimate)}."


def price_events(estimate: Estimate) -> Iterable[events.Event]:
    """The same for programs: a price for each sort of request, and the sum."""
    for jobs in _alike(estimate.jobs):
        quote, price = jobs[0].quote, jobs[0].quote.unit_price
        cost = _sum(jobs)
        yield events.Price(
            kind=jobs[0].endpoint.kind.value,
            endpoint=jobs[0].endpoint.id,
            labels=list(dict.fromkeys(job.label for job in jobs)),
            requests=_requests(jobs),
            unit=price.unit if price else None,
            unit_price=float(price.amount) if price else None,
            min=float(cost.low) if quote.cost else None,
            max=float(cost.high) if quote.cost else None,
            reason=quote.reason,
        )
    known, has_unknown = estimate.known, bool(estimate.unknown)
    yield events.Estimate(
        min=float(known.low),
        max=None if has_unknown else float(known.high),
        currency="USD",
        age_seconds=estimate.age_seconds,
    )


def _sum(jobs: Iterable[PlannedJob]) -> Range:
    return sum((cost for job in jobs if (cost := job.cost)), NOTHING)


def _requests(jobs: Iterable[PlannedJob]) -> int:
    return sum(job.times for job in jobs)


def _alike(jobs: Iterable[PlannedJob]) -> list[list[PlannedJob]]:
    found: dict[tuple[str, Quote], list[PlannedJob]] = {}
    for job in jobs:
        found.setdefault((job.endpoint.id, job.quote), []).append(job)
    return list(found.values())


def _plural(kind: Kind) -> str:
    names = {Kind.MODEL: "3D models", Kind.CONCEPT: "concept pictures", Kind.UPSCALE: "enlargements"}
    return names.get(kind, f"{kind}s")
