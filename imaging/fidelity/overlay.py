# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as a picture, and the photo moved back onto the render."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ..choices import Background
from .photo import read_photo
from .planes import resized, warped
from .reference import Reference
from .report import Report
from .windows import grown, shrunk

Array = NDArray[Any]
Photo = Path | Image.Image | Array

COLOURS = {
    "missing": (226, 60, 50),
    "unexplained": (240, 150, 20),
    "changed": (214, 40, 120),
    "colour": (120, 70, 220),
    "print": (20, 120, 230),
    "outside": (240, 150, 20),
}
OUTLINE = (0, 170, 120)
CASING = (255, 255, 255)  # Around the lines of regions, which dark products would hide.
BORDER = 0.01  # Of the longer side: what is mirrored where a photo that is moved back has nothing.
FRAME = 2.0  # Pixels at a longer side of 512.


def draw_overlay(photo: Photo, reference: Reference, report: Report) -> Image.Image:
    """The photo with the outline of the render, where it should be, and the regions that are wrong: RGB.

    Raises UnusablePhotoError when the photo cannot be read.
    """
    values = read_photo(photo, reference.background)
    height, width = values.shape[:2]
    picture = Image.fromarray(np.rint(values * 255).astype(np.uint8))
    line = max(1, round(FRAME * max(picture.size) / 512))
    mask = reference.mask.astype(np.float32)
    cover = resized(mask / max(1.0, float(mask.max())), (width, height)) > 0.5
    radius = max(1, line // 2)
    border = grown(cover, radius) & ~shrunk(cover, radius)
    picture.paste(OUTLINE, mask=Image.fromarray(border.astype(np.uint8) * 255))
    draw = ImageDraw.Draw(picture)
    for region in report.regions:
        points = [(x * width, y * height) for x, y in region.polygon]
        for colour, thickness in ((CASING, 2 * line), (COLOURS[region.kind], line)):
            draw.line([*points, points[0]], fill=colour, width=thickness, joint="curve")
    return picture


def realign(photo: Photo, report: Report, *, background: Background = Background.WHITE) -> Image.Image:
    """The photo moved back onto the render: RGB of the size of the photo, in the shape of the render.

    Where the photo has nothing, its own ground is continued from the border, so that no seam is seen.
    Raises UnusablePhotoError when the photo cannot be read, ValueError when the report has no registration.
    """
    if report.registration is None:
        raise ValueError("The photo could not be aligned with the render.")
    values = read_photo(photo, background)
    affine = np.array(report.registration.affine)
    size = (values.shape[1], values.shape[0])
    moved = warped(values, affine, size, border=max(2, round(BORDER * max(size))))
    return Image.fromarray(np.clip(np.rint(moved * 255), 0, 255).astype(np.uint8))
