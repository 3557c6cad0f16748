# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m benchmarks.planted_photos``: a catalogue whose photos have planted defects. Pays only the emulator.

Products made in code are rendered by Cycles, a tenth of the photos get a defect, and two runs are killed. Then the
pictures are exported. Prints how many planted defects were exported, how many good photos were held back, what was
spent, and whether anything was paid twice. Ends with 1 when a defect was exported, more than 2 % of the good photos
were held back, or something was paid twice or above the ceiling.

A photo that was only shifted or scaled, and was moved back onto its render, shows the product: it counts as repaired.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.catalogue_desk import Desk, Run
from tests.fal_emulator.glb import make_glb
from tests.fal_emulator.process import FAST, RunningEmulator, running_emulator
from tests.told import events_in

ROOT = Path(__file__).resolve().parents[1]
PHOTO = "fal-ai/flux-kontext/dev"
KINDS = ("shift", "zoom", "missing", "recoloured", "scrambled")
KILLS = (1 / 3, 2 / 3)  # Shares of the photos that are accepted when a run is killed.
MOST_HELD_BACK = 0.02
MAX_RESUMES = 4
UNCERTAIN = 5  # An exit code.


class RenderedDesk(Desk):
    """A desk whose commands are whole programs, with the real Blender."""

    def run(self, *arguments: object) -> Run:
        command = [sys.executable, "batch.py", *self.arguments(*arguments)]
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        return Run(done.returncode, events_in(done.stdout))

    def export(self) -> int:
        """Export all pictures; the exit code."""
        command = [sys.executable, "batch.py", "export", str(self.out), "--channel", "web"]
        return subprocess.run(
            command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ).returncode

    def start(self, *arguments: object, **environment: str) -> "subprocess.Popen[str]":
        """Its output is not kept: a run that is killed would wait for someone to read it."""
        return subprocess.Popen(
            [sys.executable, "batch.py", *self.arguments(*arguments)],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
        )


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo that a set shows, and what was planted in it. ``defect`` is "" for a good photo."""

    sku: str
    angle: str
    defect: str
    verdict: str
    is_rejected: bool
    is_repaired: bool
    is_exported: bool
    reason: str
    consistency: float


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--products", type=int, default=50)
    parser.add_argument("--angles", default="three-quarter,front")
    parser.add_argument("--resolution", type=int, default=128, help="of the renders (128)")
    parser.add_argument("--samples", type=int, default=16)
    parser.add_argument("--rate", type=float, default=0.1, help="share of photos with a defect (0.1)")
    parser.add_argument("--max-cost", type=float, default=4.0)
    parser.add_argument("--folder", type=Path, help="keep the catalogue in this new folder")
    options = parser.parse_args()
    with _folder(options.folder) as folder, running_emulator(delays={**FAST, "photo": 0.2}) as emulator:
        os.environ["PHOTOREAL_HOME"] = str(folder / "home")
        return _measured(RenderedDesk(folder / "shop", emulator), emulator, options)


@contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    if kept is not None:
        kept.mkdir(parents=True)
        yield kept.resolve()
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def _measured(desk: RenderedDesk, emulator: RunningEmulator, options: argparse.Namespace) -> int:
    began = time.monotonic()
    _shop(desk, options.products)
    share = options.rate / len(KINDS)
    emulator.control(
        faults=[
            {"name": "planted-defect", "defect": kind, "rate": share, "endpoint": PHOTO} for kind in KINDS
        ]
    )
    codes, kills = _run_with_kills(desk, emulator, options)
    exported = desk.export()
    ledger = emulator.settled_ledger()
    defects = {entry["request_id"]: str(entry["defect"]) for entry in ledger}
    photos = list(_photos(desk, defects))
    spent = sum(product["cost"] for product in desk.records())
    jobs, again = len(desk.journal_keys()), sum(count - 1 for count in desk.ledger_by_input().values())
    expected = options.products * len(options.angles.split(","))
    print(
        f"{options.products} products, {len(photos)} of {expected} photos, {options.resolution} pixels, killed {kills} "
        f"times, exit codes {codes}, export {exported}: {time.monotonic() - began:.0f} s"
    )
    print(
        f"{len(ledger)} requests accepted for {jobs} distinct jobs, {again} paid twice; ${spent:.3f} spent, ceiling "
        f"${options.max_cost:.2f}"
    )
    is_right = _tell(photos, Counter(defect for defect in defects.values() if defect))
    is_paid_once = again == 0 and jobs == len(ledger) and spent <= options.max_cost
    return 0 if is_right and is_paid_once and kills == len(KILLS) and len(photos) == expected else 1


def _shop(desk: RenderedDesk, products: int) -> None:
    rows: list[dict[str, object]] = []
    for number in range(products):
        name = f"{number:03}.glb"
        glb = make_glb(f"product {number}", None, triangles=3000, texture_side=512, scale=0.5 + number / 100)
        (desk.folder / name).write_bytes(glb)
        rows.append({"sku": f"product-{number:03}", "source": name})
    desk.table(*rows)


def _run_with_kills(
    desk: RenderedDesk, emulator: RunningEmulator, options: argparse.Namespace
) -> tuple[list[int], int]:
    """The exit codes of the runs that were not killed, and how many were."""
    command: tuple[object, ...] = ("catalogue", desk.file, "--out", desk.out, "--engine", "fal")
    command += ("--video", "none", "--angles", options.angles, "--max-cost", options.max_cost)
    command += ("--resolution", options.resolution, "--samples", options.samples, "--device", "cpu")
    wanted, kills = options.products * len(options.angles.split(",")), 0
    for part in KILLS:
        process = desk.start(*command)
        while process.poll() is None and len(emulator.ledger()) < part * wanted:
            time.sleep(0.1)
        kills += process.poll() is None
        process.kill()
        process.wait()
        _say(f"killed with {len(emulator.ledger())} requests")
        command = ("resume", desk.out)
    codes = []
    for _attempt in range(MAX_RESUMES):
        codes.append(desk.run("resume", desk.out).exit_code)
        if codes[-1] != UNCERTAIN:
            break
        desk.decide_as_user()
    return codes, kills


def _photos(desk: RenderedDesk, defects: dict[str, str]) -> Iterator[Photo]:
    exported = _exported(desk.out)
    for sku, product in desk.products().items():
        manifest = desk.out / product["set"] / "set.json"
        record: dict[str, Any] = json.loads(manifest.read_text(encoding="utf-8"))
        for entry in record["angles"]:
            photo = entry.get("photo") or {}
            if not photo.get("path"):
                continue
            found = photo.get("fidelity") or {}
            yield Photo(
                sku,
                entry["name"],
                defects[photo["request_id"]],
                str(found.get("verdict", "")),
                bool(found.get("rejected")),
                found.get("verdict") == "accept" and "realigned" in found,
                (sku, entry["name"]) in exported,
                str(found.get("reason", "")),
                float((record.get("consistency") or {}).get("score", 0.0)),
            )


def _exported(out: Path) -> set[tuple[str, str]]:
    """SKU and angle of each file in the list of the export."""
    found = set()
    for table in out.rglob("files.csv"):
        with table.open(encoding="utf-8-sig", newline="") as stream:
            found |= {(row["sku"], row["angle"]) for row in csv.DictReader(stream)}
    return found


def _tell(photos: list[Photo], planted: Counter[str]) -> bool:
    """Print the results; whether they are as they must be."""
    good = [photo for photo in photos if not photo.defect]
    bad = [photo for photo in photos if photo.defect and not photo.is_repaired]
    out = [photo for photo in bad if photo.is_exported]
    held = [photo for photo in good if photo.is_rejected or not photo.is_exported]
    looked = sum(photo.verdict == "look" for photo in good)
    print(f"planted: {sum(planted.values())} of all requests: {_counts(planted)}")
    print(
        f"shown with a defect: {len(bad)}, of them exported: {len(out)} "
        f"({sum(photo.verdict == 'look' for photo in out)} of these with the verdict look); "
        f"moved back and accepted: {sum(bool(photo.defect) and photo.is_repaired for photo in photos)}"
    )
    share = len(held) / max(1, len(good))
    print(f"good photos: {len(good)}, held back: {len(held)} ({share:.1%}), with the verdict look: {looked}")
    sets = {photo.sku: photo.consistency for photo in photos}
    drifted = sum(score > 1.0 for score in sets.values())
    print(f"sets whose photos do not belong together: {drifted} of {len(sets)}")
    for photo in (*out, *held):
        print(f"  {photo.sku} {photo.angle}: {photo.defect or 'good'}: {photo.verdict}: {photo.reason}")
    return not out and share <= MOST_HELD_BACK


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counter.most_common()) or "none"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
