"""Clients that do not use the library: what they leave in the item, in the stream and elsewhere."""

from typing import Any

import pytest

from reconciler.item.metadata import is_managed, token_of
from reconciler.simulation.plan import faults
from reconciler.simulation.plan.drawing import DEFAULT_SCHEMA, REGIONS
from reconciler.simulation.plan.faults import FOR_EVER
from reconciler.simulation.plan.plan import Fault, Operation, Plan
from reconciler.simulation.plan.raw import DELETE_ITEM, OWN_TTL, PUT, REPLACE, SAVE, UPDATE
from reconciler.simulation.world.history import Run
from reconciler.simulation.world.run import run_plan
from reconciler.values.wire import Image
from tests.builders import assign, increment, remove

EAST, WEST = REGIONS[:2]
# In a block, so that it is no named write.
LIBRARY = Operation(
    0, 0, EAST, "k1", (increment("balance", 100), assign("name", "Lib")), read_at_ms=0
)
UNREAD = tuple(Fault(faults.DETECTOR_OFF, 0, FOR_EVER, region) for region in (EAST, WEST))


def plan(*operations: Operation, troubles: tuple[Fault, ...] = UNREAD, **parts: Any) -> Plan:
    """Return a plan without functions, so that what raw clients leave is what stands."""
    return Plan(1, DEFAULT_SCHEMA, (EAST, WEST), (LIBRARY, *operations), troubles, **parts)


def raw(number: int, call: str, *edits: Any, at_ms: int = 60_000, **parts: Any) -> Operation:
    return Operation(number, at_ms, WEST, "k1", edits, call, **parts)


def item(run: Run) -> Image | None:
    east, west = (run.items[region].get("k1") for region in (EAST, WEST))
    assert east == west
    return west


def managed(run: Run) -> Image:
    image = item(run)
    assert image is not None
    return image


def test_an_update_leaves_the_metadata_alone_and_replicates() -> None:
    before, after = (
        managed(run_plan(plan())),
        managed(run_plan(plan(raw(1, UPDATE, increment("balance", 5))))),
    )

    assert after["balance"] == {"N": "105"}
    assert token_of(after) == token_of(before)
    assert {**after, "balance": before["balance"]} == before


def test_a_put_takes_the_metadata_away_and_keeps_what_its_client_read() -> None:
    after = managed(run_plan(plan(raw(1, PUT, assign("name", "Raw")))))

    assert not is_managed(after)
    assert after == {"id": {"S": "k1"}, "balance": {"N": "100"}, "name": {"S": "Raw"}}


def test_a_save_brings_back_the_copy_that_was_read() -> None:
    other = Operation(1, 60_000, EAST, "k1", (assign("name", "Later"),), read_at_ms=60_000)
    run = run_plan(plan(other, raw(2, SAVE, at_ms=120_000, read_at_ms=30_000)))

    assert item(run) == item(run_plan(plan()))
    assert run.done[2].seen == {0}
    assert (run.done[2].over, run.done[2].copy) == ("managed", "managed")


@pytest.mark.parametrize("call", [DELETE_ITEM, OWN_TTL])
def test_a_delete_leaves_nothing_anywhere(call: str) -> None:
    run = run_plan(plan(raw(1, call)))

    assert item(run) is None
    assert [done.outcome for done in run.done] == ["acknowledged"] * 2


def test_a_delete_and_put_leave_a_plain_item_and_count_as_one_operation() -> None:
    run = run_plan(plan(raw(1, REPLACE, assign("name", "Raw"))))

    assert managed(run)["name"] == {"S": "Raw"}
    assert not is_managed(item(run))
    assert run.counts["raw_writes"] == 1
    assert [moment.kind for moment in run.trace].count("raw") == 2


def test_an_expression_that_dynamodb_refuses_is_refused_and_changes_nothing() -> None:
    run = run_plan(plan(raw(1, UPDATE, increment("name", 1))))

    assert run.done[1].outcome == "refused"
    assert not run.done[1].applied
    assert item(run) == item(run_plan(plan()))


def test_removing_from_an_item_that_is_not_there_makes_none() -> None:
    only = Operation(0, 0, WEST, "k1", (remove("name"),), UPDATE)
    run = run_plan(Plan(1, DEFAULT_SCHEMA, (EAST, WEST), (only,)))

    assert item(run) is None
    assert run.done[0].outcome == "acknowledged"


def test_a_lost_answer_leaves_the_write_and_an_unknown_outcome() -> None:
    lost = Fault(faults.LOST_ANSWER, 0, FOR_EVER, WEST)
    run = run_plan(plan(raw(1, UPDATE, increment("balance", 5)), troubles=(*UNREAD, lost)))

    assert (run.done[1].outcome, run.done[1].applied) == ("unknown", True)
    assert managed(run)["balance"] == {"N": "105"}


def test_an_item_from_before_the_run_is_in_every_region_and_no_write_of_it() -> None:
    before: Image = {"id": {"S": "k2"}, "name": {"S": "old"}}
    later = Operation(1, 60_000, EAST, "k2", (assign("notes", "new"),))
    run = run_plan(plan(later, before={"k2": before}))

    assert run.done[1].seen == frozenset()
    for region in (EAST, WEST):
        held = run.items[region]["k2"]
        assert (held["name"], is_managed(held)) == ({"S": "old"}, True)


def test_two_regions_equal_images_rest_on_their_own_writes() -> None:
    split = Fault(faults.PARTITION, 30_000, 300_000, EAST, WEST)
    same = (
        Operation(1, 60_000, EAST, "k1", (assign("name", "Raw"),), UPDATE),
        Operation(2, 60_100, WEST, "k1", (assign("name", "Raw"),), UPDATE),
        Operation(3, 120_000, EAST, "k1", (assign("notes", "east"),)),
        Operation(4, 120_000, WEST, "k1", (assign("notes", "west"),)),
    )
    run = run_plan(plan(*same, troubles=(*UNREAD, split)))

    seen = {done.operation.number: done.seen for done in run.done}
    assert seen[3] == {0, 1}
    assert seen[4] == {0, 2}


def test_a_block_of_the_library_may_be_open_while_raw_clients_write() -> None:
    block = Operation(1, 90_000, WEST, "k1", (assign("notes", "Lib"),), read_at_ms=30_000)
    run = run_plan(plan(block, raw(2, UPDATE, increment("balance", 5))))

    (ended,) = (done for done in run.done if done.operation.number == 1)
    assert ended.at_ms == 90_000
    assert [done.operation.number for done in run.done] == [0, 2, 1]
