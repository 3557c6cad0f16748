# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports go one way, and what shall run without Blender never asks for it."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OUTSIDE = {"tests", "tools", "benchmarks", "farm", "docs"}  # Folders that are no part of the package.
STARTERS = {"batch.py"}  # Loads the package by name, as tests do.
BLENDER = {"bpy", "bpy_extras", "bpy_types", "_bpy", "bmesh", "mathutils", "gpu", "blf", "aud", "idprop"}
# Each folder imports only itself and folders before it.
ORDER = (
    "messages", "processes", "files", "imaging", "gltf", "optics", "fal_bridge", "photo_set", "studio", "background_run",
    "catalogue", "command_line", "window", "operators", "panels",
)  # fmt: skip
WITH_BLENDER = {"studio", "window", "operators", "panels"}
LATE = {"command_line", ""}  # These load without Blender; a function that needs it imports it.


@dataclass(frozen=True)
class Import:
    """One import: by its full name within the package, or by the name of somebody else's."""

    name: str
    line: int
    is_relative: bool
    is_at_module_level: bool


def imports_of(path: str, text: str) -> Iterator[Import]:
    package = list(Path(path).parts[:-1])
    tree = ast.parse(text)
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for node in ast.walk(function)
        if node is not function
    }
    for node in ast.walk(tree):
        level = id(node) not in inside
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno, False, level)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield Import(node.module or "", node.lineno, False, level)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1]
            names = [node.module] if node.module else [alias.name for alias in node.names]
            for name in names:
                yield Import(".".join([*base, name]), node.lineno, True, level)
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in {"import_module", "__import__"}:
                yield Import(str(node.args[0].value), node.lineno, False, level)


def folder_of(path: str) -> str:
    """The folder that a file is in; "" for the root ``__init__.py``."""
    parts = Path(path).parts
    return parts[0] if len(parts) > 1 else ""


def faults(sources: dict[str, str]) -> list[str]:
    """Every import that the order of the folders forbids, as ``file:line reason``."""
    own = set(ORDER)
    found = []
    for path, text in sources.items():
        folder = folder_of(path)
        if folder not in own | {""} or (not folder and path != "__init__.py"):
            found.append(f"{path} is in no folder of the product")
            continue
        for item in imports_of(path, text):
            where, target = f"{path}:{item.line}", item.name.split(".")[0]
            if not folder and item.is_relative and item.is_at_module_level:
                found.append(f"{where} imports {item.name} at module level")
            if not item.is_relative:
                if target in BLENDER and folder in LATE and item.is_at_module_level:
                    found.append(f"{where} imports {item.name} at module level")
                if target in BLENDER and folder not in WITH_BLENDER | LATE and not _is_probe(path):
                    found.append(f"{where} imports {item.name}")
                if target == "photoreal_set" or target in own:
                    found.append(f"{where} imports its own {item.name} by an absolute name")
                continue
            if folder and target != folder and target not in ORDER[: ORDER.index(folder)]:
                found.append(f"{where}: {folder} imports {target}, which does not come before it")
    return found


def _is_probe(path: str) -> bool:
    """Is this the script that decodes a video in a process by itself, with what it finds there?"""
    return path == "files/video_probe.py"


def package_sources() -> dict[str, str]:
    sources = {}
    for path in ROOT.rglob("*.py"):
        relative = path.relative_to(ROOT)
        if relative.parts[0] in OUTSIDE or relative.parts[0].startswith(".") or relative.name in STARTERS:
            continue
        sources[relative.as_posix()] = path.read_text(encoding="utf-8")
    return sources


def test_no_import_goes_against_the_design():
    assert faults(package_sources()) == []


def test_the_whole_package_is_looked_at():
    assert {folder_of(path) for path in package_sources()} == {"", *ORDER}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("fal_bridge/engine.py", "import bpy\n"),
        ("imaging/compose.py", "from mathutils import Matrix\n"),
        ("fal_bridge/engine.py", "def later():\n    import bpy.types\n"),
        ("files/writing.py", "import importlib\nimportlib.import_module('bpy')\n"),
        ("command_line/main.py", "import bpy\n"),
        ("command_line/commands/set.py", "import bpy\n"),
        ("photo_set/cloud_stage.py", "import bpy\n"),
        ("photo_set/cloud_stage.py", "from ..studio.stage import StudioStage\n"),
        ("photo_set/pipeline.py", "def later():\n    from .. import panels\n"),
        ("fal_bridge/engine.py", "from ..photo_set.plan import SetPlan\n"),
        ("fal_bridge/network/sdk.py", "from ...photo_set.plan import SetPlan\n"),
        ("imaging/report.py", "from ..fal_bridge import jobs\n"),
        ("studio/rig.py", "from ..operators import build_studio\n"),
        ("operators/build_studio.py", "from ..panels import studio\n"),
        ("catalogue/run.py", "from ..command_line import sets\n"),
        ("files/writing.py", "from photoreal_set.files.kinds import kind_of\n"),
        ("files/writing.py", "import messages\n"),
        ("__init__.py", "from . import operators\n"),
        ("__init__.py", "import bpy\n"),
        ("angles.py", ""),
        ("lights/rigs.py", ""),
    ],
)
def test_a_wrong_import_is_found(path: str, text: str):
    assert faults({path: text})


def test_right_imports_are_left_alone():
    sources = {
        "__init__.py": "def register():\n    import bpy\n    from . import operators\n",
        "command_line/main.py": "from ..photo_set.plan import SetPlan\ndef run():\n    import bpy\n",
        "command_line/commands/set.py": "from ..sets import run_set\nfrom ...messages import errors\n",
        "photo_set/pipeline.py": "from . import prompts\nfrom ..imaging.report import build_report\n",
        "studio/rig.py": "import bpy\nfrom ..optics.angles import ANGLES\nfrom . import compat\n",
        "panels/studio.py": "from ..operators.build_studio import x\nfrom ..window import properties\n",
        "fal_bridge/network/sdk.py": "import httpx\nfrom ...messages.errors import InputError\nfrom ..jobs import Job\n",
    }
    assert faults(sources) == []


def test_the_bpy_free_part_loads_where_there_is_no_blender():
    names = [
        path.removesuffix(".py").replace("/", ".").removesuffix("__init__").strip(".")
        for path in package_sources()
        if folder_of(path) not in WITH_BLENDER | {""}
    ]
    code = (
        "import importlib, sys\n"
        "sys.modules['bpy'] = None\n"  # From here on `import bpy` raises ImportError.
        "from command_line.bootstrap import load_package\n"
        "load_package()\n"
        f"for name in {names!r}:\n"
        "    importlib.import_module('photoreal_set.' + name)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
