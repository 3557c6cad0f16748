# SPDX-License-Identifier: GPL-3.0-or-later
"""What a window shows of a catalogue follows from its folder alone."""

import json
from pathlib import Path

import pytest

from photoreal_set.catalogue.glance import LOCK_NAME, read_catalogue
from photoreal_set.fal_bridge.journal import Journal, Stage
from tests.catalogue_desk import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A finished catalogue of two products, of which *b* was changed afterwards and has a request at fal.ai."""
    desk = Desk(tmp_path)
    rows = [{"sku": "a", "source": desk.model("a.glb", 1)}, {"sku": "b", "source": desk.model("b.glb", 2)}]
    desk.table(*rows)
    assert desk.make("--angles", "front", "--video", "none").exit_code == 0
    desk.table(rows[0], {**rows[1], "background": "transparent"})
    assert desk.make("--angles", "front", "--video", "none", "--freeze").exit_code == 0
    journal = Journal(desk.out / "b" / ".journal")
    assert journal.claim("a" * 64, 1, {"label": "front photo", "endpoint": "fal-ai/x"})
    journal.record("a" * 64, 1, Stage.SUBMITTED, {"request_id": "r-1"})
    return desk


def test_products_and_requests_are_read(desk: Desk):
    found = read_catalogue(desk.out)
    assert found is not None
    assert [(one.sku, one.folder, one.is_done) for one in found.products] == [
        ("a", desk.out / "a", True),
        ("b", desk.out / "b", False),
    ]
    assert found.pending == 1


def test_a_row_names_no_place_outside_the_catalogue(desk: Desk):
    head, *lines = (desk.out / LOCK_NAME).read_text().splitlines()
    rows = [json.dumps({**json.loads(line), "folder": "../elsewhere"}) for line in lines]
    (desk.out / LOCK_NAME).write_text("\n".join([head, *rows]))
    found = read_catalogue(desk.out)
    assert found is not None and found.products == ()


@pytest.mark.parametrize("content", ["", "{}\nno json\n", "{}\n[]\n", '{}\n{"sku": "a"}\n'])
def test_a_damaged_lock_shows_nothing(tmp_path: Path, content: str):
    (tmp_path / LOCK_NAME).write_text(content)
    assert read_catalogue(tmp_path) is None
