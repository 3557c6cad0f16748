# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder for what does not belong to one set: prices, and the money spent each day."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

VARIABLE = "PHOTOREAL_HOME"


def home_folder(environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Path:
    """``PHOTOREAL_HOME``, or the system's folder for application data."""
    if named := environ.get(VARIABLE, "").strip():
        return Path(named).expanduser()
    if platform == "win32":
        base = Path(environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return base / "photoreal-set"
