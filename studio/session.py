# SPDX-License-Identifier: GPL-3.0-or-later
"""A photo session: one product in one studio, in a scene of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import bpy
import numpy as np

from ..angles import Angle
from ..errors import InputError, MachineError
from . import render, rig, turntable
from .framing import Framing, frame
from .product import Product, import_product, reason, repair_textures, visible_points
from .quiet import quiet_blender
from .render import Quality, Renderer, Shot

SCENE = "Photoreal Studio"


class Session:
    """Takes pictures of the product."""

    def __init__(
        self, scene: bpy.types.Scene, model: Path, *, resolution: int, device: str, name: str = ""
    ) -> None:
        self.scene = scene
        self.product: Product = import_product(model, scene, name=name)
        self._points: np.ndarray = visible_points(self.product.collection)
        self._studio = rig.Studio(scene, rig.REFERENCE)
        self._renderer = Renderer(scene, self.product, self._studio, resolution=resolution, device=device)

    @property
    def has_denoiser(self) -> bool:
        return self._renderer.has_denoiser

    @property
    def standing_matrix(self) -> list[list[float]]:
        """Brings the file's coordinates (in Blender) to those of the camera matrices."""
        return [list(row) for row in self.product.standing]

    def light(self, chosen: rig.Rig) -> None:
        self._studio.use(chosen)

    def framing(self, angle: Angle, *, fill: float | None = None) -> Framing:
        return frame(self._points, angle, fill=fill)

    def pose(self, angle: Angle) -> None:
        """Leave product and camera as they are for a picture of ``angle``."""
        self._renderer.pose(self.framing(angle), angle.azimuth, render.REFERENCE)

    def shoot(self, framing: Framing, angle: Angle, quality: Quality) -> Shot:
        return self._renderer.shoot(framing, angle.azimuth, quality)

    def turntable(self, quality: Quality) -> Iterator[Shot]:
        return turntable.turntable(self._renderer, quality)


def build_session(model: Path, angle: Angle, *, resolution: int) -> Session:
    """A studio to work in: in a new scene, which is not shown yet; the scenes that are there stay as they are.

    Raises as ``import_product``; the new scene is gone then.
    """
    shown = bpy.context.window.scene
    scene = bpy.data.scenes.new(SCENE)
    bpy.context.window.scene = scene  # The importer fills the scene that is shown.
    try:
        session = Session(scene, model, resolution=resolution, device="cpu")
        session.pose(angle)
    except BaseException:
        bpy.context.window.scene = shown
        bpy.data.scenes.remove(scene)
        raise
    bpy.context.window.scene = shown
    return session


@contextmanager
def open_session(model: Path, *, resolution: int, device: str, name: str) -> Iterator[Session]:
    """A session in a new scene. Only for a background Blender, which ends with the run.

    ``name`` is what the user calls the model.
    """
    scene = bpy.data.scenes.new(SCENE)
    bpy.context.window.scene = scene
    yield Session(scene, model, resolution=resolution, device=device, name=name)


def convert_to_glb(source: Path, target: Path) -> list[str]:
    """Write what a .blend, .gltf or .glb file shows as one GLB that holds its textures.

    Gives sentences about textures that are missing: the GLB cannot tell any more.

    Only for a background Blender: a .blend replaces the file that is open.
    Raises InputError when Blender cannot open it, MachineError when the GLB cannot be written.
    """
    try:
        with quiet_blender():
            if source.suffix.lower() == ".blend":
                bpy.ops.wm.open_mainfile(filepath=str(source), load_ui=False, use_scripts=False)
            else:
                bpy.context.window.scene = bpy.data.scenes.new(SCENE)
                bpy.ops.import_scene.gltf(filepath=str(source))
    except RuntimeError as error:
        raise InputError(
            f"Blender cannot open {source.name}: {reason(error)}.", hint="Export it again."
        ) from error
    faults = list(repair_textures(bpy.context.scene.objects))
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.stem}.part.glb")
    try:
        with quiet_blender():
            bpy.ops.export_scene.gltf(
                filepath=str(part),
                export_format="GLB",
                use_active_scene=True,
                use_renderable=True,
                export_apply=True,
            )
        part.replace(target)
    except (RuntimeError, OSError) as error:
        raise MachineError(f"Blender could not write {target.name}: {error}.") from error
    finally:
        part.unlink(missing_ok=True)
    return faults
