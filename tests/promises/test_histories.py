"""After every loss is merged back, each attribute is what its history says: none lost or doubled.

Convergence proves nothing here (every broken scheme converges). These tests
keep the history outside the item and compare with a second implementation, the oracle.
"""

from functools import reduce
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.item.image import merge, read
from reconciler.item.metadata import context_of
from reconciler.item.schema import Schema
from reconciler.simulation.judge.oracle import History
from reconciler.values.wire import to_json
from tests.builders import DELETE_WINS, KEY, SCHEMA, increment
from tests.strategies import ANY, BY_TYPE, with_deletes
from tests.world import World, played, steps


def assert_as_history_says(world: World) -> None:
    if not world.current:
        return
    settled = world.settled()
    expected = History(world.schema, world.writes).value()
    assert read(settled) == (None if expected is None else KEY | expected)
    seen = frozenset().union(*(version.seen for version in world.survivors()))
    assert seen == {write.operation.number for write in world.writes}


@pytest.mark.parametrize("kind", sorted(BY_TYPE))
@pytest.mark.parametrize("schema", [SCHEMA, DELETE_WINS], ids=["update_wins", "delete_wins"])
@given(data=st.data())
def test_an_attribute_of_any_type_is_what_its_history_says(
    kind: str, schema: Schema, data: st.DataObject
) -> None:
    schedule = data.draw(steps(with_deletes(BY_TYPE[kind])))
    assert_as_history_says(played(schedule, schema))


@pytest.mark.parametrize("kind", sorted(BY_TYPE))
@given(data=st.data())
def test_an_attribute_of_any_type_without_deletes_is_what_its_history_says(
    kind: str, data: st.DataObject
) -> None:
    assert_as_history_says(played(data.draw(steps(BY_TYPE[kind], length=24))))


@given(schedule=steps(ANY), schema=st.sampled_from([SCHEMA, DELETE_WINS]))
def test_attributes_written_together_are_what_their_history_says(
    schedule: list[Any], schema: Schema
) -> None:
    assert_as_history_says(played(schedule, schema))


@settings(max_examples=2 * settings().max_examples)
@given(schedule=steps(st.just(increment("balance")), length=60))
def test_every_increment_counts_exactly_once(schedule: list[Any]) -> None:
    # The n-th write adds 10**n, so a digit names the write that was lost (0) or doubled (2).
    numbered: list[Any] = []
    for step in schedule:
        count = sum(each[0] == "write" for each in numbered)
        if step[0] == "write" and count == 38:  # all the digits that a number holds
            break
        amount = 10**count
        numbered.append((*step[:3], [increment("balance", amount)]) if step[0] == "write" else step)
    world = played(numbered)
    if world.current:
        plain = read(world.settled())
        assert plain is not None
        assert str(plain["balance"]) == "1" * len(world.writes)


@given(schedule=steps(ANY))
def test_the_final_image_covers_every_write_and_does_not_depend_on_the_order_of_repair(
    schedule: list[Any],
) -> None:
    world = played(schedule)
    images = [version.image for version in world.survivors()]
    if images:
        one = reduce(merge, images, images[0])
        other = reduce(merge, reversed(images), images[-1])
        assert to_json(one) == to_json(other)
        assert all(context_of(image).within(context_of(one)) for image in images)
