# SPDX-License-Identifier: GPL-3.0-or-later
"""What a spin costs beside as many separate references: ``python -m benchmarks.spin GLB … [--frames N] [--side N]``.

The references are those of a set: each with its own framing and its own shadow, in reference quality. Frames of the spin
have one framing, share their shadows and have the quality of a video frame. Both are measured from the loaded product to
the last rendered picture, in a separate process for each, in turn; composing and storing are left out on both sides.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from command_line.bootstrap import load_package

load_package()

from photoreal_set.optics import rigs  # noqa: E402  The package has to be loaded first.
from photoreal_set.optics.sizes import square  # noqa: E402
from photoreal_set.optics.spin import COUNT, Spin  # noqa: E402
from photoreal_set.studio.quality import REFERENCE, VIDEO  # noqa: E402
from photoreal_set.studio.session import Session, open_session  # noqa: E402

WAYS = ("spin", "references")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpinTask:
    """What one process measures. ``way``: one of ``WAYS``."""

    model: str
    way: str
    side: int
    frames: int


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="*", type=Path, metavar="GLB")
    parser.add_argument("--frames", type=lambda text: COUNT(int(text)), default=72, metavar="N")
    parser.add_argument("--side", type=int, default=1024, metavar="N", help="pixels (1024)")
    parser.add_argument("--json", action="store_true", help="print one object for each model")
    parser.add_argument("--task", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task:
        print(json.dumps(_work(SpinTask(**json.loads(options.task)))), flush=True)
        os._exit(0)  # The bpy module may crash when Python unloads it.
    for model in options.models:
        costs = {
            way: _run(SpinTask(model=str(model), way=way, side=options.side, frames=options.frames))
            for way in WAYS
        }
        row = {"model": model.stem, "side": options.side, "frames": options.frames, **costs}
        print(json.dumps(row) if options.json else _table(row), flush=True)
    return 0


def _work(task: SpinTask) -> dict[str, float]:
    spin = Spin(count=task.frames)
    with open_session(Path(task.model), resolution=square(task.side), device="cpu", name="") as session:
        session.light(rigs.REFERENCE if task.way == "references" else rigs.SOFTBOX)
        began, spent = time.monotonic(), time.process_time()
        count = _references(session, spin) if task.way == "references" else _spin(session, spin, task.side)
        assert count == task.frames
        return {"seconds": time.monotonic() - began, "processor_seconds": time.process_time() - spent}


def _spin(session: Session, spin: Spin, side: int) -> int:
    shots = session.turn_shots(session.turn_framing(spin.elevation), spin.azimuths, VIDEO, side)
    return sum(1 for _shot in shots)


def _references(session: Session, spin: Spin) -> int:
    for index in range(spin.count):
        angle = spin.angle(index)
        session.shoot(session.framing(angle), angle, REFERENCE)
    return spin.count


def _run(task: SpinTask) -> dict[str, float]:
    """Do it in a separate process; its last line is the measurement."""
    command = [sys.executable, "-m", "benchmarks.spin", "--task", json.dumps(asdict(task))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{task.way} of {task.model} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    facts: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return facts


def _table(row: dict[str, Any]) -> str:
    lines = [f"{row['model']}, {row['frames']} pictures of {row['side']} px:"]
    for way in WAYS:
        cost = row[way]
        each = cost["seconds"] / row["frames"]
        lines.append(
            f"{way:>12} {cost['seconds']:8.1f} s, {each:6.2f} s each, {cost['processor_seconds']:8.1f} s of processor time"
        )
    spin, references = (row[way] for way in WAYS)
    ratios = [references[name] / spin[name] for name in ("seconds", "processor_seconds")]
    lines.append(f"{'ratio':>12} {ratios[0]:8.2f}, of processor time {ratios[1]:.2f}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
