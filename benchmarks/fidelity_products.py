# SPDX-License-Identifier: GPL-3.0-or-later
"""Products made in code for ``benchmarks.fidelity``: print, parts, metal, cloth, plain and busy surfaces. Needs bpy."""

import math
from collections.abc import Callable

import bpy
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks.products import PRODUCTS, box, label, lathe, material, ring, solid

WORDS = (
    "MORNING",
    "No. 12",
    "OAT & HONEY",
    "1.5 l",
    "Refill",
    "Made in small batches",
    "SOFT",
    "Type 4",
    "COAST",
)


def picture(
    name: str, size: tuple[int, int], ground: tuple[int, int, int], ink: tuple[int, int, int], seed: int
) -> bpy.types.Image:
    """A printed sheet: bands, a sign and lines of text."""
    generator = np.random.default_rng(seed)
    sheet = Image.new("RGB", size, ground)
    draw = ImageDraw.Draw(sheet)
    width, height = size
    band = tuple(int(v) for v in generator.integers(30, 230, 3))
    draw.rectangle((0, height * 0.80, width, height * 0.90), fill=band)
    x, y = width * generator.uniform(0.3, 0.7), height * generator.uniform(0.18, 0.3)
    draw.ellipse((x - width * 0.12, y - width * 0.12, x + width * 0.12, y + width * 0.12), fill=band)
    for row, share in enumerate((0.44, 0.56, 0.66, 0.73)):
        text = WORDS[int(generator.integers(len(WORDS)))]
        font = ImageFont.load_default(height * (0.11, 0.08, 0.05, 0.035)[row])
        draw.text((width / 2, height * share), text, fill=ink, font=font, anchor="mm")
    made = bpy.data.images.new(name, width, height)
    pixels = np.ones((height, width, 4), dtype=np.float32)
    pixels[..., :3] = np.asarray(sheet, dtype=np.float32)[::-1] / 255.0
    made.pixels.foreach_set(pixels.ravel())
    made.pack()
    return made


def printed_material(name: str, image: bpy.types.Image, **inputs: float) -> bpy.types.Material:
    made = material(name, (1.0, 1.0, 1.0), **inputs)
    texture = made.node_tree.nodes.new("ShaderNodeTexImage")
    texture.image = image
    made.node_tree.links.new(
        texture.outputs["Color"], made.node_tree.nodes["Principled BSDF"].inputs["Base Color"]
    )
    return made


def sheet(name: str, corners: list[tuple[float, float, float]], of: bpy.types.Material) -> bpy.types.Object:
    """A flat sheet with a picture: corners from lower left counter-clockwise."""
    item = solid(name, corners, [(0, 1, 2, 3)], of, smooth=False)
    places = item.data.uv_layers.new(name="UVMap").data
    for loop in item.data.loops:
        places[loop.index].uv = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))[loop.vertex_index]
    return item


def wrapped(name: str, radius: float, low: float, high: float, of: bpy.types.Material) -> bpy.types.Object:
    """A picture all around a round body, twice."""
    shares = np.linspace(0.0, 1.0, 97)
    turns = shares * 2.0 * math.pi - math.pi / 2.0
    points = [(radius * math.cos(turn), radius * math.sin(turn), z) for z in (low, high) for turn in turns]
    last = len(shares)
    item = solid(name, points, [(i, i + 1, last + i + 1, last + i) for i in range(last - 1)], of)
    places = item.data.uv_layers.new(name="UVMap").data
    for loop in item.data.loops:
        row, column = divmod(loop.vertex_index, last)
        places[loop.index].uv = (float(shares[column]) * 2.0 + 0.5, float(row))
    return item


def carton() -> None:
    """A folding carton, printed on three sides."""
    white = material("Board", (0.85, 0.84, 0.80), roughness=0.55)
    box("Carton", (-0.05, -0.03, 0.0), (0.05, 0.03, 0.14), white)
    front = printed_material(
        "Front", picture("Front", (700, 980), (236, 230, 214), (30, 40, 60), 3), roughness=0.5
    )
    side = printed_material(
        "Side", picture("Side", (420, 980), (60, 96, 120), (245, 240, 230), 4), roughness=0.5
    )
    e = 0.0302
    sheet("Front", [(-0.05, -e, 0.0), (0.05, -e, 0.0), (0.05, -e, 0.14), (-0.05, -e, 0.14)], front)
    sheet(
        "Right",
        [(0.0502, -0.03, 0.0), (0.0502, 0.03, 0.0), (0.0502, 0.03, 0.14), (0.0502, -0.03, 0.14)],
        side,
    )
    sheet(
        "Left",
        [(-0.0502, 0.03, 0.0), (-0.0502, -0.03, 0.0), (-0.0502, -0.03, 0.14), (-0.0502, 0.03, 0.14)],
        side,
    )


def drink_can() -> None:
    """An aluminium can, printed all around."""
    metal = material("Aluminium", (0.80, 0.80, 0.81), metallic=1.0, roughness=0.25)
    print_ = printed_material(
        "Print",
        picture("Can", (1200, 900), (180, 40, 34), (250, 246, 236), 5),
        roughness=0.3,
        coat_weight=0.4,
    )
    lathe("Can", [(0.0, 0.0), (0.024, 0.0), (0.0325, 0.008), (0.033, 0.012), (0.033, 0.108), (0.028, 0.118),
                  (0.0275, 0.121), (0.026, 0.121), (0.025, 0.1185), (0.0, 0.1185)], metal)  # fmt: skip
    wrapped("Sleeve", 0.0331, 0.012, 0.108, print_)


def stool() -> None:
    """A stool of wood: legs, rungs and a padded seat."""
    wood = material("Wood", (0.42, 0.25, 0.13), roughness=0.5)
    pad = material("Pad", (0.10, 0.22, 0.30), roughness=0.85)
    lathe("Seat", [(0.0, 0.45), (0.17, 0.45), (0.18, 0.46), (0.18, 0.48), (0.165, 0.505), (0.0, 0.515)], pad)
    for index, (x, y) in enumerate(((-1, -1), (1, -1), (1, 1), (-1, 1))):
        leg = lathe(f"Leg {index}", [(0.0, 0.0), (0.012, 0.0), (0.018, 0.46), (0.0, 0.46)], wood, segments=32)
        leg.location = (0.15 * x, 0.15 * y, 0.0)
        leg.rotation_euler = (0.12 * y, -0.12 * x, 0.0)
    for index, (x, y, turn) in enumerate(
        ((0, -0.125, 0.0), (0, 0.125, 0.0), (0.125, 0, 1.57), (-0.125, 0, 1.57))
    ):
        rung = box(f"Rung {index}", (-0.13, -0.008, 0.17), (0.13, 0.008, 0.19), wood, bevel=0.004)
        rung.location = (x, y, 0.0)
        rung.rotation_euler[2] = turn


def desk_lamp() -> None:
    """A lamp of brushed and painted metal: foot, arm, shade, switch."""
    steel = material("Steel", (0.6, 0.6, 0.62), metallic=1.0, roughness=0.3)
    paint = material("Paint", (0.75, 0.52, 0.08), roughness=0.3, coat_weight=0.5)
    dark = material("Dark", (0.02, 0.02, 0.02), roughness=0.5)
    lathe(
        "Foot", [(0.0, 0.0), (0.085, 0.0), (0.088, 0.006), (0.085, 0.014), (0.02, 0.022), (0.0, 0.022)], paint
    )
    lathe("Arm", [(0.0, 0.02), (0.007, 0.02), (0.007, 0.36), (0.0, 0.36)], steel, segments=32)
    shade = lathe("Shade", [(0.02, 0.10), (0.035, 0.095), (0.085, 0.0), (0.087, 0.0), (0.036, 0.098), (0.018, 0.104),
                            (0.0, 0.104)], paint)  # fmt: skip
    shade.location, shade.rotation_euler[0] = (0.0, -0.05, 0.30), 0.35
    joint = lathe("Joint", [(0.0, -0.016), (0.014, -0.016), (0.014, 0.016), (0.0, 0.016)], dark, segments=32)
    joint.location, joint.rotation_euler[1] = (0.0, 0.0, 0.345), math.pi / 2
    knob = lathe("Switch", [(0.0, 0.0), (0.012, 0.0), (0.010, 0.014), (0.0, 0.014)], dark, segments=32)
    knob.location = (0.0, -0.055, 0.016)


def radio() -> None:
    """A table radio: cloth front, knobs, feet, a scale with figures."""
    walnut = material("Walnut", (0.28, 0.14, 0.07), roughness=0.35)
    cloth = material("Cloth", (0.55, 0.50, 0.40), roughness=0.95)
    brass = material("Brass", (0.85, 0.62, 0.3), metallic=1.0, roughness=0.25)
    scale = printed_material(
        "Scale", picture("Scale", (600, 400), (240, 236, 220), (20, 20, 20), 8), roughness=0.4
    )
    box("Cabinet", (-0.14, -0.06, 0.01), (0.14, 0.06, 0.17), walnut, bevel=0.012)
    box("Front", (-0.125, -0.063, 0.025), (0.03, -0.058, 0.155), cloth, bevel=0.002)
    for row in range(12):
        z = 0.035 + row * 0.01
        box(f"Slat {row}", (-0.12, -0.0645, z), (0.025, -0.0625, z + 0.003), walnut)
    e = -0.0605
    sheet("Scale", [(0.04, e, 0.095), (0.125, e, 0.095), (0.125, e, 0.152), (0.04, e, 0.152)], scale)
    for index, x in enumerate((0.055, 0.108)):
        knob = lathe(f"Knob {index}", [(0.0, 0.0), (0.019, 0.0), (0.017, 0.018), (0.0, 0.019)], brass)
        knob.location, knob.rotation_euler[0] = (x, -0.06, 0.058), math.pi / 2
    for index, (x, y) in enumerate(((-0.12, -0.04), (0.12, -0.04), (0.12, 0.04), (-0.12, 0.04))):
        foot = lathe(
            f"Foot {index}", [(0.0, 0.0), (0.009, 0.0), (0.011, 0.012), (0.0, 0.012)], brass, segments=24
        )
        foot.location = (x, y, 0.0)


def vase() -> None:
    """Round and plain, white."""
    glaze = material("Glaze", (0.80, 0.79, 0.77), roughness=0.25)
    heights = np.linspace(0.0, 1.0, 60)
    radius = 0.05 + 0.03 * np.sin(heights * 3.6) - 0.03 * heights**3
    lathe(
        "Vase",
        [(0.0, 0.0), *zip(radius.tolist(), (heights * 0.26).tolist(), strict=True), (0.03, 0.25)],
        glaze,
    )


def teapot() -> None:
    """A coloured pot with a lid, a knob, a spout and a handle."""
    glaze = material("Glaze", (0.06, 0.24, 0.20), roughness=0.15, coat_weight=0.6)
    clay = material("Clay", (0.55, 0.35, 0.22), roughness=0.7)
    turns = np.linspace(0.0, math.pi, 40)
    lathe(
        "Pot",
        [(0.0, 0.0), *[(0.03 + 0.045 * math.sin(t), 0.055 - 0.055 * math.cos(t)) for t in turns]],
        glaze,
    )
    lathe("Lid", [(0.034, 0.109), (0.034, 0.114), (0.02, 0.122), (0.0, 0.124)], clay)
    lathe(
        "Knob",
        [(0.0, 0.122), (0.006, 0.123), (0.010, 0.132), (0.006, 0.139), (0.0, 0.140)],
        clay,
        segments=48,
    )
    ring(glaze, middle=(0.085, 0.0, 0.06), radius=0.03, thickness=0.007)
    spout = lathe("Spout", [(0.020, 0.0), (0.012, 0.05), (0.009, 0.075), (0.007, 0.075), (0.01, 0.05)], glaze)
    spout.location, spout.rotation_euler[1] = (-0.055, 0.0, 0.045), -0.8


def controller() -> None:
    """A game controller: a soft black body, sticks, coloured buttons."""
    body = material("Body", (0.03, 0.03, 0.035), roughness=0.5)
    rubber = material("Rubber", (0.015, 0.015, 0.015), roughness=0.85)
    parts = [box("Body", (-0.07, -0.035, 0.0), (0.07, 0.035, 0.035), body, bevel=0.016)]
    for index, x in enumerate((-0.06, 0.06)):
        grip = lathe(
            f"Grip {index}", [(0.0, 0.0), (0.015, 0.003), (0.021, 0.03), (0.021, 0.06), (0.0, 0.075)], body
        )
        grip.rotation_euler, grip.location = (1.4, 0.0, -0.25 if x < 0 else 0.25), (x * 1.25, -0.075, 0.012)
        parts.append(grip)
    for index, (x, y) in enumerate(((-0.028, -0.012), (0.028, -0.012))):
        stick = lathe(
            f"Stick {index}",
            [(0.0, 0.034), (0.013, 0.034), (0.008, 0.045), (0.013, 0.048), (0.0, 0.049)],
            rubber,
        )
        stick.location = (x, y, 0.0)
        parts.append(stick)
    colours = ((0.7, 0.05, 0.05), (0.05, 0.35, 0.08), (0.05, 0.1, 0.6), (0.7, 0.5, 0.05))
    for index, colour in enumerate(colours):
        turn = index * math.pi / 2
        button = lathe(f"Button {index}", [(0.0, 0.033), (0.006, 0.033), (0.0055, 0.039), (0.0, 0.040)],
                       material(f"Button {index}", colour, roughness=0.3))  # fmt: skip
        button.location = (0.055 + 0.012 * math.cos(turn), 0.012 + 0.012 * math.sin(turn), 0.0)
        parts.append(button)
    cross = material("Cross", (0.25, 0.25, 0.26), roughness=0.4)
    parts.append(box("Cross", (-0.070, 0.009, 0.034), (-0.045, 0.015, 0.039), cross, bevel=0.001))
    parts.append(box("Cross 2", (-0.0605, 0.0, 0.034), (-0.0545, 0.025, 0.0388), cross, bevel=0.001))
    stand = bpy.data.objects.new("Stand", None)
    bpy.context.scene.collection.objects.link(stand)
    stand.rotation_euler[0] = math.radians(50.0)
    for part in parts:
        part.parent = stand


def cosmetics() -> None:
    """A white pump bottle with a coloured label."""
    white = material("White", (0.82, 0.82, 0.81), roughness=0.3)
    grey = material("Grey", (0.55, 0.56, 0.58), roughness=0.4)
    lathe("Bottle", [(0.0, 0.0), (0.030, 0.0), (0.033, 0.004), (0.033, 0.115), (0.028, 0.125), (0.012, 0.13), (0.0, 0.13)],
          white)  # fmt: skip
    lathe("Collar", [(0.0, 0.128), (0.014, 0.128), (0.014, 0.142), (0.0, 0.142)], grey)
    lathe("Stem", [(0.0, 0.14), (0.004, 0.14), (0.004, 0.16), (0.0, 0.16)], grey, segments=24)
    box("Head", (-0.035, -0.008, 0.158), (0.012, 0.008, 0.168), grey, bevel=0.003)
    paper = printed_material(
        "Paper", picture("Label", (800, 900), (210, 224, 214), (20, 60, 50), 11), roughness=0.5
    )
    item = label("Label", radius=0.0334, low=0.02, high=0.095, degrees=150.0)
    item.data.materials[0] = paper


def black_bottle() -> None:
    """A glossy black bottle with a pale label and a gold cap."""
    black = material("Black", (0.008, 0.008, 0.009), roughness=0.08, coat_weight=0.7)
    gold = material("Gold", (0.9, 0.68, 0.34), metallic=1.0, roughness=0.18)
    lathe("Bottle", [(0.0, 0.0), (0.034, 0.0), (0.037, 0.004), (0.037, 0.13), (0.03, 0.155), (0.013, 0.175), (0.012, 0.215),
                     (0.0, 0.215)], black)  # fmt: skip
    lathe("Cap", [(0.0, 0.21), (0.0135, 0.21), (0.0135, 0.245), (0.0, 0.246)], gold)
    label("Label", radius=0.0374, low=0.03, high=0.1, degrees=130.0)


def toolbox() -> None:
    """A painted metal box with handle, latches and drawers."""
    red = material("Red", (0.45, 0.03, 0.03), roughness=0.35, coat_weight=0.3)
    steel = material("Steel", (0.62, 0.62, 0.64), metallic=1.0, roughness=0.28)
    box("Lower", (-0.15, -0.07, 0.0), (0.15, 0.07, 0.09), red, bevel=0.006)
    box("Upper", (-0.152, -0.072, 0.094), (0.152, 0.072, 0.14), red, bevel=0.01)
    for index, x in enumerate((-0.09, 0.09)):
        box(f"Latch {index}", (x - 0.012, -0.078, 0.075), (x + 0.012, -0.07, 0.115), steel, bevel=0.002)
    for index, z in enumerate((0.02, 0.05)):
        box(f"Grip {index}", (-0.05, -0.076, z), (0.05, -0.069, z + 0.012), steel, bevel=0.002)
    ring(steel, middle=(0.0, 0.0, 0.135), radius=0.05, thickness=0.006)


MADE: dict[str, Callable[[], None]] = {
    **{name: build for name, build in PRODUCTS.items() if name not in ("million", "gem-ring")},
    "carton": carton,
    "drink-can": drink_can,
    "stool": stool,
    "desk-lamp": desk_lamp,
    "radio": radio,
    "vase": vase,
    "teapot": teapot,
    "controller": controller,
    "cosmetics": cosmetics,
    "black-bottle": black_bottle,
    "toolbox": toolbox,
}
