# SPDX-License-Identifier: GPL-3.0-or-later
"""The inputs of an endpoint for files besides the main picture and the last frame, by what the files are for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import WrongRequestError
from ..jobs import Generation, Role

_ROLE_NAMES: Mapping[Role, str] = {
    Role.VIDEO: "a video",
    Role.REFERENCE: "photos as references",
    Role.MIDDLE: "key frames",
    Role.MASK: "a mask",
    Role.GUIDE: "a guide",
    Role.LEFT: "a view from the left",
    Role.BACK: "a view from the back",
    Role.RIGHT: "a view from the right",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """The input for files of one role: the name of its field, and how many files it takes."""

    field: str
    maximum: int = 1
    is_list: bool = False
    is_needed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """A number may be at most ``maximum`` while another input has a certain value."""

    name: str
    maximum: int
    when: tuple[str, Any]


def check_files(endpoint_id: str, slots: Mapping[Role, Slot], wanted: Generation) -> None:
    """Raises WrongRequestError for files that the endpoint does not take, and for those that it lacks."""
    prefix = f"{wanted.shown_label}: {endpoint_id}"
    for role, files in wanted.files.items():
        if files and role not in slots:
            raise WrongRequestError(f"{prefix} does not accept {_ROLE_NAMES[role]}.")
        if files and len(files) > slots[role].maximum:
            raise WrongRequestError(
                f"{prefix} accepts at most {slots[role].maximum} files for {slots[role].field}, not {len(files)}."
            )
    for role, slot in slots.items():
        if slot.is_needed and not wanted.files.get(role):
            raise WrongRequestError(f"{prefix} needs {_ROLE_NAMES[role]}.")


def files_by_field(slots: Mapping[Role, Slot], wanted: Generation) -> dict[str, Any]:
    """The files of a request by the fields that take them."""
    return {
        slot.field: list(files) if slot.is_list else files[0]
        for role, slot in slots.items()
        if (files := wanted.files.get(role, ()))
    }


def pictures_of(wanted: Generation) -> Iterable[Path]:
    """Every picture of a request."""
    yield from wanted.images
    if wanted.end_image:
        yield wanted.end_image
    for role, files in wanted.files.items():
        if role is not Role.VIDEO:
            yield from files
