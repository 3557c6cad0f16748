# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast and how faithful the studio renders: ``python -m benchmarks.render [GLB …]``.

Every case is rendered by a plain script (Blender's defaults: 128 samples, its denoiser as it comes, nothing kept
between pictures) and by the studio, with the same model, camera, light and table, one after the other on the same
machine. Both are compared inside the product's mask with a picture of 1,024 samples that was not denoised: with the middle of
it, ``--window`` of each side, since it takes long; it is kept in ``--truths`` for the next run. The studio's time has the shadow in it, and not the composing and storing, which go on beside the next render.
Each measurement runs in a separate process, to measure its memory.
Besides the GLB files that are named, two products made in code are measured: glass with metal, and a million
triangles. ``--growth`` adds tables by resolution and by number of triangles.
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

from benchmarks import products
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
TRUTH_SAMPLES = 1024
TRUTH_BOUNCES = 64
REACH = 5  # Pixels around one that SSIM looks at.
PLAIN_SAMPLES = 128
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
    parser.add_argument("--task", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task:
        return _work(Task(**json.loads(options.task)))
    options.truths.mkdir(parents=True, exist_ok=True)
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
            _as_it_comes(session.scene, is_truth=task.way == "truth")
            if task.way == "truth":
                _window(session.scene, task.window)
            started, spent = time.monotonic(), time.process_time()
            colour = _plain_render(session.scene)
        seconds, spent = time.monotonic() - started, time.process_time() - spent
        if task.picture:
            np.save(task.picture, colour)
    return {"seconds": seconds, "processor_seconds": spent, "open_seconds": opened}


def _as_it_comes(scene: Any, *, is_truth: bool) -> None:
    """Cycles as a new scene has it in Blender, with the samples of the comparison."""

    scene.render.use_persistent_data = False
    scene.render.use_border = False
    fresh = bpy.data.scenes.new("As it comes")
    for key in (
        "max_bounces", "diffuse_bounces", "glossy_bounces", "transmission_bounces", "volume_bounces",
        "transparent_max_bounces", "use_adaptive_sampling", "adaptive_threshold", "adaptive_min_samples",
        "caustics_reflective", "caustics_refractive", "blur_glossy", "sample_clamp_direct",
        "sample_clamp_indirect", "use_denoising", "denoising_input_passes", "denoising_prefilter",
        "denoising_quality", "use_light_tree", "sampling_pattern", "use_auto_tile", "seed",
    ):  # fmt: skip
        setattr(scene.cycles, key, getattr(fresh.cycles, key))
    scene.cycles.samples = PLAIN_SAMPLES
    if is_truth:
        scene.cycles.samples = TRUTH_SAMPLES
        scene.cycles.use_adaptive_sampling = scene.cycles.use_denoising = False
        scene.cycles.sample_clamp_indirect = scene.cycles.blur_glossy = 0.0
        # A path that is cut short inside glass is black: Blender's own limits darken it.
        for kind in ("max", "diffuse", "glossy", "transmission", "transparent_max"):
            setattr(scene.cycles, f"{kind}_bounces", TRUTH_BOUNCES)
        scene.cycles.seed = 99


def _window(scene: Any, share: float) -> None:
    """Render only the middle; the rest of the picture stays empty."""
    render = scene.render
    render.use_border, render.use_crop_to_border = True, False
    render.border_min_x = render.border_min_y = 0.5 - share / 2.0
    render.border_max_x = render.border_max_y = 0.5 + share / 2.0


def _plain_render(scene: Any) -> Any:

    compat.set_still(scene, file_format="PNG", depth="8")
    with tempfile.TemporaryDirectory() as folder:
        scene.render.filepath = str(Path(folder) / "plain.png")
        bpy.ops.render.render(write_still=True, scene=scene.name)
        return read_pixels(Path(scene.render.filepath))


def compare(picture: Any, truth: Any, window: float) -> dict[str, float]:
    """Masked SSIM and PSNR of two RGBA pictures (h, w, 4) on white.

    SSIM after Wang et al. 2004 (Gaussian window, sigma 1.5, K1 0.01, K2 0.03) on the luma of ITU-R BT.709,
    averaged where the truth shows the product; PSNR in dB over the colours there.
    """

    inside = truth[..., 3] > 127
    for axis in (0, 1):
        margin = round(inside.shape[axis] * (0.5 - window / 2.0)) + (REACH + 1 if window < 1.0 else 0)
        shares = np.arange(inside.shape[axis])
        kept = (shares >= margin) & (shares < inside.shape[axis] - margin)
        inside &= kept[:, None] if axis == 0 else kept[None, :]
    flat = [_on_white(item.astype(np.float64)) for item in (picture, truth)]
    error = ((flat[0] - flat[1])[inside] ** 2).mean()
    luma = [item @ np.array((0.2126, 0.7152, 0.0722)) for item in flat]
    first, second = (_blurred(item) for item in luma)
    spread_1 = _blurred(luma[0] ** 2) - first**2
    spread_2 = _blurred(luma[1] ** 2) - second**2
    joint = _blurred(luma[0] * luma[1]) - first * second
    c1, c2 = (0.01 * 255.0) ** 2, (0.03 * 255.0) ** 2
    alike = (2 * first * second + c1) * (2 * joint + c2)
    alike /= (first**2 + second**2 + c1) * (spread_1 + spread_2 + c2)
    psnr = 10.0 * np.log10(255.0**2 / max(error, 1e-9))
    return {"ssim": float(alike[inside].mean()), "psnr": float(psnr)}


def _on_white(picture: Any) -> Any:
    coverage = picture[..., 3:] / 255.0
    return picture[..., :3] * coverage + 255.0 * (1.0 - coverage)


def _blurred(values: Any, sigma: float = 1.5, reach: int = REACH) -> Any:

    weights = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2.0 * sigma**2))
    weights /= weights.sum()
    for axis in (0, 1):
        padded = np.pad(values, [(reach, reach) if axis == own else (0, 0) for own in (0, 1)], mode="reflect")
        length = values.shape[axis]
        values = sum(
            weight * padded.take(range(step, step + length), axis) for step, weight in enumerate(weights)
        )
    return values


if __name__ == "__main__":
    sys.exit(main())
