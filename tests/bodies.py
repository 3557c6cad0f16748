# SPDX-License-Identifier: GPL-3.0-or-later
"""Solids as the checks of a product see them, without Blender. The axes are Blender's: z is up, the front is at -Y."""

from dataclasses import dataclass, field

import numpy as np

from photoreal_set.gltf.mesh_checks import Shape, doubled_faces, shape_of
from tests.blender.products import in_blender
from tests.blender.shapes import Solid


@dataclass
class StillBody:
    """A mesh at its places, in one material."""

    shape: Shape
    is_one_sided: bool = True
    has_alpha: bool = False
    matrices: list[np.ndarray] = field(default_factory=lambda: [np.eye(4)])

    @property
    def one_sided(self) -> np.ndarray:
        return np.full(len(self.shape.corners), self.is_one_sided)

    @property
    def see_through(self) -> np.ndarray:
        return np.full(len(self.shape.corners), self.has_alpha)

    @property
    def flips(self) -> np.ndarray:
        return np.zeros(len(self.shape.corners), dtype=bool)

    @property
    def material(self) -> np.ndarray:
        return np.zeros(len(self.shape.corners), dtype=np.int32)

    @property
    def doubled(self) -> np.ndarray:
        return doubled_faces(self.shape)


def body(solid: Solid, **facts: bool) -> StillBody:
    places = in_blender(solid.places).astype(np.float32)
    return StillBody(shape_of(places, solid.triangles.astype(np.int32)), **facts)
