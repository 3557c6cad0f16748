# SPDX-License-Identifier: GPL-3.0-or-later
"""``check --channel``: what the rules of channels say about pictures that exist."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..catalogue.glance import is_catalogue
from ..channels.checking import Finding
from ..channels.folder_check import check_channel, check_in_catalogue
from ..channels.rules import CHANNELS
from ..channels.summary import by_rule, sentence, which
from ..messages.errors import InputError
from .channel_sources import Source, channels_of, sources_in


@dataclass(frozen=True, slots=True)
class ChannelCheck:
    """``found``: channel, SKU and finding, for every rule and picture. ``problems``: products without pictures."""

    found: Sequence[tuple[str, str, Finding]]
    problems: Sequence[str]

    @property
    def has_failed(self) -> bool:
        """Whether a required rule is not met, or a product has no pictures."""
        return bool(self.problems) or any(one.is_failure for _channel, _sku, one in self.found)

    def table(self) -> str:
        """What is not met, with its number and what to do; and how many rules were checked."""
        sets: dict[tuple[str, str], list[Finding]] = {}
        for channel, sku, one in self.found:
            sets.setdefault((channel, sku), []).append(one)
        lines = [line for (channel, sku), found in sets.items() for line in _lines(channel, sku, found)]
        failures = sum(one.is_failure for _channel, _sku, one in self.found)
        return "\n".join([*lines, f"{len(self.found)} rules checked, {failures} not met."])


def _lines(channel: str, sku: str, found: Sequence[Finding]) -> list[str]:
    """A line for each rule that is not met, with the pictures it is about."""
    of = len({one.picture for one in found if one.picture})
    lines = []
    for group in by_rule(found):
        kind = "advice" if group[0].rule.is_advice else "NOT MET"
        place = group[0].picture or sku
        if len(group) > 1:
            names = [one.picture.removeprefix(f"{sku}, ") for one in group]
            place = f"{sku}, {which(names, of, CHANNELS[channel])}"
        lines.append(f"{channel}  {place}  {kind}  {sentence(group)}")
    return lines


def check_channels(folder: Path, text: str) -> ChannelCheck:
    """Check a set, a catalogue or a folder of pictures. Raises InputError when it has no pictures at all."""
    is_many = is_catalogue(folder)
    is_plain = not is_many and not (folder / "set.json").is_file()
    sources = [Source(folder, folder.name)] if is_plain else sources_in(folder)
    found: list[tuple[str, str, Finding]] = []
    problems: list[str] = []
    for name, of_channel in channels_of(sources, text).items():
        for source in of_channel:
            try:
                if is_many or source.variant:
                    of_one = check_in_catalogue(folder, source.folder, source.sku, CHANNELS[name])
                else:
                    of_one = check_channel(source.folder, CHANNELS[name])
            except InputError as error:
                if not is_many and not source.variant:
                    raise
                problems.append(f"{name}, {source.sku}: {error}")
            else:
                found += [(name, source.sku, one) for one in of_one]
    return ChannelCheck(found, problems)
