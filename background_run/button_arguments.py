# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar's settings as a command line: the button runs exactly what a terminal would.

``Settings`` holds copies of the values of a scene and of the preferences, so nothing here needs Blender.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, get_origin, get_type_hints

from ..fal_bridge.network.lifecycle import DAY_SECONDS
from ..files.input_files import read_json
from ..gltf.choices import REST
from ..imaging.choices import Background, Lock
from ..optics.angles import ANGLES, CAMERAS, FILL, LENS_MM, names_for_angles
from ..optics.rig_choice import SOFTBOX
from ..photo_set.choices import AUTO_DEVICE, FINAL, NO_VIDEO, Engine, Fidelity
from ..photo_set.prompts import DEFAULT_LOOK, TURNTABLE

DEFAULT_RESOLUTION = 1024
MANIFEST = "set.json"
STAND_IN = b"BLENDER-v430 only asked for its price"  # Passes for a .blend file, and is never opened.


class Source(StrEnum):
    """Where the product comes from; the value is the identifier of the panel's choice."""

    FILE = "FILE"
    PHOTOS = "PHOTOS"
    TEXT = "TEXT"
    OBJECTS = "OBJECTS"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One angle of the list; degrees."""

    name: str
    azimuth: float
    elevation: float
    fill: float = FILL


def _always(_settings: "Settings") -> bool:
    return True


def _has_file(settings: "Settings") -> bool:
    return settings.source is Source.FILE


def _has_listed_angles(settings: "Settings") -> bool:
    return settings.cameras is None


def _has_cycles_photos(settings: "Settings") -> bool:
    return settings.engine == Engine.CYCLES


def _has_fal_photos(settings: "Settings") -> bool:
    return settings.engine == Engine.FAL


def _has_gate(settings: "Settings") -> bool:
    return settings.engine == Engine.FAL and settings.fidelity == Fidelity.GATE


def _has_video(settings: "Settings") -> bool:
    return settings.video != NO_VIDEO


def _has_fal_video(settings: "Settings") -> bool:
    return settings.video == Engine.FAL


def _has_fal_pictures(settings: "Settings") -> bool:
    return Engine.FAL in (settings.engine, settings.video)


def _has_generated_model(settings: "Settings") -> bool:
    return settings.source in (Source.PHOTOS, Source.TEXT)


def _uses_fal(settings: "Settings") -> bool:
    return settings.uses_fal


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that decides what the button does.

    Angles and rotation in degrees, sizes in pixels, ``lens`` in mm, ceilings in US dollars. Empty texts and 0 leave the
    choice to the command line.

    A member with a condition is the option of the same name: it is passed on when the condition holds and the value is
    not the default.
    """

    source: Source = Source.FILE
    files: tuple[str, ...] = ()
    text: str = ""  # What the product is, for a model from text.
    engine: str = Engine.CYCLES
    video: str = NO_VIDEO
    views: tuple[View, ...] = ()
    # Names of cameras that are used unchanged, instead of ``views``. Those of a file are not known: ``()``.
    cameras: tuple[str, ...] | None = None
    rig: Annotated[str, _always] = SOFTBOX  # A name, or an .hdr or .exr file.
    rig_rotation: Annotated[float, _always] = 0.0
    rig_intensity: Annotated[float, _always] = 1.0
    quality: Annotated[str, _has_cycles_photos] = FINAL
    width: int = DEFAULT_RESOLUTION
    height: int = 0  # 0: as the width.
    samples: Annotated[int, _always] = 0
    device: str = AUTO_DEVICE
    background: str = Background.WHITE
    passes: Annotated[tuple[str, ...], _always] = ()
    variant: Annotated[str, _has_file] = ""  # Names of material variants, or all.
    pose: Annotated[str, _has_file] = REST
    without: Annotated[tuple[str, ...], _always] = ()
    lens: Annotated[float, _has_listed_angles] = LENS_MM
    f_stop: Annotated[float | None, _has_cycles_photos] = (
        None  # Of photos by Cycles; ``None``: the whole product is sharp.
    )
    film_look: Annotated[bool, _has_cycles_photos] = False  # Of photos by Cycles.
    photo_size: Annotated[int | None, _has_fal_photos] = (
        None  # Pixels of the longer side of photos by fal.ai; ``None``: as received.
    )
    fidelity: Annotated[str, _has_fal_photos] = Fidelity.GATE
    retries: Annotated[int, _has_fal_photos] = 1  # Further photos of an angle after a rejected one.
    lock: Annotated[str, _has_gate] = Lock.NONE
    guide: Annotated[str | None, _has_fal_photos] = None
    with_mask: Annotated[bool, _has_fal_photos] = False
    photo_option: Annotated[tuple[str, ...], _has_fal_photos] = ()  # NAME=VALUE; each is a separate option.
    video_option: Annotated[tuple[str, ...], _has_fal_video] = ()
    model_endpoint: Annotated[str, _has_generated_model] = ""
    photo_endpoint: Annotated[str, _has_fal_photos] = ""
    video_endpoint: Annotated[str, _has_fal_video] = ""
    look: Annotated[str, _has_fal_photos] = DEFAULT_LOOK
    prompt: Annotated[str, _has_fal_pictures] = ""
    seed: Annotated[int | None, _uses_fal] = None
    motion: Annotated[str, _has_video] = TURNTABLE
    seconds: Annotated[int, _has_video] = 0
    loop: Annotated[bool, _has_fal_video] = False
    spin: Annotated[int | None, _always] = None  # Frames of a full turn by Cycles; ``None``: no spin.
    expiration: Annotated[str, _uses_fal] = str(DAY_SECONDS)  # In seconds, or "keep".
    private: Annotated[bool, _uses_fal] = False
    max_cost: float = 0.0
    max_cost_per_day: float = 0.0
    fal_url: Annotated[str, _uses_fal] = ""

    @property
    def uses_fal(self) -> bool:
        """Whether anything is made by fal.ai, and so costs money."""
        return _has_fal_pictures(self) or _has_generated_model(self)

    def angle_names(self) -> list[str]:
        """The expected angles, in the order of the list; none while only the file knows them."""
        if self.cameras is not None:
            return names_for_angles(self.cameras)
        return [view.name for view in self.views] or list(ANGLES)


def price_key(settings: Settings) -> tuple[str, ...]:
    """Settings with the same key have the same price, which is asked for once."""
    settings = replace(settings, prompt="")  # No price depends on it, and it changes with every letter.
    return tuple(_options(settings, _shown_angles(settings))) + _source_key(settings)


def price_arguments(settings: Settings, scratch: Path) -> list[str]:
    """Arguments of ``estimate`` for these settings.

    Selected objects cost what any model costs, so a stand-in is written into ``scratch`` for them.
    """
    sources = list(settings.files)
    if settings.source is Source.OBJECTS:
        stand_in = scratch / "objects.blend"
        stand_in.write_bytes(STAND_IN)
        sources = [str(stand_in)]
        if settings.cameras is not None:  # The stand-in has none; the price depends only on their number.
            views = tuple(View(name=name, azimuth=0.0, elevation=0.0) for name in settings.angle_names())
            settings = replace(settings, views=views, cameras=None)
    options = _options(settings, angles_option(settings, scratch))
    return ["estimate", *sources, *_text_options(settings), *options, "--json"]


def set_arguments(settings: Settings, out: Path, sources: Sequence[str], scratch: Path) -> list[str]:
    """Arguments of ``set`` for these settings into ``out``; ``sources`` are the files, absolute."""
    options = _options(settings, angles_option(settings, scratch))
    ceilings = ceiling_options(settings) if settings.uses_fal else []
    return ["set", *sources, *_text_options(settings), "--out", str(out), *options, *ceilings, "--json"]


def catalogue_arguments(settings: Settings, out: Path, table: Path) -> list[str]:
    """Arguments of ``catalogue`` for the products in ``table``, into ``out``. A file of angles is written beside ``table``."""
    options = _options(settings, angles_option(settings, table.parent))
    ceilings = ceiling_options(settings) if settings.uses_fal else []
    return ["catalogue", str(table), "--out", str(out), *options, *ceilings, "--json"]


def ceiling_options(settings: Settings) -> list[str]:
    """Options for the ceilings of the preferences; 0 means no ceiling."""
    options = []
    if settings.max_cost > 0.0:
        options += ["--max-cost", f"{settings.max_cost:.2f}"]
    if settings.max_cost_per_day > 0.0:
        options += ["--max-cost-per-day", f"{settings.max_cost_per_day:.2f}"]
    return options


def external_data_options(folders: Sequence[str]) -> list[str]:
    """Options for the folders that the copy of a selection may read from."""
    return [part for folder in folders for part in ("--external-data", folder)]


def service_options(settings: Settings) -> list[str]:
    """Options for an emulator of fal.ai."""
    return ["--fal-url", settings.fal_url] if settings.fal_url else []


def angles_option(settings: Settings, scratch: Path) -> str:
    """The value of ``--angles``: names where the list has standard angles unchanged, else a file written to ``scratch``.

    Cameras that are used unchanged come with the product's file.
    """
    if settings.cameras is not None:
        return CAMERAS
    if _are_standard(settings.views):
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


def _are_standard(views: Sequence[View]) -> bool:
    for view in views:
        known = ANGLES.get(view.name)
        if known is None or abs(known.azimuth - view.azimuth) > 1e-3:
            return False
        if abs(known.elevation - view.elevation) > 1e-3 or abs(known.fill - view.fill) > 1e-3:
            return False
    return True


def _shown_angles(settings: Settings) -> str:
    return ",".join(settings.angle_names()) or CAMERAS


def _source_key(settings: Settings) -> tuple[str, ...]:
    if settings.source is Source.FILE and (settings.cameras is not None or settings.variant):
        return settings.files  # Only the file tells its cameras and its variants.
    if settings.source in (Source.FILE, Source.OBJECTS):
        return ("model",)
    return (settings.source.value, *settings.files, settings.text)


def _text_options(settings: Settings) -> list[str]:
    return ["--text", settings.text] if settings.source is Source.TEXT else []


def _options(settings: Settings, angles: str) -> list[str]:
    """Who makes what, and whatever else differs from the defaults of the command line."""
    size = f"{settings.width}x{settings.height}" if settings.height else str(settings.width)
    options = ["--engine", settings.engine, "--video", settings.video, "--angles", angles]
    options += ["--resolution", size, "--background", settings.background, "--device", settings.device]
    for name, (default, is_passed_on) in _OPTIONS.items():
        value = getattr(settings, name)
        if value != default and is_passed_on(settings):
            options += _option(name, value)
    return options


def _option(name: str, value: object) -> list[str]:
    flag = f"--{name.replace('_', '-')}"
    match value:
        case True:
            return [flag]
        case float():
            return [flag, f"{value:g}"]  # Blender keeps 32 bits, of which six digits are exact.
        case tuple() if name.endswith("_option"):
            return [part for one in value for part in (flag, one)]
        case tuple():
            return [flag, ",".join(value)]
        case _:
            return [flag, str(value)]


_OPTIONS = {
    item.name: (item.default, hint.__metadata__[0])
    for item in fields(Settings)
    if get_origin(hint := get_type_hints(Settings, include_extras=True)[item.name]) is Annotated
}


def free_folder(wanted: Path, source_names: Sequence[str], *, may_continue: bool) -> Path:
    """``wanted``, or the first of ``wanted-2``, ``wanted-3``, … that is free or holds a set of the same source.

    Sources are compared by name, because the files may be large; the run itself refuses another file of that name.
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
        record = read_json(folder / MANIFEST)
        names = [entry["name"] for entry in record["source"].get("files", [])]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False
    return bool(names) and names == list(source_names)
