# SPDX-License-Identifier: GPL-3.0-or-later
"""The light is neutral and exposed so that a colour looks like itself, and the studio leaves no trace."""

from pathlib import Path

import bpy
import numpy as np
import pytest

from photoreal_set.angles import ANGLES, Angle
from photoreal_set.errors import InputError
from photoreal_set.studio import rig
from photoreal_set.studio.render import Quality, use_device
from photoreal_set.studio.session import Session
from photoreal_set.studio.turntable import FRAMES, FRAMES_PER_SECOND, azimuth_of, encode, frame_side
from tests.blender.products import Glb, quaternion, textured_block

RIGS = {"reference": rig.REFERENCE, "photo": rig.PHOTO}
CLEAN = Quality(samples=24, noise=0.0, bounces=4, fast_denoiser=True)
# Linear value of a grey, and the share of white that Khronos PBR Neutral shows of it.
NEUTRAL = {0.18: 0.411, 0.5: 0.711, 0.8: 0.882}
FACING = Angle(name="facing", azimuth=0.0, elevation=rig.FACING_ELEVATION)


def card(grey: float, colour: tuple[float, float, float] | None = None) -> Glb:
    """A matt card that leans back so that it faces the camera."""
    glb = Glb()
    factor = [*(colour or (grey,) * 3), 1.0]
    material = glb.add_material("Card", baseColorFactor=factor, roughnessFactor=1.0)
    half = np.array(
        [[x, y, z] for y in (-0.5, 0.5) for x, z in ((-0.5, 0.01), (0.5, 0.01), (0.5, -0.01), (-0.5, -0.01))]
    )
    mesh = glb.add_block(material, half)
    lean = quaternion((1, 0, 0), -rig.FACING_ELEVATION)
    glb.add_scene(glb.add("nodes", {"mesh": mesh, "rotation": lean}))
    return glb


def shown(scene, glb: Glb, folder: Path, chosen: rig.Rig) -> np.ndarray:
    """Mean 8-bit colour of the middle of what is photographed, facing the camera."""
    session = Session(scene, glb.write(folder / "card.glb"), resolution=64, device="cpu")
    session.light(chosen)
    colour = session.shoot(session.framing(FACING), FACING, CLEAN).colour
    inside = colour[..., 3] == 255
    inside[:20] = inside[44:] = False
    return colour[inside][:, :3].astype(float).mean(axis=0)


@pytest.mark.parametrize("name", RIGS)
def test_the_light_map_is_finite_positive_and_exposed_for_a_surface_facing_the_camera(name: str):
    radiance = rig.light_map(RIGS[name])
    assert np.isfinite(radiance).all()
    assert radiance.min() > 0.0
    facing = rig.camera_axes(0.0, rig.FACING_ELEVATION)[:, 2]
    assert rig.irradiance(radiance, facing) == pytest.approx(np.pi, rel=1e-3)
    assert rig.irradiance(np.ones((256, 512)), facing) == pytest.approx(np.pi, rel=1e-3)


@pytest.mark.parametrize("name", RIGS)
def test_the_key_light_comes_from_the_cameras_left_and_above(name: str):
    radiance = rig.light_map(RIGS[name], 64, 32)
    left = rig.irradiance(radiance, np.array((-0.7, -0.5, 0.5)) / np.sqrt(0.99))
    right = rig.irradiance(radiance, np.array((0.7, -0.5, 0.5)) / np.sqrt(0.99))
    assert left > 1.1 * right


def test_the_world_is_neutral_to_the_last_bit(scene):
    studio = rig.Studio(scene, rig.REFERENCE)
    for chosen in (rig.REFERENCE, rig.PHOTO):
        studio.use(chosen)
        (image,) = [image for image in bpy.data.images if image.name.startswith("Photoreal")]
        pixels = np.empty(rig.MAP_WIDTH * rig.MAP_HEIGHT * 4, dtype=np.float32)
        image.pixels.foreach_get(pixels)
        pixels = pixels.reshape(-1, 4)
        assert (pixels[:, 0] == pixels[:, 1]).all()
        assert (pixels[:, 1] == pixels[:, 2]).all()
        assert np.allclose(pixels[:, 0].reshape(rig.MAP_HEIGHT, rig.MAP_WIDTH), rig.light_map(chosen))


@pytest.mark.parametrize("name", RIGS)
@pytest.mark.parametrize("grey", NEUTRAL)
def test_a_matt_surface_that_faces_the_camera_shows_its_own_colour(
    scene, tmp_path: Path, name: str, grey: float
):
    seen = shown(scene, card(grey), tmp_path, RIGS[name])
    assert np.ptp(seen) < 1.0, "grey stays grey"
    assert seen.mean() == pytest.approx(NEUTRAL[grey] * 255.0, abs=4.0)


def test_a_brand_colour_keeps_its_hue(scene, tmp_path: Path):
    red, green, blue = shown(scene, card(0.0, (0.8, 0.05, 0.05)), tmp_path, rig.REFERENCE)
    assert red == pytest.approx(226, abs=4)
    assert (green, blue) == pytest.approx((36, 36), abs=12), "a little lighter: the gloss of a matt surface"
    assert green == pytest.approx(blue, abs=2)


def data_blocks() -> dict[str, set[str]]:
    kinds = (
        "worlds",
        "images",
        "collections",
        "objects",
        "meshes",
        "materials",
        "lights",
        "cameras",
        "node_groups",
    )
    return {kind: {item.name for item in getattr(bpy.data, kind)} for kind in kinds}


def test_the_studio_goes_without_a_trace_and_gives_the_world_back(scene):
    scene.world = bpy.data.worlds.new("My World")
    bpy.ops.mesh.primitive_cube_add()
    before = data_blocks()
    studio = rig.Studio(scene, rig.REFERENCE)
    studio.use(rig.PHOTO)
    assert scene.world.name != "My World"
    assert data_blocks() != before
    studio.remove()
    assert scene.world.name == "My World"
    assert data_blocks() == before


def test_a_session_holds_product_camera_and_light_and_renders_what_it_frames(scene, block_file: Path):
    session = Session(scene, block_file, resolution=64, device="cpu")
    angle = ANGLES["side"]
    shot = session.shoot(session.framing(angle), angle, CLEAN)
    assert shot.colour.shape == (64, 64, 4)
    assert shot.colour.dtype == np.uint8
    assert shot.shadow.shape == (64, 64)
    assert 0.0 <= shot.shadow.min() <= shot.shadow.max() <= 1.0
    assert shot.shadow.max() > 0.3, "a contact shadow"
    assert session.product.faults == ()


def test_no_render_can_see_the_ground_only_its_shadow(scene, block_file: Path):
    session = Session(scene, block_file, resolution=64, device="cpu")
    angle = ANGLES["front"]
    shot = session.shoot(session.framing(angle, fill=0.3), angle, CLEAN)
    assert (shot.colour[0, :, 3] == 0).all()
    assert (shot.colour[-1, :, 3] == 0).all()


def test_the_processor_is_always_there_and_a_missing_device_is_said():
    assert use_device("cpu") == "CPU"
    assert use_device("auto") in {"CPU", "GPU"}
    if use_device("auto") == "CPU":
        for name in ("cuda", "optix", "hip", "metal", "oneapi"):
            with pytest.raises(InputError, match=name) as refused:
                use_device(name)
            assert "--device cpu" in str(refused.value)


def test_a_turn_is_whole_in_equal_steps():
    turns = [azimuth_of(frame) for frame in range(FRAMES + 1)]
    assert turns[0] == 0.0
    assert turns[-1] == 360.0
    assert np.diff(turns) == pytest.approx(3.0)
    assert (FRAMES, FRAMES_PER_SECOND) == (120, 24)


@pytest.mark.parametrize(("resolution", "side"), [(64, 64), (65, 64), (640, 640), (1024, 640), (8192, 640)])
def test_a_film_has_an_even_side_of_640_at_most(resolution: int, side: int):
    assert frame_side(resolution) == side


def test_a_film_keeps_the_colours_of_its_frames(scene, tmp_path: Path):
    import av
    from PIL import Image

    colours = [(255, 255, 255), (200, 40, 40), (127, 127, 127), (30, 60, 160)]
    paths = []
    for number, colour in enumerate(colours * 6):
        paths.append(tmp_path / f"{number:04}.png")
        Image.new("RGB", (64, 64), colour).save(paths[-1])
    scenes = len(bpy.data.scenes)
    encode(paths, tmp_path / "film.mp4", 64)
    assert len(bpy.data.scenes) == scenes
    with av.open(str(tmp_path / "film.mp4")) as film:
        frames = [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
    assert len(frames) == 24
    for frame, colour in zip(frames, colours * 6, strict=True):
        assert frame.reshape(-1, 3).mean(axis=0) == pytest.approx(colour, abs=8)


def test_a_film_that_cannot_be_written_leaves_nothing(scene, tmp_path: Path):
    from PIL import Image

    from photoreal_set.errors import PhotorealError

    Image.new("RGB", (64, 64)).save(tmp_path / "0000.png")
    (tmp_path / "film.mp4").mkdir()
    with pytest.raises((PhotorealError, OSError)):
        encode([tmp_path / "0000.png"], tmp_path / "film.mp4", 64)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0000.png", "film.mp4"]


def test_every_rig_lights_the_sample_without_burning_it_out(scene, tmp_path: Path):
    session = Session(scene, textured_block().write(tmp_path / "block.glb"), resolution=64, device="cpu")
    angle = ANGLES["three-quarter"]
    for chosen in (rig.REFERENCE, rig.PHOTO):
        session.light(chosen)
        colour = session.shoot(session.framing(angle), angle, CLEAN).colour
        product = colour[colour[..., 3] == 255][:, :3]
        assert (product.min(axis=1) >= 253).mean() < 0.02
        assert (product.max(axis=1) <= 8).mean() < 0.02
