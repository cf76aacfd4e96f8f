"""The resources of one region, as AWS describes them."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from reconciler.deployment.names import Names
from reconciler.deployment.wiring import HOME_SOURCE, WITNESS_SOURCE
from reconciler.local.provision import create_pipeline

NAMES = Names("parties", "eu-west-1")
FOURTEEN_DAYS = str(14 * 86_400)


def client(service: str) -> Any:
    make: Any = boto3.client
    return make(service, NAMES.region, aws_access_key_id="x", aws_secret_access_key="x")  # noqa: S106


@pytest.fixture(scope="module", autouse=True)
def pipeline() -> Iterator[None]:
    with mock_aws():
        create_pipeline(client, NAMES, home=HOME_SOURCE, witness=WITNESS_SOURCE)
        yield


def attributes(queue: str) -> dict[str, str]:
    sqs = client("sqs")
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    described = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    found: dict[str, str] = described["Attributes"]
    return found


def test_queues_that_wait_for_a_redrive_keep_messages_as_long_as_sqs_can() -> None:
    kept = {queue: attributes(queue)["MessageRetentionPeriod"] for queue in QUEUES}

    assert kept == dict.fromkeys(QUEUES, FOURTEEN_DAYS)


QUEUES = (
    "parties-stream-dlq-eu-west-1",
    "parties-rules-dlq-eu-west-1",
    "parties-resolve-dlq-eu-west-1",
    "parties-witness-dlq-eu-west-1",
    "parties-parked-eu-west-1",
)


@pytest.mark.parametrize("queue", ["parties-resolve-eu-west-1", "parties-witness-eu-west-1"])
def test_what_is_received_too_often_goes_to_the_queues_own_dead_letters(queue: str) -> None:
    policy = json.loads(attributes(queue)["RedrivePolicy"])

    assert policy["deadLetterTargetArn"] == attributes(NAMES.dead_letters_of(queue))["QueueArn"]
    assert int(policy["maxReceiveCount"]) == 5


@pytest.mark.parametrize(("role", "queue"), [("home", "resolve"), ("witness", "witness")])
def test_what_a_rule_cannot_deliver_goes_to_the_rules_dead_letters(role: str, queue: str) -> None:
    events = client("events")
    [target] = events.list_targets_by_rule(Rule=role, EventBusName=NAMES.bus)["Targets"]

    assert target["Arn"] == attributes(NAMES.of(queue))["QueueArn"]
    assert target["DeadLetterConfig"] == {
        "Arn": attributes("parties-rules-dlq-eu-west-1")["QueueArn"]
    }
    assert target["RetryPolicy"] == {
        "MaximumRetryAttempts": 185,
        "MaximumEventAgeInSeconds": 86_400,
    }


def test_the_ledger_is_found_by_state_with_whole_rows() -> None:
    table = client("dynamodb").describe_table(TableName=NAMES.ledger)["Table"]

    [index] = table["GlobalSecondaryIndexes"]
    assert index["IndexName"] == "by-state"
    assert index["Projection"] == {"ProjectionType": "ALL"}
    assert [(key["AttributeName"], key["KeyType"]) for key in index["KeySchema"]] == [
        ("state", "HASH"),
        ("lost_at_ms", "RANGE"),
    ]


def test_the_evidence_bucket_keeps_what_is_overwritten_or_deleted() -> None:
    assert client("s3").get_bucket_versioning(Bucket=NAMES.evidence_bucket)["Status"] == "Enabled"
