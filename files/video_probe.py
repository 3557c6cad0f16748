# SPDX-License-Identifier: GPL-3.0-or-later
"""Decode frames of a video, in a process that may crash: ``python video_probe.py FILE``.

``video_check`` starts it, in a Python that has PyAV or the bpy module, or in Blender. Each output line begins with
``MARK``: first that a decoder has begun, then a JSON object with ``decoder`` and ``problem``. The script limits its own
time and memory as well, in case the process that waits for it has ended.

``python video_probe.py frames COUNT SIDE FOLDER FILE`` writes ``COUNT`` frames at equal distances, the first and the
last one included, as ``FOLDER/0000.png`` and so on, at most ``SIDE`` pixels wide and high. The answer then also has
``frames``, all frames that were decoded, ``kept``, the numbers of those that were written, ``rate``, their number in a
second, and ``width`` and ``height`` of the video.
"""

import contextlib
import importlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

MARK = "photoreal-video "
BEGUN = "begun"
# In addition to loaded code. An 8K frame with its references needs about one gigabyte.
MAX_MEMORY_BYTES = 3 << 30
MAX_CPU_SECONDS = 90
MAX_PACKETS = 300  # Before the first good frame.
MAX_FRAMES = 20_000  # Of a video of which frames are written.


def main() -> None:
    path = sys.argv[-1]
    answer: dict[str, Any] = {"decoder": "", "problem": ""}
    if "frames" in sys.argv:
        count, side, folder = sys.argv[-4:-1]
        works = _FRAMES
        given: tuple[Any, ...] = (path, int(count), int(side), Path(folder))
    else:
        works, given = _FIRST, (path,)
    for decoder, work in works.items():
        with contextlib.suppress(ImportError):
            answer = {"decoder": decoder, **work(*given)}
            break
    _say(json.dumps(answer))
    os._exit(0)  # Blender exits slowly, and there is nothing to clean up.


def evenly(frames: int, count: int) -> list[int]:
    """``count`` numbers of ``frames``, at equal distances, the first and the last one included; fewer if there are."""
    if frames < 1:
        return []
    steps = max(1, min(count, frames) - 1)
    return sorted({round(step * (frames - 1) / steps) for step in range(steps + 1)})


def _first_with_av(path: str) -> dict[str, Any]:
    return {"problem": _decode_with_av(path)}


def _first_with_blender(path: str) -> dict[str, Any]:
    return {"problem": _decode_with_blender(path)}


def _opened_with_av(path: str) -> Any:
    """The video as a container of PyAV, also when its metadata is not UTF-8."""
    import av

    try:
        return av.open(path, metadata_errors="replace")
    except TypeError:  # PyAV 19 removed the argument and the error that it avoids.
        return av.open(path)


def _frames_with_av(path: str, count: int, side: int, folder: Path) -> dict[str, Any]:
    import av

    _begin()
    found: dict[str, Any] = {"problem": "", "frames": 0, "kept": [], "rate": 0.0, "width": 0, "height": 0}
    try:
        with _opened_with_av(path) as container:
            stream = container.streams.video[0]
            packets = sum(1 for packet in container.demux(stream) if packet.size)
            found |= {
                "rate": float(stream.average_rate or 0.0),
                "width": stream.width,
                "height": stream.height,
            }
        wanted = evenly(min(packets, MAX_FRAMES), count)
        scale = min(1.0, side / max(found["width"], found["height"], 1))
        size = [max(2, round(length * scale)) for length in (found["width"], found["height"])]
        with _opened_with_av(path) as container:
            for number, frame in zip(range(MAX_FRAMES), container.decode(video=0), strict=False):
                found["frames"] = number + 1
                if number in wanted and not frame.is_corrupt:
                    small = frame.reformat(
                        width=size[0], height=size[1], format="rgb24", interpolation="AREA"
                    )
                    picture = small.to_image()
                    picture.save(folder / f"{len(found['kept']):04}.png")
                    found["kept"].append(number)
    except (av.FFmpegError, MemoryError, OSError, IndexError, ValueError) as error:
        found["problem"] = f"its decoder reports {str(error)[:200]!r}"
    return found


def _frames_with_blender(path: str, count: int, side: int, folder: Path) -> dict[str, Any]:
    bpy = importlib.import_module("bpy")
    _begin()
    found: dict[str, Any] = {"problem": "", "frames": 0, "kept": [], "rate": 0.0, "width": 0, "height": 0}
    scene = bpy.context.scene
    editor = scene.sequence_editor_create()
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences  # Before 4.4.
    try:
        strip = strips.new_movie(name="video", filepath=path, channel=1, frame_start=1)
        element = strip.elements[0]
        found |= {"frames": strip.frame_duration, "rate": float(strip.fps)}
        found |= {"width": int(element.orig_width or 0), "height": int(element.orig_height or 0)}
        render = scene.render
        scale = min(1.0, side / max(found["width"], found["height"], 1))
        render.resolution_x = max(4, round(found["width"] * scale))
        render.resolution_y = max(4, round(found["height"] * scale))
        strip.transform.scale_x = strip.transform.scale_y = scale
        render.resolution_percentage, render.use_sequencer, render.use_compositing = 100, True, False
        render.image_settings.file_format, render.dither_intensity = "PNG", 0.0
        scene.view_settings.view_transform = "Standard"
        scene.sequencer_colorspace_settings.name = "sRGB"
        for number in evenly(min(found["frames"], MAX_FRAMES), count):
            scene.frame_set(number + 1)
            render.filepath = str(folder / f"{len(found['kept']):04}.png")
            bpy.ops.render.render(write_still=True)
            found["kept"].append(number)
    except (RuntimeError, IndexError, AttributeError) as error:
        found["problem"] = f"Blender reports {str(error).strip()[:200]!r}"
    return found


def _decode_with_av(path: str) -> str:
    import av

    _begin()
    try:
        with _opened_with_av(path) as container:
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


_FIRST: dict[str, Callable[..., dict[str, Any]]] = {"PyAV": _first_with_av, "Blender": _first_with_blender}
_FRAMES: dict[str, Callable[..., dict[str, Any]]] = {
    "PyAV": _frames_with_av,
    "Blender": _frames_with_blender,
}

if __name__ == "__main__":
    main()
