"""Calls of clients that do not use the library, as plain values: what they send to DynamoDB.

An operation with one of these calls carries the edits of its expression. `assign`, `remove`,
`increment`, `add` and `discard` are SET, REMOVE, ADD of a number, ADD and DELETE of members; a path
reaches into maps, and `append` is SET with list_append and if_not_exists.
Source: DynamoDB API Reference, UpdateItem (UpdateExpression), PutItem, DeleteItem.
"""

from typing import Any

from reconciler.crdt.base import Edit
from reconciler.errors import InvalidInput
from reconciler.item.edits import Where, path_of
from reconciler.simulation.plan.plan import Operation
from reconciler.values.wire import canonical, to_wire

UPDATE = "update"  # UpdateItem: `_rec` stays as it is
PUT = "put"  # PutItem of the whole item, without `_rec`
SAVE = "save"  # PutItem of the item as it was read, `_rec` included: perhaps a stale one
DELETE_ITEM = "delete"
OWN_TTL = "ttl"  # the table's own time-to-live removes the item
REPLACE = "replace"  # DeleteItem, then PutItem of the whole item without `_rec`
CALLS = (UPDATE, PUT, SAVE, DELETE_ITEM, OWN_TTL, REPLACE)
VERBS = ("assign", "remove", "increment", "add", "discard", "append")


def append(where: Where, *values: Any) -> Edit:
    """Return the edit that appends values to a list, which it makes if there is none."""
    path = path_of(where)
    return Edit(path, "append", canonical(to_wire(list(values), path)))


def check_raw(operation: Operation) -> None:
    """Refuse a raw operation that no client could send."""
    if operation.raw not in CALLS:
        raise InvalidInput(f"{operation.raw!r} is no raw call: {', '.join(CALLS)}")
    for edit in operation.edits:
        if edit.verb not in VERBS or not edit.path:
            raise InvalidInput(f"{edit.verb!r} is in no expression: {', '.join(VERBS)}")
    if operation.raw == UPDATE and not operation.edits:
        raise InvalidInput(f"the update of {operation.key} at {operation.at_ms} ms edits nothing")
