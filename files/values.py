# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for values that come from outside: arguments, ``set.json``, locks, files of angles, tables, journals.

A rule takes a value as JSON has it and gives it in our type, or raises ValueError with a text that completes
"VALUE …", like "is not a whole number from 1 to 16384". The rules for one thing stand beside that thing (sizes,
angles, light, plan) and everybody who reads it uses them; this module has what rules are made of.
"""

import math
import re
import reprlib
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, TypeVar

from ..messages.errors import InputError

T = TypeVar("T")
K = TypeVar("K")
E = TypeVar("E", bound=StrEnum)
Rule = Callable[[Any], T]

LONGEST_TEXT = 20_000  # Characters: several times what the largest prompt of an endpoint takes.
MOST_DOLLARS = Decimal(1_000_000_000)
SHOWN_LETTERS = 60

_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_SHORT = reprlib.Repr()
_SHORT.maxlevel = 2
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = SHOWN_LETTERS
_WORDS = {None: "null", True: "true", False: "false"}


class WrongValueError(ValueError):
    """``reason`` completes "VALUE …"; ``place`` leads to ``value`` from the value that was judged, outside first."""

    def __init__(self, reason: str, value: Any, place: tuple[str, ...]) -> None:
        super().__init__(reason)
        self.reason = reason
        self.value = value
        self.place = place


def checked(rule: Rule[T], value: Any, name: str, *, hint: str = "") -> T:
    """What ``rule`` makes of ``value``. Raises InputError with the name, the value, what is wrong, and ``hint``."""
    try:
        return _at(name, rule, value)
    except WrongValueError as error:
        place = ", ".join(error.place)
        raise InputError(f"{place} is {shown(error.value)}, which {error.reason}.", hint=hint) from error


def checked_in(file: Any, rule: Rule[T], value: Any, *place: str, hint: str = "") -> T:
    """The same for a value that stands in ``file``, at ``place`` in it; without one it is all that the file holds."""
    try:
        return _at("", rule, value)
    except WrongValueError as error:
        where = ", ".join(filter(None, (*place, *error.place)))
        verb = f": {where} is" if where else " holds"
        raise InputError(f"{file}{verb} {shown(error.value)}, which {error.reason}.", hint=hint) from error


def shown(value: Any) -> str:
    """A value for a message, cut where it is long."""
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    return _SHORT.repr(value)


# --- numbers and texts --------------------------------------------------------------------------


def whole(least: int, most: int, unit: str = "") -> Rule[int]:
    """An integer within bounds; ``True`` and 1.0 are none."""

    def rule(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise ValueError(f"is not a whole number from {least} to {most}{unit and f' {unit}'}")
        return value

    return rule


def number(least: float = -math.inf, most: float = math.inf, unit: str = "") -> Rule[float]:
    """A finite number within bounds, as a float."""
    bounds = "" if math.isinf(least) else f" from {least:g} to {most:g}{unit and f' {unit}'}"

    def rule(value: Any) -> float:
        try:
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            found = float(value) if is_number else math.nan
        except OverflowError:
            found = math.nan
        if not (math.isfinite(found) and least <= found <= most):
            raise ValueError(f"is not a number{bounds}")
        return found

    return rule


def truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("is neither true nor false")
    return value


def text(longest: int = LONGEST_TEXT, *, least: int = 0) -> Rule[str]:
    """A text without control characters, besides tabs and line breaks, and without halves of surrogate pairs."""

    def rule(value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError("is not text")
        if len(value) < least:
            raise ValueError("is empty" if least == 1 else f"has fewer than {least} characters")
        if len(value) > longest:
            raise ValueError(f"has more than {longest} characters")
        if _NOT_TEXT.search(value):
            raise ValueError("has characters that are not text")
        return value

    return rule


def one_of(names: Iterable[str]) -> Rule[str]:
    allowed = tuple(names)

    def rule(value: Any) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise ValueError(f"is not one of {', '.join(filter(None, allowed))}")
        return value

    return rule


def member_of(kind: type[E]) -> Rule[E]:
    """The member of an enumeration that has this value."""
    name = one_of(item.value for item in kind)
    return lambda value: kind(name(value))


def like(pattern: str, what: str, longest: int = 255) -> Rule[str]:
    """A text that a regular expression matches as a whole; ``what`` completes "is not …"."""
    form = re.compile(pattern)

    def rule(value: Any) -> str:
        if not isinstance(value, str) or len(value) > longest or not form.fullmatch(value):
            raise ValueError(f"is not {what}")
        return value

    return rule


SHA256 = like(r"[0-9a-f]{64}", "a SHA-256 hash")


# --- what is made of other values ---------------------------------------------------------------


def optional(rule: Rule[T]) -> Rule[T | None]:
    return lambda value: None if value is None else rule(value)


def empty_or(rule: Rule[str]) -> Rule[str]:
    return lambda value: "" if value == "" else rule(value)


def list_of(rule: Rule[T], most: int, *, least: int = 0, name: str = "entry") -> Rule[tuple[T, ...]]:
    """A list with so many entries; messages call them ``name`` 1, 2, …"""

    def judge(value: Any) -> tuple[T, ...]:
        if not isinstance(value, list | tuple):
            raise ValueError("is not a list")
        if not least <= len(value) <= most:
            allowed = f"{least}" if least == most else f"{least} to {most}"
            raise ValueError(f"has {len(value)} entries instead of {allowed}")
        return tuple(_at(f"{name} {place}", rule, item) for place, item in enumerate(value, 1))

    return judge


def mapping_of(key: Rule[K], rule: Rule[T], most: int) -> Rule[dict[K, T]]:
    """An object whose members are all alike."""

    def judge(value: Any) -> dict[K, T]:
        members = _members(value)
        if len(members) > most:
            raise ValueError(f"has {len(members)} members, more than {most}")
        return {_at("a name", key, name): _at(str(name), rule, item) for name, item in members.items()}

    return judge


def record_of(
    needed: Mapping[str, Rule[Any]],
    more: Mapping[str, Rule[Any]] | None = None,
    *,
    may_have_others: bool = False,
) -> Rule[dict[str, Any]]:
    """An object with these members; what is only in ``more`` may be missing.

    ``may_have_others``: members that are not named are allowed and given as they are.
    """
    rules = {**needed, **(more or {})}

    def judge(value: Any) -> dict[str, Any]:
        members = _members(value)
        if missing := [name for name in needed if name not in members]:
            raise ValueError(f"has no {missing[0]}")
        unknown = [name for name in members if name not in rules]
        if unknown and not may_have_others:
            raise ValueError(f"has {shown(unknown[0])}, which is not one of {', '.join(sorted(rules))}")
        return {
            name: _at(name, rules[name], item) if name in rules else item for name, item in members.items()
        }

    return judge


def _members(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError("is not an object with members")
    return value


def _at(place: str, rule: Rule[T], value: Any) -> T:
    try:
        return rule(value)
    except WrongValueError as error:
        raise WrongValueError(error.reason, error.value, (place, *error.place)) from error
    except ValueError as error:
        raise WrongValueError(str(error), value, (place,)) from error


# --- values that are written as text ------------------------------------------------------------


def read_whole(words: str) -> int | str:
    """The integer in a text, or the text itself where there is none, for a rule to refuse."""
    plain = words.strip()
    return int(plain) if _WHOLE.fullmatch(plain) else words


def read_number(words: str) -> float | str:
    """The number in a text, or the text itself where there is none, for a rule to refuse."""
    try:
        return float(words)
    except ValueError:
        return words


def money(value: Any) -> Decimal:
    """An amount of US dollars in a text, with or without the sign of the dollar."""
    try:
        amount = Decimal(value.strip().removeprefix("$").strip()) if isinstance(value, str) else None
    except InvalidOperation:
        amount = None
    if (
        amount is None
        or len(value) > SHOWN_LETTERS
        or not amount.is_finite()
        or not 0 <= amount <= MOST_DOLLARS
    ):
        raise ValueError("is not an amount of dollars")
    return amount
