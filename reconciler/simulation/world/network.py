"""Replication between the regions of a world, with its faults.

`reconciler.aws_model.replication` decides what wins and when it travels; this module
gives it virtual time, keyed chance, partitions, regions that are gone, slow links and skewed
clocks.
"""

from collections.abc import Mapping, Sequence
from typing import cast

from reconciler.aws_model.replication import ItemKey, Lag, Replication
from reconciler.simulation.plan import faults
from reconciler.simulation.world.causes import Origin
from reconciler.simulation.world.draws import Keyed
from reconciler.simulation.world.replica import SimulatedReplica
from reconciler.simulation.world.setting import Setting
from reconciler.values.wire import Image

_WORST_LAG_MS = 600_000
_WORST_SKEW_MS = 3_000
_USUAL_MOST_MS = (200, 800, 2_000, 10_000)


class Network:
    """The links between all regions; `replicas` receive what arrives."""

    def __init__(self, setting: Setting, regions: Sequence[str], table: str) -> None:
        self._setting = setting
        self._regions = regions
        self._table = table
        self.replicas: Mapping[str, SimulatedReplica] = {}
        draws = setting.draws
        most = _USUAL_MOST_MS[draws.between("lag", "most", 0, len(_USUAL_MOST_MS) - 1)]
        self._usual = Lag(
            draws.between("lag", "least", 10, 100), most, draws.chance("lag", "coalescing")
        )
        self._drift = {region: draws.between("drift", region, -50, 50) for region in regions}
        self._skew = dict(self._drift)
        self._chance = Keyed(draws, "replication")
        self._replication = Replication(regions, self._usual, self._chance, skew_ms=self._skew)
        self._next_ms: int | None = None

    def codes(self) -> Sequence[str]:
        """Return the codes of all replicas as they are now."""
        return [replica.code for replica in self.replicas.values()]

    def send(self, region: str, name: str, image: Image | None, origin: Origin) -> None:
        """Offer what a write left in a region to all others."""
        self._chance.about = f"{region}/{origin.label}"
        key = ItemKey(self._table, name)
        self._replication.local_write(region, key, image, self._setting.agenda.epoch_ms)
        self._expect()

    def weather_changed(self) -> None:
        """Follow the faults that reign now."""
        weather, replication = self._setting.weather, self._replication
        replication.heal()
        for fault in weather.of(faults.PARTITION):
            if fault.other:
                replication.partition(fault.region, fault.other)
        for region in self._regions:
            if self._setting.is_gone(region):
                replication.isolate(region)
            offset = weather.offset_ms(faults.SKEW, region, _WORST_SKEW_MS)
            self._skew[region] = self._drift[region] + offset
        slow = max((fault.rate for fault in weather.of(faults.LAG)), default=0.0)
        lag = Lag(self._usual.least_ms, int(slow * _WORST_LAG_MS), self._usual.coalescing)
        replication.set_lag(lag if lag.most_ms > self._usual.most_ms else self._usual)
        self._expect()

    def remake(self, region: str, source: str) -> None:
        """Let a region's replica be made anew from a copy of another one's."""
        self._replication.remake(region, source)

    def count_pending(self, regions: Sequence[str]) -> int:
        """Return how many changes are under way between these regions."""
        return sum(
            report.pending
            for (source, destination), report in self._replication.reports().items()
            if source in regions and destination in regions
        )

    def count_coalesced(self) -> int:
        """Return how many changes travelled as part of a later one."""
        return sum(report.coalesced for report in self._replication.reports().values())

    def count_discarded(self) -> int:
        """Return how many changes arrived and did not win."""
        return sum(report.discarded for report in self._replication.reports().values())

    def _expect(self) -> None:
        due = self._replication.next_due_ms()
        if due is not None and (self._next_ms is None or due < self._next_ms):
            self._next_ms = due
            agenda = self._setting.agenda
            agenda.after(due - agenda.epoch_ms, self._deliver)

    def _deliver(self) -> None:
        self._next_ms = None
        for arrival in self._replication.deliver(self._setting.agenda.epoch_ms):
            write = arrival.write
            image = cast(Image | None, write.item)
            origin = self._setting.causes.of(image)
            self.replicas[arrival.destination].arrive(write.key.key, image, origin, arrival.source)
        self._expect()
