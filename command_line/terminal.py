# SPDX-License-Identifier: GPL-3.0-or-later
"""A live bar for a person at a terminal: the stage, its picture and samples, the requests, the remaining time.

Needs ``rich``, which a Blender may lack. What ends becomes a permanent line above the bar.
"""

import os
import time
from collections.abc import Callable, Mapping
from typing import TextIO

from rich.console import Console, ConsoleDimensions, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from ..messages import events
from ..messages.events import Event
from ..messages.labels import shown_label
from ..messages.progress import (
    END_STATES,
    TextReporter,
    clock,
    doing_of,
    is_kept,
    job_sentence,
    sentence,
)
from ..messages.remaining import time_left

BAR_CELLS = 24
JOB_LINES = 4  # Requests that are shown at a time.
REFRESHES_PER_SECOND = 4
USUAL_SIZE = ConsoleDimensions(80, 25)  # Of a terminal that does not say how large it is.


def can_draw(environ: Mapping[str, str]) -> bool:
    """Whether the terminal can move its cursor."""
    return environ.get("TERM", "") not in ("", "dumb", "unknown") or os.name == "nt"


def encoding_of(environ: Mapping[str, str]) -> str:
    """What the terminal shows correctly: "utf-8", or "ascii" in the C locale, in another encoding and on Windows.

    Where the locale is C, Python itself sets LC_CTYPE to C.UTF-8 (PEP 538), so that value alone says nothing.
    """
    if os.name == "nt":
        return "ascii"
    names = [environ.get(name, "") for name in ("LC_ALL", "LC_CTYPE", "LANG")]
    if names[1] == "C.UTF-8":
        names.pop(1)
    locale = next((name for name in names if name), "C")
    return "utf-8" if "utf-8" in locale.lower() or "utf8" in locale.lower() else "ascii"


class _Terminal(Console):
    """A console of the size of the terminal that it writes to; Rich itself asks standard input and output."""

    @property
    def size(self) -> ConsoleDimensions:
        try:
            size = os.get_terminal_size(self.file.fileno())
        except (OSError, ValueError):
            return USUAL_SIZE
        return ConsoleDimensions(size.columns or USUAL_SIZE.width, size.lines or USUAL_SIZE.height)

    @size.setter
    def size(self, new_size: tuple[int, int]) -> None:
        raise AttributeError("the terminal decides")


class _Now:
    """What ``draw`` gives at the moment when it is drawn: Rich also draws when a line above is printed."""

    def __init__(self, draw: Callable[[], Group]) -> None:
        self._draw = draw

    def __rich__(self) -> Group:
        return self._draw()


class TerminalReporter(TextReporter):
    """Lines that move, below those that stay. ``stream`` is a terminal."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._console = _Terminal(
            file=stream, force_terminal=True, highlight=False, markup=False, emoji=False
        )
        self._spinner = Spinner("line")
        self._began: dict[str, float] = {}
        self._started = time.monotonic()
        self._stage: events.Progress | None = None
        self._doing = events.Working()
        self._jobs: dict[str, events.Job] = {}
        self._ends_at: float | None = None
        self._live = Live(
            _Now(self._screen),
            console=self._console,
            refresh_per_second=REFRESHES_PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            vertical_overflow="crop",
        )
        self._live.start()
        # Rich hides the cursor, and a Blender that crashes would leave it so.
        self._console.show_cursor(True)

    def tell(self, event: Event) -> None:
        with self._lock:
            if isinstance(event, events.Progress | events.Working | events.Job):
                self._ends_at = None if event.eta_seconds is None else time.monotonic() + event.eta_seconds
            match event:
                case events.Progress():
                    if not event.kept:
                        self._take_progress(event)
                case events.Working():
                    self._doing = event
                case events.Job():
                    self._take_job(event)
                case _:
                    self._end_with(event)

    def detail(self, event: Event) -> None:
        with self._lock:
            if isinstance(event, events.Finished):
                self._live.stop()

    def _end_with(self, event: Event) -> None:
        """Write the lines of an event that stay. With the last event, nothing moves any more."""
        if isinstance(event, events.Finished):
            self._live.stop()
        style = "yellow" if isinstance(event, events.Warning) else ""
        for line in sentence(event).splitlines():
            self._print(Text(line, style=style))

    def _line(self, text: str) -> None:
        self._print(Text(text))

    def _print(self, line: Text | Table) -> None:
        self._console.print(line, soft_wrap=isinstance(line, Text))

    def _take_progress(self, stage: events.Progress) -> None:
        is_over = stage.done >= stage.of
        self._stage, self._doing = None if is_over else stage, events.Working()
        line = self._stage_line(stage)  # Also starts its clock.
        if is_over:
            self._print(line)

    def _take_job(self, job: events.Job) -> None:
        elapsed = self._elapsed(job.label)
        before = self._jobs.pop(job.label, None)
        if is_kept(job, before.state if before else ""):
            return
        if job.state in END_STATES:
            self._line(f"{job_sentence(job, with_message=False)}  {elapsed}")
        else:
            self._jobs[job.label] = job

    def _elapsed(self, what: str) -> str:
        return clock(time.monotonic() - self._began.setdefault(what, time.monotonic()))

    # --- the lines that move, drawn by a thread of Rich -------------------------------------------

    def _screen(self) -> Group:
        """Not locked: a line that is being printed makes Rich draw too."""
        stage, jobs, doing = self._stage, list(self._jobs.values()), self._doing
        lines: list[Table] = [self._stage_line(stage, doing_of(doing))] if stage else []
        shown = jobs[-JOB_LINES:]
        lines += [self._job_line(job) for job in shown]
        if more := len(jobs) - len(shown):
            lines.append(_grid(Text(f"and {more} more requests")))
        return Group(*lines, self._last_line("" if stage or jobs else doing.text))

    def _stage_line(self, stage: events.Progress, doing: str = "") -> Table:
        of = max(stage.of, 1)
        name = shown_label(stage.stage)
        bar = ProgressBar(total=of, completed=stage.done, width=BAR_CELLS)
        what = ", ".join(part for part in (stage.label, doing) if part)
        return _grid(
            Text(f"{name:<10}"), bar, Text(f"{stage.done}/{of}"), Text(self._elapsed(stage.stage)), Text(what)
        )

    def _job_line(self, job: events.Job) -> Table:
        return _grid(Text(self._elapsed(job.label)), Text(job_sentence(job)))

    def _last_line(self, doing: str) -> Table:
        parts = [clock(time.monotonic() - self._started), doing]
        if self._ends_at is not None:
            parts.append(time_left(self._ends_at - time.monotonic()))
        return _grid(self._spinner, Text("  ".join(part for part in parts if part)))


def _grid(*cells: Text | ProgressBar | Spinner) -> Table:
    """One line, which is cut off at the edge of the terminal. The last cell gives way first."""
    table = Table.grid(padding=(0, 1), expand=True)
    for _cell in cells[:-1]:
        table.add_column(no_wrap=True, overflow="crop")
    table.add_column(no_wrap=True, overflow="crop", ratio=1)
    table.add_row(*cells)
    return table
