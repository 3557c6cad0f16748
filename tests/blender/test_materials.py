# SPDX-License-Identifier: GPL-3.0-or-later
"""The studio's Principled BSDF follows the glTF material, whichever way the product is imported."""

import json
import math
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from mathutils import Matrix

from photoreal_set.gltf.document import read_gltf
from photoreal_set.gltf.packing import save_glb
from photoreal_set.messages.errors import InputError
from photoreal_set.studio import compat
from photoreal_set.studio.blend_file import convert_to_glb
from photoreal_set.studio.materials import principled_of
from photoreal_set.studio.product import Product, import_product
from tests.blender.products import Glb, texture
from tests.blender.shapes import Solid, add_solid, ball, give, product, sheet

GLASS = {"KHR_materials_transmission": {"transmissionFactor": 1.0}}
COLOUR, DISTANCE = (0.2, 0.6, 0.9), 0.05


def taken(glb: Glb, folder: Path) -> Product:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return import_product(glb.write(folder / "product.glb"), bpy.context.scene)


def surface(glb: Glb, folder: Path) -> bpy.types.Node:
    taken(glb, folder)
    return surface_of("Enamel")


def surface_of(name: str) -> bpy.types.Node:
    node = principled_of(bpy.data.materials[name])
    assert node is not None
    return node


def value(node: bpy.types.Node, name: str) -> Any:
    given = node.inputs[name].default_value
    return list(given)[:3] if hasattr(given, "__len__") else given


def feeding(node: bpy.types.Node, name: str) -> set[str]:
    """The types of all nodes behind an input."""
    found, waiting = set(), [link.from_node for link in node.inputs[name].links]
    while waiting:
        current = waiting.pop()
        found.add(current.type)
        waiting += [link.from_node for socket in current.inputs for link in socket.links]
    return found


def absorption() -> list[float]:
    """Absorption a metre of the file, from the node in the studio."""
    nodes = bpy.data.materials["Enamel"].node_tree.nodes
    node = next(node for node in nodes if node.type == "VOLUME_ABSORPTION")
    assert node.outputs[0].is_linked
    density, colour = node.inputs["Density"].default_value, node.inputs["Color"].default_value
    return [density * (1.0 - part) for part in colour[:3]]


# Extension, and the shader inputs that it sets.
PLAIN: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "KHR_materials_clearcoat": (
        {"clearcoatFactor": 0.8, "clearcoatRoughnessFactor": 0.3},
        {"Coat Weight": 0.8, "Coat Roughness": 0.3},
    ),
    "KHR_materials_sheen": (
        {"sheenColorFactor": [0.9, 0.5, 0.1], "sheenRoughnessFactor": 0.4},
        {"Sheen Weight": 1.0, "Sheen Tint": [0.9, 0.5, 0.1], "Sheen Roughness": 0.4},
    ),
    "KHR_materials_transmission": ({"transmissionFactor": 0.7}, {"Transmission Weight": 0.7}),
    "KHR_materials_specular": (
        {"specularFactor": 0.6, "specularColorFactor": [1.0, 0.5, 0.2]},
        {"Specular IOR Level": 0.3, "Specular Tint": [1.0, 0.5, 0.2]},
    ),
    "KHR_materials_ior": ({"ior": 1.8}, {"IOR": 1.8}),
    "KHR_materials_anisotropy": (
        {"anisotropyStrength": 0.5, "anisotropyRotation": math.pi / 2.0},
        {"Anisotropic": 0.5, "Anisotropic Rotation": 0.25},
    ),
    "KHR_materials_iridescence": (
        {"iridescenceFactor": 1.0, "iridescenceIor": 1.6, "iridescenceThicknessMaximum": 550.0},
        {"Thin Film Thickness": 550.0, "Thin Film IOR": 1.6},
    ),
}


@pytest.mark.parametrize("name", PLAIN)
def test_an_extension_sets_its_shader_inputs(tmp_path: Path, name: str):
    extension, wanted = PLAIN[name]
    node = surface(product(ball(), {name: extension}), tmp_path)
    for item, number in wanted.items():
        assert value(node, item) == pytest.approx(number, abs=1e-4), item


@pytest.mark.parametrize("name", PLAIN)
def test_a_file_may_require_the_extension(tmp_path: Path, name: str):
    extension, wanted = PLAIN[name]
    glb = product(ball(), {name: extension})
    glb.document["extensionsRequired"] = [name]
    node = surface(glb, tmp_path)
    for item, number in wanted.items():
        assert value(node, item) == pytest.approx(number, abs=1e-4), item


def test_emission_has_the_strength_of_the_file(tmp_path: Path):
    glb = product(ball(), {"KHR_materials_emissive_strength": {"emissiveStrength": 4.0}})
    glb.document["materials"][0]["emissiveFactor"] = [1.0, 0.5, 0.0]
    node = surface(glb, tmp_path)
    assert value(node, "Emission Strength") == pytest.approx(4.0)
    assert value(node, "Emission Color") == pytest.approx([1.0, 0.5, 0.0])


def test_a_coat_without_roughness_is_smooth(tmp_path: Path):
    node = surface(product(ball(), {"KHR_materials_clearcoat": {"clearcoatFactor": 1.0}}), tmp_path)
    assert value(node, "Coat Roughness") == 0.0


def test_index_zero_reflects_everything(tmp_path: Path):
    node = surface(product(ball(), {"KHR_materials_ior": {"ior": 0}}), tmp_path)
    ior = value(node, "IOR")
    assert ((ior - 1.0) / (ior + 1.0)) ** 2 > 0.99


def test_anisotropy_follows_its_texture(tmp_path: Path):
    extension = {"KHR_materials_anisotropy": {"anisotropyStrength": 0.5}}
    assert feeding(surface(product(ball(), extension), tmp_path), "Tangent") == {"TANGENT"}
    assert feeding(surface(product(ball()), tmp_path), "Tangent") == set()


def test_a_texture_transform_is_applied(tmp_path: Path):
    glb = Glb()
    material = glb.add_material("Enamel", glb.add_image(texture()))
    transform = {"offset": [0.25, 0.5], "scale": [2.0, 3.0], "rotation": 0.5}
    info = glb.document["materials"][material]["pbrMetallicRoughness"]["baseColorTexture"]
    info["extensions"] = {"KHR_texture_transform": transform}
    glb.document["extensionsUsed"] = ["KHR_texture_transform"]
    glb.add_scene(add_solid(glb, ball(), material))
    assert "MAPPING" in feeding(surface(glb, tmp_path), "Base Color")


# --- volume and glass ---------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0.05, 1.0, 40.0])
def test_coloured_glass_absorbs_by_beers_law_at_every_size(tmp_path: Path, size: float):
    """In the studio the product is scaled to one metre; the colour at the attenuation distance of the file must not change."""
    volume = {"thicknessFactor": size, "attenuationColor": COLOUR, "attenuationDistance": DISTANCE * size}
    taken(product(ball().scaled(size), {**GLASS, "KHR_materials_volume": volume}), tmp_path)
    wanted = [-math.log(part) / DISTANCE for part in COLOUR]  # A metre in the studio is `size` in the file.
    assert absorption() == pytest.approx(wanted, rel=1e-3)


def test_clear_glass_absorbs_nothing(tmp_path: Path):
    taken(product(ball(), {**GLASS, "KHR_materials_volume": {"thicknessFactor": 0.1}}), tmp_path)
    assert absorption() == [0.0, 0.0, 0.0]


def test_glass_with_holes_is_tinted_instead(tmp_path: Path):
    """Absorption needs a closed volume: a ray that left through a hole would still be absorbed."""
    volume = {"thicknessFactor": DISTANCE, "attenuationColor": COLOUR, "attenuationDistance": DISTANCE}
    found = taken(product(sheet(), {**GLASS, "KHR_materials_volume": volume}), tmp_path)
    nodes = bpy.data.materials["Enamel"].node_tree.nodes
    assert not [node for node in nodes if node.type == "VOLUME_ABSORPTION"]
    assert value(surface_of("Enamel"), "Base Color") == pytest.approx(COLOUR, rel=1e-4)
    assert "open_volume" in {item.kind for item in found.triage}


def is_thin(node: bpy.types.Node) -> bool:
    if "Thin Wall" in node.inputs:
        return bool(node.inputs["Thin Wall"].default_value)
    return value(node, "IOR") == 1.0 and value(node, "Coat IOR") == pytest.approx(1.5)


def test_a_pane_without_thickness_transmits_light_without_refraction(tmp_path: Path):
    found = taken(product(sheet(), GLASS), tmp_path)
    node = surface_of("Enamel")
    assert is_thin(node)
    assert value(node, "Transmission Weight") == 1.0
    behind = {link.to_node.type for link in node.outputs[0].links}
    assert behind == {"MIX_SHADER"}
    assert not [item for item in found.triage if item.kind == "solid_glass"]


def test_closed_glass_refracts_light(tmp_path: Path):
    found = taken(product(ball(), GLASS), tmp_path)
    node = surface_of("Enamel")
    assert not is_thin(node)
    assert value(node, "IOR") == pytest.approx(1.5)
    assert {item.kind for item in found.triage} == {"solid_glass"}


# --- iridescence --------------------------------------------------------------------------------


def test_a_partial_iridescence_factor_is_a_mix(tmp_path: Path):
    film = {"iridescenceFactor": 0.4, "iridescenceThicknessMaximum": 300.0}
    taken(
        product(ball(), {"KHR_materials_iridescence": film}, baseColorFactor=[0.1, 0.2, 0.3, 1.0]), tmp_path
    )
    nodes = bpy.data.materials["Enamel"].node_tree.nodes
    films = sorted(value(node, "Thin Film Thickness") for node in nodes if node.type == "BSDF_PRINCIPLED")
    assert films == pytest.approx([0.0, 300.0])
    colours = [value(node, "Base Color") for node in nodes if node.type == "BSDF_PRINCIPLED"]
    assert colours[0] == pytest.approx(colours[1])
    mix = next(node for node in nodes if node.type == "MIX_SHADER")
    share = mix.inputs[0].links[0].from_node
    assert [item.default_value for item in share.inputs[:2]] == pytest.approx([1.0, 0.4])


@pytest.mark.parametrize("metallic", [0.0, 1.0])
def test_iridescent_metal_is_reported_where_blender_does_not_render_it(tmp_path: Path, metallic: float):
    film = {"KHR_materials_iridescence": {"iridescenceFactor": 1.0}}
    found = taken(product(ball(), film, metallicFactor=metallic), tmp_path)
    is_lost = metallic > 0.0 and not compat.renders_thin_film_on_metal()
    assert [item.kind for item in found.triage] == ["extension_not_shown"] * is_lost


def test_iridescence_with_factor_zero_changes_nothing(tmp_path: Path):
    film = {"iridescenceFactor": 0.0, "iridescenceThicknessMaximum": 300.0}
    both = {"KHR_materials_iridescence": film, "KHR_materials_volume": {"thicknessFactor": 0.1}}
    assert value(surface(product(ball(), both), tmp_path), "Thin Film Thickness") == 0.0


def test_thin_film_thickness_may_come_from_a_texture(tmp_path: Path):
    glb = Glb()
    painted = {"index": glb.add_image(texture()), "extensions": {"KHR_texture_transform": {"scale": [2, 2]}}}
    film = {
        "iridescenceFactor": 1.0,
        "iridescenceThicknessMinimum": 200.0,
        "iridescenceThicknessMaximum": 500.0,
        "iridescenceThicknessTexture": painted,
    }
    material = glb.add_material("Enamel")
    give(glb, material, {"KHR_materials_iridescence": film})
    glb.add_scene(add_solid(glb, ball(), material))
    node = surface(glb, tmp_path)
    assert feeding(node, "Thin Film Thickness") >= {"MAP_RANGE", "SEPARATE_COLOR", "TEX_IMAGE", "MAPPING"}
    between = node.inputs["Thin Film Thickness"].links[0].from_node
    assert (between.inputs["To Min"].default_value, between.inputs["To Max"].default_value) == (200.0, 500.0)


# --- unlit and alpha ----------------------------------------------------------------------------


def test_an_unlit_product_casts_a_shadow_and_is_reported(tmp_path: Path):
    found = taken(product(ball(), {"KHR_materials_unlit": {}}), tmp_path)
    assert [item.kind for item in found.triage] == ["unlit"]
    nodes = bpy.data.materials["Enamel"].node_tree.nodes
    mix = next(node for node in nodes if node.type == "MIX_SHADER")
    assert mix.inputs[1].links[0].from_node.type == "BSDF_DIFFUSE"
    assert mix.inputs[2].links[0].from_node.type == "EMISSION"


@pytest.mark.parametrize(
    ("mode", "types"), [("OPAQUE", set()), ("BLEND", {"TEX_IMAGE"}), ("MASK", {"TEX_IMAGE", "MATH"})]
)
def test_alpha_follows_its_mode(tmp_path: Path, mode: str, types: set[str]):
    glb = Glb()
    material = glb.add_material("Enamel", glb.add_image(texture()))
    glb.document["materials"][material]["alphaMode"] = mode
    glb.add_scene(add_solid(glb, ball(), material))
    assert feeding(surface(glb, tmp_path), "Alpha") == types


# --- what cannot be shown -----------------------------------------------------------------------


def kinds(found: Product) -> set[str]:
    return {item.kind for item in found.triage}


def test_unsupported_values_are_reported_with_the_material(tmp_path: Path):
    found = taken(product(ball(), {"KHR_materials_dispersion": {"dispersion": 2.0}}), tmp_path)
    (text,) = [item.text for item in found.triage if item.kind == "extension_not_shown"]
    assert "Enamel" in text
    assert "KHR_materials_dispersion" in text
    assert (
        "KHR_materials_dispersion"
        in taken(product(ball(), {"KHR_materials_dispersion": {"dispersion": 2.0}}), tmp_path).triage[0].text
    )


def test_an_unknown_material_extension_is_reported_even_when_required(tmp_path: Path):
    glb = product(ball(), {"EXT_materials_velvet": {"pile": 3}})
    glb.document["extensionsRequired"] = ["EXT_materials_velvet"]
    assert kinds(taken(glb, tmp_path)) == {"extension_unknown"}


def test_extensions_that_only_describe_the_file_are_not_reported(tmp_path: Path):
    glb = product(ball())
    glb.document["extensionsUsed"] = glb.document["extensionsRequired"] = ["KHR_xmp_json_ld"]
    glb.document["extensions"] = {"KHR_xmp_json_ld": {"packets": [{}]}}
    assert kinds(taken(glb, tmp_path)) == set()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("KHR_texture_basisu", "KTX2"),
        ("KHR_gaussian_splatting", "KHR_gaussian_splatting"),
        ("ACME_secret_geometry", "ACME_secret_geometry"),
    ],
)
def test_an_unsupported_required_extension_is_rejected_in_one_sentence(
    tmp_path: Path, name: str, message: str
):
    if name in compat.importable_extensions():
        pytest.skip(f"the importer of Blender {bpy.app.version_string} reads {name}")
    glb = product(ball())
    glb.document["extensionsUsed"] = glb.document["extensionsRequired"] = [name]
    with pytest.raises(InputError, match=message) as refused:
        taken(glb, tmp_path)
    assert str(refused.value).startswith("product.glb")


def test_a_compressed_file_is_rejected_where_blender_has_no_decoder(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(compat, "importable_extensions", set)
    for name, word in (("KHR_draco_mesh_compression", "Draco"), ("EXT_meshopt_compression", "meshopt")):
        glb = product(ball())
        glb.document["extensionsUsed"] = glb.document["extensionsRequired"] = [name]
        with pytest.raises(InputError, match=f"compressed with {word}"):
            taken(glb, tmp_path)


def test_variants_that_were_not_chosen_are_mentioned(tmp_path: Path):
    glb = product(ball())
    glb.document["extensionsUsed"] = ["KHR_materials_variants"]
    glb.document["extensions"] = {
        "KHR_materials_variants": {"variants": [{"name": "Sunset"}, {"name": "Night"}]}
    }
    (item,) = taken(glb, tmp_path).triage
    assert item.kind == "variants"
    assert "Sunset, Night" in item.text


# --- other ways into the studio -----------------------------------------------------------------


def every_extension() -> Glb:
    return product(ball(), {name: extension for name, (extension, _wanted) in PLAIN.items()})


def assert_has_every_extension(node: bpy.types.Node) -> None:
    for _extension, wanted in PLAIN.values():
        for item, number in wanted.items():
            assert value(node, item) == pytest.approx(number, abs=1e-3), item


def test_a_gltf_keeps_every_extension(tmp_path: Path):
    glb = every_extension()
    glb.document["buffers"] = [{"byteLength": len(glb.binary), "uri": "mesh.bin"}]
    (tmp_path / "mesh.bin").write_bytes(glb.binary)
    (tmp_path / "product.gltf").write_text(json.dumps(glb.document))
    save_glb(tmp_path / "product.gltf", tmp_path / "set.glb")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    import_product(tmp_path / "set.glb", bpy.context.scene)
    assert_has_every_extension(surface_of("Enamel"))


def saved_as_blend(glb: Glb, folder: Path) -> Path:
    """A GLB as Blender's importer reads it, saved as an artist's file."""
    taken(glb, folder).root.matrix_world = Matrix.Identity(4)  # Every object where the file has it.
    path = folder / "product.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    return path


def through_a_blend(source: Path, folder: Path) -> Product:
    assert convert_to_glb(source, folder / "set.glb") == []
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return import_product(folder / "set.glb", bpy.context.scene)


def test_a_blend_keeps_every_extension(tmp_path: Path):
    source = saved_as_blend(every_extension(), tmp_path)
    before = source.read_bytes()
    through_a_blend(source, tmp_path)
    assert_has_every_extension(surface_of("Enamel"))
    assert source.read_bytes() == before


def test_a_blend_keeps_the_colour_of_its_glass(tmp_path: Path):
    volume = {"thicknessFactor": 1.0, "attenuationColor": COLOUR, "attenuationDistance": DISTANCE}
    source = saved_as_blend(product(ball(), {**GLASS, "KHR_materials_volume": volume}), tmp_path)
    before = absorption()
    through_a_blend(source, tmp_path)
    assert absorption() == pytest.approx(before, rel=1e-3)


def test_a_blend_keeps_its_variants(tmp_path: Path):
    glb = product(ball())
    glb.add_material("Blue")
    glb.document["extensionsUsed"] = ["KHR_materials_variants"]
    glb.document["extensions"] = {"KHR_materials_variants": {"variants": [{"name": "Ocean"}]}}
    primitive = glb.document["meshes"][0]["primitives"][0]
    primitive["extensions"] = {"KHR_materials_variants": {"mappings": [{"material": 1, "variants": [0]}]}}
    glb.write(tmp_path / "lamp.glb")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with compat.exporting_variants():  # An artist who works with variants has enabled that preference.
        bpy.ops.import_scene.gltf(filepath=str(tmp_path / "lamp.glb"))
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "lamp.blend"))
    convert_to_glb(tmp_path / "lamp.blend", tmp_path / "set.glb")
    save_glb(tmp_path / "set.glb", tmp_path / "set.glb", variant="Ocean")
    written = read_gltf(tmp_path / "set.glb")
    (used,) = [primitive["material"] for _mesh, primitive in written.primitives()]
    assert written.entries("materials")[used]["name"] == "Blue"


def test_what_a_glb_cannot_store_is_reported_for_a_blend(tmp_path: Path):
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.mesh.primitive_cube_add()
    material = bpy.data.materials.new("Marble")
    material.use_nodes = True
    tree = material.node_tree
    noise = tree.nodes.new("ShaderNodeTexNoise")
    tree.links.new(noise.outputs[0], principled_of(material).inputs["Base Color"])
    bpy.context.object.data.materials.append(material)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "marble.blend"))
    (item,) = convert_to_glb(tmp_path / "marble.blend", tmp_path / "set.glb")
    assert item.kind == "material_simplified"
    assert "Marble" in item.text
    assert "Noise Texture" in item.text


def test_the_solid_helper_makes_the_expected_shape():
    solid: Solid = ball()
    front = np.cross(
        *(solid.places[solid.triangles[:, index]] - solid.places[solid.triangles[:, 0]] for index in (1, 2))
    )
    assert (np.einsum("ij,ij->i", front, solid.places[solid.triangles].mean(axis=1)) > 0).all()
