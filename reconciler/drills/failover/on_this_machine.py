"""The failover drill on this machine: three regions, cut off from each other in four ways.

The steps and the judge are those that drill a table on AWS; writes go through the HTTP door of each
region. A region that stops takes its last writes with it: nobody else has seen them, and none of
its functions looks at them until it is back. Where a home region's functions are gone, a witness
must have repaired its losses before they come back; then they must change nothing. Where a region
goes dark, its clients go on in another one by its /health, and make again there, with their keys,
the writes whose answers they lost.
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import combinations

from reconciler.drills.failover.local_setting import (
    LocalSeparation,
    SceneSetting,
    open_cloud,
    open_drill_doors,
)
from reconciler.drills.failover.lost_answers import InDoubt, LostAnswers
from reconciler.drills.failover.steps import Report, play
from reconciler.drills.workload import PartyEdit
from reconciler.text.counts import count_in_words

# Edits that look at nothing of the item; points first, because they show when they count twice.
_BLIND = ("points", "tag", "contact")
_MOST_IN_DOUBT = 10


def drill(*, edits: int, seed: int, say: Callable[[str], object]) -> list[Report]:
    """Play every scene, one after the other, and return their reports."""
    with open_cloud() as cloud, open_drill_doors(cloud) as doors:
        settings = (SceneSetting(name, cloud, doors.addresses, edits, seed, say) for name in SCENES)
        return [play_scene(setting) for setting in settings]


def play_scene(setting: SceneSetting) -> Report:
    """Play one scene on a cloud that is running."""
    broken, scene = SCENES[setting.name]
    setting.say(f"{setting.name}: {broken} ...")
    return scene(setting)


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


def _clients_move(setting: SceneSetting) -> Report:
    cloud, drill_ = setting.cloud, setting.drill
    gone, *_ = cloud.regions
    edits = setting.edits(*cloud.regions)
    blind = [each for kind in _BLIND for each in _of(edits, gone) if each.kind == kind]
    in_doubt = blind[:_MOST_IN_DOUBT]
    before, during, after = _thirds([each for each in edits if each not in in_doubt])
    clients = [setting.client(gone) for _ in in_doubt]
    lost = LostAnswers(len(clients), lambda: cloud.darken(gone))

    def cut() -> None:
        cloud.isolate(gone)
        cloud.stop_worker(gone)

    def act() -> None:
        drill_.write(before)
        drill_.write_at_once(in_doubt, [InDoubt(each, lost) for each in clients])
        drill_.write(during)
        cloud.lighten(gone)  # it is still cut off from the others

    def mend() -> None:
        cloud.lighten(gone)
        cloud.heal()
        cloud.start_worker(gone)

    play(drill_, LocalSeparation(cut, mend, setting.settle), edits, act)
    away = [each for each in clients if each.at != gone]
    setting.say(
        f"{setting.name}: {count_in_words(len(in_doubt), 'write')} got no answer, {lost.made}"
        f" of them had been made; made again in another region, with their keys: {len(away)}"
    )
    back = [setting.patience.until(each.is_home) for each in away]
    drill_.write(after)
    setting.settle()
    report = drill_.judge()
    if not away or not lost.made:
        report.problems.append("nothing was shown: no client moved, or no write was made twice")
    if None in back:
        report.problems.append(f"clients of {gone} did not come back")
    return report


def _thirds(edits: Sequence[PartyEdit]) -> list[Sequence[PartyEdit]]:
    third = len(edits) // 3
    return [edits[:third], edits[third : 2 * third], edits[2 * third :]]


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
    "clients-move": (
        "a region goes dark and its clients lose answers; by /health they go on in another one",
        _clients_move,
    ),
}
