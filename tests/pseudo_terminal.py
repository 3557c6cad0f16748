# SPDX-License-Identifier: GPL-3.0-or-later
"""A command in a real pseudo-terminal, and the screen that a person sees there."""

import errno
import fcntl
import os
import pty
import re
import struct
import termios
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

SEQUENCE = re.compile(r"\x1b\[(\??[\d;]*)([A-Za-z])")
ROWS = 40


@dataclass
class Screen:
    """What a terminal of ``columns`` shows of the text written to it. Raises ValueError for a sequence that it lacks.

    ``wrapped``: lines that went over the right edge. ``erased``: lines that were shown and are gone.
    """

    columns: int
    lines: list[str] = field(default_factory=lambda: [""])
    row: int = 0
    column: int = 0
    has_cursor: bool = True
    wrapped: list[str] = field(default_factory=list)
    erased: list[str] = field(default_factory=list)

    def write(self, text: str) -> None:
        place = 0
        while place < len(text):
            if found := SEQUENCE.match(text, place):
                self._obey(found[1], found[2])
                place = found.end()
                continue
            self._put(text[place])
            place += 1

    def _put(self, letter: str) -> None:
        if letter == "\r":
            self.column = 0
        elif letter == "\n":
            self.row += 1
            self.lines += [""] * (self.row + 1 - len(self.lines))
        elif letter == "\x1b":
            raise ValueError("not a known control sequence")
        else:
            if self.column == self.columns:
                self.wrapped.append(self.lines[self.row])
                self._put("\n")
                self.column = 0
            line = self.lines[self.row].ljust(self.column)
            self.lines[self.row] = line[: self.column] + letter + line[self.column + 1 :]
            self.column += 1

    def _obey(self, number: str, command: str) -> None:
        match command, number:
            case "m", _:
                pass
            case "A", _:
                self.row = max(0, self.row - int(number or 1))
            case "K", "2":
                self.erased.append(self.lines[self.row].rstrip())
                self.lines[self.row] = ""
            case (("h" | "l"), "?25"):
                self.has_cursor = command == "h"
            case _:
                raise ValueError(f"not a known control sequence: {number}{command}")

    @property
    def text(self) -> list[str]:
        """The lines that are not empty."""
        return [line.rstrip() for line in self.lines if line.strip()]


def run_in_terminal(
    command: Sequence[str], columns: int, environ: Mapping[str, str], *, interrupt_at: bytes = b""
) -> tuple[bytes, int]:
    """What the command writes to a terminal of that width, and its exit code.

    Ctrl-C is pressed when ``interrupt_at`` is written for the first time.
    """
    process, terminal = pty.fork()
    if process == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, columns, 0, 0))
        os.execvpe(command[0], list(command), dict(environ))
    written = b""
    with os.fdopen(terminal, "r+b", buffering=0) as stream:
        while data := _read(stream.fileno()):
            written += data
            if interrupt_at and interrupt_at in written:
                stream.write(b"\x03")
                interrupt_at = b""
    return written, os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 1 << 16)
    except OSError as error:
        if error.errno != errno.EIO:  # Linux says so when the last process that has the terminal open ends.
            raise
        return b""
