"""One region of a world: its replica, clients and people, its stream, bus, queues and functions.

What a stage sends travels over the bus for a while; what is parked is the redrive's, and a person's
where there are any.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from reconciler.conflict.event import ConflictEvent, Event, FoldCertificate
from reconciler.conflict.row import item_key
from reconciler.deployment.wiring import HOME_SOURCE, WITNESS_SOURCE
from reconciler.ports import Record, StreamRange
from reconciler.simulation.plan import faults
from reconciler.simulation.plan.faults import HOUR, MINUTE
from reconciler.simulation.plan.plan import Plan
from reconciler.simulation.world.clients import Clients
from reconciler.simulation.world.functions import Functions
from reconciler.simulation.world.named_clients import NamedClients
from reconciler.simulation.world.network import Network
from reconciler.simulation.world.people import People
from reconciler.simulation.world.queues import Queue
from reconciler.simulation.world.raw_clients import RawClients
from reconciler.simulation.world.redrive import SimulatedRedrive
from reconciler.simulation.world.replica import SimulatedReplica
from reconciler.simulation.world.setting import Setting
from reconciler.simulation.world.streams import Shard

_MOST_SHARDS = 2
_BUS_MS = 500
_PEOPLED = (faults.DECIDED, faults.CLASH)
MakePeople = Callable[[SimulatedReplica, Functions], People]


class SimulatedRegion:
    """One region: its replica, its clients, its stream, its bus, its queues and its functions."""

    def __init__(
        self, setting: Setting, plan: Plan, name: str, network: Network, people: MakePeople
    ) -> None:
        self.name = name
        self._setting = setting
        self.replica = SimulatedReplica(
            setting, plan.schema, name, send=network.send, emit=self._emit
        )
        self.replica.codes = network.codes
        whole = not any(fault.other == faults.NAMES_ONLY for fault in plan.faults)
        folds = plan.folds and whole
        self.functions = Functions(setting, self.replica, plan, folds=folds)
        self._redrive = SimulatedRedrive(setting, self.functions, self._publish, self._read_again)
        self.people = people(self.replica, self.functions)
        self.functions.ledger.when_open = self.people.hear_of_row
        self.functions.when_parked = self._park
        self.clients = Clients(setting, plan.schema, self.replica)
        self.raw_clients = RawClients(setting, self.replica)
        self.named_clients = NamedClients(setting, plan.schema, self.replica)
        self._whole, self._partition_key = whole, plan.schema.key[0]
        self._incarnations = 1
        self._shards = self._open_shards()
        self._old_shards: list[Shard] = []
        receive, give_up = self.functions.resolve, self._redrive.take_event
        self._queues = {
            "home": Queue(setting, name, "resolve", HOME_SOURCE, receive, give_up),
            "witness": Queue(setting, name, "witness", WITNESS_SOURCE, receive, give_up),
        }
        self._under_way = 0  # events on the bus
        # Without them, what is parked stays parked, for a person who comes after the run.
        self._is_peopled = any(fault.kind in _PEOPLED for fault in plan.faults)

    def backlog(self) -> int:
        """Return how much work is under way in this region."""
        parts: Sequence[Shard | Queue] = [*self._shards, *self._queues.values()]
        waiting = self._redrive.waiting + self.people.waiting
        return self._under_way + waiting + sum(part.backlog for part in parts)

    def wake(self) -> None:
        """Go on after an interruption."""
        for shard in self._shards:
            shard.wake()
        for queue in self._queues.values():
            queue.wake()

    def make_anew(self, source: "SimulatedRegion") -> None:
        """Replace the replica by a copy of another one's; its stream begins again, empty."""
        self._incarnations += 1
        for shard in self._shards:
            shard.close()
        self._old_shards += self._shards
        self._shards = self._open_shards()
        self.replica.make_anew(source.replica, self._incarnations)
        self._redrive.look_for_rows()  # what the old stream told goes on without it

    def _open_shards(self) -> list[Shard]:
        setting, key = self._setting, self._partition_key
        several = setting.draws.between("shards", self.name, 1, _MOST_SHARDS)
        detect = partial(self.functions.detect, send=self._publish)
        put_aside = partial(self._redrive.take_batch, whole=self._whole)
        names = (f"stream{self._incarnations}/shard{number}" for number in range(several))
        return [Shard(setting, self.name, name, key, detect, put_aside) for name in names]

    def _park(self, document: Mapping[str, Any]) -> None:
        self._redrive.take_parked(document)
        if self._is_peopled:
            self.people.hear_of_parked(document)

    def _emit(self, key: str, record: Record) -> None:
        # Items keep to their shard; which one it is must not depend on the other items.
        shard = self._shards[sum(key.encode()) % len(self._shards)]
        shard.append(record, self.replica.origin_of(key).label)

    def _read_again(self, wanted: StreamRange) -> Sequence[Record]:
        every = [*self._shards, *self._old_shards]
        (shard,) = (each for each in every if each.name == wanted.shard_id)
        return shard.read_again(wanted.first, wanted.last)

    def _publish(self, event: Event) -> None:
        setting, about = self._setting, event.identifier
        setting.journal.count("certificates" if isinstance(event, FoldCertificate) else "events")
        setting.journal.note(self.name, "event", self.functions.name_of(event), event=about)
        self._travel(event)
        if setting.weather.strikes(faults.EVENT_TWICE, self.name, about):
            self._travel(event)

    def _travel(self, event: Event) -> None:
        setting, about = self._setting, event.identifier
        if setting.weather.strikes(faults.LOST_EVENT, self.name, about):
            if isinstance(event, ConflictEvent):
                self._redrive.look_for_row(item_key(event.key), event.conflict_id)
            return
        delay_ms = setting.draws.between("bus", about, 10, _BUS_MS)
        if setting.weather.strikes(faults.LATE_EVENT, self.name, about):
            delay_ms = setting.draws.between("late", about, MINUTE, 12 * HOUR)
        self._under_way += 1
        setting.agenda.after(delay_ms, lambda: self._arrive(event))

    def _arrive(self, event: Event) -> None:
        self._under_way -= 1
        self._queues[event.role].send(event, event.identifier)
