# SPDX-License-Identifier: GPL-3.0-or-later
"""What hostile files cost the bridge: ``python -m benchmarks.downloads [CASE ...]``. Free: it pays only the emulator.

Each case runs in a separate process: one result is made by the emulator with a fault, and fetched. Printed are the
seconds until the job ends, the memory that the process took at most beyond what it had before, and the longest time
in which the bridge's event loop, and with it every other job, stood still.
"""

import argparse
import asyncio
import contextlib
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.following import ENDPOINTS, peak_megabytes
from command_line.bootstrap import load_package
from tests.fal_emulator.process import FAST, running_emulator

load_package()

from photoreal_set.fal_bridge.bridge import Bridge, Connection  # noqa: E402  The package has to be loaded first.
from photoreal_set.fal_bridge.errors import BridgeError  # noqa: E402
from photoreal_set.fal_bridge.jobs import Generation, Kind  # noqa: E402
from photoreal_set.fal_bridge.network.service import Service  # noqa: E402

TICK_SECONDS = 0.01
PATIENCE_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Case:
    """One fault of the emulator, and the kind of file that it hits."""

    kind: Kind
    fault: dict[str, Any] = field(default_factory=dict)


CASES = {
    "good photo": Case(Kind.PHOTO),
    "good video": Case(Kind.VIDEO),
    "zstd bomb": Case(
        Kind.PHOTO,
        {
            "name": "encoded-body",
            "at": "download",
            "endpoint": "fal-ai/*",
            "coding": "zstd",
            "megabytes": 4096,
        },
    ),
    "box bomb": Case(Kind.VIDEO, {"name": "box-bomb", "megabytes": 60}),
    "noise video": Case(Kind.VIDEO, {"name": "noise-video"}),
    **{
        f"video: {lie}": Case(Kind.VIDEO, {"name": "lying-video", "lie": lie})
        for lie in ("beyond", "deep", "large")
    },
    **{
        f"picture: {lie}": Case(Kind.PHOTO, {"name": "lying-picture", "lie": lie})
        for lie in ("pixels", "pieces", "scans", "frames")
    },
    **{
        f"model: {lie}": Case(Kind.MODEL, {"name": "lying-model", "lie": lie})
        for lie in ("nested", "large", "chunks")
    },
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(CASES)}; default: all")
    wanted = parser.parse_args().cases or list(CASES)
    if unknown := set(wanted) - set(CASES):
        parser.error(f"there is no case {', '.join(sorted(unknown))}")
    print(f"{'case':18} {'seconds':>8} {'memory':>9} {'loop still':>11}  end")
    for name in wanted:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            print(f"{name:18} {pool.apply(measure, (name,))}", flush=True)
    return 0


def measure(name: str) -> str:
    """A line of the table. Runs in a separate process, whose peak of memory is that of the case."""
    case = CASES[name]
    with tempfile.TemporaryDirectory() as text, running_emulator(delays=FAST) as emulator:
        folder = Path(text)
        service = Service.emulator(emulator.url)
        _make(
            service, folder / "warm", case.kind
        )  # Code that is loaded once does not count towards the fault.
        emulator.control(faults=[case.fault] if case.fault else [])
        before, began = peak_megabytes(), time.monotonic()
        end, stillness = _make(service, folder / "measured", case.kind)
        seconds = time.monotonic() - began
        return f"{seconds:8.2f} {peak_megabytes() - before:6.0f} MB {stillness * 1000:8.0f} ms  {end}"


def _make(service: Service, folder: Path, kind: Kind) -> tuple[str, float]:
    """How the job ended, and the longest time in which the event loop stood still."""
    folder.mkdir()
    picture = folder / "render.png"
    Image.effect_mandelbrot((256, 256), (-2, -1, 1, 1), 50).convert("RGB").save(picture)
    wanted = Generation(
        kind=kind,
        endpoint=ENDPOINTS[kind],
        label=str(kind),
        images=() if kind is Kind.MODEL else (picture,),
        prompt=folder.name,
    )
    gaps: list[float] = []
    with (
        Connection(service) as connection,
        Bridge(service, folder / ".journal", lambda _job: None, connection=connection) as bridge,
        _watched(connection, gaps.append),
    ):
        try:
            path = bridge.start(wanted, folder / "result").result(PATIENCE_SECONDS).path
            end = f"{path.stat().st_size / 1e6:.1f} MB came"
        except BridgeError as error:
            end = error.message
    return end, max(gaps, default=0.0)


@contextlib.contextmanager
def _watched(connection: Connection, note: Callable[[float], None]) -> Iterator[None]:
    """While entered: ``note`` gets by how much each tick of the connection's event loop was late."""
    is_over = False

    async def tick() -> None:
        while not is_over:
            before = time.monotonic()
            await asyncio.sleep(TICK_SECONDS)
            note(time.monotonic() - before - TICK_SECONDS)

    ticking = connection.start(tick())
    try:
        yield
    finally:
        is_over = True
        if ticking:
            ticking.result(PATIENCE_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
