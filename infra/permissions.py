"""What each function may do: named actions on named resources.

A resource with a wildcard is an exception; `EXCEPTIONS` says why, by statement.
Source: Service Authorization Reference; Lambda guide, "Execution role permissions" of the DynamoDB
and SQS event sources, "Retaining discarded records"; DynamoDB guide, "Encryption at rest: usage".
"""

from collections.abc import Sequence
from typing import Any

from aws_cdk import Aws

from infra.arns import Arns
from reconciler.deployment.wiring import REDRIVEN_PREFIX, SET_ASIDE_PREFIX

Statement = dict[str, Any]

EVIDENCE_PREFIX = "conflicts/"
_BATCHES = ("SetAsideBatches", "ReadBatches", "RemoveBatches", "KeepBatches")
EXCEPTIONS = {
    "WriteLogs": "a log group's streams get their names from Lambda",
    "KnowReplicas": "the table's replicas are in whatever regions it has them, now and later",
    "FindStreams": "ListStreams is given for all streams or none; Lambda asks for it",
    **dict.fromkeys(("KeepEvidence", "ReadEvidence"), "an object is named after the loss in it"),
    **dict.fromkeys(("ReadObjects", "KeepRejects"), "whoever puts an object there names it"),
    **dict.fromkeys(("ReadOriginals", "KeepCopies"), "all that is in the bucket is copied"),
    **dict.fromkeys(_BATCHES, "Lambda names the objects, by shard and time"),
    "DescribeKey": "a key is known by its alias until its id is; the alias is a condition",
    "SendTraces": "X-Ray has no resources to name",
    "FindPrefixLists": "AWS keeps these lists; EC2 finds them for all or none",
    "LambdaAttaches": "Lambda asks EC2 for interfaces before there are any, and needs it for all",
    "CodeAttachesNothing": "it is denied, on all",
    "WriteFlowLog": "a log group's streams get their names from EC2",
    "KnowCallbacks": "EventBridge ends the ARN of a destination with an id of its own",
    **dict.fromkeys(("KeepSubscriptions", "SendToCallbacks"), "subscribers make rules at run time"),
    **dict.fromkeys(("WatchSegments", "RedriveSegments"), "Step Functions names the executions"),
    "FindTables": "FIS finds its targets by their tags, for all resources or none",
    **dict.fromkeys(
        ("CountWrites", "DeliverLogs", "ReadMetrics"), "CloudWatch has no resources to name for it"
    ),
}
_INTERFACE_ACTIONS = [
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
]
_KEPT_IN = ("dynamodb", "sqs", "s3")  # items, messages and evidence
TRACES = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
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


def common(arns: Arns, function: str, *, tracing: bool) -> list[Statement]:
    """Return what every function may do: write its log, send its traces."""
    traces = [allow("SendTraces", TRACES, "*")] if tracing else []
    return [write_logs(arns, function), *traces]


def use_keys(arns: Arns, keys: Sequence[str], of: Sequence[str] = _KEPT_IN) -> Statement:
    """Return that what these services keep may be read and written under the keys."""
    return through(allow("UseKeys", _KEY_ACTIONS, *keys), [_service(arns, each) for each in of])


def attach(arns: Arns, function: str) -> list[Statement]:
    """Return that Lambda may put a function into a network, and that the function may not."""
    own = {"ArnEquals": {"lambda:SourceFunctionArn": arns.function(function)}}
    denied = {
        **allow("CodeAttachesNothing", _INTERFACE_ACTIONS, "*"),
        "Effect": "Deny",
        "Condition": own,
    }
    return [allow("LambdaAttaches", _INTERFACE_ACTIONS, "*"), denied]


def detect(arns: Arns, stream_arn: str) -> list[Statement]:
    """Return what the detector may do, and Lambda in its name: read the stream, set aside."""
    return [
        _read_stream(stream_arn),
        allow("FindStreams", ["dynamodb:ListStreams"], "*"),
        know_replica(arns),
        in_bucket("SetAsideBatches", ["s3:PutObject"], arns.objects(SET_ASIDE_PREFIX)),
        allow("RecordLosses", ["dynamodb:BatchWriteItem"], arns.ledger),
        allow("SendLosses", ["events:PutEvents"], arns.bus),
        in_bucket("KeepEvidence", ["s3:PutObject"], arns.objects(EVIDENCE_PREFIX)),
        _see_evidence(arns),
        park(arns),
    ]


def resolve(arns: Arns) -> list[Statement]:
    """Return what the resolver may do, and Lambda in its name: read both queues."""
    worked = map(arns.queue, (arns.names.home_queue, arns.names.witness_queue))
    received = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
    return [
        allow("WorkQueues", received, *worked),
        *_repair(arns),
        allow("KnowReplicas", ["dynamodb:DescribeTable"], arns.table_in_any_region),
        allow("ReadLosses", ["dynamodb:Query"], arns.ledger),
        park(arns),
    ]


def redrive(arns: Arns, stream_arn: str) -> list[Statement]:
    """Return what the redrive may do: all that both others may, and work dead letters off."""
    letters = [
        "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage",
        "sqs:GetQueueUrl",
        "sqs:ReceiveMessage",
    ]
    batches = arns.objects(SET_ASIDE_PREFIX)
    redriven = arns.objects(REDRIVEN_PREFIX + SET_ASIDE_PREFIX)
    return [
        _read_stream(stream_arn),
        allow("WorkLetters", letters, *map(arns.queue, arns.names.dead_letter_queues())),
        in_bucket("ReadBatches", ["s3:GetObject"], batches, redriven),
        in_bucket("RemoveBatches", ["s3:DeleteObject"], batches),
        in_bucket("KeepBatches", ["s3:PutObject"], redriven),
        *_repair(arns),
        allow("ReadLosses", ["dynamodb:Query"], arns.ledger, arns.ledger_by_state),
        allow("SendLosses", ["events:PutEvents"], arns.bus),
        park(arns),
    ]


def gauge(arns: Arns, key_arn: str) -> list[Statement]:
    """Return what the gauge may do: count the ledger's rows by their state."""
    decrypt = allow("ReadByKey", ["kms:Decrypt", "kms:DescribeKey"], key_arn)
    return [
        allow("CountLosses", ["dynamodb:Query"], arns.ledger_by_state),
        through(decrypt, [_service(arns, "dynamodb")]),
    ]


def approve(arns: Arns, key_arn: str) -> list[Statement]:
    """Return what the approval's function may do: find losses, ask, and carry answers out."""
    encrypt = allow("EncryptQuestions", ["kms:Decrypt", "kms:GenerateDataKey"], key_arn)
    return [
        allow("ReadLosses", ["dynamodb:Query"], arns.ledger, arns.ledger_by_state),
        allow("RecordLosses", ["dynamodb:BatchWriteItem", "dynamodb:UpdateItem"], arns.ledger),
        allow("RepairItems", ["dynamodb:GetItem", "dynamodb:PutItem"], arns.table),
        know_replica(arns),
        in_bucket("ReadEvidence", ["s3:GetObject"], arns.objects(EVIDENCE_PREFIX)),
        _see_evidence(arns),
        allow("AskPeople", ["sns:Publish"], arns.decisions, arns.escalations),
        through(encrypt, [_service(arns, "sns")]),
        allow("StartWorkflows", ["states:StartExecution"], arns.approval),
    ]


def delivered(arns: Arns) -> Statement:
    """Return the condition that what is encrypted or decrypted goes to this region's logs."""
    logs = arns.of("logs", "*")
    return {"StringEquals": {"kms:EncryptionContext:SourceArn": logs}}


def drill(arns: Arns, stream_arn: str) -> list[Statement]:
    """Return what FIS may do in a drill: deny replication to the table and to its stream."""
    policies = ["DeleteResourcePolicy", "GetResourcePolicy", "PutResourcePolicy"]
    actions = [f"dynamodb:{each}" for each in policies]
    return [
        allow("PauseReplication", actions, arns.table, stream_arn),
        allow("DescribeTable", ["dynamodb:DescribeTable"], arns.table),
        allow("FindTables", ["tag:GetResources"], "*"),
    ]


def know_replica(arns: Arns) -> Statement:
    """Allow to see when the table was made: a replica that is made anew is another one."""
    return allow("KnowReplica", ["dynamodb:DescribeTable"], arns.table)


def _repair(arns: Arns) -> list[Statement]:
    return [
        know_replica(arns),
        allow("RepairItems", ["dynamodb:GetItem", "dynamodb:PutItem"], arns.table),
        allow("RecordLosses", ["dynamodb:BatchWriteItem", "dynamodb:UpdateItem"], arns.ledger),
        in_bucket("ReadEvidence", ["s3:GetObject", "s3:PutObject"], arns.objects(EVIDENCE_PREFIX)),
        _see_evidence(arns),
    ]


def in_bucket(sid: str, actions: Sequence[str], *resources: str) -> Statement:
    """Allow actions in this account's bucket: anybody may own a deleted one's name next."""
    own = {"StringEquals": {"s3:ResourceAccount": Aws.ACCOUNT_ID}}
    return {**allow(sid, actions, *resources), "Condition": own}


def _see_evidence(arns: Arns) -> Statement:
    return in_bucket("SeeEvidence", ["s3:ListBucket"], arns.bucket)


def _service(arns: Arns, service: str) -> str:
    return f"{service}.{arns.names.region}.amazonaws.com"


def through(statement: Statement, services: Sequence[str]) -> Statement:
    """Limit the use of a key to what services do with it."""
    return {**statement, "Condition": {"StringEquals": {"kms:ViaService": list(services)}}}


def of_bucket(statement: Statement, arns: Arns, bucket: str) -> Statement:
    """Limit the use of a key to a bucket's objects: a bucket key names it, other keys them."""
    via = {"kms:ViaService": _service(arns, "s3")}
    named = {"kms:EncryptionContext:aws:s3:arn": [bucket, f"{bucket}/*"]}
    return {**statement, "Condition": {"StringEquals": via, "StringLike": named}}


def _read_stream(stream_arn: str) -> Statement:
    reads = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"]
    return allow("ReadStream", reads, stream_arn)


def park(arns: Arns) -> Statement:
    """Allow to set a change or a message aside, whole."""
    return allow("Park", ["sqs:SendMessage"], arns.queue(arns.names.parked_queue))
