# SPDX-License-Identifier: GPL-3.0-or-later
"""What an endpoint allows for an input that has no word of ours: ``--photo-option guidance_scale=3``."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...files.input_files import MOST_INNER_LEVELS, parsed_json

_TRUTHS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One input: its type, and the values it may have. ``object`` stands for any JSON."""

    type: type
    choices: tuple[Any, ...] = ()
    lowest: float | None = None
    highest: float | None = None
    above: float | None = None  # Like ``lowest``, but itself not allowed.
    longest: int | None = None

    def parse(self, text: str) -> Any:
        """The value that ``text`` means. Raises ValueError with what would be allowed."""
        value = self._typed(text)
        if self.choices and value not in self.choices:
            raise ValueError(f"is not one of {', '.join(map(str, self.choices))}")
        if self.type in (int, float):
            self._check_range(value)
        if self.longest is not None and len(value) > self.longest:
            raise ValueError(f"is longer than {self.longest} characters")
        return value

    def _typed(self, text: str) -> Any:
        if self.type is bool:
            if text.lower() not in _TRUTHS:
                raise ValueError("is neither true nor false")
            return _TRUTHS[text.lower()]
        if self.type is str:
            return text
        try:
            if self.type is object:
                return parsed_json(text, most_levels=MOST_INNER_LEVELS)
            return self.type(text)
        except ValueError as error:
            words = {int: "a whole number", float: "a number", object: "JSON"}
            raise ValueError(f"is not {words[self.type]}") from error

    def _check_range(self, value: float) -> None:
        if not math.isfinite(value):
            raise ValueError("is not a number")
        if self.lowest is not None and value < self.lowest:
            raise ValueError(f"is less than {self.lowest:g}")
        if self.highest is not None and value > self.highest:
            raise ValueError(f"is more than {self.highest:g}")
        if self.above is not None and value <= self.above:
            raise ValueError(f"is not more than {self.above:g}")


Options = Mapping[str, Option]


def flag() -> Option:
    return Option(type=bool)


def text(longest: int | None = None) -> Option:
    return Option(type=str, longest=longest)


def one_of(*choices: Any) -> Option:
    return Option(type=type(choices[0]), choices=choices)


def whole(lowest: float | None = None, highest: float | None = None) -> Option:
    return Option(type=int, lowest=lowest, highest=highest)


def number(
    lowest: float | None = None, highest: float | None = None, *, above: float | None = None
) -> Option:
    return Option(type=float, lowest=lowest, highest=highest, above=above)


def json_value() -> Option:
    return Option(type=object)


TOLERANCE = one_of("1", "2", "3", "4", "5", "6")
FORMAT = one_of("jpeg", "png")
ANY_FORMAT = one_of("jpeg", "png", "webp")
