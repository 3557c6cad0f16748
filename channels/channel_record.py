# SPDX-License-Identifier: GPL-3.0-or-later
"""What an export has found, as ``set.json`` keeps it for the page of the set."""

from collections.abc import Iterable

from ..imaging.review_part import photos_id
from ..photo_set.folder import SetFolder
from ..photo_set.set_json_channels import ChannelRecord
from .exporting import SetExport
from .rules import Channel

MAX_TEXTS = 20  # Of each kind: the page is for people.


def keep_channel(folder: SetFolder, channel: Channel, export: SetExport) -> None:
    """Record what an export of a set has found, and write its page, if that has changed. Raises OSError."""
    entry = _record(folder, channel, export)
    known = folder.record.get("channels", [])
    if entry in known:
        return
    others = [one for one in known if one["name"] != channel.name]
    with folder.change() as record:
        record["channels"] = sorted([*others, entry], key=lambda one: one["name"])
    folder.write_page()


def _record(folder: SetFolder, channel: Channel, export: SetExport) -> ChannelRecord:
    found = [*(one for file in export.files for one in file.findings), *export.about_all]
    return {
        "name": channel.name,
        "title": channel.title,
        "photos": photos_id(folder.record),
        "exported": len(export.files),
        "rules": len(found),
        "met": sum(one.is_met for one in found),
        "unmet": _some(one.text for one in found if one.is_failure),
        "advice": _some(one.text for one in found if not one.is_met and not one.is_failure),
        "problems": _some(export.problems),
    }


def _some(texts: Iterable[str]) -> list[str]:
    """Each once, and no more than people read."""
    every = list(dict.fromkeys(texts))
    more = [f"and {len(every) - MAX_TEXTS} more"] if len(every) > MAX_TEXTS else []
    return [*every[:MAX_TEXTS], *more]
