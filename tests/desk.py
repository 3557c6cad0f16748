# SPDX-License-Identifier: GPL-3.0-or-later
"""A fixture for tests of the bridge: a picture, requests, and their results at the emulator."""

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from command_line.bootstrap import load_package
from tests.fal_emulator.process import RunningEmulator
from tests.patience import PATIENCE_SECONDS, until

load_package()

from photoreal_set.fal_bridge import errors  # noqa: E402  The package has to be loaded first.
from photoreal_set.fal_bridge.bridge import Bridge  # noqa: E402
from photoreal_set.fal_bridge.endpoints.choosing import DEFAULT_PHOTO_ENDPOINT  # noqa: E402
from photoreal_set.fal_bridge.jobs import Generation, JobResult, JobState, Kind  # noqa: E402
from photoreal_set.fal_bridge.network.service import Service  # noqa: E402
from photoreal_set.fal_bridge.pace import Pace  # noqa: E402


class Desk:
    """A set folder with a picture, and the bridge's progress reports about its jobs."""

    def __init__(self, folder: Path, emulator: RunningEmulator) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.journal = folder / ".journal"
        self.emulator = emulator
        self.news = []
        self.picture = folder / "render.png"
        Image.effect_mandelbrot((64, 64), (-2, -1, 1, 1), 50).convert("RGB").save(self.picture)
        self.pace = replace(
            Pace.of(Service.emulator(emulator.url)),
            patience=PATIENCE_SECONDS,
            submit=PATIENCE_SECONDS,
            close=PATIENCE_SECONDS,
        )

    def bridge(self, **pace: float) -> Bridge:
        return Bridge(
            Service.emulator(self.emulator.url),
            self.journal,
            self.news.append,
            pace=replace(self.pace, **pace),
        )

    def photo(self, **changes: object) -> Generation:
        wanted = Generation(
            kind=Kind.PHOTO,
            endpoint=DEFAULT_PHOTO_ENDPOINT,
            label="front photo",
            images=(self.picture,),
            prompt="studio photograph",
        )
        return replace(wanted, **changes)

    def made(
        self, wanted: Generation | None = None, target: str = "photos/front", **pace: float
    ) -> JobResult:
        """The result of one request in a separate run."""
        with self.bridge(**pace) as bridge:
            return bridge.start(wanted or self.photo(), self.folder / target).result(PATIENCE_SECONDS)

    def failure(self, wanted: Generation | None = None, **pace: float) -> errors.BridgeError:
        with pytest.raises(errors.BridgeError) as caught:
            self.made(wanted, **pace)
        return caught.value

    def states(self) -> list[JobState]:
        states = [job.state for job in self.news]
        return [state for place, state in enumerate(states) if place == 0 or state is not states[place - 1]]

    def wait_for(self, state: JobState) -> None:
        """Wait until a job has reached ``state``."""
        until(lambda: any(job.state is state for job in list(self.news)))

    def count(self, *parts: str) -> int:
        """Requests that the emulator has received on routes that contain these texts."""
        routes = self.emulator.stats()["routes"]
        return sum(number for route, number in routes.items() if all(part in route for part in parts))

    def fault(self, name: str, **more: object) -> None:
        self.emulator.control(faults=[{"name": name, **more}])
