# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps runs out of one set folder, and lets other processes see the runs of sets and catalogues."""

import contextlib
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

from ..catalogue.states import row_lock
from ..files.lock import FileLock
from ..messages import events
from ..messages.errors import PhotorealError
from ..messages.progress import Reporter
from ..photo_set.living_run import RunLog, is_asked_to_stop, is_locked, lock_of
from ..photo_set.variant_folders import set_of_variant
from .option_values import Context, RowOptions

LOOK_SECONDS = 0.3  # Between two checks whether another run has ended.


@contextlib.contextmanager
def working_in(root: Path, reporter: Reporter) -> Iterator[None]:
    """While entered, no other run of a set or catalogue uses the set folder ``root``.

    Waits for a run that does: what it makes is not made again. Where files cannot be locked, runs are not kept apart.
    The folder of a variant is used by every run of its set too.
    """
    places = []
    for folder in filter(None, (set_of_variant(root), root)):
        places.append(lock_of(folder))
        if row_lock(folder).exists():  # It is a product of a catalogue.
            places.append(row_lock(folder))
    with ExitStack() as stack:
        for place in places:
            with contextlib.suppress(OSError):
                stack.callback(_lock_when_free(place, root, reporter).release)
        yield


@contextlib.contextmanager
def visible_run(root: Path, reporter: Reporter, *, is_catalogue: bool = False) -> Iterator[Reporter]:
    """Within ``working_in``: a reporter whose events other processes see too, until the run ends."""
    if not is_locked(root):  # Others could not tell whether this run lives.
        yield reporter
        return
    log = RunLog(root, reporter, is_catalogue=is_catalogue)
    try:
        yield log
    except PhotorealError as error:
        log.fail(str(error), error.exit_code, error.field)
        raise
    finally:
        log.close()


@contextlib.contextmanager
def visible_catalogue(root: Path, rows: RowOptions, context: Context) -> Iterator[Context]:
    """While entered, other processes see a run of the catalogue in ``root`` and can stop it, through this context.

    Several runs may share a catalogue, each with its own products: only the first is visible. Tasks of a farm are not,
    because a window on another machine could not end them.
    """
    with ExitStack() as stack:
        is_first = False
        with contextlib.suppress(OSError):  # Where files cannot be locked, no run is visible.
            if not rows.as_task and (lock := FileLock.taken(lock_of(root))):
                stack.callback(lock.release)
                is_first = True
        if is_first:
            reporter = stack.enter_context(visible_run(root, context.reporter, is_catalogue=True))
            asked = partial(is_asked_to_stop, root)
            context = replace(context, reporter=reporter, is_asked_to_stop=asked)
        yield context


def _lock_when_free(place: Path, root: Path, reporter: Reporter) -> FileLock:
    """Raises OSError where files cannot be locked."""
    is_told = False
    while (lock := FileLock.taken(place)) is None:
        if not is_told:
            text = f"Another run uses {root}: this one continues when that has ended. Press Ctrl-C to leave."
            reporter.tell(events.Note(text=text))
            is_told = True
        time.sleep(LOOK_SECONDS)
    return lock
