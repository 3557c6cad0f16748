# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that the window shows is in the catalogs, in every language."""

import ast
import re
import string

import bpy
import pytest

from photoreal_set.panels.wrapping import width_of, wrapped
from photoreal_set.window import translations, words
from tools.imports import folder_of, package_sources
from tools.words import LOOKS_LIKE_WORDS, SHOWN, Found, wanted, written

COMPOSING = {*SHOWN, "background_run"}
IN_WORDS = re.compile(r"[A-Za-z]{2,} | [A-Za-z]{2,}")
# Words in f-strings that stay English: the product, the name of an image, and a price as scripts agree to it.
NOT_TRANSLATED = {
    ("panels/progress.py", "Photoreal Set: "),
    ("window/viewer.py", "take "),
    ("background_run/price_book.py", "from "),
}


@pytest.fixture(scope="module")
def found() -> Found:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return wanted()


def text_of(language: str) -> str:
    return (translations.FOLDER / f"{language}.po").read_text("utf-8")


def fields_of(text: str) -> list[str]:
    return sorted(name for _text, name, _form, _way in string.Formatter().parse(text) if name is not None)


def test_german_and_japanese_are_there():
    assert {"de", "ja"} <= set(translations.languages())


@pytest.mark.parametrize("language", translations.languages())
def test_a_catalog_has_every_text_of_the_window_and_no_other(language: str, found: Found):
    text = text_of(language)
    assert text == written(language, found, translations.read(text)), "python -m tools.words updates it"


@pytest.mark.parametrize("language", translations.languages())
def test_every_text_is_translated(language: str):
    text = text_of(language)
    assert "#, fuzzy" not in text
    assert [key for key, translation in translations.read(text).items() if not translation.strip()] == []


@pytest.mark.parametrize("language", translations.languages())
def test_placeholders_are_those_of_the_english_text(language: str):
    messages = translations.read(text_of(language))
    wrong = {
        english: translation
        for (_context, english), translation in messages.items()
        if fields_of(english) != fields_of(translation)
    }
    assert wrong == {}


@pytest.mark.parametrize("language", translations.languages())
def test_ends_of_texts_are_kept(language: str):
    """A label has no full stop in another language, and a button that opens something keeps its dots."""
    stops = (".", "。")
    for (_context, english), translation in translations.read(text_of(language)).items():
        assert english.endswith(".") == translation.endswith(stops), english
        assert english.endswith("…") == translation.endswith("…"), english


def composed_texts(text: str) -> list[str]:
    """The words in f-strings of a module. Those in definitions of properties are whole texts for Blender."""
    tree = ast.parse(text)
    defined = {
        id(node)
        for one in ast.walk(tree)
        if isinstance(one, ast.AnnAssign)
        for node in ast.walk(one.annotation)
    }
    strings = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) and id(node) not in defined]
    parts = [str(part.value) for one in strings for part in one.values if isinstance(part, ast.Constant)]
    return [part for part in parts if IN_WORDS.search(part)]


def test_no_text_is_put_together_without_translation():
    """Words in an f-string cannot be found in a catalog: they belong into a template."""
    sources = {path: text for path, text in package_sources().items() if folder_of(path) in COMPOSING}
    wrong = {(path, part) for path, text in sources.items() for part in composed_texts(text)}
    assert wrong == NOT_TRANSLATED


def test_words_in_an_f_string_are_found():
    assert composed_texts('f"{count} objects"') == [" objects"]
    assert composed_texts('f"photoreal.{name}"') == []


def test_words_with_a_sense_of_ours_are_used(found: Found):
    assert {text for context, text in found if context} >= translations.OWN_SENSE


def test_constants_that_are_shown_are_recognized():
    assert all(
        map(
            LOOKS_LIKE_WORDS.search,
            ("Report", "Choose a Model …", "the scene {scene}", "about {price}, {limit}"),
        )
    )
    assert not any(
        map(LOOKS_LIKE_WORDS.search, ("FILE_FOLDER", "photoreal.redo_angle", "use_seed", "*.glb;*.gltf"))
    )


def test_a_po_file_of_another_editor_is_read():
    text = 'msgid ""\nmsgstr "Language: de\\n"\n\n#: a.py\nmsgctxt "Photoreal"\nmsgid ""\n"One "\n"two"\nmsgstr ""\n"Eins \\"zwei\\""\n'
    assert translations.read(text) == {("Photoreal", "One two"): 'Eins "zwei"'}


def test_what_is_registered_has_both_places_where_blender_looks():
    german = translations.for_blender()["de"]
    assert german["*", "Place Photos"] == german["Operator", "Place Photos"] == "Fotos platzieren"
    assert german["Photoreal", "Fill"] == "Füllgrad"
    assert ("*", "Fill") not in german


def test_texts_are_filled_without_a_translation():
    assert words.iface_("{count} objects selected", count=3) == "3 objects selected"
    assert words.rpt_("The list is empty") == "The list is empty"


def test_lines_break_between_words_and_within_japanese():
    assert wrapped("one two three", 7) == ["one two", "three"]
    assert wrapped("a-very-long-word b", 6) == ["a-very", "-long-", "word b"]
    assert wrapped("写真を配置します。次に", 8) == [
        "写真を配",
        "置しま",
        "す。次に",
    ]  # No line begins with a full stop.
    assert wrapped("", 8) == [""]
    for line in wrapped("fal.aiの写真をCyclesのレンダーと比較します。オフなら何もしません。", 20):
        assert width_of(line) <= 20
