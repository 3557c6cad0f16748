# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures of an angle as nodes of the compositor, in a frame beside the nodes that are there already.

Imports numpy, which Blender's window needs for nothing else.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ..background_run.set_view import Picture, SetView
from ..photo_set.takes import own_file
from ..studio import compat
from .stored_paths import stored_path
from .words import iface_

SET, ANGLE, PART = (
    "photoreal_set",
    "photoreal_angle",
    "photoreal_part",
)  # Custom properties of frames and nodes.
COLOR, DATA = "sRGB", "Non-Color"
GAP = 80.0  # Between the frame and the artist's nodes, and between nodes.
WIDTH, ROW = 240.0, 320.0  # A column of image nodes.


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """The frame with the nodes, whether it is new, and which pictures the angle has no file for."""

    frame: Any
    is_new: bool
    missing: tuple[str, ...]


def hand_over(scene: bpy.types.Scene, found: SetView, picture: Picture) -> Handed:
    """Show the pictures of an angle in the compositor of a scene: render, photo, mask, depth and normal.

    Nodes that are there stay as they are. A frame of the same angle gets the present pictures; otherwise a new one is
    added at the right, in which the mask puts the photo over a color. Raises RuntimeError for a file that Blender cannot
    load, OSError where the file of a take cannot be written.
    """
    images = {
        name: _image(path, space) for name, path, space in _files(picture)
    }  # Before the scene is changed.
    own: Any = compat.compositor_tree(scene)
    tree: Any = compat.new_compositor_tree(scene) if own is None else own
    frame = _known_frame(tree, found, picture)
    is_new = frame is None
    if frame is None:
        frame = _new_frame(tree, found, picture)
    nodes = _show(tree, frame, images)
    if is_new:
        _connect(tree, frame, nodes, may_use_viewer=own is None)
        frame.location = _free_place(tree, frame)
    missing = tuple(name for name in ("mask", "depth", "normal") if name not in images)
    return Handed(frame=frame, is_new=is_new, missing=missing)


def _files(picture: Picture) -> list[tuple[str, Path, str]]:
    """Name, file and color space of each picture that there is. The file of a photo is one that later takes keep."""
    photo = picture.photo if not picture.is_rejected else None
    every = (
        ("photo", own_file(photo, picture.take) if photo else None, COLOR),
        ("render", picture.render, COLOR),
        ("mask", picture.mask, DATA),
        ("depth", picture.depth, DATA),
        ("normal", picture.normal, DATA),
    )
    return [(name, path, space) for name, path, space in every if path]


def _image(path: Path, space: str) -> bpy.types.Image:
    """The image of a file in a color space. One that the artist uses with another color space stays as it is."""
    known: Any  # The stubs allow images without a color space.
    for known in bpy.data.images:
        is_same = Path(bpy.path.abspath(known.filepath, library=known.library)) == path
        if is_same and known.source == "FILE" and known.colorspace_settings.name == space:
            found: bpy.types.Image = known
            return found
    image = bpy.data.images.load(str(path))
    settings: Any = image.colorspace_settings
    settings.name = space
    image.filepath = stored_path(path)
    return image


def _known_frame(tree: Any, found: SetView, picture: Picture) -> Any:
    mark = (stored_path(found.folder), picture.name)
    return next((node for node in tree.nodes if (node.get(SET), node.get(ANGLE)) == mark), None)


def _new_frame(tree: Any, found: SetView, picture: Picture) -> Any:
    frame = tree.nodes.new("NodeFrame")
    frame.label = f"{found.product}: {picture.name}"
    frame[SET], frame[ANGLE] = stored_path(found.folder), picture.name
    return frame


def _show(tree: Any, frame: Any, images: dict[str, bpy.types.Image]) -> dict[str, Any]:
    """A node in the frame for each image, by the name of the picture. Those that are there get the image."""
    nodes = {node[PART]: node for node in tree.nodes if node.parent == frame and node.get(PART)}
    for name, image in images.items():
        if name not in nodes:
            node = _node(tree, frame, "CompositorNodeImage", (0.0, -ROW * len(nodes)))
            node.label, node[PART] = iface_(name.capitalize()), name
            nodes[name] = node
        nodes[name].image = image
    return nodes


def _node(tree: Any, frame: Any, kind: str, place: tuple[float, float]) -> Any:
    node = tree.nodes.new(kind)
    node.parent, node.location = frame, place
    return node


def _connect(tree: Any, frame: Any, nodes: dict[str, Any], *, may_use_viewer: bool) -> None:
    """Put the photo, or else the render, over a color, and show that in a viewer.

    A viewer that is there stays as it is, unless it came with the tree (``may_use_viewer``).
    """
    shown = nodes.get("photo") or nodes.get("render")
    if shown is None:
        return
    result = shown.outputs["Image"]
    if "mask" in nodes:
        result = _over_color(tree, frame, shown, nodes["mask"])
    viewer = next((node for node in tree.nodes if node.type == "VIEWER"), None)
    if viewer is not None and not may_use_viewer:
        return
    viewer = viewer or tree.nodes.new("CompositorNodeViewer")
    viewer.parent, viewer.location = frame, ((WIDTH + GAP) * 4, 0.0)
    tree.links.new(result, viewer.inputs["Image"])


def _over_color(tree: Any, frame: Any, shown: Any, mask: Any) -> Any:
    """The output of nodes that put a picture over a color, where its mask is white."""
    cut = _node(tree, frame, "CompositorNodeSetAlpha", ((WIDTH + GAP) * 2, 0.0))
    tree.links.new(shown.outputs["Image"], cut.inputs["Image"])
    tree.links.new(_as_large(tree, frame, shown, mask), cut.inputs["Alpha"])
    color = _node(tree, frame, "CompositorNodeRGB", ((WIDTH + GAP) * 2, -ROW))
    color.label = iface_("Background")
    color.outputs[0].default_value = (0.8, 0.8, 0.8, 1.0)
    over = _node(tree, frame, "CompositorNodeAlphaOver", ((WIDTH + GAP) * 3, 0.0))
    background, foreground = [socket for socket in over.inputs if socket.type == "RGBA"]
    tree.links.new(color.outputs[0], background)
    tree.links.new(cut.outputs["Image"], foreground)
    return over.outputs["Image"]


def _as_large(tree: Any, frame: Any, shown: Any, mask: Any) -> Any:
    """The mask in the size of the picture: photos by fal.ai may have another size than their render."""
    (width, height), (across, up) = shown.image.size, mask.image.size
    if (width, height) == (across, up) or not (across and up):
        return mask.outputs["Image"]
    scale = _node(tree, frame, "CompositorNodeScale", (WIDTH + GAP, -ROW))
    scale.inputs["X"].default_value, scale.inputs["Y"].default_value = width / across, height / up
    tree.links.new(mask.outputs["Image"], scale.inputs["Image"])
    return scale.outputs["Image"]


def _free_place(tree: Any, frame: Any) -> tuple[float, float]:
    """Right of all nodes that are not in the frame, at the height of the highest one."""
    others = [node for node in tree.nodes if node != frame and node.parent != frame]
    places = [(*_place(node), node.width) for node in others if node.type != "FRAME"]
    right = max((x + width for x, _y, width in places), default=-GAP)
    return right + GAP, max((y for _x, y, _width in places), default=0.0)


def _place(node: Any) -> tuple[float, float]:
    """Where a node is. Its own location is relative to the frame that it is in."""
    x, y = node.location
    if node.parent:
        left, top = _place(node.parent)
        return x + left, y + top
    return x, y
