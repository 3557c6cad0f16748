# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m tools.check``: style, and the types of the whole product."""

import os
import subprocess
import sys
from pathlib import Path

from tools.imports import ORDER, ROOT


def commands(link_folder: Path) -> list[list[str]]:
    python = [sys.executable, "-m"]
    packages = [part for name in ORDER for part in ("-p", f"photoreal_set.{name}")]
    return [
        [*python, "ruff", "check", "."],
        [*python, "ruff", "format", "--check", "."],
        [
            *python,
            "mypy",
            "--config-file",
            "pyproject.toml",
            "--cache-dir",
            str(link_folder / "cache"),
            *packages,
        ],
    ]


def main() -> int:
    """0 when all is clean. What mypy learns stays in ``.mypy_cache``, so that the next run takes seconds."""
    folder = ROOT / ".mypy_cache" / "package"
    link = folder / "photoreal_set"
    folder.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to(ROOT, target_is_directory=True)
    environment = {**os.environ, "MYPYPATH": str(folder)}
    return max(subprocess.run(command, cwd=ROOT, env=environment).returncode for command in commands(folder))


if __name__ == "__main__":
    sys.exit(main())
