"""A failing plan, made small: delta debugging over its operations and its faults.

The result fails as the plan does, and leaving out any one thing more makes it pass, as far as the
bounded number of runs told. Chance depends on what is drawn for, so what is left of a plan goes as
it went before. Source: Zeller, Hildebrandt, "Simplifying and isolating failure- inducing input",
IEEE TSE 2002 (ddmin).
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from reconciler.simulation.plan.plan import Plan

MOST_RUNS = 400
PlanPart = TypeVar("PlanPart")
Fails = Callable[[Plan], bool]


class _Spent(Exception):
    pass


def shrink(plan: Plan, fails: Fails, most_runs: int = MOST_RUNS) -> Plan:
    """Return a smaller plan that fails too; `plan` itself if it does not fail or cannot shrink."""
    search = _Search(plan, fails, most_runs)
    try:
        if search.fails(plan):
            search.minimise()
    except _Spent:
        pass
    return search.best


class _Search:
    def __init__(self, plan: Plan, fails: Fails, most_runs: int) -> None:
        self.best = plan
        self._fails = fails
        self._left = most_runs

    def fails(self, plan: Plan) -> bool:
        """Return whether a plan fails; it is the best then."""
        if not self._left:
            raise _Spent
        self._left -= 1
        failed = self._fails(plan)
        if failed:
            self.best = plan
        return failed

    def minimise(self) -> None:
        """Leave out faults, then operations, until neither can lose a part."""
        before = None
        while before != self.best:
            before = self.best
            self._ddmin(before.faults, lambda kept: replace(self.best, faults=tuple(kept)))
            self._ddmin(before.operations, lambda kept: replace(self.best, operations=tuple(kept)))

    def _ddmin(
        self, parts: Sequence[PlanPart], plan_of: Callable[[Sequence[PlanPart]], Plan]
    ) -> None:
        kept, chunks = list(parts), 1
        while kept:
            size = -(-len(kept) // chunks)
            for start in range(0, len(kept), size):
                rest = kept[:start] + kept[start + size :]
                if self.fails(plan_of(rest)):
                    kept, chunks = rest, max(1, chunks - 1)
                    break
            else:
                if size == 1:
                    return
                chunks = min(len(kept), 2 * chunks)
