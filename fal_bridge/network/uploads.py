# SPDX-License-Identifier: GPL-3.0-or-later
"""Upload pictures to fal.ai's storage once, and find them again by content until their URL expires."""

import asyncio
import hashlib
import logging
import time
from collections import defaultdict
from pathlib import Path

import fal_client
import httpx

from ...files.input_files import read_json, read_regular
from ...files.kinds import kind_of, media_type
from ...files.writing import write_json_atomically
from ..endpoints.endpoint import MAX_PICTURE_BYTES
from ..errors import (
    BadKeyError,
    JournalError,
    MissingPermissionError,
    NetworkDownError,
    UploadFailedError,
    WrongRequestError,
)
from ..traffic import MANY_UPLOADS
from .lifecycle import DAY_SECONDS
from .limits import WHOLE_UPLOAD_SECONDS
from .service import Service

SPARE_SECONDS = 6 * 3600  # A job may wait in the queue before its picture is fetched.

_log = logging.getLogger(__name__)


class Uploads:
    """The URLs of uploaded files, remembered in ``folder`` by the SHA-256 of their content.

    ``lifetime``: seconds until fal.ai deletes them, which is short because anyone who has a URL can see the picture;
    ``None`` keeps them as long as the account keeps files.

    Raises NetworkDownError, UploadFailedError, BadKeyError, WrongRequestError and JournalError.
    """

    def __init__(
        self,
        service: Service,
        client: fal_client.AsyncClient,
        folder: Path,
        *,
        lifetime: int | None = DAY_SECONDS,
        not_all_at_once: asyncio.Semaphore | None = None,
    ) -> None:
        self._lifetime = lifetime
        self._spare = SPARE_SECONDS if lifetime is None else min(SPARE_SECONDS, lifetime / 2)
        self._service = service
        self._client = client
        self._folder = folder
        self._one_by_one: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._not_all_at_once = not_all_at_once or asyncio.Semaphore(MANY_UPLOADS)

    async def address_of(self, path: Path, sha256: str) -> str:
        """The URL of the file with this content, which is uploaded first if necessary."""
        async with self._one_by_one[sha256]:
            if known := await asyncio.to_thread(self._known, sha256):
                return known
            async with self._not_all_at_once:
                url = await self._upload(await asyncio.to_thread(_content, path, sha256), sha256)
            await asyncio.to_thread(self._remember, sha256, url)
            return url

    async def forget(self, sha256: str) -> None:
        """The URL does not work: upload the file again the next time."""
        await asyncio.to_thread(self._record(sha256).unlink, missing_ok=True)

    async def _upload(self, data: bytes, sha256: str) -> str:
        kind = kind_of(data)
        try:
            async with asyncio.timeout(WHOLE_UPLOAD_SECONDS):
                url = await self._client.upload(
                    data,
                    media_type(kind),
                    f"{sha256[:16]}.{kind}",  # The user's file name stays private.
                    lifecycle=fal_client.StorageSettings(expires_in=self._lifetime or "never"),
                )
            if not self._service.allows_file_url(url):
                raise ValueError("not the URL of a file")
            return url
        except (httpx.TransportError, TimeoutError) as error:
            raise NetworkDownError("The picture could not be uploaded: fal.ai cannot be reached.") from error
        except (httpx.HTTPStatusError, fal_client.FalClientHTTPError) as error:
            if error.response.status_code == 403:
                raise MissingPermissionError("The key may not upload pictures to fal.ai.") from error
            if error.response.status_code == 401:
                raise BadKeyError("fal.ai does not accept the key for uploads.") from error
            raise UploadFailedError(
                f"fal.ai does not accept the picture (error {error.response.status_code})."
            ) from error
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise UploadFailedError("fal.ai's response to the upload cannot be understood.") from error

    def _record(self, sha256: str) -> Path:
        return self._folder / f"{sha256}.json"

    def _known(self, sha256: str) -> str:
        try:
            record = read_json(self._record(sha256))
            fits = record["service"] == self._service.cdn_url
            ends = record["expires_at"]  # ``None``: kept as long as the account keeps files.
            lives = ends is None or time.time() + self._spare < float(ends)
            return str(record["url"]) if fits and lives else ""
        except (OSError, ValueError, KeyError, TypeError):
            return ""  # Unknown or unreadable: uploading again is free.

    def _remember(self, sha256: str, url: str) -> None:
        record = {
            "url": url,
            "service": self._service.cdn_url,
            "expires_at": time.time() + self._lifetime if self._lifetime else None,
        }
        try:
            write_json_atomically(self._record(sha256), record)
        except OSError as error:
            raise JournalError(f"{self._folder} cannot be written: {error.strerror}.") from error


def _content(path: Path, sha256: str) -> bytes:
    try:
        data = read_regular(path, MAX_PICTURE_BYTES)
    except OSError as error:
        raise WrongRequestError(f"The picture {path} cannot be read ({error.strerror}).") from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise WrongRequestError(f"The picture {path} changed while it was being sent.")
    return data
