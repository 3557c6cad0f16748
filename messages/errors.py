# SPDX-License-Identifier: GPL-3.0-or-later
"""The root of every error that a user may see."""

import errno
from pathlib import Path

STOPPED_EXIT_CODE = 130  # Ended by Ctrl-C: shells report it so (128 + SIGINT).


class PhotorealError(Exception):
    """``message`` says what is wrong in one sentence, ``hint`` what to do about it; ``str(error)`` is both.

    ``field`` is what the user can change, by its name in the plan of a set or in the options of a command, for example
    "photo_size"; "" when it is not one field. Message and hint name no option of the command line: each surface adds
    what its users know the field by.

    ``exit_code`` is that of the command line when the error ends the run.
    """

    exit_code = 2
    field = ""

    def __init__(self, message: str, *, hint: str = "", field: str = "") -> None:
        super().__init__(message)
        self.hint = hint
        self.field = field or self.field

    @property
    def message(self) -> str:
        """The message without its hint."""
        return str(self.args[0])

    def __str__(self) -> str:
        message = super().__str__()
        if not self.hint:
            return message
        stop = "" if message.endswith((".", "!", "?", ":")) else "."  # Messages of libraries often lack one.
        return f"{message}{stop} {self.hint}"


class InputError(PhotorealError):
    """The user gave something that cannot be used."""

    exit_code = 1


class FieldError(InputError):
    """A choice of the user that cannot be used, or does not fit the others; ``field`` is its name."""

    def __init__(self, field: str, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint, field=field)


class MachineError(PhotorealError):
    """Disk, device or Blender failed, whatever the input was."""

    exit_code = 3


class StoppedByUserError(PhotorealError):
    """Ctrl-C before there was anything to finish."""

    exit_code = STOPPED_EXIT_CODE

    def __init__(self) -> None:
        super().__init__("Stopped.", hint="Run the same command again to continue.")


class ProgramError(MachineError):
    """A bug in Photoreal Set. The code that raises it logs the traceback."""

    def __init__(self, error: BaseException) -> None:
        what = " ".join(str(error).split()).rstrip(".")
        super().__init__(
            f"This is a bug in Photoreal Set ({type(error).__name__}{': ' * bool(what)}{what}).",
            hint="Report it with the traceback from the error output and, if possible, the file.",
        )


DISK_FULL = {errno.ENOSPC, errno.EDQUOT}


def machine_error(error: OSError, folder: Path | None = None) -> PhotorealError:
    """``error`` for a user: a MachineError, or an InputError for a name that the user gave and no system accepts.

    ``folder`` is where it happened when ``error`` names no file.
    """
    where = error.filename or folder or "a temporary folder"
    if error.errno == errno.ENAMETOOLONG:
        return InputError(f"A name is too long: {where}.", hint="Choose a shorter one.")
    if error.errno in DISK_FULL:
        return MachineError(
            f"The disk is full: no space left in {where}.",
            hint="Free space there, then run again to continue.",
        )
    return MachineError(
        f"{error.strerror or error}: {where}.", hint="Free space or fix the permissions, then run again."
    )
