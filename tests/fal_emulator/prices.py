# SPDX-License-Identifier: GPL-3.0-or-later
"""Billable units: what one finished request counts as, in units of the published price."""

import math
from dataclasses import dataclass
from typing import Any

from .schemas import Endpoint, Json

BINARY_MEGAPIXEL = 1 << 20  # The Flux examples count 1024x1024 as one.
DECIMAL_MEGAPIXEL = 1_000_000  # The upscaler examples count plain pixels.
UNIT_WORDS = {
    "request": "units",
    "block": "units",
    "image": "images",
    "megapixel": "megapixels",
    "second": "seconds",
    "compute-second": "compute seconds",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """What was made: the numbers that prices depend on."""

    images: int = 1
    output_pixels: int = 0  # Of one picture.
    input_megapixels: float = 0.0
    seconds: float = 0.0
    compute_seconds: float = 0.0
    references: int = 0  # Pictures beside a video.


def published(endpoint: Endpoint) -> Json | None:
    """The price line of the platform API: one unit is the cheapest base price, unless stated; None when unknown."""
    price = endpoint.data["price"]
    base = [entry for entry in price["entries"] if entry.get("per") not in ("surcharge", "reference")]
    if not base:
        return None
    first = [entry for entry in base if entry.get("when", {}).get("x-megapixel") == "first"]
    return {
        "endpoint_id": endpoint.id,
        "unit_price": price.get("unit_amount", min(entry["amount"] for entry in first or base)),
        "unit": UNIT_WORDS[price["unit"]],
        "currency": price["currency"],
    }


def units(endpoint: Endpoint, inputs: Json, measure: Measure) -> float:
    """Units billed for a request; options such as sound or texture count as more units."""
    price = endpoint.data["price"]
    line = published(endpoint)
    if line is None:
        return round(_quantity(price, price["unit"], measure), 6)
    return round(cost(endpoint, inputs, measure) / line["unit_price"], 9)


def cost(endpoint: Endpoint, inputs: Json, measure: Measure) -> float:
    """Money for a request, from the entries of the price model."""
    price = endpoint.data["price"]
    megapixels = _megapixels(price, measure)
    base, surcharges = 0.0, 0.0
    base_found = False
    for entry in price["entries"]:
        when = entry.get("when", {})
        if step := when.get("x-megapixel"):
            counted = min(1, megapixels) if step == "first" else max(0, megapixels - 1)
            base += entry["amount"] * counted
        elif not _holds(when, inputs, measure):
            continue
        elif entry.get("per") == "reference":
            surcharges += max(0.0, entry["amount"] * measure.references - entry["free"])
        elif entry.get("per") == "surcharge":
            surcharges += entry["amount"]
        elif not base_found:
            base_found = True
            base += entry["amount"] * _quantity(price, entry.get("per", "request"), measure, entry)
    return base + surcharges


def default_quantity(endpoint: Endpoint) -> float:
    """Units of an ordinary call, for estimates from history."""
    inputs = endpoint.completed({})
    return units(
        endpoint,
        inputs,
        Measure(output_pixels=BINARY_MEGAPIXEL, seconds=seconds_of(inputs), compute_seconds=2),
    )


def seconds_of(inputs: Json) -> float:
    """The requested length of a clip: numbers, ``"5"`` and ``"8s"`` all occur."""
    shots = inputs.get("multi_prompt")
    if shots:
        return sum(float(shot.get("duration", 5)) for shot in shots)
    return float(str(inputs.get("duration", 5)).rstrip("s"))


def _holds(when: Json, inputs: Json, measure: Measure) -> bool:
    for name, wanted in when.items():
        if name == "x-output-mp-max":
            if measure.output_pixels > wanted * DECIMAL_MEGAPIXEL:
                return False
            continue
        found = _condition(name, inputs)
        if found not in (wanted if isinstance(wanted, list) else [wanted]):
            return False
    return True


def _condition(name: str, inputs: Json) -> Any:
    if name == "x-voice-control":
        return any("voice_id" in element for element in inputs.get("elements", []))
    if name == "x-multi-view":
        return any(field.endswith("_image_url") and field != "input_image_url" for field in inputs)
    return inputs.get(name)


def _megapixels(price: Json, measure: Measure) -> float:
    rounds_up = price.get("round_up", False)
    size = BINARY_MEGAPIXEL if rounds_up or price.get("includes_input") else DECIMAL_MEGAPIXEL
    each = measure.output_pixels / size
    total = (math.ceil(each) if rounds_up else each) * measure.images
    if price.get("includes_input"):
        total += math.ceil(measure.input_megapixels) if rounds_up else measure.input_megapixels
    return total


def _quantity(price: Json, per: str, measure: Measure, entry: Json | None = None) -> float:
    match per:
        case "megapixel":
            return _megapixels(price, measure)
        case "image":
            return measure.images
        case "second":
            return max(measure.seconds, price.get("min_seconds", 0))
        case "compute-second":
            return measure.compute_seconds
        case "block":
            block = (entry or {}).get("block_megapixels", 1) * DECIMAL_MEGAPIXEL
            return math.ceil(measure.output_pixels / block) or 1
        case _:
            return 1
