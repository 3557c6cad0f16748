# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m benchmarks.shop_walk``: from a set to the shop, as one person does it. Pays only the emulator.

A product in three variants by fal.ai, and a catalogue whose rows have variants by Cycles. Both are reviewed in a real
Chromium, and what was rejected is made again or held back. Then the pictures are checked, exported, signed and zipped,
and exiftool and c2pa-python read how each of them was made. Ends with 1 at the first step that does not do what it
should. ``--folder`` keeps everything, with screenshots of both pages.
"""

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from c2pa import Reader

from tests.certificate import certificate_in
from tests.chromium import Chromium
from tests.fal_emulator.process import FAST, RunningEmulator, running_emulator
from tests.painted_mug import painted_mug
from tests.patience import until
from tests.told import manifest_in

ROOT = Path(__file__).resolve().parents[1]
PRODUCT_SIDE = 256  # Below, one pixel of an edge or shadow is large enough to be taken for a defect.
SMALL = ("--samples", "2", "--device", "cpu", "--quality", "draft", "--video", "none")
COLORS = ("--variant", "Red,Blue", "--color", "Handle=#102030 as Dark")
CHANNEL = "web"  # The others want more pixels than this renders.
NAMES = ("--name", "{sku}_{variant}_{angle}_{width}")
TOLD = "document.querySelector('.told').textContent"
SCREENS = [(width, is_dark) for width in (390, 1440) for is_dark in (False, True)]
SIGNER = ("PHOTOREAL_SIGN_CERTIFICATE", "PHOTOREAL_SIGN_KEY")


class WrongStepError(Exception):
    """A step has not done what it should."""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--products", type=int, default=20, help="rows of the catalogue, at least 4 (20)")
    parser.add_argument("--resolution", type=int, default=64, help="of the catalogue (64)")
    parser.add_argument("--only", choices=("product", "catalogue"), help="one half of the walk")
    parser.add_argument("--folder", type=Path, help="keep everything in this new folder")
    options = parser.parse_args()
    with _folder(options.folder) as folder, running_emulator(delays=FAST) as emulator:
        os.environ["PHOTOREAL_HOME"] = str(folder / "home")
        os.environ.update(zip(SIGNER, map(str, certificate_in(folder)), strict=True))
        browser = Chromium(folder / "profile")
        try:
            walk = _Walk(folder, emulator, browser, options.resolution)
            if options.only != "catalogue":
                walk.product()
            if options.only != "product":
                walk.catalogue(max(options.products, 4))
        except WrongStepError as error:
            print(f"Wrong: {error}")
            return 1
        finally:
            browser.close()
    return 0


@contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    if kept is not None:
        kept.mkdir(parents=True)
        yield kept.resolve()
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


class _Walk:
    def __init__(self, folder: Path, emulator: RunningEmulator, browser: Chromium, side: int) -> None:
        self._folder = folder
        self._emulator = emulator
        self._browser = browser
        self._side = side
        self._mug = painted_mug(("Red", "Blue")).write(folder / "mug.glb")

    def product(self) -> None:
        """One product by fal.ai: six photos of three variants, one of which is made once more."""
        out, url = self._folder / "product", ("--fal-url", self._emulator.url)
        made = (
            "--engine",
            "fal",
            "--angles",
            "front,side",
            *_small(PRODUCT_SIDE),
            "--fidelity",
            "report",
            *COLORS,
        )
        self._run("set", self._mug, "--out", out, *made, *url)
        _require(len(self._emulator.ledger()) == 6, "six photos are paid")
        blue = out / "variants" / "Blue"
        decisions = self._review(blue, "ajr", "too dark", "Ana")
        self._run("resume", blue, "--decisions", decisions, "--max-cost", "0.03", *url)
        self._run("resume", out, "--max-cost", "0", *url)
        _require(len(self._emulator.ledger()) == 7, "the rejected photo is paid once more, and nothing else")
        self._shop(out, products=3)

    def catalogue(self, count: int) -> None:
        """A catalogue by Cycles: the first product is accepted, the fourth is rejected, both with all variants."""
        out, table = self._folder / "catalogue", self._folder / "rows.csv"
        _write_rows(table, count)
        made = ("--engine", "cycles", "--angles", "front", *_small(self._side))
        self._run("catalogue", table, "--out", out, *made)
        variants = {path.name: len(manifest_in(path).get("variants", [1])) for path in out.glob("MUG-*")}
        decisions = self._review(out, "jajjjr", "too dark", "Bo")
        self._run("resume", out, "--decisions", decisions)
        self._run("export", out, "--channel", CHANNEL, *NAMES, "--zip", "--accepted-only", code=None)
        _require(len(_skus(out)) == variants["MUG-00"], "every variant of the accepted product is exported")
        self._shop(out, products=sum(variants.values()) - variants["MUG-03"])

    def _review(self, folder: Path, keys: str, reason: str, reviewer: str) -> Path:
        """Decide by keyboard, the last time with a reason; the file of decisions."""
        browser = self._browser
        browser.screen(1440, 900)
        browser.open(folder / "index.html")
        for key in keys:
            browser.key(key)
        browser.write(reason)
        browser.key("Enter")
        browser.run("document.querySelector('.reviewer').select()")  # It remembers the name of the last one.
        browser.write(reviewer)
        browser.key("Enter")
        browser.send("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(self._folder))
        browser.key("e")
        file = self._folder / f"decisions-{reviewer}.json"
        until(file.is_file)
        print(f"  {browser.run(TOLD)} {len(json.loads(file.read_text())['sets'])} sets in {file.name}")
        return file

    def _shop(self, out: Path, *, products: int) -> None:
        """Check, export and zip; then look at files and pages."""
        self._run("check", out)
        self._run(
            "export", out, "--channel", CHANNEL, *NAMES, "--zip", "--include-unchecked", code=None
        )  # 2: with a rejected one.
        self._run("check", out, "--channel", CHANNEL, code=None)
        self._run("report", out)
        _require(len(skus := _skus(out)) == products, f"{products} products are exported: {sorted(skus)}")
        _source_types(out / "export")
        _signatures(out / "export")
        self._screenshots(out)

    def _screenshots(self, out: Path) -> None:
        browser = self._browser
        browser.told.clear()
        for width, is_dark in SCREENS:
            browser.screen(width, 900, is_dark=is_dark)
            browser.open(out / "index.html")
            _require(browser.run("document.documentElement.scrollWidth") <= width, f"it fits {width} pixels")
            height = browser.run("document.documentElement.scrollHeight")
            browser.screen(width, min(height, 6000), is_dark=is_dark)
            browser.picture(self._folder / f"{out.name}-{width}-{'dark' if is_dark else 'light'}.png")
        _require(not browser.told, f"the page says nothing on the console: {browser.told}")

    def _run(self, *arguments: object, code: int | None = 0) -> None:
        """A command; ``code``: the exit code that it must have, None for 0 or 2."""
        began = time.monotonic()
        command = [sys.executable, "batch.py", *map(str, arguments)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        print(f"{arguments[0]}: exit code {done.returncode}, {time.monotonic() - began:.0f} s", flush=True)
        last = (done.stdout + done.stderr).strip().splitlines()[-3:]
        print("\n".join(f"  {line[:160]}" for line in last), flush=True)
        allowed = (0, 2) if code is None else (code,)
        _require(done.returncode in allowed, f"{arguments[0]} ends with {allowed}")


def _small(side: int) -> tuple[str, ...]:
    return ("--resolution", str(side), *SMALL)


def _write_rows(table: Path, count: int) -> None:
    """Every third row has all variants of the file, and every fifth a color as another variant."""
    with table.open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        rows.writerow(["sku", "source", "variants", "colors", "spec"])
        for number in range(count):
            variants = "all" if number % 3 == 0 else ""
            colors = "Handle=#102030 as Dark" if number % 5 == 0 else ""
            rows.writerow([f"MUG-{number:02}", "mug.glb", variants, colors, CHANNEL])


def _skus(out: Path) -> set[str]:
    """Those in the list of the exported ZIP file."""
    with zipfile.ZipFile(out / "export" / f"{CHANNEL}.zip") as archive:
        _require(archive.testzip() is None, f"{CHANNEL}.zip is whole")
        lines = archive.read("files.csv").decode().splitlines()
    return {row["sku"] for row in csv.DictReader(lines)}


def _source_types(folder: Path) -> None:
    """What exiftool reads from the exported pictures."""
    if (program := shutil.which("exiftool")) is None:
        print("exiftool is not installed: the source types were not read.")
        return
    kinds = [part for kind in ("jpg", "webp", "png") for part in ("-ext", kind)]
    command = [program, "-r", "-json", *kinds, "-XMP:all", "-JUMBF:all", str(folder)]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    (folder.parent / "exiftool.json").write_text(json.dumps(found, indent=1), encoding="utf-8")
    types = Counter(str(one.get("DigitalSourceType", "")).rsplit("/", 1)[-1] for one in found)
    print(f"exiftool: {dict(types)}")
    _require(bool(found) and "" not in types, "every exported picture says how it was made")


def _signatures(folder: Path) -> None:
    """What the reader of C2PA finds in the exported pictures, and in an altered copy of each."""
    states: Counter[str] = Counter()
    report: dict[str, object] = {}
    copy = folder.parent / "altered.webp"
    for path in sorted(folder.rglob("*.webp")):
        data = bytearray(path.read_bytes())
        data[data.index(b"VP8 ") + 60] ^= 1  # Among the compressed pixels.
        copy.write_bytes(data)
        with Reader(str(path)) as reader:
            report[path.name] = found = json.loads(reader.json())
        with Reader(str(copy)) as reader:
            altered = json.loads(reader.json())["validation_state"]
        states[f"{found['validation_state']}, altered {altered}"] += 1
    copy.unlink(missing_ok=True)
    (folder.parent / "c2pa.json").write_text(json.dumps(report, indent=1), encoding="utf-8")
    print(f"c2pa: {dict(states)}")
    _require(
        set(states) == {"Valid, altered Invalid"}, "every picture is signed, and an altered one is not valid"
    )


def _require(is_right: bool, promise: str) -> None:
    if not is_right:
        raise WrongStepError(promise)


if __name__ == "__main__":
    sys.exit(main())
