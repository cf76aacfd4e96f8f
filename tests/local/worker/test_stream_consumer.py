"""Reading a stream for a function."""

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest

from reconciler.aws_model.stream_source import ShardSource, SourceNames
from reconciler.deployment.wiring import StreamSource
from reconciler.errors import Unavailable
from reconciler.local.worker.lambda_runtime import LambdaFunction
from reconciler.local.worker.stream_consumer import Checkpoint, StreamConsumer

ARN = "arn:aws:dynamodb:eu-west-1:1:table/t/stream/now"
CREATED = datetime.now(UTC).replace(microsecond=0)


def record(number: int) -> dict[str, Any]:
    change = {
        "Keys": {"id": {"S": "1"}},
        "NewImage": {"b": {"B": b"\xff"}, "m": {"M": {"bs": {"BS": [b"1"]}}}},
        "SequenceNumber": str(number),
        "ApproximateCreationDateTime": CREATED,
    }
    return {"eventName": "MODIFY", "dynamodb": change}


class FakeStreams:
    """A stream with one page of records for each read."""

    def __init__(self, *pages: list[int]) -> None:
        self.pages = list(pages)
        self.start: dict[str, str] = {}

    def get_shard_iterator(self, **asked: str) -> dict[str, str]:
        self.start = asked
        return {"ShardIterator": "first"}

    def get_records(self, **_: str) -> dict[str, Any]:
        numbers = self.pages.pop(0) if self.pages else []
        return {"NextShardIterator": "next", "Records": [record(number) for number in numbers]}


class Reports:
    """What a consumer reports while it reads `streams`; `failing` numbers are never handled."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, streams: FakeStreams, failing: tuple[str, ...] = ()
    ) -> None:
        self.given: list[str] = []
        self.set_aside: list[Any] = []
        self.checkpoints: list[int] = []
        self.refused = 0
        self._failing = failing
        module = ModuleType("handlers_of_this_test")
        module.handler = self._handle  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, module.__name__, module)
        source = StreamSource(batch_size=2, batching_window_seconds=0, maximum_retry_attempts=0)
        self.consumer = StreamConsumer(
            streams,
            LambdaFunction("handlers_of_this_test:handler", name="f", region="eu-west-1"),
            ShardSource(source, [], SourceNames("function", ARN, "shard")),
            set_aside=self._deliver,
            checkpoint=Checkpoint(0, self.checkpoints.append),
        )

    def _deliver(self, message: Mapping[str, Any]) -> None:
        if self.refused:
            self.refused -= 1
            raise Unavailable("the destination is not there")
        self.set_aside.append(message)

    def _handle(self, event: dict[str, Any], _: object) -> dict[str, Any]:
        numbers = [r["dynamodb"]["SequenceNumber"] for r in event["Records"]]
        self.given += numbers
        failed = [{"itemIdentifier": number} for number in numbers if number in self._failing]
        return {"batchItemFailures": failed}


def test_a_read_is_reported_once_all_of_it_was_handled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reports = Reports(monkeypatch, FakeStreams([1, 2, 3]))

    worked = [reports.consumer.poll() for _ in range(3)]

    assert reports.given == ["1", "2", "3"]
    assert reports.checkpoints == [3]
    assert worked == [True, True, False]


def test_nothing_is_read_while_a_whole_batch_is_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    streams = FakeStreams([1, 2, 3, 4, 5], [6])
    reports = Reports(monkeypatch, streams)

    reports.consumer.poll()
    reports.consumer.poll()

    assert reports.given == ["1", "2", "3", "4"]
    assert streams.pages == [[6]]


def test_records_that_cannot_be_handled_are_set_aside_before_the_read_is_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reports = Reports(monkeypatch, FakeStreams([1]), failing=("1",))

    reports.consumer.poll()

    assert [m["DDBStreamBatchInfo"]["startSequenceNumber"] for m in reports.set_aside] == ["1"]
    assert reports.checkpoints == [1]


def test_what_the_destination_does_not_take_is_delivered_later_and_not_reported_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reports = Reports(monkeypatch, FakeStreams([1]), failing=("1",))
    reports.refused = 2

    reports.consumer.poll()
    reports.consumer.poll()
    assert (reports.set_aside, reports.checkpoints) == ([], [])

    reports.consumer.poll()
    assert [m["DDBStreamBatchInfo"]["startSequenceNumber"] for m in reports.set_aside] == ["1"]
    assert reports.checkpoints == [1]


def test_reading_starts_behind_the_checkpoint_and_reports_only_what_is_new(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    streams = FakeStreams()
    reports = Reports(monkeypatch, streams)

    reports.consumer.poll()

    assert streams.start["ShardIteratorType"] == "AFTER_SEQUENCE_NUMBER"
    assert streams.start["SequenceNumber"] == "0"
    assert reports.checkpoints == []
