# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures that need no upload: those that the user gives as a URL, and small ones sent as a data URI."""

import asyncio
import base64
import hashlib
import re
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import httpx

from ...files.kinds import PHOTO_NAMES, PHOTOS, kind_of, media_type, missing_end
from ...files.writing import write_atomically
from ..errors import NetworkDownError, WrongRequestError
from .event_loops import new_runner
from .limits import MAX_PHOTO_BYTES, MAX_REDIRECTS, PHOTO_TIMEOUT, WHOLE_PHOTO_SECONDS
from .response_bodies import UnusableBodyError, read_body
from .service import LOOPBACK_HOSTS, Service


def is_address(text: str) -> bool:
    """Whether a source photo is given as a URL."""
    return text.lower().startswith(("https://", "http://"))


def fetch_picture(url: str, folder: Path, service: Service | None) -> Path:
    """Download the picture at a public URL into ``folder``, without sending the key. Must not run on an event loop.

    Raises WrongRequestError when there is no usable picture, and NetworkDownError when it does not arrive in time.
    """
    is_local = service is not None and service.is_emulator
    try:
        with new_runner() as runner:
            data = runner.run(_fetch(url, is_local=is_local))
    except TimeoutError as error:
        raise NetworkDownError(
            f"{_host(url)} did not send the whole picture within {WHOLE_PHOTO_SECONDS:.0f} seconds.",
            hint="Nothing was spent. Download the picture and use the file instead.",
        ) from error
    except UnusableBodyError as error:
        raise WrongRequestError(f"The picture at {_host(url)} cannot be used: {error}.") from error
    except httpx.HTTPError as error:
        raise NetworkDownError(
            f"{_host(url)} cannot be reached ({type(error).__name__}).",
            hint="Nothing was spent. Check the address and the network, or download the picture and use the file.",
        ) from error
    kind = kind_of(data)
    if kind not in PHOTOS:
        raise WrongRequestError(f"The file at {_host(url)} is not a {PHOTO_NAMES}.")
    name = re.sub(r"[^\w.-]+", "-", Path(unquote(urlsplit(url).path)).stem).strip(".-") or "photo"
    path = folder / f"{name[:80]}.{kind}"
    number = 2
    while path.exists():
        path = folder / f"{name[:80]}-{number}.{kind}"
        number += 1
    write_atomically(path, data)
    if gap := missing_end(path):
        path.unlink()
        raise WrongRequestError(f"The picture at {_host(url)} is not complete: {gap}.")
    return path


def data_uri_of(path: Path, sha256: str, max_bytes: int) -> str:
    """The file as a data URI; "" when it is larger than ``max_bytes`` or its content has changed."""
    try:
        if path.stat().st_size > max_bytes:
            return ""
        data = path.read_bytes()
    except OSError:
        return ""
    if hashlib.sha256(data).hexdigest() != sha256:
        return ""
    return f"data:{media_type(kind_of(data))};base64,{base64.b64encode(data).decode()}"


async def _fetch(url: str, *, is_local: bool) -> bytes:
    headers = {"Accept-Encoding": "identity"}
    async with (
        asyncio.timeout(WHOLE_PHOTO_SECONDS),
        httpx.AsyncClient(timeout=PHOTO_TIMEOUT, trust_env=not is_local, headers=headers) as client,
    ):
        for _hop in range(MAX_REDIRECTS + 1):
            _check(url, is_local=is_local)
            async with client.stream("GET", url) as response:
                if response.has_redirect_location:
                    url = urljoin(url, response.headers["location"])
                    continue
                if response.status_code != 200:
                    raise WrongRequestError(
                        f"{_host(url)} does not return the picture (error {response.status_code}).",
                        hint="The URL must be public: fal.ai fetches it, too.",
                    )
                return await read_body(response, MAX_PHOTO_BYTES)
    raise WrongRequestError(f"The URL at {_host(url)} redirects too many times.")


def _check(url: str, *, is_local: bool) -> None:
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        host = None
    if not host or parts.username or parts.password:
        raise WrongRequestError("The URL of a source photo is not valid.")
    if parts.scheme != "https" and not (is_local and host in LOOPBACK_HOSTS):
        raise WrongRequestError(
            f"The URL at {host} does not begin with https://.",
            hint="Use its https:// address, or download the picture and use the file.",
        )


def _host(url: str) -> str:
    """The host alone: path and query may contain a signature."""
    return urlsplit(url).hostname or "the URL"
