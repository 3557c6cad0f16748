# SPDX-License-Identifier: GPL-3.0-or-later
"""What a frame of the turntable costs, part by part: ``python -m benchmarks.render --video GLB``.

A plain script renders an animation of the same turn: Blender's defaults, 128 samples, one PNG a frame. Frames of the
studio are compared inside the product's mask with renders of 256 samples: for their likeness with one that was not
denoised, for their movement from frame to frame with one that was, because noise moves too. The part for files contains
the second render of half-transparent products, for their coverage.
"""

import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from benchmarks.likeness import compare, inside_window, on_white
from benchmarks.plain_script import as_it_comes, render_window
from command_line.bootstrap import load_package

load_package()

from photoreal_set.imaging.choices import Background  # noqa: E402  The package has to be loaded first.
from photoreal_set.imaging.compose import compose, png  # noqa: E402
from photoreal_set.optics import rigs  # noqa: E402
from photoreal_set.optics.framing import Framing  # noqa: E402
from photoreal_set.optics.sizes import square  # noqa: E402
from photoreal_set.studio import compat, video  # noqa: E402
from photoreal_set.studio.blender import overridden, present, read_pixels  # noqa: E402
from photoreal_set.studio.quality import VIDEO  # noqa: E402
from photoreal_set.studio.render import SHADOW_SHARE, Renderer  # noqa: E402
from photoreal_set.studio.session import Session, open_session  # noqa: E402

MAX_SIDE = video.MAX_SIDE
FIRST = 15  # The first frame that is measured, a three-quarter view.
TRUTH_SAMPLES = 256
EMPTY_SIDE = 8  # Pixels of a picture that costs nothing but the scene sync; Cycles refuses smaller ones.
PARTS = ("shadow", "scene sync", "samples", "denoiser", "coverage and files", "composing", "encoding")


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoTask:
    """What one process measures. ``way``: studio, plain, truth or clean truth."""

    model: str
    way: str
    side: int
    frames: int
    device: str
    window: float
    folder: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Seconds by the clock, and of all processors."""

    seconds: float
    processor_seconds: float

    def __sub__(self, other: "Cost") -> "Cost":
        return Cost(
            seconds=self.seconds - other.seconds,
            processor_seconds=self.processor_seconds - other.processor_seconds,
        )

    def __mul__(self, factor: float) -> "Cost":
        return Cost(seconds=self.seconds * factor, processor_seconds=self.processor_seconds * factor)


def report(models: list[Path], *, side: int, frames: int, device: str, window: float, truths: Path) -> Any:
    """Measure every model, print a table for each, and return the figures."""
    rows = []
    for model in models:
        row: dict[str, Any] = {"model": model.stem, "side": side, "frames": frames, "device": device}

        def task(way: str, folder: str, model: Path = model) -> VideoTask:
            return VideoTask(
                model=str(model),
                way=way,
                side=side,
                frames=frames,
                device=device,
                window=window,
                folder=folder,
            )

        with tempfile.TemporaryDirectory() as folder:
            row["plain"] = _run(task("plain", folder))
            row["studio"] = _run(task("studio", folder))
            if window:
                kept = truths / f"turn-{model.stem}-{side}-{window}-{bpy.app.version_string}"
                for way in ("truth", "clean truth"):
                    if not (kept / way).is_dir():
                        (kept / f"{way} part").mkdir(parents=True, exist_ok=True)
                        _run(task(way, str(kept / f"{way} part")))
                        (kept / f"{way} part").rename(kept / way)
                row["likeness"] = likeness(Path(folder), kept / "truth", kept / "clean truth", window)
        _print(row)
        rows.append(row)
    return rows


def likeness(studio: Path, truth: Path, clean: Path, window: float) -> dict[str, float]:
    """SSIM and PSNR of the frames, and how much the product moves in them compared with the truth, 1 for equally."""
    frames, truths, cleans = (
        [np.load(path) for path in sorted(folder.glob("*.npy"))[:2]] for folder in (studio, truth, clean)
    )
    found = [compare(one, other, window) for one, other in zip(frames, truths, strict=True)]
    inside = inside_window(truths[0], window) & inside_window(truths[1], window)

    def movement(pair: list[Any]) -> float:
        first, second = (on_white(item.astype(np.float64)) for item in pair)
        return float(np.abs(first - second)[inside].mean())

    return {
        "ssim": statistics.fmean(one["ssim"] for one in found),
        "psnr": statistics.fmean(one["psnr"] for one in found),
        "movement": movement(frames) / movement(cleans),
    }


def work(task: VideoTask) -> dict[str, Any]:
    """In the process of one measurement."""
    with open_session(Path(task.model), resolution=square(task.side), device=task.device, name="") as session:
        session.light(rigs.SOFTBOX)
        turn = session.turn_framing(video.ELEVATION)
        if task.way == "plain":
            return _plain(session, turn, task)
        if task.way == "studio":
            return _split(session, turn, task)
        return _truth(session, turn, task)


def _split(session: Session, turn: Framing, task: VideoTask) -> dict[str, Any]:
    renderer, side, frames = session._renderer, square(task.side), range(FIRST, FIRST + task.frames)
    cycles, render = present(session.scene.cycles), present(session.scene.render)
    pixels = round(task.side * SHADOW_SHARE)
    renderer.ground_shadow(1.0, VIDEO, pixels=pixels)  # As after the first.
    shadow = _median(
        lambda frame: renderer.ground_shadow(video.azimuth_of(frame, video.FRAMES), VIDEO, pixels=pixels),
        frames,
    )
    ground = renderer.ground_shadow(video.azimuth_of(FIRST, video.FRAMES), VIDEO, pixels=pixels)
    shots = {}

    def shoot(frame: int) -> None:
        shots[frame] = renderer.shoot_fixed(turn, video.azimuth_of(frame, video.FRAMES), VIDEO, side, ground)

    shoot(FIRST - 1)
    whole = _median(shoot, frames)
    unwritten = _median(lambda frame: _render(renderer, turn, frame, side), frames)
    noisy = _median(lambda frame: _render(renderer, turn, frame, side, use_denoising=False), frames)

    def sync(frame: int) -> None:
        renderer._stand(turn, video.azimuth_of(frame, video.FRAMES), VIDEO, side)
        with overridden(cycles, use_denoising=False, samples=1), overridden(render, use_border=True):
            render.border_min_x = render.border_min_y = 0.5
            render.border_max_x = render.border_max_y = 0.5 + EMPTY_SIDE / task.side
            bpy.ops.render.render(scene=session.scene.name)

    empty = _median(sync, frames)
    with tempfile.TemporaryDirectory() as folder:
        files = {frame: Path(folder) / f"{frame:04}.png" for frame in frames}

        def store(frame: int) -> None:
            files[frame].write_bytes(png(compose(shots[frame].colour, shots[frame].shadow, Background.WHITE)))

        composing = _median(store, frames)
        target = Path(folder) / "turn.mp4"
        encoding = _cost(lambda: video.encode(list(files.values()), target, task.side)) * (1 / len(files))
    for frame, shot in shots.items():
        if frame >= FIRST and task.folder:
            np.save(Path(task.folder) / f"{frame:04}.npy", shot.colour)
    costs = (
        shadow * (video.SHADOWS / video.FRAMES), empty, noisy - empty, unwritten - noisy, whole - unwritten, composing, encoding,
    )  # fmt: skip
    return {part: asdict(cost) for part, cost in zip(PARTS, costs, strict=True)}


def _render(renderer: Renderer, turn: Framing, frame: int, side: Any, **settings: Any) -> None:
    """Render a frame without storing it."""
    renderer._stand(turn, video.azimuth_of(frame, video.FRAMES), VIDEO, side)
    render = present(renderer.scene.render)
    box = renderer._box(turn, video.azimuth_of(frame, video.FRAMES), side)
    render.border_min_x, render.border_max_x = box.left / side.width, box.right / side.width
    render.border_min_y, render.border_max_y = 1.0 - box.bottom / side.height, 1.0 - box.top / side.height
    with overridden(render, use_border=True), overridden(present(renderer.scene.cycles), **settings):
        bpy.ops.render.render(scene=renderer.scene.name)


def _plain(session: Session, turn: Framing, task: VideoTask) -> dict[str, Any]:
    """An animation with one key at each end of the turn, as scripts for turntables have it."""
    scene, renderer = session.scene, session._renderer
    renderer._stand(turn, 0.0, VIDEO, square(task.side))
    as_it_comes(scene, is_truth=False)
    render = present(scene.render)
    render.resolution_x = render.resolution_y = task.side
    session.product.turn(0.0)
    pivot = bpy.data.objects.new("Turn", None)
    present(scene.collection).objects.link(pivot)
    session.product.root.parent = pivot
    for frame in (0, video.FRAMES):
        pivot.rotation_euler[2] = -math.radians(video.azimuth_of(frame, video.FRAMES))
        pivot.keyframe_insert("rotation_euler", index=2, frame=frame)
    compat.set_still(scene, file_format="PNG", depth="8")
    with tempfile.TemporaryDirectory() as folder:
        render.filepath = str(Path(folder) / "frame-")
        scene.frame_start, scene.frame_end = FIRST, FIRST + 1
        return asdict(_cost(lambda: bpy.ops.render.render(animation=True, scene=scene.name)) * 0.5)


def _truth(session: Session, turn: Framing, task: VideoTask) -> dict[str, Any]:
    scene, renderer, is_clean = session.scene, session._renderer, task.way == "clean truth"
    for frame in (FIRST, FIRST + 1):
        renderer._stand(turn, video.azimuth_of(frame, video.FRAMES), VIDEO, square(task.side))
        as_it_comes(scene, is_truth=True)
        present(scene.cycles).samples, present(scene.cycles).use_denoising = TRUTH_SAMPLES, is_clean
        render = present(scene.render)
        render.resolution_x = render.resolution_y = task.side
        render_window(scene, task.window)
        compat.set_still(scene, file_format="PNG", depth="8")
        with tempfile.TemporaryDirectory() as folder:
            render.filepath = str(Path(folder) / "truth.png")
            bpy.ops.render.render(write_still=True, scene=scene.name)
            np.save(Path(task.folder) / f"{frame:04}.npy", read_pixels(Path(render.filepath)))
    return {}


def _median(action: Callable[[int], object], frames: range) -> Cost:
    costs = [_cost(lambda frame=frame: action(frame)) for frame in frames]
    return Cost(
        seconds=statistics.median(cost.seconds for cost in costs),
        processor_seconds=statistics.median(cost.processor_seconds for cost in costs),
    )


def _cost(action: Callable[[], object]) -> Cost:
    began, spent = time.monotonic(), time.process_time()
    action()
    return Cost(seconds=time.monotonic() - began, processor_seconds=time.process_time() - spent)


def _run(task: VideoTask) -> dict[str, Any]:
    """Do it in a separate process; its last line is the measurement."""
    command = [sys.executable, "-m", "benchmarks.render", "--video-task", json.dumps(asdict(task))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{task.way} of {task.model} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    facts: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return facts


def _print(row: dict[str, Any]) -> None:
    """A line for each part, by the clock and of processor time, and the sums."""
    print(f"{row['model']}, {row['side']} px, {row['device']}, median of {row['frames']} frames:")
    studio, plain = row["studio"], row["plain"]
    whole = {name: sum(studio[part][name] for part in PARTS) for name in ("seconds", "processor_seconds")}
    for name, cost in (
        *((part, studio[part]) for part in PARTS),
        ("a frame", whole),
        ("plain script", plain),
    ):
        print(f"{name:>18} {cost['seconds']:8.3f} s {cost['processor_seconds']:8.3f} s of processor time")
    ratio = plain["processor_seconds"] / whole["processor_seconds"]
    print(f"{'times faster':>18} {plain['seconds'] / whole['seconds']:8.1f}   {ratio:8.1f}")
    if found := row.get("likeness"):
        print(
            f"{'likeness':>18} SSIM {found['ssim']:.4f}, PSNR {found['psnr']:.1f} dB,"
            f" movement {found['movement']:.3f} of the truth's",
            flush=True,
        )
