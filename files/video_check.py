# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a frame of a video can be decoded, tested in a separate process that may crash, hang or run out of memory.

The decoder is PyAV if it is installed, otherwise Blender: the one that we run in, or the bpy module. Without either,
as on a machine that only runs the cloud stage, videos are not tested.
"""

import importlib.util
import json
import logging
import os
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..processes.blender_program import background_command, factory_settings, running_blender
from ..processes.child import environment_for, own_group
from .video_probe import MARK

PROBE = Path(__file__).with_name("video_probe.py")
WHOLE_SECONDS = 180.0  # Blender may need a minute to start on a busy machine.


@dataclass(frozen=True, slots=True, kw_only=True)
class Frames:
    """Frames of a video: PNG ``files`` in order, and their ``numbers`` among all ``count`` frames, from 0.

    ``rate``: frames in a second, 0 when not known. ``width`` and ``height``: of the video, in pixels. ``problem``: why it
    could not be decoded to its end; "" when it could.
    """

    problem: str = ""
    files: tuple[Path, ...] = ()
    numbers: tuple[int, ...] = ()
    count: int = 0
    rate: float = 0.0
    width: int = 0
    height: int = 0

    @property
    def seconds(self) -> float:
        """The length of the video, 0 when not known."""
        return self.count / self.rate if self.rate > 0.0 else 0.0


log = logging.getLogger(__name__)
_one_at_a_time = threading.Lock()  # A decoder uses all processors.


def first_frame_problem(path: Path) -> str:
    """Why no frame of the video can be decoded, or "" when one can, or when there is no decoder.

    Blocks for up to ``WHOLE_SECONDS``: do not call it on an event loop.
    """
    command = probe_command()
    if not command:
        return ""
    with _one_at_a_time:
        lines = _output_of([*command, str(path)])
    for line in reversed(lines):
        if line.startswith("{"):
            answer = json.loads(line)
            log.debug("%s: first frame by %s", path.name, answer["decoder"] or "no decoder")
            return str(answer["problem"])
    if lines:
        return "its decoder crashes or does not end"
    log.warning("No video decoder could be started, so the frames of %s were not tested", path.name)
    return ""


def sampled_frames(path: Path, count: int, side: int, folder: Path) -> Frames | None:
    """``count`` frames of the video at equal distances, written to ``folder``; None when there is no decoder.

    Blocks as ``first_frame_problem`` does.
    """
    command = probe_command()
    if not command:
        return None
    with _one_at_a_time:
        lines = _output_of([*command, "frames", str(count), str(side), str(folder), str(path)])
    answer = next((json.loads(line) for line in reversed(lines) if line.startswith("{")), None)
    if answer is None:
        return Frames(problem="its decoder crashes or does not end") if lines else None
    if not answer["decoder"]:
        return None
    written = [(folder / f"{place:04}.png", number) for place, number in enumerate(answer["kept"])]
    found = [(file, number) for file, number in written if file.is_file()]
    return Frames(
        problem=str(answer["problem"]),
        files=tuple(file for file, _number in found),
        numbers=tuple(int(number) for _file, number in found),
        count=int(answer["frames"]),
        rate=float(answer["rate"]),
        width=int(answer["width"]),
        height=int(answer["height"]),
    )


def probe_command() -> Sequence[str]:
    """The command of the probe; empty when there is no decoder."""
    blender = running_blender()
    has_decoder = blender or any(importlib.util.find_spec(name) for name in ("av", "bpy"))
    if not has_decoder:
        return ()
    return background_command(PROBE, blender=blender, options=factory_settings(online=False))


def _output_of(command: Sequence[str]) -> list[str]:
    """The output lines of the probe, without their mark; empty when it could not be started."""
    try:
        output = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=WHOLE_SECONDS,
            env=environment_for(os.environ, ""),
            **own_group(beside_window=True),
        ).stdout
    except subprocess.TimeoutExpired as error:
        output = error.stdout or b""
    except OSError as error:
        log.warning("The video probe could not be started: %s", error)
        return []
    lines = output.decode(errors="replace").splitlines()
    return [line.removeprefix(MARK) for line in lines if line.startswith(MARK)]
