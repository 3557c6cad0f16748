# SPDX-License-Identifier: GPL-3.0-or-later
"""The results of model calls: files, and JSON that follows the output schema."""

import base64
import hashlib
import json
import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from PIL import Image, ImageOps

from . import defects, glb, pictures, videos
from .inputs import Media
from .prices import BINARY_MEGAPIXEL, Measure, seconds_of
from .schemas import SIZE_PRESETS, Endpoint, Json

START_FIELDS = ("start_image_url", "image_url", "first_frame_url", "first_image_url", "image_urls")
END_FIELDS = ("end_image_url", "tail_image_url", "last_frame_url")
TARGET_SIDES = {"720p": 720, "1080p": 1080, "1440p": 1440, "2160p": 2160}
SIZE_CLASSES = {"0.5K": BINARY_MEGAPIXEL // 4, "1K": BINARY_MEGAPIXEL, "2K": 4 << 20, "4K": 16 << 20}
MAX_ENLARGED_PIXELS = 160_000_000
CACHE_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class Product:
    """A file to be put on the CDN."""

    data: bytes
    name: str
    content_type: str
    size: tuple[int, int] | None = None


@dataclass(slots=True)
class Making:
    """The result of a model call, with ``Product`` objects where the wire has File objects."""

    output: Json
    measure: Measure


@dataclass(frozen=True, slots=True)
class Call:
    """One model call: defaults filled in, files decoded."""

    endpoint: Endpoint
    inputs: Json
    media: Media
    is_black: bool = False
    defect: str = ""  # One of ``defects.DEFECTS``, of ``amount``.
    amount: float = 0.0

    @property
    def text(self) -> str:
        shots = self.inputs.get("multi_prompt") or []
        return str(
            self.inputs.get("prompt") or " ".join(shot["prompt"] for shot in shots) or self.media.digest
        )

    @property
    def seed(self) -> int:
        """The given seed, or one that depends only on the inputs."""
        given = self.inputs.get("seed")
        return given if isinstance(given, int) else int(self.mark[:7], 16)

    @property
    def mark(self) -> str:
        """A hash of everything that determines the result."""
        without_files = {
            name: value for name, value in self.inputs.items() if name not in self.media.pictures
        }
        planted = [self.defect, self.amount] if self.defect else []
        text = json.dumps(
            [self.endpoint.id, without_files, self.media.digest, self.is_black, *planted], sort_keys=True
        )
        return hashlib.sha256(text.encode()).hexdigest()


class Maker:
    """Makes results and caches them, so that equal calls are computed once."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Making] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()  # Models run in several threads.

    def make(self, call: Call) -> Making:
        mark = call.mark
        with self._lock:
            found = self._known.get(mark)
        if found is None:
            found = _MAKERS[call.endpoint.kind](call)
            self._remember(mark, found)
        return found

    def _remember(self, mark: str, making: Making) -> None:
        with self._lock:
            if mark in self._known:
                return
            self._known[mark] = making
            self._bytes += _weight(making)
            while self._bytes > CACHE_BYTES and len(self._known) > 1:
                _, oldest = self._known.popitem(last=False)
                self._bytes -= _weight(oldest)


def _weight(making: Making) -> int:
    return sum(len(product.data) for product in products_in(making.output))


def products_in(value: Any) -> list[Product]:
    if isinstance(value, Product):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [found for item in value for found in products_in(item)] if isinstance(value, list) else []


def with_products(value: Any, change: Callable[[Product], Any]) -> Any:
    """A copy of an output in which every ``Product`` is replaced."""
    if isinstance(value, Product):
        return change(value)
    if isinstance(value, dict):
        return {name: with_products(item, change) for name, item in value.items()}
    return [with_products(item, change) for item in value] if isinstance(value, list) else value


def data_uri(product: Product) -> str:
    return f"data:{product.content_type};base64,{base64.b64encode(product.data).decode()}"


def corrupted(product: Product) -> Product:
    """The same start and length, and random bytes after the start."""
    noise = hashlib.shake_256(product.data[:64]).digest(max(0, len(product.data) - 12))
    return replace(product, data=product.data[:12] + noise)


def _picture(image: Image.Image, output_format: str, name: str) -> Product:
    data, content_type, extension = pictures.encoded(image, output_format)
    return Product(data, f"{name}.{extension}", content_type, image.size)


def _allowed(endpoint: Endpoint, output: Json) -> Json:
    """Only the members that the endpoint's schema knows."""
    return {name: value for name, value in output.items() if name in endpoint.outputs}


def _picture_output(call: Call, images: list[Image.Image], output_format: str) -> Json:
    """``images`` or ``image``, as the endpoint has it, with the members around it."""
    products = [_picture(image, output_format, f"output-{index}") for index, image in enumerate(images)]
    return _allowed(
        call.endpoint,
        {
            "images": products,
            "image": products[0],
            "timings": {"inference": 0.05},
            "seed": call.seed,
            "has_nsfw_concepts": [call.is_black] * len(products),
            "prompt": call.inputs.get("prompt", ""),
            "description": "",
        },
    )


def _photo(call: Call) -> Making:
    sources = call.media.all() or [pictures.drawn_product((1024, 1024), call.text)]
    size = _photo_size(call.inputs, sources[0].size)
    count = int(call.inputs.get("num_images", 1))
    if call.is_black:
        images = [pictures.black(size)] * count
    else:
        images = [pictures.relit(sources[0], size, call.seed + 97 * index) for index in range(count)]
    if call.defect:
        images = [defects.planted(image, call.defect, call.amount, call.seed) for image in images]
    scaled = sum(min(1.0, width * height / BINARY_MEGAPIXEL) for width, height in (p.size for p in sources))
    measure = Measure(images=count, output_pixels=size[0] * size[1], input_megapixels=scaled)
    return Making(_picture_output(call, images, str(call.inputs.get("output_format", "jpeg"))), measure)


def _photo_size(inputs: Json, source: tuple[int, int]) -> tuple[int, int]:
    if (wanted := inputs.get("image_size")) not in (None, "auto"):
        return _custom_size(wanted)
    pixels = SIZE_CLASSES.get(str(inputs.get("resolution")), BINARY_MEGAPIXEL)
    ratio = inputs.get("resolution_mode") or inputs.get("aspect_ratio")
    if isinstance(ratio, str) and ":" in ratio:
        return pictures.size_of_ratio(ratio, pixels=pixels)
    return pictures.size_like(*source, pixels=pixels)


def _custom_size(wanted: Any) -> tuple[int, int]:
    if isinstance(wanted, str):
        width, height = SIZE_PRESETS[wanted]
        return width, height
    return int(wanted.get("width", 512)), int(wanted.get("height", 512))


def _image(call: Call) -> Making:
    if "aspect_ratio" in call.inputs:  # Ultra variants: about four megapixels.
        size = pictures.size_of_ratio(call.inputs["aspect_ratio"], pixels=4 << 20)
    else:
        size = _custom_size(call.inputs.get("image_size", "landscape_4_3"))
    count = int(call.inputs.get("num_images", 1))
    if call.is_black:
        images = [pictures.black(size)] * count
    else:
        images = [
            pictures.drawn_product(size, f"{call.text}{'' if index == 0 else f' {index + call.seed}'}")
            for index in range(count)
        ]
    measure = Measure(images=count, output_pixels=size[0] * size[1])
    return Making(_picture_output(call, images, str(call.inputs.get("output_format", "jpeg"))), measure)


def _upscale(call: Call) -> Making:
    inputs = call.inputs
    source = call.media.all()[0]
    if inputs.get("upscale_mode") == "target":
        factor = TARGET_SIDES[inputs["target_resolution"]] / min(source.size)
    else:
        names = ("upscale_factor", "scale_factor", "scale", "desired_increase")
        factor = float(next((inputs[name] for name in names if name in inputs), 2))
    highest = math.sqrt(MAX_ENLARGED_PIXELS / (source.width * source.height))
    factor = min(factor, highest)
    width, height = (max(1, round(side * factor)) for side in source.size)
    if "seedvr" in call.endpoint.id:  # Observed at fal.ai: sides in multiples of 16, rounded up.
        width, height = (math.ceil(side / 16) * 16 for side in (width, height))
    image = pictures.black((width, height)) if call.is_black else pictures.enlarged(source, (width, height))
    default = "webp" if "recraft" in call.endpoint.id else "png"
    measure = Measure(output_pixels=width * height, compute_seconds=1.5)
    return Making(_picture_output(call, [image], str(inputs.get("output_format", default))), measure)


def _cut_out(call: Call) -> Making:
    image, mask = pictures.cut_out(call.media.all()[0])
    output = _picture_output(call, [image], str(call.inputs.get("output_format", "png")))
    if call.inputs.get("output_mask") and "mask_image" in call.endpoint.outputs:
        output["mask_image"] = _picture(mask, "png", "mask")
    return Making(output, Measure(output_pixels=image.width * image.height, compute_seconds=1.5))


def _model(call: Call) -> Making:
    inputs = call.inputs
    photo = call.media.first("image_urls", "image_url", "input_image_url")
    is_textured = bool(inputs.get("should_texture", True)) and inputs.get("mode") != "preview"
    has_maps = bool(inputs.get("enable_pbr", "enable_pbr" not in call.endpoint.properties))
    data = glb.make_glb(
        call.text,
        photo,
        triangles=int(inputs.get("target_polycount", glb.MAX_TRIANGLES)),
        has_texture=is_textured,
        has_pbr_maps=has_maps,
        scale=float(inputs.get("mesh_scale", 1.0)),
    )
    model = Product(data, "model.glb", "model/gltf-binary")
    thumbnail = _picture(pictures.drawn_product((512, 512), call.text, photo), "png", "preview")
    output: Json = {
        "model_glb": model,
        "model_urls": {"glb": model},
        "thumbnail": thumbnail,
        "seed": call.seed,
        "prompt": inputs.get("prompt"),
        "actual_prompt": inputs.get("prompt"),
    }
    if is_textured:
        texture = _picture(pictures.label_texture(1024, call.text, photo), "png", "base_color")
        output["texture_urls"] = [{"base_color": texture}]
        if has_maps:
            normal = _picture(glb.normal_map(512), "png", "normal")
            output["texture_urls"][0]["normal"] = normal
    if inputs.get("enable_rigging"):
        output |= {"rig_task_id": call.mark[:24], "rigged_character_glb": model}
    if inputs.get("enable_animation"):
        output["animation_glb"] = model
    return Making(_allowed(call.endpoint, output), Measure())


def _video(call: Call) -> Making:
    inputs = call.inputs
    if clips := next(iter(call.media.videos.values()), None):
        return _photographed(call, clips[0])
    start, end = call.media.first(*START_FIELDS), call.media.first(*END_FIELDS)
    ratio = str(inputs.get("aspect_ratio", ""))
    if start is None:
        size = pictures.size_of_ratio(ratio if ":" in ratio else "16:9", pixels=BINARY_MEGAPIXEL // 2)
        start = pictures.drawn_product(size, call.text)
    elif ":" in ratio:
        size = pictures.size_of_ratio(ratio, pixels=start.width * start.height)
        start = ImageOps.fit(start, size)
        end = ImageOps.fit(end, size) if end is not None else None
    if call.defect:
        start, end = (
            one and defects.planted(one, call.defect, call.amount, call.seed) for one in (start, end)
        )
    seconds = seconds_of(inputs)
    data = videos.make_mp4(
        pictures.black(start.size) if call.is_black else start,
        None if call.is_black else end,
        middle=[] if call.is_black else call.media.pictures.get("middle_image_urls", []),
        seconds=seconds,
        has_sound=bool(inputs.get("generate_audio", False)),
    )
    output = {"video": Product(data, "output.mp4", "video/mp4"), "seed": call.seed}
    return Making(_allowed(call.endpoint, output), Measure(seconds=seconds))


def _photographed(call: Call, clip: videos.Clip) -> Making:
    """A video made from a video, with the camera and the timing of that one."""
    references = call.media.all()
    data = videos.photographed(clip, references[0] if references else None)
    output = {
        "video": Product(data, "output.mp4", "video/mp4"),
        "seed": call.seed,
        "prompt": call.inputs.get("prompt"),
    }
    count = len(references) or int(call.inputs.get("max_generated_reference_images", 0))
    return Making(_allowed(call.endpoint, output), Measure(seconds=clip.seconds, references=count))


_MAKERS: dict[str, Callable[[Call], Making]] = {
    "photo": _photo,
    "image": _image,
    "upscale": _upscale,
    "other": _cut_out,
    "model": _model,
    "video": _video,
}
