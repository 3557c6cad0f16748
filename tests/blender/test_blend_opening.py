# SPDX-License-Identifier: GPL-3.0-or-later
"""A .blend file reads what is in its folder; a path outside is rejected by name and never opened."""

import os
import struct
import sys
import wave
from collections.abc import Callable
from pathlib import Path

import bpy
import pytest

from photoreal_set.files.enclosed import OutsideError
from photoreal_set.messages.errors import InputError
from photoreal_set.studio.blend_file import convert_to_glb
from photoreal_set.studio.blend_opening import open_blend
from photoreal_set.studio.session import cameras_of_blend
from tests.blender.products import texture
from tests.blender.runs import make_set
from tests.opened_files import opens_in

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs inotify")
Use = Callable[[Path], object]


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    (tmp_path / "outside").mkdir()
    return tmp_path / "outside"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "product").mkdir()
    return tmp_path / "product"


def fresh() -> bpy.types.Object:
    """An empty file with a cube that has a material."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.mesh.primitive_cube_add(size=0.4)
    item = bpy.context.object
    material = bpy.data.materials.new("Enamel")
    material.use_nodes = True
    item.data.materials.append(material)
    return item


def save(home: Path, *, compress: bool = False) -> Path:
    path = home / "product.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path), compress=compress)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    return path


def picture(path: Path) -> bpy.types.Image:
    path.write_bytes(texture())
    return bpy.data.images.load(str(path))


# --- what a product may be made of --------------------------------------------------------------


def library(folder: Path) -> None:
    fresh()
    bpy.data.libraries.write(str(folder / "library.blend"), {bpy.context.object}, fake_user=True)
    fresh()
    with bpy.data.libraries.load(str(folder / "library.blend"), link=True) as (there, here):
        here.objects = there.objects
    bpy.context.scene.collection.objects.link(here.objects[0])


def texture_of_the_product(folder: Path) -> None:
    item = fresh()
    tree = item.data.materials[0].node_tree
    node = tree.nodes.new("ShaderNodeTexImage")
    node.image = picture(folder / "colour.png")
    tree.links.new(node.outputs["Color"], tree.nodes["Principled BSDF"].inputs["Base Color"])


def texture_in_a_node_group(folder: Path) -> None:
    item = fresh()
    group = bpy.data.node_groups.new("Paint", "ShaderNodeTree")
    group.nodes.new("ShaderNodeTexImage").image = picture(folder / "colour.png")
    item.data.materials[0].node_tree.nodes.new("ShaderNodeGroup").node_tree = group


def displacement(folder: Path) -> None:
    item = fresh()
    made = bpy.data.textures.new("Bumps", "IMAGE")
    made.image = picture(folder / "bumps.png")
    item.modifiers.new("Displace", "DISPLACE").texture = made


def font(folder: Path) -> None:
    fresh()
    known = next(Path(bpy.utils.system_resource("DATAFILES")).rglob("*.woff2"))
    (folder / "font.woff2").write_bytes(known.read_bytes())
    text = bpy.data.curves.new("Word", "FONT")
    text.body, text.font = "Tea", bpy.data.fonts.load(str(folder / "font.woff2"))
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("Word", text))


def volume(folder: Path) -> None:
    fresh()
    (folder / "smoke.vdb").write_bytes(b" BDV" + bytes(100))
    made = bpy.data.volumes.new("Smoke")
    made.filepath = str(folder / "smoke.vdb")
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("Smoke", made))


def mesh_cache(folder: Path) -> None:
    item = fresh()
    head = b"POINTCACHE2\0" + struct.pack("<iiffi", 1, 8, 0.0, 1.0, 1)
    (folder / "moves.pc2").write_bytes(head + struct.pack("<24f", *([0.0] * 24)))
    modifier = item.modifiers.new("Cache", "MESH_CACHE")
    modifier.cache_format, modifier.filepath = "PC2", str(folder / "moves.pc2")


def alembic(folder: Path) -> None:
    fresh()
    bpy.ops.wm.alembic_export(filepath=str(folder / "moves.abc"), start=1, end=2)
    item = fresh()
    bpy.ops.cachefile.open(filepath=str(folder / "moves.abc"))
    modifier = item.modifiers.new("Cache", "MESH_SEQUENCE_CACHE")
    modifier.cache_file, modifier.object_path = bpy.data.cache_files[0], "/Cube/Cube"


def point_cache(folder: Path) -> None:
    item = fresh()
    (folder / "cloth_000001_00.bphys").write_bytes(b"BPHYSICS")
    modifier = item.modifiers.new("Cloth", "CLOTH")
    modifier.point_cache.use_external, modifier.point_cache.filepath = True, str(folder)


def import_node(folder: Path) -> bpy.types.GeometryNodeTree:
    item = fresh()
    (folder / "part.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    tree = bpy.data.node_groups.new("Import", "GeometryNodeTree")
    tree.interface.new_socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    node = tree.nodes.new("GeometryNodeImportOBJ")
    node.inputs[0].default_value = str(folder / "part.obj")
    tree.links.new(node.outputs[0], tree.nodes.new("NodeGroupOutput").inputs[0])
    item.modifiers.new("Import", "NODES").node_group = tree
    return tree


def baked_nodes(folder: Path) -> None:
    tree = import_node(folder)
    tree.nodes.clear()
    tree.nodes.new("GeometryNodeBake")
    output = tree.nodes.new("NodeGroupOutput")
    tree.links.new(tree.nodes.new("GeometryNodeMeshCube").outputs[0], output.inputs[0])
    bpy.context.object.modifiers["Import"].bake_directory = str(folder)


NEEDED = [
    *(
        library,
        texture_of_the_product,
        texture_in_a_node_group,
        displacement,
        font,
        volume,
        mesh_cache,
        alembic,
    ),
    *(point_cache, baked_nodes),
]
if hasattr(bpy.types, "GeometryNodeImportOBJ"):
    NEEDED.append(import_node)


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("use", NEEDED)
def test_an_outside_file_that_the_product_needs_is_rejected_by_name_and_never_opened(
    home: Path, outside: Path, tmp_path: Path, use: Use, compress: bool
):
    use(outside)
    blend = save(home, compress=compress)
    with opens_in(outside) as opened:
        for look in (open_blend, cameras_of_blend, lambda path: convert_to_glb(path, tmp_path / "out.glb")):
            with pytest.raises(OutsideError) as refused:
                look(blend)
            assert "product.blend" in str(refused.value)
            assert "outside" in str(refused.value)
            assert "external data" in str(refused.value)
    assert opened == []
    assert not (tmp_path / "out.glb").exists()


@pytest.mark.parametrize("use", NEEDED)
def test_the_same_file_inside_the_folder_is_read(home: Path, tmp_path: Path, use: Use):
    use(home)
    blend = save(home)
    convert_to_glb(blend, tmp_path / "out.glb")
    assert b'"POSITION"' in (tmp_path / "out.glb").read_bytes()


@pytest.mark.parametrize("use", NEEDED)
def test_the_same_file_in_an_allowed_folder_is_read(home: Path, outside: Path, tmp_path: Path, use: Use):
    use(outside)
    blend = save(home)
    convert_to_glb(blend, tmp_path / "out.glb", [outside])
    assert b'"POSITION"' in (tmp_path / "out.glb").read_bytes()


def test_a_library_of_a_library_is_checked(home: Path, outside: Path):
    library(outside)
    bpy.data.libraries.write(str(home / "middle.blend"), {bpy.context.scene}, fake_user=True)
    fresh()
    with bpy.data.libraries.load(str(home / "middle.blend"), link=True) as (there, here):
        here.objects = there.objects
    bpy.context.scene.collection.objects.link(next(item for item in here.objects if item.library))
    blend = save(home)
    with (
        opens_in(outside) as opened,
        pytest.raises(OutsideError, match=r"middle\.blend links .*outside/library\.blend"),
    ):
        open_blend(blend)
    assert opened == []


def test_a_texture_of_a_library_in_the_folder_is_checked(home: Path, outside: Path):
    texture_of_the_product(outside)
    bpy.data.libraries.write(str(home / "middle.blend"), {bpy.context.object}, path_remap="ABSOLUTE")
    fresh()
    with bpy.data.libraries.load(str(home / "middle.blend"), link=True) as (there, here):
        here.objects = there.objects
    bpy.context.scene.collection.objects.link(here.objects[0])
    blend = save(home)
    with opens_in(outside) as opened, pytest.raises(OutsideError, match=r"colour\.png"):
        open_blend(blend)
    assert opened == []


@pytest.mark.skipif(
    not hasattr(bpy.types, "GeometryNodeImportText"), reason="these nodes were added in Blender 4.5"
)
def test_a_path_computed_by_nodes_is_rejected(home: Path, outside: Path):
    tree = import_node(outside)
    text = tree.nodes.new("FunctionNodeInputString")
    text.string = str(outside / "part.obj")
    node = next(node for node in tree.nodes if node.bl_idname == "GeometryNodeImportOBJ")
    node.inputs[0].default_value = ""
    tree.links.new(text.outputs[0], node.inputs[0])
    blend = save(home)
    with opens_in(outside) as opened, pytest.raises(OutsideError, match="path is computed"):
        open_blend(blend)
    assert opened == []


@pytest.mark.parametrize("use", [library, texture_of_the_product, font])
def test_a_link_that_points_out_of_the_folder_counts_as_outside(home: Path, outside: Path, use: Use):
    use(home)
    blend = save(home)
    for file in list(home.iterdir()):
        if file != blend:
            file.rename(outside / file.name)
            file.symlink_to(outside / file.name)
    with opens_in(outside) as opened, pytest.raises(OutsideError):
        open_blend(blend)
    assert opened == []


@pytest.mark.parametrize("use", [library, texture_of_the_product, font, mesh_cache])
def test_a_pipe_in_the_folder_is_rejected_and_never_opened(home: Path, use: Use):
    use(home)
    blend = save(home)
    (part,) = (file for file in home.iterdir() if file != blend)
    part.unlink()
    os.mkfifo(part)
    with opens_in(home) as opened, pytest.raises(InputError, match=f"{part.name}.*not a regular file"):
        open_blend(blend)
    assert set(opened) == {blend.name}


# --- what is not needed, or not there -----------------------------------------------------------


def picture_of_the_world(folder: Path) -> None:
    fresh()
    world = bpy.data.worlds.new("Dusk")
    world.use_nodes = True
    world.node_tree.nodes.new("ShaderNodeTexEnvironment").image = picture(folder / "dusk.png")
    bpy.context.scene.world = world


def picture_behind_a_camera(folder: Path) -> None:
    fresh()
    camera = bpy.data.cameras.new("Shot")
    camera.background_images.new().image = picture(folder / "sketch.png")
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("Shot", camera))


def picture_as_an_empty(folder: Path) -> None:
    fresh()
    empty = bpy.data.objects.new("Reference", None)
    empty.empty_display_type, empty.data = "IMAGE", picture(folder / "sketch.png")
    bpy.context.scene.collection.objects.link(empty)


def sound(folder: Path) -> None:
    fresh()
    with wave.open(str(folder / "bell.wav"), "wb") as stream:
        stream.setnchannels(1)
        stream.setsampwidth(2)
        stream.setframerate(8000)
        stream.writeframes(bytes(1600))
    speaker = bpy.data.speakers.new("Bell")
    speaker.sound = bpy.data.sounds.load(str(folder / "bell.wav"))
    speaker.sound.use_memory_cache = True
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("Bell", speaker))


def packed_texture(folder: Path) -> None:
    texture_of_the_product(folder)
    bpy.data.images["colour.png"].pack()


@pytest.mark.parametrize(
    "use", [picture_of_the_world, picture_behind_a_camera, picture_as_an_empty, sound, packed_texture]
)
def test_files_that_the_product_does_not_need_are_never_opened(
    home: Path, outside: Path, tmp_path: Path, use: Use
):
    use(outside)
    blend = save(home)
    with opens_in(outside) as opened:
        assert convert_to_glb(blend, tmp_path / "out.glb") == []
    assert opened == []


def test_an_outside_texture_that_does_not_exist_is_missing(home: Path, outside: Path, tmp_path: Path):
    texture_of_the_product(outside)
    blend = save(home)
    (outside / "colour.png").unlink()
    (finding,) = convert_to_glb(blend, tmp_path / "out.glb")
    assert (finding.kind, finding.where) == ("texture_missing", "Enamel")


def test_scripts_and_drivers_of_a_file_do_not_run(home: Path, tmp_path: Path):
    item = fresh()
    mark = tmp_path / "mark"
    for place, code in enumerate(
        (f"open({str(mark)!r}, 'w') and 0", "__import__('os').system('touch mark') and 0")
    ):
        item.driver_add("location", place).driver.expression = code
    script = bpy.data.texts.new("start.py")
    script.write(f"open({str(mark)!r}, 'w')")
    script.use_module = True
    convert_to_glb(save(home), tmp_path / "out.glb")
    assert not mark.exists()


# --- on the command line ------------------------------------------------------------------------

OPTIONS = ("--engine", "cycles", "--video", "none", "--angles", "front", "--resolution", 64, "--samples", 1)


def test_the_command_line_rejects_and_allows_folders(home: Path, outside: Path, tmp_path: Path):
    texture_of_the_product(outside)
    blend = save(home)
    run = make_set(blend, out=tmp_path / "set", options=OPTIONS)
    assert run.exit_code == 1
    assert "colour.png" in run.stderr
    assert not (tmp_path / "set").exists()
    run = make_set(blend, out=tmp_path / "set", options=(*OPTIONS, "--external-data", outside))
    assert run.exit_code == 0, run.stderr
    assert run.warnings() == []
    assert str(outside) not in (tmp_path / "set" / "set.json").read_text()
    run = make_set(blend, out=tmp_path / "other", options=(*OPTIONS, "--external-data", tmp_path / "missing"))
    assert run.exit_code == 1
    assert "is not a folder" in run.stderr
