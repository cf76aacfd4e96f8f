"""Conflicts as AppSync tells them, of one table with an attribute of each type."""

from typing import Any

from reconciler.appsync.answer import Policy, Verdict, verdict
from reconciler.appsync.conflict import Conflict
from reconciler.item.schema import Schema

SCHEMA = Schema.of(
    table="parties",
    key=["id"],
    attributes={
        "loyalty": "counter_pn",
        "tags": "set_aw",
        "bans": "set_rw",
        "blocked": "flag_ew",
        "seen": "register_max",
        "first": "register_min",
        "edition": "version",
        "notes": "register_mv",
        "limit": "manual",
        "colour": {"type": "custom", "function": "brightest"},
        "address": {"type": "map_or", "fields": {"visits": "counter_pn", "labels": "set_aw"}},
    },
)


def event(
    existing: dict[str, Any], new: dict[str, Any] | None, said: Any = None, **changed: Any
) -> dict[str, Any]:
    """Return an invocation; said: the arguments, else the attributes of `new` that differ."""
    differing = {n: v for n, v in (new or {}).items() if existing.get(n) != v}
    return {
        "newItem": None if new is None else {"id": "p1", "_version": 2, **new},
        "existingItem": {"id": "p1", "_version": 4, "_lastChangedAt": 1732838400123, **existing},
        "arguments": {"input": {"id": "p1", "_version": 2, **(said or differing)}},
        "resolver": {
            "tableName": "parties",
            "awsRegion": "eu-west-1",
            "parentType": "Mutation",
            "field": "updateParty",
            "outputType": "Party",
        },
        "identity": None,
        **changed,
    }


def judged(
    existing: dict[str, Any],
    new: dict[str, Any] | None,
    said: Any = None,
    schema: Schema = SCHEMA,
    policy: Policy = "types",
) -> Verdict:
    return verdict(Conflict.of(event(existing, new, said), schema), schema, policy)
