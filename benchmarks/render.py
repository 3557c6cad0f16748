# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast and how faithful the studio renders: ``python -m benchmarks.render [GLB …]``.

Every case is rendered by a plain script (Blender's defaults: 128 samples, its denoiser as it comes, nothing kept
between pictures) and by the studio, with the same model, camera, light and table, one after the other on the same
machine. Both are compared inside the product's mask with a picture of 1,024 samples that was not denoised: with the middle of
it, ``--window`` of each side, since it takes long; it is kept in ``--truths`` for the next run. The studio's time has the shadow in it, and not the composing and storing, which go on beside the next render.
Each measurement runs in a separate process, to measure its memory.
Besides the GLB files that are named, two products made in code are measured: glass with metal, and a million
triangles. ``--growth`` adds tables by resolution and by number of triangles. ``--video`` measures a frame of the
turntable instead, part by part (see ``benchmarks.video``).
"""

import argparse
import hashlib
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from benchmarks import products, video
from benchmarks.likeness import compare
from benchmarks.plain_script import TRUTH_BOUNCES, TRUTH_SAMPLES, as_it_comes, render_window
from command_line.bootstrap import load_package

load_package()

from photoreal_set.optics import rigs  # noqa: E402
from photoreal_set.optics.angles import ANGLES  # noqa: E402  The package has to be loaded first.
from photoreal_set.optics.light_map import Rig  # noqa: E402
from photoreal_set.optics.sizes import square  # noqa: E402
from photoreal_set.studio import compat  # noqa: E402
from photoreal_set.studio.blender import read_pixels  # noqa: E402
from photoreal_set.studio.quality import QUALITIES  # noqa: E402
from photoreal_set.studio.session import open_session  # noqa: E402

ANGLE = "three-quarter"
GROWTH_SIDES = (512, 1024, 2048, 4096)
GROWTH_TRIANGLES = (10_000, 100_000, 1_000_000, 2_000_000)
MADE = ("glass-bottle", "million")


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What one process measures."""

    model: str
    way: str  # plain, studio, floor, truth; or the name of a product to make.
    side: int
    quality: str
    window: float = 1.0
    picture: str = ""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="*", type=Path, metavar="GLB")
    parser.add_argument("--resolution", type=int, default=1024, metavar="N")
    parser.add_argument("--quality", action="append", default=[], help="of the studio (reference)")
    parser.add_argument("--truths", type=Path, default=Path(tempfile.gettempdir()) / "photoreal-truths")
    parser.add_argument(
        "--truths-only", action="store_true", help="make the pictures to compare with and stop"
    )
    parser.add_argument("--window", type=float, default=0.5, metavar="SHARE", help="of each side (0.5)")
    parser.add_argument("--no-truth", action="store_true", help="only times and memory")
    parser.add_argument("--no-made", action="store_true", help="only the GLB files that are named")
    parser.add_argument("--growth", action="store_true", help="also by resolution and by number of triangles")
    parser.add_argument("--json", action="store_true", help="print one object instead of tables")
    parser.add_argument("--video", action="store_true", help="what a frame of the turntable costs instead")
    parser.add_argument("--frames", type=int, default=5, metavar="N", help="measured for --video (5)")
    parser.add_argument("--device", default="cpu", help="for --video: a value of --device of batch.py")
    parser.add_argument("--task", help=argparse.SUPPRESS)
    parser.add_argument("--video-task", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task:
        return _work(Task(**json.loads(options.task)))
    if options.video_task:
        return _end(video.work(video.VideoTask(**json.loads(options.video_task))))
    options.truths.mkdir(parents=True, exist_ok=True)
    if options.video:
        return _measure_video(options)
    made = [] if options.no_made else [_made(name, options.truths) for name in MADE]
    qualities = options.quality or ["reference"]
    rows = []
    for model in [*options.models, *made]:
        for quality in qualities:
            row = _measure(model, quality, options)
            if row:
                rows.append(row)
                if not options.json:
                    print(_line(row), flush=True)
    result: dict[str, Any] = {"machine": _machine(), "rows": rows}
    if options.growth and not options.truths_only:
        result.update(_growth(options, qualities[0]))
    if options.json:
        print(json.dumps(result))
    else:
        print(_machine())
        for name in ("by_resolution", "by_triangles"):
            for row in result.get(name, ()):
                print(f"{row['what']:>12} {row['seconds']:8.2f} s {row['memory_mb']:7.0f} MB")
    return 0


def _measure_video(options: argparse.Namespace) -> int:
    rows = video.report(
        options.models,
        side=min(options.resolution, video.MAX_SIDE),
        frames=options.frames,
        device=options.device,
        window=0.0 if options.no_truth else options.window,
        truths=options.truths,
    )
    print(json.dumps({"machine": _machine(), "rows": rows}) if options.json else _machine())
    return 0


def _machine() -> str:
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"


def _measure(model: Path, quality: str, options: argparse.Namespace) -> dict[str, Any] | None:

    def task(way: str, picture: Path) -> Task:
        return Task(
            model=str(model),
            way=way,
            side=options.resolution,
            quality=quality,
            window=options.window,
            picture=str(picture),
        )

    with tempfile.TemporaryDirectory() as folder:
        truth = None if options.no_truth else _truth(task, options.truths)
        if options.truths_only:
            return None
        row: dict[str, Any] = {"model": model.stem, "quality": quality, "side": options.resolution}
        for way in ("plain", "floor", "studio"):
            picture = Path(folder) / f"{way}.npy"
            facts = _run(task(way, picture))
            likeness = compare(np.load(picture), np.load(truth), options.window) if truth else {}
            row[way] = {**facts, **likeness}
    row["ratio"] = row["plain"]["seconds"] / row["studio"]["seconds"]
    # Less affected by other load on the machine.
    row["processor_ratio"] = row["plain"]["processor_seconds"] / row["studio"]["processor_seconds"]
    return row


def _line(row: dict[str, Any]) -> str:
    parts = [
        f"{row['model']:>16} {row['quality']:<9} {row['side']:>4} px  ratio {row['ratio']:5.1f}, of processor time {row['processor_ratio']:5.1f}"
    ]
    for way in ("plain", "studio", "floor"):
        facts = row[way]
        parts.append(
            f"{way} {facts['seconds']:.1f} s SSIM {facts.get('ssim', 0):.4f} PSNR {facts.get('psnr', 0):.1f} dB"
            f" {facts['memory_mb']:.0f} MB"
        )
    return " | ".join(parts)


def _truth(task: Any, folder: Path) -> Path:
    """The picture to compare with, rendered when it is not there yet for this model, light and Blender."""

    wanted = task("truth", Path())
    facts = (
        hashlib.sha256(Path(wanted.model).read_bytes()).hexdigest(),
        wanted.side,
        wanted.window,
        QUALITIES[wanted.quality].table,
        _rig(wanted.quality).digest,
        bpy.app.version_string,
        TRUTH_SAMPLES,
        TRUTH_BOUNCES,
    )
    picture = folder / f"{hashlib.sha256(repr(facts).encode()).hexdigest()[:16]}.npy"
    if not picture.is_file():
        part = picture.with_suffix(".part.npy")
        _run(replace(wanted, picture=str(part)))
        part.rename(picture)
    return picture


def _rig(quality: str) -> Rig:
    return rigs.SOFTBOX if quality == "final" else rigs.REFERENCE


def _growth(options: argparse.Namespace, quality: str) -> dict[str, Any]:
    model = options.models[0] if options.models else _made(MADE[0], options.truths)
    sides = [
        {"what": f"{side} px", **_run(Task(model=str(model), way="studio", side=side, quality=quality))}
        for side in GROWTH_SIDES
    ]
    triangles = []
    for count in GROWTH_TRIANGLES:
        vase = _made(f"million:{count}", options.truths)
        task = Task(model=str(vase), way="studio", side=options.resolution, quality=quality)
        triangles.append({"what": f"{count:,}", **_run(task)})
    return {"by_resolution": sides, "by_triangles": triangles}


def _made(name: str, folder: Path) -> Path:
    target = folder / f"{name.replace(':', '-')}.glb"
    if not target.is_file():
        _run(Task(model=str(target), way=name, side=0, quality=""))
    return target


def _run(task: Task) -> dict[str, Any]:
    """Measure in a separate process; its last line is the result."""
    command = [sys.executable, "-m", "benchmarks.render", "--task", json.dumps(asdict(task))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{task.way} of {task.model} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    facts: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return facts


def _work(task: Task) -> int:
    """The body of a measuring process."""

    name, _, count = task.way.partition(":")
    if name in products.PRODUCTS:
        build = products.PRODUCTS[name]
        products.write_product((lambda: products.million(int(count))) if count else build, Path(task.model))
        facts = {}
    else:
        facts = _shoot(task)
    return _end(facts)


def _end(facts: dict[str, Any]) -> int:
    """Print what a process has measured as its last line, and end it."""
    facts["memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    sys.stdout.flush()
    print()
    print(json.dumps(facts), flush=True)
    os._exit(0)  # The bpy module prints of its memory when Python takes it down.


def _shoot(task: Task) -> dict[str, Any]:

    quality = QUALITIES[task.quality]
    angle = ANGLES[ANGLE]
    began = time.monotonic()
    with open_session(Path(task.model), resolution=square(task.side), device="cpu", name="") as session:
        session.light(_rig(task.quality))
        framing = session.framing(angle)
        opened = time.monotonic() - began
        if task.way in ("studio", "floor"):
            if task.way == "floor":
                quality = replace(quality, samples=1, glass_factor=1, noise=0.0, denoiser="fast")
            session.shoot(framing, ANGLES["front"], replace(quality, samples=1))  # As after the first angle.
            started, spent = time.monotonic(), time.process_time()
            colour = session.shoot(framing, angle, quality).colour
        else:
            session.pose(angle, quality)
            as_it_comes(session.scene, is_truth=task.way == "truth")
            if task.way == "truth":
                render_window(session.scene, task.window)
            started, spent = time.monotonic(), time.process_time()
            colour = _plain_render(session.scene)
        seconds, spent = time.monotonic() - started, time.process_time() - spent
        if task.picture:
            np.save(task.picture, colour)
    return {"seconds": seconds, "processor_seconds": spent, "open_seconds": opened}


def _plain_render(scene: Any) -> Any:

    compat.set_still(scene, file_format="PNG", depth="8")
    with tempfile.TemporaryDirectory() as folder:
        scene.render.filepath = str(Path(folder) / "plain.png")
        bpy.ops.render.render(write_still=True, scene=scene.name)
        return read_pixels(Path(scene.render.filepath))


if __name__ == "__main__":
    sys.exit(main())
