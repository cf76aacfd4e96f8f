"""What to simulate, and one of its runs explained.

An experiment and a seed are one plan. A run that fails is explained by the smallest one found that
breaks a promise as grave, told step by step.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from reconciler.errors import InvalidInput
from reconciler.item.schema import Schema
from reconciler.simulation.judge.checks import check
from reconciler.simulation.judge.problem import Problem
from reconciler.simulation.plan.drawing import draw_plan
from reconciler.simulation.plan.faults import KINDS
from reconciler.simulation.plan.keyed import with_keyed
from reconciler.simulation.plan.named import with_named
from reconciler.simulation.plan.outside import NONE, with_outside
from reconciler.simulation.plan.plan import Fault, Operation, Plan
from reconciler.simulation.plan.steady import with_steady
from reconciler.simulation.report.story import tell
from reconciler.simulation.shrink import shrink
from reconciler.simulation.world.history import Run
from reconciler.simulation.world.run import run_plan

_GRAVITY = (
    "lost",
    "doubled",
    "wrong",
    "undone",
    "harmed",
    "differing",
    "incomplete",
    "unresolved",
    "unbounded",
)


@dataclass(frozen=True)
class Experiment:
    """What to simulate; with a seed it is one plan.

    `operations` is how many to draw, or the operations themselves; `faults` are drawn from the seed
    unless they are given. Lags, clock skews and everything else come from the seed. `outside` says
    in which regions there are writers around the library, among the operations drawn: none, one or
    all; `named` whether some of the others are named writes, `keyed` whether some have
    idempotency keys and are repeated.
    """

    schema: Schema | None = None
    regions: int = 3
    operations: int | Sequence[Operation] = 40
    faults: Sequence[Fault] | None = None
    folds: bool = True
    outside: str = NONE
    named: bool = False
    keyed: bool = False

    def plan(self, seed: int) -> Plan:
        """Return the plan of `seed`; InvalidInput if it names an unknown region or fault."""
        given = None if isinstance(self.operations, int) else tuple(self.operations)
        plan = draw_plan(
            seed,
            schema=self.schema,
            regions=self.regions,
            operations=self.operations if isinstance(self.operations, int) else len(given or ()),
            folds=self.folds,
        )
        plan = with_outside(with_steady(plan), self.outside)
        plan = with_named(plan) if self.named else plan
        plan = with_keyed(plan) if self.keyed else plan
        if given is not None:
            plan = replace(plan, operations=given, before={})
        if self.faults is not None:
            plan = replace(plan, faults=tuple(self.faults))
        _check(plan)
        return plan


def _check(plan: Plan) -> None:
    for kind in sorted({fault.kind for fault in plan.faults} - KINDS.keys()):
        raise InvalidInput(f"{kind!r} is no kind of fault: {', '.join(KINDS)}")
    named = {operation.region for operation in plan.operations}
    named.update(fault.region for fault in plan.faults)
    named.update(fault.other for fault in plan.faults if KINDS[fault.kind].where == "pair")
    for region in sorted(named - {*plan.regions, ""}):
        raise InvalidInput(f"{region!r} is no region of this run: {', '.join(plan.regions)}")


@dataclass(frozen=True)
class Explained:
    """A run small enough to read; `notes` say how small it was made."""

    run: Run
    problems: tuple[Problem, ...]
    story: str = ""
    notes: tuple[str, ...] = ()


def explained(experiment: Experiment, seed: int) -> Explained:
    """Return a seed's run, and if it fails, the smallest one found that fails too."""
    plan = experiment.plan(seed)
    run = run_plan(plan)
    problems = check(run)
    if not problems:
        return Explained(run, ())
    # A schedule that loses a write is to end as a short one that loses a write, nothing less.
    worst = min((problem.kind for problem in problems), key=_GRAVITY.index)
    small = shrink(
        plan, lambda less: any(each.kind == worst for each in check(run_plan(less, trace=False)))
    )
    run = run_plan(small)
    problems = check(run)
    note = (
        f"Reduced from {len(plan.operations)} operations and {len(plan.faults)} faults to"
        f" {len(small.operations)} and {len(small.faults)}: it still fails."
    )
    # Only what a seed alone decides can be run again from a command line.
    drawn = isinstance(experiment.operations, int) and experiment.faults is None
    again = len(plan.operations) if drawn and experiment.schema is None else None
    return Explained(run, tuple(problems), tell(run, problems, operations=again), (note,))
