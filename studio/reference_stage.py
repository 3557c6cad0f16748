# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders the reference of each angle, with its mask."""

import math
from collections.abc import Callable
from pathlib import PurePath
from typing import cast

from PIL import Image

from ..imaging.choices import Background
from ..imaging.compose import box_of, compose, fill_of, mask_of, png
from ..optics.angles import FILL, Angle, hero_first
from ..optics.framing import Framing, framing_from
from ..optics.rigs import reference_of
from ..photo_set.choices import Engine
from ..photo_set.folder import Record, angle_record
from ..photo_set.provenance import finished, provenance_of
from .quality import DRAFT, REFERENCE
from .render import Shot
from .session import Session
from .stage_work import StageWork

MIN_FILL, MAX_FILL = 0.85, 0.90
MAX_REFITS = 3
MAX_UNEVEN = 2  # Pixels by which opposite margins may differ.


class ReferenceStage:
    """Renders references. ``when_rendered`` is called with every angle whose reference is on disk."""

    def __init__(self, work: StageWork, session: Session, when_rendered: Callable[[Angle], None]) -> None:
        self._work = work
        self._session = session
        self._when_rendered = when_rendered
        self._quality = work.quality(DRAFT if work.plan.quality == DRAFT.name else REFERENCE)
        self._light = reference_of(work.rig)

    def expect(self) -> None:
        """Announce what ``go`` is going to render."""
        plan = self._work.plan
        count = sum(not self._is_kept(angle) for angle in plan.angles)
        self._work.expect("references", count, self._quality, plan.resolution)

    def go(self) -> None:
        """Render the references that are missing or out of date, the hero first."""
        self._session.stand_before(self._behind_glass())
        angles = hero_first(list(self._work.plan.angles))
        self._work.each("references", angles, self._is_kept, self._make, self._keep)

    def _behind_glass(self) -> Background:
        """Image models are asked for a white background when the plan has a transparent one."""
        plan = self._work.plan
        is_for_white = plan.engine is Engine.FAL and plan.background is Background.TRANSPARENT
        return Background.WHITE if is_for_white else plan.background

    def _made_with(self, angle: Angle) -> str:
        entry = self._work.results.angle(angle)
        shared = (
            {name: entry.get(name) for name in ("camera", "shared_mask")} if self._work.plan.title else {}
        )
        return self._work.made_with(angle, self._quality, self._light, **shared)

    def _is_kept(self, angle: Angle) -> bool:
        folder = self._work.folder
        entry = self._work.results.angle(angle).get("render")
        mask = folder.root / "masks" / f"{angle.name}.png"
        return folder.has(entry, made_with=self._made_with(angle)) and mask.is_file()

    def _keep(self, angle: Angle) -> None:
        self._work.writer.do(lambda: self._when_rendered(angle))

    def _make(self, angle: Angle) -> None:
        session = self._session
        session.light(self._light)
        given = self._work.results.angle(angle).get("camera") if self._work.plan.title else None
        framing = framing_from(given) if given else session.framing(angle)
        shot = session.shoot(framing, angle, self._quality)
        self._work.note_denoiser(session)
        mask = mask_of(shot.colour)
        for _refit in range(MAX_REFITS if angle.shows_whole_product and not given else 0):
            # With textures that are partly transparent, or tips thinner than a pixel, less is visible than the vertices
            # span.
            box = _box_to_refit(mask, angle)
            if box is None:
                break
            framing = session.refit(framing, box, angle)
            shot = session.shoot(framing, angle, self._quality)
            mask = mask_of(shot.colour)
        made_with = self._made_with(angle)
        self._work.writer.do(lambda: self._store(angle, framing, shot, mask, made_with))

    def _store(self, angle: Angle, framing: Framing, shot: Shot, mask: Image.Image, made_with: str) -> None:
        folder = self._work.folder
        picture = compose(shot.colour, shot.shadow, self._work.plan.background, shot.through)
        entry = self._work.results.angle(angle)
        masked = {"mask": entry.get("mask"), "fill": entry.get("fill")}
        if not entry.get("shared_mask"):
            stored_mask = folder.store(f"masks/{angle.name}.png", png(mask))
            masked = {"mask": stored_mask["path"], "fill": round(fill_of(mask), 4)}
        place, provenance = f"renders/{angle.name}.png", provenance_of(folder.record, {})
        data = png(picture)
        if self._work.plan.engine is not Engine.FAL:  # What is sent to fal.ai has no metadata.
            data = finished(data, provenance, PurePath(place).name)
        stored = folder.store(place, data)
        with folder.change() as record:
            cast(Record, angle_record(record, angle.name)).update(
                camera=framing.record(),
                render={
                    **stored,
                    "width": picture.width,
                    "height": picture.height,
                    "samples": shot.samples,
                    "seconds": round(shot.seconds, 2),
                    "made_with": made_with,
                    "source_type": provenance.source_type.value,
                },
                **masked,
            )
        self._when_rendered(angle)


def _box_to_refit(mask: Image.Image, angle: Angle) -> tuple[float, float, float, float] | None:
    """Left, top, right and bottom of the visible product in shares of the picture; None when the framing is right.

    An angle with its own fill is framed as exactly as the others.
    """
    box = box_of(mask)
    if box is None:
        return None
    spans = [_evened(box[side], box[side + 2], length) for side, length in enumerate(mask.size)]
    is_even = all(math.isclose(first + last, 1.0) for first, last in spans)
    if is_even and MIN_FILL <= fill_of(mask) * FILL / angle.fill <= MAX_FILL:
        return None
    (left, right), (top, bottom) = spans
    return left, top, right, bottom


def _evened(first: int, last: int, length: int) -> tuple[float, float]:
    """A span in shares of ``length``; exactly centred if it is centred within whole pixels.

    A camera that is right in one direction must not move in it because of the other direction: at the tip of a needle
    half a pixel decides how much is visible.
    """
    margin = length - last
    if abs(first - margin) <= MAX_UNEVEN:
        half = (last - first) / length / 2.0
        return 0.5 - half, 0.5 + half
    return first / length, last / length
