# SPDX-License-Identifier: GPL-3.0-or-later
"""Composes the frames of a video or a spin, whose shots mostly share one camera."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..imaging.choices import Background
from ..imaging.compose import compose
from ..optics.shadow import GroundView
from ..optics.sizes import square
from .render import Shot


class FrameComposer:
    """Puts shots of ``side`` pixels before ``background``. For one thread."""

    def __init__(self, background: Background, side: int) -> None:
        self._background = background
        self._side = side
        self._ground: GroundView | None = None

    def picture(self, shot: Shot) -> Image.Image:
        """The finished frame; RGBA before a transparent background, otherwise RGB."""
        return compose(shot.colour, self._shadow_in(shot), self._background, shot.through)

    def _shadow_in(self, shot: Shot) -> NDArray[np.float32]:
        """As ``Shot.shadow``. Mostly the camera does not move, and projecting takes longer than the rest."""
        if self._ground is None or self._ground.framing is not shot.framing:
            self._ground = GroundView(shot.framing, square(self._side), shot.ground.shape[0])
        return self._ground.cast(shot.ground)
