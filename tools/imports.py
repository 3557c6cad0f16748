# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m tools.imports``: the order of the folders, the imports that break it, and the diagram of the rest.

It writes the diagram into ``docs/architecture.md`` and ends with 1 when an import violates the order.
"""

import ast
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- diagram: python -m tools.imports -->\n", "<!-- end of the diagram -->\n"
OUTSIDE = {"tests", "tools", "benchmarks", "farm", "docs"}  # Folders that are not part of the package.
STARTERS = {"batch.py"}  # Loads the package by name, as tests do.
BLENDER = {"bpy", "bpy_extras", "bpy_types", "_bpy", "bmesh", "mathutils", "gpu", "blf", "aud", "idprop"}
# Each folder imports only itself and folders before it.
ORDER = (
    "messages", "processes", "files", "imaging", "gltf", "optics", "fal_bridge", "photo_set", "channels", "studio", "background_run",
    "catalogue", "command_line", "window", "operators", "panels",
)  # fmt: skip
WITH_BLENDER = {"studio", "window", "operators", "panels"}
LATE = {"command_line", ""}  # These load without Blender; a function that needs it imports it.


@dataclass(frozen=True)
class Import:
    """One import: by its full name within the package, or by the name of an external module."""

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


def wrong_imports(sources: dict[str, str]) -> list[str]:
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
    """Whether this is the script that decodes a video in a separate process, with the packages available there."""
    return path == "files/video_probe.py"


def package_sources() -> dict[str, str]:
    sources = {}
    for path in ROOT.rglob("*.py"):
        relative = path.relative_to(ROOT)
        if relative.parts[0] in OUTSIDE or relative.parts[0].startswith(".") or relative.name in STARTERS:
            continue
        sources[relative.as_posix()] = path.read_text(encoding="utf-8")
    return sources


def arrows(sources: dict[str, str]) -> Mapping[str, list[str]]:
    """Which folders each folder imports, without those that it also reaches through another one."""
    direct = {folder: set[str]() for folder in ORDER}
    for path, text in sources.items():
        if folder := folder_of(path):
            targets = {item.name.split(".")[0] for item in imports_of(path, text) if item.is_relative}
            direct[folder] |= targets & set(ORDER[: ORDER.index(folder)])
    reached: dict[str, set[str]] = {}
    for folder in ORDER:
        reached[folder] = direct[folder].union(*(reached[target] for target in direct[folder]))
    return {
        folder: [
            target
            for target in reversed(ORDER)
            if target in direct[folder] and not any(target in reached[other] for other in direct[folder])
        ]
        for folder in reversed(ORDER)
    }


def diagram() -> str:
    """The arrows as a Mermaid flowchart."""
    lines = [
        f"  {folder} --> {' & '.join(targets)}"
        for folder, targets in arrows(package_sources()).items()
        if targets
    ]
    return "\n".join(["```mermaid", "flowchart TD", *lines, "```", ""])


def document_with_diagram() -> str:
    """``docs/architecture.md`` as it should be."""
    before, _begin, rest = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)
    _old, _end, after = rest.partition(END)
    return before + BEGIN + diagram() + END + after


def main() -> int:
    DOCUMENT.write_text(document_with_diagram(), encoding="utf-8")
    wrong = wrong_imports(package_sources())
    print(*wrong, sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
