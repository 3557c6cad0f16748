# SPDX-License-Identifier: GPL-3.0-or-later
"""The endpoints we know: how our words become their fields, what they allow, where their file is.

A file stands in the arguments as a ``Path``; ``with_files`` puts a hash or an address in its place.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..files import FileKind, kind_of_file, missing_end
from .errors import UnknownEndpointError, WrongRequestError
from .jobs import Generation, Kind

Place = tuple[str | int, ...]

PICTURES = frozenset({FileKind.PNG, FileKind.JPEG, FileKind.WEBP})
OUTPUT_FILES: Mapping[Kind, frozenset[FileKind]] = {
    Kind.MODEL: frozenset({FileKind.GLB}),
    Kind.PHOTO: PICTURES,
    Kind.VIDEO: frozenset({FileKind.MP4}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One row of the registry. A field name of "" means: the endpoint has no such input."""

    id: str
    kind: Kind
    output: tuple[Place, ...]  # Where the file's address may stand; the first that is there counts.
    intent: Mapping[str, Any] = field(default_factory=dict)  # What we always ask for.
    image_field: str = ""  # Takes the only or first picture.
    image_list_field: str = ""  # Takes all pictures.
    images: tuple[int, int] = (0, 0)  # Fewest and most.
    image_files: frozenset[FileKind] = PICTURES
    end_image_field: str = ""
    prompt_field: str = ""
    prompt_is_needed: bool = False
    prompt_length: int = 5000
    negative_prompt_field: str = ""
    seed_field: str = ""
    seconds_field: str = ""
    seconds: tuple[int, ...] = ()

    def check(self, wanted: Generation) -> None:
        """Refuse what the endpoint would refuse, before it costs anything."""
        self._check_numbers(wanted)
        for picture in self._pictures(wanted):
            self._check_picture(wanted.label, picture)

    def arguments(self, wanted: Generation) -> dict[str, Any]:
        """The endpoint's own inputs; only fields that it has."""
        values: dict[str, Any] = {
            self.image_field: wanted.images[0] if wanted.images else None,
            self.image_list_field: list(wanted.images),
            self.end_image_field: wanted.end_image,
            self.prompt_field: wanted.prompt,
            self.negative_prompt_field: wanted.negative_prompt,
            self.seed_field: wanted.seed,
            self.seconds_field: str(wanted.seconds),
        }
        given = {name: value for name, value in values.items() if name and value not in (None, "", [])}
        return {**self.intent, **given}

    def file_address(self, output: Any) -> str:
        """The address of the file in a result, or "" when there is none."""
        for place in self.output:
            value = output
            for step in place:
                value = _member(value, step)
            if isinstance(value, str) and value:
                return value
        return ""

    def _check_numbers(self, wanted: Generation) -> None:
        complain, length = f"{wanted.label}: {self.id}", len(wanted.prompt)
        fewest, most = self.images
        if not fewest <= len(wanted.images) <= most:
            allowed = str(most) if fewest == most else f"{fewest} to {most}"
            raise WrongRequestError(f"{complain} takes {allowed} pictures, not {len(wanted.images)}.")
        if wanted.end_image and not self.end_image_field:
            raise WrongRequestError(f"{complain} takes no picture for the end.")
        if self.prompt_is_needed and not wanted.prompt.strip():
            raise WrongRequestError(f"{complain} needs a prompt.")
        if self.prompt_field and length > self.prompt_length:
            raise WrongRequestError(
                f"{complain} takes prompts of up to {self.prompt_length} characters, not {length}."
            )
        if any("\ud800" <= letter <= "\udfff" for letter in wanted.prompt + wanted.negative_prompt):
            raise WrongRequestError(f"{wanted.label}: the prompt has letters that are none.")
        if self.seconds_field and wanted.seconds not in self.seconds:
            allowed = ", ".join(map(str, self.seconds))
            raise WrongRequestError(f"{complain} makes clips of {allowed} seconds, not {wanted.seconds}.")

    def _pictures(self, wanted: Generation) -> Iterable[Path]:
        yield from wanted.images
        if wanted.end_image:
            yield wanted.end_image

    def _check_picture(self, label: str, picture: Path) -> None:
        try:
            kind = kind_of_file(picture)
            gap = missing_end(picture)
        except OSError as error:
            raise WrongRequestError(f"{label}: the picture {picture} cannot be read.") from error
        if kind not in self.image_files:
            names = ", ".join(sorted(kind.name for kind in self.image_files))
            raise WrongRequestError(f"{label}: {picture} is not a picture that {self.id} takes ({names}).")
        if gap:
            raise WrongRequestError(f"{label}: the picture {picture} is not whole: {gap}.")


_GLB: tuple[Place, ...] = (("model_glb", "url"), ("model_urls", "glb", "url"))
_IMAGE: tuple[Place, ...] = (("images", 0, "url"), ("image", "url"))
_VIDEO: tuple[Place, ...] = (("video", "url"),)
_MESHY_FILES = frozenset({FileKind.PNG, FileKind.JPEG})
_MESHY_INTENT = {"topology": "triangle", "target_polycount": 200_000, "enable_pbr": True}

_ENDPOINTS = (
    Endpoint(
        id="fal-ai/meshy/v6/image-to-3d",
        kind=Kind.MODEL,
        output=_GLB,
        intent={**_MESHY_INTENT, "should_texture": True},
        image_field="image_url",
        images=(1, 1),
        image_files=_MESHY_FILES,
        prompt_field="texture_prompt",
        prompt_length=600,
    ),
    Endpoint(
        id="fal-ai/meshy/v6/multi-image-to-3d",
        kind=Kind.MODEL,
        output=_GLB,
        intent={**_MESHY_INTENT, "should_texture": True},
        image_list_field="image_urls",
        images=(1, 4),  # A fifth would be ignored without a word.
        image_files=_MESHY_FILES,
        prompt_field="texture_prompt",
        prompt_length=600,
    ),
    Endpoint(
        id="fal-ai/meshy/v6/text-to-3d",
        kind=Kind.MODEL,
        output=_GLB,
        intent={**_MESHY_INTENT, "mode": "full"},
        prompt_field="prompt",
        prompt_is_needed=True,
        prompt_length=600,
        seed_field="seed",
    ),
    Endpoint(
        id="fal-ai/pixal3d",
        kind=Kind.MODEL,
        output=_GLB,
        intent={"resolution": 1536, "texture_size": 4096},
        image_field="image_url",
        images=(1, 1),
        seed_field="seed",
    ),
    Endpoint(
        id="fal-ai/flux-kontext/dev",
        kind=Kind.PHOTO,
        output=_IMAGE,
        intent={
            "output_format": "png",
            "resolution_mode": "match_input",
            "guidance_scale": 2.5,
            "num_inference_steps": 30,
        },
        image_field="image_url",
        images=(1, 1),
        prompt_field="prompt",
        prompt_is_needed=True,
        seed_field="seed",
    ),
    Endpoint(
        id="fal-ai/kling-video/v3/pro/image-to-video",
        kind=Kind.VIDEO,
        output=_VIDEO,
        intent={"generate_audio": False, "cfg_scale": 0.5},  # Sound is on unless refused, and dearer.
        image_field="start_image_url",
        images=(1, 1),
        end_image_field="end_image_url",
        prompt_field="prompt",
        prompt_is_needed=True,
        prompt_length=2500,
        negative_prompt_field="negative_prompt",
        seconds_field="duration",
        seconds=tuple(range(3, 16)),
    ),
)

REGISTRY: Mapping[str, Endpoint] = {endpoint.id: endpoint for endpoint in _ENDPOINTS}

DEFAULT_PHOTO_ENDPOINT = "fal-ai/flux-kontext/dev"
DEFAULT_VIDEO_ENDPOINT = "fal-ai/kling-video/v3/pro/image-to-video"


def default_model_endpoint(photos: int) -> str:
    """The endpoint that makes a model from so many photos; from text when there are none."""
    if photos == 0:
        return "fal-ai/meshy/v6/text-to-3d"
    return "fal-ai/meshy/v6/image-to-3d" if photos == 1 else "fal-ai/meshy/v6/multi-image-to-3d"


def known_ids(kind: Kind) -> list[str]:
    return [endpoint.id for endpoint in REGISTRY.values() if endpoint.kind is kind]


def endpoint_for(endpoint_id: str, kind: Kind) -> Endpoint:
    """The registry's row for ``endpoint_id``, which must make what ``kind`` says."""
    choice = f"Known for a {kind}: {', '.join(known_ids(kind))}."
    endpoint = REGISTRY.get(endpoint_id)
    if endpoint is None:
        raise UnknownEndpointError(f"The endpoint {endpoint_id!r} is not known.", hint=choice)
    if endpoint.kind is not kind:
        raise WrongRequestError(
            f"The endpoint {endpoint_id} makes a {endpoint.kind}, not a {kind}.", hint=choice
        )
    return endpoint


def check(wanted: Generation) -> None:
    """Refuse what cannot work, before anything is sent or paid."""
    endpoint_for(wanted.endpoint, wanted.kind).check(wanted)


def files_in(arguments: Any) -> list[Path]:
    """Every different file in the arguments, in order."""
    found: dict[Path, None] = {}
    with_files(arguments, lambda path: found.setdefault(path))
    return list(found)


def with_files(value: Any, replacement: Callable[[Path], Any]) -> Any:
    """A copy of ``value`` with every file replaced."""
    if isinstance(value, Path):
        return replacement(value)
    if isinstance(value, Mapping):
        return {name: with_files(member, replacement) for name, member in value.items()}
    if isinstance(value, list):
        return [with_files(member, replacement) for member in value]
    return value


def _member(value: Any, step: str | int) -> Any:
    if isinstance(step, str):
        return value.get(step) if isinstance(value, Mapping) else None
    return value[step] if isinstance(value, list) and len(value) > step else None
