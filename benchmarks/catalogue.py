# SPDX-License-Identifier: GPL-3.0-or-later
"""The speed of a catalogue, and the number of rows it supports: ``python -m benchmarks.catalogue``. Pays only the emulator.

``throughput``: wall time beside what no order can beat (``_bound``), and beside one product after the other. ``rows``: what planning, resuming and reporting
take in seconds and memory. ``memory``: that of the Blender that renders product after product. ``kills``: 50 rows, ten of
them bad in ten ways, faults at fal, the run killed three times; ends with 1 when anything was lost or paid twice.
"""

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any

from command_line.bootstrap import load_package
from tests.blender.products import textured_block
from tests.catalogue_desk import FAULTS, Desk
from tests.fal_emulator.process import FAST, RunningEmulator, running_emulator

load_package()

from photoreal_set.catalogue.lock_file import read_lock  # noqa: E402  The package has to be loaded first.
from photoreal_set.catalogue.states import RowState, Status, Step, write_status  # noqa: E402
from photoreal_set.fal_bridge.errors import UncertainSubmitError  # noqa: E402
from photoreal_set.processes.fal_keys import without_keys  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
DELAYS = {"queue": 0.5, "photo": 6.0, "video": 60.0}  # Seconds, typical for Kontext and Kling.
SMALL = ("--samples", "2", "--device", "cpu", "--resolution")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["throughput", "rows", "memory", "kills"])
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
            case "kills":
                return _kills(Path(folder))
            case _:
                _memory(Path(folder), options.products or 200, options.resolution)
    return 0


# --- throughput ---------------------------------------------------------------------------------


def _throughput(folder: Path, products: int, options: argparse.Namespace) -> None:
    table = _shop(folder, products, options.angles)
    with running_emulator(delays=DELAYS, concurrency=options.places) as emulator:
        began = time.monotonic()
        command = ["catalogue", table, "--out", folder / "out", "--engine", "fal", *SMALL, options.resolution]
        events = _run(command, folder, emulator, is_stub=options.stub)
        wall = time.monotonic() - began
        ledger = emulator.ledger()
    assert events[-1]["exit"] == 0, events[-1]
    lock = read_lock(folder / "out")
    seconds = [_status(folder / "out" / row.folder)["render_seconds"] for row in lock.rows]
    kinds = ["video" if "video" in entry["endpoint"] else "photo" for entry in ledger]
    requests = sum(DELAYS[kind] for kind in kinds) / options.places
    alone = sum(seconds) + products * _CHAIN
    first = min(seconds) / (options.angles.count(",") + 1)
    bound = _bound(seconds, first, requests, math.ceil(kinds.count("video") / options.places))
    print(
        f"{products} products, {len(ledger)} requests, {options.places} places: {wall:.1f} s. "
        f"All renders {sum(seconds):.1f} s, all requests {requests:.1f} s; no order takes less than {bound:.1f} s: "
        f"{wall / bound:.3f} of that. One product after the other: {alone:.1f} s, {alone / wall:.1f} times as long."
    )


_CHAIN = (
    DELAYS["queue"] * 2 + DELAYS["photo"] + DELAYS["video"]
)  # Of one product, from its render to its video.


def _bound(renders: list[float], first: float, requests: float, videos: int) -> float:
    """Seconds that no order of the work can beat.

    ``renders``: of each product; ``first``: the quickest picture; ``requests``: of all requests over all places;
    ``videos``: how many of them the busiest place must make, because a video is made by one place from start to end.

    One Blender renders one product at a time, and the way of the product that it renders last through fal comes on top
    of all other renders. The account's places stand empty until there is a first render, and no video begins before
    a photo is there.
    """
    before_videos = first + _CHAIN - DELAYS["video"]
    return max(
        sum(renders) - max(renders) + _CHAIN, first + requests, before_videos + videos * DELAYS["video"]
    )


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
    """Pretend that every product is finished."""
    for row in read_lock(out).rows:
        files = ("set.json", "model/product.glb", "photos/front.png", "video/turntable.mp4")
        for path in (*(f"{row.folder}/{name}" for name in files), f"overview/{row.folder}.jpg"):
            (out / path).parent.mkdir(parents=True, exist_ok=True)
            (out / path).touch()
        status = Status(
            digest=row.digest,
            begun=row.digest,
            step=Step.NOTHING,
            state=RowState.DONE,
            paid=0.61,
            photos=files[2:3],
            videos=files[3:],
        )
        write_status(out / row.folder, status)


def _measured(what: str, command: list[object], folder: Path, emulator: RunningEmulator | None) -> None:
    began, cpu = time.monotonic(), _children().ru_utime + _children().ru_stime
    fal = ["--fal-url", emulator.url] if emulator else []
    code = (
        "import resource, sys; from command_line.bootstrap import load_package; load_package(); "
        "from photoreal_set.command_line import main as cli; code = cli.main(sys.argv[1:], sys.stdout); "
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


# --- kills --------------------------------------------------------------------------------------

GOOD_ROWS = 40
MAX_RESUMES = 12


def _kills(folder: Path) -> int:
    with running_emulator(delays={**FAST, "photo": 0.3, "model": 0.4, "video": 0.5}) as emulator:
        desk = Desk(folder / "shop", emulator)
        os.environ["PHOTOREAL_HOME"] = str(folder / "home")
        bad = _unlucky_shop(desk)
        emulator.control(faults=FAULTS)
        command: tuple[object, ...] = ("catalogue", desk.file, "--out", desk.out, *SMALL, "64")
        command = (*command, "--engine", "fal", "--skip-bad-rows")
        decisions = kills = 0
        for goal in (8, 24, 40):
            process = desk.start(*command, STUB_BLENDER_SECONDS="0.1")
            while process.poll() is None and len(emulator.ledger()) < goal:
                time.sleep(0.05)
            kills += process.poll() is None
            process.kill()
            process.communicate()
            decisions += desk.decide_as_user()
            command = ("resume", desk.out)
        runs = 0
        for _attempt in range(MAX_RESUMES):
            runs += 1
            code = desk.run("resume", desk.out).exit_code
            if code != UncertainSubmitError.exit_code and not _unfinished(desk):
                break
            decisions += desk.decide_as_user()
        accepted, jobs = len(emulator.ledger()), len(desk.journal_keys())
        products = desk.records()
    states = Counter(product["state"] for product in products)
    unnamed = [product["row"] for product in products if product["row"] in bad and not product["error"]]
    print(
        f"{len(products)} rows, {len(bad)} of them bad, killed {kills} times, resumed {runs} times more, "
        f"{decisions} user decisions: exit code {code}, "
        f"{accepted} requests accepted for {jobs} distinct jobs; {_listed(states)}."
    )
    for product in products:
        if product["row"] in bad:
            print(f"  row {product['row']}: {product['state']}: {product['error']}")
    is_right = kills == 3 and accepted == jobs and states["done"] == GOOD_ROWS and not unnamed
    return 0 if is_right else 1


def _unlucky_shop(desk: Desk) -> set[int]:
    """A table of good rows and ten that are bad in ten ways; the numbers of the bad ones."""
    rows: list[dict[str, object]] = []
    for number in range(GOOD_ROWS):
        source = desk.model(f"{number}.glb", number) if number % 4 else desk.photo(f"{number}.png", number)
        video = "fal" if number % 5 == 0 else "none"
        rows.append({"sku": f"lamp-{number}", "source": source, "angles": "front", "video": video})
    (desk.folder / "cut.glb").write_bytes((desk.folder / desk.model("1.glb", 1)).read_bytes()[:-40])
    (desk.folder / "text.glb").write_text("no model")
    faulty: list[dict[str, object]] = [
        {"sku": "gone", "source": "gone.glb"},
        {"sku": "cut", "source": "cut.glb"},
        {"sku": "text", "source": "text.glb"},
        {"sku": "many", "source": ";".join(["0.png"] * 5)},
        {"sku": "plain", "source": "http://example.org/a.jpg"},
        {"sku": "", "source": "1.glb"},
        {"sku": "lamp-1", "source": "1.glb"},
        {"sku": "pink", "source": "1.glb", "background": "pink", "seed": "many"},
        {"sku": "crash", "source": desk.model("crash.glb")},
        {"sku": "broken", "source": desk.model("broken.glb")},
    ]
    numbers = set()
    for place, row in enumerate(faulty):
        rows.insert(3 + 5 * place, {"angles": "front", "video": "none", **row})
        numbers.add(4 + 5 * place)
    desk.table(*rows)
    return numbers


def _unfinished(desk: Desk) -> bool:
    """Whether another run may finish more products: those that wait, or failed because of fal."""
    return any(
        product["state"] == "waiting" or (product["state"] in ("partial", "failed") and _is_lamp(product))
        for product in desk.records()
    )


def _is_lamp(product: dict[str, Any]) -> bool:
    return str(product["sku"]).startswith("lamp-")


def _listed(states: Counter[str]) -> str:
    return ", ".join(f"{count} {state}" for state, count in states.most_common())


# --- memory -------------------------------------------------------------------------------------


def _memory(folder: Path, products: int, resolution: str) -> None:
    """Of the Blender that renders: the median of each tenth of the products, because single readings vary."""
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
        *SMALL,
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
    tenth = products // 10
    tenths = [median(readings[first : first + tenth]) for first in range(0, tenth * 10, tenth)]
    print(f"MB in each tenth of {products} products: {', '.join(f'{value:.0f}' for value in tenths)}")
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
    environment = without_keys(os.environ)
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
    output, _errors = process.communicate()
    return [json.loads(line) for line in output.splitlines()]


def _status(root: Path) -> dict[str, Any]:
    status: dict[str, Any] = json.loads((root / ".journal" / "row.json").read_text())
    return status


if __name__ == "__main__":
    sys.exit(main())
