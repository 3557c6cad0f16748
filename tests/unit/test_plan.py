# SPDX-License-Identifier: GPL-3.0-or-later
"""Valid sources, and what is rejected before anything is written or spent."""

import io
import json
import os
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photoreal_set.fal_bridge.network.service import Service
from photoreal_set.messages.errors import InputError, PhotorealError
from photoreal_set.optics.angles import ANGLES
from photoreal_set.photo_set.choices import Engine
from photoreal_set.photo_set.plan import SetPlan
from photoreal_set.photo_set.source import Source, SourceKind, source_from
from tests.fal_emulator.glb import make_glb

GLB = make_glb("a jar", None, triangles=100, texture_side=32)
GLTF = json.dumps({"asset": {"version": "2.0"}, "meshes": [{"primitives": []}]}).encode()
BLEND = b"BLENDER-v405" + bytes(64)
JARGON = ("Traceback", "Exception", "Errno", "object at 0x", "<class", "None", "NoneType", "\n")


def photo(form: str = "PNG", *, side: int = 256, mode: str = "RGB") -> bytes:
    noise = np.random.default_rng(side).integers(0, 255, (side, side + 10, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).convert(mode).save(buffer, form)
    return buffer.getvalue()


def png_of_size(width: int, height: int) -> bytes:
    """A PNG that declares this size and contains no data."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def refusal(call: Callable[[], object]) -> str:
    """The message for the user; checks that it is an input error in plain text."""
    with pytest.raises(PhotorealError) as refused:
        call()
    said = str(refused.value)
    assert refused.value.exit_code == 1
    assert said.endswith(".")
    assert not [word for word in JARGON if word in said], said
    return said


# --- accepted -----------------------------------------------------------------------------------

MODELS = {"glb": GLB, "GLB": GLB, "gltf": GLTF, "GlTf": GLTF, "blend": BLEND}
ODD_NAMES = ("tea pot", "Käßchen", "杯子", "🫖 pot", "a.b.c", "'quoted' \"twice\"", "100% & more;", "-dash")


@pytest.mark.parametrize("suffix", MODELS)
def test_a_3d_file_is_a_source_whatever_the_case_of_its_suffix(tmp_path: Path, suffix: str):
    file = tmp_path / f"pot.{suffix}"
    file.write_bytes(MODELS[suffix])
    source = source_from([file], "")
    assert (source.kind, source.files) == (SourceKind.MODEL, (file,))


@pytest.mark.skipif(sys.platform == "win32", reason="some of these names are not allowed there")
@pytest.mark.parametrize("name", ODD_NAMES)
def test_unusual_names_are_accepted_and_kept(tmp_path: Path, monkeypatch, name: str):
    monkeypatch.chdir(tmp_path)
    Path(f"{name}.glb").write_bytes(GLB)
    source = source_from([Path(f"./{name}.glb")], "")
    assert SetPlan(source=source, out=Path("elsewhere"), angles=()).product == name
    assert source.record()["files"][0]["name"] == f"{name}.glb"


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_one_to_four_photos_are_a_source(tmp_path: Path, count: int):
    files = [tmp_path / f"{number}.jpg" for number in range(count)]
    for file, form in zip(files, ("JPEG", "PNG", "WEBP", "JPEG"), strict=False):
        file.write_bytes(photo(form))  # A wrong suffix does not matter.
    assert source_from(files, "") == Source(kind=SourceKind.PHOTOS, files=tuple(files))


def test_a_photo_of_too_many_pixels_is_not_called_damaged(tmp_path: Path):
    path = tmp_path / "wall.png"
    Image.new("1", (20000, 20000)).save(path)
    with pytest.raises(InputError, match=r"wall\.png has too many pixels.*4096 pixels a side"):
        source_from([path], "")


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "I;16", "1"])
def test_a_photo_may_have_any_png_color_type(tmp_path: Path, mode: str):
    (tmp_path / "photo.png").write_bytes(photo(mode=mode))
    assert source_from([tmp_path / "photo.png"], "").kind is SourceKind.PHOTOS


def test_a_product_without_a_3d_file_is_named_after_its_folder(tmp_path: Path):
    (tmp_path / "front.jpg").write_bytes(photo("JPEG"))
    source = source_from([tmp_path / "front.jpg"], "")
    assert SetPlan(source=source, out=Path("sets/blue mug"), angles=()).product == "blue mug"


def test_a_text_is_a_source():
    source = source_from([], "  a small blue enamel tea pot with a wooden knob ")
    assert source.kind is SourceKind.TEXT
    assert source.record() == {"kind": "text", "text": "a small blue enamel tea pot with a wooden knob"}


def test_equal_content_gives_equal_records_and_different_content_different_ones(tmp_path: Path):
    for folder, data in (("a", GLB), ("b", GLB), ("c", GLB + b"more")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "pot.glb").write_bytes(data)
    records = [source_from([tmp_path / folder / "pot.glb"], "").record() for folder in "abc"]
    assert records[0] == records[1] != records[2]
    assert str(tmp_path) not in json.dumps(records)


def test_files_with_the_same_or_undecodable_names_are_distinguished():
    files = (Path("left/DSC1.jpg"), Path("right/dsc1.JPG"), Path("caf\udce9.png"))
    source = Source(kind=SourceKind.PHOTOS, files=files)
    assert source.kept_names == ("1-DSC1.jpg", "2-dsc1.JPG", "3-caf?.png")
    other = Source(kind=SourceKind.PHOTOS, files=(Path("a/1.jpg"), Path("a/2.jpg")))
    assert other.kept_names == ("1.jpg", "2.jpg")


# --- rejected -----------------------------------------------------------------------------------

DEEP = b'{"asset":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
BAD_FILES = {
    "empty glb": ("pot.glb", b""),
    "text named glb": ("pot.glb", b"I am a letter.\n"),
    "gltf named glb": ("pot.glb", GLTF),
    "photo named glb": ("pot.glb", photo()),
    "cut glb": ("pot.glb", GLB[: len(GLB) // 2]),
    "glb of four bytes": ("pot.glb", b"glTF"),
    "glb of eleven bytes": ("pot.glb", GLB[:11]),
    "gltf without json": ("pot.gltf", b"{"),
    "gltf of binary": ("pot.gltf", b"\xff\xfe\x00\x01"),
    "gltf that is a list": ("pot.gltf", b"[]"),
    "gltf without asset": ("pot.gltf", b"{}"),
    "gltf without meshes": ("pot.gltf", b'{"asset": {"version": "2.0"}, "meshes": []}'),
    "glb without meshes": ("pot.glb", GLB.replace(b'"meshes":[', b'"neshes":[')),
    "glb named gltf": ("pot.gltf", GLB),
    "gltf that is a million brackets": ("pot.gltf", DEEP),
    "text named blend": ("pot.blend", b"I am a letter.\n"),
    "text": ("pot.txt", b"I am a letter.\n"),
    "no suffix": ("pot", b"I am a letter.\n"),
    "obj": ("pot.obj", b"v 0 0 0\n"),
    "pdf": ("pot.pdf", b"%PDF-1.7\n"),
    "gif": ("pot.gif", photo("GIF")),
    "small photo": ("pot.png", photo(side=255)),
    "cut png": ("pot.png", photo()[:5000]),
    "cut jpeg": ("pot.jpg", photo("JPEG")[:5000]),
    "cut webp": ("pot.webp", photo("WEBP")[:5000]),
    "png without data": ("pot.png", png_of_size(300, 300)),
    "huge png": ("pot.png", png_of_size(60_000, 60_000)),
    "png of nothing": ("pot.png", png_of_size(0, 0)),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_file_that_cannot_be_a_source_is_rejected_by_name(tmp_path: Path, case: str):
    name, data = BAD_FILES[case]
    (tmp_path / name).write_bytes(data)
    assert name in refusal(lambda: source_from([tmp_path / name], ""))


def test_what_is_not_a_file_is_rejected(tmp_path: Path):
    (tmp_path / "folder.glb").mkdir()
    assert "does not exist" in refusal(lambda: source_from([tmp_path / "missing.glb"], ""))
    assert "it is a folder" in refusal(lambda: source_from([tmp_path / "folder.glb"], ""))
    refusal(lambda: source_from([tmp_path / ("long" * 2000 + ".glb")], ""))
    refusal(lambda: source_from([tmp_path / "a\0b.glb"], ""))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes there")
def test_a_pipe_is_rejected_without_blocking(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe.glb")
    assert "not a file" in refusal(lambda: source_from([tmp_path / "pipe.glb"], ""))


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that cannot be read")
def test_a_file_that_cannot_be_read_is_rejected():
    assert "cannot be read" in refusal(lambda: source_from([Path("/proc/self/mem")], ""))


def test_sources_that_cannot_be_combined_are_rejected(tmp_path: Path):
    model, other, picture = tmp_path / "a.glb", tmp_path / "b.glb", tmp_path / "c.png"
    model.write_bytes(GLB)
    other.write_bytes(GLB)
    picture.write_bytes(photo())
    for files, text in (
        ([], ""),
        ([], "  \t"),
        ([model], "a lamp"),
        ([model, other], ""),
        ([model, picture], ""),
        ([picture] * 5, ""),
    ):
        refusal(lambda files=files, text=text: source_from(files, text))


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_a_damaged_photo_is_accepted_or_rejected_without_a_crash(tmp_path: Path, form: str):
    chance = np.random.default_rng(11)
    whole = np.frombuffer(photo(form), dtype=np.uint8)
    for _turn in range(60):
        data = whole.copy()
        where = chance.integers(0, len(data) if chance.random() < 0.5 else 200, 8)
        data[where] = chance.integers(0, 255, 8)
        (tmp_path / "photo").write_bytes(data.tobytes())
        try:
            source_from([tmp_path / "photo"], "")
        except InputError as refused:
            assert str(refused).endswith(".")


# --- plans --------------------------------------------------------------------------------------

MODEL = Source(kind=SourceKind.MODEL, files=(Path("pot.glb"),))
PHOTOS = Source(kind=SourceKind.PHOTOS, files=(Path("1.png"), Path("2.png")))
WORDS = Source(kind=SourceKind.TEXT, text="a pot")
EMULATOR = Service.emulator("http://127.0.0.1:9")


def plan(source: Source = MODEL, **changes: object) -> SetPlan:
    return SetPlan(**{"source": source, "out": Path("out"), "angles": tuple(ANGLES.values()), **changes})


def test_a_set_by_cycles_from_a_model_needs_no_key():
    plan().check()
    assert not plan().uses_fal


@pytest.mark.parametrize(
    "wanted",
    [
        plan(engine=Engine.FAL),
        plan(video=Engine.FAL),
        plan(PHOTOS),
        plan(WORDS, video=None),
    ],
)
def test_whatever_needs_fal_is_rejected_without_a_key(wanted: SetPlan):
    assert "FAL_KEY" in refusal(wanted.check)


@pytest.mark.parametrize(
    "changes",
    [
        {"engine": Engine.FAL, "photo_endpoint": "fal-ai/no-such"},
        {"engine": Engine.FAL, "photo_endpoint": "fal-ai/pixal3d"},
        {"video": Engine.FAL, "video_endpoint": "fal-ai/flux-kontext/dev"},
        {"source": PHOTOS, "model_endpoint": "fal-ai/flux-kontext/dev"},
    ],
)
def test_an_endpoint_of_another_kind_is_rejected_before_anything_is_paid(changes: dict):
    refusal(plan(service=EMULATOR, **changes).check)


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        (Source(kind=SourceKind.PHOTOS, files=(Path("1.png"),)), "fal-ai/meshy/v6/image-to-3d"),
        (PHOTOS, "fal-ai/meshy/v6/multi-image-to-3d"),
        (WORDS, "fal-ai/meshy/v6/text-to-3d"),
    ],
)
def test_the_model_endpoint_fits_the_source(source: Source, wanted: str):
    assert plan(source).chosen_model_endpoint == wanted
    assert plan(source, model_endpoint="fal-ai/pixal3d").chosen_model_endpoint == "fal-ai/pixal3d"


@pytest.mark.parametrize(
    "wanted",
    [
        plan(PHOTOS, model_endpoint="fal-ai/pixal3d", service=EMULATOR),
        plan(WORDS, model_endpoint="fal-ai/meshy/v6/image-to-3d", service=EMULATOR),
    ],
)
def test_an_endpoint_that_does_not_support_the_source_is_rejected_before_anything_is_written(wanted: SetPlan):
    refusal(wanted.check)
