# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask fal.ai about its endpoints: their prices, whether they still exist, and their schemas. All calls are free."""

import asyncio
import math
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Self

import httpx

from ...files.input_files import parsed_json
from ..errors import BadKeyError, MissingPermissionError, NetworkDownError, ServiceTroubleError
from .answers import read_limited
from .event_loops import new_runner
from .http_clients import Backoff
from .limits import QUESTION_TIMEOUT, WHOLE_ANSWER_SECONDS
from .response_bodies import reason_of
from .service import Service

MAX_IDS = 50  # In one request.
MAX_PAGES = 1000
PATIENCE_SECONDS = 20.0
EMULATOR_PATIENCE_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitPrice:
    """The price in US dollars of one unit of an endpoint, as fal.ai shows it to this account.

    Whether it includes the discounts of the account is not documented; the bill does.
    """

    amount: Decimal
    unit: str
    asked_at: float  # Seconds since 1970.


class Platform:
    """A client of the platform API. Blocks, so it must not run on an event loop. Use it as a context manager.

    Raises NetworkDownError, ServiceTroubleError and BadKeyError.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._patience = EMULATOR_PATIENCE_SECONDS if service.is_emulator else PATIENCE_SECONDS
        self._runner = new_runner()
        self._client = httpx.AsyncClient(
            timeout=QUESTION_TIMEOUT,
            headers={"Accept-Encoding": "identity", "User-Agent": "photoreal-set"},
            trust_env=not service.is_emulator,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        with self._runner as runner:
            runner.run(self._client.aclose())

    def unit_prices(self, endpoint_ids: Collection[str]) -> dict[str, UnitPrice]:
        """The known prices by endpoint id. Whether one unknown id makes the whole call fail is not documented."""
        found: dict[str, UnitPrice] = {}
        for part in _parts(endpoint_ids):
            answer = self._ask_for("pricing", part)
            if answer is None and len(part) > 1:
                for endpoint_id in part:
                    found |= _prices_in(self._ask_for("pricing", [endpoint_id]))
            else:
                found |= _prices_in(answer)
        return {endpoint_id: found[endpoint_id] for endpoint_id in endpoint_ids if endpoint_id in found}

    def statuses(self, endpoint_ids: Collection[str]) -> dict[str, str]:
        """``active``, ``deprecated`` or ``""`` (unknown) for each id that fal.ai lists; other ids no longer exist."""
        found = {}
        for part in _parts(endpoint_ids):
            answer = self._ask_for("", part)
            for model in _list_in(answer, "models"):
                metadata = model.get("metadata")
                status = metadata.get("status") if isinstance(metadata, Mapping) else ""
                found[str(model.get("endpoint_id"))] = str(status or "")
        return {endpoint_id: found[endpoint_id] for endpoint_id in endpoint_ids if endpoint_id in found}

    def document(self, endpoint_id: str) -> Mapping[str, Any] | None:
        """The published OpenAPI document of an endpoint; ``None`` when there is none."""
        request = self._client.build_request(
            "GET", self._service.openapi_url, params={"endpoint_id": endpoint_id}
        )
        answer = self._answer(request)
        return answer if isinstance(answer, Mapping) else None

    def past_cost(self, endpoint_id: str) -> Decimal | None:
        """The average cost in US dollars of past calls, by fal.ai's estimate; ``None`` when it has none."""
        query = {"estimate_type": "historical_api_price", "endpoints": {endpoint_id: {"call_quantity": 1}}}
        request = self._client.build_request(
            "POST",
            f"{self._service.platform_url}/models/pricing/estimate",
            json=query,
            headers=self._key_header(),
        )
        answer = self._answer(request)
        if not isinstance(answer, Mapping) or answer.get("currency") != "USD":
            return None
        return amount_of(answer.get("total_cost"))

    def pages(self, what: str, name: str, query: Mapping[str, str | Sequence[str]]) -> Iterable[Any]:
        """The items of a list, page by page; ``name`` is that of the list in a response. Raises also MissingPermissionError.

        Raises ServiceTroubleError when the list is not complete.
        """
        asked = dict(query)
        for _page in range(MAX_PAGES):
            request = self._client.build_request(
                "GET", f"{self._service.platform_url}/{what}", params=asked, headers=self._key_header()
            )
            answer = self._answer(request)
            items = answer.get(name) if isinstance(answer, Mapping) else None
            if not isinstance(items, list):
                raise ServiceTroubleError(f"fal.ai's response about {what} cannot be understood.")
            yield from items
            if not answer.get("has_more"):
                return
            asked["cursor"] = str(answer.get("next_cursor") or "")
            if not asked["cursor"]:
                break
        raise ServiceTroubleError(f"fal.ai's list of {what} is incomplete.", hint="Try again later.")

    def _ask_for(self, what: str, endpoint_ids: list[str]) -> Any:
        request = self._client.build_request(
            "GET",
            f"{self._service.platform_url}/models/{what}".rstrip("/"),
            params=[*(("endpoint_id", endpoint_id) for endpoint_id in endpoint_ids)],
            headers=self._key_header(),
        )
        return self._answer(request)

    def _key_header(self) -> dict[str, str]:
        return {"Authorization": f"Key {self._service.key}"}

    def _answer(self, request: httpx.Request) -> Any:
        """The JSON of the response; ``None`` for "not found". Repeated for a while, because these calls are free."""
        deadline = time.monotonic() + self._patience
        pauses = Backoff(0.2)
        host = request.url.host
        while True:
            try:
                answer = self._runner.run(self._read(request))
            except (httpx.TransportError, TimeoutError) as error:
                reason: Exception = NetworkDownError(
                    f"{host} cannot be reached ({reason_of(error)}).",
                    hint="Nothing was spent. Check the network, then try again.",
                )
            else:
                status = answer.status_code
                if status in (404, 410):
                    return None
                if status == 401:
                    raise BadKeyError(f"{host} does not accept the key (error {status}).")
                if status == 403:
                    raise MissingPermissionError(f"{host} does not allow this with the key (error {status}).")
                if status < 300:
                    try:
                        return parsed_json(answer.content, number=Decimal, is_lenient=True)
                    except ValueError:
                        status = 502  # A response that is not JSON does not come from the API itself.
                reason = ServiceTroubleError(
                    f"{host} responds with error {status}.", hint="Nothing was spent. Try again later."
                )
                if status not in (408, 425, 429) and status < 500:
                    raise reason
            pause = pauses.next()
            if time.monotonic() + pause > deadline:
                raise reason
            time.sleep(pause)

    async def _read(self, request: httpx.Request) -> httpx.Response:
        async with asyncio.timeout(WHOLE_ANSWER_SECONDS):
            response = await self._client.send(request, stream=True, follow_redirects=False)
            try:
                return await read_limited(response)
            finally:
                await response.aclose()


def _parts(endpoint_ids: Collection[str]) -> Iterable[list[str]]:
    ids = list(dict.fromkeys(endpoint_ids))
    for start in range(0, len(ids), MAX_IDS):
        yield ids[start : start + MAX_IDS]


def _list_in(answer: Any, name: str) -> list[Mapping[str, Any]]:
    items = answer.get(name) if isinstance(answer, Mapping) else None
    return [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []


def _prices_in(answer: Any) -> dict[str, UnitPrice]:
    """The readable prices. A price of 0 counts as unknown, because no endpoint is free."""
    found = {}
    for line in _list_in(answer, "prices"):
        amount = amount_of(line.get("unit_price"))
        if amount and str(line.get("currency", "USD")).upper() == "USD":
            found[str(line.get("endpoint_id"))] = UnitPrice(
                amount=amount, unit=str(line.get("unit", "")), asked_at=time.time()
            )
    return found


def amount_of(value: Any) -> Decimal | None:
    """A number in a response of fal.ai, exact. None when it is negative, or not a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and amount >= 0 and math.isfinite(float(amount)) else None
