# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders for ``benchmarks.fidelity``: references, relit photos and defects of a product. Needs bpy.

Every product is kept as ``NAME.npz`` in the cache. ``render``, ``mask``, ``depth``, ``normal`` and ``base`` are those
of the reference. ``relit:N`` are calibration renders. ``good:N:LIGHT`` is the product in another light, ``KIND:N:LIGHT``
with a defect; LIGHT is "same" for the light of the reference. Each has a layer (h, w, 4), uint8, its shadow (h, w) and,
for glass before grey and black, the light that comes through.
"""

import argparse
import os
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

from benchmarks.fidelity_products import MADE
from benchmarks.products import write_product
from command_line.bootstrap import load_package

load_package()

from photoreal_set.imaging.choices import Background  # noqa: E402
from photoreal_set.imaging.fidelity.reference import base_from  # noqa: E402
from photoreal_set.imaging.passes import base_colour_picture  # noqa: E402
from photoreal_set.optics import rigs  # noqa: E402
from photoreal_set.optics.angles import ANGLES, Angle  # noqa: E402
from photoreal_set.optics.framing import Framing, turned  # noqa: E402
from photoreal_set.optics.light_map import Rig, Softbox  # noqa: E402
from photoreal_set.optics.sizes import square  # noqa: E402
from photoreal_set.studio import quality  # noqa: E402
from photoreal_set.studio.quiet import quiet_blender  # noqa: E402
from photoreal_set.studio.sample import build_sample  # noqa: E402
from photoreal_set.studio.session import Session, open_session  # noqa: E402

VIEWS = ("three-quarter", "front", "side")
QUALITY = replace(quality.REFERENCE, samples=6, denoiser="fast")
TURNS = ((3.0, 9.0),)  # Degrees from and to, of each turn.
LIGHTS = 2  # Other lights, in which photos are taken.
IN_SAME_LIGHT = ("removed:0", "dented:0")
RELIT = (rigs.THREE_POINT, rigs.HIGH_KEY)
DEFECTS = ("turned", "removed", "moved", "added", "dented", "molten")
# The smallest share of the product's pixels that a defect changes, and the largest.
AREAS = {"removed": (0.01, 0.35), "moved": (0.01, 0.45), "added": (0.005, 0.3)}


def random_rig(generator: np.random.Generator) -> Rig:
    """A neutral studio: two to four softboxes and a room."""
    lights = tuple(
        Softbox(
            azimuth=float(generator.uniform(-150, 150)),
            elevation=float(generator.uniform(12, 88)),
            width=float(generator.uniform(25, 90)),
            height=float(generator.uniform(25, 100)),
            strength=float(generator.uniform(1.5, 8.0)),
            softness=float(generator.uniform(0.1, 0.9)),
        )
        for _ in range(int(generator.integers(2, 5)))
    )
    dome = ((0.0, float(generator.uniform(0.3, 0.8))), (90.0, float(generator.uniform(0.4, 1.1))))
    return Rig(name="random", lights=lights, dome=dome, facing=float(generator.uniform(0.85, 1.08)))


class Bench:
    """One product in its studio, with the pictures that were taken."""

    def __init__(self, session: Session, angle: Angle, side: int, background: Background, seed: int) -> None:
        self.session, self.angle, self.side = session, angle, side
        self.generator = np.random.default_rng(seed)
        self.renderer: Any = session._renderer
        session.stand_before(background)
        session.light(rigs.REFERENCE)
        self.framing: Framing = session.framing(angle)
        self.kept: dict[str, Any] = {}
        self.kinds: dict[str, float] = {}  # Defects by the share of the product's pixels that they change.
        self.parts = [item for item in session.product.collection.all_objects if item.type == "MESH"]

    def take(self, name: str, *, turn: float = 0.0) -> Any:
        """Keep a picture; the product is turned by ``turn`` degrees."""
        azimuth = self.angle.azimuth
        if turn:
            shadow = self.renderer.ground_shadow(azimuth + turn, QUALITY, pixels=64)
            camera = turned(self.framing, -azimuth)
            with self.renderer._table_seen_by(self.framing):
                shot = self.renderer.shoot_fixed(camera, azimuth + turn, QUALITY, square(self.side), shadow)
        else:
            self.renderer._shadows.clear()
            shot = self.session.shoot(self.framing, self.angle, QUALITY)
        self.kept[name] = shot.colour
        self.kept[f"{name}/shadow"] = shot.shadow.astype(np.float16)
        if shot.through is not None:
            self.kept[f"{name}/through"] = shot.through.astype(np.float16)
        return shot.colour

    def measured(self, turn: float = 0.0) -> tuple[Any, Any]:
        """Depth and normal."""
        self.renderer.measure  # noqa: B018  Fails early when the name changes.
        surface = (
            self.renderer.measure(self.framing, self.angle.azimuth)
            if not turn
            else self._turned_surface(turn)
        )
        return surface.depth, surface.normal

    def _turned_surface(self, turn: float) -> Any:
        framing = turned(self.framing, turn)
        return self.renderer.measure(framing, self.angle.azimuth + turn)

    def base_colour(self) -> Any:
        """The base colour of the surface as sets store it: linear, float16 (h, w, 3)."""
        colour = self.session.base_colour(self.framing, self.angle, square(self.side))
        return base_from(np.asarray(base_colour_picture(colour))).astype(np.float16)

    @contextmanager
    def rougher(self, factor: float) -> Iterator[None]:
        """All surfaces a little rougher or smoother."""
        changed = []
        for item in self.parts:
            for slot in item.material_slots:
                nodes = slot.material.node_tree.nodes if slot.material and slot.material.use_nodes else []
                for node in nodes:
                    field = node.inputs.get("Roughness") if node.type == "BSDF_PRINCIPLED" else None
                    if (
                        field is not None
                        and not field.is_linked
                        and all(field is not one for one, _ in changed)
                    ):
                        changed.append((field, field.default_value))
        for field, value in changed:
            field.default_value = min(1.0, value * factor)
        try:
            yield
        finally:
            for field, value in changed:
                field.default_value = value

    @contextmanager
    def deformed(self, move: Callable[[Any], Any]) -> Iterator[None]:
        """Vertices moved by ``move``, from places (n, 3) of the standing product to places."""
        self.session.product.turn(0.0)
        kept = []
        for item in self.parts:
            flat = np.empty(len(item.data.vertices) * 3, dtype=np.float32)
            item.data.vertices.foreach_get("co", flat)
            kept.append((item, flat.copy()))
            matrix = np.array(item.matrix_world)
            world = flat.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]
            back = np.linalg.inv(matrix)
            changed = move(world) @ back[:3, :3].T + back[:3, 3]
            item.data.vertices.foreach_set("co", changed.astype(np.float32).ravel())
            item.data.update()
        try:
            yield
        finally:
            for item, flat in kept:
                item.data.vertices.foreach_set("co", flat)
                item.data.update()

    def spot(self) -> tuple[Any, Any]:
        """A visible point of the standing product and the direction to the camera."""
        depth, _normal = self.reference_surface
        rows, columns = np.nonzero(np.isfinite(depth))
        pick = int(self.generator.integers(len(rows)))
        row, column = int(rows[pick]), int(columns[pick])
        half, matrix = self.framing.half, self.framing.matrix
        across = ((column + 0.5) / self.side * 2.0 - 1.0) + 2.0 * self.framing.shift[0]
        up = (1.0 - (row + 0.5) / self.side * 2.0) + 2.0 * self.framing.shift[1]
        local = np.array((across * half, up * half, -1.0)) * float(depth[row, column])
        point = matrix[:3, :3] @ local + matrix[:3, 3]
        towards = matrix[:3, 3] - point
        return point, towards / np.linalg.norm(towards)

    def share_changed(self, reference: Any, turn: float = 0.0) -> float:
        """The share of the product's pixels at which another surface is seen than in ``reference``."""
        depth, normal = self.measured(turn)
        old_depth, old_normal = reference
        seen, was = np.isfinite(depth), np.isfinite(old_depth)
        both = seen & was
        change = seen != was
        with np.errstate(invalid="ignore"):
            change |= both & (np.abs(depth - old_depth) > 0.006)
        change |= both & ((normal * old_normal).sum(axis=-1) < 0.93)
        return float(change.sum() / max(1, was.sum()))

    def prepare(self) -> None:
        """The reference and its passes."""
        colour = self.take("render")
        self.reference_surface = self.measured()
        depth, normal = self.reference_surface
        self.kept["depth"], self.kept["normal"] = depth, normal.astype(np.float16)
        self.kept["base"] = self.base_colour()
        self.kept["mask"] = colour[..., 3]

    def defects(self, kinds: Sequence[str]) -> list[tuple[str, Callable[[], Any], float]]:
        """Name, context and turn of each defect of ``kinds`` that changes enough, and not too much."""
        found: list[tuple[str, Callable[[], Any], float]] = []
        for low, high in TURNS:
            turn = round(float(self.generator.uniform(low, high)), 1)
            found.append((f"turned:{turn:g}", ExitStack, turn * (1 if self.generator.random() < 0.5 else -1)))
        makers = (("removed", self._removal), ("moved", self._move), ("added", self._addition))
        for kind, make in makers:
            chosen = self._within(kind, make) if kind in kinds else None
            if chosen:
                found.append((f"{kind}:0", chosen, 0.0))
        point, towards = self.spot()
        depth = self.generator.uniform(0.03, 0.06)
        reach = self.generator.uniform(0.06, 0.12)
        found.append(
            (
                "dented:0",
                lambda: self.deformed(
                    lambda p: (
                        p
                        - towards
                        * (depth * np.exp(-((p - point) ** 2).sum(axis=1) / (2 * reach**2)))[:, None]
                    )
                ),
                0.0,
            )
        )
        phases, waves = self.generator.uniform(0, 6.28, (3, 3)), self.generator.uniform(7, 14, (3, 3))
        amount = self.generator.uniform(0.025, 0.045)
        found.append(
            ("molten:0", lambda: self.deformed(lambda p: p + amount * np.sin(p @ waves + phases[0])), 0.0)
        )
        return [one for one in found if one[0].split(":")[0] in kinds]

    def _within(self, kind: str, make: Callable[[], Callable[[], Any] | None]) -> Callable[[], Any] | None:
        low, high = AREAS[kind]
        for _ in range(6):
            context = make()
            if context is None:
                return None
            with context():
                share = self.share_changed(self.reference_surface)
            if low <= share <= high:
                return context
        return None

    def _removal(self) -> Callable[[], Any] | None:
        if len(self.parts) < 2:
            return None
        item = self.parts[int(self.generator.integers(len(self.parts)))]
        return lambda: _hidden(item)

    def _move(self) -> Callable[[], Any] | None:
        if len(self.parts) < 2:
            return None
        item = self.parts[int(self.generator.integers(len(self.parts)))]
        shift = self.generator.normal(size=3)
        shift *= self.generator.uniform(0.03, 0.10) / np.linalg.norm(shift)
        return lambda: self._moved(item, shift)

    @contextmanager
    def _moved(self, item: Any, shift: Any) -> Iterator[None]:
        self.session.product.turn(0.0)
        kept = item.matrix_world.copy()
        basis = item.matrix_basis.copy()
        item.matrix_world = Matrix.Translation(shift) @ kept
        bpy.context.view_layer.update()
        try:
            yield
        finally:
            item.matrix_basis = basis
            bpy.context.view_layer.update()

    def _addition(self) -> Callable[[], Any]:
        point, towards = self.spot()
        radius = float(self.generator.uniform(0.025, 0.08))
        is_box = self.generator.random() < 0.5
        owner = self.parts[int(self.generator.integers(len(self.parts)))]
        return lambda: self._added(point + towards * radius * 0.3, radius, is_box, owner)

    @contextmanager
    def _added(self, point: Any, radius: float, is_box: bool, owner: Any) -> Iterator[None]:
        self.session.product.turn(0.0)
        make = bpy.ops.mesh.primitive_cube_add if is_box else bpy.ops.mesh.primitive_uv_sphere_add
        make(location=tuple(point), **({"size": radius * 1.6} if is_box else {"radius": radius}))
        item = bpy.context.object
        for collection in list(item.users_collection):
            collection.objects.unlink(item)
        self.session.product.collection.objects.link(item)
        for slot in owner.material_slots[:1]:
            item.data.materials.append(slot.material)
        matrix = item.matrix_world.copy()
        item.parent = self.session.product.root
        item.matrix_world = matrix
        bpy.context.view_layer.update()
        try:
            yield
        finally:
            bpy.data.objects.remove(item)


@contextmanager
def _hidden(item: Any) -> Iterator[None]:
    item.hide_render = True
    try:
        yield
    finally:
        item.hide_render = False


def render_product(model: Path, target: Path, *, side: int, seed: int, kinds: Sequence[str]) -> None:
    """Render a product with the defects of ``kinds``, and keep it in ``target``."""
    generator = np.random.default_rng(seed)
    angle = ANGLES[VIEWS[seed % 3]]
    others = {5: Background.GREY, 6: Background.BLACK}
    background = others.get(seed % 7, Background.WHITE)
    with open_session(model, resolution=square(side), device="cpu", name="") as session:
        session.scene.world.cycles.sampling_method = "MANUAL"
        session.scene.world.cycles.sample_map_resolution = 256
        bench = Bench(session, angle, side, background, seed)
        bench.prepare()
        defects = bench.defects(kinds)
        shares = {}
        for name, context, turn in defects:
            with context():
                shares[name] = bench.share_changed(bench.reference_surface, turn)
                if name in IN_SAME_LIGHT:
                    bench.take(f"{name}:same", turn=turn)
        for index, rig in enumerate(RELIT):
            session.light(rig)
            with bench.rougher((0.85, 1.25)[index]):
                bench.take(f"relit:{index}")
        for index in range(LIGHTS):
            session.light(random_rig(generator))
            with bench.rougher(float(generator.uniform(0.75, 1.35))):
                bench.take(f"good:{index}:other")
                for name, context, turn in defects[index::LIGHTS]:
                    with context():
                        bench.take(f"{name}:other", turn=turn)
        names = sorted(shares)
        np.savez(
            target,
            **bench.kept,
            names=np.array(names),
            shares=np.array([shares[name] for name in names]),
            background=np.array(background.value),
        )


def model_of(name: str, folder: Path) -> Path:
    """The GLB file of a product made in code."""
    path = folder / f"{name}.glb"
    if not path.exists():
        if name == "sample":
            bpy.ops.wm.read_factory_settings(use_empty=True)
            build_sample(path)
        else:
            write_product(MADE[name], path)
    return path


def render_all(
    wanted: list[str], cache: Path, *, side: int, seconds: float, kinds: Sequence[str] = DEFECTS
) -> int:
    """Render what is not in ``cache`` yet, products by name or file, with the defects of ``kinds``; stops after
    ``seconds``."""
    cache.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    for name in wanted:
        path = Path(name)
        target = cache / f"{path.stem}-{side}.npz"
        if target.exists():
            continue
        if time.monotonic() - started > seconds:
            print(f"stopped before {name}: run again to continue", file=sys.stderr)
            return 3
        begun = time.monotonic()
        with quiet_blender():
            bpy.ops.wm.read_factory_settings(use_empty=True)
            model = path if path.suffix else model_of(name, cache)
            # A product looks the same whatever is rendered beside it.
            seed = zlib.crc32(path.stem.encode()) % 1000
            render_product(model.absolute(), target, side=side, seed=seed, kinds=kinds)
        print(f"{path.stem}: {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description="Render the products of benchmarks.fidelity.")
    parser.add_argument("products", nargs="+", metavar="NAME|GLB")
    parser.add_argument("--cache", type=Path, required=True, metavar="DIR")
    parser.add_argument("--side", type=int, default=384, metavar="N")
    parser.add_argument(
        "--seconds", type=float, default=1e9, metavar="N", help="start no product after these"
    )
    parser.add_argument(
        "--defect", action="append", choices=DEFECTS, help="only these defects, for large pictures (all)"
    )
    options = parser.parse_args()
    kinds = options.defect or DEFECTS
    return render_all(
        options.products, options.cache, side=options.side, seconds=options.seconds, kinds=kinds
    )


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)  # Blender may hang when Python ends.
