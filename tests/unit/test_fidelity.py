# SPDX-License-Identifier: GPL-3.0-or-later
"""The fidelity check: a photo of the product is accepted, and a moved, changed or unreadable one is not."""

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from photoreal_set.imaging.fidelity import (
    Reference,
    Region,
    Report,
    Verdict,
    check_photo,
    draw_overlay,
    realign,
)

SIDE = 192
Array = np.ndarray[Any, Any]


def product(
    *,
    light: float = 0.3,
    text: str = "No. 7",
    tint: tuple[float, float, float] = (0.70, 0.30, 0.25),
    knob: bool = True,
) -> dict[str, Array]:
    """A printed round box with a knob on white: its picture and passes."""
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE - 0.5
    body = (np.abs(x) < 0.25) & (y > -0.3) & (y < 0.4)
    top = knob & (np.hypot(x - 0.08, y + 0.33) < 0.07)
    across = np.clip(np.where(top, (x - 0.08) / 0.07, x / 0.25), -1.0, 1.0)
    towards = np.sqrt(1.0 - 0.95 * across**2)
    sheet = Image.new("L", (SIDE, SIDE), 0)
    draw = ImageDraw.Draw(sheet)
    draw.rectangle((SIDE * 0.3, SIDE * 0.35, SIDE * 0.7, SIDE * 0.75), outline=255, width=3)
    draw.text((SIDE / 2, SIDE * 0.55), text, fill=255, font=ImageFont.load_default(SIDE * 0.13), anchor="mm")
    ink = np.asarray(sheet)[..., None] / 255.0
    base = np.array(tint) * (1.0 - 0.8 * ink)
    shade = np.clip(0.30 + 0.5 * towards + light * across * 0.5, 0.05, 1.0)[..., None]
    linear = np.where((body | top)[..., None], base * shade, 1.0)
    display = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return {
        "render": np.rint(display * 255).astype(np.uint8),
        "mask": ((body | top) * 255).astype(np.uint8),
        "depth": np.where(body | top, 1.0 - 0.25 * towards, np.inf),
        "normal": np.stack((across, 0.0 * across, towards), axis=-1),
        "base_colour": base + 0.0 * shade,
    }


@pytest.fixture(scope="module")
def reference() -> Reference:
    return Reference(**product(), lights=[product(light=light)["render"] for light in (-0.3, 0.0)])  # type: ignore[arg-type]


def photo(values: Array, *, seed: int = 0) -> Array:
    """With grain."""
    grain = np.random.default_rng(seed).normal(0, 2.0, values.shape)
    return np.clip(values + grain, 0, 255).astype(np.uint8)


def moved(
    values: Array, *, shift: tuple[float, float] = (0.0, 0.0), scale: float = 1.0, turn: float = 0.0
) -> Array:
    """The picture moved by shares of the frame, enlarged, and turned clockwise, about its middle."""
    angle, middle = np.radians(turn), SIDE / 2
    back = np.array(((np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle)))) / scale
    place = np.array((middle, middle)) - back @ (np.array(shift) * SIDE + middle)
    data = (back[0, 0], back[0, 1], place[0], back[1, 0], back[1, 1], place[1])
    picture = Image.fromarray(values).transform(
        (SIDE, SIDE), Image.Transform.AFFINE, data, Image.Resampling.BICUBIC, fillcolor=(255, 255, 255)
    )
    return np.asarray(picture)


@pytest.mark.parametrize("light", [0.3, 0.0, -0.2])
def test_the_product_in_another_light_is_accepted(reference: Reference, light: float):
    report = check_photo(photo(product(light=light)["render"]), reference)
    assert report.verdict is Verdict.ACCEPT, report.reason


@pytest.mark.parametrize("size", [200, 512])
def test_a_photo_of_another_size_is_compared(reference: Reference, size: int):
    picture = Image.fromarray(product()["render"]).resize((size, size))
    assert check_photo(picture, reference).verdict is Verdict.ACCEPT


@pytest.mark.parametrize(
    "how", [{"shift": (0.03, -0.02)}, {"scale": 1.05}, {"scale": 0.94}, {"turn": 3.0}, {"turn": -5.0}]
)
def test_a_moved_product_is_measured_and_realigned(reference: Reference, how: dict[str, Any]):
    report = check_photo(photo(moved(product()["render"], **how)), reference)
    assert report.verdict is Verdict.REALIGN, report.reason
    found = report.registration
    assert found is not None
    assert found.scale == pytest.approx(how.get("scale", 1.0), abs=0.004)
    assert found.rotation == pytest.approx(how.get("turn", 0.0), abs=0.3)
    if "shift" in how:
        assert found.shift == pytest.approx(how["shift"], abs=0.002)
    again = check_photo(realign(moved(product()["render"], **how), report), reference)
    assert again.verdict is Verdict.ACCEPT, again.reason
    assert again.registration is not None and again.registration.moved < 0.004


def test_the_ground_of_a_realigned_photo_keeps_its_grain(reference: Reference):
    grainy = photo(moved(product()["render"], scale=1.06))
    report = check_photo(grainy, reference)
    assert report.verdict is Verdict.REALIGN, report.reason
    back = np.asarray(realign(grainy, report)).astype(float)
    empty, ground = back[:5, :40], back[20:25, :40]  # The photo has nothing within 5 pixels of the border.
    assert empty.std(axis=0).mean() > 0.6 * ground.std(axis=0).mean()


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("mirrored", product(text="RK 4")["render"][:, ::-1]),
        ("recoloured", product(tint=(0.25, 0.55, 0.30))["render"]),
        ("without its knob", product(knob=False)["render"]),
        (
            "another",
            np.roll(product(tint=(0.1, 0.1, 0.1), text="||||||")["render"].transpose(1, 0, 2), 20, axis=0),
        ),
    ],
)
def test_a_changed_product_is_not_accepted(reference: Reference, kind: str, values: Array):
    report = check_photo(photo(values), reference)
    assert report.verdict not in (Verdict.ACCEPT, Verdict.REALIGN), (kind, report.reason)
    assert report.reason


def test_another_background_is_not_accepted(reference: Reference):
    values = product()["render"].copy()
    ground = product()["mask"] == 0
    values[ground] = (120, 90, 60)
    report = check_photo(photo(values), reference)
    assert report.verdict is Verdict.RETRY
    assert "background" in report.reason


def test_a_report_survives_json(reference: Reference):
    for values in (product()["render"], moved(product(knob=False)["render"], shift=(0.04, 0.0))):
        report = check_photo(photo(values), reference)
        text = json.dumps(report.to_json(), allow_nan=False)
        assert Report.from_json(json.loads(text)).to_json() == report.to_json()


@pytest.mark.parametrize(
    "record", [{}, {"version": 99}, {"version": 1, "verdict": "perhaps"}, {"version": 1}]
)
def test_a_record_that_is_no_report_is_refused(record: dict[str, Any]):
    with pytest.raises(ValueError):
        Report.from_json(record)


def test_the_overlay_shows_the_outline_on_the_photo(reference: Reference):
    report = check_photo(product()["render"], reference)
    overlay = np.asarray(draw_overlay(product()["render"], reference, report)).astype(int)
    changed = np.abs(overlay - product()["render"]).sum(axis=-1) > 0
    assert overlay.shape == product()["render"].shape
    assert 0.005 < changed.mean() < 0.1


def test_the_overlay_shows_each_region_in_its_place_and_nothing_else(reference: Reference):
    places = {"missing": (0.1, 0.2), "colour": (0.6, 0.7)}
    corners = ((0.0, 0.0), (0.1, 0.0), (0.1, 0.1), (0.0, 0.1))
    regions = tuple(
        Region(kind, kind, 2.0, 0.1, tuple((x + right, y + down) for right, down in corners))
        for kind, (x, y) in places.items()
    )
    bare = replace(check_photo(product()["render"], reference), regions=())
    with_regions, without = (
        np.asarray(draw_overlay(product()["render"], reference, one)).astype(int)
        for one in (replace(bare, regions=regions), bare)
    )
    drawn = np.argwhere(np.abs(with_regions - without).sum(axis=-1) > 0) / len(without)
    for x, y in places.values():
        near = (np.abs(drawn - (y + 0.05, x + 0.05)) < 0.07).all(axis=1)
        assert near.sum() > 20
        drawn = drawn[~near]
    assert len(drawn) == 0


def animated() -> bytes:
    frames = [Image.fromarray(product()["render"]), Image.new("RGB", (SIDE, SIDE), "white")]
    buffer = io.BytesIO()
    frames[0].save(buffer, "WEBP", save_all=True, append_images=frames[1:])
    return buffer.getvalue()


def truncated() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(product()["render"]).save(buffer, "JPEG")
    return buffer.getvalue()[:3000]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (animated(), "animated"),
        (truncated(), "cannot be read"),
        (b"", "cannot be read"),
        (b"GIF89a", "cannot be read"),
    ],
    ids=["animated", "truncated", "empty", "no picture"],
)
def test_a_file_that_is_no_photo_has_a_reason(reference: Reference, tmp_path: Path, data: bytes, words: str):
    path = tmp_path / "photo.jpg"
    path.write_bytes(data)
    report = check_photo(path, reference)
    assert report.verdict is not Verdict.ACCEPT
    assert words in report.reason


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.full((SIDE, SIDE, 3), 200, np.uint8), "single color"),
        (product()["render"][:180], "different aspect ratio"),
        (np.zeros((8, 8, 3), np.uint8), "too small"),
        (np.full((SIDE, SIDE, 3), np.nan), "not numbers"),
    ],
)
def test_pixels_that_are_no_photo_have_a_reason(reference: Reference, values: Array, words: str):
    report = check_photo(values, reference)
    assert report.verdict is not Verdict.ACCEPT
    assert words in report.reason


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"mask": np.zeros((SIDE, SIDE), np.uint8)}, "mask is empty"),
        ({"mask": np.full((SIDE, SIDE), 255, np.uint8)}, "mask is full"),
        ({"mask": np.zeros((8, 8), np.uint8)}, "size of the mask"),
        ({"depth": np.full((SIDE, SIDE), np.nan)}, "not numbers"),
        ({"render": np.zeros((SIDE, SIDE), np.uint8)}, "not a color picture"),
    ],
)
def test_a_reference_that_is_unusable_has_a_reason(change: dict[str, Array], words: str):
    report = check_photo(product()["render"], Reference(**{**product(), **change}))
    assert report.verdict is not Verdict.ACCEPT
    assert words in report.reason


def test_a_mask_and_a_render_are_enough():
    full = product()
    report = check_photo(photo(full["render"]), Reference(full["render"], full["mask"]))
    assert report.verdict is Verdict.ACCEPT
    assert not report.is_calibrated


def empty_but_for_a_strip() -> Array:
    """What some image models give instead of the product: nothing, and a dark line at the lower border."""
    values = np.full((192, 192, 3), 255, np.uint8)
    values[186:, 90:] = 0
    return values


def disc() -> Reference:
    """A striped disc on white."""
    y, x = np.mgrid[:192, :192]
    mask = (np.clip(39.4 - np.hypot(x - 96, y - 96), 0, 1) * 255).astype(np.uint8)
    stripes = np.repeat((80 + 60 * np.sin(x / 5))[..., None], 3, axis=-1)
    cover = mask[..., None] / 255
    return Reference((stripes * cover + 255 * (1 - cover)).astype(np.uint8), mask)


def test_a_photo_without_anything_at_the_product_is_rejected():
    assert check_photo(empty_but_for_a_strip(), disc()).verdict is Verdict.REJECT


def test_a_render_in_other_light_that_is_black_does_no_harm(reference: Reference):
    given = {**product(), "lights": [np.zeros((SIDE, SIDE, 3), np.uint8)]}
    assert check_photo(product()["render"], Reference(**given)).verdict is Verdict.ACCEPT


@pytest.mark.parametrize(
    "change",
    [
        {"depth": np.ones((SIDE, SIDE, 3))},
        {"normal": np.ones((SIDE, SIDE))},
        {"base_colour": np.ones((SIDE, SIDE))},
        {"base_colour": np.ones((SIDE, SIDE, 4))},
    ],
    ids=["depth", "normal", "flat base colour", "base colour with alpha"],
)
def test_a_pass_of_another_shape_is_not_used(change: dict[str, Array]):
    report = check_photo(product()["render"], Reference(**{**product(), **change}))
    assert report.verdict is Verdict.ACCEPT


@pytest.mark.parametrize(
    ("box", "where"),
    [
        ((slice(0, SIDE), slice(SIDE // 2, SIDE)), "right"),
        ((slice(SIDE // 2, SIDE), slice(0, SIDE)), "lower center"),
    ],
)
def test_a_half_that_is_gone_is_called_missing_and_not_changed(
    reference: Reference, box: tuple[slice, slice], where: str
):
    picture = product()["render"].copy()
    picture[box] = 255
    report = check_photo(photo(picture), reference)
    assert report.verdict in (Verdict.RETRY, Verdict.REJECT)
    assert f"Part missing, {where}." in report.reason
    assert "changed" not in report.reason
