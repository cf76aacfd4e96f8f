"""How the redrive of a dead letter ended, and the tally of many."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any


class RedriveOutcome(Enum):
    """How a redrive can end, what asks for attention most last: of several, that one counts."""

    ALREADY_REPAIRED = "already repaired"
    REDRIVEN = "redriven"
    EXPIRED = "expired"  # the stream has it no more: in the conflict feed, with what is known
    POISON = "poison"  # cannot be decoded or merged: a person must look
    LEFT = "left"  # not wanted now, or not possible now


_ORDER = list(RedriveOutcome)


@dataclass(frozen=True)
class Result:
    """One redrive: its outcome, and why, in words.

    `done`: all that the message asks for is safe elsewhere, so it can be deleted.
    """

    outcome: RedriveOutcome
    why: str
    done: bool = True


def worst(results: Iterable[Result]) -> Result:
    """Return the one that asks for attention most, done iff all are; of none, nothing to do."""
    listed = list(results) or [Result(RedriveOutcome.ALREADY_REPAIRED, "asks for nothing")]
    first = max(listed, key=lambda each: _ORDER.index(each.outcome))
    return replace(first, done=all(each.done for each in listed))


@dataclass
class RedriveTally:
    """How often each outcome was met, in all and by queue."""

    counts: Counter[RedriveOutcome] = field(default_factory=Counter)
    by_queue: dict[str, Counter[RedriveOutcome]] = field(default_factory=dict)

    def add(self, queue: str, outcome: RedriveOutcome) -> None:
        """Count one."""
        self.counts[outcome] += 1
        self.by_queue.setdefault(queue, Counter())[outcome] += 1

    def summary(self) -> Mapping[str, Any]:
        """Return the counts by name, every outcome named."""

        def named(counts: Counter[RedriveOutcome]) -> dict[str, int]:
            return {each.value: counts[each] for each in RedriveOutcome}

        queues = {queue: named(counts) for queue, counts in sorted(self.by_queue.items())}
        return {**named(self.counts), "queues": queues}
