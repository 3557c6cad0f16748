# SPDX-License-Identifier: GPL-3.0-or-later
"""How many units of its published price a request takes: a range, because some facts are not published.

fal.ai publishes one price for one unit of an endpoint. Options such as sound, texture or resolution make a request
count as more units; how many, only the page of the endpoint tells. A model has the amounts of that page as list prices,
of which only the proportions count: the published price corresponds to the cheapest of them.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

BINARY_MEGAPIXEL = 1 << 20  # fal.ai's examples for pictures count 1024 x 1024 as one.
DECIMAL_MEGAPIXEL = 1_000_000  # fal.ai's examples for upscalers count plain pixels.

Size = tuple[int, int]


class Per(StrEnum):
    """What an endpoint counts."""

    REQUEST = "request"
    IMAGE = "image"
    MEGAPIXEL = "megapixel"
    SECOND = "second"
    BLOCK = "block"
    COMPUTE = "compute second"
    OTHER = "other"  # Tokens, characters, steps and the like, which only fal.ai can count.


@dataclass(frozen=True, slots=True)
class Range:
    """A minimum and a maximum."""

    low: Decimal
    high: Decimal

    def __add__(self, other: "Range") -> "Range":
        return Range(self.low + other.low, self.high + other.high)

    def times(self, low: Decimal, high: Decimal | None = None) -> "Range":
        """Both ends multiplied: the minimum by ``low``, the maximum by ``high`` (``low`` when it is None)."""
        return Range(self.low * low, self.high * (low if high is None else high))

    def or_(self, other: "Range") -> "Range":
        """The smallest range that contains both."""
        return Range(min(self.low, other.low), max(self.high, other.high))

    def in_steps_of(self, size: Decimal) -> "Range":
        """Both ends divided by ``size``: 5 seconds in steps of 10 seconds are 0.5."""
        return Range(self.low / size, self.high / size)


NOTHING = Range(Decimal(0), Decimal(0))


@dataclass(frozen=True, slots=True)
class Tier:
    """A list price and the inputs it applies to; a tuple of values means any of them.

    ``given``: it applies when any of these inputs is given.
    """

    amount: Decimal
    when: Mapping[str, Any] = field(default_factory=dict)
    given: tuple[str, ...] = ()

    def fits(self, arguments: Mapping[str, Any]) -> bool:
        if self.given and not any(name in arguments for name in self.given):
            return False
        return all(
            arguments.get(name) in (wanted if isinstance(wanted, tuple) else (wanted,))
            for name, wanted in self.when.items()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """The inputs and outputs of a request, as far as they are known in advance."""

    inputs: Sequence[Size] = ()
    min_pixels: int = BINARY_MEGAPIXEL  # Of one resulting picture.
    max_pixels: int = BINARY_MEGAPIXEL
    images: int = 1
    seconds: float = 0
    references: int = 0  # Pictures beside the main one.


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceModel:
    """How the arguments of a request determine the number of units it is billed."""

    per: Per = Per.REQUEST
    tiers: tuple[Tier, ...] = (Tier(Decimal(1)),)  # The first that fits counts.
    # List prices that are published without the options that select them.
    alternatives: tuple[Decimal, ...] = ()
    surcharges: tuple[Tier, ...] = ()  # Each that fits is added.
    further: Decimal | None = None  # Each megapixel after the first.
    unit_amount: Decimal | None = None  # The list price of one published unit; None: the cheapest.
    min_seconds: int = 0  # Shorter videos cost as much as this length.
    references: Range = NOTHING  # List price of each further picture.
    free_references: Decimal = Decimal(0)  # List price of what is free of it.
    counts_input: bool = False
    rounds_up: bool = False  # To whole megapixels; otherwise the rounding is not published.
    megapixel: int = BINARY_MEGAPIXEL
    block_megapixels: int = 1
    is_guess: bool = False  # For an endpoint whose options, and their prices, are unknown.

    def units(self, arguments: Mapping[str, Any], work: Work, unit: str) -> Range | None:
        """The number of published units that a request takes; ``None`` when it cannot be counted.

        ``unit`` is the free text of fal.ai's price list, like "megapixels" or "10 seconds".
        """
        asked, size = unit_of(unit)
        if asked in UNCOUNTABLE:
            return None
        if self.is_guess:
            if asked in (None, Per.REQUEST):
                return None
            return self._count(asked, work).times(Decimal(1), Decimal(2)).in_steps_of(size)
        own = self._own(arguments, work)
        if asked is None or self.per in (Per.REQUEST, Per.BLOCK):
            return own
        if asked is self.per:
            return own.in_steps_of(size)
        # The page and the price list count different things: either may be right.
        return own.or_(self._count(asked, work).times(self._factor(arguments).high).in_steps_of(size))

    @property
    def list_unit(self) -> Decimal | None:
        """The list price of one unit in US dollars; ``None`` when no page has one."""
        return self._cheapest if self.per is Per.REQUEST and len(self.tiers) > 1 else None

    def list_price(self, arguments: Mapping[str, Any]) -> Decimal:
        """The list price of a whole request in US dollars, for models that count requests."""
        return (self._factor(arguments).high + self._extra(arguments)) * self._cheapest

    def _own(self, arguments: Mapping[str, Any], work: Work) -> Range:
        if self.further is not None:
            base = self.tiers[0].amount
            megapixels = self._count(Per.MEGAPIXEL, work)
            low, high = (
                min(count, Decimal(1)) + max(count - 1, Decimal(0)) * self.further / base
                for count in (megapixels.low, megapixels.high)
            )
            return Range(low, high)
        factor, extra = self._factor(arguments), self._extra(arguments)
        count = self._count(self.per, work)
        own = Range(count.low * factor.low + extra, count.high * factor.high + extra)
        return own + self._references(work)

    def _references(self, work: Work) -> Range:
        low, high = (
            max(each * work.references - self.free_references, Decimal(0)) / self._cheapest
            for each in (self.references.low, self.references.high)
        )
        return Range(low, high)

    @property
    def _cheapest(self) -> Decimal:
        """The list price of one published unit."""
        return self.unit_amount or min(
            *(tier.amount for tier in self.tiers), *self.alternatives, self.tiers[0].amount
        )

    def _factor(self, arguments: Mapping[str, Any]) -> Range:
        amount = next((tier.amount for tier in self.tiers if tier.fits(arguments)), None)
        if amount is None:  # Inputs without a price on any page: the most expensive known tier.
            amount = max(tier.amount for tier in self.tiers)
        amounts = (amount, *self.alternatives)
        return Range(min(amounts) / self._cheapest, max(amounts) / self._cheapest)

    def _extra(self, arguments: Mapping[str, Any]) -> Decimal:
        added = sum((tier.amount for tier in self.surcharges if tier.fits(arguments)), Decimal(0))
        return added / self._cheapest

    def _count(self, per: Per, work: Work) -> Range:
        match per:
            case Per.IMAGE:
                return Range(Decimal(work.images), Decimal(work.images))
            case Per.SECOND:
                seconds = max(Decimal(str(work.seconds)), Decimal(self.min_seconds))
                return Range(seconds, seconds)
            case Per.MEGAPIXEL:
                return self._megapixels(work)
            case Per.BLOCK:
                block = self.block_megapixels * DECIMAL_MEGAPIXEL
                low, high = (
                    max(1, math.ceil(pixels / block)) for pixels in (work.min_pixels, work.max_pixels)
                )
                return Range(Decimal(low), Decimal(high))
            case _:
                return Range(Decimal(1), Decimal(1))

    def _megapixels(self, work: Work) -> Range:
        low = Decimal(work.min_pixels) / BINARY_MEGAPIXEL
        high = Decimal(math.ceil(Decimal(work.max_pixels) / self.megapixel))
        if self.rounds_up:
            low = Decimal(math.ceil(low))
        total = Range(low, high).times(Decimal(work.images))
        if not self.counts_input:
            return total
        # Inputs are scaled down to one megapixel. Whether smaller ones count as a whole one is not published.
        sides = [Decimal(width * height) / BINARY_MEGAPIXEL for width, height in work.inputs]
        minimum = sum((min(Decimal(1), side) for side in sides), Decimal(0))
        return total + Range(
            Decimal(math.ceil(minimum)) if self.rounds_up else minimum, Decimal(len(work.inputs))
        )


PER_IMAGE = PriceModel(per=Per.IMAGE)
PER_SECOND = PriceModel(per=Per.SECOND)
PER_MEGAPIXEL = PriceModel(per=Per.MEGAPIXEL, rounds_up=True)


UNCOUNTABLE = frozenset({Per.COMPUTE, Per.OTHER})

_UNIT = re.compile(r"(?:per )?(?:(\d+(?:\.\d+)?) ?(k|m)? )?(?:(?:output|generated|video) )?([a-z ]+?)s?")
_SCALES = {"": 1, "k": 1000, "m": 1_000_000}
# By the singular. A unit that the endpoint defines has no ``Per``.
_WORDS: Mapping[str, tuple[Per | None, int]] = {
    "megapixel": (Per.MEGAPIXEL, 1),
    "image": (Per.IMAGE, 1),
    "picture": (Per.IMAGE, 1),
    "second": (Per.SECOND, 1),
    "minute": (Per.SECOND, 60),
    "compute second": (Per.COMPUTE, 1),
    "video": (Per.REQUEST, 1),
    "clip": (Per.REQUEST, 1),
    "request": (Per.REQUEST, 1),
    "generation": (Per.REQUEST, 1),
    "unit": (None, 1),
    "credit": (None, 1),
}


def unit_of(text: str) -> tuple[Per | None, Decimal]:
    """What the free text of a price list counts, and how much of it is one unit: "10 seconds" is 10 of ``SECOND``.

    ``Per.OTHER`` for a text that is not understood completely; ``None`` for a unit that only the endpoint defines.
    """
    match = _UNIT.fullmatch(" ".join(text.lower().split()))
    if match is None or (word := match[3]) not in _WORDS:
        return Per.OTHER, Decimal(1)
    per, each = _WORDS[word]
    size = Decimal(match[1] or 1) * _SCALES[match[2] or ""] * each
    return (Per.OTHER, Decimal(1)) if not size or (per is None and size != 1) else (per, size)


def per_of(unit: str) -> Per | None:
    """What a unit counts; ``None`` for a unit that only the endpoint defines."""
    return unit_of(unit)[0]
