# SPDX-License-Identifier: GPL-3.0-or-later
"""A Blender process that renders one set after another for the process that started it.

It reads one JSON object per line, ``{"set": FOLDER}``, renders what the set in that folder lacks, and writes the events
of a run and ``{"event": "rendered", ...}``. The set folder must exist, with its model unless that is a file of the user.
``{"stop": true}`` ends the process after the current picture. The end of its input ends it at once: the process that
started it is gone, and another one may use the folder.
"""

import contextlib
import json
import logging
import os
import queue
import threading
from dataclasses import replace
from pathlib import Path
from typing import TextIO

import bpy

from ..messages import events
from ..messages.errors import MachineError, PhotorealError, ProgramError, machine_error
from ..messages.progress import Reporter
from ..photo_set.folder import TOOL, SetFolder
from ..photo_set.plan_record import plan_from
from ..photo_set.render_listener import RenderListener
from ..photo_set.results import SetResults
from ..processes.stop import Stop, StopRenderingError
from .session import empty_blender
from .stage import StudioStage

log = logging.getLogger(__name__)


def serve(requests: TextIO, reporter: Reporter, external_data: tuple[Path, ...] = ()) -> int:
    """Render until the input ends, which ends the process.

    ``external_data`` are folders that .blend files may read from, in addition to their own.
    """
    stop = Stop()
    wanted: queue.Queue[Path] = queue.Queue()
    threading.Thread(target=_listen, args=(requests, wanted, stop), daemon=True).start()
    reporter.tell(events.Ready(blender=bpy.app.version_string))
    while True:
        folder = wanted.get()
        try:
            _render(folder, reporter, stop, external_data)
        except PhotorealError as error:
            _answer(reporter, folder, error)
        except OSError as error:
            _answer(reporter, folder, machine_error(error, folder))
        except MemoryError:
            _answer(reporter, folder, MachineError("There is not enough memory."))
        except StopRenderingError:
            reporter.tell(events.Rendered(set=str(folder), state="stopped", error="", exit=0))
        except Exception as error:  # A bug that one product triggers must not stop the others.
            log.exception("%s could not be rendered", folder)
            _answer(reporter, folder, ProgramError(error))
        else:
            reporter.tell(events.Rendered(set=str(folder), state="done", error="", exit=0))
        empty_blender()


def _answer(reporter: Reporter, folder: Path, error: PhotorealError) -> None:
    reporter.tell(events.Rendered(set=str(folder), state="failed", error=str(error), exit=error.exit_code))


def _listen(requests: TextIO, wanted: "queue.Queue[Path]", stop: Stop) -> None:
    with contextlib.suppress(OSError, ValueError):
        for line in requests:
            request = json.loads(line)
            if request.get("stop"):
                stop.ask()
            else:
                wanted.put(Path(request["set"]))
    os._exit(0)


def _render(root: Path, reporter: Reporter, stop: Stop, external_data: tuple[Path, ...]) -> None:
    folder = SetFolder.open(root)
    plan = replace(plan_from(folder, None), external_data=external_data)
    results = SetResults(plan=plan, folder=folder, reporter=reporter, stop=stop)
    with folder.change() as record:
        record["tool"] = {**TOOL, "blender": bpy.app.version_string}
    stage = StudioStage(results, RenderListener())
    with results.activity.told_to(reporter):
        if not results.has_model():
            stage.take_model()
        stage.go()
