# SPDX-License-Identifier: GPL-3.0-or-later
"""The clips of the simulated video models, from one or two pictures."""

import io
import math
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

from .pictures import flattened

FRAMES_PER_SECOND = 24
MAX_SIDE = 720
AUDIO_RATE = 44_100
DEPTH = 0.10  # How far the camera moves in, as a fraction of the picture.
BT709 = (
    1  # The number of BT.709 in H.264's tables of matrices, primaries and curves; 1 is also limited range.
)


@dataclass(frozen=True, slots=True)
class Clip:
    """A video that was sent to a model: its frames in order, and its length in seconds."""

    frames: list[Image.Image]
    seconds: float


def read_mp4(data: bytes) -> Clip:
    """The video in a file. Raises ValueError when it cannot be decoded."""
    try:
        with av.open(io.BytesIO(data)) as container:
            stream = container.streams.video[0]
            frames = [frame.to_image() for frame in container.decode(stream)]
            rate = float(stream.average_rate or FRAMES_PER_SECOND)
    except (av.FFmpegError, IndexError) as error:
        raise ValueError("The video cannot be decoded") from error
    if not frames:
        raise ValueError("The video has no frames")
    return Clip(frames, len(frames) / rate)


def photographed(clip: Clip, reference: Image.Image | None) -> bytes:
    """The frames of ``clip`` with colours on the way to those of ``reference``: same size, same number."""
    tint = (255, 244, 230) if reference is None else reference.convert("RGB").resize((1, 1)).getpixel((0, 0))
    frames = [Image.blend(frame, Image.new("RGB", frame.size, tint), 0.15) for frame in clip.frames]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "clip.mp4")
        write_mp4(path, frames, frames[0].size, sound_seconds=0.0)
        return path.read_bytes()


def make_mp4(
    start: Image.Image,
    end: Image.Image | None,
    *,
    middle: Sequence[Image.Image] = (),
    seconds: float,
    has_sound: bool,
    max_side: int = MAX_SIDE,
) -> bytes:
    """An H.264 clip that begins with ``start``: a slow push-in, or, with ``end``, in and back to ``end``.

    ``middle``: frames that are reached in order, at equal distances, on the way to the end.
    """
    size = _even_size(start.size, max_side)
    first = flattened(start)
    room = 1 + DEPTH  # What is left of the picture at the end of the push-in still fills the frame.
    if first.width > size[0] * room:  # Frames are then cut from a small picture: a third of the time.
        first = first.resize((round(size[0] * room), round(size[1] * room)), Image.Resampling.LANCZOS)
    last = flattened(end).resize(first.size, Image.Resampling.LANCZOS) if end is not None else None
    count = max(1, round(seconds * FRAMES_PER_SECOND))
    shares = (number / max(1, count - 1) for number in range(count))
    if middle:
        between = [flattened(one).resize(size, Image.Resampling.LANCZOS) for one in middle]
        keys = [first.resize(size), *between, (last or first).resize(size)]
        frames = (_between(keys, share) for share in shares)
    else:
        frames = (_moment(first, last, share, size) for share in shares)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "clip.mp4")  # A file on disk: moving the index to the front reads it again.
        write_mp4(path, frames, size, sound_seconds=seconds if has_sound else 0.0)
        return path.read_bytes()


def _between(keys: list[Image.Image], share: float) -> Image.Image:
    """The frame at ``share`` of a clip that goes through all key frames."""
    place = share * (len(keys) - 1)
    first = min(int(place), len(keys) - 2)
    return Image.blend(keys[first], keys[first + 1], place - first)


def write_mp4(
    path: Path, frames: Iterable[Image.Image], size: tuple[int, int], *, sound_seconds: float = 0.0
) -> None:
    with av.open(str(path), "w", format="mp4", options={"movflags": "faststart"}) as container:
        video = container.add_stream("libx264", rate=FRAMES_PER_SECOND)
        video.width, video.height = size
        video.pix_fmt = "yuv420p"
        video.time_base = Fraction(1, FRAMES_PER_SECOND)
        video.options = {"preset": "superfast", "crf": "16"}
        video.thread_count = 2
        context = video.codec_context
        context.colorspace = context.color_primaries = context.color_trc = context.color_range = BT709
        sound = container.add_stream("aac", rate=AUDIO_RATE) if sound_seconds else None
        for number, picture in enumerate(frames):
            frame = av.VideoFrame.from_image(picture)
            frame = frame.reformat(format="yuv420p", dst_colorspace="ITU709")
            frame.time_base, frame.pts = Fraction(1, FRAMES_PER_SECOND), number
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if sound is not None:
            _mux_silence(container, sound, sound_seconds)


def _even_size(size: tuple[int, int], max_side: int) -> tuple[int, int]:
    scale = min(1.0, max_side / max(size))
    width, height = (max(16, round(side * scale / 2) * 2) for side in size)
    return width, height


def _moment(first: Image.Image, last: Image.Image | None, share: float, size: tuple[int, int]) -> Image.Image:
    """The frame at ``share`` of the clip."""
    if last is None:
        eased = share * share * (3 - 2 * share)
        return _zoomed(first, eased, size)
    depth = math.sin(math.pi * share) ** 2
    picture = _zoomed(first, depth, size)
    if last is first or share == 0:
        return picture
    mixed = min(1.0, max(0.0, (share - 0.3) / 0.4))
    return Image.blend(picture, _zoomed(last, depth, size), mixed) if mixed else picture


def _zoomed(image: Image.Image, depth: float, size: tuple[int, int]) -> Image.Image:
    margin = DEPTH * depth / 2
    box = (
        image.width * margin,
        image.height * margin,
        image.width * (1 - margin),
        image.height * (1 - margin),
    )
    return image.resize(size, Image.Resampling.BICUBIC, box=box)


def _mux_silence(container: av.container.OutputContainer, sound: av.AudioStream, seconds: float) -> None:
    step = 1024
    for begin in range(0, int(seconds * AUDIO_RATE), step):
        frame = av.AudioFrame.from_ndarray(np.zeros((2, step), np.float32), format="fltp", layout="stereo")
        frame.sample_rate, frame.time_base, frame.pts = AUDIO_RATE, Fraction(1, AUDIO_RATE), begin
        container.mux(sound.encode(frame))
    container.mux(sound.encode(None))
