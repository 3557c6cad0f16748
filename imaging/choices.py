# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user can choose about pictures: background, passes, the format of a video's preview.

The values are those of the command line and of ``set.json``.
"""

from enum import StrEnum


class Background(StrEnum):
    WHITE = "white"
    GREY = "grey"
    BLACK = "black"
    TRANSPARENT = "transparent"


class Pass(StrEnum):
    DEPTH = "depth"
    NORMAL = "normal"


class Preview(StrEnum):
    WEBP = "webp"
    GIF = "gif"
