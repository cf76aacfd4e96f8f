"""Two releases side by side: each change over at its own moment, and what they can read."""

from dataclasses import replace

import pytest

from reconciler.errors import UnknownWireVersion
from reconciler.item.metadata import decode, token_of
from reconciler.simulation.judge.checks import check
from reconciler.simulation.plan import faults
from reconciler.simulation.plan.drawing import draw_plan
from reconciler.simulation.plan.faults import HOUR
from reconciler.simulation.plan.plan import Fault, Plan
from reconciler.simulation.world.agenda import Agenda
from reconciler.simulation.world.draws import Draws
from reconciler.simulation.world.history import Run
from reconciler.simulation.world.journal import Journal
from reconciler.simulation.world.releases import NEWER, OLDER, release_of, token
from reconciler.simulation.world.run import run_plan
from reconciler.simulation.world.weather import Weather
from tests.builders import assign, written

PROCESSES = [f"process {number}" for number in range(20)]
IMAGE = written(assign("name", "Ada"))


def deployment(seed: int) -> Plan:
    """Return a plan with a deployment in the middle of its operations."""
    plan = draw_plan(seed)
    others = [fault for fault in plan.faults if fault.kind != faults.DEPLOY]
    begin = plan.operations[len(plan.operations) // 4].at_ms
    fault = Fault(faults.DEPLOY, begin, begin + HOUR)
    return replace(plan, faults=tuple(sorted([*others, fault], key=lambda each: each.at_ms)))


@pytest.fixture(scope="module")
def runs() -> list[Run]:
    return [run_plan(deployment(seed)) for seed in range(1, 41)]


@pytest.mark.slow
def test_a_deployment_in_the_middle_of_the_writes_loses_nothing(runs: list[Run]) -> None:
    assert [problem for run in runs for problem in check(run)] == []


@pytest.mark.slow
def test_both_releases_write_and_the_older_one_meets_what_it_cannot_read(runs: list[Run]) -> None:
    versions = {
        image["_rec"]["M"]["v"]["N"]
        for run in runs
        for items in run.items.values()
        for image in items.values()
        if "_rec" in image
    }
    assert versions == {"1", "2"}
    assert sum(run.counts.get("operations.refused", 0) for run in runs) > 20
    assert sum(run.counts.get("redelivered", 0) for run in runs) > 20


def test_the_newer_release_reads_both_forms_and_the_older_one_only_its_own() -> None:
    newer = NEWER.write_image(IMAGE)
    assert NEWER.read_image(newer) == IMAGE == NEWER.read_image(IMAGE) == OLDER.read_image(IMAGE)
    with pytest.raises(UnknownWireVersion):
        decode(OLDER.read_image(newer))


def test_a_token_names_the_image_in_either_form() -> None:
    assert token(NEWER.write_image(IMAGE)) == token(IMAGE) == token_of(IMAGE)
    assert NEWER.write_image(IMAGE)["_rec"]["M"]["t"] != IMAGE["_rec"]["M"]["t"]


def test_processes_change_over_one_after_the_other_and_for_good(weather: Weather) -> None:
    fault = Fault(faults.DEPLOY, 100, 200)
    assert {release_of(weather, name, 150) for name in PROCESSES} == {OLDER}
    weather.begin(fault)
    newer = [
        sum(release_of(weather, name, at_ms) is NEWER for name in PROCESSES)
        for at_ms in range(99, 202)
    ]
    assert newer[0] == 0
    assert newer[-1] == len(PROCESSES)
    assert newer == sorted(newer)
    assert len(set(newer)) > 5
    weather.end(fault)
    assert {release_of(weather, name, 10_000) for name in PROCESSES} == {NEWER}


@pytest.fixture
def weather() -> Weather:
    return Weather(Draws(1), Journal(Agenda(1), keep=False))
