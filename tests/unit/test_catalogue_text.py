# SPDX-License-Identifier: GPL-3.0-or-later
"""Catalogues whose text comes from Excel, web pages and layout programs."""

import json
from pathlib import Path

import pytest

from photoreal_set.catalogue.rows import Row, read_rows
from photoreal_set.files.invisible import invisible_in, named, trimmed
from photoreal_set.messages.errors import InputError
from photoreal_set.photo_set.source import source_from


def rows_in(tmp_path: Path, data: str | bytes, name: str = "shop.csv") -> list[Row]:
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return read_rows(path)


# --- ends of lines ------------------------------------------------------------------------------


@pytest.mark.parametrize("character", ["\u2028", "\u2029", "\x85", "\x1c", "\x1e"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_only_a_line_feed_ends_a_line_of_jsonl(tmp_path: Path, character: str, end: str):
    objects = [{"sku": f"A{n}", "source": "box.glb", "note": f"oak{character}with brass"} for n in (1, 2)]
    # As json.dumps writes it, except for control characters, which only careless scripts leave as they are.
    lines = [json.dumps(item, ensure_ascii=False).replace("\\u001c", "\x1c") for item in objects]
    rows = rows_in(tmp_path, end.join(lines) + end, "shop.jsonl")
    assert [(row.line, row.sku, row.errors) for row in rows] == [(1, "A1", ()), (2, "A2", ())]
    assert rows[0].more == {"note": f"oak{character}with brass"}


@pytest.mark.parametrize("character", ["\u2028", "\u2029", "\x85"])
def test_line_separators_of_unicode_stay_in_prompts(tmp_path: Path, character: str):
    line = json.dumps({"sku": "a", "text": "mug", "prompt": f"oak{character}brass"}, ensure_ascii=False)
    (row,) = rows_in(tmp_path, line, "shop.jsonl")
    assert (row.prompt, row.errors) == (f"oak{character}brass", ())


@pytest.mark.parametrize("written", ["\f", "\\f", "\v", "\\u000b"])
def test_a_form_feed_in_a_text_is_a_space(tmp_path: Path, written: str):
    text = (
        f'{{"sku": "a", "text": "mug", "prompt": "oak{written}brass"}}\n\f\n{{"sku": "b", "text": "jug"}}\f\n'
    )
    first, second = rows_in(tmp_path, text, "shop.jsonl")
    assert (first.prompt, first.errors) == ("oak brass", ())
    assert (second.line, second.sku, second.errors) == (3, "b", ())


# --- above the names of the columns -------------------------------------------------------------


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize(
    ("above", "delimiter"),
    [
        ("sep=;\r\n", ";"),
        ("SEP=,\n", ","),
        ("sep=\t\r\n", "\t"),
        ("sep=|\n", "|"),
        ('"sep=;"\r\n', ";"),
        ("sep=,,,\n", ","),
        ("sep=,\n", ";"),  # Wrong: it was saved with another delimiter.
        ("\r\n\r\n", ","),
        (",,,\n", ","),
        ("Spring price list; as of 3 March, all prices net\n\n", ","),
        ('"Catalogue ""Spring""\nfor shops";;\n', ";"),
        ("sep=;\nSpring;;\n;;\n", ";"),
        ('Chairs 30" wide\n', ","),
        ('"unclosed title\n', ";"),
    ],
)
def test_the_names_of_the_columns_are_found(tmp_path: Path, mark: bytes, above: str, delimiter: str):
    table = [["SKU", "Source", "Prompt"], ["A1", "box.glb", '"on oak,\n;|in rain"']]
    body = "\n".join(delimiter.join(cells) for cells in table)
    (row,) = rows_in(tmp_path, mark + (above + body).encode())
    assert (row.number, row.sku, row.sources, row.prompt) == (1, "A1", ("box.glb",), "on oak,\n;|in rain")
    assert row.errors == ()
    assert row.line == 1 + above.replace("\r\n", "\n").count("\n") + 1


@pytest.mark.parametrize("cell", ['="007"', '"=""007"""', ' ="007" '])
def test_a_formula_that_keeps_zeros_is_its_text(tmp_path: Path, cell: str):
    (row,) = rows_in(tmp_path, f'sku;source;prompt\n{cell};box.glb;"=""a ""b"""\n')
    assert (row.sku, row.prompt, row.errors) == ("007", '="a "b"', ())


def test_without_such_names_the_first_line_is_named(tmp_path: Path):
    with pytest.raises(
        InputError, match=r"has no column sku\. 'Spring list' is the first line .*One of the first"
    ):
        rows_in(tmp_path, "\nSpring list\nArticle,File\nA1,box.glb\n")


# --- invisible characters -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "letter", ["\u200b", "\u202a", "\ufeff", "\u200e", "\u2060", "\u00ad", "\u200d", "\u3164"]
)
def test_invisible_characters_around_a_cell_are_no_part_of_it(tmp_path: Path, letter: str):
    header = f"{letter}sku,source{letter},seed,background,prompt\n"
    (row,) = rows_in(
        tmp_path,
        f"{header}{letter}A1{letter},{letter} box.glb {letter}; {letter}\u00a0,{letter}7,white{letter},{letter}\n",
    )
    assert (row.sku, row.sources, row.seed, row.background, row.prompt) == (
        "A1",
        ("box.glb",),
        7,
        "white",
        "",
    )
    assert row.errors == ()


def test_a_cell_of_invisible_characters_is_empty(tmp_path: Path):
    (row,) = rows_in(tmp_path, "sku,text\nA1,\u200b\u2060\n")
    assert row.errors == ("it has neither source nor text",)


def test_a_prompt_that_was_paid_with_its_invisible_characters_keeps_them(tmp_path: Path):
    (row,) = rows_in(tmp_path, "sku,text,prompt\nA1,mug,on oak\u200b \n")
    assert row.prompt == "on oak\u200b"


@pytest.mark.parametrize(
    "text", ["\u0d28\u0d4d\u200d", "\U0001f3f4\U000e0067\U000e0062\U000e007f", "\u2764\ufe0f", "a\u200bb"]
)
def test_characters_that_shape_others_stay(text: str):
    assert trimmed(f"\u200b{text} \u200b") == text


def test_a_path_on_the_command_line_loses_them_unless_a_file_has_them(tmp_path: Path):
    path = tmp_path / "box.glb"
    path.write_bytes(b"glTF")
    odd = tmp_path / "odd.glb\u200b"
    odd.write_bytes(b"glTF")
    assert named(f"\u202a{path}\u200b") == str(path)
    assert named(str(odd)) == str(odd)
    assert named("\u202ahttps://shop.example/box.jpg\u200b") == "https://shop.example/box.jpg"


def test_an_invisible_character_inside_a_name_is_named(tmp_path: Path):
    assert invisible_in("bo\u200bx") == "U+200B" and invisible_in("two words") == ""
    with pytest.raises(InputError, match=r"does not exist\. Its name has an invisible character \(U\+200B\)"):
        source_from([tmp_path / "bo\u200bx.glb"], "")
