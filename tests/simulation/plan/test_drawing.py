"""Plans: what a seed decides, and that removing a part leaves the others as they were."""

from collections import Counter
from functools import cache
from itertools import pairwise

import pytest

from reconciler.aws_model.expiry import has_passed
from reconciler.crdt.base import TYPES
from reconciler.errors import InvalidInput
from reconciler.item.image import DELETE, write
from reconciler.item.schema import Schema
from reconciler.simulation.plan import faults
from reconciler.simulation.plan.clash import CLASHING, with_clash
from reconciler.simulation.plan.drawing import (
    DEFAULT_SCHEMA,
    DISPUTED_SCHEMA,
    OWN_TTL,
    draw_plan,
)
from reconciler.simulation.plan.plan import Fault
from tests.builders import clock

SEEDS = range(200)
plan_of = cache(draw_plan)  # several tests look at the same ones


def test_a_seed_is_one_plan() -> None:
    assert draw_plan(5) == draw_plan(5)
    assert draw_plan(5) != draw_plan(6)


def test_a_plan_has_what_was_asked_for() -> None:
    plan = draw_plan(1, regions=2, operations=25, items=1, folds=False)
    assert len(plan.regions) == 2
    assert [operation.number for operation in plan.operations] == list(range(25))
    assert {operation.key for operation in plan.operations} == {"k1"}
    assert not plan.folds
    assert draw_plan(1, operations=0).operations == ()


@pytest.mark.parametrize("regions", [0, 7])
def test_the_number_of_regions_is_limited(regions: int) -> None:
    with pytest.raises(InvalidInput, match="regions"):
        draw_plan(1, regions=regions)


def test_operations_come_in_order_and_race() -> None:
    for seed in SEEDS:
        times = [operation.at_ms for operation in plan_of(seed).operations]
        assert times == sorted(times)
        assert any(later - earlier < 500 for earlier, later in pairwise(times))


def test_each_kind_of_fault_takes_part_in_about_a_quarter_of_the_runs() -> None:
    runs = Counter(
        kind for seed in range(600) for kind in {fault.kind for fault in plan_of(seed).faults}
    )
    assert runs.keys() == faults.KINDS.keys()
    assert all(90 < several < 210 for several in runs.values())


def test_every_fault_ends_but_a_region_that_is_destroyed() -> None:
    for seed in SEEDS:
        for fault in plan_of(seed).faults:
            endless = fault.until_ms >= faults.FOR_EVER
            assert endless == (fault.kind == faults.DESTROYED)
            assert fault.at_ms < fault.until_ms
            assert 0 < fault.rate <= 1


def test_one_region_alone_is_neither_cut_off_nor_destroyed() -> None:
    for seed in SEEDS:
        drawn = draw_plan(seed, regions=1).faults
        assert not any(f.kind in (faults.DESTROYED, faults.REMADE) for f in drawn)
        assert not any(f.kind == faults.PARTITION and f.other for f in drawn)


def test_every_type_and_every_verb_is_drawn_and_can_be_written() -> None:
    verbs = Counter[str]()
    for seed in SEEDS:
        plan = plan_of(seed)
        schema = with_clash(plan.schema)
        for operation in plan.operations:
            write(
                None,
                operation.edits,
                key={"id": operation.key},
                schema=schema,
                replica="use1",
                clock=clock(1_000, iter([1])),
            )
            for edit in operation.edits:
                kind = schema.attributes[edit.path[0]].type if edit.path else "item"
                verbs[f"{kind} {edit.verb}"] += 1
    assert {name.split()[0] for name in verbs} == TYPES.keys() | {"item"}
    assert {"counter_pn increment", "set_rw discard", "map_or remove", "item delete"} <= set(verbs)


def test_what_only_people_decide_is_drawn_where_they_do() -> None:
    for seed in SEEDS:
        plan = plan_of(seed)
        kinds = {fault.kind for fault in plan.faults}
        peopled = bool(kinds & {faults.DECIDED, faults.CLASH})
        own = {OWN_TTL} if plan.schema.ttl_attribute else set()
        assert (
            plan.schema.attributes.keys() - own
            == (DISPUTED_SCHEMA if peopled else DEFAULT_SCHEMA).attributes.keys()
        )
        named = {edit.path[0] for each in plan.operations for edit in each.edits if edit.path}
        assert CLASHING not in named or faults.CLASH in kinds


def test_increments_are_unique() -> None:
    amounts = Counter(
        str(edit.value)
        for operation in draw_plan(3, operations=400).operations
        for edit in operation.edits
        if edit.verb == "increment"
    )
    assert set(amounts.values()) == {1}


def test_a_schema_of_the_users_own_is_drawn_from() -> None:
    schema = Schema.of(table="mine", key=["pk", "sk"], attributes={"hits": "counter_pn"})
    plan = draw_plan(2, schema=schema)
    assert plan.schema == schema
    paths = {edit.path for operation in plan.operations for edit in operation.edits}
    assert paths <= {("hits",), ()}


def test_where_tombstones_expire_operations_happen_when_they_do() -> None:
    plans = [plan_of(seed) for seed in SEEDS]
    expiring = [plan for plan in plans if any(f.kind == faults.EXPIRY for f in plan.faults)]
    assert expiring
    for plan in expiring:
        fault = next(fault for fault in plan.faults if fault.kind == faults.EXPIRY)
        assert any(
            abs(operation.at_ms - fault.at_ms) <= faults.MINUTE for operation in plan.operations
        )
    deletes = sum(o.edits == (DELETE,) for plan in expiring for o in plan.operations)
    assert deletes > len(expiring)


def test_some_tables_whose_tombstones_expire_have_a_time_to_live_of_their_own() -> None:
    plans = [plan_of(seed) for seed in SEEDS]
    own = [plan for plan in plans if plan.schema.ttl_attribute]
    expiring = [plan for plan in plans if any(f.kind == faults.EXPIRY for f in plan.faults)]
    assert len(expiring) / 4 < len(own) < len(expiring)
    assert all(plan in expiring for plan in own)
    edits = [edit for plan in own for each in plan.operations for edit in each.edits]
    values = [edit.value for edit in edits if edit.path == (OWN_TTL,) and edit.value is not None]
    assert {kind for value in values for kind in value} == {"N", "S"}
    assert not any(has_passed(value, 1_700_000_000) for value in values)


def test_faults_keep_to_the_operations_that_expiry_moves() -> None:
    day = 24 * faults.HOUR
    plans = [plan_of(seed) for seed in SEEDS]
    later = [
        fault
        for plan in plans
        if any(f.kind == faults.EXPIRY for f in plan.faults)
        for fault in plan.faults
        if fault.kind == faults.PARTITION and fault.at_ms >= day
    ]
    assert later
    assert all(
        fault.region for plan in plans for fault in plan.faults if fault.kind == faults.EXPIRY
    )


def test_a_fault_without_a_region_is_everywhere() -> None:
    world = {name for name, kind in faults.KINDS.items() if kind.where == "world"}
    for seed in SEEDS:
        for fault in plan_of(seed).faults:
            assert (fault.region == "") == (fault.kind in world), fault
    assert Fault(faults.LAG, 0, 1).region == ""
