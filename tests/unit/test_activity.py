# SPDX-License-Identifier: GPL-3.0-or-later
"""A run gives a sign of life while a picture is rendered and while it waits for fal.ai."""

from collections.abc import Callable, Iterable

from command_line.bootstrap import load_package

load_package()

from photoreal_set.messages import events  # noqa: E402  The package has to be loaded first.
from photoreal_set.photo_set.activity import Activity  # noqa: E402
from tests.patience import until  # noqa: E402


class Told:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[events.Event] = []

    def tell(self, event: events.Event) -> None:
        self.events.append(event)

    def detail(self, event: events.Event) -> None:
        self.tell(event)

    def result(self, found: Iterable[events.Event], text: str) -> None:
        pass


def first_event(activity: Activity, is_it: Callable[[events.Working], bool]) -> events.Working:
    """The first sign of life of this kind."""
    told = Told()
    with activity.told_to(told):
        until(lambda: any(isinstance(event, events.Working) and is_it(event) for event in told.events))
    return next(event for event in told.events if isinstance(event, events.Working) and is_it(event))


def test_there_are_signs_of_life_without_any_news():
    told = Told()
    with Activity().told_to(told):
        until(lambda: len(told.events) >= 2)
    assert told.events[:2] == [events.Working(text="preparing the product")] * 2


def test_the_samples_are_those_of_the_current_picture():
    activity = Activity()
    activity.remaining.expect("photos", 2)
    activity.start("photos", 0, 2, "front")
    activity.sample(16, 64)
    event = first_event(activity, lambda event: event.sample == 16)
    assert event == events.Working(task="photos", done=0, of=2, label="front", sample=16, samples=64)
    activity.start("photos", 1, 2, "side")
    assert activity.event.sample is None
    activity.say("encoding the video")
    assert activity.event.text == "encoding the video"


def test_between_two_stages_it_says_which_requests_are_awaited():
    activity = Activity()
    activity.start("references", 2, 2, "")
    assert activity.event == events.Working()
    activity.request("front photo", is_open=True)
    activity.request("side photo", is_open=True)
    assert activity.event.text == "waiting for fal.ai: front photo, side photo"
    activity.request("front photo", is_open=False)
    assert activity.event.text == "waiting for fal.ai: side photo"
    activity.start("film", 3, 120, "")
    assert activity.event == events.Working(task="film", done=3, of=120)


def test_while_nothing_is_rendered_it_says_what_is_compared():
    activity = Activity()
    activity.start("calibration", 8, 8, "")
    activity.request("side photo", is_open=True)
    with activity.doing("comparing photos with their renders"):
        assert activity.event.text == "comparing photos with their renders"
        activity.start("film", 3, 120, "")
        assert activity.event == events.Working(task="film", done=3, of=120)
        activity.start("film", 120, 120, "")
    assert activity.event.text == "waiting for fal.ai: side photo"


def test_the_remaining_time_is_part_of_it():
    activity = Activity()
    assert activity.event.eta_seconds is None
    activity.remaining.expect("photos", 0)
    assert activity.event.eta_seconds == 0
