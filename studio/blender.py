# SPDX-License-Identifier: GPL-3.0-or-later
"""Typed access to Blender's data: values that are never empty where we use them, nodes by class, pixels as arrays."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

import bpy
import numpy as np
from mathutils import Matrix
from numpy.typing import NDArray

Value = TypeVar("Value")
Data = TypeVar("Data", bound=bpy.types.ID)
AnyNode = TypeVar("AnyNode", bound=bpy.types.Node)


def present(value: Value | None) -> Value:
    """A pointer that Blender declares as optional, where it is always set.

    Raises TypeError when it is empty after all.
    """
    if value is None:
        raise TypeError("Blender returned None for a value that is always set.")
    return value


def data_of(item: bpy.types.Object, kind: type[Data]) -> Data:
    """The data of an object of a known kind, such as its mesh. Raises TypeError for data of another kind."""
    data = item.data
    if not isinstance(data, kind):
        raise TypeError(f"{item.name} has data of type {type(data).__name__}, not {kind.__name__}.")
    return data


def materials_of(item: bpy.types.Object) -> list[bpy.types.Material]:
    """The materials in the slots of an object, without empty slots."""
    return [slot.material for slot in item.material_slots if slot.material]


def set_choice(owner: object, name: str, value: str) -> None:
    """Set a property whose choices depend on the build of Blender, such as a colour space.

    The stubs know only the choices of one build. Raises TypeError for a value that this build does not have.
    """
    setattr(owner, name, value)


def custom_property(block: bpy.types.ID, name: str) -> Any:
    """A custom property of a data-block; None when it does not have it."""
    return cast(Any, block).get(name)


def reason_of(error: RuntimeError) -> str:
    """The last meaningful line of the error of an operator."""
    lines = [
        line.strip() for line in str(error).splitlines() if line.strip() and not line.startswith("Location:")
    ]
    return (lines[-1] if lines else "unknown error").removeprefix("Error: ").rstrip(".")


def set_different(owner: Any, **values: Any) -> None:
    """Set the properties of a data-block that differ: any change makes a rendered viewport begin again."""
    for name, value in values.items():
        old = getattr(owner, name)
        is_same = (
            abs(old - value) <= 1e-6 * max(1.0, abs(value)) if isinstance(value, float) else old == value
        )
        if not is_same:
            setattr(owner, name, value)


def move_to(item: bpy.types.Object, matrix: Matrix) -> None:
    """Place an object, unless it is there already."""
    if not np.allclose(np.array(item.matrix_world), np.array(matrix), rtol=1e-6, atol=1e-6):
        item.matrix_world = matrix


@contextmanager
def overridden(target: Any, **values: Any) -> Iterator[None]:
    """Set properties of a data-block, and set them back at the end, also after an error."""
    with ExitStack() as undo:
        for name, value in values.items():
            undo.callback(setattr, target, name, getattr(target, name))
            setattr(target, name, value)
        yield


@contextmanager
def sampled(world: bpy.types.World, method: str, **values: int) -> Iterator[None]:
    """While entered, Cycles finds the bright parts of ``world`` by ``method``, one of ``sampling_method``.

    Cycles reads these settings only from a world that is tagged: settings of an add-on are not tracked.
    """
    with ExitStack() as undo:
        undo.callback(world.update_tag)
        undo.enter_context(overridden(present(world.cycles), sampling_method=method, **values))
        world.update_tag()
        yield


# --- nodes --------------------------------------------------------------------------------------


def new_node(tree: bpy.types.NodeTree, kind: type[AnyNode]) -> AnyNode:
    """Add a node of a class such as ``bpy.types.ShaderNodeMath``."""
    return cast(AnyNode, tree.nodes.new(kind.__name__))


def nodes_of(tree: bpy.types.NodeTree | None, kind: type[AnyNode]) -> Iterator[AnyNode]:
    """The nodes of one class, in the order of the tree; none without a tree."""
    if tree is not None:
        yield from (node for node in tree.nodes if isinstance(node, kind))


def input_of(node: bpy.types.Node, key: str | int) -> bpy.types.NodeSocket:
    """An input by name or index."""
    return cast(bpy.types.NodeSocket, cast(Any, node).inputs[key])


def output_of(node: bpy.types.Node, key: str | int) -> bpy.types.NodeSocket:
    """An output by name or index."""
    return cast(bpy.types.NodeSocket, cast(Any, node).outputs[key])


def value_of(socket: bpy.types.NodeSocket) -> Any:
    """The value of an unconnected input: a float, a vector, a colour, a text; by the kind of socket."""
    return cast(Any, socket).default_value


def set_value(socket: bpy.types.NodeSocket, value: Any) -> None:
    """Set the value of an unconnected input."""
    cast(Any, socket).default_value = value


def links_of(socket: bpy.types.NodeSocket) -> tuple[bpy.types.NodeLink, ...]:
    """The links of a socket, in a tuple that does not change with the tree."""
    return tuple(present(socket.links))


def source_of(socket: bpy.types.NodeSocket) -> bpy.types.NodeSocket:
    """The output that feeds a linked input."""
    return present(present(socket.links)[0].from_socket)


def node_before(socket: bpy.types.NodeSocket) -> bpy.types.Node:
    """The node that feeds a linked input."""
    return present(present(socket.links)[0].from_node)


# --- pixels -------------------------------------------------------------------------------------


def pixels_of(image: bpy.types.Image) -> NDArray[np.float32]:
    """The pixels of an image: float32 (h, w, 4), row 0 at the bottom, as Blender stores them."""
    width, height = image.size
    pixels = np.empty(width * height * 4, dtype=np.float32)
    cast(Any, image.pixels).foreach_get(pixels)
    return pixels.reshape(height, width, 4)


def set_pixels(image: bpy.types.Image, colour: NDArray[Any]) -> None:
    """Fill an opaque image. ``colour``: (h, w, 3), or (h, w) for shades of grey; row 0 at the bottom."""
    pixels = np.ones((*colour.shape[:2], 4), dtype=np.float32)
    pixels[..., :3] = colour if colour.ndim == 3 else colour[..., None]
    cast(Any, image.pixels).foreach_set(pixels.ravel())


def read_pixels(path: Path) -> NDArray[Any]:
    """The values stored in a picture file: uint8 for PNG, float32 for EXR; (h, w, 4), row 0 on top."""
    image = bpy.data.images.load(str(path))
    try:
        set_choice(image.colorspace_settings, "name", "Non-Color")
        image.alpha_mode = "CHANNEL_PACKED"  # No multiplication with alpha.
        pixels = pixels_of(image)[::-1]
    finally:
        bpy.data.images.remove(image)
    return (pixels * 255.0 + 0.5).astype(np.uint8) if path.suffix == ".png" else pixels
