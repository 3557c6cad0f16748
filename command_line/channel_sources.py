# SPDX-License-Identifier: GPL-3.0-or-later
"""The sets whose pictures go to channels: one set, or those of a catalogue."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from ..catalogue.glance import is_catalogue
from ..catalogue.lock_file import read_lock
from ..channels.rules import CHANNELS
from ..files.names import file_rule, safe_name
from ..messages.errors import FieldError, InputError
from ..photo_set.folder import SetFolder
from ..photo_set.variant_folders import variants_in

_SEPARATORS = re.compile(r"[,;\s]+")


@dataclass(frozen=True, slots=True)
class Source:
    """A set. ``spec``: the channels that its row names.

    Of a product in several ``variant``s, ``sku`` is that of the variant, and ``product_sku`` that of the product.
    """

    folder: Path
    sku: str
    spec: str = ""
    variant: str = ""
    product_sku: str = ""


def sources_in(folder: Path) -> list[Source]:
    """The sets in a folder, in the order of the catalogue. Raises InputError when there is none."""
    if not is_catalogue(folder):
        product = str(SetFolder.open(folder).record["product"])
        return _with_variants(Source(folder, safe_name(product, file_rule("product"))))
    found: list[Source] = []
    for frozen in (frozen for frozen in read_lock(folder).rows if frozen.is_good):
        source = Source(folder / frozen.folder, frozen.row.sku, frozen.row.spec)
        if (source.folder / "set.json").is_file():
            found += _with_variants(source) if frozen.own.get("variants") else [source]
    if not found:
        raise InputError(f"No product of {folder} has been made yet.", hint=f"Run `resume {folder}` first.")
    return found


def _with_variants(source: Source) -> list[Source]:
    """The sets of all variants of a product; the first one, which is in ``source``, keeps its SKU."""
    try:
        found = variants_in(SetFolder.open(source.folder))
    except InputError:  # Reported when its pictures are read.
        return [source]
    return [
        replace(
            source,
            folder=one.folder,
            sku=source.sku if one.is_first else f"{source.sku}-{one.name}",
            variant=one.name,
            product_sku=source.sku,
        )
        for one in found
    ] or [source]


def channels_of(sources: list[Source], text: str) -> dict[str, list[Source]]:
    """The sets for each channel: those named in ``text`` for all sets, otherwise those of each row.

    Raises InputError when no channel is named, or an unknown one.
    """
    found: dict[str, list[Source]] = {}
    for source in sources:
        for name in filter(None, _SEPARATORS.split((text or source.spec).strip())):
            if name not in CHANNELS:
                place = "" if text else f" (in the column spec of {source.sku})"
                raise FieldError(
                    "channel",
                    f"{name} is not a channel{place}.",
                    hint=f"Use one of: {', '.join(CHANNELS)}.",
                )
            if source not in (of_channel := found.setdefault(name, [])):
                of_channel.append(source)
    if not found:
        raise FieldError("channel", "No channel is named.", hint=f"Use one of: {', '.join(CHANNELS)}.")
    return found
