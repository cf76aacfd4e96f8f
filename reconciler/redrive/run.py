"""One run of the redrive command: a drain for each region, kept until the run ends.

Behaviour: nothing is done twice in a run, however often it looks at a region. A region that cannot
be worked off is told and does not keep the others from theirs. Ctrl-C lets what is begun end.
"""

import signal
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from threading import Event
from typing import Any, Literal

from reconciler.aws import now_ms
from reconciler.aws.clients import client
from reconciler.aws.dead_letters import SqsDeadLetters
from reconciler.aws.region import redrive_ports
from reconciler.deployment.names import Names
from reconciler.detection.securing import DetectorPolicy
from reconciler.errors import ReconcilerError
from reconciler.redrive.drain import Choice, Drain, Pace, Time
from reconciler.redrive.outcome import Outcome, Result
from reconciler.redrive.redriver import RedrivePorts, Redriver, rehearsed

Hear = Callable[[str, str, str, Result], object]  # region, queue, what it is about, how it ended


@dataclass
class Run:
    """What was asked for, and what has become of it: a drain for each region that answered.

    queues: which of `DEAD_LETTERS`; none: all of them.
    """

    execute: bool
    queues: Sequence[str]
    choice: Choice
    pace: Pace
    outside_writes: Literal["accept", "restore"]
    drains: dict[str, tuple[Drain, RedrivePorts]] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)

    def work_off(self, names: Names, time_: Time, hear: Hear) -> None:
        """Do what waits in a region; what it was not asked for in this run before, if it was."""
        try:
            if names.region not in self.drains:
                self.drains[names.region] = self._drain(names, time_, hear)
            drain, ports = self.drains[names.region]
            drain.queues(self._queues_of(names))
            if not self.queues and self.choice == Choice():
                drain.leftovers(ports)
        except ReconcilerError as problem:
            self.problems[names.region] = f"{names.region}: {problem}"
        else:
            self.problems.pop(names.region, None)

    def _queues_of(self, names: Names) -> Sequence[str]:
        return [names.of(each) for each in self.queues] or names.dead_letter_queues()

    def _drain(self, names: Names, time_: Time, hear: Hear) -> tuple[Drain, RedrivePorts]:
        ports = redrive_ports(names, partial(_client, names.region))
        ports = ports if self.execute else rehearsed(ports)
        policy = DetectorPolicy(names.table, names.region, self.outside_writes)
        drain = Drain(
            letters_of(names),
            Redriver(policy, ports, now_ms),
            time_,
            execute=self.execute,
            choice=self.choice,
            pace=self.pace,
            hear=partial(hear, names.region),
        )
        return drain, ports

    def counts(self) -> Counter[Outcome]:
        """Return how everything ended so far, in all regions."""
        return sum((drain.tally.counts for drain, _ in self.drains.values()), Counter())

    def summary(self) -> Mapping[str, Any]:
        """Return the counts of each region, and what kept a region from being worked off."""
        regions = {name: drain.tally.summary() for name, (drain, _) in self.drains.items()}
        return {"regions": regions, "problems": self.problems}

    def needs_somebody(self) -> bool:
        """Return whether not all is well, as far as this run was to make it well."""
        counts = self.counts()
        waits = any(counts[each] for each in (Outcome.EXPIRED, Outcome.POISON, Outcome.LEFT))
        return bool(self.problems) or (self.execute and waits)

    def waiting(self, names: Sequence[Names]) -> int:
        """Return about how many messages there are to work off, where that can be told."""
        found = 0
        for each in names:
            for queue in self._queues_of(each):
                with suppress(ReconcilerError):  # told when the queue is to be worked off
                    found += letters_of(each).depth(queue)
        return found


def letters_of(names: Names) -> SqsDeadLetters:
    """Return the dead-letter queues of a region."""
    return SqsDeadLetters(_client(names.region, "sqs", 4))


@contextmanager
def stoppable() -> Iterator[Event]:
    """Let Ctrl-C end whatever waits for the event, in any thread."""
    stop = Event()

    def interrupt(*_: object) -> None:
        stop.set()
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


def _client(region: str, service: str, attempts: int) -> Any:
    return client(service, region, attempts=attempts)
