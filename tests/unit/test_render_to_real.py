# SPDX-License-Identifier: GPL-3.0-or-later
"""Videos that fal.ai makes from a video by Cycles and photos, and from photos as key frames."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from PIL import Image

from photoreal_set.command_line.redoing import labels_again, take_again
from photoreal_set.fal_bridge.endpoints.registry import REGISTRY
from photoreal_set.fal_bridge.jobs import Kind
from photoreal_set.fal_bridge.money.price_list import PriceList
from photoreal_set.fal_bridge.network.platform_api import UnitPrice
from photoreal_set.messages.errors import FieldError
from photoreal_set.optics.angles import ANGLES, Angle, hero_first
from photoreal_set.photo_set.choices import FROM_RENDER_ENDPOINT, Engine
from photoreal_set.photo_set.cloud_jobs import bridge_for
from photoreal_set.photo_set.cloud_stage import CloudStage
from photoreal_set.photo_set.estimates import estimate_of
from photoreal_set.photo_set.folder import SetFolder
from photoreal_set.photo_set.plan import SetPlan
from photoreal_set.photo_set.results import SetResults
from photoreal_set.photo_set.takes import Shelf, takes_in
from photoreal_set.photo_set.video_plan import key_angles, render_order
from photoreal_set.processes.stop import Stop
from tests.cloud_sets import Notes, Sets
from tests.fal_emulator.videos import make_mp4, read_mp4
from tests.patience import FOR_EVER_SECONDS, PATIENCE_SECONDS

pytestmark = pytest.mark.slow

REAL = FROM_RENDER_ENDPOINT
LTX = "fal-ai/ltx-2.3-quality/render-to-real"
KLING = "kling/v4/image-to-video"
PHOTOS = "fal-ai/flux-kontext/dev"
ROUND = tuple(
    Angle(name=f"at-{azimuth}", azimuth=float(azimuth), elevation=15.0) for azimuth in (0, 72, 144, 216, 288)
)


class Films(Sets):
    """A set whose references and whose video for the endpoint are rendered."""

    def __init__(self, root: Path, emulator) -> None:
        super().__init__(root, emulator)
        self.renders = 0
        angles = (ANGLES["front"], ANGLES["three-quarter"], ANGLES["side"])
        self.plan = replace(self.plan, angles=angles, video=Engine.FAL, video_endpoint=REAL, seconds=3)

    def folder(self, plan: SetPlan) -> SetFolder:
        folder = super().folder(plan)
        results = SetResults(plan=plan, folder=folder, reporter=Notes(), stop=Stop())
        results.order_video_input()
        if folder.record.get("video_input") and results.video_input is None:
            video = folder.root / "renders" / "turntable.mp4"
            self.renders += 1  # No two renderings are the same file, so each would be another request.
            picture = Image.new("RGB", (64, 64), (10 * self.renders, 120, 120))
            video.write_bytes(make_mp4(picture, None, seconds=plan.video_seconds, has_sound=False))
            results.record_video_input("digest", video)
        return folder

    def results(self, plan: SetPlan) -> SetResults:
        return SetResults(plan=plan, folder=self.folder(plan), reporter=Notes(), stop=Stop())

    def sent(self, endpoint: str) -> list[dict]:
        return [entry for entry in self.emulator.ledger() if entry["endpoint"] == endpoint]


def in_the_cloud(results: SetResults) -> None:
    """What follows once everything is rendered."""
    with bridge_for(results, None) as bridge:
        cloud = CloudStage(results, bridge)
        cloud.photograph_all()
        cloud.wait()


@pytest.fixture
def films(tmp_path: Path, emulator) -> Films:
    return Films(tmp_path, emulator)


def photo_of(films: Films, name: str) -> bytes:
    entry = next(one for one in films.record["angles"] if one["name"] == name)
    return (films.plan.out / entry["photo"]["original"]).read_bytes()


def fetched(address: str) -> bytes:
    return httpx.get(address, trust_env=False, timeout=PATIENCE_SECONDS).content


def test_our_video_and_all_photos_become_the_video_of_the_set(films):
    assert films.run().exit_code == 0
    (sent,) = films.sent(REAL)
    assert sent["unknown_fields"] == []
    assert fetched(sent["input"]["video_url"]) == (films.plan.out / "renders/turntable.mp4").read_bytes()
    shown = [fetched(address) for address in sent["input"]["reference_image_urls"]]
    assert shown == [photo_of(films, name) for name in ("three-quarter", "front", "side")], "the hero first"
    (video,) = films.record["videos"]
    assert (video["state"], video["photos"]) == ("done", ["three-quarter", "front", "side"])
    assert video["input"] == films.record["video_input"]["sha256"]
    made = read_mp4((films.plan.out / video["path"]).read_bytes())
    assert (len(made.frames), made.frames[0].size) == (72, (64, 64)), "timing and size of our video"


def test_a_second_run_sends_nothing(films):
    films.run()
    count = len(films.emulator.ledger())
    assert films.run().exit_code == 0
    assert len(films.emulator.ledger()) == count


def test_a_killed_run_is_continued_with_the_same_request(films):
    films.emulator.control(delays={"video": FOR_EVER_SECONDS})
    films.run(leave_when=lambda: films.sent(REAL))
    films.emulator.control(advance=FOR_EVER_SECONDS, delays={"video": 0.0})
    assert films.run().exit_code == 0
    assert len(films.sent(REAL)) == 1
    (video,) = films.record["videos"]
    assert video["request_id"] == films.sent(REAL)[0]["request_id"]


def test_a_lost_answer_is_found_and_not_paid_again(films):
    films.emulator.control(faults=[{"name": "drop-submit-answer", "endpoint": REAL}])
    films.run()
    films.emulator.control(faults=[])
    assert films.run().exit_code == 0
    assert len(films.sent(REAL)) == 1


def test_the_video_waits_for_a_photo_that_may_still_come(films):
    films.emulator.control(faults=[{"name": "account-locked", "at": "submit", "endpoint": PHOTOS, "nth": 3}])
    assert films.run().exit_code != 0
    assert films.sent(REAL) == []
    films.emulator.control(faults=[])
    assert films.run().exit_code == 0
    assert len(films.sent(REAL)) == 1
    assert "missing" not in films.record["videos"][0]


def test_a_video_without_a_lost_photo_is_kept_until_it_is_redone(films):
    films.emulator.control(faults=[{"name": "model-error", "endpoint": PHOTOS, "nth": 3}])
    films.run()
    (video,) = films.record["videos"]
    (lost,) = video["missing"]
    films.emulator.control(faults=[])
    take_again(films.plan, SetFolder.open(films.plan.out), lost)
    assert films.run().exit_code == 0
    assert len(films.sent(REAL)) == 1
    take_again(films.plan, SetFolder.open(films.plan.out), "film")
    assert films.run().exit_code == 0
    assert len(films.sent(REAL)) == 2
    assert "missing" not in films.record["videos"][0]
    assert len(takes_in(films.record, Shelf.VIDEOS, "turntable")) == 2


def test_redoing_any_of_its_photos_is_announced_to_redo_the_video(films):
    films.run()
    labels = labels_again(films.plan, SetFolder.open(films.plan.out), ["side"])
    assert labels == {"side photo", "side retry", "side enlargement", "film"}
    from_hero = replace(films.plan, video_endpoint="fal-ai/kling-video/v3/pro/image-to-video")
    assert "film" not in labels_again(from_hero, SetFolder.open(films.plan.out), ["side"])


def test_another_video_is_made_from_the_photos_that_are_chosen_then(films):
    films.run()
    folder = SetFolder.open(films.plan.out)
    take_again(films.plan, folder, "film")
    names = ("three-quarter", "front", "side")
    assert films.record["videos"][0]["photo_takes"] == dict.fromkeys(names, 1)
    assert films.run().exit_code == 0
    assert len(films.sent(REAL)) == 2
    assert films.run().exit_code == 0
    assert len(films.sent(REAL)) == 2


def test_photos_by_cycles_are_references_too(films):
    plan = replace(films.plan, engine=Engine.CYCLES, video_endpoint=LTX)
    results = films.results(plan)
    for angle in hero_first(list(plan.angles)):
        facts = {"engine": "cycles", "state": "done", "made_with": f"digest of {angle.name}"}
        picture = (plan.out / "renders" / f"{angle.name}.png").read_bytes()
        results.record_photo(angle, facts, picture)
    in_the_cloud(results)
    assert films.record["videos"][0]["state"] == "done"
    (sent,) = films.sent(LTX)
    hero = (plan.out / "renders" / "three-quarter.png").read_bytes()
    assert fetched(sent["input"]["image_url"]) == hero
    assert sent["input"]["prompt"].startswith("3DREAL. Turn this render")
    assert (sent["input"]["num_frames"], sent["input"]["generate_audio"]) == (73, False)


def test_without_our_video_nothing_is_sent(films):
    results = films.results(films.plan)
    results.folder.root.joinpath("renders/turntable.mp4").unlink()
    in_the_cloud(results)
    assert films.sent(REAL) == []
    assert films.record["videos"][0]["state"] == "waiting"


@pytest.mark.parametrize(
    ("endpoint", "options", "seconds", "order"),
    [
        (REAL, {}, 5, (120, 768)),
        (REAL, {"resolution": "480P"}, 8, (192, 480)),
        (LTX, {}, 5, (121, 720)),
        (KLING, {}, 5, ()),
    ],
)
def test_our_video_is_as_large_and_as_long_as_the_endpoint_wants(films, endpoint, options, seconds, order):
    plan = replace(films.plan, video_endpoint=endpoint, seconds=seconds, option_texts={Kind.VIDEO: options})
    made = render_order(plan.check())
    assert (() if not made else (made["frames"], made["width"])) == order


def test_a_video_endpoint_that_needs_no_render_has_no_order(films):
    films.folder(films.plan)
    assert "video_input" in films.record
    films.folder(replace(films.plan, video_endpoint=KLING))
    assert "video_input" not in films.record


@pytest.mark.parametrize(("changes", "field"), [({"seconds": 20}, "seconds"), ({"loop": True}, "loop")])
def test_what_the_endpoint_cannot_do_is_refused(films, changes, field):
    with pytest.raises(FieldError) as refused:
        replace(films.plan, **changes).check()
    assert refused.value.field == field


# Key frames


def test_the_turn_goes_through_our_own_photos(films):
    plan = replace(films.plan, angles=ROUND, video_endpoint=KLING, motion="turntable")
    assert films.run(plan).exit_code == 0
    (sent,) = films.sent(KLING)
    shown = [fetched(address) for address in sent["input"]["middle_image_urls"]]
    assert shown == [photo_of(films, name) for name in ("at-72", "at-144", "at-216", "at-288")]
    first, last = (fetched(sent["input"][f"{end}_image_url"]) for end in ("start", "end"))
    assert first == last == photo_of(films, "at-0")
    assert films.record["videos"][0]["loop"] is True


def test_only_views_that_a_turntable_shows_are_key_frames(films):
    others = (ANGLES["top"], ANGLES["detail"])
    plan = replace(films.plan, angles=(*ROUND, *others), video_endpoint=KLING)
    names = [angle.name for angle in key_angles(plan)]
    assert names == ["at-72", "at-144", "at-216", "at-288"], "not from above, not the close-up"
    assert key_angles(replace(plan, motion="light-sweep")) == []
    five = tuple(ANGLES.values())
    assert key_angles(replace(plan, angles=five)) == [], "three views of one side would make it turn back"
    every = tuple(Angle(name=f"at-{turn}", azimuth=float(turn), elevation=15.0) for turn in range(0, 360, 20))
    chosen = [angle.azimuth for angle in key_angles(replace(plan, angles=every))]
    assert len(chosen) == 8
    assert chosen == sorted(chosen)


@pytest.mark.parametrize(("motion", "word"), [("turntable", "spin"), ("detail-reveal", "subtle")])
def test_a_motion_that_the_endpoint_has_a_word_for_is_asked_for(films, motion, word):
    endpoint = "pixelcut/looping-video"
    plan = replace(films.plan, angles=ROUND[:1], video_endpoint=endpoint, motion=motion, seconds=5)
    assert films.run(plan).exit_code == 0
    (sent,) = films.sent(endpoint)
    assert (sent["input"]["motion"], sent["input"]["duration"]) == (word, 5)
    assert (sent["input"]["include_audio"], sent["unknown_fields"]) == (False, [])


# Estimates, compared with the published prices by hand


def priced(plan: SetPlan, prices: dict[str, tuple[str, str]]) -> dict[str, tuple[Decimal, Decimal]]:
    """The cost of each sort of request, from unit prices by endpoint."""
    units = {
        name: UnitPrice(amount=Decimal(amount), unit=unit, asked_at=0.0)
        for name, (amount, unit) in prices.items()
    }
    costs: dict[str, tuple[Decimal, Decimal]] = {}
    for job in estimate_of(plan, PriceList(units)).jobs:
        low, high = costs.get(job.endpoint.kind, (Decimal(0), Decimal(0)))
        costs[job.endpoint.kind] = (low + job.cost.low, high + job.cost.high)
    return costs


def near(amount: str) -> Decimal:
    return pytest.approx(Decimal(amount), abs=Decimal("0.00001"))


def test_five_angles_by_flux_3_at_2k_cost_half_a_dollar(films):
    flux = "blackforestlabs/flux-3/edit-image"
    plan = replace(
        films.plan,
        angles=tuple(ANGLES.values()),
        video=None,
        seconds=None,
        photo_endpoint=flux,
        retries=0,
        option_texts={Kind.PHOTO: {"resolution": "2k"}},
    )
    low, high = priced(plan, {flux: ("0.048", "images")})[Kind.PHOTO]
    assert (low, high) == (near("0.50"), near("0.50"))  # 5 x 0.10.


def test_a_3d_to_video_at_768p_with_three_references_has_a_range(films):
    plan = replace(films.plan, seconds=5)
    prices = {REAL: ("0.05", "seconds"), PHOTOS: ("0.025", "megapixels")}
    low, high = priced(plan, prices)[Kind.VIDEO]
    assert (low, high) == (near("0.40"), near("1.76084"))  # 5 x 0.08, and up to 68,042 tokens at 0.00002.


def test_key_frames_cost_nothing_extra(films):
    plan = replace(films.plan, angles=ROUND, video_endpoint=KLING, seconds=5)
    prices = {KLING: ("0.157", "seconds"), PHOTOS: ("0.025", "megapixels")}
    assert len(key_angles(plan)) == 4
    low, high = priced(plan, prices)[Kind.VIDEO]
    assert (low, high) == (near("1.175"), near("1.175"))  # 5 x 0.235 at 1080p.


def test_every_endpoint_from_a_render_is_known():
    rows = [row.id for row in REGISTRY.values() if row.kind is Kind.VIDEO and row.slots and not row.images[1]]
    assert rows == [REAL, LTX]
