"""The failover drill on this machine: three regions, cut off from each other in three ways.

The steps and the judge are those that drill a table on AWS. A region that stops takes its last
writes with it: nobody else has seen them, and none of its functions looks at them until it is back.
Where a home region's functions are gone, a witness must have repaired its losses before they come
back; then they must change nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations
from random import Random

from reconciler.aws.region import Region
from reconciler.deployment.names import Names
from reconciler.drills.arrivals import Patience, patience
from reconciler.drills.failover.steps import Drill, Report, play
from reconciler.drills.hosts import Host, replica
from reconciler.drills.workload import RECONCILED, PartyEdit, burst, party_schema
from reconciler.local.cloud import DEFAULT_REGIONS, LOCAL_HOME, LOCAL_WITNESS, LocalCloud
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


@dataclass
class SceneSetting:
    """A scene to play: its drill, the cloud, and how many edits to draw from which seed."""

    drill: Drill
    cloud: LocalCloud
    count: int
    seed: int

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


def drill(*, edits: int, seed: int, say: Callable[[str], object]) -> list[Report]:
    """Play every scene, one after the other, and return their reports."""
    with open_cloud() as cloud:
        return [play_scene(name, cloud, edits=edits, seed=seed, say=say) for name in SCENES]


def play_scene(
    name: str, cloud: LocalCloud, *, edits: int, seed: int, say: Callable[[str], object]
) -> Report:
    """Play one scene on a cloud that is running."""
    broken, scene = SCENES[name]
    say(f"{name}: {broken} ...")
    schema = _HOST.schema(party_schema().attributes)
    replicas = [
        replica(Region(Names(RECONCILED, region), client_of=cloud.client), schema)
        for region in cloud.regions
    ]
    drilled = Drill(name, replicas, lambda party: _HOST.key(f"drill-{name}-{seed}-{party}"))
    return scene(SceneSetting(drilled, cloud, edits, seed))


def _partition(setting: SceneSetting) -> Report:
    cloud, edits = setting.cloud, setting.edits(*setting.cloud.regions)

    def cut() -> None:
        for one, other in combinations(cloud.regions, 2):
            cloud.partition(one, other)

    separation = LocalSeparation(cut, cloud.heal, setting.settle)
    return play(setting.drill, separation, edits, partial(setting.drill.write, edits))


def _region_stops(setting: SceneSetting) -> Report:
    cloud, edits = setting.cloud, setting.edits(*setting.cloud.regions)
    gone = cloud.regions[0]

    def cut() -> None:
        cloud.isolate(gone)
        cloud.stop_worker(gone)

    def mend() -> None:
        cloud.heal()
        cloud.start_worker(gone)

    def act() -> None:
        setting.drill.write(_of(edits, gone))
        setting.drill.write([edit for edit in edits if edit.region != gone])

    return play(setting.drill, LocalSeparation(cut, mend, setting.settle), edits, act)


def _home_is_gone(setting: SceneSetting) -> Report:
    cloud, drill_, patience = setting.cloud, setting.drill, setting.patience
    home, winner, witness = cloud.regions
    edits = setting.edits(home, winner)

    def cut() -> None:
        cloud.stop_worker(home)
        cloud.partition(home, winner)

    def act() -> None:
        drill_.write(_of(edits, home))
        patience.until(lambda: drill_.agree(home, witness))  # who saw nothing witnesses nothing
        drill_.write(_of(edits, winner))

    report = play(drill_, LocalSeparation(cut, cloud.heal, patience.until), edits, act)
    if not report.by_role["witness"]:
        report.problems.append("no witness repaired anything")
    cloud.start_worker(home)
    setting.settle()
    afterwards = drill_.judge()
    afterwards.problems = [*report.problems, *afterwards.problems]
    afterwards.by_role = report.by_role  # who repaired, before the home could
    return afterwards


def _of(edits: Sequence[PartyEdit], region: str) -> list[PartyEdit]:
    return [edit for edit in edits if edit.region == region]


SCENES: dict[str, tuple[str, Callable[[SceneSetting], Report]]] = {
    "partition": ("all regions are cut off from each other, and all write", _partition),
    "region-stopped": (
        "a region acknowledges writes that nobody else sees and is gone; the others go on",
        _region_stops,
    ),
    "home-gone": (
        "the functions of the home region are gone; a witness repairs its losses",
        _home_is_gone,
    ),
}
