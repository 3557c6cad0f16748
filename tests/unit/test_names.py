# SPDX-License-Identifier: GPL-3.0-or-later
"""Stored names and paths refer to the same file on every system."""

from pathlib import Path

import pytest

from photoreal_set.files.names import file_rule, is_device_name, portable_path, safe_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Vase 2", "Vase 2"),
        ("a/b:c", "a-b-c"),
        (" .. ", "product"),
        ("x" * 90, "x" * 60),
        ("con", "_con"),
        ("Aux.v2", "_Aux.v2"),
        ("console", "console"),
        ("COM¹", "_COM¹"),
        ("e\u0301t\xe9 ½", "e-té ½"),
        ("\ud800😀", "product"),
        ("x" * 59 + "-y", "x" * 59 + "-"),
        ("_a_", "_a_"),
    ],
)
def test_a_safe_name_is_valid_on_every_system(text: str, name: str):
    assert safe_name(text, file_rule("product")) == name
    assert not is_device_name(name)


def test_a_stored_path_moves_with_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    photo = tmp_path / "sources" / "mug.png"
    text = portable_path(photo, tmp_path / "sets" / "mug")
    assert text == "../../sources/mug.png"
    monkeypatch.chdir(tmp_path)
    assert portable_path(Path("sources/mug.png"), Path("sets/mug")) == text
