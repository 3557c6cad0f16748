# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures of a request as they are sent: the user's file, or a copy of it that an endpoint can read.

Copies are kept in the journal. A later version of an image library may encode the same pixels to other bytes, and a
request with other bytes is another request, which would be paid again.
"""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

from ..files.enclosed import refuse_link
from ..files.input_files import read_regular
from ..files.kinds import PHOTOS, FileKind, excess_of, kind_of
from ..files.writing import write_if_absent
from ..imaging.sent_picture import PictureError, as_sent
from .endpoints.endpoint import MAX_PICTURE_BYTES, Endpoint
from .endpoints.slots import pictures_of
from .errors import JournalError, WrongRequestError
from .jobs import Generation

FOLDER = "pictures"


class SentPictures:
    """The copies of one set. ``journal`` is its folder."""

    def __init__(self, journal: Path) -> None:
        self._folder = journal / FOLDER

    def of(self, wanted: Generation, endpoint: Endpoint) -> Generation:
        """``wanted`` with the pictures that are sent; ``wanted`` itself when they are the user's files.

        A copy has no web address. Raises WrongRequestError for a picture that cannot be read, and JournalError.
        """
        originals = pictures_of(wanted)
        sent = {path: self._sent(path, endpoint.image_files, wanted.shown_label) for path in originals}
        if all(path == copy for path, copy in sent.items()):
            return wanted
        addresses: Mapping[Path, str] = {
            path: address for path, address in wanted.addresses.items() if sent.get(path) == path
        }
        return replace(
            wanted,
            images=tuple(sent[path] for path in wanted.images),
            end_image=sent[wanted.end_image] if wanted.end_image else None,
            files={
                role: tuple(sent.get(path, path) for path in files) for role, files in wanted.files.items()
            },
            addresses=addresses,
        )

    def _sent(self, path: Path, accepted: Collection[FileKind], label: str) -> Path:
        try:
            data = read_regular(path, MAX_PICTURE_BYTES)
            excess = excess_of(path)
        except OSError as error:
            raise WrongRequestError(
                f"{label}: the picture {path} cannot be read ({error.strerror})."
            ) from error
        if kind_of(data) not in PHOTOS:
            return path  # The endpoint's own check refuses it.
        if excess:
            raise WrongRequestError(f"{label}: the picture {path} cannot be read safely: {excess}.")
        name = f"{hashlib.sha256(data).hexdigest()}-{'-'.join(sorted(accepted))}"
        if copy := self._kept(name):
            return copy
        try:
            sent = as_sent(data, accepted)
        except PictureError as error:
            raise WrongRequestError(f"{label}: the picture {path} {error}.", hint=error.hint) from error
        return path if sent == data else self._keep(name, sent)

    def _kept(self, name: str) -> Path | None:
        for kind in (FileKind.JPEG, FileKind.PNG, FileKind.WEBP):
            path = self._folder / f"{name}.{kind}"
            refuse_link(path)
            if path.is_file():
                return path
        return None

    def _keep(self, name: str, data: bytes) -> Path:
        path = self._folder / f"{name}.{kind_of(data)}"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_if_absent(path, data)  # Two processes have made the same bytes.
        except OSError as error:
            raise JournalError(f"{self._folder} cannot be written: {error.strerror}.") from error
        return path
