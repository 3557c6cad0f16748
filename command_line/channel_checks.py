# SPDX-License-Identifier: GPL-3.0-or-later
"""``check --channel``: what the rules of channels say about pictures that exist."""

from collections.abc import Sequence
from pathlib import Path

from ..channels.checking import Finding
from ..channels.folder_check import check_channel
from ..channels.rules import CHANNELS
from ..messages.errors import InputError
from .catalogue_plans import is_catalogue
from .channel_sources import Source, channels_of, sources_in


def check_channels(folder: Path, text: str) -> list[tuple[str, str, Finding]]:
    """Channel, SKU and finding, for every rule and picture. Raises InputError."""
    is_plain = not is_catalogue(folder) and not (folder / "set.json").is_file()
    sources = [Source(folder, folder.name)] if is_plain else sources_in(folder)
    found: list[tuple[str, str, Finding]] = []
    for name, of_channel in channels_of(sources, text).items():
        for source in of_channel:
            try:
                found += [(name, source.sku, one) for one in check_channel(source.folder, CHANNELS[name])]
            except InputError:
                if len(sources) == 1:
                    raise
    return found


def channel_table(found: Sequence[tuple[str, str, Finding]]) -> str:
    """What is not met, with its number and what to do; and how many rules were checked."""
    lines = []
    for channel, sku, one in found:
        if not one.is_met:
            kind = "advice" if one.rule.is_advice else "NOT MET"
            lines.append(f"{channel}  {one.picture or sku}  {kind}  {one.text}. {one.advice}")
    failures = sum(one.is_failure for _channel, _sku, one in found)
    lines.append(f"{len(found)} rules checked, {failures} not met.")
    return "\n".join(lines)
