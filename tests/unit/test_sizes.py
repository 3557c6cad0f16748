# SPDX-License-Identifier: GPL-3.0-or-later
"""A size in pixels is one number for a square, or width x height."""

import pytest

from photoreal_set.messages.errors import InputError
from photoreal_set.optics.sizes import Size, parse_size, square


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512", (512, 512)),
        ("1024x1280", (1024, 1280)),
        (" 1920X1080 ", (1920, 1080)),
        ("64×8192", (64, 8192)),
        ("101x103", (101, 103)),
    ],
)
def test_one_number_is_a_square_and_two_are_width_and_height(text: str, size: tuple[int, int]):
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text",
    ["", "x", "12x", "x512", "512x512x512", "5e2", "-512", "512.5", "4:5", "٥١٢", "9" * 5000, "512 x 512 px"],
)
def test_an_invalid_size_is_rejected_with_the_expected_format(text: str):
    with pytest.raises(InputError, match=r"is not a size in pixels\. Give N"):
        parse_size(text)


@pytest.mark.parametrize(("text", "side"), [("63", 63), ("8193", 8193), ("1024x63", 63), ("9000x64", 9000)])
def test_an_out_of_range_side_is_named(text: str, side: int):
    with pytest.raises(InputError, match=f"^{side} is not a whole number from 64 to 8192 pixels"):
        parse_size(text)


def test_scaling_keeps_the_aspect_ratio():
    assert Size(1024, 1280).of_pixels(1 << 20) == (916, 1145)
    assert square(512).of_pixels(1 << 20) == (1024, 1024)
    assert Size(64, 8192).of_pixels(100) == (1, 113)
    assert (Size(3, 7).longer, Size(3, 7).shorter) == (7, 3)
