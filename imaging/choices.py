# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user can choose about pictures: background, passes, locks, the format of a video's preview.

The values are those of the command line and of ``set.json``.
"""

from enum import StrEnum

HERO = "three-quarter"  # The angle that represents the product, when a set has it.


class Background(StrEnum):
    WHITE = "white"
    GREY = "grey"
    BLACK = "black"
    TRANSPARENT = "transparent"


class Pass(StrEnum):
    DEPTH = "depth"
    NORMAL = "normal"


class Lock(StrEnum):
    """What a photo takes from its render, under the light of the photo."""

    NONE = "none"
    LABELS = "labels"  # Print: labels, logos, patterns and text.
    EDGES = "edges"  # Print, the silhouette, and the edges of the surface.
    ALL = "all"  # The whole product.


class Guide(StrEnum):
    """An exact picture that holds a photo model to the shape of the product."""

    DEPTH = "depth"
    CANNY = "canny"  # Edges, as the detector of that name draws them.


FRAMES_PER_SECOND = 24  # Of videos by Cycles, also of those that are sent to fal.ai.


class Preview(StrEnum):
    WEBP = "webp"
    GIF = "gif"
