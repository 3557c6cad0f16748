# SPDX-License-Identifier: GPL-3.0-or-later
"""``doctor`` reports what is available and what is missing, and never shows the key."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.blender.runs import RUN_SECONDS, command, environment
from tests.told import events_in

SECRET = "abcdef-identifier:0123456789-secret"


def doctor(*options: object, **variables: str) -> tuple[int, dict[str, dict[str, Any]], str]:
    done = subprocess.run(
        command("doctor", "--json", *options),
        env={**environment(), **variables},
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
    )
    events = events_in(done.stdout)
    assert events[-1]["event"] == "finished"
    assert events[-1]["exit"] == done.returncode
    checks = {event["name"]: event for event in events if event["event"] == "check"}
    return done.returncode, checks, done.stdout + done.stderr


def test_everything_that_a_free_set_needs_is_available(tmp_path: Path):
    code, checks, _output = doctor("--out", tmp_path / "sets")
    assert code == 0
    for name in ("blender", "numpy", "pillow", "httpx", "fal-client", "device", "denoiser", "out", "home"):
        assert checks[name]["good"], checks[name]
    assert not checks["key"]["good"]
    assert not (tmp_path / "sets").exists(), "checking creates nothing"


def test_a_key_is_detected_and_never_shown():
    code, checks, output = doctor(FAL_KEY=SECRET)
    assert (code, checks["key"]["good"]) == (0, True)
    assert not any(part in output for part in SECRET.split(":"))


def test_an_emulator_needs_no_key():
    code, checks, _output = doctor("--fal-url", "http://127.0.0.1:9")
    assert (code, checks["key"]["good"]) == (0, True)
    assert checks["key"]["text"] == "The emulator of fal.ai at http://127.0.0.1:9 needs no key"


def test_an_invalid_key_and_an_unwritable_folder_are_reported():
    code, checks, _output = doctor("--out", "/proc/sets", FAL_KEY="no key")
    assert code == 3
    assert not checks["key"]["good"]
    assert "/proc/sets" in checks["out"]["text"]


def test_a_missing_device_is_reported():
    code, checks, _output = doctor("--device", "metal")
    assert code == 3
    assert "metal" in checks["device"]["text"]


@pytest.mark.parametrize("works", [True, False])
def test_the_key_is_tested_for_free(fresh_emulator: Any, works: bool):
    if not works:
        fresh_emulator.control(faults=[{"name": "bad-key", "at": "submit"}])
    code, checks, _output = doctor("--test-key", "--fal-url", fresh_emulator.url)
    fresh_emulator.control(faults=[])
    assert checks["key"]["good"] is works
    assert code == (0 if works else 3)
    assert fresh_emulator.ledger() == []


def test_plain_output_is_readable_lines(tmp_path: Path):
    done = subprocess.run(
        command("doctor", "--out", tmp_path),
        env=environment(),
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
    )
    assert done.returncode == 0
    assert all(line.startswith(("ok ", "NO ")) for line in done.stdout.splitlines())
