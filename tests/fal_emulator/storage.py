# SPDX-License-Identifier: GPL-3.0-or-later
"""Files: upload tokens, the four ways to upload, and the public CDN with lifetimes and ranges."""

import hashlib
import json
import mimetypes
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from aiohttp import web

from .state import Controls, iso, iso_offset
from .wire import json_answer, refusal

LIFECYCLE_HEADERS = ("X-Fal-Object-Lifecycle-Preference", "X-Fal-Object-Lifecycle")
ACLS = ("allow", "forbid", "hide")
MAX_SIGNED_SECONDS = 7 * 86400
TOKEN_TYPE = "Bearer"


@dataclass(slots=True, kw_only=True)
class StoredFile:
    """One file of the CDN; ``path`` is its path below ``/cdn/``."""

    path: str
    content_type: str
    expires_at: float | None
    endpoint: str = "upload"
    acl: str = "allow"  # Who may read it without a signature: "allow", "forbid" (403) or "hide" (404) anyone.
    fixed_acl_status: int = 0  # That of the answer when its ACL cannot be set; 0 when it can.
    data: bytes = b""
    is_complete: bool = False
    parts: dict[int, bytes] = field(default_factory=dict)

    @property
    def etag(self) -> str:
        return f'"{hashlib.sha256(self.data).hexdigest()[:32]}"'


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """What the lifecycle headers of a request ask for: seconds until expiry, None for no wish, and the ACL."""

    seconds: float | None = None
    acl: str = "allow"


def requested_lifecycle(headers: Mapping[str, str]) -> Lifecycle:
    """The first lifecycle header that can be read."""
    for name in LIFECYCLE_HEADERS:
        try:
            body = json.loads(headers.get(name, "null"))
        except json.JSONDecodeError:
            continue
        if isinstance(body, dict):
            seconds = body.get("expiration_duration_seconds")
            acl = (body.get("initial_acl") or {}).get("default")
            return Lifecycle(float(seconds) if seconds else None, acl if acl in ACLS else "allow")
    return Lifecycle()


class FileStore:
    """All files in memory. An expired file is gone."""

    def __init__(self, controls: Controls) -> None:
        self.controls = controls
        self.files: dict[str, StoredFile] = {}
        self.tokens: dict[str, float] = {}
        self.signatures: dict[str, str] = {}  # Of upload URLs: signature to file path.
        self.identities: dict[str, tuple[str, float]] = {}  # Of signed URLs: to file path and time of expiry.
        controls.on_reset.append(self.forget)

    def forget(self) -> None:
        self.files.clear()
        self.tokens.clear()
        self.signatures.clear()
        self.identities.clear()

    def new_token(self) -> tuple[str, float]:
        now = self.controls.clock.now()
        expires_at = now + self.controls.settings.token_lifetime
        token = secrets.token_urlsafe(24)
        self.tokens[token] = expires_at
        return token, expires_at

    def knows_token(self, authorization: str) -> bool:
        word, _, token = authorization.partition(" ")
        good_until = self.tokens.get(token.strip())
        if word.lower() != TOKEN_TYPE.lower() or good_until is None:
            return False
        return self.controls.clock.now() < good_until

    def reserve(self, name: str, content_type: str, lifecycle: Lifecycle, endpoint: str) -> StoredFile:
        """Reserve a path for a file that is uploaded later."""
        lifetime = lifecycle.seconds
        if lifetime is None:
            lifetime = self.controls.settings.file_lifetime
        safe = re.sub(r"[^A-Za-z0-9._-]", "_", PurePosixPath(name).name) or "upload.bin"
        stored = StoredFile(
            path=f"files/b/{secrets.token_hex(10)}/{safe}",
            content_type=content_type,
            expires_at=None if lifetime is None else self.controls.clock.now() + lifetime,
            endpoint=endpoint,
            acl=lifecycle.acl,
        )
        self.files[stored.path] = stored
        return stored

    def add(
        self, data: bytes, name: str, content_type: str, lifecycle: Lifecycle, endpoint: str = "upload"
    ) -> StoredFile:
        stored = self.reserve(name, content_type, lifecycle, endpoint)
        stored.data, stored.is_complete = data, True
        return stored

    def get(self, path: str) -> StoredFile | None:
        """The file at a path if it is complete and not expired."""
        stored = self.files.get(path)
        if stored is None or not stored.is_complete:
            return None
        if stored.expires_at is not None and self.controls.clock.now() >= stored.expires_at:
            stored.data = b""
            return None
        return stored

    def identity(self, stored: StoredFile, seconds: float) -> str:
        """A signature for the URL of a file, which lets anyone read it for a while."""
        identity = secrets.token_hex(16)
        self.identities[identity] = stored.path, self.controls.clock.now() + seconds
        return identity

    def may_read(self, stored: StoredFile, identity: str = "", authorization: str = "") -> bool:
        """Whether the ACL of a file, or a signature or token, allows to read it."""
        path, until = self.identities.get(identity, ("", 0.0))
        is_signed = path == stored.path and self.controls.clock.now() < until
        return stored.acl == "allow" or is_signed or self.knows_token(authorization)

    def described(self) -> list[dict[str, Any]]:
        """A line for each complete file: whether anyone can fetch it now, and what decides that."""
        return [
            {
                "path": stored.path,
                "endpoint": stored.endpoint,
                "acl": stored.acl,
                "expires_at": None if stored.expires_at is None else iso(stored.expires_at),
                "is_public": stored.acl == "allow" and self.get(stored.path) is not None,
            }
            for stored in self.files.values()
            if stored.is_complete
        ]

    def sign(self, stored: StoredFile) -> str:
        """A one-file permission to upload without a token."""
        signature = secrets.token_hex(16)
        self.signatures[signature] = stored.path
        return signature

    def signed(self, request: web.Request) -> StoredFile | None:
        path = self.signatures.get(request.query.get("signature", ""))
        return self.files.get(path) if path else None


def base_of(request: web.Request) -> str:
    """The base URL that the client used, so that our URLs work for it, too."""
    return f"http://{request.host}"


class StorageRoutes:
    """The HTTP interface of a ``FileStore``."""

    def __init__(self, store: FileStore) -> None:
        self.store = store

    def url_of(self, request: web.Request, stored: StoredFile) -> str:
        return f"{base_of(request)}/cdn/{stored.path}"

    async def token(self, request: web.Request) -> web.StreamResponse:
        token, expires_at = self.store.new_token()
        if fault := self.store.controls.plan.at("skew", "upload"):
            expires_at += float(fault.parameters["seconds"])
        return json_answer(
            {
                "token": token,
                "token_type": TOKEN_TYPE,
                "base_url": f"{base_of(request)}/cdn",
                "expires_at": iso_offset(expires_at),
            }
        )

    async def initiate(self, request: web.Request) -> web.StreamResponse:
        """A URL to PUT a complete file to; the form of the Python fallback and of the JavaScript client."""
        stored = await self._wanted_file(request)
        signature = self.store.sign(stored)
        file_url = self.url_of(request, stored)
        upload_url = f"{base_of(request)}/cdn/upload/{stored.path}?signature={signature}"
        return json_answer({"upload_url": upload_url, "file_url": file_url})

    async def initiate_multipart(self, request: web.Request) -> web.StreamResponse:
        stored = await self._wanted_file(request)
        signature = self.store.sign(stored)
        upload_url = f"{base_of(request)}/cdn/parts/{stored.path}?signature={signature}"
        return json_answer({"upload_url": upload_url, "file_url": self.url_of(request, stored)})

    async def _wanted_file(self, request: web.Request) -> StoredFile:
        try:
            body: Any = json.loads(await request.read() or b"{}")
        except json.JSONDecodeError:
            body = {}
        if not isinstance(body, dict):
            body = {}
        return self.store.reserve(
            str(body.get("file_name") or "upload.bin"),
            str(body.get("content_type") or "application/octet-stream"),
            requested_lifecycle(request.headers),
            "upload",
        )

    async def put_signed(self, request: web.Request) -> web.StreamResponse:
        stored = self.store.signed(request)
        if stored is None:
            return refusal(403, "The signature is not valid")
        stored.data, stored.is_complete = await request.read(), True
        stored.content_type = request.headers.get("Content-Type", stored.content_type)
        return web.Response(status=200)

    async def put_signed_part(self, request: web.Request) -> web.StreamResponse:
        stored = self.store.signed(request)
        if stored is None:
            return refusal(403, "The signature is not valid")
        return await self._take_part(request, stored)

    async def complete_signed(self, request: web.Request) -> web.StreamResponse:
        stored = self.store.signed(request)
        if stored is None:
            return refusal(403, "The signature is not valid")
        return await self._complete(request, stored)

    async def upload(self, request: web.Request) -> web.StreamResponse:
        if (refused := self._without_token(request)) is not None:
            return refused
        stored = self._reserve_for(request)
        stored.data, stored.is_complete = await request.read(), True
        return json_answer({"access_url": self.url_of(request, stored)})

    async def begin_multipart(self, request: web.Request) -> web.StreamResponse:
        if (refused := self._without_token(request)) is not None:
            return refused
        stored = self._reserve_for(request)
        return json_answer({"access_url": self.url_of(request, stored), "uploadId": self.store.sign(stored)})

    async def put_part(self, request: web.Request) -> web.StreamResponse:
        if (refused := self._without_token(request)) is not None:
            return refused
        stored = self._of_upload_id(request)
        if stored is None:
            return refusal(404, "There is no such upload")
        return await self._take_part(request, stored)

    async def complete_multipart(self, request: web.Request) -> web.StreamResponse:
        if (refused := self._without_token(request)) is not None:
            return refused
        stored = self._of_upload_id(request)
        if stored is None:
            return refusal(404, "There is no such upload")
        return await self._complete(request, stored)

    def _without_token(self, request: web.Request) -> web.Response | None:
        if self.store.knows_token(request.headers.get("Authorization", "")):
            return None
        return refusal(401, "The upload token is missing, unknown or expired")

    def _reserve_for(self, request: web.Request) -> StoredFile:
        content_type = request.headers.get("Content-Type", "application/octet-stream")
        extension = mimetypes.guess_extension(content_type.partition(";")[0]) or ".bin"
        name = request.headers.get("X-Fal-File-Name") or f"upload{extension}"
        return self.store.reserve(name, content_type, requested_lifecycle(request.headers), "upload")

    def _of_upload_id(self, request: web.Request) -> StoredFile | None:
        path = self.store.signatures.get(request.match_info["upload_id"])
        return self.store.files.get(path) if path == request.match_info["path"] else None

    async def _take_part(self, request: web.Request, stored: StoredFile) -> web.StreamResponse:
        number = int(request.match_info["number"])
        data = await request.read()
        stored.parts[number] = data
        etag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
        return json_answer({"partNumber": number, "etag": etag}, headers={"ETag": etag})

    async def _complete(self, request: web.Request, stored: StoredFile) -> web.StreamResponse:
        """Join the parts by number, whatever the order in which they arrived and are listed."""
        try:
            listed = json.loads(await request.read())["parts"]
            wanted = {int(part["partNumber"]): str(part["etag"]) for part in listed}
        except (json.JSONDecodeError, KeyError, TypeError, ValueError):
            return refusal(400, "The list of parts is not readable")
        for number, etag in wanted.items():
            part = stored.parts.get(number)
            if part is None or etag.strip('"') != hashlib.sha256(part).hexdigest()[:32]:
                return refusal(400, f"Part {number} is missing or has another etag")
        if set(wanted) != set(stored.parts):
            return refusal(400, "The list of parts is not complete")
        stored.data = b"".join(stored.parts[number] for number in sorted(wanted))
        stored.parts.clear()
        stored.is_complete = True
        return json_answer({"access_url": self.url_of(request, stored)})

    async def download(self, request: web.Request, stored: StoredFile | None) -> web.StreamResponse:
        """A file, or the part of it that a Range header names."""
        if stored is None:
            return json_answer({"detail": "Not Found"}, 404)
        data, etag = stored.data, stored.etag
        headers = {"ETag": etag, "Accept-Ranges": "bytes", "Content-Type": stored.content_type}
        if etag in request.headers.get("If-None-Match", ""):
            return web.Response(status=304, headers={"ETag": etag})
        wanted = request.headers.get("Range")
        if wanted is None or request.headers.get("If-Range", etag) != etag:
            return web.Response(body=data, headers=headers)
        span = _span(wanted, len(data))
        if span is None:
            return web.Response(status=416, headers={"Content-Range": f"bytes */{len(data)}"})
        begin, end = span
        headers["Content-Range"] = f"bytes {begin}-{end - 1}/{len(data)}"
        return web.Response(status=206, body=data[begin:end], headers=headers)


def _span(text: str, length: int) -> tuple[int, int] | None:
    """First byte and byte after the last of a single range; None when it is outside the file."""
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", text.strip())
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        begin, end = max(0, length - int(last)), length
    else:
        begin, end = int(first), min(length, int(last) + 1) if last else length
    return (begin, end) if begin < end else None
