# SPDX-License-Identifier: GPL-3.0-or-later
"""Make an Endpoint from the published OpenAPI document of one that the registry does not have, or refuse it."""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from ...files.kinds import PICTURES
from ...files.values import shown
from ..errors import NetworkDownError, ServiceTroubleError, UnknownEndpointError, WrongRequestError
from ..jobs import Kind
from ..network.platform_api import Platform
from .choosing import ENDPOINT_ID, known_ids
from .endpoint import Endpoint, Place
from .options import Option
from .price_models import PriceModel
from .registry import REGISTRY

Schema = Mapping[str, Any]

_PICTURES = ("image_url", "start_image_url", "first_frame_url", "first_image_url", "input_image_url")
_PICTURE_LISTS = ("image_urls", "input_image_urls", "reference_image_urls")
_END_PICTURES = ("end_image_url", "tail_image_url", "last_frame_url", "last_image_url")
_FACTORS = ("upscale_factor", "scale_factor", "scale", "desired_increase")
_FILE_MEMBERS: Mapping[Kind, tuple[str, ...]] = {
    Kind.MODEL: ("model_glb", "model_urls", "model_mesh", "model"),
    Kind.PHOTO: ("images", "image"),
    Kind.CONCEPT: ("images", "image"),
    Kind.UPSCALE: ("image", "images"),
    Kind.VIDEO: ("video", "videos"),
}
# Set where they exist, because their defaults cost money or lose quality.
_INTENT = {"generate_audio": False, "generate_audio_switch": False, "enable_pbr": True}
_NOT_OFFERED = frozenset({"num_images", "sync_mode"})  # We keep one file, and download it.
_MAX_SECONDS = 60


def check_endpoints(
    wanted: Mapping[Kind, str], platform: Platform, warn: Callable[[str], None]
) -> dict[str, Endpoint]:
    """The registry, plus the wanted endpoints that it does not have.

    Raises UnknownEndpointError when an endpoint no longer exists or its schema cannot be used, WrongRequestError for
    what is not an id, and the errors of ``Platform``.
    """
    known = dict(REGISTRY)
    try:
        statuses = platform.statuses(list(wanted.values())) if wanted else {}
    except (NetworkDownError, ServiceTroubleError) as error:
        if not set(wanted.values()) <= set(known):
            raise
        warn(f"It could not be checked whether the endpoints still exist: {error.message}")
        return known
    for kind, endpoint_id in wanted.items():
        try:
            ENDPOINT_ID(endpoint_id)
        except ValueError as error:
            raise WrongRequestError(f"{shown(endpoint_id)} {error}.") from error
        if endpoint_id not in statuses:
            raise UnknownEndpointError(
                f"fal.ai does not list the endpoint {endpoint_id}: it was withdrawn, or is misspelled.",
                hint=f"Nothing was spent. Known for a {kind}: {', '.join(known_ids(kind))}.",
            )
        if statuses[endpoint_id] == "deprecated":
            warn(f"fal.ai lists {endpoint_id} as deprecated: it may stop working. Consider a newer one.")
        if endpoint_id not in known:
            document = platform.document(endpoint_id)
            if document is None:
                raise UnknownEndpointError(
                    f"The endpoint {endpoint_id} is unknown, and fal.ai does not publish a schema for it."
                )
            known[endpoint_id] = endpoint_from(document, endpoint_id, kind)
    return known


def endpoint_from(document: Schema, endpoint_id: str, kind: Kind) -> Endpoint:
    """An endpoint like those in the registry. Raises UnknownEndpointError with the input that we cannot provide."""
    try:
        return _Reader(document, endpoint_id, kind).endpoint()
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise UnknownEndpointError(
            f"The published schema of {endpoint_id} cannot be read ({type(error).__name__}).",
            hint="Choose a known endpoint.",
        ) from error


class _Reader:
    def __init__(self, document: Schema, endpoint_id: str, kind: Kind) -> None:
        self._document = document
        self._id = endpoint_id
        self._kind = kind
        paths = document["paths"]
        post = paths[f"/{endpoint_id}"]["post"]["requestBody"]["content"]["application/json"]["schema"]
        result = paths[f"/{endpoint_id}/requests/{{request_id}}"]["get"]["responses"]["200"]["content"]
        self._input = self._resolved(post)
        self._fields = {name: self._resolved(part) for name, part in self._input["properties"].items()}
        self._output = self._resolved(result["application/json"]["schema"])

    def endpoint(self) -> Endpoint:
        output = self._places()
        image, images = self._first(_PICTURES), self._first(_PICTURE_LISTS)
        if image:
            images = ""  # One is enough; a list beside it is for references.
        end, prompt = self._first(_END_PICTURES), self._first(("prompt",))
        negative, seed = self._first(("negative_prompt",)), self._first(("seed",))
        factor = self._first(_FACTORS) if self._kind is Kind.UPSCALE else ""
        allowed, form = self._seconds()
        seconds = "duration" if allowed else ""
        ours = {image, images, end, prompt, factor, negative, seed, seconds}
        self._refuse_unmet(ours, takes_picture=bool(image or images))
        return Endpoint(
            id=self._id,
            kind=self._kind,
            output=output,
            price=PriceModel(is_guess=True),
            intent=self._intent(),
            options=self._options(ours),
            image_field=image,
            image_list_field=images,
            images=self._picture_count(image, images),
            image_files=PICTURES,
            end_image_field=end,
            end_image_is_needed=end in self._required,
            prompt_field=prompt,
            prompt_is_needed=prompt in self._required,
            prompt_length=int(self._fields.get(prompt, {}).get("maxLength", 2500)),
            negative_prompt_field=negative,
            seed_field=seed,
            seconds_field=seconds,
            seconds=allowed,
            seconds_form=form,
            factor_field=factor,
            **self._factors(factor),
        )

    def _options(self, ours: Collection[str]) -> dict[str, Option]:
        return {
            name: _option(schema)
            for name, schema in self._fields.items()
            if name not in ours and name not in _NOT_OFFERED
        }

    @property
    def _required(self) -> Collection[str]:
        return list(self._input.get("required", []))

    def _resolved(self, schema: Schema) -> Schema:
        while "$ref" in schema:
            schema = self._document["components"]["schemas"][str(schema["$ref"]).rpartition("/")[2]]
        return schema

    def _first(self, names: tuple[str, ...]) -> str:
        return next((name for name in names if name in self._fields), "")

    def _places(self) -> tuple[Place, ...]:
        members = self._output.get("properties", {})
        places: list[Place] = []
        for name in _FILE_MEMBERS[self._kind]:
            if name not in members:
                continue
            schema = self._resolved(members[name])
            if schema.get("type") == "array":
                places.append((name, 0, "url"))
            elif "glb" in schema.get("properties", {}):
                places.append((name, "glb", "url"))
            else:
                places.append((name, "url"))
        if not places:
            made = ", ".join(sorted(members)) or "nothing"
            raise UnknownEndpointError(
                f"The endpoint {self._id} returns {made}, but no {_name_of(self._kind)}.",
                hint=f"Known for a {self._kind}: {', '.join(known_ids(self._kind))}.",
            )
        return tuple(places)

    def _refuse_unmet(self, ours: Collection[str], *, takes_picture: bool) -> None:
        needs_picture = self._kind in (Kind.PHOTO, Kind.UPSCALE)
        if needs_picture and not takes_picture:
            raise UnknownEndpointError(
                f"The endpoint {self._id} does not accept a picture, so it cannot show the product."
            )
        unmet = [
            name
            for name in self._required
            if name not in ours and "default" not in self._fields.get(name, {})
        ]
        if unmet:
            raise UnknownEndpointError(
                f"The endpoint {self._id} needs {', '.join(unmet)}, which Photoreal Set cannot provide.",
                hint="Choose another endpoint.",
            )

    def _intent(self) -> dict[str, Any]:
        intent: dict[str, Any] = {name: value for name, value in _INTENT.items() if name in self._fields}
        if "png" in self._fields.get("output_format", {}).get("enum", []):
            intent["output_format"] = "png"
        # The price of an option is unknown, so the published defaults are sent explicitly and cannot change.
        for name in ("resolution", "quality", "mode"):
            if "default" in self._fields.get(name, {}):
                intent[name] = self._fields[name]["default"]
        return intent

    def _picture_count(self, image: str, images: str) -> tuple[int, int]:
        if image:
            return (1 if image in self._required else 0), 1
        if images:
            schema = self._fields[images]
            minimum = max(int(schema.get("minItems", 0)), 1 if images in self._required else 0)
            return minimum, int(schema.get("maxItems", 4))
        return 0, 0

    def _seconds(self) -> tuple[tuple[int, ...], str]:
        """The lengths in seconds that a video may have, and how one is written."""
        schema = self._fields.get("duration")
        if schema is None or self._kind is not Kind.VIDEO:
            return (), "{}"
        if schema.get("type") in ("integer", "number"):
            lowest, highest = int(schema.get("minimum", 1)), int(schema.get("maximum", _MAX_SECONDS))
            given = [int(value) for value in schema.get("enum", range(lowest, highest + 1))]
            if "maximum" not in schema and "enum" not in schema:
                given = [int(schema.get("default", 5))]
            return tuple(given), ""
        texts = [str(text) for text in schema.get("enum", [schema.get("default", "")])]
        found = [match for text in texts if (match := re.fullmatch(r"(\d+)(s?)", text))]
        return tuple(int(match[1]) for match in found), "{}" + (found[0][2] if found else "")

    def _factors(self, factor: str) -> dict[str, Any]:
        schema = self._fields.get(factor, {})
        if not factor:
            return {}
        if "enum" in schema:
            return {"factors": tuple(float(value) for value in schema["enum"])}
        return {
            "factors": (float(schema.get("minimum", 1)), float(schema.get("maximum", 4))),
            "factor_is_free": schema.get("type") == "number",
        }


def _option(schema: Schema) -> Option:
    """An option as strict as its schema. Types that we do not support are passed on as JSON."""
    types: dict[str, type] = {"boolean": bool, "integer": int, "number": float, "string": str}
    minimum, maximum = schema.get("minimum"), schema.get("maximum")
    is_above = schema.get("exclusiveMinimum") is True
    return Option(
        type=types.get(str(schema.get("type")), object),
        choices=tuple(schema.get("enum", ())),
        minimum=None if is_above or minimum is None else float(minimum),
        maximum=None if maximum is None else float(maximum),
        above=float(minimum) if is_above and minimum is not None else None,
        max_length=schema.get("maxLength"),
    )


def _name_of(kind: Kind) -> str:
    return {Kind.MODEL: "GLB model", Kind.VIDEO: "video"}.get(kind, "picture")
