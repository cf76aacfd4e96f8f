"""In which order the oracle puts assignments of a register_lww, and what a decision writes."""

from dataclasses import replace
from typing import Any

from reconciler.causality.hlc import EPOCH_WIDTH, Hlc
from reconciler.crdt.base import Edit
from reconciler.item.image import DELETE
from reconciler.simulation.judge.oracle import History
from reconciler.simulation.plan.plan import DECIDE
from reconciler.simulation.world.history import Done
from tests.builders import DELETE_WINS, SCHEMA, assign
from tests.simulation.histories import done


def name(*writes: Done) -> Any:
    value = History(SCHEMA, writes).value()
    assert value is not None
    return value["name"]


def dot(replica: str, wall_ms: int, logical: int = 0) -> str:
    return f"{replica}.{'0' * EPOCH_WIDTH}{Hlc.of(wall_ms, logical)}"


def test_the_later_wall_clock_wins() -> None:
    assert name(done(0, assign("name", "a"), wall=9), done(1, assign("name", "b"), wall=8)) == "a"


def test_a_write_is_later_than_all_it_saw_though_its_clock_is_behind() -> None:
    first = done(0, assign("name", "a"), wall=9)
    second = done(1, assign("name", "b"), wall=3, seen=[0])
    rival = done(2, assign("name", "c"), wall=9)
    assert name(first, second) == "b"
    assert name(first, second, rival) == "b"  # one tick beyond 9


def test_of_equal_stamps_the_greater_region_wins_then_the_greater_value() -> None:
    one = done(0, assign("name", "z"), region="eu-west-1", wall=9)
    other = done(1, assign("name", "a"), region="us-east-1", wall=9)
    assert name(one, other) == "a"
    assert name(one, done(2, assign("name", "y"), region="eu-west-1", wall=9)) == "z"


def test_dots_decide_where_the_schedule_names_them_all() -> None:
    # The clock of the first writer had seen a later stamp on another item.
    first = done(0, assign("name", "a"), wall=3, dot=dot("use1", 9))
    second = done(1, assign("name", "b"), wall=8, dot=dot("euw1", 8))
    assert name(first, second) == "a"
    assert name(first, done(1, assign("name", "b"), wall=8)) == "b"


def test_a_named_write_that_brings_an_item_back_ranks_once_above_what_was_there() -> None:
    # Two names that saw the first one are both a tick beyond it; one of them revives the item.
    first = done(0, assign("name", "a"), wall=9, dot=dot("apse1~", 9))
    gone = done(1, DELETE, seen=[0], wall=10, dot=dot("apse1", 10))
    back = done(2, assign("name", "b"), seen=[0, 1], wall=5, dot=dot("apse1~", 5))
    rival = done(3, assign("name", "c"), seen=[0], wall=4, dot=dot("euw1~", 4))
    assert name(first, gone, back, rival) == "c"


def test_what_a_write_did_last_to_an_attribute_counts() -> None:
    assert name(done(0, assign("name", "z"), assign("name", "a"))) == "a"


def test_a_decision_is_later_than_all_it_saw_unless_it_gives_what_stands() -> None:
    decided = Edit(("name",), DECIDE, {"S": "a"})
    first, rival = done(0, assign("name", "a"), wall=2), done(1, assign("name", "b"), wall=5)
    late = done(2, decided, seen=[0], wall=9)
    assert name(first, rival, late) == "b"
    assert name(first, rival, done(2, decided, seen=[0, 1], wall=9)) == "a"


def test_a_keyed_delete_that_finds_no_item_deletes_none_that_another_region_creates() -> None:
    made, gone = done(0, assign("name", "a")), done(1, DELETE, region="eu-west-1")
    keyed = replace(gone, operation=replace(gone.operation, once="key 1"))

    assert History(DELETE_WINS, [made, keyed]).value() == {"name": "a"}
    assert History(DELETE_WINS, [made, gone]).value() is None
    assert History(DELETE_WINS, [made, replace(keyed, seen=frozenset({0}))]).value() is None
