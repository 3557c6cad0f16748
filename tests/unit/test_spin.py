# SPDX-License-Identifier: GPL-3.0-or-later
"""Spins: their azimuths, their framing, their options, their files, and the page in a real Chromium."""

import io
import json
import re
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photoreal_set.channels.pictures import Wishes, selected
from photoreal_set.channels.rules import CHANNELS
from photoreal_set.command_line.main import main
from photoreal_set.imaging.spin_files import grid_for, jpeg_of, page_frame, sprite_of, zip_of
from photoreal_set.imaging.spin_page import build_spin_page
from photoreal_set.optics.angles import ANGLES
from photoreal_set.optics.framing import Framing
from photoreal_set.optics.spin import Direction, Spin, kept_spin, video_frames_in
from photoreal_set.optics.turn_framing import frame_turn
from photoreal_set.photo_set.folder import SetFolder
from photoreal_set.photo_set.plan import SetPlan
from photoreal_set.photo_set.plan_record import options_from, options_record
from photoreal_set.photo_set.source import Source, SourceKind
from photoreal_set.photo_set.spin_json import SPIN_RULE
from tests.chromium import PROGRAM, Chromium
from tests.fal_emulator.glb import make_glb

HOSTILE = """<script>alert(1)</script>'"><img src=x onerror=alert(2)>"""


def test_the_product_turns_counter_clockwise_from_the_front():
    assert Spin(count=24).azimuths[:3] == (0.0, 345.0, 330.0)
    assert Spin(count=72, direction=Direction.CLOCKWISE, start=350.0).azimuths[:4] == (350.0, 355.0, 0.0, 5.0)
    for count in (24, 36, 48, 72):
        azimuths = Spin(count=count).azimuths
        assert np.sort(azimuths) == pytest.approx(np.arange(count) * 360.0 / count)


def test_the_turntable_shares_the_frames_at_the_same_azimuths():
    shared = video_frames_in(Spin(count=24), 120)
    assert len(shared) == 24
    for number, index in shared.items():
        assert Spin(count=24).azimuths[index] == pytest.approx(3.0 * number)
    assert len(video_frames_in(Spin(count=72), 120)) == 24
    assert video_frames_in(Spin(count=24, start=1.0), 120) == {}


def seen(points: np.ndarray, azimuth: float, framing: Framing) -> np.ndarray:
    """Where points are in the picture, in shares of it, when the product turns by the opposite of ``azimuth``."""
    turn = np.radians(-azimuth)
    matrix = np.array(
        ((np.cos(turn), -np.sin(turn), 0.0), (np.sin(turn), np.cos(turn), 0.0), (0.0, 0.0, 1.0))
    )
    local = (points @ matrix.T - framing.matrix[:3, 3]) @ framing.matrix[:3, :3]
    return local[:, :2] / -local[:, 2:] / framing.half / 2.0 + 0.5


@pytest.mark.parametrize("count", [24, 36, 48, 72])
def test_no_frame_reaches_the_border_and_one_is_full(count: int):
    chance = np.random.default_rng(5)
    for proportions in ((1, 1, 1), (1, 0.1, 0.3), (0.1, 1, 0.02), (0.05, 0.05, 1), (1, 0.6, 0.2)):
        cloud = (chance.random((3_000, 3)) - 0.5) * proportions
        cloud[:, 2] -= cloud[:, 2].min()
        framing = frame_turn(cloud, 18.0, lens_mm=85.0)
        frames = [seen(cloud, azimuth, framing) for azimuth in Spin(count=count).azimuths]
        assert min(frame.min() for frame in frames) > 0.0
        assert max(frame.max() for frame in frames) < 1.0
        assert max(np.ptp(frame, axis=0).max() for frame in frames) >= 0.85


def test_a_product_on_one_side_of_the_axis_stays_in_the_picture():
    wedge = np.array([[1.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 0.2]])
    framing = frame_turn(wedge, 18.0, lens_mm=85.0)
    frames = [seen(wedge, azimuth, framing) for azimuth in range(0, 360, 5)]
    assert min(frame.min() for frame in frames) >= 0.02 - 1e-3
    assert max(frame.max() for frame in frames) <= 0.98 + 1e-3


@pytest.mark.parametrize(
    "record", [{}, {"count": 7}, {"count": 73}, {"count": 24, "direction": "left"}, {"count": 24, "more": 1}]
)
def test_a_spin_on_disk_is_checked(record: dict):
    with pytest.raises(ValueError, match=r"."):
        kept_spin(record)
    assert kept_spin({"count": 24, "direction": "clockwise"}).direction is Direction.CLOCKWISE


@pytest.mark.parametrize("box", [None, [], [0, 0, 10], [0, 0, 10, "10"]])
def test_a_frame_on_disk_says_where_the_product_is(box: list | None):
    frame = {"path": "spin/001.png", "sha256": "0" * 64, "azimuth": 0.0, "fill": 0.9, "box": [0, 0, 10, 10]}
    SPIN_RULE({"count": 24, "frames": [frame]})
    frame = {name: value for name, value in {**frame, "box": box}.items() if value is not None}
    with pytest.raises(ValueError, match=r"."):
        SPIN_RULE({"count": 24, "frames": [frame]})


def test_a_plan_keeps_its_spin_and_older_plans_stay_as_they_are(tmp_path: Path):
    source = Source(kind=SourceKind.TEXT, text="a jar")
    plan = SetPlan(source=source, out=tmp_path, angles=tuple(ANGLES.values()))
    assert "spin" not in options_record(plan)
    spin = Spin(count=36, start=90.0, direction=Direction.CLOCKWISE)
    kept = json.loads(json.dumps(options_record(replace(plan, spin=spin))))
    assert options_from(kept, tmp_path)["spin"] == spin


def test_an_option_of_a_spin_needs_a_spin(tmp_path: Path, capsys: pytest.CaptureFixture):
    jar = tmp_path / "jar.glb"
    jar.write_bytes(make_glb("a jar", None, triangles=100, texture_side=32))
    out = tmp_path / "set"
    code = main(
        ["set", str(jar), "--out", str(out), "--engine", "cycles", "--spin-start", "90"], io.StringIO()
    )
    assert code == 1
    assert (
        "--spin-start: It has no effect without a spin. Add --spin 72, or leave it out."
        in capsys.readouterr().err
    )
    assert not (tmp_path / "set").exists()


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Twelve frames, each of another grey, with a mark."""
    folder = tmp_path_factory.mktemp("frames")
    paths = []
    for index in range(12):
        picture = Image.new("RGB", (64, 64), "white")
        picture.paste((index * 20,) * 3, (8, 8, 56, 56))
        paths.append(folder / f"{index + 1:03}.png")
        picture.save(paths[-1])
    return paths


def test_a_sprite_has_every_frame_in_its_place(frames: list[Path]):
    grid = grid_for(len(frames), 64)
    assert (grid.columns, grid.rows, grid.side) == (4, 3, 64)
    with Image.open(io.BytesIO(sprite_of(frames, grid))) as sprite:
        assert sprite.size == (256, 192)
        for index in range(12):
            row, column = divmod(index, 4)
            level = sprite.convert("L").getpixel((column * 64 + 32, row * 64 + 32))
            assert abs(level - index * 20) <= 3
    assert grid_for(72, 4096).columns * grid_for(72, 4096).side <= 8192


def test_a_zip_has_opaque_jpegs_only(tmp_path: Path):
    Image.new("RGBA", (16, 16), (200, 0, 0, 0)).save(tmp_path / "001.png")
    with zipfile.ZipFile(io.BytesIO(zip_of([("a_001.jpg", jpeg_of(tmp_path / "001.png"))]))) as archive:
        assert archive.namelist() == ["a_001.jpg"]
        with archive.open("a_001.jpg") as file, Image.open(file) as picture:
            assert picture.format == "JPEG"
            assert picture.getpixel((8, 8)) == (255, 255, 255)


def page_of(frames: list[Path], *, title: str = "Jar", is_clockwise: bool = False) -> str:
    azimuths = [float(-30 * index % 360) for index in range(len(frames))]
    pictures = [page_frame(path) for path in frames]
    return build_spin_page(title, pictures, azimuths, side=64, is_clockwise=is_clockwise)


def test_the_page_needs_no_network_and_no_name_breaks_it(frames: list[Path]):
    page = page_of(frames, title=HOSTILE)
    assert not re.findall(r"(?:https?:)?//\w", re.sub(r"data:[^\"]+", "", page))
    assert page.count("<script") == 2
    assert "<img" not in page
    assert "default-src 'none'" in page
    assert "unsafe" not in page


def test_a_channel_for_spins_gets_the_frames_in_their_order_or_none(frames: list[Path], tmp_path: Path):
    folder = SetFolder.prepare(tmp_path / "set", product="Jar", source={"kind": "text"}, tool={})
    channel, wishes = CHANNELS["amazon-360"], Wishes()
    assert selected(folder, channel, wishes).held_back.keys() == {"spin"}
    entries = [
        {
            **folder.store(f"spin/{path.name}", path.read_bytes()),
            "azimuth": 30.0 * index,
            "fill": 0.75,
            "box": [8, 8, 56, 56],
        }
        for index, path in enumerate(frames)
    ]
    with folder.change() as record:
        record["spin"] = {"count": 12, "frames": entries}
    pictures = SetFolder.open(folder.root)
    found = selected(pictures, channel, wishes)
    assert [picture.path.name for picture in found.pictures] == [path.name for path in frames]
    assert found.pictures[0].box == (8, 8, 56, 56)
    (folder.root / "spin/005.png").unlink()
    assert selected(folder, channel, wishes).pictures == ()


# --- in a browser -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    if PROGRAM is None:
        pytest.skip("Chromium is not installed")
    opened = Chromium(tmp_path_factory.mktemp("profile"))
    yield opened
    opened.close()


@pytest.fixture
def page(browser: Chromium, frames: list[Path], tmp_path: Path) -> Chromium:
    (tmp_path / "spin.html").write_text(page_of(frames, title=HOSTILE))
    browser.told.clear()
    browser.requests.clear()
    browser.screen(600, 600)
    browser.open(tmp_path / "spin.html")
    return browser


def shown(browser: Chromium) -> int:
    return int(browser.run("document.getElementById('spin').getAttribute('aria-valuenow')"))


def level(browser: Chromium) -> int:
    """The grey in the middle of what is shown."""
    script = "document.getElementById('spin').getContext('2d').getImageData(32, 32, 1, 1).data[0]"
    return int(browser.run(script))


def move(browser: Chromium, kind: str, x: float, at: float | None = None) -> None:
    """``at``: when it happened, in seconds since 1970; the default is now."""
    button = {} if kind == "mouseMoved" else {"clickCount": 1}
    when = {} if at is None else {"timestamp": at}
    browser.send(
        "Input.dispatchMouseEvent", type=kind, x=x, y=300, button="left", buttons=1, **button, **when
    )


def hold(browser: Chromium) -> None:
    """Rest longer than a throw: the page decides by the time of its events."""
    browser.run("new Promise(done => setTimeout(done, 150))")


def test_dragging_shows_every_frame_once_around(page: Chromium):
    page.wait(lambda: abs(level(page) - 0) < 4)
    found = [shown(page)]
    move(page, "mousePressed", 10)
    for step in range(1, 13):  # The picture is 600 pixels wide: 50 for each of 12 frames.
        move(page, "mouseMoved", 10 + 48 * step)
        found.append(shown(page))
    assert set(found) == set(range(1, 13))
    hold(page)
    move(page, "mouseReleased", 586)
    assert page.told == []
    assert {address.split(":")[0] for address in page.requests} <= {"file", "data"}


def test_a_throw_goes_on_turning_and_comes_to_rest(page: Chromium):
    began = time.time()
    move(page, "mousePressed", 100, began)
    move(page, "mouseMoved", 160, began + 0.02)
    move(page, "mouseMoved", 260, began + 0.04)
    released_at = shown(page)
    move(page, "mouseReleased", 260, began + 0.06)
    page.wait(lambda: shown(page) != released_at)

    def rests() -> bool:
        before = shown(page)
        page.run("new Promise(done => setTimeout(done, 300))")
        return shown(page) == before

    page.wait(rests)


def test_keys_turn_it(page: Chromium):
    page.run("document.getElementById('spin').focus()")
    page.key("ArrowRight")
    assert shown(page) == 2
    page.key("ArrowLeft")
    page.key("ArrowLeft")
    assert shown(page) == 12
    assert abs(level(page) - 220) < 4
    page.key("Home")
    assert shown(page) == 1


def test_touch_turns_it(page: Chromium):
    def touch(kind: str, *places: int) -> None:
        points = [{"x": x, "y": 300} for x in places]
        page.send("Input.dispatchTouchEvent", type=kind, touchPoints=points)

    touch("touchStart", 100)
    for x in range(120, 300, 20):
        touch("touchMove", x)
    assert shown(page) > 2
    touch("touchEnd")


def test_it_works_in_an_iframe_of_another_page(page: Chromium, tmp_path: Path):
    text = "<!doctype html><iframe src='spin.html' width=300 height=300 sandbox='allow-scripts'></iframe>"
    (tmp_path / "shop.html").write_text(text)
    page.open(tmp_path / "shop.html")
    page.picture(tmp_path / "embedded.png")
    page.wait(lambda: picture_level(page, tmp_path) < 4)
    page.send("Input.dispatchMouseEvent", type="mousePressed", x=60, y=160, button="left", clickCount=1)
    for x in range(70, 200, 10):
        page.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=160, button="left", buttons=1)
    page.wait(lambda: picture_level(page, tmp_path) > 15)
    assert page.told == []


def picture_level(browser: Chromium, folder: Path) -> int:
    """The grey in the middle of the iframe, in a screenshot."""
    browser.picture(folder / "shot.png")
    with Image.open(folder / "shot.png") as shot:
        return int(shot.convert("L").getpixel((160, 160)))


def test_a_product_that_turns_clockwise_follows_the_pointer_too(
    browser: Chromium, frames: list[Path], tmp_path: Path
):
    (tmp_path / "spin.html").write_text(page_of(frames, is_clockwise=True))
    browser.open(tmp_path / "spin.html")
    browser.run("document.getElementById('spin').focus()")
    browser.key("ArrowRight")
    assert shown(browser) == 12
