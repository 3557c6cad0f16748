# SPDX-License-Identifier: GPL-3.0-or-later
"""Who made a glTF file, and what its license is, as far as the file says so."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .json_values import as_dict

MAX_LETTERS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Credits:
    """Texts of at most ``MAX_LETTERS`` letters; "" where the file says nothing."""

    author: str = ""
    license: str = ""
    copyright: str = ""
    source: str = ""


def credits_of(document: Mapping[str, Any]) -> Credits:
    """What ``asset`` of a glTF document says.

    ``copyright`` is part of glTF 2.0 (section 5.8, "asset"). The others are extras as Sketchfab writes them.
    """
    asset = as_dict(document.get("asset"))
    extras = as_dict(asset.get("extras"))
    return Credits(
        author=_text(extras.get("author")),
        license=_text(extras.get("license")),
        copyright=_text(asset.get("copyright")),
        source=_text(extras.get("source")),
    )


def _text(value: object) -> str:
    return " ".join(value.split())[:MAX_LETTERS] if isinstance(value, str) else ""
