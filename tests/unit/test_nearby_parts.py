# SPDX-License-Identifier: GPL-3.0-or-later
"""Textures whose name in the file is not quite that on the disk."""

import json
import sys
from pathlib import Path

import pytest

from photoreal_set.gltf.document import parts_beside, read_gltf
from photoreal_set.gltf.findings import Severity
from photoreal_set.gltf.missing_pictures import missing_pictures
from photoreal_set.gltf.packing import packed, save_glb
from photoreal_set.messages.errors import InputError

WOOD = b"\x89PNG\r\n\x1a\nwood"
STONE = b"\x89PNG\r\n\x1a\nstone"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "product"
    (home / "tex" / "Größe").mkdir(parents=True)
    (home / "tex" / "wood.png").write_bytes(WOOD)
    (home / "tex" / "Größe" / "stone 1.png").write_bytes(STONE)
    for name in ("100%25.png", "a#b.png", "Straße +.png"):
        (home / name).write_bytes(STONE)
    return home


def model(folder: Path, address: str, name: str = "box.gltf") -> Path:
    path = folder / name
    path.write_text(json.dumps({"asset": {"version": "2.0"}, "images": [{"uri": address}]}))
    return path


@pytest.mark.parametrize(
    ("address", "content"),
    [
        ("tex\\wood.png", WOOD),
        (".\\tex\\wood.png", WOOD),
        ("tex/Wood.PNG", WOOD),
        ("TEX\\WOOD.png", WOOD),
        ("tex%5Cwood.png", WOOD),
        ("C:\\Users\\x\\tex\\wood.png", WOOD),
        ("D:/Projects/chair/Tex/Wood.png", WOOD),
        ("\\\\server\\share\\chair\\tex\\wood.png", WOOD),
        ("/home/jane/chair/tex/wood.png", WOOD),
        ("file:///C:/Users/x/tex/wood.png", WOOD),
        ("file:///home/jane/tex/wood.png", WOOD),
        ("FILE://tex/wood.png", WOOD),
        ("../chair/tex/wood.png", WOOD),
        ("tex/Gro\u0308ße/stone%201.png", STONE),
        ("tex/GRÖSSE/Stone 1.png", STONE),
        ("tex/wood.png\u200b", WOOD),
        (" tex/wood.png", WOOD),
        ("100%25.png", STONE),
        ("tex/wood.png?v=3", WOOD),
        ("tex/Wood.png#preview", WOOD),
        ("tex\\wood.png?size=2k&v=%20", WOOD),
        ("a#b.png", STONE),
        ("a%23b.png", STONE),
        ("STRASSE%20+.png", STONE),
    ],
)
def test_a_texture_that_is_there_is_found(folder: Path, address: str, content: bytes):
    source = model(folder, address)
    assert [part.read_bytes() for part in parts_beside(source)] == [content]
    gltf = packed(read_gltf(source))
    assert gltf.image(0) == content
    assert list(missing_pictures(read_gltf(source))) == []


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell capitals apart")
def test_capitals_decide_when_two_names_differ_in_nothing_else(folder: Path):
    (folder / "tex" / "Wood.png").write_bytes(STONE)
    assert packed(read_gltf(model(folder, "tex/Wood.png"))).image(0) == STONE
    assert packed(read_gltf(model(folder, "tex/wood.png"))).image(0) == WOOD
    (finding,) = missing_pictures(read_gltf(model(folder, "tex/WOOD.png")))
    assert "'tex/WOOD.png', which is not there" in finding.text


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("tex/wood.jpg", "'tex/wood.jpg', which is not there. Similar names that are there: 'tex/wood.png'."),
        ("textures/wod.png", "which is not there. Similar names that are there: 'tex/wood.png'."),
        ("tex/lamp.jpeg", "'tex/lamp.jpeg', which is not there. Nothing there has a similar name."),
        ("tex\\woods.png", "which is not there. Similar names that are there: 'tex/wood.png'."),
        ("box.gltf", "'box.gltf', which is not a picture."),
        ("Wood.png", "which is not there. Similar names that are there: 'tex/wood.png'."),
        (
            "https://example.org/x/wood.png?v=1",
            "an address from which nothing is loaded. Similar names that are",
        ),
        ("asset://lamp", "an address from which nothing is loaded. Embed the texture, and export again."),
    ],
)
def test_what_is_not_found_is_named_with_what_is_there(folder: Path, address: str, words: str):
    (finding,) = missing_pictures(read_gltf(model(folder, address)))
    assert (finding.kind, finding.severity) == ("texture_not_found", Severity.ERROR)
    assert words in finding.text and finding.text.startswith("box.gltf names the texture ")


def test_an_absolute_path_that_is_not_here_is_refused_with_what_is_here(folder: Path):
    with pytest.raises(InputError, match=r"is outside its folder.*Its folder has tex/wood\.png\.") as caught:
        save_glb(model(folder, "C:\\Users\\x\\tex\\wood.tga"), folder / "out.glb")
    assert "C:" in str(caught.value)


def test_a_link_out_of_the_folder_is_not_searched(folder: Path):
    (folder.parent / "private").mkdir()
    (folder.parent / "private" / "secret.png").write_bytes(WOOD)
    (folder / "up").symlink_to("../private")
    for address in ("up/Secret.png", "C:\\up\\Secret.png"):
        with pytest.raises(InputError, match="is outside"):
            read_gltf(model(folder, address))
