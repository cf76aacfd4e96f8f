"""Steady writers, drawn from a seed: in some runs most operations add to one counter of one item.

A client that does so again within minutes adds to the name it gave before, while others write.
"""

from dataclasses import replace
from random import Random

from reconciler.item.edits import increment
from reconciler.simulation.plan.plan import Operation, Plan

_RUNS = 0.2
_SHARE = 0.7  # of the operations
_REGIONS = 2
_AMOUNTS = (10**11, 10**12)  # unlike any sum of others


def with_steady(plan: Plan, runs: float = _RUNS) -> Plan:
    """Return a plan in which, for that part of the seeds, writers are steady."""
    drawn = Random(f"{plan.seed}/steady")
    counters = sorted(n for n, each in plan.schema.attributes.items() if each.type == "counter_pn")
    if drawn.random() >= runs or not counters:
        return plan
    hot = drawn.choice(counters)
    regions = drawn.sample(plan.regions, min(_REGIONS, len(plan.regions)))

    def steady(operation: Operation) -> Operation:
        if operation.raw or drawn.random() >= _SHARE:
            return operation
        edits = (increment(hot, drawn.randint(*_AMOUNTS)),)
        region = drawn.choice(regions)
        return replace(operation, region=region, key="k1", edits=edits, read_at_ms=None)

    return replace(plan, operations=tuple(map(steady, plan.operations)))
