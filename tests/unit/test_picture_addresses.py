# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that go to fal.ai without an upload."""

import functools
import http.server
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from photoreal_set.command_line.plans import source_of_arguments
from photoreal_set.fal_bridge import errors
from photoreal_set.fal_bridge.bridge import Bridge
from photoreal_set.fal_bridge.jobs import Generation, Kind
from photoreal_set.fal_bridge.network.picture_addresses import data_uri_of, fetch_picture
from photoreal_set.fal_bridge.network.service import Service
from tests.fal_emulator.lies import PICTURE_LIES
from tests.patience import PATIENCE_SECONDS


class _Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path.startswith("/moved"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/moved"))
            self.end_headers()
        else:
            super().do_GET()

    def log_message(self, *_arguments: object) -> None:
        """Quiet."""


@pytest.fixture
def shop(tmp_path):
    """The user's web server, with a picture."""
    folder = tmp_path / "shop"
    folder.mkdir()
    Image.new("RGB", (300, 300), (200, 40, 90)).save(folder / "front view.png")
    (folder / "page.png").write_text("<html>")
    (folder / "cut.png").write_bytes((folder / "front view.png").read_bytes()[:-20])
    (folder / "bomb.png").write_bytes(PICTURE_LIES["pieces"](b""))
    handler = functools.partial(_Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as web:
        threading.Thread(target=web.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{web.server_port}"
        web.shutdown()


def made(emulator, folder: Path, wanted: Generation, **options: int):
    with Bridge(Service.emulator(emulator.url), folder / ".journal", lambda _job: None, **options) as bridge:
        return bridge.start(wanted, folder / "model").result(PATIENCE_SECONDS)


def generation(picture: Path, **changes: object) -> Generation:
    wanted = Generation(
        kind=Kind.MODEL, endpoint="fal-ai/meshy/v6/image-to-3d", label="model", images=(picture,)
    )
    return replace(wanted, **changes)


def test_a_photo_url_is_kept_and_sent_unchanged(emulator, shop, tmp_path):
    url = f"{shop}/front%20view.png?token=s3cret"
    source = source_of_arguments([url], "", Service.emulator(emulator.url), tmp_path)
    (copy,) = source.files
    assert copy.name == "front-view.png"
    assert "s3cret" not in str(source.record())
    first = made(emulator, tmp_path / "a", generation(copy, addresses=source.addresses))
    assert emulator.ledger()[0]["input"]["image_url"] == url
    assert not any("upload" in route for route in emulator.stats()["routes"])
    assert made(emulator, tmp_path / "b", generation(copy)).key == first.key


def test_a_url_that_fal_cannot_reach_is_tried_once(emulator, shop, tmp_path):
    copy = fetch_picture(f"{shop}/front%20view.png", tmp_path, Service.emulator(emulator.url))
    wanted = generation(copy, addresses={copy: "http://127.0.0.1:9/front.png"})
    with pytest.raises(errors.InputRefusedError):
        made(emulator, tmp_path / "a", wanted)
    assert made(emulator, tmp_path / "a", wanted).path.is_file()
    first, second = emulator.ledger()
    assert first["input"]["image_url"] != second["input"]["image_url"]


def test_a_tiny_file_is_sent_inside_the_request(emulator, shop, tmp_path):
    copy = fetch_picture(f"{shop}/moved/front%20view.png", tmp_path, Service.emulator(emulator.url))
    made(emulator, tmp_path / "a", generation(copy), inline_bytes=100_000)
    assert emulator.ledger()[0]["input"]["image_url"].startswith("data:image/png;base64,")
    made(emulator, tmp_path / "b", generation(copy), inline_bytes=10)
    assert emulator.ledger()[1]["input"]["image_url"].startswith("http")
    assert data_uri_of(copy, "another hash", 100_000) == ""


def test_names_do_not_collide(emulator, shop, tmp_path):
    service = Service.emulator(emulator.url)
    paths = {fetch_picture(f"{shop}/front%20view.png", tmp_path, service) for _time in range(3)}
    assert {path.name for path in paths} == {"front-view.png", "front-view-2.png", "front-view-3.png"}


def test_a_url_without_a_public_picture_is_rejected(emulator, shop, tmp_path):
    service = Service.emulator(emulator.url)
    for url, message in (
        (f"{shop}/missing.png", "error 404"),
        (f"{shop}/page.png", "not a PNG"),
        (f"{shop}/cut.png", "not complete: its end"),
        (f"{shop}/bomb.png", "not complete: it has more than 262144 chunks"),
        (f"{shop}/moved/moved/moved/moved/moved/moved/moved/x", "redirects too many times"),
        ("http://192.0.2.1/front.png", "https://"),
        ("https://user:word@example.org/x.png", "is not valid"),
    ):
        with pytest.raises(errors.WrongRequestError, match=message):
            fetch_picture(url, tmp_path, service)
    with pytest.raises(errors.WrongRequestError, match="https://"):
        fetch_picture(f"{shop}/front%20view.png", tmp_path, Service.live("id:secret"))
    with pytest.raises(errors.NetworkDownError):
        fetch_picture("http://127.0.0.1:9/front.png", tmp_path, service)
    assert [path.name for path in tmp_path.iterdir()] == ["shop"]
