"""One run over several regions: each on its own, and nothing twice."""

import json
from collections.abc import Sequence

from reconciler.conflict.event import ConflictEvent
from reconciler.deployment.names import Names
from reconciler.detection.securing import DetectorPolicy
from reconciler.errors import Unavailable
from reconciler.ports import DrainPorts
from reconciler.redrive.drain import Filter, Pace, Time
from reconciler.redrive.outcome import RedriveOutcome, Result
from reconciler.redrive.run import RedriveRun
from tests.fakes import REFUSED
from tests.redrive.desk import Desk, a_loss, told

HERE, THERE = Names("parties", "us-east-1"), Names("parties", "eu-west-1")


class Regions:
    """Regions in memory; what is not among `desks` cannot be opened."""

    def __init__(self, *opened: Names) -> None:
        self.desks = {names.region: Desk() for names in opened}
        self.heard: list[tuple[str, RedriveOutcome]] = []
        self.opened: list[str] = []

    def fail(self, names: Names, event: ConflictEvent, queue: str = "resolve-dlq") -> None:
        self.desks[names.region].letters.send(names.of(queue), told(event))

    def open(self, names: Names) -> DrainPorts:
        self.opened.append(names.region)
        if names.region not in self.desks:
            raise Unavailable("no such region")
        return self.desks[names.region].ports

    def run(
        self, *, execute: bool = True, queues: Sequence[str] = (), wanted: Filter | None = None
    ) -> RedriveRun:
        return RedriveRun(self.open, execute, queues, wanted or Filter(), Pace(), DetectorPolicy)

    def work_off(self, run: RedriveRun, *regions: Names) -> None:
        for names in regions:
            now = Time(lambda: 10_000_000, lambda _: None)
            run.work_off(names, now, self._hear)

    def _hear(self, region: str, _queue: str, _about: str, result: Result) -> None:
        self.heard.append((region, result.outcome))


def test_each_region_is_counted_by_itself() -> None:
    regions = Regions(HERE, THERE)
    regions.fail(HERE, a_loss())
    run = regions.run()
    regions.work_off(run, HERE, THERE)
    assert regions.heard == [("us-east-1", RedriveOutcome.REDRIVEN)]
    assert run.summary()["regions"]["us-east-1"]["redriven"] == 1
    assert run.summary()["regions"]["eu-west-1"]["redriven"] == 0
    assert not run.needs_somebody()


def test_a_region_that_cannot_be_opened_is_told_and_the_others_are_worked_off() -> None:
    regions = Regions(THERE)
    regions.fail(THERE, a_loss(region=THERE.region, replica="euw1"))
    run = regions.run()
    regions.work_off(run, HERE, THERE)
    assert run.problems == {"us-east-1": "us-east-1: no such region"}
    assert run.counts()[RedriveOutcome.REDRIVEN] == 1
    assert run.needs_somebody()


def test_a_region_is_opened_once_however_often_it_is_looked_at_and_nothing_is_done_twice() -> None:
    regions = Regions(HERE)
    desk = regions.desks[HERE.region]
    desk.letters.send(HERE.parked_queue, "garbage")
    desk.open_row(a_loss())
    run = regions.run()
    regions.work_off(run, HERE, HERE, HERE)
    assert regions.opened == [HERE.region]
    counts = run.counts()
    assert (counts[RedriveOutcome.POISON], counts[RedriveOutcome.REDRIVEN]) == (1, 1)


def test_a_problem_that_is_over_is_forgotten() -> None:
    regions = Regions()
    run = regions.run()
    regions.work_off(run, HERE)
    regions.desks[HERE.region] = Desk()
    regions.work_off(run, HERE)
    assert run.problems == {}


def test_the_losses_that_no_queue_speaks_of_are_left_when_only_some_letters_are_wanted() -> None:
    for options in ({"queues": ("parked",)}, {"wanted": Filter(key="p1")}):
        regions = Regions(HERE)
        regions.desks[HERE.region].open_row(a_loss())
        run = regions.run(**options)
        regions.work_off(run, HERE)
        assert run.counts().total() == 0


def test_a_dry_run_changes_nothing_and_needs_nobody() -> None:
    regions = Regions(HERE)
    desk = regions.desks[HERE.region]
    desk.letters.send(HERE.parked_queue, json.dumps({"reason": "none"}))
    run = regions.run(execute=False)
    regions.work_off(run, HERE)
    assert run.counts()[RedriveOutcome.POISON] == 1
    assert len(desk.letters.bodies(HERE.parked_queue)) == 1
    assert not run.needs_somebody()


def test_a_queue_that_cannot_be_read_is_a_problem_of_its_region() -> None:
    regions = Regions(HERE)
    regions.desks[HERE.region].letters.faults.append(REFUSED)
    run = regions.run()
    regions.work_off(run, HERE)
    assert run.problems == {"us-east-1": "us-east-1: refused"}
