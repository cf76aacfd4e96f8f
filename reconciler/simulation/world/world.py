"""The world of one run: regions with clients, replicas, streams and functions, and their faults.

Single-threaded and in virtual time. Everything that happens follows from the plan, so
the same plan is the same run. It ends when nothing is under way any more: operations done, faults
over, replication quiet, streams read and queues empty, dead-letter queues included.
"""

from collections.abc import Sequence
from functools import partial
from itertools import count

from reconciler.deployment.wiring import OutsideWriters
from reconciler.simulation.plan import faults
from reconciler.simulation.plan.faults import FOR_EVER
from reconciler.simulation.plan.plan import Fault, Operation, Plan
from reconciler.simulation.world.agenda import Agenda
from reconciler.simulation.world.causes import Causes
from reconciler.simulation.world.draws import Draws
from reconciler.simulation.world.history import Done
from reconciler.simulation.world.journal import Journal
from reconciler.simulation.world.network import Network
from reconciler.simulation.world.people import People
from reconciler.simulation.world.raw_clients import hold_from_before
from reconciler.simulation.world.region import SimulatedRegion
from reconciler.simulation.world.setting import Setting
from reconciler.simulation.world.weather import Weather
from reconciler.values.wire import Image

_ACTIONS_PER_OPERATION, _ACTIONS_AT_LEAST = 2_000, 200_000


class World:
    """Regions, the network between them, and all that a plan lets happen there.

    `done` are the operations, and what people decided, in the order in which they ended.
    """

    def __init__(self, plan: Plan, *, trace: bool) -> None:
        self.plan = plan
        most = _ACTIONS_AT_LEAST + _ACTIONS_PER_OPERATION * len(plan.operations)
        agenda = Agenda(most)
        self.journal = Journal(agenda, keep=trace)
        draws = Draws(plan.seed)
        weather = Weather(draws, self.journal)
        causes = Causes(plan.regions, raw=plan.is_raw() or plan.is_named())
        outside: OutsideWriters = "expected" if plan.is_raw() else "none"
        self.setting = Setting(
            agenda, draws, weather, self.journal, causes, outside_writers=outside
        )
        self.network = Network(self.setting, plan.regions, plan.schema.table)
        self.done: list[Done] = []
        self.made_anew: set[str] = set()
        left = count(1 + max((each.number for each in plan.operations), default=0))
        people = partial(
            People, self.setting, plan.schema, numbers_left=left, tell=self.done.append
        )
        self.regions = {
            name: SimulatedRegion(self.setting, plan, name, self.network, people)
            for name in plan.regions
        }
        for each in self.regions.values():
            others = [other.people for other in self.regions.values() if other is not each]
            each.people.others = others
        self.network.replicas = {name: each.replica for name, each in self.regions.items()}
        hold_from_before(plan.before, causes, self.network.replicas.values())

    def run(self) -> bool:
        """Let everything happen; return whether the world came to rest within its bounds."""
        agenda = self.setting.agenda
        for fault in self.plan.faults:
            agenda.enter(fault.at_ms, partial(self._begin, fault))
            if fault.until_ms < FOR_EVER:
                agenda.enter(fault.until_ms, partial(self._end, fault))
        for operation in self.plan.operations:
            if operation.raw and operation.read_at_ms is not None:
                read = self.regions[operation.region].raw_clients.read
                agenda.enter(operation.read_at_ms, partial(read, operation))
            agenda.enter(operation.begins_at_ms(), partial(self._operate, operation))
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
        region = self.regions[operation.region]
        if operation.named:
            self.done.append(region.named_clients.run(operation))
        else:
            clients = region.raw_clients if operation.raw else region.clients
            self.done.append(clients.run(operation))

    def _begin(self, fault: Fault) -> None:
        if fault.kind == faults.HARD_DELETE and not self.setting.is_gone(fault.region):
            self.regions[fault.region].replica.delete()
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
