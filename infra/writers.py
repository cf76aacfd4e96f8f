"""Policies for those who write the table with this library, to attach to their roles.

Nobody has them until somebody attaches one. A writer reads and writes items, one by one or in
transactions, and sees when the replica was made; it deletes nothing, for a delete is a tombstone.
With leading keys it may do so with those partition keys alone, such as its own tenant's.
Source: DynamoDB guide, "Using IAM policy conditions for fine-grained access control".
"""

from aws_cdk.aws_iam import CfnManagedPolicy
from constructs import Construct

from infra import permissions
from infra.acknowledged import acknowledge
from infra.arns import Arns
from infra.permissions import allow

_WRITES = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]
_EXCEPTIONS = {"QueryIndexes": "only an existing table's owner knows its indexes"}
_READS = ["dynamodb:BatchGetItem", "dynamodb:Query"]


def writer_policies(
    scope: Construct, arns: Arns, writers: dict[str, tuple[str, ...]], key_arn: str | None
) -> dict[str, str]:
    """Make a policy for each writer, by its name and its leading keys; return the outputs."""
    made = {}
    for name, keys in writers.items():
        items = allow("WriteItems", [*_WRITES, *_READS], arns.table)
        found = allow("QueryIndexes", ["dynamodb:Query"], f"{arns.table}/index/*")
        if keys:
            # An index has partition keys of its own, so it is not to be read by these.
            items["Condition"] = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": list(keys)}}
        statements = [permissions.know_replica(arns), items, *([] if keys else [found])]
        if key_arn:
            statements.append(permissions.use_keys(arns, [key_arn], ["dynamodb"]))
        policy = CfnManagedPolicy(
            scope,
            f"Writer-{name}",
            managed_policy_name=arns.names.of(f"writer-{name}"),
            description=f"write {arns.names.table} with this library",
            policy_document={"Version": "2012-10-17", "Statement": statements},
        )
        acknowledge(policy, statements, _EXCEPTIONS)
        made[f"Writer{name.title().replace('-', '')}Policy"] = policy.ref
    return made
