# SPDX-License-Identifier: GPL-3.0-or-later
"""Pairs for ``benchmarks.fidelity --folder DIR``: the photos of sets that people found right, and the same photos with defects.

A photo is taken as it was received, or as it was moved back onto its render; a locked photo is partly its render and would
prove nothing. Its defects are made in the picture: what an image model does to a product in three dimensions is missing.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.fidelity_pairs import Result, checked
from benchmarks.fidelity_photos import Pair, affine, bend, recolour, warp
from command_line.bootstrap import load_package

load_package()

from photoreal_set.imaging.choices import Background  # noqa: E402
from photoreal_set.imaging.fidelity import Reference  # noqa: E402
from photoreal_set.imaging.fidelity.planes import resized  # noqa: E402
from photoreal_set.messages.errors import PhotorealError  # noqa: E402
from photoreal_set.photo_set.calibration import is_calibrated, reference_for  # noqa: E402
from photoreal_set.photo_set.folder import SetFolder  # noqa: E402
from photoreal_set.photo_set.folder_check import sets_in  # noqa: E402

Array = Any
SAME_LIGHT = 0.75  # ``Report.light_kept`` from which a photo counts as one in the light of its render.


@dataclass(frozen=True, eq=False)
class KeptPhoto:
    """A photo that a set shows, and what it is compared with. ``made_by``: the endpoint, or Cycles."""

    product: str
    picture: Image.Image
    reference: Reference
    made_by: str
    is_calibrated: bool


def results_in(folder: Path, seed: int, *, plain: bool, say: Callable[[str], None]) -> Iterator[Result]:
    """Check the photos in a set or a catalogue, and the same photos with defects. ``plain``: without relit renders.

    Raises InputError when there is no set.
    """
    last: KeptPhoto | None = None
    for root in sets_in(folder):
        try:
            photos = list(kept_photos(root, plain=plain, say=say))
        except PhotorealError as error:
            say(f"{root}: {error}")
            continue
        for photo in photos:
            # Another view of a round product may look the same.
            other = last.picture if last is not None and last.product != photo.product else None
            for pair in pairs_of(photo, other, np.random.default_rng(seed)):
                yield checked(pair, photo.reference, same_light=SAME_LIGHT)
        last = photos[-1] if photos else last


def kept_photos(root: Path, *, plain: bool, say: Callable[[str], None]) -> Iterator[KeptPhoto]:
    """The photos of one set that no person has rejected. Raises PhotorealError."""
    folder = SetFolder.open(root)
    record = folder.record
    plan: Any = record.get("plan") or {}
    background = Background(plan.get("background", Background.WHITE))
    for entry in record["angles"]:
        shown: Any = entry.get("photo") or {}
        name = f"{record.get('product', root.name)} {entry['name']}"
        path = _file_of(shown)
        if not path or _is_rejected(shown):
            say(f"{name}: {'rejected by a person' if path else 'no photo'}, left out")
            continue
        reference = reference_for(folder, entry, background)
        if reference is None or not (root / path).is_file():
            say(f"{name}: a file of the photo or its render is missing, left out")
            continue
        yield KeptPhoto(
            product=str(record.get("product", root.name)),
            picture=_opened(root / path),
            reference=_without_lights(reference) if plain else reference,
            made_by=str(shown.get("endpoint") or shown.get("engine") or "unknown"),
            is_calibrated=is_calibrated(folder, entry) and not plain,
        )


def _file_of(shown: Mapping[str, Any]) -> str:
    moved = (shown.get("fidelity") or {}).get("realigned") or {}
    return str(moved.get("path") or shown.get("original") or shown.get("path") or "")


def _is_rejected(shown: Mapping[str, Any]) -> bool:
    return (shown.get("review") or {}).get("decision") in ("reject", "retry")


def _opened(path: Path) -> Image.Image:
    with Image.open(path) as picture:
        return picture.convert("RGBA" if "A" in picture.getbands() else "RGB")


def _without_lights(reference: Reference) -> Reference:
    names = ("render", "mask", "depth", "normal", "base_colour", "background")
    return Reference(**{name: getattr(reference, name) for name in names})


def pairs_of(photo: KeptPhoto, other: Image.Image | None, generator: Any) -> Iterator[Pair]:
    """The photo, and the photo with each defect. ``other``: a photo of another product."""
    chain = f"{photo.made_by}, {'' if photo.is_calibrated else 'not '}calibrated"

    def pair(kind: str, size: float, picture: Image.Image) -> Pair:
        return Pair(photo.product, kind, size, "", picture, chain)

    yield pair("good", 0.0, photo.picture)
    values = np.asarray(photo.picture.convert("RGB"))
    for kind, size, matrix in _moves(generator):
        yield pair(kind, size, Image.fromarray(warp(values, matrix)))
    yield pair("bent", 4.0, Image.fromarray(bend(values, 0.04)))
    yield pair("mirrored", 0.0, Image.fromarray(np.ascontiguousarray(values[:, ::-1])))
    if other is not None:
        yield pair("other product", 0.0, other.resize(photo.picture.size))
    mask = photo.reference.mask.astype(np.float32)
    cover = resized(mask / max(1.0, float(mask.max())), photo.picture.size)
    layer = np.dstack((values, np.full(values.shape[:2], 255, np.uint8)))
    if (cover > 0.5).sum() > 50:
        changed, size = recolour(layer, np.clip(cover, 0.0, 1.0), 12.0, generator)
        yield pair("recoloured", round(size, 1), Image.fromarray(changed[..., :3]))


def _moves(generator: Any) -> Iterator[tuple[str, float, Array]]:
    for size in (2.5, 4.0):
        turn = generator.uniform(0, 2 * np.pi)
        yield "shift", size, affine(shift=(size / 100 * np.cos(turn), size / 100 * np.sin(turn)))
        yield "zoom", size, affine(scale=1.0 + size / 100 * generator.choice((-1.0, 1.0)))
    yield "roll", 2.5, affine(turn=2.5 * generator.choice((-1.0, 1.0)))
    stretch = np.column_stack((np.eye(2), (0.0, 0.0)))
    stretch[0, 0] += 0.04
    yield "stretch", 4.0, stretch
