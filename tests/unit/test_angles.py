# SPDX-License-Identifier: GPL-3.0-or-later
"""The angles that users' scripts name."""

import pytest

from photoreal_set.angles import ANGLES, HERO, chosen_angles, hero_first, hero_of
from photoreal_set.errors import InputError
from photoreal_set.prompts import VIEWS, photo_prompt

CONTRACT = {
    "front": (0.0, 15.0),
    "three-quarter": (45.0, 25.0),
    "side": (90.0, 15.0),
    "top": (0.0, 75.0),
    "detail": (30.0, 5.0),
}


def names(angles: list) -> list[str]:
    return [angle.name for angle in angles]


def test_the_five_angles_are_where_the_contract_says():
    assert {name: (angle.azimuth, angle.elevation) for name, angle in ANGLES.items()} == CONTRACT
    assert list(ANGLES) == list(CONTRACT)
    assert all(name == angle.name for name, angle in ANGLES.items())


def test_the_product_fills_85_to_90_percent_and_only_the_detail_crops_it():
    assert all(0.85 <= angle.fill <= 0.90 for angle in ANGLES.values() if angle.name != "detail")
    assert [angle.name for angle in ANGLES.values() if not angle.shows_whole_product] == ["detail"]


def test_angles_come_in_the_order_they_are_named_once_each():
    assert names(chosen_angles("top, front,top ,, detail")) == ["top", "front", "detail"]


@pytest.mark.parametrize("wrong", ["front,fornt", "Front", "", " , ", "front;side", "cameras2"])
def test_an_unknown_angle_is_refused_with_the_ones_to_choose_from(wrong: str):
    with pytest.raises(InputError) as refused:
        chosen_angles(wrong)
    assert all(name in str(refused.value) for name in CONTRACT)
    assert refused.value.exit_code == 1


def test_the_refusal_names_the_angle_that_is_wrong():
    with pytest.raises(InputError, match="'fornt'"):
        chosen_angles("front,fornt,side")


def test_the_hero_is_worked_on_first_and_the_rest_keeps_its_order():
    angles = list(ANGLES.values())
    assert names(hero_first(angles)) == ["three-quarter", "front", "side", "top", "detail"]
    assert hero_of(angles).name == HERO == "three-quarter"


def test_without_the_three_quarter_view_the_first_angle_is_the_hero():
    angles = chosen_angles("side,top")
    assert hero_of(angles).name == "side"
    assert names(hero_first(angles)) == ["side", "top"]


def test_every_angle_has_words_for_the_image_model():
    assert set(VIEWS) == set(ANGLES)
    for angle in ANGLES.values():
        words = photo_prompt(angle, "grey", "On linen {not a field}.")
        assert VIEWS[angle.name] in words
        assert "neutral grey" in words
        assert words.endswith("On linen {not a field}.")
