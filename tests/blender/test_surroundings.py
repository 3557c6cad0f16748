# SPDX-License-Identifier: GPL-3.0-or-later
"""What came with a model is reported before a photo is made, and left out when the user says so."""

from pathlib import Path

import bpy
import pytest

from photoreal_set.gltf.choices import ModelOptions, Surrounding, surroundings
from photoreal_set.studio.product import Product, import_product
from tests.blender.products import Glb
from tests.blender.runs import make_set
from tests.blender.scenery import HONEST, SURROUNDED, egg, plate
from tests.blender.shapes import Solid, add_solid, together


def file_of(solids: list[Solid]) -> Glb:
    """Each solid as an object with a material."""
    glb = Glb()
    material = glb.add_material("Clay")
    glb.add_scene(*(add_solid(glb, solid, material, f"Part {number}") for number, solid in enumerate(solids)))
    return glb


def imported(glb: Glb, folder: Path, without: str = "") -> Product:
    path = glb.write(folder / "product.glb")
    return import_product(path, bpy.context.scene, options=ModelOptions(without=surroundings(without)))


def kinds_of(product: Product) -> list[tuple[str, str]]:
    names = set(Surrounding)
    return [(item.kind, item.severity.value) for item in product.triage if item.kind in names]


@pytest.mark.parametrize(("name", "share"), [("a slab", "48%"), ("a plane", "14%")])
def test_a_floor_is_reported_with_what_it_costs(scene, tmp_path: Path, name: str, share: str):
    product = imported(file_of(SURROUNDED[name][1]), tmp_path)
    finding = next(item for item in product.triage if item.kind == "floor")
    assert f"makes the product only {share} as large in the picture" in finding.text
    assert "Leave it out (without: floor)" in finding.text
    assert (finding.setting, finding.value) == ("without", "floor")


@pytest.mark.parametrize("name", ["a slab", "a wall", "a sky", "crumbs"])
@pytest.mark.parametrize("is_one_mesh", [False, True])
def test_what_is_left_out_is_neither_measured_nor_shown(scene, tmp_path: Path, name: str, is_one_mesh: bool):
    kind, solids = SURROUNDED[name]
    glb = file_of([together(*solids)] if is_one_mesh else solids)
    assert kinds_of(imported(glb, tmp_path)) == [(kind, "warning")]
    product = imported(glb, tmp_path, kind)
    assert kinds_of(product) == [(kind, "note")]
    assert product.size_m == pytest.approx((1.0, 1.0, 1.0), abs=0.02)
    assert product.triangles == len(egg().triangles)


def test_other_objects_with_the_same_mesh_stay_whole(scene, tmp_path: Path):
    """Two objects share a mesh of an egg and a plate; the small one stands on top, so that its plate is not a floor."""
    glb = file_of([together(egg().at(0, 0.02, 0), plate(1.8, 0.02))])
    glb.document["nodes"].append(
        {"mesh": 0, "name": "Other", "translation": [0, 1.02, 0], "scale": [0.1] * 3}
    )
    glb.add_scene(0, 1)
    whole = imported(glb, tmp_path)
    assert kinds_of(whole) == [("floor", "warning")]
    product = imported(glb, tmp_path, "floor")
    assert whole.triangles - product.triangles == len(plate(1.0, 1.0).triangles)


@pytest.mark.parametrize("name", ["a rug", "a trophy on its plate", "a phone on a stand", "a table"])
def test_nothing_is_left_out_of_an_honest_product(scene, tmp_path: Path, name: str):
    glb = file_of(HONEST[name])
    whole, without = imported(glb, tmp_path), imported(glb, tmp_path, ",".join(Surrounding))
    assert kinds_of(whole) == kinds_of(without) == []
    assert without.triangles == whole.triangles


def test_the_warning_comes_before_the_first_picture_and_names_the_option(tmp_path: Path):
    path = file_of(SURROUNDED["a slab"][1]).write(tmp_path / "slab.glb")
    options = ("--engine", "cycles", "--angles", "front", "--video", "none")
    run = make_set(path, out=tmp_path / "set", options=options, resolution=64)
    assert run.exit_code == 0, run.stderr
    assert run.index(event="warning", field="without", value="floor") < run.index(event="progress")
    assert [item["kind"] for item in run.record["model"]["triage"]] == ["floor"]
    run = make_set(path, out=tmp_path / "set", options=(*options, "--without", "floor"), resolution=64)
    assert run.warnings() == []
    assert run.record["plan"]["without"] == ["floor"]
    assert run.record["model"]["size_m"] == pytest.approx([1.0, 1.0, 1.0], abs=0.02)
