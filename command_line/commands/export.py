# SPDX-License-Identifier: GPL-3.0-or-later
"""``export``: write pictures as a shop or marketplace wants them, or the 3D model."""

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ...channels import model_folder
from ...channels.channel_record import keep_channel
from ...channels.exporting import FORMATS, ChannelFolder, ExportPlan, check_template
from ...channels.pictures import Wishes
from ...channels.rules import CHANNELS
from ...channels.tables import AKENEO, SHOPIFY, write_tables
from ...files.invisible import trimmed
from ...files.values import read_whole
from ...imaging.origin_part import is_emulated
from ...messages import events
from ...messages.counts import count_of
from ...messages.errors import FieldError, InputError, PhotorealError
from ...messages.progress import PlainReporter
from ...optics.sizes import SIDE
from ...photo_set.folder import SetFolder
from ..argument_types import argument, megabytes, place
from ..channel_sources import Source, channels_of, sources_in
from ..exported_models import export_models
from ..option_values import Command, Context
from ..signing import add_signing
from ..visible_runs import working_in
from ..zipping import require_own_zip, update_zip, write_zip

_FOR_PICTURES = {
    "channel": "",
    "angle": "",
    "size": None,
    "base_url": "",
    "accepted_only": False,
    "include_unchecked": False,
}
_FOR_MODELS = {"max_size": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions:
    folder: Path
    channel: str
    angle: str
    format: str | None
    size: int | None
    name: str
    base_url: str
    accepted_only: bool
    include_unchecked: bool
    max_size: float | None
    zip: bool
    json: bool


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=place, metavar="DIR", help="the folder of the set or the catalogue")
    parser.add_argument(
        "--channel",
        default="",
        metavar="A,B",
        help=f"some of {', '.join(CHANNELS)}; in a catalogue, the column spec by default",
    )
    parser.add_argument(
        "--angle", type=trimmed, default="", help="the angle of the main picture (default: three-quarter)"
    )
    _add_form(parser)
    parser.add_argument("--accepted-only", action="store_true", help="only photos that a review has accepted")
    parser.add_argument(
        "--include-unchecked",
        action="store_true",
        help="also photos by fal.ai that were not compared with their renders",
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    add_signing(parser)
    parser.set_defaults(command=Command(ExportOptions, run))


def _add_form(parser: argparse.ArgumentParser) -> None:
    """What the files are like."""
    parser.add_argument(
        "--format",
        choices=[*FORMATS, *model_folder.FORMATS],
        help="the file format (default: that of the channel); glb and usdz are for the 3D model instead of pictures",
    )
    parser.add_argument(
        "--max-size",
        type=megabytes,
        metavar="MB",
        help="at most this many megabytes for a 3D model, such as 5MB: its textures are made smaller",
    )
    parser.add_argument(
        "--size",
        type=argument(SIDE, read_whole),
        metavar="N",
        help="at most N pixels on the longer side",
    )
    parser.add_argument(
        "--name",
        type=trimmed,
        default="",
        metavar="TEMPLATE",
        help="template for the names of files, such as {sku}_{angle}_{width}.jpg",
    )
    parser.add_argument(
        "--base-url",
        type=trimmed,
        default="",
        metavar="URL",
        help="where the files will be on the web, for Shopify's list",
    )
    parser.add_argument("--zip", action="store_true", help="also write one ZIP file for each channel")


def run(options: ExportOptions, context: Context) -> int:
    """Exit code 2 when something was not exported."""
    refuse_unused(options)
    if options.format in model_folder.FORMATS:
        return export_models(options, context)
    if options.name:
        check_template(options.name)
    if options.base_url:
        _check_base_url(options.base_url)
    sources = sources_in(options.folder)
    wanted = channels_of(sources, options.channel)
    if options.zip:
        for name in wanted:
            require_own_zip(options.folder / "export" / name)
    problems: list[str] = []
    report: dict[str, object] = {}
    folders = {name: ChannelFolder(options.folder / "export" / name, _plan(options, name)) for name in wanted}
    for name, folder in folders.items():
        report[name] = _export(folder, wanted[name], options, context)
        problems += [f"{name}: {problem}" for problem in folder.problems]
    if options.json:
        print(json.dumps({"channels": report, "problems": problems}), file=context.output)
        return PhotorealError.exit_code if problems else 0
    for problem in problems:
        print(problem, file=context.output)
    return PhotorealError.exit_code if problems else 0


def _check_base_url(url: str) -> None:
    """Raises FieldError for what is not the address of a folder on the web."""
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise FieldError(
            "base_url",
            f"{url!r} is not the address of a folder on the web.",
            hint="Write for example https://shop.example/pictures.",
        )


def refuse_unused(options: ExportOptions) -> None:
    """Raises InputError for an option that the format does not have."""
    is_model = options.format in model_folder.FORMATS
    for name, usual in (_FOR_PICTURES if is_model else _FOR_MODELS).items():
        if getattr(options, name) != usual:
            what = f"3D models ({options.format})" if is_model else "pictures"
            raise FieldError(name, f"It has no effect on {what}.", hint="Leave it out.")


def _plan(options: ExportOptions, channel: str) -> ExportPlan:
    return ExportPlan(
        channel=CHANNELS[channel],
        wishes=Wishes(
            angle=options.angle,
            accepted_only=options.accepted_only,
            include_unchecked=options.include_unchecked,
        ),
        kind=FORMATS[options.format] if options.format else None,
        side=options.size,
        template=options.name,
    )


def _export(
    folder: ChannelFolder, sources: list[Source], options: ExportOptions, context: Context
) -> dict[str, object]:
    _add(folder, sources)
    removed = folder.finish()
    write_tables(folder.root, folder.files, base_url=options.base_url)
    names = [file.name for file in folder.files]
    store = write_zip if options.zip else update_zip
    zipped = store(folder.root, [*names, SHOPIFY, AKENEO] if names else [])
    new = sum(file.is_new for file in folder.files)
    unmet = sorted({item.text for file in folder.files for item in file.findings if item.is_failure})
    if not options.json:
        print(
            f"{folder.root.absolute()}: {count_of(len(folder.files), 'picture')}, {new} written, {len(removed)} removed",
            file=context.output,
        )
        if zipped:
            print(f"  ZIP file: {zipped.absolute()}", file=context.output)
        for text in unmet:
            print(f"  An export cannot meet this rule: {text}.", file=context.output)
    return {**_report(folder, removed, unmet), "zip": str(zipped) if zipped else None}


def _report(folder: ChannelFolder, removed: list[str], unmet: list[str]) -> dict[str, object]:
    return {
        "folder": str(folder.root),
        "files": [
            {
                "file": file.name,
                "sku": file.sku,
                "angle": file.angle,
                "new": file.is_new,
                "rules": [item.record() for item in file.findings],
            }
            for file in folder.files
        ],
        "removed": removed,
        "meets_all_rules": not unmet and not folder.problems,
    }


def _add(folder: ChannelFolder, sources: list[Source]) -> None:
    """Export the pictures of all sets. Raises InputError when the only one cannot be read."""
    channel, reporter = CHANNELS[folder.root.name], PlainReporter(sys.stderr)
    for one in sources:
        try:
            with working_in(one.folder, reporter):
                opened = SetFolder.open(one.folder)
                if is_emulated(opened.record):
                    text = "made with an emulator of fal.ai: for testing only, not for publication."
                    reporter.tell(events.Warning(text=f"{one.sku}: {text}"))
                made = folder.add(opened, one.sku, variant=one.variant, product_sku=one.product_sku)
                keep_channel(opened, channel, made)
        except InputError as error:
            if len(sources) == 1:
                raise
            folder.problems.append(f"{one.sku}: not exported. {error}")
            folder.keep_earlier(one.sku)
