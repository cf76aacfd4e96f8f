"""Functions that fail or stop for a while, and streams that forget."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from reconciler.aws.dead_letters import SqsDeadLetters
from reconciler.aws.streams import StreamRecords
from reconciler.deployment.names import Names
from reconciler.errors import RecordsExpired
from reconciler.local.cloud import LOCAL_HOME, LOCAL_STREAM, LocalCloud
from reconciler.local.errors import LocalCloudError
from reconciler.local.provision import TableSpec, queue_url
from reconciler.ports import StreamRange
from tests.local.support import EU, HANDLERS, US, dead_letters, log_lines, put

TABLE = "parties"
HOME_QUEUE = Names(TABLE, US).home_queue


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud(
        [TableSpec(TABLE, "id")],
        reconciled=TABLE,
        regions=(US, EU),
        lag_ms=(5, 20),
        stream=replace(LOCAL_STREAM, maximum_retry_attempts=0),
        home=replace(LOCAL_HOME, visibility_timeout_seconds=1, maximum_receive_count=2),
        detect=f"{HANDLERS}:detect",
        resolve=f"{HANDLERS}:resolve",
        stream_failures="sqs",
    ) as cloud:
        yield cloud


def change(cloud: LocalCloud, partition: str) -> None:
    """Write an item and change it, so that its stream has a record that passes the filter."""
    for name in ("x", "y"):
        put(cloud, US, TABLE, id=partition, name=name)


def given(cloud: LocalCloud, kind: str, text: str) -> int:
    """Count the records or messages that a function was given and that hold a text."""
    lines = [json.loads(line) for line in log_lines(cloud, US) if line.startswith("{")]
    records = [record for line in lines for record in line.get(kind, {}).get("Records", [])]
    return sum(text in json.dumps(record) for record in records)


def send(cloud: LocalCloud, body: str) -> None:
    url = queue_url(cloud.endpoint, HOME_QUEUE)
    cloud.client("sqs", US).send_message(QueueUrl=url, MessageBody=body)


def names_of(message: Any) -> StreamRange:
    told = message["DDBStreamBatchInfo"]
    return StreamRange(
        told["streamArn"],
        told["shardId"],
        told["startSequenceNumber"],
        told["endSequenceNumber"],
    )


def test_records_set_aside_by_name_are_read_again_until_the_stream_forgets_them(
    cloud: LocalCloud,
) -> None:
    change(cloud, "report me")
    cloud.settle()
    streams = StreamRecords(cloud.client("dynamodbstreams", US))
    [message] = map(json.loads, dead_letters(cloud, US)[Names("parties", US).stream_dlq])
    assert "payload" not in message

    [record] = streams.read(names_of(message))
    assert record["dynamodb"]["NewImage"] == {"id": {"S": "report me"}, "name": {"S": "y"}}

    cloud.trim(US)
    with pytest.raises(RecordsExpired, match="TrimmedDataAccess"):
        streams.read(names_of(message))

    change(cloud, "after the trim")
    cloud.settle()
    assert given(cloud, "detect", "after the trim") == 1


def test_a_stopped_region_leaves_its_stream_waiting_and_goes_on_where_it_was(
    cloud: LocalCloud,
) -> None:
    change(cloud, "before")
    cloud.settle()

    cloud.stop_worker(US)
    change(cloud, "meanwhile")
    with pytest.raises(LocalCloudError, match="stream records not handled in us-east-1"):
        cloud.settle(patience_seconds=0.5)
    assert given(cloud, "detect", "meanwhile") == 0

    cloud.start_worker(US)
    cloud.settle()
    assert given(cloud, "detect", "meanwhile") == 1
    assert given(cloud, "detect", "before") == 1


def test_what_a_failing_resolver_leaves_is_a_dead_letter_and_the_next_resolver_gets_it(
    cloud: LocalCloud,
) -> None:
    cloud.stop_worker(US)
    cloud.start_worker(US, resolve=f"{HANDLERS}:refuse")
    send(cloud, "left behind")
    cloud.settle()
    cloud.stop_worker(US)
    cloud.start_worker(US)
    letters = SqsDeadLetters(cloud.client("sqs", US))

    [letter] = letters.receive(Names("parties", US).home_dlq, 10, 60)
    assert letter.body == "left behind"
    assert given(cloud, "resolve", "left behind") == 0

    send(cloud, letter.body)
    letters.delete(letter)
    cloud.settle()
    assert given(cloud, "resolve", "left behind") == 1
    assert dead_letters(cloud, US)[letter.queue] == []


def test_a_worker_is_started_once_and_stopped_once(cloud: LocalCloud) -> None:
    with pytest.raises(LocalCloudError, match="stop it first"):
        cloud.start_worker(EU)
    cloud.stop_worker(EU)
    with pytest.raises(LocalCloudError, match="no worker that is running"):
        cloud.stop_worker(EU)
    cloud.start_worker(EU)


def test_a_region_that_is_not_there_is_named(cloud: LocalCloud) -> None:
    for call in (cloud.start_worker, cloud.trim):
        with pytest.raises(LocalCloudError, match="mars"):
            call("mars")
