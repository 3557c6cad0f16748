# SPDX-License-Identifier: GPL-3.0-or-later
"""The table that the window shows is that of the registry."""

import subprocess
import sys

import pytest

from photoreal_set.fal_bridge.endpoints.endpoint import Endpoint
from photoreal_set.fal_bridge.endpoints.menu import ASKED, CHOICES, Choice, choices
from photoreal_set.fal_bridge.endpoints.price_models import Per
from photoreal_set.fal_bridge.endpoints.registry import REGISTRY
from photoreal_set.fal_bridge.jobs import Kind
from tests.blender.runs import ROOT

UNITS = {Per.IMAGE: " per image", Per.MEGAPIXEL: " per megapixel", Per.SECOND: " per second", Per.REQUEST: ""}


def list_price(endpoint: Endpoint) -> str:
    """The list prices of the tiers; where an amount is only a proportion, there is none."""
    amounts = sorted({tier.amount for tier in endpoint.price.tiers})
    if endpoint.price.is_guess or amounts == [1]:
        return ASKED
    first, last = (f"{amount.normalize():f}" for amount in (amounts[0], amounts[-1]))
    unit = UNITS[endpoint.price.per]
    if endpoint.price.per is Per.MEGAPIXEL:
        return f"from ${first}{unit}"
    return f"${first}{unit}" if first == last else f"${first}-{last}{unit}"


def test_every_current_endpoint_can_be_chosen():
    kinds = {Kind.PHOTO, Kind.VIDEO, Kind.MODEL}
    current = {one.id for one in REGISTRY.values() if one.kind in kinds and not one.successor}
    assert {one.id for one in CHOICES} == current
    assert len(CHOICES) == len(current)
    assert sum(len(choices(kind)) for kind in kinds) == len(CHOICES)


@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: choice.id)
def test_name_kind_and_price_are_those_of_the_registry(choice: Choice):
    endpoint = REGISTRY[choice.id]
    assert choice.kind is endpoint.kind
    assert choice.price == list_price(endpoint)
    assert choice.line and not choice.line.endswith(".")
    assert len(choice.text) < 90


def test_the_table_needs_no_bundled_package():
    code = (
        "import sys; from command_line.bootstrap import load_package; load_package();"
        "import photoreal_set.fal_bridge.endpoints.menu; print(sorted({'PIL', 'numpy', 'httpx'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
