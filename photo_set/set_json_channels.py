# SPDX-License-Identifier: GPL-3.0-or-later
"""The records of ``set.json`` about what was exported for shops."""

from typing import Annotated, Required, TypedDict

from .set_json_values import COUNT, LABELS, TEXT


class ChannelRecord(TypedDict, total=False):
    """What the last export for a channel has found."""

    name: Required[Annotated[str, TEXT, "the channel"]]
    title: Annotated[str, TEXT, "its name for people"]
    photos: Annotated[str, TEXT, "identity of the photos that the set showed then"]
    exported: Annotated[int, COUNT, "number of pictures that were exported"]
    rules: Annotated[int, COUNT, "number of rules that were measured, for all pictures together"]
    met: Annotated[int, COUNT, "how many of them are met"]
    unmet: Annotated[list[str], LABELS, "required rules that are not met, with the measured values"]
    advice: Annotated[list[str], LABELS, "recommendations that are not met, with the measured values"]
    problems: Annotated[list[str], LABELS, "what was not exported, and why"]
