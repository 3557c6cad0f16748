# SPDX-License-Identifier: GPL-3.0-or-later
"""What the arguments of each command say, as values: read from argparse once, then passed on.

Groups are shared by commands. The names of members are those of the options, with underscores.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Generic, TextIO, TypeVar, get_type_hints

from ..gltf.choices import Surrounding
from ..imaging.choices import Pass
from ..messages.errors import InputError
from ..messages.progress import Reporter
from ..optics.sizes import Size

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a command works with besides its options. ``scratch`` is a folder that is removed after it.

    ``is_asked_to_stop``: whether another process has asked this run of a catalogue to stop.
    """

    reporter: Reporter
    output: TextIO
    scratch: Path
    is_asked_to_stop: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceOptions:
    fal_url: str | None = None
    online_mode: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CeilingOptions:
    """Amounts in US dollars."""

    max_cost: Decimal | None = None
    max_cost_per_day: Decimal | None = None
    allow_unknown_price: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StudioOptions:
    """How Cycles renders. ``lens`` in mm, full-frame equivalent; rotation, elevation and start in degrees."""

    angles: str
    lens: float
    resolution: Size
    samples: int | None
    device: str
    background: str
    rig: str
    rig_rotation: float
    rig_intensity: float
    quality: str
    f_stop: float | None
    passes: tuple[Pass, ...]
    film_look: bool
    motion: str
    preview: str | None
    spin: int | None
    spin_elevation: float | None
    spin_start: float | None
    spin_direction: str | None
    pose: str
    without: tuple[Surrounding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureOptions:
    """Who makes photos and video, and how.

    ``seconds`` of the video, ``photo_size`` in pixels, ``expiration`` in seconds (``None``: files are kept).
    """

    engine: str | None
    video: str | None
    model_endpoint: str
    concept_endpoint: str
    photo_endpoint: str
    video_endpoint: str
    upscale_endpoint: str
    model_option: tuple[tuple[str, str], ...]
    concept_option: tuple[tuple[str, str], ...]
    photo_option: tuple[tuple[str, str], ...]
    video_option: tuple[tuple[str, str], ...]
    upscale_option: tuple[tuple[str, str], ...]
    with_hero: bool
    fidelity: str
    retries: int
    lock: str
    guide: str | None
    with_mask: bool
    look: str
    seconds: int | None
    loop: bool
    photo_size: int | None
    prompt: str
    seed: int | None
    data_uri_kb: int
    expiration: int | None
    private: bool
    webhook: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RowOptions:
    """Which part of a catalogue one process makes, and within which limits."""

    rows: str = ""
    shard: str = ""
    stage: str = "all"
    sha256: str = ""
    as_task: bool = False
    picture_minutes: float | None = None
    memory_gb: float | None = None
    retry_crashed: bool = False

    def refuse(self) -> None:
        """Raises InputError when one of them is given: there is only one set."""
        for item in fields(self):
            if getattr(self, item.name) != item.default:
                raise InputError(
                    f"--{item.name.replace('_', '-')} is for catalogues, and this is the folder of one set.",
                    hint="Leave it out.",
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOptions:
    """Everything that decides the plan of one set. ``color``: as ``gltf.colors.parse_colors`` takes them."""

    source: tuple[str, ...]
    text: str
    variant: str
    color: tuple[str, ...]
    out: Path
    external_data: tuple[Path, ...]
    pictures: PictureOptions
    studio: StudioOptions
    service: ServiceOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezeOptions:
    """Everything that decides the lock of a catalogue, besides its rows."""

    out: Path
    stage: str
    external_data: tuple[Path, ...]
    pictures: PictureOptions
    studio: StudioOptions
    service: ServiceOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeOptions:
    """How the products of a frozen catalogue are made. ``strict``: an error in the findings is a failure."""

    external_data: tuple[Path, ...]
    ceilings: CeilingOptions
    service: ServiceOptions
    rows: RowOptions
    strict: bool


@dataclass(frozen=True, slots=True)
class Command(Generic[T]):
    """A command with the type of its options."""

    options: type[T]
    run: Callable[[T, Context], int]

    def __call__(self, parsed: argparse.Namespace, context: Context) -> int:
        return self.run(read(self.options, parsed), context)


def read(kind: type[T], parsed: argparse.Namespace) -> T:
    """The dataclass ``kind`` from parsed arguments; a member that is a group is read from the same arguments."""
    hints = get_type_hints(kind)
    members: dict[str, Any] = {}
    for item in fields(kind):  # type: ignore[arg-type]  # ``kind`` is a dataclass, which TypeVar cannot say.
        hint = hints[item.name]
        is_group = isinstance(hint, type) and is_dataclass(hint)
        value = read(hint, parsed) if is_group else getattr(parsed, item.name)
        members[item.name] = tuple(value) if isinstance(value, list) else value
    return kind(**members)
