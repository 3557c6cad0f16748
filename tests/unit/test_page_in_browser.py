# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages in a real browser: nothing is reported in its console, and people review with the keyboard."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from photoreal_set.imaging.catalogue_page import Card, CardVariant, build_overview
from photoreal_set.imaging.review_part import set_id
from photoreal_set.imaging.set_page import build_report
from tests.chromium import PROGRAM, Chromium
from tests.patience import until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PROGRAM is None, reason="Chromium is not installed; CI installs it"),
]

HOSTILE = """</script><script>document.title = "run"</script>'><img src=x onerror="document.title = 'run'"> <!-- {{ ` ${1}"""
TOLD = "document.querySelector('.told').textContent"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    chromium = Chromium(tmp_path_factory.mktemp("profile"))
    yield chromium
    chromium.close()


@pytest.fixture(autouse=True)
def clean(browser: Chromium) -> Iterator[None]:
    """Every test ends without a console message and without a request for something outside the folder."""
    browser.told.clear()
    browser.requests.clear()
    yield
    assert browser.told == []
    # Chromium draws the buttons of a video from data: addresses of its own.
    assert [url for url in browser.requests if not url.startswith(("file:", "data:", "blob:"))] == []


def angle_in(root: Path, name: str, number: int) -> dict:
    """An angle with real pictures."""
    entry = {"name": name, "azimuth": 9.0 * number, "elevation": 15.0, "fill": 0.9}
    paths = {}
    for kind, colour in (("renders", "grey"), ("photos", "teal"), ("fidelity", "red")):
        path = root / kind / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (60, 75), colour).save(path)
        paths[kind] = f"{kind}/{number}.png"
    found = {"verdict": "look", "reason": HOSTILE, "overlay": {"path": paths["fidelity"]}}
    entry["render"] = {"path": paths["renders"], "samples": 16}
    entry["photo"] = {
        "path": paths["photos"],
        "sha256": f"{number:064x}",
        "engine": "fal",
        "state": "done",
        "endpoint": "fal-ai/a/b",
        "request_id": "r-1",
        "price": 0.025,
        "prompt": HOSTILE,
        "fidelity": found,
    }
    return entry


def record_in(root: Path, count: int = 3) -> dict:
    names = ["front", "three-quarter", "side", *(f"angle-{number}" for number in range(4, count + 1))]
    return {
        "product": HOSTILE,
        "created": root.name,  # Each test has its own set.
        "state": "done",
        "source": {"kind": "text", "text": HOSTILE},
        "angles": [angle_in(root, name, number) for number, name in enumerate(names, 1)],
        "findings": [{"severity": "warning", "text": HOSTILE}],
        "cost": {"actual": 0.075},
        "spin": {"count": 24, "page": {"path": "spin/spin.html"}},
    }


def page_in(root: Path, record: dict, **options: bool) -> Path:
    (root / "spin").mkdir(exist_ok=True)
    (root / "spin" / "spin.html").write_text("<!doctype html><title>spin</title>")
    page = root / "index.html"
    page.write_text(build_report(record, **options), encoding="utf-8")
    return page


@pytest.mark.parametrize("is_dark", [False, True])
@pytest.mark.parametrize("width", [390, 1440])
def test_the_page_of_a_set_fits_every_screen_and_runs_nothing_from_names(browser, tmp_path, width, is_dark):
    browser.screen(width, 900, is_dark=is_dark)
    browser.open(page_in(tmp_path, record_in(tmp_path)))
    assert browser.run("document.title") == HOSTILE
    assert browser.run("document.documentElement.scrollWidth") == width
    assert browser.run("document.querySelector('.hero img').naturalWidth") == 60
    background = browser.run("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(22, 24, 27)") is is_dark
    assert browser.run("frames.length") == 1, "the spin"
    assert re.match("three-quarter", browser.run("document.querySelector('.hero figcaption').textContent"))


def test_the_keyboard_reaches_angles_slider_and_overlay(browser, tmp_path):
    browser.screen(1440, 900)
    browser.open(page_in(tmp_path, record_in(tmp_path)))
    browser.key("ArrowRight")
    assert browser.run("document.querySelector('.hero img').src").endswith("photos/3.png")
    browser.key("k")
    browser.key("k")
    assert browser.run("document.activeElement.dataset.name") == "front"
    first = "document.querySelector('#angle-1 .overlay')"
    assert browser.run(f"{first}.hidden")
    browser.key("o")
    browser.wait(lambda: browser.run(f"!{first}.hidden && {first}.complete && {first}.naturalWidth === 60"))
    browser.run("document.querySelector('#angle-1 .compare input').focus()")
    browser.key("ArrowRight")
    compare = "document.querySelector('#angle-1 .compare')"
    assert browser.run(f"{compare}.style.getPropertyValue('--at')") == "51%"
    clip = browser.run("getComputedStyle(document.querySelector('#angle-1 .photo')).clipPath")
    assert "100% - 51%" in clip or "49%" in clip


def test_decisions_are_made_by_keyboard_survive_a_reload_and_are_exported(browser, tmp_path):
    record = record_in(tmp_path)
    browser.screen(1440, 900)
    page = page_in(tmp_path, record)
    browser.open(page)
    browser.key("a")  # The hero is chosen first.
    browser.key("j")
    browser.key("t")
    browser.key("Enter")  # Leaves the reason empty.
    browser.key("e")
    assert "Enter your name" in browser.run(TOLD)
    browser.write("Ana")
    browser.key("Enter")
    browser.open(page)
    assert browser.run(TOLD) == "2 of 3 decided: 1 accepted, 1 to be tried again."
    browser.run("document.activeElement.blur()")
    browser.key("e")
    assert "say why" in browser.run(TOLD)
    browser.write("The <label> is blurred")
    browser.key("Enter")
    browser.send("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    browser.key("e")
    file = tmp_path / "decisions-Ana.json"
    until(file.is_file)
    exported = json.loads(file.read_text())
    (found,) = exported["sets"]
    assert (exported["reviewer"], found["set"], found["product"]) == ("Ana", set_id(record), HOSTILE)
    decided = [(one["name"], one["photo"], one["decision"], one["reason"]) for one in found["decisions"]]
    assert sorted(decided) == [
        ("side", f"{3:064x}", "retry", "The <label> is blurred"),
        ("three-quarter", f"{2:064x}", "accept", ""),
    ]


def test_a_decision_does_not_count_for_another_take(browser, tmp_path):
    record = record_in(tmp_path)
    browser.open(page_in(tmp_path, record))
    browser.key("a")
    record["angles"][1]["photo"]["sha256"] = "f" * 64
    assert browser.run(TOLD) == "1 of 3 decided: 1 accepted."
    browser.open(page_in(tmp_path, record))
    assert browser.run(TOLD) == "0 of 3 decided."


def test_without_storage_decisions_last_as_long_as_the_tab(browser, tmp_path):
    source = "Object.defineProperty(window, 'localStorage', { get() { throw new Error('denied') } })"
    script = browser.send("Page.addScriptToEvaluateOnNewDocument", source=source)
    try:
        page = page_in(tmp_path, record_in(tmp_path))
        browser.open(page)
        browser.key("r")
        browser.run("document.activeElement.blur()")
        browser.open(page)
        told = browser.run(TOLD)
    finally:
        browser.send("Page.removeScriptToEvaluateOnNewDocument", identifier=script["identifier"])
    assert told.startswith("1 of 3 decided: 1 rejected.")
    assert "before you close the tab" in told


def test_a_set_being_made_reloads_but_not_while_a_reason_is_written(browser, tmp_path, monkeypatch):
    monkeypatch.setattr("photoreal_set.imaging.set_page.RELOAD_SECONDS", 4)
    record = record_in(tmp_path)
    browser.open(page_in(tmp_path, record, is_being_made=True))
    loads = browser.loads
    browser.key("r")
    browser.write("too da")
    # By then the page has had its chance to reload.
    browser.run("new Promise(done => setTimeout(done, 6200))")
    browser.write("rk")
    assert browser.loads == loads
    browser.key("Enter")
    browser.wait(lambda: browser.run("0") == 0 and browser.loads > loads)
    browser.wait(lambda: browser.run("document.querySelector('#angle-2 .reason')?.value") == "too dark")


def test_a_page_with_many_angles_prints_on_one_sheet(browser, tmp_path):
    browser.screen(1440, 900)
    browser.open(page_in(tmp_path, record_in(tmp_path, count=150)))
    assert browser.printed().count(b"/Type /Page\n") == 1
    assert browser.run("document.querySelectorAll('.angle').length") == 150


def catalogue_in(root: Path, count: int) -> Path:
    """The page of a catalogue; one in ten products has failed, one in twenty has an error in its findings, one in eight two variants."""
    Image.new("RGB", (40, 40), "teal").save(root / "one.png")
    variants = (CardVariant("Red", ""), CardVariant(HOSTILE, "one.png"))
    cards = [
        Card(
            title=f"SKU-{number:05}",
            state="failed" if number % 10 == 0 else "done",
            note="It failed.",
            page=f"s{number}/index.html",
            picture="one.png",
            folder=f"s{number}",
            findings=(("error", HOSTILE),) if number % 20 == 1 else (),
            verdicts=("look",) if number % 4 == 0 else ("accept",),
            cost=number / 100,
            variants=variants if number % 8 == 0 else (),
            set_id=f"{number:032x}",
            photos_id=f"{count:016x}{number:016x}",
        )
        for number in range(1, count + 1)
    ]
    page = root / "index.html"
    page.write_text(build_overview("Autumn", cards, "$1.00", can_retry=True), encoding="utf-8")
    return page


SHOWN = "[...document.querySelectorAll('.products > li:not([hidden])')].map(one => one.dataset.sku)"


def chosen(browser: Chromium, name: str, value: str) -> list[str]:
    """The SKUs that are shown once a filter has this value."""
    field = f"document.querySelector('.filters').elements.{name}"
    browser.run(
        f"{field}.value = {json.dumps(value)}, {field}.dispatchEvent(new Event('input', {{bubbles: true}}))"
    )
    browser.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return list(browser.run(SHOWN))


@pytest.mark.parametrize("is_dark", [False, True])
@pytest.mark.parametrize("width", [390, 1440])
def test_a_catalogue_is_filtered_and_sorted(browser, tmp_path, width, is_dark):
    browser.screen(width, 900, is_dark=is_dark)
    browser.open(catalogue_in(tmp_path, 40))
    assert browser.run("document.documentElement.scrollWidth") == width
    # Errors come first, then what has failed.
    assert browser.run(SHOWN)[:4] == ["SKU-00001", "SKU-00021", "SKU-00010", "SKU-00020"]
    assert chosen(browser, "variants", "=several") == [
        f"SKU-000{number}" for number in ("40", "08", "16", "24", "32")
    ]
    assert chosen(browser, "variants", "") and browser.run("document.title") == "Autumn"
    item = "document.querySelector('[data-sku=SKU-00008]')"
    assert browser.run(f"{item}.querySelector('.about p a').getAttribute('href')") == "s8/index.html#variants"
    assert browser.run(f"[...{item}.querySelectorAll('.variants img')].map(one => one.alt)") == [HOSTILE]
    assert chosen(browser, "state", "=failed") == [f"SKU-000{number}0" for number in (1, 2, 3, 4)]
    assert chosen(browser, "verdict", "=look") == ["SKU-00020", "SKU-00040"]
    assert chosen(browser, "sort", "cost") == ["SKU-00040", "SKU-00020"]
    assert chosen(browser, "state", "")[0] == "SKU-00040"
    assert chosen(browser, "sku", "sku-0003") == ["SKU-00036", "SKU-00032"]
    assert chosen(browser, "sku", "nothing") == []
    assert not browser.run("document.querySelector('.nothing').hidden")


def test_a_catalogue_is_reviewed_by_keyboard(browser, tmp_path):
    browser.screen(1440, 900)
    browser.run("localStorage.clear()")
    browser.open(catalogue_in(tmp_path, 41))
    for key in "jajr":
        browser.key(key)
    browser.write("too dark")
    browser.key("Enter")
    assert browser.run(TOLD) == "2 of 41 decided: 1 accepted, 1 rejected."
    assert chosen(browser, "decision", "=reject") == ["SKU-00021"]
    browser.run("document.querySelector('.reviewer').focus()")
    browser.write("Bo")
    browser.key("Enter")
    browser.send("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    browser.key("e")
    file = tmp_path / "decisions-Bo.json"
    until(file.is_file)
    sets = json.loads(file.read_text())["sets"]
    decided = [(one["folder"], one["decisions"][0]["name"], one["decisions"][0]["decision"]) for one in sets]
    assert decided == [("s1", "*", "accept"), ("s21", "*", "reject")]


def test_a_catalogue_of_10000_products_loads_few_pictures(browser, tmp_path):
    browser.screen(1440, 900)
    page = catalogue_in(tmp_path, 10_000)
    browser.open(page)
    assert browser.run("document.querySelectorAll('.products .decide').length") < 200
    assert browser.run("document.querySelector('.count').textContent") == "10,000 of 10,000 products"
    assert len(chosen(browser, "state", "=failed")) == 1000


@pytest.mark.parametrize("is_dark", [False, True])
def test_variants_scroll_on_a_phone_and_their_names_stay(browser, tmp_path, is_dark):
    record = record_in(tmp_path, 6)
    pictures = [{"name": entry["name"], "path": entry["photo"]["path"]} for entry in record["angles"]]
    others = [{"name": name, "folder": f"variants/{name}", "state": "done"} for name in ("Blue", "Green")]
    record["variants"] = [
        {"name": HOSTILE, "folder": ""},
        *({**one, "angles": pictures} for one in others),
    ]
    browser.screen(390, 844, is_dark=is_dark)
    browser.open(page_in(tmp_path, record))
    assert browser.run("document.documentElement.scrollWidth") == 390
    matrix = "document.querySelector('.variants')"
    assert browser.run(f"{matrix}.scrollWidth > {matrix}.clientWidth")
    left = f"{matrix}.querySelector('th[scope=row]').getBoundingClientRect().left"
    before = browser.run(left)
    browser.run(f"{matrix}.scrollLeft = 200")
    assert browser.run(left) <= before
    assert browser.run(left) >= 0
    assert browser.run(f"{matrix}.querySelectorAll('img').length") == 18
    assert browser.run(f"{matrix}.querySelectorAll('img')[8].alt") == "Blue, side"
    assert browser.run("document.title") == HOSTILE
    browser.screen(1440, 900)
    assert browser.run(f"{matrix}.scrollWidth <= {matrix}.clientWidth")
