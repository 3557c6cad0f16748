# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs inside the Blender with a window: executes what the test writes into a folder, between two events.

``N.py`` in the folder named by PHOTOREAL_DESK is executed on the main thread; what it assigns to ``answer``
is returned in ``N.json``, or its traceback.
"""

import json
import os
import traceback
from pathlib import Path

import bpy

DESK = Path(os.environ["PHOTOREAL_DESK"])
_next = 0


def _look() -> float:
    global _next
    order = DESK / f"{_next}.py"
    if order.exists():
        names = {"bpy": bpy, "answer": None}
        try:
            exec(compile(order.read_text(encoding="utf-8"), order.name, "exec"), names)
            result = {"answer": names["answer"]}
        except Exception:  # noqa: BLE001  The test receives it.
            result = {"error": traceback.format_exc()}
        part = DESK / f"{_next}.part"
        part.write_text(json.dumps(result, default=str), encoding="utf-8")
        part.rename(DESK / f"{_next}.json")
        _next += 1
    return 0.02


bpy.context.preferences.view.show_splash = False
bpy.app.timers.register(_look, persistent=True)
(DESK / "ready").write_text(bpy.app.version_string)
