# SPDX-License-Identifier: GPL-3.0-or-later
"""Check a downloaded file before its job counts as done: pictures and videos are decoded, models are read.

All checks take bounded time and memory, whatever the file contains. They block: do not run them on an event loop.
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

MAX_BLACK = 8  # Of 255. Compression may turn pure black into values up to this one.
MAX_CHUNKS = 64  # Of a GLB, which has two; importers read all chunks.

VideoCheck = Callable[[Path], str]  # Returns why no frame of a video can be decoded, or "".

_one_picture_at_a_time = threading.Lock()  # The largest picture that Pillow accepts needs 700 MB.


def complaint(path: Path, kinds: Collection[FileKind]) -> str:
    """Why the file cannot be the complete result, or "" when it can. Another try may succeed."""
    if kind_of_file(path) not in kinds:
        return wrong_kind(kinds)
    return missing_end(path)


def wrong_kind(kinds: Collection[FileKind]) -> str:
    """The complaint about a file of another type than ``kinds``."""
    return f"the server sent something other than {' or '.join(sorted(kind.name for kind in kinds))}"


def judge(path: Path, label: str, check_video: VideoCheck) -> tuple[FileKind, bool]:
    """The kind of a file that passed ``complaint``, and whether it is a black picture.

    Raises DownloadFailedError when it is damaged.
    """
    kind = kind_of_file(path)
    if kind is FileKind.GLB:
        if problem := _glb_problem(path):
            raise DownloadFailedError(f"{label}: the downloaded 3D model is damaged: {problem}.")
        return kind, False
    if kind is FileKind.MP4:
        if problem := check_video(path):
            raise DownloadFailedError(f"{label}: the downloaded video cannot be played: {problem}.")
        return kind, False
    with _one_picture_at_a_time:
        return kind, _is_black(path, label)


def _is_black(path: Path, label: str) -> bool:
    try:
        with Image.open(path) as picture:
            picture.load()
            # Converting makes a copy, so it is done only where it is needed.
            shown = picture if picture.mode in ("RGB", "RGBA") else picture.convert("RGB")
            bands = shown.getextrema()[:3]
    except Image.DecompressionBombError as error:
        raise DownloadFailedError(
            f"{label}: the downloaded picture has too many pixels to be decoded safely."
        ) from error
    except (OSError, SyntaxError, ValueError) as error:
        raise DownloadFailedError(f"{label}: the downloaded picture cannot be decoded.") from error
    return all(isinstance(band, tuple) and band[1] <= MAX_BLACK for band in bands)


def _glb_problem(path: Path) -> str:
    """What is wrong with a GLB that is as long as its header says, or "" (glTF 2.0, 4.4)."""
    with path.open("rb") as stream:
        _magic, version, length = struct.unpack("<4sII", stream.read(12))
        if version != 2:
            return f"its glTF version is {version}, not 2"
        position, number = 12, 0
        while position + 8 <= length:
            stream.seek(position)
            size, kind = struct.unpack("<I4s", stream.read(8))
            position += 8 + size
            number += 1
            if position > length:
                return "a chunk is cut off"
            if number > MAX_CHUNKS:
                return f"it has more than {MAX_CHUNKS} chunks"
            problem = _description_problem(kind, size, stream) if number == 1 else ""
            if problem:
                return problem
    return "" if number else "it is empty"


def _description_problem(kind: bytes, size: int, stream: BinaryIO) -> str:
    if kind != b"JSON":
        return "it does not begin with its JSON chunk"
    if size > MAX_ANSWER_BYTES:
        return f"its JSON chunk is larger than {MAX_ANSWER_BYTES >> 20} MB"
    try:
        description = json.loads(stream.read(size))
    except (ValueError, RecursionError):
        return "its JSON chunk is not valid JSON"
    return "" if isinstance(description, dict) else "its JSON chunk is not an object"
