"""The failover drill on this machine: nothing is lost, and what breaks a rule of it shows."""

from collections.abc import Iterator
from secrets import token_urlsafe

import pytest

from reconciler.deployment.names import Names
from reconciler.drills.failover.local_setting import SceneSetting, open_cloud, open_drill_doors
from reconciler.drills.failover.on_this_machine import SCENES, play_scene
from reconciler.drills.failover.steps import Report
from reconciler.drills.http_table import Write
from reconciler.drills.workload import RECONCILED
from reconciler.local.cloud import LocalCloud
from reconciler.local.doors import Doors
from tests.local.support import EU, US

EDITS = 12


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    with open_cloud() as cloud:
        yield cloud


@pytest.fixture(scope="module")
def doors(cloud: LocalCloud) -> Iterator[Doors]:
    with open_drill_doors(cloud) as doors:
        yield doors


@pytest.fixture
def said() -> list[str]:
    return []


def drilled(scene: str, cloud: LocalCloud, doors: Doors, said: list[str], seed: int = 1) -> Report:
    return play_scene(SceneSetting(scene, cloud, doors.addresses, EDITS, seed, said.append))


@pytest.mark.parametrize("scene", SCENES)
def test_no_acknowledged_write_is_lost_in_any_region(
    scene: str, cloud: LocalCloud, doors: Doors, said: list[str]
) -> None:
    report = drilled(scene, cloud, doors, said)

    assert report.problems == []
    assert report.acknowledged > EDITS
    assert report.apart > 0
    assert report.conflicts > 0
    assert report.lost == {region: [] for region in cloud.regions}
    if scene == "home-gone":
        assert report.by_role["witness"] > 0


def test_clients_of_a_region_that_goes_dark_go_on_in_another_one_and_come_back(
    cloud: LocalCloud, doors: Doors, said: list[str]
) -> None:
    report = drilled("clients-move", cloud, doors, said, seed=3)

    assert report.problems == []
    away, back = (text for text in said if "clients of" in text)
    assert f"{US} write to {EU}: /health of {US} is 503: the table was not read" in away
    assert f"{US} write to {US}: /health of {US} is 200 again" in back


def test_writes_made_again_under_another_key_are_found_to_count_twice(
    cloud: LocalCloud, doors: Doors, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    same = Write.headers
    monkeypatch.setattr(
        Write, "headers", lambda self: {**same(self), "Idempotency-Key": token_urlsafe()}
    )

    report = drilled("clients-move", cloud, doors, said, seed=4)

    assert all(report.lost.values())
    assert all("points" in each for lost in report.lost.values() for each in lost)


def test_without_a_resolver_the_losses_are_counted_and_named(
    cloud: LocalCloud, doors: Doors, said: list[str]
) -> None:
    """It comes last: from here on no event of this cloud reaches a resolver."""
    for region in cloud.regions:
        events, bus = cloud.client("events", region), Names(RECONCILED, region).bus
        for rule in ("home", "witness"):
            events.remove_targets(Rule=rule, EventBusName=bus, Ids=[f"{rule}-queue"])

    report = drilled("partition", cloud, doors, said, seed=2)

    assert any(report.lost.values())
    assert report.open_rows > 0
    assert any("acknowledged writes lost in" in problem for problem in report.problems)
