"""The migration drill: a live table of two regions moves in, is watched, closed, and taken back.

In each phase half of the rows are written under lag, the others while the regions are cut off from
each other, by whoever writes the table then. What each was answered is written down outside the
rows, and they are held to it after every phase.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from reconciler.deployment.wiring import RESOLVE_HANDLER
from reconciler.drills.accounting import unresolved
from reconciler.drills.guests.stage import SETTLE_SECONDS, Stage
from reconciler.drills.guests.writes import ALONE
from reconciler.drills.migration import alone
from reconciler.drills.migration.books import Account, Books
from reconciler.drills.migration.hands import Hands
from reconciler.drills.migration.rows import (
    ADOPTING,
    BEFORE,
    CLOSED,
    DEPLOYED,
    LEFT,
    ONE_LINE,
    WATCHED,
    Phase,
    Row,
    first_write,
    rows,
    taking_in,
    writes,
)
from reconciler.drills.migration.steps import adopt, take_metadata_out
from reconciler.drills.workload import RECONCILED
from reconciler.item.metadata import is_managed
from reconciler.local.cloud import DEFAULT_REGIONS, LocalCloud
from reconciler.local.provision import TableSpec
from reconciler.sweeping.adoption import Adoption
from reconciler.text.counts import count_in_words

Say = Callable[[str], object]
_WRITERS = 12  # threads
_ALONE = f"{alone.__name__}:{alone.detect.__name__}"


@dataclass
class MigrationReport:
    """What the drill led to; `problems` is empty iff its verdict is good."""

    accounts: list[Account] = field(default_factory=list)
    adopted: dict[str, int] = field(default_factory=dict)
    losses: int = 0  # rows of the ledger
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0


def drill(*, count: int, say: Say, resolve: str = RESOLVE_HANDLER) -> MigrationReport:
    """Let a table of `count` rows move in. resolve: the resolver that is deployed."""
    started = time.monotonic()
    cloud = LocalCloud(
        tables=[TableSpec(RECONCILED, "id")],
        reconciled=RECONCILED,
        regions=DEFAULT_REGIONS[:2],
        lag_ms=(200, 600),
        resolve=resolve,
    )
    with cloud:
        report = _Migration(Stage(cloud), count, say).play()
    report.seconds = round(time.monotonic() - started, 1)
    return report


class _Migration:
    def __init__(self, stage: Stage, count: int, say: Say) -> None:
        self._stage, self._cloud, self._say = stage, stage.cloud, say
        self._rows = rows(count, stage.cloud.regions)
        self._books = Books(self._rows)
        self._hands = Hands(stage)
        self._adopted: dict[str, int] = {}
        self._losses = 0

    def play(self) -> MigrationReport:
        """Play every phase, one after the other."""
        self._functions(None)
        self._make_rows()
        self._phase(BEFORE)
        self._functions(self._cloud.detect)
        self._phase(DEPLOYED)
        self._judge_untouched(DEPLOYED, self._rows)
        if self._stage.rows():
            self._problem(DEPLOYED, "the ledger has rows, of a table that nobody adopted")
        self._phase(ONE_LINE)
        self._judge_untouched(ONE_LINE, [r for r in self._rows if r.shared.kind == ALONE])
        with ThreadPoolExecutor(1) as beside:
            run = beside.submit(adopt, self._cloud)
            self._write(ADOPTING)
            first = run.result()
        self._adopt_the_rest(first.counts[Adoption.STAMPED.value])
        self._judge(ADOPTING)
        self._phase(WATCHED)
        self._functions(_ALONE)
        self._hands.connect("none")
        self._phase(CLOSED)
        self._losses = len(self._stage.rows())
        self._functions(None)
        take_metadata_out(self._cloud)
        self._settle()  # what is written elsewhere meanwhile would bring it back
        self._phase(LEFT)
        return MigrationReport(
            accounts=self._books.accounts(),
            adopted=self._adopted,
            losses=self._losses,
            problems=self._books.problems,
        )

    def _functions(self, detect: str | None) -> None:
        """Deploy functions with this detector instead of those that run; None takes them away."""
        for region in self._cloud.regions:
            if region in self._cloud.status()["workers"]:
                self._cloud.stop_worker(region)
        self._are_deployed = detect is not None
        for region in self._cloud.regions if detect else ():
            self._cloud.start_worker(region, detect=detect)

    def _make_rows(self) -> None:
        for place, region in enumerate(self._cloud.regions):
            first = [first_write(row, region) for row in self._rows[place::2]]
            for entry in self._hands.make(region, first):
                self._books.note(entry)
        self._settle()

    def _phase(self, phase: Phase) -> None:
        self._write(phase)
        self._judge(phase)

    def _write(self, phase: Phase) -> None:
        rows = count_in_words(len(self._rows), "row")
        self._say(f"{phase.name}: {', '.join(phase.hands)} write {rows} ...")
        self._write_rows(phase, self._rows[::2])
        self._cloud.partition(*self._cloud.regions)
        self._write_rows(phase, self._rows[1::2])
        self._cloud.heal()
        self._settle()

    def _write_rows(self, phase: Phase, chosen: Sequence[Row]) -> None:
        def write_one(row: Row) -> None:
            for each in writes(row, phase, self._cloud.regions):
                self._books.note(self._hands.carry_out(each))

        with ThreadPoolExecutor(_WRITERS) as pool:
            list(pool.map(write_one, chosen))

    def _settle(self) -> None:
        if self._are_deployed:
            self._cloud.settle(SETTLE_SECONDS)
        else:
            self._stage.await_replication()

    def _adopt_the_rest(self, beside: int) -> None:
        """Adopt again, as told to, what a run left beside those who wrote; it took `beside` rows.

        What it leaves then, the library's next write takes in.
        """
        last = adopt(self._cloud)
        self._settle()
        named = last.left.pop(Adoption.NAMED.value, [])
        for outcome, names in last.left.items():
            self._problem(ADOPTING, f"{count_in_words(len(names), 'row')} {outcome}")
        for row in self._rows:
            if row.name in named:
                self._books.note(self._hands.carry_out(taking_in(row, self._cloud.regions[0])))
        self._settle()
        self._adopted = {
            "while others wrote": beside,
            "by a second run": last.counts[Adoption.STAMPED.value],
            "by the library's next write": len(named),
        }

    def _judge(self, phase: Phase) -> None:
        replicas = {region: self._stage.items(region) for region in self._cloud.regions}
        self._books.judge(phase, replicas)
        for told in unresolved(self._stage.rows()):
            self._problem(phase, told)
        if waiting := self._stage.waiting():
            self._problem(
                phase, f"{count_in_words(waiting.total(), 'message')} in {', '.join(waiting)}"
            )
        managed = [is_managed(item) for each in replicas.values() for item in each.values()]
        if phase in (BEFORE, DEPLOYED, LEFT) and any(managed):
            self._problem(phase, f"with metadata: {count_in_words(sum(managed), 'row')}")
        if phase in (ADOPTING, WATCHED, CLOSED) and not all(managed):
            self._problem(
                phase, f"without metadata: {count_in_words(len(managed) - sum(managed), 'row')}"
            )
        if phase == WATCHED and not self._stage.rows():
            self._problem(phase, "nothing was lost to a conflict: the drill has shown nothing")

    def _judge_untouched(self, phase: Phase, chosen: Sequence[Row]) -> None:
        replicas = {region: self._stage.items(region) for region in self._cloud.regions}
        images = {region: self._stage.images(region) for region in self._cloud.regions}
        names = [row.name for row in chosen]
        self._books.judge_untouched(phase, names, replicas, images)

    def _problem(self, phase: Phase, problem: str) -> None:
        self._books.problems.append(f"{phase.name}: {problem}")
