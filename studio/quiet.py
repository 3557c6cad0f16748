# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps the output of Blender's operators off the user's terminal."""

import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

log = logging.getLogger(__name__)


@contextmanager
def quiet_blender() -> Iterator[None]:
    """Redirect standard output and standard error, for short operators, to our log (level DEBUG).

    Operators write from C, so the file descriptors themselves are redirected.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    with tempfile.TemporaryFile() as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
        try:
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, original in zip((1, 2), kept, strict=True):
                os.dup2(original, number)
                os.close(original)
            output.seek(0)
            log.debug("%s", output.read().decode(errors="replace"))
