"""What the door answers, and every way in which it refuses, with a body as TMF630 has it.

The message says what to do. Of what AWS said no refusal tells anything: it may name what is not the
caller's to know.
Source: TM Forum TMF630, "REST API Design Guidelines" (Error); RFC 9110, section 15; RFC 6585.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.errors import (
    Contention,
    InvalidInput,
    ItemTooLarge,
    KeyExpired,
    KeyReused,
    OutcomeUnknown,
    ReconcilerError,
    TypeMismatch,
    Unavailable,
    UnknownWireVersion,
)

REFUSALS = {  # code: status and reason
    "invalidRequest": (400, "The request is not as the document of this API says"),
    "forbidden": (403, "The caller may not do this"),
    "notFound": (404, "There is nothing here"),
    "methodNotAllowed": (405, "This path has other methods"),
    "keyReused": (409, "The idempotency key was used for something else"),
    "patchMismatch": (409, "The patch does not fit what is there"),
    "typeMismatch": (409, "An attribute holds what its type does not allow"),
    "preconditionFailed": (412, "The item is not as the request requires"),
    "contentTooLarge": (413, "The body is too large"),
    "unsupportedMediaType": (415, "The body is of a type that is not taken here"),
    "refusedEdit": (422, "The item cannot be edited like this"),
    "itemTooLarge": (422, "The item would be larger than DynamoDB allows"),
    "keyExpired": (422, "The idempotency key is too old, or of the future"),
    "tooManyRequests": (429, "The table is being asked for more than it takes"),
    "internalError": (500, "This is a fault of the service"),
    "contention": (503, "Other writers kept being first"),
    "unavailable": (503, "The table cannot be reached now"),
    "inDoubt": (503, "Nobody knows yet whether the write was carried out"),
    "unhealthy": (503, "Writers should go to another region"),
    "outcomeUnknown": (504, "Nobody knows whether the write was carried out"),
}
_THROTTLED = {
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottlingException",
}
_OF_THE_CALLER: tuple[tuple[type[ReconcilerError], str], ...] = (
    (KeyExpired, "keyExpired"),
    (KeyReused, "keyReused"),
    (ItemTooLarge, "itemTooLarge"),
    (InvalidInput, "refusedEdit"),
    (TypeMismatch, "typeMismatch"),
)
DOCUMENT = "/openapi.json"


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; its body is JSON text, "" for none."""

    status: int
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


class Refused(Exception):
    """A request that is answered with an error: one of `REFUSALS`, and what to do about it."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        retry_after: int | None = None,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(code)  # not the message, which may quote an item, and would be logged
        self.code = code
        self.message = message
        self._headers = dict(headers or {})
        self._more = dict(more or {})
        if retry_after is not None:
            self._headers["Retry-After"] = str(retry_after)

    def answer(self) -> Answer:
        """Return the error as it is answered."""
        status, reason = REFUSALS[self.code]
        body = {
            "@type": "Error",
            "code": self.code,
            "reason": reason,
            "message": self.message,
            "status": str(status),
            "referenceError": f"{DOCUMENT}#/components/responses/{self.code}",
        }
        headers = {"Cache-Control": "no-store", **self._headers}
        return Answer(status, json.dumps(body | self._more), headers)


def refusal_of(problem: Exception, *, is_keyed: bool) -> Refused:
    """Return what a failure is to the caller; `is_keyed`: the request has an idempotency key."""
    if isinstance(problem, Refused):
        return problem
    for kind, code in _OF_THE_CALLER:
        if isinstance(problem, kind):
            return Refused(code, str(problem))
    match problem:
        case UnknownWireVersion():
            again = "a newer release has written the item: deploy it here, too"
            return Refused("unavailable", again, retry_after=60)
        case Contention():
            return Refused("contention", "nothing was written; make it again", retry_after=1)
        case Unavailable() if problem.evidence.get("code") in _THROTTLED:
            return Refused("tooManyRequests", "nothing was done; ask less", retry_after=1)
        case Unavailable():
            return Refused("unavailable", "nothing was done; make it again", retry_after=5)
        case OutcomeUnknown():
            return _doubt(is_keyed=is_keyed)
    return Refused("internalError", "the logs of this request name the place")


def _doubt(*, is_keyed: bool) -> Refused:
    if is_keyed:
        return Refused("inDoubt", "make it again with the same key, in any region", retry_after=1)
    # No Retry-After, and no status that clients repeat by themselves: it could count twice.
    return Refused(
        "outcomeUnknown",
        "do not make it again: read the item in a while. With an idempotency key it could be",
    )
