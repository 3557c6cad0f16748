# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m tools.check``: style, and the types of the whole product."""

import os
import subprocess
import sys
import tempfile
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
    """0 when all is clean."""
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder)
        (link / "photoreal_set").symlink_to(ROOT, target_is_directory=True)
        environment = {**os.environ, "MYPYPATH": folder}
        return max(
            subprocess.run(command, cwd=ROOT, env=environment).returncode for command in commands(link)
        )


if __name__ == "__main__":
    sys.exit(main())
