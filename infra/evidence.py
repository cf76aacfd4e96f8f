"""What keeps a region's losses: the ledger, and the evidence bucket for what is large.

Both outlive their stack. The bucket tells the stream's dead letters of each batch that Lambda sets
aside.
Source: S3 guide, "Storage classes", "Event notifications", "Bucket policies".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import RemovalPolicy
from aws_cdk.aws_dynamodb import CfnTable
from aws_cdk.aws_kms import CfnKey
from aws_cdk.aws_s3 import CfnBucket, CfnBucketPolicy
from constructs import Construct

from infra.arns import Arns
from infra.queues import Queues
from reconciler.deployment.tables import (
    LEDGER_EXPIRY,
    LEDGER_KEY,
    LEDGER_KINDS,
    LEDGER_STATE_INDEX,
    LEDGER_STATE_KEY,
)
from reconciler.deployment.wiring import SET_ASIDE_PREFIX

GLACIER_AFTER_DAYS = 90
RECOVERY_DAYS = 35
_CLASS = "GLACIER_IR"


@dataclass(frozen=True)
class Rows:
    """What a table keeps: its key, its one index, and the kinds of the attributes in them."""

    key: Sequence[str]
    index: str
    index_key: Sequence[str]
    kinds: Mapping[str, str]


def ledger(scope: Construct, name: str, key: CfnKey) -> CfnTable:
    """Make the ledger, with the index that finds its rows by state."""
    rows = Rows(LEDGER_KEY, LEDGER_STATE_INDEX, LEDGER_STATE_KEY, LEDGER_KINDS)
    expiry = {"enabled": True, "attributeName": LEDGER_EXPIRY}
    return kept_table(scope, "Ledger", name, key, rows, time_to_live_specification=expiry)


def kept_table(
    scope: Construct, part: str, name: str, key: CfnKey, rows: Rows, **more: Any
) -> CfnTable:
    """Make a table that outlives its stack, can be restored, and is encrypted under a key."""
    table = CfnTable(
        scope,
        part,
        table_name=name,
        billing_mode="PAY_PER_REQUEST",
        attribute_definitions=[
            CfnTable.AttributeDefinitionProperty(attribute_name=n, attribute_type=kind)
            for n, kind in rows.kinds.items()
        ],
        key_schema=_schema(*rows.key),
        global_secondary_indexes=[
            CfnTable.GlobalSecondaryIndexProperty(
                index_name=rows.index,
                key_schema=_schema(*rows.index_key),
                projection=CfnTable.ProjectionProperty(projection_type="ALL"),
            )
        ],
        deletion_protection_enabled=True,
        point_in_time_recovery_specification={
            "pointInTimeRecoveryEnabled": True,
            "recoveryPeriodInDays": RECOVERY_DAYS,
        },
        sse_specification={
            "sseEnabled": True,
            "sseType": "KMS",
            "kmsMasterKeyId": key.attr_arn,
        },
        **more,
    )
    table.apply_removal_policy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
    return table


def _schema(*names: str) -> list[CfnTable.KeySchemaProperty]:
    roles = ("HASH", "RANGE")
    return [
        CfnTable.KeySchemaProperty(attribute_name=name, key_type=role)
        for name, role in zip(names, roles, strict=True)
    ]


def evidence_bucket(
    scope: Construct, arns: Arns, key: CfnKey, queues: Queues, **more: Any
) -> CfnBucket:
    """Make the evidence bucket, with its notification of what is set aside, and its policy."""
    bucket = kept_bucket(
        scope,
        "Evidence",
        arns.names.evidence_bucket,
        key,
        notification_configuration=_notification(arns),
        **more,
    )
    bucket.add_resource_dependency(
        queues.policies[arns.names.stream_dlq]
    )  # S3 tries it when it is set
    return bucket


def kept_bucket(scope: Construct, part: str, name: str, key: CfnKey, **more: Any) -> CfnBucket:
    """Make a bucket that outlives its stack, keeps versions, and is closed, with its policy.

    What lies there for long goes where storage is cheap and reading is as fast.
    """
    bucket = CfnBucket(
        scope,
        part,
        bucket_name=name,
        versioning_configuration={"status": "Enabled"},
        bucket_encryption=_encryption(key),
        public_access_block_configuration={
            "blockPublicAcls": True,
            "blockPublicPolicy": True,
            "ignorePublicAcls": True,
            "restrictPublicBuckets": True,
        },
        ownership_controls={"rules": [{"objectOwnership": "BucketOwnerEnforced"}]},
        lifecycle_configuration={"rules": [_aging()]},
        **more,
    )
    bucket.apply_removal_policy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
    policy = CfnBucketPolicy(
        scope, f"{part}Policy", bucket=bucket.ref, policy_document=_refuse_plain_http(bucket)
    )
    policy.apply_removal_policy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
    return bucket


def _encryption(key: CfnKey) -> CfnBucket.BucketEncryptionProperty:
    by_default = CfnBucket.ServerSideEncryptionByDefaultProperty(
        sse_algorithm="aws:kms", kms_master_key_id=key.attr_arn
    )
    rule = CfnBucket.ServerSideEncryptionRuleProperty(
        bucket_key_enabled=True, server_side_encryption_by_default=by_default
    )
    return CfnBucket.BucketEncryptionProperty(server_side_encryption_configuration=[rule])


def _aging() -> dict[str, Any]:
    after = {"storageClass": _CLASS, "transitionInDays": GLACIER_AFTER_DAYS}
    return {
        "id": "age",
        "status": "Enabled",
        "transitions": [after],
        "noncurrentVersionTransitions": [after],
        "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7},
    }


def _notification(arns: Arns) -> CfnBucket.NotificationConfigurationProperty:
    prefix = CfnBucket.FilterRuleProperty(name="prefix", value=SET_ASIDE_PREFIX)
    set_aside = CfnBucket.QueueConfigurationProperty(
        event="s3:ObjectCreated:*",
        queue=arns.queue(arns.names.stream_dlq),
        filter={"s3Key": CfnBucket.S3KeyFilterProperty(rules=[prefix])},
    )
    return CfnBucket.NotificationConfigurationProperty(queue_configurations=[set_aside])


def _refuse_plain_http(bucket: CfnBucket) -> dict[str, Any]:
    statement = {
        "Sid": "RefusesPlainHttp",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [bucket.attr_arn, f"{bucket.attr_arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}
