# SPDX-License-Identifier: GPL-3.0-or-later
"""What is essentially wrong with a picture is seen in its pixels, and honest products are left alone."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photoreal_set.gltf.findings import Severity
from photoreal_set.imaging.choices import Background
from photoreal_set.imaging.compose import compose
from photoreal_set.imaging.flaws import Flaw, flaws_of
from photoreal_set.optics.angles import ANGLES, Angle
from photoreal_set.photo_set.verdict import all_findings, findings_about, worst_of

SIZE = 96
Pixels = np.ndarray


def ball(radius: float = 0.43) -> tuple[Pixels, Pixels]:
    """The share of light on a ball from above, and its coverage, both (SIZE, SIZE)."""
    y, x = (np.mgrid[0:SIZE, 0:SIZE] + 0.5) / SIZE - 0.5
    inside = np.clip((radius - np.hypot(x, y)) * SIZE + 0.5, 0.0, 1.0)
    height = np.sqrt(np.clip(radius**2 - x**2 - y**2, 0.0, None)) / radius
    return np.clip(0.35 + 0.65 * (height - y / radius) / 1.5, 0.0, 1.0), inside


def display(linear: Pixels) -> Pixels:
    return 255.0 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def photographed(
    reflected: Pixels, coverage: Pixels, background: Background, *, shadow: float = 0.3
) -> tuple[Image.Image, Image.Image]:
    """A finished picture and its mask."""
    grey = display(np.clip(reflected, 0.0, 1.0))
    colour = np.dstack((grey, grey, grey, coverage * 255.0)).round().astype(np.uint8)
    y = np.mgrid[0:SIZE, 0:SIZE][0] / SIZE
    return compose(
        colour, shadow * np.clip(1.4 - np.abs(y - 0.9) * 10.0, 0.0, 1.0), background
    ), Image.fromarray(colour[..., 3])


def found(picture: Image.Image, mask: Image.Image, *, is_whole: bool = True) -> list[Flaw]:
    return list(flaws_of(picture, mask, shows_whole_product=is_whole))


@pytest.mark.parametrize("background", list(Background))
@pytest.mark.parametrize("reflects", [0.003, 0.02, 0.18, 0.8, 1.0])
def test_an_honest_product_has_no_flaw(reflects: float, background: Background):
    """From black velvet to white plaster, on every background."""
    light, coverage = ball()
    assert found(*photographed(reflects * light, coverage, background)) == []


def test_a_black_metal_shows_its_highlights_only():
    _light, coverage = ball()
    reflected = np.zeros((SIZE, SIZE))
    reflected[30:36, 40:60] = 0.9
    assert found(*photographed(reflected, coverage, Background.BLACK)) == []


def test_white_paper_lies_on_white_with_its_shadow():
    coverage = np.zeros((SIZE, SIZE))
    coverage[20:76, 8:88] = 1.0
    assert found(*photographed(np.ones((SIZE, SIZE)), coverage, Background.WHITE)) == []


def test_glass_covers_little_and_is_judged_by_what_it_covers():
    light, coverage = ball()
    assert found(*photographed(0.9 * light, 0.3 * coverage, Background.WHITE)) == []


@pytest.mark.parametrize("background", list(Background))
def test_a_product_without_any_light_is_found(background: Background):
    _light, coverage = ball()
    assert found(*photographed(np.zeros((SIZE, SIZE)), coverage, background)) == [Flaw.BLACK]


@pytest.mark.parametrize("background", [Background.WHITE, Background.TRANSPARENT])
def test_a_picture_without_any_shade_is_found(background: Background):
    _light, coverage = ball()
    picture = photographed(np.ones((SIZE, SIZE)), coverage, background, shadow=0.0)
    assert found(*picture) == [Flaw.WHITE]


def test_a_photo_that_came_back_black_is_found_whatever_its_size():
    light, coverage = ball()
    _picture, mask = photographed(0.5 * light, coverage, Background.WHITE)
    assert found(Image.new("RGB", (130, 130)), mask) == [Flaw.BLACK]


@pytest.mark.parametrize("coverage", [0, 3])
def test_an_empty_picture_is_found(coverage: int):
    mask = Image.new("L", (SIZE, SIZE), coverage)
    assert found(Image.new("RGB", (SIZE, SIZE), "white"), mask) == [Flaw.EMPTY]


@pytest.mark.parametrize("place", [(0, 40), (SIZE - 1, 40), (40, 0), (40, SIZE - 1)])
def test_a_product_at_the_border_is_found_unless_it_is_a_close_up(place: tuple[int, int]):
    light, coverage = ball()
    picture, mask = photographed(0.5 * light, coverage, Background.GREY)
    mask.putpixel(place, 20)
    assert found(picture, mask) == [Flaw.CLIPPED]
    assert found(picture, mask, is_whole=False) == []


def test_a_needle_is_visible():
    coverage = np.zeros((SIZE, SIZE))
    coverage[4:92, 48] = 0.15
    assert found(*photographed(np.full((SIZE, SIZE), 0.5), coverage, Background.WHITE)) == []


# --- sets ---------------------------------------------------------------------------------------


@pytest.fixture
def stored(tmp_path: Path) -> Callable[..., dict[str, object]]:
    def store(name: str, reflects: float, *, photo: bool = True, radius: float = 0.43) -> dict[str, object]:
        light, coverage = ball(radius)
        picture, mask = photographed(reflects * light, coverage, Background.WHITE)
        picture.save(tmp_path / f"{name}.png")
        mask.save(tmp_path / f"{name}-mask.png")
        kind = "photo" if photo else "render"
        return {"name": name, "mask": f"{name}-mask.png", kind: {"path": f"{name}.png"}}

    return store


def test_the_verdict_names_each_angle(tmp_path: Path, stored: Callable[..., dict[str, object]]):
    entries = [
        stored("front", 0.0),
        stored("side", 0.5, photo=False, radius=0.52),
        stored("detail", 0.5, radius=0.6),
        stored("top", 0.5),
        {"name": "three-quarter", "photo": {"state": "waiting"}},
    ]
    findings = list(findings_about(tmp_path, list(ANGLES.values()), entries))
    assert [(item.where, item.kind) for item in findings] == [
        ("front", "picture_black"),
        ("side", "product_clipped"),
    ]
    assert all(
        item.severity is Severity.ERROR and item.text.startswith(f"{item.where}: ") for item in findings
    )


def test_an_angle_that_is_meant_to_fill_the_frame_may_touch_it(
    tmp_path: Path, stored: Callable[..., dict[str, object]]
):
    entry = stored("tight", 0.5, radius=0.5)
    tight = Angle(name="tight", azimuth=0.0, elevation=0.0, fill=1.0)
    assert list(findings_about(tmp_path, [tight], [entry])) == []


def test_a_picture_that_is_gone_is_not_judged(tmp_path: Path, stored: Callable[..., dict[str, object]]):
    entry = stored("front", 0.0)
    (tmp_path / "front.png").unlink()
    assert list(findings_about(tmp_path, list(ANGLES.values()), [entry])) == []


def test_findings_of_model_and_pictures_are_one_list():
    record = {
        "model": {
            "triage": [{"severity": "note", "text": "a"}, {"severity": "error", "text": "b", "count": 2}]
        },
        "findings": [{"kind": "picture_black", "severity": "error", "where": "top", "text": "c"}],
    }
    assert [item.text for item in all_findings(record)] == ["b", "c", "a"]
    assert worst_of(all_findings(record)) is Severity.ERROR
    assert all_findings({"model": {}}) == () and worst_of(()) is None
