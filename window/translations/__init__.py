# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogs of the window, one PO file for each language, and their reader."""

import re
from pathlib import Path

FOLDER = Path(__file__).parent
# Where Blender looks for what no context of ours is given for: labels of operators and buttons, and everything else.
CONTEXTS = ("Operator", "*")

# A context for words that Blender's own catalogs translate in another sense.
CONTEXT = "Photoreal"
OWN_SENSE = {
    "Accept",
    "Backdrop",
    "Cameras",
    "Edges",
    "Endpoint",
    "Environment",
    "Fill",
    "Lens",
    "Lock",
    "Look",
    "Never",
    "Render",
    "Report",
    "Resume",
    "Spin",
    "Turntable",
}

Messages = dict[tuple[str, str], str]

_ENTRY = re.compile(r'^(?:msgctxt "(.*)"\n)?msgid "(.+)"\nmsgstr "(.*)"$', re.MULTILINE)
_ESCAPE = re.compile(r"\\(.)")


def context_of(text: str) -> str:
    """Where Blender has to look for a text; "" for its default."""
    return CONTEXT if text in OWN_SENSE else ""


def languages() -> list[str]:
    """The languages that have a catalog, as Blender abbreviates them: ``de`` also serves ``de_DE``."""
    return sorted(path.stem for path in FOLDER.glob("*.po"))


def read(text: str) -> Messages:
    """The entries of a PO file by context ("" for none) and English text. The header is left out."""
    whole = text.replace('"\n"', "")  # Editors break long texts into several lines.
    return {
        (_plain(context), _plain(english)): _plain(translation)
        for context, english, translation in _ENTRY.findall(whole)
    }


def _plain(quoted: str) -> str:
    if "\\" not in quoted:
        return quoted
    return _ESCAPE.sub(lambda found: "\n" if found[1] == "n" else found[1], quoted)


def for_blender() -> dict[str, Messages]:
    """All catalogs in the form that ``bpy.app.translations.register`` takes. Entries without a translation are left out."""
    return {language: _spread(read(_path(language).read_text("utf-8"))) for language in languages()}


def _path(language: str) -> Path:
    return FOLDER / f"{language}.po"


def _spread(messages: Messages) -> Messages:
    return {
        (place, english): text
        for (context, english), text in messages.items()
        if text
        for place in ((context,) if context else CONTEXTS)
    }
