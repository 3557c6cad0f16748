# SPDX-License-Identifier: GPL-3.0-or-later
"""Triangles are checked by geometry alone, in any order."""

import numpy as np
import pytest

from photoreal_set.gltf.mesh_checks import (
    doubled_faces,
    inside_out,
    opposed_faces,
    shape_of,
    uv_areas,
    welded,
)
from tests.blender.shapes import Solid, ball, sheet, together


def shape(solid: Solid):
    return shape_of(solid.places.astype(np.float32), solid.triangles.astype(np.int32))


def opposed(solid: Solid) -> int:
    assert solid.normals is not None
    return int(opposed_faces(shape(solid), solid.normals[solid.triangles].astype(np.float32)).sum())


def test_a_ball_is_one_closed_part_with_its_volume_and_area():
    found = shape(ball(radius=2.0, around=96))
    assert found.parts == 1
    assert found.is_closed.tolist() == [True]
    assert found.volumes[0] == pytest.approx(4.0 / 3.0 * np.pi * 8.0, rel=0.01)
    assert found.areas.sum() == pytest.approx(4.0 * np.pi * 4.0, rel=0.01)
    assert not found.flat.any()
    assert found.twisted_edges.sum() == found.crowded_edges.sum() == 0


def test_the_order_of_vertices_and_faces_does_not_matter():
    whole = together(ball(), ball().at(3, 0, 0), sheet().at(0, 3, 0))
    generator = np.random.default_rng(3)
    order, faces = generator.permutation(len(whole.places)), generator.permutation(len(whole.triangles))
    mixed = whole.with_(places=whole.places[order], triangles=np.argsort(order)[whole.triangles][faces])
    one, other = shape(whole), shape(mixed)
    assert one.parts == other.parts == 3
    for name in ("volumes", "border_edges", "part_triangles"):
        assert sorted(getattr(one, name)) == pytest.approx(sorted(getattr(other, name)))


def test_a_long_chain_is_one_part():
    """A strip of many triangles, numbered so that neighbours in it are far apart in memory."""
    count = 5000
    x = np.arange(count, dtype=np.float32)
    places = np.stack((x, x % 2, np.zeros(count, dtype=np.float32)), axis=1)
    order = np.random.default_rng(1).permutation(count)
    strip = np.stack((np.arange(count - 2), np.arange(1, count - 1), np.arange(2, count)), axis=1)
    assert shape_of(places[order], np.argsort(order)[strip].astype(np.int32)).parts == 1


@pytest.mark.parametrize("factor", [1e-6, 1.0, 1e6])
def test_size_does_not_matter(factor: float):
    found = shape(ball().scaled(factor))
    assert found.is_closed.all()
    assert not found.flat.any()
    assert not inside_out(found).any()


def test_a_ball_with_reversed_winding_is_inside_out():
    assert inside_out(shape(ball().wound_back())).tolist() == [True]
    assert inside_out(shape(ball())).tolist() == [False]
    assert inside_out(shape(sheet().wound_back())).tolist() == [False], "a sheet has no inside"


def test_the_hollow_of_a_thick_wall_is_not_inside_out():
    hollow = together(ball(), ball(radius=0.45).inside_out())
    assert not inside_out(shape(hollow)).any()
    beside = together(ball(), ball(radius=0.45).inside_out().at(3, 0, 0))
    assert inside_out(shape(beside)).sum() == 1


def test_faces_that_point_away_from_their_normals_are_counted():
    good = ball()
    assert opposed(good) == opposed(good.inside_out()) == 0
    assert opposed(good.wound_back()) == len(good.triangles)
    some = good.triangles.copy()
    some[10:20] = some[10:20, ::-1]
    assert opposed(good.with_(triangles=some)) == 10


def test_neighbours_with_inconsistent_winding_are_counted():
    some = sheet().triangles.copy()
    some[0] = some[0, ::-1]
    assert shape(sheet().with_(triangles=some)).twisted_edges.sum() > 0
    assert shape(sheet()).twisted_edges.sum() == 0


def test_three_faces_at_an_edge_are_non_manifold():
    places = np.array([[0, 0, 0], [0, 0, 1], [1, 0, 0], [-1, 0, 0], [0, 1, 0]], dtype=np.float32)
    faces = np.array([[0, 1, 2], [1, 0, 3], [0, 1, 4]], dtype=np.int32)
    assert shape_of(places, faces).crowded_edges.tolist() == [1]


@pytest.mark.parametrize("way", [1, -1])
def test_duplicate_faces_are_found_with_any_winding(way: int):
    good = ball()
    again = np.concatenate((good.triangles, good.triangles[:7, ::way]))
    assert doubled_faces(shape(good.with_(triangles=again))).sum() == 7
    assert doubled_faces(shape(good)).sum() == 0


def test_zero_area_faces_are_degenerate_and_affect_nothing_else():
    good = ball()
    line = np.array([[0, 0, 1], [5, 5, 5]])
    found = shape(good.with_(triangles=np.concatenate((good.triangles, line))))
    assert found.flat.sum() == 2
    assert found.is_closed.all()
    assert doubled_faces(found).sum() == 0


def test_the_ends_of_a_closed_outline_meet():
    """sin(2π) is not 0 in floats."""
    turn = np.linspace(0.0, 2.0 * np.pi, 13)
    ring = np.stack((np.cos(turn), np.sin(turn)), axis=1)
    places = np.concatenate([np.column_stack((ring, np.full(13, height))) for height in (0.0, 1.0)])
    _places, place = welded(places.astype(np.float32))
    assert place[0] == place[12]
    assert len(set(place.tolist())) == 24


def test_nan_and_infinity_break_nothing():
    good = ball()
    places = good.places.copy()
    places[5] = np.nan
    places[9, 1] = np.inf
    found = shape(good.with_(places=places))
    assert np.isfinite(found.areas).all()
    assert np.isfinite(found.volumes).all()
    assert found.flat.any()
    inside_out(found), doubled_faces(found)


def test_no_triangles_give_no_parts():
    found = shape_of(np.empty((0, 3), dtype=np.float32), np.empty((0, 3), dtype=np.int32))
    assert found.parts == 0
    assert not len(inside_out(found))


def test_areas_in_a_texture():
    uvs = np.array(
        [[[0, 0], [1, 0], [0, 1]], [[0.3, 0.3]] * 3, [[0, 0], [np.nan, 0], [0, 1]]], dtype=np.float32
    )
    assert uv_areas(uvs).tolist() == [0.5, 0.0, 0.0]
