# SPDX-License-Identifier: GPL-3.0-or-later
"""Loads the repository root as the package ``photoreal_set``, as Blender does."""

import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

if "photoreal_set" not in sys.modules:
    spec = importlib.util.spec_from_file_location(
        "photoreal_set", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["photoreal_set"] = module
    spec.loader.exec_module(module)
