# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast a catalogue goes, and how many rows it bears: ``python -m benchmarks.catalogue``. Pays only the emulator.

``throughput``: wall time beside what no order can beat (``_bound``), and beside one product after the other. ``rows``: what planning, resuming and reporting
take in seconds and memory. ``memory``: that of the Blender that renders product after product.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.blender.products import textured_block
from tests.fal_emulator.process import RunningEmulator, running_emulator
from tools.bootstrap import load_package

load_package()

from photoreal_set.catalogue.frozen import read_lock  # noqa: E402  The package has to be loaded first.
from photoreal_set.catalogue.states import RowState, Status, Step, write_status  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
DELAYS = {"queue": 0.5, "photo": 6.0, "video": 60.0}  # Seconds, as Kontext and Kling take them.
FAST = ("--samples", "2", "--device", "cpu", "--resolution")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["throughput", "rows", "memory"])
    parser.add_argument("--products", type=int, help="30; of rows 10000, of memory 200")
    parser.add_argument("--places", type=int, default=10, help="of the account (10)")
    parser.add_argument("--stub", action="store_true", help="a stand-in for Blender, one second a product")
    parser.add_argument("--angles", default="front,three-quarter")
    parser.add_argument("--resolution", default="64", help="of the renders (64)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        match options.what:
            case "throughput":
                _throughput(Path(folder), options.products or 30, options)
            case "rows":
                _rows(Path(folder), options.products or 10_000)
            case _:
                _memory(Path(folder), options.products or 200, options.resolution)
    return 0


# --- throughput ---------------------------------------------------------------------------------


def _throughput(folder: Path, products: int, options: argparse.Namespace) -> None:
    table = _shop(folder, products, options.angles)
    with running_emulator(delays=DELAYS, concurrency=options.places) as emulator:
        began = time.monotonic()
        command = ["catalogue", table, "--out", folder / "out", "--engine", "fal", *FAST, options.resolution]
        events = _run(command, folder, emulator, is_stub=options.stub)
        wall = time.monotonic() - began
        ledger = emulator.ledger()
    assert events[-1]["exit"] == 0, events[-1]
    lock = read_lock(folder / "out")
    seconds = [_status(folder / "out" / row.folder)["render_seconds"] for row in lock.rows]
    kinds = ["video" if "video" in entry["endpoint"] else "photo" for entry in ledger]
    requests = sum(DELAYS[kind] for kind in kinds) / options.places
    alone = sum(seconds) + products * _CHAIN
    bound = _bound(seconds, requests, options.angles.count(",") + 1)
    print(
        f"{products} products, {len(ledger)} requests, {options.places} places: {wall:.1f} s. "
        f"All renders {sum(seconds):.1f} s, all requests {requests:.1f} s; no order takes less than {bound:.1f} s: "
        f"{wall / bound:.3f} of that. One product after the other: {alone:.1f} s, {alone / wall:.1f} times as long."
    )


_CHAIN = (
    DELAYS["queue"] * 2 + DELAYS["photo"] + DELAYS["video"]
)  # Of one product, from its render to its film.


def _bound(renders: list[float], requests: float, angles: int) -> float:
    """Seconds that no order of the work can beat, from those that each product's renders and all requests take.

    One Blender renders one product at a time, and the film of the product that it renders last cannot begin before
    all others are rendered: that product's own way through fal comes on top of theirs. And the account's places stand
    empty until there is a first render.
    """
    return max(sum(renders) - max(renders) + _CHAIN, min(renders) / angles + requests)


# --- many rows ----------------------------------------------------------------------------------


def _rows(folder: Path, rows: int) -> None:
    table = _shop(folder, rows, "front,three-quarter", files=rows)
    out = folder / "out"
    with running_emulator() as emulator:
        _measured(
            f"planning {rows} rows",
            ["catalogue", table, "--out", out, "--freeze", "--engine", "fal"],
            folder,
            emulator,
        )
        _measured(
            "pricing them",
            ["catalogue", table, "--out", out, "--dry-run", "--engine", "fal"],
            folder,
            emulator,
        )
        _finish_all(out)
        _measured("resuming when all are done", ["resume", out], folder, emulator)
    _measured("reporting them", ["report", out], folder, None)


def _finish_all(out: Path) -> None:
    """As if every product had been made."""
    for row in read_lock(out).rows:
        status = Status(
            digest=row.digest, step=Step.NOTHING, state=RowState.DONE, paid=0.61, photos=("photos/front.png",)
        )
        write_status(out / row.folder, status)


def _measured(what: str, command: list[object], folder: Path, emulator: RunningEmulator | None) -> None:
    began, cpu = time.monotonic(), _children().ru_utime + _children().ru_stime
    fal = ["--fal-url", emulator.url] if emulator else []
    code = (
        "import resource, sys; from tools.bootstrap import load_package; load_package(); "
        "from photoreal_set import cli; code = cli.main(sys.argv[1:], sys.stdout); "
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, command), *fal],
        cwd=ROOT,
        env={**os.environ, "PHOTOREAL_HOME": str(folder / "home")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    used = _children()
    peak = int(done.stderr.split()[-1]) / (1 << 20 if sys.platform == "darwin" else 1 << 10)
    print(
        f"{what}: {time.monotonic() - began:.1f} s, {used.ru_utime + used.ru_stime - cpu:.1f} s of CPU time, "
        f"{peak:.0f} MB at most"
    )


def _children() -> resource.struct_rusage:
    return resource.getrusage(resource.RUSAGE_CHILDREN)


# --- memory -------------------------------------------------------------------------------------


def _memory(folder: Path, products: int, resolution: str) -> None:
    """Of the Blender that renders: after each tenth of the products."""
    table = _shop(folder, products, "front")
    command = [
        "catalogue",
        table,
        "--out",
        folder / "out",
        "--engine",
        "cycles",
        "--video",
        "none",
        *FAST,
        resolution,
    ]
    process = _started(command, folder, None, is_stub=False)
    readings = []
    assert process.stdout is not None
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == "product":
            readings.append(_blender_megabytes(process.pid))
    assert process.wait() == 0
    tenths = [readings[place] for place in range(products // 10 - 1, products, products // 10)]
    print(f"MB after each tenth of {products} products: {', '.join(f'{value:.0f}' for value in tenths)}")
    print(f"from the first tenth to the last: {tenths[-1] / tenths[0] - 1:+.1%}")


def _blender_megabytes(parent: int) -> float:
    """Of the process that ``parent`` has started. Linux."""
    tasks = Path(f"/proc/{parent}/task").glob("*/children")
    child = max(int(number) for task in tasks for number in task.read_text().split())
    pages = int(Path(f"/proc/{child}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


# --- the shop -----------------------------------------------------------------------------------


def _shop(folder: Path, rows: int, angles: str, *, files: int = 0) -> Path:
    """A catalogue of so many products; ``files`` of them different, else all from a few."""
    table = folder / "shop.csv"
    glb = textured_block()
    lines = ["sku,source,angles,prompt,colour"]
    for number in range(files or min(rows, 10)):
        glb.document["extras"] = {"number": number}
        glb.write(folder / f"{number}.glb")
    for number in range(rows):
        lines.append(f'SKU-{number:05},{number % (files or 10)}.glb,"{angles}",made of wood {number},red')
    table.write_text("\n".join(lines) + "\n")
    return table


def _started(
    command: list[object], folder: Path, emulator: RunningEmulator | None, *, is_stub: bool
) -> "subprocess.Popen[str]":
    fal = ["--fal-url", emulator.url] if emulator else []
    program = [sys.executable, "-m", "tests.catalogue_desk"] if is_stub else [sys.executable, "batch.py"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FAL_KEY")}
    return subprocess.Popen(
        [*program, *map(str, command), *fal, "--json"],
        cwd=ROOT,
        env={**environment, "PHOTOREAL_HOME": str(folder / "home"), "STUB_BLENDER_SECONDS": "1.0"},
        stdout=subprocess.PIPE,
        text=True,
    )


def _run(
    command: list[object], folder: Path, emulator: RunningEmulator, *, is_stub: bool
) -> list[dict[str, Any]]:
    process = _started(command, folder, emulator, is_stub=is_stub)
    words, _errors = process.communicate()
    return [json.loads(line) for line in words.splitlines()]


def _status(root: Path) -> dict[str, Any]:
    status: dict[str, Any] = json.loads((root / ".journal" / "row.json").read_text())
    return status


if __name__ == "__main__":
    sys.exit(main())
