# SPDX-License-Identifier: GPL-3.0-or-later
"""One endpoint: the fields of its API, what it accepts, its price model, and where its results have the file."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from ...files.input_files import open_regular
from ...files.kinds import PICTURES, FileKind, kind_of_file, missing_end
from ...files.mp4 import seconds_in
from ...imaging.choices import FRAMES_PER_SECOND
from ...messages.counts import count_of
from ..errors import WrongRequestError
from ..jobs import Generation, Kind, Role
from .options import Option
from .price_models import BINARY_MEGAPIXEL, PriceModel, Size, Work
from .slots import Cap, Slot, check_files, files_by_field, pictures_of

Place = tuple[str | int, ...]

# Where an image endpoint puts the address of its picture.
IMAGE_PLACES: tuple[Place, ...] = (("images", 0, "url"), ("image", "url"))

RATIO_FIELD = "aspect_ratio"
SAME_SHAPE = 0.01  # The relative deviation of a named ratio from the picture's.

MAX_PICTURE_BYTES = 1 << 30  # Four times 8192 x 8192 pixels without compression.
OUTPUT_FILES: Mapping[Kind, frozenset[FileKind]] = {
    Kind.MODEL: frozenset({FileKind.GLB}),
    Kind.PHOTO: PICTURES,
    Kind.VIDEO: frozenset({FileKind.MP4}),
    Kind.CONCEPT: PICTURES,
    Kind.UPSCALE: PICTURES,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One row of the registry. A field name of "" means that the endpoint has no such input."""

    id: str
    kind: Kind
    output: tuple[Place, ...]  # Where the URL of the file may be; the first that exists counts.
    price: PriceModel = field(default_factory=PriceModel)
    # What we always send, including everything that determines the price.
    intent: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Option] = field(default_factory=dict)  # Inputs that only this endpoint has.
    needs: Mapping[str, str] = field(default_factory=dict)  # An input, and the flag that it needs.
    image_field: str = ""  # For the only or first picture.
    image_list_field: str = ""  # For all pictures.
    images: tuple[int, int] = (0, 0)  # Minimum and maximum number.
    image_files: frozenset[FileKind] = PICTURES
    image_bytes: int = MAX_PICTURE_BYTES  # The maximum size of one picture.
    needs_front_first: bool = (
        False  # The pictures are the front, the left, the back and the right, in this order.
    )
    slots: Mapping[Role, Slot] = field(default_factory=dict)
    guides: Mapping[str, Mapping[str, Any]] = field(
        default_factory=dict
    )  # Each with the inputs that it needs.
    motions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # The inputs for a motion.
    takes_data_uris: bool = True
    fields: frozenset[str] | None = (
        None  # Every input of an endpoint that refuses others; None: others are ignored.
    )
    end_image_field: str = ""
    end_image_is_needed: bool = False
    prompt_field: str = ""
    prompt_is_needed: bool = False
    prompt_length: int = 5000
    prompt_start: str = ""  # The words that the model was trained to react to.
    negative_prompt_field: str = ""
    seed_field: str = ""
    seconds_field: str = ""
    seconds: tuple[int, ...] = ()
    seconds_form: str = "{}"  # "" for endpoints that expect a number.
    frames_field: str = ""  # For endpoints that count frames: those of the video that they are given.
    size_field: str = ""  # For width and height of the result: those of the first picture.
    sides: tuple[int, int] = (512, 2048)  # Minimum and maximum in pixels that ``size_field`` accepts.
    factor_field: str = ""
    factors: tuple[float, ...] = ()  # All, or with ``factor_is_free`` the minimum and the maximum.
    factor_is_free: bool = False
    side_step: int = 1  # In pixels; sides of the result are multiples of it.
    caps: tuple[Cap, ...] = ()
    note: str = ""  # What a user should know before choosing it.
    successor: str = ""  # The endpoint that has replaced it; "" while it is current.
    is_unconfirmed: bool = False  # Parts of it are not documented: its published schema has the last word.

    def check(self, wanted: Generation) -> None:
        """Raises WrongRequestError for what the endpoint would reject, before it costs anything."""
        self._check_numbers(wanted)
        check_files(self.id, self.slots, wanted)
        for picture, accepted in self._pictures(wanted):
            self._check_picture(wanted.shown_label, picture, accepted)
        if self.fields is not None and (unknown := set(self.arguments(wanted)) - self.fields):
            raise WrongRequestError(
                f"{wanted.shown_label}: {self.id} has no input called {', '.join(sorted(unknown))}."
            )

    def arguments(self, wanted: Generation, size: Size | None = None) -> dict[str, Any]:
        """The inputs for the endpoint's API. ``size``: width and height in pixels of the first picture, if known."""
        values: dict[str, Any] = {
            **files_by_field(self.slots, wanted),
            self.image_field: wanted.images[0] if wanted.images else None,
            self.image_list_field: list(wanted.images),
            self.end_image_field: wanted.end_image,
            self.prompt_field: self.prompt_start + wanted.prompt,
            self.negative_prompt_field: wanted.negative_prompt,
            self.seed_field: wanted.seed,
            self.seconds_field: self._seconds(wanted.seconds),
            self.frames_field: self.frames_of(wanted.seconds),
            self.size_field: self._size(wanted, size) if self.size_field else None,
            self.factor_field: self.factor(wanted.enlarge) if self.factor_field else None,
            RATIO_FIELD: self._ratio(wanted, size) if self.kind is Kind.PHOTO else None,
        }
        given = {name: value for name, value in values.items() if name and value not in (None, "", [])}
        made = {**self.intent, **self._capped(wanted.options), **wanted.settings, **given, **wanted.options}
        return {name: value for name, value in made.items() if made.get(self.needs.get(name, ""), True)}

    def parsed_options(self, texts: Mapping[str, str]) -> dict[str, Any]:
        """Extra inputs from the texts that a user wrote. Raises WrongRequestError."""
        return {name: self._parsed(name, text) for name, text in texts.items()}

    def work(
        self, arguments: Mapping[str, Any], inputs: Iterable[Size], video_seconds: float | None = None
    ) -> Work:
        """The amount of work of a request with these arguments and pictures of these sizes in pixels.

        ``video_seconds``: the length of the video among the arguments; None measures the file.
        """
        sizes = list(inputs)
        minimum = maximum = BINARY_MEGAPIXEL
        if size := _known_size(arguments.get(self.size_field or "image_size")):
            minimum = maximum = size[0] * size[1]
        elif self.factor_field and sizes:
            factor = float(arguments.get(self.factor_field, 2))
            width, height = (math.ceil(side * factor / self.side_step) * self.side_step for side in sizes[0])
            minimum = maximum = width * height
        elif sizes:  # The result follows the input, but image models often return about one megapixel.
            minimum, maximum = sorted((maximum, sizes[0][0] * sizes[0][1]))
        return Work(
            inputs=sizes,
            min_pixels=minimum,
            max_pixels=maximum,
            images=int(arguments.get("num_images", 1)),
            seconds=self._work_seconds(arguments, video_seconds),
            references=self._references(arguments),
        )

    def _work_seconds(self, arguments: Mapping[str, Any], video_seconds: float | None) -> float:
        slot = self.slots.get(Role.VIDEO)
        if slot is None or slot.field not in arguments:
            return float(str(arguments.get(self.seconds_field, 0)).rstrip("s") or 0)
        video = arguments[slot.field]
        if video_seconds is None and isinstance(video, Path):
            video_seconds = seconds_in(video)
        return float(max(self.seconds, default=0)) if video_seconds is None else video_seconds

    def _references(self, arguments: Mapping[str, Any]) -> int:
        slot = self.slots.get(Role.REFERENCE)
        given = arguments.get(slot.field) if slot else None
        return len(given) if isinstance(given, list | tuple) else int(given is not None)

    def nearest_seconds(self, wanted: int) -> int:
        """The possible length in seconds that is closest to ``wanted``; the shorter of two."""
        return min(self.seconds, key=lambda seconds: (abs(seconds - wanted), seconds), default=wanted)

    def factor(self, wanted: float) -> float:
        """The smallest possible factor that reaches ``wanted``, or the largest."""
        if self.factor_is_free:
            minimum, maximum = self.factors
            return min(max(wanted, minimum), maximum)
        return min((factor for factor in self.factors if factor >= wanted), default=max(self.factors))

    def file_address(self, output: Any) -> str:
        """The URL of the file in a result, or "" when there is none."""
        for place in self.output:
            value = output
            for step in place:
                value = _member(value, step)
            if isinstance(value, str) and value:
                return value
        return ""

    def video_side(self, options: Mapping[str, Any]) -> int | None:
        """The side in pixels of the video that it is given: that of its result. None when it names no resolution."""
        found = re.fullmatch(r"(\d+)[pP]", str({**self.intent, **options}.get("resolution", "")))
        return int(found[1]) if found else None

    def frames_of(self, seconds: int) -> int:
        """The number of frames of a video that it is given. Endpoints that count frames take a multiple of 8, plus 1."""
        return FRAMES_PER_SECOND * seconds + bool(self.frames_field)

    def room_for(self, role: Role) -> int:
        """How many files of a role it takes."""
        return self.slots[role].maximum if role in self.slots else 0

    def _capped(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """What we send, lowered to what is possible together with the user's options."""
        made = {**self.intent, **options}
        return {
            cap.name: min(made[cap.name], cap.maximum)
            for cap in self.caps
            if cap.name in made and made.get(cap.when[0]) == cap.when[1]
        }

    def _seconds(self, seconds: int) -> Any:
        return self.seconds_form.format(seconds) if self.seconds_form else seconds

    def _size(self, wanted: Generation, size: Size | None) -> dict[str, int] | None:
        size = size or _first_size(wanted)
        if size is None:
            return None
        minimum, maximum = self.sides
        scale = min(maximum / max(size), max(1.0, minimum / min(size)))
        width, height = (min(maximum, max(minimum, round(side * scale))) for side in size)
        return {"width": width, "height": height}

    def _ratio(self, wanted: Generation, size: Size | None) -> str | None:
        """The endpoint's name for the aspect ratio of the first picture; None when it has none."""
        size = size or _first_size(wanted)
        if RATIO_FIELD not in self.options or size is None:
            return None
        shape = size[0] / size[1]
        shapes = {name: _shape(name) for name in map(str, self.options[RATIO_FIELD].choices)}
        near = {name: abs(named / shape - 1.0) for name, named in shapes.items() if named}
        best = min(near, key=lambda name: near[name], default="")
        return best if near.get(best, 1.0) <= SAME_SHAPE else None

    def _parsed(self, name: str, text: str) -> Any:
        prefix = f"{self.id}: the option {name}"
        if name not in self.options:
            known = ", ".join(sorted(self.options)) or "none"
            raise WrongRequestError(f"{prefix} does not exist.", hint=f"It has: {known}.")
        try:
            return self.options[name].parse(text)
        except ValueError as error:
            raise WrongRequestError(f"{prefix}: {text!r} {error}.") from error

    def _check_numbers(self, wanted: Generation) -> None:
        prefix, length = f"{wanted.shown_label}: {self.id}", len(self.prompt_start + wanted.prompt)
        minimum, maximum = self.images
        if not minimum <= len(wanted.images) <= maximum:
            allowed = _count_of_pictures(minimum, maximum)
            raise WrongRequestError(f"{prefix} needs {allowed}, not {len(wanted.images)}.")
        if wanted.end_image and not self.end_image_field:
            raise WrongRequestError(f"{prefix} does not accept a picture for the end.")
        if self.end_image_is_needed and not wanted.end_image:
            raise WrongRequestError(
                f"{prefix} needs a picture for the end.", hint="Let the video loop.", field="loop"
            )
        if self.prompt_is_needed and not wanted.prompt.strip():
            raise WrongRequestError(f"{prefix} needs a prompt.")
        if self.prompt_field and length > self.prompt_length:
            raise WrongRequestError(
                f"{prefix} accepts prompts of up to {self.prompt_length} characters, not {length}."
            )
        if any("\ud800" <= letter <= "\udfff" for letter in wanted.prompt + wanted.negative_prompt):
            raise WrongRequestError(f"{wanted.shown_label}: the prompt contains invalid Unicode characters.")
        if (self.seconds_field or Role.VIDEO in wanted.files) and wanted.seconds not in self.seconds:
            raise WrongRequestError(f"{prefix} {self.seconds_sentence(wanted.seconds)}")
        if self.factor_field and wanted.enlarge > max(self.factors):
            raise WrongRequestError(f"{prefix} enlarges up to {max(self.factors):g} times.")

    def seconds_sentence(self, wanted: int) -> str:
        """The end of a sentence that refuses a length of ``wanted`` seconds."""
        return f"makes clips of {_listed(self.seconds)} seconds, not {wanted}."

    def _pictures(self, wanted: Generation) -> Iterable[tuple[Path, frozenset[FileKind]]]:
        """The files of a request, with the types that are accepted."""
        for picture in pictures_of(wanted):
            yield picture, self.image_files
        for video in wanted.files.get(Role.VIDEO, ()):
            yield video, frozenset({FileKind.MP4})

    def _check_picture(self, label: str, picture: Path, accepted: frozenset[FileKind]) -> None:
        try:
            kind = kind_of_file(picture)
            gap, size = missing_end(picture), picture.stat().st_size
        except OSError as error:
            raise WrongRequestError(f"{label}: the picture {picture} cannot be read.") from error
        if kind not in accepted:
            names = ", ".join(sorted(kind.name for kind in accepted))
            raise WrongRequestError(f"{label}: {picture} is not a file that {self.id} accepts ({names}).")
        if size > self.image_bytes and kind is not FileKind.MP4:
            raise WrongRequestError(
                f"{label}: {self.id} accepts pictures of up to {self.image_bytes >> 20} MB, and {picture} has "
                f"{size / (1 << 20):.1f}.",
                hint="Save it with fewer pixels, or choose another endpoint.",
            )
        if gap:
            raise WrongRequestError(f"{label}: the file {picture} is not complete: {gap}.")


def _count_of_pictures(minimum: int, maximum: int) -> str:
    if minimum != maximum:
        return f"{minimum} to {maximum} pictures"
    return count_of(maximum, "picture") if maximum else "no picture"


def _first_size(wanted: Generation) -> Size | None:
    pictures = wanted.images or wanted.files.get(Role.GUIDE, ())
    return size_of(pictures[0]) if pictures else None


def _shape(name: str) -> float:
    """Width by height of a ratio like ``16:9``; 0 for other names."""
    found = re.fullmatch(r"(\d+):(\d+)", name)
    return int(found[1]) / int(found[2]) if found and int(found[2]) else 0.0


def size_of(picture: Path) -> Size | None:
    """Width and height in pixels of a picture; None when it cannot be read."""
    try:
        with open_regular(picture, MAX_PICTURE_BYTES) as stream, Image.open(stream) as image:
            return image.size
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None


def _known_size(value: Any) -> Size | None:
    if isinstance(value, Mapping):
        return int(value.get("width", 512)), int(value.get("height", 512))
    return {
        "square_hd": (1024, 1024),
        "square": (512, 512),
        "portrait_4_3": (768, 1024),
        "portrait_16_9": (576, 1024),
        "landscape_4_3": (1024, 768),
        "landscape_16_9": (1024, 576),
    }.get(str(value))


def _member(value: Any, step: str | int) -> Any:
    if isinstance(step, str):
        return value.get(step) if isinstance(value, Mapping) else None
    return value[step] if isinstance(value, list) and len(value) > step else None


def _listed(numbers: Sequence[int]) -> str:
    """Like "5, 10", or "3 to 15" when none is missing between the first and the last of more than two."""
    is_range = len(numbers) > 2 and list(numbers) == list(range(numbers[0], numbers[-1] + 1))
    return f"{numbers[0]} to {numbers[-1]}" if is_range else ", ".join(map(str, numbers))
