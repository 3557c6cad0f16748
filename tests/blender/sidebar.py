# SPDX-License-Identifier: GPL-3.0-or-later
"""Helpers for tests of the sidebar without a window."""

import re
from typing import Any

import bpy
import pytest

from photoreal_set.window import pump
from tests.patience import until

KINDS = ("scenes", "objects", "meshes", "materials", "images", "worlds", "collections", "cameras", "lights")


def everything() -> dict[str, list[str]]:
    """The names of all data-blocks of the file."""
    return {kind: sorted(item.name for item in getattr(bpy.data, kind)) for kind in KINDS}


def agree(name: str, /, **options: Any) -> None:
    """Call an operator that costs money as someone who has read its question; fails when it does not ask."""
    operator = getattr(bpy.ops.photoreal, name)
    with pytest.raises(RuntimeError) as asked:
        operator(**options)
    named = re.search(r"price='([^']*\$[^']*)'", str(asked.value))
    assert named, f"a question without a sum: {asked.value}"
    operator(price=named[1], **options)


def pump_until_idle() -> None:
    """Do what the timer would do, until there is nothing left to do."""
    until(lambda: pump.pump() is None)
