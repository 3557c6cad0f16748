# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the exact picture that holds the photo model to the shape of each reference: its depth or its edges."""

from collections.abc import Callable
from typing import cast

import numpy as np
from PIL import Image

from ..imaging.choices import Guide
from ..imaging.compose import png
from ..imaging.guides import depth_guide, edge_guide
from ..optics.angles import Angle, hero_first
from ..optics.framing import framing_from
from ..photo_set.folder import Record, angle_record
from .quality import RAY
from .session import Session
from .stage_work import StageWork


class GuideStage:
    """Makes guides. ``when_ready`` is called with every angle whose reference and guide are on disk."""

    def __init__(
        self, work: StageWork, session: Session, guide: Guide, when_ready: Callable[[Angle], None]
    ) -> None:
        self._work = work
        self._session = session
        self._guide = guide
        self._when_ready = when_ready

    def expect(self) -> None:
        """Announce what ``go`` is going to make."""
        plan = self._work.plan
        count = sum("camera" not in self._work.results.angle(angle) for angle in plan.angles)
        self._work.expect("passes", count, RAY, plan.resolution)

    def go(self) -> None:
        """Make the guides that are missing or out of date, the hero's first."""
        self._work.writer.wait()  # The cameras of the references must be in their records.
        angles = hero_first(list(self._work.plan.angles))
        self._work.each("passes", angles, self._is_kept, self._make, self._when_ready)

    def _made_with(self, angle: Angle) -> str:
        work = self._work
        camera = work.results.angle(angle)["camera"]
        return work.made_with(angle, RAY, work.rig, camera=camera, guide=self._guide.value)

    def _is_kept(self, angle: Angle) -> bool:
        entry = self._work.results.angle(angle).get("guide")
        return self._work.folder.has(entry, made_with=self._made_with(angle))

    def _make(self, angle: Angle) -> None:
        folder, entry = self._work.folder, self._work.results.angle(angle)
        surface = self._session.measure(framing_from(entry["camera"]), angle)
        with Image.open(folder.root / entry["mask"], formats=("PNG",)) as mask:
            is_product = np.asarray(mask) > 0  # Cut-out materials have holes that the surface does not have.
        depth = np.where(is_product, surface.depth, np.inf)
        picture = depth_guide(depth) if self._guide is Guide.DEPTH else edge_guide(depth, surface.normal)
        stored = folder.store(f"guides/{angle.name}.png", png(picture))
        facts: Record = {**stored, "made_with": self._made_with(angle)}
        with folder.change() as record:
            cast(Record, angle_record(record, angle.name))["guide"] = facts
        self._when_ready(angle)
