# SPDX-License-Identifier: GPL-3.0-or-later
"""No command writes, prints or passes on a key, whatever files its input models name."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.blender.products import Glb, textured_block
from tests.blender.runs import command, environment
from tests.fal_emulator.process import RunningEmulator
from tests.watched_processes import arguments_of_processes

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")

CANARY, IN_FILE = b"canary-4f0e91", b"canary-in-a-file-77ab"
SMALL = ("--resolution", 64, "--samples", 1, "--device", "cpu", "--angles", "front")
TINY = (*SMALL, "--video", "none")
BY_CYCLES = (*TINY, "--engine", "cycles")


class Desk:
    """A folder for everything that commands write, with keys in their environment, and everything observed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key_file = folder / "keys" / "key.txt"
        self.key_file.parent.mkdir()
        self.key_file.write_bytes(IN_FILE + b":0123456789abcdef")
        (folder / "tmp").mkdir()
        self.said: list[bytes] = []
        self.seen: set[bytes] = set()

    def environment(self) -> dict[str, str]:
        places = {name: str(self.folder / "state") for name in ("PHOTOREAL_HOME", "XDG_CACHE_HOME")}
        keys = {"FAL_KEY": f"{CANARY.decode()}:fedcba9876543210", "FAL_KEY_FILE": str(self.key_file)}
        return {**environment(), **places, **keys, "TMPDIR": str(self.folder / "tmp")}

    def run(self, *arguments: object, code: int = 0) -> str:
        """Run one of our commands; its output."""
        process = subprocess.Popen(
            command(*arguments),
            cwd=self.folder,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        with arguments_of_processes(and_environment=lambda arguments: b"render-worker" in arguments) as seen:
            output, errors = process.communicate()
        self.seen |= seen
        self.said += [output, errors]
        assert process.returncode == code, (arguments, errors.decode())
        return (output + errors).decode()

    def written(self) -> Iterator[tuple[Path, bytes]]:
        for path in self.folder.rglob("*"):
            if path.is_file() and path.parent != self.key_file.parent:
                yield path, path.read_bytes()


def hostile(name: str, desk: Desk) -> Path:
    """A model that names the environment or the key file as its geometry or texture."""
    glb = textured_block()
    wanted = str(desk.key_file) if "file" in name else "/proc/self/environ"
    (folder := desk.folder / "models").mkdir(exist_ok=True)
    if name.endswith(".glb"):
        glb.document["images"] = [{"uri": wanted}]
        return glb.write(folder / name)
    document = {**glb.document, "buffers": [{"byteLength": 20, "uri": os.path.relpath(wanted, folder)}]}
    (folder / name).write_text(json.dumps(document))
    return folder / name


def second_model(desk: Desk) -> Path:
    """A valid model, processed before the hostile ones."""
    glb: Glb = textured_block()
    glb.document["extras"] = {"number": 2}
    return glb.write(desk.folder / "second.glb")


def test_no_byte_of_a_key_leaks(tmp_path: Path, block_file: Path, fresh_emulator: RunningEmulator):
    desk = Desk(tmp_path)
    fal = ("--fal-url", fresh_emulator.url)
    desk.run("demo", "--out", "demo", *SMALL)
    desk.run("set", block_file, "--out", "set", *BY_CYCLES)
    desk.run("resume", "set")
    desk.run("report", "set")
    desk.run("cancel", "set", code=1)
    for name in ("environ.glb", "environ.gltf", "key-file.glb", "key-file.gltf"):
        said = desk.run("set", hostile(name, desk), "--out", "refused", *BY_CYCLES, code=1)
        assert "is outside its folder" in said
    desk.run("estimate", block_file, *BY_CYCLES)
    desk.run("doctor", "--json")
    desk.run("set", block_file, "--out", "by-fal", "--engine", "fal", *TINY, *fal)
    desk.run("cancel", "by-fal", *fal)
    table = tmp_path / "shop.csv"
    rows = [
        "sku,source",
        f"good,{second_model(desk).name}",
        "bad,models/environ.glb",
        "worse,models/key-file.gltf",
    ]
    table.write_text("\n".join(rows))
    catalogue = ("catalogue", table, "--out", "shop", *BY_CYCLES, "--skip-bad-rows")
    desk.run(*catalogue, "--dry-run")
    desk.run(*catalogue, code=2)
    desk.run("report", "shop", code=2)

    marks = [*CANARY.split(b"-", 1)[1:], IN_FILE, b"fedcba9876543210", b"0123456789abcdef"]
    written = dict(desk.written())
    assert {"set.json", "catalogue.json", "index.html", "product.glb"} <= {path.name for path in written}
    assert not [path for path, data in written.items() if any(mark in data for mark in marks)]
    assert not [text for text in desk.said if any(mark in text for mark in marks)]
    assert any(b"render-worker" in seen for seen in desk.seen), "the Blender of the catalogue was seen"
    assert not [seen for seen in desk.seen if any(mark in seen for mark in marks)]
    assert not any(mark.decode() in json.dumps(fresh_emulator.ledger()) for mark in marks)
