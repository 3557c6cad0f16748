# SPDX-License-Identifier: GPL-3.0-or-later
"""A process gets a key only when its command may use it, and Blender never gets one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from photoreal_set.command_line import service
from photoreal_set.command_line.service import key_variable, service_at, taken_keys
from photoreal_set.processes.fal_keys import KEY_VARIABLES, may_need_key, without_keys

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
KEY = "identifier:secret"

FREE = (
    "",
    "--help",
    "demo --resolution 64",
    "report DIR",
    "test tests/unit",
    "render-worker",
    "set chair.glb --out x --engine cycles",
    "set CHAIR.GLTF --out=x --engine=cycles --video cycles",
    "set --engine fal --out x --engine cycles chair.blend --video none",
    "set chair.glb --engine fal --fal-url http://127.0.0.1:1 --out x",
    "set a.jpg --fal-url=http://127.0.0.1:1 --out x",
    "estimate chair.glb --engine cycles",
    "cancel DIR --fal-url http://127.0.0.1:1",
    "resume DIR --stage render",
)
PERHAPS = (
    "doctor",
    "doctor --fal-url http://127.0.0.1:1",
    "cancel DIR",
    "resume DIR",
    "catalogue shop.csv --out x --engine cycles",
    "set chair.glb --out x",
    "set chair.glb --out x --engine fal",
    "set chair.glb --out x --engine cycles --video fal",
    "set chair.glb --out x --engine cycles --engine fal",
    "set front.jpg --out chair.glb --engine cycles",
    "set front.JPG chair.glb --out x --engine cycles",
    "set https://example.org/a --out chair.glb --engine cycles",
    "set --text chair.glb --out x --engine cycles",
    "set --text=chair --out chair.glb --engine cycles",
    "estimate shop.csv --engine cycles",
    "something else",
)


@pytest.mark.parametrize("line", FREE)
def test_free_commands_get_no_key(line: str):
    assert not may_need_key(line.split())


@pytest.mark.parametrize("line", PERHAPS)
def test_commands_that_may_use_fal_get_the_key(line: str):
    assert may_need_key(line.split())


@pytest.mark.parametrize(
    ("fal", "needs"), [("", False), (None, False), ("http://127.0.0.1:8", False), ("fal.ai", True), (3, True)]
)
def test_a_set_is_resumed_with_the_key_when_it_was_planned_with_fal(tmp_path: Path, fal: object, needs: bool):
    (tmp_path / "set.json").write_text(json.dumps({"plan": {"fal": fal} if fal is not None else {}}))
    assert may_need_key(["resume", "--redo", "front", str(tmp_path)]) == needs


@pytest.mark.parametrize("text", ["", "{", "[]", '{"plan": 3}', "[" * 100_000])
def test_a_set_that_cannot_be_read_gets_the_key(tmp_path: Path, text: str):
    (tmp_path / "set.json").write_text(text)
    assert may_need_key(["resume", str(tmp_path)])
    assert may_need_key(["resume", "a\0b", "x" * 5000])


def test_an_environment_without_keys_keeps_everything_else():
    environ = {**dict.fromkeys(KEY_VARIABLES, "x"), "PATH": "/bin", "FAL_KEYBOARD": "de"}
    assert without_keys(environ) == {"PATH": "/bin", "FAL_KEYBOARD": "de"}


def test_the_key_is_in_no_environment_while_a_command_runs(monkeypatch: pytest.MonkeyPatch):
    before = service._taken  # From the environment of the test run.
    for name in KEY_VARIABLES:
        monkeypatch.setenv(name, KEY)
    with taken_keys():
        assert not [name for name in KEY_VARIABLES if name in os.environ]
        child = [sys.executable, "-c", "import os; print([name for name in os.environ if 'FAL_KEY' in name])"]
        assert subprocess.run(child, capture_output=True, text=True).stdout == "[]\n"
        found = service_at(None)
        assert found is not None
        assert (found.key, key_variable()) == (KEY, "FAL_KEY")
    assert os.environ["FAL_KEY"] == KEY
    monkeypatch.delenv("FAL_KEY")
    monkeypatch.delenv("FAL_KEY_FILE")
    with taken_keys():
        assert service_at(None) is None
    assert service._taken is before


# --- the process list of the system -------------------------------------------------------------

TELL = """
import os, sys
from pathlib import Path
from command_line.bootstrap import load_package
load_package()
from photoreal_set.command_line import main as cli
def tell(arguments):
    block = Path("/proc/self/environ").read_bytes()
    print("KEY" if b"FAL_KEY" in block else "NO KEY", *arguments)
    raise SystemExit(0)
cli.run = tell
sys.argv[0] = "batch.py"
import batch
batch.main()
"""


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("set chair.glb --engine cycles", "NO KEY"),
        ("demo", "NO KEY"),
        ("set chair.glb", "KEY"),
        ("doctor", "KEY"),
    ],
)
def test_the_environment_that_a_rendering_process_starts_with_has_no_key(line: str, said: str):
    done = subprocess.run(
        [sys.executable, "-c", TELL, *line.split()],
        cwd=ROOT,
        env={**os.environ, "FAL_KEY": KEY, "FAL_KEY_FILE": "/nowhere"},
        capture_output=True,
        text=True,
    )
    assert done.stdout == f"{said} {line}\n", done.stderr
