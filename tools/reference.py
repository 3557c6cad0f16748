# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m tools.reference``: writes the reference pages that are made from the code.

``docs/command-line.md`` from the parser, ``docs/json-events.md`` from ``messages/events.py`` and
``docs/set.schema.json`` from ``photo_set/set_json.py``. A test checks that they are current.
"""

import argparse
import json
import sys
import types
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints, is_typeddict

from command_line.bootstrap import load_package

load_package()

from photoreal_set.command_line.help_texts import meaning_of  # noqa: E402
from photoreal_set.command_line.main import parser_of_commands  # noqa: E402
from photoreal_set.messages import events  # noqa: E402
from photoreal_set.photo_set.schema import schema_of_sets  # noqa: E402

DOCS = Path(__file__).resolve().parent.parent / "docs"

COMMAND_LINE = """\
# Command line

`python3 batch.py COMMAND …`, `blender -b --python batch.py -- COMMAND …` and, with the extension installed,
`blender --command photoreal_set COMMAND …` do the same. This page is generated from the parser
(`python -m tools.reference`).

Exit codes: 0 everything is done; 1 wrong use or bad input; 2 some products or angles failed, the rest is done;
3 the machine failed (disk, device, crash); 4 stopped at a cost ceiling; 5 a paid request is uncertain and waits for
your decision; 130 stopped by Ctrl-C or `cancel`.
"""
EVENTS = """\
# JSON events

With `--json` a command writes one JSON object per line to standard output. Each has the member `event`, and the members
listed here. The last line is always `finished`. A member marked *optional* is left out where it has no value. New
events and members may be added; ignore those that you do not know. This page is generated from `messages/events.py`
(`python -m tools.reference`).
"""


def command_line_page() -> str:
    """Every command with its arguments."""
    lines = [COMMAND_LINE]
    parser = parser_of_commands()
    (commands,) = (item for item in parser._actions if isinstance(item, argparse._SubParsersAction))
    helps = {item.dest: item.help or "" for item in commands._choices_actions}
    for name, command in commands.choices.items():
        if name not in helps:  # Internal.
            continue
        lines += [f"## {name}", "", f"{_sentence(helps[name])}", ""]
        if rows := list(_arguments(command)):
            lines += ["| argument | meaning |", "|---|---|", *rows, ""]
    return "\n".join(lines).rstrip() + "\n"


def _arguments(parser: argparse.ArgumentParser) -> Iterator[str]:
    for item in parser._actions:
        if item.dest == "help" or item.help == argparse.SUPPRESS:
            continue
        name = ", ".join(item.option_strings) or str(item.metavar or item.dest)
        if item.option_strings and item.nargs != 0:
            name += f" {_values(item)}"
        yield f"| `{_cell(name)}` | {_cell(_meaning(item))} |"


def _values(item: argparse.Action) -> str:
    """What follows an option; options that take several values have a name for each."""
    if isinstance(item.metavar, tuple):
        return " ".join(item.metavar)
    if item.metavar or not item.choices:
        return item.metavar or item.dest.upper()
    return "{" + ",".join(map(str, item.choices)) + "}"


def _meaning(item: argparse.Action) -> str:
    text = meaning_of(item, quote="`")
    return f"{text}; required" if item.required and item.option_strings else text


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


def events_page() -> str:
    """Every event with its members."""
    lines = [EVENTS]
    for name, kind in events.KINDS.items():
        lines += [
            f"## {name}",
            "",
            str(kind.__doc__).strip(),
            "",
            "| member | type | meaning |",
            "|---|---|---|",
        ]
        hints = get_type_hints(kind, include_extras=True)
        own = [item for item in fields(kind) if item.name != "sku"]
        for item in [*own, *(item for item in fields(kind) if item.name == "sku")]:
            lines.append(_member(item.name, hints[item.name], is_optional=item.default is None))
        lines.append("")
    lines += [
        "## Cost",
        "",
        str(events.Cost.__doc__).strip(),
        "",
        "| member | type | meaning |",
        "|---|---|---|",
    ]
    for name, hint in get_type_hints(events.Cost, include_extras=True).items():
        lines.append(_member(name, hint, is_optional=True))
    return "\n".join(lines).rstrip() + "\n"


def _member(name: str, hint: Any, *, is_optional: bool) -> str:
    kind, meaning = get_args(hint) if get_origin(hint) is Annotated else (hint, "")
    parts = [part for part in _parts(kind) if not (is_optional and part == "null")]
    return f"| `{name}` | {' or '.join(parts)}{', optional' if is_optional else ''} | {_cell(meaning)} |"


def _parts(kind: Any) -> list[str]:
    if get_origin(kind) in (Union, types.UnionType):
        return [name for part in get_args(kind) for name in _parts(part)]
    if get_origin(kind) is list:
        return [f"array of {_parts(get_args(kind)[0])[0]}"]
    if is_typeddict(kind):
        return [f"[{kind.__name__}](#{kind.__name__.lower()})"]
    names = {str: "text", int: "integer", float: "number", bool: "boolean", types.NoneType: "null"}
    return [names[kind]]


def pages() -> dict[Path, str]:
    """Each generated file with its content."""
    schema = json.dumps(schema_of_sets(), indent=2, ensure_ascii=False) + "\n"
    return {
        DOCS / "command-line.md": command_line_page(),
        DOCS / "json-events.md": events_page(),
        DOCS / "set.schema.json": schema,
    }


def main() -> int:
    """Write all pages."""
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
