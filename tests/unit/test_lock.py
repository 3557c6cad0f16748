# SPDX-License-Identifier: GPL-3.0-or-later
"""A lock excludes other processes exactly while its process runs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from photoreal_set.files.lock import FileLock, locked, try_lock

LOCK = Path(__file__).resolve().parents[2] / "files" / "lock.py"

# Loads the module by its path, as the first start does: it must not import the product.
HOLDER = f"""
import importlib.util, sys
from pathlib import Path
spec = importlib.util.spec_from_file_location("lock", {str(LOCK)!r})
lock = importlib.util.module_from_spec(spec)
spec.loader.exec_module(lock)
held = lock.FileLock.taken(Path(sys.argv[1]))
print("held" if held else "refused", flush=True)
sys.stdin.readline()
"""


def holder(path: Path) -> "subprocess.Popen[str]":
    """A process without any package that has the lock once this returns."""
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", HOLDER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_lock_held_by_another_process_cannot_be_acquired(tmp_path: Path):
    path = tmp_path / "new folder" / "set.lock"
    assert not FileLock.is_held(path)
    with holder(path) as other:
        assert FileLock.is_held(path)
        assert FileLock.taken(path) is None
        other.communicate("\n")
    lock = FileLock.taken(path)
    assert lock is not None
    assert FileLock.is_held(path)
    lock.release()
    assert not FileLock.is_held(path)
    assert path.exists()


def test_a_killed_process_holds_no_lock(tmp_path: Path):
    path = tmp_path / "set.lock"
    with holder(path) as other:
        other.kill()
    lock = FileLock.taken(path)
    assert lock is not None
    lock.release()


def test_a_process_that_waits_for_the_lock_gets_it_when_the_other_ends(tmp_path: Path):
    path = tmp_path / "ledger"
    with holder(path) as other, path.open("a+b") as stream:
        assert not try_lock(stream)
        assert other.stdin is not None
        other.stdin.write("\n")
        other.stdin.flush()
        with locked(stream):
            assert FileLock.is_held(path)
        assert not FileLock.is_held(path)


@pytest.mark.skipif(not hasattr(os, "O_PATH"), reason="only Linux opens files that cannot be locked")
def test_without_lock_support_the_error_does_not_blame_another_process(tmp_path: Path):
    path = tmp_path / "file"
    path.touch()
    with os.fdopen(os.open(path, os.O_PATH), "rb", buffering=0) as stream, pytest.raises(OSError):
        try_lock(stream)
