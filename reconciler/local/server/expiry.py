"""What TTL deletes, which moto only describes.

The record of such a delete says that DynamoDB made it, in the region that ran it only.
Source: DynamoDB developer guide, "Using time to live", "DynamoDB Streams and TTL".
"""

from collections.abc import Mapping
from typing import Any

from moto.dynamodb.models.dynamo_type import DynamoType

from reconciler.aws_model.expiry import has_passed

EXPIRY: Mapping[str, str] = {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}


def expired_keys(table: Any, at_seconds: int) -> list[tuple[DynamoType, DynamoType | None]]:
    """Return the keys of moto's items that have expired; none if TTL is not on."""
    if table.ttl["TimeToLiveStatus"] != "ENABLED":
        return []
    name = table.ttl["AttributeName"]
    return [
        (item.hash_key, item.range_key)
        for item in table.all_items()
        if (value := item.attrs.get(name)) and has_passed({value.type: value.value}, at_seconds)
    ]
