# SPDX-License-Identifier: GPL-3.0-or-later
"""Catalogue files as shops write them."""

import json
import re
import unicodedata
from decimal import Decimal
from pathlib import Path

import pytest

from photoreal_set.catalogue.folder_names import folder_name, folder_names
from photoreal_set.catalogue.row_numbers import rows_named, rows_of_shard, shard_of
from photoreal_set.catalogue.rows import Row, read_rows
from photoreal_set.messages.errors import InputError


def rows_in(tmp_path: Path, data: str | bytes, name: str = "shop.csv") -> list[Row]:
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return read_rows(path)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_common_csv_dialect_is_read(tmp_path: Path, delimiter: str, mark: bytes, end: str):
    lines = [["SKU", "Source", "Prompt", "Colour"], ["A-1", '"a.jpg;b.jpg"', '"on slate,\nin rain"', "red"]]
    text = end.join(delimiter.join(cells) for cells in lines) + end
    (row,) = rows_in(tmp_path, mark + text.encode())
    assert (row.sku, row.sources, row.more) == ("A-1", ("a.jpg", "b.jpg"), {"Colour": "red"})
    assert row.prompt == "on slate,\nin rain"
    assert row.errors == ()


def test_rows_are_counted_and_line_numbers_match_the_file(tmp_path: Path):
    rows = rows_in(tmp_path, 'sku,source,prompt\na,1.glb,"two\nlines"\n\n,,\nb,2.glb,x\n')
    assert [(row.number, row.line, row.sku) for row in rows] == [(1, 2, "a"), (2, 6, "b")]


def test_values_are_parsed(tmp_path: Path):
    (row,) = rows_in(
        tmp_path,
        "sku,text,angles,background,look,seed,video,max_cost,endpoint,spec,rig,variant\n"
        'x,a mug,"front,side",GREY,glass,7,none,$1.50,fal-ai/flux-pro/kontext,amazon,SoftBox,Red Oak\n',
    )
    assert (row.angles, row.background, row.look, row.seed, row.video) == (
        "front,side",
        "grey",
        "glass",
        7,
        "none",
    )
    assert (row.max_cost, row.endpoint, row.spec, row.rig, row.variant) == (
        Decimal("1.50"),
        "fal-ai/flux-pro/kontext",
        "amazon",
        "softbox",
        "Red Oak",
    )


def test_angles_and_light_may_come_from_separate_files(tmp_path: Path):
    table = "sku,source,angles,rig\na,1.glb,Views/Own.json,Light/Dawn.HDR\nb,2.glb,cameras,night.exr\n"
    first, second = rows_in(tmp_path, table)
    assert (first.angles, first.rig, first.errors) == ("Views/Own.json", "Light/Dawn.HDR", ())
    assert (second.angles, second.rig, second.errors) == ("cameras", "night.exr", ())


def test_the_spin_of_a_row(tmp_path: Path):
    rows = rows_in(tmp_path, "sku,text,spin\na,mug,36\nb,mug,None\nc,mug,\nd,mug,5\ne,mug,3.5\n")
    assert [row.spin for row in rows[:3]] == ["36", "none", ""]
    assert [len(row.errors) for row in rows] == [0, 0, 0, 1, 1]
    assert rows[3].errors[0].startswith("spin '5' ")


@pytest.mark.parametrize(
    ("value", "sku", "error"),
    [
        ("123", "123", ""),
        ("90071992547409931234", "90071992547409931234", ""),
        ('"0123"', "0123", ""),
        (
            "1.50",
            "1.5",
            "sku 1.5 is a number with a point, which other programs write in other ways: put it in quotes",
        ),
        ("true", "true", "sku 'true' is not text: put it in quotes"),
        ("[1]", "[1]", "sku '[1]' is not text: put it in quotes"),
    ],
)
def test_a_sku_in_jsonl_may_be_a_whole_number_and_nothing_else_than_text(tmp_path: Path, value, sku, error):
    (row,) = rows_in(
        tmp_path, f'{{"sku": {value}, "text": "a mug", "spec": ["web", "google"]}}\n', "shop.jsonl"
    )
    assert row.sku == sku
    assert row.errors == ((error,) if error else ())
    assert row.spec == "web,google"


def test_jsonl_is_read(tmp_path: Path):
    lines = [
        {
            "sku": "a",
            "source": ["x.jpg", "y.jpg"],
            "angles": ["front", "top"],
            "seed": 3,
            "pose": 1.5,
            "without": ["crumbs", "floor"],
            "stock": 7,
            "tags": ["b"],
        },
        {"sku": "b", "text": "a mug", "max_cost": 0.5, "prompt": None},
    ]
    text = "\n".join(json.dumps(line) for line in lines) + "\n\n{broken\n[1]\n"
    rows = rows_in(tmp_path, text, "shop.jsonl")
    assert rows[0].sources == ("x.jpg", "y.jpg") and rows[0].angles == "front,top" and rows[0].seed == 3
    assert (rows[0].pose, rows[0].without) == ("1.5", "floor,crumbs")
    assert rows[0].more == {"stock": "7", "tags": '["b"]'}
    assert rows[1].max_cost == Decimal("0.5") and rows[1].prompt == ""
    assert [row.errors for row in rows[2:]] == [
        ("it is not valid JSON (column 2: Expecting property name enclosed in double quotes)",),
        ("it is not a JSON object",),
    ]
    assert rows[2].line == 4


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (",a.glb,,,,,,", "no sku"),
        ("x,,,,,,,", "neither source nor text"),
        ("x,a.glb,words,,,,,", "both source and text"),
        ("x,a.glb,,behind,,,,", "no angle called 'behind'"),
        ('x,a.glb,,"front,cameras",,,,', "cannot be part of a list"),
        ("x,a.glb,,,pink,,,", "background 'pink' is not one of white, grey"),
        ("x,a.glb,,,,-3,,", "seed '-3' is not a whole number"),
        ("x,a.glb,,,,,gif,", "video 'gif' is not one of cycles, fal, none"),
        ("x,a.glb,,,,,,lots", "max_cost 'lots' is not an amount of dollars"),
        ("x,a.glb,,,,,,,,more,cells", "11 cells"),
    ],
)
def test_an_invalid_value_is_named(tmp_path: Path, cells: str, message: str):
    header = "sku,source,text,angles,background,seed,video,max_cost"
    (row,) = rows_in(tmp_path, f"{header}\n{cells}\n")
    assert any(message in error for error in row.errors), row.errors


def test_all_errors_of_a_row_are_reported_together(tmp_path: Path):
    (row,) = rows_in(tmp_path, "sku,source,seed,look,video\n,a.glb,x,fog,gif\n")
    assert len(row.errors) == 4


def test_a_repeated_sku_is_an_error_of_the_later_row(tmp_path: Path):
    rows = rows_in(tmp_path, "sku,text\na,x\nb,y\na,z\n")
    assert [bool(row.errors) for row in rows] == [False, False, True]
    assert "row 1 (line 2)" in rows[2].errors[0]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "has no column sku"),
        (b"sku,text\n", "has no rows"),
        (b"name,text\nx,y\n", "no column sku"),
        (b"sku,price\nx,3\n", "no column source or text"),
        (b"sku,sku,text\nx,y,z\n", "two columns called sku"),
        ("sku,text\nx,häßlich\n".encode("latin-1"), "not UTF-8 (line 2)"),
        ("sku,text\nx,y\n".encode("utf-16"), "not UTF-8"),
        (b'sku,text\nx,"open\n', "not valid CSV from line"),
    ],
)
def test_an_invalid_catalogue_file_is_rejected_with_the_reason(tmp_path: Path, data: bytes, message: str):
    with pytest.raises(InputError) as caught:
        rows_in(tmp_path, data)
    assert message in str(caught.value)


# --- folders ------------------------------------------------------------------------------------


def test_a_safe_sku_is_used_as_folder_name():
    skus = ["A-1", "Lampe Nr. 7 (grün)", "灯-12", "x_y+z"]
    assert folder_names(skus, {}) == {sku: sku for sku in skus}


@pytest.mark.parametrize(
    "sku",
    [
        *(
            "../../etc/passwd",
            "a/b",
            "a\\b",
            "C:x",
            "CON",
            "nul.txt",
            "com1",
            "a" * 300,
            "灯" * 200,
            "😀",
            "a\0b",
            "a\nb",
        ),
        *(".hidden", "dot.", "blank ", "-rf", "", "...", "catalogue.json", "Index.HTML", "a*?<>|b", "\ud800"),
        *("overview", "Overview", ".journal", "CATALOGUE.CSV", "catalogue.lock.jsonl"),
        *("COM¹", "com².txt", "LPT³", "CONIN$", "CONOUT$", "con .txt", "nul:x", "ＣＯＮ", "aux . "),
        *(". .", " .. ", "a . . ", "ä" * 150, "𝔘" * 80, "a\r\nb", "\x7f", "\u202egpj.exe", "\ufeffa"),
    ],
)
def test_every_sku_gives_a_valid_name_inside_the_folder(sku: str, tmp_path: Path):
    name = folder_names([sku], {})[sku]
    assert name == Path(name).name and name not in {".", ".."} and not name.startswith((".", "-"))
    assert len(name.encode()) <= 200 and name == name.rstrip(" .")
    assert not set(name) & set('<>:"/\\|?*\0\n')
    (tmp_path / name).mkdir()
    assert not name[0].isspace() and name not in {"overview", "Overview"}
    plain = unicodedata.normalize("NFKC", name).split(".")[0].strip().casefold()
    assert plain not in {"con", "nul", "aux", "com1", "com2", "lpt3", "conin$", "conout$"}
    assert folder_name(name) == name, "what is given is taken when the lock is read"


@pytest.mark.parametrize(
    ("sku", "folder"),
    [
        ("a/b\\c", "a_b_c"),
        ("-rf", "_rf"),
        (" .. ", "_"),
        ("con.txt", "_con.txt"),
        ("Overview", "_Overview"),
        ("x" * 63 + ". y", "x" * 63),
        ("ä" * 150, "ä" * 64),
        ("灯" * 64, "灯" * 42),
        ("e\u0301", "é"),
    ],
)
def test_the_folder_of_a_sku_is_the_same_in_all_versions(sku: str, folder: str):
    name = folder_names([sku], {})[sku]
    assert re.fullmatch(rf"{re.escape(folder)}-[0-9a-f]{{10}}", name), (
        "another folder is another set, paid again"
    )


def test_no_two_skus_share_a_folder_on_any_system():
    skus = [
        "Mug",
        "mug",
        "MUG",
        "a/b",
        "a:b",
        "a_b",
        "😀",
        "😁",
        "é",
        "e\u0301",
        *(
            "Ärmel",
            "ärmel",
            "A\u0308rmel",
            "a\u0308rmel",
            "STRASSE",
            "straße",
            "ﬁlter",
            "filter",
            "\u212b",
            "\u00c5",
        ),
        *(f"{'x' * 300}{n}" for n in range(50)),
    ]
    names = folder_names(skus, {})
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        folded = {unicodedata.normalize(form, name).casefold() for name in names.values()}
        assert len(folded) == len(skus)


@pytest.mark.parametrize("is_first", [True, False])
def test_a_sku_spelled_like_the_folder_of_another_gets_a_separate_folder(is_first: bool):
    name = folder_names(["a/b"], {})["a/b"]
    skus = [name, "a/b"] if is_first else ["a/b", name]
    names = folder_names(skus, {})
    assert names[skus[0]] != names[skus[1]]
    assert all(folder_name(folder) == folder for folder in names.values())


def test_folders_named_by_earlier_versions_stay():
    earlier = {"overview": "overview", "COM¹": "COM¹"}
    assert folder_names(earlier, earlier) == earlier
    assert [folder_name(name) for name in earlier.values()] == list(earlier)


ODD_SKUS = [
    ("\ud800", "sku has characters that are not text"),
    ("a\udfffb", "sku has characters that are not text"),
    ("a\0b", "sku 'a\\x00b' has characters that are not text"),
    ("a\x1bb", "has characters that are not text"),
    ("x" * 1001, "has more than 1000 characters"),
]


@pytest.mark.parametrize(("sku", "message"), ODD_SKUS, ids=range(len(ODD_SKUS)))
def test_a_sku_that_is_not_text_is_an_error_of_its_row(tmp_path: Path, sku: str, message: str):
    good, bad = rows_in(
        tmp_path,
        "".join(json.dumps({"sku": one, "source": "a.glb"}) + "\n" for one in ("mug", sku)),
        "shop.jsonl",
    )
    assert good.errors == ()
    assert any(message in error for error in bad.errors)
    bad.sku.encode()  # It can be written, to the lock and to the results.
    assert len(bad.place) < 1100


def test_lone_surrogates_are_reported_everywhere(tmp_path: Path):
    line = json.dumps(
        {"sku": "mug", "source": "\ud800.glb", "\ud801": "x", "note": "\udc00", "prompt": "\ud83d\ude00"}
    )
    (row,) = rows_in(tmp_path, line, "shop.jsonl")
    assert row.errors == (
        "source has characters that are not text",
        "? has characters that are not text",
        "note has characters that are not text",
    )
    assert row.prompt == "😀"


def test_bytes_that_are_not_utf_8_are_rejected_with_their_line(tmp_path: Path):
    for name in ("shop.csv", "shop.jsonl"):
        with pytest.raises(InputError, match=r"not UTF-8 \(line 2\)"):
            rows_in(tmp_path, b"sku,source\nT\xe4sse,a.glb\n", name)


@pytest.mark.parametrize("value", ["[" * 100_000 + "]" * 100_000, "NaN", "1e999", "1" * 5000, "{"])
def test_an_unreadable_json_line_is_an_error_of_its_row(tmp_path: Path, value: str):
    rows = rows_in(
        tmp_path, f'{{"sku": "a", "stock": {value}}}\n{{"sku": "b", "text": "a mug"}}\n', "shop.jsonl"
    )
    assert [len(row.errors) for row in rows] == [1, 0]
    assert rows[0].errors[0].startswith("it is not valid JSON (") and len(rows[0].errors[0]) < 200


def test_an_unterminated_cell_is_rejected_in_one_sentence(tmp_path: Path):
    with pytest.raises(InputError, match="field larger than field limit"):
        rows_in(tmp_path, f"sku,source\nmug,{'[' * (2 << 20)}\n")


def test_a_folder_stays_when_a_clashing_sku_comes_later():
    first = folder_names(["Mug"], {})
    second = folder_names(["mug", "Mug"], first)
    assert second["Mug"] == first["Mug"] == "Mug"
    assert second["mug"].casefold() != "mug"
    assert (
        folder_names(["mug"], first)["mug"].casefold() != "mug"
    )  # Even when the first one is no longer listed.


# --- tasks --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("1-4,7", [1, 2, 3, 4, 7]),
        ("9-20:4", [9, 13, 17]),
        ("3", [3]),
        ("3,1,3", [3, 1]),
        (" 1 - 2 , 5 ", [1, 2, 5]),
        ("18-99", [18, 19, 20]),
        ("21", []),
    ],
)
def test_rows_accept_the_notations_of_render_farms(text: str, rows: list[int]):
    assert rows_named(text, 20) == rows


@pytest.mark.parametrize(
    "text", ["", "0-3", "5-2", "a", "1-", "1;2", "-3", "1-5:0", "1--2", "9" * 5000, f"1-{'9' * 5000}", "١"]
)
def test_an_invalid_row_selection_is_rejected(text: str):
    with pytest.raises(InputError):
        rows_named(text, 20)


def test_shards_cover_all_rows_without_overlap():
    parts = [rows_of_shard(range(1, 104), index, 7) for index in range(7)]
    assert sorted(row for part in parts for row in part) == list(range(1, 104))
    assert {len(part) for part in parts} == {14, 15}


@pytest.mark.parametrize(
    ("environment", "index"),
    [
        ({"SLURM_ARRAY_TASK_ID": "3", "SLURM_ARRAY_TASK_MIN": "1"}, 2),
        ({"SLURM_ARRAY_TASK_ID": "0", "SLURM_ARRAY_TASK_MIN": "0"}, 0),
        ({"AWS_BATCH_JOB_ARRAY_INDEX": "4"}, 4),
        ({"JOB_COMPLETION_INDEX": "5"}, 5),
    ],
)
def test_an_array_job_knows_its_shard(environment: dict[str, str], index: int):
    assert shard_of("auto/8", environment) == (index, 8)


def test_a_shard_can_be_named(tmp_path: Path):
    assert shard_of("2/3", {}) == (2, 3)
    for text in ("3/3", "auto/3", "x/3", "1", "0/0"):
        with pytest.raises(InputError):
            shard_of(text, {})
