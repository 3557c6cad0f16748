# SPDX-License-Identifier: GPL-3.0-or-later
"""What the steps of rendering a set share: the plan, the folder, the writer, and when a picture is up to date."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import bpy

from ..gltf.choices import REST
from ..messages import events
from ..optics.angles import Angle
from ..optics.light_map import Rig
from ..optics.rigs import rig_of
from ..optics.sizes import Size
from ..photo_set.results import SetResults
from ..photo_set.version import VERSION
from ..processes.stop import StopRenderingError
from .picture_writer import PictureWriter
from .quality import Quality, effort
from .session import Session


class StageWork:
    """Shared by the steps of one run."""

    def __init__(self, results: SetResults) -> None:
        self.results = results
        self.plan = results.plan
        self.folder = results.folder
        self.rig = rig_of(self.plan.rig)
        self.writer = PictureWriter()
        self._has_noted_denoiser = False

    def check_stop(self) -> None:
        """Raises StopRenderingError when a stop was requested. Call it before each render, which cannot be interrupted."""
        if self.results.stop.is_asked:
            raise StopRenderingError

    def expect(self, stage: str, count: int, quality: Quality, size: Size) -> None:
        """``count`` pictures of ``stage`` have to be rendered: for the estimate of the remaining time."""
        self.results.activity.remaining.expect(stage, count, effort(quality, size))

    def each(
        self,
        stage: str,
        angles: list[Angle],
        is_kept: Callable[[Angle], bool],
        make: Callable[[Angle], None],
        keep: Callable[[Angle], None] = lambda _angle: None,
    ) -> None:
        """Call ``make`` for each angle that has no up-to-date picture, and ``keep`` for the others; report progress."""
        kept = [is_kept(angle) for angle in angles]
        remaining = self.results.activity.remaining
        remaining.correct(stage, kept.count(False))
        for index, angle in enumerate(angles):
            self.check_stop()
            self.results.progress(stage, index, len(angles), angle.name, is_kept=all(kept))
            if kept[index]:
                keep(angle)
                continue
            remaining.begin(stage)
            make(angle)
            remaining.end(stage)
        self.results.progress(stage, len(angles), len(angles), is_kept=all(kept))

    def quality(self, quality: Quality) -> Quality:
        """``quality`` with the number of samples that the user chose, if any."""
        return quality.with_samples(self.plan.samples) if self.plan.samples else quality

    def made_with(self, angle: Angle | None, quality: Quality, light: Rig, **more: Any) -> str:
        """A digest of everything that affects a picture: with the same digest it need not be rendered again."""
        facts = (
            self.folder.record["model"]["sha256"],
            asdict(angle) if angle else None,
            quality.identity,
            light.digest,
            self.plan.background.value,
            self.plan.resolution,
            self.plan.lens_mm,
            bpy.app.version_string,
            VERSION,
            {**more, **self._model_facts()},
        )
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]

    def _model_facts(self) -> dict[str, Any]:
        """How the model is changed; empty at the defaults, so that pictures made before stay up to date."""
        facts: dict[str, Any] = {}
        if self.plan.pose != REST:
            facts["pose"] = self.plan.pose
        if self.plan.without:
            facts["without"] = [kind.value for kind in self.plan.without]
        return facts

    def note_denoiser(self, session: Session) -> None:
        """Tell the user once when this Blender has no denoiser."""
        if not session.has_denoiser and not self._has_noted_denoiser:
            self._has_noted_denoiser = True
            self.results.reporter.tell(
                events.Note(
                    text="This Blender was built without OpenImageDenoise: rendering uses more samples and is slower.",
                )
            )
