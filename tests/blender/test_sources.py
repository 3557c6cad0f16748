# SPDX-License-Identifier: GPL-3.0-or-later
"""A product may come from a 3D file of any kind, from photos or from a text."""

import base64
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from photoreal_set.files.kinds import missing_end
from tests.blender.products import photo, texture, textured_block
from tests.blender.runs import Run, make_set, sha256, tree
from tests.blender.seen import overlap
from tests.fal_emulator.process import RunningEmulator

ONE = ("--engine", "cycles", "--video", "none", "--angles", "three-quarter")


def by_fal(emulator: RunningEmulator) -> tuple[str, ...]:
    return (*ONE, "--fal-url", emulator.url)


def assert_is_done(run: Run) -> None:
    assert run.exit_code == 0, run.stderr
    assert run.record["state"] == "done"
    mask = run.pixels("masks/three-quarter.png")
    assert 0.85 <= run.angle("three-quarter")["fill"] <= 0.90
    assert (mask > 127).mean() > 0.1


# --- photos and text ----------------------------------------------------------------------------


def test_one_photo_becomes_a_model_through_the_image_endpoint(tmp_path: Path, fresh_emulator):
    source = photo(tmp_path / "front.png")
    run = make_set(source, out=tmp_path / "set", options=by_fal(fresh_emulator))
    assert_is_done(run)
    (job,) = fresh_emulator.ledger()
    assert job["endpoint"] == "fal-ai/meshy/v6/image-to-3d"
    assert job["unknown_fields"] == []
    assert job["input"]["enable_pbr"] is True
    assert (tmp_path / "set" / "source" / "front.png").read_bytes() == source.read_bytes()
    model = run.record["model"]
    assert (model["endpoint"], model["request_id"]) == (job["endpoint"], job["request_id"])
    assert missing_end(tmp_path / "set" / "model" / "product.glb") == ""
    assert run.record["source"] == {
        "kind": "photos",
        "files": [{"name": "front.png", "sha256": sha256(source)}],
    }


def test_three_photos_become_a_model_through_the_multi_image_endpoint_and_fal_makes_the_set(
    tmp_path: Path, fresh_emulator
):
    sources = [photo(tmp_path / f"{name}.jpg", shade=shade) for shade, name in enumerate("abc")]
    options = ("--engine", "fal", "--fal-url", fresh_emulator.url, "--angles", "front,three-quarter")
    run = make_set(*sources, out=tmp_path / "set", options=options)
    assert run.exit_code == 0, run.stderr
    model, *rest = fresh_emulator.ledger()
    assert model["endpoint"] == "fal-ai/meshy/v6/multi-image-to-3d"
    assert len(model["input"]["image_urls"]) == 3
    assert sorted(job["endpoint"].split("/")[1] for job in rest) == [
        "flux-kontext",
        "flux-kontext",
        "kling-video",
    ]
    assert all(job["unknown_fields"] == [] for job in (model, *rest))
    assert rest[0]["request_id"] == run.angle("three-quarter")["photo"]["request_id"]
    names = {path.name for path in (tmp_path / "set" / "source").iterdir()}
    assert names == {"a.jpg", "b.jpg", "c.jpg"}


def test_photos_with_the_same_name_are_all_kept(tmp_path: Path, fresh_emulator):
    sources = []
    for shade, folder in enumerate(("left", "right")):
        (tmp_path / folder).mkdir()
        sources.append(photo(tmp_path / folder / "DSC0001.png", shade=shade))
    run = make_set(*sources, out=tmp_path / "set", options=by_fal(fresh_emulator))
    assert_is_done(run)
    kept = {sha256(path) for path in (tmp_path / "set" / "source").iterdir()}
    assert kept == {sha256(path) for path in sources}
    page = (tmp_path / "set" / "index.html").read_text(encoding="utf-8")
    for path in (tmp_path / "set" / "source").iterdir():
        assert path.name in page


def test_text_becomes_a_model_through_the_text_endpoint(tmp_path: Path, fresh_emulator):
    options = ("--text", "a blue enamel tea pot", "--seed", 3, *by_fal(fresh_emulator))
    run = make_set(out=tmp_path / "set", options=options)
    assert_is_done(run)
    (job,) = fresh_emulator.ledger()
    assert job["endpoint"] == "fal-ai/meshy/v6/text-to-3d"
    assert job["unknown_fields"] == []
    assert job["input"]["prompt"] == "a blue enamel tea pot"
    assert job["input"]["seed"] == 3
    assert run.record["source"] == {"kind": "text", "text": "a blue enamel tea pot"}
    assert run.record["product"] == "set"


def test_another_model_endpoint_can_be_chosen(tmp_path: Path, fresh_emulator):
    options = ("--model-endpoint", "fal-ai/pixal3d", *by_fal(fresh_emulator))
    run = make_set(photo(tmp_path / "front.png"), out=tmp_path / "set", options=options)
    assert_is_done(run)
    (job,) = fresh_emulator.ledger()
    assert job["endpoint"] == "fal-ai/pixal3d"
    assert job["unknown_fields"] == []


def test_a_single_photo_endpoint_rejects_two_photos_and_nothing_is_sent(tmp_path: Path, fresh_emulator):
    sources = [photo(tmp_path / f"{name}.png") for name in "ab"]
    options = ("--model-endpoint", "fal-ai/pixal3d", *by_fal(fresh_emulator))
    run = make_set(*sources, out=tmp_path / "set", options=options)
    assert run.exit_code == 1
    assert "1 picture, not 2" in run.stderr
    assert fresh_emulator.ledger() == []
    assert not (tmp_path / "set").exists()


def test_a_paid_model_is_not_paid_again_when_a_picture_of_the_set_is_lost(tmp_path: Path, fresh_emulator):
    source = photo(tmp_path / "front.png")
    run = make_set(source, out=tmp_path / "set", options=by_fal(fresh_emulator))
    (tmp_path / "set" / "renders" / "three-quarter.png").unlink()
    (tmp_path / "set" / "model" / "product.glb").unlink()
    again = make_set(source, out=tmp_path / "set", options=by_fal(fresh_emulator))
    assert_is_done(again)
    assert len(fresh_emulator.ledger()) == 1
    assert again.record["model"]["sha256"] == run.record["model"]["sha256"]


# --- 3D files -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wanted(tmp_path_factory: pytest.TempPathFactory, block_file: Path) -> np.ndarray:
    """The mask of the block given as GLB."""
    run = make_set(block_file, out=tmp_path_factory.mktemp("glb") / "set", options=ONE)
    assert_is_done(run)
    return run.pixels("masks/three-quarter.png") > 127


def assert_shows_the_block(run: Run, wanted: np.ndarray) -> None:
    assert_is_done(run)
    assert run.warnings() == []
    assert overlap(run.pixels("masks/three-quarter.png") > 127, wanted) > 0.97
    colours = run.pixels("renders/three-quarter.png")[wanted].astype(int)
    assert (colours[:, 0] > 1.5 * colours[:, 1]).mean() > 0.2, "the red front"
    assert (colours[:, 1] > 1.5 * colours[:, 0]).mean() > 0.2, "the green side"


@pytest.mark.parametrize("form", ["files", "embedded"])
def test_a_gltf_with_its_parts_beside_it_or_inside_is_the_same_product(
    tmp_path: Path, wanted: np.ndarray, form: str
):
    glb = textured_block()
    document = glb.document
    del document["images"][0]["bufferView"], document["images"][0]["mimeType"]
    picture, binary = texture(), glb.binary
    if form == "files":
        (tmp_path / "parts").mkdir()
        (tmp_path / "parts" / "colour map.png").write_bytes(picture)
        (tmp_path / "parts" / "mesh.bin").write_bytes(binary)
        uris = ("parts/colour%20map.png", "parts/mesh.bin")
    else:
        uris = (
            "data:image/png;base64," + base64.b64encode(picture).decode(),
            "data:application/octet-stream;base64," + base64.b64encode(binary).decode(),
        )
    document["images"][0]["uri"] = uris[0]
    document["buffers"] = [{"byteLength": len(binary), "uri": uris[1]}]
    (tmp_path / "block.gltf").write_text(json.dumps(document))
    run = make_set("block.gltf", out=tmp_path / "set", options=ONE)
    assert_shows_the_block(run, wanted)
    assert missing_end(tmp_path / "set" / "model" / "product.glb") == ""


def test_a_blend_file_is_the_same_product(tmp_path: Path, wanted: np.ndarray, scene, block_file: Path):
    import bpy

    bpy.ops.import_scene.gltf(filepath=str(block_file))
    bpy.ops.object.camera_add(location=(0, -5, 2))
    bpy.ops.object.light_add(type="POINT", location=(0, 0, 3))
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "block.blend"))
    before = sha256(tmp_path / "block.blend")
    run = make_set("block.blend", out=tmp_path / "set", options=ONE)
    assert_shows_the_block(run, wanted)
    assert sha256(tmp_path / "block.blend") == before
    assert not list(tmp_path.glob("*.blend1"))


@pytest.mark.skipif(sys.platform == "win32", reason="some of these names are not allowed there")
@pytest.mark.parametrize("name", ["-dash.glb", "Käßchen 🫖 'q\" & <b>.GLB"])
def test_a_file_with_an_unusual_name_is_a_product(tmp_path: Path, name: str):
    textured_block().write(tmp_path / name)
    out = tmp_path / "out ü <i>"
    run = make_set(f"./{name}", out=out, options=ONE)
    assert_is_done(run)
    assert run.record["product"] == Path(name).stem
    assert "<b>" not in (out / "index.html").read_text(encoding="utf-8")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="names are text elsewhere")
def test_a_file_with_an_undecodable_name_is_a_product(tmp_path: Path):
    """Names from old archives may contain bytes that are not UTF-8."""
    name = os.fsdecode(b"caf\xe9.glb")
    textured_block().write(tmp_path / name)
    run = make_set(name, out=tmp_path / "set", options=ONE)
    assert_is_done(run)
    assert run.record["product"] == "caf?"
    assert make_set(name, out=tmp_path / "set", options=ONE).exit_code == 0, "the same source"


# --- the same again -----------------------------------------------------------------------------


def test_the_same_command_in_two_folders_gives_the_same_bytes(tmp_path: Path, block_file: Path):
    first, second = (
        make_set(
            block_file,
            out=tmp_path / name,
            options=(*ONE, "--background", "grey"),
        )
        for name in ("first", "second")
    )
    assert first.exit_code == second.exit_code == 0, first.stderr + second.stderr
    pictures = [name for name in tree(first.out) if name.endswith(".png")]
    assert len(pictures) == 3
    for name in pictures:
        assert (first.out / name).read_bytes() == (second.out / name).read_bytes(), name
    border = first.pixels("renders/three-quarter.png")[0]
    assert (border == 127).all(), "neutral grey"


def test_a_transparent_set_is_cut_out(tmp_path: Path, block_file: Path):
    run = make_set(block_file, out=tmp_path / "set", options=(*ONE, "--background", "transparent"))
    assert_is_done(run)
    picture, mask = run.pixels("renders/three-quarter.png"), run.pixels("masks/three-quarter.png")
    assert picture.shape[2] == 4
    assert (picture[..., 3][mask == 255] == 255).all()
    assert (picture[0, :, 3] == 0).all()
    assert (picture[..., :3][mask == 0] == 0).all()


def test_changed_options_remake_only_what_they_affect(tmp_path: Path, block_file: Path):
    def make_with(angles: str, *more: str) -> Run:
        run = make_set(block_file, out=tmp_path / "set", options=(*ONE[:-1], angles, *more), resolution=64)
        assert run.exit_code == 0, run.stderr
        return run

    before = tree(make_with("front").out)
    after = tree(make_with("front,side").out)
    assert {"renders/side.png", "photos/side.png", "masks/side.png"} == set(after) - set(before)
    assert all(after[name] == before[name] for name in before if name.endswith(".png"))
    grey = make_with("front", "--background", "grey")
    assert (grey.pixels("renders/front.png")[0] == 127).all()
    assert [entry["name"] for entry in grey.record["angles"]] == ["front"]


def test_a_photo_from_a_later_run_has_consistent_light(tmp_path: Path, block_file: Path):
    options = ("--engine", "cycles", "--angles", "front", "--video", "none", "--samples", "4")
    run = make_set(block_file, out=tmp_path / "set", options=options)
    photo = run.out / "photos" / "front.png"
    first = photo.read_bytes()
    assert first != (run.out / "renders" / "front.png").read_bytes()
    photo.unlink()
    make_set(block_file, out=tmp_path / "set", options=options)
    assert photo.read_bytes() == first
