"""One region's DynamoDB stream, polled for one function."""

import base64
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from reconciler.local.event_source import ShardSource
from reconciler.local.lambda_runtime import Function


def lambda_record(record: Mapping[str, Any], stream_arn: str) -> dict[str, Any]:
    """Return a record of GetRecords as Lambda shows it to a function.

    Binary values are base64 text, times are seconds since the epoch, and the stream is named.
    Source: AWS Lambda developer guide, "Using AWS Lambda with Amazon DynamoDB", example event.
    """
    change = dict(record["dynamodb"])
    change["ApproximateCreationDateTime"] = change["ApproximateCreationDateTime"].timestamp()
    for part in ("Keys", "NewImage", "OldImage"):
        if part in change:
            change[part] = _as_text(change[part])
    return {**record, "dynamodb": change, "eventSourceARN": stream_arn}


def _as_text(value: Any) -> Any:
    match value:
        case bytes():
            return base64.b64encode(value).decode()
        case dict():
            return {name: _as_text(inner) for name, inner in value.items()}
        case list():
            return [_as_text(element) for element in value]
    return value


class StreamConsumer:
    """Reads the only shard of a stream from its oldest record on and drives its mapping."""

    def __init__(
        self,
        streams: Any,
        function: Function,
        mapping: ShardSource,
        *,
        set_aside: Callable[[str], object],
        settled: Callable[[int], object],
    ) -> None:
        """`set_aside` takes a message for the on-failure destination; `settled` the last
        sequence number, each time everything read up to it is settled.
        """
        self._streams = streams
        self._function = function
        self._mapping = mapping
        self._send_aside = set_aside
        self._report_settled = settled
        self._stream_arn = mapping.origin.stream_arn
        self._iterator: str = streams.get_shard_iterator(
            StreamArn=self._stream_arn,
            ShardId=mapping.origin.shard_id,
            ShardIteratorType=mapping.source.starting_position,
        )["ShardIterator"]
        self._last_read = 0
        self._last_settled = 0

    def poll(self) -> bool:
        """Read on if there is room, invoke the function if a batch is due; tell if work was met."""
        has_read = self._mapping.backlog < self._mapping.source.batch_size and self._read()
        batch = self._mapping.next_batch(_now_ms())
        if batch is not None:
            outcome = self._function.invoke({"Records": list(batch.records)})
            self._mapping.finish(outcome, _now_ms())
        while self._mapping.set_aside:
            self._send_aside(json.dumps(self._mapping.set_aside[0]))
            self._mapping.set_aside.popleft()
        has_settled = self._mapping.backlog == 0 and self._settle()
        return has_read or batch is not None or has_settled

    def _read(self) -> bool:
        answer = self._streams.get_records(ShardIterator=self._iterator)
        self._iterator = answer["NextShardIterator"]
        records = answer["Records"]
        if not records:
            return False
        self._mapping.offer([lambda_record(r, self._stream_arn) for r in records], _now_ms())
        self._last_read = int(records[-1]["dynamodb"]["SequenceNumber"])
        return True

    def _settle(self) -> bool:
        """Report once that everything read is settled; tell whether there was news."""
        if self._last_settled == self._last_read:
            return False
        self._report_settled(self._last_read)
        self._last_settled = self._last_read
        return True


def only_shard(streams: Any, stream_arn: str) -> str:
    """Return the id of the stream's shard; the local cloud's streams have one."""
    [shard] = streams.describe_stream(StreamArn=stream_arn)["StreamDescription"]["Shards"]
    shard_id: str = shard["ShardId"]
    return shard_id


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
