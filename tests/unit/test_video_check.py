# SPDX-License-Identifier: GPL-3.0-or-later
"""A frame is decoded in a separate process, and a crash of that process counts as an answer."""

import json
import logging
import os
import sys
from pathlib import Path

import pytest

from photoreal_set.files import video_check
from photoreal_set.files.video_check import first_frame_problem
from photoreal_set.files.video_probe import BEGUN, MARK
from tests.fal_emulator.lies import VIDEO_LIES, noise
from tests.unit.test_mp4 import FRAGMENTS, video_bytes

SAY_BEGUN = f"print({MARK + BEGUN!r}, flush=True)\n"


@pytest.fixture
def probe(tmp_path, monkeypatch):
    """Replaces the probe with another program."""

    def put(code: str) -> Path:
        path = tmp_path / "probe.py"
        path.write_text(f"import json, os, sys, time\n{code}")
        monkeypatch.setattr(video_check, "PROBE", path)
        return tmp_path / "film.mp4"

    return put


@pytest.mark.parametrize("flags", ["", "faststart", FRAGMENTS])
@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_a_frame_of_a_good_video_is_decoded(tmp_path, codec, flags):
    path = tmp_path / "a film – ü.mp4"
    path.write_bytes(video_bytes(flags, codec=codec))
    assert first_frame_problem(path) == ""


@pytest.mark.parametrize(
    "change",
    [noise, VIDEO_LIES["no-track"], VIDEO_LIES["no-samples"], VIDEO_LIES["beyond"], lambda data: data[:200]],
    ids=["noise", "no track", "no samples", "beyond", "cut off"],
)
def test_a_video_without_frames_has_a_problem(tmp_path, change):
    path = tmp_path / "film.mp4"
    path.write_bytes(change(video_bytes()))
    assert first_frame_problem(path)


@pytest.mark.skipif(os.name == "nt", reason="signals end processes elsewhere")
@pytest.mark.parametrize(
    "end", ["os.abort()", "os.kill(os.getpid(), 9)", "sys.exit(1)", "time.sleep(3600)", "raise MemoryError"]
)
def test_a_decoder_that_does_not_answer_is_the_videos_problem(probe, monkeypatch, end):
    if "sleep" in end:
        monkeypatch.setattr(video_check, "WHOLE_SECONDS", 10.0)  # A busy machine starts Python slowly.
    assert "crashes or does not end" in first_frame_problem(probe(SAY_BEGUN + end))


def test_a_decoder_that_does_not_start_is_not_the_videos_problem(probe, monkeypatch, caplog):
    with caplog.at_level(logging.WARNING):
        assert first_frame_problem(probe("sys.exit(3)")) == ""
        monkeypatch.setattr(sys, "executable", "/nowhere/python")
        assert first_frame_problem(probe("")) == ""
    assert caplog.text.count("No video decoder could be started") == 2


def test_other_output_of_the_decoder_is_ignored(probe):
    answer = json.dumps({"decoder": "x", "problem": "it is broken"})
    code = f"print('Blender 4.5')\n{SAY_BEGUN}print({MARK + answer!r})\nprint('quit' * 100)\n"
    assert first_frame_problem(probe(code)) == "it is broken"


def test_the_decoder_receives_no_key(probe, monkeypatch):
    monkeypatch.setenv("FAL_KEY", "id:secret")
    monkeypatch.setenv("FAL_KEY_FILE", "/key")
    answer = "json.dumps({'decoder': '', 'problem': ' '.join(name for name in os.environ if 'KEY' in name)})"
    assert first_frame_problem(probe(f"print({MARK!r} + {answer})\n")) == ""


def test_a_machine_without_a_decoder_starts_nothing(probe, monkeypatch):
    path = probe("raise SystemExit('it was started')")
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    monkeypatch.setitem(sys.modules, "bpy", None)
    assert video_check.probe_command() == ()
    assert first_frame_problem(path) == ""


def test_a_real_blender_decodes_with_itself(monkeypatch):
    class App:
        binary_path = "/opt/blender/blender"

    class Module:
        app = App

    monkeypatch.setitem(sys.modules, "bpy", Module)
    command = video_check.probe_command()
    assert command[:2] == ["/opt/blender/blender", "-b"]
    assert "--factory-startup" in command and "--offline-mode" in command
    assert command[-2:] == [str(video_check.PROBE), "--"]
