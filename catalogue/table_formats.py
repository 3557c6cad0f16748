# SPDX-License-Identifier: GPL-3.0-or-later
"""CSV and JSONL as spreadsheets, shops and scripts write them: read as cells by the names of their columns."""

import csv
import io
import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ..files.input_files import parsed_json
from ..files.invisible import trimmed
from ..files.values import shown
from ..messages.errors import InputError

COLUMNS = (
    *(
        "sku",
        "source",
        "text",
        "variant",
        "variants",
        "colors",
        "pose",
        "without",
        "angles",
        "rig",
        "background",
    ),
    *("prompt", "look", "endpoint", "seed", "video", "spin", "spec", "max_cost"),
)
DELIMITERS = (",", ";", "\t")
MAX_CELL = 1 << 20
SOURCE_SEPARATOR = ";"
MAX_LINES_ABOVE = 50  # Among which the names of the columns are looked for.

_LISTS = frozenset(
    {"source", "angles", "without", "variants", "spec"}
)  # Columns whose values may be lists in JSONL.
_LINE_END = re.compile(r"\r\n|\r|\n")
# Excel takes the delimiter from such a first line, and leaves the line out.
_SEPARATOR_LINE = re.compile(
    r'[\ufeff\s]*"?sep=(?P<delimiter>[^"\r\n])"?[,;\t ]*(?:\r\n|\r|\n)', re.IGNORECASE
)

_TEXT_FORMULA = re.compile(r'="(?P<text>(?:[^"]|"")*)"', re.DOTALL)

Cells = Iterator[tuple[int, dict[str, str], str]]  # Line, values by column, an error of the line or "".


def csv_cells(text: str, name: str) -> Cells:
    """The rows below the names of the columns. Raises InputError for a file without these names."""
    csv.field_size_limit(MAX_CELL)
    stream = io.StringIO(text, newline="")
    start, delimiter = _header_place(text, stream)
    stream.seek(start)
    reader = csv.reader(stream, delimiter=delimiter, strict=True)
    above = len(_LINE_END.findall(text[:start]))
    try:
        columns = _columns(next(reader, []), name)
        before = reader.line_num
        for cells in reader:
            line, before = above + before + 1, reader.line_num
            if not any(trimmed(cell) for cell in cells):
                continue
            error = ""
            if len(cells) > len(columns) and any(trimmed(cell) for cell in cells[len(columns) :]):
                error = f"it has {len(cells)} cells, and there are {len(columns)} columns (quote text that contains {delimiter!r})"
            yield line, dict(zip(columns, map(_without_formula, cells), strict=False)), error
    except csv.Error as wrong:
        raise InputError(
            f"{name} is not valid CSV from line {above + reader.line_num}: {wrong}.",
            hint="Look for a quote that is not closed.",
        ) from wrong


def _without_formula(cell: str) -> str:
    """The text of a cell that is written as a formula, so that a spreadsheet keeps the zeros in front of a number."""
    formula = _TEXT_FORMULA.fullmatch(trimmed(cell))
    return formula["text"].replace('""', '"') if formula else cell


def _header_place(text: str, stream: io.StringIO) -> tuple[int, str]:
    """Where the names of the columns begin, and the delimiter between them.

    There may be Excel's separator line, empty lines and titles above them. When none of the lines has the required
    names, this is the first one that is not empty.
    """
    declared = _SEPARATOR_LINE.match(text)
    delimiters = (declared["delimiter"], *DELIMITERS) if declared else DELIMITERS
    place = declared.end() if declared else 0
    first: tuple[int, str] | None = None
    for _line in range(MAX_LINES_ABOVE):
        end = _LINE_END.search(text, place)
        if trimmed(text[place : end.start() if end else len(text)]):
            names, delimiter = max(
                ((_names_at(stream, place, each), each) for each in delimiters),
                key=lambda found: len(found[0] & set(COLUMNS)),
            )
            if not _missing_column(names):
                return place, delimiter
            first = first or (place, delimiter)
        if end is None:
            break
        place = end.end()
    return first or (0, DELIMITERS[0])


def _names_at(stream: io.StringIO, place: int, delimiter: str) -> set[str]:
    """The names in the record that begins at ``place``; none when it is not valid CSV."""
    stream.seek(place)
    try:
        return {column_name(cell) for cell in next(csv.reader(stream, delimiter=delimiter, strict=True), [])}
    except csv.Error:
        return set()


def _missing_column(names: Collection[str]) -> str:
    """The required column that is not among ``names``; "" when all are."""
    if "sku" not in names:
        return "sku"
    return "" if {"source", "text"} & set(names) else "source or text"


def _columns(header: list[str], name: str) -> list[str]:
    columns = [column_name(cell) for cell in header]
    named = [column for column in columns if column]
    if missing := _missing_column(named):
        found = f" {shown(', '.join(named))} is the first line that is not empty." if named else ""
        raise InputError(
            f"{name} is not a catalogue: it has no column {missing}.{found}",
            hint=f"One of the first {MAX_LINES_ABOVE} lines must name the columns: {', '.join(COLUMNS)}.",
        )
    if repeated := next((column for column in named if named.count(column) > 1), ""):
        raise InputError(f"{name} has two columns called {repeated}.")
    return columns


def column_name(cell: str) -> str:
    """The name of a known column, however it is written; other names without what is around them."""
    name = trimmed(cell)
    plain = name.lower().replace(" ", "_").replace("-", "_")
    return plain if plain in COLUMNS else name


def jsonl_cells(text: str) -> Cells:
    """One object per line. Only a line feed ends a line (https://jsonlines.org), so U+2028 and others are text."""
    for line, content in enumerate(text.split("\n"), 1):
        content = trimmed(content)
        if not content:
            continue
        try:
            record = parsed_json(content, may_have_raw_control=True)
        except ValueError as error:
            yield line, {}, f"it is not valid JSON ({error})"
            continue
        if not isinstance(record, dict):
            yield line, {}, "it is not a JSON object"
            continue
        values = {column_name(name): value for name, value in record.items()}
        cells = {name: _as_cell(name, value) for name, value in values.items()}
        yield line, cells, _not_a_cell(values)


def _not_a_cell(values: Mapping[str, Any]) -> str:
    """An error for values that no column takes as they are; "" without any."""
    sku = values.get("sku")
    if isinstance(sku, float):
        return (
            f"sku {sku} is a number with a point, which other programs write in other ways: put it in quotes"
        )
    for name in COLUMNS:
        if isinstance(value := values.get(name), dict | bool | list) and not _is_list(name, value):
            return f"{name} {shown(json.dumps(value, ensure_ascii=False))} is not text: put it in quotes"
    return ""


def _is_list(column: str, value: Any) -> bool:
    return isinstance(value, list) and column in _LISTS


def _as_cell(column: str, value: Any) -> str:
    if value is None:
        return ""
    if _is_list(column, value):
        return (SOURCE_SEPARATOR if column == "source" else ",").join(map(str, value))
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
