"""Keyed writes, drawn from a seed: operations with an idempotency key, and their repetitions.

A caller repeats a key at once or much later, in any region, before and after its lifetime. Some
keys are made long before they are first used. What was a named write first is repeated as one, or
by the library's client.
"""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from reconciler.simulation.plan.faults import MINUTE, SECOND
from reconciler.simulation.plan.plan import Operation, Plan

LIFETIME_MINUTES = 10
_SHARES = (0.3, 0.6, 0.9)
_MOST_AGE_MS = 8 * MINUTE  # of a key when it is first used
_FAR_TOO_OLD_MS = 90 * MINUTE  # of some: nobody may take them
_MOST_REPETITIONS = 3
_AS_BEFORE = 0.5  # how often a named write is repeated by name, and in its region
_SOON_MS, _LATE_MS = 3 * SECOND, 12 * MINUTE


def with_keyed(plan: Plan) -> Plan:
    """Return a plan in which some of the library's operations have keys and are repeated."""
    drawn, of_names = Random(f"{plan.seed}/keyed"), Random(f"{plan.seed}/keyed names")
    share = drawn.choice(_SHARES)
    operations: list[Operation] = []
    number = 1 + max((each.number for each in plan.operations), default=-1)
    for operation in plan.operations:
        if drawn.random() >= share or operation.raw:
            operations.append(operation)
            continue
        made = _repeated(operation, number, plan.regions, of_names if operation.named else drawn)
        operations += made
        number += len(made) - 1
    schema = plan.schema.model_copy(update={"key_lifetime_minutes": LIFETIME_MINUTES})
    operations.sort(key=lambda each: (each.at_ms, each.number))
    return replace(plan, operations=tuple(operations), schema=schema, keying=True)


def _repeated(
    operation: Operation, number: int, regions: Sequence[str], drawn: Random
) -> list[Operation]:
    """Return an operation with a key, and its repetitions, numbered from `number`."""
    ages = (0, drawn.randrange(_MOST_AGE_MS), drawn.randrange(_MOST_AGE_MS))
    age_ms = drawn.choice((*ages, drawn.randrange(_FAR_TOO_OLD_MS)))
    issued_ms = operation.begins_at_ms() - age_ms
    first = replace(operation, once=f"key {operation.number}", issued_ms=issued_ms)
    made = [first]
    for again in range(drawn.randrange(_MOST_REPETITIONS + 1)):
        after_ms = drawn.randrange(drawn.choice((_SOON_MS, _LATE_MS)))
        at_ms, region = first.at_ms + after_ms, drawn.choice(regions)
        repeated = replace(first, number=number + again, at_ms=at_ms, region=region)
        if first.named and drawn.random() < _AS_BEFORE:
            repeated = replace(repeated, region=first.region)
        is_named = first.named and drawn.random() < _AS_BEFORE
        made.append(replace(repeated, read_at_ms=None, named=is_named))
    return made
