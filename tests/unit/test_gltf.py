# SPDX-License-Identifier: GPL-3.0-or-later
"""A glTF file becomes one GLB without losing data, even when it is broken or hostile."""

import base64
import json
import os
import struct
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest

from photoreal_set.files.writing import sha256_of
from photoreal_set.gltf import document as gltf_module
from photoreal_set.gltf import packing as gltf_packing
from photoreal_set.gltf.document import Gltf, parts_beside, read_gltf, sha256_of_source
from photoreal_set.gltf.edits import (
    with_far_at,
    with_tags,
    with_variant,
    without_variants,
)
from photoreal_set.gltf.packing import NO_PICTURE, enclosed_copy, packed, save_glb
from photoreal_set.messages.errors import InputError
from tests.blender.products import Glb, texture, textured_block
from tests.opened_files import recorded_opens

CLEARCOAT = {"KHR_materials_clearcoat": {"clearcoatFactor": 1.0}, "ACME_secret": {"depth": [1, {"x": None}]}}


def apart(folder: Path, glb: Glb, *, picture: str = "parts/colour%20map.png") -> Path:
    """The block as .gltf with its mesh and its picture as files."""
    document = json.loads(json.dumps(glb.document))
    (folder / "parts").mkdir()
    (folder / "parts" / "colour map.png").write_bytes(texture())
    (folder / "parts" / "mesh.bin").write_bytes(glb.binary)
    document["images"] = [{"uri": picture}]
    document["buffers"] = [{"byteLength": len(glb.binary), "uri": "parts/mesh.bin"}]
    path = folder / "block.gltf"
    path.write_text(json.dumps(document))
    return path


def read(data: bytes, folder: Path) -> Gltf:
    path = folder / "written.glb"
    path.write_bytes(data)
    return read_gltf(path)


def coated() -> Glb:
    glb = textured_block()
    glb.document["materials"][0]["extensions"] = CLEARCOAT
    return glb


def test_packing_keeps_every_extension_and_every_byte(tmp_path: Path):
    glb = coated()
    source = apart(tmp_path, glb)
    target = tmp_path / "set" / "product.glb"
    save_glb(source, target)
    written = read_gltf(target)
    assert [entry.get("uri") for entry in (*written.entries("buffers"), *written.entries("images"))] == [
        None
    ] * 2
    assert written.document["materials"] == glb.document["materials"]
    assert written.image(0) == texture()
    places = written.floats(0)
    assert places is not None
    assert places.tolist() == read(glb.data(), tmp_path).floats(0).tolist()


def test_a_self_contained_glb_is_copied_byte_for_byte(tmp_path: Path):
    source = coated().write(tmp_path / "block.glb")
    save_glb(source, tmp_path / "copy.glb")
    assert (tmp_path / "copy.glb").read_bytes() == source.read_bytes()


def test_a_glb_reads_no_other_files(tmp_path: Path):
    glb = coated()
    glb.document["images"] = [{"uri": "wood.png"}]
    (tmp_path / "wood.png").write_bytes(texture())
    source = glb.write(tmp_path / "block.glb")
    with recorded_opens() as opened:
        save_glb(source, tmp_path / "out.glb")
        whole = enclosed_copy(read_gltf(source))
    assert not [path for path in opened if "wood" in path]
    assert (tmp_path / "out.glb").read_bytes() == source.read_bytes()
    assert [entry["name"] for entry in whole.entries("images")] == ["wood.png"]
    assert whole.image(0) == b"\0\0\0"


def test_a_glb_with_external_geometry_is_rejected(tmp_path: Path):
    (tmp_path / "mesh.bin").write_bytes(bytes(100))
    glb = coated()
    document = {
        **glb.document,
        "buffers": [{"byteLength": len(glb.binary)}, {"uri": "mesh.bin", "byteLength": 100}],
    }
    source = tmp_path / "block.glb"
    source.write_bytes(Gltf("block", None, document, glb.binary).glb())
    with pytest.raises(InputError, match=r"block\.glb.*'mesh\.bin' is missing.*A GLB contains all"):
        save_glb(source, tmp_path / "out.glb")
    assert not (tmp_path / "out.glb").exists()


def test_base64_parts_are_packed(tmp_path: Path):
    glb = coated()
    document = glb.document
    document["buffers"] = [{"uri": "data:;base64," + base64.b64encode(glb.binary).decode()}]
    document["images"] = [{"uri": "data:image/png;base64," + base64.b64encode(texture()).decode()}]
    (tmp_path / "block.gltf").write_text(json.dumps(document))
    save_glb(tmp_path / "block.gltf", tmp_path / "out.glb")
    written = read_gltf(tmp_path / "out.glb")
    assert written.image(0) == texture()
    assert "uri" not in written.document["buffers"][0]


def test_several_buffers_are_merged_and_views_stay_valid(tmp_path: Path):
    views = [{"buffer": 1, "byteOffset": 4, "byteLength": 8}, {"buffer": 0, "byteLength": 3}]
    compressed = {"buffer": 1, "byteOffset": 0, "byteLength": 4, "count": 1, "byteStride": 4}
    views.append({"buffer": 2, "byteLength": 99, "extensions": {"EXT_meshopt_compression": compressed}})
    document: dict[str, Any] = {
        "asset": {"version": "2.0"},
        "buffers": [{"uri": "a.bin"}, {"uri": "b.bin"}, {"byteLength": 99}],
        "bufferViews": views,
    }
    (tmp_path / "a.bin").write_bytes(b"abc")
    (tmp_path / "b.bin").write_bytes(b"0123456789ab")
    (tmp_path / "x.gltf").write_text(json.dumps(document))
    whole = packed(read_gltf(tmp_path / "x.gltf"))
    assert (whole.view(0), whole.view(1)) == (b"456789ab", b"abc")
    last = whole.document["bufferViews"][2]
    assert last["buffer"] == 1, "what a decoder fills has no bytes"
    assert last["extensions"]["EXT_meshopt_compression"] == {**compressed, "buffer": 0, "byteOffset": 4}


def test_missing_geometry_is_rejected_by_name(tmp_path: Path):
    source = apart(tmp_path, coated())
    (tmp_path / "parts" / "mesh.bin").unlink()
    with pytest.raises(InputError, match=r"block\.gltf.*mesh\.bin.*missing"):
        save_glb(source, tmp_path / "out.glb")
    assert not (tmp_path / "out.glb").exists()


@pytest.mark.parametrize(
    "uri", ["lost.png", "secret.txt", "https://example.org/a.png", "a\0b", "x" * 5000, "chair:red.png"]
)
def test_only_existing_pictures_are_packed(tmp_path: Path, uri: str):
    (tmp_path / "secret.txt").write_text("my password")
    source = apart(tmp_path, coated(), picture=uri)
    save_glb(source, tmp_path / "out.glb")
    assert b"my password" not in (tmp_path / "out.glb").read_bytes()
    assert read_gltf(tmp_path / "out.glb").document["images"][0]["uri"] == uri, (
        "the studio says which is missing"
    )


# --- what a file may name -----------------------------------------------------------------------

OUTSIDE = (
    "/proc/self/environ",
    "/etc/passwd",
    "../secret.txt",
    "parts/../../secret.txt",
    "%2e%2e/secret.txt",
    "..%2fsecret.txt",
    "%2Fetc%2Fpasswd",
    r"..\secret.txt",
    "..%5Csecret.txt",
    "C:/secret.txt",
    r"\\server\share\secret.txt",
    "//server/share/secret.txt",
    "file:///etc/passwd",
    "FILE:/etc/passwd",
    "file://server/share",
)
OVER_LINKS = ("leak.bin", "up/secret.txt")  # A GLB reads no other file, wherever a link points.
SECRET = b"my password"


def hostile(folder: Path, uri: str, place: str, *, suffix: str) -> Path:
    """The block in a separate folder, with ``uri`` as a buffer, a picture, or in an extension."""
    home = folder / "product"
    home.mkdir()
    (folder / "secret.txt").write_bytes(SECRET * 100)
    (home / "leak.bin").symlink_to("../secret.txt")
    (home / "up").symlink_to("..")
    glb = coated()
    document = json.loads(json.dumps(glb.document))
    document["buffers"] = [{"byteLength": len(glb.binary)}]
    if suffix == ".gltf":
        (home / "mesh.bin").write_bytes(glb.binary)
        document["buffers"][0]["uri"] = "mesh.bin"
    if place == "buffer":
        document["buffers"].append({"uri": uri, "byteLength": 40})
    elif place == "picture":
        document["images"] = [{"uri": uri}]
    else:
        emitter = {"audio": [{"uri": "sound.mp3"}, {"uri": uri}]}
        document["extensions"] = {"KHR_audio_emitter": emitter, "X": [{"deep": {"schemaUri": uri}}]}
    path = home / f"block{suffix}"
    if suffix == ".gltf":
        path.write_text(json.dumps(document))
    else:
        path.write_bytes(Gltf("block", None, document, glb.binary).glb())
    return path


@pytest.mark.parametrize("place", ["buffer", "picture", "extension"])
@pytest.mark.parametrize(
    ("suffix", "uri"),
    [*((".gltf", uri) for uri in (*OUTSIDE, *OVER_LINKS)), *((".glb", uri) for uri in OUTSIDE)],
)
def test_a_file_outside_its_folder_is_rejected_by_its_name_and_never_opened(
    tmp_path: Path, uri: str, suffix: str, place: str
):
    source = hostile(tmp_path, uri, place, suffix=suffix)
    with recorded_opens() as opened:
        for use in (read_gltf, lambda path: save_glb(path, tmp_path / "out.glb")):
            with pytest.raises(InputError) as refused:
                use(source)
            assert source.name in str(refused.value)
            assert repr(uri) in str(refused.value) or repr(unquote(uri)) in str(refused.value)
        if suffix == ".gltf":
            with pytest.raises(InputError):
                parts_beside(source)
            with pytest.raises(InputError):
                sha256_of_source(source)
    assert {Path(path).name for path in opened} <= {source.name}
    assert not (tmp_path / "out.glb").exists()


@pytest.mark.parametrize("place", ["buffer", "picture", "extension"])
def test_a_pipe_beside_a_gltf_is_rejected_and_never_opened(tmp_path: Path, place: str):
    source = hostile(tmp_path, "pipe", place, suffix=".gltf")
    os.mkfifo(source.parent / "pipe")
    with recorded_opens() as opened, pytest.raises(InputError, match=r"'pipe'.*not a regular file"):
        save_glb(source, tmp_path / "out.glb")
    assert {Path(path).name for path in opened} == {source.name}


def test_the_importer_receives_no_file_uri(tmp_path: Path):
    glb = coated()
    glb.document["images"] = [
        {"uri": "textures/lost.png"},
        {"uri": "data:text/plain,x", "name": "Inline"},
        {"uri": "https://example.org/wood.png", "bufferView": 0, "mimeType": "image/png"},
        {"uri": 7},
    ]
    glb.document["extensions"] = {"KHR_audio_emitter": {"audio": [{"uri": "sound.mp3", "name": "Bell"}]}}
    glb.document["extras"] = {"uri": "kept: nothing acts on it"}
    whole = enclosed_copy(read(glb.data(), tmp_path))
    images = whole.entries("images")
    assert [entry["name"] for entry in images] == ["lost.png", "Inline", "wood.png", "7"]
    assert [entry.get("uri") for entry in images] == [NO_PICTURE, NO_PICTURE, None, NO_PICTURE]
    assert whole.image(2) == texture()
    assert whole.document["extensions"] == {"KHR_audio_emitter": {"audio": [{"name": "Bell"}]}}
    assert whole.document["extras"] == glb.document["extras"]


def test_a_part_that_is_referenced_repeatedly_is_packed_once(tmp_path: Path):
    source = apart(tmp_path, coated())
    document = json.loads(source.read_text())
    document["images"] *= 500
    document["buffers"] *= 500
    source.write_text(json.dumps(document))
    whole = packed(read_gltf(source))
    assert len(whole.binary) < 2 * len(texture()) + len(coated().binary)
    assert whole.image(499) == texture()


@pytest.mark.parametrize("inline", [False, True])
def test_a_part_with_fewer_bytes_than_declared_is_rejected(tmp_path: Path, inline: bool):
    uri = "data:;base64," + base64.b64encode(bytes(10)).decode() if inline else "mesh.bin"
    (tmp_path / "mesh.bin").write_bytes(bytes(10))
    document = {"asset": {"version": "2.0"}, "buffers": [{"uri": uri, "byteLength": 11}]}
    (tmp_path / "x.gltf").write_text(json.dumps(document))
    with pytest.raises(InputError, match="10 of 11 bytes"):
        packed(read_gltf(tmp_path / "x.gltf"))
    document["buffers"][0]["byteLength"] = 4
    (tmp_path / "x.gltf").write_text(json.dumps(document))
    assert packed(read_gltf(tmp_path / "x.gltf")).binary == bytes(4)


def test_parts_too_large_for_one_glb_are_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    source = apart(tmp_path, coated())
    monkeypatch.setattr(gltf_packing, "MAX_GLB_BYTES", len(coated().binary) + 10)
    with pytest.raises(InputError, match=r"block\.gltf with all its parts exceeds the maximum size"):
        packed(read_gltf(source))


def test_deep_nesting_and_broken_characters_do_not_crash(tmp_path: Path):
    path = tmp_path / "odd.gltf"
    path.write_text('{"asset": {}, "extras": ' + "[" * 300 + "]" * 300 + "}")
    with pytest.raises(InputError, match="nested more than 256 levels"):
        read_gltf(path)
    path.write_text('{"asset": {}, "materials": [{"name": "\\ud800 and \\ud83e\\uded6"}]}')
    gltf = read_gltf(path)
    assert gltf.entries("materials")[0]["name"] == "? and 🫖"
    gltf.glb()
    path.write_bytes(b'{"asset": {}, "name": "\xed\xa0\x80"}')
    with pytest.raises(InputError, match="not valid JSON"):
        read_gltf(path)


# --- variants -----------------------------------------------------------------------------------


def painted() -> Glb:
    """Two parts: one with three colours, the other with one."""
    glb = textured_block()
    for name in ("Red", "Blue", "Black"):
        glb.add_material(name)
    glb.document["extensionsUsed"] = ["KHR_materials_variants"]
    names = ["Sunset", "Ocean", "Night"]
    glb.document["extensions"] = {"KHR_materials_variants": {"variants": [{"name": name} for name in names]}}
    mappings = [{"material": 1, "variants": [0]}, {"material": 2, "variants": [1]}]
    primitive = glb.document["meshes"][0]["primitives"][0]
    primitive["extensions"] = {"KHR_materials_variants": {"mappings": mappings}}
    return glb


@pytest.mark.parametrize(("name", "material"), [("Sunset", 1), ("Ocean", 2), ("ocean", 2), ("Night", 0)])
def test_a_variant_applies_its_materials(tmp_path: Path, name: str, material: int):
    source = painted().write(tmp_path / "lamp.glb")
    save_glb(source, tmp_path / "out.glb", variant=name)
    written = read_gltf(tmp_path / "out.glb")
    assert [primitive["material"] for _mesh, primitive in written.primitives()] == [material]
    assert written.variants() == ()
    assert "KHR_materials_variants" not in written.used


def test_an_unknown_variant_is_rejected_with_the_valid_ones(tmp_path: Path):
    lamp = read_gltf(painted().write(tmp_path / "lamp.glb"))
    with pytest.raises(
        InputError, match=r"lamp\.glb has no variant 'Dawn'\. It has 'Sunset', 'Ocean', 'Night'\."
    ):
        with_variant(lamp, "Dawn")
    plain = read_gltf(coated().write(tmp_path / "block.glb"))
    with pytest.raises(InputError, match="no material variants"):
        with_variant(plain, "Dawn")


def test_without_variants_the_default_materials_stay(tmp_path: Path):
    lamp = read_gltf(painted().write(tmp_path / "lamp.glb"))
    assert lamp.variants() == ("Sunset", "Ocean", "Night")
    usual = without_variants(lamp)
    assert [primitive["material"] for _mesh, primitive in usual.primitives()] == [0]
    assert lamp.variants(), "the file as it was read stays"


# --- untrusted values ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not valid JSON"),
        ("[1]", "no asset"),
        ('{"asset": 3}', "no asset"),
        ("[" * 9999, "not valid JSON"),
    ],
)
def test_an_invalid_gltf_is_rejected(tmp_path: Path, text: str, message: str):
    (tmp_path / "odd.gltf").write_text(text)
    with pytest.raises(InputError, match=message):
        read_gltf(tmp_path / "odd.gltf")


@pytest.mark.parametrize("suffix", [".gltf", ".glb"])
def test_an_enormous_description_is_rejected_without_being_read(tmp_path: Path, suffix: str):
    path = tmp_path / f"huge{suffix}"
    with path.open("wb") as stream:  # Sparse: it takes no space.
        stream.write(struct.pack("<4sIII4s", b"glTF", 2, 2**32 - 1, 2**32 - 100, b"JSON"))
        stream.truncate(1 << 36)
    with pytest.raises(InputError, match=r"The JSON in .* has [\d,]+ bytes; the maximum is"):
        read_gltf(path)


def test_a_description_of_too_many_values_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "many.gltf"
    path.write_text('{"asset": {}, "extras": [' + "0," * 100 + "0]}")
    read_gltf(path)
    monkeypatch.setattr(gltf_module, "MAX_VALUES", 50)
    with pytest.raises(InputError, match="more than 50 values"):
        read_gltf(path)


NONSENSE = (
    None,
    3,
    "x",
    [None],
    [3],
    [[]],
    [{}],
    {"a": 1},
    [{"uri": 4}],
    [{"extensions": 7, "primitives": 5}],
)


@pytest.mark.parametrize("value", NONSENSE, ids=range(len(NONSENSE)))
def test_values_of_a_wrong_type_count_as_missing(tmp_path: Path, value: Any):
    kinds = ("images", "buffers", "bufferViews", "accessors", "meshes", "materials", "textures", "extensions")
    for kind in (*kinds, "extensionsUsed", "extensionsRequired"):
        path = tmp_path / f"{kind}.gltf"
        path.write_text(json.dumps({"asset": {"version": "2.0"}, kind: value}))
        gltf = read_gltf(path)
        for index in (None, -1, 0, "0", 99):
            assert gltf.view(index) is None
            assert gltf.image(index) is None
            assert gltf.floats(index) is None
        assert isinstance(list(gltf.primitives()), list)
        assert gltf.variants() == ()
        gltf.meshes_without_normals()
        packed(with_tags(without_variants(gltf), "tag", required=())).glb()


@pytest.mark.parametrize(
    "change",
    [{"byteOffset": 10**9}, {"count": -1}, {"componentType": 5123}, {"count": True}],
)
def test_accessors_beyond_the_file_give_no_numbers(tmp_path: Path, change: dict[str, int]):
    glb = textured_block()
    glb.document["accessors"][0].update(change)
    assert read(glb.data(), tmp_path).floats(0) is None


@pytest.mark.parametrize(
    "change", [{"byteOffset": True}, {"byteStride": True}, {"byteStride": -4}, {"byteLength": True}]
)
def test_an_invalid_view_gives_none_without_a_crash(tmp_path: Path, change: dict[str, object]):
    glb = textured_block()
    view = glb.document["accessors"][0]["bufferView"]
    glb.document["bufferViews"][view].update(change)
    odd = read(glb.data(), tmp_path)
    assert odd.floats(0) is None
    with_far_at(odd, 1e15).glb()


def test_interleaved_numbers_are_read(tmp_path: Path):
    glb = Glb()
    values = np.arange(30, dtype="<f4").reshape(5, 6)
    view = glb.add_bytes(values.tobytes())
    glb.document["bufferViews"][view]["byteStride"] = 24
    entry = {"bufferView": view, "byteOffset": 12, "componentType": 5126, "count": 5, "type": "VEC3"}
    number = glb.add("accessors", entry)
    found = read(glb.data(), tmp_path).floats(number)
    assert found is not None
    assert found.tolist() == values[:, 3:].tolist()


def test_the_hash_of_a_source_covers_the_parts_beside_it(tmp_path: Path):
    glb = textured_block().write(tmp_path / "block.glb")
    assert sha256_of_source(glb) == sha256_of(glb), "what is one file keeps its hash"
    path = apart(tmp_path, textured_block())
    hashes = [sha256_of_source(path)]
    for part in ("colour map.png", "mesh.bin"):
        file = tmp_path / "parts" / part
        file.write_bytes(file.read_bytes() + b"x")
        hashes.append(sha256_of_source(path))
    (tmp_path / "parts" / "colour map.png").unlink()
    hashes.append(sha256_of_source(path))
    (tmp_path / "parts" / "mesh.bin").unlink()
    hashes.append(sha256_of_source(path))
    assert len(set(hashes)) == 5
    assert hashes[-1] == sha256_of(path), "nothing is beside it any more"
    path.write_text("no JSON")
    assert sha256_of_source(path) == sha256_of(path)
