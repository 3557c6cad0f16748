# SPDX-License-Identifier: GPL-3.0-or-later
"""Where PyAV is missing, Blender decodes the first frame of a video."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from photoreal_set.files.video_check import PROBE
from photoreal_set.files.video_probe import BEGUN, MARK, evenly
from tests.fal_emulator.lies import VIDEO_LIES, noise
from tests.unit.test_mp4 import FRAGMENTS, video_bytes

WITHOUT_PYAV = (
    "import runpy, sys\n"
    "sys.modules['av'] = None\n"  # From here on `import av` raises ImportError.
    f"runpy.run_path({str(PROBE)!r}, run_name='__main__')\n"
)


def asked(path: Path) -> dict[str, str]:
    """The probe's answer for a video in a Python that has only the bpy module."""
    done = subprocess.run([sys.executable, "-c", WITHOUT_PYAV, str(path)], capture_output=True, text=True)
    said = [line.removeprefix(MARK) for line in done.stdout.splitlines() if line.startswith(MARK)]
    assert said[0] == BEGUN, done.stderr
    return json.loads(said[1])


@pytest.mark.parametrize("name", ["a film – ü.mp4", ".film.mp4.3f2a-1.part"])
@pytest.mark.parametrize("flags", ["", FRAGMENTS])
def test_blender_decodes_a_good_video(tmp_path: Path, flags: str, name: str):
    path = tmp_path / name
    path.write_bytes(video_bytes(flags))
    assert asked(path) == {"decoder": "Blender", "problem": ""}


@pytest.mark.parametrize("change", [noise, VIDEO_LIES["no-track"], VIDEO_LIES["no-samples"]])
def test_blender_finds_no_frame_in_a_broken_one(tmp_path: Path, change):
    path = tmp_path / "film.mp4"
    path.write_bytes(change(video_bytes()))
    answer = asked(path)
    assert answer["decoder"] == "Blender"
    assert answer["problem"]


@pytest.mark.parametrize("count", [3, 16])
def test_blender_writes_frames_at_equal_distances(tmp_path: Path, count: int):
    path = tmp_path / "film.mp4"
    path.write_bytes(video_bytes())
    command = [sys.executable, "-c", WITHOUT_PYAV, "frames", str(count), "16", str(tmp_path), str(path)]
    done = subprocess.run(command, capture_output=True, text=True)
    said = [line.removeprefix(MARK) for line in done.stdout.splitlines() if line.startswith(MARK)]
    answer = json.loads(said[-1])
    assert (answer["decoder"], answer["problem"]) == ("Blender", "")
    assert answer["kept"] == evenly(answer["frames"], count)
    pictures = sorted(tmp_path.glob("*.png"))
    assert len(pictures) == len(answer["kept"])
    assert all(max(Image.open(picture).size) == 16 for picture in pictures)
