# SPDX-License-Identifier: GPL-3.0-or-later
"""Every finished file states how it was made, in a form that independent readers find, with its pixels unchanged."""

import io
import json
import shutil
import subprocess
from pathlib import Path

import av
import numpy as np
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from PIL import Image

from photoreal_set.imaging import signing
from photoreal_set.imaging.provenance import VOCABULARY, Provenance, SourceType, source_type_of, stamped
from photoreal_set.messages.errors import InputError
from photoreal_set.photo_set.provenance import finished, provenance_of
from tests.certificate import certificate_in

GENERATED = Provenance(
    source_type=SourceType.GENERATED, tool="Photoreal Set 1.0", system="fal.ai <fal-ai/flux & co>"
)
RENDER = Provenance(source_type=SourceType.RENDER, tool="Photoreal Set 1.0")
FORMATS = ("PNG", "JPEG", "WEBP", "WEBP lossless", "WEBP alpha", "GIF")


VIDEOS = ("MP4", "MOV")


def picture(kind: str) -> bytes:
    name, _space, more = kind.partition(" ")
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 255, (41, 57, 4), dtype=np.uint8)
    image = Image.fromarray(pixels, "RGBA")
    if more != "alpha":
        image = image.convert("RGB")
    if name == "GIF":
        image = image.quantize(64)
    buffer = io.BytesIO()
    image.save(buffer, name, **({"lossless": True} if more == "lossless" else {}))
    return buffer.getvalue()


def video(form: str = "mp4") -> bytes:
    """Four frames as MPEG-4 in MP4, or as ProRes 4444 in MOV."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=form) as container:
        stream = container.add_stream("prores_ks" if form == "mov" else "mpeg4", rate=8)
        stream.width, stream.height = 64, 64
        stream.pix_fmt = "yuva444p10le" if form == "mov" else "yuv420p"
        for level in range(4):
            shade = np.full((64, 64, 3), 40 * level, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(shade)))
        container.mux(stream.encode())
    return buffer.getvalue()


def pixels_of(data: bytes) -> bytes:
    with Image.open(io.BytesIO(data)) as image:
        return image.mode.encode() + image.tobytes()


def frames_of(data: bytes) -> list[bytes]:
    with av.open(io.BytesIO(data)) as container:
        return [frame.to_ndarray(format="rgb24").tobytes() for frame in container.decode(video=0)]


@pytest.mark.parametrize("kind", FORMATS)
def test_pictures_state_their_source_type_and_keep_their_pixels(kind: str) -> None:
    plain = picture(kind)
    marked = stamped(plain, GENERATED)
    assert source_type_of(plain) == ""
    assert source_type_of(marked) == "trainedAlgorithmicMedia"
    assert pixels_of(marked) == pixels_of(plain)


@pytest.mark.parametrize("kind", [kind for kind in FORMATS if kind != "GIF"])
def test_a_second_stamp_replaces_the_first(kind: str) -> None:
    twice = stamped(stamped(picture(kind), GENERATED), RENDER)
    assert twice == stamped(picture(kind), RENDER)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "WEBP lossless", "WEBP alpha"])
def test_pillow_reads_the_packet(kind: str) -> None:
    with Image.open(io.BytesIO(stamped(picture(kind), GENERATED))) as image:
        image.load()
        packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp", "").encode()
    assert VOCABULARY.encode() + b"trainedAlgorithmicMedia" in packet


@pytest.mark.parametrize("form", ["mp4", "mov"])
def test_a_video_states_its_source_type_and_keeps_its_frames(form: str) -> None:
    plain = video(form)
    marked = stamped(plain, RENDER)
    assert source_type_of(marked) == "digitalCreation"
    assert frames_of(marked) == frames_of(plain)


def test_a_video_keeps_the_source_type_that_the_service_has_written() -> None:
    marked = stamped(video(), GENERATED)
    assert stamped(marked, RENDER) == marked


@pytest.mark.parametrize("cut", [1, 9, 20, 40])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_cut_off_files_do_not_raise(kind: str, cut: int) -> None:
    stamped(picture(kind)[:cut], GENERATED)


def test_ai_photos_renders_and_composites_differ() -> None:
    own: dict[str, object] = {"model": {}}
    bought = {"model": {"endpoint": "meshy/v7/image-to-3d"}}
    photo = {"engine": "fal", "endpoint": "fal-ai/flux"}
    assert provenance_of(own, photo).source_type is SourceType.GENERATED
    assert (
        provenance_of(own, {**photo, "fidelity": {"locked": {"what": "labels"}}}).source_type
        is SourceType.COMPOSITE
    )
    assert provenance_of(own, {"engine": "cycles"}).source_type is SourceType.RENDER
    assert provenance_of(own, {}).source_type is SourceType.RENDER
    assert provenance_of(bought, {"engine": "cycles"}).source_type is SourceType.COMPOSITE
    assert provenance_of(own, photo).system == "fal.ai fal-ai/flux"


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool is not installed; CI installs it")
@pytest.mark.parametrize("kind", [*FORMATS, "MP4", "MOV"])
def test_exiftool_reads_the_source_type(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"file.{kind.split()[0].lower()}"
    path.write_bytes(stamped(video(kind.lower()) if kind in VIDEOS else picture(kind), GENERATED))
    command = ["exiftool", "-j", "-XMP:all", "-Warning", str(path)]
    found = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)[0]
    assert found["DigitalSourceType"] == VOCABULARY + "trainedAlgorithmicMedia"
    assert found["CreatorTool"] == "Photoreal Set 1.0"
    assert found["AISystemUsed"] == "fal.ai <fal-ai/flux & co>"
    assert "Warning" not in found


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return certificate_in(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def signing_on(signer: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(signing.CERTIFICATE, str(signer[0]))
    monkeypatch.setenv(signing.KEY, str(signer[1]))


def _read(data: bytes, media_type: str) -> dict[str, object]:
    from c2pa import Reader

    with Reader(media_type, io.BytesIO(data)) as reader:
        return dict(json.loads(reader.json()))


AVIF = "AVIF"


def _avif() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), (180, 40, 30)).save(buffer, "AVIF", xmp=GENERATED.packet())
    return buffer.getvalue()


@pytest.mark.usefixtures("signing_on")
@pytest.mark.parametrize(
    ("kind", "media_type"),
    [
        ("PNG", "image/png"),
        ("JPEG", "image/jpeg"),
        ("WEBP", "image/webp"),
        (AVIF, "image/avif"),
        ("MP4", "video/mp4"),
        ("MOV", "video/quicktime"),
    ],
)
def test_a_signed_file_is_valid_until_it_is_altered(kind: str, media_type: str) -> None:
    plain = {AVIF: _avif, "MP4": video, "MOV": lambda: video("mov")}.get(kind, lambda: picture(kind))()
    data = finished(plain, GENERATED, "front")
    found = _read(data, media_type)
    assert found["validation_state"] == "Valid"
    assert "trainedAlgorithmicMedia" in json.dumps(found)
    assert "Test shop" in json.dumps(found)
    assert source_type_of(data) == "trainedAlgorithmicMedia"
    # The last bytes of the compressed pixels; of an MP4, the packet is behind them.
    place = data.rfind(b"IDAT") + 40 if kind == "PNG" else plain.rfind(b"mdat") + 8
    place = data.rfind(plain[-60:-40]) if kind in {"JPEG", "WEBP"} else place
    place = data.find(b"mdat") + 8 if kind in {AVIF, *VIDEOS} else place
    altered = bytearray(data)
    altered[place] ^= 1
    assert _read(bytes(altered), media_type)["validation_state"] == "Invalid"


def test_nothing_is_signed_without_a_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(signing.CERTIFICATE, raising=False)
    plain = picture("PNG")
    assert finished(plain, RENDER, "front.png") == stamped(plain, RENDER)


def test_a_key_of_another_certificate_is_refused(signer: tuple[Path, Path], tmp_path: Path) -> None:
    other = tmp_path / "other.key"
    other.write_bytes(
        ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    with pytest.raises(InputError, match="cannot sign Content Credentials"):
        signing.use(signer[0], other)


def test_a_certificate_that_is_missing_or_no_pem_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "a.pem"
    text.write_text("hello")
    with pytest.raises(InputError, match="cannot be read"):
        signing.use(tmp_path / "none.pem", text)
    with pytest.raises(InputError, match="is not a PEM file"):
        signing.use(text, text)
