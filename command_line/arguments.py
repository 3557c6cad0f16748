# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups of arguments that commands share. ``options`` has the dataclasses that they are read into."""

import argparse

from ..fal_bridge.endpoints.choosing import (
    DEFAULT_PHOTO_ENDPOINT,
    DEFAULT_UPSCALE_ENDPOINT,
    DEFAULT_VIDEO_ENDPOINT,
)
from ..fal_bridge.jobs import Kind
from ..files.invisible import trimmed
from ..files.values import money, number, read_number, read_whole
from ..gltf.choices import REST, START, Surrounding, surroundings
from ..imaging.choices import Background, Guide, Preview
from ..optics.angles import ANGLES, CAMERAS, F_STOP, LENS, LENS_MM, turn
from ..optics.rig_choice import INTENSITY, RIG_NAMES, SOFTBOX
from ..optics.sizes import DEFAULT_SIZE, SIDE
from ..photo_set.choices import (
    AUTO_DEVICE,
    DEVICES,
    FINAL,
    LANCZOS,
    QUALITY_NAMES,
    VIDEO_CHOICES,
    Engine,
)
from ..photo_set.plan_values import (
    ENDPOINT,
    POSE,
    PROMPT,
    SAMPLES,
    SECONDS,
    SEED,
    UPSCALE_ENDPOINT,
)
from ..photo_set.prompts import DEFAULT_LOOK, LOOKS, MOTIONS, TURNTABLE
from .argument_types import address, argument, folder, millimetres, name, named_value, passes, resolution
from .fal_file_arguments import add_fal_files
from .fidelity_arguments import add_fidelity
from .option_values import RowOptions
from .spin_arguments import add_spin
from .variant_arguments import add_variants

DAY_VARIABLE = "PHOTOREAL_MAX_COST_PER_DAY"
STAGES = ("render", "cloud", "all")
LIMIT = number(1e-6, 1e6)  # Of minutes and gigabytes.

# Members of a plan whose option has another name; the others differ only in dashes.
_OPTIONS = {"lens_mm": "--lens", "inline_bytes": "--data-uri-kb"}


def option_of(field: str) -> str:
    """The option for a member of a plan, or for another field that an error names."""
    return _OPTIONS.get(field) or f"--{field.replace('_', '-')}"


def add_product(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source",
        nargs="*",
        type=argument(name),
        metavar="SOURCE",
        help="a .glb, .gltf or .blend file, or 1-4 photos (files or https:// addresses)",
    )
    parser.add_argument("--text", default="", help="describe the product instead of giving files")
    add_variants(parser)


def add_external_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--external-data",
        action="append",
        default=[],
        type=argument(folder),
        metavar="DIR",
        help="another folder that a .blend file may read textures and linked libraries from; can be repeated",
    )


def add_pictures(parser: argparse.ArgumentParser) -> None:
    """Who makes photos and video, and how, whatever the product is."""
    parser.add_argument(
        "--engine",
        choices=[engine.value for engine in Engine],
        help="who makes the photos (default: fal if a key is set, otherwise cycles)",
    )
    parser.add_argument(
        "--video", choices=VIDEO_CHOICES, help="who makes the video (default: same as --engine)"
    )
    _add_endpoints(parser)
    _add_fal_photos(parser)
    add_fidelity(parser)
    _add_fal_video(parser)
    add_fal_files(parser)


def _add_endpoints(parser: argparse.ArgumentParser) -> None:
    endpoints = {
        Kind.MODEL: ("", "for the 3D model"),
        Kind.CONCEPT: ("", "with --text: draws a picture first, which the 3D model is made from"),
        Kind.PHOTO: (DEFAULT_PHOTO_ENDPOINT, "for photos"),
        Kind.VIDEO: (DEFAULT_VIDEO_ENDPOINT, "for the video"),
    }
    for kind, (default, what) in endpoints.items():
        parser.add_argument(
            f"--{kind}-endpoint",
            type=argument(ENDPOINT),
            default=default,
            metavar="ID",
            help=f"fal.ai endpoint {what}",
        )
    parser.add_argument(
        "--upscale-endpoint",
        type=argument(UPSCALE_ENDPOINT),
        default=DEFAULT_UPSCALE_ENDPOINT,
        metavar="ID",
        help=f"fal.ai endpoint that enlarges photos; {LANCZOS} is free",
    )
    for kind in Kind:
        parser.add_argument(
            f"--{kind}-option",
            action="append",
            default=[],
            type=argument(named_value),
            metavar="NAME=VALUE",
            help=f"an input of the {kind} endpoint that has no option here; can be repeated",
        )


def _add_fal_photos(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--with-hero",
        action="store_true",
        help="fal.ai: also show the first photo to the photo model for every other angle",
    )
    parser.add_argument(
        "--guide",
        choices=[guide.value for guide in Guide],
        help="fal.ai: guide the photo model with the exact depth or edges of every reference",
    )
    parser.add_argument(
        "--with-mask",
        action="store_true",
        help="fal.ai: send a mask, so that only the product changes in photos",
    )
    parser.add_argument(
        "--look", choices=list(LOOKS), default=DEFAULT_LOOK, help="fal.ai: how the product is shown"
    )
    parser.add_argument(
        "--photo-size",
        type=argument(SIDE, read_whole),
        metavar="N",
        help="fal.ai: enlarge photos to N pixels on the longer side",
    )
    parser.add_argument(
        "--prompt",
        type=argument(PROMPT),
        default="",
        metavar="TEXT",
        help="fal.ai: text added to the prompts for photos and video",
    )
    parser.add_argument(
        "--seed", type=argument(SEED, read_whole), metavar="N", help="fal.ai: fixed seed of the image models"
    )


def _add_fal_video(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--seconds",
        type=argument(SECONDS, read_whole),
        metavar="N",
        help="length of the video (default: 5 by Cycles; by fal.ai, chosen by the look)",
    )
    parser.add_argument(
        "--loop", action="store_true", help="fal.ai: the video ends with the picture that it starts with"
    )


def add_ceilings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--max-cost", type=argument(money), metavar="USD", help="maximum that this run may spend"
    )
    parser.add_argument(
        "--max-cost-per-day",
        type=argument(money),
        metavar="USD",
        help=f"maximum that all runs of one day (UTC) may spend (default: {DAY_VARIABLE})",
    )
    parser.add_argument(
        "--allow-unknown-price",
        action="store_true",
        help="with --max-cost: also send requests of unknown price",
    )


def add_studio(parser: argparse.ArgumentParser) -> None:
    """How Cycles renders references, photos and video."""
    _add_model(parser)
    _add_camera(parser)
    _add_light(parser)
    _add_rendering(parser)
    parser.add_argument(
        "--motion", choices=list(MOTIONS), default=TURNTABLE, help="what happens in the video"
    )
    parser.add_argument(
        "--preview",
        choices=[item.value for item in Preview],
        help="also make a small animation of the video by Cycles",
    )
    add_spin(parser)


def _add_model(parser: argparse.ArgumentParser) -> None:
    """How the 3D model becomes the product."""
    parser.add_argument(
        "--pose",
        type=argument(POSE),
        default=REST,
        metavar=f"{REST}|{START}|SECONDS",
        help=f"of a glTF file with animations: {REST}, as its nodes say (default); or its first animation at its {START}, "
        "or after SECONDS",
    )
    parser.add_argument(
        "--without",
        type=argument(surroundings),
        default=(),
        metavar="A,B",
        help=f"leave out what came with the 3D model: some of {', '.join(Surrounding)}",
    )


def _add_camera(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--angles",
        type=trimmed,
        default=",".join(ANGLES),
        metavar="A,B",
        help=f"some of {', '.join(ANGLES)}; or a JSON file with angles; or {CAMERAS}: the cameras of the 3D file",
    )
    parser.add_argument(
        "--lens",
        type=argument(LENS, millimetres),
        default=LENS_MM,
        metavar="MM",
        help=f"focal length, full-frame equivalent (default: {LENS_MM:g}); shorter shows more perspective",
    )
    parser.add_argument(
        "--resolution",
        type=resolution,
        default=DEFAULT_SIZE,
        metavar="N|WxH",
        help="pixels: side of a square, or width and height",
    )
    parser.add_argument(
        "--f-stop",
        type=argument(F_STOP, read_number),
        metavar="N",
        help="photos by Cycles: depth of field of f/N (default: everything is sharp)",
    )


def _add_light(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--background",
        choices=[item.value for item in Background],
        default="white",
        help="what is behind the product",
    )
    parser.add_argument(
        "--rig",
        type=trimmed,
        default=SOFTBOX,
        metavar="NAME|FILE",
        help=f"lights: {', '.join(RIG_NAMES)}, or an .hdr or .exr panorama",
    )
    parser.add_argument(
        "--rig-rotation",
        type=argument(turn, read_number),
        default=0.0,
        metavar="DEGREES",
        help="turn the lights counter-clockwise, seen from above",
    )
    parser.add_argument(
        "--rig-intensity",
        type=argument(INTENSITY, read_number),
        default=1.0,
        metavar="FACTOR",
        help="brightness of the lights; 1 is the correct exposure",
    )


def _add_rendering(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", choices=DEVICES, default=AUTO_DEVICE, help="Cycles render device")
    parser.add_argument("--quality", choices=QUALITY_NAMES, default=FINAL, help="of photos by Cycles")
    parser.add_argument(
        "--samples",
        type=argument(SAMPLES, read_whole),
        metavar="N",
        help="Cycles samples (default: chosen for the quality)",
    )
    parser.add_argument(
        "--passes",
        type=argument(passes),
        default=(),
        metavar="depth,normal",
        help="also write depth and surface normals of every reference",
    )
    parser.add_argument(
        "--film-look", action="store_true", help="photos by Cycles: soft contrast curve and grain"
    )


def add_service(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--fal-url", type=argument(address), metavar="URL", help="an emulator of fal.ai on this machine"
    )
    parser.add_argument(
        "--online-mode", action="store_true", help="allow fal.ai in a Blender with Online Access off"
    )


def add_strict(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--strict",
        action="store_true",
        help="exit with 2 when the findings about a model or its pictures include an error",
    )


def add_output(parser: argparse.ArgumentParser) -> None:
    """How the command reports."""
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="report as JSON, one object per line")
    output.add_argument("--quiet", action="store_true", help="report only warnings and the final result")
    parser.set_defaults(has_reporter=True)


def add_rows(parser: argparse.ArgumentParser) -> None:
    """Which part of a catalogue one process makes, and within which limits."""
    default = RowOptions()
    rows = parser.add_argument_group("catalogues, and tasks of a farm")
    rows.add_argument(
        "--rows", default=default.rows, metavar="1-20,33", help="only these rows, counted from 1"
    )
    rows.add_argument(
        "--shard",
        default=default.shard,
        metavar="I/N",
        help="only part I of N, counted from 0; auto/N takes the index from the array job",
    )
    rows.add_argument(
        "--stage",
        choices=STAGES,
        default=default.stage,
        help="render needs no key, cloud needs no Blender",
    )
    rows.add_argument(
        "--sha256", default=default.sha256, metavar="HASH", help="hash of the lock that the task is for"
    )
    rows.add_argument(
        "--as-task",
        action="store_true",
        help="exit with 0 when failures are recorded; `report` gives the exit code of the whole catalogue",
    )
    _add_limits(rows)


def _add_limits(rows: argparse._ArgumentGroup) -> None:
    """What one product may use before its Blender is ended."""
    rows.add_argument(
        "--picture-minutes",
        type=argument(LIMIT, read_number),
        metavar="N",
        help="end a Blender that finishes no picture for N minutes (default: 30)",
    )
    rows.add_argument(
        "--memory-gb",
        type=argument(LIMIT, read_number),
        metavar="N",
        help="end a Blender that uses more than N GB (default: three quarters of the memory)",
    )
    rows.add_argument(
        "--retry-crashed",
        action="store_true",
        help="render products again that crashed even a separate Blender",
    )
