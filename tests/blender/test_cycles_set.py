# SPDX-License-Identifier: GPL-3.0-or-later
"""One command makes a complete set of a model with Cycles: free, exact, complete."""

import json
import signal
import subprocess
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from tests.blender.products import corners, in_blender
from tests.blender.runs import ANGLES, WHOLE_ANGLES, Run, command, environment, make_set, sha256, tree
from tests.blender.seen import coverage, overlap, projected

SIDE = 128
CONTRACT = {"front": (0, 15), "three-quarter": (45, 25), "side": (90, 15), "top": (0, 75), "detail": (30, 5)}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, block_file: Path) -> Run:
    out = tmp_path_factory.mktemp("cycles") / "a set"
    return make_set(block_file, out=out, options=("--engine", "cycles"), resolution=SIDE)


@pytest.fixture(scope="module")
def frames(run: Run) -> np.ndarray:
    with av.open(str(run.out / "video" / "turntable.mp4")) as video:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]).astype(int)


def test_the_run_succeeds_and_its_last_line_names_the_set(run: Run):
    assert run.exit_code == 0, run.stderr
    assert run.events[0]["event"] == "started"
    assert run.events[-1] == {"event": "finished", "state": "done", "exit": 0, "set": str(run.out)}
    assert run.warnings() == []
    assert run.stderr == ""


def test_progress_counts_every_render_photo_and_frame(run: Run):
    for stage, of in (("references", 5), ("photos", 5), ("film", 120)):
        steps = [event for event in run.events if event.get("stage") == stage]
        assert [event["done"] for event in steps] == list(range(of + 1))
        assert {event["of"] for event in steps} == {of}
    renders = [event["label"] for event in run.events if event.get("stage") == "references"]
    assert renders[:5] == ["three-quarter", "front", "side", "top", "detail"]


def test_a_run_tells_the_samples_of_a_picture_and_the_remaining_time(run: Run):
    alive = [event for event in run.events if event["event"] == "working"]
    assert any(0 <= event["sample"] <= event["samples"] for event in alive if "sample" in event)
    assert any(event["eta_seconds"] > 0 for event in alive if event["task"] == "film")
    frames = [event for event in run.events if event.get("stage") == "film"]
    assert frames[-1]["eta_seconds"] == 0


def test_the_set_contains_exactly_the_files_of_the_contract(run: Run, block_file: Path):
    pictures = {f"{folder}/{name}.png" for folder in ("renders", "masks", "photos") for name in ANGLES}
    assert set(tree(run.out)) == {
        "set.json",
        "index.html",
        "model/product.glb",
        "video/turntable.mp4",
        *pictures,
    }
    assert (run.out / "model" / "product.glb").read_bytes() == block_file.read_bytes()


def test_pictures_are_square_rgb_and_masks_are_grey(run: Run):
    for name in ANGLES:
        for folder, mode in (("renders", "RGB"), ("photos", "RGB"), ("masks", "L")):
            with Image.open(run.out / folder / f"{name}.png") as picture:
                picture.load()
                assert (picture.format, picture.mode, picture.size) == ("PNG", mode, (SIDE, SIDE))


def test_renders_and_masks_are_stored_without_compression(run: Run):
    for name in ANGLES:
        assert (run.out / "renders" / f"{name}.png").stat().st_size >= SIDE * SIDE * 3
        assert (run.out / "masks" / f"{name}.png").stat().st_size >= SIDE * SIDE


def test_the_manifest_follows_its_contract(run: Run, block_file: Path):
    record = run.record
    assert record["schema"] == 1
    assert record["product"] == "Enamel Block"
    assert record["state"] == "done"
    assert set(record["tool"]) >= {"name", "version", "blender"}
    assert record["source"] == {
        "kind": "model",
        "files": [{"name": "Enamel Block.glb", "sha256": sha256(block_file)}],
    }
    assert set(record["cost"]) == {"estimate", "actual", "currency"}
    assert record["cost"]["actual"] == 0.0
    assert record["model"]["triangles"] == 12
    assert record["model"]["size_m"] == pytest.approx([0.6, 0.4, 0.75])
    assert [entry["name"] for entry in record["angles"]] == list(CONTRACT)
    for entry in record["angles"]:
        assert (entry["azimuth"], entry["elevation"]) == CONTRACT[entry["name"]]
        assert np.array(entry["camera"]["matrix_world"]).shape == (4, 4)
        assert entry["camera"]["sensor_mm"] == 36.0
        assert entry["camera"]["lens_mm"] >= 50.0
        assert set(entry["render"]) >= {"path", "sha256", "width", "height", "samples", "seconds"}
        assert (entry["render"]["width"], entry["render"]["height"]) == (SIDE, SIDE)
        assert (entry["photo"]["engine"], entry["photo"]["state"]) == ("cycles", "done")
        assert entry["mask"] == f"masks/{entry['name']}.png"
    (video,) = record["videos"]
    assert video["engine"] == "cycles"
    assert video["motion"] == "turntable"
    assert (video["seconds"], video["loop"]) == (5, True)


def test_paths_are_relative_and_hashes_match_the_files(run: Run):
    text = json.dumps(run.record)
    assert str(run.out) not in text
    assert str(run.out.parent) not in text
    entries = [run.record["model"], *run.record["videos"]]
    entries += [entry[part] for entry in run.record["angles"] for part in ("render", "photo")]
    for entry in entries:
        assert not Path(entry["path"]).is_absolute()
        assert sha256(run.out / entry["path"]) == entry["sha256"]


def test_the_page_shows_every_picture_and_the_video(run: Run):
    page = (run.out / "index.html").read_text(encoding="utf-8")
    for entry in run.record["angles"]:
        assert entry["render"]["path"] in page
        assert entry["photo"]["path"] in page
    assert "video/turntable.mp4" in page


def widened(area: np.ndarray) -> np.ndarray:
    """Grown by one pixel all around; what is outside the frame counts as area."""
    padded = np.pad(area.astype(float), 1, constant_values=1.0)
    return np.max([padded[y : y + SIDE, x : x + SIDE] for y in range(3) for x in range(3)], axis=0)


def grown(mask: np.ndarray) -> np.ndarray:
    """The mask with the pixels next to it."""
    padded = np.pad(mask, 1)
    return np.max([padded[y : y + SIDE, x : x + SIDE] for y in range(3) for x in range(3)], axis=0)


@pytest.mark.parametrize("name", ANGLES)
def test_the_mask_matches_the_camera_in_the_manifest(run: Run, name: str):
    standing = np.array(run.record["model"]["standing_matrix"])
    points = in_blender(corners()) @ standing[:3, :3].T + standing[:3, 3]
    assert points.min(axis=0)[2] == pytest.approx(0.0, abs=1e-5), "it touches the ground"
    assert np.ptp(points, axis=0).max() == pytest.approx(1.0, abs=1e-5)
    wanted = coverage(projected(points, run.angle(name)["camera"], SIDE), SIDE)
    mask = run.pixels(f"masks/{name}.png")
    assert overlap(mask > 127, wanted > 0.5) > 0.97
    # Cycles filters over a little more than a pixel: only its neighbours on the edge are mixed.
    assert mask[widened(wanted < 1.0) == 0].min() == 255, "no hole inside"
    outside = mask[widened(wanted > 0.0) == 0]
    assert not outside.size or outside.max() == 0, "nothing outside"


@pytest.mark.parametrize("name", WHOLE_ANGLES)
def test_the_product_is_complete_centred_and_fills_85_to_90_percent(run: Run, name: str):
    mask = run.pixels(f"masks/{name}.png") > 127
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    fill = max(np.ptp(rows), np.ptp(columns)) + 1
    assert 0.85 <= fill / SIDE <= 0.90
    assert run.angle(name)["fill"] == pytest.approx(fill / SIDE, abs=1e-3)
    for seen in (rows, columns):
        assert abs(seen[0] - (SIDE - 1 - seen[-1])) <= 2


def test_the_detail_is_a_close_up_of_the_product(run: Run):
    standing = np.array(run.record["model"]["standing_matrix"])
    points = in_blender(corners()) @ standing[:3, :3].T + standing[:3, 3]
    spans = {
        name: np.ptp(projected(points, run.angle(name)["camera"], SIDE), axis=0).max() for name in ANGLES
    }
    assert spans["detail"] > 1.6 * max(spans[name] for name in WHOLE_ANGLES)
    assert (run.pixels("masks/detail.png") > 127).mean() > 0.5


@pytest.mark.parametrize("folder", ["renders", "photos"])
@pytest.mark.parametrize("name", ANGLES)
def test_the_background_is_neutral_and_pure_white_at_the_borders(run: Run, folder: str, name: str):
    picture, mask = run.pixels(f"{folder}/{name}.png"), run.pixels(f"masks/{name}.png")
    # Photos have separate samples: a pixel at the edge of the mask may have caught the product there.
    mask = mask if folder == "renders" else grown(mask)
    background = picture[mask == 0]
    assert (background == background[:, :1]).all()
    bare = np.zeros_like(mask, dtype=bool)
    bare[[0, -1], :] = bare[:, [0, -1]] = True
    assert (picture[bare & (mask == 0)] == 255).all()


@pytest.mark.parametrize("folder", ["renders", "photos"])
@pytest.mark.parametrize("name", ["front", "three-quarter", "side"])
def test_the_product_stands_on_the_ground_with_a_soft_shadow(run: Run, folder: str, name: str):
    picture, mask = run.pixels(f"{folder}/{name}.png"), run.pixels(f"masks/{name}.png")
    shade = 255 - picture[..., 0].astype(int)
    shade[grown(mask) > 0] = 0
    rows = np.flatnonzero((mask > 127).any(axis=1))
    assert shade[rows[-1] - SIDE // 4 : rows[-1] + 4].max() >= 20, "a shadow at its foot"
    assert shade[: SIDE // 8].max() <= 8, "none above it"


@pytest.mark.parametrize("folder", ["renders", "photos"])
@pytest.mark.parametrize(
    ("name", "channels"), [("front", {0}), ("side", {1}), ("three-quarter", {0, 1}), ("top", {0, 1, 2})]
)
def test_each_angle_shows_the_sides_of_its_name(run: Run, folder: str, name: str, channels: set):
    """The block's front is red, its left side (seen from the side) green, its top white."""
    colours = run.pixels(f"{folder}/{name}.png")[run.pixels(f"masks/{name}.png") > 250].astype(int)
    if name == "top":
        white = (np.ptp(colours, axis=1) < 15) & (colours.min(axis=1) > 180)
        assert white.mean() > 0.25
    else:
        ordered = np.sort(colours, axis=1)
        strong = ordered[:, 2] > 1.5 * ordered[:, 1]
        shares = [(strong & (colours.argmax(axis=1) == channel)).mean() for channel in range(3)]
        assert {channel for channel in range(3) if shares[channel] > 0.15} == channels


# --- the video ----------------------------------------------------------------------------------


def test_the_video_is_square_h264_of_exactly_five_seconds(run: Run):
    with av.open(str(run.out / "video" / "turntable.mp4")) as video:
        assert [stream.type for stream in video.streams] == ["video"]
        stream = video.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert stream.average_rate == 24
        assert stream.width == stream.height == SIDE
        assert stream.frames == 120
        assert float(stream.duration * stream.time_base) == pytest.approx(5.0, abs=1e-6)


def test_the_video_has_every_frame(frames: np.ndarray):
    assert frames.shape == (120, SIDE, SIDE, 3)


def test_the_video_loops_without_a_seam(frames: np.ndarray):
    steps = np.abs(frames - np.roll(frames, -1, axis=0)).mean(axis=(1, 2, 3))
    seam, beside = steps[-1], np.concatenate((steps[:6], steps[-7:-1]))
    assert beside.min() > 0.0
    assert beside.min() * 0.5 <= seam <= beside.max() * 1.5


def test_the_product_turns_evenly_all_the_way_round(frames: np.ndarray):
    steps = np.abs(frames - np.roll(frames, -1, axis=0)).mean(axis=(1, 2, 3))
    assert steps.max() < 8.0 * np.median(steps)
    for start in (0, 30, 45):
        opposite = np.abs(frames[start] - frames[(start + 60) % 120]).mean()
        assert opposite > 3.0 * np.median(steps)


def test_the_video_shows_the_sides_in_counter_clockwise_order(frames: np.ndarray):
    """As the angles do: first the front (red), a quarter later the product's left (green)."""
    middle = frames[:, SIDE // 3 : SIDE * 2 // 3, SIDE * 2 // 5 : SIDE * 3 // 5].mean(axis=(1, 2))
    assert [int(middle[frame].argmax()) for frame in (0, 30, 60)] == [0, 1, 2]
    yellow = middle[90]
    assert yellow[2] < yellow[0]
    assert yellow[2] < yellow[1]


def test_the_whole_product_stays_in_the_video_on_white(frames: np.ndarray):
    border = np.concatenate((frames[:, 0], frames[:, -1], frames[:, :, 0], frames[:, :, -1]), axis=1)
    assert border.min() >= 245, "white except for compression noise"


# --- again --------------------------------------------------------------------------------------


def test_the_same_command_again_makes_nothing_new(run: Run, block_file: Path):
    before = tree(run.out)
    created = run.record["created"]
    again = make_set(block_file, out=run.out, options=("--engine", "cycles"), resolution=SIDE)
    assert again.exit_code == 0, again.stderr
    assert again.record["created"] == created
    after = tree(run.out)
    for name in before:
        if name not in {"set.json", "index.html"}:
            assert after[name] == before[name], name
    assert set(after) == set(before)
    everything = "Everything exists already: nothing was rendered or sent."
    assert again.index(event="note", text=everything) == len(again.events) - 2
    assert all(event["kept"] for event in again.events if event["event"] == "progress")


def test_ctrl_c_in_a_free_run_says_what_it_finishes_and_does_not_mention_money(
    tmp_path: Path, block_file: Path
):
    out, said = tmp_path / "set", []
    small = ("--resolution", 96, "--samples", 2, "--device", "cpu")
    with subprocess.Popen(
        command("set", block_file, "--out", out, *small, "--engine", "cycles"),
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line.split("] ", 1)[1].rstrip())
            if said[-1].startswith("references 1/5"):
                process.send_signal(signal.SIGINT)
    assert process.returncode == 130
    after = said[next(number for number, text in enumerate(said) if text.startswith("Stopping: ")) :]
    assert after[0].startswith("Stopping: the picture that is being rendered is finished first.")
    assert after[-2:] == [f"Stopped: {out}/index.html", f"`resume {out}` continues."]
    assert not [text for text in after if "paid" in text or "cost" in text]
    assert (out / "renders" / "three-quarter.png").is_file(), "finished pictures are kept"
