# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for values that come from outside: arguments, ``set.json``, locks, files of angles, tables, journals.

A rule takes a value as JSON represents it and returns it in our type, or raises ValueError with a text that completes
"VALUE …", such as "is not a whole number from 1 to 16384". The rules for a thing are in the module of that thing
(sizes, angles, light, plan); this module has the parts that rules are built from.
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

MAX_TEXT_LENGTH = 20_000  # Characters: several times the longest prompt that an endpoint accepts.
MAX_DOLLARS = Decimal(1_000_000_000)
SHOWN_LENGTH = 60

_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_SHORT = reprlib.Repr()
_SHORT.maxlevel = 2
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = SHOWN_LENGTH
_NAMES = {None: "null", True: "true", False: "false"}


class WrongValueError(ValueError):
    """``reason`` completes "VALUE …"; ``place`` is the path to ``value`` inside the checked value, outermost first."""

    def __init__(self, reason: str, value: Any, place: tuple[str, ...]) -> None:
        super().__init__(reason)
        self.reason = reason
        self.value = value
        self.place = place


def checked(rule: Rule[T], value: Any, name: str, *, hint: str = "") -> T:
    """Apply ``rule`` to ``value``. Raises InputError with the name, the value, what is wrong, and ``hint``."""
    try:
        return _at(name, rule, value)
    except WrongValueError as error:
        place = ", ".join(error.place)
        raise InputError(f"{place} is {shown(error.value)}, which {error.reason}.", hint=hint) from error


def checked_in(file: Any, rule: Rule[T], value: Any, *place: str, hint: str = "") -> T:
    """Apply ``rule`` to a value at ``place`` in ``file``; without a place, to the whole content of the file."""
    try:
        return _at("", rule, value)
    except WrongValueError as error:
        where = ", ".join(filter(None, (*place, *error.place)))
        verb = f": {where} is" if where else " holds"
        raise InputError(f"{file}{verb} {shown(error.value)}, which {error.reason}.", hint=hint) from error


def shown(value: Any) -> str:
    """A value for a message, shortened when it is long."""
    if value is None or isinstance(value, bool):
        return _NAMES[value]
    return _SHORT.repr(value)


# --- numbers and texts --------------------------------------------------------------------------


def whole(minimum: int, maximum: int, unit: str = "") -> Rule[int]:
    """An integer within bounds; ``True`` and 1.0 are not integers."""

    def rule(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not minimum <= value <= maximum:
            raise ValueError(f"is not a whole number from {minimum} to {maximum}{unit and f' {unit}'}")
        return value

    return rule


def number(minimum: float = -math.inf, maximum: float = math.inf, unit: str = "") -> Rule[float]:
    """A finite number within bounds, as a float."""
    bounds = "" if math.isinf(minimum) else f" from {minimum:g} to {maximum:g}{unit and f' {unit}'}"

    def rule(value: Any) -> float:
        try:
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            found = float(value) if is_number else math.nan
        except OverflowError:
            found = math.nan
        if not (math.isfinite(found) and minimum <= found <= maximum):
            raise ValueError(f"is not a number{bounds}")
        return found

    return rule


def truth(value: Any) -> bool:
    """The rule for true or false."""
    if not isinstance(value, bool):
        raise ValueError("is neither true nor false")
    return value


def text(max_length: int = MAX_TEXT_LENGTH, *, min_length: int = 0) -> Rule[str]:
    """A text without control characters, except tabs and line breaks, and without lone surrogates."""

    def rule(value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError("is not text")
        if len(value) < min_length:
            raise ValueError("is empty" if min_length == 1 else f"has fewer than {min_length} characters")
        if len(value) > max_length:
            raise ValueError(f"has more than {max_length} characters")
        if _NOT_TEXT.search(value):
            raise ValueError("has characters that are not text")
        return value

    return rule


def one_of(names: Iterable[str]) -> Rule[str]:
    """The rule for one of some names."""
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


def like(pattern: str, what: str, max_length: int = 255) -> Rule[str]:
    """A text that fully matches a regular expression; ``what`` completes "is not …"."""
    form = re.compile(pattern)

    def rule(value: Any) -> str:
        if not isinstance(value, str) or len(value) > max_length or not form.fullmatch(value):
            raise ValueError(f"is not {what}")
        return value

    return rule


SHA256 = like(r"[0-9a-f]{64}", "a SHA-256 hash")


# --- lists and objects --------------------------------------------------------------------------


def optional(rule: Rule[T]) -> Rule[T | None]:
    """A rule that also accepts null."""
    return lambda value: None if value is None else rule(value)


def empty_or(rule: Rule[str]) -> Rule[str]:
    """A rule that also accepts the empty text."""
    return lambda value: "" if value == "" else rule(value)


def list_of(rule: Rule[T], max_count: int, *, min_count: int = 0, name: str = "entry") -> Rule[tuple[T, ...]]:
    """A list of ``min_count`` to ``max_count`` entries; messages call them ``name`` 1, 2, …"""

    def judge(value: Any) -> tuple[T, ...]:
        if not isinstance(value, list | tuple):
            raise ValueError("is not a list")
        if not min_count <= len(value) <= max_count:
            allowed = f"{min_count}" if min_count == max_count else f"{min_count} to {max_count}"
            raise ValueError(f"has {len(value)} entries instead of {allowed}")
        return tuple(_at(f"{name} {place}", rule, item) for place, item in enumerate(value, 1))

    return judge


def mapping_of(key: Rule[K], rule: Rule[T], max_count: int) -> Rule[dict[K, T]]:
    """An object whose names follow ``key`` and whose values follow ``rule``."""

    def judge(value: Any) -> dict[K, T]:
        members = _members(value)
        if len(members) > max_count:
            raise ValueError(f"has {len(members)} members, more than {max_count}")
        return {_at("a name", key, name): _at(str(name), rule, item) for name, item in members.items()}

    return judge


def record_of(
    needed: Mapping[str, Rule[Any]],
    more: Mapping[str, Rule[Any]] | None = None,
    *,
    may_have_others: bool = False,
) -> Rule[dict[str, Any]]:
    """An object with these members; those in ``more`` may be missing.

    ``may_have_others``: other members are allowed and returned unchanged.
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


# --- values given as text -----------------------------------------------------------------------


def read_whole(text: str) -> int | str:
    """The integer that a text spells, or the text itself for a rule to refuse."""
    plain = text.strip()
    return int(plain) if _WHOLE.fullmatch(plain) else text


def read_number(text: str) -> float | str:
    """The number that a text spells, or the text itself for a rule to refuse."""
    try:
        return float(text)
    except ValueError:
        return text


def money(value: Any) -> Decimal:
    """An amount of US dollars from a text, with or without a dollar sign."""
    try:
        amount = Decimal(value.strip().removeprefix("$").strip()) if isinstance(value, str) else None
    except InvalidOperation:
        amount = None
    if (
        amount is None
        or len(value) > SHOWN_LENGTH
        or not amount.is_finite()
        or not 0 <= amount <= MAX_DOLLARS
    ):
        raise ValueError("is not an amount of dollars")
    return amount
