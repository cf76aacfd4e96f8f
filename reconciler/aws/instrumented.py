"""instrument: code that calls a boto3 client as ever, and a client whose calls are the library's.

The hooks of botocore on that one client: a call on the schema's table is answered by others that
take its place (`reconciler.calls`), sent through the same client; any other call is left alone. The
parameters are taken in wire form, whatever a resource made them from.
Source: botocore, "Event system" (`before-parameter-build`, `before-call`, `needs-retry`,
`after-call`).
"""

import logging
import os
import secrets
import threading
import time
from collections import Counter
from contextlib import suppress
from contextvars import ContextVar
from functools import partial
from itertools import count
from random import random
from typing import Any, Literal
from weakref import WeakKeyDictionary, ref

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError

from reconciler.aws.answering import Sent, response
from reconciler.aws.clients import INSTRUMENTED
from reconciler.aws.incarnation import ReplicaCode
from reconciler.aws.region_time import region_time_of
from reconciler.aws.sent_again import WRITES, NotAgain, check, failure_of
from reconciler.calls.calls import steps_of
from reconciler.calls.seen import Seen
from reconciler.calls.steps import Answer, Steps, Writer
from reconciler.calls.tokens import TOKEN
from reconciler.client.memory import Memory
from reconciler.client.sending import Retries, Sender, Surroundings
from reconciler.clock import monotonic_ms, nonce, now_ms, system_clock
from reconciler.errors import InvalidInput, KeyExpired, TypeMismatch
from reconciler.item.schema import Schema

_LOG = logging.getLogger("reconciler")
_ASKED = "reconciler_asked"  # in the context of a caller's call: its parameters, in wire form
_OWN_TOKEN = "reconciler_own_token"  # noqa: S105 (in that context: whether the caller gave one)
_SENT = "reconciler_sent"  # in that of one of ours: what was sent, and what came back
Mode = Literal["strict", "observe"]


_threads, _numbers = threading.local(), count()


def _thread() -> int:
    """Return the number of this thread, which no later one gets, as it may get its identity."""
    if not hasattr(_threads, "number"):
        _threads.number = next(_numbers)
    number: int = _threads.number
    return number


def instrument(client: Any, schema: Schema, *, mode: Mode = "strict") -> "Instrumented":
    """Let calls of a boto3 client, or of a resource, on the schema's table lose nothing.

    Calls that are not known are refused ("strict"), or passed on and counted ("observe"). One
    client may be instrumented for several tables.
    """
    client = getattr(client.meta, "client", client)
    instrumented = _instrumented(client)
    if instrumented is None:
        instrumented = Instrumented(client, mode)
        INSTRUMENTED.add(client)
        _HOOKS[client] = ref(instrumented)
    instrumented.add(schema, mode)
    return instrumented


def _instrumented(client: Any) -> "Instrumented | None":
    held = _HOOKS.get(client)
    return None if held is None else held()


# By client, whose hooks hold it.
_HOOKS: "WeakKeyDictionary[Any, ref[Instrumented]]" = WeakKeyDictionary()
_SENDING: ContextVar[Sent | None] = ContextVar("reconciler_sending", default=None)


class Instrumented:
    """One client's hooks. `passed` counts, by call, what was passed on though it is not known."""

    def __init__(self, client: Any, mode: Mode) -> None:
        self.passed: Counter[str] = Counter()
        self._client = client
        self._mode = mode
        self._writers: dict[str, Writer] = {}
        fresh = Surroundings(monotonic_ms, time.sleep, random, lambda: secrets.token_bytes(12))
        self._sender = Sender(Retries(), fresh)
        self._region_time = region_time_of(client)
        events = client.meta.events
        events.register_first("before-parameter-build.dynamodb", self._note_token)
        events.register_last("before-parameter-build.dynamodb", self._ask)
        events.register_first("before-call.dynamodb", self._answer)
        events.register_first("needs-retry.dynamodb", self._check_again)
        events.register_first("after-call.dynamodb", self._hold)

    def add(self, schema: Schema, mode: Mode) -> None:
        """Take in a table."""
        known = self._writers.get(schema.table)
        if mode != self._mode or (known is not None and known.schema != schema):
            raise InvalidInput(
                f"{schema.table}: the client is instrumented already, with another schema or mode:"
                " use another client"
            )
        if known is not None:
            return
        region = self._client.meta.region_name
        code = ReplicaCode(schema.table, region, self._client, now_ms, monotonic_ms)
        clock = system_clock(self._region_time.now_ms)
        lanes = Memory(clock.now, os.getpid, keeps_to_lanes=True)

        def replica() -> str:
            now = code()
            if not self._region_time.is_sure():
                lanes.forget_all()  # a restored snapshot is a copy of the process that wrote
                self._client.describe_table(TableName=schema.table)  # any answer tells the time
            return now

        self._writers[schema.table] = Writer(
            schema=schema,
            replica=replica,
            clock=clock,
            now_ms=self._region_time.now_ms,
            nonce=nonce,
            fresh=lambda: secrets.token_bytes(12),
            shows_all=partial(self._shows_all, schema.table, {}),
            seen=Seen(_thread, monotonic_ms),
            lanes=lanes,
            attempts=self._sender.retries.attempts,
        )

    def _shows_all(self, table: str, known: dict[str, bool], index: str) -> bool:
        """Return whether an index shows whole items; `known` is what was answered before."""
        if index not in known:
            known[index] = False
            with suppress(ClientError):
                found = self._client.describe_table(TableName=table)["Table"]
                for kind in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
                    for each in found.get(kind, []):
                        is_whole = each["Projection"]["ProjectionType"] == "ALL"
                        known[each["IndexName"]] = is_whole
        return known[index]

    def _note_token(self, params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        """Note whether a token is the caller's: the SDK gives one to each call that has none."""
        context[_OWN_TOKEN] = TOKEN in params

    def _ask(self, params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        """Take a call's parameters in wire form; give a call of ours its own."""
        sent = _SENDING.get()
        if sent is None:
            is_own = context.get(_OWN_TOKEN)
            asked = params if is_own else {n: v for n, v in params.items() if n != TOKEN}
            context[_ASKED] = asked
            return
        _SENDING.set(None)  # another call that a hook makes meanwhile is none of ours
        context[_SENT] = sent
        token = params.get(TOKEN)
        params.clear()  # a resource took wire values for plain ones
        params.update({TOKEN: token} if token else {})
        params.update(sent.request.parameters)

    def _answer(self, model: Any, context: dict[str, Any], **_: Any) -> Any:
        """Answer a call on a table of ours in DynamoDB's stead; None leaves it alone."""
        if _ASKED not in context:
            return None
        sent: list[Sent] = []
        try:
            steps = steps_of(model.name, context[_ASKED], self._writers)
            answer = None if steps is None else self._carried_out(steps, sent)
        except (InvalidInput, TypeMismatch) as refusal:
            # HAZARD if a key that is too old were passed on: it may have been carried out.
            if self._mode == "strict" or isinstance(refusal, KeyExpired):
                raise
            self.passed[model.name] += 1
            _LOG.warning("%s was passed on: it may write around the library", model.name)
            return None
        return None if answer is None else response(answer, sent)

    def _carried_out(self, steps: Steps, sent: list[Sent]) -> Answer:
        try:
            request = next(steps)
            while True:
                sent.append(Sent(request))
                request = steps.send(self._sent(sent[-1]))
        except StopIteration as done:
            answer: Answer = done.value
            return answer

    def _sent(self, sent: Sent) -> Answer:
        """Send a call of ours through the client, and return its answer in wire form."""
        operation, parameters, attempt = sent.request
        if attempt:
            self._sender.pause(attempt - 1)
        _SENDING.set(sent)
        try:
            getattr(self._client, xform_name(operation))(**parameters)
        except ClientError:
            if not sent.parsed:
                raise
        except NotAgain as doubt:
            return Answer(failure=doubt.failure)
        except BotoCoreError as lost:
            if operation not in WRITES:
                raise
            return Answer(failure=failure_of(operation, lost))
        finally:
            _SENDING.set(None)
        return Answer(sent.parsed)

    def _check_again(
        self,
        response: Any,
        caught_exception: Any,
        operation: Any,
        request_dict: dict[str, Any],
        **_: Any,
    ) -> None:
        """Raise NotAgain if the SDK must not send a call of ours once more."""
        sent = request_dict.get("context", {}).get(_SENT)
        if sent is not None:
            check(operation.name, response, caught_exception, monotonic_ms() - sent.at_ms)

    def _hold(
        self, http_response: Any, parsed: dict[str, Any], context: dict[str, Any], **_: Any
    ) -> None:
        """Take the answer to a call of ours, in wire form, before a resource makes it plain."""
        sent = context.get(_SENT)
        if sent is not None:
            sent.http, sent.parsed = http_response, dict(parsed)
            for name in parsed.keys() - {"Error", "ResponseMetadata"}:
                del parsed[name]
