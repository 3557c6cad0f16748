# SPDX-License-Identifier: GPL-3.0-or-later
"""The real command line as a child process, and what it left behind."""

import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.told import events_in, manifest_in

ROOT = Path(__file__).resolve().parents[2]
WHOLE_ANGLES = ("front", "three-quarter", "side", "top")
ANGLES = (*WHOLE_ANGLES, "detail")
RUN_SECONDS = 800.0  # A test has 900.
FRESH = ("FAL_KEY", "FAL_KEY_FILE", "FAL_KEY_ID", "FAL_KEY_SECRET", "BLENDER")


@dataclass(frozen=True)
class Run:
    """A finished command: ``events`` are the JSON lines of its standard output."""

    exit_code: int
    events: list[dict[str, Any]]
    stderr: str
    out: Path

    @property
    def record(self) -> dict[str, Any]:
        return manifest_in(self.out)

    def angle(self, name: str) -> dict[str, Any]:
        return next(entry for entry in self.record["angles"] if entry["name"] == name)

    def pixels(self, relative: str) -> np.ndarray:
        with Image.open(self.out / relative) as picture:
            return np.asarray(picture)

    def warnings(self) -> list[str]:
        return [event["text"] for event in self.events if event["event"] == "warning"]

    def index(self, **facts: Any) -> int:
        """The index of the first event with these members."""
        return next(
            number
            for number, event in enumerate(self.events)
            if all(event.get(name) == value for name, value in facts.items())
        )


def command(*arguments: object) -> list[str]:
    return [sys.executable, str(ROOT / "batch.py"), *map(str, arguments)]


def environment() -> dict[str, str]:
    """Without any key: no test may reach the real service."""
    return {name: value for name, value in os.environ.items() if name not in FRESH}


def make_set(*source: object, out: Path, options: tuple[object, ...] = (), resolution: int | str = 96) -> Run:
    """``batch.py set`` at a small size, started in another folder; ``options`` go last."""
    small = ("--resolution", resolution, "--samples", 2, "--device", "cpu", "--json")
    done = subprocess.run(
        command("set", *source, "--out", out, *small, *options),
        cwd=out.parent,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
    )
    return Run(done.returncode, events_in(done.stdout), done.stderr, out)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def tree(folder: Path) -> dict[str, tuple[str, int]]:
    """Every file below a folder, with its hash and the time of its last change."""
    return {
        path.relative_to(folder).as_posix(): (sha256(path), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
