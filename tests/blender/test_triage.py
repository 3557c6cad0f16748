# SPDX-License-Identifier: GPL-3.0-or-later
"""Every defect is found on a broken product and not on its intact twin, and what can be repaired is repaired."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from PIL import Image

from photoreal_set.gltf.findings import Finding, Severity
from photoreal_set.optics.angles import ANGLES
from photoreal_set.optics.sizes import square
from photoreal_set.studio import texture_checks, triage
from photoreal_set.studio.product import Product, import_product
from photoreal_set.studio.quality import Quality
from photoreal_set.studio.sample import build_sample
from photoreal_set.studio.session import Session
from tests.blender.products import Glb, texture
from tests.blender.runs import make_set
from tests.blender.shapes import Solid, add_solid, ball, product, sheet, together

FAST = Quality(name="quick", samples=4, bounces=2)
GLASS = {
    "KHR_materials_transmission": {"transmissionFactor": 1.0},
    "KHR_materials_volume": {"thicknessFactor": 1.0},
}


def picture(width: int, height: int | None = None) -> bytes:
    """A PNG in which every pixel differs from its neighbours."""
    pixels = np.indices((height or width, width)).sum(axis=0) % 2 * 200
    buffer = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def textured(solid: Solid, image: bytes | None = None, **surface: Any) -> Glb:
    glb = Glb()
    material = glb.add_material("Enamel", glb.add_image(image or picture(128)), **surface)
    glb.add_material("Rubber", roughnessFactor=0.9)  # Two materials: not plain.
    glb.add_scene(add_solid(glb, solid, material), add_solid(glb, ball(radius=0.3).at(0, 2, 0), 1, "Foot"))
    return glb


def with_holes(solid: Solid) -> Solid:
    return solid.with_(triangles=solid.triangles[2:])


def with_uvs(solid: Solid, change: Callable[[np.ndarray], np.ndarray]) -> Solid:
    assert solid.uvs is not None
    return solid.with_(uvs=change(solid.uvs.copy()))


def doubled(solid: Solid) -> Solid:
    return together(solid, solid.inside_out())


def with_a_fin(solid: Solid) -> Solid:
    """Some faces attached to inner edges of a surface."""
    places = np.concatenate((solid.places, [[0.0, 0.0, 0.0]]))
    normals = np.concatenate((solid.normals, [[0.0, 1.0, 0.0]]))
    uvs = np.concatenate((solid.uvs, [[0.5, 0.5]]))
    fins = [[first, second, len(solid.places)] for first, second, _third in solid.triangles[100:105]]
    return Solid(places, normals, uvs, np.concatenate((solid.triangles, fins)))


def with_lines(solid: Solid) -> Solid:
    rows = [25 * row for row in range(2, 7)]  # The first and the last vertex of a row coincide.
    lines = [[first, first + 24, first + 3] for first in rows]
    return solid.with_(triangles=np.concatenate((solid.triangles, lines)))


def some_wound_back(solid: Solid, count: int) -> Solid:
    """And without normals."""
    triangles = solid.triangles.copy()
    triangles[:count] = triangles[:count, ::-1]
    return solid.with_(triangles=triangles)


def with_normals(solid: Solid, *, value: float, every: int) -> Solid:
    assert solid.normals is not None
    normals = solid.normals.copy()
    normals[::every] = value
    return solid.with_(normals=normals)


def with_crumb(solid: Solid) -> Solid:
    return together(solid, ball(radius=0.01, around=8).at(30, 0, 0))


def on_one_another() -> Glb:
    glb = Glb()
    enamel, rubber = glb.add_material("Enamel"), glb.add_material("Rubber", roughnessFactor=0.9)
    glb.add_scene(add_solid(glb, ball(), enamel, "One"), add_solid(glb, ball(), rubber, "Other"))
    return glb


def two_looks() -> Glb:
    """The same faces twice in one mesh, in two materials."""
    glb = Glb()
    enamel, rubber = glb.add_material("Enamel"), glb.add_material("Rubber", roughnessFactor=0.9)
    node = add_solid(glb, ball(), enamel)
    primitive = glb.document["meshes"][0]["primitives"][0]
    glb.document["meshes"][0]["primitives"].append({**primitive, "material": rubber})
    glb.add_scene(node)
    return glb


def mirrored() -> Glb:
    glb = product(ball())
    glb.document["nodes"][0]["scale"] = [-1, 1, 1]
    return glb


def all_metal() -> Glb:
    glb = Glb()
    material = glb.add_material("Scan", glb.add_image(picture(128)), metallicFactor=1.0, roughnessFactor=1.0)
    glb.add_scene(add_solid(glb, ball(), material))
    return glb


def colours_only() -> Glb:
    glb = Glb()
    material = glb.add_material("Scan", glb.add_image(picture(128)))
    glb.add_scene(add_solid(glb, ball(), material))
    return glb


def with_a_broken_picture() -> Glb:
    return textured(ball(), b"this is no picture")


def assembly() -> Glb:
    """A typical export: hard and soft parts of several materials, intersecting, parented to empties."""
    glb = Glb()
    shell = glb.add_material("Shell", glb.add_image(picture(128)))
    leather = glb.add_material("Leather", glb.add_image(picture(256)), roughnessFactor=0.9)
    parts = [
        add_solid(glb, ball(around=48), shell, "Dome"),
        add_solid(glb, ball(radius=0.12).at(0.45, 0.1, 0.0), leather, "Knob", scale=[1.0, 0.6, 1.4]),
        add_solid(glb, sheet(), leather, "Lining", translation=[0.0, 0.1, 0.0]),
        glb.add("nodes", {"name": "Stand", "mesh": glb.add_block(shell), "translation": [0.0, -1.0, 0.0]}),
    ]
    turned = {"rotation": [0.0, 0.6, 0.0, 0.8], "scale": [1.2, 0.8, 1.0]}
    inner = glb.add("nodes", {"name": "Body", "children": parts, **turned})
    glb.add_scene(glb.add("nodes", {"name": "Product", "children": [inner], "scale": [0.3, 0.3, 0.3]}))
    return glb


def palette(solid: Solid) -> Solid:
    return with_uvs(solid, lambda uvs: np.round(uvs * 0.0) + 0.25)


N, W, E = Severity.NOTE, Severity.WARNING, Severity.ERROR
# A broken product, and the kind and severity of its finding.
BROKEN: dict[str, tuple[Callable[[], Glb], str, Severity]] = {
    "no normals": (lambda: product(ball().with_(normals=None)), "no_normals", N),
    "zero normals": (lambda: product(with_normals(ball(), value=0.0, every=9)), "broken_normals", N),
    "normals that are no numbers": (lambda: product(with_normals(ball(), value=np.nan, every=9)), "broken_normals", N),
    "faces turned from their normals": (lambda: product(ball().wound_back()), "flipped_faces", W),
    "some faces turned": (lambda: product(some_wound_back(ball(), 20)), "flipped_faces", W),
    "inside out": (lambda: product(ball().inside_out()), "inside_out", N),
    "glass inside out": (lambda: product(ball().inside_out(), GLASS), "inside_out", W),
    "wound to and fro": (
        lambda: product(some_wound_back(ball().with_(normals=None), 20)), "inconsistent_winding", N,
    ),
    "lines as faces": (lambda: product(with_lines(ball())), "zero_area_faces", N),
    "no UVs": (lambda: textured(ball().with_(uvs=None)), "missing_uvs", W),
    "UVs without area": (
        lambda: textured(with_uvs(ball(), lambda uvs: np.where(uvs[:, 1:] < 0.5, 0.3, uvs))), "zero_area_uvs", W,
    ),
    "a picture that is none": (with_a_broken_picture, "texture_missing", E),
    "an odd texture": (lambda: textured(ball(), picture(200)), "texture_not_power_of_two", N),
    "a tiny texture": (lambda: textured(ball(), picture(64)), "texture_tiny", N),
    "a tenth of a millimetre": (lambda: product(ball().scaled(1e-4)), "absurd_scale", W),
    "a kilometre": (lambda: product(ball().scaled(1e3)), "absurd_scale", W),
    "fins": (lambda: product(with_a_fin(ball())), "non_manifold", N),
    "glass with fins": (lambda: product(with_a_fin(ball()), GLASS), "non_manifold", W),
    "a hole": (lambda: product(with_holes(ball())), "open_edges", N),
    "glass with a hole": (lambda: product(with_holes(ball()), GLASS), "open_edges", W),
    "every face twice": (lambda: product(doubled(ball())), "doubled_faces", W),
    "two looks in one place": (two_looks, "doubled_faces", W),
    "a part twice": (on_one_another, "doubled_objects", W),
    "mirrored": (mirrored, "negative_scale", N),
    "a crumb far away": (lambda: product(with_crumb(ball())), "stray_geometry", W),
    "colours only": (colours_only, "no_pbr_maps", N),
    "all metal": (all_metal, "no_pbr_maps", W),
    "a place that is no number": (lambda: torn(np.nan), "broken_vertices", E),
    "an infinite place": (lambda: torn(np.inf), "broken_vertices", E),
    "a place beyond all measure": (lambda: torn(1e38), "broken_vertices", E),
}  # fmt: skip

HEALTHY: dict[str, Callable[[], Glb]] = {
    "ball": lambda: product(ball()),
    "glass": lambda: product(ball(), GLASS),
    "cloth of one sheet": lambda: product(sheet()),
    "textured cloth": lambda: textured(sheet()),
    "textured": lambda: textured(ball()),
    "hollow": lambda: product(together(ball(), ball(radius=0.45).inside_out())),
    "hollow glass": lambda: product(together(ball(), ball(radius=0.45).inside_out()), GLASS),
    "two of a kind": lambda: product(together(ball(), ball().at(1.5, 0, 0))),
    "palette": lambda: textured(palette(ball())),
    "a plain colour as a texture": lambda: textured(ball(), picture(4)),
    "millimetres": lambda: product(ball().scaled(2e-3)),
    "a house": lambda: product(ball().scaled(20.0)),
    "an assembly": lambda: assembly(),
    "jewel on a chain": lambda: product(together(ball(), ball(radius=0.05, around=8).at(0.6, 0, 0))),
}


def torn(value: float) -> Glb:
    solid = ball()
    places = solid.places.copy()
    places[40] = value
    glb = product(solid)
    data = bytearray(glb.binary)
    data[: places.size * 4] = places.astype("<f4").tobytes()
    glb.binary = bytes(data)
    return glb


def taken(glb: Glb, folder: Path) -> Product:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return import_product(glb.write(folder / "product.glb"), bpy.context.scene)


@pytest.mark.parametrize("case", BROKEN)
def test_a_defect_is_found_reported_in_one_sentence_and_not_exaggerated(tmp_path: Path, case: str):
    make, kind, severity = BROKEN[case]
    everything = taken(make(), tmp_path).triage
    found = [item for item in everything if item.kind == kind]
    assert {item.severity for item in found} == {severity}
    for item in found:
        assert item.text.endswith(".")
        assert "\n" not in item.text
        assert item.where in item.text or kind in {"no_pbr_maps", "absurd_scale", "stray_geometry"}
    worse = {item.kind for item in everything if item.severity is not Severity.NOTE}
    assert worse <= {kind}, "secondary findings are only notes"


@pytest.mark.parametrize("case", HEALTHY)
def test_a_good_product_has_no_findings(tmp_path: Path, case: str):
    assert [item.record() for item in taken(HEALTHY[case](), tmp_path).triage] == []


def test_too_many_triangles_are_reported_as_heavy(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(triage, "MAX_TRIANGLES", 100)
    kinds = [item.kind for item in taken(product(ball()), tmp_path).triage]
    assert kinds == ["too_many_triangles"]


def test_an_oversized_texture_is_reported_as_heavy(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(texture_checks, "MAX_TEXTURE", 100)
    kinds = [item.kind for item in taken(textured(ball()), tmp_path).triage]
    assert kinds == ["texture_huge"]


@pytest.mark.parametrize("value", [np.nan, -np.inf, 1e37])
def test_a_product_with_a_broken_vertex_keeps_its_valid_faces(tmp_path: Path, value: float):
    whole = taken(product(ball()), tmp_path)
    product_ = taken(torn(value), tmp_path)
    assert product_.triage[0].count == 1
    assert product_.size_m == pytest.approx(whole.size_m, rel=0.01)
    assert whole.triangles - 6 <= product_.triangles < whole.triangles, "only its faces are removed"


def test_counts_cover_only_defects(tmp_path: Path):
    def count(glb: Glb, kind: str) -> list[int | None]:
        return [item.count for item in taken(glb, tmp_path).triage if item.kind == kind]

    assert count(product(some_wound_back(ball(), 20)), "flipped_faces") == [20]
    assert count(product(with_lines(ball())), "zero_area_faces") == [5]
    assert count(product(doubled(ball())), "doubled_faces") == [len(ball().triangles)]
    assert count(product(with_crumb(ball())), "stray_geometry") == [len(ball(around=8).triangles)]
    assert count(product(with_normals(ball(), value=0.0, every=9)), "broken_normals") == [37]


def test_a_repeated_part_is_checked_once(tmp_path: Path):
    glb = product(ball().wound_back())
    mesh = glb.document["nodes"][0]["mesh"]
    nodes = [
        glb.add("nodes", {"name": f"Bead {n}", "mesh": mesh, "translation": [2 * n, 0, 0]}) for n in range(9)
    ]
    glb.add_scene(*nodes)
    (item,) = taken(glb, tmp_path).triage
    assert item.kind == "flipped_faces"
    assert "and 8 copies of it" in item.where


# --- repairs ------------------------------------------------------------------------------------


def seen(glb: Glb, folder: Path) -> np.ndarray:
    """RGBA of the hero angle."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    model = glb.write(folder / "product.glb")
    session = Session(bpy.context.scene, model, resolution=square(48), device="cpu")
    angle = ANGLES["three-quarter"]
    return session.shoot(session.framing(angle), angle, FAST).colour.astype(int)


@pytest.fixture(scope="module")
def red_ball(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    return seen(product(ball(), baseColorFactor=[0.7, 0.1, 0.1, 1.0]), tmp_path_factory.mktemp("red"))


@pytest.mark.parametrize(
    "solid",
    [
        ball().wound_back(),
        some_wound_back(ball(), 100),
        ball().inside_out(),
        doubled(ball()),
        together(ball(), ball()),
        with_normals(ball(), value=np.nan, every=9),
        ball().with_(normals=None),
    ],
    ids=["turned", "some turned", "inside out", "doubled back to back", "doubled", "nan", "without normals"],
)
def test_a_repaired_product_looks_like_the_intact_one(tmp_path: Path, red_ball: np.ndarray, solid: Solid):
    found = seen(product(solid, baseColorFactor=[0.7, 0.1, 0.1, 1.0]), tmp_path)
    inside = (found[..., 3] == 255) & (red_ball[..., 3] == 255)
    assert inside.mean() > 0.3
    assert np.abs(found - red_ball)[inside].max(axis=1).mean() < 6.0


def fronts(mesh: bpy.types.Mesh) -> np.ndarray:
    places = np.array([vertex.co[:] for vertex in mesh.vertices])
    corners = places[[list(polygon.vertices) for polygon in mesh.polygons]]
    return np.einsum(
        "ij,ij->i",
        np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]),
        corners.mean(axis=1),
    )


@pytest.mark.parametrize("solid", [ball().inside_out(), ball().wound_back()], ids=["inside out", "turned"])
def test_glass_is_turned_outwards_with_its_normals_and_uvs(tmp_path: Path, solid: Solid):
    taken(product(solid, GLASS), tmp_path)
    mesh = bpy.data.objects["Part"].data
    assert (fronts(mesh) > 0.0).all()
    for loop, normal in zip(mesh.loops, mesh.corner_normals, strict=True):
        assert np.dot(normal.vector[:], mesh.vertices[loop.vertex_index].co.normalized()) > 0.99
    found = places_of_uvs(mesh)
    taken(product(ball(), GLASS), tmp_path)
    assert found == places_of_uvs(bpy.data.objects["Part"].data)


def places_of_uvs(mesh: bpy.types.Mesh) -> set[tuple[float, ...]]:
    """Each position with its UV, in any order."""
    uvs = mesh.uv_layers[0].uv
    return {
        (*np.round(mesh.vertices[loop.vertex_index].co, 4), *np.round(uvs[loop.index].vector, 4))
        for loop in mesh.loops
    }


def test_round_surfaces_without_normals_become_smooth_and_edges_stay_sharp(tmp_path: Path):
    taken(product(ball(around=48).with_(normals=None)), tmp_path)
    mesh = bpy.data.objects["Part"].data
    assert mesh.normals_domain == "POINT"
    glb = Glb()
    node = glb.add("nodes", {"name": "Part", "mesh": glb.add_block(None)})
    del glb.document["meshes"][0]["primitives"][0]["attributes"]["NORMAL"]
    glb.add_scene(node)
    taken(glb, tmp_path)
    mesh = bpy.data.objects["Part"].data
    bent = [abs(np.dot(mesh.corner_normals[0].vector, polygon.normal)) for polygon in mesh.polygons[:1]]
    assert bent == pytest.approx([1.0], abs=0.01)


# --- the sample and the way to the user ------------------------------------------------------


def test_the_sample_has_no_findings(tmp_path: Path):
    bpy.ops.wm.read_factory_settings(use_empty=True)
    build_sample(tmp_path / "jar.glb")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    found: tuple[Finding, ...] = import_product(tmp_path / "jar.glb", bpy.context.scene).triage
    assert [(item.kind, item.where) for item in found] == [("open_edges", "Handle")], (
        "its ends are in the body"
    )
    assert found[0].severity is Severity.NOTE


def test_findings_appear_in_set_json_the_terminal_and_the_page(tmp_path: Path):
    glb = textured(ball().wound_back(), picture(200))
    glb.document["nodes"][0]["name"] = "<b>Pot & Co"
    glb.write(tmp_path / "pot.glb")
    run = make_set(
        tmp_path / "pot.glb",
        out=tmp_path / "set",
        options=("--engine", "cycles", "--video", "none", "--angles", "front"),
        resolution=64,
    )
    assert run.exit_code == 0, run.stderr
    listed = run.record["model"]["triage"]
    assert [(item["kind"], item["severity"]) for item in listed] == [
        ("flipped_faces", "warning"),
        ("texture_not_power_of_two", "note"),
    ]
    assert listed[0]["count"] == len(ball().triangles)
    assert [text for text in run.warnings() if "away from the normals" in text] == [listed[0]["text"]]
    assert not [text for text in run.warnings() if "powers of two" in text], "notes appear only on the page"
    page = (tmp_path / "set" / "index.html").read_text(encoding="utf-8")
    assert "powers of two" in page
    assert "<b>Pot" not in page
    assert texture() != picture(200)


def test_another_variant_changes_the_pictures_of_the_same_set(tmp_path: Path):
    glb = product(ball(), baseColorFactor=[0.8, 0.0, 0.0, 1.0])
    glb.add_material("Blue", baseColorFactor=[0.0, 0.0, 0.8, 1.0])
    glb.document["extensionsUsed"] = ["KHR_materials_variants"]
    glb.document["extensions"] = {"KHR_materials_variants": {"variants": [{"name": "Ocean"}]}}
    primitive = glb.document["meshes"][0]["primitives"][0]
    primitive["extensions"] = {"KHR_materials_variants": {"mappings": [{"material": 1, "variants": [0]}]}}
    glb.write(tmp_path / "lamp.glb")

    def colour(*more: str) -> np.ndarray:
        options = ("--engine", "cycles", "--video", "none", "--angles", "front", *more)
        run = make_set("lamp.glb", out=tmp_path / "set", options=options, resolution=64)
        assert run.exit_code == 0, run.stderr
        return run.pixels("renders/front.png")[32, 32].astype(int)

    usual, ocean, again = colour(), colour("--variant", "Ocean"), colour()
    assert usual[0] > usual[2] + 50
    assert ocean[2] > ocean[0] + 50
    assert (usual == again).all()
    refused = make_set("lamp.glb", out=tmp_path / "other", options=("--engine", "cycles", "--variant", "Red"))
    assert refused.exit_code == 1
    assert "'Ocean'" in refused.stderr
    assert not (tmp_path / "other").exists()
