"""Types whose value the history alone does not give: what readers may see, and what is a loss."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.item.image import read
from reconciler.item.schema import Schema
from reconciler.simulation import simulate
from reconciler.simulation.judge.differences import differences
from reconciler.simulation.judge.oracle import History
from reconciler.simulation.judge.problem import Problem
from reconciler.simulation.world.history import Done
from tests.builders import assign, remove
from tests.crdt.deciding import BY_TYPE, DECIDING, DELETE_WINS, SCHEMA
from tests.simulation.histories import done
from tests.strategies import with_deletes
from tests.world import played, steps


def found(shown: dict[str, Any], *writes: Done) -> list[Problem]:
    return list(differences("p1", History(SCHEMA, writes), shown))


DISPUTE = [done(0, assign("owner", "a")), done(1, assign("owner", "b"))]
ASKED = [done(0, assign("colour", "a")), done(1, assign("colour", "b"))]


@pytest.mark.parametrize("shown", ["a", "b"])
def test_a_manual_in_dispute_may_show_each_of_its_values(shown: str) -> None:
    assert found({"owner": shown}, *DISPUTE) == []


@pytest.mark.parametrize("shown", [{"owner": "c"}, {}])
def test_a_manual_that_shows_none_of_its_values_lost_them(shown: dict[str, Any]) -> None:
    (problem,) = found(shown, *DISPUTE)
    assert (problem.kind, problem.operations) == ("lost", (0, 1))
    assert "owner must show one of 'a', 'b'" in problem.message


def test_a_removal_in_dispute_may_show() -> None:
    writes = [done(0, assign("owner", "a")), done(1, remove("owner"))]
    assert found({}, *writes) == found({"owner": "a"}, *writes) == []
    assert [each.kind for each in found({"owner": "b"}, *writes)] == ["lost"]


def test_a_decision_is_the_only_value() -> None:
    decided = [*DISPUTE, done(2, assign("owner", "a"), seen=[0, 1])]
    assert found({"owner": "a"}, *decided) == []
    assert [each.operations for each in found({"owner": "b"}, *decided)] == [(2,)]


def test_a_custom_of_several_values_shows_what_its_function_answers() -> None:
    assert found({"colour": ["anything"]}, *ASKED) == []
    (problem,) = found({}, *ASKED)
    assert "colour must show what the function answers" in problem.message


def test_a_custom_of_one_value_shows_it() -> None:
    assert found({"colour": "a"}, ASKED[0]) == []
    assert [each.kind for each in found({"colour": "b"}, ASKED[0])] == ["lost"]


@pytest.mark.parametrize("kind", sorted(BY_TYPE))
@pytest.mark.parametrize("schema", [SCHEMA, DELETE_WINS], ids=["update_wins", "delete_wins"])
@given(data=st.data())
def test_what_is_merged_is_what_the_history_allows(
    kind: str, schema: Schema, data: st.DataObject
) -> None:
    world = played(data.draw(steps(with_deletes(BY_TYPE[kind]))), schema)
    if world.current:
        shown = read(world.settled())
        plain = None if shown is None else {n: v for n, v in shown.items() if n != "id"}
        assert list(differences("p1", History(schema, world.writes), plain)) == []


def test_a_schema_with_decisions_can_be_simulated() -> None:
    schema = Schema.of(table="parties", key=["id"], attributes=DECIDING)
    totals = simulate(schema, seeds=20, operations=30, workers=1)
    assert totals.conflicts > 50
    assert not totals.problems, totals.story()
