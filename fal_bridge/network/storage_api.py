# SPDX-License-Identifier: GPL-3.0-or-later
"""Files in fal.ai's storage: signed URLs for restricted ones, hiding them, and deleting what a request has stored.

All calls are free. Source: fal.ai's documentation of its platform API for storage and for request payloads.
"""

import uuid
from urllib.parse import quote

import httpx

from ..errors import BadKeyError, ExpiredResultError, ServiceTroubleError
from .answers import body_of
from .http_clients import REPEATABLE
from .service import Service

SIGNED_SECONDS = 3600
NOBODYS_FILE = "files/b/photoreal-set/permission.png"  # Does not exist: only the permission is asked for.
MAY_NOT_SIGN = "Give the key the permission to read assets, then resume. Nothing is paid twice."


class Storage:
    """``client``: one for calls that may be repeated. Raises ServiceTroubleError and NetworkDownError."""

    def __init__(self, service: Service, client: httpx.AsyncClient) -> None:
        self._service = service
        self._client = client

    async def signed(self, url: str) -> str:
        """A URL by which a restricted file can be read for an hour.

        Raises BadKeyError for a key that may not, and ExpiredResultError when there is no such file.
        """
        response = await self._sign(url)
        body = body_of(response)
        signed = body.get("signed_url") if isinstance(body, dict) else None
        if response.status_code in (404, 410):
            raise ExpiredResultError("fal.ai no longer has the file.")
        if not response.is_success or not isinstance(signed, str):
            raise _trouble(response)
        return signed

    async def require_signing(self) -> None:
        """Raises BadKeyError when the key could not read restricted results."""
        await self._sign(f"{self._service.cdn_url}/{NOBODYS_FILE}")

    async def _sign(self, url: str) -> httpx.Response:
        response = await self._client.post(
            f"{self._service.platform_url}/storage/files/sign",
            params={"url": url.partition("?")[0]},
            json={"expiration_seconds": SIGNED_SECONDS},
            extensions={REPEATABLE: True},
        )
        if response.status_code in (401, 403):
            raise BadKeyError(
                "The key may not read restricted files, so private results could not be fetched.",
                hint=MAY_NOT_SIGN,
                field="private",
            )
        return response

    async def may_hide(self) -> bool:
        """Whether the key may hide files."""
        response = await self._hide(f"{self._service.cdn_url}/{NOBODYS_FILE}")
        return _is_refused(response) or _is_allowed(response)

    async def hide(self, url: str) -> bool:
        """Hide a file from everyone. Returns whether fal.ai does it; a file that is gone counts as hidden."""
        response = await self._hide(url)
        return not _is_refused(response) and _is_allowed(response)

    async def _hide(self, url: str) -> httpx.Response:
        return await self._client.put(
            f"{self._service.platform_url}/storage/files/acl",
            params={"url": url.partition("?")[0]},
            json={"default": "hide", "rules": []},
        )

    async def delete_payloads(self, request_id: str) -> bool:
        """Delete the stored input, the stored output and the output files of a request. Returns whether the key may.

        fal.ai may fail to delete single files, so they have to be hidden, too.
        """
        response = await self._client.delete(
            f"{self._service.platform_url}/models/requests/{quote(request_id, safe='')}/payloads",
            headers={"Idempotency-Key": str(uuid.uuid5(uuid.NAMESPACE_URL, request_id))},
        )
        return _is_allowed(response)


def _is_refused(response: httpx.Response) -> bool:
    """Whether fal.ai does not do this for this file, such as one that lies elsewhere, whatever the key may."""
    return response.status_code in (400, 409, 422)


def _is_allowed(response: httpx.Response) -> bool:
    if response.status_code == 401:
        raise BadKeyError("fal.ai does not accept the key.")
    if response.status_code == 403:
        return False
    if not response.is_success and response.status_code not in (404, 410):
        raise _trouble(response)
    return True


def _trouble(response: httpx.Response) -> ServiceTroubleError:
    return ServiceTroubleError(f"fal.ai responds with error {response.status_code} when asked about a file.")
