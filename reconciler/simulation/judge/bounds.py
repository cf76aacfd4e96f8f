"""How much work a run may do: whatever its faults, a loss costs a bounded number of calls.

A scheme can heal everything and still never come to rest, or grow without end. Where nothing goes
wrong for long, folds keep an item's lineages few. The bounds are generous: healthy runs stay at
about half of them.
"""

from collections import Counter
from collections.abc import Iterator

from reconciler.causality.context import ADOPTED
from reconciler.causality.hlc import WALL_WIDTH, number_of
from reconciler.conflict.folding import CLOCK_SKEW_MARGIN_MS, MOST_CLOSED_LINEAGES
from reconciler.item.metadata import context_of, is_managed
from reconciler.simulation.judge.problem import Problem
from reconciler.simulation.world.history import Run
from reconciler.simulation.world.releases import NEWER

_SLACK = 10
_WRITE_BACKS_PER_LOSS = 2
_EVENTS_PER_LOSS = 5
_LOSSES_PER_WRITE = 2


def excesses(run: Run) -> Iterator[Problem]:
    """Yield what the run did more often than its writes and its losses explain."""
    counts = run.counts
    writes = counts["writes"] + counts["folds"] + counts.get("raw_writes", 0)
    losses = counts["conflicts"]
    if counts.get("unrested", 0):
        yield _problem(f"{counts['unrested']} things were still under way when it was cut off")
    for what, most, cause in (
        ("conflicts", _SLACK + _LOSSES_PER_WRITE * writes, f"{writes} writes and folds"),
        ("write_backs", _SLACK + _WRITE_BACKS_PER_LOSS * losses, f"{losses} losses"),
        ("events", _SLACK + _EVENTS_PER_LOSS * losses, f"{losses} losses"),
    ):
        if counts[what] > most:
            name = what.replace("_", " ")
            yield _problem(f"{counts[what]} {name} for {cause}: more than {most}")
    # A loss that waits for a person keeps its item from being folded.
    if run.plan.folds and not run.plan.faults and not any(run.parked.values()):
        yield from _lineages(run)


def _lineages(run: Run) -> Iterator[Problem]:
    """Count each replica's lineages that could have been folded when the item last changed."""
    for region, items in run.items.items():
        for key, image in items.items():
            if not is_managed(image):
                continue
            heads = context_of(NEWER.read_image(image)).heads
            walls = {
                lineage: number_of(lineage.epoch[:WALL_WIDTH])
                for lineage in heads
                if lineage.replica != ADOPTED  # what was done around the library has no clock
            }
            settled = max(walls.values(), default=0) - 2 * CLOCK_SKEW_MARGIN_MS
            old = Counter(lineage.replica for lineage in walls if walls[lineage] < settled)
            for replica, count in old.items():
                if count > 2 * MOST_CLOSED_LINEAGES:
                    text = f"{count} old lineages of {replica} stand in the item in {region}"
                    yield Problem("unbounded", key, text)


def _problem(text: str) -> Problem:
    return Problem("unbounded", "", text)
