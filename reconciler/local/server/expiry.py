"""What TTL deletes, which moto only describes.

An item goes if its TTL attribute is a number of seconds that has passed, by not more than five
years. The record of such a delete says that DynamoDB made it, in the region that ran it only.
Source: DynamoDB developer guide, "Using time to live", "DynamoDB Streams and TTL".
"""

from collections.abc import Mapping
from typing import Any

from moto.dynamodb.models.dynamo_type import DynamoType

EXPIRY: Mapping[str, str] = {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}
_LONGEST_AGO_SECONDS = 5 * 365 * 86_400


def expired_keys(table: Any, at_seconds: int) -> list[tuple[DynamoType, DynamoType | None]]:
    """Return the keys of moto's items that have expired; none if TTL is not on."""
    if table.ttl["TimeToLiveStatus"] != "ENABLED":
        return []
    name = table.ttl["AttributeName"]
    return [
        (item.hash_key, item.range_key)
        for item in table.all_items()
        if _has_passed(item.attrs.get(name), at_seconds)
    ]


def _has_passed(value: DynamoType | None, at_seconds: int) -> bool:
    if value is None or value.type != "N":
        return False
    return at_seconds - _LONGEST_AGO_SECONDS <= float(value.value) < at_seconds
