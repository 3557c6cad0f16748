# SPDX-License-Identifier: GPL-3.0-or-later
"""Textures that a .gltf file names and that are not beside it: which name was looked for, and which names are there."""

from collections.abc import Iterator
from pathlib import Path

from ..files.enclosed import shown
from ..files.input_files import open_regular
from .document import Gltf
from .findings import Finding, Severity
from .parts import find_part, is_inline, is_remote, media_type, part_name, similar_parts

HEAD_BYTES = 16
KIND = "texture_not_found"


def missing_pictures(gltf: Gltf) -> Iterator[Finding]:
    """A finding for each picture that the file names and that cannot be taken in.

    Raises InputError when it names a file that may not be read.
    """
    addresses = [entry.get("uri") for entry in gltf.entries("images")]
    for address in dict.fromkeys(item for item in addresses if isinstance(item, str)):
        if gltf.folder is None or is_inline(address):
            continue
        path = find_part(address, gltf.folder, gltf.name)
        if path is None:
            near = similar_parts(address, gltf.folder)
            there = f"Similar names that are there: {', '.join(map(shown, near))}." if near else ""
            if is_remote(address):
                problem = "an address from which nothing is loaded"
                yield _finding(gltf.name, address, problem, there, "Embed the texture, and export again.")
            else:
                more = there or "Nothing there has a similar name."
                yield _finding(gltf.name, address, "which is not there", more)
        elif not _is_picture(path):
            yield _finding(gltf.name, address, "which is not a picture", "Export it again as PNG or JPEG.")


def _finding(
    owner: str, address: str, problem: str, more: str, remedy: str = "Put the texture there under that name."
) -> Finding:
    return Finding(
        kind=KIND,
        severity=Severity.ERROR,
        where=part_name(address),
        text=" ".join(
            filter(None, (f"{owner} names the texture {shown(address)}, {problem}.", more, remedy))
        ),
    )


def _is_picture(path: Path) -> bool:
    try:
        with open_regular(path) as stream:
            return path.suffix.lower() == ".tga" or bool(media_type(stream.read(HEAD_BYTES)))
    except OSError:
        return False
