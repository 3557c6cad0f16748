# SPDX-License-Identifier: GPL-3.0-or-later
"""Arguments that commands share, and what they accept."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from ..fal_bridge.endpoints.choosing import (
    DEFAULT_PHOTO_ENDPOINT,
    DEFAULT_UPSCALE_ENDPOINT,
    DEFAULT_VIDEO_ENDPOINT,
)
from ..fal_bridge.jobs import Kind
from ..files.values import Rule, money, number, read_number, read_whole, shown
from ..imaging.choices import Background, Pass, Preview
from ..messages.errors import InputError
from ..optics.angles import ANGLES, CAMERAS, F_STOP, LENS, LENS_MM, turn
from ..optics.rig_choice import INTENSITY, RIG_NAMES, SOFTBOX
from ..optics.sizes import DEFAULT_SIZE, SIDE, Size, parse_size
from ..photo_set.choices import DEVICES, FINAL, LANCZOS, QUALITY_NAMES, VIDEO_CHOICES, Engine
from ..photo_set.plan_values import (
    ENDPOINT,
    INLINE_KB,
    OPTION_NAME,
    OPTION_VALUE,
    PROMPT,
    SAMPLES,
    SECONDS,
    SEED,
    UPSCALE_ENDPOINT,
    VARIANT,
    WEBHOOK,
)
from ..photo_set.prompts import LOOKS, MOTIONS, TURNTABLE, USUAL_LOOK

T = TypeVar("T")

Commands = argparse._SubParsersAction  # What every command adds its parser to; argparse has no public name.

DAY_VARIABLE = "PHOTOREAL_MAX_COST_PER_DAY"
LIMIT = number(1e-6, 1e6)  # Of minutes and gigabytes.


def add_product(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source",
        nargs="*",
        metavar="SOURCE",
        help=".glb, .gltf or .blend, or 1-4 photos or https:// addresses",
    )
    parser.add_argument("--text", default="", help="words for the product, instead of files")
    parser.add_argument(
        "--variant",
        type=argument(VARIANT),
        default="",
        metavar="NAME",
        help="which materials, where the 3D file has several",
    )
    add_external_data(parser)
    add_pictures(parser)


def add_external_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--external-data",
        action="append",
        default=[],
        type=argument(_folder),
        metavar="DIR",
        help="another folder from which a .blend may read textures and linked libraries; may be given several times",
    )


def add_pictures(parser: argparse.ArgumentParser) -> None:
    """Who makes what, and how, whatever the product is."""
    parser.add_argument("--engine", choices=[engine.value for engine in Engine], help="who makes the photos")
    parser.add_argument("--video", choices=VIDEO_CHOICES, help="who makes the film (as --engine)")
    parser.add_argument(
        "--model-endpoint",
        type=argument(ENDPOINT),
        default="",
        metavar="ID",
        help="fal endpoint for the 3D model",
    )
    parser.add_argument(
        "--concept-endpoint",
        type=argument(ENDPOINT),
        default="",
        metavar="ID",
        help="with --text: draw a picture first, model that",
    )
    parser.add_argument(
        "--photo-endpoint", type=argument(ENDPOINT), default=DEFAULT_PHOTO_ENDPOINT, metavar="ID"
    )
    parser.add_argument(
        "--video-endpoint", type=argument(ENDPOINT), default=DEFAULT_VIDEO_ENDPOINT, metavar="ID"
    )
    for kind in Kind:
        parser.add_argument(
            f"--{kind}-option",
            action="append",
            default=[],
            type=argument(_named_value),
            metavar="NAME=VALUE",
            help=f"an input of the {kind} endpoint's own",
        )
    parser.add_argument(
        "--loop", action="store_true", help="fal: the film ends on the picture it starts from"
    )
    parser.add_argument(
        "--with-hero",
        action="store_true",
        help="fal: show the first photo to the photo model with every other angle",
    )
    parser.add_argument("--look", choices=list(LOOKS), default=USUAL_LOOK, help="how fal shows the product")
    parser.add_argument("--seconds", type=argument(SECONDS, read_whole), metavar="N", help="of a film by fal")
    parser.add_argument(
        "--photo-size",
        type=argument(SIDE, read_whole),
        metavar="N",
        help="fal: enlarge photos to N pixels of the longer side",
    )
    parser.add_argument(
        "--upscale-endpoint",
        type=argument(UPSCALE_ENDPOINT),
        default=DEFAULT_UPSCALE_ENDPOINT,
        metavar="ID",
        help=f"what enlarges them; {LANCZOS} is free",
    )
    parser.add_argument(
        "--prompt",
        type=argument(PROMPT),
        default="",
        metavar="TEXT",
        help="your own words for photos and film",
    )
    parser.add_argument(
        "--seed", type=argument(SEED, read_whole), metavar="N", help="a fixed start of the image models"
    )
    parser.add_argument(
        "--data-uri-kb",
        type=argument(INLINE_KB, read_whole),
        default=0,
        metavar="N",
        help="send files up to N KB inside the request instead of uploading them",
    )
    parser.add_argument(
        "--keep-uploads", action="store_true", help="let fal.ai keep your pictures for more than a day"
    )
    parser.add_argument(
        "--webhook",
        type=argument(WEBHOOK),
        default="",
        metavar="URL",
        help="fal.ai tells this address of each result",
    )


def add_ceilings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--max-cost", type=argument(money), metavar="USD", help="the most that this run may spend"
    )
    parser.add_argument(
        "--max-cost-per-day",
        type=argument(money),
        metavar="USD",
        help=f"the most that all runs of a day (UTC) may spend; default: {DAY_VARIABLE}",
    )
    parser.add_argument(
        "--allow-unknown-price",
        action="store_true",
        help="with --max-cost: send also what has no known price",
    )


def add_studio(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--angles",
        default=",".join(ANGLES),
        metavar="A,B",
        help=f"from {', '.join(ANGLES)}; or a JSON file of your own; or {CAMERAS}: those of the 3D file",
    )
    parser.add_argument(
        "--lens",
        type=argument(LENS, _millimetres),
        default=LENS_MM,
        metavar="MM",
        help=f"focal length, full-frame equivalent ({LENS_MM:g}): shorter shows more perspective",
    )
    parser.add_argument(
        "--resolution",
        type=resolution,
        default=DEFAULT_SIZE,
        metavar="N|WxH",
        help="pixels: of a side of a square, or width and height",
    )
    parser.add_argument(
        "--samples",
        type=argument(SAMPLES, read_whole),
        metavar="N",
        help="of Cycles; chosen for quality when left out",
    )
    parser.add_argument("--device", choices=DEVICES, default="auto")
    parser.add_argument("--background", choices=[item.value for item in Background], default="white")
    parser.add_argument(
        "--rig",
        default=SOFTBOX,
        metavar="NAME|FILE",
        help=f"{', '.join(RIG_NAMES)}, or an .hdr or .exr panorama",
    )
    parser.add_argument(
        "--rig-rotation",
        type=argument(turn, read_number),
        default=0.0,
        metavar="DEGREES",
        help="turn the lights counter-clockwise seen from above",
    )
    parser.add_argument(
        "--rig-intensity",
        type=argument(INTENSITY, read_number),
        default=1.0,
        metavar="FACTOR",
        help="1 is the right exposure",
    )
    parser.add_argument("--quality", choices=QUALITY_NAMES, default=FINAL, help="of photos by Cycles")
    parser.add_argument(
        "--f-stop",
        type=argument(F_STOP, read_number),
        metavar="N",
        help="photos by Cycles: blur what is out of focus, as at f/N",
    )
    parser.add_argument(
        "--passes",
        type=argument(_passes),
        default=(),
        metavar="depth,normal",
        help="beside every reference: how far its surface is, and which way it faces",
    )
    parser.add_argument("--film-look", action="store_true", help="photos by Cycles: gentle curve and grain")
    parser.add_argument("--motion", choices=list(MOTIONS), default=TURNTABLE, help="what happens in the film")
    parser.add_argument(
        "--preview",
        choices=[item.value for item in Preview],
        help="a moving picture beside the film by Cycles",
    )


def add_service(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--fal-url", type=argument(_address), metavar="URL", help="an emulator of fal on this machine"
    )
    parser.add_argument(
        "--online-mode", action="store_true", help="let fal be used in a Blender with Online Access off"
    )


def add_talk(parser: argparse.ArgumentParser) -> None:
    talk = parser.add_mutually_exclusive_group()
    talk.add_argument("--json", action="store_true", help="one JSON object a line")
    talk.add_argument("--quiet", action="store_true", help="only warnings and the end")
    parser.set_defaults(needs_reporter=True)


def add_rows(parser: argparse.ArgumentParser) -> None:
    """Which part of a catalogue one process makes, and within which limits."""
    rows = parser.add_argument_group("catalogues, and tasks of a farm")
    rows.add_argument("--rows", default="", metavar="1-20,33", help="only these rows, counted from 1")
    rows.add_argument(
        "--shard", default="", metavar="I/N", help="only the I-th of N parts; auto/N: as the array job says"
    )
    rows.add_argument(
        "--stage",
        choices=["render", "cloud", "all"],
        default="all",
        help="render needs no key, cloud no Blender",
    )
    rows.add_argument("--sha256", default="", metavar="HASH", help="of the lock that the task was made for")
    rows.add_argument(
        "--as-task",
        action="store_true",
        help="end with 0 when failures are recorded: `report` gives the verdict on the whole",
    )
    rows.add_argument(
        "--picture-minutes",
        type=argument(LIMIT, read_number),
        metavar="N",
        help="end a Blender without a new picture for so long (30)",
    )
    rows.add_argument(
        "--memory-gb",
        type=argument(LIMIT, read_number),
        metavar="N",
        help="end a Blender that takes more (three quarters of the memory)",
    )
    rows.add_argument(
        "--retry-crashed", action="store_true", help="try again what has crashed a Blender of its own"
    )


def refuse_rows(options: argparse.Namespace) -> None:
    """Raises InputError when one of the arguments of ``add_rows`` is given: there is only one set."""
    parser = argparse.ArgumentParser()
    add_rows(parser)
    for name, usual in vars(parser.parse_args([])).items():
        if getattr(options, name) != usual:
            raise InputError(
                f"--{name.replace('_', '-')} is for catalogues, and this is the folder of one set.",
                hint="Leave it out.",
            )


def argument(rule: Rule[T], read: Callable[[str], Any] = str) -> Callable[[str], T]:
    """An argparse type for what ``rule`` takes; ``read`` makes a number of the text, or leaves it for the rule."""

    def convert(words: str) -> T:
        try:
            return rule(read(words))
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{shown(words)} {error}") from error

    return convert


def _named_value(words: Any) -> tuple[str, str]:
    name, equals, value = words.partition("=")
    if not name or not equals:
        raise ValueError("is not NAME=VALUE")
    return OPTION_NAME(name), OPTION_VALUE(value)


def _passes(words: Any) -> tuple[Pass, ...]:
    names = [name.strip() for name in words.split(",")]
    if unknown := [name for name in names if name not in set(Pass)]:
        raise ValueError(f"has {shown(unknown[0])}, which is not one of {', '.join(Pass)}")
    if repeated := next((name for name in names if names.count(name) > 1), None):
        raise ValueError(f"names {shown(repeated)} twice")
    return tuple(kind for kind in Pass if kind in names)


def _address(words: Any) -> str:
    """An empty one comes from a script's unset variable, and would quietly mean the real, paid fal.ai."""
    if not words.strip():
        raise ValueError("is empty")
    return str(words)


def _millimetres(words: str) -> float | str:
    return read_number(words.strip().lower().removesuffix("mm"))


def _folder(words: Any) -> Path:
    """An existing folder, absolute."""
    path = Path(words).absolute()
    if not words.strip() or not path.is_dir():
        raise ValueError("is not a folder")
    return path


def resolution(words: str) -> Size:
    try:
        return parse_size(words)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error).rstrip(".")) from error
