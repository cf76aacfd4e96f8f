"""A table in use and its guests: items that a check puts beside the user's own.

The keys of guests begin with a prefix that says whose they are, and their attributes are none of
those that the table's keys and indexes use, because those have a type. Once deleted, their
tombstones are gone after a day. Limit: whoever reads the table or its stream sees them.
Source: DynamoDB API, DescribeTable.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.aws import connect
from reconciler.aws.clients import idempotent
from reconciler.aws.region import Region
from reconciler.drills.failover.steps import Replica
from reconciler.errors import InvalidInput
from reconciler.item.schema import Schema

_SORT_VALUES: Mapping[str, Any] = {"S": "guest", "N": 0, "B": b"guest"}


@dataclass(frozen=True)
class Host:
    """A table, as far as its guests must know it.

    keys: the types of its key attributes by name, the partition key first. indexed: the attributes
    that its indexes have as keys. arn and replicas: its own, and the regions of its other replicas.
    """

    table: str
    keys: Mapping[str, str]
    indexed: frozenset[str] = frozenset()
    arn: str = ""
    replicas: frozenset[str] = frozenset()

    def schema(self, attributes: Mapping[str, Any]) -> Schema:
        """Return the schema of guests; InvalidInput if the table cannot have them."""
        partition_key, *_ = self.keys
        if self.keys[partition_key] != "S":
            raise InvalidInput(
                f"--table {self.table}: its partition key {partition_key} has the type"
                f" {self.keys[partition_key]}; items with names of their own need a string"
            )
        taken = sorted(set(attributes) & (self.indexed | set(self.keys)))
        if taken:
            raise InvalidInput(
                f"--table {self.table}: its keys and indexes use {', '.join(taken)}, which the"
                " items of this check use too; try it on a table without"
            )
        return Schema.of(
            table=self.table,
            key=list(self.keys),
            attributes=attributes,
            tombstone_retention_days=1,
        )

    def key(self, name: str) -> dict[str, Any]:
        """Return the key of a guest."""
        partition_key, *sort_key = self.keys
        return {partition_key: name} | {each: _SORT_VALUES[self.keys[each]] for each in sort_key}


def host_of(table: str, dynamodb: Any) -> Host:
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


def replica(region: Region, schema: Schema) -> Replica:
    """Return a region's part in a drill."""
    table = connect(schema, region=region.name, dynamodb=region.write_client)
    return Replica(region.name, table, region.items, region.ledger)
