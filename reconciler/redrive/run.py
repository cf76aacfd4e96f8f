"""One run of a redrive over several regions: a drain for each, kept until the run ends.

Nothing is done twice in a run, however often it looks at a region. A region that cannot be worked
off is told and does not keep the others from theirs.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from reconciler.deployment.names import Names
from reconciler.detection.securing import DetectorPolicy
from reconciler.errors import ReconcilerError
from reconciler.ports import DrainPorts
from reconciler.redrive.drain import Drain, Filter, Pace, Time
from reconciler.redrive.outcome import RedriveOutcome, Result

Policy = Callable[[str, str], DetectorPolicy]  # of a table and a region
# The region, the queue, what it is about, how it ended.
HearInRegion = Callable[[str, str, str, Result], object]


@dataclass
class RedriveRun:
    """What was asked for, and what has become of it: a drain for each region that answered.

    open_region: how to reach a region; Unavailable if it cannot be redriven. queues: which of
    `DEAD_LETTERS`; none: all of them. policy: what detectors are told, of a table and region.
    """

    open_region: Callable[[Names], DrainPorts]
    execute: bool
    queues: Sequence[str]
    wanted: Filter
    pace: Pace
    policy: Policy
    drains: dict[str, Drain] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)

    def work_off(self, names: Names, time: Time, hear: HearInRegion) -> None:
        """Do what waits in a region; what it was not asked for in this run before, if it was."""
        try:
            if names.region not in self.drains:
                self.drains[names.region] = self._drain(names, time, hear)
            drain = self.drains[names.region]
            drain.queues(self.queues_of(names))
            if not self.queues and self.wanted == Filter():
                drain.leftovers()
        except ReconcilerError as problem:
            self.problems[names.region] = f"{names.region}: {problem}"
        else:
            self.problems.pop(names.region, None)

    def queues_of(self, names: Names) -> Sequence[str]:
        """Return the queues of a region that are to be worked off."""
        return [names.of(each) for each in self.queues] or names.dead_letter_queues()

    def counts(self) -> Counter[RedriveOutcome]:
        """Return how everything ended so far, in all regions."""
        return sum((drain.tally.counts for drain in self.drains.values()), Counter())

    def summary(self) -> Mapping[str, Any]:
        """Return the counts of each region, and what kept a region from being worked off."""
        regions = {name: drain.tally.summary() for name, drain in self.drains.items()}
        return {"regions": regions, "problems": self.problems}

    def needs_somebody(self) -> bool:
        """Return whether not all is well, as far as this run was to make it well."""
        counts = self.counts()
        bad = (RedriveOutcome.EXPIRED, RedriveOutcome.POISON, RedriveOutcome.LEFT)
        return bool(self.problems) or (self.execute and any(counts[each] for each in bad))

    def _drain(self, names: Names, time: Time, hear: HearInRegion) -> Drain:
        return Drain(
            self.open_region(names),
            self.policy(names.table, names.region),
            time,
            execute=self.execute,
            wanted=self.wanted,
            pace=self.pace,
            hear=partial(hear, names.region),
        )
