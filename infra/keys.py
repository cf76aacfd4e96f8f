"""KMS keys: one multi-Region key for the table, and one key for the pipeline of each region.

A region that keeps copies for others has one for these.

The table's key is made in the owner's region and replicated to each other one, under the same id.
Keys rotate yearly, outlive their stack, and allow the account to grant their use by IAM.
Source: KMS guide, "Multi-Region keys"; DynamoDB guide, "Global tables security"; SQS guide, "Key
management"; EventBridge guide, "Targets" (queues under AWS owned keys are not supported).
"""

from aws_cdk import Aws, RemovalPolicy
from aws_cdk.aws_kms import CfnAlias, CfnKey, CfnReplicaKey
from constructs import Construct

from infra.arns import Arns
from infra.permissions import Statement, delivered
from reconciler.deployment.names import Names

# Who fill the pipeline's queues, and who tells its alarms.
SENDERS = ("events.amazonaws.com", "s3.amazonaws.com", "cloudwatch.amazonaws.com")


def table_alias(names: Names) -> str:
    """Return the alias of the table's key in a region."""
    return f"alias/{names.of('table')}"


def table_key(scope: Construct, names: Names) -> CfnKey:
    """Make the primary of the table's multi-Region key, with its alias."""
    key = CfnKey(
        scope,
        "TableKey",
        description=f"global table {names.table}",
        multi_region=True,
        enable_key_rotation=True,
        key_policy=_policy(),
    )
    _keep(scope, key, table_alias(names))
    return key


def replica_key(scope: Construct, names: Names, primary_arn: str) -> CfnReplicaKey:
    """Make the replica of the table's key in the scope's region, with its alias."""
    key = CfnReplicaKey(
        scope,
        "TableKey",
        description=f"global table {names.table}",
        primary_key_arn=primary_arn,
        key_policy=_policy(),
    )
    _keep(scope, key, table_alias(names))
    return key


def copies_alias(names: Names) -> str:
    """Return the alias of the key of the copies that a region keeps for others."""
    return f"alias/{names.of('copies')}"


def copies_key(scope: Construct, names: Names) -> CfnKey:
    """Make the key of the copies that the scope's region keeps for others, with its alias."""
    key = CfnKey(
        scope,
        "CopiesKey",
        description=f"copies of evidence and objects of {names.table}",
        enable_key_rotation=True,
        key_policy=_policy(),
    )
    _keep(scope, key, copies_alias(names))
    return key


def pipeline_key(scope: Construct, names: Names, *more: Statement) -> CfnKey:
    """Make the key of one region's queues, ledger and evidence. more: of its policy."""
    key = CfnKey(
        scope,
        "PipelineKey",
        description=f"reconciler of {names.table}",
        enable_key_rotation=True,
        key_policy=_policy(*map(_sends, SENDERS), *more),
    )
    _keep(scope, key, f"alias/{names.of('reconciler')}")
    return key


def _keep(scope: Construct, key: CfnKey | CfnReplicaKey, alias: str) -> None:
    key.apply_removal_policy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
    CfnAlias(scope, f"{key.node.id}Alias", alias_name=alias, target_key_id=key.ref)


def read_by_log_delivery(arns: Arns) -> Statement:
    """Return that CloudWatch Logs may read what an encrypted state machine of the region logs."""
    return {
        "Sid": "LogsReadWorkflows",
        "Effect": "Allow",
        "Principal": {"Service": "delivery.logs.amazonaws.com"},
        "Action": "kms:Decrypt",
        "Resource": "*",
        "Condition": delivered(arns),
    }


def _policy(*more: Statement) -> Statement:
    """Return a key's policy; in one, the resource "*" is the key itself."""
    account = f"arn:{Aws.PARTITION}:iam::{Aws.ACCOUNT_ID}:root"
    grants = {
        "Sid": "AccountGrantsByIam",
        "Effect": "Allow",
        "Principal": {"AWS": account},
        "Action": "kms:*",
        "Resource": "*",
    }
    return {"Version": "2012-10-17", "Statement": [grants, *more]}


def _sends(service: str) -> Statement:
    return {
        "Sid": service.split(".", maxsplit=1)[0].title() + "Sends",
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
    }
