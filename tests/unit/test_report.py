# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of a set shows everything, opens from disk and escapes every value."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from photoreal_set.imaging.set_page import build_report

HOSTILE = """<script>alert("1")</script>'><img src=x onerror=alert(2)> & "quoted" </title></style>"""
VOID = {"meta", "img", "br", "link", "input"}


class Page(HTMLParser):
    """Tags, links and text of a page; detects unclosed tags."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.attributes: set[str] = set()
        self.open: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _value in attributes}
        self.links += [value for name, value in attributes if name in {"src", "href", "poster"}]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def sample(**changes: object) -> dict:
    """A finished set by fal from two photos."""
    angle = {
        "name": "three-quarter",
        "azimuth": 45.0,
        "elevation": 25.0,
        "render": {"path": "renders/three-quarter.png", "samples": 16},
        "mask": "masks/three-quarter.png",
        "fill": 0.874,
        "depth": {"path": "depth/three-quarter.png", "near": 2.0, "far": 3.0},
        "photo": {
            "path": "photos/three-quarter.png",
            "engine": "fal",
            "endpoint": "fal-ai/flux-kontext/dev",
            "state": "done",
        },
    }
    video = {
        "path": "video/turntable.mp4",
        "motion": "turntable",
        "seconds": 5,
        "engine": "cycles",
        "state": "done",
    }
    photos = [{"name": "1.png", "sha256": "a"}, {"name": "tea pot #2 100%.png", "sha256": "b"}]
    record = {
        "schema": 1,
        "product": "tea pot",
        "created": "2025-01-02T03:04:05+00:00",
        "tool": {"name": "Photoreal Set", "version": "0.1.0", "blender": "4.5.1"},
        "state": "done",
        "cost": {"actual": 1.885},
        "source": {"kind": "photos", "files": photos},
        "model": {
            "path": "model/product.glb",
            "triangles": 12345,
            "size_m": [0.1, 0.2, 0.34567],
            "endpoint": "fal-ai/meshy/v6/multi-image-to-3d",
            "request_id": "r-1",
            "triage": [],
        },
        "angles": [angle],
        "videos": [video],
    }
    return {**record, **changes}


def with_strings(value: object, text: str) -> object:
    """``value`` with every string that a user or a server can choose replaced."""
    if isinstance(value, dict):
        return {
            name: member
            if name in {"kind", "path", "name"} and member in KEPT
            else with_strings(member, text)
            for name, member in value.items()
        }
    if isinstance(value, list):
        return [with_strings(member, text) for member in value]
    return text if isinstance(value, str) else value


ICON = "data:,"  # No picture, so that a browser does not ask a server for one.
KEPT = {"photos", "text", "model"}


def assert_policy_names_its_own(text: str) -> None:
    """The browser runs the script and the styles of the page, and nothing else."""
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text)
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.S)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def assert_is_safe(text: str) -> Page:
    page = Page(text)
    assert page.open == []
    assert page.tags.count("script") == 1
    assert not {name for name in page.attributes if name.startswith("on")}
    assert page.tags.count("title") == page.tags.count("style") == 1
    assert not {"style", "formaction", "srcdoc", "ping"} & page.attributes
    for link in page.links:
        if link == ICON:
            continue
        parts = urlsplit(link)
        assert not parts.scheme
        assert not parts.netloc
        assert not link.startswith(("/", "\\"))
    assert not re.search(r"https?://|@import|url\(|//cdn", text)
    assert_policy_names_its_own(text)
    return page


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"cost": {"actual": 0.125, "unknown": 1}},
            "$0.125 and 1 request of unknown cost to fal.ai",
        ),
        ({"cost": {"actual": 0.0, "unknown": 2}}, "2 requests of unknown cost to fal.ai"),
        ({"plan": {"fal": "http://127.0.0.1:8123"}}, "$1.885 to an emulator, so nothing was billed"),
    ],
)
def test_the_page_shows_the_payee_the_amount_and_unknown_prices(changes: dict, message: str):
    assert f" · {message}" in assert_is_safe(build_report(sample(**changes))).text


def test_the_costs_list_every_request_also_failed_ones_and_those_of_variants():
    requests = [
        {"job": "3D model", "product": "tea pot", "endpoint": "e/1", "state": "done", "price": 1.2},
        {"job": "front photo", "product": "tea pot", "endpoint": "e/2", "state": "failed", "price": 0.0},
        {
            "job": "front photo",
            "product": "tea pot, blue",
            "endpoint": "e/2",
            "state": "running",
            "price": None,
        },
    ]
    cost = {"actual": 1.2, "unknown": 1, "requests": requests}
    page = build_report(sample(cost=cost))
    costs = Page(page[page.index("<h2 id='costs'") : page.index("<h2 id='provenance'")]).text
    for line in ("3D modele/1$1.20", "front photo, failede/2$0.00"):
        assert line in costs
    assert "tea pot, blue: front photo, runninge/2price not known" in costs
    assert "$1.20 and 1 request of unknown cost to fal.ai" in costs


def test_a_finished_set_shows_its_source_renders_photos_and_video():
    page = assert_is_safe(build_report(sample()))
    assert "$1.885 to fal.ai" in page.text
    files = {unquote(link) for link in page.links} - {ICON, "#angle-1"}
    assert files == {
        "source/1.png",
        "source/tea pot #2 100%.png",
        "renders/three-quarter.png",
        "depth/three-quarter.png",
        "photos/three-quarter.png",
        "video/turntable.mp4",
        "model/product.glb",
    }
    for text in ("tea pot", "done", "three-quarter", "12,345", "0.1 × 0.2 × 0.3457 m", "87%", "r-1"):
        assert text in page.text


def test_every_link_of_a_set_on_disk_leads_to_a_file(tmp_path: Path):
    page = Page(build_report(sample()))
    for link in page.links:
        if link.startswith("#") or link == ICON:
            continue
        file = tmp_path / unquote(link)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")
        # As a browser reads it: a # or ? in a name must not end the path.
        parts = urlsplit(link)
        assert (tmp_path / unquote(parts.path)).is_file()
        assert not parts.query
        assert not parts.fragment


def test_hostile_names_and_prompts_are_escaped():
    record = with_strings(sample(), HOSTILE)
    page = assert_is_safe(build_report(record))
    assert HOSTILE in page.text
    for changes in (
        {"source": {"kind": "text", "text": HOSTILE}},
        {"source": {"kind": "model", "files": [{"name": HOSTILE}]}},
        {"error": HOSTILE},
        {
            "model": {
                **sample()["model"],
                "triage": [{"kind": HOSTILE, "severity": HOSTILE, "where": HOSTILE, "text": HOSTILE}],
            }
        },
        {"videos": [{"motion": "turntable", "state": "failed", "error": HOSTILE}]},
        {"angles": [{"name": HOSTILE, "photo": {"state": "failed", "error": HOSTILE}}]},
    ):
        assert HOSTILE in assert_is_safe(build_report(sample(**changes))).text


@pytest.mark.parametrize("state", ["partial", "done", "failed", "held"])
def test_every_state_of_a_set_is_shown(state: str):
    assert state in assert_is_safe(build_report(sample(state=state))).text


@pytest.mark.parametrize(
    ("photo", "message"),
    [
        (None, "No photo yet"),
        ({"engine": "fal", "state": "waiting"}, "Waiting for the photo"),
        (
            {"engine": "fal", "state": "failed", "error": "The picture was refused."},
            "The picture was refused.",
        ),
        ({"engine": "fal", "state": "uncertain", "error": "It may be running."}, "uncertain"),
    ],
)
def test_an_angle_without_a_photo_explains_why(photo: dict | None, message: str):
    entry = {"name": "front", "azimuth": 0.0, "elevation": 15.0, "photo": photo}
    page = assert_is_safe(build_report(sample(angles=[entry])))
    assert message in page.text
    assert "No reference yet" in page.text


def test_a_failed_video_explains_why():
    video = {"motion": "turntable", "state": "failed", "error": "There is no photo to start from."}
    assert "There is no photo to start from." in Page(build_report(sample(videos=[video]))).text


def test_a_set_that_has_just_started_has_a_page():
    assert_is_safe(build_report({}))
    begun = {"product": "pot", "state": "partial", "source": {}, "model": {}, "angles": [], "videos": []}
    assert_is_safe(build_report(begun))


def test_the_page_depends_on_the_manifest_alone():
    record = sample()
    before = json.dumps(record)
    assert build_report(record) == build_report(json.loads(before))
    assert json.dumps(record) == before


def test_transparent_pictures_are_shown_on_a_checkerboard():
    record = {"product": "tea", "angles": [{"name": "front", "photo": {"path": "photos/front.png"}}]}
    assert "repeating-conic-gradient" not in build_report(record)
    assert "repeating-conic-gradient" in build_report({**record, "plan": {"background": "transparent"}})
