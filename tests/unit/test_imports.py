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
WITHOUT_BLENDER = {
    "fal_bridge", "imaging", "angles", "blend_paths", "button_command", "cameras", "cancel_mark", "catalogue", "child",
    "cloud_stage", "enclosed", "errors", "estimates", "file_lock", "files", "file_names", "findings", "gltf", "gltf_packing", "gltf_parts",
    "input_files", "interrupts", "keys", "lighting", "manifest", "mp4", "parts", "picture_files", "plan", "plan_record", "plan_values", "processes", "progress",
    "prompts", "price_book", "run_view", "set_folder", "set_results", "set_view", "sizes", "takes", "values", "version", "video_check",
}  # fmt: skip
# A part imports only parts of a lower rank, and its own modules.
RANKS = {
    "angles": 0, "blend_paths": 0, "cameras": 0, "cancel_mark": 0, "child": 0, "enclosed": 0, "errors": 0, "file_lock": 0,
    "files": 0, "findings": 0, "gltf": 0, "gltf_packing": 0, "gltf_parts": 0, "interrupts": 0, "keys": 0, "mp4": 0, "parts": 0,
    "picture_files": 0, "processes": 0, "progress": 0, "prompts": 0, "run_view": 0, "set_folder": 0, "sizes": 0, "version": 0,
    "video_check": 0, "video_probe": 0, "file_names": 0, "input_files": 0, "manifest": 0, "values": 0,
    "lighting": 0.5,
    "takes": 1, "studio": 1, "imaging": 1, "fal_bridge": 1, "button_command": 1, "properties": 1, "windows": 1,
    "plan_values": 1.5,
    "plan": 2, "set_view": 2, "preferences": 2,
    "plan_record": 3, "estimates": 3, "known_sets": 3, "price_book": 3, "scene_settings": 3,
    "set_results": 4, "selection": 4,
    "cloud_stage": 5, "studio_stage": 5,
    "pipeline": 6, "catalogue": 6, "render_worker": 6, "runtime": 6,
    "commands": 7,
    "cli": 8,
    "operators": 9,
    "panels": 10,
    "registration": 11,
    "": 12,
}  # fmt: skip
BETWEEN = 8  # Modules that only register or start things: above the pipeline, below operators.
ONLY = {
    "fal_bridge": {
        "enclosed",
        "errors",
        "files",
        "input_files",
        "parts",
        "processes",
        "values",
        "video_check",
    },
    "imaging": {"errors", "files"},
}
# Of the studio: what only counts and says.
NUMBERS = {f"studio/{name}.py" for name in ("__init__", "extensions", "framing", "mesh_checks")}
LATE = {"cli", "commands"}  # Load without Blender; a command that needs it imports it when it runs.
LEAVES = {name for name, rank in RANKS.items() if rank == 0}


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


def part_of(path: str) -> str:
    """The folder or root module that a file belongs to; "" for the root ``__init__.py``."""
    first = Path(path).parts[0].removesuffix(".py")
    return "" if first == "__init__" else first


def faults(sources: dict[str, str]) -> list[str]:
    """Every import that the design forbids, as ``file:line reason``."""
    own = {part_of(path) for path in sources} - {""}
    found = []
    for path, text in sources.items():
        part = part_of(path)
        for item in imports_of(path, text):
            where, target = f"{path}:{item.line}", item.name.split(".")[0]
            if part == "" and item.is_at_module_level:
                found.append(f"{where} imports {item.name} at module level")
            if not item.is_relative:
                if target in BLENDER and part in WITHOUT_BLENDER:
                    found.append(f"{where} imports {item.name}")
                if target in BLENDER and part in LATE and item.is_at_module_level:
                    found.append(f"{where} imports {item.name} at module level")
                if target == "photoreal_set" or target in own:
                    found.append(f"{where} imports its own {item.name} by an absolute name")
                continue
            if target == part:
                continue
            if part in ONLY and target not in ONLY[part]:
                found.append(f"{where}: {part} imports {target}")
            upward = RANKS.get(target, BETWEEN) >= RANKS.get(part, BETWEEN)
            same = RANKS.get(target, BETWEEN) == RANKS.get(part, BETWEEN)
            if upward and not (same and (part in LEAVES or part not in RANKS)):
                found.append(f"{where}: {part or 'the root'} imports {target}, which is not below it")
    return found


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
    parts = {part_of(path) for path in package_sources()}
    assert {"", "cli", "pipeline", "studio", "imaging", "fal_bridge", *WITHOUT_BLENDER} <= parts


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("fal_bridge/engine.py", "import bpy\n"),
        ("imaging/compose.py", "from mathutils import Matrix\n"),
        ("fal_bridge/engine.py", "def later():\n    import bpy.types\n"),
        ("files.py", "import importlib\nimportlib.import_module('bpy')\n"),
        ("cli.py", "import bpy\n"),
        ("commands/set.py", "import bpy\n"),
        ("commands/set.py", "from ..cli import main\n"),
        ("cloud_stage.py", "import bpy\n"),
        ("cloud_stage.py", "from .studio_stage import StudioStage\n"),
        ("fal_bridge/engine.py", "from ..plan import SetPlan\n"),
        ("fal_bridge/engine.py", "from .. import angles\n"),
        ("imaging/report.py", "from ..fal_bridge import jobs\n"),
        ("imaging/report.py", "from ..set_folder import Record\n"),
        ("studio/render.py", "from ..imaging.compose import compose\n"),
        ("studio/render.py", "from ..pipeline import run_set\n"),
        ("studio/rig.py", "from ..operators import build_studio\n"),
        ("pipeline.py", "from .operators.build_studio import x\n"),
        ("pipeline.py", "from .cli import main\n"),
        ("pipeline.py", "def later():\n    from . import panels\n"),
        ("operators/build_studio.py", "from ..panels import studio\n"),
        ("files.py", "from .set_folder import SetFolder\nfrom .plan import Source\n"),
        ("pipeline.py", "import files\n"),
        ("pipeline.py", "from photoreal_set.files import sha256_of\n"),
        ("__init__.py", "from . import registration\n"),
        ("__init__.py", "import bpy\n"),
    ],
)
def test_a_wrong_import_is_found(path: str, text: str):
    others = dict.fromkeys(("files.py", "operators/__init__.py", "panels/__init__.py"), "")
    assert faults({**others, path: text})


def test_right_imports_are_left_alone():
    sources = {
        "__init__.py": "def register():\n    from . import registration\n",
        "cli.py": "from .plan import SetPlan\ndef run():\n    from .pipeline import run_set\n",
        "pipeline.py": "import bpy\nfrom . import prompts\nfrom .studio import rig\nfrom .imaging.report import x\n",
        "studio/rig.py": "import bpy\nfrom ..angles import ANGLES\nfrom . import compat\n",
        "panels/studio.py": "from ..operators.build_studio import x\nfrom .. import properties\n",
        "fal_bridge/engine.py": "import httpx\nfrom ..errors import InputError\nfrom .jobs import Job\n",
        "set_folder.py": "from .files import sha256_of\n",
        "commands/set.py": "from ..plan import SetPlan\ndef run():\n    from ..pipeline import run_set\n",
        "command.py": "from .properties import CLASSES\n",
    }
    assert faults(sources) == []


def test_the_bpy_free_part_loads_where_there_is_no_blender():
    names = [
        path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
        for path in package_sources()
        if part_of(path) in WITHOUT_BLENDER | LATE
        or path
        in {"studio/__init__.py", "studio/extensions.py", "studio/framing.py", "studio/mesh_checks.py"}
    ]
    code = (
        "import importlib, sys\n"
        "sys.modules['bpy'] = None\n"  # From here on `import bpy` raises ImportError.
        "from tools.bootstrap import load_package\n"
        "load_package()\n"
        f"for name in {names!r}:\n"
        "    importlib.import_module('photoreal_set.' + name)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
