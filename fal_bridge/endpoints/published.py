# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask fal.ai about the endpoints of a plan: whether they still exist, and what those take that we do not know."""

from collections.abc import Callable, Mapping

from ...files.values import shown
from ..errors import NetworkDownError, ServiceTroubleError, UnknownEndpointError, WrongRequestError
from ..jobs import Kind
from ..network.platform_api import Platform
from .choosing import ENDPOINT_ID, known_endpoints
from .endpoint import Endpoint
from .registry import REGISTRY
from .schema_reader import confirmed, endpoint_from


def check_endpoints(
    wanted: Mapping[Kind, str], platform: Platform, warn: Callable[[str], None]
) -> dict[str, Endpoint]:
    """The registry, plus the wanted endpoints that it does not have.

    Raises UnknownEndpointError when an endpoint no longer exists or its schema cannot be used, WrongRequestError for
    what is not an id, and the errors of ``Platform``.
    """
    known = dict(REGISTRY)
    for endpoint_id in wanted.values():
        try:
            ENDPOINT_ID(endpoint_id)
        except ValueError as error:
            raise WrongRequestError(f"{shown(endpoint_id)} {error}.") from error
    try:
        statuses = platform.statuses(list(wanted.values())) if wanted else {}
    except (NetworkDownError, ServiceTroubleError) as error:
        if not set(wanted.values()) <= set(known):
            raise
        warn(f"It could not be checked whether the endpoints still exist: {error.message}")
        return known
    for kind, endpoint_id in wanted.items():
        known[endpoint_id] = _checked(kind, endpoint_id, statuses.get(endpoint_id), platform, warn)
    return known


def _checked(
    kind: Kind, endpoint_id: str, status: str | None, platform: Platform, warn: Callable[[str], None]
) -> Endpoint:
    """One endpoint. ``status`` in fal.ai's list; None when the list does not have it."""
    row = REGISTRY.get(endpoint_id)
    _tell_status(row, endpoint_id, status, warn)
    if row and status is not None and not row.is_unconfirmed:
        return row
    try:
        document = platform.document(endpoint_id)
    except (NetworkDownError, ServiceTroubleError) as error:
        if row is None or status is None:
            raise
        warn(f"The inputs of {endpoint_id} could not be checked: {error.message}")
        return row
    if document is None:
        if status is not None and row:
            warn(f"fal.ai does not publish a schema of {endpoint_id}, so its inputs could not be checked.")
            return row
        raise _unknown(kind, endpoint_id, is_listed=status is not None)
    if status is None:
        warn(
            f"fal.ai does not list {endpoint_id}, but publishes its schema: it is private or very new. "
            "Check the price on its page."
        )
    if row is None or row.kind is not kind:
        return row or endpoint_from(document, endpoint_id, kind)
    return confirmed(row, document) if row.is_unconfirmed else row


def _tell_status(
    row: Endpoint | None, endpoint_id: str, status: str | None, warn: Callable[[str], None]
) -> None:
    """Warn about an endpoint that is going to end. Raises UnknownEndpointError for one that was replaced and ended."""
    successor = row.successor if row else ""
    if successor and status is None:
        raise UnknownEndpointError(
            f"fal.ai has withdrawn {endpoint_id}.", hint=f"Nothing was spent. {successor} has replaced it."
        )
    if status == "deprecated":
        better = f"Use {successor} instead." if successor else "Consider a newer one."
        warn(f"fal.ai lists {endpoint_id} as deprecated: it may stop working. {better}")
    elif successor:
        warn(f"{successor} has replaced {endpoint_id}, which may stop working.")


def _unknown(kind: Kind, endpoint_id: str, *, is_listed: bool) -> UnknownEndpointError:
    if is_listed:
        return UnknownEndpointError(
            f"The endpoint {endpoint_id} is unknown, and fal.ai does not publish a schema for it."
        )
    return UnknownEndpointError(
        f"fal.ai does not list the endpoint {endpoint_id}: it was withdrawn, or is misspelled.",
        hint=f"Nothing was spent. {known_endpoints(kind)}",
    )
