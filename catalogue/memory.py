# SPDX-License-Identifier: GPL-3.0-or-later
"""The memory of a process, and of the machine."""

import contextlib
import ctypes
import os
import subprocess
import sys
from pathlib import Path

FALLBACK_BYTES = 8 << 30  # When the system does not report its memory.


def memory_of(process: int) -> int | None:
    """Bytes in use by a process; ``None`` when it is not known, or the process has ended."""
    try:
        if sys.platform == "win32":
            return _windows_memory(process)
        if Path("/proc/self/statm").exists():
            pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
            return pages * os.sysconf("SC_PAGE_SIZE")
        listed = subprocess.run(["ps", "-o", "rss=", "-p", str(process)], capture_output=True, text=True)
        return int(listed.stdout) << 10
    except (OSError, ValueError, IndexError):
        return None


def machine_memory() -> int:
    """Bytes of memory of this machine, or of the container that this process runs in."""
    found = FALLBACK_BYTES
    if sys.platform == "win32":
        found = _windows_machine()
    else:
        with contextlib.suppress(OSError, ValueError):
            found = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for name in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):
            found = min(found, int(Path(name).read_text()))
    return found


if sys.platform == "win32":
    from ctypes import wintypes

    class _Counters(ctypes.Structure):
        _fields_ = (
            ("size", wintypes.DWORD),
            ("page_faults", wintypes.DWORD),
            ("peak_working_set", ctypes.c_size_t),
            ("working_set", ctypes.c_size_t),
            ("others", ctypes.c_size_t * 6),
        )

    class _Status(ctypes.Structure):
        _fields_ = (
            ("size", wintypes.DWORD),
            ("load", wintypes.DWORD),
            ("physical", ctypes.c_ulonglong),
            ("others", ctypes.c_ulonglong * 6),
        )

    def _windows_memory(process: int) -> int | None:
        kernel = ctypes.windll.kernel32
        kernel.OpenProcess.restype = wintypes.HANDLE
        handle = kernel.OpenProcess(0x1000, False, process)  # PROCESS_QUERY_LIMITED_INFORMATION
        if not handle:
            return None
        try:
            counters = _Counters(size=ctypes.sizeof(_Counters))
            is_known = ctypes.windll.psapi.GetProcessMemoryInfo(
                wintypes.HANDLE(handle), ctypes.byref(counters), counters.size
            )
            return int(counters.working_set) if is_known else None
        finally:
            kernel.CloseHandle(wintypes.HANDLE(handle))

    def _windows_machine() -> int:
        status = _Status(size=ctypes.sizeof(_Status))
        ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))
        return int(status.physical) or FALLBACK_BYTES
