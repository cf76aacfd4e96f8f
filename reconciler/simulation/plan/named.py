"""Named writes, drawn from a seed: which of the operations clients make without the library.

A named write reads nothing, so only what needs no reading is one.
"""

from dataclasses import replace
from random import Random

from reconciler.crdt.base import Edit
from reconciler.item.schema import Schema
from reconciler.simulation.plan.plan import Operation, Plan

_SHARES = (0.2, 0.5, 0.5, 0.8)
_SETS = ("set_aw", "set_rw")
_REGISTER = "register_lww"  # what DynamoDB assigns to an extreme need not be what stands


def with_named(plan: Plan) -> Plan:
    """Return a plan in which some of the library's operations are named writes."""
    drawn = Random(f"{plan.seed}/named")
    share = drawn.choice(_SHARES)

    def named(operation: Operation) -> Operation:
        if drawn.random() >= share or operation.raw or not _is_blind(plan.schema, operation):
            return operation
        return replace(operation, named=True, read_at_ms=None)

    return replace(plan, operations=tuple(map(named, plan.operations)), naming=True)


def _is_blind(schema: Schema, operation: Operation) -> bool:
    return all(_needs_no_reading(schema, edit) for edit in operation.edits)


def _needs_no_reading(schema: Schema, edit: Edit) -> bool:
    kind = schema.type_at(edit.path) if edit.path else ""
    if edit.verb == "increment":
        return kind == "counter_pn"
    if edit.verb in ("add", "discard"):
        return kind in _SETS
    if kind == _REGISTER:
        return edit.verb in ("assign", "remove")
    # What a removal that wins takes, each member must be told of.
    return kind in ("counter_pn", "set_aw")
