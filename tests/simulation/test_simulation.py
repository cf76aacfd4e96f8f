"""The simulator as a user's own tests call it: my schema, these operations, these faults."""

import pytest

from reconciler import Schema
from reconciler.errors import InvalidInput
from reconciler.resolution.resolver import Resolver
from reconciler.simulation import Experiment, Fault, Schedule, check, run_plan, simulate

PARTIES = Schema.of(
    table="parties", key=["id"], attributes={"loyalty": "counter_pn", "tags": "set_aw"}
)
SPLIT = Fault("partition", 0, 3_600_000, "us-east-1", "eu-west-1")


def both_sides_of_a_partition() -> Schedule:
    schedule = Schedule(PARTIES)
    with schedule.edit("p1", region="us-east-1", at_ms=1_000) as party:
        party["name"] = "Ada"
        party.increment("loyalty", 100)
    with schedule.edit("p1", region="eu-west-1", at_ms=1_200) as party:
        party.increment("loyalty", 25)
        party.add("tags", "vip")
    return schedule


def test_a_schema_of_ones_own_loses_nothing() -> None:
    found = simulate(PARTIES, seeds=30, regions=3, operations=20)

    assert not found.problems, found.story()
    assert found.story() == ""
    assert found.conflicts > 0


def test_two_regions_keep_what_they_wrote_during_a_partition() -> None:
    schedule = both_sides_of_a_partition()

    found = simulate(PARTIES, seeds=20, regions=2, operations=schedule.operations, faults=[SPLIT])

    assert not found.problems, found.story()
    assert found.operations == found.acknowledged == 40
    assert found.conflicts >= 20


def test_what_a_schedule_of_ones_own_ends_with_can_be_looked_at() -> None:
    operations = both_sides_of_a_partition().operations
    run = run_plan(Experiment(PARTIES, 2, operations, [SPLIT]).plan(1))

    assert not check(run)
    items = [run.items[region]["p1"] for region in run.plan.regions]
    assert [item["loyalty"] for item in items] == [{"N": "125"}] * 2
    assert [item["name"] for item in items] == [{"S": "Ada"}] * 2
    assert [item["tags"] for item in items] == [{"SS": ["vip"]}] * 2


def test_a_loss_is_told_as_a_story_of_the_operations_it_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Resolver, "resolve", lambda *_: [])
    schedule = both_sides_of_a_partition()
    with schedule.edit("bystander", region="us-east-1", at_ms=500) as party:
        party["name"] = "Grace"

    found = simulate(PARTIES, seeds=3, regions=2, operations=schedule.operations, faults=[SPLIT])

    assert [failure.seed for failure in found.problems] == [1, 2, 3]
    assert "LOST" in found.story()
    assert "loyalty +25" in found.story()
    assert "Grace" not in found.story()
    assert "reconciler simulate" not in found.story()  # no command draws these operations


def test_deleting_and_removing_can_be_scheduled_without_reading() -> None:
    schedule = Schedule(PARTIES)
    with schedule.edit("p1", region="us-east-1", at_ms=0) as party:
        party["name"] = "Ada"
    with schedule.edit("p1", region="us-east-1", at_ms=10) as party:
        del party["name"]
    with schedule.edit("p1", region="us-east-1", at_ms=20) as party:
        party.delete()

    verbs = [edit.verb for operation in schedule.operations for edit in operation.edits]
    assert verbs == ["assign", "remove", "delete"]
    assert [operation.number for operation in schedule.operations] == [0, 1, 2]
    assert not simulate(PARTIES, seeds=3, operations=schedule.operations).problems


def test_an_operation_without_an_edit_is_refused() -> None:
    with pytest.raises(InvalidInput, match="edits nothing"):  # noqa: SIM117 (edit is under test)
        with Schedule(PARTIES).edit("p1", region="us-east-1", at_ms=0):
            pass


def test_a_region_that_the_run_does_not_have_is_refused_by_name() -> None:
    schedule = Schedule(PARTIES)
    with schedule.edit("p1", region="use1", at_ms=0) as party:
        party["name"] = "Ada"

    with pytest.raises(InvalidInput, match=r"'use1' is no region .* us-east-1, eu-west-1"):
        simulate(PARTIES, seeds=1, operations=schedule.operations)
