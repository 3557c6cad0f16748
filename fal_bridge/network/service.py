# SPDX-License-Identifier: GPL-3.0-or-later
"""The URLs and the key of fal.ai, or of an emulator on this machine."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from ...files.input_files import read_regular
from ..errors import BadKeyError, WrongRequestError

LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")
EMULATOR_KEY = "emulator:emulator"
MAX_KEY_BYTES = 1 << 16  # Of the file that holds it.


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The URLs, without a trailing slash, and the key."""

    queue_url: str
    rest_url: str
    cdn_url: str
    platform_url: str
    openapi_url: str
    key: str = field(repr=False)
    is_emulator: bool = False

    @classmethod
    def live(cls, key: str) -> Self:
        """fal.ai itself. Raises BadKeyError for what cannot be a key."""
        return cls(
            queue_url="https://queue.fal.run",
            rest_url="https://rest.fal.ai",
            cdn_url="https://v3.fal.media",
            platform_url="https://api.fal.ai/v1",
            openapi_url="https://fal.ai/api/openapi/queue/openapi.json",
            key=_checked_key(key),
        )

    @classmethod
    def emulator(cls, url: str) -> Self:
        """An emulator on this machine. Raises WrongRequestError for any other URL."""
        root = _checked_loopback(url)
        return cls(
            queue_url=f"{root}/queue",
            rest_url=f"{root}/rest",
            cdn_url=f"{root}/cdn",
            platform_url=f"{root}/v1",
            openapi_url=f"{root}/openapi",
            key=EMULATOR_KEY,
            is_emulator=True,
        )

    @property
    def emulator_url(self) -> str:
        """The URL that this emulator was given by; "" for fal.ai."""
        return self.queue_url.removesuffix("/queue") if self.is_emulator else ""

    def owns_queue_url(self, url: str) -> bool:
        """Whether the key may be sent to ``url``."""
        return _origin(url) is not None and _origin(url) == _origin(self.queue_url)

    def allows_file_url(self, url: str) -> bool:
        """Whether a result may be fetched from ``url``, always without the key."""
        origin = _origin(url)
        if origin is None:
            return False
        scheme, host, _port = origin
        if self.is_emulator:
            return scheme == "http" and host in LOOPBACK_HOSTS
        return scheme == "https"

    def without_key(self, text: str) -> str:
        """``text`` from outside without the key, so that it can be shown and stored."""
        for secret in (self.key, *self.key.split(":", 1)):
            if len(secret) >= 6 and not self.is_emulator:
                text = text.replace(secret, "[key]")
        return text


def key_from_environment(environ: Mapping[str, str]) -> str | None:
    """The key from ``FAL_KEY`` or from the file named by ``FAL_KEY_FILE``; ``None`` when neither is set.

    An empty variable counts as not set: build systems pass missing secrets that way. Raises BadKeyError when the file
    cannot be read or is empty.
    """
    if key := environ.get("FAL_KEY", "").strip():
        return key
    name = environ.get("FAL_KEY_FILE", "").strip()
    if not name:
        return None
    try:
        text = read_regular(Path(name).expanduser(), MAX_KEY_BYTES).decode("utf-8-sig")
    except (OSError, RuntimeError, UnicodeDecodeError) as error:  # RuntimeError: ~NAME of an unknown user.
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise BadKeyError(f"The key file {name} (FAL_KEY_FILE) cannot be read ({reason}).") from error
    return _not_empty(text, f"The key file {name} (FAL_KEY_FILE) is empty.")


def _not_empty(text: str, complaint: str) -> str:
    if not text.strip():
        raise BadKeyError(complaint)
    return text.strip()


def _checked_key(key: str) -> str:
    key = key.strip()
    if not key:
        raise BadKeyError("The fal.ai key is empty.")
    if not key.isascii() or not key.isprintable() or any(letter in " \"'" for letter in key):
        raise BadKeyError("The fal.ai key contains spaces, quotes or characters that keys do not have.")
    identifier, colon, secret = key.partition(":")
    if not (identifier and colon and secret):
        raise BadKeyError("The fal.ai key is incomplete: a key has two parts, separated by a colon.")
    return key


def _checked_loopback(url: str) -> str:
    complaint = f"{url!r} is not an emulator: only http://127.0.0.1:PORT (or localhost, or [::1]) is allowed."
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise WrongRequestError(complaint) from error
    plain = parts.path in ("", "/") and not (
        parts.query or parts.fragment or parts.username or parts.password
    )
    if parts.scheme != "http" or host not in LOOPBACK_HOSTS or not port or not plain:
        raise WrongRequestError(complaint)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _origin(url: str) -> tuple[str, str, int] | None:
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None
    if not parts.hostname or port is None or parts.username or parts.password:
        return None
    return parts.scheme, parts.hostname, port
