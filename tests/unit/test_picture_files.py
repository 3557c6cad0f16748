# SPDX-License-Identifier: GPL-3.0-or-later
"""A picture with too many segments is detected without decoding; common ones are accepted."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photoreal_set.files import picture_files
from photoreal_set.files.kinds import missing_end
from tests.fal_emulator.lies import PICTURE_LIES

EXCESS = {
    "PNG": picture_files.png_excess,
    "JPEG": picture_files.jpeg_excess,
    "WEBP": picture_files.webp_excess,
}


def picture(mode: str = "RGB", side: int = 40) -> Image.Image:
    noise = np.random.default_rng(3).integers(0, 255, (side, side, 3), dtype=np.uint8)
    return Image.fromarray(noise).convert(mode)


def saved(form: str, mode: str = "RGB", **options: object) -> bytes:
    stream = io.BytesIO()
    picture(mode).save(stream, form, **options)
    return stream.getvalue()


def excess(form: str, data: bytes) -> str:
    return EXCESS[form](io.BytesIO(data), len(data))


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


MORE = [picture().rotate(90), picture().rotate(180)]


@pytest.mark.parametrize(
    ("form", "mode", "options"),
    [
        ("PNG", "RGB", {}),
        ("PNG", "P", {}),
        ("PNG", "I;16", {}),
        ("PNG", "RGBA", {"save_all": True, "append_images": MORE}),
        ("PNG", "RGB", {"icc_profile": bytes(3000), "exif": b"Exif\0\0" + bytes(100)}),
        ("JPEG", "RGB", {}),
        ("JPEG", "L", {"quality": 100}),
        ("JPEG", "CMYK", {}),
        ("JPEG", "RGB", {"progressive": True}),
        ("JPEG", "RGB", {"icc_profile": bytes(300_000), "comment": b"a comment", "restart_marker_rows": 1}),
        ("WEBP", "RGB", {}),
        ("WEBP", "RGBA", {"lossless": True}),
        ("WEBP", "RGB", {"save_all": True, "append_images": MORE}),
    ],
)
def test_common_pictures_are_accepted(tmp_path: Path, form: str, mode: str, options: dict):
    data = saved(form, mode, **options)
    assert excess(form, data) == ""
    (tmp_path / "picture").write_bytes(data)
    assert missing_end(tmp_path / "picture") == ""


def test_bytes_between_the_segments_of_a_jpeg_are_accepted():
    """Some cameras fill up: the standard allows 0xFF, decoders skip anything."""
    data = saved("JPEG")
    assert excess("JPEG", data[:2] + b"\xff" * 100 + data[2:]) == ""
    assert excess("JPEG", data[:2] + bytes(100) + data[2:]) == ""


@pytest.mark.parametrize(
    ("form", "data", "message"),
    [
        ("PNG", lambda: PICTURE_LIES["pieces"](b""), "more than 262144 chunks"),
        (
            "PNG",
            lambda: saved("PNG")[:33] + chunk(b"prIv", bytes(1 << 20)) * 65 + saved("PNG")[33:],
            "64 MB in chunks without pixels",
        ),
        ("JPEG", lambda: PICTURE_LIES["scans"](saved("JPEG")), "more than 200 scans"),
        (
            "JPEG",
            lambda: saved("JPEG")[:2] + b"\xff\xfe\0\2" * 3000 + saved("JPEG")[2:],
            "more than 2048 segments",
        ),
        ("JPEG", lambda: saved("JPEG")[:20] + bytes(3000) + saved("JPEG")[20:], "more than 2048 segments"),
        ("WEBP", lambda: PICTURE_LIES["frames"](saved("WEBP")), "more than 4096 frames"),
        ("WEBP", lambda: saved("WEBP") + b"JUNK\0\0\0\0" * 9000, "more than 4096 frames"),
    ],
)
def test_too_many_segments_are_detected(tmp_path: Path, form: str, data, message: str):
    made = data()
    assert message in excess(form, made)
    if form != "WEBP" or made[4:8] == struct.pack("<I", len(made) - 8):
        (tmp_path / "picture").write_bytes(made)
        assert message in missing_end(tmp_path / "picture")


@pytest.mark.parametrize("form", EXCESS)
def test_any_bytes_give_an_answer(form: str):
    data = saved(form)
    chance = np.random.default_rng(7)
    for _turn in range(300):
        broken = bytearray(data)
        for place in chance.integers(8, len(data), 6):
            broken[place] = chance.integers(0, 256)
        assert isinstance(excess(form, bytes(broken[: chance.integers(0, len(data))])), str)
