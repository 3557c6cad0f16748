# SPDX-License-Identifier: GPL-3.0-or-later
"""A first start that fails ends in one sentence, and the next one repairs what it left."""

import hashlib
import http.server
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from command_line import bootstrap

if sys.platform == "win32":
    pytest.skip("starts POSIX virtual environments", allow_module_level=True)

installing = bootstrap.environment.installing
ROOT = Path(__file__).resolve().parents[2]
STARTERS = (
    "batch.py",
    "processes/fal_keys.py",
    "processes/blender_program.py",
    "files/lock.py",
    "command_line/bootstrap.py",
    "command_line/environment.py",
    "command_line/installing.py",
)
REFUSES = "http://127.0.0.1:9/simple"


class Index(http.server.SimpleHTTPRequestHandler):
    """A package index on this machine."""

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Its address, and the lock file of packages that have the names of ours and nothing in them."""
    folder = tmp_path_factory.mktemp("index")
    lines = []
    for name in ("bpy", *bootstrap.PACKAGES):
        wheel = folder / "simple" / name.replace("_", "-").lower() / f"{name}-1.0-py3-none-any.whl"
        wheel.parent.mkdir(parents=True)
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr(f"{name}/__init__.py", "")
            archive.writestr(
                f"{name}-1.0.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
            )
            archive.writestr(
                f"{name}-1.0.dist-info/WHEEL",
                "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            )
            archive.writestr(f"{name}-1.0.dist-info/RECORD", "")
        lines.append(f"{name}==1.0 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}")
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), lambda *more: Index(*more, directory=str(folder))
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/simple", "\n".join(lines) + "\n"
    server.shutdown()


@pytest.fixture
def clone(tmp_path: Path, index: tuple[str, str]) -> Path:
    """A clone whose lock files name the packages of the index, and whose commands only say that they ran."""
    for name in STARTERS:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    for name in ("__init__.py", "command_line/__init__.py"):
        (tmp_path / name).touch()
    (tmp_path / "command_line" / "main.py").write_text("def run(arguments):\n    print('ran', *arguments)\n")
    (tmp_path / "requirements").mkdir()
    for kind in ("run", "dev"):
        for python in ("311", "313"):
            (tmp_path / "requirements" / f"{kind}-py{python}.txt").write_text(index[1])
    return tmp_path


def start(clone: Path, address: str) -> subprocess.CompletedProcess[str]:
    """``batch.py demo`` in a Python without packages, with the package index at ``address``."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    environ = {
        **kept,
        "PIP_INDEX_URL": address,
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_CACHE_DIR": "1",
        "PIP_RETRIES": "1",
        "PATH": "/bin:/usr/bin",
    }
    base = getattr(sys, "_base_executable", sys.executable)
    return subprocess.run(
        [base, "-I", "batch.py", "demo"], cwd=clone, env=environ, capture_output=True, text=True
    )


def assert_runs(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, done.stderr
    assert done.stdout == "ran demo\n"
    assert "Traceback" not in done.stderr


def test_an_index_that_refuses_is_one_sentence_and_the_next_start_installs(
    clone: Path, index: tuple[str, str]
):
    done = start(clone, REFUSES)
    assert done.returncode == 3
    last = done.stderr.strip().splitlines()[-1]
    assert last == (
        "[photoreal-set] The packages cannot be downloaded: the package index cannot be reached. "
        "Check the internet connection and start again."
    )
    assert all(line.startswith("[photoreal-set] ") for line in done.stderr.splitlines()), (
        "nothing of pip itself"
    )
    done = start(clone, index[0])
    assert_runs(done)
    assert "is not complete: making it again" in done.stderr
    assert "Package 5 of 5: fal_client 1.0" in done.stderr
    assert start(clone, REFUSES).stderr == "", "a complete environment needs no index"

    shutil.rmtree(next((clone / ".venv").glob("lib/python*/site-packages/httpx")))
    done = start(clone, index[0])
    assert_runs(done)
    assert "is not complete: making it again" in done.stderr


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (
            ["ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"],
            "disk is full",
        ),
        (
            ["WARNING: Retrying after 'Temporary failure in name resolution'", "ERROR: No matching"],
            "index cannot be",
        ),
        (
            ["ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE."],
            "not the expected file",
        ),
        (["ERROR: Could not find a version that satisfies x (from versions: none)"], "does not answer"),
        (["Collecting x", "ERROR: Odd.", "note: more"], "(Odd)"),
        (["something", ""], "(something)"),
        ([], "pip said nothing"),
    ],
)
def test_the_reason_of_a_failure_is_one_sentence(lines: list[str], words: str):
    reason = installing.reason_of(lines)
    assert words in reason
    assert reason.endswith("tart again.")
    assert "\n" not in reason


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (
            "  Downloading bpy-4.5.15-cp311-cp311-manylinux_2_28_x86_64.whl (345.9 MB)",
            ("bpy", "4.5.15", "345.9", "MB"),
        ),
        ("  Using cached fal_client-1.0.3-py3-none-any.whl (20 kB)", ("fal_client", "1.0.3", "20", "kB")),
        ("Processing /some/where/numpy-1.26.4-cp311-cp311-linux.whl", ("numpy", "1.26.4", None, None)),
        ("Collecting bpy==4.5.15", None),
    ],
)
def test_a_download_is_recognised_in_pip_s_output(line: str, found: tuple[str | None, ...] | None):
    match = installing.FETCHED.match(line)
    assert (match and match.groups()) == found


def test_the_number_of_packages_is_that_of_the_lock_file():
    path = ROOT / "requirements" / "run-py311.txt"
    named = [line for line in path.read_text(encoding="utf-8").splitlines() if line[:1].isalpha()]
    assert installing.wanted_packages(path) == len(named) > 10
