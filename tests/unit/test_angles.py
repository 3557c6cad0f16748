# SPDX-License-Identifier: GPL-3.0-or-later
"""The angles that users' scripts name."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from photoreal_set.messages.errors import InputError
from photoreal_set.optics.angles import ANGLES, HERO, Angle, chosen_angles, direction_of, hero_first, hero_of
from photoreal_set.optics.framing import camera_axes
from photoreal_set.photo_set.prompts import VIEWS, photo_prompt, view_text

CONTRACT = {
    "front": (0.0, 15.0),
    "three-quarter": (45.0, 25.0),
    "side": (90.0, 15.0),
    "top": (0.0, 75.0),
    "detail": (30.0, 5.0),
}


def names(angles: list) -> list[str]:
    return [angle.name for angle in angles]


def test_the_five_angles_match_the_contract():
    assert {name: (angle.azimuth, angle.elevation) for name, angle in ANGLES.items()} == CONTRACT
    assert list(ANGLES) == list(CONTRACT)
    assert all(name == angle.name for name, angle in ANGLES.items())


def test_the_product_fills_85_to_90_percent_and_only_the_detail_crops_it():
    assert all(0.85 <= angle.fill <= 0.90 for angle in ANGLES.values() if angle.name != "detail")
    assert [angle.name for angle in ANGLES.values() if not angle.shows_whole_product] == ["detail"]


def test_angles_keep_the_order_in_which_they_are_named():
    assert names(chosen_angles("top, front ,, detail")) == ["top", "front", "detail"]


@pytest.mark.parametrize("wrong", ["front,fornt", "Front", "", " , ", "front;side", "cameras2"])
def test_an_unknown_angle_is_rejected_with_the_valid_names(wrong: str):
    with pytest.raises(InputError) as refused:
        chosen_angles(wrong)
    assert all(name in str(refused.value) for name in CONTRACT)
    assert refused.value.exit_code == 1


def test_the_error_names_the_invalid_angle():
    with pytest.raises(InputError, match="'fornt'"):
        chosen_angles("front,fornt,side")


def test_the_hero_comes_first_and_the_rest_keeps_its_order():
    angles = list(ANGLES.values())
    assert names(hero_first(angles)) == ["three-quarter", "front", "side", "top", "detail"]
    assert hero_of(angles).name == HERO == "three-quarter"


def test_without_the_three_quarter_view_the_first_angle_is_the_hero():
    angles = chosen_angles("side,top")
    assert hero_of(angles).name == "side"
    assert names(hero_first(angles)) == ["side", "top"]


def test_every_angle_has_a_prompt_text_for_the_image_model():
    assert set(VIEWS) == set(ANGLES)
    for angle in ANGLES.values():
        prompt = photo_prompt(angle, "grey", "On linen {not a field}.")
        assert VIEWS[angle.name] in prompt
        assert "neutral grey" in prompt
        assert prompt.endswith("On linen {not a field}.")


# --- a file of angles ---------------------------------------------------------------------------

BACK = {"name": "back", "azimuth": 180, "elevation": 15}


def written(folder: Path, entries: object) -> str:
    path = folder / "my angles.json"
    path.write_text(entries if isinstance(entries, str) else json.dumps(entries), encoding="utf-8")
    return str(path)


def test_angles_from_a_file_keep_its_order(tmp_path: Path):
    macro = {"name": "Macro_2", "azimuth": -30.0, "elevation": -5, "fill": 4, "lens_mm": 135}
    low = {"name": "low", "azimuth": 725, "elevation": -90, "fill": 0.5}
    found = chosen_angles(written(tmp_path, [BACK, macro, low]))
    assert found == [
        Angle(name="back", azimuth=180.0, elevation=15.0),
        Angle(name="Macro_2", azimuth=330.0, elevation=-5.0, fill=4.0, lens_mm=135.0),
        Angle(name="low", azimuth=5.0, elevation=-90.0, fill=0.5),
    ]
    assert [angle.is_close_up for angle in found] == [False, True, False]
    assert [angle.shows_whole_product for angle in found] == [True, False, True]


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ("[{", "my angles.json is not valid JSON"),
        ("", "my angles.json is not valid JSON"),
        ("[" * 100_000 + "]" * 100_000, "my angles.json is not valid JSON"),
        ({"name": "back"}, "my angles.json holds {'name': 'back'}, which is not a list"),
        ([], "holds [], which has 0 entries instead of 1 to 72"),
        ([BACK] * 73, "has 73 entries instead of 1 to 72"),
        ([BACK] * 10_000, "has 10000 entries instead of 1 to 72"),
        ([BACK, 7], "my angles.json: angle 2 is 7, which is not an object"),
        ([{"name": "back", "elevation": 0}], "which has no azimuth"),
        ([{**BACK, "elvation": 3}], "has 'elvation', which is not one of azimuth, elevation, fill"),
        ([{**BACK, "azimuth": "180"}], "angle 1, azimuth is '180', which is not a number"),
        ([{**BACK, "azimuth": True}], "angle 1, azimuth is true, which is not a number"),
        ('[{"name": "a", "azimuth": NaN, "elevation": 0}]', "the number NaN is out of range"),
        ('[{"name": "a", "azimuth": 1e999, "elevation": 0}]', "the number 1e999 is out of range"),
        ([{**BACK, "azimuth": 10**400}], f"the number 1{'0' * 29}… is out of range"),
        ('[{"azimuth": ' + "1" * 5000 + "}]", f"the number {'1' * 30}… is out of range"),
        ([{**BACK, "elevation": 90.5}], "elevation is 90.5, which is not a number from -90 to 90"),
        ([{**BACK, "lens_mm": 19}], "lens_mm is 19, which is not a number from 20 to 300 mm"),
        ([{**BACK, "fill": 0}], "fill is 0, which is not a number from 0.05 to 20"),
        ([BACK, {**BACK, "name": "BACK"}], "has the name 'BACK' twice, for angles 1 and 2"),
        *(
            ([{**BACK, "name": name}], "which is not the name of an angle")
            for name in (
                "",
                "a/b",
                "..",
                "a.b",
                "con",
                "LPT1",
                "ä",
                "a b",
                "-a",
                "x" * 49,
                3,
                None,
                "a-enlarged",
            )
        ),
    ],
)
def test_an_invalid_file_is_rejected_by_entry(tmp_path: Path, entries: object, message: str):
    with pytest.raises(InputError) as refused:
        chosen_angles(written(tmp_path, entries))
    assert message in str(refused.value)
    assert "my angles.json" in str(refused.value)


def test_a_missing_oversized_or_binary_file_is_reported(tmp_path: Path):
    with pytest.raises(InputError, match="cannot be read"):
        chosen_angles(str(tmp_path / "none.json"))
    (tmp_path / "large.json").write_bytes(b" " * (1 << 21))
    with pytest.raises(InputError, match="larger than 1 MB"):
        chosen_angles(str(tmp_path / "large.json"))
    (tmp_path / "bytes.json").write_bytes(b"[\xff\xfe")
    with pytest.raises(InputError, match="not UTF-8 text"):
        chosen_angles(str(tmp_path / "bytes.json"))


@pytest.mark.parametrize("mixed", ["front,my.json", "my.json,front", "front,cameras"])
def test_names_files_and_cameras_cannot_be_mixed(mixed: str):
    with pytest.raises(InputError, match="cannot be part of a list"):
        chosen_angles(mixed)


# --- descriptions of unnamed angles----------------------------------------------------------------


@pytest.mark.parametrize(
    ("azimuth", "elevation", "text"),
    [
        (180.0, 15.0, "straight from the back, slightly above"),
        (300.0, 0.0, "three-quarter view from the front left, at eye level"),
        (50.0, 60.0, "three-quarter view from the front right, from above"),
        (350.0, -30.0, "straight from the front, slightly below"),
        (12.0, 90.0, "straight down from above"),
        (12.0, -90.0, "straight from below"),
    ],
)
def test_an_angle_without_a_known_name_is_described(azimuth: float, elevation: float, text: str):
    angle = Angle(name="mine", azimuth=azimuth, elevation=elevation)
    assert view_text(angle) == text
    assert text in photo_prompt(angle, "white", "")
    assert view_text(replace(angle, fill=3.0)) == f"close-up {text}"


def test_a_known_name_at_another_position_is_described_by_its_position():
    assert view_text(Angle(name="front", azimuth=180.0, elevation=15.0)).startswith("straight from the back")


@pytest.mark.parametrize("angle", [(0, 15), (45, 25), (90, 0), (200, -40), (300, 75)])
def test_the_direction_of_a_camera_is_read_from_its_matrix(angle: tuple[int, int]):
    matrix = np.eye(4)
    matrix[:3, :3] = camera_axes(*angle)
    assert direction_of(matrix.tolist()) == pytest.approx(angle)


@pytest.mark.parametrize("elevation", [-90.0, 90.0])
def test_straight_above_and_below_the_top_edge_gives_the_azimuth(elevation: float):
    matrix = np.eye(4)
    matrix[:3, :3] = camera_axes(70.0, elevation)
    assert direction_of(matrix.tolist()) == pytest.approx((70.0, elevation))


def test_an_angle_that_is_named_twice_is_rejected():
    with pytest.raises(InputError, match="'front' is named twice"):
        chosen_angles("front, side,front")
