"""named: a caller's own UpdateItem, with its name on it.

A named write says, beside the attributes that it changes, who made it, when, and what it did. It
stays the caller's one call: no read, no retry; its conditions and what it returns are DynamoDB's.

    write = {
        "Key": {"id": "p1"},
        "UpdateExpression": "ADD points :five",
        "ExpressionAttributeValues": {":five": 5},
    }
    table.update_item(**named(write, schema=schema, replica="use1ab3xk"))

The same for a client's `update_item` and for an Update of its `transact_write_items`, in wire
values. With an idempotency key, `once`, it is conditional on an item that does not show the key:
one that does was written with it, here or in another region, so nothing is to be done.
HAZARD if a repetition were sent without that condition: DynamoDB adds to what readers see, twice.
HAZARD if a write were sent long after it was named: a fold could cover it unseen. So name each one
just before it is sent, and let nothing send it for longer than 5 minutes (W6).
Errors: InvalidInput names what cannot be named, and the fix.
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from reconciler.causality.context import Lineage
from reconciler.causality.keys import Once, as_key, stem_of
from reconciler.client.deeds import deeds_of
from reconciler.client.keyed import check_age
from reconciler.client.placeholders import both
from reconciler.client.update_expressions import parse
from reconciler.clock import nonce, now_ms
from reconciler.errors import InvalidInput, Undecodable
from reconciler.item.metadata import CONTEXT, EXPIRY, METADATA, NAMES
from reconciler.item.names import ONCE
from reconciler.item.schema import Schema
from reconciler.values.wire import Wire, canonical, from_wire, to_wire

_NAMES, _VALUES = "ExpressionAttributeNames", "ExpressionAttributeValues"
_CODE = re.compile(r"[a-z0-9]+")


def named(  # noqa: PLR0913 (a write is all of these, by name)
    parameters: Mapping[str, Any],
    *,
    schema: Schema,
    replica: str,
    once: str | Once | None = None,
    now_ms: Callable[[], int] = now_ms,
    nonce: Callable[[], str] = nonce,
) -> dict[str, Any]:
    """Return the parameters of an UpdateItem with the write's name added; the given ones stay.

    Keys and values are plain, as a boto3 `Table` takes them, or wire values, as a client does: the
    key tells. `replica` is the code of the replica that the call goes to. `now_ms` is the region's
    time, this machine's unless another clock is known to be better; `nonce` draws 11 random
    characters of the operating system's, others for each write. Of a call that repeats `once`, in
    any region, the condition does not hold; `shows_key` tells if the key is why. KeyExpired.
    """
    at_ms, key = now_ms(), as_key(once)
    _check(parameters, replica, key)
    if key is not None:
        check_age(key, at_ms, schema.key_lifetime_minutes * 60_000)
    is_wire = _is_wire(parameters.get("Key"), schema)
    names = parameters.get(_NAMES) or {}
    values = parameters.get(_VALUES) or {}
    wires = {name: _wire(name, value, is_wire=is_wire) for name, value in values.items()}
    expression = parse(parameters["UpdateExpression"], names, wires)
    element: dict[str, Wire] = {
        "by": {"S": replica},
        "at": {"N": str(at_ms)},
        "id": {"S": nonce()},
        "do": {"L": [deed.wire() for deed in deeds_of(expression.actions, schema)]},
    }
    more = _More(parameters)
    held, appended = more.name("#rec_w", NAMES), list[Wire]([{"M": element}])
    if key is not None:
        element[ONCE] = {"S": key.lineage().epoch}
        appended.append(more.is_unless(held, key.lineage()))
    none, op = more.value(":rec_none", {"L": []}), more.value(":rec_op", {"L": appended})
    actions = _appended(held, none, op, more.name("#rec_ttl", EXPIRY))
    return more.added(expression.with_more(actions), is_wire=is_wire)


class _More:
    """What a name adds to a call's parameters, under placeholders that its caller does not use."""

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self._parameters = parameters
        self.names: dict[str, str] = {}
        self.values: dict[str, Wire] = {}
        self.condition: dict[str, str] = {}

    def name(self, wanted: str, attribute: str) -> str:
        found = _free(wanted, self._parameters.get(_NAMES) or {})
        self.names[found] = attribute
        return found

    def value(self, wanted: str, wire: Wire) -> str:
        found = _free(wanted, self._parameters.get(_VALUES) or {})
        self.values[found] = wire
        return found

    def added(self, expression: str, *, is_wire: bool) -> dict[str, Any]:
        """Return the parameters with all that was added, and another UpdateExpression."""
        names, values = (self._parameters.get(each) or {} for each in (_NAMES, _VALUES))
        given = {n: wire if is_wire else from_wire(wire) for n, wire in self.values.items()}
        return {
            **self._parameters,
            **self.condition,
            "UpdateExpression": expression,
            _NAMES: {**names, **self.names},
            _VALUES: {**values, **given},
        }

    def is_unless(self, held: str, key: Lineage) -> Wire:
        """Let the call do nothing if the item shows the key, in its metadata or in its names.

        Return the element that shows it there.
        """
        path = {"#rec": METADATA, "#rec_c": CONTEXT, "#rec_k": key}
        place = ".".join(self.name(wanted, name) for wanted, name in path.items())
        shown: Wire = {"S": stem_of(key)}
        element = self.value(":rec_k", shown)
        unless = f"attribute_not_exists({place}) AND NOT contains({held}, {element})"
        theirs = self._parameters.get("ConditionExpression") or ""
        self.condition = {"ConditionExpression": both(theirs, unless)}
        return shown


def _check(parameters: Mapping[str, Any], replica: str, key: Once | None) -> None:
    if not parameters.get("UpdateExpression"):
        raise InvalidInput(
            "only an UpdateExpression can be named: say with it what AttributeUpdates say;"
            " an update that changes nothing has no name"
        )
    if key is not None and not isinstance(parameters.get("ConditionExpression") or "", str):
        raise InvalidInput("ConditionExpression: beside an idempotency key, say it as text")
    if not _CODE.fullmatch(replica):
        raise InvalidInput(f"{replica!r} is not the code of a replica, such as 'use1ab3xk'")


def _appended(held: str, none: str, op: str, expiry: str) -> Mapping[str, str]:
    """Return, for each clause, what a named write does besides."""
    return {
        "SET": f"{held} = list_append(if_not_exists({held}, {none}), {op})",
        "REMOVE": expiry,  # an update of a deleted item brings it back: TTL must not take it then
    }


def _is_wire(key: Any, schema: Schema) -> bool:
    """Return whether a key, and so the values, are in wire format; InvalidInput if it is no key."""
    values = list(key.values()) if isinstance(key, Mapping) else []
    if not values or not all(isinstance(value, Mapping) for value in values):  # no key is a map
        schema.key_image(key)
        return False
    schema.key_image({name: from_wire(_wire(name, key[name], is_wire=True)) for name in key})
    return True


def _wire(name: str, value: Any, *, is_wire: bool) -> Wire:
    if not is_wire:
        return canonical(to_wire(value, (name,)))
    try:
        return canonical(value)
    except Undecodable:
        raise InvalidInput(
            f"{name}: not a value such as {{'S': 'Ada'}}; where the key is in wire format,"
            " all values are"
        ) from None


def _free(name: str, taken: Collection[str]) -> str:
    """Return a placeholder that the caller does not use."""
    while name in taken:
        name += "_"
    return name
