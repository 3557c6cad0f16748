# SPDX-License-Identifier: GPL-3.0-or-later
"""Every take of a photo or a video stays on disk, with its inputs; the user chooses which one is shown."""

import io
from pathlib import Path

import pytest
from PIL import Image

from photoreal_set.files.writing import sha256_of
from photoreal_set.messages.errors import InputError
from photoreal_set.photo_set.folder import SetFolder, angle_record
from photoreal_set.photo_set.takes import PREVIEW, Shelf, Takes, own_file, takes_in

NAME = "front"


def picture(shade: int) -> bytes:
    stream = io.BytesIO()
    Image.new("L", (4, 4), shade).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> SetFolder:
    folder = SetFolder.prepare(tmp_path / "set", product="clock", source={"kind": "text"}, tool={})
    with folder.change() as record:
        angle_record(record, NAME)
    return folder


def add(folder: SetFolder, number: int, **more: object) -> dict:
    facts = {"engine": "fal", "request_id": f"request-{number}", "price": 0.025}
    return Takes(folder).add(Shelf.PHOTOS, NAME, facts, {"": picture(number)}, **more)


def photos(folder: SetFolder) -> dict[str, int]:
    """Files in one folder, and the shade that distinguishes them."""
    found = {}
    for path in sorted((folder.root / "photos").iterdir()):
        with Image.open(path) as image:
            found[path.name] = image.getpixel((0, 0))
    return found


def shown(folder: SetFolder) -> dict:
    return folder.record["angles"][0]["photo"]


def is_sound(folder: SetFolder) -> bool:
    """Whether every listed take is on disk as recorded."""
    takes = takes_in(folder.record, Shelf.PHOTOS, NAME)
    return all(sha256_of(folder.root / take["path"]) == take["sha256"] for take in takes)


def test_one_take_has_the_plain_name_and_no_other_file(folder):
    add(folder, 1)
    assert photos(folder) == {"front.png": 1}
    assert shown(folder)["take"] == 1
    assert shown(folder)["path"] == "photos/front.png"


def test_a_later_take_overwrites_nothing(folder):
    for number in (1, 2, 3):
        add(folder, number)
    assert photos(folder) == {"front.1.png": 1, "front.2.png": 2, "front.png": 3}
    takes = takes_in(folder.record, Shelf.PHOTOS, NAME)
    assert [take["request_id"] for take in takes] == ["request-1", "request-2", "request-3"]
    assert shown(folder)["request_id"] == "request-3"
    assert is_sound(folder)


def test_a_choice_can_be_changed_back(folder):
    for number in (1, 2):
        add(folder, number)
    for number in (1, 2, 1, 1):
        Takes(folder).choose(Shelf.PHOTOS, NAME, number)
        assert photos(folder)["front.png"] == number
        assert (shown(folder)["take"], shown(folder)["path"]) == (number, "photos/front.png")
        assert is_sound(folder)


def test_a_choice_stays_as_long_as_the_plan_wants_the_same(folder):
    takes = Takes(folder)
    add(folder, 1)
    add(folder, 2)
    takes.choose(Shelf.PHOTOS, NAME, 1)
    assert takes.want(Shelf.PHOTOS, NAME, "request-2")["take"] == 2
    assert photos(folder)["front.png"] == 1
    add(folder, 3)  # The plan has changed: the take that it requests is shown.
    assert photos(folder)["front.png"] == 3
    assert takes.want(Shelf.PHOTOS, NAME, "request-1")["take"] == 1
    assert photos(folder)["front.png"] == 1


def test_a_take_found_later_is_listed_and_not_shown(folder):
    add(folder, 1)
    add(folder, 2, is_wanted=False)
    assert photos(folder) == {"front.2.png": 2, "front.png": 1}
    assert shown(folder)["take"] == 1


def test_the_first_take_found_is_shown(folder):
    add(folder, 1, is_wanted=False)
    assert photos(folder) == {"front.png": 1}


def test_a_set_made_before_takes_existed_keeps_its_photo(folder):
    entry = folder.store("photos/front.png", picture(7))
    with folder.change() as record:
        angle_record(record, NAME)["photo"] = {**entry, "engine": "fal", "request_id": "old", "state": "done"}
    add(folder, 8)
    assert photos(folder) == {"front.1.png": 7, "front.png": 8}
    Takes(folder).choose(Shelf.PHOTOS, NAME, 1)
    assert shown(folder)["request_id"] == "old"


def test_a_file_edited_by_the_user_is_kept(folder):
    add(folder, 1)
    (folder.root / "photos/front.png").write_bytes(picture(99))
    assert Takes(folder).want(Shelf.PHOTOS, NAME, "request-1") is None
    add(folder, 1)  # Downloaded again.
    assert photos(folder) == {"front.changed.png": 99, "front.png": 1}
    assert len(takes_in(folder.record, Shelf.PHOTOS, NAME)) == 1


def test_an_enlargement_is_the_same_take(folder):
    add(folder, 1)
    Takes(folder).renew(Shelf.PHOTOS, NAME, "request-1", {"width": 8}, picture(50))
    assert photos(folder) == {"front.png": 50}
    assert shown(folder)["width"] == 8
    assert is_sound(folder)


def test_an_invalid_choice_lists_the_valid_ones(folder):
    add(folder, 1)
    add(folder, 2)
    takes = Takes(folder)
    with pytest.raises(InputError, match="front has no take 3") as caught:
        takes.choose(Shelf.PHOTOS, NAME, 3)
    assert "1, 2" in str(caught.value)
    (folder.root / "photos/front.1.png").unlink()
    with pytest.raises(InputError, match=r"missing or was changed: photos/front\.1\.png"):
        takes.choose(Shelf.PHOTOS, NAME, 1)
    assert photos(folder) == {"front.png": 2}


def test_a_placed_picture_never_changes(folder):
    """A scene refers to a file that later takes do not change."""
    add(folder, 1)
    placed = own_file(folder.root / "photos/front.png", 1)
    assert placed.name == "front.1.png"
    content = placed.read_bytes()
    add(folder, 2)
    assert placed.read_bytes() == content
    assert own_file(placed, 1) == placed
    assert photos(folder) == {"front.1.png": 1, "front.png": 2}


def test_pictures_of_another_product_are_kept_and_not_shown(folder):
    add(folder, 1)
    with folder.change() as record:
        Takes(folder).retire_all(record)
        angle_record(record, NAME).pop("photo")
    assert photos(folder) == {"front.1.png": 1}
    add(folder, 2)
    assert photos(folder) == {"front.1.png": 1, "front.png": 2}


def test_a_video_take_includes_its_preview(folder, tmp_path):
    for number, has_preview in ((1, True), (2, False)):
        scratch = tmp_path / str(number)
        scratch.mkdir()
        files = {"": scratch / "turntable.mp4", PREVIEW: scratch / "turntable.gif"}
        for path in files.values():
            path.write_bytes(f"{path.suffix} {number}".encode())
        if not has_preview:
            del files[PREVIEW]
        facts = {"motion": "turntable", "made_with": str(number)}
        Takes(folder).add(Shelf.VIDEOS, "turntable", facts, files)
    videos = sorted(path.name for path in (folder.root / "video").iterdir())
    assert videos == ["turntable.1.gif", "turntable.1.mp4", "turntable.mp4"]
    Takes(folder).choose(Shelf.VIDEOS, "turntable", 1)
    (entry,) = folder.record["videos"]
    assert entry[PREVIEW]["path"] == "video/turntable.gif"
    assert (folder.root / "video/turntable.gif").read_bytes() == b".gif 1"


def test_a_kill_between_the_files_and_the_list_loses_nothing(folder, monkeypatch):
    add(folder, 1)
    with pytest.raises(KeyboardInterrupt), folder.change() as record:
        takes = Takes(folder)
        monkeypatch.setattr(folder, "change", lambda: Unwritten(record))
        takes.add(Shelf.PHOTOS, NAME, {"request_id": "request-2"}, {"": picture(2)})
        raise KeyboardInterrupt
    monkeypatch.undo()
    again = SetFolder.open(folder.root)
    assert photos(again) == {"front.1.png": 1, "front.png": 2}
    assert Takes(again).want(Shelf.PHOTOS, NAME, "request-1")["take"] == 1
    assert photos(again)["front.png"] == 1


class Unwritten:
    """A change that is never written."""

    def __init__(self, record: dict) -> None:
        self._record = record

    def __enter__(self) -> dict:
        return self._record

    def __exit__(self, *_error: object) -> None:
        return
