"""What is wrong is said in terms of operations: which one is lost, which one is counted again."""

from decimal import Decimal
from typing import Any

import pytest

from reconciler.crdt.base import Edit
from reconciler.item.image import DELETE
from reconciler.simulation.judge.differences import differences
from reconciler.simulation.judge.oracle import History
from reconciler.simulation.judge.problem import Problem
from reconciler.simulation.world.history import Done
from tests.builders import DELETE_WINS, SCHEMA, add, assign, discard, increment, remove
from tests.simulation.histories import done


def found(shown: dict[str, Any] | None, *writes: Done) -> list[Problem]:
    return list(differences("p1", History(SCHEMA, writes), shown))


def only(shown: dict[str, Any] | None, *writes: Done) -> Problem:
    (problem,) = found(shown, *writes)
    return problem


def increments(count: int, by: int = 10) -> list[Done]:
    return [done(n, increment("balance", by**n), seen=range(n)) for n in range(count)]


def test_what_the_history_says_is_no_problem() -> None:
    assert found({"balance": 111}, *increments(3)) == []
    assert found(None) == []


def test_a_lost_increment_is_named() -> None:
    problem = only({"balance": 101}, *increments(3))
    assert (problem.kind, problem.operations) == ("lost", (1,))
    assert "balance must show 111, shows 101" in problem.message


def test_an_increment_that_counts_twice_is_named() -> None:
    problem = only({"balance": 211}, *increments(3))
    assert (problem.kind, problem.operations) == ("doubled", (2,))


def test_a_lost_and_a_doubled_increment_are_told_apart() -> None:
    problems = found({"balance": 1_111_111_111 + 10**8 - 10**3}, *increments(10))
    assert [(p.kind, p.operations) for p in problems] == [("lost", (3,)), ("doubled", (8,))]


def test_many_lost_increments_are_named_from_the_digits() -> None:
    problem = only({"balance": 1_010_101_010}, *increments(10))
    assert (problem.kind, problem.operations) == ("lost", (0, 2, 4, 6, 8))


def test_an_increment_counted_three_times_is_named_once() -> None:
    problem = only({"balance": 1_111 + 200}, *increments(4))
    assert (problem.kind, problem.operations) == ("doubled", (2,))


def test_a_difference_that_no_increment_explains_is_wrong() -> None:
    problem = only({"balance": Decimal("1111.5")}, *increments(4))
    assert problem.kind == "wrong"


def test_a_counter_that_is_not_there_lost_every_increment() -> None:
    problem = only({}, *increments(3))
    assert (problem.kind, problem.operations) == ("lost", (0, 1, 2))


def test_an_assignment_counts_for_its_difference_to_what_it_saw() -> None:
    writes = [
        done(0, increment("balance", 7)),
        done(1, assign("balance", 1000), seen=[0]),
        done(2, increment("balance", 50), seen=[0]),
    ]
    assert found({"balance": 1050}, *writes) == []
    problem = only({"balance": 57}, *writes)
    assert (problem.kind, problem.operations) == ("lost", (1,))


@pytest.mark.parametrize(
    ("edit", "shown"),
    [
        (assign("name", "Ada"), {}),
        (assign("name", "Ada"), {"name": "Bo"}),
        (assign("notes", "Ada"), {"notes": ["Bo"]}),
        (add("tags", "a"), {}),
        (add("blocked", "a"), {"blocked": {"b"}}),
        (assign("active", True), {"active": False}),
        (assign("high", 7), {"high": 2}),
        (assign("profile.city", "Rome"), {"profile": {"city": "Oslo"}}),
        (add("profile.labels", "a"), {"profile": {"labels": {"b"}}}),
        (increment("profile.visits", 3), {"profile": {"other": 1}}),
    ],
)
def test_a_lost_edit_of_any_type_names_its_operation(edit: Edit, shown: dict[str, Any]) -> None:
    assert ("lost", (4,)) in [(p.kind, p.operations) for p in found(shown, done(4, edit))]


def test_an_element_that_came_back_names_who_discarded_it() -> None:
    writes = [done(0, add("tags", "a", "b")), done(1, discard("tags", "a"), seen=[0])]
    problem = only({"tags": {"a", "b"}}, *writes)
    assert (problem.kind, problem.operations) == ("wrong", (1,))
    assert "tags: 'a' came back" in problem.message


def test_a_removed_attribute_that_is_still_there_is_wrong() -> None:
    writes = [done(0, assign("name", "Ada")), done(1, remove("name"), seen=[0])]
    problem = only({"name": "Ada"}, *writes)
    assert (problem.kind, problem.operations) == ("wrong", (1,))


def test_an_item_that_is_gone_names_the_writes_that_keep_it() -> None:
    writes = [done(0, assign("name", "Ada")), done(1, DELETE, seen=[0]), done(2, add("tags", "a"))]
    problem = only(None, *writes)
    assert (problem.kind, problem.operations) == ("lost", (2,))


def test_an_item_that_is_still_there_names_who_deleted_it() -> None:
    writes = [done(0, assign("name", "Ada")), done(1, DELETE, seen=[0])]
    problem = only({"name": "Ada"}, *writes)
    assert (problem.kind, problem.operations) == ("wrong", (1,))


def test_delete_wins_over_an_update_that_it_did_not_see_where_the_schema_says_so() -> None:
    writes = [done(0, assign("name", "Ada")), done(1, DELETE, seen=[0]), done(2, add("tags", "a"))]
    assert list(differences("p1", History(DELETE_WINS, writes), None)) == []
