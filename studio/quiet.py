# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps what Blender's operators print out of the user's terminal."""

import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

log = logging.getLogger(__name__)


@contextmanager
def quiet_blender() -> Iterator[None]:
    """For short operators: their chatter and tracebacks go to our log (level DEBUG).

    They print to the file descriptors, from C, so nothing less than those can be caught.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    with tempfile.TemporaryFile() as words:
        os.dup2(words.fileno(), 1)
        os.dup2(words.fileno(), 2)
        try:
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, original in zip((1, 2), kept, strict=True):
                os.dup2(original, number)
                os.close(original)
            words.seek(0)
            log.debug("%s", words.read().decode(errors="replace"))
