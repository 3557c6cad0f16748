# SPDX-License-Identifier: GPL-3.0-or-later
"""A set whose references are drawn in code, complete with what photos are compared with, and its runs at the emulator."""

import json
import multiprocessing
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from command_line.bootstrap import load_package

load_package()

from photoreal_set.fal_bridge.network.service import Service  # noqa: E402  The package has to be loaded first.
from photoreal_set.messages import events  # noqa: E402
from photoreal_set.messages.progress import Reporter  # noqa: E402
from photoreal_set.optics.angles import ANGLES, hero_first  # noqa: E402
from photoreal_set.photo_set import folder as folder_module  # noqa: E402
from photoreal_set.photo_set.choices import Engine  # noqa: E402
from photoreal_set.photo_set.cloud_jobs import bridge_for  # noqa: E402
from photoreal_set.photo_set.cloud_stage import CloudStage  # noqa: E402
from photoreal_set.photo_set.folder import SetFolder, angle_record  # noqa: E402
from photoreal_set.photo_set.plan import SetPlan  # noqa: E402
from photoreal_set.photo_set.plan_record import plan_record  # noqa: E402
from photoreal_set.photo_set.results import Outcome, SetResults  # noqa: E402
from photoreal_set.photo_set.source import source_from  # noqa: E402
from photoreal_set.processes.stop import Stop  # noqa: E402
from tests.fal_emulator.glb import make_glb  # noqa: E402
from tests.patience import PATIENCE_SECONDS, until  # noqa: E402
from tests.printed_reference import draw  # noqa: E402

HERO, OTHER = "three-quarter", "front"
PHOTO = "fal-ai/flux-kontext/dev"
LINES = {HERO: ("TEA No 5", "BLACK 250"), OTHER: ("TEA No 7", "GREEN 100"), "side": ("TEA No 9", "WHITE 75")}


class Told(Reporter):
    def __init__(self) -> None:
        self.events: list[events.Event] = []

    def tell(self, event: events.Event) -> None:
        self.events.append(event)

    @property
    def texts(self) -> list[str]:
        kinds = (events.Note, events.Warning)
        return [event.text for event in self.events if isinstance(event, kinds)]

    def has_answer(self, label: str) -> bool:
        """Whether a request was answered, or need not be sent."""
        states = [
            event.state
            for event in list(self.events)
            if isinstance(event, events.Job) and event.label == label
        ]
        if "submitting" in states:
            return states[-1] != "submitting"
        return any(state not in ("prepared", "uploading") for state in states)


@dataclass
class GatedSet:
    """One set and its runs. ``told`` is what the last run has reported."""

    plan: SetPlan
    told: Told = field(default_factory=Told)

    @classmethod
    def at(cls, root: Path, url: str, **changes: Any) -> "GatedSet":
        root.mkdir(parents=True, exist_ok=True)
        glb = root / "tea.glb"
        if not glb.is_file():
            glb.write_bytes(make_glb("tea", None, triangles=100, texture_side=32))
        plan = SetPlan(
            source=source_from([glb], ""),
            out=root / "set",
            angles=(ANGLES[OTHER], ANGLES[HERO]),
            engine=Engine.FAL,
            video=None,
            seed=7,
            service=Service.emulator(url),
        )
        return cls(replace(plan, **changes))

    def prepared(self) -> SetFolder:
        folder = SetFolder.prepare(
            self.plan.out,
            product="tea",
            source=self.plan.source.record(),
            tool={},
            plan=plan_record(self.plan),
        )
        for angle in self.plan.angles:
            if "render" not in angle_record(folder.record, angle.name):
                draw(folder, angle.name, lines=LINES[angle.name])
        return folder

    def run(self, **changes: Any) -> Outcome:
        """One run of the cloud stage, the hero first; ``changes`` are those of the plan."""
        self.plan = replace(self.plan, **changes)
        self.told = Told()
        results = SetResults(plan=self.plan, folder=self.prepared(), reporter=self.told, stop=Stop())
        with ThreadPoolExecutor(1) as keeper, bridge_for(results, None) as bridge:
            cloud = CloudStage(results, bridge, keeper=keeper)
            for angle in hero_first(list(self.plan.angles)):
                cloud.photograph(angle)
                cloud.compare(angle)
                if not results.angle(angle).get("photo", {}).get("path"):
                    # One after the other, so that a fault hits the hero first.
                    until(lambda label=f"{angle.name} photo": self.told.has_answer(label))  # type: ignore[misc]
            cloud.wait()
        results.record_account()
        return results.outcome(is_at_ceiling=cloud.is_at_ceiling)

    @property
    def record(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.plan.out / "set.json").read_text(encoding="utf-8"))
        return found

    def photo(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = next(one for one in self.record["angles"] if one["name"] == name)["photo"]
        return found

    def takes(self, name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.record["takes"]["photos"][name]["list"]
        return found


def paid(ledger: list[dict[str, Any]]) -> Counter[str]:
    """How often each request was accepted."""
    return Counter(json.dumps([entry["endpoint"], entry["input"]], sort_keys=True) for entry in ledger)


# --- runs that kill themselves ------------------------------------------------------------------

_processes = multiprocessing.get_context("spawn")


def run_until_write(root: Path, url: str, changes: dict[str, Any], writes: int) -> int:
    """A run in another process, which is killed right after it has written ``set.json`` for the ``writes``th time.

    Its exit code: that of SIGKILL, or 0 when it came to its end before.
    """
    process = _processes.Process(target=_work, args=(root, url, changes, writes), daemon=True)
    process.start()
    process.join(PATIENCE_SECONDS)
    if process.exitcode is None:
        process.kill()
        raise AssertionError("a run does not come to an end")
    return process.exitcode


def _work(root: Path, url: str, changes: dict[str, Any], writes: int) -> None:
    with _killed_after(writes):
        GatedSet.at(root, url, **changes).run()
    os._exit(0)


@contextmanager
def _killed_after(writes: int) -> Iterator[None]:
    write: Callable[..., None] = folder_module.write_json_atomically
    left = writes

    def counted(path: Path, value: Any) -> None:
        nonlocal left
        write(path, value)
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    folder_module.write_json_atomically = counted
    yield
