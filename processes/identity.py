# SPDX-License-Identifier: GPL-3.0-or-later
"""Which process wrote something into a shared folder, and whether it still runs."""

import contextlib
import hashlib
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_MACHINE = hashlib.sha256(platform.node().encode()).hexdigest()[:16]


def this_process() -> dict[str, Any]:
    """The mark of this process, for ``is_gone``."""
    return {"machine": _MACHINE, "process": os.getpid()}


def process_space() -> str:
    """Eight hex digits for the space in which a process number means one process.

    On Linux that is one boot of one machine, or of one container: machines and containers may share a name.
    """
    words = [platform.node()]
    with contextlib.suppress(OSError):
        words.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii"))
        words.append(str(Path("/proc/self/ns/pid").readlink()))
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:8]


def is_elsewhere(mark: Mapping[str, Any]) -> bool:
    """Whether the marked process is of another machine, where nobody can ask for it."""
    return mark.get("machine") != _MACHINE


def is_gone(mark: Mapping[str, Any]) -> bool:
    """Whether the marked process surely ended; ``False`` also means: cannot be told."""
    if os.name == "nt" or is_elsewhere(mark):
        return False  # On Windows signal 0 is not a question but Ctrl-C.
    try:
        os.kill(int(mark["process"]), 0)
    except ProcessLookupError:
        return True
    except (OSError, KeyError, TypeError, ValueError, OverflowError):
        return False
    return False
