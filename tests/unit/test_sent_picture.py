# SPDX-License-Identifier: GPL-3.0-or-later
"""What is sent of a photo shows what a viewer shows, and says nothing about the person who took it."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from photoreal_set.files.kinds import PICTURES, FileKind, kind_of, missing_end
from photoreal_set.imaging.sent_picture import MAX_SENT_SIDE, PictureError, as_sent

MESHY = frozenset({FileKind.PNG, FileKind.JPEG})
GPS, ORIENTATION, CAMERA = 0x8825, 0x0112, 0x0110


def product(width: int = 36, height: int = 48, mode: str = "RGB") -> Image.Image:
    """Red above, blue below, green at the right: every turn and every mirror of it differs."""
    picture = Image.new(mode, (width, height), (40, 90, 180, 255)[: len(mode)])
    picture.paste((200, 30, 30, 255)[: len(mode)], (0, 0, width, height // 3))
    picture.paste((30, 160, 60, 255)[: len(mode)], (width - width // 3, 0, width, height))
    return picture


def saved(picture: Image.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form, **({"quality": 95, "subsampling": 0} if form == "JPEG" else {}), **options)
    return buffer.getvalue()


def exif(**tags: object) -> Image.Exif:
    found = Image.Exif()
    found[CAMERA] = "Phone of Jane Doe"
    found.get_ifd(GPS)[2] = (48.0, 8.0, 13.0)
    found[ORIENTATION] = tags.get("orientation", 1)
    return found


def decoded(data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def differs(data: bytes, shown: Image.Image) -> float:
    """The greatest difference of a channel, besides the ringing of JPEG at edges."""
    found = np.asarray(decoded(data).convert("RGB"), int)
    wanted = np.asarray(shown.convert("RGB"), int)
    assert found.shape == wanted.shape
    return float(np.percentile(np.abs(found - wanted), 95))


def assert_says_nothing(data: bytes) -> None:
    assert b"Jane Doe" not in data and b"Exif" not in data and b"ns.adobe.com" not in data
    assert not decoded(data).getexif()


# --- what is right is not touched ---------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        saved(product(), "PNG"),
        saved(product(), "JPEG"),
        saved(product(), "JPEG", progressive=True),
        saved(
            product(), "JPEG", icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        ),
        saved(product(mode="RGBA"), "PNG"),
        saved(product().quantize(8), "PNG"),
        saved(product(), "PNG") + b"\0" * 8,
    ],
)
def test_an_upright_srgb_photo_is_sent_byte_for_byte(data: bytes):
    assert as_sent(data, MESHY) == data


def test_a_webp_photo_is_sent_byte_for_byte_where_it_is_accepted():
    data = saved(product(), "WEBP", lossless=True)
    assert as_sent(data, PICTURES) == data


# --- upright ------------------------------------------------------------------------------------


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_a_photo_is_upright_by_its_pixels(orientation: int, form: str):
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = product().transpose(turns[orientation]) if orientation in turns else product()
    sent = as_sent(saved(stored, form, exif=exif(orientation=orientation)), MESHY)
    assert kind_of(sent) in MESHY and decoded(sent).size == (36, 48)
    assert differs(sent, product()) <= 16
    assert_says_nothing(sent)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_orientation_in_xmp_counts_as_well(form: str):
    xmp = b'<x:xmpmeta><rdf:Description xmlns:a="http://ns.adobe.com/xap/1.0/" tiff:Orientation="6"/></x:xmpmeta>'
    if form == "PNG":
        info = PngImagePlugin.PngInfo()
        info.add_itxt("XML:com.adobe.xmp", xmp.decode())
        data = saved(product().rotate(90, expand=True), form, pnginfo=info)
    else:
        data = saved(product().rotate(90, expand=True), form, xmp=xmp)
    sent = as_sent(data, MESHY)
    assert decoded(sent).size == (36, 48)
    assert_says_nothing(sent)


# --- metadata -----------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_rows": 1}])
def test_metadata_leaves_a_jpeg_and_its_pixels_stay_the_same(options: dict[str, object]):
    data = saved(product(), "JPEG", exif=exif(), xmp=b"<x:xmpmeta>Jane Doe</x:xmpmeta>", **options)
    data = data[:2] + b"\xff\xed" + struct.pack(">H", 16) + b"Photoshop 3.0\0" + data[2:]
    sent = as_sent(data, MESHY)
    assert sent == saved(product(), "JPEG", **options)
    assert_says_nothing(sent)


def test_metadata_leaves_a_png_and_its_pixels_stay_the_same():
    info = PngImagePlugin.PngInfo()
    info.add_text("Raw profile type exif", "\nexif\n 8\n4a616e65", zip=True)
    info.add_itxt("XML:com.adobe.xmp", "<x:xmpmeta>Jane Doe</x:xmpmeta>")
    sent = as_sent(saved(product(), "PNG", exif=exif(), pnginfo=info), MESHY)
    assert sent == saved(product(), "PNG")


def test_the_clip_of_a_motion_photo_stays_at_home():
    data = saved(product(), "JPEG") + b"\0\0\0\x18ftypmp42" + b"Jane Doe" * 100
    assert as_sent(data, MESHY) == saved(product(), "JPEG")


def test_further_pictures_of_a_phone_stay_at_home():
    buffer = io.BytesIO()
    product().save(buffer, "MPO", save_all=True, append_images=[product(72, 96)], exif=exif())
    sent = as_sent(buffer.getvalue(), MESHY)
    assert sent.count(b"\xff\xd8\xff") == 1 and b"MPF\0" not in sent and differs(sent, product()) <= 16
    assert_says_nothing(sent)


def test_damaged_exif_turns_nothing():
    data = saved(product(), "JPEG", exif=b"Exif\0\0MM\0\x2a\0\0\0\x08\xff\xff\x01\x12")
    assert differs(as_sent(data, MESHY), product()) <= 16


# --- formats ------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["WEBP", "AVIF"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_format_that_is_not_accepted_is_converted(form: str, mode: str, tmp_path: Path):
    picture = product(mode=mode)
    if mode == "RGBA":
        picture.putpixel((0, 0), (0, 0, 0, 0))
    sent = as_sent(saved(picture, form), MESHY)
    assert kind_of(sent) is (FileKind.JPEG if mode == "RGB" else FileKind.PNG)
    assert decoded(sent).mode == mode and (mode == "RGB" or decoded(sent).getpixel((0, 0))[3] < 8)
    assert differs(sent, product()) <= 16
    (tmp_path / "sent").write_bytes(sent)
    assert missing_end(tmp_path / "sent") == ""


def test_an_endpoint_that_accepts_only_png_gets_one():
    assert kind_of(as_sent(saved(product(), "JPEG"), {FileKind.PNG})) is FileKind.PNG


@pytest.mark.parametrize("form", ["WEBP", "PNG", "AVIF"])
def test_of_an_animation_the_first_picture_is_sent(form: str):
    data = saved(product(), form, save_all=True, append_images=[Image.new("RGB", (36, 48), "white")])
    sent = as_sent(data, MESHY)
    assert getattr(decoded(sent), "n_frames", 1) == 1 and differs(sent, product()) <= 16


def test_a_huge_photo_is_made_smaller():
    data = saved(Image.new("RGB", (MAX_SENT_SIDE + 808, 900), (90, 120, 40)), "PNG")
    sent = decoded(as_sent(data, MESHY))
    assert sent.size == (MAX_SENT_SIDE, 819) and sent.getpixel((5, 5)) == (90, 120, 40)


def test_a_png_without_its_end_is_completed():
    assert as_sent(saved(product(), "PNG")[:-12], MESHY) == saved(product(), "PNG")


def test_a_heic_photo_that_cannot_be_read_is_refused_with_what_to_do():
    """Where the package is installed, the file itself is damaged."""
    with pytest.raises(PictureError) as caught:
        as_sent(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64), MESHY)
    assert caught.value.hint.startswith("Export")


# --- colours ------------------------------------------------------------------------------------


def wide_profile(gamma: float = 2.2) -> bytes:
    """An RGB matrix profile (ICC.1:2022, 9) with the primaries of Adobe RGB (1998), adapted to D50."""

    def tag(kind: bytes, body: bytes) -> bytes:
        return kind + bytes(4) + body

    def xyz(*values: float) -> bytes:
        return tag(b"XYZ ", b"".join(struct.pack(">i", round(value * 65536)) for value in values))

    text = tag(b"desc", struct.pack(">I", 5) + b"wide\0" + bytes(78))
    curve = tag(b"curv", struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0")
    tags = {
        b"desc": text + bytes(-len(text) % 4),
        b"wtpt": xyz(0.9642, 1.0, 0.8249),
        b"rXYZ": xyz(0.60974, 0.31111, 0.01947),
        b"gXYZ": xyz(0.20528, 0.62567, 0.06087),
        b"bXYZ": xyz(0.14919, 0.06322, 0.74457),
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve),
    }
    table, body = struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        table += name + struct.pack(">II", 132 + 12 * len(tags) + len(body), len(content))
        body += content
    header = struct.pack(
        ">I4sI4s4s4s", 132 + 12 * len(tags) + len(body), bytes(4), 0x02400000, b"mntr", b"RGB ", b"XYZ "
    )
    header += bytes(12) + b"acsp" + bytes(28) + struct.pack(">iii", 63190, 65536, 54061) + bytes(48)
    return header + table + body


def in_srgb_by_hand(colour: tuple[int, int, int]) -> np.ndarray:
    """Adobe RGB (1998), 4.3.5.2, with gamma 2.2, to sRGB (IEC 61966-2-1)."""
    linear = (np.array(colour) / 255.0) ** 2.2
    matrix = np.array([[1.39836, -0.39836, 0.0], [0.0, 1.0, 0.0], [0.0, -0.04293, 1.04293]])
    srgb = (matrix @ linear).clip(0.0, 1.0)
    return 255.0 * np.where(srgb <= 0.0031308, 12.92 * srgb, 1.055 * srgb ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "AVIF"])
@pytest.mark.parametrize("colour", [(200, 60, 40), (60, 160, 90), (128, 128, 128)])
def test_colours_of_an_embedded_profile_come_out_in_srgb(form: str, colour: tuple[int, int, int]):
    sent = as_sent(saved(Image.new("RGB", (32, 32), colour), form, icc_profile=wide_profile()), PICTURES)
    assert "icc_profile" not in decoded(sent).info
    found = np.asarray(decoded(sent).convert("RGB"), float)[16, 16]
    assert np.abs(found - in_srgb_by_hand(colour)).max() <= 6, (found, in_srgb_by_hand(colour))


def test_a_turned_photo_keeps_its_profile_until_it_is_converted():
    data = saved(
        Image.new("RGB", (32, 64), (60, 160, 90)),
        "JPEG",
        icc_profile=wide_profile(),
        exif=exif(orientation=6),
    )
    sent = decoded(as_sent(data, MESHY))
    assert sent.size == (64, 32)
    assert np.abs(np.asarray(sent, float)[16, 16] - in_srgb_by_hand((60, 160, 90))).max() <= 6


def test_a_damaged_profile_is_ignored():
    data = saved(product(), "PNG", icc_profile=b"no profile at all")
    assert as_sent(data, MESHY) == data


def test_transparency_survives_a_profile():
    picture = Image.new("RGBA", (32, 32), (60, 160, 90, 128))
    sent = decoded(as_sent(saved(picture, "PNG", icc_profile=wide_profile()), MESHY))
    assert sent.getpixel((3, 3))[3] == 128
    assert np.abs(np.array(sent.getpixel((3, 3))[:3]) - in_srgb_by_hand((60, 160, 90))).max() <= 2


@pytest.mark.parametrize(
    ("picture", "form", "shown"),
    [
        (Image.new("CMYK", (32, 32), (0, 255, 255, 0)), "JPEG", (255, 0, 0)),
        (Image.new("L", (32, 32), 90), "JPEG", (90, 90, 90)),
        (Image.new("L", (32, 32), 90), "PNG", (90, 90, 90)),
        (Image.new("LA", (32, 32), (90, 255)), "PNG", (90, 90, 90)),
        (Image.new("1", (32, 32), 1), "PNG", (255, 255, 255)),
        (Image.fromarray(np.full((32, 32), 90 * 257, np.uint16)), "PNG", (90, 90, 90)),
    ],
)
def test_other_kinds_of_pixels_become_rgb(picture: Image.Image, form: str, shown: tuple[int, int, int]):
    sent = decoded(as_sent(saved(picture, form), MESHY))
    assert sent.mode == "RGB"
    assert np.abs(np.array(sent.getpixel((16, 16))) - shown).max() <= 2


def test_16_bits_become_8():
    rows = b"".join(b"\0" + struct.pack(">HHH", 200 * 257, 30 * 257, 90 * 257) * 8 for _row in range(8))
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", 8, 8, 16, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )
    data = b"\x89PNG\r\n\x1a\n"
    for kind, body in chunks:
        data += struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    sent = as_sent(data, MESHY)
    assert sent[24] == 8 and decoded(sent).getpixel((4, 4)) == (200, 30, 90)


def test_the_same_photo_gives_the_same_bytes():
    data = saved(product(), "WEBP", exif=exif(orientation=6), icc_profile=wide_profile())
    assert as_sent(data, MESHY) == as_sent(data, MESHY)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_a_photo_that_is_cut_off_is_refused(form: str):
    data = saved(product(360, 480), form)
    with pytest.raises(PictureError, match="is damaged"):
        as_sent(data[: len(data) // 2], MESHY)
