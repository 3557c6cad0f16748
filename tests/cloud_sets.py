# SPDX-License-Identifier: GPL-3.0-or-later
"""A set with finished references whose photos and video are made by the emulator, without Blender."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image

from command_line.bootstrap import load_package
from tests.fal_emulator.glb import make_glb
from tests.patience import until

load_package()

from photoreal_set.fal_bridge.network.service import Service  # noqa: E402  The package has to be loaded first.
from photoreal_set.messages import events  # noqa: E402
from photoreal_set.messages.progress import Reporter  # noqa: E402
from photoreal_set.optics.angles import ANGLES, hero_first  # noqa: E402
from photoreal_set.photo_set.choices import Engine  # noqa: E402
from photoreal_set.photo_set.cloud_jobs import bridge_for  # noqa: E402
from photoreal_set.photo_set.cloud_stage import CloudStage  # noqa: E402
from photoreal_set.photo_set.folder import SetFolder, angle_record  # noqa: E402
from photoreal_set.photo_set.plan import SetPlan  # noqa: E402
from photoreal_set.photo_set.plan_record import plan_record  # noqa: E402
from photoreal_set.photo_set.results import Outcome, SetResults  # noqa: E402
from photoreal_set.photo_set.source import source_from  # noqa: E402
from photoreal_set.processes.stop import Stop  # noqa: E402

HERO, OTHER = "three-quarter", "front"
PHOTOS = "fal-ai/flux-kontext/dev"


class Notes(Reporter):
    def __init__(self) -> None:
        self.texts: list[str] = []
        self.jobs: list[tuple[str, str]] = []
        self.keys: set[str] = set()

    def tell(self, event: events.Event) -> None:
        if isinstance(event, events.Job):
            self.jobs.append((event.label, event.state))
            self.keys |= {event.key} if event.key else set()
        if isinstance(event, events.Note | events.Warning):
            self.texts.append(event.text)

    def has_answer(self, label: str) -> bool:
        """Whether a request was answered, or need not be sent."""
        states = [state for name, state in self.jobs if name == label]
        if "submitting" in states:
            return states[-1] != "submitting"
        return any(state not in ("prepared", "uploading") for state in states)


class Sets:
    """One set with finished references, and its runs with fal."""

    def __init__(self, root: Path, emulator) -> None:
        self.emulator = emulator
        glb = root / "clock.glb"
        glb.write_bytes(make_glb("a clock", None, triangles=100, texture_side=32))
        self.plan = SetPlan(
            source=source_from([glb], ""),
            out=root / "set",
            angles=(ANGLES[OTHER], ANGLES[HERO]),
            engine=Engine.FAL,
            video=None,
            service=Service.emulator(emulator.url),
        )
        self.said: list[str] = []
        self.keys: set[str] = (
            set()
        )  # Of the requests that wait for a decision, in the events of the last run.

    def folder(self, plan: SetPlan) -> SetFolder:
        folder = SetFolder.prepare(
            plan.out, product="clock", source=plan.source.record(), tool={}, plan=plan_record(plan)
        )
        for number, angle in enumerate(plan.angles):
            path = folder.root / "renders" / f"{angle.name}.png"
            path.parent.mkdir(exist_ok=True)
            if not path.is_file():
                Image.new("RGB", (64, 64), (40 * number + 40, 80, 120)).save(path)
            with folder.change() as record:
                render = {**folder.entry(path), "samples": 1}
                angle_record(record, angle.name).update(azimuth=0, elevation=0, render=render)
        return folder

    def run(self, plan: SetPlan | None = None, *, leave_when=None) -> Outcome:
        """One run of the cloud stage; ``leave_when`` ends it early, as the second Ctrl-C does."""
        plan, said = plan or self.plan, Notes()
        results = SetResults(plan=plan, folder=self.folder(plan), reporter=said, stop=Stop())
        with bridge_for(results, None) as bridge:
            cloud = CloudStage(results, bridge)
            for angle in hero_first(list(plan.angles)):  # One at a time, so that a fault hits the first.
                cloud.photograph(angle)
                if not plan.with_hero or angle.name == HERO:  # The others wait for the hero's photo.
                    until(lambda label=f"{angle.name} photo": said.has_answer(label), "it is not sent")
            with ThreadPoolExecutor() as other:
                ended = other.submit(cloud.wait)
                if leave_when:
                    until(leave_when)
                    bridge.leave()
                ended.result()
        results.record_account()
        self.said, self.keys = said.texts, said.keys
        return results.outcome(is_at_ceiling=cloud.is_at_ceiling)

    @property
    def record(self) -> dict:
        return json.loads((self.plan.out / "set.json").read_text())

    def sent(self, word: str) -> int:
        return sum(word in entry["endpoint"] for entry in self.emulator.ledger())
