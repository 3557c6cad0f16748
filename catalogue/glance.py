# SPDX-License-Identifier: GPL-3.0-or-later
"""A catalogue's folder as a window shows it: its products, and what is still at fal.ai. Needs no packages.

What is read is only shown: ``lock_file`` and ``states`` check the same files strictly before they are used.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..fal_bridge.journal import NAME as JOURNAL
from ..files.enclosed import is_plain_name
from ..files.input_files import read_json, read_regular
from ..photo_set.pending import pending_in

LOCK_NAME = "catalogue.lock.jsonl"
STATUS = f"{JOURNAL}/row.json"  # Within the folder of a product.
MAX_BYTES = 256 << 20  # Of the lock.
DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductView:
    """A valid row: its SKU, its set folder, and whether its set was done when it was read."""

    sku: str
    folder: Path
    is_done: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueView:
    """What was read of a catalogue. ``pending``: requests of all products that fal.ai may still be working on."""

    folder: Path
    products: tuple[ProductView, ...]
    pending: int


def is_catalogue(folder: Path) -> bool:
    """Whether a catalogue was started in ``folder``."""
    return (folder / LOCK_NAME).is_file()


def read_catalogue(folder: Path) -> CatalogueView | None:
    """The catalogue in ``folder``; ``None`` when there is none, or none that can be read."""
    try:
        _head, *lines = read_regular(folder / LOCK_NAME, MAX_BYTES).splitlines()
        products = tuple(_products(folder, map(json.loads, lines)))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    # Journals are many files, and a finished product has nothing open in them.
    pending = sum(pending_in(one.folder) for one in products if not one.is_done)
    return CatalogueView(folder=folder, products=products, pending=pending)


def _products(folder: Path, rows: Iterator[Mapping[str, Any]]) -> Iterator[ProductView]:
    for row in rows:
        if row["digest"] and is_plain_name(row["folder"]):
            place = folder / row["folder"]
            yield ProductView(sku=str(row["sku"]), folder=place, is_done=_is_done(place, row["digest"]))


def _is_done(folder: Path, digest: str) -> bool:
    try:
        status = read_json(folder / STATUS)
        return bool(status["state"] == DONE and status["digest"] == digest)
    except (OSError, ValueError, KeyError, TypeError):
        return False
