# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the endpoint for an id and a kind of job, and the default endpoints."""

from collections.abc import Mapping

from ...files.values import like
from ..errors import UnknownEndpointError, WrongRequestError
from ..jobs import Kind
from .endpoint import Endpoint
from .registry import REGISTRY

DEFAULT_PHOTO_ENDPOINT = "fal-ai/flux-kontext/dev"
DEFAULT_VIDEO_ENDPOINT = "fal-ai/kling-video/v3/pro/image-to-video"
DEFAULT_UPSCALE_ENDPOINT = "fal-ai/seedvr/upscale/image"

_PART = r"[A-Za-z0-9_-][A-Za-z0-9._-]*"
ENDPOINT_ID = like(rf"{_PART}(/{_PART})+", "an endpoint id (ids look like owner/name)")


def default_model_endpoint(photos: int) -> str:
    """The endpoint that makes a model from this number of photos, or from text when it is 0."""
    if photos == 0:
        return "fal-ai/meshy/v6/text-to-3d"
    return "fal-ai/meshy/v6/image-to-3d" if photos == 1 else "fal-ai/meshy/v6/multi-image-to-3d"


def known_ids(kind: Kind) -> list[str]:
    """The ids of all known endpoints of a kind, without those that have a successor."""
    return [row.id for row in REGISTRY.values() if row.kind is kind and not row.successor]


def known_endpoints(kind: Kind) -> str:
    """The sentence of an error that lists them."""
    return f"Known endpoints for a {kind}: {', '.join(known_ids(kind))}."


def endpoint_for(endpoint_id: str, kind: Kind, known: Mapping[str, Endpoint] = REGISTRY) -> Endpoint:
    """The endpoint with this id. Raises UnknownEndpointError, and WrongRequestError when it is of another kind."""
    choice = known_endpoints(kind)
    endpoint = known.get(endpoint_id)
    if endpoint is None:
        raise UnknownEndpointError(f"The endpoint {endpoint_id!r} is unknown.", hint=choice)
    if endpoint.kind is not kind:
        raise WrongRequestError(
            f"The endpoint {endpoint_id} makes a {endpoint.kind}, not a {kind}.", hint=choice
        )
    return endpoint


def endpoint_of_result(endpoint_id: str, kind: Kind, known: Mapping[str, Endpoint] = REGISTRY) -> Endpoint:
    """The endpoint with this id, or one that finds the file in a result where known endpoints of this kind have it."""
    if (endpoint := known.get(endpoint_id)) and endpoint.kind is kind:
        return endpoint
    places = (place for row in known.values() if row.kind is kind for place in row.output)
    return Endpoint(id=endpoint_id, kind=kind, output=tuple(dict.fromkeys(places)))
