# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures of an angle become nodes of the compositor, beside the nodes of the artist."""

import json
from pathlib import Path
from typing import Any

import bpy
import pytest
from PIL import Image

from photoreal_set.background_run.set_view import read_set
from photoreal_set.studio import compat
from photoreal_set.window import runs

PARTS = {"photo": "sRGB", "render": "sRGB", "mask": "Non-Color", "depth": "Non-Color", "normal": "Non-Color"}


def write_set(extension: bpy.types.Scene, folder: Path, *, passes: bool, photo_side: int = 32) -> None:
    """Give the scene a set with one angle: a red photo whose left half is the product."""
    files = {"photo": "photos", "render": "renders", "mask": "masks"}
    files |= {"depth": "depth", "normal": "normal"} if passes else {}
    entry: dict[str, Any] = {"name": "front"}
    for part, place in files.items():
        path = folder / place / "front.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        side = photo_side if part == "photo" else 32
        picture = Image.new("RGB", (side, side), "red")
        if part == "mask":
            picture = Image.new("L", (side, side), 0)
            picture.paste(255, (0, 0, side // 2, side))
        picture.save(path)
        record = {"path": f"{place}/front.png", "sha256": part}
        entry[part] = record["path"] if part == "mask" else record
    entry["photo"]["take"] = 1
    manifest = {"schema": 1, "product": "Jar", "state": "done", "angles": [entry], "model": {}}
    (folder / "set.json").write_text(json.dumps(manifest))
    found = read_set(folder)
    assert found is not None
    runs.state.sets.take(folder, found)
    extension.photoreal.made_in = str(folder)


def tree_of(scene: bpy.types.Scene) -> Any:
    tree = compat.compositor_tree(scene)
    assert tree is not None
    return tree


def parts_in(frame: Any, tree: Any) -> dict[str, Any]:
    return {
        node["photoreal_part"]: node
        for node in tree.nodes
        if node.parent == frame and "photoreal_part" in node
    }


def output_of(tree: Any) -> Any:
    """What F12 renders."""
    (output,) = [node for node in tree.nodes if node.type in ("COMPOSITE", "GROUP_OUTPUT")]
    return output


def source_of(socket: Any) -> Any:
    node = socket.links[0].from_node
    return source_of(node.inputs[0]) if node.type == "REROUTE" else node


def links_of(tree: Any) -> set[tuple[str, str]]:
    return {(link.from_node.name, link.to_node.name) for link in tree.links}


def test_an_angle_becomes_a_frame_of_pictures_with_their_color_spaces(
    extension: bpy.types.Scene, tmp_path: Path
):
    write_set(extension, tmp_path, passes=True)
    assert bpy.ops.photoreal.to_compositor(name="front") == {"FINISHED"}
    tree = tree_of(extension)
    (frame,) = [node for node in tree.nodes if node.type == "FRAME"]
    assert frame.label == "Jar: front"
    parts = parts_in(frame, tree)
    assert {name: node.image.colorspace_settings.name for name, node in parts.items()} == PARTS
    (viewer,) = [node for node in tree.nodes if node.type == "VIEWER"]
    over = viewer.inputs["Image"].links[0].from_node
    background, foreground = [one.links[0].from_node for one in over.inputs if one.is_linked]
    assert (background.label, foreground.type) == ("Background", "SETALPHA")
    sources = [one.links[0].from_node for one in foreground.inputs if one.is_linked]
    assert sources == [parts["photo"], parts["mask"]]
    assert source_of(output_of(tree).inputs["Image"]).type == "R_LAYERS", "F12 is as before"
    tree.nodes.remove(parts["depth"])
    before = len(tree.nodes)
    bpy.ops.photoreal.to_compositor(name="front")
    assert len(tree.nodes) == before + 1, "only what is missing is added"


def test_the_nodes_of_the_artist_stay(extension: bpy.types.Scene, tmp_path: Path):
    tree = compat.new_compositor_tree(extension)
    own_frame, blur = tree.nodes.new("NodeFrame"), tree.nodes.new("CompositorNodeBlur")
    own_frame.location = (500.0, 200.0)
    blur.parent, blur.location = own_frame, (300.0, 0.0)
    if not any(node.type == "VIEWER" for node in tree.nodes):  # Some Blenders begin with one.
        tree.nodes.new("CompositorNodeViewer")
    before = {node.name: tuple(node.location) for node in tree.nodes}
    links = links_of(tree)
    write_set(extension, tmp_path, passes=True)
    bpy.ops.photoreal.to_compositor(name="front")
    assert before.items() <= {node.name: tuple(node.location) for node in tree.nodes}.items()
    assert links <= links_of(tree)
    assert sum(node.type == "VIEWER" for node in tree.nodes) == 1
    (frame,) = [node for node in tree.nodes if "photoreal_set" in node]
    assert frame.location.x >= 800.0 + blur.width


def test_a_photo_of_another_size_has_its_mask_scaled(extension: bpy.types.Scene, tmp_path: Path):
    write_set(extension, tmp_path, passes=True, photo_side=64)
    bpy.ops.photoreal.to_compositor(name="front")
    (scale,) = [node for node in tree_of(extension).nodes if node.type == "SCALE"]
    assert [scale.inputs[name].default_value for name in "XY"] == [2.0, 2.0]


def test_the_mask_puts_the_photo_over_the_color(extension: bpy.types.Scene, tmp_path: Path):
    write_set(extension, tmp_path, passes=False, photo_side=64)
    bpy.ops.photoreal.to_compositor(name="front")
    tree = tree_of(extension)
    (over,) = [node for node in tree.nodes if node.type == "ALPHAOVER"]
    tree.links.new(over.outputs["Image"], output_of(tree).inputs["Image"])
    extension.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    render = extension.render
    render.engine, extension.cycles.samples, extension.cycles.use_denoising = "CYCLES", 1, False
    render.resolution_x = render.resolution_y = 64
    extension.view_settings.view_transform = "Standard"
    render.filepath = str(tmp_path / "out.png")
    bpy.ops.render.render(write_still=True)
    with Image.open(tmp_path / "out.png") as picture:
        left, right = (picture.convert("RGB").getpixel((x, 32)) for x in (16, 48))
    assert left == pytest.approx((255, 0, 0), abs=2), "the photo, in its own colors"
    assert right == pytest.approx((231, 231, 231), abs=3), "0.8 in linear light"


def test_an_angle_without_passes_says_how_to_get_them(
    extension: bpy.types.Scene, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    write_set(extension, tmp_path, passes=False)
    bpy.ops.photoreal.to_compositor(name="front")
    assert "without: Depth, Normal. Turn on Depth and Normal under Studio, Picture" in capfd.readouterr().out
    with pytest.raises(RuntimeError, match="has no picture yet"):
        bpy.ops.photoreal.to_compositor(name="back")
