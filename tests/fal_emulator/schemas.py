# SPDX-License-Identifier: GPL-3.0-or-later
"""What each endpoint accepts, returns and costs, and the error entries for inputs that break the rules."""

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

Json = dict[str, Any]

_DATA: Json = json.loads(Path(__file__).with_name("schemas.json").read_text(encoding="utf-8"))
TYPES: Json = _DATA["types"]
SIZE_PRESETS: dict[str, list[int]] = _DATA["image_size_presets"]
PREFIXES = ("workflows", "comfy")  # Ids that start so have one more part before owner and alias.

TYPE_WORDS = {
    "string": "string_type",
    "integer": "int_type",
    "number": "float_type",
    "boolean": "bool_type",
    "array": "list_type",
    "object": "dict_type",
}
# JSON Schema keyword: the error type of the response, and the name of the limit in ``ctx``.
LIMIT_WORDS = {
    "minimum": ("greater_than_equal", "ge"),
    "maximum": ("less_than_equal", "le"),
    "exclusiveMinimum": ("greater_than", "gt"),
    "exclusiveMaximum": ("less_than", "lt"),
    "multipleOf": ("multiple_of", "multiple_of"),
    "minItems": ("sequence_too_short", "min_length"),
    "maxItems": ("sequence_too_long", "max_length"),
    "minLength": ("string_too_short", "min_length"),
    "maxLength": ("string_too_long", "max_length"),
    "enum": ("one_of", "expected"),
}
NOTHING = object()


def complaint(
    loc: list[Any], word: str, message: str, *, ctx: Json | None = None, value: Any = NOTHING
) -> Json:
    """One entry of a model error's ``detail`` list."""
    entry: Json = {"loc": loc, "msg": message, "type": word, "url": f"https://docs.fal.ai/errors/#{word}"}
    if ctx:
        entry["ctx"] = ctx
    if value is not NOTHING:
        entry["input"] = value
    return entry


@dataclass(frozen=True, slots=True)
class MediaField:
    """A place in an input that names a file."""

    loc: tuple[str | int, ...]
    url: Any
    media: str

    @property
    def name(self) -> str:
        return str(self.loc[0])


@dataclass(frozen=True)
class Endpoint:
    """One endpoint as the schema copy describes it."""

    id: str
    data: Json

    @property
    def kind(self) -> str:
        return str(self.data["kind"])

    @property
    def category(self) -> str:
        return str(self.data["category"])

    @property
    def properties(self) -> Json:
        return dict(self.data["input"]["properties"])

    @property
    def takes_data_uris(self) -> bool:
        return bool(self.data.get("takes_data_uris", True))

    @property
    def outputs(self) -> Json:
        return dict(self.data["output"]["properties"])

    @cached_property
    def _validator(self) -> Draft202012Validator:
        return Draft202012Validator({**self.data["input"], "types": TYPES})

    def unknown_fields(self, body: Any) -> list[str]:
        """Names in ``body`` that the endpoint would silently drop."""
        return sorted(set(body) - set(self.properties)) if isinstance(body, dict) else []

    def completed(self, body: Json) -> Json:
        """The inputs that count: known fields only, nulls dropped, defaults filled in."""
        defaults = {
            name: copy.deepcopy(schema["default"])
            for name, schema in self.properties.items()
            if "default" in schema
        }
        given = {name: value for name, value in body.items() if name in self.properties and value is not None}
        return {**defaults, **given}

    def complaints(self, body: Any) -> list[Json]:
        """Every broken rule, as error entries; empty for valid inputs. Files are not checked here."""
        if not isinstance(body, dict):
            return [complaint(["body"], "dict_type", "Input should be an object", value=body)]
        given = {name: value for name, value in body.items() if value is not None}
        errors = sorted(self._validator.iter_errors(given), key=lambda error: list(map(str, error.path)))
        found = [_complaint_about(error) for error in errors]
        if found:
            return found
        return [entry for rule in self.data.get("rules", []) if (entry := _broken(rule, given, self))]

    def media(self, body: Json) -> Iterator[MediaField]:
        """The files named in ``body``, without those that the endpoint ignores."""
        used = self.data.get("items_used", {})
        for field in _media_of(self.data["input"], body, ()):
            if len(field.loc) < 2 or field.name not in used or int(field.loc[1]) < used[field.name]:
                yield field

    def ignored(self, body: Any) -> list[str]:
        """List items beyond those that the endpoint uses, like ``image_urls[4]``."""
        if not isinstance(body, dict):
            return []
        return [
            f"{name}[{index}]"
            for name, count in self.data.get("items_used", {}).items()
            if isinstance(body.get(name), list)
            for index in range(count, len(body[name]))
        ]

    def limits(self, field: MediaField) -> Json:
        return dict(self.data.get("limits", {}).get(field.name, {}))


def _complaint_about(error: ValidationError) -> Json:
    loc = ["body", *error.absolute_path]
    keyword = str(error.validator)
    if keyword == "required":
        missing = next(name for name in error.validator_value if name not in error.instance)
        return complaint([*loc, missing], "missing", "Field required", value=error.instance)
    if keyword == "type":
        word = TYPE_WORDS[str(error.validator_value)]
        return complaint(loc, word, f"Input should be a valid {error.validator_value}", value=error.instance)
    if keyword == "additionalProperties":
        extra = sorted(set(error.instance) - set(error.schema["properties"]))[0]
        return complaint([*loc, extra], "extra_forbidden", "Extra inputs are not permitted")
    if keyword in LIMIT_WORDS:
        word, name = LIMIT_WORDS[keyword]
        ctx = {name: error.validator_value}
        return complaint(loc, word, f"Input breaks {keyword}", ctx=ctx, value=error.instance)
    return complaint(loc, "value_error", "Input has none of the allowed forms", value=error.instance)


def _exactly_one(rule: Json, body: Json, _endpoint: Endpoint) -> Json | None:
    given = [name for name in rule["fields"] if name in body]
    if len(given) == 1:
        return None
    return complaint(["body"], "value_error", f"Give exactly one of {', '.join(rule['fields'])}", value=body)


def _any_of(rule: Json, body: Json, _endpoint: Endpoint) -> Json | None:
    if any(body.get(name) for name in rule["fields"]):
        return None
    return complaint(["body"], "value_error", f"Give one of {', '.join(rule['fields'])}", value=body)


def _requires(rule: Json, body: Json, endpoint: Endpoint) -> Json | None:
    if not body.get(rule["field"]) or endpoint.completed(body).get(rule["needs"]):
        return None
    message = f"{rule['field']} needs {rule['needs']}"
    return complaint(["body", rule["field"]], "value_error", message, value=body[rule["field"]])


def _given_with(rule: Json, body: Json, _endpoint: Endpoint) -> Json | None:
    if rule["field"] not in body or rule["needs"] in body:
        return None
    return complaint(["body", rule["needs"]], "missing", f"Needed with {rule['field']}", value=body)


def _total_at_most(rule: Json, body: Json, endpoint: Endpoint) -> Json | None:
    items = body.get(rule["field"], [])
    total = sum(int(item.get(rule["member"], 5)) for item in items)
    if total <= rule["limit"]:
        return None
    message = f"{rule['member']} adds up to {total}, more than {rule['limit']}"
    return complaint(["body", rule["field"]], "value_error", message, value=items)


def _at_most_when(rule: Json, body: Json, endpoint: Endpoint) -> Json | None:
    made = endpoint.completed(body)
    if any(made.get(name) != value for name, value in rule["when"].items()):
        return None
    value = made.get(rule["field"], 0)
    if value <= rule["limit"]:
        return None
    ctx = {"le": rule["limit"]}
    return complaint(["body", rule["field"]], "less_than_equal", "Too many here", ctx=ctx, value=value)


def _sides_between(rule: Json, body: Json, _endpoint: Endpoint) -> Json | None:
    size = body.get(rule["field"])
    if not isinstance(size, dict):
        return None
    for side in ("width", "height"):
        value = size.get(side, 512)
        loc = ["body", rule["field"], side]
        if value < rule["lowest"]:
            ctx = {"ge": rule["lowest"]}
            return complaint(loc, "greater_than_equal", "Side is too short", ctx=ctx, value=value)
        if value > rule["highest"]:
            ctx = {"le": rule["highest"]}
            return complaint(loc, "less_than_equal", "Side is too long", ctx=ctx, value=value)
    return None


_RULES: dict[str, Callable[[Json, Json, Endpoint], Json | None]] = {
    "exactly-one": _exactly_one,
    "any-of": _any_of,
    "requires": _requires,
    "given-with": _given_with,
    "total-at-most": _total_at_most,
    "sides-between": _sides_between,
    "at-most-when": _at_most_when,
}


def _broken(rule: Json, body: Json, endpoint: Endpoint) -> Json | None:
    return _RULES[rule["rule"]](rule, body, endpoint)


def _media_of(schema: Json, value: Any, loc: tuple[str | int, ...]) -> Iterator[MediaField]:
    if "$ref" in schema:
        schema = TYPES[schema["$ref"].rsplit("/", 1)[1]]
    if "x-media" in schema and value is not None:
        yield MediaField(loc, value, schema["x-media"])
    if isinstance(value, dict):
        for name, part in schema.get("properties", {}).items():
            if name in value:
                yield from _media_of(part, value[name], (*loc, name))
    if isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            yield from _media_of(schema["items"], item, (*loc, index))


def app_of(endpoint_id: str) -> str:
    """Owner and alias: the part of an id that status, result and cancel URLs contain."""
    parts = endpoint_id.split("/")
    return "/".join(parts[:3] if parts[0] in PREFIXES else parts[:2])


@cache
def all_endpoints() -> dict[str, Endpoint]:
    return {endpoint_id: Endpoint(endpoint_id, data) for endpoint_id, data in _DATA["endpoints"].items()}
