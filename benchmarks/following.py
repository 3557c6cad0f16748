# SPDX-License-Identifier: GPL-3.0-or-later
"""The cost of following many jobs at once: ``python -m benchmarks.following``. Free: it pays only the emulator.

All jobs are sent and keep running while CPU time, memory and requests are measured in this process, with the pace
of the real service; then all end at once and are downloaded.
"""

import argparse
import concurrent.futures
import resource
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image

from command_line.bootstrap import load_package
from tests.fal_emulator.process import RunningEmulator, running_emulator

load_package()

from photoreal_set.fal_bridge.bridge import Bridge  # noqa: E402  The package has to be loaded first.
from photoreal_set.fal_bridge.endpoints.choosing import (  # noqa: E402
    DEFAULT_PHOTO_ENDPOINT,
    DEFAULT_VIDEO_ENDPOINT,
    default_model_endpoint,
)
from photoreal_set.fal_bridge.jobs import Generation, JobResult, Kind  # noqa: E402
from photoreal_set.fal_bridge.network.service import Service  # noqa: E402
from photoreal_set.fal_bridge.pace import Pace  # noqa: E402

ENDPOINTS = {
    Kind.MODEL: default_model_endpoint(0),
    Kind.PHOTO: DEFAULT_PHOTO_ENDPOINT,
    Kind.VIDEO: DEFAULT_VIDEO_ENDPOINT,
}
LONG_SECONDS = 36000.0
PATIENCE_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Reading:
    """The measurements at one moment."""

    clock: float
    cpu: float
    questions: int

    @classmethod
    def now(cls, emulator: RunningEmulator) -> "Reading":
        return cls(time.monotonic(), time.process_time(), emulator.stats()["routes"].get("status", 0))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--kind", choices=[kind.value for kind in Kind], default=Kind.PHOTO.value)
    parser.add_argument("--seconds", type=float, default=30.0, help="how long to measure (30)")
    parser.add_argument("--bring-home", action="store_true", help="let all jobs end, and fetch the files")
    options = parser.parse_args()
    work = {"queue": 0.0, **dict.fromkeys(("model", "photo", "video"), LONG_SECONDS)}
    with tempfile.TemporaryDirectory() as folder, running_emulator(delays=work) as emulator:
        _measure(
            emulator, Path(folder), Kind(options.kind), options.jobs, options.seconds, options.bring_home
        )
    return 0


def _measure(
    emulator: RunningEmulator, folder: Path, kind: Kind, jobs: int, seconds: float, fetches_all: bool
) -> None:
    picture = folder / "render.png"
    Image.effect_mandelbrot((64, 64), (-2, -1, 1, 1), 50).convert("RGB").save(picture)
    service = Service.emulator(emulator.url)
    pace = replace(Pace.of(replace(service, is_emulator=False)), close=1.0)
    before = peak_megabytes()
    with Bridge(service, folder / ".journal", lambda _job: None, pace=pace) as bridge:
        began = time.monotonic()
        futures = [
            bridge.start(_generation(kind, number, picture), folder / f"{number}") for number in range(jobs)
        ]
        while len(list(folder.glob(".journal/*/submitted.1.json"))) < jobs:
            time.sleep(0.5)
        sent = time.monotonic() - began
        time.sleep(pace.poll[kind] * 2)  # The pauses grow at first.
        first = Reading.now(emulator)
        time.sleep(seconds)
        last = Reading.now(emulator)
        span = last.clock - first.clock
        print(
            f"{jobs} {kind} jobs: sent in {sent:.1f} s ({jobs / sent:.0f} a second); followed with"
            f" {(last.cpu - first.cpu) / span:.1%} of a core, {(last.questions - first.questions) / span:.1f}"
            f" questions a second, {peak_megabytes() - before:.0f} MB more memory (peak)"
        )
        if fetches_all:
            _fetch_all(emulator, futures)


def _fetch_all(emulator: RunningEmulator, futures: list[concurrent.futures.Future[JobResult]]) -> None:
    began, cpu = time.monotonic(), time.process_time()
    emulator.control(advance=2 * LONG_SECONDS)
    concurrent.futures.wait(futures, PATIENCE_SECONDS)
    home = sum(future.done() and not future.exception() for future in futures)
    took = time.monotonic() - began
    print(f"{home} files downloaded in {took:.1f} s, {time.process_time() - cpu:.1f} s of CPU time")


def _generation(kind: Kind, number: int, picture: Path) -> Generation:
    return Generation(
        kind=kind,
        endpoint=ENDPOINTS[kind],
        label=f"{kind} {number}",
        images=() if kind is Kind.MODEL else (picture,),
        prompt=f"studio photograph {number}",
    )


def peak_megabytes() -> float:
    """The peak memory of this process."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


if __name__ == "__main__":
    sys.exit(main())
