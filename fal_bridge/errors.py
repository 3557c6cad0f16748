# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that can go wrong between us and fal.ai, each with a next step."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from ..messages.errors import STOPPED_EXIT_CODE, PhotorealError


class BridgeError(PhotorealError):
    """``next_step`` is the hint of the class; an error may bring a better one.

    NAME in it stands for what ``resume --redo`` calls the job. ``request_id`` is what fal.ai's answer called the
    request; "" where it gave none.
    """

    next_step: ClassVar[str] = ""

    def __init__(self, message: str, *, hint: str = "", request_id: str = "") -> None:
        super().__init__(message, hint=hint or self.next_step)
        self.request_id = request_id

    def name_redo(self, name: str) -> None:
        """Put what ``resume --redo`` calls the job into the hint."""
        self.hint = self.hint.replace("--redo NAME", f"--redo {name}")


class WrongRequestError(BridgeError):
    """Found by ourselves, before anything was sent or paid."""

    exit_code = 1


class UnknownEndpointError(BridgeError):
    exit_code = 1
    next_step = "Check the endpoint id: it may be misspelled or withdrawn."


class BadKeyError(BridgeError):
    exit_code = 1
    next_step = "Copy the key again from the fal.ai dashboard into FAL_KEY, FAL_KEY_FILE or the preferences."


class AccountLockedError(BridgeError):
    next_step = "Top up or unlock the account in the fal.ai dashboard, then resume: nothing is paid twice."


class RateLimitedError(BridgeError):
    """fal.ai itself asks to wait. ``wait_seconds`` is how long, where it says."""

    next_step = "Nothing was charged. Resume in a few minutes."

    def __init__(self, message: str, *, hint: str = "", wait_seconds: float | None = None) -> None:
        super().__init__(message, hint=hint)
        self.wait_seconds = wait_seconds


class InputRefusedError(BridgeError):
    next_step = "Change the input: the same one would be refused again and may be charged again."


class ContentPolicyError(BridgeError):
    next_step = "Change the picture or the prompt: the same ones would be refused again."


class UnsafePictureError(BridgeError):
    next_step = "It was charged and its file is kept. Try another seed, prompt or picture."


class RunnerTroubleError(BridgeError):
    next_step = "Failures of this sort are not charged. Resume to send it again."


class JobCancelledError(BridgeError):
    next_step = "It may be charged if it was running. Resume to send it again."


class QueueDeadlineError(BridgeError):
    next_step = "The job stays in fal.ai's queue. Resume later to go on waiting: that is free."


class NetworkDownError(BridgeError):
    next_step = "Check the network, then resume: what was sent is kept and is not paid twice."


class ServiceTroubleError(BridgeError):
    next_step = "Resume later: what was sent is kept and is not paid twice."


class UnknownResultError(ServiceTroubleError):
    """The job is paid, and nobody here can tell where in its answer the file is."""

    next_step = (
        "Its answer is kept in the journal; a newer version may understand it. "
        "`resume DIR --redo NAME` buys it anew."
    )


class UncertainSubmitError(BridgeError):
    """The one paid request went out and its answer is not known.

    ``is_refusal``: fal.ai itself has answered with a server error, so it was probably not accepted.
    """

    is_refusal = False

    exit_code = 5
    next_step = (
        "It may be running and may be charged, so it is not sent again automatically. "
        "Resume later to look for it again, free of charge."
    )


class ForgottenError(BridgeError):
    """Uncertain, and a person has decided to do without it."""

    next_step = "Resume with --resend to send it again."


class CeilingReachedError(BridgeError):
    """Money was not put aside, so nothing was sent."""

    exit_code = 4
    next_step = "Nothing more was sent. Raise the ceiling to go on; what is paid is kept and not paid twice."


class ProductCeilingError(CeilingReachedError):
    """The ceiling of one product of a catalogue; the others go on."""


class UnknownPriceError(BridgeError):
    exit_code = 1
    next_step = (
        "Nothing was sent. Choose another endpoint, or give --max-cost USD with --allow-unknown-price: "
        "it then counts as a share of what the ceiling leaves."
    )


class UploadFailedError(BridgeError):
    next_step = "Nothing was paid. Resume to try again."


class DownloadFailedError(BridgeError):
    next_step = (
        "The job is paid and its result is kept by fal.ai for a while. Resume soon: that is free. "
        "If it stays so, `resume DIR --redo NAME` buys it anew."
    )


class ExpiredResultError(BridgeError):
    next_step = "fal.ai keeps results for a limited time. `resume DIR --redo NAME` buys it anew."


class StoppedError(BridgeError):
    exit_code = STOPPED_EXIT_CODE
    next_step = "Resume to go on: what was sent is kept and is not paid twice."


class JournalError(BridgeError):
    """The disk refuses to remember; without memory nothing is sent."""

    exit_code = 3
    next_step = "Check that the folder is writable and the disk is not full."


class ForeignWebhookError(BridgeError):
    """Somebody else than fal.ai may have sent it."""

    next_step = "Answer with status 401 and do nothing else."


class MissingPackageError(BridgeError):
    exit_code = 3
    next_step = "Install it: python -m pip install cryptography."


def _subclasses(kind: type[BridgeError]) -> Iterator[type[BridgeError]]:
    for more in kind.__subclasses__():
        yield more
        yield from _subclasses(more)


BY_NAME: dict[str, type[BridgeError]] = {kind.__name__: kind for kind in _subclasses(BridgeError)}

# fal.ai has refused the job for good, or a person has given it up: no later run of the same job brings anything.
FINALLY_LOST = (ContentPolicyError, InputRefusedError, UnsafePictureError, ForgottenError)

# The job has ended, or its result is lost: only another request can bring what was wanted.
LOST = (
    *(ContentPolicyError, InputRefusedError, UnsafePictureError, ForgottenError),
    *(DownloadFailedError, ExpiredResultError, UnknownResultError),
)


def facts_of(error: BridgeError) -> dict[str, Any]:
    """What a journal keeps of an error."""
    facts = {"error": type(error).__name__, "message": error.message, "hint": error.hint}
    return {**facts, "request_id": error.request_id} if error.request_id else facts


def error_from(facts: Mapping[str, Any]) -> BridgeError:
    """The error that ``facts_of`` has kept; a BridgeError where its name is no longer known."""
    kind = BY_NAME.get(str(facts.get("error")), BridgeError)
    return kind(str(facts.get("message", "")), hint=str(facts.get("hint", "")))
