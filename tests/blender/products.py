# SPDX-License-Identifier: GPL-3.0-or-later
"""Small products as GLB files, made here byte by byte so that tests know every vertex.

glTF has y up and the front towards +z; Blender's importer turns that into z up, front towards -y.
"""

import io
import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

FLOAT, UNSIGNED_INT = 5126, 5125

# A convex block, wider at the bottom, that looks different from every side (metres, glTF axes).
BOTTOM = ((-0.30, 0.0, 0.20), (0.30, 0.0, 0.20), (0.30, 0.0, -0.20), (-0.30, 0.0, -0.20))
TOP = ((-0.10, 0.75, 0.10), (0.22, 0.75, 0.16), (0.22, 0.75, -0.16), (-0.10, 0.75, -0.12))
COLOURS = ((200, 40, 40), (40, 150, 60), (50, 70, 190), (220, 180, 40), (230, 230, 230), (60, 60, 60))


@dataclass
class Glb:
    """A GLB under construction."""

    document: dict[str, Any] = field(default_factory=lambda: {"asset": {"version": "2.0"}})
    binary: bytes = b""

    def add(self, name: str, entry: dict[str, Any]) -> int:
        entries = self.document.setdefault(name, [])
        entries.append(entry)
        return len(entries) - 1

    def add_bytes(self, data: bytes) -> int:
        view = {"buffer": 0, "byteOffset": len(self.binary), "byteLength": len(data)}
        self.binary += data + b"\0" * (-len(data) % 4)
        return self.add("bufferViews", view)

    def add_array(self, values: np.ndarray, kind: str) -> int:
        is_index = kind == "SCALAR"
        data = values.astype("<u4" if is_index else "<f4")
        accessor = {
            "bufferView": self.add_bytes(data.tobytes()),
            "componentType": UNSIGNED_INT if is_index else FLOAT,
            "count": len(values),
            "type": kind,
        }
        if kind == "VEC3":
            accessor |= {"min": data.min(axis=0).tolist(), "max": data.max(axis=0).tolist()}
        return self.add("accessors", accessor)

    def add_image(self, data: bytes, media_type: str = "image/png") -> int:
        source = self.add("images", {"bufferView": self.add_bytes(data), "mimeType": media_type})
        return self.add("textures", {"source": source})

    def add_material(self, name: str, texture: int | None = None, **surface: Any) -> int:
        surface = {"metallicFactor": 0.0, "roughnessFactor": 0.6, **surface}
        if texture is not None:
            surface["baseColorTexture"] = {"index": texture}
        return self.add("materials", {"name": name, "pbrMetallicRoughness": surface})

    def add_block(self, material: int | None, corners: np.ndarray | None = None) -> int:
        """A mesh of six faces; each face shows one sixth of the texture."""
        positions, normals, uvs, indices = block(corners)
        primitive: dict[str, Any] = {
            "attributes": {
                "POSITION": self.add_array(positions, "VEC3"),
                "NORMAL": self.add_array(normals, "VEC3"),
                "TEXCOORD_0": self.add_array(uvs, "VEC2"),
            },
            "indices": self.add_array(indices, "SCALAR"),
        }
        if material is not None:
            primitive["material"] = material
        return self.add("meshes", {"name": "Block", "primitives": [primitive]})

    def add_scene(self, *roots: int) -> None:
        self.document["scenes"] = [{"nodes": list(roots)}]
        self.document["scene"] = 0

    def data(self) -> bytes:
        document = dict(self.document)
        if self.binary:
            document["buffers"] = [{"byteLength": len(self.binary)}]
        text = json.dumps(document).encode()
        text += b" " * (-len(text) % 4)
        chunks = struct.pack("<I4s", len(text), b"JSON") + text
        if self.binary:
            chunks += struct.pack("<I4s", len(self.binary), b"BIN\0") + self.binary
        return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks

    def write(self, path: Path) -> Path:
        path.write_bytes(self.data())
        return path


def corners() -> np.ndarray:
    """The eight corners of the block, glTF axes."""
    return np.array(BOTTOM + TOP)


def block(places: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Positions, normals, UVs and indices of a block with these eight corners."""
    places = corners() if places is None else places
    faces = ((0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7), (4, 5, 6, 7), (3, 2, 1, 0))
    positions, normals, uvs, indices = [], [], [], []
    for number, face in enumerate(faces):
        square = places[list(face)]
        normal = np.cross(square[2] - square[0], square[3] - square[1])
        length = np.linalg.norm(normal)
        normal = normal / length if length else np.array((0.0, 1.0, 0.0))
        first = len(positions)
        positions += list(square)
        normals += [normal] * 4
        left, right = (number + 0.1) / 6, (number + 0.9) / 6
        uvs += [(left, 0.9), (right, 0.9), (right, 0.1), (left, 0.1)]
        indices += [first, first + 1, first + 2, first, first + 2, first + 3]
    return np.array(positions), np.array(normals), np.array(uvs), np.array(indices)


def texture() -> bytes:
    """A PNG with six stripes of colour, each with a dark mark."""
    picture = np.zeros((64, 192, 3), dtype=np.uint8)
    for number, colour in enumerate(COLOURS):
        picture[:, number * 32 : number * 32 + 32] = colour
        picture[20:30, number * 32 + 8 : number * 32 + 18] //= 3
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return buffer.getvalue()


def textured_block(**node: Any) -> Glb:
    """The block as the only node of a file; ``node`` sets its transform."""
    glb = Glb()
    material = glb.add_material("Enamel", glb.add_image(texture()), roughnessFactor=0.35)
    mesh = glb.add_block(material)
    glb.add_scene(glb.add("nodes", {"name": "Product", "mesh": mesh, **node}))
    return glb


def in_blender(points: np.ndarray) -> np.ndarray:
    """glTF coordinates as Blender's importer gives them."""
    return np.stack((points[:, 0], -points[:, 2], points[:, 1]), axis=1)


def quaternion(axis: Sequence[float], degrees: float) -> list[float]:
    half = np.radians(degrees) / 2.0
    unit = np.array(axis) / np.linalg.norm(axis)
    return [*(unit * np.sin(half)).tolist(), float(np.cos(half))]


def photo(path: Path, *, side: int = 300, shade: int = 0) -> Path:
    """A photo of something on a white table."""
    picture = np.full((side, side + 40, 3), 240 - shade, dtype=np.uint8)
    picture[side // 4 : side * 3 // 4, side // 3 : side * 2 // 3] = COLOURS[shade % len(COLOURS)]
    Image.fromarray(picture).save(path)
    return path


def ball(segments: int = 48, **surface: Any) -> Glb:
    """A smooth ball of 1 m, with a material given as glTF properties."""
    glb = Glb()
    material = glb.add_material("Ball", **surface)
    turns, lifts = (
        np.linspace(0.0, 2.0 * np.pi, segments + 1),
        np.linspace(-np.pi / 2.0, np.pi / 2.0, segments // 2 + 1),
    )
    turn, lift = np.meshgrid(turns, lifts)
    normals = np.stack((np.cos(lift) * np.sin(turn), np.sin(lift), np.cos(lift) * np.cos(turn)), axis=-1)
    index = np.arange(normals.shape[0] * normals.shape[1]).reshape(normals.shape[:2])
    corners = np.stack((index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]), axis=-1).reshape(
        -1, 4
    )
    triangles = np.concatenate((corners[:, [0, 1, 2]], corners[:, [0, 2, 3]]))
    positions = normals.reshape(-1, 3) * 0.5 + (0.0, 0.5, 0.0)
    primitive = {
        "attributes": {
            "POSITION": glb.add_array(positions, "VEC3"),
            "NORMAL": glb.add_array(normals.reshape(-1, 3), "VEC3"),
        },
        "indices": glb.add_array(triangles.ravel(), "SCALAR"),
        "material": material,
    }
    mesh = glb.add("meshes", {"name": "Ball", "primitives": [primitive]})
    glb.add_scene(glb.add("nodes", {"mesh": mesh}))
    return glb
