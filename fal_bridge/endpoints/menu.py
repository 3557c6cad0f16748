# SPDX-License-Identifier: GPL-3.0-or-later
"""Names, list prices and one line about every current endpoint: what is shown where one is chosen.

A separate table, without the rest of the registry, because Blender's window has no Pillow. A test keeps it equal to
the registry. Prices are list prices of November 2026; fal.ai is asked for those of the account before anything is sent.
"""

import re
from dataclasses import dataclass

from ...messages.translation import translated
from ..jobs import Kind

AMOUNT = re.compile(r"\$[\d.-]+")
ASKED = "price on request"  # fal.ai publishes no list price; ``estimate`` asks for it.


@dataclass(frozen=True, slots=True)
class Choice:
    """An endpoint to choose: ``line`` is what it is good for, ``price`` the list price in words."""

    id: str
    kind: Kind
    title: str
    price: str
    line: str

    @property
    def price_template(self) -> str:
        """The price in words with ``{price}`` in place of the amount: what is translated."""
        return AMOUNT.sub("{price}", self.price)

    @property
    def shown_price(self) -> str:
        """The price in the language of the window."""
        amount = AMOUNT.search(self.price)
        return translated(self.price_template, price=amount[0] if amount else "")

    @property
    def text(self) -> str:
        """Name, price and purpose in one line, in the language of the window."""
        return f"{self.title}, {self.shown_price}: {translated(self.line)}"


def _rows(kind: Kind, *rows: tuple[str, str, str, str]) -> tuple[Choice, ...]:
    return tuple(Choice(id, kind, title, price, line) for id, title, price, line in rows)


CHOICES = (
    *_rows(
        Kind.PHOTO,
        ("fal-ai/flux-pro/kontext", "FLUX Kontext Pro", ASKED, "one render"),
        ("fal-ai/flux-pro/kontext/max", "FLUX Kontext Max", ASKED, "one render"),
        ("fal-ai/flux-pro/kontext/multi", "FLUX Kontext Pro Multi", ASKED, "up to five pictures"),
        ("fal-ai/flux-pro/kontext/max/multi", "FLUX Kontext Max Multi", ASKED, "up to five pictures"),
        ("fal-ai/flux-kontext/dev", "FLUX Kontext Dev", ASKED, "one render; the default"),
        ("blackforestlabs/flux-3/edit-image", "FLUX 3", "$0.048-0.607 per image", "up to ten pictures"),
        ("fal-ai/flux-2-pro/edit", "FLUX 2 Pro", "from $0.03 per megapixel", "up to four pictures"),
        ("fal-ai/flux-2-max/edit", "FLUX 2 Max", "from $0.07 per megapixel", "up to four pictures"),
        ("fal-ai/flux-2-flex/edit", "FLUX 2 Flex", ASKED, "up to four pictures"),
        ("fal-ai/flux-2/edit", "FLUX 2", ASKED, "up to four pictures"),
        ("fal-ai/flux-2/turbo/edit", "FLUX 2 Turbo", ASKED, "up to four pictures, fewer steps"),
        ("fal-ai/flux-2/flash/edit", "FLUX 2 Flash", ASKED, "up to four pictures, fewest steps"),
        ("fal-ai/nano-banana-2/edit", "Nano Banana 2", "$0.06-0.16 per image", "up to ten pictures"),
        ("fal-ai/nano-banana-pro/edit", "Nano Banana Pro", "$0.15-0.3 per image", "up to ten pictures"),
        ("openai/gpt-image-2/edit", "GPT Image 2", ASKED, "up to ten pictures; accepts a mask"),
        ("ideogram/v4.5/edit", "Ideogram 4.5", "$0.03 per image", "one render; accepts a mask"),
        ("bytedance/seedream/v5/pro/edit", "Seedream 5 Pro", ASKED, "up to ten pictures"),
        ("fal-ai/qwen-image-edit-2511", "Qwen Image Edit", ASKED, "up to ten pictures"),
        ("fal-ai/flux-control-lora-depth/image-to-image", "FLUX Depth", ASKED, "guided by depth"),
        ("fal-ai/flux-control-lora-canny/image-to-image", "FLUX Edges", ASKED, "guided by edges"),
        (
            "fal-ai/z-image/turbo/controlnet",
            "Z-Image Turbo",
            ASKED,
            "guided by depth or edges; needs a prompt",
        ),
    ),
    *_rows(
        Kind.VIDEO,
        (
            "minimax/h3-max/3d-to-video",
            "MiniMax H3 Max 3D",
            "$0.05-0.16 per second",
            "from your own render; recommended",
        ),
        ("fal-ai/ltx-2.3-quality/render-to-real", "LTX 2.3 Render to Real", ASKED, "from your own render"),
        ("kling/v4/image-to-video", "Kling 4", "$0.157-0.235 per second", "key frames from your photos"),
        ("fal-ai/kling-video/v3/pro/image-to-video", "Kling 3 Pro", "$0.112-0.168 per second", "the default"),
        (
            "fal-ai/kling-video/v3/standard/image-to-video",
            "Kling 3 Standard",
            "$0.084-0.126 per second",
            "cheaper",
        ),
        (
            "fal-ai/kling-video/o3/pro/image-to-video",
            "Kling O3 Pro",
            "$0.112-0.14 per second",
            "first and last frame",
        ),
        (
            "fal-ai/kling-video/o3/standard/image-to-video",
            "Kling O3 Standard",
            "$0.084-0.112 per second",
            "first and last frame",
        ),
        ("pixelcut/looping-video", "Pixelcut Loop", ASKED, "ends where it starts"),
        ("fal-ai/veo3.1", "Veo 3.1 from Text", "$0.2-0.6 per second", "shows the prompt, not your product"),
        ("fal-ai/veo3.1/image-to-video", "Veo 3.1", "$0.2-0.6 per second", "16:9 or 9:16 only"),
        (
            "fal-ai/veo3.1/first-last-frame-to-video",
            "Veo 3.1 Frames",
            "$0.2-0.6 per second",
            "first and last frame",
        ),
        ("fal-ai/veo3.1/fast/image-to-video", "Veo 3.1 Fast", "$0.1-0.35 per second", "16:9 or 9:16 only"),
        (
            "fal-ai/veo3.1/fast/first-last-frame-to-video",
            "Veo 3.1 Fast Frames",
            "$0.1-0.35 per second",
            "first and last frame",
        ),
        ("fal-ai/veo3.1/lite/image-to-video", "Veo 3.1 Lite", "$0.03-0.08 per second", "16:9 or 9:16 only"),
        (
            "fal-ai/veo3.1/lite/first-last-frame-to-video",
            "Veo 3.1 Lite Frames",
            "$0.03-0.08 per second",
            "first and last frame",
        ),
    ),
    *_rows(
        Kind.MODEL,
        ("meshy/v7.1/image-to-3d", "Meshy 7.1", "$0.8-1.2", "one photo"),
        ("meshy/v7.1/multi-image-to-3d", "Meshy 7.1 Multi", "$0.8-1.2", "several photos"),
        ("meshy/v7.1/text-to-3d", "Meshy 7.1 from Text", "$0.8-1.2", "a description"),
        ("fal-ai/meshy/v6/image-to-3d", "Meshy 6", "$0.8-1.2", "one photo"),
        ("fal-ai/meshy/v6/multi-image-to-3d", "Meshy 6 Multi", "$0.8-1.2", "several photos"),
        ("fal-ai/meshy/v6/text-to-3d", "Meshy 6 from Text", "$0.8-1.2", "a description"),
        ("fal-ai/meshy/v5/multi-image-to-3d", "Meshy 5 Multi", ASKED, "several photos"),
        ("fal-ai/hunyuan-3d/v3.1/pro/image-to-3d", "Hunyuan 3D 3.1 Pro", "$0.375", "one photo"),
        ("tripo3d/h3.1/multiview-to-3d", "Tripo H3.1 Multiview", ASKED, "front, left, back and right"),
        ("fal-ai/pixal3d", "Pixal3D", "$0.3-0.42", "one photo"),
    ),
)


def choices(kind: Kind) -> tuple[Choice, ...]:
    """The endpoints of a kind, in the order in which they are shown."""
    return tuple(one for one in CHOICES if one.kind is kind)
