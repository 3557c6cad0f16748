# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m tools.check``: style, and types of everything that does not need Blender."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TYPED = (
    "fal_bridge",
    "imaging",
    "angles",
    "blend_paths",
    "button_command",
    "cameras",
    "catalogue",
    "child",
    "cloud_stage",
    "enclosed",
    "errors",
    "estimates",
    "files",
    "findings",
    "gltf",
    "mp4",
    "parts",
    "picture_files",
    "gltf_packing",
    "gltf_parts",
    "keys",
    "plan",
    "plan_record",
    "price_book",
    "processes",
    "progress",
    "prompts",
    "run_view",
    "set_folder",
    "set_results",
    "set_view",
    "sizes",
    "takes",
    "video_check",
)


def commands(link_folder: Path) -> list[list[str]]:
    python = [sys.executable, "-m"]
    packages = [part for name in TYPED for part in ("-p", f"photoreal_set.{name}")]
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
