# SPDX-License-Identifier: GPL-3.0-or-later
"""What a photo is compared with: a render and what else is known of the view."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..choices import Background
from .measures import teach
from .planes import linear_light
from .view import SIDE, View, prepared

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Reference:
    """One view of the product. All arrays have row 0 on top; all but ``lights`` have the size of ``render``.

    ``render``: uint8 (h, w, 3), or (h, w, 4) for a transparent background, which is then shown on ``background``.
    ``mask``: coverage of the product (h, w), uint8, or float from 0 to 1. ``depth``: float (h, w), any unit, larger is
    farther, not finite where there is no surface. ``normal``: float (h, w, 3), unit vectors in camera space.
    ``base_colour``: linear float (h, w, 3), 0 to 1. ``lights``: renders of the same view in other light, uint8 (h, w, 3) or
    (h, w, 4), of the same shape as ``render`` and any size: the check learns from them what light alone changes.
    """

    render: Array
    mask: Array
    depth: Array | None = None
    normal: Array | None = None
    base_colour: Array | None = None
    lights: Sequence[Array] = ()
    background: Background = Background.WHITE
    _views: dict[int, View] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def load(
        cls,
        render: Path,
        mask: Path,
        *,
        depth: Path | None = None,
        normal: Path | None = None,
        base_colour: Path | None = None,
        lights: Sequence[Path] = (),
        background: Background = Background.WHITE,
    ) -> "Reference":
        """The reference from files that this program wrote: the pictures of a set.

        ``depth`` and ``normal`` are as ``imaging.passes`` writes them, ``base_colour`` is an sRGB picture.
        Raises OSError for a file that cannot be read.
        """
        return cls(
            render=_pixels(render),
            mask=_pixels(mask, "L"),
            depth=None if depth is None else depth_from(_deep(depth)),
            normal=None if normal is None else normal_from(_pixels(normal, "RGB")),
            base_colour=None if base_colour is None else base_from(_pixels(base_colour, "RGB")),
            lights=[_pixels(path) for path in lights],
            background=background,
        )

    def view(self, longer: int = SIDE) -> View:
        """The view with ``longer`` pixels along its longer side, with what its relit renders teach. Computed once.

        Raises UnusableReferenceError when nothing can be compared with this reference.
        """
        side = min(SIDE, longer)
        if side not in self._views:
            view = prepared(
                self.render,
                self.mask,
                depth=self.depth,
                normal=self.normal,
                base_colour=self.base_colour,
                lights=self.lights,
                background=self.background,
                longer=side,
            )
            teach(view)
            self._views[side] = view
        return self._views[side]


def depth_from(picture: Array) -> Array:
    """Relative depth of a 16-bit picture of ``imaging.passes.depth_picture``: 0 nearest, 1 farthest, infinite nowhere."""
    values = picture.astype(np.float32)
    return np.where(values > 0, 1.0 - (values - 1.0) / 65534.0, np.inf).astype(np.float32)


def normal_from(picture: Array) -> Array:
    """Unit vectors of a picture of ``imaging.passes.normal_picture``."""
    normal = picture.astype(np.float32) / 127.5 - 1.0
    unit: Array = normal / np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-6)
    return unit


def base_from(picture: Array) -> Array:
    """Linear base colour of an sRGB picture."""
    return linear_light(picture.astype(np.float32) / 255.0)


def _pixels(path: Path, mode: str = "") -> Array:
    with Image.open(path) as picture:
        if mode:
            return np.asarray(picture.convert(mode))
        return np.asarray(picture if picture.mode in ("RGB", "RGBA") else picture.convert("RGB"))


def _deep(path: Path) -> Array:
    with Image.open(path) as picture:
        return np.asarray(picture)
