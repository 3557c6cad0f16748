# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of text for labels, which do not wrap; also for languages without spaces."""

import re
import unicodedata

_WIDE = r"\u3000-\u9fff\uac00-\ud7af\uff00-\uffef"
_NEVER_FIRST = (
    "[、。，．）」』】：；！？ー…っゃゅょッャュョぁぃぅぇぉァィゥェォ]*"  # What no line begins with.
)
_PIECE = re.compile(rf"\s+|(?:[{_WIDE}]|[^\s{_WIDE}]+){_NEVER_FIRST}")


def width_of(text: str) -> int:
    """The width of a text in letters; a wide character counts as two."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def wrapped(text: str, room: int) -> list[str]:
    """Lines of at most ``room`` letters, as far as words allow; a longer word is cut. One line at least."""
    lines = [""]
    for piece in _PIECE.findall(text):
        if width_of(lines[-1]) + width_of(piece) <= room:
            lines[-1] += " " if piece.isspace() else piece
        elif not piece.isspace():
            *full, last = [piece[start : start + room] for start in range(0, len(piece), room)]
            lines += [*full, last]
        else:
            lines.append("")
    return [line.strip() for line in lines if line.strip()] or [""]
