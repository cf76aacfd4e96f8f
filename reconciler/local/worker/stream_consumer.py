"""One region's DynamoDB stream, polled for one function."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.aws import now_ms
from reconciler.aws.lambda_record import lambda_record
from reconciler.aws_model.stream_source import ShardSource
from reconciler.errors import Unavailable
from reconciler.local.worker.lambda_runtime import LambdaFunction

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Checkpoint:
    """The number of the last record that was handled, and who is told the next one."""

    sequence_number: int
    report: Callable[[int], object]


class StreamConsumer:
    """Reads the only shard of a stream in order and drives its mapping."""

    def __init__(
        self,
        streams: Any,
        function: LambdaFunction,
        mapping: ShardSource,
        *,
        set_aside: Callable[[Mapping[str, Any]], object],
        checkpoint: Checkpoint,
    ) -> None:
        """Start behind the checkpoint, and report a new one when all that was read is handled.

        `set_aside` takes a message for the on-failure destination, or raises Unavailable.
        """
        self._streams = streams
        self._function = function
        self._mapping = mapping
        self._send_aside = set_aside
        self._report_checkpoint = checkpoint.report
        self._stream_arn = mapping.names.stream_arn
        self._iterator: str = streams.get_shard_iterator(
            StreamArn=self._stream_arn,
            ShardId=mapping.names.shard_id,
            ShardIteratorType="AFTER_SEQUENCE_NUMBER",
            SequenceNumber=str(checkpoint.sequence_number),
        )["ShardIterator"]
        self._last_read = checkpoint.sequence_number
        self._last_reported = checkpoint.sequence_number

    def poll(self) -> bool:
        """Read on if there is room, invoke the function if a batch is due; tell if work was met."""
        has_read = self._mapping.backlog < self._mapping.source.batch_size and self._read()
        batch = self._mapping.next_batch(now_ms())
        if batch is not None:
            outcome = self._function.invoke({"Records": list(batch.records)})
            self._mapping.finish(outcome, now_ms())
        self._deliver_aside()
        has_reported = self._mapping.backlog == 0 and self._report()
        return has_read or batch is not None or has_reported

    def _deliver_aside(self) -> None:
        """Deliver what was set aside; what cannot be delivered now waits for the next turn."""
        while self._mapping.set_aside:
            try:
                self._send_aside(self._mapping.set_aside[0])
            except Unavailable as problem:
                logger.warning("the on-failure destination did not take a batch: %s", problem)
                return
            self._mapping.set_aside.popleft()

    def _read(self) -> bool:
        answer = self._streams.get_records(ShardIterator=self._iterator)
        self._iterator = answer["NextShardIterator"]
        records = answer["Records"]
        if not records:
            return False
        self._mapping.offer([lambda_record(r, self._stream_arn) for r in records], now_ms())
        self._last_read = int(records[-1]["dynamodb"]["SequenceNumber"])
        return True

    def _report(self) -> bool:
        """Report once that everything read is handled; tell whether there was news."""
        if self._last_reported == self._last_read:
            return False
        self._report_checkpoint(self._last_read)
        self._last_reported = self._last_read
        return True


def only_shard(streams: Any, stream_arn: str) -> str:
    """Return the id of the stream's shard; the local cloud's streams have one."""
    [shard] = streams.describe_stream(StreamArn=stream_arn)["StreamDescription"]["Shards"]
    shard_id: str = shard["ShardId"]
    return shard_id
