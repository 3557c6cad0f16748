# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares measured pictures with the rules of a channel."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from .measuring import Measured
from .rules import Channel, Measure, Rule

# Rules about the whole product, which do not apply to a close-up.
_WHOLE_PRODUCT = (Measure.FILL, Measure.MARGIN, Measure.WHITE)
_UNITS = {
    Measure.LONGEST: "px",
    Measure.SHORTEST: "px",
    Measure.MEGAPIXELS: "MP",
    Measure.BYTES: "MB",
    Measure.FILL: "%",
    Measure.MARGIN: "px",
    Measure.ALPHA: "%",
}
_ADVICE = {
    Measure.LONGEST: "Render with a larger --resolution. Photos by fal.ai can also be enlarged, with --photo-size.",
    Measure.SHORTEST: "Render with a larger --resolution. Photos by fal.ai can also be enlarged, with --photo-size.",
    Measure.MEGAPIXELS: "Export it, which makes it smaller.",
    Measure.BYTES: "Export it as JPEG, or with a smaller --size.",
    Measure.FILL: "Export it, which crops it; the picture must be large enough for that.",
    Measure.MARGIN: "Choose an angle that shows the whole product.",
    Measure.WHITE: "Use --background white; redo a photo whose background is not white.",
    Measure.ALPHA: "Export it for this channel.",
    Measure.RATIO: "Export it, which makes it square.",
    Measure.QUALITY: "Export it from the original picture.",
    Measure.COLOUR: "Export it from the original picture, which gives sRGB.",
    Measure.FORMAT: "Export it, which converts it.",
    Measure.SUFFIX: "Rename the file, or export it again.",
    Measure.COUNT: "Choose other angles.",
    Measure.ORIGIN: "Use it as a further picture, or upload a photograph there.",
    Measure.TAG: "Export it, which states the source type.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one rule says about one picture; ``picture`` is "" for a rule about all of them.

    ``problem`` says why a picture cannot be measured at all.
    """

    picture: str
    rule: Rule
    value: float | str | None
    is_met: bool
    problem: str = ""

    @property
    def is_failure(self) -> bool:
        """Whether the picture breaks a rule that is more than advice."""
        return not self.is_met and not self.rule.is_advice

    @property
    def text(self) -> str:
        """The measured value beside what is asked for."""
        return text_of([self])

    @property
    def advice(self) -> str:
        """What to do about it; "" when the rule is met."""
        if self.problem:
            return "Export it again."
        if self.is_met:
            return ""
        if self.rule.measure is Measure.COUNT and self.rule.values:
            return f"Render a spin with --spin {_choice(self.rule.values)}."
        return _ADVICE[self.rule.measure]

    def record(self) -> dict[str, object]:
        """For JSON."""
        return {
            "picture": self.picture,
            "rule": self.rule.measure.value,
            "value": self.value,
            "wanted": wanted(self.rule),
            "met": self.is_met,
            "advice": self.rule.is_advice,
            "source": self.rule.source,
            "read": self.rule.read,
            "problem": self.problem,
        }


def findings_of(
    channel: Channel, pictures: Mapping[str, Measured], close_ups: Collection[str] = ()
) -> list[Finding]:
    """What every rule says about every picture, by name; the rules about all of them come last.

    ``close_ups``: the pictures that do not show the whole product.
    """
    found: list[Finding] = []
    for name, picture in pictures.items():
        found += _about_one(channel, name, picture, is_close_up=name in close_ups)
    found += number_of(channel, len(pictures))
    for rule in channel.rules:
        if rule.is_for_one:
            found.append(_best(rule, [picture.values.get(rule.measure) for picture in pictures.values()]))
    return found


def number_of(channel: Channel, count: int) -> list[Finding]:
    """What a channel says about the number of pictures; empty without such a rule."""
    return [_finding("", rule, count) for rule in channel.rules if rule.measure is Measure.COUNT]


def _about_one(channel: Channel, name: str, picture: Measured, *, is_close_up: bool) -> list[Finding]:
    if picture.problem:
        rule = next(rule for rule in channel.rules if rule.measure is Measure.FORMAT)
        return [Finding(picture=name, rule=rule, value=None, is_met=False, problem=picture.problem)]
    return [
        _finding(name, rule, picture.values.get(rule.measure))
        for rule in channel.rules
        if rule.measure is not Measure.COUNT
        and not rule.is_for_one
        and not (is_close_up and rule.measure in _WHOLE_PRODUCT)
    ]


def text_of(findings: Sequence[Finding]) -> str:
    """What one rule has measured on several pictures, as a range where it differs, beside what is asked for."""
    rule, problem = findings[0].rule, findings[0].problem
    if problem:
        return problem
    values = [one.value for one in findings]
    numbers = sorted({value for value in values if isinstance(value, int | float)})
    if len(numbers) > 1 and len(numbers) == len(set(values)):
        shown = f"{numbers[0]:g} to {_shown(numbers[-1], rule.measure)}"
    else:
        shown = " or ".join(dict.fromkeys(_shown(value, rule.measure) for value in values))
    return f"{rule.measure}: {shown}, {wanted(rule)}"


def _choice(names: Sequence[str]) -> str:
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def wanted(rule: Rule) -> str:
    """What a rule asks for, in words."""
    unit = f" {_UNITS[rule.measure]}" if rule.measure in _UNITS else ""
    verb = "should be " if rule.is_advice else "must be "
    if rule.values:
        return f"{verb}{_choice(rule.values)}"
    if rule.low is not None and rule.high is not None:
        return f"{verb}{rule.low:g} to {rule.high:g}{unit}"
    if rule.low is not None:
        return f"{verb}at least {rule.low:g}{unit}"
    return f"{verb}at most {rule.high or 0:g}{unit}"


def _finding(name: str, rule: Rule, value: float | str | None) -> Finding:
    return Finding(picture=name, rule=rule, value=value, is_met=_meets(rule, value))


def _best(rule: Rule, values: Sequence[float | str | None]) -> Finding:
    numbers = [value for value in values if isinstance(value, int | float)]
    return _finding("", rule, max(numbers, default=None))


def _meets(rule: Rule, value: float | str | None) -> bool:
    """A value that could not be measured meets a rule only where the rule does not apply: the quality of a PNG."""
    if value is None:
        return rule.measure is Measure.QUALITY
    if rule.values:
        return _name_of(value) in rule.values
    number = float(value)
    return (rule.low is None or number >= rule.low) and (rule.high is None or number <= rule.high)


def _name_of(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _shown(value: float | str | None, measure: Measure) -> str:
    if value is None:
        return "not measurable"
    if isinstance(value, str):
        return value
    return f"{value:g}{f' {_UNITS[measure]}' if measure in _UNITS else ''}"
