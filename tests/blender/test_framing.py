# SPDX-License-Identifier: GPL-3.0-or-later
"""A product of any shape is complete and centred in a picture of any shape and fills 85-90 % of the larger direction."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np
import pytest
from mathutils import Euler, Matrix

from photoreal_set.imaging.coverage import NOISE
from photoreal_set.optics.angles import ANGLES, Angle
from photoreal_set.optics.sizes import Size, square
from photoreal_set.studio.blender import read_pixels
from photoreal_set.studio.quality import Quality
from photoreal_set.studio.session import Session
from tests.blender.products import Glb, corners, quaternion, texture, textured_block
from tests.blender.runs import ROOT, Run, make_set
from tests.blender.seen import overlap

MASK = Quality(name="quick", samples=4, bounces=0)
WHOLE = [angle for angle in ANGLES.values() if angle.shows_whole_product]
SIZES = [Size(200, 250), Size(256, 144), Size(144, 256)]
# Scales of the block, which is about as large in every direction (glTF axes, y up).
PRODUCTS = {
    "a block": (1.0, 1.0, 1.0),
    "a pole of 1:50": (0.02, 1.0, 0.02),
    "a rod of 1:50": (1.2, 0.02, 0.03),
    "a coin": (1.0, 0.03, 1.5),
    "a poster": (1.0, 1.2, 0.04),
    "1 mm": (0.0013, 0.0013, 0.0013),
    "300 m": (400.0, 400.0, 400.0),
}


def block_of(scale: tuple[float, float, float]) -> Glb:
    return textured_block(scale=list(scale))


def margins(mask: np.ndarray) -> tuple[int, int, int, int]:
    """Empty pixels on the left, right, top and bottom."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    height, width = mask.shape
    return int(columns[0]), int(width - 1 - columns[-1]), int(rows[0]), int(height - 1 - rows[-1])


def fill(mask: np.ndarray) -> float:
    left, right, top, bottom = margins(mask)
    height, width = mask.shape
    return max(1.0 - (left + right) / width, 1.0 - (top + bottom) / height)


@pytest.mark.parametrize("product", PRODUCTS)
def test_every_product_is_centred_and_fills_the_frame_of_any_shape(scene, tmp_path: Path, product: str):
    path = block_of(PRODUCTS[product]).write(tmp_path / "product.glb")
    size = SIZES[list(PRODUCTS).index(product) % len(SIZES)]
    session = Session(scene, path, resolution=size, device="cpu")
    for angle in WHOLE:
        mask = session._renderer.glance(session.framing(angle), angle.azimuth, size)[..., 3] > 127
        assert mask.shape == (size.height, size.width)
        left, right, top, bottom = margins(mask)
        assert abs(left - right) <= 2, angle.name
        assert abs(top - bottom) <= 2, angle.name
        assert 0.85 <= fill(mask) <= 0.90, angle.name


def test_a_set_of_pictures_that_are_not_square(tmp_path: Path, block_file: Path):
    options = ("--engine", "cycles", "--angles", "front,detail", "--video", "none")
    run = make_set(block_file, out=tmp_path / "set", options=options, resolution="96x120")
    assert run.exit_code == 0, run.stderr
    for name in ("front", "detail"):
        render = run.angle(name)["render"]
        assert (render["width"], render["height"]) == (96, 120)
        for folder in ("renders", "masks", "photos"):
            assert run.pixels(f"{folder}/{name}.png").shape[:2] == (120, 96)
    mask = run.pixels("masks/front.png") > NOISE
    assert run.angle("front")["fill"] == pytest.approx(fill(mask), abs=1e-3)
    assert (run.pixels("photos/front.png")[[0, -1]] == 255).all()
    again = make_set(block_file, out=tmp_path / "set", options=options, resolution="96x120")
    assert not [event for event in again.events if event["event"] == "warning"]
    assert again.record["angles"] == run.record["angles"]


# --- the visible part is smaller than the product-------------------------------------------------


def in_clear_glass() -> Glb:
    """The block, small, in a corner of a larger one that is fully transparent."""
    glb = textured_block(scale=[0.3] * 3, translation=[0.25, 0.1, 0.2])
    leaf = glb.document["scenes"][0]["nodes"][0]
    clear = glb.add_material("Clear", baseColorFactor=[1.0, 1.0, 1.0, 0.0])
    glb.document["materials"][clear]["alphaMode"] = "BLEND"
    around = glb.add("nodes", {"name": "around", "mesh": glb.add_block(clear, corners() * 1.3)})
    glb.add_scene(leaf, around)
    return glb


def needle() -> Glb:
    """Its last pixels before the tip are hardly covered."""
    glb = Glb()
    points = corners() * (0.05, 1.0, 0.05)
    points[4:, (0, 2)] = 0.0
    material = glb.add_material("Enamel", glb.add_image(texture()))
    glb.add_scene(glb.add("nodes", {"mesh": glb.add_block(material, points)}))
    return glb


@pytest.mark.parametrize("product", [in_clear_glass, needle])
def test_the_visible_part_is_centred_and_fills_the_frame(tmp_path: Path, product: Callable[[], Glb]):
    path = product().write(tmp_path / "product.glb")
    options = ("--engine", "cycles", "--angles", "three-quarter", "--video", "none", "--samples", 16)
    run = make_set(path, out=tmp_path / "set", options=options, resolution="120x96")
    assert run.exit_code == 0, run.stderr
    mask = run.pixels("masks/three-quarter.png")
    left, right, top, bottom = margins(mask > NOISE)
    assert max(abs(left - right), abs(top - bottom)) <= 2
    assert 0.85 <= fill(mask > NOISE) <= 0.90
    photo = run.pixels("photos/three-quarter.png")
    assert (photo[mask > 127].min(axis=1) < 230).mean() > 0.9, "the photo has the same camera"


def test_an_invisible_product_is_reported(tmp_path: Path):
    glb = Glb()
    material = glb.add_material("Paper")
    glb.add_scene(glb.add("nodes", {"mesh": glb.add_block(material, corners() * (1.0, 1.0, 0.0))}))
    options = ("--engine", "cycles", "--angles", "side", "--video", "none")
    run = make_set(glb.write(tmp_path / "sheet.glb"), out=tmp_path / "set", options=options, resolution=64)
    assert run.exit_code == 0, run.stderr
    (warning,) = run.warnings()
    assert warning.startswith("side: the product is not visible.")


def test_from_below_there_is_light_and_no_shadow(scene, block_file: Path):
    session = Session(scene, block_file, resolution=square(64), device="cpu")
    angle = Angle(name="below", azimuth=160.0, elevation=-60.0)
    shot = session.shoot(session.framing(angle), angle, Quality(name="quick", samples=8, bounces=2))
    assert shot.shadow.max() == 0.0
    mask = shot.colour[..., 3] > 127
    left, right, top, bottom = margins(mask)
    assert max(abs(left - right), abs(top - bottom)) <= 2
    assert shot.colour[mask][:, :3].max(axis=1).mean() > 60
    assert not session._renderer.studio.table.hide_render
    again = session.shoot(session.framing(ANGLES["front"]), ANGLES["front"], MASK)
    assert again.shadow.max() > 0.3, "from above the shadow is unchanged"


# --- cameras of set.json, in plain Blender ------------------------------------------------------


def recipe() -> str:
    text = (ROOT / "docs" / "cameras.md").read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)[-1]


def mask_in_plain_blender(folder: Path) -> np.ndarray:
    """The view of the scene's camera, with Blender's default Cycles settings."""
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.samples = 16
    scene.cycles.max_bounces = 0
    scene.cycles.use_denoising = False
    scene.render.film_transparent = True
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode = "RGBA"
    scene.render.filepath = str(folder / "plain.png")
    bpy.ops.render.render(write_still=True)
    return read_pixels(folder / "plain.png")[..., 3] > 127


def test_the_recipe_in_the_docs_reproduces_every_angle(tmp_path: Path, block_file: Path):
    angles = [
        {"name": "back", "azimuth": 190, "elevation": 20},
        {"name": "foot", "azimuth": 20, "elevation": -40, "lens_mm": 28},
        {"name": "macro", "azimuth": 60, "elevation": 30, "fill": 3},
    ]
    (tmp_path / "mine.json").write_text(json.dumps(angles))
    options = ("--engine", "cycles", "--video", "none", "--lens", "50", "--angles", tmp_path / "mine.json")
    source = textured_block(
        scale=[0.02] * 3, translation=[3.0, -1.0, 2.0], rotation=quaternion((0, 1, 0), 30)
    )
    path = source.write(tmp_path / "product.glb")
    run = make_set(path, out=tmp_path / "set", options=(*options, "--samples", 16), resolution="140x112")
    assert run.exit_code == 0, run.stderr
    lenses = [run.angle(angle["name"])["camera"]["lens_mm"] for angle in angles]
    assert lenses == pytest.approx([50.0, 28.0, 50.0], rel=1e-6)
    for angle in angles:
        entry = run.angle(angle["name"])
        assert (entry["azimuth"], entry["elevation"]) == (angle["azimuth"], angle["elevation"])
        bpy.ops.wm.read_factory_settings(use_empty=True)
        code = recipe().replace(
            'Path("sets/chair"), "three-quarter"', f"Path({str(run.out)!r}), {angle['name']!r}"
        )
        assert repr(angle["name"]) in code
        exec(compile(code, "docs/cameras.md", "exec"), {})
        plain = mask_in_plain_blender(tmp_path)
        assert overlap(plain, run.pixels(f"masks/{angle['name']}.png") > 127) > 0.995, angle["name"]
    before = run.record["angles"]
    kept = make_set(path, out=tmp_path / "set", options=(*options, "--samples", 16), resolution="140x112")
    assert kept.record["angles"] == before, "the same command keeps every picture and camera"
    other = (*options, "--samples", 16, "--lens", "100")
    wider = make_set(path, out=tmp_path / "set", options=other, resolution="140x112")
    assert wider.angle("back")["camera"]["lens_mm"] == pytest.approx(100.0)
    assert wider.angle("back")["render"]["sha256"] != before[0]["render"]["sha256"]


# --- the file's own cameras ---------------------------------------------------------------------


def with_cameras() -> Glb:
    """A block off the origin, and cameras: nested, rolled and scaled; orthographic; used twice in the file."""
    glb = textured_block(scale=[40.0] * 3, translation=[20.0, 5.0, -30.0])
    leaf = glb.document["scenes"][0]["nodes"][0]
    lens = {"type": "perspective", "perspective": {"yfov": 0.45, "znear": 0.1, "aspectRatio": 1.5}}
    flat = {"type": "orthographic", "orthographic": {"xmag": 30.0, "ymag": 20.0, "zfar": 500.0, "znear": 0.1}}
    wide, ortho = glb.add("cameras", lens), glb.add("cameras", flat)
    tilt = quaternion((1.0, 0.1, 0.4), -14.0)
    inner = glb.add(
        "nodes", {"name": "Hero Cam.001", "camera": wide, "rotation": tilt, "translation": [1, 40, 50]}
    )
    spin = quaternion((0, 1, 0), 35.0)
    arm = glb.add(
        "nodes",
        {
            "name": "arm",
            "children": [inner],
            "rotation": spin,
            "scale": [2.0] * 3,
            "translation": [20, 0, -30],
        },
    )
    level = glb.add("nodes", {"name": "plan", "camera": ortho, "translation": [22.0, 20.0, 100.0]})
    down = quaternion((1, 0, 0), -90.0)
    above = glb.add(
        "nodes", {"name": "plan", "camera": ortho, "rotation": down, "translation": [25.0, 90.0, -30.0]}
    )
    glb.add_scene(leaf, arm, level, above)
    return glb


def masks_by_blender(cameras: list[bpy.types.Object], size: Size, folder: Path) -> list[np.ndarray]:
    """The file as it is open now, through its own cameras."""
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = size
    scene.render.resolution_percentage = 100
    masks = []
    for camera in cameras:
        scene.camera = camera
        masks.append(mask_in_plain_blender(folder))
    return masks


CAMERAS = ("--engine", "cycles", "--video", "none", "--angles", "cameras", "--samples", 16)


def compare(run: Run, names: list[str], wanted: list[np.ndarray]) -> None:
    assert run.exit_code == 0, run.stderr
    assert [entry["name"] for entry in run.record["angles"]] == names
    for name, mask in zip(names, wanted, strict=True):
        assert 0.02 < mask.mean() < 0.98, "something is visible"
        assert overlap(run.pixels(f"masks/{name}.png") > 127, mask) > 0.99, name


@pytest.mark.parametrize("size", [Size(140, 100), Size(90, 130)])
def test_cameras_of_a_glb_see_what_blender_sees_through_them(tmp_path: Path, size: Size):
    path = with_cameras().write(tmp_path / "product.glb")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.import_scene.gltf(filepath=str(path))
    names = ("Hero Cam.001", "plan", "plan.001")
    wanted = masks_by_blender([bpy.data.objects[name] for name in names], size, tmp_path)
    run = make_set(path, out=tmp_path / "set", options=CAMERAS, resolution=f"{size.width}x{size.height}")
    compare(run, ["Hero-Cam-001", "plan", "plan-2"], wanted)
    assert [entry["camera"]["type"] for entry in run.record["angles"]] == ["PERSP", "ORTHO", "ORTHO"]
    assert run.angle("plan-2")["elevation"] == pytest.approx(90.0)
    before = run.record["angles"]
    again = make_set(path, out=tmp_path / "set", options=CAMERAS, resolution=f"{size.width}x{size.height}")
    assert again.record["angles"] == before


def test_cameras_of_a_blender_file_keep_lens_shift_and_sensor(tmp_path: Path, block_file: Path):
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.import_scene.gltf(filepath=str(block_file))
    made = []
    for number, fit in enumerate(("AUTO", "HORIZONTAL", "VERTICAL")):
        data = bpy.data.cameras.new(fit)
        data.sensor_fit, data.lens, data.shift_x, data.shift_y = fit, 40.0 + number, 0.1, -0.08 * number
        data.sensor_width, data.sensor_height = 30.0, 20.0
        eye = bpy.data.objects.new(f"Eye {fit}", data)
        turn = Euler((1.3, 0.1, 0.4)).to_matrix().to_4x4()
        eye.matrix_world = turn @ Matrix.Translation((0.0, 0.0, 3.0)) @ Matrix.Scale(1.5, 4)
        eye.matrix_world.translation.z += 0.3
        bpy.context.scene.collection.objects.link(eye)
        made.append(eye)
    hidden = bpy.data.objects.new("Hidden", bpy.data.cameras.new("Hidden"))
    hidden.hide_render = True
    bpy.context.scene.collection.objects.link(hidden)
    path = tmp_path / "product.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    wanted = masks_by_blender(made, Size(90, 120), tmp_path)
    run = make_set(path, out=tmp_path / "set", options=CAMERAS, resolution="90x120")
    compare(run, ["Eye-AUTO", "Eye-HORIZONTAL", "Eye-VERTICAL"], wanted)
    document = (run.out / "model" / "product.glb").read_bytes()
    assert b'"cameras"' in document, "the model keeps its cameras"


def test_without_cameras_the_run_is_rejected_before_it_starts(tmp_path: Path, block_file: Path):
    run = make_set(block_file, out=tmp_path / "set", options=CAMERAS)
    assert run.exit_code == 1
    assert "Enamel Block.glb has no camera" in run.stderr
    assert not run.out.exists()
