# SPDX-License-Identifier: GPL-3.0-or-later
"""Decodes one frame of a video, in a process that may crash: ``python video_probe.py FILE``.

``video_check`` starts it, in a Python that has PyAV or the bpy module, or in Blender. Each line that it says begins with
``MARK``: first that a decoder has begun, then a JSON object with ``decoder`` and ``problem``. Its time and memory are
limited here as well, for the case that the process that waits for it is gone.
"""

import contextlib
import importlib
import json
import os
import sys
from pathlib import Path

MARK = "photoreal-video "
BEGUN = "begun"
MOST_MEMORY_BYTES = (
    3 << 30
)  # Besides what is loaded: 8K frames with all that they refer to take about one gigabyte.
MOST_CPU_SECONDS = 90
MOST_PACKETS = 300  # Before the first good frame.


def main() -> None:
    path = sys.argv[-1]
    answer = {"decoder": "", "problem": ""}
    for decoder, work in (("PyAV", _decode_with_av), ("Blender", _decode_with_blender)):
        with contextlib.suppress(ImportError):
            answer = {"decoder": decoder, "problem": work(path)}
            break
    _say(json.dumps(answer))
    os._exit(0)  # Blender takes its time to end, and there is nothing to tidy up.


def _decode_with_av(path: str) -> str:
    import av

    _begin()
    try:
        with av.open(path, metadata_errors="replace") as container:
            if not container.streams.video:
                return "it has no video that can be decoded"
            stream = container.streams.video[0]
            for _number, packet in zip(range(MOST_PACKETS), container.demux(stream), strict=False):
                with contextlib.suppress(av.InvalidDataError):
                    if any(not frame.is_corrupt for frame in packet.decode()):
                        return ""
    except (av.FFmpegError, MemoryError, OSError) as error:
        return f"its decoder says {str(error)[:200]!r}"
    return "none of its frames can be decoded"


def _decode_with_blender(path: str) -> str:
    bpy = importlib.import_module("bpy")
    _begin()
    try:
        image = bpy.data.images.load(path)
    except RuntimeError as error:
        return f"Blender says {str(error).strip()[:200]!r}"
    image.source = "MOVIE"  # Blender goes by the suffix of a name, and what is still a part has another one.
    # Asked for its size, Blender decodes the first frame.
    return "" if min(image.size) > 0 and image.has_data else "none of its frames can be decoded"


def _begin() -> None:
    """From here on it is the file's fault when this process crashes or takes too long."""
    _limit()
    _say(BEGUN)


def _limit() -> None:
    try:
        import resource
    except ImportError:
        return  # Windows: the process that waits ends us in time.
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CPU, (MOST_CPU_SECONDS, MOST_CPU_SECONDS))
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        most = pages * resource.getpagesize() + MOST_MEMORY_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _say(text: str) -> None:
    sys.stdout.write(f"{MARK}{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
