# SPDX-License-Identifier: GPL-3.0-or-later
"""What calibrating an angle costs: ``python -m benchmarks.calibration GLB … [--angles N] [--side N]``.

Calibrating is rendering what the photos of an angle are compared with: its depth, normals and base color, and the view in
other lights. It is measured from the loaded product and the framed angles to the last composed picture, in a separate
process for each model. Half of the processor time is what two free cores need; on a busy machine, look at that.
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

from photoreal_set.imaging.choices import Background  # noqa: E402  The package has to be loaded first.
from photoreal_set.imaging.compose import compose  # noqa: E402
from photoreal_set.optics import rigs  # noqa: E402
from photoreal_set.optics.angles import ANGLES, Angle  # noqa: E402
from photoreal_set.optics.framing import Framing  # noqa: E402
from photoreal_set.optics.sizes import square  # noqa: E402
from photoreal_set.studio.calibration_stage import LIGHTS, MAX_LIT_SIDE, MAX_SIDE  # noqa: E402
from photoreal_set.studio.session import Session, open_session  # noqa: E402

Places = list[tuple[Angle, Framing]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationTask:
    """What one process measures."""

    model: str
    angles: int
    side: int


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="*", type=Path, metavar="GLB")
    parser.add_argument(
        "--angles", type=int, default=2, choices=range(1, len(ANGLES) + 1), metavar="N", help="angles (2)"
    )
    parser.add_argument("--side", type=int, default=1024, metavar="N", help="pixels of the photos (1024)")
    parser.add_argument("--task", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task:
        print(json.dumps(_work(CalibrationTask(**json.loads(options.task)))), flush=True)
        os._exit(0)  # The bpy module may crash when Python unloads it.
    print(
        "| product | seconds an angle | of processor time | half of that | surfaces | lights |\n|"
        + "---|" * 6
    )
    for model in options.models:
        task = CalibrationTask(model=str(model), angles=options.angles, side=options.side)
        print(_row(model.stem, _run(task)), flush=True)
    return 0


def _work(task: CalibrationTask) -> dict[str, float]:
    angles = list(ANGLES.values())[: task.angles]
    with open_session(Path(task.model), resolution=square(task.side), device="cpu", name="") as session:
        session.stand_before(Background.WHITE)
        session.light(rigs.REFERENCE)
        places = [(angle, session.framing(angle)) for angle in angles]
        began, spent = time.monotonic(), time.process_time()
        with session.quick_light():
            _surfaces(session, places, min(task.side, MAX_SIDE))
            surfaces = time.process_time() - spent
            _lights(session, places, min(task.side, MAX_LIT_SIDE))
        seconds, processor = time.monotonic() - began, time.process_time() - spent
    found = {"seconds": seconds, "processor": processor, "surfaces": surfaces, "lights": processor - surfaces}
    return {name: value / len(places) for name, value in found.items()}


def _surfaces(session: Session, places: Places, side: int) -> None:
    for angle, framing in places:
        session.measure(framing, angle, square(side))
        session.base_colour(framing, angle, square(side))


def _lights(session: Session, places: Places, side: int) -> None:
    for light, is_rougher in LIGHTS:
        for angle, framing in places:
            shot = session.relit(framing, angle, light, square(side), is_rougher=is_rougher)
            compose(shot.colour, shot.shadow, Background.WHITE, shot.through)


def _run(task: CalibrationTask) -> dict[str, float]:
    """Do it in a separate process; its last line is the measurement."""
    command = [sys.executable, "-m", "benchmarks.calibration", "--task", json.dumps(asdict(task))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"Calibrating {task.model} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    facts: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return facts


def _row(name: str, found: dict[str, Any]) -> str:
    values = (
        found["seconds"],
        found["processor"],
        found["processor"] / 2.0,
        found["surfaces"],
        found["lights"],
    )
    return f"| {name} | " + " | ".join(f"{value:.1f}" for value in values) + " |"


if __name__ == "__main__":
    sys.exit(main())
