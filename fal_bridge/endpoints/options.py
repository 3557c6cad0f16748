# SPDX-License-Identifier: GPL-3.0-or-later
"""The values that an endpoint accepts for inputs that only it has: ``--photo-option guidance_scale=3``."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...files.input_files import MAX_INNER_LEVELS, parsed_json

_FLAGS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One input: its type and its possible values. The type ``object`` means any JSON."""

    type: type
    choices: tuple[Any, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None  # An exclusive minimum.
    max_length: int | None = None

    def parse(self, text: str) -> Any:
        """The value of ``text``. Raises ValueError with what is allowed, as the end of a sentence."""
        value = self._typed(text)
        if self.choices and value not in self.choices:
            raise ValueError(f"is not one of {', '.join(map(str, self.choices))}")
        if self.type in (int, float):
            self._check_range(value)
        if self.max_length is not None and len(value) > self.max_length:
            raise ValueError(f"is longer than {self.max_length} characters")
        return value

    def _typed(self, text: str) -> Any:
        if self.type is bool:
            if text.lower() not in _FLAGS:
                raise ValueError("is neither true nor false")
            return _FLAGS[text.lower()]
        if self.type is str:
            return text
        try:
            if self.type is object:
                return parsed_json(text, max_levels=MAX_INNER_LEVELS)
            return self.type(text)
        except ValueError as error:
            names = {int: "a whole number", float: "a number", object: "JSON"}
            raise ValueError(f"is not {names[self.type]}") from error

    def _check_range(self, value: float) -> None:
        if not math.isfinite(value):
            raise ValueError("is not a number")
        if self.minimum is not None and value < self.minimum:
            raise ValueError(f"is less than {self.minimum:g}")
        if self.maximum is not None and value > self.maximum:
            raise ValueError(f"is more than {self.maximum:g}")
        if self.above is not None and value <= self.above:
            raise ValueError(f"is not more than {self.above:g}")


Options = Mapping[str, Option]


def flag() -> Option:
    """True or false."""
    return Option(type=bool)


def text(max_length: int | None = None) -> Option:
    return Option(type=str, max_length=max_length)


def one_of(*choices: Any) -> Option:
    return Option(type=type(choices[0]), choices=choices)


def whole(minimum: float | None = None, maximum: float | None = None) -> Option:
    return Option(type=int, minimum=minimum, maximum=maximum)


def number(
    minimum: float | None = None, maximum: float | None = None, *, above: float | None = None
) -> Option:
    return Option(type=float, minimum=minimum, maximum=maximum, above=above)


def json_value() -> Option:
    """Any JSON value."""
    return Option(type=object)


TOLERANCE = one_of("1", "2", "3", "4", "5", "6")
FORMAT = one_of("jpeg", "png")
ANY_FORMAT = one_of("jpeg", "png", "webp")
