# SPDX-License-Identifier: GPL-3.0-or-later
"""Models that are broken at random, equal for equal seeds, and how the reader handles them.

Each mutant is in a separate folder. Beside that folder is a file with SECRET, which no mutant may reach, although
many name it: by its path, with ``..``, encoded, or through a link.
"""

import base64
import json
import os
import random
import re
import shutil
import struct
import subprocess
import sysconfig
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from command_line.bootstrap import load_package
from tests.blender.products import Glb, texture, textured_block
from tests.blender.runs import command, environment
from tests.opened_files import opens_in, recorded_opens

load_package()

from photoreal_set.gltf import document as gltf  # noqa: E402  The package has to be loaded first.
from photoreal_set.gltf import edits  # noqa: E402
from photoreal_set.gltf import packing as gltf_packing  # noqa: E402
from photoreal_set.gltf.extensions import check_required, find_lost  # noqa: E402
from photoreal_set.gltf.visibility import without_unseen  # noqa: E402
from photoreal_set.messages.errors import InputError  # noqa: E402
from photoreal_set.optics.cameras import cameras_in  # noqa: E402
from photoreal_set.photo_set.source import source_from  # noqa: E402

Json = dict[str, Any]
SECRET = b"nobody-reads-this-7c1f"
OUTSIDE = "outside"  # The folder of the secret, beside those of the mutants.


@dataclass(frozen=True, slots=True)
class Model:
    """A valid model: its document, its bytes, and how it is stored."""

    name: str
    document: Json
    binary: bytes
    suffix: str = ".glb"


# --- valid models -------------------------------------------------------------------------------


def models(files: Iterable[Path] = ()) -> list[Model]:
    """Models made here that use much of glTF, each as GLB and as .gltf; and GLB ``files``."""
    made = {"block": textured_block(), "rich": _rich()}
    found = [
        Model(name, glb.document, glb.binary, suffix)
        for name, glb in made.items()
        for suffix in (".glb", ".gltf")
    ]
    for path in files:
        read = gltf.read_gltf(path)
        found.append(Model(path.stem, read.document, read.binary))
    return found


def _rich() -> Glb:
    """A block with variants, cameras, a hidden node, instances, extensions, a morph target and an animation."""
    glb = textured_block()
    red, blue = glb.add_material("Red"), glb.add_material("Blue", metallicFactor=1.0)
    primitive = glb.document["meshes"][0]["primitives"][0]
    mappings = [{"material": red, "variants": [0]}, {"material": blue, "variants": [1]}]
    primitive["extensions"] = {"KHR_materials_variants": {"mappings": mappings}}
    primitive["targets"] = [{"POSITION": primitive["attributes"]["POSITION"]}]
    names = [{"name": "Sunset"}, {"name": "Ocean"}]
    glb.document["extensions"] = {
        "KHR_materials_variants": {"variants": names},
        "KHR_audio_emitter": {"audio": [{"uri": "bell.mp3"}], "sources": [{"audio": 0}]},
    }
    glb.document["cameras"] = [
        {"type": "perspective", "perspective": {"yfov": 0.5, "znear": 0.1}},
        {"type": "orthographic", "orthographic": {"xmag": 1.0, "ymag": 1.0, "znear": 0.1, "zfar": 9.0}},
    ]
    for number in range(2):
        glb.add("nodes", {"camera": number, "translation": [0.0, 0.5, 3.0], "rotation": [0.0, 0.0, 0.0, 1.0]})
    off = {"KHR_node_visibility": {"visible": False}}
    glb.add("nodes", {"mesh": 0, "extensions": off})
    places = glb.add_array(np.array(((1.0, 0.0, 0.0), (0.0, 0.0, 1.0))), "VEC3")
    instances = {"EXT_mesh_gpu_instancing": {"attributes": {"TRANSLATION": places}}}
    glb.add("nodes", {"mesh": glb.add_block(red), "extensions": instances})
    glb.document["nodes"][0]["children"] = [1, 2, 3, 4]
    glb.document["materials"][0]["extensions"] = {
        "KHR_materials_transmission": {"transmissionFactor": 0.5, "transmissionTexture": {"index": 0}},
        "KHR_materials_volume": {"attenuationDistance": 0.1, "attenuationColor": [1.0, 0.5, 0.2]},
        "KHR_texture_transform": {"scale": [2.0, 2.0]},
    }
    glb.document["images"].append({"uri": "textures/lost.png", "name": "Lost"})
    glb.document["images"].append({"uri": "data:image/png;base64," + base64.b64encode(texture()).decode()})
    glb.document["textures"] += [{"source": 1}, {"source": 2, "sampler": 0}]
    glb.document["samplers"] = [{"wrapS": 10497}]
    view = glb.add_bytes(struct.pack("<2f", 0.0, 1.0))
    times = {
        "bufferView": view,
        "componentType": 5126,
        "type": "SCALAR",
        "count": 2,
        "min": [0.0],
        "max": [1.0],
    }
    moves = {"input": glb.add("accessors", times), "output": places}
    channel = {"sampler": 0, "target": {"node": 0, "path": "translation"}}
    glb.document["animations"] = [{"channels": [channel], "samplers": [moves]}]
    used = ["KHR_materials_variants", "KHR_node_visibility", "EXT_mesh_gpu_instancing", "KHR_audio_emitter"]
    glb.document["extensionsUsed"] = [*used, "KHR_materials_transmission", "KHR_materials_volume"]
    glb.document["extensionsRequired"] = ["KHR_node_visibility"]
    return glb


# --- broken ones --------------------------------------------------------------------------------


def hostile_addresses(folder: Path) -> list[str]:
    """Ways to name the secret, and URIs that break readers. ``folder`` is that of all mutants."""
    secret = folder / OUTSIDE / "secret.png"
    return [
        *(str(secret), secret.as_uri(), f"../{OUTSIDE}/secret.png", f"..%2F{OUTSIDE}/secret.png"),
        *(f"%2e%2e/{OUTSIDE}/secret.png", rf"..\{OUTSIDE}\secret.png", f"x/../../{OUTSIDE}/secret.png"),
        *("leak.png", f"up/{OUTSIDE}/secret.png", "/proc/self/environ", "/dev/zero", "//server/share/x.png"),
        *("C:\\secret.png", "file:secret.png", "https://127.0.0.1:9/x.png", "pipe", "", ".", "a\0b.png"),
        *("data:", "data:,", "data:;base64,", "data:;base64,@@@", f"data:x/../../{OUTSIDE}/secret.png"),
        *("data:image/png;base64,iVBORw0KGgo=", "x" * 3000, "\ud800.png", "part.bin", "picture.png"),
    ]


VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 99, 2**31, 2**32, 2**63, 10**30, -(2**31), 0.5, -0.0, 1e39, 1e308),
    *(
        float("nan"),
        float("inf"),
        "",
        "x",
        "0",
        "\ud800",
        [],
        {},
        [None],
        [[]],
        [{}],
        {"a": 1},
        [0],
        [0, 0, 0],
    ),
    *([True], [1e39, 0, 0], {"buffer": 0}, {"index": 0}, [{"uri": 3}], {"extensions": 7}),
)


class Mutator:
    """Generates mutants in a folder."""

    def __init__(self, folder: Path, seed: int, good: list[Model]) -> None:
        self._folder = folder
        self._random = random.Random(seed)
        self._good = good
        self._addresses = hostile_addresses(folder)
        (folder / OUTSIDE).mkdir(parents=True)
        # A picture by its first bytes, so that only its location can exclude it.
        (folder / OUTSIDE / "secret.png").write_bytes(b"\x89PNG\r\n\x1a\n" + SECRET * 50)

    def mutants(self, count: int) -> Iterator[Path]:
        """The files, each in a separate folder."""
        for number in range(count):
            yield self._write(self._folder / f"{number:05}", self._random.choice(self._good))

    def _write(self, home: Path, model: Model) -> Path:
        home.mkdir()
        (home / "leak.png").symlink_to(self._folder / OUTSIDE / "secret.png")
        (home / "up").symlink_to("..")
        os.mkfifo(home / "pipe")
        (home / "picture.png").write_bytes(texture())
        (home / "part.bin").write_bytes(model.binary)
        document = json.loads(json.dumps(model.document))
        buffer: Json = {"byteLength": len(model.binary)}
        document["buffers"] = [buffer]
        if model.suffix == ".gltf":
            buffer["uri"] = "part.bin"
        for _turn in range(self._random.choice((0, 1, 1, 1, 2, 4))):
            self._random.choice((self._set_value, self._set_value, self._set_address, self._reshape))(
                document
            )
        text = json.dumps(document, ensure_ascii=self._random.random() < 0.5)
        path = home / f"{model.name}{model.suffix}"
        data = text.encode(errors="surrogatepass")
        if model.suffix == ".glb":
            data = _glb(data, model.binary)
        for _turn in range(self._random.choice((0, 0, 0, 1, 3))):
            data = self._break_bytes(data)
        path.write_bytes(data)
        return path

    def _places(self, document: Json) -> list[tuple[Any, Any]]:
        """Every container in the document with each of its keys."""
        found: list[tuple[Any, Any]] = []
        waiting: list[Any] = [document]
        while waiting:
            value = waiting.pop()
            keys = list(value) if isinstance(value, dict) else list(range(len(value)))
            found += [(value, key) for key in keys]
            waiting += [value[key] for key in keys if isinstance(value[key], dict | list)]
        return found

    def _set_value(self, document: Json) -> None:
        holder, key = self._random.choice(self._places(document))
        holder[key] = json.loads(json.dumps(self._random.choice(VALUES)))

    def _set_address(self, document: Json) -> None:
        address = self._random.choice(self._addresses)
        kind = self._random.choice(("images", "buffers", "anywhere"))
        entries = document.get(kind)
        if isinstance(entries, list) and entries and isinstance(entry := self._random.choice(entries), dict):
            entry["uri"] = address
            if self._random.random() < 0.5:
                entry.pop("bufferView", None)
            return
        dicts = [holder for holder, _key in self._places(document) if isinstance(holder, dict)]
        holder = self._random.choice(dicts or [document])
        holder[self._random.choice(("uri", "schemaUri", "url", "uris"))] = address

    def _reshape(self, document: Json) -> None:
        holder, key = self._random.choice(self._places(document))
        other, place = self._random.choice(self._places(document))
        match self._random.randrange(5):
            case 0:
                del holder[key]
            case 1 if isinstance(holder, list):
                holder += json.loads(json.dumps(holder[key : key + 1])) * self._random.choice((1, 3, 300))
            case 2:
                holder[key] = json.loads(json.dumps(other[place]))
            case 3 if isinstance(holder, dict):
                holder[self._random.choice(("extensions", "extras", "uri", "x"))] = holder.pop(key)
            case _:
                nested: Any = 0
                for _level in range(self._random.choice((5, 300))):
                    nested = [nested]
                holder[key] = nested

    def _break_bytes(self, data: bytes) -> bytes:
        if not data:
            return data
        start = self._random.randrange(len(data))
        length = min(self._random.choice((1, 4, 50, 1000)), len(data) - start)
        noise = self._random.randbytes(length)
        match self._random.randrange(6):
            case 0:
                return data[:start]
            case 1:
                return data[:start] + noise + data[start + length :]
            case 2:
                return data[:start] + bytes(length) + data[start + length :]
            case 3:
                return data[: start + length] + data[start:]
            case 4:
                return data[:start] + data[start + length :]
            case _:  # In a GLB: the header, the lengths of the chunks, their types.
                place = self._random.choice((0, 4, 8, 12, 16))
                number = self._random.choice((0, 1, 2**31, 2**32 - 1, len(data) + 1, len(data) // 2))
                return data[:place] + struct.pack("<I", number) + data[place + 4 :]


def _glb(text: bytes, binary: bytes) -> bytes:
    text += b" " * (-len(text) % 4)
    binary += bytes(-len(binary) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text
    if binary:
        chunks += struct.pack("<I4s", len(binary), b"BIN\0") + binary
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


# --- the reader -------------------------------------------------------------------------------


@dataclass
class Verdict:
    """The results of mutants: counts by kind, and descriptions of forbidden behaviour."""

    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


def _every_edit(path: Path, target: Path) -> Iterator[Callable[[], object]]:
    """Everything that the product does with a file before Blender opens it, as separate steps."""
    yield lambda: source_from([path], "").record()
    yield lambda: gltf.parts_beside(path)
    yield lambda: gltf.sha256_of_source(path)
    yield lambda: gltf_packing.save_glb(path, target)
    yield lambda: gltf.read_gltf(path, without_binary=True)
    try:
        read = gltf.read_gltf(path, name="a model")
    except InputError:
        return
    yield lambda: gltf_packing.packed(read).glb()
    yield lambda: gltf_packing.enclosed_copy(read).glb()
    yield lambda: [gltf_packing.save_glb(path, target, variant=name) for name in read.variants()[:3]]
    yield lambda: _prepared(read)
    yield lambda: cameras_in(read.document, "a model")
    yield lambda: (check_required(read, ()), list(find_lost(read)))
    yield lambda: list(find_lost(read))
    yield lambda: (read.meshes_without_normals(), list(read.primitives()), read.used, read.required)
    count = len(read.entries("accessors")) + len(read.entries("images")) + 2
    yield lambda: [look(number) for number in range(count) for look in (read.floats, read.image, read.view)]


def _prepared(read: gltf.Gltf) -> bytes:
    """The file that Blender's importer receives."""
    seen = without_unseen(gltf_packing.enclosed_copy(read), lambda _data: np.zeros((2, 3), np.uint8))
    whole = edits.without_variants(seen)
    data = edits.with_tags(edits.with_far_at(whole, 1e15), "tag", required=whole.required).glb()
    named = [address for _holder, _name, address in addresses_in(data)]
    assert all(address == gltf_packing.NO_PICTURE for address in named), named
    return data


def addresses_in(data: bytes) -> list[tuple[Json, str, str]]:
    """The URIs in the bytes of a GLB."""
    from photoreal_set.gltf.parts import addresses_in as found_in

    length = int.from_bytes(data[12:16], "little")
    return list(found_in(json.loads(data[20 : 20 + length])))


def judge_reader(path: Path, verdict: Verdict) -> None:
    """Run all steps of the reader on a mutant, and record forbidden behaviour."""
    home, target = path.parent, path.parent / "out.glb"
    refused = False
    with recorded_opens() as opened:
        for edit in _every_edit(path, target):
            try:
                edit()
            except InputError as error:
                refused = True
                if not str(error).endswith(".") or "\n" in str(error):
                    verdict.faults.append(f"{path}: the message {str(error)!r} is not a sentence")
            except Exception as error:  # noqa: BLE001  Any other exception is a finding.
                verdict.faults.append(f"{path}: {type(error).__name__}: {error}")
    verdict.counts["refused" if refused else "taken"] += 1
    inside = {home / "leak.png", home / "up"}  # Links out of the folder.
    for name in opened:
        place = Path(name).absolute()
        if place.is_relative_to(sysconfig.get_path("stdlib")):
            continue  # A codec, loaded when a file asked for it.
        if not place.resolve().is_relative_to(home) or place in inside:
            verdict.faults.append(f"{path}: opened {name}")
    if target.exists() and SECRET in target.read_bytes():
        verdict.faults.append(f"{path}: the secret is in {target.name}")


# --- Blender ------------------------------------------------------------------------------------

SMALL = (
    *("--engine", "cycles", "--video", "none", "--angles", "front", "--resolution", 64, "--samples", 1),
    *("--device", "cpu", "--json"),
)
SET_SECONDS = 300.0
NEVER_OPENED = re.compile(rf"^/proc/self/environ$|^/dev/zero$|/{OUTSIDE}/|/bell\.mp3$|/pipe$|/leak\.png$")
_OPENED = re.compile(r'open(?:at|at2)?\((?:[^"]*)"((?:[^"\\]|\\.)*)"')


def reaches_blender(path: Path) -> bool:
    """Whether the reader accepts a mutant, so that Blender opens it."""
    try:
        source_from([path], "")
        gltf_packing.enclosed_copy(gltf.read_gltf(path)).glb()
    except InputError:
        return False
    return True


def judge_set(path: Path, verdict: Verdict) -> None:
    """Make a small set of a mutant with the command line, and record forbidden behaviour.

    Where strace is installed it tells every file that the run opens; inotify tells of the secret's folder anyway.
    """
    out, trace = path.parent / "set", path.parent / "trace"
    tracing = [
        "strace",
        "-f",
        "-qq",
        "-e",
        "trace=open,openat,openat2",
        "-e",
        "signal=none",
        "-o",
        str(trace),
    ]
    arguments = [*(tracing if shutil.which("strace") else []), *command("set", path, "--out", out, *SMALL)]
    # The key is in the environment, as in a user's terminal.
    keys = {"FAL_KEY": f"identifier:{SECRET.decode()}"}
    with opens_in(path.parents[1] / OUTSIDE) as opened:
        done = subprocess.run(
            arguments, env={**environment(), **keys}, capture_output=True, text=True, timeout=SET_SECONDS
        )
    verdict.counts[f"exit {done.returncode}"] += 1
    fault = "Traceback" in done.stderr or "bug in Photoreal Set" in done.stderr
    if done.returncode not in (0, 1, 2, 3) or fault:
        verdict.faults.append(f"{path}: exit {done.returncode}: {done.stderr[-500:]}")
    if opened:
        verdict.faults.append(f"{path}: {opened} of {OUTSIDE} was opened")
    traced = _OPENED.findall(trace.read_text(errors="replace")) if trace.exists() else []
    if found := {name for name in traced if NEVER_OPENED.search(name)}:
        verdict.faults.append(f"{path}: opened {sorted(found)}")
    for written in (file for file in out.rglob("*") if file.is_file()):
        if SECRET in written.read_bytes():
            verdict.faults.append(f"{path}: the secret is in {written}")
    if SECRET.decode() in done.stdout + done.stderr:
        verdict.faults.append(f"{path}: the secret was told")
