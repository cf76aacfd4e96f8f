"""The stream of one replica, next to moto's own table."""

from collections.abc import Iterator
from typing import Any

import pytest
from moto.core.exceptions import JsonRESTError
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodbstreams.models import dynamodbstreams_backends

from reconciler.local.provision import ACCOUNT
from reconciler.local.server import replica_shard
from reconciler.local.server.replica_shard import ReplicaShard

REGION = "eu-west-1"


@pytest.fixture
def shard() -> Iterator[ReplicaShard]:
    backend = dynamodb_backends[ACCOUNT][REGION]
    table = backend.create_table(
        "parties",
        schema=[{"AttributeName": "id", "KeyType": "HASH"}],
        attr=[{"AttributeName": "id", "AttributeType": "S"}],
        streams={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        throughput=None,
        global_indexes=None,
        indexes=None,
        billing_mode="PAY_PER_REQUEST",
        sse_specification=None,
        tags=[],
        deletion_protection_enabled=False,
        warm_throughput=None,
    )
    shard = ReplicaShard(REGION, table)
    table.stream_shard = shard
    yield shard
    backend.delete_table("parties")


def test_a_request_that_touches_an_item_twice_is_noted_once_with_the_first_image(
    shard: ReplicaShard,
) -> None:
    shard.table.put_item({"id": {"S": "1"}})
    shard.table.put_item({"id": {"S": "1"}, "n": {"N": "1"}})

    assert shard.drain() == [('{"id": {"S": "1"}}', {"id": {"S": "1"}}, None)]
    assert shard.drain() == []


def test_what_a_request_touches_is_no_record_until_it_is_emitted(shard: ReplicaShard) -> None:
    shard.table.put_item({"id": {"S": "1"}})
    assert shard.items == []

    shard.emit({"id": {"S": "1"}}, None, {"id": {"S": "1"}})

    [record] = shard.get(int(shard.starting_sequence_number), 10)
    assert record["eventName"] == "INSERT"
    assert record["dynamodb"]["SequenceNumber"] == str(shard.last_sequence_number())
    assert "OldImage" not in record["dynamodb"]


def numbers(shard: ReplicaShard, kind: str, number: Any = None) -> list[int]:
    """Return the sequence numbers that an iterator of a kind leads to."""
    streams = dynamodbstreams_backends[ACCOUNT][REGION]
    iterator = streams.get_shard_iterator(shard.table.table_arn, shard.id, kind, number).arn
    records = streams.get_records(iterator, 10)["Records"]
    return [int(record["dynamodb"]["SequenceNumber"]) for record in records]


def test_trimmed_records_are_gone_and_the_others_keep_their_numbers(shard: ReplicaShard) -> None:
    for item in range(4):
        shard.emit({"id": {"S": str(item)}}, None, {"id": {"S": str(item)}})
    first, second, third, fourth = numbers(shard, "TRIM_HORIZON")

    shard.trim(second)
    shard.emit({"id": {"S": "5"}}, None, {"id": {"S": "5"}})

    assert numbers(shard, "TRIM_HORIZON") == [third, fourth, fourth + 1]
    assert numbers(shard, "AFTER_SEQUENCE_NUMBER", second) == [third, fourth, fourth + 1]
    assert shard.last_sequence_number() == fourth + 1
    for gone in (first, second):
        with pytest.raises(JsonRESTError, match="older") as caught:
            numbers(shard, "AT_SEQUENCE_NUMBER", gone)
        assert caught.value.error_type == "TrimmedDataAccessException"


def test_trimming_twice_trims_nothing_more(shard: ReplicaShard) -> None:
    shard.emit({"id": {"S": "1"}}, None, {"id": {"S": "1"}})
    shard.emit({"id": {"S": "2"}}, None, {"id": {"S": "2"}})
    first, second = numbers(shard, "TRIM_HORIZON")

    shard.trim(first)
    shard.trim(first)

    assert numbers(shard, "TRIM_HORIZON") == [second]


def test_reading_on_for_ever_does_not_keep_every_iterator(
    shard: ReplicaShard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replica_shard, "_KEPT_ITERATORS", 5)
    streams = dynamodbstreams_backends[ACCOUNT][REGION]
    iterator = streams.get_shard_iterator(shard.table.table_arn, shard.id, "TRIM_HORIZON").arn

    for _ in range(50):
        iterator = streams.get_records(iterator, 10)["NextShardIterator"]

    assert len(streams.shard_iterators) <= 6
    assert iterator in streams.shard_iterators
