# SPDX-License-Identifier: GPL-3.0-or-later
"""Pairs for ``benchmarks.fidelity``: simulated photos, good and bad, from the renders of a product. No bpy.

Good and bad photos pass the same chain: another ground and shadow, exposure, tone, saturation, a slight cast, sharpening or
blur, grain, a wander of a thousandth of the frame, another size, JPEG or WebP.
"""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from command_line.bootstrap import load_package

load_package()

from photoreal_set.imaging import compose  # noqa: E402
from photoreal_set.imaging.choices import Background  # noqa: E402
from photoreal_set.imaging.fidelity.colour import ciede2000, to_lab  # noqa: E402
from photoreal_set.imaging.fidelity.planes import linear_light, soft  # noqa: E402
from photoreal_set.imaging.fidelity.windows import window_mean  # noqa: E402

Array = Any
PRINT_SIDE = (
    384  # Pixels in which print is found and changed, so that defects of large pictures are as large.
)
MIN_VISIBLE = 0.012  # Of 1: the least mean difference of a mirrored or bent product; less can hardly be seen.


@dataclass
class Pair:
    """A simulated photo. ``kind`` is "good" or the defect, ``size`` how large the defect is (%, degrees, ΔE, % of the
    area). ``light``: same, or other. ``chain``: what good photos are grouped by. ``truth``: render to photo, frame units."""

    product: str
    kind: str
    size: float
    light: str
    picture: Image.Image
    chain: str = ""
    truth: Array = None
    facts: dict[str, Any] = field(default_factory=dict)


def to_display(linear: Array) -> Array:
    return compose.to_display(np.clip(linear, 0.0, 1.0))


class Photographer:
    """Makes the pairs of one product from its cached renders."""

    def __init__(self, name: str, kept: Mapping[str, Any], others: Mapping[str, Any], seed: int) -> None:
        self.name, self.kept, self.others = name, kept, others
        self.generator = np.random.default_rng(seed)
        self.background = Background(str(kept["background"]))
        self.base = kept["base"].astype(np.float32)
        self.mask = kept["mask"].astype(np.float32) / 255.0
        self.shares = dict(zip([str(n) for n in kept["names"]], kept["shares"].tolist(), strict=True))
        self.good = [f"good:{index}:other" for index in range(2)]

    def picture(self, layer: str) -> Image.Image:
        """The reference as the pipeline composes it."""
        colour, shadow, through = self._layers(layer)
        return compose.compose(colour, shadow, self.background, through)

    def _layers(self, layer: str, kept: Any = None) -> tuple[Array, Array, Array | None]:
        kept = self.kept if kept is None else kept
        through = kept[f"{layer}/through"].astype(np.float32) if f"{layer}/through" in kept else None
        return kept[layer], kept[f"{layer}/shadow"].astype(np.float32), through

    def pairs(self) -> Iterator[Pair]:
        yield from self._good_pairs()
        yield from self._moved_pairs()
        yield from self._rendered_pairs()
        yield from self._colour_pairs()
        yield from self._print_pairs()
        yield from self._ground_pairs()

    def _light(self) -> str:
        return self.good[int(self.generator.integers(2))]

    def _finish(
        self,
        kind: str,
        size: float,
        light: str,
        layers: Any,
        *,
        truth: Any = None,
        ground: Any = None,
        **chain: Any,
    ) -> Pair:
        picture, told, moved = self.chain(layers, ground=ground, **chain)
        whole = compose_affine(truth, moved) if truth is not None else moved
        return Pair(self.name, kind, size, light, picture, told, whole)

    def _good_pairs(self) -> Iterator[Pair]:
        for layer in self.good:
            for chain in ("plain", "tone", "file"):
                yield self._finish("good", 0.0, "other", self._layers(layer), only=chain)
        for chain in ("plain", "all", "all"):
            yield self._finish("good", 0.0, "same", self._layers("render"), only=chain)
        yield self._finish("good", 0.0, "other", self._layers(self.good[0]), only="focus")

    def _moved_pairs(self) -> Iterator[Pair]:
        g = self.generator

        def sign() -> float:
            return 1.0 if g.random() < 0.5 else -1.0

        for size in (1.3, 2.5, 4.0, 8.0):
            turn = g.uniform(0, 6.28)
            shift = (size / 100 * np.cos(turn), size / 100 * np.sin(turn))
            yield self._warped("shift", size, affine(shift=shift))
        for size in (1.3, 2.5, 4.0, 9.0):
            yield self._warped("zoom", size, affine(scale=1.0 + size / 100 * sign()))
        for size in (1.3, 2.5, 4.5):
            yield self._warped("roll", size, affine(turn=size * sign()))
        for size in (2.5, 4.0, 7.0):
            stretch = np.eye(2)
            axis = int(g.random() < 0.5)
            stretch[axis, axis] += size / 100 * sign()
            yield self._warped("stretch", size, np.column_stack((stretch, (0.0, 0.0))))
        for size in (3.0, 4.5, 8.0):
            light = self._light()
            layers = self._layers(light)
            bent = [None if one is None else bend(one, size / 100 * sign()) for one in layers]
            yield self._finish("bent", size, "other", tuple(bent))
        light = self._light()
        flipped = tuple(None if one is None else one[:, ::-1] for one in self._layers(light))
        change = (
            np.abs(flipped[0].astype(float) - self._layers(light)[0]).mean()
            / 255
            / max(0.02, self.mask.mean())
        )
        if change > 4 * MIN_VISIBLE:
            yield self._finish("mirrored", round(100 * change), "other", flipped)
        names = [name for name in self.others if name != self.name]
        for _ in range(2 if names else 0):
            other = self.others[names[int(g.integers(len(names)))]]
            yield self._finish("other product", 0.0, "other", self._layers("good:0:other", other))

    def moved_good(self) -> Iterator[Pair]:
        """Good photos that are shifted or enlarged by 2 to 5 %."""
        for kind, size, light in (
            ("shift", 2.0, self.good[0]),
            ("shift", 5.0, "render"),
            ("zoom", 3.0, self.good[1]),
            ("zoom", -5.0, "render"),
        ):
            turn = self.generator.uniform(0, 6.28)
            shift = (size / 100 * np.cos(turn), size / 100 * np.sin(turn))
            matrix = affine(shift=shift) if kind == "shift" else affine(scale=1.0 + size / 100)
            layers = tuple(None if one is None else warp(one, matrix) for one in self._layers(light))
            name = "same" if light == "render" else "other"
            yield self._finish(kind, size, name, layers, truth=matrix)

    def _warped(self, kind: str, size: float, matrix: Array) -> Pair:
        layers = tuple(None if one is None else warp(one, matrix) for one in self._layers(self._light()))
        return self._finish(kind, size, "other", layers, truth=matrix)

    def _rendered_pairs(self) -> Iterator[Pair]:
        for key in self.kept:
            parts = key.split(":")
            if key.endswith(("/shadow", "/through")) or parts[0] not in (
                "turned", "removed", "moved", "added", "dented", "molten",
            ):  # fmt: skip
                continue
            share = self.shares[f"{parts[0]}:{parts[1]}"]
            size = float(parts[1]) if parts[0] == "turned" else round(100 * share, 1)
            if share < 0.01:  # Nobody can see it.
                continue
            yield self._finish(parts[0], size, parts[2], self._layers(key))

    def _colour_pairs(self) -> Iterator[Pair]:
        for aim in (7.0, 12.0, 20.0):
            for kind in ("recoloured", "part recoloured"):
                where = np.ones(self.mask.shape, dtype=np.float32)
                if kind.startswith("part"):
                    where = self._part()
                    if where is None:
                        continue
                layers = self._layers(self._light())
                changed, size = recolour(layers[0], where * (self.mask > 0.5), aim, self.generator)
                if size > 3.0:
                    yield self._finish(kind, round(size, 1), "other", (changed, *layers[1:]))

    def _part(self) -> Array | None:
        """A part of another base colour: a smooth plane, 1 on it."""
        solid = self.mask > 0.9
        if solid.sum() < 50:
            return None
        rows, columns = np.nonzero(solid)
        for _ in range(8):
            pick = int(self.generator.integers(len(rows)))
            colour = self.base[rows[pick], columns[pick]]
            near = (np.abs(self.base - colour).max(axis=-1) < 0.07) & solid
            share = near.sum() / solid.sum()
            if 0.06 < share < 0.6:
                return np.clip(soft(near.astype(np.float32), 1), 0, 1)
        return None

    def _print_pairs(self) -> Iterator[Pair]:
        step = max(1, round(max(self.mask.shape) / PRINT_SIDE))
        normal = self.kept["normal"].astype(np.float32)
        area = print_area(*(reduced(plane, step) for plane in (self.base, normal, self.mask)))
        area = enlarged(area, step, self.mask.shape)
        share = 100 * area.sum() / max(1.0, (self.mask > 0.5).sum())
        if share < 2.0:
            return
        for light in ("same", "other"):
            for kind in ("erased", "scrambled", "smeared"):
                layers = self._layers("render" if light == "same" else self._light())
                changed = reprint(layers[0], self.base, area, kind, self.generator, step)
                if np.abs(changed[..., :3].astype(float) - layers[0][..., :3])[area].mean() > 2.5:
                    yield self._finish(f"print {kind}", round(share, 1), light, (changed, *layers[1:]))

    def _ground_pairs(self) -> Iterator[Pair]:
        for ground in ("wood", "gradient", "other colour", "things"):
            layers = self._layers(self._light())
            yield self._finish("background", 0.0, "other", layers, ground=ground)

    def chain(
        self, layers: Any, *, only: str = "all", ground: str | None = None
    ) -> tuple[Image.Image, str, Array]:
        """The photo, what was done, and how far it wandered."""
        g = self.generator
        colour, shadow, through = layers
        shade = g.uniform(0.0, 1.3) if only in ("all", "plain") else 1.0
        shift = int(g.integers(-6, 7)) if only == "all" else 0
        shadow = np.clip(np.roll(shadow, shift, axis=1) * shade, 0, 0.9)
        values = (
            np.asarray(compose.compose(colour, shadow, self.background, through), dtype=np.float32)[..., :3]
            / 255
        )
        free = 1.0 - colour[..., 3:].astype(np.float32) / 255
        if ground:
            values = other_ground(values, free, ground, self.background, g)
        else:
            level = g.uniform(0.93, 1.0) + g.uniform(-0.012, 0.012, 3)
            if self.background is Background.BLACK:
                values = values + free * g.uniform(0.0, 0.06)
            else:
                values = values * (1 - free + free * np.minimum(level, 1.0))
        if only in ("all", "tone"):
            values = tone(values, g)
        if only == "focus":
            values = out_of_focus(values, self.kept["depth"], g)
        moved = affine(shift=tuple(g.normal(0, 0.0006, 2)), scale=1 + g.normal(0, 0.0006))
        values = warp(values, moved)
        if only in ("all", "file", "tone"):
            values = values + g.normal(0, g.uniform(0.003, 0.012), values.shape)
        picture = Image.fromarray((np.clip(values, 0, 1) * 255 + 0.5).astype(np.uint8), "RGB")
        if g.random() < 0.5:
            picture = picture.filter(ImageFilter.UnsharpMask(1.2, int(g.uniform(20, 90)), 2))
        elif g.random() < 0.4:
            picture = picture.filter(ImageFilter.GaussianBlur(0.6))
        if only in ("all", "file"):
            scale = g.uniform(0.9, 1.8)
            picture = picture.resize((round(picture.width * scale),) * 2, Image.Resampling.BICUBIC)
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG" if g.random() < 0.6 else "WEBP", quality=int(g.uniform(72, 96)))
        return Image.open(io.BytesIO(buffer.getvalue())).convert("RGB"), only, moved


def affine(*, shift: Any = (0.0, 0.0), scale: float = 1.0, turn: float = 0.0) -> Array:
    """Render to photo in frame units, about the middle."""
    r = np.radians(turn)
    linear = scale * np.array(((np.cos(r), -np.sin(r)), (np.sin(r), np.cos(r))))
    return np.column_stack((linear, shift))


def compose_affine(outer: Array, inner: Array) -> Array:
    """First ``outer``'s defect, then the wander: both maps are render to photo."""
    linear = inner[:, :2] @ outer[:, :2]
    return np.column_stack((linear, inner[:, :2] @ outer[:, 2] + inner[:, 2]))


def warp(values: Array, matrix: Array) -> Array:
    """Move a picture by ``matrix`` (render to photo): what was at p is then at M p."""
    linear = np.linalg.inv(matrix[:, :2])
    back = np.column_stack((linear, -linear @ matrix[:, 2]))
    return _mapped(values, lambda p: p @ back[:, :2].T + back[:, 2])


def bend(values: Array, amount: float) -> Array:
    """Bend to the side: the middle stays, the ends move by ``amount`` of the frame."""
    return _mapped(
        values, lambda p: np.stack((p[..., 0] - amount * (4 * p[..., 1] ** 2 - 0.3), p[..., 1]), axis=-1)
    )


def _mapped(values: Array, where: Any) -> Array:
    """Bilinear: the pixel at p comes from ``where(p)``, in frame units."""
    height, width = values.shape[:2]
    longer = max(height, width)
    x = (np.arange(width) + 0.5 - width / 2) / longer
    y = (np.arange(height) + 0.5 - height / 2) / longer
    source = where(np.stack(np.meshgrid(x, y), axis=-1)) * longer
    column = np.clip(source[..., 0] + width / 2 - 0.5, 0, width - 1.001)
    row = np.clip(source[..., 1] + height / 2 - 0.5, 0, height - 1.001)
    left, top = column.astype(int), row.astype(int)
    a, b = column - left, row - top
    planes = values.astype(np.float32) if values.ndim == 3 else values.astype(np.float32)[..., None]
    a, b = a[..., None], b[..., None]
    if planes.shape[-1] == 4:  # Straight alpha: colours outside are black.
        planes = np.concatenate((planes[..., :3] * planes[..., 3:] / 255, planes[..., 3:]), axis=-1)
    mixed = (planes[top, left] * (1 - a) + planes[top, left + 1] * a) * (1 - b)
    mixed = mixed + (planes[top + 1, left] * (1 - a) + planes[top + 1, left + 1] * a) * b
    if planes.shape[-1] == 4:
        mixed[..., :3] = np.where(
            mixed[..., 3:] > 0.5, mixed[..., :3] * 255 / np.maximum(mixed[..., 3:], 0.5), 0
        )
    mixed = mixed if values.ndim == 3 else mixed[..., 0]
    return np.clip(np.rint(mixed), 0, 255).astype(np.uint8) if values.dtype == np.uint8 else mixed


def recolour(layer: Array, where: Array, aim: float, generator: Any) -> tuple[Array, float]:
    """Another hue at the same light, about ``aim`` in CIEDE2000: the layer and the median difference."""
    linear = linear_light(layer[..., :3].astype(np.float32) / 255)
    judged = where > 0.5
    direction = generator.normal(size=3)
    direction -= direction.mean()
    direction /= np.linalg.norm(direction)
    low, high = 0.0, 3.0
    changed, size = linear, 0.0
    for _ in range(14):
        amount = (low + high) / 2
        changed = linear * np.exp(direction * amount) + 0.02 * amount * np.maximum(direction, 0)
        before, after = to_lab(linear[judged]), to_lab(np.clip(changed[judged], 0, 1))
        after[:, 0] = before[:, 0]
        size = float(np.median(ciede2000(before, after)))
        low, high = (low, amount) if size > aim else (amount, high)
    level = np.maximum(linear.sum(-1, keepdims=True), 1e-4) / np.maximum(changed.sum(-1, keepdims=True), 1e-4)
    mixed = linear + (np.clip(changed * level, 0, 1) - linear) * where[..., None]
    return np.concatenate(((to_display(mixed) * 255 + 0.5).astype(np.uint8), layer[..., 3:]), axis=-1), size


def print_area(base: Array, normal: Array, mask: Array) -> Array:
    """Where the base colour changes and the surface does not: bool (h, w)."""
    level = np.log(base.mean(axis=-1) + 0.03)
    spread = np.sqrt(np.maximum(window_mean(level * level, 3) - window_mean(level, 3) ** 2, 0))
    bumps = sum(
        np.sqrt(np.maximum(window_mean(normal[..., i] ** 2, 3) - window_mean(normal[..., i], 3) ** 2, 0))
        for i in range(3)
    )
    found = (spread > 0.10) & (bumps < 0.12) & (window_mean((mask > 0.95).astype(np.float32), 5) > 0.99)
    return window_mean(found.astype(np.float32), 4) > 0.25


def reduced(plane: Array, step: int) -> Array:
    """Means of ``step`` by ``step`` pixels: (h, w) or (h, w, n)."""
    height, width = (side // step * step for side in plane.shape[:2])
    rest = plane.shape[2:]
    cells = plane[:height, :width].reshape(height // step, step, width // step, step, *rest)
    means: Array = cells.mean(axis=(1, 3))
    return means


def enlarged(plane: Array, step: int, shape: tuple[int, ...]) -> Array:
    """Each pixel ``step`` by ``step`` times, and the border continued, to ``shape``."""
    large = plane.repeat(step, axis=0).repeat(step, axis=1)
    rest = [(0, wanted - there) for wanted, there in zip(shape, large.shape, strict=True)]
    return np.pad(large, rest, mode="edge")


def reprint(layer: Array, base: Array, area: Array, kind: str, generator: Any, step: int = 1) -> Array:
    """Print erased, scrambled or smeared inside ``area``; the light on it stays. ``step``: pixels of one of ``PRINT_SIDE``."""
    held = np.maximum(base, 0.02)
    if kind == "erased":
        small = reduced(held, step)
        grounds = (_ground_of(small[..., c]) for c in range(3))
        new = np.stack([enlarged(one, step, area.shape) for one in grounds], axis=-1)
    elif kind == "smeared":
        radius = 3 * step
        new = np.stack([soft(held[..., c], radius) for c in range(3)], axis=-1)
    else:
        new = held.copy()
        side = 14 * step
        tiles = [(r, c) for r in range(0, area.shape[0] - side, side) for c in range(0, area.shape[1] - side, side)
                 if area[r : r + side, c : c + side].mean() > 0.4]  # fmt: skip
        order = generator.permutation(len(tiles))
        for (r, c), pick in zip(tiles, order, strict=True):
            a, b = tiles[int(pick)]
            new[r : r + side, c : c + side] = held[a : a + side, b : b + side][:, ::-1]
    linear = linear_light(layer[..., :3].astype(np.float32) / 255)
    weight = soft(area.astype(np.float32), 1)[..., None]
    changed = linear * (new / held) ** weight
    return np.concatenate(((to_display(changed) * 255 + 0.5).astype(np.uint8), layer[..., 3:]), axis=-1)


def _ground_of(plane: Array) -> Array:
    """The paper without its print: the 80th percentile around."""
    bright = Image.fromarray((np.clip(plane, 0, 1) * 255).astype(np.uint8)).filter(
        ImageFilter.RankFilter(15, 180)
    )
    return soft(np.asarray(bright, dtype=np.float32) / 255, 3) + 0.002


def tone(values: Array, g: Any) -> Array:
    """Exposure, contrast, saturation and a slight cast."""
    linear = (
        linear_light(np.clip(values, 0, 1)) * 2 ** g.uniform(-0.3, 0.2) * (1 + g.uniform(-0.025, 0.025, 3))
    )
    display = to_display(linear)
    display = display + g.uniform(-0.25, 0.25) * (display * display * (3 - 2 * display) - display)
    grey = display.mean(axis=-1, keepdims=True)
    return grey + (display - grey) * g.uniform(0.86, 1.14)


def out_of_focus(values: Array, depth: Array, g: Any) -> Array:
    """A mild depth of field: the back is blurred by about a pixel."""
    near, far = np.quantile(depth[np.isfinite(depth)], (0.1, 0.9))
    share = np.clip((np.where(np.isfinite(depth), depth, far) - near) / max(far - near, 1e-6), 0, 1)[
        ..., None
    ]
    blurred = np.stack([soft(values[..., c].astype(np.float32), 1) for c in range(3)], axis=-1)
    return values + (blurred - values) * share


def other_ground(values: Array, free: Array, kind: str, background: Background, g: Any) -> Array:
    """A ground that was not asked for."""
    height, width = values.shape[:2]
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    if kind == "wood":
        rings = np.sin((y * g.uniform(20, 40) + 0.6 * np.sin(x * 9)) * 3) * 0.5 + 0.5
        new = np.stack([0.35 + 0.2 * rings, 0.22 + 0.13 * rings, 0.14 + 0.08 * rings], axis=-1)
    elif kind == "gradient":
        tint = g.uniform(0.35, 0.9, 3)
        new = (0.45 + 0.5 * (1 - y))[..., None] * tint
    elif kind == "other colour":
        level = {"white": 0.72, "grey": 0.9, "black": 0.35}.get(background.value, 0.6)
        new = np.ones(values.shape) * np.clip(level + g.uniform(-0.08, 0.08, 3), 0, 1)
    else:
        new = values.copy()
        for _ in range(3):
            cx, cy, r = g.uniform(0, 1), g.uniform(0, 1), g.uniform(0.06, 0.14)
            disc = np.clip((r - np.hypot(x - cx, y - cy)) * 200, 0, 1)[..., None]
            new = new * (1 - disc) + disc * g.uniform(0.1, 0.8, 3)
    return values * (1 - free) + new * free
