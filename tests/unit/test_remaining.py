# SPDX-License-Identifier: GPL-3.0-or-later
"""The remaining time follows from what a run has measured, and is not guessed before."""

import pytest

from command_line.bootstrap import load_package

load_package()

from photoreal_set.messages.remaining import (  # noqa: E402  The package has to be loaded first.
    Ends,
    Remaining,
    duration,
    time_left,
)


class Clock:
    """Time that passes only when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Run:
    """A run whose pictures and requests take as long as a test says."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.remaining = Remaining(self.clock)

    @property
    def left(self) -> float | None:
        return self.remaining.seconds()

    def render(self, stage: str, *seconds: float) -> None:
        for each in seconds:
            self.remaining.begin(stage)
            self.clock.now += each
            self.remaining.end(stage)


def test_nothing_is_known_before_the_first_picture():
    run = Run()
    assert run.left is None
    run.remaining.expect("references", 3)
    assert run.left is None
    run.remaining.begin("references")
    run.clock.now += 5.0
    assert run.left is None


def test_pictures_take_as_long_as_those_before():
    run = Run()
    run.remaining.expect("references", 5)
    run.render("references", 4.0)
    assert run.left is None, "the first one also loads the scene"
    run.render("references", 2.0, 2.0)
    assert run.left == 4.0
    run.remaining.begin("references")
    run.clock.now += 1.5
    assert run.left == pytest.approx(2.5)
    run.clock.now += 30.0
    assert run.left == 2.0, "a picture that takes longer is about to end"


def test_a_stage_that_has_not_begun_takes_as_long_as_its_effort():
    run = Run()
    run.remaining.expect("references", 2, effort=10.0)
    run.remaining.expect("photos", 2, effort=60.0)
    run.remaining.expect("film", 120, effort=3.0)
    run.render("references", 5.0, 5.0)
    assert run.left == 2 * 30.0 + 120 * 1.5
    run.render("photos", 20.0, 20.0)
    assert run.left == pytest.approx(120 * 3.0 * 25.0 / 70.0)
    run.render("film", 9.0)
    assert run.left == pytest.approx(119 * 3.0 * 25.0 / 70.0), "the first frame includes the shadows of all"
    run.render("film", 1.0)
    assert run.left == 118.0, "what is measured counts, not the effort"


def test_pictures_that_exist_take_no_time():
    run = Run()
    run.remaining.expect("references", 5)
    run.remaining.expect("photos", 5)
    run.remaining.correct("references", 1)
    run.remaining.correct("photos", 0)
    run.render("references", 7.0)
    assert run.left == 0.0


def test_one_slow_picture_does_not_make_everything_slow():
    run = Run()
    run.remaining.expect("references", 5, effort=10.0)
    run.remaining.expect("photos", 5, effort=10.0)
    run.remaining.expect("film", 100, effort=5.0)
    run.render("references", 9.0, 4.0, 4.0, 4.0, 9.0)
    assert run.left == 5 * 4.0 + 100 * 2.0
    run.render("photos", 12.0)
    assert run.left == 4 * 4.0 + 100 * 2.0, "the first picture under other light is slower"


def test_a_set_of_one_angle_has_an_estimate_from_one_picture():
    run = Run()
    run.remaining.expect("references", 1, effort=10.0)
    run.remaining.expect("photos", 1, effort=20.0)
    run.render("references", 3.0)
    assert run.left == 6.0


def test_photos_by_fal_follow_the_references_and_are_answered_at_the_same_time():
    run = Run()
    run.remaining.expect("references", 4)
    run.remaining.expect_requests("photo", 4)
    run.render("references", 2.0)
    run.remaining.begin_request("photo", "front photo")
    run.render("references", 2.0)
    assert run.left is None, "no photo was measured yet"
    run.clock.now += 8.0
    run.remaining.end_request("photo", "front photo", is_measured=True)
    assert run.left == 2 * 2.0 + 10.0
    run.render("references", 2.0, 2.0)
    assert run.left == 10.0
    for label in ("side photo", "back photo", "top photo"):
        run.remaining.begin_request("photo", label)
    run.clock.now += 4.0
    assert run.left == 6.0
    run.remaining.end_request("photo", "top photo", is_measured=False)
    assert run.left == 6.0
    for label in ("side photo", "back photo"):
        run.remaining.end_request("photo", label, is_measured=True)
    assert run.left == 0.0


def test_a_3d_model_or_a_video_by_fal_cannot_be_estimated_before_it_is_there():
    run = Run()
    run.remaining.expect_requests("model", 1)
    run.remaining.expect("references", 2)
    run.remaining.expect_requests("photo", 2)
    run.remaining.expect_requests("video", 1)
    run.remaining.begin_request("model", "3D model")
    assert run.left is None
    run.clock.now += 300.0
    run.remaining.end_request("model", "3D model", is_measured=True)
    run.render("references", 3.0, 3.0)
    for label in ("front photo", "side photo"):
        run.remaining.begin_request("photo", label)
        run.remaining.end_request("photo", label, is_measured=True)
    assert run.left is None
    run.remaining.begin_request("video", "film")
    run.remaining.end_request("video", "film", is_measured=True)
    assert run.left == 0.0


def test_a_request_that_an_earlier_run_has_finished_says_nothing_about_the_others():
    run = Run()
    run.remaining.expect_requests("photo", 2)
    run.remaining.end_request("photo", "front photo", is_measured=True)
    assert run.left is None
    run.remaining.begin_request("photo", "side photo")
    run.remaining.begin_request("photo", "side photo")
    run.remaining.end_request("photo", "side photo", is_measured=True)
    assert run.left == 0.0


def test_products_of_a_catalogue_take_as_long_as_those_before():
    clock = Clock()
    ends = Ends(clock)
    clock.now += 30.0
    assert ends.seconds(10) is None
    ends.count()
    assert ends.seconds(9) is None, "the first one also starts Blender"
    for _product in range(2):
        clock.now += 4.0
        ends.count()
    assert ends.seconds(7) == 28.0
    clock.now += 3.0
    assert ends.seconds(7) == 25.0
    clock.now += 60.0
    assert ends.seconds(7) == 24.0, "it does not grow while nothing ends"
    assert ends.seconds(0) == 0.0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (45.4, "45 s"), (89, "89 s"), (90, "2 min"), (3599, "60 min"), (11100, "3:05 h")],
)
def test_a_duration_is_as_exact_as_an_estimate_can_be(seconds: float, words: str):
    assert duration(seconds) == words


def test_an_estimate_never_says_that_nothing_is_left():
    assert time_left(0.2) == time_left(-5.0) == "almost done"
    assert time_left(2.0) == "about 2 s left"
