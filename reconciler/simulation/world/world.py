"""The world of one run: regions with clients, replicas, streams and functions, and their faults.

Single-threaded and in virtual time. Everything that happens follows from the plan, so
the same plan is the same run. It ends when nothing is under way any more: operations done, faults
over, replication quiet, streams read and queues empty, dead-letter queues included.
"""

from collections.abc import Sequence
from functools import partial

from reconciler.conflict.event import ConflictEvent, Event, FoldCertificate
from reconciler.conflict.row import item_key
from reconciler.deployment.wiring import HOME_SOURCE, WITNESS_SOURCE
from reconciler.ports import Record, StreamRange
from reconciler.simulation.plan import faults
from reconciler.simulation.plan.faults import FOR_EVER, HOUR, MINUTE
from reconciler.simulation.plan.plan import Fault, Operation, Plan
from reconciler.simulation.world.agenda import Agenda
from reconciler.simulation.world.causes import Causes
from reconciler.simulation.world.clients import Clients
from reconciler.simulation.world.draws import Draws
from reconciler.simulation.world.functions import Functions
from reconciler.simulation.world.history import Done
from reconciler.simulation.world.journal import Journal
from reconciler.simulation.world.network import Network
from reconciler.simulation.world.queues import Queue
from reconciler.simulation.world.redrive import SimulatedRedrive
from reconciler.simulation.world.replica import SimulatedReplica
from reconciler.simulation.world.setting import Setting
from reconciler.simulation.world.streams import Shard
from reconciler.simulation.world.weather import Weather
from reconciler.values.wire import Image

_MOST_SHARDS = 2
_BUS_MS = 500
_ACTIONS_PER_OPERATION, _ACTIONS_AT_LEAST = 2_000, 200_000


class SimulatedRegion:
    """One region: its replica, its clients, its stream, its bus, its queues and its functions."""

    def __init__(self, setting: Setting, plan: Plan, name: str, network: Network) -> None:
        self.name = name
        self._setting = setting
        self.replica = SimulatedReplica(
            setting, plan.schema, name, send=network.send, emit=self._emit
        )
        whole = not any(fault.other == faults.NAMES_ONLY for fault in plan.faults)
        folds = plan.folds and whole
        self.functions = Functions(setting, self.replica, plan.schema.table, folds=folds)
        self._redrive = SimulatedRedrive(setting, self.functions, self._publish, self._read_again)
        self.functions.when_parked = self._redrive.take_parked
        self.clients = Clients(setting, plan.schema, self.replica)
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

    def backlog(self) -> int:
        """Return how much work is under way in this region."""
        parts: Sequence[Shard | Queue] = [*self._shards, *self._queues.values()]
        return self._under_way + self._redrive.waiting + sum(part.backlog for part in parts)

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


class World:
    """Regions, the network between them, and all that a plan lets happen there.

    `done` are the operations, in the order in which they ended.
    """

    def __init__(self, plan: Plan, *, trace: bool) -> None:
        self.plan = plan
        most = _ACTIONS_AT_LEAST + _ACTIONS_PER_OPERATION * len(plan.operations)
        agenda = Agenda(most)
        self.journal = Journal(agenda, keep=trace)
        draws = Draws(plan.seed)
        weather = Weather(draws, self.journal)
        self.setting = Setting(agenda, draws, weather, self.journal, Causes(plan.regions))
        self.network = Network(self.setting, plan.regions, plan.schema.table)
        self.regions = {
            name: SimulatedRegion(self.setting, plan, name, self.network) for name in plan.regions
        }
        self.network.replicas = {name: each.replica for name, each in self.regions.items()}
        self.done: list[Done] = []
        self.made_anew: set[str] = set()

    def run(self) -> bool:
        """Let everything happen; return whether the world came to rest within its bounds."""
        agenda = self.setting.agenda
        for fault in self.plan.faults:
            agenda.enter(fault.at_ms, partial(self._begin, fault))
            if fault.until_ms < FOR_EVER:
                agenda.enter(fault.until_ms, partial(self._end, fault))
        for operation in self.plan.operations:
            agenda.enter(operation.at_ms, partial(self._operate, operation))
        agenda.run()
        if self._reunite():
            agenda.run()
        return self.under_way() == 0

    def survivors(self) -> list[str]:
        """Return the regions that were not destroyed."""
        weather = self.setting.weather
        return [name for name in self.regions if not weather.reigns(faults.DESTROYED, name)]

    def under_way(self) -> int:
        """Return how much is still to happen in the regions that are left."""
        left = self.survivors()
        backlog = sum(self.regions[name].backlog() for name in left)
        return self.setting.agenda.left + backlog + self.network.count_pending(left)

    def items(self) -> dict[str, dict[str, Image]]:
        """Return what the regions that are left hold, by key."""
        return {name: dict(self.regions[name].replica.items) for name in self.survivors()}

    def _reunite(self) -> bool:
        """Write once more to each item that a lost region left apart; tell if there was any.

        Its last write may have reached some regions and not others. Replication goes from a write's
        own region only, so nothing but the next write to the item tells them of each other.
        """
        apart = self._apart(self.survivors())
        for name in sorted(apart):
            self.regions[apart[name]].clients.touch(name)
        return bool(apart)

    def _apart(self, left: Sequence[str]) -> dict[str, str]:
        """Return the items that differ among the regions that are left, and who holds each."""
        if len(left) == len(self.regions) and not self.made_anew:
            return {}  # then nothing explains a difference, and the oracle must see it
        held = {region: self.regions[region].replica.items for region in left}
        return {
            name: region
            for region in reversed(left)
            for name, image in held[region].items()
            if any(held[other].get(name) != image for other in left)
        }

    def _operate(self, operation: Operation) -> None:
        self.done.append(self.regions[operation.region].clients.run(operation))

    def _begin(self, fault: Fault) -> None:
        self.setting.weather.begin(fault)
        self._changed(fault)

    def _end(self, fault: Fault) -> None:
        self.setting.weather.end(fault)
        if fault.kind == faults.REMADE:
            self._make_anew(fault)
        self._changed(fault)
        for region in self.regions.values():
            region.wake()

    def _make_anew(self, fault: Fault) -> None:
        left = self.survivors()
        others = [name for name in (fault.other, *left) if name in left and name != fault.region]
        if fault.region in left and others:
            self.made_anew.add(fault.region)
            self.network.remake(fault.region, others[0])
            self.regions[fault.region].make_anew(self.regions[others[0]])

    def _changed(self, fault: Fault) -> None:
        self.network.weather_changed()
        if fault.kind == faults.EXPIRY:
            for region in self.regions.values():
                if fault.region in ("", region.name) and not self.setting.is_gone(region.name):
                    region.replica.expire()
