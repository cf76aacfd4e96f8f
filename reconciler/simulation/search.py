"""Many seeds, spread over the cores: how much was tried, and which seeds broke a promise.

The outcome depends on the experiment and the seeds alone, never on the number of workers or on the
order in which they finish, so two processes that ran the same seeds have the same hash. Seeds are
taken in order and the search ends with the `stop_after`-th that fails.

    found = simulate(schema, seeds=50, regions=3, operations=30)
    assert not found.problems, found.story()
"""

import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import blake2b
from multiprocessing import get_context
from time import perf_counter

from reconciler.item.schema import Schema
from reconciler.simulation.experiment import Experiment, Explained, explained
from reconciler.simulation.judge.checks import check, judged_around
from reconciler.simulation.judge.problem import Problem
from reconciler.simulation.plan.outside import NONE
from reconciler.simulation.plan.plan import Fault, Operation
from reconciler.simulation.world.run import run_plan

_CHUNK = 8  # seeds a worker takes at once: enough to hide the cost of handing them over
_ODDS = "odds."
_SEEDS_WORTH_A_WORKER = 50  # fewer are done before a second process has started


@dataclass(frozen=True)
class Failure:
    """A seed whose run broke promises."""

    seed: int
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class RunCounts:
    """One run, counted: all that a worker hands back."""

    seed: int
    operations: int
    acknowledged: int
    counts: Mapping[str, int]
    trace_hash: str
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class Totals:
    """All runs together; `problems` are the seeds that failed, in order, and what they broke.

    `faults` says of each kind how often it began, `strikes` how many calls and deliveries it hit,
    where it is of those that hit single ones, `odds` in how many schedules what cannot be kept of
    writers around the library was not. `hash` stands for every trace, in order.
    """

    experiment: Experiment
    first_seed: int
    seeds: int = 0
    operations: int = 0
    acknowledged: int = 0
    conflicts: int = 0
    write_backs: int = 0
    folds: int = 0
    raw_writes: int = 0
    faults: Mapping[str, int] = field(default_factory=dict)
    strikes: Mapping[str, int] = field(default_factory=dict)
    odds: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[Failure, ...] = ()
    hash: str = ""
    seconds: float = 0.0

    def story(self) -> str:
        """Return what happened in the first seed that failed, made short; "" if none did."""
        found = self.first_failure()
        return found.story if found else ""

    def first_failure(self) -> Explained | None:
        """Return the shortest run found that fails as the first failing seed does, if any does."""
        return explained(self.experiment, self.problems[0].seed) if self.problems else None

    @property
    def operations_per_second(self) -> int:
        return round(self.operations / self.seconds) if self.seconds else 0


def simulate(  # noqa: PLR0913 (an experiment is all of these, by name)
    schema: Schema | None = None,
    *,
    seeds: int = 100,
    first_seed: int = 1,
    regions: int = 3,
    operations: int | Sequence[Operation] = 40,
    faults: Sequence[Fault] | None = None,
    folds: bool = True,
    outside: str = NONE,
    named: bool = False,
    workers: int | None = None,
) -> Totals:
    """Run `seeds` schedules of a schema and return what was found; the parts are `Experiment`'s."""
    experiment = Experiment(schema, regions, operations, faults, folds, outside, named)
    return search(experiment, range(first_seed, first_seed + seeds), workers=workers)


def search(
    experiment: Experiment,
    seeds: range,
    *,
    workers: int | None = None,
    stop_after: int = 10,
    each: Callable[[RunCounts], object] = lambda _: None,
) -> Totals:
    """Run the seeds in order; `each` hears of every run. `workers` None means the machine's cores.

    An error that a run raises passes through with its seed as a note: it is a defect in the
    simulator or in the code under test that no fault explains.
    """
    started = perf_counter()
    totals = Totals(experiment, seeds.start)
    counts: Counter[str] = Counter()
    digest = blake2b(digest_size=16)
    with _mapping(workers or _worth(len(seeds))) as over:
        for tally in over(partial(_tally, experiment), seeds):
            each(tally)
            counts.update(tally.counts)
            digest.update(f"{tally.seed} {tally.trace_hash}\n".encode())
            totals = _sum(totals, tally)
            if len(totals.problems) >= stop_after:
                break
    return replace(
        totals,
        conflicts=counts["conflicts"],
        write_backs=counts["write_backs"],
        folds=counts["folds"],
        raw_writes=counts["raw_writes"],
        faults=_kinds(counts, "faults."),
        strikes=_kinds(counts, "struck."),
        odds=_kinds(counts, _ODDS),
        hash=digest.hexdigest(),
        seconds=perf_counter() - started,
    )


def _tally(experiment: Experiment, seed: int) -> RunCounts:
    try:
        plan = experiment.plan(seed)
        run = run_plan(plan, trace=False)
        problems = tuple(check(run))
        odds = {f"{_ODDS}{name}": 1 for name in judged_around(run).odds} if plan.is_raw() else {}
    except Exception as problem:
        problem.add_note(f"seed {seed}")
        raise
    return RunCounts(
        seed=seed,
        operations=len(plan.operations),
        acknowledged=sum(done.outcome == "acknowledged" for done in run.done),
        counts={**run.counts, **odds},
        trace_hash=run.trace_hash,
        problems=problems,
    )


def _sum(totals: Totals, tally: RunCounts) -> Totals:
    failed = (Failure(tally.seed, tally.problems),) if tally.problems else ()
    return replace(
        totals,
        seeds=totals.seeds + 1,
        operations=totals.operations + tally.operations,
        acknowledged=totals.acknowledged + tally.acknowledged,
        problems=totals.problems + failed,
    )


def _kinds(counts: Mapping[str, int], prefix: str) -> dict[str, int]:
    names = sorted(name for name in counts if name.startswith(prefix))
    return {name.removeprefix(prefix): counts[name] for name in names}


Tallies = Callable[[Callable[[int], RunCounts], range], Iterator[RunCounts]]


@contextmanager
def _mapping(workers: int) -> Iterator[Tallies]:
    """Yield `map`, in this process or over several; the results come in the order of the seeds."""
    if workers == 1:
        yield map
        return
    # Started afresh, not forked: the same on every platform, and safe in a process with threads.
    pool = ProcessPoolExecutor(workers, get_context("spawn"), initializer=_leave_interrupts_alone)
    try:
        yield partial(pool.map, chunksize=_CHUNK)
    finally:
        pool.shutdown(cancel_futures=True)


def _leave_interrupts_alone() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that asked ends its workers


def _worth(seeds: int) -> int:
    return max(1, min(_cores(), seeds // _SEEDS_WORTH_A_WORKER))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
