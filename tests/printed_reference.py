# SPDX-License-Identifier: GPL-3.0-or-later
"""References of a printed product that are drawn instead of rendered, with everything that photos are compared with."""

from typing import Any

import numpy as np
from PIL import Image

from photoreal_set.imaging.compose import png
from photoreal_set.imaging.passes import base_colour_picture, depth_picture, normal_picture
from photoreal_set.photo_set.folder import SetFolder, angle_record
from tests.printed_product import Light, View, view

SIDE = 64
LIGHTS = (
    Light(towards=(0.5, 0.3, 0.8)),
    Light(ambient=(0.5, 0.5, 0.5), gloss=0.05),
    Light(towards=(-0.8, 0.2, 0.5), gloss=0.3),
)


def draw(folder: SetFolder, name: str, *, lines: tuple[str, str], side: int = SIDE) -> None:
    """The reference of an angle and what its photo is compared with; ``lines`` are on the label."""
    seen: View = view(side, lines=lines)
    render = folder.store(f"renders/{name}.png", png(Image.fromarray(seen.picture)))
    folder.store(f"masks/{name}.png", png(Image.fromarray(seen.mask)))
    depth, near, far = depth_picture(seen.depth)
    colour = np.concatenate((seen.base_colour, seen.mask[..., None] / 255.0), axis=-1)
    place = f"fidelity/{name}"
    lit = [view(side, light, lines=lines).picture for light in LIGHTS]
    calibration = {
        "made_with": "drawn",
        "depth": {**folder.store(f"{place}/depth.png", png(depth)), "near": near, "far": far},
        "normal": folder.store(f"{place}/normal.png", png(normal_picture(seen.normal))),
        "base_colour": folder.store(f"{place}/base-colour.png", png(base_colour_picture(colour))),
        "lights": [
            folder.store(f"{place}/light-{number}.png", png(Image.fromarray(picture)))
            for number, picture in enumerate(lit, 1)
        ],
    }
    with folder.change() as record:
        entry: Any = angle_record(record, name)
        entry.update(
            azimuth=0,
            elevation=0,
            mask=f"masks/{name}.png",
            render={**render, "samples": 1},
            calibration=calibration,
        )
