"""A conflict as AppSync tells it to a Lambda conflict handler: two items and the arguments.

What two writers started from is not told, only that it was older than what is there. So no
difference can be taken to it: nothing here counts, and nothing knows what was removed.
Limit: the contract is JSON. A set is a list there, and fractions are of 15 digits.
Source: AppSync guide, "Conflict detection and resolution", "Versioned data sources".
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.errors import InvalidInput
from reconciler.item.schema import RESERVED_PREFIX, Schema

METADATA = frozenset({"_version", "_lastChangedAt", "_deleted", "_ttl"})  # AppSync's own
_INPUT = "input"  # the one argument that mutations of Amplify have


@dataclass(frozen=True)
class Conflict:
    """`new` is the item if the mutation succeeded, `existing` what is there.

    Neither has its key or AppSync's metadata: no answer changes those. `said` are the mutation's
    arguments, by attribute; None if they name none, as those of a resolver of one's own may.
    """

    key: Mapping[str, Any]
    new: Mapping[str, Any]
    existing: Mapping[str, Any]
    said: Mapping[str, Any] | None
    deletes: bool
    deleted: bool

    @classmethod
    def of(cls, event: Any, schema: Schema) -> "Conflict":
        """Return the conflict of an invocation; InvalidInput if it is none, or of another table."""
        if not isinstance(event, Mapping):
            raise InvalidInput("the event is no conflict: AppSync tells one as a JSON object")
        resolver = _mapping(event, "resolver")
        if resolver.get("tableName") != schema.table:
            raise InvalidInput(f"resolver.tableName: the schema is of {schema.table}")
        new, existing = _mapping(event, "newItem"), _mapping(event, "existingItem")
        key = {name: existing[name] for name in schema.key if name in existing}
        if len(key) < len(schema.key):
            raise InvalidInput(f"existingItem: its key is {', '.join(schema.key)}")
        if new and any(not is_same(new.get(name), key[name]) for name in key):
            raise InvalidInput("newItem: it has another key than existingItem")
        said = _arguments(event)
        return cls(
            key=key,
            new=_attributes(new, key),
            existing=_attributes(existing, key),
            said=said if said.keys() & {*new, *existing} - METADATA.union(key) else None,
            # HAZARD if an update were taken for a delete: only what cannot be an update is one.
            deletes=not new or new.get("_deleted") is True,
            deleted=existing.get("_deleted") is True,
        )

    @property
    def is_of_the_library(self) -> bool:
        """Whether the item has metadata of this library."""
        return any(name.startswith(RESERVED_PREFIX) for name in (*self.existing, *self.new))


def is_same(one: Any, other: Any) -> bool:
    """Return whether two JSON values are one: 1, 1.0 and true are three."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _arguments(event: Mapping[str, Any]) -> Mapping[str, Any]:
    given = _mapping(event, "arguments")
    nested = given.get(_INPUT)
    return nested if isinstance(nested, Mapping) else given


def _attributes(item: Mapping[str, Any], key: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name not in METADATA.union(key)}


def _mapping(event: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = event.get(name)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidInput(f"{name}: it is no JSON object")
    return value
