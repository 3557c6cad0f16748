# SPDX-License-Identifier: GPL-3.0-or-later
"""The OpenAPI document of one endpoint, as schema-driven clients expect it."""

from typing import Any

from .schemas import TYPES, Endpoint, Json

QUEUE_STATES = ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]


def document(endpoint: Endpoint, base_url: str) -> Json:
    """Input, output and queue paths of an endpoint in OpenAPI 3.0 terms."""
    name = "".join(part.title() for part in endpoint.id.replace("-", "/").replace(".", "/").split("/"))
    schemas: Json = {
        "QueueStatus": _queue_status(),
        f"{name}Input": _schema(endpoint.data["input"], title=f"{name}Input"),
        f"{name}Output": _schema(endpoint.data["output"], title=f"{name}Output"),
    }
    _add_types(schemas)
    return {
        "openapi": "3.0.4",
        "info": {
            "title": f"Queue OpenAPI for {endpoint.id}",
            "version": "1.0.0",
            "description": "",
            "x-fal-metadata": {
                "endpointId": endpoint.id,
                "category": endpoint.category,
                "thumbnailUrl": "",
                "playgroundUrl": f"https://fal.ai/models/{endpoint.id}",
                "documentationUrl": f"https://fal.ai/models/{endpoint.id}/api",
            },
        },
        "components": {
            "securitySchemes": {
                "apiKeyAuth": {"type": "apiKey", "in": "header", "name": "Authorization"},
            },
            "schemas": schemas,
        },
        "paths": _paths(f"/{endpoint.id}", name),
        "servers": [{"url": f"{base_url}/queue"}],
        "security": [{"apiKeyAuth": []}],
    }


def _paths(path: str, name: str) -> Json:
    """Submit, status, cancel and result; ``name`` is that of the endpoint in its schemas."""
    request_id = {"name": "request_id", "in": "path", "required": True, "schema": {"type": "string"}}
    logs = {"name": "logs", "in": "query", "required": False, "schema": {"type": "number"}}
    success = {"type": "object", "properties": {"success": {"type": "boolean"}}}

    def answer(content: Json) -> Json:
        return {"200": {"description": "", "content": content}}

    return {
        path: {
            "post": {
                "requestBody": {"required": True, "content": _json_of(f"{name}Input")},
                "responses": answer(_json_of("QueueStatus")),
            }
        },
        f"{path}/requests/{{request_id}}/status": {
            "get": {"parameters": [request_id, logs], "responses": answer(_json_of("QueueStatus"))}
        },
        f"{path}/requests/{{request_id}}/cancel": {
            "put": {
                "parameters": [request_id],
                "responses": answer({"application/json": {"schema": success}}),
            }
        },
        f"{path}/requests/{{request_id}}": {
            "get": {"parameters": [request_id], "responses": answer(_json_of(f"{name}Output"))}
        },
    }


def _json_of(name: str) -> Json:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}


def _queue_status() -> Json:
    texts = ("request_id", "response_url", "status_url", "cancel_url")
    properties: Json = {"status": {"type": "string", "enum": QUEUE_STATES}}
    properties |= {name: {"type": "string"} for name in texts}
    properties |= {
        "queue_position": {"type": "integer"},
        "logs": {"type": "object", "additionalProperties": True},
        "metrics": {"type": "object", "additionalProperties": True},
    }
    return {"type": "object", "properties": properties, "required": ["status", "request_id"]}


def _schema(schema: Json, *, title: str = "") -> Json:
    """A schema in OpenAPI 3.0 terms: without our marks, with references moved and exclusive bounds as flags."""
    found: Json = {"title": title} if title else {}
    for key, value in schema.items():
        if key.startswith("x-"):
            continue
        if key == "$ref":
            found["$ref"] = f"#/components/schemas/{value.rsplit('/', 1)[1]}"
        elif key == "properties":
            found["properties"] = {
                name: _schema(part, title=name.replace("_", " ").title()) for name, part in value.items()
            }
            found["x-fal-order-properties"] = list(value)
        elif key == "exclusiveMinimum":
            found |= {"minimum": value, "exclusiveMinimum": True}
        elif key == "exclusiveMaximum":
            found |= {"maximum": value, "exclusiveMaximum": True}
        else:
            found[key] = _part(value)
    if "$ref" in found:  # OpenAPI 3.0 ignores everything beside a reference.
        return {"$ref": found["$ref"]}
    return found


def _part(value: Any) -> Any:
    if isinstance(value, dict):
        return _schema(value)
    return [_part(item) for item in value] if isinstance(value, list) else value


def _add_types(schemas: Json) -> None:
    """The shared types that the schemas so far refer to, and those that these refer to."""
    open_parts: list[Any] = list(schemas.values())
    while open_parts:
        part = open_parts.pop()
        if isinstance(part, list):
            open_parts.extend(part)
        elif isinstance(part, dict):
            name = str(part.get("$ref", "")).rpartition("/")[2]
            if name and name not in schemas:
                schemas[name] = _schema(TYPES[name], title=name)
                open_parts.append(schemas[name])
            open_parts.extend(part.values())
