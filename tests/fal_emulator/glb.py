# SPDX-License-Identifier: GPL-3.0-or-later
"""A product as a binary glTF 2.0 file: a closed surface of revolution with UVs, normals and PBR material."""

import json
import math
import struct
from typing import Any

import numpy as np
from PIL import Image

from . import pictures

HEIGHT_METRES = 0.24
MAX_TRIANGLES = 18_000
FLOAT, UNSIGNED_INT = 5126, 5125
ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER = 34962, 34963
PRIMITIVE = {"attributes": {"POSITION": 0, "NORMAL": 1, "TEXCOORD_0": 2}, "indices": 3, "material": 0}


def _grid(triangles: int) -> tuple[int, int]:
    """Rows and columns of quads for about so many triangles."""
    quads = max(48, min(triangles, MAX_TRIANGLES) // 2)
    rows = max(6, int(math.sqrt(quads)))
    return rows, max(8, quads // rows)


def _geometry(text: str, triangles: int, scale: float) -> tuple[np.ndarray, ...]:
    """Positions, normals, UVs and indices; y is up, the label (u = 0.5) looks along +z."""
    rows, columns = _grid(triangles)
    ends = 0.5 - 0.5 * np.cos(np.linspace(0, math.pi, rows + 1))
    share = 0.5 * ends + 0.5 * np.linspace(0, 1, rows + 1)  # Denser where top and bottom are rounded.
    height = HEIGHT_METRES * scale
    radius = pictures.outline(share, text) * height
    level = share * height
    turn = np.linspace(0, 1, columns + 1)
    angle = (turn - 0.5) * 2 * math.pi
    around = np.stack([np.sin(angle), np.zeros_like(angle), np.cos(angle)], axis=1)
    positions = radius[:, None, None] * around[None]
    positions[..., 1] = level[:, None]
    slope_radius, slope_level = np.gradient(radius), np.gradient(level)
    normals = slope_level[:, None, None] * around[None]
    normals[..., 1] = -slope_radius[:, None]
    normals[0], normals[-1] = (0, -1, 0), (0, 1, 0)  # The poles.
    normals /= np.linalg.norm(normals, axis=2, keepdims=True)
    uvs = np.stack(np.broadcast_arrays(turn[None, :], 1 - share[:, None]), axis=2)
    row, column = np.mgrid[0:rows, 0:columns]
    corner = (row * (columns + 1) + column).ravel()
    right, above, beyond = corner + 1, corner + columns + 1, corner + columns + 2
    lower = np.stack([corner, right, beyond], axis=1)[columns:]  # The first row touches the pole:
    upper = np.stack([corner, beyond, above], axis=1)[:-columns]  # one of its two triangles is empty.
    indices = np.concatenate([lower, upper])
    return (
        positions.reshape(-1, 3).astype("<f4"),
        normals.reshape(-1, 3).astype("<f4"),
        uvs.reshape(-1, 2).astype("<f4"),
        indices.astype("<u4"),
    )


def _on_a_floor(geometry: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
    """The geometry with a square plane below it, three times as wide as it is high."""
    positions, normals, uvs, indices = geometry
    half = 1.5 * HEIGHT_METRES
    corners = np.array(((-half, half), (half, half), (half, -half), (-half, -half)))
    plane = np.stack((corners[:, 0], np.full(4, -0.001), corners[:, 1]), axis=1)
    faces = np.array((0, 1, 2, 0, 2, 3)) + len(positions)
    return (
        np.concatenate((positions, plane)).astype("<f4"),
        np.concatenate((normals, np.tile((0, 1, 0), (4, 1)))).astype("<f4"),
        np.concatenate((uvs, np.zeros((4, 2)))).astype("<f4"),
        np.concatenate((indices.reshape(-1), faces)).astype("<u4"),
    )


class _Buffer:
    """The binary part of a GLB, with the buffer views and images that refer to it."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self.views: list[dict[str, Any]] = []
        self.images: list[dict[str, Any]] = []

    @property
    def size(self) -> int:
        return sum(map(len, self.chunks))

    def add_view(self, data: bytes, target: int | None = None) -> int:
        view = {"buffer": 0, "byteOffset": self.size, "byteLength": len(data)}
        self.views.append({**view, "target": target} if target else view)
        self.chunks.append(data + b"\0" * (-len(data) % 4))
        return len(self.views) - 1

    def add_texture(self, image: Image.Image) -> dict[str, int]:
        data, media_type, _ = pictures.encoded(image, "png")
        self.images.append({"bufferView": self.add_view(data), "mimeType": media_type})
        return {"index": len(self.images) - 1}


def make_glb(
    text: str,
    photo: Image.Image | None,
    *,
    triangles: int = MAX_TRIANGLES,
    texture_side: int = 1024,
    has_texture: bool = True,
    has_pbr_maps: bool = False,
    scale: float = 1.0,
) -> bytes:
    """A complete GLB file of a product about 0.24 m high that stands on the ground at the origin."""
    buffer = _Buffer()
    geometry = _geometry(text, triangles, scale)
    if "on a floor" in text:  # As image-to-3D models make one now and then.
        geometry = _on_a_floor(geometry)
    accessors = _accessors(buffer, geometry)
    label = pictures.label_texture(texture_side, text, photo) if has_texture else None
    document = {
        "asset": {"version": "2.0", "generator": "fal emulator"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": "Product"}],
        "meshes": [{"name": "Product", "primitives": [PRIMITIVE]}],
        "materials": [_material(buffer, label, texture_side // 2 if has_pbr_maps else 0)],
        "accessors": accessors,
        "bufferViews": buffer.views,
        "buffers": [{"byteLength": buffer.size}],
    }
    if buffer.images:
        document["images"] = buffer.images
        document["samplers"] = [{"magFilter": 9729, "minFilter": 9987, "wrapS": 10497, "wrapT": 33071}]
        document["textures"] = [{"sampler": 0, "source": number} for number in range(len(buffer.images))]
    return _container(document, b"".join(buffer.chunks))


def _accessors(buffer: _Buffer, geometry: tuple[np.ndarray, ...]) -> list[dict[str, Any]]:
    """The accessors that ``PRIMITIVE`` refers to: positions, normals, UVs and indices."""
    positions, normals, uvs, indices = geometry
    accessors: list[dict[str, Any]] = [
        {
            "bufferView": buffer.add_view(values.tobytes(), ARRAY_BUFFER),
            "componentType": FLOAT,
            "count": len(values),
            "type": "VEC2" if values.shape[1] == 2 else "VEC3",
        }
        for values in (positions, normals, uvs)
    ]
    accessors[0] |= {"min": positions.min(axis=0).tolist(), "max": positions.max(axis=0).tolist()}
    accessors.append(
        {
            "bufferView": buffer.add_view(indices.tobytes(), ELEMENT_ARRAY_BUFFER),
            "componentType": UNSIGNED_INT,
            "count": int(indices.size),
            "type": "SCALAR",
        }
    )
    return accessors


def _material(buffer: _Buffer, label: Image.Image | None, map_side: int) -> dict[str, Any]:
    """The product's material. ``map_side``: pixels of its roughness and normal maps; 0 for none."""
    surface: dict[str, Any] = {"metallicFactor": 0.0, "roughnessFactor": 0.38}
    material: dict[str, Any] = {"name": "Product", "pbrMetallicRoughness": surface}
    if label is None:
        return {**material, "pbrMetallicRoughness": {**surface, "baseColorFactor": [0.6, 0.6, 0.6, 1.0]}}
    surface["baseColorTexture"] = buffer.add_texture(label)
    if map_side:
        surface |= {"metallicFactor": 1.0, "roughnessFactor": 1.0}
        surface["metallicRoughnessTexture"] = buffer.add_texture(roughness_map(map_side))
        material["normalTexture"] = buffer.add_texture(normal_map(map_side))
    return material


def _container(document: dict[str, Any], binary: bytes) -> bytes:
    text = json.dumps(document, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    length = 12 + 8 + len(text) + 8 + len(binary)
    header = struct.pack("<4sII", b"glTF", 2, length)
    return b"".join(
        [
            header,
            struct.pack("<I4s", len(text), b"JSON"),
            text,
            struct.pack("<I4s", len(binary), b"BIN\0"),
            binary,
        ]
    )


def roughness_map(side: int) -> Image.Image:
    """Roughness in green, metal in blue: a satin body, a matter label."""
    map_image = Image.new("RGB", (side, side), (255, 70, 0))
    map_image.paste((255, 170, 0), pictures.label_box(side))
    return map_image


def normal_map(side: int) -> Image.Image:
    """Fine rings around the body, none on the label."""
    slope = np.sin(np.arange(side) * 2 * math.pi / 16) * 0.06
    vectors = np.stack([np.zeros(side), slope, np.sqrt(1 - slope**2)], axis=1)
    rows = ((vectors * 0.5 + 0.5) * 255).round().astype(np.uint8)
    map_image = Image.fromarray(np.repeat(rows[:, None], side, axis=1))
    map_image.paste((128, 128, 255), pictures.label_box(side))
    return map_image
