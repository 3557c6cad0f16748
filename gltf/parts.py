# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of a glTF file that it refers to by address: ``data:`` addresses, or files next to it.

See the glTF 2.0 specification (Khronos, 2021, revision 2.0.1), sections 2.8 (URIs), 3.6.1 (buffers) and 3.8.3 (images).
``files.enclosed`` decides which files may be read; nothing is ever fetched from a network.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, unquote_to_bytes

from ..files.enclosed import OutsideError, check_name, find_in, outside, read_in
from .json_values import Json
from .nearby_parts import last_parts_in, nearby_name, similar_names

MAX_GLB_BYTES = (1 << 32) - 1  # Bytes: the length field has 32 bits (glTF 2.0, 4.4.2).
MAX_PICTURE_BYTES = 1 << 30  # Bytes: 16384 x 16384 uncompressed pixels of 32 bits.
# Media types by the first bytes of a file. Only such files are read as pictures.
PICTURE_MAGICS = {
    b"\x89PNG": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"RIFF": "image/webp",
    b"\xabKTX 20": "image/ktx2",
    b"DDS ": "image/vnd-ms.dds",
    b"GIF8": "image/gif",
    b"BM": "image/bmp",
    b"II*\0": "image/tiff",
    b"MM\0*": "image/tiff",
}
HINT = "Put all parts into the folder of the .gltf file, or export a single GLB."
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(//)?")  # A single letter is a Windows drive.
_QUERY = re.compile(r"[?#].*", re.DOTALL)  # And fragment (RFC 3986, 3.4 and 3.5).
_ADDRESS = re.compile(
    r"(?:(?:^|_)ur[il]|U[Rr][IiLl])s?$"
)  # ``uri``, and those of extensions such as ``schemaUri``.


def is_remote(address: str) -> bool:
    """Is the address one of a network, from which nothing is fetched?"""
    return not is_inline(address) and _file_name(address) is None


def is_inline(address: str) -> bool:
    """Does the address contain the bytes itself (``data:``)?"""
    return address[:5].lower() == "data:"


def addresses_in(document: Json) -> Iterator[tuple[Json, str, str]]:
    """Every address in a glTF document: the object that contains it, the name of its member, and its text.

    All extensions are searched, also unknown ones; ``extras`` are not, because no reader acts on them.
    """
    waiting: list[Any] = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += [item for item in value if isinstance(item, dict | list)]
            continue
        for name, item in value.items():
            if isinstance(item, str) and _ADDRESS.search(name):
                yield value, name, item
            elif isinstance(item, list) and _ADDRESS.search(name):
                yield from ((value, name, text) for text in item if isinstance(text, str))
            if isinstance(item, dict | list) and name != "extras":
                waiting.append(item)


def check_addresses(document: Json, folder: Path | None, owner: str) -> None:
    """Raises InputError when ``document`` refers to a file that may not be read.

    ``folder`` contains the parts of ``owner``; None for a GLB, which has no parts next to it.
    """
    for address in dict.fromkeys(address for _holder, _name, address in addresses_in(document)):
        find_part(address, folder, owner)


def find_part(address: str, folder: Path | None, owner: str) -> Path | None:
    """The file that an address refers to; None when it is missing, remote or inline.

    Raises InputError as ``enclosed.find_in``.
    """
    name = located(address, folder, owner)
    if name is None or folder is None:
        return None
    return find_in(folder, name, owner, max_bytes=MAX_GLB_BYTES, hint=HINT)


def read_part(address: str, folder: Path | None, owner: str, *, max_bytes: int) -> bytes | None:
    """The bytes that an address refers to; None when they are missing.

    Raises InputError as ``enclosed.read_in``.
    """
    if is_inline(address):
        return _inline_data(address)
    name = located(address, folder, owner)
    if name is None or folder is None:
        return None
    return read_in(folder, name, owner, max_bytes=max_bytes, hint=HINT)


def located(address: str, folder: Path | None, owner: str) -> str | None:
    """The path in ``folder`` that an address means, which may be missing; None when it is inline or remote.

    An absolute path is that of another machine: the file that it ends with counts when it is in ``folder``.
    Raises OutsideError for a path outside the folder, and for every path if there is no folder.
    """
    name = _file_name(address)
    if name is None:
        return None
    try:
        plain = check_name(name, owner, hint=HINT)
    except OutsideError:
        inside = last_parts_in(folder, name) if folder else None
        if inside is None:
            near = similar_parts(address, folder) if folder else []
            there = f" Its folder has {', '.join(near)}." if near else ""
            raise outside(address, owner, hint=f"{HINT}{there}") from None
        return inside
    if folder is None:
        return plain
    literal = address.replace("\\", "/")  # Some exporters do not escape what looks like an escape.
    path = unquote(_QUERY.sub("", address))  # Of an address on the web, from where the file was saved.
    spelled = (nearby_name(folder, each) for each in dict.fromkeys((plain, literal, path)))
    return next((each for each in spelled if each is not None), plain)


def similar_parts(address: str, folder: Path) -> list[str]:
    """Names in ``folder`` that are similar to the missing one of an address, the most similar first."""
    return similar_names(folder, _file_name(address) or part_name(_QUERY.sub("", address)))


def read_picture(address: str, folder: Path | None, owner: str) -> bytes | None:
    """The file of a picture; None when it is missing or not a picture by its first bytes.

    Raises InputError as ``read_part``.
    """
    data = read_part(address, folder, owner, max_bytes=MAX_PICTURE_BYTES)
    if data is None:
        return None
    is_targa = (
        part_name(address).lower().endswith(".tga")
    )  # Targa files cannot be recognized by their first bytes.
    return data if is_targa or media_type(data) else None


def media_type(data: bytes) -> str:
    """The media type of a picture by its first bytes; empty for anything else."""
    return next((kind for magic, kind in PICTURE_MAGICS.items() if data.startswith(magic)), "")


def part_name(address: str) -> str:
    """The name of the file that an address refers to; empty when it is inline."""
    return "" if is_inline(address) else unquote(address).replace("\\", "/").split("/")[-1]


def _file_name(address: str) -> str | None:
    """The path in an address, with slashes or backslashes; None when it is inline or remote."""
    if is_inline(address):
        return None
    scheme = _SCHEME.match(address)
    if scheme and scheme[1].lower() == "file":
        return "/" + unquote(address[scheme.end(1) + 1 :])  # Absolute, whatever follows.
    return None if scheme and scheme[2] else unquote(address)


def _inline_data(address: str) -> bytes | None:
    """The contents of a ``data:`` address (RFC 2397); None when it is damaged."""
    head, comma, text = address.partition(",")
    if not comma:
        return None
    try:
        return base64.b64decode(text) if head.lower().endswith(";base64") else unquote_to_bytes(text)
    except (binascii.Error, ValueError):
        return None
