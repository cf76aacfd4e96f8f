"""Records of a DynamoDB stream, read again by name, as Lambda shows them to a function.

They are read across empty pages, from shard to child shard, over iterators that expire, until the
last wanted record. All records are returned, or an error that holds those that are left: a stream
keeps records for 24 hours and then trims them at any moment, oldest first.
Source: DynamoDB API Reference, GetShardIterator, GetRecords, DescribeStream (DynamoDB Streams).
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import Any

from reconciler.aws.clients import idempotent
from reconciler.aws.lambda_record import lambda_record
from reconciler.errors import InvalidInput, RecordsExpired, Unavailable
from reconciler.ports import Record, StreamRange

_GONE = ("TrimmedDataAccessException", "ResourceNotFoundException")
_OLD_ITERATOR = "ExpiredIteratorException"
_EMPTY_PAGES = 1_000  # in a row: then an open shard has nothing more for now
_FROM_THE_START = {"ShardIteratorType": "TRIM_HORIZON"}


class _End(Enum):
    """Why no more of a shard was read."""

    PASSED = "the last wanted record was reached or passed"
    CLOSED = "the shard ends; its children go on"
    OPEN = "the shard is open and shows nothing more"


class StreamRecords:
    """The records of a region's streams, read again as often as somebody asks."""

    def __init__(self, streams: Any) -> None:
        self._client = streams

    def read(self, wanted: StreamRange) -> list[dict[str, Any]]:
        """Return the records, as Lambda shows them; RecordsExpired if one may be gone.

        Errors: RecordsExpired, with the range and the records that are left; Unavailable if the
        stream has not shown the last one yet, or refuses; InvalidInput for no numbers.
        """
        if not (wanted.first.isdecimal() and wanted.last.isdecimal()):
            raise InvalidInput(f"sequence numbers are digits only, not those of {wanted}")
        found: list[Record] = []
        try:
            start = {"ShardIteratorType": "AT_SEQUENCE_NUMBER", "SequenceNumber": wanted.first}
            is_open = self._collect(wanted, start, found)
        except Unavailable as problem:
            if problem.evidence.get("code") not in _GONE:
                raise
            raise _expired(wanted, self._left(wanted, found), str(problem)) from None
        numbers = list(map(_number, found))
        if numbers and numbers[0] != int(wanted.first):
            raise _expired(wanted, found, "the first record is not there")
        if int(wanted.last) not in numbers:
            if is_open:
                raise Unavailable(f"the stream does not show the last record of {wanted} yet")
            raise _expired(wanted, found, "the last record is not there")
        return [lambda_record(record, wanted.stream_arn) for record in found]

    def _left(self, wanted: StreamRange, found: Sequence[Record]) -> list[Record]:
        """Return what was found, and what the stream still has behind what it trimmed."""
        left: list[Record] = []
        try:
            self._collect(wanted, _FROM_THE_START, left)
        except Unavailable as problem:
            if problem.evidence.get("code") not in _GONE:
                raise
        behind = _number(found[-1]) if found else int(wanted.first)
        return [*found, *(record for record in left if _number(record) > behind)]

    def _collect(self, wanted: StreamRange, start: Mapping[str, str], found: list[Record]) -> bool:
        """Add the records to `found`; return whether an open shard may show more of them later."""
        shards, is_open = deque([wanted.shard_id]), False
        while shards:
            shard = shards.popleft()
            end = self._read_shard(wanted, shard, start, found)
            if end is _End.CLOSED:
                shards += self._children(wanted.stream_arn, shard)
            is_open = is_open or end is _End.OPEN
            start = _FROM_THE_START
        return is_open

    def _read_shard(
        self, wanted: StreamRange, shard: str, start: Mapping[str, str], found: list[Record]
    ) -> _End:
        last, empty = int(wanted.last), 0
        for records in self._pages(wanted.stream_arn, shard, start):
            found += [record for record in records if _number(record) <= last]
            if records and _number(records[-1]) >= last:
                return _End.PASSED
            empty = 0 if records else empty + 1
            if empty == _EMPTY_PAGES:
                return _End.OPEN
        return _End.CLOSED

    def _pages(
        self, stream_arn: str, shard: str, start: Mapping[str, str]
    ) -> Iterator[Sequence[Record]]:
        """Yield the shard's pages, many of them empty; an iterator that expired is made again."""
        place = {"StreamArn": stream_arn, "ShardId": shard}
        iterator = self._iterator(place, start)
        while iterator:
            try:
                with idempotent("GetRecords"):
                    page = self._client.get_records(ShardIterator=iterator)
            except Unavailable as problem:
                if problem.evidence.get("code") != _OLD_ITERATOR:
                    raise
                iterator = self._iterator(place, start)
                yield []
                continue
            records = page["Records"]
            if records:
                after = records[-1]["dynamodb"]["SequenceNumber"]
                start = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": after}
            yield records
            iterator = page.get("NextShardIterator")

    def _iterator(self, place: Mapping[str, str], start: Mapping[str, str]) -> str | None:
        with idempotent("GetShardIterator"):
            answer = self._client.get_shard_iterator(**place, **start)
        iterator: str | None = answer.get("ShardIterator")
        return iterator

    def _children(self, stream_arn: str, parent: str) -> Iterator[str]:
        start: dict[str, str] = {}
        while True:
            with idempotent("DescribeStream"):
                answer = self._client.describe_stream(StreamArn=stream_arn, **start)
            page = answer["StreamDescription"]
            for shard in page["Shards"]:
                if shard.get("ParentShardId") == parent:
                    yield shard["ShardId"]
            if not page.get("LastEvaluatedShardId"):
                return
            start = {"ExclusiveStartShardId": page["LastEvaluatedShardId"]}


def _number(record: Record) -> int:
    return int(record["dynamodb"]["SequenceNumber"])


def _expired(wanted: StreamRange, found: Sequence[Record], why: str) -> RecordsExpired:
    return RecordsExpired(
        f"the stream holds the records no more: {why}",
        stream=wanted.stream_arn,
        shard=wanted.shard_id,
        first=wanted.first,
        last=wanted.last,
        records=[lambda_record(record, wanted.stream_arn) for record in found],
    )
