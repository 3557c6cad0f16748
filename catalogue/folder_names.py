# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders named after SKUs: valid on every system, and a different one for each SKU."""

import hashlib
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Container, Iterable, Mapping
from typing import Any

from ..files.names import NameRule, component, is_device_name, safe_name, same_name

MAX_LETTERS = 64
HASH_DIGITS = 10
OVERVIEW = "overview"  # The folder of the small pictures.
_MARKS = " -_.()+&,'@#="  # Allowed besides letters and digits.
_OWN_FILES = frozenset({"catalogue.json", "catalogue.csv", "catalogue.lock.jsonl", "index.html"})


def folder_names(skus: Iterable[str], earlier: Mapping[str, str]) -> dict[str, str]:
    """A folder for each SKU. ``earlier``: folders of earlier runs, which are kept, also those of SKUs not in ``skus``.

    A SKU that is a valid name is used as it is. Others get a hash at the end, and so do SKUs that some systems treat as
    equal, because they differ only in case or in the composition of accented letters.
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
    """``name`` with enough of the SKU's hash to differ from all other folders."""
    digest = hashlib.sha256(sku.encode(errors="surrogatepass")).hexdigest()
    candidates = (f"{name}-{digest[:length]}" for length in range(HASH_DIGITS, len(digest)))
    return next(candidate for candidate in candidates if same_name(candidate) not in taken)


def folder_name(value: Any) -> str:
    """The rule for the folder of a product in a lock: one name inside the folder of the catalogue, as given here.

    Earlier versions used ``overview`` and, on systems without devices of that name, ``COM¹``: sets in such folders are
    paid for and remain valid.
    """
    reason = "is not the name of a product's folder"
    try:
        name = component(value)
    except ValueError:
        raise ValueError(reason) from None
    is_device = is_device_name(name) and (name.isascii() or os.name == "nt")
    is_given = (
        all(letter.isalnum() or letter in _MARKS for letter in name)
        and not name.startswith((".", " ", "-"))
        and name == name.rstrip(" .")
        and same_name(name) not in _OWN_FILES
    )
    if is_device or not is_given:
        raise ValueError(reason)
    return name


def _readable(sku: str) -> str:
    """The SKU without characters that some system does not allow in file names."""
    return safe_name(unicodedata.normalize("NFC", sku), _NAME_OF_FOLDER)


_NAME_OF_FOLDER = NameRule(
    # At the start, a dot hides the folder, and programs take a hyphen for an option.
    other=re.compile(rf"^[ .-]|[^\w{re.escape(_MARKS)}]"),
    stand_in="_",
    otherwise="_",
    ends="",
    ends_of_cut=" .",  # Windows drops them.
    max_letters=MAX_LETTERS,
    max_bytes=2 * MAX_LETTERS,
    is_reserved=lambda name: is_device_name(name) or same_name(name) in (_OWN_FILES | {OVERVIEW}),
)
