"""A decision leaves nothing of a loss behind, whatever the loss holds that cannot be merged."""

from itertools import count
from random import Random
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from reconciler.client.table import ReplicatedTable
from reconciler.crdt.base import join_states
from reconciler.errors import InvalidInput
from reconciler.feed.beside import image_beside
from reconciler.feed.carrying_out import carry_out, rehearse
from reconciler.feed.case import open_case
from reconciler.feed.decision import Choice
from reconciler.item.image import read
from reconciler.item.metadata import context_of, decode
from reconciler.item.schema import Schema
from reconciler.values.wire import Image
from tests.builders import TYPES, Replica, assign, clock, increment, surroundings, written
from tests.conflict.test_folding import LATER, fold_of, in_turn
from tests.conflicts import loss
from tests.fakes import FakeEvidence, FakeItems, FakeLedger
from tests.strategies import ANY
from tests.world import played, steps

OTHER = Schema.of(table="parties", key=["id"], attributes={**TYPES, "status": "counter_pn"})


def decided(lost: Image, winner: Image, decision: dict[str, Choice]) -> Image:
    """Return the item after a decision; InvalidInput if it is refused, with nothing written."""
    items, nonces = FakeItems(), count(1_000)
    items.place(winner)
    case = open_case(loss(lost, winner), items, FakeEvidence(), FakeLedger())

    def open_table(schema: Schema) -> ReplicatedTable:
        return ReplicatedTable(
            schema,
            items,
            replica=lambda: "use1",
            clock=clock(9_000, nonces),
            surroundings=surroundings(lambda _: None, Random(7).random),
        )

    rehearse(case, decision, "use1", 9_000)
    carry_out(case, decision, items, open_table)
    (image,) = items.items.values()
    return image


@given(schedule=steps(ANY), data=st.data())
def test_everything_of_a_loss_is_in_the_item_afterwards_or_was_decided(
    schedule: list[Any], data: st.DataObject
) -> None:
    images = st.sampled_from([None, *(each.image for each in played(schedule).versions)])
    lost = Replica("use1", data.draw(images)).write(assign("status", 5), at=10, schema=OTHER)
    winner = Replica("euw1", data.draw(images)).write(assign("status", "new"), at=11)
    sides = st.sampled_from([Choice(take="lost"), Choice(take="current")])
    known = st.sampled_from(
        sorted((read(lost) or {}).keys() | (read(winner) or {}).keys() - {"id"})
    )
    decision = data.draw(st.dictionaries(known, sides)) | {"status": data.draw(sides)}
    decision.pop("id", None)
    try:
        after = decided(lost, winner, decision)
    except InvalidInput as problem:
        event("refused")
        if "cannot be taken as it is" not in str(problem):
            raise
        return
    event("decided")
    assert context_of(lost).within(context_of(after))
    mine, theirs = decode(lost)[0], decode(winner)[0]
    plain = read(after) or {}
    states = decode(after)[0].attributes
    for name in {*mine.attributes, *theirs.attributes} - decision.keys():
        pair = (mine.attributes.get(name), theirs.attributes.get(name))
        joined = join_states(*pair, mine.context, theirs.context, (name,))
        assert states[name].visible() == joined.visible()
    for name, choice in decision.items():
        image = read(lost if choice.take == "lost" else winner) or {}
        assert plain.get(name) == image.get(name)


def test_a_decision_that_leaves_out_what_cannot_be_merged_writes_nothing() -> None:
    lost = Replica("use1").write(assign("status", 5), increment("balance", 7), schema=OTHER)
    winner = written(assign("status", "new"), replica="euw1")
    with pytest.raises(InvalidInput, match=r"^status: must be decided, too"):
        decided(lost, winner, {"balance": Choice(take="lost")})


def test_a_counter_is_not_left_out_of_a_loss_whose_fold_the_item_does_not_have() -> None:
    before = in_turn(20)
    lost = Replica("use1", fold_of(before)).write(assign("status", 5), at=LATER, schema=OTHER)
    winner = Replica("euw1", before).write(assign("status", "new"), at=LATER)
    assert context_of(lost).lost_watermarks(context_of(winner))
    with pytest.raises(InvalidInput, match="fold"):
        image_beside(winner, lost, ["status"])
    untouched = Replica("euw1", before).write(assign("name", "Eve"), at=LATER)
    assert (read(image_beside(untouched, lost, ["name"])) or {})["status"] == 5
