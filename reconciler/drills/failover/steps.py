"""The steps of the failover drill: writes in several regions, and what must be left of them.

Writes go through the write client on AWS and through HTTP doors on this machine; the judge knows
their history alone, and judges each region's replica by it. A drill in which no write was out of
another region's sight, or none was lost to a conflict, has shown nothing, and that is a problem
too. The same steps drill regions here and there: only how they are cut off from each other differs.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from reconciler.conflict.row import Row, State, item_key
from reconciler.drills.accounting import lost_writes
from reconciler.drills.tables import Table
from reconciler.drills.workload import (
    Acknowledged,
    PartyEdit,
    apply_reconciled,
    first_edits,
    write_in_words,
)
from reconciler.errors import ReconcilerError
from reconciler.item.image import read
from reconciler.ports import ItemStore, Ledger
from reconciler.text.counts import count_in_words
from reconciler.values.wire import Image, canonical_image, to_json, to_wire

Key = Mapping[str, Any]
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Replica:
    """One region's part in a drill: the ways to write there, and to look at what came of it."""

    region: str
    table: Table
    items: ItemStore
    ledger: Ledger


class Separation(Protocol):
    """What cuts regions off, and mends them."""

    def begin(self) -> object:
        """Cut; the regions are apart once this returns."""

    def end(self) -> object:
        """Mend, also what was only begun; doing it twice is harmless."""

    def settle(self, well: Callable[[], bool]) -> object:
        """Wait until nothing is under way. Who cannot know that waits until all is well."""


@dataclass
class Report:
    """What a drill led to; `problems` is empty iff its verdict is good.

    apart: acknowledged writes that some region did not see while it was cut off. conflicts: losses
    in the ledgers, each counted once; by_role: their repaired rows. lost: by region, the
    acknowledged writes that are missing there or count twice.
    """

    scene: str
    acknowledged: int = 0
    apart: int = 0
    conflicts: int = 0
    by_role: dict[str, int] = field(default_factory=dict)
    lost: dict[str, list[str]] = field(default_factory=dict)
    open_rows: int = 0
    parked_rows: int = 0
    replicas_identical: bool = False
    problems: list[str] = field(default_factory=list)


class Drill:
    """One drill under way; `key` names the item that stands for a party of the workload."""

    def __init__(self, scene: str, replicas: Sequence[Replica], key: Callable[[str], Key]) -> None:
        self.scene, self._replicas, self._key = scene, replicas, key
        self._history: list[Acknowledged] = []
        self._parties: list[str] = []
        self._apart: set[str] = set()

    @property
    def keys(self) -> list[Key]:
        """The keys of the drill's items."""
        return [self._key(party) for party in self._parties]

    def create(self, edits: Iterable[PartyEdit]) -> None:
        """Create the items that edits are about, in the first region."""
        self._parties = sorted({edit.party for edit in edits})
        first = first_edits(self._replicas[0].region)
        self.write([edit for edit in first if edit.party in self._parties])

    def write(self, edits: Sequence[PartyEdit]) -> None:
        """Make edits, in all their regions at once and in each of them in order."""

        def write_in(replica: Replica) -> list[Acknowledged]:
            mine = [edit for edit in edits if edit.region == replica.region]
            return [apply_reconciled(replica.table, e, self._key(e.party)) for e in mine]

        for done in self._everywhere(write_in):
            self._history += done

    def write_at_once(self, edits: Sequence[PartyEdit], clients: Sequence[Table]) -> None:
        """Make edits all at once, each by a client of its own."""

        def make(client: Table, edit: PartyEdit) -> Acknowledged:
            return apply_reconciled(client, edit, self._key(edit.party))

        with ThreadPoolExecutor(len(edits)) as threads:
            self._history += threads.map(make, clients, edits)

    def compare(self) -> None:
        """Take down which writes some region does not see now."""
        self._apart = {each for lost in self._look().lost.values() for each in lost}

    def agree(self, *regions: str) -> bool:
        """Return whether regions hold the same items, byte by byte."""
        replicas = [each for each in self._replicas if each.region in regions]
        return len({_bytes(self._images(each)) for each in replicas}) == 1

    def is_well(self) -> bool:
        """Return whether nothing is missing anywhere now, and no loss waits."""
        return not self._look().problems

    def judge(self) -> Report:
        """Compare the end with what it must be."""
        report = self._look()
        if not self._apart:
            report.problems.append("nothing was shown: no region was out of another's sight")
        elif not report.conflicts:
            report.problems.append("nothing was shown: no write was lost to a conflict")
        return report

    def remove(self) -> None:
        """Delete the drill's items."""
        self._remove_in(self._replicas[0])

    @contextmanager
    def leaving_nothing(self) -> Iterator[None]:
        """If anything goes wrong inside, delete the items in each region, for replicas may differ.

        Each region deletes what it sees; together that is all there is.
        """
        try:
            yield
        except BaseException:
            with suppress(ReconcilerError):  # what went wrong before is what matters
                self._everywhere(self._remove_in)
            raise

    def _remove_in(self, replica: Replica) -> None:
        for key in self.keys:
            replica.table.apply(key, lambda item: item.delete())

    def _look(self) -> Report:
        seen = self._everywhere(self._images)
        rows = [row for rows in self._everywhere(self._rows) for row in rows]
        by_state = {state: [r for r in rows if r.state is state] for state in State}
        resolved = [row.role for row in by_state[State.RESOLVED]]
        report = Report(
            self.scene,
            acknowledged=len(self._history),
            apart=len(self._apart),
            conflicts=len({row.conflict_id for row in rows}),
            by_role={role: resolved.count(role) for role in ("home", "witness")},
            lost={
                replica.region: self._lost(images)
                for replica, images in zip(self._replicas, seen, strict=True)
            },
            open_rows=len(by_state[State.OPEN]),
            parked_rows=len(by_state[State.PARKED]),
            replicas_identical=len({_bytes(images) for images in seen}) == 1,
        )
        report.problems = _problems(report)
        return report

    def _lost(self, images: Sequence[Image | None]) -> list[str]:
        parties = zip(self._parties, map(read, images), strict=True)
        return [write_in_words(done) for done in lost_writes(self._history, dict(parties))]

    def _images(self, replica: Replica) -> list[Image | None]:
        return [replica.items.get(_wires(key)) for key in self.keys]

    def _rows(self, replica: Replica) -> list[Row]:
        return [row for key in self.keys for row in replica.ledger.rows_of(item_key(_wires(key)))]

    def _everywhere(self, ask: Callable[[Replica], Answer]) -> list[Answer]:
        with ThreadPoolExecutor(len(self._replicas)) as regions:
            return list(regions.map(ask, self._replicas))


def play(
    drill: Drill, separation: Separation, edits: Sequence[PartyEdit], act: Callable[[], object]
) -> Report:
    """Create the items, let `act` write during a separation, mend it, and judge.

    However the drill ends, the separation does.
    """
    drill.create(edits)
    separation.settle(drill.is_well)
    try:
        separation.begin()
        act()
        drill.compare()
    finally:
        separation.end()
    separation.settle(drill.is_well)
    return drill.judge()


def _problems(report: Report) -> list[str]:
    lost = [
        f"{count_in_words(len(each), 'acknowledged write')} lost in {r}"
        for r, each in report.lost.items()
        if each
    ]
    found = {
        "the replicas differ": not report.replicas_identical,
        f"{count_in_words(report.open_rows, 'loss')} still OPEN": report.open_rows,
        f"{count_in_words(report.parked_rows, 'loss')} for a person to decide": report.parked_rows,
    }
    return lost + [problem for problem, holds in found.items() if holds]


def _wires(key: Key) -> Image:
    return canonical_image({name: to_wire(value, (name,)) for name, value in key.items()})


def _bytes(images: Sequence[Image | None]) -> str:
    return to_json([image and canonical_image(image) for image in images])
