"""The failover drill on this machine: nothing is lost, and a reconciler that does nothing shows."""

from collections.abc import Iterator

import pytest

from reconciler.deployment.names import Names
from reconciler.drills.failover.on_this_machine import SCENES, open_cloud, play_scene
from reconciler.drills.failover.steps import Report
from reconciler.drills.workload import RECONCILED
from reconciler.local.cloud import LocalCloud

EDITS = 12


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    with open_cloud() as cloud:
        yield cloud


def drilled(scene: str, cloud: LocalCloud, seed: int = 1) -> Report:
    return play_scene(scene, cloud, edits=EDITS, seed=seed, say=lambda _: None)


@pytest.mark.parametrize("scene", SCENES)
def test_no_acknowledged_write_is_lost_in_any_region(scene: str, cloud: LocalCloud) -> None:
    report = drilled(scene, cloud)

    assert report.problems == []
    assert report.acknowledged > EDITS
    assert report.apart > 0
    assert report.conflicts > 0
    assert report.lost == {region: [] for region in cloud.regions}
    if scene == "home-gone":
        assert report.by_role["witness"] > 0


def test_without_a_resolver_the_losses_are_counted_and_named(cloud: LocalCloud) -> None:
    """It comes last: from here on no event of this cloud reaches a resolver."""
    for region in cloud.regions:
        events, bus = cloud.client("events", region), Names(RECONCILED, region).bus
        for rule in ("home", "witness"):
            events.remove_targets(Rule=rule, EventBusName=bus, Ids=[f"{rule}-queue"])

    report = drilled("partition", cloud, seed=2)

    assert any(report.lost.values())
    assert report.open_rows > 0
    assert any("acknowledged writes lost in" in problem for problem in report.problems)
