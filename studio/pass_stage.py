# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures depth and normals of each reference, cut out with its mask."""

from typing import cast

import numpy as np
from PIL import Image

from ..imaging.choices import Pass
from ..imaging.compose import png
from ..imaging.passes import depth_picture, normal_picture
from ..optics.angles import Angle
from ..optics.framing import framing_from
from ..photo_set.folder import Record, angle_record
from .quality import RAY
from .session import Session
from .stage_work import StageWork


class PassStage:
    """Makes the passes that the plan asks for."""

    def __init__(self, work: StageWork, session: Session) -> None:
        self._work = work
        self._session = session

    def expect(self) -> None:
        """Announce what ``go`` is going to make."""
        plan = self._work.plan
        count = sum(
            "camera" not in self._work.results.angle(angle) or bool(self._missing(angle))
            for angle in plan.angles
        )
        self._work.expect("passes", count, RAY, plan.resolution)

    def go(self) -> None:
        """Make the passes that are missing or out of date."""
        self._work.writer.wait()  # The cameras of the references must be in their records.
        angles = list(self._work.plan.angles)
        self._work.each("passes", angles, lambda angle: not self._missing(angle), self._make)

    def _made_with(self, angle: Angle) -> str:
        work = self._work
        return work.made_with(angle, RAY, work.rig, camera=work.results.angle(angle)["camera"])

    def _missing(self, angle: Angle) -> list[Pass]:
        entry: Record = dict(self._work.results.angle(angle))
        wanted = {} if entry.get("shared_mask") else {"made_with": self._made_with(angle)}
        has = self._work.folder.has
        return [kind for kind in self._work.plan.passes if not has(entry.get(kind), **wanted)]

    def _make(self, angle: Angle) -> None:
        folder = self._work.folder
        entry, made_with = self._work.results.angle(angle), self._made_with(angle)
        wanted = self._missing(angle)
        surface = self._session.measure(framing_from(entry["camera"]), angle)
        with Image.open(folder.root / entry["mask"], formats=("PNG",)) as mask:
            is_product = np.asarray(mask) > 0  # Cut-out materials have holes that the surface does not have.
        for kind in wanted:
            facts: Record = {}
            if kind is Pass.DEPTH:
                picture, near, far = depth_picture(np.where(is_product, surface.depth, np.inf))
                facts = {"near": near, "far": far}
            else:
                picture = normal_picture(np.where(is_product[..., None], surface.normal, (0.0, 0.0, 1.0)))
            stored = folder.store(f"{kind}/{angle.name}.png", png(picture))
            with folder.change() as record:
                cast(Record, angle_record(record, angle.name))[kind] = {
                    **stored,
                    **facts,
                    "made_with": made_with,
                }
