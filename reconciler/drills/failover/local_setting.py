"""The cloud of the failover drill on this machine, and what its scenes are played with."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from random import Random

from reconciler.aws.region import Region
from reconciler.deployment.names import Names
from reconciler.drills.arrivals import Patience, patience
from reconciler.drills.failover.steps import Drill, Replica
from reconciler.drills.hosts import Host
from reconciler.drills.http_table import HttpTable
from reconciler.drills.workload import RECONCILED, PartyEdit, burst, party_schema
from reconciler.local.cloud import DEFAULT_REGIONS, LOCAL_HOME, LOCAL_WITNESS, LocalCloud
from reconciler.local.doors import Doors, open_doors
from reconciler.local.provision import TableSpec

_SETTLE_SECONDS = 60
_HOST = Host(RECONCILED, {"id": "S"})


def open_cloud() -> LocalCloud:
    """Return the drill's cloud, not started."""
    return LocalCloud(
        tables=[TableSpec(RECONCILED, "id")],
        reconciled=RECONCILED,
        regions=DEFAULT_REGIONS,
        lag_ms=(20, 80),
        home=replace(LOCAL_HOME, visibility_timeout_seconds=1),
        witness=replace(LOCAL_WITNESS, visibility_timeout_seconds=1, delay_seconds=1),
    )


@dataclass
class LocalSeparation:
    """A `Separation`, made of what the cloud can do."""

    begin: Callable[[], object]
    end: Callable[[], object]
    settle: Callable[[Callable[[], bool]], object]


def open_drill_doors(cloud: LocalCloud) -> AbstractContextManager[Doors]:
    """Open the doors through which the drill writes."""
    return open_doors(cloud, _HOST.schema(party_schema().attributes))


@dataclass
class SceneSetting:
    """A scene to play: its cloud and its doors, and how many edits to draw from which seed."""

    name: str
    cloud: LocalCloud
    doors: Mapping[str, str]
    count: int
    seed: int
    say: Callable[[str], object]
    tables: dict[str, HttpTable] = field(init=False)
    drill: Drill = field(init=False)
    _told: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.tables = {region: self.client(region) for region in self.cloud.regions}
        places = [
            Region(Names(RECONCILED, each), client_of=self.cloud.client) for each in self.tables
        ]
        replicas = [Replica(p.name, self.tables[p.name], p.items, p.ledger) for p in places]
        self.drill = Drill(self.name, replicas, self._key)

    def _key(self, party: str) -> Mapping[str, object]:
        return _HOST.key(f"drill-{self.name}-{self.seed}-{party}")

    def client(self, region: str) -> HttpTable:
        """Return a new client of a region, which goes on in the others if it must."""
        others = [each for each in self.cloud.regions if each != region]
        return HttpTable({each: self.doors[each] for each in (region, *others)}, self._moved)

    def _moved(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self.say(f"{self.name}: {text}")

    def edits(self, *regions: str) -> list[PartyEdit]:
        """Return edits of these regions."""
        return list(burst(self.count, regions, Random(self.seed)))

    def settle(self, _well: object = None) -> None:
        """Wait until the cloud says that nothing is under way."""
        self.cloud.settle(_SETTLE_SECONDS)

    @property
    def patience(self) -> Patience:
        """How to wait while a region's functions are stopped, and the cloud is never at rest."""
        return patience(_SETTLE_SECONDS, 0.3)
