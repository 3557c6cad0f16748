# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads from Cycles' status how many samples of a picture are rendered."""

import contextlib
import re
from collections.abc import Iterator

import bpy
from bpy.app.handlers import persistent

from ..photo_set.activity import Activity

SAMPLES = re.compile(r"\bSample (\d+)/(\d+)")
KERNELS = re.compile(r"\b(?:Loading|Compiling) (?:render|denoising) kernels")


@contextlib.contextmanager
def watched(activity: Activity) -> Iterator[None]:
    """While entered, ``activity`` learns what Cycles does. Cycles reports from its threads, with Python's lock.

    The samples come in few steps: without a preview, Cycles renders as many at once as it can.
    """

    # Opening a file removes other handlers.
    @persistent  # type: ignore[untyped-decorator]  # The stubs give Blender's decorator no types.
    def hear(status: str, *_more: object) -> None:
        if found := SAMPLES.search(status):
            activity.sample(int(found[1]), int(found[2]))
        elif KERNELS.search(status):
            activity.say("Cycles loads its kernels, which on a graphics card takes minutes the first time")
        else:
            activity.say("")

    bpy.app.handlers.render_stats.append(hear)
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            bpy.app.handlers.render_stats.remove(hear)
