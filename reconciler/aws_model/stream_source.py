"""The event-source mapping from one stream shard to a function, as a state machine without I/O.

Records go in as they were read and come out in batches, in order, one batch at a time, until each
was handled, filtered out, or named in a message for the on-failure destination. A batch fails from
the lowest failed sequence number on. It is at least once: a caller that stops between `next_batch`
and `finish` reads the records again.
Units: milliseconds since the epoch. Source: AWS Lambda developer guide, "Using Lambda with
DynamoDB" (parameters, batch failure reporting, retaining discarded records).
"""

import json
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from reconciler.aws_model.patterns import passes
from reconciler.deployment.wiring import StreamSource
from reconciler.ports import Record

_UNLIMITED = -1
_PAYLOAD_BYTES = 6_000_000
# Lambda does not say how long it waits between retries; short, for a person is watching.
_FIRST_PAUSE_MS = 100
_LONGEST_PAUSE_MS = 1_000


@dataclass(frozen=True)
class Batch:
    """Records to invoke the function with; `retries` and `invocations` are those used so far."""

    records: Sequence[Record]
    retries: int = 0
    invocations: int = 0
    not_before_ms: int = 0


@dataclass(frozen=True)
class InvocationResult:
    """How one invocation ended: with an answer, or with an error that was raised."""

    request_id: str
    answer: object = None
    error: str | None = None


@dataclass(frozen=True)
class SourceNames:
    """The names that a message for the on-failure destination carries."""

    function_arn: str
    stream_arn: str
    shard_id: str


def sequence_number(record: Record) -> str:
    """Return a record's sequence number, by which a function names it in its answer."""
    number: str = record["dynamodb"]["SequenceNumber"]
    return number


def checkpoint(records: Sequence[Record], outcome: InvocationResult) -> int | None:
    """Return the index of the first record that failed, the number of records if none did.

    None: the batch failed whole, by an exception or an answer that is not well formed.
    """
    if outcome.error is not None:
        return None
    if outcome.answer is None:
        return len(records)
    if not isinstance(outcome.answer, Mapping):
        return None
    failures = outcome.answer.get("batchItemFailures") or []
    places = {sequence_number(record): place for place, record in enumerate(records)}
    try:
        named = [places[failure["itemIdentifier"]] for failure in failures]
    except (KeyError, TypeError):
        return None
    return min(named, default=len(records))


class ShardSource:
    """The mapping of one shard: what waits, what is under way, what was given up.

    `set_aside` holds messages for the on-failure destination, oldest first; the caller takes each
    one off once it is sent, so that none is lost if sending fails. `whole` messages carry their
    records, for a destination in S3; others only name them.
    """

    def __init__(
        self,
        source: StreamSource,
        filters: Sequence[Mapping[str, Any]],
        names: SourceNames,
        *,
        whole: bool = False,
    ) -> None:
        self.source = source
        self._filters = filters
        self.names = names
        self._whole = whole
        self._waiting: deque[tuple[Record, int]] = deque()
        self._started: deque[Batch] = deque()
        self._last_request_id = ""
        self._last_error: str | None = None
        self.set_aside: deque[dict[str, Any]] = deque()

    @property
    def backlog(self) -> int:
        """How many records, and messages set aside, still await the caller."""
        started = sum(len(batch.records) for batch in self._started)
        return len(self._waiting) + started + len(self.set_aside)

    def offer(self, records: Sequence[Record], now_ms: int) -> None:
        """Take records in the order of the shard; those the filters refuse end here."""
        self._waiting.extend((r, now_ms) for r in records if passes(self._filters, r))

    def next_batch(self, now_ms: int) -> Batch | None:
        """Return the batch to invoke the function with now, None while there is nothing due.

        It stays the next one until `finish` says how its invocation ended.
        """
        if not self._started and self._window_is_over(now_ms):
            self._started.append(self._gather())
        self._expire(now_ms)
        if self._started and self._started[0].not_before_ms <= now_ms:
            return self._started[0]
        return None

    def finish(self, outcome: InvocationResult, now_ms: int) -> None:
        """End the batch that `next_batch` returned, or line its failed records up again."""
        batch = self._started.popleft()
        self._last_error = outcome.error
        self._last_request_id = outcome.request_id
        failed_at = checkpoint(batch.records, outcome)
        if failed_at == len(batch.records):
            return
        rest = replace(
            batch, records=batch.records[failed_at or 0 :], invocations=batch.invocations + 1
        )
        again = self._split(rest, failed_at)
        if not again:
            again = self._retry(rest, now_ms)
        self._started.extendleft(reversed(again))

    def _split(self, rest: Batch, failed_at: int | None) -> list[Batch]:
        """Split a failed batch without using up a retry; nothing if it cannot be split."""
        if not self.source.bisect_batch_on_function_error:
            return []
        if failed_at is not None:
            return [rest] if failed_at else []
        half = len(rest.records) // 2
        if not half:
            return []
        halves = rest.records[:half], rest.records[half:]
        return [replace(rest, records=records) for records in halves]

    def _retry(self, rest: Batch, now_ms: int) -> list[Batch]:
        """Line a batch up for another retry, or set it aside when they are used up."""
        if rest.retries == self.source.maximum_retry_attempts:
            self._set_aside(rest, "RetryAttemptsExhausted", now_ms)
            return []
        pause_ms = min(_FIRST_PAUSE_MS * 2**rest.retries, _LONGEST_PAUSE_MS)
        return [replace(rest, retries=rest.retries + 1, not_before_ms=now_ms + pause_ms)]

    def _expire(self, now_ms: int) -> None:
        """Set the oldest records of the next batch aside if they are past their age."""
        limit_seconds = self.source.maximum_record_age_seconds
        if not self._started or limit_seconds == _UNLIMITED:
            return
        batch = self._started[0]
        oldest_s = now_ms / 1000 - limit_seconds
        expired = [r for r in batch.records if _created_s(r) < oldest_s]
        if not expired:
            return
        self._set_aside(replace(batch, records=expired), "RecordAgeExceeded", now_ms)
        rest = batch.records[len(expired) :]
        self._started.popleft()
        if rest:
            self._started.appendleft(replace(batch, records=rest))

    def _window_is_over(self, now_ms: int) -> bool:
        if not self._waiting:
            return False
        waited_ms = now_ms - self._waiting[0][1]
        full = len(self._waiting) >= self.source.batch_size
        return full or waited_ms >= self.source.batching_window_seconds * 1000

    def _gather(self) -> Batch:
        """Take the next records for one batch, as many as its limits of number and size allow."""
        records: list[Record] = []
        payload = 0
        while self._waiting and len(records) < self.source.batch_size:
            payload += self._waiting[0][0]["dynamodb"].get("SizeBytes", 0)
            if records and payload > _PAYLOAD_BYTES:
                break
            records.append(self._waiting.popleft()[0])
        return Batch(records)

    def _set_aside(self, batch: Batch, condition: str, now_ms: int) -> None:
        """Write the message for the on-failure destination."""
        first, last = batch.records[0], batch.records[-1]
        response = {"statusCode": 200, "executedVersion": "$LATEST"}
        if self._last_error is not None:
            response["functionError"] = "Unhandled"
        message: dict[str, Any] = {
            "requestContext": {
                "requestId": self._last_request_id,
                "functionArn": self.names.function_arn,
                "condition": condition,
                "approximateInvokeCount": batch.invocations,
            },
            "responseContext": response,
            "version": "1.0",
            "timestamp": _iso(now_ms / 1000, "milliseconds"),
            "DDBStreamBatchInfo": {
                "shardId": self.names.shard_id,
                "startSequenceNumber": sequence_number(first),
                "endSequenceNumber": sequence_number(last),
                "approximateArrivalOfFirstRecord": _iso(_created_s(first), "seconds"),
                "approximateArrivalOfLastRecord": _iso(_created_s(last), "seconds"),
                "batchSize": len(batch.records),
                "streamArn": self.names.stream_arn,
            },
        }
        if self._whole:
            message["payload"] = json.dumps({"Records": list(batch.records)})
        self.set_aside.append(message)


def _created_s(record: Record) -> float:
    return float(record["dynamodb"]["ApproximateCreationDateTime"])


def _iso(seconds: float, precision: str) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec=precision)[:-6] + "Z"
