# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs pip, says what it downloads and how much is left, and why it failed.

Standard library only. ``environment`` loads this file by its path, before the packages of the product are installed.
"""

import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

LOOK_SECONDS = 0.5  # Between two looks at how much has arrived.
LINE_SECONDS = 5.0  # Between two lines about the same package, where lines cannot be replaced.
KEPT_LINES = 400  # Of pip's output, for the reason of a failure.

# A line of pip for each package; it also mentions files with metadata only.
FETCHED = re.compile(
    r"^\s*(?:Downloading|Using cached|Processing) (?:\S*/)?(?P<name>[^\s/]+?)-(?P<version>\d[^-\s]*)[-.]\S*"
    r"(?: \((?P<size>[\d.]+) (?P<unit>[kMG]?B)\))?"
)
INSTALLING = re.compile(r"^\s*Installing collected packages")
UNITS = {"B": 1e-6, "kB": 1e-3, "MB": 1.0, "GB": 1e3}  # In megabytes.

# What pip's output says of a cause, the sentence, and what to do. The first that fits counts.
CAUSES = (
    (r"No space left on device", "The disk is full", "Free 2 GB and start again."),
    (
        r"DO NOT MATCH THE HASHES|Hashes are required|hash mismatch",
        "A downloaded package is not the expected file",
        "A proxy or the package index may have changed it: start again.",
    ),
    (
        r"Connection refused|NewConnectionError|Name or service not known|Temporary failure in name resolution|"
        r"getaddrinfo failed|nodename nor servname|Network is unreachable|ConnectTimeoutError|ReadTimeoutError|"
        r"ProxyError|SSLError|Connection aborted|IncompleteRead|RemoteDisconnected|Could not fetch URL",
        "The packages cannot be downloaded: the package index cannot be reached",
        "Check the internet connection and start again.",
    ),
    (
        r"from versions: none",
        "The package index does not answer, or does not have the packages",
        "Check the internet connection and start again.",
    ),
)


def install(command: Sequence[str], requirements: Path, environ: Mapping[str, str]) -> str:
    """Run ``command``, a ``pip install`` of the hashed ``requirements``; why it failed, in one sentence, or "".

    What it downloads goes through a temporary folder that is watched.
    """
    with tempfile.TemporaryDirectory(prefix="photoreal-pip-") as folder:
        progress = _Progress(wanted_packages(requirements), Path(folder))
        environ = {**environ, "TMPDIR": folder, "TEMP": folder, "TMP": folder, "PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen(
            [*command, "--progress-bar", "off"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=environ,
        )
        assert process.stdout is not None
        lines: list[str] = []
        with process, progress:
            for line in process.stdout:
                lines.append(line.rstrip())
                del lines[:-KEPT_LINES]
                progress.take(line)
    return "" if process.returncode == 0 else reason_of(lines)


def wanted_packages(requirements: Path) -> int:
    """How many packages a lock file has for any machine."""
    text = requirements.read_text(encoding="utf-8")
    return len(re.findall(r"^[\w.\[\]-]+==", text, re.MULTILINE))


def reason_of(lines: Sequence[str]) -> str:
    """Why pip failed, in one sentence and what to do."""
    text = "\n".join(lines)
    for pattern, cause, advice in CAUSES:
        if re.search(pattern, text, re.IGNORECASE):
            return f"{cause}. {advice}"
    errors = [line.removeprefix("ERROR: ").strip() for line in lines if line.startswith("ERROR: ")]
    last = (errors or [line for line in lines if line.strip()] or ["pip said nothing"])[-1].rstrip(".")
    return f"The packages could not be installed ({last}). Start again."


class _Progress:
    """Tells how far pip is: on one line that is replaced at a terminal, on several elsewhere."""

    def __init__(self, wanted: int, folder: Path) -> None:
        self._wanted = wanted
        self._folder = folder
        self._count = 0
        self._doing = "asking the package index"
        self._size = 0.0  # Megabytes of the current package; 0: not known.
        self._arrived_before = 0.0
        self._told_at = 0.0
        self._is_over = threading.Event()
        self._lock = threading.Lock()
        self._has_line = False  # An unfinished line is on the terminal.

    def __enter__(self) -> "_Progress":
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        with self._lock:
            self._is_over.set()
            if self._has_line:
                sys.stderr.write("\r\033[K")
                sys.stderr.flush()

    def take(self, line: str) -> None:
        """Update from a line of pip's output."""
        with self._lock:
            if line.startswith("Ignoring "):  # It is for other machines.
                self._wanted -= 1
            elif line.startswith("Requirement already satisfied"):
                self._count += 1
            elif INSTALLING.match(line):
                self._doing, self._size = "writing the packages", 0.0
                self._tell()
            elif (found := FETCHED.match(line)) and ".metadata" not in line:
                self._count += 1
                self._doing = f"package {self._count} of {max(self._wanted, self._count)}: {found['name']} {found['version']}"
                self._size = float(found["size"]) * UNITS[found["unit"]] if found["size"] else 0.0
                self._arrived_before = self._arrived()
                self._tell()

    def _watch(self) -> None:
        while not self._is_over.wait(LOOK_SECONDS):
            with self._lock:
                if sys.stderr.isatty() or time.monotonic() - self._told_at >= LINE_SECONDS:
                    self._tell()

    def _arrived(self) -> float:
        """Megabytes in the folder for downloads."""
        total = 0
        for path in self._folder.rglob("*"):
            try:
                total += path.stat().st_size
            except OSError:  # It was moved or removed meanwhile.
                continue
        return total / 1e6

    def _tell(self) -> None:
        if self._is_over.is_set():
            return
        self._told_at = time.monotonic()
        text = f"[photoreal-set] {self._doing[:1].upper()}{self._doing[1:]}"
        if self._size:
            arrived = min(self._size, max(0.0, self._arrived() - self._arrived_before))
            text += f", {arrived:.0f} of {self._size:.0f} MB" if self._size >= 1.0 else ""
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\033[K{text[:78]}")
            self._has_line = True
        else:
            sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
