"""When the SDK must not send a write of an instrumented client again.

HAZARD if it sent an update again that may have been carried out: it would count twice. So its name
settles it.
HAZARD if it sent a write when half a fold's margin has passed: the fold could cover it unseen (W6).
Source: botocore, "Event system" (`needs-retry`).
"""

from typing import Any

from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError

from reconciler.aws.clients import translated
from reconciler.calls.steps import REFUSED
from reconciler.calls.transactions import CANCELLED
from reconciler.conflict.folding import CLOCK_SKEW_MARGIN_MS
from reconciler.errors import ReconcilerError

WRITES = ("PutItem", "TransactWriteItems", "UpdateItem")
_NEVER_SENT = (ConnectTimeoutError, EndpointConnectionError)


class NotAgain(Exception):
    """A write failed, and is not sent again: it may have been carried out, or it is late."""

    def __init__(self, failure: ReconcilerError) -> None:
        super().__init__(str(failure))
        self.failure = failure


def failure_of(operation: str, cause: Exception) -> ReconcilerError:
    """Return what a caller is told of a write that has no answer, or one that nobody can rely on.

    OutcomeUnknown if it may have been carried out, else Unavailable; the cause is the SDK's error.
    """
    try:
        with translated(operation):
            raise cause
    except ReconcilerError as told:
        told.__cause__ = cause
        return told


def check(operation: str, response: Any, caught: Exception | None, age_ms: int) -> None:
    """Raise NotAgain if a write that was first sent `age_ms` ago failed, and is not sent again."""
    failure = caught if response is None else _failure(operation, *response)
    if failure is None or operation not in WRITES:
        return
    certain = isinstance(failure, _NEVER_SENT) or (
        response is not None and response[0].status_code < 500
    )
    is_late = age_ms > CLOCK_SKEW_MARGIN_MS // 2
    if is_late or (operation == "UpdateItem" and not certain):
        raise NotAgain(failure_of(operation, failure))


def _failure(operation: str, http: Any, parsed: Any) -> Exception | None:
    """Return the error that an answer is; None if it is none, or one that is never sent again."""
    is_final = http.status_code < 300 or parsed.get("Error", {}).get("Code") in (REFUSED, CANCELLED)
    return None if is_final else ClientError(parsed, operation)
