# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of a catalogue whose products come from a scene: a copy of each product, and a row that names it."""

import csv
import shutil
from collections.abc import Mapping
from pathlib import Path

from .folder_names import folder_names

TABLE = "products.csv"


def write_table(folder: Path, copies: Mapping[str, Path]) -> Path:
    """Move the copies into ``folder`` and write the table there. ``copies``: a .blend file for each product's name.

    Returns the path of the table. Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = folder_names(copies, {})  # Valid as names of files, and different on every system.
    table = folder / TABLE
    with table.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("sku", "source"))
        for name, copy in copies.items():
            file = f"{names[name]}{copy.suffix}"
            shutil.move(copy, folder / file)
            shutil.rmtree(copy.parent, ignore_errors=True)
            writer.writerow((name, file))
    return table
