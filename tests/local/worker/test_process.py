"""A region's worker: real handlers between a real stream, a real bus and real queues."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import unquote_plus

import pytest

from reconciler.aws.set_aside import S3SetAside
from reconciler.deployment.names import Names
from reconciler.local.cloud import (
    LOCAL_HOME,
    LOCAL_STREAM,
    LOCAL_WITNESS,
    LocalCloud,
)
from reconciler.local.provision import TableSpec, queue_url
from tests.local.support import AP, EU, HANDLERS, US, dead_letters, eventually, log_lines, lose, put

TABLE = "parties"


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud(
        [TableSpec(TABLE, "id")],
        reconciled=TABLE,
        lag_ms=(5, 20),
        stream=replace(LOCAL_STREAM, maximum_retry_attempts=2),
        home=replace(LOCAL_HOME, visibility_timeout_seconds=1, maximum_receive_count=2),
        witness=replace(LOCAL_WITNESS, delay_seconds=1),
        detect=f"{HANDLERS}:detect",
        resolve=f"{HANDLERS}:resolve",
    ) as cloud:
        yield cloud


def notes(cloud: LocalCloud, region: str, kind: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in log_lines(cloud, region) if line.startswith("{")]
    return [line for line in lines if kind in line]


def detected(cloud: LocalCloud, region: str, partition: str) -> list[dict[str, Any]]:
    records = [r for note in notes(cloud, region, "detect") for r in note["detect"]["Records"]]
    return [r for r in records if r["dynamodb"]["Keys"]["id"] == {"S": partition}]


def resolved(cloud: LocalCloud, region: str, text: str) -> list[dict[str, Any]]:
    records = [r for note in notes(cloud, region, "resolve") for r in note["resolve"]["Records"]]
    return [r for r in records if text in r["body"]]


def set_aside(cloud: LocalCloud, region: str, partition: str) -> list[dict[str, Any]]:
    """Return the messages about an item; its changes reach the streams of other regions too."""
    numbers = {r["dynamodb"]["SequenceNumber"] for r in detected(cloud, region, partition)}
    batches = S3SetAside(Names(TABLE, region).evidence_bucket, cloud.client("s3", region))
    messages = [
        json.loads(batches.get(f"s3://{place}") or "") for place in told_places(cloud, region)
    ]
    return [m for m in messages if m["DDBStreamBatchInfo"]["startSequenceNumber"] in numbers]


def told_places(cloud: LocalCloud, region: str) -> list[str]:
    """Return the objects that the stream's dead-letter queue tells of, as bucket/key."""
    bodies = map(json.loads, dead_letters(cloud, region)[f"parties-stream-dlq-{region}"])
    told = [record["s3"] for body in bodies for record in body["Records"]]
    return [f"{s3['bucket']['name']}/{unquote_plus(s3['object']['key'])}" for s3 in told]


def send(cloud: LocalCloud, queue: str, body: str) -> None:
    cloud.client("sqs", US).send_message(
        QueueUrl=queue_url(cloud.endpoint, queue),
        MessageBody=body,
        MessageAttributes={"why": {"DataType": "String", "StringValue": "test"}},
    )


def test_a_change_is_shown_to_detect_as_lambda_would(cloud: LocalCloud) -> None:
    put(cloud, US, TABLE, id="shape", b={"B": b"\x00\xff"}, bs={"BS": [b"1"]})
    put(cloud, US, TABLE, id="shape", b={"B": b"\x01"})
    cloud.settle()

    [record] = detected(cloud, US, "shape")
    change = record.pop("dynamodb")
    assert {name: record[name] for name in ("eventName", "eventSource", "awsRegion")} == {
        "eventName": "MODIFY",
        "eventSource": "aws:dynamodb",
        "awsRegion": US,
    }
    assert record["eventID"]
    assert record["eventVersion"] == "1.1"
    assert record["eventSourceARN"].startswith(
        f"arn:aws:dynamodb:{US}:123456789012:table/{TABLE}/stream/"
    )
    assert change["OldImage"] == {"id": {"S": "shape"}, "b": {"B": "AP8="}, "bs": {"BS": ["MQ=="]}}
    assert change["NewImage"] == {"id": {"S": "shape"}, "b": {"B": "AQ=="}}
    assert change["Keys"] == {"id": {"S": "shape"}}
    assert change["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    assert change["SizeBytes"] > 0
    assert change["SequenceNumber"].isdecimal()
    assert change["ApproximateCreationDateTime"] == int(change["ApproximateCreationDateTime"])


def test_an_insert_is_filtered_out_and_still_settles(cloud: LocalCloud) -> None:
    put(cloud, EU, TABLE, id="inserted")
    cloud.settle()

    assert detected(cloud, EU, "inserted") == []


def test_a_function_sees_the_environment_and_the_context_of_its_region(cloud: LocalCloud) -> None:
    for name in ("x", "y"):
        put(cloud, AP, TABLE, id="environment", name=name)
        cloud.settle()

    environment = notes(cloud, AP, "environment")[-1]["environment"]
    assert environment == {
        "AWS_REGION": AP,
        "AWS_DEFAULT_REGION": AP,
        "AWS_ENDPOINT_URL": cloud.endpoint,
        "AWS_LAMBDA_FUNCTION_NAME": "parties-reconciler",
        "AWS_PROFILE": None,
        "RECONCILER_TABLE": TABLE,
        "RECONCILER_PARKED_QUEUE_URL": queue_url(cloud.endpoint, Names(TABLE, AP).parked_queue),
        "POWERTOOLS_SERVICE_NAME": "reconciler",
    }
    context = notes(cloud, AP, "detect")[-1]
    assert context["function"] == f"parties-detect-{AP}"
    assert context["arn"] == f"arn:aws:lambda:{AP}:123456789012:function:parties-detect-{AP}"


def test_an_event_that_detect_puts_on_the_bus_reaches_resolve_as_an_sqs_message(
    cloud: LocalCloud,
) -> None:
    put(cloud, US, TABLE, id="announced")
    put(cloud, US, TABLE, id="announced", announce="first of its kind")
    cloud.settle()

    [message] = resolved(cloud, US, "first of its kind")
    event = json.loads(message["body"])
    assert event["detail"]["new"]["announce"] == {"S": "first of its kind"}
    assert (event["source"], event["detail-type"]) == (
        "dynamodb.reconciler",
        "Replicated Write Lost",
    )
    assert message["eventSource"] == "aws:sqs"
    assert message["eventSourceARN"] == f"arn:aws:sqs:{US}:123456789012:parties-resolve-{US}"
    assert message["awsRegion"] == US
    assert message["attributes"]["ApproximateReceiveCount"] == "1"
    assert message["messageId"]
    assert message["receiptHandle"]
    assert message["md5OfBody"]


def test_a_record_that_stays_reported_is_set_aside_and_the_shard_goes_on(
    cloud: LocalCloud,
) -> None:
    for name in ("x", "y"):
        put(cloud, EU, TABLE, id="report me", name=name)
    cloud.settle()
    put(cloud, EU, TABLE, id="behind", name="x")
    put(cloud, EU, TABLE, id="behind", name="y")
    cloud.settle()

    [body] = set_aside(cloud, EU, "report me")
    [*_, last] = detected(cloud, EU, "report me")
    assert len(detected(cloud, EU, "report me")) == 3
    assert body["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert body["requestContext"]["approximateInvokeCount"] == 3
    info = body["DDBStreamBatchInfo"]
    assert info["startSequenceNumber"] == last["dynamodb"]["SequenceNumber"]
    assert info["streamArn"] == last["eventSourceARN"]
    assert json.loads(body["payload"]) == {"Records": [last]}
    assert len(detected(cloud, EU, "behind")) == 1


def test_a_record_that_makes_detect_raise_is_isolated_from_its_neighbours(
    cloud: LocalCloud,
) -> None:
    keys = ["n1", "n2", "raise here", "n3"]
    cloud.client("dynamodb", AP).batch_write_item(
        RequestItems={TABLE: [{"PutRequest": {"Item": {"id": {"S": key}}}} for key in keys]}
    )
    changed = [{"id": {"S": key}, "name": {"S": "new"}} for key in keys]
    cloud.client("dynamodb", AP).batch_write_item(
        RequestItems={TABLE: [{"PutRequest": {"Item": item}} for item in changed]}
    )
    cloud.settle()

    [message] = set_aside(cloud, AP, "raise here")
    assert message["DDBStreamBatchInfo"]["batchSize"] == 1
    assert message["responseContext"]["functionError"] == "Unhandled"
    batches = [note["detect"]["Records"] for note in notes(cloud, AP, "detect")]
    keys_given = [[r["dynamodb"]["Keys"]["id"]["S"] for r in batch] for batch in batches]
    assert ["n1", "n2"] in keys_given
    assert ["n3"] in keys_given


def test_a_reported_message_comes_again_and_ends_in_the_dead_letter_queue(
    cloud: LocalCloud,
) -> None:
    queue = Names(TABLE, US).home_queue
    send(cloud, queue, "report this one")
    send(cloud, queue, "fine")
    cloud.settle()

    assert [m["attributes"]["ApproximateReceiveCount"] for m in resolved(cloud, US, "report")] == [
        "1",
        "2",
    ]
    [fine] = resolved(cloud, US, "fine")
    assert fine["messageAttributes"]["why"]["stringValue"] == "test"
    assert "report this one" in dead_letters(cloud, US)[f"parties-resolve-dlq-{US}"]
    assert "fine" not in dead_letters(cloud, US)[f"parties-resolve-dlq-{US}"]


def test_an_exception_of_resolve_leaves_the_whole_batch_to_be_delivered_again(
    cloud: LocalCloud,
) -> None:
    send(cloud, Names(TABLE, US).home_queue, "raise on this one")
    cloud.settle()

    assert len(resolved(cloud, US, "raise on")) == 2
    assert "raise on this one" in dead_letters(cloud, US)[f"parties-resolve-dlq-{US}"]


def test_a_witness_message_waits_for_its_delay(cloud: LocalCloud) -> None:
    sent = time.time()
    send(cloud, Names(TABLE, US).witness_queue, "from a witness")
    cloud.settle()

    [message] = resolved(cloud, US, "from a witness")
    waited = int(message["attributes"]["ApproximateFirstReceiveTimestamp"]) / 1000 - sent
    assert waited >= 0.9
    assert message["eventSourceARN"].endswith(":parties-witness-us-east-1")


def test_parked_messages_can_be_looked_at_and_do_not_keep_the_cloud_busy(
    cloud: LocalCloud,
) -> None:
    send(cloud, Names(TABLE, US).parked_queue, "for a person")

    cloud.settle()

    parked = Names(TABLE, US).parked_queue
    assert cloud.bodies(US, parked) == ["for a person"]
    assert cloud.bodies(US, parked) == ["for a person"]


def test_writes_during_a_partition_are_shown_to_detect_once_it_heals(cloud: LocalCloud) -> None:
    lose(cloud, TABLE, "parted")

    [record] = detected(cloud, US, "parted")
    assert record["dynamodb"]["OldImage"]["name"] == {"S": "lost"}
    assert record["dynamodb"]["NewImage"]["name"] == {"S": "won"}
    assert detected(cloud, EU, "parted") == []


def test_a_reader_waiting_for_the_log_finds_what_functions_wrote(cloud: LocalCloud) -> None:
    put(cloud, US, TABLE, id="logged", name="x")
    put(cloud, US, TABLE, id="logged", name="y")

    assert eventually(lambda: detected(cloud, US, "logged"))
