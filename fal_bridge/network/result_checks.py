# SPDX-License-Identifier: GPL-3.0-or-later
"""What has come is looked at before it counts as done: pictures are decoded, videos too, models are read.

All of it takes a bounded time and memory, whatever the file says. It is no work for an event loop.
"""

import json
import struct
import threading
from collections.abc import Callable, Collection
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from ...files.kinds import FileKind, kind_of_file, missing_end
from ..errors import DownloadFailedError
from .limits import MAX_ANSWER_BYTES

MAX_BLACK = 8  # Of 255: what compression may leave of pure black.
MAX_CHUNKS = 64  # Of a GLB, which has two; importers read all that there are.

VideoCheck = Callable[[Path], str]  # Why no frame of a video can be decoded, or "".

_one_picture_at_a_time = threading.Lock()  # The largest that Pillow takes fills 700 MB.


def complaint(path: Path, kinds: Collection[FileKind]) -> str:
    """Why the file cannot be the whole result, or "" when it can. Another try may bring it."""
    if kind_of_file(path) not in kinds:
        return wrong_kind(kinds)
    return missing_end(path)


def wrong_kind(kinds: Collection[FileKind]) -> str:
    return f"what came is not {' or '.join(sorted(kind.name for kind in kinds))}"


def judge(path: Path, label: str, check_video: VideoCheck) -> tuple[FileKind, bool]:
    """The kind of a file without ``complaint``, and whether it is a black picture.

    Raises DownloadFailedError when it is damaged.
    """
    kind = kind_of_file(path)
    if kind is FileKind.GLB:
        if problem := _glb_problem(path):
            raise DownloadFailedError(f"{label}: the 3D model that came is damaged: {problem}.")
        return kind, False
    if kind is FileKind.MP4:
        if problem := check_video(path):
            raise DownloadFailedError(f"{label}: the video that came cannot be played: {problem}.")
        return kind, False
    with _one_picture_at_a_time:
        return kind, _is_black(path, label)


def _is_black(path: Path, label: str) -> bool:
    try:
        with Image.open(path) as picture:
            picture.load()
            shown = (
                picture if picture.mode in ("RGB", "RGBA") else picture.convert("RGB")
            )  # Else a copy for nothing.
            bands = shown.getextrema()[:3]
    except Image.DecompressionBombError as error:
        raise DownloadFailedError(
            f"{label}: the picture that came has too many pixels to be decoded safely."
        ) from error
    except (OSError, SyntaxError, ValueError) as error:
        raise DownloadFailedError(f"{label}: the picture that came cannot be decoded.") from error
    return all(isinstance(band, tuple) and band[1] <= MAX_BLACK for band in bands)


def _glb_problem(path: Path) -> str:
    """What is wrong with a GLB whose header announces no more than there is, or "" (glTF 2.0, 4.4)."""
    with path.open("rb") as stream:
        _magic, version, length = struct.unpack("<4sII", stream.read(12))
        if version != 2:
            return f"it is of glTF version {version}, not 2"
        position, number = 12, 0
        while position + 8 <= length:
            stream.seek(position)
            size, kind = struct.unpack("<I4s", stream.read(8))
            position += 8 + size
            number += 1
            if position > length:
                return "a chunk of it is cut off"
            if number > MAX_CHUNKS:
                return f"it has more than {MAX_CHUNKS} chunks"
            problem = _description_problem(kind, size, stream) if number == 1 else ""
            if problem:
                return problem
    return "" if number else "it is empty"


def _description_problem(kind: bytes, size: int, stream: BinaryIO) -> str:
    if kind != b"JSON":
        return "it does not begin with its description"
    if size > MAX_ANSWER_BYTES:
        return f"its description is larger than {MAX_ANSWER_BYTES >> 20} MB"
    try:
        description = json.loads(stream.read(size))
    except (ValueError, RecursionError):
        return "its description is not valid JSON"
    return "" if isinstance(description, dict) else "its description is not a JSON object"
