"""Two regions of fakes, and a separation whose end a test chooses."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from random import Random
from typing import Any

from reconciler.client.table import ReplicatedTable
from reconciler.conflict.row import State
from reconciler.drills.failover.steps import Drill, Replica
from reconciler.drills.hosts import Host
from reconciler.drills.workload import PartyEdit, party_schema
from reconciler.item.image import merge
from reconciler.values.wire import Image
from tests.builders import clock, surroundings
from tests.fakes import FakeItems, FakeLedger

HERE, THERE = "us-east-1", "eu-west-1"
HOST = Host("parties", {"id": "S"})
EDITS = [
    PartyEdit("party-00", HERE, "tag", "mine"),
    PartyEdit("party-00", HERE, "points", 1),
    PartyEdit("party-00", THERE, "tag", "theirs"),
    PartyEdit("party-00", THERE, "points", 10),
    PartyEdit("party-01", THERE, "contact", "c1"),
]


def later(_: Image, theirs: Image) -> Image:
    """Return what plain last-writer-wins leaves."""
    return theirs


class Stage:
    """Two regions. settled: what an item is in both once replication has done its work."""

    def __init__(self, settled: Callable[[Image, Image], Image] = merge) -> None:
        self.items = {HERE: FakeItems(), THERE: FakeItems()}
        self.ledgers = {HERE: FakeLedger(), THERE: FakeLedger()}
        self.calls: list[str] = []
        self._settled = settled
        nonces = count(1)
        self.replicas = [
            Replica(
                region,
                ReplicatedTable(
                    HOST.schema(party_schema().attributes),
                    self.items[region],
                    replica=partial(str, replica),
                    clock=clock(wall_ms, nonces),
                    surroundings=surroundings(lambda _: None, Random(7).random),
                ),
                self.items[region],
                self.ledgers[region],
            )
            for region, replica, wall_ms in ((HERE, "use1", 1_000), (THERE, "euw1", 2_000))
        ]
        self.drill = Drill("scene", self.replicas, lambda party: HOST.key(f"drill-{party}"))

    def begin(self) -> None:
        self.calls.append("begin")

    def end(self) -> None:
        self.calls.append("end")

    def settle(self, well: Callable[[], bool]) -> None:  # noqa: ARG002 (a separation is asked so)
        """Replicate."""
        self.calls.append("settle")
        self.replicate()

    def replicate(self) -> None:
        """Let both regions hold the same items."""
        mine, theirs = self.items[HERE].items, self.items[THERE].items
        for name in {*mine, *theirs}:
            both = [images[name] for images in (mine, theirs) if name in images]
            settled = self._settled(*both) if len(both) == 2 else both[0]
            mine[name], theirs[name] = settled, settled

    def deliver(self, source: str, destination: str) -> None:
        """Let one region have what another one has."""
        self.items[destination].items |= self.items[source].items

    def loss(self, state: State, role: str = "home") -> None:
        """Put the row of a lost write into the first region's ledger."""
        rows = self.ledgers[HERE].rows
        rows[f"loss-{len(rows)}"] = {
            "item_key": {"S": '{"id":{"S":"drill-party-00"}}'},
            "conflict_id": {"S": f"loss-{len(rows)}"},
            "state": {"S": state.value},
            "role": {"S": role},
        }

    def parties(self, region: str) -> list[dict[str, Any] | None]:
        """Return what readers of a region see of the drill's items."""
        table = next(each.table for each in self.replicas if each.region == region)
        return [table.get(key) for key in self.drill.keys]

    def write(self, edits: Sequence[PartyEdit] = EDITS) -> None:
        """Make the edits, of which one is lost to a conflict and repaired."""
        self.drill.write(edits)
        self.loss(State.RESOLVED)
