# SPDX-License-Identifier: GPL-3.0-or-later
"""What a set costs, before it is spent: prices, units, sums, the table."""

import io
import json
import os
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from PIL import Image

from photoreal_set.command_line import main as cli
from photoreal_set.fal_bridge.endpoints.price_models import Per, Range, per_of, unit_of
from photoreal_set.fal_bridge.endpoints.registry import REGISTRY
from photoreal_set.fal_bridge.jobs import Kind
from photoreal_set.fal_bridge.money import price_list
from photoreal_set.fal_bridge.network.platform_api import Platform, UnitPrice
from photoreal_set.fal_bridge.network.service import Service
from photoreal_set.files.home import home_folder
from photoreal_set.optics.angles import ANGLES
from photoreal_set.optics.sizes import Size, square
from photoreal_set.photo_set import estimates
from photoreal_set.photo_set.choices import Engine, Fidelity
from photoreal_set.photo_set.plan import SetPlan
from photoreal_set.photo_set.source import source_from
from tests.told import events_in

MULTI = "fal-ai/meshy/v6/multi-image-to-3d"
KONTEXT = "fal-ai/flux-kontext/dev"
SQUARE = (1024, 1024)
BANANA_2K = {Kind.PHOTO: {"resolution": "2K"}}


@pytest.fixture
def photos(tmp_path) -> list[Path]:
    paths = [tmp_path / "front.png", tmp_path / "back.png"]
    for path in paths:
        Image.new("RGB", (300, 300), (200, 40, 90)).save(path)
    return paths


def listed(endpoint_id: str, amount: str, unit: str) -> price_list.PriceList:
    return price_list.PriceList({endpoint_id: UnitPrice(amount=Decimal(amount), unit=unit, asked_at=0.0)})


def cost(endpoint_id: str, amount: str, unit: str, arguments: dict | None = None, size=SQUARE) -> tuple:
    row = REGISTRY[endpoint_id]
    quote = listed(endpoint_id, amount, unit).quote(row, {**row.intent, **(arguments or {})}, [size])
    assert quote.cost is not None
    return float(quote.cost.low), float(quote.cost.high)


# Units


@pytest.mark.parametrize(
    ("endpoint_id", "amount", "unit", "arguments", "expected"),
    [
        (MULTI, "0.8", "units", {}, (1.2, 1.2)),
        (MULTI, "0.8", "units", {"should_texture": False}, (0.8, 0.8)),
        ("meshy/v7/image-to-3d", "0.8", "units", {"ultra_mode": True, "enable_rigging": True}, (1.6, 1.6)),
        ("meshy/v7/multi-image-to-3d", "1.2", "units", {}, (1.2, 1.4)),
        ("fal-ai/pixal3d", "0.3", "units", {}, (0.42, 0.42)),
        ("fal-ai/pixal3d", "0.3", "units", {"resolution": 1024}, (0.3, 0.3)),
        (KONTEXT, "0.025", "megapixels", {}, (0.025, 0.025)),
        (KONTEXT, "0.025", "image", {}, (0.025, 0.025)),
        ("fal-ai/flux-2/edit", "0.012", "megapixels", {"image_size": "square_hd"}, (0.024, 0.024)),
        ("fal-ai/flux-2-pro/edit", "0.03", "megapixels", {}, (0.045, 0.045)),
        ("fal-ai/flux-2-max/edit", "0.07", "megapixels", {}, (0.1, 0.1)),
        ("fal-ai/nano-banana-pro/edit", "0.15", "images", {"resolution": "4K"}, (0.3, 0.3)),
        ("fal-ai/nano-banana-pro/edit", "0.15", "images", {"enable_web_search": True}, (0.165, 0.165)),
        ("fal-ai/kling-video/v3/pro/image-to-video", "0.112", "seconds", {"duration": "5"}, (0.56, 0.56)),
        (
            "fal-ai/kling-video/v3/pro/image-to-video",
            "0.112",
            "seconds",
            {"duration": "5", "generate_audio": True},
            (0.84, 0.84),
        ),
        ("fal-ai/veo3.1/image-to-video", "0.2", "seconds", {"duration": "8s"}, (1.6, 1.6)),
        (
            "fal-ai/veo3.1/image-to-video",
            "0.2",
            "seconds",
            {"duration": "8s", "generate_audio": True, "resolution": "4k"},
            (4.8, 4.8),
        ),
        ("fal-ai/seedvr/upscale/image", "0.001", "megapixels", {"upscale_factor": 2.0}, (0.004, 0.005)),
        ("topaz/upscale/image/precision", "0.08", "units", {"upscale_factor": 4.0}, (0.08, 0.08)),
        ("topaz/upscale/image/precision", "0.08", "units", {"upscale_factor": 8.0}, (0.24, 0.24)),
        ("bria/increase-resolution", "0.04", "images", {"desired_increase": 4}, (0.04, 0.04)),
    ],
)
def test_requests_cost_the_published_prices(endpoint_id, amount, unit, arguments, expected):
    assert cost(endpoint_id, amount, unit, arguments) == expected


def test_a_discount_is_included_in_the_unit_price():
    assert cost(KONTEXT, "0.02", "megapixels") == (0.02, 0.02)


def test_a_larger_render_may_cost_more():
    assert cost(KONTEXT, "0.025", "megapixels", size=(2048, 2048)) == (0.025, 0.1)


def test_when_the_page_and_the_list_differ_the_range_includes_both():
    low, high = cost(KONTEXT, "0.025", "images", size=(2048, 2048))
    assert (low, high) == (0.025, 0.1)
    assert per_of("Compute Seconds") is Per.COMPUTE
    assert per_of("credits") is None


KLING = "fal-ai/kling-video/v3/pro/image-to-video"


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("seconds", (Per.SECOND, 1)),
        ("10 seconds", (Per.SECOND, 10)),
        ("30 Seconds", (Per.SECOND, 30)),
        ("minutes", (Per.SECOND, 60)),
        ("video seconds", (Per.SECOND, 1)),
        ("per image", (Per.IMAGE, 1)),
        ("output megapixels", (Per.MEGAPIXEL, 1)),
        ("videos", (Per.REQUEST, 1)),
        ("1k requests", (Per.REQUEST, 1000)),
        ("generations", (Per.REQUEST, 1)),
        ("units", (None, 1)),
        ("credits", (None, 1)),
        *((text, (Per.OTHER, 1)) for text in ("1m tokens", "1000 characters", "video segments", "steps")),
        *(
            (text, (Per.OTHER, 1))
            for text in ("100 credits", "0 seconds", "input images", "", "seconds or images")
        ),
    ],
)
def test_a_unit_is_read_exactly_or_not_at_all(unit, expected):
    per, size = unit_of(unit)
    assert (per, size) == (expected[0], Decimal(expected[1]))


@pytest.mark.parametrize(
    ("unit", "price", "expected"),
    [("10 seconds", "1.12", 0.56), ("minutes", "6.72", 0.56), ("seconds", "0.112", 0.56)],
)
def test_units_of_several_seconds_are_divided(unit, price, expected):
    assert cost(KLING, price, unit, {"duration": "5"}) == (expected, expected)


@pytest.mark.parametrize("unit", ["1m tokens", "1000 characters", "video segments", "steps"])
def test_units_that_cannot_be_counted_are_estimated_from_past_calls_only(unit):
    row = REGISTRY[KLING]
    tokens = listed(KLING, "8", unit)
    quote = tokens.quote(row, row.intent, [])
    assert quote.cost is None
    assert unit in quote.reason
    known = replace(tokens, past={KLING: Decimal("0.05")})
    assert known.quote(row, row.intent, []).cost == Range(Decimal("0.05"), Decimal("0.1"))


def test_units_of_another_size_are_estimated_from_past_calls():
    """A list that counts small credits: one of them is not the price of a model."""
    row = REGISTRY[MULTI]
    credits = listed(MULTI, "0.04", "credits")
    assert credits.quote(row, row.intent, []).cost == Range(Decimal("0.06"), Decimal("1.2"))
    known = replace(credits, past={MULTI: Decimal("1.1")})
    assert known.quote(row, row.intent, []).cost == Range(Decimal("0.06"), Decimal("1.1"))


def test_unknown_units_have_no_price():
    row = REGISTRY[KONTEXT]
    quote = listed(KONTEXT, "0.00111", "compute seconds").quote(row, row.intent, [SQUARE])
    assert quote.cost is None
    assert "compute seconds" in quote.reason
    assert (
        price_list.PriceList()
        .quote(row, row.intent, [SQUARE])
        .reason.startswith("fal.ai does not publish a price")
    )


# Asking


def test_prices_are_requested_together_and_one_unknown_does_not_affect_the_rest(emulator):
    for mode in ("not_found", "left_out"):
        emulator.control(unknown_price=mode)
        with Platform(Service.emulator(emulator.url)) as platform:
            found = platform.unit_prices([KONTEXT, "emulator/nothing", MULTI])
        assert {name: float(price.amount) for name, price in found.items()} == {KONTEXT: 0.025, MULTI: 0.8}


@pytest.mark.parametrize("line", [{"unit_price": 0}, {"unit_price": -1}, {"unit_price": "much"}, None])
def test_an_invalid_price_is_unknown(emulator, line):
    emulator.control(prices={KONTEXT: line})
    with Platform(Service.emulator(emulator.url)) as platform:
        assert platform.unit_prices([KONTEXT]) == {}


def test_prices_are_cached_with_their_age(emulator, tmp_path, monkeypatch):
    row, warnings = REGISTRY[KONTEXT], []
    service = Service.emulator(emulator.url)
    assert price_list.look_up([row], service, tmp_path, warnings.append).unit_prices
    (file,) = (tmp_path / "prices").iterdir()
    assert "emulator:emulator" not in file.read_text()
    lines = json.loads(file.read_text())
    lines[KONTEXT]["asked_at"] -= 7200
    file.write_text(json.dumps(lines))
    emulator.control(faults=[{"name": "nginx-503", "at": "prices"}])
    old = price_list.look_up([row], service, tmp_path, warnings.append)
    assert old.unit_prices[KONTEXT].amount == Decimal("0.025")
    assert 7100 < old.age_seconds < 7300
    assert "fetched 2 hours ago are used instead" in warnings[0]
    emulator.control(faults=[])
    monkeypatch.setattr(price_list, "MAX_AGE_SECONDS", 60.0)
    file.write_text("{")
    assert price_list.look_up([row], service, tmp_path, warnings.append).age_seconds < 60


def test_the_home_folder_is_the_default_or_the_users_choice(tmp_path):
    assert home_folder({"PHOTOREAL_HOME": str(tmp_path)}) == tmp_path
    assert home_folder({"XDG_STATE_HOME": str(tmp_path)}, "linux") == tmp_path / "photoreal-set"
    assert home_folder({"LOCALAPPDATA": str(tmp_path)}, "win32") == tmp_path / "photoreal-set"


# The whole set


def five_angles(emulator, photos, tmp_path, **changes) -> SetPlan:
    plan = SetPlan(
        source=source_from(photos, ""),
        out=tmp_path / "out",
        angles=tuple(ANGLES.values()),
        engine=Engine.FAL,
        video=Engine.FAL,
        service=Service.emulator(emulator.url),
    )
    return replace(plan, **changes)


def test_the_five_angle_set_from_photos(emulator, photos, tmp_path):
    plan = five_angles(emulator, photos, tmp_path, retries=0)
    rows = [plan.endpoint(kind) for kind in plan.endpoint_ids]
    found = estimates.estimate_of(plan, price_list.look_up(rows, plan.service, tmp_path, print))
    assert found.known == Range(Decimal("1.885"), Decimal("1.885"))
    assert len(found.jobs) == 7
    assert found.record() == {"min": 1.885, "max": 1.885}
    assert found.without({"3D model", "film"}).known.high == Decimal("0.125")
    assert "1.885" in estimates.table(found).splitlines()[-2]
    assert emulator.ledger() == []


@pytest.mark.parametrize(
    ("changes", "most"),
    [
        ({}, "2.01"),
        ({"retries": 3}, "2.26"),
        ({"fidelity": Fidelity.REPORT}, "1.885"),
        ({"retries": 0}, "1.885"),
    ],
)
def test_the_maximum_includes_the_retries_of_rejected_photos(emulator, photos, tmp_path, changes, most):
    plan = five_angles(emulator, photos, tmp_path, **changes)
    rows = [plan.endpoint(kind) for kind in plan.endpoint_ids]
    found = estimates.estimate_of(plan, price_list.look_up(rows, plan.service, tmp_path, print))
    assert found.known == Range(Decimal("1.885"), Decimal(most))
    assert ("retries of photos" in estimates.table(found)) == (most != "1.885")


@pytest.mark.parametrize(
    ("upscaler", "least", "most"),
    [
        ("fal-ai/seedvr/upscale/image", "1.905", "1.91"),
        ("topaz/upscale/image/precision", "2.285", "2.285"),
        ("bria/increase-resolution", "2.085", "2.085"),
        ("lanczos", "1.885", "1.885"),
    ],
)
def test_larger_photos_are_in_the_estimate(emulator, photos, tmp_path, upscaler, least, most):
    plan = SetPlan(
        source=source_from(photos, ""),
        out=tmp_path / "out",
        angles=tuple(ANGLES.values()),
        engine=Engine.FAL,
        video=Engine.FAL,
        photo_size=2048,
        retries=0,
        upscale_endpoint=upscaler,
        service=Service.emulator(emulator.url),
    )
    rows = [plan.endpoint(kind) for kind in plan.endpoint_ids]
    found = estimates.estimate_of(plan, price_list.look_up(rows, plan.service, tmp_path, print))
    assert found.known == Range(Decimal(least), Decimal(most))


@pytest.mark.parametrize(
    ("changes", "low", "high"),
    [
        ({"resolution": square(2048)}, "0", "0.025"),  # Kontext may keep the size, or go back to a megapixel.
        ({"photo_endpoint": "fal-ai/nano-banana-pro/edit", "option_texts": BANANA_2K}, None, None),
    ],
)
def test_an_optional_enlargement_may_cost_nothing(emulator, photos, tmp_path, changes, low, high):
    plan = SetPlan(
        source=source_from(photos, ""),
        out=tmp_path / "out",
        angles=tuple(ANGLES.values()),
        engine=Engine.FAL,
        video=None,
        photo_size=2048,
        service=Service.emulator(emulator.url),
        **changes,
    )
    rows = [plan.endpoint(kind) for kind in plan.endpoint_ids]
    found = estimates.estimate_of(plan, price_list.look_up(rows, plan.service, tmp_path, print))
    enlargements = [job.quote.cost for job in found.jobs if "enlargement" in job.label]
    total = sum(enlargements, estimates.NOTHING) if enlargements else None
    assert total == (None if low is None else Range(Decimal(low), Decimal(high)))


def test_photos_that_are_not_square_are_counted_by_their_pixels(emulator, photos, tmp_path):
    plan = SetPlan(
        source=source_from(photos, ""),
        out=tmp_path / "out",
        angles=tuple(ANGLES.values()),
        engine=Engine.FAL,
        video=None,
        resolution=Size(2048, 1024),
        photo_size=1500,
        service=Service.emulator(emulator.url),
    )
    rows = [plan.endpoint(kind) for kind in plan.endpoint_ids]
    found = estimates.estimate_of(plan, price_list.look_up(rows, plan.service, tmp_path, print))
    photo = next(job.quote.cost for job in found.jobs if job.label == "front photo")
    assert (photo.low, photo.high) == (Decimal("0.025"), Decimal("0.05")), (
        "one megapixel, or the render's two"
    )
    enlargement = next(job.quote.cost for job in found.jobs if job.label == "front enlargement")
    assert enlargement.low == 0, "of two megapixels it is long enough"
    assert enlargement.high > 0, "of one it is 1448 pixels long"


def test_the_hero_photo_counts_as_input(emulator, photos, tmp_path):
    plan = SetPlan(
        source=source_from(photos, ""),
        out=tmp_path / "out",
        angles=tuple(ANGLES.values()),
        engine=Engine.FAL,
        video=None,
        photo_endpoint="fal-ai/flux-2-pro/edit",
        with_hero=True,
        retries=0,
        service=Service.emulator(emulator.url),
    )
    plan.check()
    found = price_list.look_up(
        [plan.endpoint(kind) for kind in plan.endpoint_ids], plan.service, tmp_path, print
    )
    jobs = estimates.estimate_of(plan, found).jobs[1:]
    costs = {job.label: float(job.quote.cost.high) for job in jobs}
    assert costs.pop("three-quarter photo") == 0.045
    assert set(costs.values()) == {0.06}


def run(monkeypatch, tmp_path, *arguments: str) -> tuple[int, str]:
    monkeypatch.setitem(os.environ, "PHOTOREAL_HOME", str(tmp_path / "home"))
    output = io.StringIO()
    return cli.main(["estimate", *arguments], output), output.getvalue()


def test_estimate_prints_a_table_and_spends_nothing(emulator, photos, tmp_path, monkeypatch):
    options = ["--engine", "fal", "--fal-url", emulator.url]
    code, text = run(monkeypatch, tmp_path, str(photos[0]), *options)
    assert code == 0
    for part in ("fal-ai/meshy/v6/image-to-3d", "0.025 per megapixel", "1.885", "fetched just now"):
        assert part in text
    code, text = run(monkeypatch, tmp_path, str(photos[0]), *options, "--json")
    lines = events_in(text)
    assert [line["event"] for line in lines] == ["price"] * 4 + ["estimate", "finished"]
    assert (lines[4]["min"], lines[4]["max"]) == (1.885, 2.01), "with a retry of each photo"
    assert emulator.ledger() == []
    assert not (tmp_path / "out").exists()


def test_estimate_says_whether_the_ceiling_is_enough(emulator, photos, tmp_path, monkeypatch):
    options = [str(photos[0]), "--engine", "fal", "--fal-url", emulator.url, "--max-cost"]
    assert run(monkeypatch, tmp_path, *options, "1.885")[0] == 0
    assert run(monkeypatch, tmp_path, *options, "$1.88")[0] == 4
    assert run(monkeypatch, tmp_path, *options, "much")[0] == 1
    monkeypatch.setenv("PHOTOREAL_MAX_COST_PER_DAY", "1")
    assert run(monkeypatch, tmp_path, *options, "9")[0] == 4
    monkeypatch.setenv("PHOTOREAL_MAX_COST_PER_DAY", "one")
    assert run(monkeypatch, tmp_path, *options, "9")[0] == 1


def test_estimate_lists_unknown_prices(emulator, photos, tmp_path, monkeypatch):
    emulator.control(prices={KONTEXT: None})
    code, text = run(
        monkeypatch, tmp_path, str(photos[0]), "--engine", "fal", "--fal-url", emulator.url, "--json"
    )
    lines = events_in(text)
    assert code == 0
    assert (lines[1]["min"], lines[1]["reason"]) == (None, f"fal.ai does not publish a price for {KONTEXT}")
    assert (lines[3]["min"], lines[3]["max"]) == (1.76, None)


def test_a_set_without_fal_is_free(photos, tmp_path):
    plan = SetPlan(source=source_from([], "a lamp"), out=tmp_path, angles=tuple(ANGLES.values()))
    assert Kind.PHOTO not in plan.endpoint_ids
    assert estimates.table(estimates.Estimate((), 0.0)).startswith("This set is free")


def test_without_a_network_an_estimate_fails_in_one_sentence(photos, tmp_path, monkeypatch, capsys):
    code, text = run(
        monkeypatch, tmp_path, str(photos[0]), "--engine", "fal", "--fal-url", "http://127.0.0.1:9"
    )
    assert (code, "Unknown: the emulator could not be reached for the price" in text) == (0, True)
    assert "fetched just now" not in text
