# SPDX-License-Identifier: GPL-3.0-or-later
"""Decode one frame of a video, in a process that may crash: ``python video_probe.py FILE``.

``video_check`` starts it, in a Python that has PyAV or the bpy module, or in Blender. Each output line begins with
``MARK``: first that a decoder has begun, then a JSON object with ``decoder`` and ``problem``. The script limits its own
time and memory as well, in case the process that waits for it has ended.
"""

import contextlib
import importlib
import json
import os
import sys
from pathlib import Path

MARK = "photoreal-video "
BEGUN = "begun"
# In addition to loaded code. An 8K frame with its references needs about one gigabyte.
MAX_MEMORY_BYTES = 3 << 30
MAX_CPU_SECONDS = 90
MAX_PACKETS = 300  # Before the first good frame.


def main() -> None:
    path = sys.argv[-1]
    answer = {"decoder": "", "problem": ""}
    for decoder, work in (("PyAV", _decode_with_av), ("Blender", _decode_with_blender)):
        with contextlib.suppress(ImportError):
            answer = {"decoder": decoder, "problem": work(path)}
            break
    _say(json.dumps(answer))
    os._exit(0)  # Blender exits slowly, and there is nothing to clean up.


def _decode_with_av(path: str) -> str:
    import av

    _begin()
    try:
        with av.open(path, metadata_errors="replace") as container:
            if not container.streams.video:
                return "it has no video track that can be decoded"
            stream = container.streams.video[0]
            for _number, packet in zip(range(MAX_PACKETS), container.demux(stream), strict=False):
                with contextlib.suppress(av.InvalidDataError):
                    if any(not frame.is_corrupt for frame in packet.decode()):
                        return ""
    except (av.FFmpegError, MemoryError, OSError) as error:
        return f"its decoder reports {str(error)[:200]!r}"
    return "none of its frames can be decoded"


def _decode_with_blender(path: str) -> str:
    bpy = importlib.import_module("bpy")
    _begin()
    try:
        image = bpy.data.images.load(path)
    except RuntimeError as error:
        return f"Blender reports {str(error).strip()[:200]!r}"
    image.source = "MOVIE"  # Blender decides by the suffix, and a part file has another one.
    # Reading the size makes Blender decode the first frame.
    return "" if min(image.size) > 0 and image.has_data else "none of its frames can be decoded"


def _begin() -> None:
    """From now on, a crash or a timeout of this process means that the file is bad."""
    _limit()
    _say(BEGUN)


def _limit() -> None:
    try:
        import resource
    except ImportError:
        return  # Windows: the waiting process ends this one after its timeout.
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_SECONDS, MAX_CPU_SECONDS))
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        most = pages * resource.getpagesize() + MAX_MEMORY_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _say(text: str) -> None:
    sys.stdout.write(f"{MARK}{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
