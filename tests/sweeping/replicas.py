"""Two regions in memory for a sweep: no time passes but by waiting."""

from collections.abc import Callable
from enum import Enum

from reconciler.item.schema import Schema
from reconciler.ports import SweepPorts, WholeReplica
from reconciler.sweeping.tally import Tally
from reconciler.sweeping.walk import Budget, Time
from reconciler.values.wire import Image
from tests.builders import TYPES
from tests.fakes import FakeItems, FakeLedger, FakeWhole

SCHEMA = Schema.of(table="parties", key=["id"], attributes=TYPES)


class Place:
    """What one region has, and a sweep's ports of it."""

    def __init__(self) -> None:
        self.store, self.ledger = FakeItems("id"), FakeLedger()
        self.items = self.store
        self.whole: FakeWhole = FakeWhole(self.store)

    def put(self, *images: Image) -> None:
        for image in images:
            self.store.place(image)

    def item(self, name: str = "p1") -> Image | None:
        return self.store.get({"id": {"S": name}})


class Run:
    """Two regions, and what a run said; `waits` are in seconds, `while_waiting` happens then."""

    def __init__(self) -> None:
        self.us, self.eu = Place(), Place()
        self.said: list[tuple[str, str, str]] = []
        self.waits: list[float] = []
        self.while_waiting: list[Callable[[], object]] = []
        self.now_ms = 1_000_000
        self.time = Time(lambda: self.now_ms, self._wait)
        self.tally = Tally(self._hear)
        self.reads = Budget(1_000_000, self.time)

    @property
    def ports(self) -> dict[str, SweepPorts]:
        return {"us-east-1": self.us, "eu-west-1": self.eu}

    @property
    def wholes(self) -> dict[str, WholeReplica]:
        return {"us-east-1": self.us.whole, "eu-west-1": self.eu.whole}

    def counts(self) -> dict[str, int]:
        return {outcome.value: count for outcome, count in self.tally.counts.items()}

    def both(self, *images: Image) -> None:
        self.us.put(*images)
        self.eu.put(*images)

    def _wait(self, seconds: float) -> None:
        if seconds >= 1:
            self.waits.append(seconds)
            for each in self.while_waiting[:1]:
                each()
            del self.while_waiting[:1]
        self.now_ms += round(seconds * 1000)

    def _hear(self, key: str, outcome: Enum, why: str) -> None:
        self.said.append((key, outcome.value, why))
