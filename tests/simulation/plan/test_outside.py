"""Drawn writers around the library: where they are, what they write, and how it is told apart."""

from collections import Counter
from dataclasses import replace

import pytest

from reconciler.errors import InvalidInput
from reconciler.item.metadata import is_managed
from reconciler.item.schema import Schema
from reconciler.simulation import Experiment
from reconciler.simulation.plan import faults
from reconciler.simulation.plan.drawing import DEFAULT_SCHEMA, OWN_TTL, draw_plan
from reconciler.simulation.plan.outside import (
    ALL,
    DRAWN,
    NONE,
    ONE,
    RAW,
    UNIT,
    raw_leaves,
    with_outside,
)
from reconciler.simulation.plan.plan import Operation, Plan
from reconciler.simulation.plan.raw import SAVE, UPDATE, VERBS, check_raw
from reconciler.values.wire import from_wire

SEEDS = range(120)


def drawn(seed: int, outside: str = ALL) -> Plan:
    return with_outside(draw_plan(seed), outside)


def raw(plan: Plan) -> list[Operation]:
    return [operation for operation in plan.operations if operation.raw]


def test_without_writers_around_the_library_a_plan_stays_as_it_is() -> None:
    assert drawn(3, NONE) == draw_plan(3)
    assert not draw_plan(3).is_raw()
    assert Experiment().plan(3) == draw_plan(3)


def test_a_seed_is_one_plan_and_one_operation_less_leaves_the_others() -> None:
    plan = draw_plan(5)
    less = with_outside(replace(plan, operations=plan.operations[1:]), ALL)
    assert drawn(5) == drawn(5)
    assert [o for o in less.operations if o.raw] == raw(drawn(5))[-len(raw(less)) :]


def test_they_are_in_one_region_or_in_any() -> None:
    several = Counter(len({o.region for o in raw(drawn(seed, ALL))}) for seed in SEEDS)
    assert all(len({o.region for o in raw(drawn(seed, ONE))}) <= 1 for seed in SEEDS)
    assert several[3] > len(SEEDS) / 2


def test_every_call_every_verb_and_every_kind_of_item_is_drawn() -> None:
    plans = [drawn(seed) for seed in SEEDS]
    operations = [operation for plan in plans for operation in raw(plan)]
    for operation in operations:
        check_raw(operation)
    verbs = {edit.verb for operation in operations for edit in operation.edits}
    paths = {edit.path for operation in operations for edit in operation.edits}
    before = [image for plan in plans for image in plan.before.values()]
    assert {operation.raw for operation in operations} == set(DRAWN)
    assert verbs == set(VERBS)
    assert paths == {*raw_leaves(DEFAULT_SCHEMA), (OWN_TTL,)}
    assert {is_managed(image) for image in before} == {True, False}
    assert any("_rec_ttl" in image for image in before)
    assert any(len(plan.before) < len({o.key for o in plan.operations}) for plan in plans)
    assert any(all(o.raw for o in plan.operations) for plan in plans)
    stale = [o for o in operations if o.raw == SAVE and o.read_at_ms is not None]
    assert {bool(operation.edits) for operation in stale} == {True, False}
    assert all((operation.read_at_ms or 0) <= operation.at_ms for operation in stale)


def test_calls_can_be_chosen() -> None:
    plans = (with_outside(draw_plan(seed), ALL, (UPDATE,)) for seed in SEEDS)
    assert {operation.raw for plan in plans for operation in raw(plan)} == {UPDATE}


def test_what_the_library_adds_stays_below_the_unit_of_raw_amounts() -> None:
    for seed in SEEDS:
        plan = drawn(seed)
        amounts = Counter[bool]()
        for operation in plan.operations:
            for edit in operation.edits:
                kind = raw_leaves(plan.schema).get(edit.path)
                if kind == "counter_pn" and edit.verb != "remove":
                    assert edit.verb == "increment"
                    amount = from_wire(edit.value or {})
                    assert amount > 0
                    assert bool(operation.raw) == (amount % UNIT == 0)
                    amounts[bool(operation.raw)] += amount
        assert amounts[False] < UNIT


def test_in_a_map_that_the_library_assigns_it_sets_no_counter_that_others_add_to() -> None:
    fields = [
        from_wire(edit.value or {})
        for seed in SEEDS
        for operation in drawn(seed).operations
        for edit in operation.edits
        if not operation.raw and (edit.path, edit.verb) == (("profile",), "assign")
    ]
    assert any("labels" in each for each in fields)
    assert not any("visits" in each or "r" in each.get("deep", {}) for each in fields)


def test_the_library_takes_out_members_that_others_added() -> None:
    taken_out = {
        member
        for seed in SEEDS
        for operation in drawn(seed).operations
        for edit in operation.edits
        if not operation.raw and edit.verb == "discard" and edit.path[-1] in {"tags", "labels"}
        for member in from_wire(edit.value or {})
    }
    assert {member.startswith(RAW) for member in taken_out} == {True, False}


def test_a_schema_of_the_users_own_is_written_around_as_far_as_it_can_be() -> None:
    schema = Schema.of(
        table="mine", key=["pk", "sk"], attributes={"hits": "counter_pn", "who": "manual"}
    )
    plan = with_outside(draw_plan(2, schema=schema), ALL)
    paths = {edit.path for operation in raw(plan) for edit in operation.edits}
    assert paths <= {("hits",), ("extra",), ("log",)}


def test_a_word_that_is_neither_none_nor_one_nor_all_is_refused() -> None:
    with pytest.raises(InvalidInput, match="none, one, all"):
        drawn(1, "some")


def test_people_and_what_only_they_decide_are_left_out() -> None:
    for seed in SEEDS:
        plan = drawn(seed)
        assert not {fault.kind for fault in plan.faults} & {faults.DECIDED, faults.CLASH}
        for operation in plan.operations:
            kinds = {plan.schema.type_at(edit.path) for edit in operation.edits}
            assert not kinds & {"manual", "custom"}
            assert operation.raw or operation.edits
