# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos of a catalogue: what a dry run accepts is made, and what would be refused is found before anything is spent."""

import io
import urllib.request
from pathlib import Path

import pytest
from PIL import Image

from tests.catalogue_desk import Desk
from tests.fal_emulator.process import RunningEmulator

PICTURES = ("--engine", "cycles", "--video", "none", "--angles", "front")


@pytest.fixture
def desk(tmp_path: Path, emulator: RunningEmulator) -> Desk:
    return Desk(tmp_path / "shop", emulator)


def test_photos_of_every_usual_format_pass_the_dry_run_and_are_sent_upright(desk: Desk):
    exif = Image.Exif()
    exif[0x0112] = 6
    photo = Image.new("RGB", (480, 360), (40, 90, 180))
    photo.save(desk.folder / "photo.webp")
    photo.save(desk.folder / "phone.jpg", exif=exif)
    desk.table({"sku": "W1", "source": "photo.webp"}, {"sku": "P1", "source": "phone.jpg"})
    dry = desk.make(*PICTURES, "--dry-run")
    assert dry.exit_code == 0, dry.texts()
    run = desk.make(*PICTURES)
    assert run.exit_code == 0, run.texts()
    sent = {}
    for entry in desk.emulator.settled_ledger():
        with Image.open(io.BytesIO(urllib.request.urlopen(entry["input"]["image_url"]).read())) as picture:
            sent[picture.size] = picture.format
    assert sent == {(480, 360): "JPEG", (360, 480): "JPEG"}
    assert desk.run("resume", desk.out).exit_code == 0
    assert len(desk.emulator.settled_ledger()) == 2


def test_what_the_run_would_refuse_is_found_by_the_dry_run(desk: Desk):
    photo = Image.effect_noise((400, 400), 80).convert("RGB")
    photo.save(desk.folder / "cut.webp")
    whole = (desk.folder / "cut.webp").read_bytes()
    (desk.folder / "cut.webp").write_bytes(whole[: len(whole) // 2])
    (desk.folder / "picture.gif").write_bytes(b"GIF89a" + bytes(60))
    (desk.folder / "photo.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64))
    desk.table(
        {"sku": "cut", "source": "cut.webp"},
        {"sku": "gif", "source": "picture.gif"},
        {"sku": "heic", "source": "photo.heic"},
        {"sku": "long", "text": "a mug " * 120},
        {"sku": "wordy", "text": "a mug", "prompt": "on oak " * 800},
    )
    options = ("--engine", "fal", "--video", "none", "--angles", "front")
    run = desk.make(*options, "--dry-run")
    assert run.exit_code == 1
    cut, gif, heic, long, wordy = run.texts()
    assert "cut.webp is damaged" in cut
    assert "picture.gif is neither a 3D file" in gif
    assert "photo.heic is" in heic and "Export" in heic
    assert "text: The prompt for the model has 719 characters" in long and "accepts 600" in long
    assert "prompt: The prompt for the photo has" in wordy and "accepts 5000" in wordy
    assert desk.emulator.settled_ledger() == []
