"""How much work a run may do: whatever its faults, a loss costs a bounded number of calls.

A scheme can heal everything and still never come to rest, or grow without end. Where nothing goes
wrong for long, folds keep an item's lineages few. The bounds are generous: healthy runs stay at
about half of them.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

from reconciler.causality.context import ADOPTED, KEYED, Lineage
from reconciler.causality.hlc import WALL_WIDTH, coarse, number_of
from reconciler.conflict.folding import CLOCK_SKEW_MARGIN_MS, MOST_CLOSED_LINEAGES
from reconciler.conflict.marking import greatest_epoch
from reconciler.item.metadata import context_of, is_managed
from reconciler.simulation.judge.problem import Problem
from reconciler.simulation.plan.faults import MINUTE
from reconciler.simulation.world.agenda import EPOCH_MS
from reconciler.simulation.world.history import Run
from reconciler.simulation.world.releases import NEWER

_SLACK = 10
_WRITE_BACKS_PER_LOSS = 2
_EVENTS_PER_LOSS = 5
_LOSSES_PER_WRITE = 2
_ROUND_MS = 10 * MINUTE  # in which regions mark an item, if it is written at all
_ROUNDS = 4


def excesses(run: Run) -> Iterator[Problem]:
    """Yield what the run did more often than its writes and its losses explain."""
    counts = run.counts
    raw = counts.get("raw_writes", 0)
    writes = counts["writes"] + counts["folds"] + raw
    losses = counts["conflicts"]
    if counts.get("unrested", 0):
        yield _problem(f"{counts['unrested']} things were still under way when it was cut off")
    for what, most, cause in (
        ("conflicts", _SLACK + _LOSSES_PER_WRITE * writes, f"{writes} writes and folds"),
        ("write_backs", _SLACK + _WRITE_BACKS_PER_LOSS * losses, f"{losses} losses"),
        # What is written around the library on a deleted item is told in each region, as one loss,
        # each time until that is filed.
        ("events", _SLACK + _EVENTS_PER_LOSS * losses + len(run.items) * raw, f"{losses} losses"),
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
                # What was done around the library has no clock, and a key its own time.
                if lineage.replica not in (ADOPTED, KEYED)
            }
            settled = max(walls.values(), default=0) - 2 * CLOCK_SKEW_MARGIN_MS
            old = Counter(lineage.replica for lineage in walls if walls[lineage] < settled)
            old[ADOPTED] = _old_around(run, key, heads)
            for replica, count in old.items():
                if count > 2 * MOST_CLOSED_LINEAGES:
                    text = f"{count} old lineages of {replica} stand in the item in {region}"
                    yield Problem("unbounded", key, text)


def _old_around(run: Run, key: str, heads: Iterable[Lineage]) -> int:
    """Count what was done around the library so many rounds ago that it could have been folded.

    A round goes on with a change only, so the time in which nobody wrote the item says nothing.
    """
    times = sorted((done.at_ms for done in run.done if done.operation.key == key), reverse=True)
    latest, rounds = 0, 0
    for at_ms in times:
        if not rounds or at_ms <= latest - _ROUND_MS:
            latest, rounds = at_ms, rounds + 1
        if rounds > _ROUNDS:
            before = greatest_epoch(coarse(EPOCH_MS + at_ms))
            around = (lineage for lineage in heads if lineage.replica == ADOPTED)
            return sum(lineage.epoch < before for lineage in around)
    return 0


def _problem(text: str) -> Problem:
    return Problem("unbounded", "", text)
