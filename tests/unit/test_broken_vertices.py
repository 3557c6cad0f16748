# SPDX-License-Identifier: GPL-3.0-or-later
"""Missing and invalid normals and positions are found in the file, and counted; an intact file has no findings."""

import json
from pathlib import Path

import numpy as np
import pytest

from photoreal_set.gltf.broken_vertices import find_broken_vertices
from photoreal_set.gltf.document import read_gltf
from photoreal_set.gltf.findings import Finding, Severity
from tests.blender.products import Glb, textured_block


def found(glb: Glb, folder: Path) -> list[Finding]:
    return list(find_broken_vertices(read_gltf(glb.write(folder / "block.glb"))))


def attributes(glb: Glb) -> dict[str, int]:
    return glb.document["meshes"][0]["primitives"][0]["attributes"]


def with_values(name: str, value: float, count: int) -> Glb:
    """The block with ``value`` in the first ``count`` vertices of an attribute."""
    glb = textured_block()
    view = glb.document["bufferViews"][glb.document["accessors"][attributes(glb)[name]]["bufferView"]]
    data = bytearray(glb.binary)
    values = np.frombuffer(data, "<f4", count * 3, view["byteOffset"])
    values[:] = value
    glb.binary = bytes(data)
    return glb


def test_an_intact_file_has_no_findings(tmp_path: Path):
    assert found(textured_block(), tmp_path) == []


def test_a_mesh_without_normals_is_a_note(tmp_path: Path):
    glb = textured_block()
    del attributes(glb)["NORMAL"]
    (finding,) = found(glb, tmp_path)
    assert (finding.kind, finding.severity, finding.where) == ("no_normals", Severity.NOTE, "Block")


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_broken_normals_are_counted(tmp_path: Path, value: float):
    (finding,) = found(with_values("NORMAL", value, 3), tmp_path)
    assert (finding.kind, finding.severity, finding.count) == ("broken_normals", Severity.NOTE, 3)
    assert "3 normals have" in finding.text


@pytest.mark.parametrize("value", [np.nan, np.inf, -1e30])
def test_positions_that_cannot_be_rendered_are_an_error(tmp_path: Path, value: float):
    (finding,) = found(with_values("POSITION", value, 1), tmp_path)
    assert (finding.kind, finding.severity, finding.count) == ("broken_vertices", Severity.ERROR, 1)
    assert "1 vertex position is" in finding.text


def test_lines_and_points_are_not_checked(tmp_path: Path):
    glb = textured_block()
    del attributes(glb)["NORMAL"]
    glb.document["meshes"][0]["primitives"][0]["mode"] = 1
    assert found(glb, tmp_path) == []


@pytest.mark.parametrize("value", [None, 7, "x", [], {"POSITION": "x", "NORMAL": None}, {"NORMAL": -1}])
def test_attributes_of_a_wrong_type_break_nothing(tmp_path: Path, value: object):
    glb = textured_block()
    glb.document = json.loads(json.dumps(glb.document))
    glb.document["meshes"][0]["primitives"][0]["attributes"] = value
    assert {finding.kind for finding in found(glb, tmp_path)} <= {"no_normals"}
