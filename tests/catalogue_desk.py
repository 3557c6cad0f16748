# SPDX-License-Identifier: GPL-3.0-or-later
"""A desk for tests of catalogues: source files, a table, and the command with a stand-in for Blender.

``python -m tests.catalogue_desk ARGUMENTS`` is the command line with that stand-in, for tests that kill it.
"""

import csv
import io
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from command_line.bootstrap import load_package
from tests.blender.products import corners, textured_block
from tests.fal_emulator.process import RunningEmulator
from tests.patience import until
from tests.told import events_in, manifest_in

load_package()

from photoreal_set.command_line import catalogues  # noqa: E402
from photoreal_set.command_line import main as cli  # noqa: E402  The package has to be loaded first.
from photoreal_set.fal_bridge.journal import Journal, Stage  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
STUB = [sys.executable, "-m", "tests.stub_blender"]
SMALL = ("--resolution", "64", "--samples", "2", "--device", "cpu")
FAULTS = (
    {"name": "drop-submit-answer", "rate": 0.1},
    {"name": "drop-before-accept", "at": "upload", "rate": 0.1},
    {"name": "nginx-503", "at": "status", "rate": 0.1},
    {"name": "short-body", "rate": 0.1, "endpoint": "fal-ai/*"},
)


def light_map(level: int) -> bytes:
    """An .hdr panorama that is equally bright everywhere; ``level``: 1 to 255, 128 shines with 1."""
    head = b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 4 +X 8\n"
    return head + bytes((level, level, level, 128)) * 32


@dataclass(frozen=True)
class Run:
    """A finished command: its exit code and its JSON lines."""

    exit_code: int
    events: list[dict[str, Any]]

    def texts(self, event: str = "warning") -> list[str]:
        return [item["text"] for item in self.events if item["event"] == event]

    @property
    def error(self) -> str:
        return str(self.events[-1].get("error", ""))


class Desk:
    """A folder with a catalogue that uses the emulator as fal."""

    def __init__(self, folder: Path, emulator: RunningEmulator | None = None) -> None:
        self.folder = folder
        self.emulator = emulator
        self.out = folder / "out"
        self.file = folder / "shop.csv"
        folder.mkdir(parents=True, exist_ok=True)

    # Sources

    def model(self, name: str, number: int = 0) -> str:
        """A GLB that is different for each number."""
        places = corners() * (1.0 + 0.01 * number)
        glb = textured_block()
        glb.document["extras"] = {"number": number, "size": float(np.ptp(places))}
        glb.write(self.folder / name)
        return name

    def photo(self, name: str, shade: int = 0) -> str:
        Image.new("RGB", (300, 300), (200, shade % 256, shade // 256)).save(self.folder / name)
        return name

    def table(self, *rows: dict[str, object]) -> Path:
        columns = list(dict.fromkeys(name for row in rows for name in row))
        text = io.StringIO()
        writer = csv.DictWriter(text, columns)
        writer.writeheader()
        writer.writerows(rows)
        self.file.write_text(text.getvalue(), encoding="utf-8")
        return self.file

    # Runs

    def arguments(self, *arguments: object) -> list[str]:
        fal = ("--fal-url", self.emulator.url) if self.emulator else ()
        return [str(item) for item in (*arguments, *fal, "--json")]

    def run(self, *arguments: object) -> Run:
        """A command in this process."""
        output = io.StringIO()
        code = _main(self.arguments(*arguments), output)
        for manifest in self.out.glob("*/set.json"):
            if code != 3:  # A test may have damaged it.
                manifest_in(manifest.parent)
        return Run(code, events_in(output.getvalue()))

    def make(self, *options: object) -> Run:
        return self.run("catalogue", self.file, "--out", self.out, *SMALL, *options)

    def report(self) -> int:
        """The state of the whole catalogue."""
        return self.report_on(self.out)

    def report_on(self, folder: Path, *options: str) -> int:
        return _main(["report", str(folder), *options], io.StringIO())

    def start(self, *arguments: object, **environment: str) -> "subprocess.Popen[str]":
        """A command in a separate process."""
        return subprocess.Popen(
            [sys.executable, "-m", "tests.catalogue_desk", *self.arguments(*arguments)],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def kill_at(
        self,
        goals: Iterable[int],
        count: Callable[[], int],
        *options: object,
        decides: bool = True,
        **environment: str,
    ) -> None:
        """Runs of the catalogue, each of which is killed once ``count`` has reached its goal; all but the first resume.

        ``decides``: after each, the user decides about uncertain requests.
        """
        command: tuple[object, ...] = ("catalogue", self.file, "--out", self.out, *SMALL, *options)
        for goal in goals:
            process = self.start(*command, **environment)
            until(lambda: count() >= goal)  # noqa: B023  It is called within this iteration.
            process.kill()
            process.communicate()
            if decides:
                self.decide_as_user()
            command = ("resume", self.out)

    def finish(self) -> Run:
        """Resume until everything is done, in spite of faults, which end after some runs."""
        for attempt in range(8):
            run = self.run("resume", self.out)
            if run.exit_code == 0:
                break
            self.decide_as_user()
            if attempt == 3 and self.emulator:
                self.emulator.control(faults=[])
        return run

    def decide_as_user(self) -> int:
        """Look up each uncertain request in the account (the ledger), and send the missing ones again.

        Returns the number of decisions.
        """
        accepted = self.ledger_by_input()
        keys = []
        for folder in self.out.glob("**/.journal"):
            journal = Journal(folder)
            for key in journal.job_keys():
                entry = journal.read(key)
                if entry.stage in (Stage.UNCERTAIN, Stage.IN_FLIGHT):
                    facts = entry.facts[Stage.IN_FLIGHT]
                    if not accepted[_request(facts.get("endpoint"), facts.get("sent"))]:
                        keys.append(key)
        for key in keys:
            self.run("resume", self.out, "--resend", key, "--not-in-dashboard", "--rows", "1")
        return len(keys)

    # Results

    def records(self) -> list[dict[str, Any]]:
        """Each row in the results."""
        record = json.loads((self.out / "catalogue.json").read_text(encoding="utf-8"))
        products: list[dict[str, Any]] = record["products"]
        return products

    def products(self) -> dict[str, dict[str, Any]]:
        return {product["sku"]: product for product in self.records()}

    def states(self) -> dict[str, str]:
        return {sku: product["state"] for sku, product in self.products().items()}

    def journal_keys(self) -> list[str]:
        return sorted(path.name for path in self.out.glob("**/.journal/*") if len(path.name) == 64)

    def ledger_by_input(self) -> Counter[str]:
        """How often the emulator has accepted the same request, including processes that have ended."""
        assert self.emulator is not None
        return Counter(
            _request(entry["endpoint"], entry["input"]) for entry in self.emulator.settled_ledger()
        )


def _request(endpoint: object, arguments: object) -> str:
    return json.dumps([endpoint, arguments], sort_keys=True)


def _main(arguments: list[str], output: Any) -> int:
    kept = catalogues.worker_command
    catalogues.worker_command = lambda _external_data: STUB
    here = Path.cwd()
    os.chdir(ROOT)  # Where the stand-in is found.
    try:
        return cli.main(arguments, output)
    finally:
        os.chdir(here)
        catalogues.worker_command = kept


if __name__ == "__main__":
    code = _main(sys.argv[1:], sys.stdout)
    sys.stdout.flush()
    sys.exit(code)
