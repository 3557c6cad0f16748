# SPDX-License-Identifier: GPL-3.0-or-later
"""Products drawn with numpy for ``benchmarks.fidelity --drawn N``: hundreds of pairs without rendering. No bpy.

A product is a stack of surfaces of revolution, spheres and a tube, seen from the side without perspective: exact depth,
normals and outlines, print wrapped around, matt, glossy and metal surfaces, lit by softboxes and a room. There are no
shadows within the product and no light between its parts: the light is simpler than in Cycles' renders.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

Array = Any
WORDS = (
    "MORNING",
    "No. 12",
    "OAT & HONEY",
    "1.5 l",
    "Refill",
    "SMALL BATCH",
    "SOFT",
    "Type 4",
    "COAST",
    "AMBER",
)


@dataclass(frozen=True)
class Part:
    """A solid about the vertical line at ``middle`` (x, z): ``profile`` rows of (height, radius), in shares of the frame.

    With ``texture`` the colour is that of a picture around it, (h, w, 3) linear, turned by ``turn`` degrees.
    """

    name: str
    middle: tuple[float, float]
    profile: Array
    colour: tuple[float, float, float]
    roughness: float = 0.5
    metal: float = 0.0
    texture: Array = None
    label: tuple[float, float] = (0.0, 0.0)
    turn: float = 0.0


@dataclass(frozen=True)
class Light:
    """Softboxes as (direction, size, strength), and a room that is brighter above."""

    boxes: tuple[tuple[Array, float, float], ...]
    room: tuple[float, float]
    exposure: float = 1.0

    def radiance(self, way: Array, blur: float) -> Array:
        """(..., 3) directions to (...): radiance, softened by ``blur`` radians."""
        total = self.room[0] + (self.room[1] - self.room[0]) * np.clip(way[..., 1] * 0.5 + 0.5, 0, 1)
        for direction, size, strength in self.boxes:
            angle = np.arccos(np.clip(way @ direction, -1, 1))
            soft = 0.12 + blur
            weight = (size / (size + blur)) ** 2
            total = total + strength * weight / (1 + np.exp((angle - size) / (0.25 * soft)))
        return total


def light_of(generator: Any, *, even: bool = False) -> Light:
    """A random studio; ``even`` is that of references."""
    boxes = []
    count = 4 if even else int(generator.integers(1, 4))
    for index in range(count):
        azimuth = (-45, 60, 150, -150)[index] if even else generator.uniform(-150, 150)
        lift = (40, 25, 25, 25)[index] if even else generator.uniform(5, 75)
        a, e = np.radians(azimuth), np.radians(lift)
        way = np.array((np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)))
        size = 0.5 if even else generator.uniform(0.2, 0.7)
        boxes.append((way, size, (4.5, 2.0, 5.0, 5.0)[index] if even else generator.uniform(1.5, 8.0)))
    room = (0.6, 0.75) if even else (generator.uniform(0.25, 0.8), generator.uniform(0.4, 1.1))
    light = Light(tuple(boxes), room)
    facing = _irradiance(light, np.array([[0.0, 0.4, 0.917]]))[0]
    return replace(light, exposure=(1.0 if even else generator.uniform(0.85, 1.1)) / facing)


_SPHERE = np.random.default_rng(0).normal(size=(240, 3))
_SPHERE /= np.linalg.norm(_SPHERE, axis=1, keepdims=True)


def _irradiance(light: Light, normal: Array) -> Array:
    values = light.radiance(_SPHERE, 0.3)
    return np.clip(normal @ _SPHERE.T, 0, None) @ values * 4.0 / len(_SPHERE)


def _smooth_irradiance(light: Light, normal: Array) -> Array:
    """The irradiance through the nine lowest spherical harmonics (Ramamoorthi and Hanrahan, 2001), by a fit."""
    solved = np.linalg.lstsq(_harmonics(_SPHERE), _irradiance(light, _SPHERE), rcond=None)[0]
    return np.maximum(_harmonics(normal) @ solved, 0.0)


def _harmonics(way: Array) -> Array:
    x, y, z = way.T
    return np.stack((np.ones_like(x), x, y, z, x * y, y * z, x * z, x * x - y * y, 3 * z * z - 1), axis=-1)


@dataclass
class Buffers:
    """What is seen at each pixel."""

    depth: Array
    normal: Array
    base: Array
    rough: Array
    metal: Array
    cover: Array = field(default=None)


def draw(parts: Sequence[Part], side: int, turn: float = 0.0) -> Buffers:
    """Draw the parts; the product is turned by ``turn`` degrees about the vertical axis."""
    y, x = np.mgrid[0:side, 0:side]
    x, y = (x + 0.5) / side - 0.5, 0.5 - (y + 0.5) / side
    shape = (side, side)
    seen = Buffers(
        np.full(shape, np.inf),
        np.zeros((*shape, 3)),
        np.zeros((*shape, 3)),
        np.full(shape, 0.5),
        np.zeros(shape),
    )
    r = np.radians(turn)
    for part in parts:
        px = part.middle[0] * np.cos(r) + part.middle[1] * np.sin(r)
        pz = -part.middle[0] * np.sin(r) + part.middle[1] * np.cos(r)
        heights, radii = part.profile[:, 0], part.profile[:, 1]
        radius = np.interp(y, heights, radii, left=0, right=0)
        slope = np.gradient(
            np.interp(np.linspace(heights[0], heights[-1], 200), heights, radii),
            (heights[-1] - heights[0]) / 199,
        )
        lean = np.interp(y, np.linspace(heights[0], heights[-1], 200), slope)
        across = x - px
        inside = np.abs(across) < radius
        z = np.sqrt(np.clip(radius**2 - across**2, 0, None))
        depth = 1.0 - (pz + z)
        nearer = inside & (depth < seen.depth)
        normal = np.stack((across / np.maximum(radius, 1e-6), -lean, z / np.maximum(radius, 1e-6)), axis=-1)
        normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
        colour = np.broadcast_to(np.array(part.colour), (*shape, 3))
        if part.texture is not None:
            angle = (np.degrees(np.arctan2(across, np.maximum(z, 1e-6))) + part.turn - turn) / 360 % 1
            low, high = part.label
            height, width = part.texture.shape[:2]
            rows = np.clip(((high - y) / (high - low) * height).astype(int), 0, height - 1)
            columns = (angle * width).astype(int) % width
            on = (y > low) & (y < high)
            colour = np.where(on[..., None], part.texture[rows, columns], colour)
        seen.depth = np.where(nearer, depth, seen.depth)
        for name, value in (("normal", normal), ("base", colour)):
            setattr(seen, name, np.where(nearer[..., None], value, getattr(seen, name)))
        seen.rough = np.where(nearer, part.roughness, seen.rough)
        seen.metal = np.where(nearer, part.metal, seen.metal)
    seen.cover = np.isfinite(seen.depth)
    return seen


def shade(seen: Buffers, light: Light, rougher: float = 1.0) -> Array:
    """Linear colours (h, w, 3)."""
    chosen = seen.cover
    normal, base = seen.normal[chosen], seen.base[chosen]
    rough, metal = np.clip(seen.rough[chosen] * rougher, 0.03, 1.0), seen.metal[chosen][:, None]
    facing = normal[:, 2:3]
    mirror = 2 * facing * normal - np.array((0, 0, 1.0))
    shine = np.zeros(len(normal))
    for level in np.unique(rough):
        at = rough == level
        shine[at] = light.radiance(mirror[at], 1.2 * level)
    fresnel = 0.04 + 0.96 * (1 - np.clip(facing, 0, 1)) ** 5 * (1 - 0.7 * rough[:, None])
    diffuse = base * _smooth_irradiance(light, normal)[:, None]
    lit = (1 - metal) * (diffuse * (1 - fresnel) + fresnel * shine[:, None]) + metal * base * shine[:, None]
    picture = np.zeros((*chosen.shape, 3))
    picture[chosen] = lit * light.exposure
    return picture


def layer(
    parts: Sequence[Part], light: Light, side: int, *, turn: float = 0.0, rougher: float = 1.0
) -> tuple[Array, Buffers]:
    """uint8 (h, w, 4) and what is seen, drawn at twice the size."""
    seen = draw(parts, 2 * side, turn)
    linear = np.clip(shade(seen, light, rougher), 0, 1)
    display = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    alpha = seen.cover.astype(float)
    cover = _halved(alpha[..., None])
    colour = _halved(display * alpha[..., None]) / np.maximum(cover, 1e-6)
    return np.rint(np.concatenate((colour, cover), axis=-1) * 255).astype(np.uint8), seen


def _halved(values: Array) -> Array:
    return values.reshape(values.shape[0] // 2, 2, values.shape[1] // 2, 2, -1).mean(axis=(1, 3))


def printed(generator: Any) -> Array:
    """A picture that goes around a part: linear (512, 1536, 3)."""
    ground = generator.uniform(0.55, 0.95, 3) if generator.random() < 0.7 else generator.uniform(0.03, 0.4, 3)
    ink = generator.uniform(0.02, 0.25, 3) if ground.mean() > 0.5 else generator.uniform(0.7, 0.95, 3)
    to_bytes = lambda colour: tuple(int(255 * c) for c in colour)  # noqa: E731
    sheet = Image.new("RGB", (1536, 512), to_bytes(ground))
    pen = ImageDraw.Draw(sheet)
    for start in range(0, 1536, 512):
        middle = start + 256 - 256
        for share, size in ((0.3, 0.2), (0.55, 0.13), (0.72, 0.09), (0.85, 0.06)):
            text = WORDS[int(generator.integers(len(WORDS)))]
            pen.text(
                (middle % 1536, 512 * share),
                text,
                fill=to_bytes(ink),
                font=ImageFont.load_default(512 * size),
                anchor="mm",
            )
        pen.rectangle((start, 12, start + 511, 26), fill=to_bytes(generator.uniform(0.1, 0.9, 3)))
    values = np.asarray(sheet) / 255.0
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def product(generator: Any) -> list[Part]:
    """A bottle, jar, lamp or toy: a body with print or without, a neck, a cap, knobs, a handle."""
    g = generator
    width, top, low = g.uniform(0.12, 0.26), g.uniform(0.05, 0.22), -0.40
    heights = np.linspace(low, top, 40)
    t = (heights - low) / (top - low)
    body = width * (1 + g.uniform(-0.25, 0.25) * np.sin(t * g.uniform(2, 6) + g.uniform(0, 3)))
    body *= np.clip(np.minimum(t, 1 - t) * 14 + 0.55, 0, 1) ** 0.5
    style = g.random()
    metal = float(style < 0.2)
    level = g.choice([0.02, 0.8, -1.0], p=[0.15, 0.3, 0.55])
    colour = tuple(g.uniform(0.05, 0.8, 3)) if level < 0 else (level, level * 0.98, level * 0.96)
    colour = tuple(g.uniform(0.5, 0.9, 3)) if metal else colour
    parts = [Part("body", (0.0, 0.0), np.column_stack((heights, body)), colour, g.uniform(0.08, 0.7), metal)]
    if g.random() < 0.65:
        span = sorted(g.uniform(low + 0.04, top - 0.03, 2))
        if span[1] - span[0] > 0.12:
            parts[0] = replace(parts[0], texture=printed(g), label=(span[0], span[1]), metal=0.0)
    neck = width * g.uniform(0.25, 0.9)
    reach = g.uniform(0.06, 0.16)
    cap = np.array(
        ((top - 0.01, neck), (top + reach, neck * g.uniform(0.6, 1.0)), (top + reach + 0.004, 0.0))
    )
    parts.append(
        Part(
            "cap",
            (0.0, 0.0),
            cap,
            tuple(g.uniform(0.1, 0.9, 3)),
            g.uniform(0.1, 0.6),
            float(g.random() < 0.4),
        )
    )
    for index in range(int(g.integers(1, 5))):
        angle, height, size = g.uniform(-1.4, 1.4), g.uniform(low + 0.06, top - 0.05), g.uniform(0.022, 0.055)
        out = float(np.interp(height, heights, body))
        parts.append(
            ball(
                f"knob {index}",
                (out * np.sin(angle), height, out * np.cos(angle)),
                size,
                tuple(g.uniform(0.05, 0.9, 3)),
                g.uniform(0.1, 0.7),
            )
        )
    if g.random() < 0.5:
        side, middle = (1 if g.random() < 0.5 else -1), (low + top) / 2
        for step in np.linspace(-1.3, 1.3, 22):
            x = side * (width * 0.92 + 0.09 * np.cos(step))
            parts.append(
                ball("handle", (x, middle + 0.13 * np.sin(step), 0.0), 0.02, colour, parts[0].roughness)
            )
    return parts


def ball(name: str, middle: tuple[float, float, float], radius: float, colour: Any, roughness: float) -> Part:
    turn = np.linspace(-np.pi / 2, np.pi / 2, 40)
    profile = np.column_stack((middle[1] + radius * np.sin(turn), radius * np.cos(turn)))
    return Part(name, (middle[0], middle[2]), profile, tuple(colour), roughness)


def changed(parts: Sequence[Part], g: Any) -> dict[str, tuple[list[Part], float]]:
    """Defects: the parts, and how far the product is turned."""
    names = sorted({part.name for part in parts} - {"body"})
    pick, other = names[int(g.integers(len(names)))], names[int(g.integers(len(names)))]
    body = parts[0]
    shift = g.uniform(0.03, 0.09) * (1 if g.random() < 0.5 else -1)

    def moved(part: Part) -> Part:
        return replace(part, profile=part.profile + np.array((shift, 0.0)))

    heights = body.profile[:, 0]
    dent = 1 - 0.22 * np.exp(-(((heights - g.uniform(-0.3, 0.0)) / 0.035) ** 2))
    wave = 1 + 0.09 * np.sin(heights * g.uniform(30, 60))
    spot = g.uniform(-0.32, 0.0)
    out, angle = float(np.interp(spot, heights, body.profile[:, 1])), g.uniform(-1.2, 1.2)
    extra = ball(
        "extra",
        (out * np.sin(angle), spot, out * np.cos(angle)),
        g.uniform(0.025, 0.06),
        body.colour,
        body.roughness,
    )

    def with_body(factor: Array) -> list[Part]:
        return [replace(body, profile=np.column_stack((heights, body.profile[:, 1] * factor))), *parts[1:]]

    return {
        "removed:0": ([part for part in parts if part.name != pick], 0.0),
        "moved:0": ([moved(part) if part.name == other else part for part in parts], 0.0),
        "added:0": ([*parts, extra], 0.0),
        "dented:0": (with_body(dent), 0.0),
        "molten:0": ([replace(p, profile=p.profile * np.array((1, 1))) for p in with_body(wave)], 0.0),
        **{
            f"turned:{angle:g}": (list(parts), angle)
            for angle in (float(np.round(g.uniform(3, 5), 1)), float(np.round(g.uniform(5, 9), 1)))
        },
    }


def write_drawn(seed: int, target: Path, side: int) -> None:
    """All layers of a product, as ``benchmarks.fidelity_renders`` keeps them."""
    g = np.random.default_rng(seed)
    parts = product(g)
    flat = np.zeros((side, side), np.float16)
    even = light_of(g, even=True)
    picture, seen = layer(parts, even, side)
    half = slice(None, None, 2)
    depth, normal = seen.depth[half, half], seen.normal[half, half]
    kept: dict[str, Any] = {
        "render": picture, "mask": picture[..., 3], "depth": depth.astype(np.float32),
        "normal": np.where(seen.cover[half, half][..., None], normal, (0, 0, 1)).astype(np.float16),
        "base": _halved(seen.base).astype(np.float16),
    }  # fmt: skip
    lights = [light_of(g) for _ in range(4)]
    for index in range(2):
        kept[f"relit:{index}"] = layer(parts, lights[index], side, rougher=(0.8, 1.25)[index])[0]
        rougher = float(g.uniform(0.75, 1.35))
        kept[f"good:{index}:other"] = layer(parts, lights[2 + index], side, rougher=rougher)[0]
    shares = {}
    for name, (made, turn) in changed(parts, g).items():
        bad, other = layer(made, even, side, turn=turn)
        with np.errstate(invalid="ignore"):
            different = (other.cover != seen.cover) | (np.abs(other.depth - seen.depth) > 0.004)
        different |= (other.normal * seen.normal).sum(axis=-1) < 0.93
        different |= np.abs(other.base - seen.base).max(axis=-1) > 0.15
        shares[name] = float(different[seen.cover | other.cover].mean())
        if name.split(":")[0] in ("removed", "dented", "added"):
            kept[f"{name}:same"] = bad
        kept[f"{name}:other"] = layer(made, lights[2 + int(g.integers(2))], side, turn=turn)[0]
    layers = [key for key, value in kept.items() if value.ndim == 3 and value.dtype == np.uint8]
    kept |= {f"{key}/shadow": flat for key in layers}
    background = ("white", "white", "white", "white", "grey", "black")[seed % 6]
    names = sorted(shares)
    np.savez(
        target,
        **kept,
        names=np.array(names),
        shares=np.array([shares[n] for n in names]),
        background=np.array(background),
    )


def drawn_names(count: int, cache: Path, side: int, first: int) -> list[str]:
    """Draw ``count`` products that are not in the cache yet; their names."""
    cache.mkdir(parents=True, exist_ok=True)
    names = []
    for seed in range(first, first + count):
        name = f"drawn-{seed}"
        names.append(name)
        if not (cache / f"{name}-{side}.npz").exists():
            write_drawn(seed, cache / f"{name}-{side}.npz", side)
    return names
