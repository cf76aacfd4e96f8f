"""A table that is to have guests, as DynamoDB describes it, and a region's part in a drill.

Source: DynamoDB API, DescribeTable.
"""

from typing import Any

from reconciler.aws import connect
from reconciler.aws.clients import idempotent
from reconciler.aws.items import DynamoItems
from reconciler.aws.ledger import DynamoLedger
from reconciler.deployment.names import Names
from reconciler.drills.failover.steps import Replica
from reconciler.drills.guests import Host
from reconciler.errors import InvalidInput
from reconciler.item.schema import Schema


def described(table: str, dynamodb: Any) -> Host:
    """Return the table as a client's region has it.

    InvalidInput if its replicas are strongly consistent: they settle no write behind its writer.
    """
    with idempotent("DescribeTable"):
        found = dynamodb.describe_table(TableName=table)["Table"]
    if found.get("MultiRegionConsistency") == "STRONG":
        raise InvalidInput(
            f"--table {table}: its regions are strongly consistent, and lose nothing"
        )
    kinds = {each["AttributeName"]: each["AttributeType"] for each in found["AttributeDefinitions"]}
    by_role = {each["KeyType"]: each["AttributeName"] for each in found["KeySchema"]}
    keys = {by_role[role]: kinds[by_role[role]] for role in ("HASH", "RANGE") if role in by_role}
    return Host(
        table=table,
        keys=keys,
        indexed=frozenset(kinds.keys() - keys.keys()),
        arn=found["TableArn"],
        replicas=frozenset(each["RegionName"] for each in found.get("Replicas", [])),
    )


def replica(names: Names, schema: Schema, dynamodb: Any) -> Replica:
    """Return a region's part in a drill; `dynamodb` makes one attempt a call."""
    return Replica(
        names.region,
        connect(schema, region=names.region, dynamodb=dynamodb),
        DynamoItems(names.table, dynamodb),
        DynamoLedger(names.ledger, dynamodb),
    )
