# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures of the simulated models: relit, generated from a text, upscaled, cut out, black."""

import hashlib
import io
import math

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

MEGAPIXEL = 1 << 20
FORMATS = {"jpeg": "JPEG", "jpg": "JPEG", "png": "PNG", "webp": "WEBP", "gif": "GIF"}
MEDIA_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "GIF": "image/gif"}
BACKGROUND_REACH = 24.0  # Colour distance over which a pixel turns from background into product.
SAME_COLOR = 24.0  # Corners whose colors differ by less show the same surface.


def encoded(image: Image.Image, output_format: str) -> tuple[bytes, str, str]:
    """Bytes, media type and file extension of a picture in the wire's name for a format."""
    name = FORMATS[output_format]
    if name == "JPEG" and image.mode != "RGB":
        image = flattened(image)
    with io.BytesIO() as stream:
        options = {"quality": 95, "subsampling": 0} if name == "JPEG" else {}
        if name == "WEBP":
            options = {"quality": 95}
        if name == "PNG":
            options = {"compress_level": 1}  # For speed: these files are not kept.
        image.save(stream, name, **options)
        return stream.getvalue(), MEDIA_TYPES[name], output_format


def flattened(image: Image.Image) -> Image.Image:
    """Without transparency: on white."""
    if "A" not in image.getbands() and "transparency" not in image.info:
        return image.convert("RGB")
    with_alpha = image.convert("RGBA")
    white = Image.new("RGBA", with_alpha.size, "white")
    return Image.alpha_composite(white, with_alpha).convert("RGB")


def size_like(width: int, height: int, *, pixels: int = MEGAPIXEL) -> tuple[int, int]:
    """A size of the same shape, at most ``pixels`` large, sides in multiples of 16."""
    scale = min(1.0, math.sqrt(pixels / (width * height)))
    return max(16, round(width * scale / 16) * 16), max(16, round(height * scale / 16) * 16)


def size_of_ratio(ratio: str, *, pixels: int = MEGAPIXEL) -> tuple[int, int]:
    """The size of about ``pixels`` that a ratio like ``16:9`` names."""
    across, down = (float(part) for part in ratio.split(":"))
    height = math.sqrt(pixels * down / across)
    return round(height * across / down / 16) * 16, round(height / 16) * 16


def background_of(pixels: np.ndarray) -> np.ndarray:
    """The color that most corners share, of equally many the flattest: a close-up fills corners with product."""
    edge = max(1, min(pixels.shape[:2]) // 32)
    corners = [pixels[:edge, :edge], pixels[:edge, -edge:], pixels[-edge:, :edge], pixels[-edge:, -edge:]]
    values = [corner.reshape(-1, 3) for corner in corners]
    colors = [np.median(value, axis=0) for value in values]
    groups = [
        [
            value
            for value, other in zip(values, colors, strict=True)
            if np.abs(other - color).max() < SAME_COLOR
        ]
        for color in colors
    ]
    shared = max(groups, key=lambda group: (len(group), -np.concatenate(group).std(axis=0).max()))
    return np.median(np.concatenate(shared), axis=0)


def product_weight(pixels: np.ndarray) -> np.ndarray:
    """0 on the background, 1 on the product, smooth between."""
    distance = np.abs(pixels - background_of(pixels)).max(axis=2)
    return np.clip((distance - 2.0) / BACKGROUND_REACH, 0.0, 1.0)


def relit(source: Image.Image, size: tuple[int, int], seed: int) -> Image.Image:
    """The same picture in different light: shapes and background are unchanged, the product gets more contrast and warmth."""
    image = flattened(source)
    if image.size != size:
        image = image.resize(size, Image.Resampling.LANCZOS)
    pixels = np.asarray(image, dtype=np.float32)
    weight = product_weight(pixels)[..., None]
    height, width = pixels.shape[:2]
    angle = (seed % 360) * math.pi / 180
    down, across = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    side = (across * math.cos(angle) - down * abs(math.sin(angle)))[..., None]
    level = pixels / 255.0
    curved = level * level * (3.0 - 2.0 * level)
    lit = level * 0.55 + curved * 0.45
    lit = lit * (1.0 + 0.20 * side) + 0.08 * np.clip(side, 0.0, 1.0) * np.array([1.0, 0.92, 0.78], np.float32)
    light = np.clip(lit * 255.0, 0.0, 255.0)
    mixed = pixels * (1.0 - weight) + light * weight
    return Image.fromarray(mixed.round().astype(np.uint8))


def black(size: tuple[int, int]) -> Image.Image:
    return Image.new("RGB", size)


def enlarged(source: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The same picture with more pixels; transparency stays."""
    mode = "RGBA" if "A" in source.getbands() or "transparency" in source.info else "RGB"
    return source.convert(mode).resize(size, Image.Resampling.LANCZOS)


def cut_out(source: Image.Image) -> tuple[Image.Image, Image.Image]:
    """The product on transparency, and its mask."""
    image = flattened(source)
    weight = product_weight(np.asarray(image, dtype=np.float32))
    mask = Image.fromarray((weight * 255).round().astype(np.uint8))
    result = image.convert("RGBA")
    result.putalpha(mask)
    return result, mask


def colours_of(text: str) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """The body and label colours for a text; equal texts give equal colours."""
    digest = hashlib.sha256(text.encode()).digest()
    body = (40 + digest[0] % 150, 40 + digest[1] % 150, 40 + digest[2] % 150)
    label = (205 + digest[3] % 40, 205 + digest[4] % 40, 195 + digest[5] % 40)
    return body, label


def dominant_colour(source: Image.Image) -> tuple[int, int, int]:
    """The mean colour of the product in a photo."""
    pixels = np.asarray(flattened(source).resize((64, 64)), dtype=np.float32)
    weight = product_weight(pixels)[..., None]
    if weight.sum() < 1:
        weight = np.ones_like(weight)
    red, green, blue = (pixels * weight).sum(axis=(0, 1)) / weight.sum()
    return int(red), int(green), int(blue)


def product_crop(source: Image.Image) -> Image.Image:
    """The photo cut to what is not background."""
    image = flattened(source)
    image.thumbnail((1024, 1024))
    inside = product_weight(np.asarray(image, dtype=np.float32)) > 0.5
    if not inside.any():
        return image
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    return image.crop((int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1))


def label_box(side: int) -> tuple[int, int, int, int]:
    """Where the label is on a texture of this side: left, top, right, bottom."""
    return int(side * 0.32), int(side * 0.38), int(side * 0.68), int(side * 0.82)


def label_texture(side: int, text: str, photo: Image.Image | None) -> Image.Image:
    """The base colour around a product: its body colour, and a label in the middle with photo or text."""
    body, label = colours_of(text)
    if photo is not None:
        body = dominant_colour(photo)
    texture = Image.new("RGB", (side, side), body)
    draw = ImageDraw.Draw(texture)
    for row in range(0, side, max(1, side // 64)):
        shade = 1.0 + 0.06 * math.sin(row * 40.0 / side)
        line = tuple(min(255, int(channel * shade)) for channel in body)
        draw.rectangle((0, row, side, row + side // 64), fill=line)
    left, top, right, bottom = label_box(side)
    draw.rectangle((left, top, right, bottom), fill=label)
    draw.rectangle(
        (left, top, right, bottom), outline=tuple(channel // 2 for channel in body), width=side // 128
    )
    margin = side // 40
    area = (right - left - 2 * margin, bottom - top - 2 * margin)
    if photo is not None:
        picture = product_crop(photo)
        picture.thumbnail(area)
        texture.paste(picture, (side // 2 - picture.width // 2, (top + bottom) // 2 - picture.height // 2))
        return texture
    font = ImageFont.load_default(max(10, side // 28))
    for number, word in enumerate(text.split()[:7] or ["product"]):
        spot = (side // 2, top + margin + side // 28 + number * side // 22)
        draw.text(spot, word[:14], fill=body, font=font, anchor="mm")
    return texture


def outline(share: np.ndarray, text: str) -> np.ndarray:
    """Radius of the product at each height (0 bottom, 1 top) as a share of the height: bottle, vase, jar."""
    shape = hashlib.sha256(text.encode()).digest()[6] % 3
    if shape == 0:
        shoulder = 1.0 / (1.0 + np.exp((share - 0.68) * 32.0))
        radius = 0.055 + 0.125 * shoulder
    elif shape == 1:
        radius = 0.13 + 0.06 * np.sin(share * 2.6 + 0.5) - 0.05 * share
    else:
        radius = 0.20 - 0.03 * np.clip((share - 0.80) * 30.0, 0.0, 1.0)
    rounding = np.clip(share / 0.03, 0.0, 1.0) ** 0.5 * np.clip((1.0 - share) / 0.03, 0.0, 1.0) ** 0.5
    return radius * rounding


def drawn_product(size: tuple[int, int], text: str, photo: Image.Image | None = None) -> Image.Image:
    """The product of ``text`` or ``photo`` seen from the front, on white with a soft shadow."""
    width, height = size
    texture = np.asarray(label_texture(512, text, photo), dtype=np.float32)
    tall = min(height * 0.82, width * 1.7)
    rows = (height * 0.92 - np.arange(height)) / tall
    radius = np.where((rows >= 0) & (rows <= 1), outline(np.clip(rows, 0, 1), text), 0.0)[:, None] * tall
    across = (np.arange(width) - width / 2 + 0.5)[None, :]
    inside = np.abs(across) < radius
    angle = np.arcsin(np.clip(across / np.maximum(radius, 1e-6), -1, 1))
    column = ((0.5 + angle / (2 * math.pi)) * 511).astype(int)
    row = (np.clip(1 - rows, 0, 1) * 511).astype(int)[:, None]
    colour = texture[np.broadcast_to(row, column.shape), column]
    light = 0.45 + 0.6 * np.clip(np.cos(angle + 0.5), 0, 1)
    gleam = 70.0 * np.exp(-(((angle + 0.55) / 0.10) ** 2))
    product = np.clip(colour * light[..., None] + gleam[..., None], 0, 255)
    canvas = Image.new("L", size, 255)
    draw = ImageDraw.Draw(canvas)
    reach, ground = tall * 0.24, height * 0.92
    draw.ellipse(
        (width / 2 - reach, ground - reach * 0.16, width / 2 + reach, ground + reach * 0.16), fill=150
    )
    floor = np.asarray(canvas.filter(ImageFilter.GaussianBlur(max(1.0, tall * 0.015))), dtype=np.float32)
    pixels = np.where(inside[..., None], product, floor[..., None].repeat(3, axis=2))
    return Image.fromarray(pixels.round().astype(np.uint8))
