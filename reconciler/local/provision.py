"""The AWS resources of one region of the local cloud, made over the ordinary API.

Names, patterns and numbers are those of `reconciler.deployment.wiring`, which infrastructure code
uses too. Delays and timeouts come from the caller: people wait for a demo.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reconciler.deployment.names import Names
from reconciler.deployment.table_document import Index
from reconciler.deployment.tables import (
    BOTH_IMAGES,
    LEDGER_KEY,
    LEDGER_KINDS,
    LEDGER_STATE_INDEX,
    LEDGER_STATE_KEY,
)
from reconciler.deployment.wiring import (
    DEAD_LETTER_RETENTION_SECONDS,
    RULE_TARGET,
    QueueSource,
    rule_pattern,
)

ACCOUNT = "123456789012"

# Any client of boto3, by service name; its operations are attributes.
ClientFactory = Callable[[str], Any]


@dataclass(frozen=True)
class TableSpec:
    """A global table to make.

    kinds: the types of those of its key attributes that are no strings. environment: what the
    functions are told of it beside its name.
    """

    name: str
    partition_key: str
    sort_key: str | None = None
    kinds: Mapping[str, str] = field(default_factory=dict)
    indexes: Sequence[Index] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def keys(self) -> list[str]:
        """The names of its key attributes."""
        return [name for name in (self.partition_key, self.sort_key) if name is not None]


def create_table(client: ClientFactory, spec: TableSpec) -> str:
    """Create one replica with a stream of both images; return the stream's ARN."""
    kinds = {name: spec.kinds.get(name, "S") for name in spec.keys}
    for index in spec.indexes:
        kinds |= {key.name: key.type for key in (index.partition_key, index.sort_key) if key}
    indexes = [_secondary(index) for index in spec.indexes]
    description = client("dynamodb").create_table(
        TableName=spec.name,
        KeySchema=_key_schema(*spec.keys),
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": kind} for name, kind in kinds.items()
        ],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": BOTH_IMAGES},
        **({"GlobalSecondaryIndexes": indexes} if indexes else {}),
    )
    arn: str = description["TableDescription"]["LatestStreamArn"]
    return arn


def _secondary(index: Index) -> dict[str, Any]:
    names = [key.name for key in (index.partition_key, index.sort_key) if key is not None]
    return {
        "IndexName": index.name,
        "KeySchema": _key_schema(*names),
        "Projection": {"ProjectionType": index.projection},
    }


def create_pipeline(
    client: ClientFactory, names: Names, *, home: QueueSource, witness: QueueSource
) -> None:
    """Create what detector and resolver need: ledger, bus, rules, queues, evidence bucket."""
    create_ledger(client("dynamodb"), names.ledger)
    sqs = client("sqs")
    for queue in names.dead_letter_queues():
        retention = {"MessageRetentionPeriod": str(DEAD_LETTER_RETENTION_SECONDS)}
        sqs.create_queue(QueueName=queue, Attributes=retention)
    client("events").create_event_bus(Name=names.bus)
    for role, queue, source in (
        ("home", names.home_queue, home),
        ("witness", names.witness_queue, witness),
    ):
        _create_worked_queue(sqs, names, queue, source)
        _route(client("events"), names, role, queue)
    _create_bucket(client("s3"), names)


def create_ledger(dynamodb: Any, name: str) -> None:
    """Create a ledger's table, with the index that finds its rows by state."""
    index = {
        "IndexName": LEDGER_STATE_INDEX,
        "KeySchema": _key_schema(*LEDGER_STATE_KEY),
        "Projection": {"ProjectionType": "ALL"},
    }
    dynamodb.create_table(
        TableName=name,
        KeySchema=_key_schema(*LEDGER_KEY),
        AttributeDefinitions=[
            {"AttributeName": attribute, "AttributeType": kind}
            for attribute, kind in LEDGER_KINDS.items()
        ],
        GlobalSecondaryIndexes=[index],
        BillingMode="PAY_PER_REQUEST",
    )


def _key_schema(*names: str) -> list[dict[str, str]]:
    roles = ("HASH", "RANGE")
    return [{"AttributeName": n, "KeyType": role} for n, role in zip(names, roles, strict=False)]


def queue_url(endpoint: str, queue: str) -> str:
    """Return a queue's URL, whose form SQS defines: endpoint, account, name."""
    return f"{endpoint}/{ACCOUNT}/{queue}"


def _queue_arn(region: str, queue: str) -> str:
    return f"arn:aws:sqs:{region}:{ACCOUNT}:{queue}"


def _create_worked_queue(sqs: Any, names: Names, queue: str, source: QueueSource) -> None:
    redrive = {
        "deadLetterTargetArn": _queue_arn(names.region, names.dead_letters_of(queue)),
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


def _route(events: Any, names: Names, role: str, queue: str) -> None:
    pattern = json.dumps(rule_pattern(role))
    events.put_rule(Name=role, EventBusName=names.bus, EventPattern=pattern, State="ENABLED")
    target = {
        "Id": f"{role}-queue",
        "Arn": _queue_arn(names.region, queue),
        "RetryPolicy": {
            "MaximumRetryAttempts": RULE_TARGET.maximum_retry_attempts,
            "MaximumEventAgeInSeconds": RULE_TARGET.maximum_event_age_seconds,
        },
        "DeadLetterConfig": {"Arn": _queue_arn(names.region, names.rules_dlq)},
    }
    events.put_targets(Rule=role, EventBusName=names.bus, Targets=[target])


def _create_bucket(s3: Any, names: Names) -> None:
    # us-east-1 is the one region that S3 refuses as a location constraint.
    elsewhere = {"CreateBucketConfiguration": {"LocationConstraint": names.region}}
    s3.create_bucket(
        Bucket=names.evidence_bucket, **({} if names.region == "us-east-1" else elsewhere)
    )
    s3.put_bucket_versioning(
        Bucket=names.evidence_bucket, VersioningConfiguration={"Status": "Enabled"}
    )
