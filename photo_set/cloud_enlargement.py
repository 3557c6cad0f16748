# SPDX-License-Identifier: GPL-3.0-or-later
"""Enlargements of photos by fal.ai: free of charge on this machine, or as separate paid requests."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from ..fal_bridge.jobs import JobResult, Kind
from ..imaging.compose import png
from ..messages import events
from ..messages.errors import PhotorealError
from ..optics.angles import Angle
from .choices import LANCZOS
from .cloud_jobs import CloudJobs, paid_by_result
from .folder import Record
from .labels import enlargement_label
from .photo_check import opened
from .photo_files import is_source_gone
from .results import SetResults
from .takes import Shelf, identity_of


class Enlarger:
    """Gives the photos of one set the size that the plan asks for."""

    def __init__(self, results: SetResults, jobs: CloudJobs) -> None:
        self._results = results
        self._plan = results.plan
        self._folder = results.folder
        self._jobs = jobs

    def fit(self, angle: Angle, take: Record, file: Path, *, can_wait: bool) -> None:
        """Enlarge a take that is smaller than the plan asks for, or undo its enlargement. ``file``: as it came."""
        size = self._plan.photo_size
        is_too_small = bool(size) and max(take["width"], take["height"]) < (size or 0)
        if "enlargement" in take and is_source_gone(self._folder.root, take):
            if is_too_small:  # To enlarge another file of it would be charged too.
                label = self._results.label_of(Shelf.PHOTOS, angle.name)
                text = f"{label}: it keeps its size, because the file as received is gone. Redo it to buy another one."
                self._results.reporter.tell(events.Warning(text=text))
        elif size is None and "enlargement" in take:
            picture = opened(file)
            changes = {"width": picture.width, "height": picture.height}
            self._renew(angle, take, changes, png(picture), without=("enlargement",))
        elif is_too_small:
            self._enlarge(angle, take, file, can_wait=can_wait)

    def _enlarge(self, angle: Angle, take: Record, file: Path, *, can_wait: bool) -> None:
        wanted, picture = self._plan.photo_size or 0, opened(file)
        if self._plan.upscale_endpoint == LANCZOS:
            self._keep(angle, take, picture, {"state": "done", "method": LANCZOS})
            return
        self._record(angle, take, {"state": "waiting"})
        maximum = max(self._plan.endpoint(Kind.UPSCALE).factors, default=1.0)
        generation = self._plan.generation(
            Kind.UPSCALE,
            enlargement_label(angle.name),
            images=(file,),
            enlarge=min(wanted / max(picture.size), maximum),
            can_wait=can_wait,
        )

        def keep(result: JobResult) -> None:
            paid = {**paid_by_result(result), "original": self._folder.relative(result.path)}
            self._keep(angle, take, opened(result.path), {"state": "done", **paid})

        def lose(error: PhotorealError, facts: Record) -> None:
            self._results.reporter.tell(events.Warning(text=str(error)))
            self._record(angle, take, facts)

        target = self._folder.root / "photos" / "original" / f"{angle.name}-enlarged"
        self._jobs.run(generation, target, keep, lose)

    def _keep(self, angle: Angle, take: Record, picture: Image.Image, facts: Record) -> None:
        """Upscalers enlarge by whole factors; the exact size is reached by resampling."""
        longer = max(picture.size)
        width, height = (round(side * (self._plan.photo_size or longer) / longer) for side in picture.size)
        sized = picture.resize((width, height), Image.Resampling.LANCZOS)
        self._renew(angle, take, {"width": width, "height": height, "enlargement": facts}, png(sized))

    def _record(self, angle: Angle, take: Record, facts: Record) -> None:
        self._renew(angle, take, {"enlargement": facts})

    def _renew(
        self,
        angle: Angle,
        take: Mapping[str, Any],
        changes: Record,
        content: bytes | None = None,
        *,
        without: tuple[str, ...] = (),
    ) -> None:
        takes = self._results.takes
        takes.renew(Shelf.PHOTOS, angle.name, identity_of(take), changes, content, without=without)
