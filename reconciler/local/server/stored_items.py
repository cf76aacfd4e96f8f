"""The items that moto holds, in wire format: there, binary values are base64 text."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table

from reconciler.local.provision import ACCOUNT
from reconciler.local.server.replica_shard import image


def table_in(region: str, name: str) -> Any:
    """Look a table up anew each time: a cancelled transaction replaces the object."""
    return dynamodb_backends[ACCOUNT][region].tables.get(name)


def key_types(table: Table, keys: Mapping[str, Any]) -> tuple[DynamoType, DynamoType | None]:
    """Return an item's keys as moto wants them."""
    sort_key = table.range_key_attr
    partition = DynamoType(_held(keys[table.hash_key_attr]))
    return partition, None if sort_key is None else DynamoType(_held(keys[sort_key]))


def held(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return an item as moto is given it, sharing nothing: moto may grow a stored set in place.

    HAZARD if binary stayed text: under such a key moto holds another item, and conditions differ.
    """
    return {name: _held(value) for name, value in item.items()}


def _held(value: Mapping[str, Any]) -> dict[str, Any]:
    [(kind, content)] = value.items()
    match kind:
        case "M":
            content = held(content)
        case "L":
            content = [_held(inner) for inner in content]
        case "B":
            content = base64.b64decode(content)
        case "BS":
            content = [base64.b64decode(element) for element in content]
        case "SS" | "NS":
            content = [*content]
    return {kind: content}


def stored(table: Table, keys: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return an item, None if there is none."""
    return image(table.get_item(*key_types(table, keys)))


class Savepoint:
    """Items as they are now, so that a write that DynamoDB would refuse can be taken back."""

    def __init__(self, region: str) -> None:
        self._region = region
        self._items: dict[tuple[str, str], tuple[Mapping[str, Any], dict[str, Any] | None]] = {}

    def keep(self, table: str, attributes: Mapping[str, Any]) -> None:
        """Remember the item whose key is among these; one that has none is moto's to refuse."""
        if (keys := self._keys(table, attributes)) is not None:
            found = stored(table_in(self._region, table), keys)
            self._items[table, json.dumps(keys, sort_keys=True)] = keys, found

    def now(self, table: str, attributes: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the item whose key is among these as it is now."""
        keys = self._keys(table, attributes)
        return None if keys is None else stored(table_in(self._region, table), keys)

    def _keys(self, name: str, attributes: Mapping[str, Any]) -> dict[str, Any] | None:
        table = table_in(self._region, name)
        if table is None:
            return None
        names = [each for each in (table.hash_key_attr, table.range_key_attr) if each]
        return {n: attributes[n] for n in names} if attributes.keys() >= set(names) else None

    def restore(self) -> None:
        """Put every kept item back as it was."""
        for (name, _), (keys, before) in self._items.items():
            table = table_in(self._region, name)
            if stored(table, keys) == before:
                continue
            if before is None:
                table.delete_item(*key_types(table, keys))
            else:
                table.put_item(held(before))
