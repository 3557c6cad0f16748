# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos on their way to fal.ai: what is uploaded, what the journal says of it, and what is paid."""

import hashlib
import io
import urllib.request
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from photoreal_set.fal_bridge.endpoints.choosing import default_model_endpoint
from photoreal_set.fal_bridge.errors import WrongRequestError
from photoreal_set.fal_bridge.jobs import Generation, Kind
from photoreal_set.fal_bridge.journal import Journal, Stage
from photoreal_set.fal_bridge.sent_pictures import FOLDER, SentPictures
from tests.desk import Desk

ORIENTATION = 0x0112


def phone_photo(path: Path, *, orientation: int = 6) -> Path:
    """480 x 360 stored pixels, to be shown as 360 x 480, with red above blue."""
    shown = Image.new("RGB", (360, 480), (245, 245, 245))
    draw = ImageDraw.Draw(shown)
    draw.rectangle((130, 120, 230, 440), fill=(40, 90, 180))
    draw.rectangle((155, 60, 205, 120), fill=(200, 30, 30))
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif.get_ifd(0x8825)[2] = (48.0, 8.0, 13.0)
    stored = shown.rotate(90, expand=True) if orientation == 6 else shown
    stored.save(path, quality=88, exif=exif)
    return path


def model_of(*photos: Path, **members: object) -> Generation:
    return Generation(
        kind=Kind.MODEL,
        endpoint=default_model_endpoint(len(photos)),
        label="3D model",
        images=photos,
        **members,
    )


def uploaded(desk: Desk) -> list[bytes]:
    """The pictures of the last accepted request, as the endpoint fetched them."""
    inputs = desk.emulator.settled_ledger()[-1]["input"]
    addresses = [inputs["image_url"]] if "image_url" in inputs else inputs["image_urls"]
    return [urllib.request.urlopen(address).read() for address in addresses]


def test_a_phone_photo_arrives_upright_and_without_its_place(desk: Desk):
    photo = phone_photo(desk.folder / "phone.jpg")
    before = photo.read_bytes()
    desk.made(model_of(photo), "model/product")
    (sent,) = uploaded(desk)
    with Image.open(io.BytesIO(sent)) as picture:
        assert picture.size == (360, 480) and not picture.getexif()
        assert picture.getpixel((180, 90))[0] > 150 and picture.getpixel((180, 300))[2] > 130
    assert photo.read_bytes() == before


def test_the_journal_has_the_hash_of_what_is_sent(desk: Desk):
    desk.made(model_of(phone_photo(desk.folder / "phone.jpg")), "model/product")
    journal = Journal(desk.journal)
    (key,) = journal.job_keys()
    inputs = journal.read(key).facts[Stage.IN_FLIGHT]["inputs"]
    assert inputs["image_url"] == {"sha256": hashlib.sha256(uploaded(desk)[0]).hexdigest()}


def test_photos_of_a_format_that_is_not_accepted_are_converted(desk: Desk):
    webp, avif, png = (desk.folder / f"photo.{suffix}" for suffix in ("webp", "avif", "png"))
    for path in (webp, avif, png):
        Image.open(desk.picture).resize((300, 320)).save(path)
    desk.made(model_of(webp, avif, png), "model/product")
    sent = uploaded(desk)
    assert [Image.open(io.BytesIO(data)).format for data in sent] == ["JPEG", "JPEG", "PNG"]
    assert sent[2] == png.read_bytes(), "what needs no change is sent as it is"


def test_a_second_run_pays_nothing_even_if_a_library_encodes_differently(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    wanted = model_of(phone_photo(desk.folder / "phone.jpg"))
    desk.made(wanted, "model/product")
    monkeypatch.setattr("photoreal_set.imaging.sent_picture.JPEG_QUALITY", 80)
    desk.made(wanted, "model/product")
    assert len(desk.emulator.settled_ledger()) == 1


@pytest.mark.parametrize("orientation", [1, 6])
def test_what_an_earlier_version_sent_sideways_is_not_paid_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, orientation: int
):
    wanted = model_of(phone_photo(desk.folder / "phone.jpg", orientation=orientation))
    with monkeypatch.context() as earlier_version:
        earlier_version.setattr(SentPictures, "of", lambda _self, wanted, _endpoint: wanted)
        first = desk.made(wanted, "model/product")
    again = desk.made(wanted, "model/product")
    assert len(desk.emulator.settled_ledger()) == 1
    assert again.request_id == first.request_id and again.path.is_file()


def test_what_an_earlier_version_sent_and_left_is_fetched(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    wanted = model_of(phone_photo(desk.folder / "phone.jpg"))
    with monkeypatch.context() as earlier_version:
        earlier_version.setattr(SentPictures, "of", lambda _self, wanted, _endpoint: wanted)
        first = desk.made(wanted, "model/product")
    for key in Journal(desk.journal).job_keys():
        (desk.journal / key / "done.json").unlink()
    first.path.unlink()
    assert desk.made(wanted, "model/product").request_id == first.request_id
    assert len(desk.emulator.settled_ledger()) == 1


def test_what_an_earlier_version_was_refused_is_sent_upright(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    wanted = model_of(phone_photo(desk.folder / "phone.jpg"))
    with monkeypatch.context() as earlier_version:
        earlier_version.setattr(SentPictures, "of", lambda _self, wanted, _endpoint: wanted)
        desk.fault("account-locked", count=1)
        desk.failure(wanted)
    desk.made(wanted, "model/product")
    assert Image.open(io.BytesIO(uploaded(desk)[0])).size == (360, 480)


def test_a_photo_with_a_web_address_is_uploaded_when_it_has_to_change(desk: Desk):
    photo = phone_photo(desk.folder / "phone.jpg")
    address = f"{desk.emulator.url}/cdn/not-there/phone.jpg"
    desk.made(model_of(photo, addresses={photo: address}), "model/product")
    assert Image.open(io.BytesIO(uploaded(desk)[0])).size == (360, 480)


def test_a_link_among_the_copies_is_refused(desk: Desk, tmp_path: Path):
    wanted = model_of(phone_photo(desk.folder / "phone.jpg"))
    desk.made(wanted, "model/product")
    (copy,) = (desk.journal / FOLDER).iterdir()
    secret = tmp_path / "secret.jpg"
    copy.rename(secret)
    copy.symlink_to(secret)
    with pytest.raises(Exception, match="is a link"):
        desk.made(wanted, "model/product")


def test_a_picture_that_is_damaged_is_not_sent(desk: Desk):
    path = desk.folder / "cut.webp"
    Image.open(desk.picture).save(path)
    path.write_bytes(path.read_bytes()[:-200])
    error = desk.failure(model_of(path))
    assert isinstance(error, WrongRequestError) and "is damaged" in str(error)
    assert desk.emulator.settled_ledger() == []
