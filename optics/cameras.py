# SPDX-License-Identifier: GPL-3.0-or-later
"""The cameras in a glTF document, as angles."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..gltf.node_places import world_matrices
from ..messages.errors import FieldError, InputError
from .angles import MAX_ANGLES, Angle, View, direction_of, names_for_angles

SENSOR_HEIGHT_MM = 24.0  # Blender's importer fits the lens to this height; only their ratio matters.
# In glTF y is up and the front faces +z, in Blender z is up and the front faces -y.
TO_BLENDER = np.array(
    ((1.0, 0.0, 0.0, 0.0), (0.0, 0.0, -1.0, 0.0), (0.0, 1.0, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0))
)


def cameras_in(document: Mapping[str, Any], name: str) -> list[Angle]:
    """An angle for every camera of a glTF document, in the order of its nodes, as Blender imports them.

    ``name`` is the name of the file in messages. Raises InputError when the cameras cannot be read, and as ``angles_of``.
    """
    try:
        with np.errstate(all="ignore"):  # Values that overflow are refused because they are not finite.
            return angles_of(list(_views(document)), name)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise InputError(
            f"The cameras of {name} are damaged ({type(error).__name__}).", hint="Export it again."
        ) from error


def angles_of(views: Sequence[tuple[str, View]], name: str) -> list[Angle]:
    """Angles for named cameras, with unique names that are valid file names.

    Raises InputError when there are none or too many.
    """
    if not views:
        raise FieldError(
            "angles", f"{name} has no camera.", hint="Add cameras to it, or choose other angles."
        )
    if len(views) > MAX_ANGLES:
        raise InputError(f"{name} has {len(views)} cameras; the maximum is {MAX_ANGLES}.")
    angles = []
    names = names_for_angles(camera for camera, _view in views)
    for safe, (_camera, view) in zip(names, views, strict=True):
        azimuth, elevation = direction_of(view.matrix)
        angles.append(Angle(name=safe, azimuth=azimuth, elevation=elevation, view=view))
    return angles


def _views(document: Mapping[str, Any]) -> Iterable[tuple[str, View]]:
    nodes = document.get("nodes", [])
    worlds, _depths = world_matrices(nodes)
    for number, node in enumerate(nodes):
        if "camera" not in node:
            continue
        camera = document["cameras"][node["camera"]]
        matrix = TO_BLENDER @ worlds[number]
        scale = np.linalg.norm(matrix[:3, :3], axis=0)
        if not np.isfinite(matrix).all() or not scale.all():
            raise ValueError("no direction")
        matrix[:3, :3] /= scale
        rows = tuple(tuple(float(value) for value in row) for row in matrix)
        name = str(node.get("name") or camera.get("name") or "camera")
        if camera["type"] == "orthographic":
            shape = camera["orthographic"]
            scale = 2.0 * max(float(shape["xmag"]), float(shape["ymag"]))
            yield name, View(matrix=rows, ortho_scale=_positive(scale))
        else:
            half = math.tan(_positive(float(camera["perspective"]["yfov"])) / 2.0)
            lens = SENSOR_HEIGHT_MM / 2.0 / _positive(half)
            yield name, View(matrix=rows, lens_mm=lens, sensor_mm=SENSOR_HEIGHT_MM, sensor_fit="VERTICAL")


def _positive(value: float) -> float:
    if not 0.0 < value < math.inf:
        raise ValueError("not above 0")
    return value
