"""The idempotency of TransactWriteItems, which moto does not know.

A token that succeeded stands for its parameters, in its region, for ten minutes: the same request
is answered again and not applied again, another one is refused. A transaction that was cancelled
leaves no token.
Source: DynamoDB API reference, TransactWriteItems (ClientRequestToken).
"""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from reconciler.local.server.answers import Answer, dynamodb_error

_KEPT_SECONDS = 600


class RequestTokens:
    """The tokens of the last ten minutes, with what was asked and answered."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        """`now` is in seconds."""
        self._now = now
        self._spent: dict[tuple[str, str], tuple[float, str, Answer]] = {}  # the oldest first

    def once(self, request: Mapping[str, Any], region: str, ask: Callable[[], Answer]) -> Answer:
        """Carry a transaction out, unless its token says that this was done."""
        self._forget()
        asked = dict(request)
        token = asked.pop("ClientRequestToken", None)
        if token is None:
            return ask()
        parameters = json.dumps(asked, sort_keys=True)
        if known := self._spent.get((region, token)):
            if known[1] == parameters:
                return known[2]
            return dynamodb_error(
                "IdempotentParameterMismatchException",
                "Request rejected because it was retried with the same idempotent token but"
                " different parameters",
            )
        answer = ask()
        if answer.succeeded:
            self._spent[region, token] = self._now(), parameters, answer
        return answer

    def _forget(self) -> None:
        oldest = self._now() - _KEPT_SECONDS
        while self._spent and self._spent[first := next(iter(self._spent))][0] < oldest:
            del self._spent[first]
