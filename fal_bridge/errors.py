# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors of the bridge, each with a hint on what to do."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from ..messages.errors import STOPPED_EXIT_CODE, MachineError, PhotorealError


class BridgeError(PhotorealError):
    """``next_step`` is the hint of the class; an error may have a better one.

    ``request_id`` is the id that fal.ai's response gave the request, or "".
    """

    next_step: ClassVar[str] = ""

    def __init__(self, message: str, *, hint: str = "", field: str = "", request_id: str = "") -> None:
        super().__init__(message, hint=hint or self.next_step, field=field)
        self.request_id = request_id


class WrongRequestError(BridgeError):
    """Found here, before anything was sent or paid."""

    exit_code = 1


class UnknownEndpointError(BridgeError):
    exit_code = 1
    next_step = "Check the endpoint id: it may be misspelled or withdrawn."


class BadKeyError(BridgeError):
    exit_code = 1
    next_step = "Copy the key again from the fal.ai dashboard into FAL_KEY, FAL_KEY_FILE or the preferences."


class MissingPermissionError(BadKeyError):
    """The key is valid and may not do this."""

    next_step = (
        "Give the key this permission in the fal.ai dashboard, or use one that has it. The test of the key lists what it "
        "may do."
    )


class AccountLockedError(BridgeError):
    next_step = "Top up or unlock the account in the fal.ai dashboard, then resume: nothing is paid twice."


class RateLimitedError(BridgeError):
    """fal.ai itself asks to wait. ``wait_seconds`` is how long, where it says."""

    next_step = "Nothing was charged. Resume in a few minutes."

    def __init__(self, message: str, *, hint: str = "", wait_seconds: float | None = None) -> None:
        super().__init__(message, hint=hint)
        self.wait_seconds = wait_seconds


class InputRefusedError(BridgeError):
    next_step = "Change the input: it would be rejected again and may be charged again."


class ContentPolicyError(BridgeError):
    next_step = "Change the picture or the prompt: they would be rejected again."


class UnsafePictureError(BridgeError):
    next_step = "It was charged and its file is kept. Try another seed, prompt or picture."


class RunnerTroubleError(BridgeError):
    next_step = "Failures of this kind are not charged. Resume to send it again."


class JobCancelledError(BridgeError):
    next_step = "It may be charged if it was running. Resume to send it again."


class QueueDeadlineError(BridgeError):
    next_step = "The job stays in fal.ai's queue. Resume later to continue waiting, free of charge."


class NetworkDownError(BridgeError):
    next_step = "Check the network, then resume: what was sent is kept and is not paid twice."


class PricesUnreachableError(NetworkDownError):
    """No price could be fetched, so nothing can be made."""

    exit_code = MachineError.exit_code


class ServiceTroubleError(BridgeError):
    next_step = "Resume later: what was sent is kept and is not paid twice."


class UnknownResultError(ServiceTroubleError):
    """The job is paid, and where its result names the file is unknown."""

    next_step = (
        "Its result is kept in the journal; a newer version may understand it. Redo it to buy another one."
    )


class UncertainSubmitError(BridgeError):
    """The one paid request was sent and its response is unknown.

    ``is_refusal``: fal.ai itself responded with a server error, so it was probably not accepted.
    """

    is_refusal = False

    exit_code = 5
    next_step = (
        "It may be running and may be charged, so it is not sent again automatically. "
        "Resume later to look for it again, free of charge."
    )


class ForgottenError(BridgeError):
    """Uncertain, and the user has decided to continue without it."""

    next_step = "It can be sent again."


class CeilingReachedError(BridgeError):
    """The money could not be reserved, so nothing was sent."""

    exit_code = 4
    next_step = (
        "Nothing more was sent. Raise the ceiling to continue; what is paid is kept and not paid twice."
    )


class ProductCeilingError(CeilingReachedError):
    """The ceiling of one product of a catalogue; the others continue."""


class UnknownPriceError(BridgeError):
    exit_code = 1
    field = "allow_unknown_price"
    next_step = (
        "Nothing was sent. Choose another endpoint, or set a ceiling and allow unknown prices: "
        "it then counts as a share of what is left below the ceiling."
    )


class UploadFailedError(BridgeError):
    next_step = "Nothing was paid. Resume to try again."


class DownloadFailedError(BridgeError):
    next_step = (
        "The job is paid and fal.ai keeps its result for a while. Resume soon, free of charge. "
        "If it still fails, redo it to buy another one."
    )


class ExpiredResultError(BridgeError):
    next_step = "fal.ai keeps results for a limited time. Redo it to buy another one."


class StoppedError(BridgeError):
    exit_code = STOPPED_EXIT_CODE
    next_step = "Resume to continue: what was sent is kept and is not paid twice."


class JournalError(BridgeError):
    """The journal cannot be written or read; without it nothing is sent."""

    exit_code = 3
    next_step = "Check that the folder is writable and the disk is not full."


class DamagedJournalError(JournalError):
    next_step = (
        "Restore this file from a copy. Without one, the request is only in your fal.ai dashboard: move the folder of "
        "this file out of the journal to have it made, and charged, again."
    )


class ForeignWebhookError(BridgeError):
    """It may not be from fal.ai."""

    next_step = "Respond with status 401 and do nothing else."


class MissingPackageError(BridgeError):
    exit_code = 3
    next_step = "Install it: python -m pip install cryptography."


def _subclasses(kind: type[BridgeError]) -> Iterator[type[BridgeError]]:
    for more in kind.__subclasses__():
        yield more
        yield from _subclasses(more)


BY_NAME: dict[str, type[BridgeError]] = {kind.__name__: kind for kind in _subclasses(BridgeError)}

# fal.ai has finally rejected the job, or the user has given it up: running the same job again is of no use.
FINALLY_LOST = (ContentPolicyError, InputRefusedError, UnsafePictureError, ForgottenError)

# The job is paid and its result may be lost: the same job again is not sent, and another one can be bought.
RESULT_LOST = (DownloadFailedError, ExpiredResultError, UnknownResultError)

# The job has ended, or its result is lost: only another request can generate the file.
LOST = (*FINALLY_LOST, *RESULT_LOST)


def facts_of(error: BridgeError) -> dict[str, Any]:
    """An error as it is kept in a journal."""
    facts = {"error": type(error).__name__, "message": error.message, "hint": error.hint}
    return {**facts, "request_id": error.request_id} if error.request_id else facts


def error_from(facts: Mapping[str, Any]) -> BridgeError:
    """The error from the facts that ``facts_of`` returned; a BridgeError when its name is unknown."""
    kind = BY_NAME.get(str(facts.get("error")), BridgeError)
    return kind(str(facts.get("message", "")), hint=str(facts.get("hint", "")))
