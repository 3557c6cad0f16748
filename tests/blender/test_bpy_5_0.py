# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar tests on the bpy module 5.0.

The module is in the user's cache, where the first run installs it; all other packages come from our environment.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.blender.runs import ROOT

VERSION = "5.0.1"
LOCK = ROOT / "requirements" / "bpy-5.0.txt"
TESTS = (
    "tests/blender/test_registration.py",
    "tests/blender/test_settings.py",
    "tests/blender/test_panels.py",
    "tests/blender/test_gray_buttons.py",
    "tests/blender/test_sets_of_the_window.py",
    "tests/blender/test_artist_scenes.py",
    "tests/blender/test_compositing.py",
    "tests/blender/test_assets.py",
)


@pytest.fixture(scope="module")
def bpy_folder() -> Path:
    """A folder with bpy 5.0 for PYTHONPATH, where it has priority over the one in our environment."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "photoreal_set" / f"bpy-{VERSION}"
    if not folder.is_dir():
        part = folder.with_name(f"{folder.name}.{os.getpid()}.part")
        pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        options = ["--no-deps", "--require-hashes", "--target", str(part), "-r", str(LOCK)]
        try:
            done = subprocess.run([*pip, *options], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr[-2000:]
            part.rename(folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return folder


@pytest.mark.timeout(1800)
@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="bpy 5.0 exists only for Python 3.11")
def test_the_sidebar_works_on_bpy_5_0(bpy_folder: Path):
    environment = {**os.environ, "PYTHONPATH": str(bpy_folder)}
    version = [sys.executable, "-c", "import bpy; print(bpy.app.version_string, flush=True)"]
    told = subprocess.run(version, env=environment, cwd=ROOT, capture_output=True, text=True)
    assert VERSION in told.stdout.splitlines(), told.stderr
    command = [sys.executable, "-m", "pytest", "-c", "tests/pytest.ini", "--rootdir", "tests", "-q", *TESTS]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-8000:]
