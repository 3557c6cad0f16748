# SPDX-License-Identifier: GPL-3.0-or-later
"""A small file that announces a lot is refused before memory is allocated for it."""

import base64
import json
import struct
from pathlib import Path

import pytest

from photoreal_set.gltf.document import DamagedGltfError, read_gltf

LOTS = 2_000_000_000
TRIANGLE = struct.pack("<9f3H", *(0, 0, 0, 1, 0, 0, 0, 1, 0), *(0, 1, 2)) + b"\0\0"


def document(positions: dict | None = None, indices: dict | None = None, *, meshes: int = 1) -> dict:
    plain = {
        "bufferView": 0,
        "componentType": 5126,
        "count": 3,
        "type": "VEC3",
        "min": [0] * 3,
        "max": [1] * 3,
    }
    corners = {"bufferView": 1, "componentType": 5123, "count": 3, "type": "SCALAR"}
    return {
        "asset": {"version": "2.0"},
        "buffers": [{"byteLength": len(TRIANGLE)}],
        "bufferViews": [
            {"buffer": 0, "byteLength": 36},
            {"buffer": 0, "byteOffset": 36, "byteLength": 6},
        ],
        "accessors": [{**plain, **(positions or {})}, {**corners, **(indices or {})}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}] * meshes,
    }


def glb(content: dict) -> bytes:
    text = json.dumps(content).encode()
    text += b" " * (-len(text) % 4)
    chunks = [
        struct.pack("<I4s", len(data), kind) + data for kind, data in ((b"JSON", text), (b"BIN\0", TRIANGLE))
    ]
    return struct.pack("<4sII", b"glTF", 2, 12 + sum(map(len, chunks))) + b"".join(chunks)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (document({"count": LOTS}), "accessor 0 announces 2,000,000,000 values, and its data has"),
        (document(indices={"count": LOTS}), "accessor 1 announces 2,000,000,000 values"),
        (document({"count": LOTS, "bufferView": None}), "announce 2,000,000,000 values that it does not contain"),
        (document({"count": LOTS, "sparse": {"count": 1}}), "announce 2,000,000,000 values that it does not"),
        (document({"count": 300}, meshes=400_000), "its meshes have 120,000,000 vertices"),
    ],
    ids=["positions", "indices", "no view", "sparse", "many meshes"],
)  # fmt: skip
def test_a_file_that_announces_more_than_it_can_have_is_refused(tmp_path: Path, content: dict, reason: str):
    path = tmp_path / "small.glb"
    path.write_bytes(glb(content))
    for without_binary in (False, True):
        with pytest.raises(DamagedGltfError, match=rf"small\.glb is damaged: .*{reason}"):
            read_gltf(path, without_binary=without_binary)


def test_the_buffers_of_a_gltf_count(tmp_path: Path):
    content = document({"count": LOTS})
    inline = "data:application/octet-stream;base64," + base64.b64encode(TRIANGLE).decode()
    (tmp_path / "part.bin").write_bytes(TRIANGLE)
    for address in (inline, "part.bin"):
        content["buffers"][0]["uri"] = address
        (tmp_path / "a.gltf").write_text(json.dumps(content))
        with pytest.raises(DamagedGltfError, match="announces 2,000,000,000 values"):
            read_gltf(tmp_path / "a.gltf")


def test_a_usual_file_is_accepted(tmp_path: Path):
    (tmp_path / "a.glb").write_bytes(glb(document()))
    assert read_gltf(tmp_path / "a.glb").binary == TRIANGLE
