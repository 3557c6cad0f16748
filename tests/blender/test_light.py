# SPDX-License-Identifier: GPL-3.0-or-later
"""Every rig is neutral and exposed so that a colour looks like itself; light maps and rotation work as documented."""

import math
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest

from photoreal_set.files.writing import sha256_of
from photoreal_set.messages.errors import InputError
from photoreal_set.optics import light_map, rigs
from photoreal_set.optics.angles import ANGLES, Angle
from photoreal_set.optics.light_map import FACING_ELEVATION, Rig, irradiance, light_of
from photoreal_set.optics.rig_choice import RIG_NAMES, Panorama, chosen_rig
from photoreal_set.optics.sizes import square
from photoreal_set.studio.quality import Quality
from photoreal_set.studio.rig import Studio
from photoreal_set.studio.session import Session
from tests.blender.products import Glb, ball, quaternion, textured_block
from tests.blender.shapes import give

ALL = {"reference": rigs.REFERENCE, **rigs.RIGS}
CLEAN = Quality(name="clean", samples=24, bounces=4)
# Linear value of a grey, and the share of white that Khronos PBR Neutral shows of it.
NEUTRAL = {0.18: 0.411, 0.5: 0.711, 0.8: 0.882}
FACING = Angle(name="facing", azimuth=0.0, elevation=FACING_ELEVATION)
FACING_NORMAL = light_map.camera_axes(0.0, FACING_ELEVATION)[:, 2]


def card(grey: float, colour: tuple[float, float, float] | None = None) -> Glb:
    """A matt card that leans back so that it faces the camera."""
    glb = Glb()
    factor = [*(colour or (grey,) * 3), 1.0]
    material = glb.add_material("Card", baseColorFactor=factor, roughnessFactor=1.0)
    half = np.array(
        [[x, y, z] for y in (-0.5, 0.5) for x, z in ((-0.5, 0.01), (0.5, 0.01), (0.5, -0.01), (-0.5, -0.01))]
    )
    mesh = glb.add_block(material, half)
    lean = quaternion((1, 0, 0), -FACING_ELEVATION)
    glb.add_scene(glb.add("nodes", {"mesh": mesh, "rotation": lean}))
    return glb


def shown(scene, glb: Glb, folder: Path, chosen: Rig, angle: Angle = FACING) -> np.ndarray:
    """8-bit colours (64, 64, 4) of the photographed scene."""
    session = Session(scene, glb.write(folder / "thing.glb"), resolution=square(64), device="cpu")
    session.light(chosen)
    return session.shoot(session.framing(angle), angle, CLEAN).colour


def middle(colour: np.ndarray) -> np.ndarray:
    inside = colour[..., 3] == 255
    inside[:20] = inside[44:] = False
    return colour[inside][:, :3].astype(float).mean(axis=0)


def cube(side: float) -> np.ndarray:
    half = side / 2.0
    ring = [(-half, half), (half, half), (half, -half), (-half, -half)]
    return np.array([[x, y, z] for y in (-half, half) for x, z in ring])


def paperweight(*, has_glass: bool) -> Glb:
    """A matt cube, with a block of clear glass around it or alone in the same frame."""
    glb = Glb()
    core = glb.add_material("Core", baseColorFactor=[0.1, 0.2, 0.6, 1.0], roughnessFactor=1.0)
    roots = [glb.add("nodes", {"mesh": glb.add_block(core, cube(0.4))})]
    if has_glass:
        clear = glb.add_material("Clear", roughnessFactor=0.0, metallicFactor=0.0)
        give(glb, clear, {"KHR_materials_transmission": {"transmissionFactor": 1.0}})
        roots.append(glb.add("nodes", {"mesh": glb.add_block(clear, cube(0.6))}))
    glb.add_scene(*roots)
    return glb


def panorama_file(folder: Path, radiance: np.ndarray, name: str = "room.exr") -> Panorama:
    """A light map (h, w, 3), row 0 at the bottom, as a file."""
    height, width = radiance.shape[:2]
    image = bpy.data.images.new("room", width, height, float_buffer=True)
    pixels = np.ones((height, width, 4), dtype=np.float32)
    pixels[..., :3] = radiance
    image.pixels.foreach_set(pixels.ravel())
    image.file_format = "OPEN_EXR"
    image.filepath_raw = str(folder / name)
    image.save()
    bpy.data.images.remove(image)
    return Panorama(path=str(folder / name), sha256=sha256_of(folder / name))


def test_the_named_rigs_match_the_command_line():
    assert tuple(rigs.RIGS) == RIG_NAMES
    assert {name: rig.name for name, rig in rigs.RIGS.items()} == {name: name for name in RIG_NAMES}


@pytest.mark.parametrize("name", ALL)
def test_every_light_is_finite_and_exposed_for_a_surface_facing_the_camera(name: str):
    rig = ALL[name]
    light = light_of(rig)
    assert np.isfinite(light.radiance).all()
    assert light.radiance.min() >= 0.0
    near = sum(area.share_of(light_map.PRODUCT_MIDDLE, FACING_NORMAL) * value for area, value in light.areas)
    assert irradiance(light.radiance, FACING_NORMAL) + near == pytest.approx(math.pi * rig.facing, rel=1e-3)


def test_the_irradiance_of_an_even_room_is_pi():
    assert irradiance(np.ones((256, 512)), FACING_NORMAL) == pytest.approx(math.pi, rel=1e-3)


def test_a_small_near_light_follows_the_inverse_square_law():
    area = replace(rigs.THREE_POINT.areas[0], width=0.01, height=0.01, distance=2.0)
    share = area.share_of(light_map.PRODUCT_MIDDLE, area.axes[:, 2])
    assert share == pytest.approx(0.01 * 0.01 / 2.0**2, rel=1e-4), "solid angle: area over distance squared"


@pytest.mark.parametrize("name", ["reference", "softbox", "three-point", "jewellery"])
def test_the_key_light_comes_from_the_cameras_left_and_above(name: str):
    light = light_of(ALL[name])

    def falls_on(x: float) -> float:
        normal = np.array((x, -0.5, 0.5)) / math.sqrt(0.99)
        near = [area.share_of(light_map.PRODUCT_MIDDLE, normal) * value for area, value in light.areas]
        return float(irradiance(light.radiance, normal) + sum(near))

    assert falls_on(-0.7) > 1.1 * falls_on(0.7)


@pytest.mark.parametrize("degrees", [30.0, 90.0, 181.3])
def test_a_turned_rig_lights_a_turned_surface_the_same(degrees: float):
    for rig in (rigs.SOFTBOX, rigs.THREE_POINT):
        turned = light_of(rig.turned(rotation=degrees, intensity=1.0))
        still = light_of(rig)
        for light, turn in ((turned, degrees), (still, 0.0)):
            normal = light_map.camera_axes(turn - 40.0, 20.0)[:, 2]
            near = [area.share_of(light_map.PRODUCT_MIDDLE, normal) * value for area, value in light.areas]
            key = float(irradiance(light.radiance, normal) + sum(near))
            # The exposure follows what faces the camera: only the ratio of the two sides is preserved.
            away = light_map.camera_axes(turn + 120.0, 20.0)[:, 2]
            far = [area.share_of(light_map.PRODUCT_MIDDLE, away) * value for area, value in light.areas]
            ratio = key / float(irradiance(light.radiance, away) + sum(far))
            if turn:
                turned_ratio = ratio
        assert turned_ratio == pytest.approx(ratio, rel=0.01)


def test_the_world_is_exactly_neutral(scene):
    studio = Studio(scene, rigs.REFERENCE)
    for chosen in ALL.values():
        studio.use(chosen)
        (image,) = [image for image in bpy.data.images if image.name.startswith("Photoreal")]
        pixels = np.empty(light_map.MAP_WIDTH * light_map.MAP_HEIGHT * 4, dtype=np.float32)
        image.pixels.foreach_get(pixels)
        pixels = pixels.reshape(light_map.MAP_HEIGHT, light_map.MAP_WIDTH, 4)
        assert (pixels[..., 0] == pixels[..., 1]).all()
        assert (pixels[..., 1] == pixels[..., 2]).all()
        assert np.allclose(pixels[..., 0], light_of(chosen).radiance)
        lamps = [item for item in studio.collection.objects if item.type == "LIGHT"]
        assert len(lamps) == len(chosen.areas)
        assert all(tuple(lamp.data.color) == (1.0, 1.0, 1.0) for lamp in lamps)
        assert not any(lamp.visible_camera for lamp in lamps)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("grey", [0.18, 0.8])
def test_a_matt_surface_that_faces_the_camera_shows_its_own_colour(
    scene, tmp_path: Path, name: str, grey: float
):
    rig = ALL[name].turned(rotation=0.0, intensity=1.0 / ALL[name].facing)
    seen = middle(shown(scene, card(grey), tmp_path, rig))
    assert np.ptp(seen) < 1.0, "grey stays grey"
    assert seen.mean() == pytest.approx(NEUTRAL[grey] * 255.0, abs=8.0 if name == "dark-field" else 5.0)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
    "surface", [{"metallicFactor": 1.0, "roughnessFactor": 0.0}, {"roughnessFactor": 1.0}]
)
def test_a_grey_and_a_chrome_ball_have_no_tint(scene, tmp_path: Path, name: str, surface: dict[str, float]):
    colour = shown(scene, ball(baseColorFactor=[0.5, 0.5, 0.5, 1.0], **surface), tmp_path, ALL[name])
    product = colour[colour[..., 3] == 255][:, :3].astype(int)
    assert len(product) > 500
    assert np.ptp(product.mean(axis=0)) < 0.5
    assert np.quantile(np.ptp(product, axis=1), 0.9) <= 6, "the remaining denoiser error"


def test_a_brand_colour_keeps_its_hue(scene, tmp_path: Path):
    red, green, blue = middle(shown(scene, card(0.0, (0.8, 0.05, 0.05)), tmp_path, rigs.REFERENCE))
    assert red == pytest.approx(226, abs=4)
    assert (green, blue) == pytest.approx((36, 36), abs=12), "a little lighter: the gloss of a matt surface"
    assert green == pytest.approx(blue, abs=2)


def test_intensity_is_a_factor_on_the_light(scene, tmp_path: Path):
    dim = middle(shown(scene, card(0.36), tmp_path, rigs.SOFTBOX.turned(rotation=0.0, intensity=0.5)))
    assert dim.mean() == pytest.approx(NEUTRAL[0.18] * 255.0, abs=6.0), "half the light on twice the grey"


def test_every_rig_lights_the_sample_without_burning_it_out(scene, tmp_path: Path):
    session = Session(
        scene, textured_block().write(tmp_path / "block.glb"), resolution=square(64), device="cpu"
    )
    angle = ANGLES["three-quarter"]
    for chosen in ALL.values():
        session.light(chosen)
        colour = session.shoot(session.framing(angle), angle, CLEAN).colour
        product = colour[colour[..., 3] == 255][:, :3]
        assert (product.min(axis=1) >= 253).mean() < 0.02
        assert (product.max(axis=1) <= 8).mean() < (0.1 if chosen is rigs.DARK_FIELD else 0.02)


def test_every_rig_casts_a_shadow_that_fades_at_the_border(scene, tmp_path: Path):
    session = Session(
        scene, textured_block().write(tmp_path / "block.glb"), resolution=square(64), device="cpu"
    )
    for chosen in ALL.values():
        session.light(chosen)
        shadow = session.shoot(session.framing(ANGLES["front"]), ANGLES["front"], CLEAN).ground
        assert shadow.max() > 0.3, chosen.name
        border = np.concatenate((shadow[0], shadow[-1], shadow[:, 0], shadow[:, -1]))
        assert border.max() < 0.2, chosen.name


def test_a_panorama_lights_neutrally_whatever_its_tint(scene, tmp_path: Path):
    room = np.full((64, 128, 3), (0.9, 0.6, 0.3))
    room[40:50, 30:60] *= 20.0
    panorama = panorama_file(tmp_path, room)
    seen = middle(shown(scene, card(0.5), tmp_path, rigs.rig_of(chosen_rig(panorama.path))))
    assert np.ptp(seen) < 2.0
    assert seen.mean() == pytest.approx(NEUTRAL[0.5] * 255.0, abs=6.0)


def test_a_panorama_keeps_its_energy_and_its_directions():
    fine = np.zeros((1024, 2048, 3))
    fine[700:712, 500:520] = 64.0
    light = light_of(Rig(name="lamp", panorama=Panorama(path="lamp.exr", sha256="0")), fine)
    rows, columns = np.nonzero(light.radiance[light_map.MAP_HEIGHT // 2 :, :, 0] > 0.0)
    assert columns.min() / light_map.MAP_WIDTH == pytest.approx(500 / 2048)
    assert (rows.min() + light_map.MAP_HEIGHT // 2) / light_map.MAP_HEIGHT == pytest.approx(700 / 1024)


def test_invalid_light_maps_are_rejected_in_one_sentence(scene, tmp_path: Path):
    (tmp_path / "broken.exr").write_bytes(b"no picture")
    cases = {
        "broken.exr": Panorama(path=str(tmp_path / "broken.exr"), sha256="0"),
        "square.exr": panorama_file(tmp_path, np.ones((32, 32, 3)), "square.exr"),
        "dark.exr": panorama_file(tmp_path, np.zeros((32, 64, 3)), "dark.exr"),
    }
    studio = Studio(scene, rigs.SOFTBOX)
    before = studio.light
    for name, panorama in cases.items():
        with pytest.raises(InputError, match=name):
            studio.use(Rig(name="room", panorama=panorama))
        assert studio.light is before, "the earlier light stays"
    assert not [image for image in bpy.data.images if image.name.endswith(".exr")]


@pytest.mark.parametrize(
    ("text", "intensity", "message"),
    [("soft", 1.0, "no rig called"), ("none.hdr", 1.0, "cannot be read"), ("softbox", 0.0, "intensity")],
)
def test_an_invalid_rig_is_rejected_in_one_sentence(text: str, intensity: float, message: str):
    with pytest.raises(InputError, match=message):
        chosen_rig(text, intensity=intensity)


def test_the_digest_of_a_rig_depends_on_its_light_not_its_location():
    first, second = (
        Rig(name="room", panorama=Panorama(path=path, sha256="5")) for path in ("a.exr", "b/a.exr")
    )
    assert first.digest == second.digest
    assert len({rig.digest for rig in ALL.values()}) == len(ALL)
    assert rigs.SOFTBOX.digest != rigs.SOFTBOX.turned(rotation=1.0, intensity=1.0).digest


def test_objects_inside_glass_are_lit_through_it(scene, tmp_path: Path):
    """A dial below its crystal, a filling in its bottle: dark where refracted light is not traced."""
    bare = middle(shown(scene, paperweight(has_glass=False), tmp_path, rigs.REFERENCE))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    inside = shown(bpy.context.scene, paperweight(has_glass=True), tmp_path, rigs.REFERENCE)[28:36, 28:36, :3]
    blue = inside.reshape(-1, 3).astype(float).mean(axis=0)
    assert blue[2] > 0.7 * bare[2]
    assert blue[2] > 1.4 * blue[0]
