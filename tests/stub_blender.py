# SPDX-License-Identifier: GPL-3.0-or-later
"""A substitute for the Blender that renders a catalogue: ``python -m tests.stub_blender``. Its pictures are plain.

The name of a product chooses what happens to Blender: ``crash`` ends it each time, ``crash-warm`` only when it has
rendered something before, ``hang`` stops it, ``eat`` takes memory, ``broken`` is refused. References of ``printed``
products are drawn with everything that photos are compared with.
"""

import hashlib
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

from PIL import Image

from command_line.bootstrap import load_package

load_package()

from photoreal_set.files.writing import copy_atomically  # noqa: E402  The package has to be loaded first.
from photoreal_set.imaging.compose import png  # noqa: E402
from photoreal_set.messages.errors import PhotorealError  # noqa: E402
from photoreal_set.photo_set.choices import Engine  # noqa: E402
from photoreal_set.photo_set.folder import SetFolder, SetState, angle_record  # noqa: E402
from photoreal_set.photo_set.plan_record import plan_from  # noqa: E402
from photoreal_set.photo_set.variant_folders import (  # noqa: E402
    list_variants,
    prepared_variant,
    record_variant,
)

SECONDS = float(os.environ.get("STUB_BLENDER_SECONDS", "0"))
GATE = os.environ.get(
    "STUB_BLENDER_GATE", ""
)  # A file; until it is there only the first product is rendered.
APPETITE = 1 << 29


def main() -> None:
    lines: list[str] = []
    news = threading.Condition()

    def listen() -> None:
        for line in sys.stdin:
            with news:
                lines.append(line)
                news.notify()
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    tell(event="ready", blender="stub")
    rendered = 0
    while True:
        with news:
            while not lines:
                news.wait()
            request = json.loads(lines.pop(0))
        if "set" in request:
            while rendered and GATE and not Path(GATE).exists():
                time.sleep(0.05)
            answer(request["set"], is_warm=rendered > 0)
            rendered += 1


def answer(root: str, *, is_warm: bool) -> None:
    try:
        take(root, is_warm=is_warm)
    except PhotorealError as error:
        tell(event="rendered", set=root, state="failed", error=str(error), exit=error.exit_code)


def take(root: str, *, is_warm: bool) -> None:
    folder = SetFolder.open(Path(root))
    product = folder.record["product"]
    if product.startswith("crash") and (is_warm or not product.startswith("crash-warm")):
        os.kill(os.getpid(), signal.SIGSEGV)
    if product.startswith("hang"):
        time.sleep(3600)
    if product.startswith("eat"):
        _eaten = bytearray(os.urandom(1 << 20) * (APPETITE >> 20))
        time.sleep(3600)
    if product.startswith("broken"):
        error = "Blender cannot read it: bad accessor. Export the model again."
        return tell(event="rendered", set=root, state="failed", error=error, exit=1)
    render(folder)
    render_variants(folder)
    return tell(event="rendered", set=root, state="done", error="", exit=0)


def render_variants(folder: SetFolder) -> None:
    """The variants except the first; one called ``Broken`` cannot be rendered."""
    plan = plan_from(folder, None)
    list_variants(folder, plan.variants)
    for variant in plan.variants[1:]:
        own, _plan = prepared_variant(folder, plan, variant)
        if variant.name == "Broken":
            record_variant(folder, variant, own, SetState.FAILED, error="It cannot be rendered.")
            continue
        render(own)
        record_variant(folder, variant, own, SetState.PARTIAL)


def render(folder: SetFolder) -> None:
    plan = plan_from(folder, None)
    if not folder.has(folder.record["model"]):
        copy_atomically(plan.source.files[0], folder.model)
        triage = triage_of(folder.record["product"])
        with folder.change() as record:
            record["model"] = {**folder.entry(folder.model), "source_triage": [], "triage": triage}
    model = folder.record["model"]["sha256"]
    for number, angle in enumerate(plan.angles):
        time.sleep(SECONDS / len(plan.angles))
        tell(event="progress", stage="references", done=number, of=len(plan.angles), label=angle.name)
        if folder.record["product"].startswith("printed"):
            from tests.printed_reference import draw

            lines = (folder.record["product"][-6:].upper(), angle.name[:6].upper())
            draw(folder, angle.name, lines=lines, side=128)
            continue
        if plan.title:  # The file is the same, the variant another.
            model = hashlib.sha256((model + plan.title).encode()).hexdigest()
        colour = tuple(int(model[place : place + 2], 16) for place in (0, 2, 4))
        picture = Image.new("RGB", (64, 64), colour)
        picture.putpixel((number, 0), (255, 255, 255))
        entry = folder.store(f"renders/{angle.name}.png", png(picture))
        folder.store(f"masks/{angle.name}.png", png(Image.new("L", (64, 64), 255)))
        with folder.change() as record:
            known = angle_record(record, angle.name)
            if record["product"].startswith("clipped"):  # Others say nothing about their masks.
                known["mask"] = f"masks/{angle.name}.png"
            known.update(azimuth=angle.azimuth, elevation=angle.elevation, render={**entry, "samples": 2})
            if plan.engine is Engine.CYCLES:
                photo = folder.store(f"photos/{angle.name}.png", png(picture))
                known["photo"] = {**photo, "engine": "cycles", "state": "done", "samples": 2}
    with folder.change() as record:
        names = {angle.name for angle in plan.angles}
        record["angles"] = [entry for entry in record["angles"] if entry["name"] in names]


def triage_of(product: str) -> list[dict[str, object]]:
    """A warning for products called "worn…", and an error and a note for those called "grey…"."""
    if product.startswith("worn"):
        return [{"kind": "open_edges", "severity": "warning", "where": "Lid", "text": "Lid: it has holes."}]
    if product.startswith("grey"):
        text = "Material Wood: its texture <wood.png> is missing."
        return [
            {"kind": "negative_scale", "severity": "note", "where": "Lid", "text": "Lid is mirrored."},
            {"kind": "texture_missing", "severity": "error", "where": "Wood", "count": 1, "text": text},
        ]
    return []


def tell(**facts: object) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
