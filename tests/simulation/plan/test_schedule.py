"""Operations written down one by one, of the library's clients and of others."""

import pytest

from reconciler.errors import InvalidInput
from reconciler.simulation.plan.drawing import DEFAULT_SCHEMA
from reconciler.simulation.plan.raw import SAVE, UPDATE, append
from reconciler.simulation.plan.schedule import Schedule
from tests.builders import assign

EAST = "us-east-1"


def test_raw_calls_and_edits_are_numbered_in_the_order_they_are_written_down() -> None:
    schedule = Schedule(DEFAULT_SCHEMA)
    schedule.raw("p1", assign("name", "Raw"), append("log", 1), region=EAST, at_ms=5)
    with schedule.edit("p1", region=EAST, at_ms=90, read_at_ms=10) as party:
        party["name"] = "Ada"
    schedule.raw("p1", region=EAST, at_ms=70, call=SAVE, read_at_ms=6)

    first, second, third = schedule.operations
    assert [first.number, second.number, third.number] == [0, 1, 2]
    assert (first.raw, second.raw, third.raw) == (UPDATE, "", SAVE)
    assert [each.begins_at_ms() for each in schedule.operations] == [5, 10, 70]
    assert third.edits == ()


@pytest.mark.parametrize(("call", "named"), [("upsert", "upsert"), (UPDATE, "edits nothing")])
def test_a_call_that_no_client_could_make_is_refused(call: str, named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        Schedule(DEFAULT_SCHEMA).raw("p1", region=EAST, at_ms=5, call=call)
