# SPDX-License-Identifier: GPL-3.0-or-later
"""Videos by Cycles: full turns, no flicker, the colours of their frames."""

import itertools
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest

from photoreal_set.imaging.choices import FRAMES_PER_SECOND
from photoreal_set.imaging.provenance import Provenance, SourceType, source_type_of
from photoreal_set.optics import rigs
from photoreal_set.optics.framing import Framing
from photoreal_set.optics.sizes import Size, square
from photoreal_set.photo_set.prompts import DETAIL_REVEAL, LIGHT_SWEEP, MOTIONS
from photoreal_set.photo_set.provenance import finished
from photoreal_set.studio import video
from photoreal_set.studio.quality import Quality
from photoreal_set.studio.session import Session
from photoreal_set.studio.video import (
    FRAMES,
    Format,
    azimuth_of,
    between,
    encode,
    frame_side,
    loops,
    sweep_light,
)
from tests.blender.products import ball, textured_block

QUICK = Quality(name="quick", samples=4)


def test_a_turn_is_complete_in_equal_steps():
    turns = [azimuth_of(frame, FRAMES) for frame in range(FRAMES + 1)]
    assert turns[0] == 0.0
    assert turns[-1] == 360.0
    assert np.diff(turns) == pytest.approx(3.0)
    assert (FRAMES, FRAMES_PER_SECOND) == (120, 24)


@pytest.mark.parametrize(
    ("resolution", "side"),
    [((64, 64), 64), ((65, 65), 64), ((720, 720), 720), ((1024, 1280), 720), ((8192, 101), 100)],
)
def test_a_video_has_an_even_side_of_at_most_720(resolution: tuple[int, int], side: int):
    assert frame_side(Size(*resolution)) == side


def test_a_video_keeps_the_colours_of_its_frames(scene, tmp_path: Path):
    import av
    from PIL import Image

    colours = [(255, 255, 255), (200, 40, 40), (127, 127, 127), (30, 60, 160)]
    paths = []
    for number, colour in enumerate(colours * 6):
        paths.append(tmp_path / f"{number:04}.png")
        Image.new("RGB", (64, 64), colour).save(paths[-1])
    scenes = len(bpy.data.scenes)
    encode(paths, tmp_path / "turn.mp4", 64)
    assert len(bpy.data.scenes) == scenes
    with av.open(str(tmp_path / "turn.mp4")) as video_file:
        frames = [frame.to_ndarray(format="rgb24") for frame in video_file.decode(video=0)]
    assert len(frames) == 24
    for frame, colour in zip(frames, colours * 6, strict=True):
        assert frame.reshape(-1, 3).mean(axis=0) == pytest.approx(colour, abs=8)


def test_a_video_with_alpha_keeps_colour_and_alpha(scene, tmp_path: Path):
    import av
    from PIL import Image

    colours = [(200, 40, 40, 255), (30, 60, 160, 255), (0, 0, 0, 0)]
    paths = []
    for number, colour in enumerate(colours * 4):
        paths.append(tmp_path / f"{number:04}.png")
        Image.new("RGBA", (64, 64), colour).save(paths[-1])
    encode(paths, tmp_path / "turn.webm", 64)
    decoder = av.CodecContext.create("libvpx-vp9", "r")  # The usual decoder of FFmpeg drops the alpha.
    with av.open(str(tmp_path / "turn.webm")) as video_file:
        decoded = [frame for packet in video_file.demux(video=0) for frame in decoder.decode(packet)]
    frames = [frame.to_ndarray(format="rgba") for frame in decoded]
    assert len(frames) == 12
    for frame, colour in zip(frames, colours * 4, strict=True):
        assert frame.reshape(-1, 4).mean(axis=0) == pytest.approx(colour, abs=8)


def test_prores_keeps_colour_and_alpha_and_both_videos_with_alpha_say_how_they_were_made(
    scene, tmp_path: Path
):
    import av
    from PIL import Image

    colours = [(200, 40, 40, 255), (40, 160, 60, 128), (0, 0, 0, 0)]
    paths = []
    for number, colour in enumerate(colours * 4):
        paths.append(tmp_path / f"{number:04}.png")
        Image.new("RGBA", (64, 64), colour).save(paths[-1])
    made = Provenance(source_type=SourceType.RENDER, tool="Photoreal Set 1.0")
    assert video.can_write_prores()
    encode(paths, tmp_path / "turn.mov", 64)
    (tmp_path / "turn.mov").write_bytes(finished((tmp_path / "turn.mov").read_bytes(), made, "turn.mov"))
    with av.open(str(tmp_path / "turn.mov")) as video_file:
        codec = video_file.streams.video[0].codec_context
        assert (codec.name, codec.codec_tag) == ("prores", "ap4h"), "ProRes 4444"
        decoded = list(video_file.decode(video=0))
    assert len(decoded) == 12
    for frame, colour in zip(decoded, colours * 4, strict=True):
        shown = frame.reformat(format="rgba", src_colorspace="ITU709").to_ndarray()
        assert shown.reshape(-1, 4).mean(axis=0) == pytest.approx(colour, abs=8)
    assert source_type_of((tmp_path / "turn.mov").read_bytes()) == "digitalCreation"
    encode(paths, tmp_path / "turn.webm", 64, note=made.note)
    with av.open(str(tmp_path / "turn.webm")) as video_file:
        assert video_file.metadata["NOTE"] == made.note
        assert set(video_file.metadata) == {"NOTE", "ENCODER"}, "no date, and nothing about the scene"
    assert source_type_of((tmp_path / "turn.webm").read_bytes()) == "digitalCreation"


def test_a_video_that_cannot_be_written_leaves_no_file(scene, tmp_path: Path):
    from PIL import Image

    from photoreal_set.messages.errors import PhotorealError

    Image.new("RGB", (64, 64)).save(tmp_path / "0000.png")
    (tmp_path / "turn.mp4").mkdir()
    with pytest.raises((PhotorealError, OSError)):
        encode([tmp_path / "0000.png"], tmp_path / "turn.mp4", 64)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0000.png", "turn.mp4"]


def test_all_motions_of_the_command_line_can_be_rendered(scene, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(video, "SHADOWS", 2)
    session = Session(
        scene, textured_block().write(tmp_path / "block.glb"), resolution=square(64), device="cpu"
    )
    session.light(rigs.SOFTBOX)
    for motion in MOTIONS:
        shots = list(session.video_shots(motion, QUICK, Format(frames=3, side=64)))
        assert len(shots) == 3
        pictures = [shot.colour.astype(int) for shot in shots]
        assert all(picture.shape == (64, 64, 4) for picture in pictures)
        assert np.abs(pictures[1] - pictures[0]).mean() > 0.5, f"{motion} moves"


def test_the_light_is_restored_after_a_sweep(scene, block_file: Path, monkeypatch):
    monkeypatch.setattr(video, "SHADOWS", 1)
    session = Session(scene, block_file, resolution=square(64), device="cpu")
    session.light(rigs.SOFTBOX)
    before = {item.name for item in bpy.data.lights}
    list(session.video_shots(LIGHT_SWEEP, QUICK, Format(frames=2, side=64)))
    assert {item.name for item in bpy.data.lights} == before
    assert session._renderer.studio.rig == rigs.SOFTBOX


def test_a_sweep_starts_and_ends_in_the_dark():
    (_first, start), (_last, end) = sweep_light(0.0), sweep_light(1.0)
    assert start == pytest.approx(0.0, abs=1e-9)
    assert end == pytest.approx(0.0, abs=1e-9)
    steps = [sweep_light(frame / FRAMES) for frame in range(FRAMES)]
    azimuths = [area.azimuth for area, _radiance in steps]
    assert np.diff(azimuths) == pytest.approx(np.full(FRAMES - 1, azimuths[1] - azimuths[0])), "an even pace"
    assert [loops(motion) for motion in (LIGHT_SWEEP, DETAIL_REVEAL)] == [True, False]


def test_the_camera_moves_from_one_view_to_the_other():
    first = Framing(matrix=np.eye(4), lens_mm=50.0, near=0.1, far=10.0)
    last = replace(
        first, matrix=np.array([[0, -1, 0, 2], [1, 0, 0, 0], [0, 0, 1, 4], [0, 0, 0, 1.0]]), lens_mm=200.0
    )
    assert between(first, last, 0.0).matrix == pytest.approx(first.matrix)
    assert between(first, last, 1.0).matrix == pytest.approx(last.matrix, abs=1e-6)
    half = between(first, last, 0.5)
    assert half.lens_mm == pytest.approx(100.0), "as much closer in each half"
    assert half.matrix[:3, 3] == pytest.approx((1.0, 0.0, 2.0))
    assert half.matrix[:3, :3] @ half.matrix[:3, :3].T == pytest.approx(np.eye(3), abs=1e-6)


def test_unchanged_areas_do_not_flicker(scene, tmp_path: Path, monkeypatch):
    """A plain ball on a turntable looks the same in every frame."""
    monkeypatch.setattr(video, "SHADOWS", 2)
    glb = ball(baseColorFactor=[0.5, 0.2, 0.1, 1.0], roughnessFactor=0.4)
    session = Session(scene, glb.write(tmp_path / "ball.glb"), resolution=square(96), device="cpu")
    session.light(rigs.SOFTBOX)
    shots = session.video_shots("turntable", replace(QUICK, samples=8), Format(frames=4, side=96))
    pictures = [shot.colour.astype(float) for shot in shots]
    inside = np.min([picture[..., 3] for picture in pictures], axis=0) == 255
    for earlier, later in itertools.pairwise(pictures):
        assert np.abs(later - earlier)[inside].mean() < 1.5
