"""A failing plan becomes a small one that still fails."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from reconciler.simulation.plan.plan import Fault, Operation, Plan
from reconciler.simulation.shrink import shrink
from tests.builders import SCHEMA, increment


def plan(operations: int, faults: int = 0) -> Plan:
    made = (Operation(n, n, "use1", "p1", (increment("balance"),)) for n in range(operations))
    wrong = (Fault(f"fault {n}", 0, 1) for n in range(faults))
    return Plan(1, SCHEMA, ("use1", "euw1"), tuple(made), tuple(wrong))


def numbers(found: Plan) -> set[int]:
    return {operation.number for operation in found.operations}


def needs(operations: set[int], faults: set[str]) -> Callable[[Plan], bool]:
    def fails(found: Plan) -> bool:
        struck = {fault.kind for fault in found.faults}
        return operations <= numbers(found) and faults <= struck

    return fails


@given(st.sets(st.integers(0, 39), max_size=4), st.sets(st.integers(0, 4), max_size=2))
def test_only_what_a_failure_needs_is_left(operations: set[int], faults: set[int]) -> None:
    kinds = {f"fault {n}" for n in faults}
    small = shrink(plan(40, 5), needs(operations, kinds))
    assert numbers(small) == operations
    assert {fault.kind for fault in small.faults} == kinds


def test_what_is_left_keeps_its_order_and_its_times() -> None:
    whole = plan(20)
    small = shrink(whole, needs({3, 11, 17}, set()))
    assert small.operations == tuple(whole.operations[n] for n in (3, 11, 17))


def test_a_plan_that_does_not_fail_is_returned_as_it_is() -> None:
    whole = plan(5)
    assert shrink(whole, lambda _: False) is whole


def test_the_number_of_runs_is_bounded_and_the_best_plan_so_far_is_returned() -> None:
    runs = 0

    def fails(found: Plan) -> bool:
        nonlocal runs
        runs += 1
        return {3, 17, 29} <= numbers(found)

    small = shrink(plan(40), fails, most_runs=12)
    assert runs == 12
    assert {3, 17, 29} <= numbers(small)
    assert len(small.operations) < 40


def test_a_failure_that_needs_one_of_two_things_ends_with_one_of_them() -> None:
    small = shrink(plan(30), lambda found: bool({4, 25} & numbers(found)))
    assert len(small.operations) == 1
