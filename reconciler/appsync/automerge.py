"""What AppSync's own Automerge makes of a conflict, for teams that come from there.

Scalars keep the server's value, lists are appended, sets are united, maps are merged field by
field, and what the server does not have, or has as null, is taken. It loses the client's scalars.
Limit: only the schema knows a set from a list, and what Automerge does of a delete nobody says.
Source: AppSync guide, "Conflict detection and resolution", Automerge.
"""

from collections.abc import Mapping
from typing import Any

from reconciler.appsync.conflict import Conflict, is_same
from reconciler.item.schema import Schema

_SETS = ("set_aw", "set_rw")


def automerge(conflict: Conflict, schema: Schema) -> dict[str, Any]:
    """Return the attributes of the item that both writes become."""
    return _merged(conflict.existing, conflict.new, conflict.said, (), schema)


def _merged(
    existing: Mapping[str, Any],
    new: Mapping[str, Any],
    said: Any,
    path: tuple[str, ...],
    schema: Schema,
) -> dict[str, Any]:
    item = dict(existing)
    for name, incoming in new.items():
        told = said.get(name) if isinstance(said, Mapping) else None
        item[name] = _value(existing.get(name), incoming, told, (*path, name), schema)
    return item


def _value(existing: Any, incoming: Any, told: Any, path: tuple[str, ...], schema: Schema) -> Any:
    if existing is None:
        return incoming
    match existing, incoming:
        case dict(), dict():
            return _merged(existing, incoming, told, path, schema)
        case list(), list():
            if schema.type_at(path) in _SETS:
                return united(existing, incoming)
            # The new item shows a list that the mutation did not touch, too.
            is_incoming = told is not None or not is_same(existing, incoming)
            return [*existing, *incoming] if is_incoming else existing
    return existing


def united(existing: list[Any], incoming: list[Any]) -> list[Any]:
    """Return the members of both, each once: those that are there first."""
    found: list[Any] = []
    for each in (*existing, *incoming):
        if not any(is_same(each, member) for member in found):
            found.append(each)
    return found
