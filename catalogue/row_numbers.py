# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rows of a catalogue one task of a farm does: ``--rows 1-20,33`` and ``--shard INDEX/COUNT``."""

import re
from collections.abc import Mapping, Sequence

from ..files.values import shown
from ..messages.errors import FieldError, InputError

_NUMBER = "[0-9]{1,9}"
_PART = re.compile(f"({_NUMBER})(?:-({_NUMBER})(?::({_NUMBER}))?)?")
_SHARD = re.compile(f"(auto|{_NUMBER})/({_NUMBER})")

# Where array engines say which task this is, and, where the first is not 0, what the first is called.
_INDEX_VARIABLES = (
    ("SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_MIN"),
    ("AWS_BATCH_JOB_ARRAY_INDEX", ""),
    ("JOB_COMPLETION_INDEX", ""),
)


def rows_named(text: str, count: int) -> list[int]:
    """The row numbers of ``1-4,7,9-20:2`` in their order, each once; ``count`` is the last one there is.

    Raises InputError for anything else. What lies behind the last row is left out: engines round ranges up.
    """
    named: dict[int, None] = {}
    for part in text.replace(" ", "").split(","):
        match = _PART.fullmatch(part)
        if not match:
            raise FieldError("rows", f"{shown(text)} is not like 1-20,33.")
        first = int(match[1])
        last = int(match[2] or first)
        step = int(match[3] or 1)
        if first < 1 or last < first or step < 1:
            raise FieldError("rows", f"{shown(text)}: {part} names no row.", hint="Rows are counted from 1.")
        named.update(dict.fromkeys(range(first, min(last, count) + 1, step)))
    return list(named)


def shard_of(text: str, environ: Mapping[str, str]) -> tuple[int, int]:
    """Index (from 0) and number of shards of ``3/40``, or of ``auto/40`` inside an array job."""
    match = _SHARD.fullmatch(text.strip())
    if not match:
        raise FieldError("shard", f"{shown(text)} is not like 0/40 or auto/40.")
    count = int(match[2])
    index = _array_index(environ) if match[1] == "auto" else int(match[1])
    if not 0 <= index < count:
        raise FieldError(
            "shard", f"{text}: part {index} of {count} does not exist.", hint="The first part is number 0."
        )
    return index, count


def rows_of_shard(rows: Sequence[int], index: int, count: int) -> list[int]:
    """Every ``count``-th row: neighbours are often alike, so each shard gets some of the slow ones."""
    return list(rows[index::count])


def _array_index(environ: Mapping[str, str]) -> int:
    for name, first in _INDEX_VARIABLES:
        if text := environ.get(name, "").strip():
            try:
                return int(text) - int(environ.get(first, "").strip() or 0 if first else 0)
            except ValueError as error:
                raise InputError(f"{name} is {shown(text)}, which is not a number.") from error
    names = ", ".join(name for name, _first in _INDEX_VARIABLES)
    raise FieldError(
        "shard", f"auto needs an array job: none of {names} is set.", hint="Name the part, such as 0/40."
    )
