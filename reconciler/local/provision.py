"""The AWS resources of one region of the local cloud, made over the ordinary API.

Names, patterns and numbers are those of `reconciler.deployment`, which infrastructure code uses
too. Delays and timeouts come from the caller: people wait for a demo.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from reconciler.deployment import Names, QueueSource, dead_letter_queue, rule_pattern

ACCOUNT = "123456789012"

# Any client of boto3, by service name; its operations are attributes.
ClientFactory = Callable[[str], Any]


@dataclass(frozen=True)
class TableSpec:
    """A global table to make; its keys are strings."""

    name: str
    partition_key: str
    sort_key: str | None = None


def create_table(client: ClientFactory, spec: TableSpec) -> str:
    """Create one replica with a stream of both images; return the stream's ARN."""
    keys = [(spec.partition_key, "HASH")]
    if spec.sort_key is not None:
        keys.append((spec.sort_key, "RANGE"))
    description = client("dynamodb").create_table(
        TableName=spec.name,
        KeySchema=[{"AttributeName": name, "KeyType": role} for name, role in keys],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    arn: str = description["TableDescription"]["LatestStreamArn"]
    return arn


def create_pipeline(
    client: ClientFactory, names: Names, *, home: QueueSource, witness: QueueSource
) -> None:
    """Create what detector and resolver need: ledger, bus, rules, queues, evidence bucket."""
    client("dynamodb").create_table(
        TableName=names.ledger,
        KeySchema=[
            {"AttributeName": "item_key", "KeyType": "HASH"},
            {"AttributeName": "conflict_id", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in ("item_key", "conflict_id")
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    sqs = client("sqs")
    for queue in (names.parked_queue, names.stream_dlq):
        sqs.create_queue(QueueName=queue)
    client("events").create_event_bus(Name=names.bus)
    for role, queue, source in (
        ("home", names.home_queue, home),
        ("witness", names.witness_queue, witness),
    ):
        arn = _create_queue_with_dlq(sqs, queue, source, names.region)
        _route(client("events"), names.bus, role, arn)
    _create_bucket(client("s3"), names)


def queue_url(endpoint: str, queue: str) -> str:
    """Return a queue's URL, whose form SQS defines: endpoint, account, name."""
    return f"{endpoint}/{ACCOUNT}/{queue}"


def _queue_arn(region: str, queue: str) -> str:
    return f"arn:aws:sqs:{region}:{ACCOUNT}:{queue}"


def _create_queue_with_dlq(sqs: Any, queue: str, source: QueueSource, region: str) -> str:
    dead_letters = dead_letter_queue(queue)
    sqs.create_queue(QueueName=dead_letters)
    redrive = {
        "deadLetterTargetArn": _queue_arn(region, dead_letters),
        "maxReceiveCount": source.maximum_receive_count,
    }
    sqs.create_queue(
        QueueName=queue,
        Attributes={
            "DelaySeconds": str(source.delay_seconds),
            "VisibilityTimeout": str(source.visibility_timeout_seconds),
            "RedrivePolicy": json.dumps(redrive),
        },
    )
    return _queue_arn(region, queue)


def _route(events: Any, bus: str, role: str, queue_arn: str) -> None:
    pattern = json.dumps(rule_pattern(role))
    events.put_rule(Name=role, EventBusName=bus, EventPattern=pattern, State="ENABLED")
    events.put_targets(
        Rule=role, EventBusName=bus, Targets=[{"Id": f"{role}-queue", "Arn": queue_arn}]
    )


def _create_bucket(s3: Any, names: Names) -> None:
    # us-east-1 is the one region that S3 refuses as a location constraint.
    elsewhere = {"CreateBucketConfiguration": {"LocationConstraint": names.region}}
    s3.create_bucket(
        Bucket=names.evidence_bucket, **({} if names.region == "us-east-1" else elsewhere)
    )
