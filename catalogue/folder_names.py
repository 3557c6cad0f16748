# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders named after SKUs: safe on every system, and never two SKUs in one."""

import hashlib
import os
import unicodedata
from collections import Counter
from collections.abc import Container, Iterable, Mapping
from typing import Any

from ..files.names import component, is_device_name, same_name

MOST_LETTERS = 64
HASH_DIGITS = 10
OVERVIEW = "overview"  # The folder of the small pictures.
_ALLOWED = frozenset(" -_.()+&,'@#=")
_OWN_FILES = frozenset({"catalogue.json", "catalogue.csv", "catalogue.lock.jsonl", "index.html"})


def folder_names(skus: Iterable[str], earlier: Mapping[str, str]) -> dict[str, str]:
    """A folder for each SKU. ``earlier``: those given before, which stay as they are, also for SKUs not named now.

    A SKU that is a safe name keeps it; any other gets a hash at its end, and so do those that some system takes for
    the same, because they differ only in capitals or in how letters with accents are composed.
    """
    wanted = list(dict.fromkeys(skus))
    names = {sku: earlier[sku] for sku in wanted if sku in earlier}
    taken = {same_name(name) for name in earlier.values()}
    clashes = Counter(same_name(_readable(sku)) for sku in wanted if sku not in names)
    for sku in wanted:
        if sku in names:
            continue
        name = _readable(sku)
        if name != sku or clashes[same_name(name)] > 1 or same_name(name) in taken:
            name = _with_hash(name, sku, taken)
        names[sku] = name
        taken.add(same_name(name))
    return names


def _with_hash(name: str, sku: str, taken: Container[str]) -> str:
    """``name`` with as much of the SKU's hash as no other folder has."""
    digest = hashlib.sha256(sku.encode(errors="surrogatepass")).hexdigest()
    candidates = (f"{name}-{digest[:length]}" for length in range(HASH_DIGITS, len(digest)))
    return next(candidate for candidate in candidates if same_name(candidate) not in taken)


def folder_name(value: Any) -> str:
    """The rule for the folder of a product in a lock: one name inside the folder of the catalogue, as given here.

    Earlier versions gave ``overview`` and, on systems without devices of that name, ``COM¹``: sets that lie there are
    paid for and stay.
    """
    reason = "is not the name of a product's folder"
    try:
        name = component(value)
    except ValueError:
        raise ValueError(reason) from None
    is_device = is_device_name(name) and (name.isascii() or os.name == "nt")
    is_given = (
        all(letter.isalnum() or letter in _ALLOWED for letter in name)
        and not name.startswith((".", " ", "-"))
        and name == name.rstrip(" .")
        and same_name(name) not in _OWN_FILES
    )
    if is_device or not is_given:
        raise ValueError(reason)
    return name


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
    if is_device_name(text) or same_name(text) in (_OWN_FILES | {OVERVIEW}):
        text = f"_{text}"
    return text or "_"
