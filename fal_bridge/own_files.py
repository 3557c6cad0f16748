# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that go to fal.ai without an upload: those with an address of the user's own, and tiny ones."""

import base64
import hashlib
import re
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import httpx

from ..files import FileKind, kind_of, write_atomically
from .endpoint import PICTURES
from .errors import NetworkDownError, WrongRequestError
from .service import LOOPBACK_HOSTS, Service

MAX_BYTES = 64 << 20
MAX_REDIRECTS = 5
MIME = {FileKind.PNG: "image/png", FileKind.JPEG: "image/jpeg", FileKind.WEBP: "image/webp"}


def is_address(text: str) -> bool:
    return text.lower().startswith(("https://", "http://"))


def fetch_picture(url: str, folder: Path, service: Service | None) -> Path:
    """A copy of the picture at a public address, in ``folder``. The key never goes there."""
    is_local = service is not None and service.is_emulator
    try:
        with httpx.Client(timeout=30.0, trust_env=not is_local) as client:
            data = _read(client, url, is_local=is_local)
    except httpx.HTTPError as error:
        raise NetworkDownError(
            f"{_host(url)} cannot be reached ({type(error).__name__}).", hint="Nothing was spent."
        ) from error
    kind = kind_of(data[:16])
    if kind not in PICTURES:
        raise WrongRequestError(f"What is at {_host(url)} is not a PNG, JPEG or WebP picture.")
    name = re.sub(r"[^\w.-]+", "-", Path(unquote(urlsplit(url).path)).stem).strip(".-") or "photo"
    path = folder / f"{name[:80]}.{kind}"
    number = 2
    while path.exists():
        path = folder / f"{name[:80]}-{number}.{kind}"
        number += 1
    write_atomically(path, data)
    return path


def data_uri_of(path: Path, sha256: str, most_bytes: int) -> str:
    """The file itself as an address, or "" when it is larger, or no longer the file that was meant."""
    try:
        if path.stat().st_size > most_bytes:
            return ""
        data = path.read_bytes()
    except OSError:
        return ""
    if hashlib.sha256(data).hexdigest() != sha256:
        return ""
    mime = MIME.get(kind_of(data[:16]), "application/octet-stream")
    return f"data:{mime};base64,{base64.b64encode(data).decode()}"


def _read(client: httpx.Client, url: str, *, is_local: bool) -> bytes:
    for _hop in range(MAX_REDIRECTS + 1):
        _check(url, is_local=is_local)
        with client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as response:
            if response.has_redirect_location:
                url = urljoin(url, response.headers["location"])
                continue
            if response.status_code != 200:
                raise WrongRequestError(
                    f"{_host(url)} does not give the picture (error {response.status_code}).",
                    hint="The address must be open to everybody: fal.ai fetches it too.",
                )
            data = b""
            for part in response.iter_bytes():
                data += part
                if len(data) > MAX_BYTES:
                    raise WrongRequestError(f"The picture at {_host(url)} is larger than 64 MB.")
            return data
    raise WrongRequestError(f"The address at {_host(url)} leads in circles.")


def _check(url: str, *, is_local: bool) -> None:
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        host = None
    if not host or parts.username or parts.password:
        raise WrongRequestError("The address of a source photo cannot be read.")
    if parts.scheme != "https" and not (is_local and host in LOOPBACK_HOSTS):
        raise WrongRequestError(f"The address at {host} does not begin with https://.")


def _host(url: str) -> str:
    """Without path and query, which may hold a signature."""
    return urlsplit(url).hostname or "the address"
