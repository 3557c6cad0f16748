# SPDX-License-Identifier: GPL-3.0-or-later
"""Products made in code, as GLB files: hard cases for light, framing and speed. Needs bpy."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from PIL import Image, ImageDraw, ImageFont

Profile = Sequence[tuple[float, float]]


def material(name: str, colour: tuple[float, float, float], **inputs: Any) -> bpy.types.Material:
    """A Principled material; ``inputs`` by their names with underscores for blanks."""
    made = bpy.data.materials.new(name)
    made.use_nodes = True
    surface = made.node_tree.nodes["Principled BSDF"]
    surface.inputs["Base Color"].default_value = (*colour, 1.0)
    for key, value in inputs.items():
        surface.inputs[key.replace("_", " ").title().replace("Ior", "IOR")].default_value = value
    return made


def lathe(name: str, profile: Profile, of: bpy.types.Material, *, segments: int = 96) -> bpy.types.Object:
    """A body of revolution; ``profile`` is (radius, height) from the bottom up, in metres."""
    turns = np.linspace(0.0, 2.0 * math.pi, segments, endpoint=False)
    points = [(r * math.cos(turn), r * math.sin(turn), z) for r, z in profile for turn in turns]
    faces = [
        (
            row * segments + column,
            row * segments + (column + 1) % segments,
            (row + 1) * segments + (column + 1) % segments,
            (row + 1) * segments + column,
        )
        for row in range(len(profile) - 1)
        for column in range(segments)
    ]
    return solid(name, points, faces, of)


def solid(
    name: str,
    points: Sequence[tuple[float, float, float]],
    faces: Sequence[Sequence[int]],
    of: bpy.types.Material,
    *,
    smooth: bool = True,
) -> bpy.types.Object:
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(points, [], faces)
    mesh.validate()
    mesh.materials.append(of)
    mesh.polygons.foreach_set("use_smooth", [smooth] * len(mesh.polygons))
    mesh.update()
    item = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(item)
    return item


def box(
    name: str,
    low: tuple[float, float, float],
    high: tuple[float, float, float],
    of: bpy.types.Material,
    *,
    bevel: float = 0.0,
) -> bpy.types.Object:
    corners = [(x, y, z) for z in (low[2], high[2]) for y in (low[1], high[1]) for x in (low[0], high[0])]
    faces = [(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5)]
    item = solid(name, corners, faces, of, smooth=False)
    if bevel:
        rounding = item.modifiers.new("Bevel", "BEVEL")
        rounding.width, rounding.segments = bevel, 4
    return item


def label(name: str, *, radius: float, low: float, high: float, degrees: float) -> bpy.types.Object:
    """A sheet of printed paper around the front of a round body; ``low`` and ``high`` in metres."""
    paper = material(name, (1.0, 1.0, 1.0), roughness=0.6)
    tree = paper.node_tree
    texture = tree.nodes.new("ShaderNodeTexImage")
    texture.image = printed(width=1024, height=round(1024 * (high - low) / (radius * math.radians(degrees))))
    tree.links.new(texture.outputs["Color"], tree.nodes["Principled BSDF"].inputs["Base Color"])
    shares = np.linspace(0.0, 1.0, 49)
    turns = np.radians((shares - 0.5) * degrees - 90.0)
    points = [(radius * math.cos(turn), radius * math.sin(turn), z) for z in (low, high) for turn in turns]
    last = len(shares)
    faces = [(step, step + 1, last + step + 1, last + step) for step in range(last - 1)]
    item = solid(name, points, faces, paper)
    places = item.data.uv_layers.new(name="UVMap").data
    for loop in item.data.loops:
        row, column = divmod(loop.vertex_index, last)
        places[loop.index].uv = (float(shares[column]), float(row))
    return item


def printed(*, width: int, height: int) -> bpy.types.Image:
    """A cream label with a frame, a name and small print."""
    sheet = Image.new("RGB", (width, height), (242, 234, 216))
    draw = ImageDraw.Draw(sheet)
    ink, middle = (44, 36, 30), width / 2.0
    draw.rectangle((24, 24, width - 25, height - 25), outline=ink, width=4)
    for share, size, text in (
        (0.38, 0.26, "No. 7"),
        (0.62, 0.11, "AMBER & CEDAR"),
        (0.80, 0.055, "Eau de parfum - 50 ml - 1.7 fl. oz - batch 0815/42"),
    ):
        font = ImageFont.load_default(height * size)
        draw.text((middle, height * share), text, fill=ink, font=font, anchor="mm")
    made = bpy.data.images.new("Print", width, height)
    pixels = np.ones((height, width, 4), dtype=np.float32)
    pixels[..., :3] = np.asarray(sheet, dtype=np.float32)[::-1] / 255.0
    made.pixels.foreach_set(pixels.ravel())
    made.pack()
    return made


def glass_bottle() -> None:
    """A perfume bottle: thick clear glass with a printed label, amber liquid inside, a polished metal cap."""
    glass = material("Glass", (1.0, 1.0, 1.0), roughness=0.0, transmission_weight=1.0, ior=1.45)
    liquid = material("Perfume", (0.95, 0.62, 0.22), roughness=0.0, transmission_weight=1.0, ior=1.36)
    gold = material("Gold", (0.94, 0.72, 0.38), metallic=1.0, roughness=0.12)
    outer = [(0.0, 0.0), (0.030, 0.0), (0.034, 0.003), (0.036, 0.010), (0.036, 0.062), (0.033, 0.072), (0.014, 0.080),
             (0.012, 0.084), (0.012, 0.092)]  # fmt: skip
    inner = [(0.009, 0.092), (0.009, 0.083), (0.012, 0.077), (0.029, 0.069), (0.031, 0.060), (0.031, 0.014),
             (0.028, 0.009), (0.0, 0.008)]  # fmt: skip
    lathe("Bottle", [*outer, *inner], glass)
    lathe(
        "Liquid", [(0.0, 0.0081), (0.0279, 0.0091), (0.0309, 0.0141), (0.0309, 0.052), (0.0, 0.052)], liquid
    )
    lathe("Cap", [(0.0, 0.0921), (0.0125, 0.0921), (0.0165, 0.0925), (0.0172, 0.094), (0.0172, 0.118),
                  (0.0165, 0.1195), (0.0, 0.1200)], gold)  # fmt: skip
    label("Label", radius=0.0363, low=0.020, high=0.050, degrees=100.0)


def watch() -> None:
    """A watch head: brushed and polished steel, dark dial, indices, hands, domed crystal, leather strap ends."""
    steel = material("Steel", (0.62, 0.62, 0.64), metallic=1.0, roughness=0.22)
    polished = material("Polished", (0.72, 0.72, 0.74), metallic=1.0, roughness=0.06)
    dial = material("Dial", (0.012, 0.02, 0.06), roughness=0.35, metallic=0.3)
    crystal = material("Crystal", (1.0, 1.0, 1.0), roughness=0.0, transmission_weight=1.0, ior=1.5)
    leather = material("Leather", (0.09, 0.035, 0.015), roughness=0.6)
    parts = [
        lathe("Case", [(0.0, 0.0), (0.0185, 0.0), (0.0200, 0.0015), (0.0205, 0.0045), (0.0200, 0.0072),
                       (0.0188, 0.0080), (0.0178, 0.0080), (0.0178, 0.0058), (0.0, 0.0058)], steel),
        lathe("Bezel", [(0.0176, 0.0079), (0.0190, 0.0079), (0.0187, 0.0092), (0.0176, 0.0094), (0.0176, 0.0079)],
              polished),
        lathe("Dial", [(0.0, 0.0059), (0.0177, 0.0059), (0.0177, 0.0060), (0.0, 0.0060)], dial),
        lathe("Crystal", [(0.0, 0.0088), (0.0170, 0.0086), (0.0175, 0.0087), (0.0175, 0.0092), (0.0120, 0.0101),
                          (0.0, 0.0106)], crystal),
        lathe("Post", [(0.0, 0.0060), (0.0009, 0.0060), (0.0009, 0.0078), (0.0, 0.0078)], polished),
    ]  # fmt: skip
    for hour in range(12):
        item = box(f"Index {hour}", (-0.0005, 0.0128, 0.0060), (0.0005, 0.0160, 0.0065), polished)
        item.rotation_euler[2] = -hour * math.pi / 6.0
        parts.append(item)
    for name, length, degrees in (("Hour", 0.0085, 55.0), ("Minute", 0.0135, -60.0)):
        item = box(name, (-0.0005, -0.002, 0.0068), (0.0005, length, 0.0071), polished)
        item.rotation_euler[2] = math.radians(degrees)
        parts.append(item)
    for sign in (1.0, -1.0):
        low, high = sorted((sign * 0.0185, sign * 0.046))
        parts.append(box("Strap", (-0.0095, low, 0.0005), (0.0095, high, 0.0030), leather, bevel=0.0008))
    crown = lathe("Crown", [(0.0, 0.0), (0.0028, 0.0), (0.0028, 0.003), (0.0, 0.0035)], polished, segments=24)
    crown.rotation_euler[1] = math.pi / 2.0
    crown.location = (0.0203, 0.0, 0.0045)
    parts.append(crown)
    stand = bpy.data.objects.new("Stand", None)  # The dial leans back towards the camera, as on a cushion.
    bpy.context.scene.collection.objects.link(stand)
    stand.rotation_euler[0] = math.radians(65.0)
    for part in parts:
        part.parent = stand


def fabric_cushion() -> None:
    """A woven cushion: soft shape, sheen, fine weave as bumps in the geometry."""
    cloth = material("Cloth", (0.22, 0.32, 0.24), roughness=0.9, sheen_weight=0.6, sheen_roughness=0.4)
    count = 220
    side = np.linspace(-1.0, 1.0, count)
    u, v = np.meshgrid(side, side)
    puff = 0.09 * np.sqrt(np.clip((1.0 - u**4) * (1.0 - v**4), 0.0, 1.0))
    weave = 0.0012 * np.sin(u * 190.0) * np.sin(v * 190.0) * (puff > 0.01)
    pinch = 1.0 - 0.06 * (1.0 - np.abs(u * v))
    points, faces = [], []
    for face, sign in enumerate((1.0, -1.0)):
        x, z = 0.22 * u * pinch, 0.22 * v * pinch
        y = -sign * (puff + weave)
        points += list(zip(x.ravel(), y.ravel(), z.ravel(), strict=True))
        start = face * count * count
        index = np.arange(count * count).reshape(count, count) + start
        quads = np.stack((index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]), axis=-1).reshape(
            -1, 4
        )
        faces += (quads if sign > 0 else quads[:, ::-1]).tolist()
    solid("Cushion", points, faces, cloth)


def white_mug() -> None:
    """White on white: a glazed porcelain mug."""
    glaze = material("Porcelain", (0.86, 0.86, 0.85), roughness=0.12, coat_weight=0.5)
    lathe(
        "Mug",
        [
            (0.0, 0.0),
            (0.034, 0.0),
            (0.0385, 0.003),
            (0.040, 0.008),
            (0.040, 0.092),
            (0.0392, 0.0945),
            (0.0372, 0.0935),
            (0.0366, 0.090),
            (0.0366, 0.010),
            (0.034, 0.006),
            (0.0, 0.005),
        ],
        glaze,
    )
    ring(glaze, middle=(0.046, 0.0, 0.048), radius=0.026, thickness=0.005)


def ring(
    of: bpy.types.Material, *, middle: tuple[float, float, float], radius: float, thickness: float
) -> None:
    bpy.ops.mesh.primitive_torus_add(
        location=middle, rotation=(math.pi / 2.0, 0.0, 0.0), major_radius=radius, minor_radius=thickness,
        major_segments=96, minor_segments=32,
    )  # fmt: skip
    item = bpy.context.object
    item.data.materials.append(of)
    item.data.polygons.foreach_set("use_smooth", [True] * len(item.data.polygons))


def black_speaker() -> None:
    """Black on black: a rubberised cabinet with a grille of holes, a glossy front and a cone."""
    rubber = material("Rubber", (0.012, 0.012, 0.013), roughness=0.75)
    gloss = material("Piano black", (0.006, 0.006, 0.007), roughness=0.04, coat_weight=1.0)
    metal = material("Anodised", (0.03, 0.03, 0.032), metallic=1.0, roughness=0.3)
    box("Cabinet", (-0.06, -0.05, 0.0), (0.06, 0.05, 0.2), rubber, bevel=0.008)
    box("Front", (-0.052, -0.053, 0.008), (0.052, -0.049, 0.192), gloss, bevel=0.002)
    for height, radius in ((0.065, 0.04), (0.145, 0.024)):
        for name, profile, of in (
            (
                "Rim",
                [(radius, 0.0), (radius + 0.004, 0.001), (radius + 0.004, 0.004), (radius, 0.005)],
                metal,
            ),
            ("Cone", [(radius, 0.004), (radius * 0.35, -0.006), (radius * 0.3, 0.004), (0.0, 0.008)], rubber),
        ):
            part = lathe(name, profile, of)
            part.rotation_euler[0] = math.pi / 2.0
            part.location = (0.0, -0.0532, height)


def pen() -> None:
    """Long and thin: a fountain pen lying down."""
    lacquer = material("Lacquer", (0.02, 0.05, 0.16), roughness=0.08, coat_weight=1.0)
    gold = material("Gold", (0.94, 0.72, 0.38), metallic=1.0, roughness=0.1)
    parts = [
        lathe(
            "Barrel", [(0.0, 0.0), (0.003, 0.0005), (0.0048, 0.006), (0.0058, 0.03), (0.006, 0.07)], lacquer
        ),
        lathe("Ring", [(0.0061, 0.0690), (0.0063, 0.0692), (0.0063, 0.0718), (0.0061, 0.072)], gold),
        lathe(
            "Cap", [(0.0061, 0.0715), (0.0062, 0.1), (0.0056, 0.128), (0.003, 0.134), (0.0, 0.135)], lacquer
        ),
        box("Clip", (-0.001, 0.0062, 0.085), (0.001, 0.0082, 0.128), gold, bevel=0.0004),
    ]
    for part in parts:
        part.rotation_euler[1] = math.pi / 2.0
        part.location = (-0.0675, 0.0, 0.0063)


def book() -> None:
    """Flat: a picture book lying on the table, with a coloured cover and pale pages."""
    cover = material("Cover", (0.55, 0.07, 0.05), roughness=0.35, coat_weight=0.3)
    paper = material("Paper", (0.82, 0.79, 0.71), roughness=0.9)
    foil = material("Foil", (0.94, 0.78, 0.48), metallic=1.0, roughness=0.2)
    box("Pages", (-0.098, -0.138, 0.0015), (0.099, 0.138, 0.0095), paper)
    box("Cover below", (-0.1, -0.142, 0.0), (0.102, 0.142, 0.0016), cover, bevel=0.0005)
    box("Cover above", (-0.1, -0.142, 0.0094), (0.102, 0.142, 0.011), cover, bevel=0.0005)
    box("Spine", (-0.103, -0.142, 0.0), (-0.099, 0.142, 0.011), cover, bevel=0.001)
    box("Title", (-0.05, 0.03, 0.0110), (0.055, 0.045, 0.0112), foil)
    box("Author", (-0.03, 0.012, 0.0110), (0.035, 0.018, 0.0112), foil)


def gem_ring() -> None:
    """Tiny: a gold ring of 2 cm with a cut stone."""
    gold = material("Gold", (0.94, 0.72, 0.38), metallic=1.0, roughness=0.08)
    stone = material("Diamond", (1.0, 1.0, 1.0), roughness=0.0, transmission_weight=1.0, ior=2.42)
    ring(gold, middle=(0.0, 0.0, 0.0102), radius=0.009, thickness=0.0011)
    points = [(0.0, 0.0, 0.0185)]
    for count, radius, height, shift in (
        (16, 0.0032, 0.0216, 0.0),
        (16, 0.0032, 0.0219, 0.0),
        (8, 0.0019, 0.0230, 0.5),
    ):
        step = 2.0 * math.pi / count
        points += [
            (radius * math.cos((i + shift) * step), radius * math.sin((i + shift) * step), height)
            for i in range(count)
        ]
    girdle, upper, table = range(1, 17), range(17, 33), range(33, 41)
    faces: list[list[int]] = [[0, girdle[(i + 1) % 16], girdle[i]] for i in range(16)]
    faces += [[girdle[i], girdle[(i + 1) % 16], upper[(i + 1) % 16], upper[i]] for i in range(16)]
    for i in range(8):
        first, second, third = upper[2 * i], upper[(2 * i + 1) % 16], upper[(2 * i + 2) % 16]
        faces += [[first, second, table[i]], [second, third, table[i]], [third, table[(i + 1) % 8], table[i]]]
    faces.append(list(table))
    solid("Stone", points, faces, stone, smooth=False)
    for turn in range(4):
        prong = box("Prong", (0.0026, -0.0004, 0.0190), (0.0034, 0.0004, 0.0222), gold, bevel=0.0002)
        prong.rotation_euler[2] = math.pi / 4.0 + turn * math.pi / 2.0


def pebbles() -> None:
    """Matt, mid-grey, all soft forms: a pebble stack, which shows the light's shape."""
    for index, (radius, flat, shift, grey) in enumerate(
        ((0.06, 0.45, 0.0, 0.35), (0.045, 0.5, 0.012, 0.55), (0.03, 0.6, -0.006, 0.2))
    ):
        stone = material(f"Stone {index}", (grey, grey * 0.97, grey * 0.93), roughness=0.6)
        heights = (0.027, 0.076, 0.116)
        bpy.ops.mesh.primitive_uv_sphere_add(
            segments=96,
            ring_count=48,
            radius=radius,
            location=(shift, 0.0, heights[index]),
            scale=(1.0, 0.85, flat),
        )
        item = bpy.context.object
        item.data.materials.append(stone)
        item.data.polygons.foreach_set("use_smooth", [True] * len(item.data.polygons))


def million(triangles: int = 1_000_000) -> None:
    """A knobbly vase of about ``triangles`` triangles."""
    clay = material("Clay", (0.5, 0.22, 0.12), roughness=0.5)
    rows = max(8, int(math.sqrt(triangles / 4.0)))
    heights = np.linspace(0.0, 1.0, rows)
    radius = 0.08 + 0.05 * np.sin(heights * 4.2 + 0.4) - 0.03 * heights
    profile = [(0.0, 0.0), *zip(radius.tolist(), (heights * 0.3).tolist(), strict=True)]
    item = lathe("Vase", profile, clay, segments=2 * rows)
    flat = np.empty(len(item.data.vertices) * 3)
    item.data.vertices.foreach_get("co", flat)
    points = flat.reshape(-1, 3)
    turn = np.arctan2(points[:, 1], points[:, 0])
    knobs = 1.0 + 0.03 * np.sin(turn * 24.0) * np.sin(points[:, 2] * 400.0)
    points[:, :2] *= knobs[:, None]
    item.data.vertices.foreach_set("co", points.ravel())
    item.data.update()


PRODUCTS: dict[str, Callable[[], None]] = {
    "glass-bottle": glass_bottle,
    "watch": watch,
    "cushion": fabric_cushion,
    "white-mug": white_mug,
    "black-speaker": black_speaker,
    "pen": pen,
    "book": book,
    "gem-ring": gem_ring,
    "pebbles": pebbles,
    "million": million,
}


def write_product(build: Callable[[], None], target: Path) -> Path:
    """Build a product in an empty Blender and write it as GLB."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    build()
    target.parent.mkdir(parents=True, exist_ok=True)
    bpy.ops.export_scene.gltf(filepath=str(target), export_format="GLB", export_apply=True)
    return target
