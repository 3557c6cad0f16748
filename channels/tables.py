# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists of exported files that shops import: one for every purpose, one for Shopify, one for Akeneo."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import quote

from ..fal_bridge.money.journal_costs import spreadsheet_safe
from ..files.writing import write_atomically
from .exporting import Exported

FILES, SHOPIFY, AKENEO = "files.csv", "shopify.csv", "akeneo.csv"
# Akeneo PIM, format of asset files: letters, digits and underscores.
_NOT_IN_CODE = re.compile(r"[^A-Za-z0-9_]+")
# Shopify's product CSV: lower case, with dashes.
_NOT_IN_HANDLE = re.compile(r"[^\w]+")


def write_tables(root: Path, files: Sequence[Exported], *, base_url: str = "") -> None:
    """Write the lists into ``root``. ``base_url``: where the files will be on the web, for Shopify. Raises OSError."""
    write_atomically(root / FILES, _csv(_FILES_COLUMNS, map(_file_row, files)))
    write_atomically(root / SHOPIFY, _csv(_SHOPIFY_COLUMNS, (_shopify_row(file, base_url) for file in files)))
    write_atomically(root / AKENEO, _csv(_AKENEO_COLUMNS, map(_akeneo_row, files), delimiter=";"))


def alt_text(file: Exported) -> str:
    """What a screen reader says of a picture."""
    words = file.angle.replace("-", " ").replace("_", " ")
    return f"{file.product}, close-up" if words == "detail" else f"{file.product}, {words} view"


_FILES_COLUMNS = (
    *("sku", "angle", "position", "file", "alt_text", "width", "height", "bytes", "sha256"),
    *("source_type", "unmet_rules"),
)
# Shopify's product CSV; the other columns of a product are left as they are when they are absent.
_SHOPIFY_COLUMNS = ("Handle", "Image Src", "Image Position", "Image Alt Text")
_AKENEO_COLUMNS = ("code", "assetFamilyIdentifier", "label-en_US", "media", "product_sku", "position")


def _file_row(file: Exported) -> list[str]:
    unmet = "; ".join(finding.text for finding in file.findings if finding.is_failure)
    return [
        file.sku,
        file.angle,
        str(file.number),
        file.name,
        alt_text(file),
        str(file.size[0]),
        str(file.size[1]),
        str(file.bytes),
        file.sha256,
        file.source_type,
        unmet,
    ]


def _shopify_row(file: Exported, base_url: str) -> list[str]:
    address = f"{base_url.rstrip('/')}/{quote(file.name)}" if base_url else file.name
    handle = _NOT_IN_HANDLE.sub("-", file.sku).strip("-").lower()
    return [handle, address, str(file.number), alt_text(file)]


def _akeneo_row(file: Exported) -> list[str]:
    code = _NOT_IN_CODE.sub("_", f"{file.sku}_{file.angle}").strip("_")
    return [code, "product_pictures", alt_text(file), file.name, file.sku, str(file.number)]


def _csv(columns: Sequence[str], rows: Iterable[list[str]], *, delimiter: str = ",") -> bytes:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n", delimiter=delimiter)
    writer.writerow(columns)
    writer.writerows([spreadsheet_safe(cell) for cell in row] for row in rows)
    return buffer.getvalue().encode()
