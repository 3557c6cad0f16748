# SPDX-License-Identifier: GPL-3.0-or-later
"""Make an Endpoint from a published OpenAPI document: which of its inputs we can provide, and what it allows."""

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from ..errors import UnknownEndpointError
from ..jobs import Kind, Role
from .choosing import known_endpoints
from .endpoint import Endpoint, Place
from .options import Option
from .price_models import PriceModel
from .slots import Slot

Schema = Mapping[str, Any]

_PICTURES = (
    "image_url",
    "start_image_url",
    "first_frame_url",
    "first_image_url",
    "input_image_url",
    "front_image_url",
)
_PICTURE_LISTS = ("image_urls", "input_image_urls", "reference_image_urls")
_END_PICTURES = ("end_image_url", "tail_image_url", "last_frame_url", "last_image_url")
_REFERENCES = ("reference_image_urls", "image_urls", "image_url", "reference_image_url")
_FACTORS = ("upscale_factor", "scale_factor", "scale", "desired_increase")
# The fields of the files of a role, for the kinds of endpoint that may have them.
_ROLES: Mapping[Role, tuple[Kind, tuple[str, ...]]] = {
    Role.VIDEO: (Kind.VIDEO, ("video_url", "input_video_url", "source_video_url")),
    Role.MIDDLE: (Kind.VIDEO, ("middle_image_urls", "keyframe_image_urls", "key_frame_image_urls")),
    Role.MASK: (Kind.PHOTO, ("mask_url", "mask_image_url")),
    Role.GUIDE: (Kind.PHOTO, ("control_lora_image_url", "control_image_url", "controlnet_image_url")),
    Role.LEFT: (Kind.MODEL, ("left_image_url",)),
    Role.BACK: (Kind.MODEL, ("back_image_url",)),
    Role.RIGHT: (Kind.MODEL, ("right_image_url",)),
}
_GUIDES = ("depth", "canny")
_FILE_MEMBERS: Mapping[Kind, tuple[str, ...]] = {
    Kind.MODEL: ("model_glb", "model_urls", "model_mesh", "model"),
    Kind.PHOTO: ("images", "image"),
    Kind.CONCEPT: ("images", "image"),
    Kind.UPSCALE: ("image", "images"),
    Kind.VIDEO: ("video", "videos"),
}
# Set where they exist, because their defaults cost money or lose quality.
_SILENT = ("generate_audio", "generate_audio_switch", "include_audio", "enable_audio", "with_audio")
_INTENT = {**dict.fromkeys(_SILENT, False), "enable_pbr": True}
_FINISHED_GUIDE = {"preprocess": "none", "preprocess_depth": False, "preprocess_canny": False}
_NOT_OFFERED = frozenset({"num_images", "sync_mode"})  # We keep one file, and download it.
_MAX_SECONDS = 60
_RENDERED_SECONDS = tuple(range(2, 11))  # Of a video that is sent, where no limit is published.


def confirmed(row: Endpoint, document: Schema) -> Endpoint:
    """A row whose inputs are those of its published schema, and whose prices and notes are its own.

    Raises UnknownEndpointError as ``endpoint_from``.
    """
    read = endpoint_from(document, row.id, row.kind, row)
    intent = {name: value for name, value in row.intent.items() if _allows(read, name, value)}
    return replace(
        read,
        price=row.price,
        intent={**read.intent, **intent},
        needs=row.needs,
        image_bytes=row.image_bytes,
        caps=row.caps,
        note=row.note,
        prompt_start=row.prompt_start,
        takes_data_uris=row.takes_data_uris,
        needs_front_first=row.needs_front_first,
        motions={
            motion: {name: value for name, value in inputs.items() if _allows(read, name, value)}
            for motion, inputs in row.motions.items()
        },
        guides=row.guides or read.guides,
    )


def _allows(read: Endpoint, name: str, value: Any) -> bool:
    option = read.options.get(name)
    return option is not None and (not option.choices or value in option.choices)


def endpoint_from(document: Schema, endpoint_id: str, kind: Kind, row: Endpoint | None = None) -> Endpoint:
    """An endpoint like those in the registry. ``row``: what the registry knows about it.

    Raises UnknownEndpointError with the input that we cannot provide.
    """
    try:
        return _Reader(document, endpoint_id, kind, row).endpoint()
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise UnknownEndpointError(
            f"The published schema of {endpoint_id} cannot be read ({type(error).__name__}).",
            hint="Choose a known endpoint.",
        ) from error


class _Reader:
    def __init__(self, document: Schema, endpoint_id: str, kind: Kind, row: Endpoint | None) -> None:
        self._document = document
        self._row = row
        self._id = endpoint_id
        self._kind = kind
        paths = document["paths"]
        post = paths[f"/{endpoint_id}"]["post"]["requestBody"]["content"]["application/json"]["schema"]
        result = paths[f"/{endpoint_id}/requests/{{request_id}}"]["get"]["responses"]["200"]["content"]
        self._input = self._resolved(post)
        self._fields = {name: self._resolved(part) for name, part in self._input["properties"].items()}
        self._output = self._resolved(result["application/json"]["schema"])

    def endpoint(self) -> Endpoint:
        slots = self._slots()
        taken = {slot.field for slot in slots.values()}
        image, images = self._first(_PICTURES, taken), self._first(_PICTURE_LISTS, taken)
        if image or Role.VIDEO in slots:
            images = ""  # One is enough; a list beside it is for references.
        end, prompt = self._first(_END_PICTURES), self._first(("prompt",))
        negative, seed = self._first(("negative_prompt",)), self._first(("seed",))
        factor = self._first(_FACTORS) if self._kind is Kind.UPSCALE else ""
        frames = self._first(("num_frames",)) if Role.VIDEO in slots else ""
        allowed, form = self._seconds(is_rendered=Role.VIDEO in slots)
        seconds = "duration" if allowed and "duration" in self._fields else ""
        size = self._first(("image_size",)) if Role.GUIDE in slots else ""
        ours = {image, images, end, prompt, factor, negative, seed, seconds, frames, size, *taken}
        self._refuse_unmet(ours, takes_picture=bool(image or images or Role.GUIDE in slots))
        return Endpoint(
            id=self._id,
            kind=self._kind,
            output=self._places(),
            price=PriceModel(is_guess=True),
            intent=self._intent(Role.GUIDE in slots),
            options=self._options(ours),
            image_field=image,
            image_list_field=images,
            images=self._picture_count(image, images),
            slots=slots,
            guides=self._guides() if Role.GUIDE in slots else {},
            fields=self._closed_fields(),
            **self._end(end),
            **self._prompt(prompt),
            negative_prompt_field=negative,
            seed_field=seed,
            seconds_field=seconds,
            seconds=allowed,
            seconds_form=form,
            frames_field=frames,
            size_field=size,
            factor_field=factor,
            **self._factors(factor),
        )

    def _closed_fields(self) -> frozenset[str] | None:
        return frozenset(self._fields) if self._input.get("additionalProperties") is False else None

    def _end(self, end: str) -> dict[str, Any]:
        return {"end_image_field": end, "end_image_is_needed": end in self._required}

    def _prompt(self, prompt: str) -> dict[str, Any]:
        return {
            "prompt_field": prompt,
            "prompt_is_needed": prompt in self._required,
            "prompt_length": int(self._fields.get(prompt, {}).get("maxLength", 2500)),
        }

    def _slots(self) -> dict[Role, Slot]:
        """The inputs for files besides the main picture and the last frame."""
        known = self._row.slots if self._row else {}
        found = {role: slot.field for role, slot in known.items() if slot.field in self._fields}
        for role, (kind, names) in _ROLES.items():
            if kind is self._kind and (name := self._first(names, found.values())):
                found.setdefault(role, name)
        if Role.VIDEO in found and not self._is_made_from_video(found[Role.VIDEO]):
            del found[Role.VIDEO]
        if Role.VIDEO in found and (name := self._first(_REFERENCES)):
            found.setdefault(Role.REFERENCE, name)
        return {role: self._slot(name) for role, name in found.items()}

    def _is_made_from_video(self, name: str) -> bool:
        """An optional video beside a needed picture is something else than the video to photograph again."""
        return name in self._required or not set(self._required) & {*_PICTURES, *_PICTURE_LISTS}

    def _slot(self, name: str) -> Slot:
        schema = self._fields[name]
        is_list = schema.get("type") == "array"
        return Slot(
            field=name,
            maximum=int(schema.get("maxItems", 4)) if is_list else 1,
            is_list=is_list,
            is_needed=name in self._required,
        )

    def _guides(self) -> dict[str, Mapping[str, Any]]:
        named = [guide for guide in _GUIDES if guide in self._id]
        return {guide: {} for guide in named or _GUIDES}

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
        forms = [form for form in schema.get("anyOf", ()) if form.get("type") != "null"]
        if len(forms) == 1:  # A value that may also be null.
            outside = {name: value for name, value in schema.items() if name != "anyOf"}
            return {**self._resolved(forms[0]), **outside}
        return schema

    def _first(self, names: Collection[str], taken: Collection[str] = ()) -> str:
        return next((name for name in names if name in self._fields and name not in taken), "")

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
                hint=known_endpoints(self._kind),
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

    def _intent(self, is_guided: bool) -> dict[str, Any]:
        wanted: Mapping[str, Any] = {**_INTENT, **_FINISHED_GUIDE} if is_guided else _INTENT
        intent: dict[str, Any] = {name: value for name, value in wanted.items() if name in self._fields}
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

    def _seconds(self, is_rendered: bool) -> tuple[tuple[int, ...], str]:
        """The lengths in seconds that a video may have, and how one is written."""
        schema = self._fields.get("duration")
        if schema is None and is_rendered:
            return (self._row.seconds if self._row else _RENDERED_SECONDS), ""
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
