# SPDX-License-Identifier: GPL-3.0-or-later
"""Characters that are not visible, which come along when a name is copied from a web page or a properties dialog."""

import os
import unicodedata

# Blank on screen, although Unicode counts them among letters and symbols.
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
# They shape the letter before them in Indic scripts, and end the flag of a region (Unicode, 12.1 and TR51, 1.4.6).
_JOINERS = frozenset("\u200c\u200d")
_TAGS = range(0xE0020, 0xE0080)


def trimmed(text: str) -> str:
    """``text`` without white space and invisible characters at its ends."""
    start, end = 0, len(text)
    while start < end and _is_unseen(text[start]):
        start += 1
    while end > start and _is_unseen(text[end - 1]) and not _shapes(text, end - 1):
        end -= 1
    return text[start:end]


def named(text: str) -> str:
    """The path or address that ``text`` gives, ``trimmed`` unless there is a file whose name has such characters."""
    return text if os.path.lexists(text) else trimmed(text)


def invisible_in(text: str) -> str:
    """The code of the first invisible character, such as "U+200B"; "" without any. White space does not count."""
    return next((f"U+{ord(letter):04X}" for letter in text if _is_invisible(letter)), "")


def _is_unseen(letter: str) -> bool:
    return letter.isspace() or _is_invisible(letter)


def _is_invisible(letter: str) -> bool:
    is_format = unicodedata.category(letter) == "Cf" and ord(letter) not in _TAGS
    return is_format or letter in _BLANK


def _shapes(text: str, place: int) -> bool:
    """Whether the joiner at ``place`` changes how the character before it looks."""
    return text[place] in _JOINERS and place > 0 and unicodedata.category(text[place - 1]) in ("Mn", "Mc")
