# SPDX-License-Identifier: GPL-3.0-or-later
"""The photo to check: read, or the sentence that says why it cannot be."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from ...files.input_files import read_regular
from ..choices import Background
from ..picture_colours import in_srgb
from ..sent_picture import PictureError, opened_picture
from .view import MIN_SIDE, on_ground

Array = NDArray[Any]

MAX_BYTES = 256 << 20
MAX_STRETCH = (
    0.03  # Photos whose shape differs by less are stretched: models round sizes to multiples of 8 or 64.
)
FLAT = 0.004  # Standard deviation (0 to 1) up to which a picture has one colour.


class UnusablePhotoError(ValueError):
    """Why nothing can be compared with a photo: a sentence."""


def read_photo(photo: Path | Image.Image | Array, background: Background) -> Array:
    """Display values (h, w, 3), 0 to 1, of a file, a picture, or an array (h, w, 3 or 4), uint8.

    Raises UnusablePhotoError.
    """
    if isinstance(photo, Path | str):
        picture = _from_file(Path(photo))
    elif isinstance(photo, Image.Image):
        picture = _still(photo)
    else:
        picture = _from_array(np.asarray(photo))
    if min(picture.size) < MIN_SIDE:
        raise UnusablePhotoError(
            f"The photo is too small to compare: {picture.width} x {picture.height} pixels."
        )
    values = on_ground(np.asarray(picture), background)
    if float(values[::2, ::2].std(axis=(0, 1)).max()) < FLAT:
        raise UnusablePhotoError("The photo has a single color: it shows nothing.")
    return values


def _from_file(path: Path) -> Image.Image:
    try:
        with opened_picture(read_regular(path, MAX_BYTES)) as picture:
            return _still(picture)
    except PictureError as error:
        raise UnusablePhotoError(f"The photo cannot be read: it {error}.") from error
    except OSError as error:
        raise UnusablePhotoError(f"The photo cannot be read: {error.strerror or error}.") from error


def _still(picture: Image.Image) -> Image.Image:
    if getattr(picture, "n_frames", 1) > 1 and picture.format != "MPO":
        raise UnusablePhotoError("The photo is animated: it has several frames.")
    try:
        upright = ImageOps.exif_transpose(picture)
        upright.info.setdefault("icc_profile", picture.info.get("icc_profile"))
        return in_srgb(upright)
    except (OSError, ValueError, SyntaxError) as error:
        raise UnusablePhotoError(f"The photo cannot be read: {error}.") from error


def _from_array(values: Array) -> Image.Image:
    if values.ndim == 2:
        values = np.repeat(values[..., None], 3, axis=-1)
    if values.ndim != 3 or values.shape[2] not in (3, 4):
        raise UnusablePhotoError("The photo is not a color picture.")
    if values.dtype != np.uint8:
        if not np.isfinite(values).all():
            raise UnusablePhotoError("The photo contains values that are not numbers.")
        values = np.clip(np.rint(values.astype(np.float32) * 255.0), 0, 255).astype(np.uint8)
    return Image.fromarray(np.ascontiguousarray(values))


def is_other_shape(size: tuple[int, int], full: tuple[int, int]) -> bool:
    """Whether a photo of ``size`` has another aspect ratio than a render of the size ``full``, (width, height)."""
    return abs(size[0] / size[1] / (full[0] / full[1]) - 1.0) > MAX_STRETCH


def require_same_shape(photo: Array, full: tuple[int, int]) -> None:
    """Raise UnusablePhotoError when the photo is not of the shape of the render, (width, height)."""
    if is_other_shape((photo.shape[1], photo.shape[0]), full):
        raise UnusablePhotoError(
            f"The photo has a different aspect ratio than the render: {photo.shape[1]} x {photo.shape[0]} pixels "
            f"instead of {full[0]} x {full[1]}."
        )
