# SPDX-License-Identifier: GPL-3.0-or-later
"""Real processes that run paid jobs against the emulator and are killed with SIGKILL, and the checks afterwards.

Nothing in the product knows of this. A process is killed from outside at a random moment, or by itself before it
comes to a line of the bridge's own code for the first time (a trace function watches): so every step of journal and
network has its kill.
"""

import multiprocessing
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import Any

from PIL import Image

from command_line.bootstrap import load_package
from tests.fal_emulator.process import RunningEmulator
from tests.patience import PATIENCE_SECONDS

load_package()

from photoreal_set.fal_bridge import errors  # noqa: E402  The package has to be loaded first.
from photoreal_set.fal_bridge.bridge import Bridge  # noqa: E402
from photoreal_set.fal_bridge.decisions import Decision, decide  # noqa: E402
from photoreal_set.fal_bridge.endpoints.choosing import DEFAULT_PHOTO_ENDPOINT, DEFAULT_VIDEO_ENDPOINT  # noqa: E402
from photoreal_set.fal_bridge.jobs import Generation, Kind  # noqa: E402
from photoreal_set.fal_bridge.journal import Journal, Stage  # noqa: E402
from photoreal_set.fal_bridge.network.service import Service  # noqa: E402
from photoreal_set.fal_bridge.pace import Pace  # noqa: E402
from photoreal_set.files.kinds import missing_end  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
TRACED = tuple(str(ROOT / place) for place in ("fal_bridge", "files"))

Line = tuple[str, int]  # A file and the number of a line in it.

ALL_DONE, SOME_FAILED, SOME_HELD = 0, 2, 5

FAULTS: list[dict[str, Any]] = [
    {"name": "drop-submit-answer", "rate": 0.15},
    {"name": "reset-submit-answer", "rate": 0.1},
    {"name": "drop-before-accept", "rate": 0.1},
    {"name": "nginx-503", "rate": 0.05},
    {"name": "rate-limited", "rate": 0.05, "retry_after": 0},
    {"name": "rate-limited", "rate": 0.05, "retry_after": 0, "accepted": True, "names_job": True},
    {"name": "fal-503", "rate": 0.05, "accepted": True, "names_job": True},
    {"name": "server-error", "rate": 0.05, "accepted": True},
    {"name": "proxy-page", "rate": 0.05, "status": 404, "accepted": True},
    {"name": "proxy-page", "rate": 0.05, "status": 403},
    {"name": "drop-before-accept", "at": "upload", "rate": 0.1},
    {"name": "nginx-503", "at": "status", "rate": 0.1},
    {"name": "malformed-json", "at": "status", "rate": 0.05},
    {"name": "nginx-502", "at": "result", "rate": 0.1},
    {"name": "server-error", "at": "result", "rate": 0.1},
    {"name": "proxy-page", "at": "result", "rate": 0.1, "status": 404},
    {"name": "empty-answer", "at": "result", "rate": 0.1},
    {"name": "wrong-units", "rate": 0.2},
    {"name": "short-body", "rate": 0.2, "endpoint": "fal-ai/*"},
    {"name": "truncated-file", "rate": 0.1, "endpoint": "fal-ai/*"},
    {"name": "nginx-503", "at": "requests", "rate": 0.2},
    {"name": "late-request-list", "rate": 0.3, "seconds": 0.4},
]

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["tests.killed"])  # A new process then starts in a few milliseconds.


@dataclass(frozen=True, slots=True)
class Desk:
    """A set folder and its jobs: photos by seed, and a video of the first one once it is downloaded."""

    folder: Path
    url: str
    seeds: tuple[int, ...]
    has_video: bool = False

    @property
    def journal(self) -> Journal:
        return Journal(self.folder / ".journal")

    def prepare(self) -> "Desk":
        self.folder.mkdir(parents=True, exist_ok=True)
        Image.effect_mandelbrot((64, 64), (-2, -1, 1, 1), 50).convert("RGB").save(self.folder / "render.png")
        return self

    def photo(self, seed: int) -> Generation:
        return Generation(
            kind=Kind.PHOTO,
            endpoint=DEFAULT_PHOTO_ENDPOINT,
            label=f"photo {seed}",
            images=(self.folder / "render.png",),
            prompt="studio photograph",
            seed=seed,
        )

    def video(self, photo: Path) -> Generation:
        # The prompt distinguishes the videos of different desks in the ledger.
        return Generation(
            kind=Kind.VIDEO,
            endpoint=DEFAULT_VIDEO_ENDPOINT,
            label="film",
            images=(photo,),
            prompt=f"slow rotation {self.seeds[0]}",
        )

    def accepted(self, ledger: list[dict[str, Any]]) -> Counter[str]:
        """How often the emulator has accepted each job of this desk."""
        names = {f"photo {seed}" for seed in self.seeds} | {f"slow rotation {self.seeds[0]}"}
        found = (
            f"photo {entry['input']['seed']}" if "seed" in entry["input"] else entry["input"]["prompt"]
            for entry in ledger
        )
        return Counter(name for name in found if name in names)

    def files(self) -> list[Path]:
        photos = [self.folder / "photos" / f"{seed}.png" for seed in self.seeds]
        return [*photos, self.folder / "film.mp4"] if self.has_video else photos

    def lost(self) -> list[str]:
        """The broken promises found at the end."""
        return [str(path) for path in self.files() if not path.is_file() or missing_end(path)]


def work(desk: Desk, kill_before: Line | None = None, lines: Any = None) -> None:
    """Run all jobs of a desk once, in a separate process; the exit code is the result."""
    if kill_before or lines is not None:
        _trace(kill_before, lines)
    service = Service.emulator(desk.url)
    pace = replace(Pace.of(service), patience=PATIENCE_SECONDS, lookup=1.0)
    code = ALL_DONE
    with Bridge(service, desk.folder / ".journal", lambda _job: None, pace=pace) as bridge:
        futures = [bridge.start(desk.photo(seed), desk.folder / f"photos/{seed}") for seed in desk.seeds]
        for future in list(futures):
            try:
                photo = future.result()
                if desk.has_video and future is futures[0]:
                    bridge.start(desk.video(photo.path), desk.folder / "film").result()
            except errors.UncertainSubmitError:
                code = SOME_HELD
            except errors.BridgeError:
                code = code or SOME_FAILED
    os._exit(code)


def _trace(kill_before: Line | None, lines: Any) -> None:
    """Kill this process before a line, or put all lines that it reaches into the queue ``lines`` at its end, in order."""
    seen: dict[Line, None] = {}

    def on_line(frame: FrameType, event: str, _argument: Any) -> Any:
        if event == "line":
            line = (frame.f_code.co_filename, frame.f_lineno)
            if line == kill_before:
                os.kill(os.getpid(), signal.SIGKILL)
            seen.setdefault(line)
        return on_line

    def on_call(frame: FrameType, _event: str, _argument: Any) -> Any:
        return on_line if frame.f_code.co_filename.startswith(TRACED) else None

    threading.settrace(on_call)
    sys.settrace(on_call)
    if lines is not None:
        ended = os._exit

        def report(code: int) -> None:
            lines.put(list(seen))
            lines.close()
            lines.join_thread()
            ended(code)

        os._exit = report  # type: ignore[assignment]


def started(desk: Desk, kill_before: Line | None = None, lines: Any = None) -> multiprocessing.Process:
    os.environ["PYTHONPATH"] = str(ROOT)  # For the fork server, which starts with the first process.
    process: Any = _processes.Process(target=work, args=(desk, kill_before, lines), daemon=True)
    process.start()
    return process


def ended(process: multiprocessing.Process) -> int:
    process.join(PATIENCE_SECONDS)
    if process.exitcode is None:
        process.kill()
        raise AssertionError("a worker does not come to an end")
    return process.exitcode


def steps(desk: Desk) -> list[Line]:
    """The lines of the bridge that an undisturbed run of ``desk`` reaches, in order."""
    queue = _processes.Queue()
    process = started(desk, lines=queue)
    found: list[Line] = queue.get(timeout=PATIENCE_SECONDS)
    assert ended(process) == ALL_DONE
    return found


def finish(desk: Desk, emulator: RunningEmulator) -> int:
    """Resume until everything is done, deciding by the account; the number of decisions."""
    asked = 0
    for _run in range(8):
        if ended(started(desk)) == ALL_DONE:
            return asked
        asked += decide_as_user(desk, emulator)
    raise AssertionError(f"{desk.folder} does not come to an end")


def decide_as_user(desk: Desk, emulator: RunningEmulator) -> int:
    """Decide about each held job by what the account (the ledger) says. Only when no worker runs.

    Asking for it without having looked at the account is refused, because the requests are a few minutes old at most.
    """
    asked, accepted = 0, desk.accepted(emulator.settled_ledger())
    for key in desk.journal.job_keys():
        entry = desk.journal.read(key)
        if entry.stage not in (Stage.UNCERTAIN, Stage.IN_FLIGHT):
            continue
        name = entry.label if entry.label != "film" else f"slow rotation {desk.seeds[0]}"
        try:
            decide(desk.journal, key, Decision.RESEND)
        except errors.WrongRequestError:
            pass
        else:
            raise AssertionError(f"{name} could be sent again although it may be running")
        if not accepted[name]:
            decide(desk.journal, key, Decision.RESEND, is_not_in_dashboard=True)
            asked += 1
    return asked


def verdict(desk: Desk, emulator: RunningEmulator) -> list[str]:
    """Complaints about the end of a desk: each job accepted once, each file present and complete."""
    accepted = desk.accepted(emulator.ledger())
    twice = [f"{name} was accepted {times} times" for name, times in accepted.items() if times > 1]
    missing = len(desk.files()) - len(accepted)
    return [*twice, *desk.lost(), *([f"{missing} jobs were never accepted"] if missing else [])]


@dataclass(slots=True)
class Tally:
    """The numbers of a campaign."""

    kills: int = 0
    runs: int = 0
    jobs: int = 0
    accepted: int = 0
    files: int = 0
    decisions: int = 0
    complaints: list[str] = field(default_factory=list)

    def add(self, desk: Desk, emulator: RunningEmulator) -> None:
        self.jobs += len(desk.files())
        self.accepted += sum(desk.accepted(emulator.ledger()).values())
        self.files += len(desk.files()) - len(desk.lost())
        self.complaints += [f"{desk.folder.name}: {text}" for text in verdict(desk, emulator)]


def kill_at_steps(
    emulator: RunningEmulator, folder: Path, points: list[Line], first_seed: int
) -> Iterator[Tally]:
    """One photo for each point: killed there, resumed and checked."""
    tally = Tally()
    for place, point in enumerate(points):
        desk = Desk(folder / f"step-{place}", emulator.url, (first_seed + place,)).prepare()
        tally.runs += 2
        tally.kills += ended(started(desk, point)) == -signal.SIGKILL
        tally.decisions += finish(desk, emulator)
        tally.add(desk, emulator)
        yield tally


def kill_at_random(
    emulator: RunningEmulator,
    folder: Path,
    *,
    kills: int,
    photos: int,
    first_seed: int,
    chance: random.Random,
) -> Tally:
    """Two processes on one folder, faults on, killed again and again; at the end everything must be present.

    The lists of the emulator must show only ended requests: the hardest case for what was lost.
    """
    seeds = tuple(range(first_seed, first_seed + photos))
    desk = Desk(folder, emulator.url, seeds, has_video=True).prepare()
    tally = Tally()
    delays = {"queue": 0.05, "photo": 0.15, "video": 0.2}
    assert not emulator.control(faults=FAULTS, delays=delays)["list_running"]
    while tally.kills < kills and desk.lost():
        pair = [started(desk), started(desk)]
        tally.runs += 2
        for process in pair:
            time.sleep(chance.uniform(0.0, 0.5))
            if process.exitcode is None:
                process.kill()
                tally.kills += 1
        for process in pair:
            ended(process)
        tally.decisions += decide_as_user(desk, emulator)
    emulator.control(faults=[])
    tally.decisions += finish(desk, emulator)
    tally.add(desk, emulator)
    return tally
