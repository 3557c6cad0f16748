# SPDX-License-Identifier: GPL-3.0-or-later
"""Glass lets the background through, and half-transparent parts have an even coverage."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from PIL import Image

from photoreal_set.imaging.choices import Background
from photoreal_set.imaging.compose import compose, mask_of
from photoreal_set.optics import rigs
from photoreal_set.optics.angles import ANGLES
from photoreal_set.optics.sizes import square
from photoreal_set.studio.layers import MAX_LAYERS
from photoreal_set.studio.product import import_product
from photoreal_set.studio.quality import FINAL, REFERENCE, Quality
from photoreal_set.studio.render_settings import TRANSPARENT_BOUNCES
from photoreal_set.studio.session import Session
from photoreal_set.studio.stand_ins import is_half_transparent, lets_rays_pass, stand_ins, uncovered
from tests.blender.products import Glb, block
from tests.blender.shapes import Solid, add_solid, ball, give

GLASS: dict[str, Any] = {"KHR_materials_transmission": {"transmissionFactor": 1.0}}
FRONT = ANGLES["front"]
SIDE = 64
FEW = Quality(name="few", samples=8, bounces=4, glass_factor=2)
FEWEST = Quality(name="fewest", samples=4, bounces=4, glass_factor=1)
ORANGE = (0.9, 0.5, 0.1, 1.0)


def lathe(profile: list[tuple[float, float]], around: int = 32) -> Solid:
    """A closed shape turned around the vertical axis, from radii and heights."""
    outline = np.array(profile)
    turn = np.arange(around + 1) / around * 2.0 * np.pi
    radius, height = (outline[:, None, side].repeat(around + 1, 1) for side in (0, 1))
    places = np.stack((radius * np.sin(turn), height, radius * np.cos(turn)), -1)
    index = np.arange(radius.size).reshape(radius.shape)
    corners = np.stack((index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]), -1).reshape(-1, 4)
    triangles = np.concatenate((corners[:, (0, 1, 2)], corners[:, (0, 2, 3)]))
    places = places.reshape(-1, 3)
    sides = places[triangles]
    area = np.linalg.norm(np.cross(sides[:, 1] - sides[:, 0], sides[:, 2] - sides[:, 0]), axis=1)
    return Solid(places, None, None, triangles[area > 1e-9])


def box(low: tuple[float, float, float], high: tuple[float, float, float]) -> Solid:
    (x, y, z), (right, top, front) = low, high
    square_of = [(x, front), (right, front), (right, z), (x, z)]
    corners = np.array([(across, height, deep) for height in (y, top) for across, deep in square_of])
    places, normals, uvs, triangles = block(corners)
    return Solid(places, normals, uvs, triangles.reshape(-1, 3))


def card(low: float = 0.0, high: float = 1.0, deep: float = 0.0) -> Solid:
    """An upright card of height 1 that faces the front."""
    places = np.array([(low, 0.0, deep), (high, 0.0, deep), (high, 1.0, deep), (low, 1.0, deep)])
    uvs = np.array([(0.0, 1.0), (1.0, 1.0), (1.0, 0.0), (0.0, 0.0)])
    return Solid(places, np.tile((0.0, 0.0, 1.0), (4, 1)), uvs, np.array([(0, 1, 2), (0, 2, 3)]))


def made(*parts: tuple[Solid, dict[str, Any], dict[str, Any]]) -> Glb:
    """A file of solids, each with the members of its material and its surface."""
    glb = Glb()
    nodes = []
    for number, (solid, members, surface) in enumerate(parts):
        material = glb.add_material(f"Material {number}", surface.pop("texture", None), **surface)
        give(glb, material, members.pop("extensions", {}))
        glb.document["materials"][material].update(members)
        nodes.append(add_solid(glb, solid, material, name=f"Part {number}"))
    glb.add_scene(*nodes)
    return glb


def glass(**surface: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    return {"extensions": dict(GLASS), "doubleSided": True}, {"roughnessFactor": 0.0, **surface}


def blend(alpha: float) -> tuple[dict[str, Any], dict[str, Any]]:
    return {"alphaMode": "BLEND", "doubleSided": True}, {
        "baseColorFactor": [0.6, 0.8, 1.0, alpha],
        "roughnessFactor": 0.1,
    }


def solid_colour() -> tuple[dict[str, Any], dict[str, Any]]:
    return {}, {"baseColorFactor": list(ORANGE)}


class Studio:
    """A product in the studio, photographed from the front before several backgrounds."""

    def __init__(self, glb: Glb, folder: Path, side: int = SIDE) -> None:
        bpy.ops.wm.read_factory_settings(use_empty=True)
        path = glb.write(folder / "product.glb")
        self.session = Session(bpy.context.scene, path, resolution=square(side), device="cpu")
        self.mask = Image.new("L", (side, side))

    def photo(
        self, background: Background, quality: Quality = FEW, rig: rigs.Rig = rigs.SOFTBOX
    ) -> np.ndarray:
        session = self.session
        session.light(rig)
        session.stand_before(background)
        shot = session.shoot(session.framing(FRONT), FRONT, quality)
        self.mask = mask_of(shot.colour)
        return np.asarray(compose(shot.colour, shot.shadow, background, shot.through)).astype(float)


# --- glass --------------------------------------------------------------------------------------


def jar() -> Glb:
    """An open wall of thin glass around an orange block."""
    turn = np.linspace(0.0, 2.0 * np.pi, 49)
    rim = np.stack((np.sin(turn), np.zeros(49), np.cos(turn)), -1)
    places = np.concatenate((rim * 0.4, rim * 0.4 + (0.0, 1.0, 0.0)))
    index = np.arange(48)
    first = np.stack((index, index + 1, index + 50), -1)
    second = np.stack((index, index + 50, index + 49), -1)
    wall = Solid(places, np.tile(rim, (2, 1)), np.zeros((98, 2)), np.concatenate((first, second)))
    return made((wall, *glass()), (box((-0.15, 0.02, -0.15), (0.15, 0.5, 0.15)), *solid_colour()))


@pytest.fixture(scope="module")
def jar_photos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, np.ndarray]]:
    studio = Studio(jar(), tmp_path_factory.mktemp("jar"))
    photos = {"white": studio.photo(Background.WHITE)}
    for background in (Background.TRANSPARENT, Background.BLACK, Background.GREY):
        photos[background.value] = studio.photo(background)
    photos["dark-field"] = studio.photo(Background.TRANSPARENT, rig=rigs.DARK_FIELD)
    photos["white again"] = studio.photo(Background.WHITE)
    photos["mask"] = np.asarray(studio.mask).astype(float)
    yield photos


# Bounds for panes: from Blender 5.2 on, thin walls reflect at both of their sides, before at one.
WALL = (slice(18, 26), slice(16, 20))  # Above the block and beside the middle.
ORANGE_BLOCK = (slice(44, 52), slice(29, 35))


@pytest.mark.parametrize("name", ["transparent", "dark-field"])
def test_a_pane_is_transparent_in_a_picture_without_a_background(jar_photos, name: str):
    assert jar_photos[name][WALL][..., 3].mean() < 130
    assert jar_photos[name][ORANGE_BLOCK][..., 3].min() > 230


def test_a_pane_on_black_is_dark_but_for_its_reflections(jar_photos):
    assert jar_photos["white"][WALL].mean() > 200
    assert jar_photos["black"][WALL].mean() < 120


def test_a_pane_on_grey_is_about_grey(jar_photos):
    assert np.abs(jar_photos["grey"][WALL].mean() - 127.0) < 35.0


def test_what_is_behind_glass_is_as_bright_on_every_background(jar_photos):
    white = jar_photos["white"][ORANGE_BLOCK].mean(axis=(0, 1))
    for name in ("black", "grey", "transparent"):
        assert np.abs(jar_photos[name][ORANGE_BLOCK].mean(axis=(0, 1))[:3] - white).max() < 12.0


def test_on_white_nothing_depends_on_the_backgrounds_before(jar_photos):
    assert (jar_photos["white"] == jar_photos["white again"]).all()


def test_glass_belongs_to_the_mask(jar_photos):
    assert jar_photos["mask"][WALL].min() == 255


def test_tinted_and_frosted_panes_let_black_through_too(tmp_path: Path):
    panes = ({"baseColorFactor": [0.2, 0.8, 0.4, 1.0]}, {"roughnessFactor": 0.5})
    glb = made(*((card(0.6 * place, 0.6 * place + 0.5), *glass(**pane)) for place, pane in enumerate(panes)))
    studio = Studio(glb, tmp_path)
    white, black = studio.photo(Background.WHITE), studio.photo(Background.BLACK)
    clear = studio.photo(Background.TRANSPARENT)
    for middle in (18, 46):
        inside = (slice(26, 40), slice(middle - 4, middle + 4))
        assert black[inside].max(axis=-1).mean() < 0.6 * white[inside].max(axis=-1).mean()
        assert clear[inside][..., 3].mean() < 200
    tint = clear[26:40, 14:22, :3].mean(axis=(0, 1))
    assert tint[1] > tint[2] > tint[0]


BOTTLE = [(0, 0), (0.25, 0), (0.25, 0.8), (0.1, 1), (0.07, 1), (0.22, 0.78), (0.22, 0.04), (0, 0.04)]


def test_a_thick_bottle_lets_black_through_and_keeps_its_bright_rims(tmp_path: Path):
    volume = {"thicknessFactor": 0.03, "attenuationColor": [0.9, 0.5, 0.1], "attenuationDistance": 0.2}
    members, surface = glass()
    members["extensions"]["KHR_materials_volume"] = volume
    studio = Studio(made((lathe(BOTTLE, around=16), members, surface)), tmp_path, side=40)
    white, black = (studio.photo(ground, FEWEST) for ground in (Background.WHITE, Background.BLACK))
    middle = (slice(19, 27), slice(17, 23))
    assert black[middle].mean() < 0.5 * white[middle].mean()
    assert np.asarray(studio.mask)[middle].min() == 255
    assert black[19:27].max() > 100


# --- coverage -----------------------------------------------------------------------------------


def acrylic() -> Glb:
    wall = (box((-0.6, 0.0, -0.4), (0.6, 0.9, 0.4)), *blend(0.25))
    return made(
        (box((-0.25, 0.0, -0.25), (0.25, 0.5, 0.25)), {}, {"baseColorFactor": [0.8, 0.1, 0.1, 1.0]}), wall
    )


@pytest.mark.parametrize(("quality", "most"), [(REFERENCE, 3.0), (FINAL, 1.5)])
def test_a_flat_half_transparent_wall_is_even(tmp_path: Path, quality: Quality, most: float):
    studio = Studio(acrylic(), tmp_path)
    photo = studio.photo(Background.WHITE, quality, rigs.REFERENCE if quality is REFERENCE else rigs.SOFTBOX)
    wall = (slice(17, 28), slice(9, 18))
    assert photo[wall].std(axis=(0, 1)).max() < most
    mask = np.asarray(studio.mask).astype(float)
    assert mask[wall].std() < 0.5
    assert mask[wall].mean() == pytest.approx(255.0 * (1.0 - 0.75**2), abs=1.0)


def test_a_thick_half_transparent_bottle_is_even(tmp_path: Path):
    studio = Studio(made((lathe(BOTTLE), *blend(0.3))), tmp_path)
    studio.photo(Background.TRANSPARENT)
    mask = np.asarray(studio.mask).astype(float)[30:44, 28:36]
    assert mask.mean() == pytest.approx(255.0 * (1.0 - 0.7**4), abs=1.5)
    assert mask.std() < 1.5


def test_a_half_transparent_ball_is_even(tmp_path: Path):
    studio = Studio(made((ball(), *blend(0.4))), tmp_path)
    studio.photo(Background.TRANSPARENT)
    mask = np.asarray(studio.mask).astype(float)[20:44, 20:44]
    assert mask.mean() == pytest.approx(255.0 * (1.0 - 0.6**2), abs=1.0)
    assert mask.std() < 0.5


def test_a_painted_alpha_is_covered_as_it_is_painted(tmp_path: Path):
    ramp = np.zeros((8, 256, 4), dtype=np.uint8)
    ramp[..., 1], ramp[..., 3] = 160, np.arange(256)
    data = io.BytesIO()
    Image.fromarray(ramp).save(data, "PNG")
    glb = made((card(), {"alphaMode": "BLEND"}, {}))
    glb.document["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"] = {
        "index": glb.add_image(data.getvalue())
    }
    studio = Studio(glb, tmp_path)
    studio.photo(Background.WHITE)
    inside = np.asarray(studio.mask).astype(float)[
        28:36, 10:54
    ]  # Without the borders, which perspective slants.
    assert inside.std(axis=0).max() < 1.5
    steps = np.diff(inside.mean(axis=0))
    assert steps.min() > 0.0
    assert steps == pytest.approx(np.full(len(steps), steps.mean()), abs=1.5)


# --- layers -------------------------------------------------------------------------------------


def stack(count: int, alpha: float) -> Glb:
    """A stack of cards with an orange block behind it."""
    glb = Glb()
    material = glb.add_material("Foil", baseColorFactor=[0.2, 0.5, 0.9, alpha])
    glb.document["materials"][material].update(alphaMode="BLEND", doubleSided=True)
    orange = glb.add_material("Orange", baseColorFactor=list(ORANGE))
    leaf = add_solid(glb, card(), material)
    mesh = glb.document["nodes"][leaf]["mesh"]
    more = [
        glb.add("nodes", {"mesh": mesh, "translation": [0, 0, -0.002 * place]}) for place in range(1, count)
    ]
    behind = add_solid(glb, box((0.3, 0.3, -0.2 - 0.002 * count), (0.7, 0.7, -0.1 - 0.002 * count)), orange)
    glb.add_scene(leaf, *more, behind)
    return glb


@pytest.mark.parametrize(("count", "least"), [(3, TRANSPARENT_BOUNCES), (40, 40), (100, 100)])
def test_the_limit_follows_the_layers_of_the_model(tmp_path: Path, count: int, least: int):
    studio = Studio(stack(count, 0.05), tmp_path)
    assert studio.session.product.layers.transparent == count
    assert least <= bpy.context.scene.cycles.transparent_max_bounces <= MAX_LAYERS
    assert not [item for item in studio.session.product.triage if item.kind == "too_many_layers"]


def test_light_passes_through_as_many_layers_as_the_model_has(tmp_path: Path):
    studio = Studio(stack(60, 0.02), tmp_path, side=48)
    photo = studio.photo(Background.WHITE, FEWEST)
    mask = np.asarray(studio.mask).astype(float)[11:14, 14:34]
    assert mask.mean() == pytest.approx(255.0 * (1.0 - 0.98**60), abs=2.0)
    assert mask.std() < 1.5
    beside, before_orange = photo[11:14, 14:34].mean(axis=(0, 1)), photo[22:26, 22:26].mean(axis=(0, 1))
    assert beside[2] > before_orange[2] + 20.0, "the orange block is seen through all of them"


def test_more_layers_than_can_be_followed_are_a_finding(tmp_path: Path):
    bpy.ops.wm.read_factory_settings(use_empty=True)
    path = stack(MAX_LAYERS + 6, 0.05).write(tmp_path / "stack.glb")
    found = import_product(path, bpy.context.scene)
    (finding,) = [item for item in found.triage if item.kind == "too_many_layers"]
    assert finding.count == MAX_LAYERS + 6


def test_a_solid_product_keeps_the_limits_and_its_alpha(tmp_path: Path):
    studio = Studio(made((ball(), *solid_colour())), tmp_path)
    assert studio.session.product.layers.transparent == studio.session.product.layers.glass == 0
    assert bpy.context.scene.cycles.transparent_max_bounces == TRANSPARENT_BOUNCES
    assert not any(is_half_transparent(item) or lets_rays_pass(item) for item in bpy.data.materials)


def material_without_culling() -> bpy.types.Material:
    """The first material as the file has it; a copy of it may be one-sided."""
    return next(item for item in bpy.data.materials if item.name == "Material 0")


@pytest.mark.parametrize("mode", ["BLEND", "MASK", "OPAQUE"])
def test_only_blended_materials_are_half_transparent(tmp_path: Path, mode: str):
    bpy.ops.wm.read_factory_settings(use_empty=True)
    data = io.BytesIO()
    Image.new("RGBA", (4, 4), (200, 100, 50, 200)).save(data, "PNG")
    glb = made((card(), {"alphaMode": mode}, {}))
    glb.document["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"] = {
        "index": glb.add_image(data.getvalue())
    }
    import_product(glb.write(tmp_path / "card.glb"), bpy.context.scene)
    material = material_without_culling()
    assert is_half_transparent(material) == (mode == "BLEND")
    assert lets_rays_pass(material) == (mode != "OPAQUE")


@pytest.mark.parametrize("share", [0.6, 1.0])
def test_a_pane_of_thin_glass_covers_completely(tmp_path: Path, share: float):
    bpy.ops.wm.read_factory_settings(use_empty=True)
    members, surface = glass()
    members["extensions"]["KHR_materials_transmission"] = {"transmissionFactor": share}
    import_product(made((card(), members, surface)).write(tmp_path / "pane.glb"), bpy.context.scene)
    material = material_without_culling()
    assert not is_half_transparent(material)


@pytest.mark.parametrize(("alpha", "is_half"), [(255, False), (254, True)])
def test_a_blended_picture_without_any_transparency_is_not_half_transparent(
    tmp_path: Path, alpha: int, is_half: bool
):
    bpy.ops.wm.read_factory_settings(use_empty=True)
    data = io.BytesIO()
    Image.new("RGBA", (4, 4), (200, 100, 50, alpha)).save(data, "PNG")
    glb = made((card(), {"alphaMode": "BLEND"}, {}))
    glb.document["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"] = {
        "index": glb.add_image(data.getvalue())
    }
    import_product(glb.write(tmp_path / "card.glb"), bpy.context.scene)
    material = material_without_culling()
    assert is_half_transparent(material) == lets_rays_pass(material) == is_half


def test_materials_are_restored_after_a_stand_in(tmp_path: Path):
    bpy.ops.wm.read_factory_settings(use_empty=True)
    glb = made((card(), *glass()), (card(2.0, 3.0), *blend(0.5)), (card(4.0, 5.0), {}, {}))
    import_product(glb.write(tmp_path / "cards.glb"), bpy.context.scene)
    materials = [item for item in bpy.data.materials if item.name.startswith("Material")]

    def links() -> list[tuple[str, str, str, str]]:
        return [
            (link.from_node.name, link.from_socket.name, link.to_node.name, link.to_socket.name)
            for material in materials
            for link in material.node_tree.links
        ]

    before, nodes = links(), [len(material.node_tree.nodes) for material in materials]
    with stand_ins(materials, uncovered):
        assert links() != before
    assert sorted(links()) == sorted(before)
    assert [len(material.node_tree.nodes) for material in materials] == nodes
