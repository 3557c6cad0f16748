# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that this window has not started, or has lost sight of: its events are read from its log."""

import json
import queue
import threading
import time

from ..messages.translation import translated
from ..photo_set.living_run import KnownRun
from ..processes.child import Event, Look

LOOK_SECONDS = 0.25  # Between two looks for new lines.
WITHOUT_END = 3  # The exit code of a run whose log has no end.


class Followed:
    """Gives the events of a run as ``Child`` does, and stops it as that does.

    What the run had reported before comes first, without the signs of life in it. ``look`` is called on the thread with
    every later event; the event that it returns is put into the queue after that one. The last event is ``exited``.
    """

    def __init__(self, run: KnownRun, *, look: Look = lambda _event: None) -> None:
        self.run = run
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._look = look
        self._stops = 0
        self._code = WITHOUT_END
        self._rest = b""

    def start(self) -> None:
        """Start the thread that reads. To be called once."""
        threading.Thread(target=self._work, name="photoreal-follow", daemon=True).start()

    def stop(self) -> None:
        """Once: the run finishes what is paid for, then ends. Twice: it ends now. Raises OSError."""
        self._stops += 1
        if self._stops == 1:
            self.run.stop()
        else:
            self.run.end()

    def _work(self) -> None:
        output = [translated("its process has disappeared")]
        try:
            self._follow()
        except OSError as error:
            output = [translated("its log cannot be read: {error}", error=error)]
        finally:
            self.events.put({"event": "exited", "code": self._code, "output": output})

    def _follow(self) -> None:
        with self.run.log.open("rb") as stream:
            is_alive = self.run.is_alive
            earlier = self._lines(stream.read())
            self._give_earlier(earlier)
            while is_alive:
                time.sleep(LOOK_SECONDS)
                is_alive = self.run.is_alive  # Before the lines are read: then they are all of them.
                for event in self._lines(stream.read()):
                    self._give(event)

    def _give_earlier(self, found: list[Event]) -> None:
        last = found[-1] if found else None
        for event in found:
            if event["event"] != "working" or event is last:
                self.events.put(event)
        if last is not None and (further := self._look({**last, "set": str(self.run.folder)})):
            self.events.put(further)

    def _give(self, event: Event) -> None:
        self.events.put(event)
        if further := self._look(event):
            self.events.put(further)

    def _lines(self, content: bytes) -> list[Event]:
        """The events in new content of the log; the beginning of a line is kept until its end is there."""
        *lines, self._rest = (self._rest + content).split(b"\n")
        found = []
        for line in lines:
            try:
                event = json.loads(line)
            except ValueError:
                continue  # The disk was full.
            if isinstance(event, dict) and "event" in event:
                if event["event"] == "finished":
                    self._code = int(event.get("exit", WITHOUT_END))
                found.append(event)
        return found
