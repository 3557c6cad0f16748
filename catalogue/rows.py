# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of a catalogue file, CSV or JSONL: read, and checked without looking at the files that they name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from ..files.input_files import read_regular
from ..files.invisible import trimmed
from ..files.kinds import FileKind, kind_of_file
from ..files.values import (
    Rule,
    list_of,
    mapping_of,
    money,
    one_of,
    optional,
    read_whole,
    record_of,
    shown,
    text,
    whole,
)
from ..gltf.choices import surroundings
from ..imaging.choices import Background
from ..messages.errors import InputError
from ..optics.angles import CAMERAS, chosen_angles, is_angle_file
from ..optics.rig_choice import RIG_NAMES, is_panorama_file
from ..optics.spin import COUNT
from ..photo_set.choices import VIDEO_CHOICES
from ..photo_set.plan_values import ENDPOINT, POSE, PROMPT, SEED, VARIANT
from ..photo_set.prompts import LOOKS
from ..photo_set.source import MODEL_SUFFIXES, as_text
from ..photo_set.variants import color_choice, variant_choice
from .table_formats import COLUMNS, MAX_CELL, SOURCE_SEPARATOR, csv_cells, jsonl_cells

MAX_BYTES = 256 << 20
MAX_SKU = 1000
COLOR_SEPARATOR = ";"
MAX_SOURCES = 1000  # Files that one cell may name; the limit of a product is checked with its plan.


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One product. ``number`` counts products from 1, ``line`` is where it begins in the file.

    An empty value means the value of the command. Paths are relative to the catalogue file. ``errors`` are sentences;
    a row with errors is not made.
    """

    number: int
    line: int
    sku: str = ""
    sources: tuple[str, ...] = ()
    text: str = ""
    variant: str = ""
    variants: str = ""
    colors: str = ""
    pose: str = ""
    without: str = ""
    angles: str = ""
    rig: str = ""
    background: str = ""
    prompt: str = ""
    look: str = ""
    endpoint: str = ""
    seed: int | None = None
    video: str = ""
    spin: str = ""
    spec: str = ""
    max_cost: Decimal | None = None
    more: Mapping[str, str] = field(default_factory=dict)  # Other columns, kept for the report.
    errors: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """The row in messages."""
        return f"row {self.number} (line {self.line}, {self.sku or 'no SKU'})"


def read_rows(path: Path) -> list[Row]:
    """Every row of a catalogue file, also those with errors.

    Raises InputError when the file as a whole cannot be read.
    """
    try:
        data = read_regular(path, MAX_BYTES)
    except OSError as error:
        raise InputError(
            f"The catalogue {path} cannot be read ({error.strerror}).", hint="Name a CSV or JSONL file."
        ) from error
    if kind_of_file(path) is not FileKind.UNKNOWN or path.suffix.lower() in MODEL_SUFFIXES:
        raise InputError(
            f"{path.name} is not a table. A catalogue is a CSV or JSONL file.",
            hint="For one product, use `set` with its 3D file or its photos.",
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path.name} is not UTF-8 (line {line}).", hint="Save it as UTF-8; in Excel: CSV UTF-8."
        ) from error
    is_jsonl = path.suffix.lower() in {".jsonl", ".ndjson"}
    cells = jsonl_cells(text) if is_jsonl else csv_cells(text, path.name)
    rows = [_row(number, line, values, error) for number, (line, values, error) in enumerate(cells, 1)]
    if not rows:
        raise InputError(
            f"{path.name} has no rows.", hint="Write one product per line below the column names."
        )
    return _without_repeats(rows)


# --- values -------------------------------------------------------------------------------------


def _row(number: int, line: int, cells: Mapping[str, str], error: str) -> Row:
    errors = [error] if error else []
    cells, broken = _repaired(cells)
    errors += [f"{column} has characters that are not text" for column in broken]
    given = {name: _given(name, cells.get(name, "")) for name in COLUMNS}
    if not error:
        errors += _missing(given)
    values: dict[str, Any] = {}
    for column, rule in CELL_RULES.items():
        empty = None if column in _NUMBERS else ""
        try:
            values[column] = rule(given[column]) if given[column] else empty
        except ValueError as wrong:
            errors.append(f"{column} {shown(given[column])} {wrong}")
            values[column] = empty if column in _NUMBERS else given[column]
    return Row(
        **values,
        number=number,
        line=line,
        sources=tuple(filter(None, map(trimmed, given["source"].split(SOURCE_SEPARATOR)))),
        more={name: value for name, value in cells.items() if name and name not in COLUMNS},
        errors=tuple(errors),
    )


def _given(column: str, cell: str) -> str:
    """What a cell says. Texts for fal.ai keep their invisible characters: another prompt would be paid again."""
    plain = trimmed(cell)
    if column in ("text", "prompt"):
        # Layout programs end lines with them, and no endpoint takes them.
        return cell.replace("\v", " ").replace("\f", " ").strip() if plain else ""
    return plain


def _repaired(cells: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The cells as valid Unicode, and the columns that were not: JSON can contain single surrogates."""
    repaired, broken = {}, []
    for name, value in cells.items():
        column, cell = as_text(name), as_text(value)
        repaired[column] = cell
        if (column, cell) != (name, value):
            broken.append(column)
    return repaired, broken


# --- rules for cells, and for the rows of a lock ------------------------------------------------


def colors_in(cell: str) -> list[str]:
    """The colors of each variant that a cell names. Raises ValueError."""
    return [color_choice(part.strip()) for part in cell.split(COLOR_SEPARATOR) if part.strip()]


def asks_for_own_angles(cell: str) -> bool:
    """Whether the angles are in a file: one of angles, or the 3D file with its cameras."""
    return cell == CAMERAS or is_angle_file(cell)


def _angles(value: Any) -> str:
    cell = _CELL(value)
    try:
        if not asks_for_own_angles(cell):
            chosen_angles(cell)
    except InputError as error:
        raise ValueError(f"cannot be used: {str(error).rstrip('.')}") from error
    return cell


def _rig(value: Any) -> str:
    cell = _CELL(value)
    return cell if is_panorama_file(cell) else _choice(RIG_NAMES)(cell)


def _choice(names: Iterable[str]) -> Rule[str]:
    allowed = one_of(names)
    return lambda value: allowed(_CELL(value).lower())


def spin_count(value: Any) -> str:
    """The rule for the number of frames of a spin, as text, or NO_SPIN."""
    cell = _CELL(value).lower()
    return cell if cell == NO_SPIN else str(COUNT(read_whole(cell)))


NO_SPIN = "none"
_CELL = text(MAX_CELL)
CELL_RULES: Mapping[str, Rule[Any]] = {
    "sku": text(MAX_SKU),
    "text": text(),
    "variant": VARIANT,
    "variants": variant_choice,
    "colors": lambda cell: COLOR_SEPARATOR.join(colors_in(_CELL(cell))),
    "pose": POSE,
    "without": lambda cell: ",".join(surroundings(_CELL(cell))),
    "angles": _angles,
    "rig": _rig,
    "background": _choice(item.value for item in Background),
    "prompt": PROMPT,
    "look": _choice(LOOKS),
    "endpoint": ENDPOINT,
    "seed": lambda cell: SEED(read_whole(cell)),
    "video": _choice(VIDEO_CHOICES),
    "spin": spin_count,
    "spec": text(MAX_CELL),
    "max_cost": money,
}
_NUMBERS = {"seed", "max_cost"}
_LINE = whole(1, MAX_BYTES)
_PARTS = {
    "sources": list_of(text(MAX_CELL, min_length=1), MAX_SOURCES),
    "more": mapping_of(_CELL, _CELL, 10_000),
    "faults": list_of(_CELL, 10_000),
}
_GOOD_ROW = record_of(
    {"number": _LINE, "line": _LINE, "sku": text(MAX_SKU, min_length=1)},
    {**_PARTS, **{name: rule for name, rule in CELL_RULES.items() if name != "sku"}, "seed": optional(SEED)},
)
_BAD_ROW = record_of(
    {"number": _LINE, "line": _LINE},
    {**_PARTS, **dict.fromkeys(CELL_RULES, _CELL), "seed": optional(SEED), "max_cost": money},
)


def kept_row(value: Any) -> Row:
    """The rule for a row in a lock: the members of ``Row`` that are not empty, with the amount as text.

    In a lock the errors are called "faults". A row without errors passes the rules for cells; of one with errors only
    the types are checked, because it is never made.
    """
    rule = _BAD_ROW if isinstance(value, Mapping) and value.get("faults") else _GOOD_ROW
    members = rule(value)
    return Row(errors=members.pop("faults", ()), **members)


def _missing(values: Mapping[str, str]) -> list[str]:
    errors = []
    if not values["sku"]:
        errors.append("it has no sku")
    if not values["source"] and not values["text"]:
        errors.append("it has neither source nor text")
    if values["source"] and values["text"]:
        errors.append("it has both source and text: one of them makes the 3D model")
    if values["variant"] and values["variants"]:
        errors.append("it has both variant and variants: name all of them under variants")
    return errors


def _without_repeats(rows: list[Row]) -> list[Row]:
    """The rows, with an error in those that repeat the SKU of an earlier one."""
    first: dict[str, Row] = {}
    kept = []
    for row in rows:
        earlier = first.setdefault(row.sku, row)
        if row.sku and earlier is not row:
            error = f"its SKU is that of row {earlier.number} (line {earlier.line}) too"
            row = replace(row, errors=(*row.errors, error))
        kept.append(row)
    return kept
