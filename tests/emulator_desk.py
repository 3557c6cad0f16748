# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests and reads that the emulator's tests share."""

import io
from typing import Any

import httpx
import numpy as np
from PIL import Image

from tests.patience import PATIENCE_SECONDS, until

KEY = "emulator:emulator"
AUTH = {"Authorization": f"Key {KEY}"}
KONTEXT = "fal-ai/flux-kontext/dev"
SCHNELL = "fal-ai/flux/schnell"
KLING = "fal-ai/kling-video/v3/pro/image-to-video"
MESHY = "fal-ai/meshy/v6/multi-image-to-3d"
PLAINLY: dict[str, Any] = {"trust_env": False, "timeout": PATIENCE_SECONDS}


def product_photo(side: int = 256) -> bytes:
    """A red box on pure white."""
    pixels = np.full((side, side, 3), 255, np.uint8)
    third = side // 3
    pixels[third : 2 * third, third : 2 * third] = (180, 40, 30)
    with io.BytesIO() as stream:
        Image.fromarray(pixels).save(stream, "PNG")
        return stream.getvalue()


def fetched(url: str, **options: Any) -> httpx.Response:
    return httpx.get(url, **PLAINLY, **options)


def picture(url: str) -> Image.Image:
    image = Image.open(io.BytesIO(fetched(url).raise_for_status().content))
    image.load()
    return image


def submit(wire: httpx.Client, endpoint: str, **inputs: Any) -> dict[str, Any]:
    return wire.post(f"/queue/{endpoint}", json=inputs).raise_for_status().json()


def finished(wire: httpx.Client, job: dict[str, Any]) -> httpx.Response:
    """The result of a job, once its status says COMPLETED."""
    until(lambda: wire.get(job["status_url"]).json()["status"] == "COMPLETED", "the job does not finish")
    return wire.get(job["response_url"])


def made(wire: httpx.Client, endpoint: str, **inputs: Any) -> dict[str, Any]:
    return finished(wire, submit(wire, endpoint, **inputs)).raise_for_status().json()
