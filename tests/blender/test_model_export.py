# SPDX-License-Identifier: GPL-3.0-or-later
"""A 3D model is exported as it was photographed, opens again with the same size and textures, and says what made it."""

import io
import json
import struct
import zipfile
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from PIL import Image

from photoreal_set.command_line.main import main
from photoreal_set.gltf.choices import ModelOptions, Surrounding
from photoreal_set.gltf.document import Gltf, read_gltf
from photoreal_set.imaging.provenance import Provenance, SourceType
from photoreal_set.photo_set.folder import SetFolder
from photoreal_set.studio.model_export import ModelTooLargeError, export_model
from tests.blender.products import Glb
from tests.blender.shapes import add_solid, ball, box

GENERATED = Provenance(source_type=SourceType.GENERATED, tool="Photoreal Set 1.0", system="fal.ai a/b")
ADDRESS = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
NAME = 'Jar "A" / <b>'


def noise(side: int) -> bytes:
    """A PNG that cannot be compressed."""
    values = np.random.default_rng(7).integers(0, 256, (side, side, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "PNG")
    return buffer.getvalue()


def jar(folder: Path, *, side: int = 64) -> Path:
    """A textured ball of 0.3 m, far from the origin."""
    glb = Glb()
    material = glb.add_material("Enamel", glb.add_image(noise(side)))
    node = add_solid(glb, ball(radius=0.15).at(40.0, 3.0, -7.0), material)
    glb.add_scene(node)
    return glb.write(folder / "jar.glb")


def places(gltf: Gltf) -> np.ndarray:
    """All positions, (n, 3), in the axes of the file; its nodes must not move them further."""
    moved = [node for node in gltf.entries("nodes") if {"matrix", "rotation", "scale"} & set(node)]
    assert not moved
    shift = {
        node["mesh"]: node.get("translation", (0, 0, 0)) for node in gltf.entries("nodes") if "mesh" in node
    }
    parts = [
        gltf.floats(primitive["attributes"]["POSITION"]) + np.array(shift[index])
        for index, mesh in enumerate(gltf.entries("meshes"))
        for primitive in mesh["primitives"]
    ]
    return np.concatenate(parts)


def test_a_glb_stands_in_the_middle_in_metres_and_says_how_it_was_made(tmp_path: Path) -> None:
    facts = export_model(jar(tmp_path), tmp_path / "out.glb", GENERATED, name=NAME)
    gltf = read_gltf(tmp_path / "out.glb")
    low, high = places(gltf).min(axis=0), places(gltf).max(axis=0)
    assert low == pytest.approx((-0.15, 0.0, -0.15), abs=1e-4)
    assert high == pytest.approx((0.15, 0.3, 0.15), abs=1e-4)
    assert (facts.textures, facts.texture_side) == (1, 64)
    assert gltf.image(0) is not None
    asset = gltf.document["asset"]
    assert asset["generator"].startswith("Photoreal Set 1.0")
    assert asset["extras"]["digital_source_type"] == ADDRESS
    assert asset["extras"]["ai_system_used"] == "fal.ai a/b"
    assert gltf.entries("scenes")[0]["name"] == NAME


def test_a_usdz_opens_again_with_its_bounds_its_texture_and_its_source_type(tmp_path: Path) -> None:
    path = tmp_path / "out.usdz"
    export_model(jar(tmp_path), path, GENERATED, name=NAME)
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        assert entries[0].filename.endswith(".usdc"), "the first file is the scene (USDZ 1.3)"
        assert {entry.compress_type for entry in entries} == {zipfile.ZIP_STORED}
        data = path.read_bytes()
        for entry in entries:
            name, extra = struct.unpack_from("<HH", data, entry.header_offset + 26)
            assert (entry.header_offset + 30 + name + extra) % 64 == 0
        picture = next(entry for entry in entries if entry.filename.endswith(".png"))
        with archive.open(picture) as stream, Image.open(stream) as image:
            assert image.size == (64, 64)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.wm.usd_import(filepath=str(path))
    items = [item for item in bpy.context.scene.objects if item.type == "MESH"]
    points = np.concatenate(
        [[tuple(item.matrix_world @ one.co) for one in item.data.vertices] for item in items]
    )
    assert points.min(axis=0) == pytest.approx((-0.15, -0.15, 0.0), abs=3e-4)
    assert points.max(axis=0) == pytest.approx((0.15, 0.15, 0.3), abs=3e-4)
    stated = [
        item["digital_source_type"] for item in bpy.context.scene.objects if "digital_source_type" in item
    ]
    assert stated == [ADDRESS]


def test_the_model_is_repaired_and_its_surroundings_are_left_out(tmp_path: Path) -> None:
    glb = Glb()
    enamel, wood = glb.add_material("Enamel"), glb.add_material("Wood")
    parts = [
        add_solid(glb, ball(radius=0.2).at(0.0, 0.2, 0.0).wound_back(), enamel, "Ball"),
        add_solid(glb, box((-2.0, -0.02, -2.0), (2.0, -0.01, 2.0)), wood, "Floor"),
    ]
    glb.add_scene(*parts)
    options = ModelOptions(without=(Surrounding.FLOOR,))
    export_model(
        glb.write(tmp_path / "in.glb"), tmp_path / "out.glb", GENERATED, name="Ball", options=options
    )
    gltf = read_gltf(tmp_path / "out.glb")
    assert [mesh["name"] for mesh in gltf.entries("meshes")] != []
    assert np.ptp(places(gltf), axis=0) == pytest.approx((0.4, 0.4, 0.4), abs=2e-3)
    assert [entry["name"] for entry in gltf.entries("materials")] == ["Enamel"]
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.import_scene.gltf(filepath=str(tmp_path / "out.glb"))
    mesh = next(item for item in bpy.context.scene.objects if item.type == "MESH").data
    mesh.calc_loop_triangles()
    outwards = [
        np.dot(face.normal, face.center - type(face.center)((0, 0, 0.2))) for face in mesh.loop_triangles
    ]
    assert min(outwards) > 0.0, "every face looks outwards"


def test_a_sheared_part_keeps_its_shape(tmp_path: Path) -> None:
    glb = Glb()
    material = glb.add_material("Enamel")
    child = add_solid(
        glb, box((-0.1, 0.0, -0.1), (0.1, 0.2, 0.1)), material, rotation=[0, 0, 0.3826834, 0.9238795]
    )
    glb.add_scene(glb.add("nodes", {"children": [child], "scale": [3.0, 1.0, 1.0]}))
    export_model(glb.write(tmp_path / "in.glb"), tmp_path / "out.glb", GENERATED, name="Box")
    corners = np.array([(x, y, z) for x in (-0.1, 0.1) for y in (0.0, 0.2) for z in (-0.1, 0.1)])
    turned = np.stack(
        (0.70710678 * (corners[:, 0] - corners[:, 1]) * 3, 0.70710678 * corners[:, :2].sum(1)), -1
    )
    found = places(read_gltf(tmp_path / "out.glb"))
    assert np.ptp(found, axis=0)[:2] == pytest.approx(np.ptp(turned, axis=0), abs=1e-4)


def test_textures_are_reduced_until_the_file_fits_and_otherwise_the_numbers_are_named(tmp_path: Path) -> None:
    source, target = jar(tmp_path, side=700), tmp_path / "out.glb"
    whole = export_model(source, target, GENERATED, name="Jar")
    assert whole.bytes > 1_000_000
    small = export_model(source, target, GENERATED, name="Jar", max_bytes=300_000)
    assert small.bytes == target.stat().st_size <= 300_000
    assert (small.textures, small.texture_side) == (1, 256)
    before = target.read_bytes()
    with pytest.raises(
        ModelTooLargeError, match=r"textures of 256 pixels, and 0\.02 MB are allowed.*triangles"
    ):
        export_model(source, target, GENERATED, name="Jar", max_bytes=20_000)
    assert target.read_bytes() == before


@pytest.fixture
def finished_set(tmp_path: Path) -> SetFolder:
    """A set in code, as far as an export of its 3D model reads it."""
    folder = SetFolder.prepare(
        tmp_path / "set", product="Jar", source={"kind": "text"}, tool={"name": "x", "version": "1"}
    )
    stored = folder.store("model/product.glb", jar(tmp_path).read_bytes())
    with folder.change() as record:
        anything: Any = record
        anything["model"] = {**stored, "endpoint": "fal-ai/hunyuan"}
        anything["plan"] = {"angles": ["front"]}
    return folder


def export(folder: SetFolder, *arguments: str) -> tuple[int, str]:
    output = io.StringIO()
    return main(["export", str(folder.root), *arguments], output), output.getvalue()


def test_the_command_writes_only_what_has_changed(finished_set: SetFolder) -> None:
    code, text = export(finished_set, "--format", "glb", "--zip")
    assert code == 0, text
    target = finished_set.root / "export/glb"
    asset = read_gltf(target / "Jar.glb").document["asset"]
    assert asset["extras"]["digital_source_type"] == ADDRESS, "a model by fal.ai is generated"
    assert (target / "files.csv").read_text().splitlines()[1].startswith("Jar,Jar,Jar.glb,")
    with zipfile.ZipFile(target.with_name("glb.zip")) as archive:
        assert archive.namelist() == ["Jar.glb", "files.csv"]
    code, text = export(finished_set, "--format", "glb", "--json")
    assert (code, json.loads(text)["files"][0]["new"]) == (0, False)
    code, text = export(finished_set, "--format", "glb", "--max-size", "0.01MB")
    assert code == 2
    assert "0.01 MB are allowed" in text and "1 removed" in text


def test_options_without_effect_and_foreign_files_are_refused(
    finished_set: SetFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(finished_set, "--format", "usdz", "--size", "500")[0] == 1
    assert "--size: It has no effect on 3D models (usdz)." in capsys.readouterr().err
    assert export(finished_set, "--channel", "web", "--max-size", "5MB")[0] == 1
    assert "--max-size: It has no effect on pictures." in capsys.readouterr().err
    assert export(finished_set, "--format", "glb", "--name", "{sku}_{width}")[0] == 1
    assert "cannot contain {width}" in capsys.readouterr().err
    target = finished_set.root / "export/glb/Jar.glb"
    target.parent.mkdir(parents=True)
    target.write_bytes(b"mine")
    assert export(finished_set, "--format", "glb")[0] == 1
    assert target.read_bytes() == b"mine"
