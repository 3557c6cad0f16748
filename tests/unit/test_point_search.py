# SPDX-License-Identifier: GPL-3.0-or-later
"""The search in a grid finds the same points on triangles as comparing every point with every triangle."""

import numpy as np
import pytest

from photoreal_set.gltf.mesh_checks import cross
from photoreal_set.gltf.point_search import PARALLEL, Triangles, find_hits

COUNT = 400


def triangles(rng: np.random.Generator) -> Triangles:
    """Triangles of very different sizes and shapes; a third of them lies in one plane, where hits are many."""
    sides = rng.normal(size=(COUNT, 3, 3)) * 10.0 ** rng.uniform(-3.0, 0.0, (COUNT, 1, 1))
    corners = rng.uniform(-1.0, 1.0, (COUNT, 1, 3)) + sides
    corners[: COUNT // 3, :, 2] = 1e-3 * np.arange(COUNT // 3)[:, None] / COUNT
    normals = cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return Triangles(corners, normals / np.linalg.norm(normals, axis=1)[:, None])


@pytest.mark.parametrize("reach", [1e-6, 1e-3, 0.2])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_grid_finds_what_comparing_everything_finds(seed: int, reach: float):
    rng = np.random.default_rng(seed)
    mesh = triangles(rng)
    kin = rng.integers(0, 40, COUNT)
    own = rng.integers(0, COUNT, 500)
    weights = rng.dirichlet((1.0, 1.0, 1.0), len(own))
    places = np.einsum("nc,nca->na", weights, mesh.corners[own])
    hits = find_hits(places, own, mesh, kin, reach)

    arms = places[:, None] - mesh.corners[None, :, 0]
    height = np.einsum("nta,ta->nt", arms, mesh.normals)
    edges = mesh.corners[:, [1, 2]] - mesh.corners[:, [0]]
    bases = np.linalg.pinv(np.concatenate((edges, mesh.normals[:, None]), axis=1))
    u, v, _up = np.moveaxis(np.einsum("nta,tab->ntb", arms, bases), -1, 0)
    expected = (np.abs(height) <= reach) & (np.minimum(np.minimum(u, v), 1.0 - u - v) > 1e-6)
    expected &= np.abs(mesh.normals[own] @ mesh.normals.T) >= PARALLEL
    expected &= kin[own][:, None] != kin[None]
    assert set(zip(hits.point, hits.triangle, strict=True)) == set(zip(*np.nonzero(expected), strict=True))
    assert hits.height == pytest.approx(height[hits.point, hits.triangle])
    assert len(hits.point) == len(set(zip(hits.point, hits.triangle, strict=True)))
    assert expected.any() or reach < 1e-5
