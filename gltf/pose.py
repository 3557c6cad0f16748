# SPDX-License-Identifier: GPL-3.0-or-later
"""Poses a glTF file: as its nodes say, or at a moment of its first animation. The result has no animations.

Blender would show an animated file at its own frame 1, which is 1/24 s into the first animation.
Interpolation: glTF 2.0, 3.11 and appendix C.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .accessors import values_of
from .choices import REST, START
from .document import Gltf
from .findings import Finding, Severity
from .json_values import Json, as_dict, as_dicts, is_integer

Doubles = NDArray[np.float64]

PATHS = {"translation": 3, "rotation": 4, "scale": 3}
NEARLY_PARALLEL = (
    0.9995  # The cosine above which a spherical interpolation divides by almost zero; it is linear there.
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Posed:
    """A file without animations. ``clip`` names the animation that posed it, "" when its nodes did."""

    gltf: Gltf
    clip: str
    findings: tuple[Finding, ...]


def posed(gltf: Gltf, pose: str) -> Posed:
    """The file in a pose of ``choices.pose_text``. Before its first and after its last key an animation stands still."""
    clips = gltf.entries("animations")
    document = json.loads(json.dumps(gltf.document))
    document.pop("animations", None)
    still = Gltf(gltf.name, gltf.folder, document, gltf.binary)
    if pose == REST or not clips:
        return Posed(gltf=still, clip="", findings=())
    clip = _name_of(clips, 0)
    lost = _apply(gltf, clips[0], document, 0.0 if pose == START else float(pose))
    return Posed(gltf=still, clip=clip, findings=tuple(_findings(clips, clip, lost)))


def _name_of(clips: list[Json], number: int) -> str:
    name = clips[number].get("name")
    return name if isinstance(name, str) and name else f"animation {number}"


def _findings(clips: list[Json], clip: str, lost: int) -> Iterator[Finding]:
    if len(clips) > 1:
        names = ", ".join(_name_of(clips, number) for number in range(len(clips)))
        yield Finding(
            kind="several_animations",
            severity=Severity.NOTE,
            where=clip,
            count=len(clips),
            text=f"The file has {len(clips)} animations ({names}). The pose is taken from the first one, {clip}.",
        )
    if lost:
        yield Finding(
            kind="animation_not_read",
            severity=Severity.WARNING,
            where=clip,
            count=lost,
            text=f"{clip}: {lost} channel{'s' * (lost != 1)} of the animation cannot be read, so the parts that they move "
            "are where the nodes of the file place them. Export the model in the pose that the pictures need.",
        )


def _apply(gltf: Gltf, clip: Json, document: Json, seconds: float) -> int:
    """Set the animated members of the nodes in ``document``; how many channels could not be read."""
    nodes, samplers = as_dicts(document.get("nodes")), as_dicts(clip.get("samplers"))
    meshes = as_dicts(document.get("meshes"))
    lost = 0
    for channel in as_dicts(clip.get("channels")):
        target = as_dict(channel.get("target"))
        number, path = target.get("node"), str(target.get("path"))
        if path != "pointer" and number is None:
            continue  # A channel without a target is ignored (glTF 2.0, 5.6).
        value = None
        node = nodes[number] if is_integer(number) and 0 <= number < len(nodes) else None
        if node is not None and "matrix" not in node:
            width = PATHS.get(path) or _targets_of(node, meshes, path)
            sampler = _entry(samplers, channel.get("sampler"))
            value = _sampled(gltf, sampler, width, seconds, is_turn=path == "rotation") if width else None
        if node is None or value is None:
            lost += 1
        else:
            node[path] = value.tolist()
    return lost


def _entry(entries: list[Json], number: object) -> Json:
    return entries[number] if is_integer(number) and 0 <= number < len(entries) else {}


def _targets_of(node: Json, meshes: list[Json], path: str) -> int:
    """The number of morph targets of the mesh of a node; 0 for any other path than ``weights``."""
    mesh = _entry(meshes, node.get("mesh")) if path == "weights" else {}
    for primitive in as_dicts(mesh.get("primitives")):
        if isinstance(targets := primitive.get("targets"), list):
            return len(targets)
    return 0


def _sampled(gltf: Gltf, sampler: Json, width: int, seconds: float, *, is_turn: bool) -> Doubles | None:
    """The value of a sampler, (width,); None when its numbers cannot be read."""
    times, output = values_of(gltf, sampler.get("input")), values_of(gltf, sampler.get("output"))
    is_cubic = sampler.get("interpolation") == "CUBICSPLINE"
    if times is None or output is None or times.shape[1] != 1:
        return None
    keys = times[:, 0]
    parts = 3 if is_cubic else 1  # A cubic key has an in-tangent, a value and an out-tangent.
    if output.size != len(keys) * parts * width or not np.isfinite(output).all():
        return None
    if not np.isfinite(keys).all() or (np.diff(keys) < 0.0).any():
        return None
    values = output.reshape(len(keys), parts, width)
    found = _between(keys, values, seconds, sampler.get("interpolation"), is_turn=is_turn)
    length = float(np.linalg.norm(found))
    return found / length if is_turn and length > 0.0 else found


def _between(keys: Doubles, values: Doubles, seconds: float, way: object, *, is_turn: bool) -> Doubles:
    middle = values.shape[1] // 2
    after = int(np.searchsorted(keys, seconds, side="right"))
    if after == 0 or after == len(keys):
        edge: Doubles = values[min(after, len(keys) - 1), middle]
        return edge
    first, last, span = values[after - 1], values[after], keys[after] - keys[after - 1]
    share = (seconds - keys[after - 1]) / span
    if way == "STEP":
        held: Doubles = first[middle]
        return held
    if way == "CUBICSPLINE":
        return _cubic(first[1], span * first[2], last[1], span * last[0], share)
    return _turned(first[0], last[0], share) if is_turn else first[0] + share * (last[0] - first[0])


def _cubic(first: Doubles, leaving: Doubles, last: Doubles, arriving: Doubles, share: float) -> Doubles:
    """A Hermite spline (glTF 2.0, C.5)."""
    square, cube = share**2, share**3
    value: Doubles = (
        (2.0 * cube - 3.0 * square + 1.0) * first
        + (cube - 2.0 * square + share) * leaving
        + (3.0 * square - 2.0 * cube) * last
        + (cube - square) * arriving
    )
    return value


def _turned(first: Doubles, last: Doubles, share: float) -> Doubles:
    """Spherical interpolation of unit quaternions along the shorter way (glTF 2.0, C.4)."""
    cosine = float(first @ last)
    if cosine < 0.0:
        last, cosine = -last, -cosine
    if cosine > NEARLY_PARALLEL:
        return first + share * (last - first)
    angle = np.arccos(cosine)
    turned: Doubles = (np.sin((1.0 - share) * angle) * first + np.sin(share * angle) * last) / np.sin(angle)
    return turned
