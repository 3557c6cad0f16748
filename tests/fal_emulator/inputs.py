# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetch input files: only from our CDN, from data URIs and from loopback addresses."""

import asyncio
import base64
import binascii
import hashlib
import io
import ipaddress
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

import aiohttp
from PIL import Image, UnidentifiedImageError
from yarl import URL

from .schemas import Endpoint, Json, MediaField, complaint
from .storage import FileStore
from .videos import Clip, read_mp4

FETCH_SECONDS = 20.0
MAX_PICTURE_BYTES = 1 << 28
MAX_SIDE = 14142  # Documented for Kontext; used for every endpoint without a documented maximum.
LOWEST_SIDE = 8
PICTURE_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "AVIF", "BMP", "TIFF")


class FetchError(Exception):
    """An input file cannot be fetched."""


class InputError(Exception):
    """Inputs that the model rejects; ``entries`` is the ``detail`` list of the response."""

    def __init__(self, entries: list[Json]) -> None:
        super().__init__("input refused")
        self.entries = entries


@dataclass(slots=True)
class Media:
    """The decoded files of one request, by field name and in order."""

    pictures: dict[str, list[Image.Image]] = field(default_factory=dict)
    videos: dict[str, list[Clip]] = field(default_factory=dict)
    digest: str = ""  # Of all file contents: equal inputs have equal digests whatever their URLs.

    def first(self, *names: str) -> Image.Image | None:
        """The first picture of the first of these fields that has one."""
        return next((self.pictures[name][0] for name in names if self.pictures.get(name)), None)

    def all(self) -> list[Image.Image]:
        return [picture for pictures in self.pictures.values() for picture in pictures]


class MediaReader:
    """Fetches and decodes the files of a request. ``own_port`` tells which loopback URLs are ours."""

    def __init__(self, store: FileStore, own_port: Callable[[], int]) -> None:
        self.store = store
        self.own_port = own_port

    async def read(self, endpoint: Endpoint, inputs: Json) -> Media:
        media, marks = Media(), hashlib.sha256()
        for place in endpoint.media(inputs):
            loc = ["body", *place.loc]
            if not endpoint.takes_data_uris and str(place.url).startswith("data:"):
                raise InputError([complaint(loc, "url_scheme", "URL scheme should be https")])
            try:
                data = await self.fetch(place.url)
            except FetchError as error:
                entry = complaint(loc, "file_download_error", str(error), value=place.url)
                raise InputError([entry]) from error
            marks.update(repr(place.loc).encode() + hashlib.sha256(data).digest())
            if place.media == "image":
                picture = await asyncio.to_thread(_picture, data, place, endpoint.limits(place))
                media.pictures.setdefault(place.name, []).append(picture)
            if place.media == "video":
                clip = await asyncio.to_thread(_clip, data, place)
                media.videos.setdefault(place.name, []).append(clip)
        media.digest = marks.hexdigest()
        return media

    async def fetch(self, url: object) -> bytes:
        """The bytes at a URL. No other machine is ever contacted."""
        if not isinstance(url, str):
            raise FetchError("The address is not a text")
        if url.startswith("data:"):
            return _data_uri(url)
        try:
            address = URL(url)
        except ValueError as error:
            raise FetchError("The address cannot be read") from error
        if address.scheme not in ("http", "https") or not is_loopback(address.host or ""):
            raise FetchError("The address cannot be reached")
        if address.port == self.own_port() and address.path.startswith("/cdn/"):
            stored = self.store.get(address.path.removeprefix("/cdn/"))
            if stored is None or not self.store.may_read(stored, address.query.get("identity", "")):
                raise FetchError("There is no such file")
            return stored.data
        return await _get(address)


async def _get(address: URL) -> bytes:
    timeout = aiohttp.ClientTimeout(total=FETCH_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, auto_decompress=True) as session,
            session.get(address, allow_redirects=False) as answer,
        ):
            if answer.status != 200:
                raise FetchError(f"The address answered {answer.status}")
            data = await answer.content.read(MAX_PICTURE_BYTES)
            while chunk := await answer.content.read(MAX_PICTURE_BYTES - len(data)):
                data += chunk
            return data
    except (aiohttp.ClientError, TimeoutError) as error:
        raise FetchError("The address cannot be reached") from error


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _data_uri(url: str) -> bytes:
    head, comma, body = url.partition(",")
    if not comma:
        raise FetchError("The data URI has no data")
    if not head.endswith(";base64"):
        return unquote_to_bytes(body)
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error as error:
        raise FetchError("The data URI is not base64") from error


def _clip(data: bytes, place: MediaField) -> Clip:
    try:
        return read_mp4(data)
    except ValueError as error:
        entry = complaint(["body", *place.loc], "video_load_error", str(error), value=place.url)
        raise InputError([entry]) from error


def _picture(data: bytes, place: MediaField, limits: Json) -> Image.Image:
    loc = ["body", *place.loc]
    max_bytes = limits.get("bytes")
    if max_bytes and len(data) > max_bytes:
        raise InputError(
            [
                complaint(
                    loc, "file_too_large", "File is too large", ctx={"max_size": max_bytes}, value=place.url
                )
            ]
        )
    highest, lowest = limits.get("highest_side", MAX_SIDE), limits.get("lowest_side", LOWEST_SIDE)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # The sides are checked below.
            image = Image.open(io.BytesIO(data), formats=PICTURE_FORMATS)
            if max(image.size) > highest:
                ctx = {"max_width": highest, "max_height": highest}
                raise InputError(
                    [complaint(loc, "image_too_large", "Picture is too large", ctx=ctx, value=place.url)]
                )
            if min(image.size) < lowest:
                ctx = {"min_width": lowest, "min_height": lowest}
                raise InputError(
                    [complaint(loc, "image_too_small", "Picture is too small", ctx=ctx, value=place.url)]
                )
            image.load()
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        entry = complaint(loc, "image_load_error", "Picture cannot be read", value=place.url)
        raise InputError([entry]) from error
    return image
