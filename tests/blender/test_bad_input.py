# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input ends with one sentence and exit code 1, and leaves no partial files."""

import json
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.blender.products import Glb, corners, photo, texture, textured_block
from tests.blender.runs import Run, command, environment, make_set, tree
from tests.blender.shapes import ball, product

FREE = ("--engine", "cycles", "--video", "none", "--angles", "three-quarter")
JARGON = ("Traceback", "Exception", "Errno", "Error: ", "object at 0x", "<class", "bpy.", "numpy")


def assert_is_refused(run: Run, *message: str) -> None:
    """Exit 1, one sentence on stderr that contains the texts, JSON that ends with a result."""
    assert run.exit_code == 1, run.stderr
    lines = run.stderr.strip().splitlines()
    assert len(lines) == 1, run.stderr
    assert lines[0].startswith("Error: ")
    assert lines[0].endswith(".")
    said = lines[0].removeprefix("Error: ")
    assert not [word for word in JARGON if word in said], said
    assert all(word in lines[0] for word in message), lines[0]
    last = run.events[-1]
    assert (last["event"], last["state"], last["exit"]) == ("finished", "failed", 1)


def assert_left_nothing(folder: Path, *known: str) -> None:
    assert sorted(path.name for path in folder.iterdir()) == sorted(known)


# --- rejected before Blender starts -------------------------------------------------------------

FILES: dict[str, tuple[str, Callable[[], bytes]]] = {
    "text": ("letter.glb", lambda: b"Dear Sir or Madam,\n"),
    "empty": ("nothing.glb", lambda: b""),
    "truncated": ("cut.glb", lambda: textured_block().data()[:2000]),
    "photo": ("photo.glb", texture),
}


@pytest.mark.parametrize("case", FILES)
def test_an_invalid_glb_is_rejected(tmp_path: Path, case: str):
    name, data = FILES[case]
    (tmp_path / name).write_bytes(data())
    assert_is_refused(make_set(name, out=tmp_path / "set", options=FREE), name)
    assert_left_nothing(tmp_path, name)


def test_a_missing_file_is_rejected(tmp_path: Path):
    assert_is_refused(make_set("no such.glb", out=tmp_path / "set", options=FREE), "no such.glb", "exist")
    assert_left_nothing(tmp_path)


def test_an_unknown_angle_is_rejected_with_the_valid_names(tmp_path: Path, block_file: Path):
    run = make_set(block_file, out=tmp_path / "set", options=(*FREE[:-1], "front,bottom"))
    assert_is_refused(run, "'bottom'", "three-quarter", "detail")
    assert_left_nothing(tmp_path)


@pytest.mark.parametrize("place", ["file", "file/set"])
def test_an_unwritable_output_folder_is_rejected(tmp_path: Path, block_file: Path, place: str):
    (tmp_path / "file").write_bytes(b"mine")
    run = make_set(block_file, out=tmp_path / "set", options=(*FREE, "--out", tmp_path / place))
    assert_is_refused(run, place, "cannot be written")
    assert_left_nothing(tmp_path, "file")
    assert (tmp_path / "file").read_bytes() == b"mine"


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs an unwritable file system")
def test_an_output_folder_on_a_file_system_without_write_access_is_rejected(tmp_path: Path, block_file: Path):
    run = make_set(block_file, out=tmp_path / "set", options=(*FREE, "--out", "/proc/set"))
    assert_is_refused(run, "/proc/set", "cannot be written")


def test_a_folder_with_other_files_is_rejected_and_unchanged(tmp_path: Path, block_file: Path):
    (tmp_path / "holiday").mkdir()
    (tmp_path / "holiday" / "beach.jpg").write_bytes(b"mine")
    before = tree(tmp_path)
    assert_is_refused(make_set(block_file, out=tmp_path / "holiday", options=FREE), "contains no set")
    assert tree(tmp_path) == before


def test_fal_without_a_key_is_rejected_and_the_message_names_the_setting(tmp_path: Path, block_file: Path):
    run = make_set(block_file, out=tmp_path / "set", options=("--engine", "fal"))
    assert_is_refused(run, "FAL_KEY", "the engine cycles")
    assert_left_nothing(tmp_path)


@pytest.mark.parametrize("source", ["photo", "text"])
def test_photos_and_text_need_a_key_with_every_engine(tmp_path: Path, source: str):
    options = (*FREE, "--text", "a tea pot") if source == "text" else FREE
    files = [photo(tmp_path / "front.png")] if source == "photo" else []
    assert_is_refused(make_set(*files, out=tmp_path / "set", options=options), "FAL_KEY")
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org",
        "http://example.org:8123",
        "https://127.0.0.1:8123",
        "http://127.0.0.1",
        "http://127.0.0.1.example.org:80",
        "http://user:secret@127.0.0.1:80",
        "file:///etc/passwd",
        "8123",
    ],
)
def test_an_emulator_on_another_machine_is_rejected(tmp_path: Path, block_file: Path, url: str):
    run = make_set(block_file, out=tmp_path / "set", options=("--engine", "fal", "--fal-url", url))
    assert_is_refused(run, "127.0.0.1:PORT")
    assert_left_nothing(tmp_path)


# --- rejected by Blender ------------------------------------------------------------------------


def without_meshes() -> Glb:
    glb = Glb()
    glb.add_scene(glb.add("nodes", {"name": "nothing"}))
    return glb


def in_one_point() -> Glb:
    glb = Glb()
    glb.add_scene(glb.add("nodes", {"mesh": glb.add_block(None, corners() * 0.0 + 0.5)}))
    return glb


def without_a_valid_face(value: float) -> Glb:
    broken = ball().with_(normals=None)
    broken.places[:] = value
    return product(broken)


def with_nan_positions() -> Glb:
    return without_a_valid_face(np.nan)


def with_huge_positions() -> Glb:
    return without_a_valid_face(1e38)


def with_a_huge_node_scale() -> Glb:
    glb = textured_block()
    glb.document["nodes"][0]["scale"] = [1e37, 1e37, 1e37]
    return glb


def with_an_infinite_node_location() -> Glb:
    glb = textured_block()
    glb.document["nodes"][0]["translation"] = [1e999, 0.0, 0.0]
    return glb


def with_unknown_extension() -> Glb:
    glb = textured_block()
    glb.document["extensionsUsed"] = glb.document["extensionsRequired"] = ["ACME_secret_geometry"]
    return glb


def with_missing_data() -> Glb:
    glb = textured_block()
    glb.document["accessors"][0]["count"] = 10_000_000
    return glb


def with_an_invalid_accessor() -> Glb:
    glb = textured_block()
    glb.document["meshes"] = [{"primitives": [{"attributes": {"POSITION": 77}}]}]
    return glb


def with_a_missing_material() -> Glb:
    glb = textured_block()
    glb.document["meshes"][0]["primitives"][0]["material"] = 99
    return glb


def with_a_node_cycle() -> Glb:
    glb = textured_block()
    glb.document["nodes"][0]["children"] = [0]
    return glb


def with_an_invalid_component_type() -> Glb:
    glb = textured_block()
    glb.document["accessors"][0]["componentType"] = 1
    return glb


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (with_a_missing_material, "refers to parts that do not exist"),
        (with_a_node_cycle, "Export the model again"),
        (with_an_invalid_component_type, "Export the model again"),
        (without_meshes, "mesh"),
        (in_one_point, "single point"),
        (with_nan_positions, "All faces of"),
        (with_huge_positions, "All faces of"),
        (with_a_huge_node_scale, "extremely large coordinates"),
        (with_an_infinite_node_location, "Infinity"),
        (with_unknown_extension, "ACME_secret_geometry"),
        (with_missing_data, ""),
        (with_an_invalid_accessor, ""),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_an_empty_glb_is_rejected_by_name_and_the_folder_removed(
    tmp_path: Path, make: Callable[[], Glb], message: str
):
    make().write(tmp_path / "odd one.glb")
    run = make_set("odd one.glb", out=tmp_path / "set", options=FREE)
    assert_is_refused(run, "odd one.glb", message)
    assert_left_nothing(tmp_path, "odd one.glb")


def test_the_same_command_works_after_the_file_is_repaired(tmp_path: Path):
    in_one_point().write(tmp_path / "pot.glb")
    assert make_set("pot.glb", out=tmp_path / "set", options=FREE).exit_code == 1
    textured_block().write(tmp_path / "pot.glb")
    assert make_set("pot.glb", out=tmp_path / "set", options=FREE).exit_code == 0


# --- textures that cannot be shown --------------------------------------------------------------


def assert_continues_without_magenta(run: Run, material: str) -> None:
    assert run.exit_code == 0, run.stderr
    assert len([text for text in run.warnings() if material in text]) == 1, run.warnings()
    assert any(material in finding["text"] for finding in run.record["model"]["triage"])
    assert material in (run.out / "index.html").read_text(encoding="utf-8")
    for folder in ("renders", "photos"):
        inside = run.pixels("masks/three-quarter.png") == 255
        colours = run.pixels(f"{folder}/three-quarter.png")[inside].astype(int)
        magenta = (colours[:, 0] > colours[:, 1] + 40) & (colours[:, 2] > colours[:, 1] + 40)
        assert not magenta.any()
        assert np.median(np.ptp(colours, axis=1)) < 20, "plain white"


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (b"this is no picture at all", "image/png"),
        (texture()[:60], "image/png"),
        (b"\xabKTX 20\xbb\r\n\x1a\n" + bytes(200), "image/ktx2"),
    ],
    ids=["nonsense", "cut", "ktx2"],
)
def test_an_unreadable_texture_is_reported_with_its_material_and_the_run_continues(
    tmp_path: Path, data: bytes, media_type: str
):
    glb = Glb()
    material = glb.add_material("Blue Enamel", glb.add_image(data, media_type))
    glb.add_scene(glb.add("nodes", {"mesh": glb.add_block(material)}))
    glb.write(tmp_path / "pot.glb")
    assert_continues_without_magenta(make_set("pot.glb", out=tmp_path / "set", options=FREE), "Blue Enamel")


@pytest.mark.parametrize("form", ["glb", "gltf"])
def test_a_missing_texture_is_reported_with_its_material_and_the_run_continues(tmp_path: Path, form: str):
    glb = Glb()
    source = glb.add("images", {"uri": "textures/lost.png"})
    material = glb.add_material("Blue Enamel", glb.add("textures", {"source": source}))
    glb.add_scene(glb.add("nodes", {"mesh": glb.add_block(material)}))
    if form == "glb":
        glb.write(tmp_path / "pot.glb")
    else:
        glb.document["buffers"] = [{"byteLength": len(glb.binary), "uri": "pot.bin"}]
        (tmp_path / "pot.bin").write_bytes(glb.binary)
        (tmp_path / "pot.gltf").write_text(json.dumps(glb.document))
    run = make_set(f"pot.{form}", out=tmp_path / "set", options=FREE)
    assert_continues_without_magenta(run, "Blue Enamel")


def test_a_gltf_whose_geometry_is_missing_is_rejected(tmp_path: Path):
    glb = textured_block()
    glb.document["buffers"] = [{"byteLength": len(glb.binary), "uri": "lost.bin"}]
    (tmp_path / "pot.gltf").write_text(json.dumps(glb.document))
    assert_is_refused(make_set("pot.gltf", out=tmp_path / "set", options=FREE), "pot.gltf")
    assert_left_nothing(tmp_path, "pot.gltf")


def test_a_blend_file_that_is_damaged_is_rejected(tmp_path: Path):
    (tmp_path / "pot.blend").write_bytes(b"BLENDER-v405" + bytes(500))
    assert_is_refused(make_set("pot.blend", out=tmp_path / "set", options=FREE), "pot.blend")
    assert_left_nothing(tmp_path, "pot.blend")


def test_a_truncated_photo_is_rejected_before_anything_is_sent(tmp_path: Path, fresh_emulator):
    whole = photo(tmp_path / "whole.png")
    (tmp_path / "cut.png").write_bytes(whole.read_bytes()[:500])
    Image.new("RGB", (100, 100)).save(tmp_path / "small.png")
    for name in ("cut.png", "small.png"):
        run = make_set(name, whole, out=tmp_path / "set", options=("--fal-url", fresh_emulator.url))
        assert_is_refused(run, name)
        assert not (tmp_path / "set").exists()
    assert fresh_emulator.ledger() == []


def test_a_missing_texture_is_reported_again_when_the_set_is_resumed(tmp_path: Path):
    glb = Glb()
    source = glb.add("images", {"uri": "textures/lost.png"})
    material = glb.add_material("Blue Enamel", glb.add("textures", {"source": source}))
    glb.add_scene(glb.add("nodes", {"mesh": glb.add_block(material)}))
    glb.document["buffers"] = [{"byteLength": len(glb.binary), "uri": "pot.bin"}]
    (tmp_path / "pot.bin").write_bytes(glb.binary)
    (tmp_path / "pot.gltf").write_text(json.dumps(glb.document))
    for _turn in range(2):
        run = make_set("pot.gltf", out=tmp_path / "set", options=FREE)
        assert_continues_without_magenta(run, "Blue Enamel")


def test_an_invalid_key_does_not_block_free_work(tmp_path: Path, block_file: Path, monkeypatch):
    monkeypatch.setenv("FAL_KEY", "no key at all")
    free = [*command("set", block_file, "--out", tmp_path / "free", "--engine", "cycles", "--video", "none")]
    free += ["--angles", "front", "--resolution", "64", "--samples", "1"]
    assert subprocess.run(free, capture_output=True).returncode == 0
    paid = command("set", block_file, "--out", tmp_path / "paid", "--engine", "fal")
    assert subprocess.run(paid, capture_output=True).returncode == 1
    assert not (tmp_path / "paid").exists()


SMALL_DISK = ["unshare", "--map-root-user", "--mount", "sh", "-c"]


def can_make_small_disks() -> bool:
    try:
        return subprocess.run([*SMALL_DISK, "mount -t tmpfs none /mnt"], capture_output=True).returncode == 0
    except OSError:
        return False


@pytest.mark.skipif(not can_make_small_disks(), reason="needs a Linux that allows users to mount")
def test_a_full_disk_is_reported_with_its_folder(tmp_path: Path, block_file: Path):
    (disk := tmp_path / "disk").mkdir()
    arguments = command("set", block_file, "--out", disk / "set", *FREE, "--resolution", 256, "--samples", 1)
    script = f"mount -t tmpfs -o size=200k none {disk} && exec {shlex.join(arguments)}"
    done = subprocess.run([*SMALL_DISK, script], env=environment(), capture_output=True, text=True)
    assert done.returncode == 3, done.stderr
    assert done.stderr.startswith(f"Error: The disk is full: no space left in {disk / 'set'}")
    assert "Free space there" in done.stderr
