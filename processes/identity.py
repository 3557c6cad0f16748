# SPDX-License-Identifier: GPL-3.0-or-later
"""Mark what a process writes into a shared folder, and tell whether that process still runs."""

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
    """Eight hex digits that identify where a process number is unique.

    On Linux this is one boot of a machine or container: several of them may have the same name.
    """
    facts = [platform.node()]
    with contextlib.suppress(OSError):
        facts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii"))
        facts.append(str(Path("/proc/self/ns/pid").readlink()))
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:8]


def is_elsewhere(mark: Mapping[str, Any]) -> bool:
    """Whether the marked process belongs to another machine, where its state cannot be read."""
    return mark.get("machine") != _MACHINE


def is_gone(mark: Mapping[str, Any]) -> bool:
    """Whether the marked process has certainly ended. ``False`` may mean that this is unknown."""
    if os.name == "nt" or is_elsewhere(mark):
        return False  # On Windows, signal 0 is Ctrl-C and would interrupt the process.
    try:
        os.kill(int(mark["process"]), 0)
    except ProcessLookupError:
        return True
    except (OSError, KeyError, TypeError, ValueError, OverflowError):
        return False
    return False
