# SPDX-License-Identifier: GPL-3.0-or-later
"""The output and files of commands, checked against ``docs/json-events.md`` and ``docs/set.schema.json``."""

import functools
import json
from pathlib import Path
from typing import Any

import jsonschema

from command_line.bootstrap import load_package

load_package()

from photoreal_set.messages.events import event_from  # noqa: E402

SCHEMA = Path(__file__).resolve().parents[1] / "docs" / "set.schema.json"


def events_in(text: str) -> list[dict[str, Any]]:
    """The JSON lines of a command. Every line must be a documented event, and the last one ``finished``."""
    records = [json.loads(line) for line in text.splitlines()]
    for record in records:
        event_from(record)
    assert not records or records[-1]["event"] == "finished"
    return records


def manifest_in(folder: Path) -> dict[str, Any]:
    """The ``set.json`` of a folder, which must match the published schema."""
    record: dict[str, Any] = json.loads((folder / "set.json").read_text(encoding="utf-8"))
    _validator().validate(record)
    return record


@functools.cache
def _validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
