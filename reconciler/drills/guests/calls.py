"""A write as the call that a client sends for it: raw, or with its name on it.

Calls are written down by hand, from DynamoDB's API and from the document of named writes, and know
nothing of the library's own client. Time and id of a name are left open: the client that sends the
call fills them in, in its own language, just before.
Source: reconciler/client/README.md; DynamoDB API Reference, UpdateItem, PutItem, DeleteItem.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.drills.guests.writes import ALONE, COUNTER, SET, Write
from reconciler.drills.workload import RECONCILED

AT, ID = "@at", "@id"


@dataclass(frozen=True)
class Call:
    """An operation of DynamoDB and its parameters in wire format, as JSON with AT and ID open."""

    operation: str
    text: str


def raw_call(write: Write) -> Call:
    """Return the call of a client that knows nothing."""
    key = _key(write)
    if write.verb == "delete":
        return _call("DeleteItem", {"Key": key})
    if write.verb == "put":
        return _call("PutItem", {"Item": put_item(write)})
    clause, action, value = _action(write)
    return _update(write, {clause: [action]}, value)


def put_item(write: Write) -> dict[str, Any]:
    """Return the whole item that a put leaves."""
    return {
        **_key(write),
        COUNTER: {"N": str(write.mark)},
        SET: {"SS": [write.member, "put"]},
        write.attribute: {"S": write.member},
    }


def named_call(write: Write, replica: str) -> Call:
    """Return the call with its name on it, for the replica of that code."""
    clause, action, value = _action(write)
    clauses = {"SET": ["#w = list_append(if_not_exists(#w, :none), :op)"], "REMOVE": ["#ttl"]}
    clauses.setdefault(clause, []).append(action)
    element = {
        "by": {"S": replica},
        "at": {"N": AT},
        "id": {"S": ID},
        "do": {"L": [{"L": _deed(write)}]},
    }
    more = {**value, ":none": {"L": []}, ":op": {"L": [{"M": element}]}}
    return _update(write, clauses, more, {"#w": "_rec_w", "#ttl": "_rec_ttl"})


def _action(write: Write) -> tuple[str, str, dict[str, Any]]:
    """Return the clause, the action in it, and the value of an update."""
    told: dict[str, tuple[str, str, dict[str, Any]]] = {
        "increment": ("ADD", f"{COUNTER} :v", {":v": {"N": str(write.mark)}}),
        "add": ("ADD", f"{SET} :v", {":v": {"SS": [write.member]}}),
        "discard": ("DELETE", f"{SET} :v", {":v": {"SS": [write.member]}}),
        "assign": ("SET", f"{write.attribute} = :v", {":v": {"S": write.member}}),
        "remove": ("REMOVE", write.attribute, {}),
    }
    return told[write.verb]


def _deed(write: Write) -> list[dict[str, Any]]:
    told: dict[str, list[dict[str, Any]]] = {
        "increment": [{"S": COUNTER}, {"N": str(write.mark)}],
        "add": [{"S": SET}, {"SS": [write.member]}],
        "discard": [{"S": SET}, {"SS": [write.member]}],
        "assign": [{"S": write.attribute}, {"S": write.member}],
        "remove": [{"S": write.attribute}],
    }
    return [{"S": write.verb}, *told[write.verb]]


def _update(
    write: Write,
    clauses: Mapping[str, list[str]],
    values: Mapping[str, Any],
    names: Mapping[str, str] | None = None,
) -> Call:
    # The item as it was tells whether a write saw what it takes back.
    wanted = "ALL_NEW" if write.item.kind == ALONE else "ALL_OLD"
    text = " ".join(f"{clause} {', '.join(actions)}" for clause, actions in clauses.items())
    parameters = {"Key": _key(write), "UpdateExpression": text, "ReturnValues": wanted}
    if names:
        parameters["ExpressionAttributeNames"] = names
    if values:
        parameters["ExpressionAttributeValues"] = values
    return _call("UpdateItem", parameters)


def _key(write: Write) -> dict[str, Any]:
    return {"id": {"S": write.item.name}}


def _call(operation: str, parameters: Mapping[str, Any]) -> Call:
    return Call(operation, json.dumps({"TableName": RECONCILED, **parameters}))
