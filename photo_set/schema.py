# SPDX-License-Identifier: GPL-3.0-or-later
"""``set.json`` as JSON Schema, made from the types in ``manifest``."""

from typing import Any, get_args, get_origin, is_typeddict

from .set_json import CLOSED, Manifest, members_of
from .set_json_values import Items, Value

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_of_sets() -> dict[str, Any]:
    """The schema for the manifest of a set folder."""
    definitions: dict[str, Any] = {}
    _define(Manifest, definitions)
    root = definitions.pop(Manifest.__name__)
    return {"$schema": DIALECT, "title": "set.json of Photoreal Set", **root, "$defs": definitions}


def _define(kind: type, definitions: dict[str, Any]) -> dict[str, str]:
    """A reference to the definition of a record, which is added when it is missing."""
    if kind.__name__ not in definitions:
        definitions[kind.__name__] = {}  # Keeps its place while its members are defined.
        members = members_of(kind)
        definitions[kind.__name__] = {
            "type": "object",
            **({"description": kind.__doc__.strip()} if kind.__doc__ else {}),
            "properties": {
                name: {**_schema(hint, annotations, definitions), "description": annotations[-1]}
                for name, (hint, annotations, _is_required) in members.items()
            },
            "required": [name for name, (_hint, _annotations, is_required) in members.items() if is_required],
            "additionalProperties": kind not in CLOSED,
        }
    return {"$ref": f"#/$defs/{kind.__name__}"}


def _schema(hint: Any, annotations: tuple[Any, ...], definitions: dict[str, Any]) -> dict[str, Any]:
    for item in annotations:
        if isinstance(item, Value):
            return dict(item.schema)
    items = next((item for item in annotations if isinstance(item, Items)), None)
    if items is not None:
        inner = _define(get_args(hint)[-1], definitions)
        if get_origin(hint) is dict:
            return {"type": "object", "additionalProperties": inner, "maxProperties": items.maximum}
        return {"type": "array", "items": inner, "maxItems": items.maximum}
    if is_typeddict(hint):
        return dict(_define(hint, definitions))
    record = next(part for part in get_args(hint) if is_typeddict(part))
    return {"anyOf": [_define(record, definitions), {"type": "null"}]}
