# SPDX-License-Identifier: GPL-3.0-or-later
"""The light rigs, by name."""

from .light_map import Area, Rig, Softbox
from .rig_choice import RigChoice

REFERENCE = Rig(  # Even light, in which shape and silhouette are clearly visible everywhere.
    name="softbox",
    lights=(
        Softbox(azimuth=-45.0, elevation=40.0, width=60.0, height=60.0, strength=4.5),
        Softbox(azimuth=60.0, elevation=25.0, width=60.0, height=70.0, strength=2.0),
        Softbox(azimuth=0.0, elevation=88.0, width=80.0, height=80.0, strength=3.0),
        Softbox(azimuth=150.0, elevation=25.0, width=24.0, height=80.0, strength=5.0),
        Softbox(azimuth=-150.0, elevation=25.0, width=24.0, height=80.0, strength=5.0),
    ),
    dome=((0.0, 0.6), (90.0, 0.75)),
)
SOFTBOX = Rig(  # More contrast between key and fill, crisper reflections.
    name="softbox",
    lights=(
        Softbox(azimuth=-50.0, elevation=42.0, width=46.0, height=56.0, strength=11.0, softness=0.15),
        Softbox(azimuth=65.0, elevation=22.0, width=40.0, height=70.0, strength=2.6, softness=0.35),
        Softbox(azimuth=0.0, elevation=86.0, width=70.0, height=60.0, strength=4.5, softness=0.2),
        Softbox(azimuth=148.0, elevation=28.0, width=18.0, height=84.0, strength=10.0, softness=0.1),
        Softbox(azimuth=-148.0, elevation=28.0, width=18.0, height=84.0, strength=10.0, softness=0.1),
    ),
    dome=((0.0, 0.34), (90.0, 0.5)),
)
THREE_POINT = (
    Rig(  # Key, fill and rim light near the product: the light falls off, and the shadow has a direction.
        name="three-point",
        areas=(
            Area(
                name="Key", azimuth=-45.0, elevation=38.0, distance=2.2, width=1.0, height=1.0, strength=3.0
            ),
            Area(
                name="Fill", azimuth=50.0, elevation=15.0, distance=2.6, width=1.6, height=1.6, strength=0.8
            ),
            Area(
                name="Rim", azimuth=155.0, elevation=45.0, distance=2.2, width=0.5, height=1.4, strength=3.2
            ),
        ),
        dome=((0.0, 0.22), (90.0, 0.35)),
    )
)
HIGH_KEY = Rig(  # A bright room; black cards at both sides outline white products.
    name="high-key",
    lights=(
        Softbox(azimuth=-40.0, elevation=45.0, width=80.0, height=70.0, strength=1.3, softness=0.8),
        Softbox(azimuth=0.0, elevation=88.0, width=120.0, height=120.0, strength=0.9, softness=0.8),
        Softbox(azimuth=98.0, elevation=10.0, width=26.0, height=120.0, strength=-0.8, softness=0.5),
        Softbox(azimuth=-98.0, elevation=10.0, width=26.0, height=120.0, strength=-0.8, softness=0.5),
    ),
    dome=((0.0, 0.95), (90.0, 1.1)),
)
DARK_FIELD = Rig(  # Light from behind on both sides: the edges of glass shine in the dark.
    name="dark-field",
    lights=(
        Softbox(azimuth=112.0, elevation=20.0, width=30.0, height=110.0, strength=9.0, softness=0.2),
        Softbox(azimuth=-112.0, elevation=20.0, width=30.0, height=110.0, strength=9.0, softness=0.2),
        Softbox(azimuth=180.0, elevation=66.0, width=80.0, height=20.0, strength=5.0, softness=0.3),
        Softbox(azimuth=-35.0, elevation=55.0, width=40.0, height=40.0, strength=0.35, softness=1.0),
    ),
    dome=((0.0, 0.015), (90.0, 0.03)),
    table_albedo=0.06,
    facing=0.22,
)
JEWELLERY = Rig(  # Wide gradients for polished metal and stones: bright and dark zones without edges.
    name="jewellery",
    lights=(
        Softbox(azimuth=-55.0, elevation=40.0, width=100.0, height=90.0, strength=2.6, softness=1.0),
        Softbox(azimuth=75.0, elevation=30.0, width=80.0, height=100.0, strength=1.4, softness=1.0),
        Softbox(azimuth=180.0, elevation=50.0, width=110.0, height=70.0, strength=1.8, softness=1.0),
        Softbox(azimuth=10.0, elevation=4.0, width=60.0, height=60.0, strength=-0.4, softness=1.0),
    ),
    dome=((0.0, 0.42), (25.0, 0.3), (60.0, 0.9), (90.0, 1.7)),
)

RIGS = {rig.name: rig for rig in (SOFTBOX, THREE_POINT, HIGH_KEY, DARK_FIELD, JEWELLERY)}


def reference_of(rig: Rig) -> Rig:
    """The rig for the references when the photos use ``rig``."""
    if rig.name == SOFTBOX.name and rig.panorama is None:
        return REFERENCE.turned(rotation=rig.rotation, intensity=rig.intensity)
    return rig


def rig_of(choice: RigChoice) -> Rig:
    """The rig for the user's choice."""
    rig = Rig(name=choice.name, panorama=choice.panorama) if choice.panorama else RIGS[choice.name]
    return rig.turned(rotation=choice.rotation, intensity=choice.intensity)
