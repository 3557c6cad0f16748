# SPDX-License-Identifier: GPL-3.0-or-later
"""The film look is subtle and does not change white, black and alpha; previews are animated and loop."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photoreal_set.imaging.animation import EVERY, SIDE, preview_of
from photoreal_set.imaging.choices import Preview
from photoreal_set.imaging.film_look import with_film_look


def ramp() -> Image.Image:
    levels = np.tile(np.arange(256, dtype=np.uint8), (64, 1))
    return Image.fromarray(np.stack([levels] * 3, axis=-1), "RGB")


def test_white_and_black_stay_pure():
    seen = np.asarray(with_film_look(ramp(), seed=1))
    assert (seen[:, 255] == 255).all()
    assert (seen[:, 0] == 0).all()


def test_the_look_is_subtle_and_neutral():
    seen = np.asarray(with_film_look(ramp(), seed=1)).astype(int)
    before = np.asarray(ramp()).astype(int)
    assert np.abs(seen.mean(axis=0) - before[0]).max() < 6
    assert 0.5 < (seen - seen.mean(axis=0))[:, 128].std() < 5.0
    assert (np.ptp(seen, axis=-1) == 0).all(), "grain has no colour"


def test_the_same_seed_gives_the_same_grain():
    first, again, other = (np.asarray(with_film_look(ramp(), seed=seed)) for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


def test_alpha_is_kept():
    picture = ramp().convert("RGBA")
    picture.putalpha(ramp().convert("L"))
    seen = with_film_look(picture, seed=1)
    assert seen.mode == "RGBA"
    assert list(seen.getchannel("A").tobytes()) == list(picture.getchannel("A").tobytes())


@pytest.mark.parametrize("kind", Preview)
def test_a_preview_is_small_animated_and_loops(tmp_path: Path, kind: Preview):
    frames = []
    for index in range(24):
        frames.append(tmp_path / f"{index:04}.png")
        picture = Image.new("RGB", (480, 480), "white")
        picture.paste((30, 60 + index * 6, 160), (index * 10, 100, index * 10 + 120, 300))
        picture.save(frames[-1])
    (tmp_path / f"film.{kind}").write_bytes(preview_of(frames, 24, kind))
    with Image.open(tmp_path / f"film.{kind}") as preview:
        assert preview.format == kind.upper()
        assert preview.size == (SIDE, SIDE)
        assert preview.n_frames == len(frames) // EVERY
        assert preview.info["loop"] == 0
        shown = []
        for index in range(preview.n_frames):
            preview.seek(index)
            shown.append(np.asarray(preview.convert("RGB")).astype(int))
    for index, picture in enumerate(shown):
        with Image.open(frames[index * EVERY]) as frame:
            wanted = np.asarray(frame.resize((SIDE, SIDE), Image.Resampling.LANCZOS)).astype(int)
        assert np.abs(picture - wanted).mean() < 4, "each shows its own frame"


@pytest.mark.parametrize("ground", [255, 127])
def test_a_soft_shadow_has_no_edges_in_a_gif(tmp_path: Path, ground: int):
    side = 360
    across = np.linspace(0.0, 1.0, side)
    noise = np.random.default_rng(1).integers(0, 256, (side // 2, side, 3))
    frames = []
    for index in range(4):
        picture = np.repeat((ground * (1.0 - 0.5 * across))[None, :, None], side, axis=0).repeat(3, axis=2)
        picture[: side // 2] = noise  # A product of many colours, which would take the whole palette.
        frames.append(tmp_path / f"{index}.png")
        Image.fromarray(picture.astype(np.uint8)).save(frames[-1])
    (tmp_path / "film.gif").write_bytes(preview_of(frames, 24, Preview.GIF))
    with Image.open(tmp_path / "film.gif") as preview:
        row = np.asarray(preview.convert("RGB")).astype(int)[-10, :, 1]
    steps = np.abs(np.diff(row))
    assert steps.max() <= 8 and len(np.unique(row)) >= 14
