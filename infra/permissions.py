"""What each function may do: named actions on named resources.

Behaviour: a resource with a wildcard is an exception; `EXCEPTIONS` says why, by statement.
Source: Service Authorization Reference; Lambda guide, "Execution role permissions" of the DynamoDB
and SQS event sources, "Retaining discarded records"; DynamoDB guide, "Encryption at rest: usage".
"""

from collections.abc import Sequence
from typing import Any

from infra.arns import Arns
from reconciler.deployment import LEDGER_STATE_INDEX, REDRIVEN_PREFIX, SET_ASIDE_PREFIX

Statement = dict[str, Any]

EVIDENCE_PREFIX = "conflicts/"
EXCEPTIONS = {
    "WriteLogs": "a log group's streams get their names from Lambda",
    "FindStreams": "ListStreams is given for all streams or none; Lambda asks for it",
    "KeepEvidence": "an object is named after the loss in it",
    "ReadEvidence": "an object is named after the loss in it",
    "SetAsideBatches": "Lambda names the objects, by shard and time",
    "WorkOffBatches": "Lambda names the objects, by shard and time",
    "DescribeKey": "a key is known by its alias until its id is; the alias is a condition",
    "SendTraces": "X-Ray has no resources to name",
}
_KEY_ACTIONS = [
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
]


def allow(sid: str, actions: Sequence[str], *resources: str) -> Statement:
    """Return a statement that allows actions on resources."""
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": list(resources)}


def write_logs(arns: Arns, function: str) -> Statement:
    """Return that a function may write its own log."""
    actions = ["logs:CreateLogStream", "logs:PutLogEvents"]
    return allow("WriteLogs", actions, arns.log_group(function))


def common(arns: Arns, function: str, keys: Sequence[str], *, tracing: bool) -> list[Statement]:
    """Return what every function may do: write its log, use the keys, send its traces."""
    region = arns.names.region
    services = [f"{each}.{region}.amazonaws.com" for each in ("dynamodb", "sqs", "s3")]
    use_keys = {
        **allow("UseKeys", _KEY_ACTIONS, *keys),
        "Condition": {"StringEquals": {"kms:ViaService": services}},
    }
    traces = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
    return [
        write_logs(arns, function),
        use_keys,
        *([allow("SendTraces", traces, "*")] if tracing else []),
    ]


def detect(arns: Arns, stream_arn: str) -> list[Statement]:
    """Return what the detector may do, and Lambda in its name: read the stream, set aside."""
    return [
        _read_stream(stream_arn),
        allow("FindStreams", ["dynamodb:ListStreams"], "*"),
        allow("SetAsideBatches", ["s3:PutObject"], arns.objects(SET_ASIDE_PREFIX)),
        allow("RecordLosses", ["dynamodb:BatchWriteItem"], arns.ledger),
        allow("SendLosses", ["events:PutEvents"], arns.bus),
        allow("KeepEvidence", ["s3:PutObject"], arns.objects(EVIDENCE_PREFIX)),
        allow("SeeEvidence", ["s3:ListBucket"], arns.bucket),
        _park(arns),
    ]


def resolve(arns: Arns) -> list[Statement]:
    """Return what the resolver may do, and Lambda in its name: read both queues."""
    worked = map(arns.queue, (arns.names.home_queue, arns.names.witness_queue))
    received = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
    return [
        allow("WorkQueues", received, *worked),
        *_repair(arns),
        allow("ReadLosses", ["dynamodb:Query"], arns.ledger),
        _park(arns),
    ]


def redrive(arns: Arns, stream_arn: str) -> list[Statement]:
    """Return what the redrive may do: all that both others may, and work dead letters off."""
    letters = [
        "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage",
        "sqs:GetQueueUrl",
        "sqs:ReceiveMessage",
    ]
    batches = [arns.objects(SET_ASIDE_PREFIX), arns.objects(REDRIVEN_PREFIX + SET_ASIDE_PREFIX)]
    moved = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
    by_state = f"{arns.ledger}/index/{LEDGER_STATE_INDEX}"
    return [
        _read_stream(stream_arn),
        allow("WorkLetters", letters, *map(arns.queue, arns.names.dead_letter_queues())),
        allow("WorkOffBatches", moved, *batches),
        *_repair(arns),
        allow("ReadLosses", ["dynamodb:Query"], arns.ledger, by_state),
        allow("SendLosses", ["events:PutEvents"], arns.bus),
        _park(arns),
    ]


def _repair(arns: Arns) -> list[Statement]:
    return [
        allow("RepairItems", ["dynamodb:GetItem", "dynamodb:PutItem"], arns.table),
        allow("RecordLosses", ["dynamodb:BatchWriteItem"], arns.ledger),
        allow("ReadEvidence", ["s3:GetObject", "s3:PutObject"], arns.objects(EVIDENCE_PREFIX)),
        allow("SeeEvidence", ["s3:ListBucket"], arns.bucket),
    ]


def _read_stream(stream_arn: str) -> Statement:
    reads = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"]
    return allow("ReadStream", reads, stream_arn)


def _park(arns: Arns) -> Statement:
    return allow("Park", ["sqs:SendMessage"], arns.queue(arns.names.parked_queue))
