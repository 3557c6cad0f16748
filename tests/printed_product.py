# SPDX-License-Identifier: GPL-3.0-or-later
"""A printed product in numpy: a bottle with a label and a carton beside it, under any light, with exact passes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from photoreal_set.imaging.compose import to_display

Array = Any
FINE = 3  # Samples of a pixel in each direction.
PAPER, INK, GREEN, CARD = (0.80, 0.79, 0.76), (0.02, 0.02, 0.03), (0.05, 0.22, 0.10), (0.45, 0.30, 0.16)
_DISPLAY = to_display(np.linspace(0.0, 1.0, 1 << 14)).astype(np.float32)
TEXT = ("TEA No 5", "BLACK 250")


@dataclass(frozen=True)
class Light:
    """Where the light comes from, its colour, the light from everywhere, and the strength of a highlight."""

    towards: tuple[float, float, float] = (-0.4, 0.5, 0.77)
    colour: tuple[float, float, float] = (0.75, 0.75, 0.75)
    ambient: tuple[float, float, float] = (0.25, 0.25, 0.25)
    gloss: float = 0.15


@dataclass(frozen=True)
class View:
    """Display values uint8 (h, w, 3), coverage uint8 (h, w), depth, unit normals, and the linear base colour."""

    picture: Array
    mask: Array
    depth: Array
    normal: Array
    base_colour: Array
    light: Array  # Linear light on the surface, (h, w, 3).


def view(size: int, light: Light | None = None, *, lines: Sequence[str] = TEXT, ground: float = 1.0) -> View:
    """The product on a plain ground of the linear value ``ground``."""
    side = size * FINE
    depth, normal, plain, bottle = _surfaces(side)
    inside = np.isfinite(depth)
    base = np.where(bottle[..., None], _printed(side, lines), plain)
    light = light or Light()
    towards = np.array(light.towards, dtype=np.float32) / np.float32(np.linalg.norm(light.towards))
    half = towards + np.array((0.0, 0.0, 1.0), dtype=np.float32)
    half /= np.linalg.norm(half)
    facing = np.clip(normal @ towards, 0.0, None)[..., None]
    shade = np.array(light.ambient, np.float32) + facing * np.array(light.colour, np.float32)
    gleam = np.clip(normal @ half, 0.0, 1.0)[..., None] ** 40
    shine = light.gloss * gleam * np.array(light.colour, np.float32)
    middle = slice(FINE // 2, None, FINE)
    linear = np.clip(np.where(inside[..., None], base * shade + shine, np.float32(ground)), 0.0, 1.0)
    lit = _DISPLAY[np.rint(linear * (len(_DISPLAY) - 1)).astype(np.uint16)]
    return View(
        _bytes(_reduced(lit)),
        _bytes(_reduced(inside.astype(float))),
        np.where(inside, depth, np.inf)[middle, middle],
        np.where(inside[..., None], normal, (0.0, 0.0, 1.0))[middle, middle],
        _reduced(np.where(inside[..., None], base, 0.0)),
        shade[middle, middle],
    )


def on_ground(seen: View, ground: Array) -> View:
    """The same view with another ground: display values, uint8 (h, w, 3)."""
    share = seen.mask[..., None] / 255.0
    product = seen.picture - 255.0 * (1.0 - share)
    return replace(seen, picture=_bytes((product + ground * (1.0 - share)) / 255.0))


def photographed(seen: View, *, shift: int = 1, blur: float = 0.6) -> Array:
    """The picture as an image model returns it: not quite in its place, and soft. uint8 (h, w, 3)."""
    soft = np.asarray(Image.fromarray(seen.picture).filter(ImageFilter.GaussianBlur(blur)))
    return np.pad(soft, ((shift, 0), (shift, 0), (0, 0)), mode="edge")[: len(soft), : len(soft)]


def sloping_ground(size: int, colour: tuple[float, float, float] = (150.0, 125.0, 95.0)) -> Array:
    """Display values of a table that is brighter to the right: uint8 (h, w, 3)."""
    slope = np.linspace(-25.0, 25.0, size)[None, :, None] + np.linspace(-10.0, 10.0, size)[:, None, None]
    return np.clip(np.array(colour) + slope, 0, 255).astype(np.uint8)


@lru_cache(maxsize=4)
def _surfaces(side: int) -> tuple[Array, Array, Array, Array]:
    """Depth, normals, the linear base colour without print, and which samples show the bottle."""
    y, x = (np.mgrid[0:side, 0:side].astype(np.float32) + 0.5) / side
    depth = np.full((side, side), np.inf, dtype=np.float32)
    normal, base = np.zeros((2, side, side, 3), dtype=np.float32)
    across = (x - 0.40) / 0.26
    bottle = (np.abs(across) < 1.0) & (y > 0.10) & (y < 0.88)
    height = np.sqrt(np.clip(1.0 - across**2, 0.0, 1.0))
    depth[bottle] = (2.0 - 0.26 * height)[bottle]
    normal[bottle] = np.stack((across, 0.0 * x, height), axis=-1)[bottle]
    for left, right, tilt in ((0.58, 0.74, -0.6), (0.74, 0.90, 0.6)):
        face = (x > left) & (x < right) & (y > 0.52) & (y < 0.92)
        depth[face] = (1.6 + np.abs(x - 0.74) * 0.75)[face]
        normal[face] = (tilt, 0.0, 0.8)
        base[face] = CARD
        base[face & (y > 0.66) & (y < 0.70)] = PAPER
        bottle &= ~face
    return depth, normal, base, bottle


def _printed(side: int, lines: Sequence[str]) -> Array:
    """The bottle's colour with a label, as seen: linear, (side, side, 3)."""
    sheet = Image.new("L", (side, side), 0)
    pen = ImageDraw.Draw(sheet)
    box = [round(share * side) for share in (0.20, 0.36, 0.60, 0.66)]
    pen.rectangle(box, fill=128)
    font = ImageFont.load_default(round((box[3] - box[1]) / (len(lines) + 0.6) * 0.62))
    for row, line in enumerate(lines):
        top = box[1] + (box[3] - box[1]) * (row + 0.5) / len(lines)
        pen.text(((box[0] + box[2]) / 2, top), line, font=font, fill=255, anchor="mm")
    share = np.asarray(sheet, dtype=np.float32)[..., None]
    paper = np.where(share >= 128, np.array(PAPER, np.float32), np.array(GREEN, np.float32))
    ink = np.clip((share - 128.0) / 127.0, 0.0, 1.0)
    return paper * (1.0 - ink) + np.array(INK, np.float32) * ink


def _reduced(values: Array) -> Array:
    side = len(values) // FINE
    return values.reshape(side, FINE, side, FINE, -1).mean(axis=(1, 3)).squeeze()


def _bytes(values: Array) -> Array:
    return np.clip(np.rint(values * 255.0), 0, 255).astype(np.uint8)
