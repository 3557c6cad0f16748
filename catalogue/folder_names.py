# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders named after SKUs: safe on every system, and never two SKUs in one."""

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping

MOST_LETTERS = 64
_ALLOWED = frozenset(" -_.()+&,'@#=")
_OF_WINDOWS = frozenset(
    {"con", "prn", "aux", "nul", *(f"{name}{number}" for name in ("com", "lpt") for number in "0123456789")}
)
_OWN = frozenset({"catalogue.json", "catalogue.csv", "catalogue.lock.jsonl", "index.html"})


def folder_names(skus: Iterable[str], earlier: Mapping[str, str]) -> dict[str, str]:
    """A folder for each SKU. ``earlier``: those given before, which stay as they are, also for SKUs not named now.

    A SKU that is a safe name keeps it; any other gets a hash at its end, and so do those that differ only in case.
    """
    wanted = list(dict.fromkeys(skus))
    names = {sku: earlier[sku] for sku in wanted if sku in earlier}
    taken = {name.casefold() for name in earlier.values()}
    clashes = Counter(_readable(sku).casefold() for sku in wanted if sku not in names)
    for sku in wanted:
        if sku in names:
            continue
        name = _readable(sku)
        if name != sku or clashes[name.casefold()] > 1 or name.casefold() in taken:
            name = f"{name}-{hashlib.sha256(sku.encode(errors='surrogatepass')).hexdigest()[:10]}"
        names[sku] = name
        taken.add(name.casefold())
    return names


def _readable(sku: str) -> str:
    """The SKU with everything replaced that some system cannot have in a file name."""
    text = unicodedata.normalize("NFC", sku)
    text = "".join(letter if letter.isalnum() or letter in _ALLOWED else "_" for letter in text)
    text = text[:MOST_LETTERS]
    while len(text.encode()) > 2 * MOST_LETTERS:  # File systems count bytes.
        text = text[:-1]
    text = text.rstrip(" .")  # Windows drops them.
    if text.startswith((".", " ", "-")):
        text = "_" + text[1:]
    if text.split(".")[0].casefold() in _OF_WINDOWS or text.casefold() in _OWN:
        text = f"_{text}"
    return text or "_"
