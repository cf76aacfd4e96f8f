"""One region as a redrive sees it, in memory, with one log of all calls; and the shapes of work."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus

from reconciler.conflict.event import ConflictEvent
from reconciler.conflict.row import State, ledger_row
from reconciler.detection.securing import DetectorPolicy
from reconciler.redrive.drain import Drain, Filter, Hear, Pace, Time
from reconciler.redrive.outcome import Result
from reconciler.redrive.redriver import Redriver
from reconciler.redrive.rehearsal import Rehearsal
from reconciler.values.wire import Image
from tests.builders import Replica, assign, increment, written
from tests.detection.test_detector import record
from tests.fakes import Fakes
from tests.resolution.test_resolver import event

NOW = 10_000_000
POLICY = DetectorPolicy("parties", "us-east-1")
ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/parties/stream/2026-01-01T00:00:00.000"
BATCH = "s3://parties-evidence/aws/lambda/1b2c/shard-1/2026-11-14T00.13.49 é"
QUEUE = "parties-stream-dlq"
MINE = written(assign("name", "Ada"), increment("balance", 5))
THEIRS = written(assign("note", "Eve"), replica="euw1", at=2_000)
POISON = record(7, MINE | {"_rec": {"M": {"v": {"N": "0"}}}}, MINE)


def lost(number: int, points: int = 1) -> dict[str, Any]:
    """Return a record in which a write of this region was lost."""
    return record(number, Replica("use1").write(increment("balance", points), at=points), THEIRS)


def a_loss(**changed: Any) -> ConflictEvent:
    """Return the event of a loss."""
    return ConflictEvent.model_validate(event(MINE, THEIRS, **changed).model_dump())


def another_loss(points: int, **changed: Any) -> ConflictEvent:
    """Return the event of a loss of its own for each number of points."""
    mine = Replica("use1").write(increment("balance", points), at=points)
    return ConflictEvent.model_validate(event(mine, THEIRS, **changed).model_dump())


def given_up(*records: Mapping[str, Any], payload: bool = True) -> dict[str, Any]:
    """Return the document of a batch that Lambda set aside, with or without its payload."""
    numbers = [each["dynamodb"]["SequenceNumber"] for each in records]
    document: dict[str, Any] = {
        "requestContext": {
            "requestId": "316aa6d0-8154-xmpl-9af7-85d5f4a6bc81",
            "functionArn": "arn:aws:lambda:us-east-1:123456789012:function:parties-detect",
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 3,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST"},
        "version": "1.0",
        "timestamp": "2026-11-14T00:13:49.717Z",
        "DDBStreamBatchInfo": {
            "shardId": "shard-1",
            "startSequenceNumber": numbers[0],
            "endSequenceNumber": numbers[-1],
            "approximateArrivalOfFirstRecord": "2026-11-14T00:13:19Z",
            "approximateArrivalOfLastRecord": "2026-11-14T00:13:19Z",
            "batchSize": len(records),
            "streamArn": ARN,
        },
    }
    if payload:
        document["payload"] = json.dumps({"Records": list(records)})
    return document


def stored(reference: str) -> str:
    """Return S3's notification of an object."""
    bucket, _, key = reference.removeprefix("s3://").partition("/")
    place = {"bucket": {"name": bucket}, "object": {"key": quote_plus(key)}}
    one = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": place}
    return json.dumps({"Records": [one]})


def told(each: ConflictEvent) -> str:
    """Return the message of an event, as EventBridge puts it into a queue."""
    return json.dumps(
        {"version": "0", "detail-type": "Replicated Write Lost", "detail": each.document()}
    )


class Desk(Fakes):
    """A region, its dead letters, and a redriver at work on them."""

    def __init__(self, *, current: Image | None = THEIRS) -> None:
        super().__init__()
        self.now = self.letters.now_ms = NOW
        self.slept: list[float] = []
        if current is not None:
            self.items.place(current)

    def redriver(self, *, execute: bool = True) -> Redriver:
        ports = self.ports if execute else Rehearsal(self.ports)
        return Redriver(POLICY, ports, lambda: self.now)

    def redrive(self, body: Any, *, execute: bool = True) -> Result:
        text = body if isinstance(body, str) else json.dumps(body)
        return self.redriver(execute=execute).redrive(text)

    def drain(
        self,
        *,
        execute: bool = True,
        wanted: Filter | None = None,
        pace: Pace | None = None,
        hear: Hear = lambda *_: None,
    ) -> Drain:
        return Drain(
            self.ports,
            POLICY,
            Time(lambda: self.now, self.sleep),
            execute=execute,
            wanted=wanted,
            pace=pace,
            hear=hear,
        )

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += round(seconds * 1000)
        self.letters.now_ms = self.now

    def place_batch(self, *records: Mapping[str, Any]) -> str:
        """Put a batch where Lambda does; return the reference to it."""
        self.set_aside.documents[BATCH] = json.dumps(given_up(*records))
        return BATCH

    def open_row(self, each: ConflictEvent, at_ms: int = 0) -> None:
        row = ledger_row(each, State.OPEN, at_ms)
        self.ledger.rows[row.conflict_id] = row.image

    def sent(self) -> list[str]:
        return [each.sequence_number for each in self.bus.sent]
