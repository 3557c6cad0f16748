# SPDX-License-Identifier: GPL-3.0-or-later
"""Every rule of a channel is measured on the file itself, and a fault is found whatever else is right."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photoreal_set.channels.checking import findings_of
from photoreal_set.channels.conforming import conformed, encoded, layout_for, srgb_profile
from photoreal_set.channels.measuring import Measured, measured
from photoreal_set.channels.rules import CHANNELS, Measure
from photoreal_set.files.kinds import FileKind
from photoreal_set.imaging.picture_colours import is_srgb
from photoreal_set.imaging.provenance import Provenance, SourceType, source_type_of

RENDER = Provenance(source_type=SourceType.RENDER, tool="Photoreal Set 1.0")
GENERATED = Provenance(source_type=SourceType.GENERATED, tool="Photoreal Set 1.0", system="fal.ai x")
AMAZON, SECONDARY, GOOGLE, EBAY = (
    CHANNELS[name] for name in ("amazon-main", "amazon-secondary", "google", "ebay")
)


def picture(side: int = 1700, *, fill: float = 0.87, ground: int = 255) -> Image.Image:
    """A blue box with a red band on a plain ground."""
    values = np.full((side, side, 3), ground, dtype=np.uint8)
    half = round(side * fill / 2)
    box = slice(side // 2 - half, side // 2 + half)
    values[box, box] = (30, 60, 160)
    values[side // 2 - 40 : side // 2 + 40, box] = (190, 30, 30)
    return Image.fromarray(values)


def saved(
    folder: Path, image: Image.Image, name: str = "a.jpg", kind: str = "JPEG", **options: object
) -> Path:
    path = folder / name
    defaults: dict[str, object] = {"quality": 92, "subsampling": 0} if kind == "JPEG" else {}
    image.save(path, kind, **(defaults | options))
    return path


def broken(path: Path, channel: str) -> set[Measure]:
    """The required rules that a file breaks, without the one that no render can meet."""
    found = findings_of(CHANNELS[channel], {path.name: measured(path, origin="digitalCreation")})
    return {item.rule.measure for item in found if item.is_failure} - {Measure.ORIGIN, Measure.TAG}


def test_a_right_picture_breaks_no_rule(tmp_path: Path) -> None:
    path = saved(tmp_path, picture())
    for channel in ("amazon-main", "amazon-secondary", "google", "shopify", "ebay", "etsy"):
        assert broken(path, channel) == set(), channel


def _grey_white(folder: Path) -> Path:
    return saved(folder, picture(ground=253))


def _small_fill(folder: Path) -> Path:
    return saved(folder, picture(fill=0.84))


def _cut_off(folder: Path) -> Path:
    return saved(folder, picture(fill=1.0))


def _too_small(folder: Path) -> Path:
    return saved(folder, picture(900))


def _with_alpha(folder: Path) -> Path:
    image = picture().convert("RGBA")
    image.putpixel((3, 3), (255, 255, 255, 0))
    return saved(folder, image, "a.png", "PNG")


def _cmyk(folder: Path) -> Path:
    return saved(folder, picture().convert("CMYK"))


def _webp(folder: Path) -> Path:
    return saved(folder, picture(), "a.webp", "WEBP")


def _wrong_name(folder: Path) -> Path:
    return saved(folder, picture(), "a.png", "JPEG")


def _dot_at_the_border(folder: Path) -> Path:
    image = picture()
    image.putpixel((0, 850), (200, 200, 200))
    return saved(folder, image, "a.png", "PNG")


def _grey(folder: Path) -> Path:
    return saved(folder, picture().convert("L").convert("I;16"), "a.png", "PNG")


def _huge(folder: Path) -> Path:
    return saved(folder, picture(5100))


def _heavy(folder: Path) -> Path:
    noise = np.random.default_rng(1).integers(0, 256, (2050, 2050, 3), dtype=np.uint8)
    return saved(folder, Image.fromarray(noise), "a.png", "PNG")


def _not_square(folder: Path) -> Path:
    return saved(folder, picture().crop((100, 0, 1600, 1700)))


def _coarse(folder: Path) -> Path:
    return saved(folder, picture(), quality=70)


def _off_centre(folder: Path) -> Path:
    image = Image.new("RGB", (1700, 1700), "white")
    image.paste(picture(), (130, 0))
    return saved(folder, image)


def _thin_line_at_the_border(folder: Path) -> Path:
    image = picture()
    image.paste((240, 240, 240), (0, 1699, 1700, 1700))
    return saved(folder, image, "a.png", "PNG")


def _tiff(folder: Path) -> Path:
    return saved(folder, picture(), "a.tif", "TIFF")


# The fault, the channel, and the rule that is broken, which may be advice.
FAULTS = (
    (_grey_white, "amazon-main", Measure.WHITE),
    (_dot_at_the_border, "amazon-main", Measure.WHITE),
    (_thin_line_at_the_border, "amazon-main", Measure.WHITE),
    (_grey_white, "google", None),  # 253 is white enough there.
    (_small_fill, "amazon-main", Measure.FILL),
    (_small_fill, "google", None),
    (_cut_off, "amazon-main", Measure.MARGIN),
    (_cut_off, "google", Measure.FILL),
    (_off_centre, "amazon-main", Measure.MARGIN),
    (_too_small, "amazon-main", Measure.LONGEST),
    (_too_small, "google", Measure.SHORTEST),
    (_with_alpha, "amazon-main", Measure.ALPHA),
    (_with_alpha, "ebay", Measure.ALPHA),
    (_cmyk, "amazon-main", Measure.COLOUR),
    (_cmyk, "shopify", Measure.COLOUR),
    (_grey, "etsy", Measure.COLOUR),
    (_webp, "amazon-main", Measure.FORMAT),
    (_webp, "ebay", Measure.FORMAT),
    (_webp, "etsy", Measure.FORMAT),
    (_tiff, "web", Measure.FORMAT),
    (_wrong_name, "amazon-main", Measure.SUFFIX),
    (_wrong_name, "google", Measure.SUFFIX),
    (_huge, "shopify", Measure.LONGEST),
    (_heavy, "etsy", Measure.BYTES),
    (_heavy, "ebay", Measure.BYTES),
    (_not_square, "shopify", Measure.RATIO),
    (_coarse, "ebay", Measure.QUALITY),
)
# What a fault also changes: a picture of another size, or one whose product was cut.
ALSO = {
    _too_small: {Measure.SHORTEST, Measure.LONGEST},
    _cut_off: {Measure.WHITE, Measure.FILL},
    _off_centre: {Measure.WHITE},
    _huge: {Measure.MEGAPIXELS},
    _heavy: {Measure.WHITE, Measure.FILL},
    _cmyk: {Measure.WHITE},
    _dot_at_the_border: {Measure.MARGIN},  # It counts as a part of the product.
    _thin_line_at_the_border: {Measure.MARGIN},
    _with_alpha: {Measure.MARGIN},
    _tiff: {Measure.BYTES},
}


def unmet(channel: str, found: Measured) -> set[Measure]:
    """All rules that a picture does not meet, advice too, without those that no render can meet."""
    findings = findings_of(CHANNELS[channel], {"a": found})
    return {item.rule.measure for item in findings if not item.is_met} - {Measure.ORIGIN, Measure.TAG}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> list[Measured]:
    """A good picture in three sizes, as JPEG and as PNG; the first is that of the planted faults."""
    folder = tmp_path_factory.mktemp("good")
    kinds = ((1700, "JPEG", "jpg"), (1000, "JPEG", "jpg"), (2400, "JPEG", "jpg"), (1000, "PNG", "png"))
    paths = [saved(folder, picture(side), f"{side}.{suffix}", kind) for side, kind, suffix in kinds]
    return [measured(path, origin="digitalCreation") for path in paths]


def test_there_are_at_least_twenty_planted_faults() -> None:
    assert sum(measure is not None for _make, _channel, measure in FAULTS) >= 20


@pytest.mark.parametrize(
    ("make", "channel", "measure"), FAULTS, ids=[f"{make.__name__}-{channel}" for make, channel, _ in FAULTS]
)
def test_a_planted_fault_is_found_and_nothing_else(make, channel, measure, good, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    found = unmet(channel, measured(make(tmp_path), origin="digitalCreation"))
    more = found - unmet(channel, good[0])
    if measure is None:
        assert more == set()
        return
    assert measure in found
    assert more <= {measure} | ALSO.get(make, set())


@pytest.mark.parametrize("channel", sorted(set(CHANNELS) - {"web", "cut-out"}))
def test_there_is_no_false_alarm_on_a_good_picture(channel: str, good: list[Measured]) -> None:
    for one in good:
        failures = {
            item.rule.measure for item in findings_of(CHANNELS[channel], {"a": one}) if item.is_failure
        }
        assert failures - {Measure.ORIGIN, Measure.TAG, Measure.COUNT} == set()


@pytest.mark.parametrize(
    ("channel", "side", "measure"),
    [("google", 499, Measure.SHORTEST), ("ebay", 480, Measure.LONGEST), ("shopify", 700, Measure.SHORTEST)],
)
def test_sizes_outside_the_limits_are_found(
    channel: str, side: int, measure: Measure, tmp_path: Path
) -> None:
    assert measure in broken(saved(tmp_path, picture(side)), channel)


@pytest.mark.parametrize(("quality", "is_met"), [(95, True), (90, True), (80, False)])
def test_the_quality_of_a_jpeg_is_estimated(quality: int, is_met: bool, tmp_path: Path) -> None:
    path = saved(tmp_path, picture(), quality=quality)
    values = measured(path).values
    assert values[Measure.QUALITY] == pytest.approx(quality, abs=1)
    found = findings_of(EBAY, {"a": measured(path)})
    assert next(item for item in found if item.rule.measure is Measure.QUALITY).is_met is is_met


@pytest.mark.parametrize("count", [0, 2, 12])
def test_a_wrong_number_of_pictures_is_found(count: int, tmp_path: Path) -> None:
    path = saved(tmp_path, picture())
    found = findings_of(AMAZON, {f"{index}.jpg": measured(path) for index in range(count)})
    assert Measure.COUNT in {item.rule.measure for item in found if item.is_failure}


def test_an_ai_picture_is_never_a_photograph(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(encoded(picture(), AMAZON, FileKind.JPEG, GENERATED, "a.jpg"))
    found = findings_of(AMAZON, {"a": measured(path)})
    origin = next(item for item in found if item.rule.measure is Measure.ORIGIN)
    assert origin.is_failure
    assert "made by an AI model" in origin.text


def test_an_ai_picture_that_does_not_say_so_is_found(tmp_path: Path) -> None:
    path = saved(tmp_path, picture())
    found = findings_of(GOOGLE, {"a": measured(path, origin="trainedAlgorithmicMedia")})
    assert Measure.TAG in {item.rule.measure for item in found if item.is_failure}


def test_a_file_that_is_no_picture_gives_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"\xff\xd8\xff" + bytes(40))
    assert "cannot be read" in measured(path).problem


def test_a_damaged_avif_gives_a_reason(tmp_path: Path) -> None:
    path = saved(tmp_path, picture(64), "a.avif", "AVIF")
    data = path.read_bytes()
    path.write_bytes(data.replace(b"infe", b"xxxx"))  # It lists no picture any more.
    assert "cannot be read" in measured(path).problem


@pytest.mark.parametrize("fill", [0.3, 0.5, 0.7])
def test_an_export_has_the_fill_of_the_channel_and_stays_white(fill: float, tmp_path: Path) -> None:
    image = picture(3600, fill=fill)
    half = round(3600 * fill / 2)
    box = (1800 - half, 1800 - half, 1800 + half, 1800 + half)
    layout = layout_for(image.size, box, AMAZON, side=2000)
    path = tmp_path / "a.jpg"
    path.write_bytes(encoded(conformed(image, layout, AMAZON), AMAZON, FileKind.JPEG, RENDER, "a.jpg"))
    values = measured(path, box=layout.box).values
    assert values[Measure.FILL] == pytest.approx(87.0, abs=0.3)
    assert values[Measure.WHITE] == 255
    assert values[Measure.LONGEST] == min(2000, round(2 * half / 0.87))
    assert broken(path, "amazon-main") == set()


def test_a_product_that_fills_too_much_gets_a_margin() -> None:
    image = picture(1000, fill=1.0)
    layout = layout_for(image.size, (0, 0, 1000, 1000), AMAZON, side=2000)
    shown = np.asarray(conformed(_with_white_border(image), layout, AMAZON))
    assert shown.shape == (1149, 1149, 3)
    assert (shown[0] == 255).all()


def _with_white_border(image: Image.Image) -> Image.Image:
    values = np.array(image)
    values[[0, -1]] = 255
    values[:, [0, -1]] = 255
    return Image.fromarray(values)


def test_pictures_are_resized_in_linear_light() -> None:
    """Black and white stripes of one pixel have half the light of white: 188 of 255 in sRGB."""
    stripes = np.zeros((400, 400, 3), dtype=np.uint8)
    stripes[:, ::2] = 255
    channel = CHANNELS["web"]
    layout = layout_for((400, 400), None, channel, side=100)
    shown = np.asarray(conformed(Image.fromarray(stripes), layout, channel)).astype(int)
    assert np.abs(shown[20:80, 20:80] - 188).max() <= 2


def test_files_have_an_srgb_profile_and_say_how_they_were_made() -> None:
    for kind, name in (
        (FileKind.JPEG, "a.jpg"),
        (FileKind.PNG, "a.png"),
        (FileKind.WEBP, "a.webp"),
        (FileKind.AVIF, "a.avif"),
    ):
        data = encoded(picture(200), CHANNELS["web"], kind, GENERATED, name)
        with Image.open(io.BytesIO(data)) as image:
            assert is_srgb(image.info["icc_profile"])
        assert source_type_of(data) == "trainedAlgorithmicMedia"
    assert srgb_profile() == srgb_profile()


def test_cut_outs_keep_their_alpha_on_the_web_and_lose_it_on_marketplaces() -> None:
    image = picture(400).convert("RGBA")
    image.paste((0, 0, 0, 0), (0, 0, 400, 20))
    assert (
        conformed(image, layout_for(image.size, None, CHANNELS["web"], side=200), CHANNELS["web"]).mode
        == "RGBA"
    )
    flat = conformed(image, layout_for(image.size, None, EBAY, side=200), EBAY)
    assert flat.mode == "RGB"
    assert flat.getpixel((100, 2)) == (255, 255, 255)
