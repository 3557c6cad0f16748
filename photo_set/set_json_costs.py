# SPDX-License-Identifier: GPL-3.0-or-later
"""The member ``cost`` of ``set.json``: what a set is expected to cost, and what each of its requests has cost."""

from typing import Annotated, Required, TypedDict

from .set_json_values import AMOUNT, COUNT, MAX_REQUESTS, NO_AMOUNT, TEXT, TRUTH, Items


class CostEstimate(TypedDict, total=False):
    min: Annotated[float | None, NO_AMOUNT, "US dollars"]
    max: Annotated[float | None, NO_AMOUNT, "US dollars; null when a part of it is not known"]


class PaidRequest(TypedDict, total=False):
    """One request and what it cost."""

    job: Required[Annotated[str, TEXT, 'its purpose, for example "front photo"']]
    product: Annotated[str, TEXT, "the product; that of a variant has the name of its folder after it"]
    endpoint: Annotated[str, TEXT, "the endpoint"]
    request: Annotated[str, TEXT, "the request at fal.ai"]
    state: Annotated[str, TEXT, '"done", "failed", "running", "uncertain", "forgotten" or "refused"']
    price: Required[Annotated[float | None, NO_AMOUNT, "US dollars; null when not known"]]
    emulated: Annotated[bool, TRUTH, "whether an emulator has accepted it, so that nothing is billed"]


class CostRecord(TypedDict, total=False):
    actual: Annotated[float, AMOUNT, "US dollars paid so far"]
    unknown: Annotated[int, COUNT, "requests of unknown cost"]
    requests: Annotated[
        list[PaidRequest],
        Items(MAX_REQUESTS, name="request"),
        "every request of the set and its variants; their prices add up to `actual`",
    ]
    charged: Annotated[float, AMOUNT, "US dollars that fal.ai has charged, when `reconcile` last asked"]
    missing: Annotated[
        int, COUNT, "requests that its bill did not have then, although they may have cost something"
    ]
    estimate: Annotated[CostEstimate, "what the whole set was expected to cost"]
