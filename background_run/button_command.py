# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar's settings as a command line: the button runs exactly what a terminal would.

``Settings`` is a copy of a scene's and the preferences' values, so nothing here needs Blender.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from ..files.input_files import read_json
from ..optics.angles import ANGLES, CAMERAS, FILL, LENS_MM, safe_names
from ..optics.rig_choice import SOFTBOX
from ..photo_set.prompts import TURNTABLE, USUAL_LOOK

FREE = "cycles"
FAL = "fal"
NO_FILM = "none"
PASSES = ("depth", "normal")  # ``imaging.choices.Pass`` without its packages.
USUAL_RESOLUTION = 1024
USUAL_QUALITY = "final"
MOST_PHOTOS = 4
CONTINUES = "set.json"
STAND_IN = b"BLENDER-v430 only asked for its price"


class Source(StrEnum):
    """Where the product comes from; the value is the id of the panel's choice."""

    FILE = "FILE"
    PHOTOS = "PHOTOS"
    WORDS = "WORDS"
    OBJECTS = "OBJECTS"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One angle of the list; degrees."""

    name: str
    azimuth: float
    elevation: float
    fill: float = FILL


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that decides what the button does. Empty texts and 0 mean: as the command line chooses."""

    source: Source = Source.FILE
    files: tuple[str, ...] = ()
    words: str = ""
    engine: str = FREE
    video: str = NO_FILM
    views: tuple[View, ...] = ()
    cameras: tuple[str, ...] | None = (
        None  # As they stand, instead of the list; of a file nobody knows them yet.
    )
    rig: str = SOFTBOX  # A name, or an .hdr or .exr file.
    rig_rotation: float = 0.0
    rig_intensity: float = 1.0
    quality: str = USUAL_QUALITY
    width: int = USUAL_RESOLUTION
    height: int = 0  # 0: a square.
    samples: int = 0
    device: str = "auto"
    background: str = "white"
    passes: tuple[str, ...] = ()  # Beside every reference.
    lens: float = LENS_MM
    f_stop: float | None = None  # Of photos by Cycles; ``None``: all of the product is sharp.
    film_look: bool = False  # Of photos by Cycles.
    photo_size: int | None = None  # Of the longer side of photos by fal.ai; ``None``: as they come.
    model_endpoint: str = ""
    photo_endpoint: str = ""
    video_endpoint: str = ""
    look: str = USUAL_LOOK
    prompt: str = ""
    seed: int | None = None
    motion: str = TURNTABLE
    seconds: int = 0
    loop: bool = False
    keep_uploads: bool = False
    max_cost: float = 0.0
    max_cost_per_day: float = 0.0
    fal_url: str = ""

    @property
    def uses_fal(self) -> bool:
        return FAL in (self.engine, self.video) or self.source in (Source.PHOTOS, Source.WORDS)

    def angle_names(self) -> list[str]:
        """The rows to expect, in the order of the list; none as long as only the file knows them."""
        if self.cameras is not None:
            return safe_names(self.cameras)
        return [view.name for view in self.views] or list(ANGLES)


def price_key(settings: Settings) -> tuple[str, ...]:
    """The same key has the same price: what was asked once is known for all of them."""
    return tuple(_options(settings, _shown_angles(settings))) + _source_words(settings)


def price_arguments(settings: Settings, scratch: Path) -> list[str]:
    """``estimate`` for these settings. A stand-in is written for objects, whose price is that of any model."""
    sources = list(settings.files)
    if settings.source is Source.OBJECTS:
        stand_in = scratch / "objects.blend"
        stand_in.write_bytes(STAND_IN)
        sources = [str(stand_in)]
        if settings.cameras is not None:  # The stand-in has none: what counts is how many there are.
            views = tuple(View(name=name, azimuth=0.0, elevation=0.0) for name in settings.angle_names())
            settings = replace(settings, views=views, cameras=None)
    options = _options(settings, angles_option(settings, scratch))
    return ["estimate", *sources, *_words(settings), *options, "--json"]


def set_arguments(settings: Settings, out: Path, sources: Sequence[str], scratch: Path) -> list[str]:
    """``set`` for these settings into ``out``; ``sources`` are the files, absolute."""
    options = _options(settings, angles_option(settings, scratch))
    ceilings = ceiling_options(settings)
    return ["set", *sources, *_words(settings), "--out", str(out), *options, *ceilings, "--json"]


def ceiling_options(settings: Settings) -> list[str]:
    """The ceilings of the preferences; 0 is none."""
    options = []
    if settings.max_cost > 0.0:
        options += ["--max-cost", f"{settings.max_cost:.2f}"]
    if settings.max_cost_per_day > 0.0:
        options += ["--max-cost-per-day", f"{settings.max_cost_per_day:.2f}"]
    return options


def external_data_options(folders: Sequence[str]) -> list[str]:
    """Folders that the copy of a selection may read from."""
    return [word for folder in folders for word in ("--external-data", folder)]


def service_options(settings: Settings) -> list[str]:
    return ["--fal-url", settings.fal_url] if settings.fal_url else []


def angles_option(settings: Settings, scratch: Path) -> str:
    """Names where the list has the usual angles unchanged; else a file with every angle of the list.

    Cameras as they stand come with the product's file.
    """
    if settings.cameras is not None:
        return CAMERAS
    if _are_usual(settings.views):
        return _shown_angles(settings)
    entries = [
        {
            "name": view.name,
            "azimuth": round(view.azimuth, 3),
            "elevation": round(view.elevation, 3),
            "fill": round(view.fill, 4),
        }
        for view in settings.views
    ]
    path = scratch / "angles.json"
    path.write_text(json.dumps(entries, indent=1), encoding="utf-8")
    return str(path)


def _are_usual(views: Sequence[View]) -> bool:
    for view in views:
        known = ANGLES.get(view.name)
        if known is None or abs(known.azimuth - view.azimuth) > 1e-3:
            return False
        if abs(known.elevation - view.elevation) > 1e-3 or abs(known.fill - view.fill) > 1e-3:
            return False
    return True


def _shown_angles(settings: Settings) -> str:
    return ",".join(settings.angle_names()) or CAMERAS


def _source_words(settings: Settings) -> tuple[str, ...]:
    if settings.source is Source.FILE and settings.cameras is not None:
        return settings.files
    if settings.source in (Source.FILE, Source.OBJECTS):
        return ("model",)
    return (settings.source.value, *settings.files, settings.words)


def _words(settings: Settings) -> list[str]:
    return ["--text", settings.words] if settings.source is Source.WORDS else []


def _options(settings: Settings, angles: str) -> list[str]:
    """Only what differs from the defaults of the command line, besides who does what and on what."""
    options = ["--engine", settings.engine, "--video", settings.video, "--angles", angles]
    size = f"{settings.width}x{settings.height}" if settings.height else str(settings.width)
    options += ["--resolution", size, "--background", settings.background]
    options += ["--device", settings.device]
    if settings.rig != SOFTBOX:
        options += ["--rig", settings.rig]
    if settings.rig_rotation:
        options += ["--rig-rotation", f"{settings.rig_rotation:g}"]
    if settings.rig_intensity != 1.0:
        options += ["--rig-intensity", f"{settings.rig_intensity:.3g}"]
    if settings.cameras is None and settings.lens != LENS_MM:
        options += ["--lens", f"{settings.lens:g}"]
    if settings.passes:
        options += ["--passes", ",".join(settings.passes)]
    if settings.engine == FREE:
        options += ["--quality", settings.quality] if settings.quality != USUAL_QUALITY else []
        options += [] if settings.f_stop is None else ["--f-stop", f"{settings.f_stop:g}"]
        options += ["--film-look"] if settings.film_look else []
    if settings.video != NO_FILM and settings.motion != TURNTABLE:
        options += ["--motion", settings.motion]
    if settings.samples:
        options += ["--samples", str(settings.samples)]
    if settings.source in (Source.PHOTOS, Source.WORDS) and settings.model_endpoint:
        options += ["--model-endpoint", settings.model_endpoint]
    if settings.engine == FAL:
        options += ["--photo-endpoint", settings.photo_endpoint] if settings.photo_endpoint else []
        options += ["--look", settings.look] if settings.look != USUAL_LOOK else []
        options += [] if settings.photo_size is None else ["--photo-size", str(settings.photo_size)]
    if settings.prompt.strip() and FAL in (settings.engine, settings.video):
        options += ["--prompt", settings.prompt.strip()]
    if settings.seed is not None and settings.uses_fal:
        options += ["--seed", str(settings.seed)]
    if settings.video == FAL:
        options += ["--video-endpoint", settings.video_endpoint] if settings.video_endpoint else []
        options += ["--seconds", str(settings.seconds)] if settings.seconds else []
        options += ["--loop"] if settings.loop else []
    if settings.uses_fal:
        options += ["--keep-uploads"] if settings.keep_uploads else []
        options += service_options(settings)
    return options


def free_folder(wanted: Path, source_names: Sequence[str], *, may_continue: bool) -> Path:
    """``wanted``, or the first of ``wanted-2``, ``wanted-3``, … that is free or holds a set of the same source.

    Names decide, because the files may be large; what only looks the same is refused by the run itself.
    """
    number = 1
    while True:
        folder = wanted if number == 1 else wanted.with_name(f"{wanted.name}-{number}")
        if not folder.exists() or not any(folder.iterdir()):
            return folder
        if may_continue and _holds_set_of(folder, source_names):
            return folder
        number += 1


def _holds_set_of(folder: Path, source_names: Sequence[str]) -> bool:
    try:
        record = read_json(folder / CONTINUES)
        names = [entry["name"] for entry in record["source"].get("files", [])]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False
    return bool(names) and names == list(source_names)


def safe_name(text: str) -> str:
    """A folder name for a product on every system."""
    kept = "".join(letter if letter.isalnum() or letter in " -_." else "-" for letter in text)
    return kept.strip(" .-")[:60] or "product"
