# SPDX-License-Identifier: GPL-3.0-or-later
"""The root of every error that a user may see."""

import errno
from pathlib import Path

STOPPED_EXIT_CODE = 130  # Ended by Ctrl-C: what shells report for it.


class PhotorealError(Exception):
    """``str(error)`` is one sentence that says what is wrong; ``hint`` says what to do about it.

    ``exit_code`` is what the command line returns when the error ends the run.
    """

    exit_code = 2

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    @property
    def message(self) -> str:
        """The sentence without its hint."""
        return str(self.args[0])

    def __str__(self) -> str:
        message = super().__str__()
        if not self.hint:
            return message
        stop = "" if message.endswith((".", "!", "?", ":")) else "."  # Texts from outside often lack one.
        return f"{message}{stop} {self.hint}"


class InputError(PhotorealError):
    """The user gave something that cannot be used."""

    exit_code = 1


class MachineError(PhotorealError):
    """Disk, device or Blender failed; the input is not to blame."""

    exit_code = 3


class FaultError(MachineError):
    """A fault of ours: what nobody foresaw. Whoever raises it logs the traceback."""

    def __init__(self, error: BaseException) -> None:
        what = " ".join(str(error).split()).rstrip(".")
        super().__init__(
            f"This is a fault of Photoreal Set ({type(error).__name__}{': ' * bool(what)}{what}).",
            hint="Report it with the traceback on the error output and, if you can, the file.",
        )


FULL = {errno.ENOSPC, errno.EDQUOT}


def machine_error(error: OSError, folder: Path | None = None) -> MachineError:
    """``error`` as a sentence; ``folder`` is what it concerns where it names no file."""
    where = error.filename or folder or "a temporary folder"
    if error.errno in FULL:
        return MachineError(
            f"The disk is full: {where} takes no more.", hint="Free space there, then run again: it goes on."
        )
    return MachineError(
        f"{error.strerror or error}: {where}.", hint="Free space or fix the rights, then run again."
    )
