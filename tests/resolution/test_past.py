"""Which losses the rows of an item keep out of it: those of another life, and unexplained ones."""

from dataclasses import replace
from typing import Any

import pytest

from reconciler.causality.hlc import Hlc
from reconciler.conflict.classification import classify
from reconciler.conflict.row import Row, State
from reconciler.conflict.verdict import Finding
from reconciler.errors import HistoryUnknown, ItemRecreated
from reconciler.item.filing import file, filed_image
from reconciler.item.image import merge, read
from reconciler.item.metadata import METADATA, context_of, encode
from reconciler.resolution.past import (
    check_history,
    check_lives,
    image_taken,
    overwrites,
    removals,
    without_replaced,
)
from reconciler.values.wire import Image
from tests.builders import Replica, as_stream, assign, increment, written
from tests.conflicts import judged, loss

FIRST = written(increment("balance", 7), replica="use1")
SECOND = written(increment("balance", 8), replica="euw1")
ANEW = written(increment("balance", 9), replica="apse1", at=9_000)


def row(lost: Image, winner: Image | None, **changed: Any) -> Row:
    """Return the row of what a detector saw."""
    verdict = classify(as_stream(lost), as_stream(winner) if winner else None, replica="use1")
    state = State.ACCEPTED if winner is None else State.OPEN
    told = judged(verdict) | {"lost_watermarks": dict(verdict.lost_watermarks)}
    return loss(lost, winner, state, **{**told, **changed})


def test_a_loss_whose_winner_vanished_without_a_row_is_of_unknown_history() -> None:
    found = [row(FIRST, SECOND)]
    with pytest.raises(HistoryUnknown, match="no row says what happened"):
        check_history(ANEW, [(FIRST, SECOND)], lambda: found)
    found.append(row(SECOND, ANEW))
    check_history(ANEW, [(FIRST, SECOND)], lambda: found)


def test_of_an_item_before_the_library_or_without_a_winner_no_history_is_asked() -> None:
    plain: Image = {"id": {"S": "p1"}}

    def rows() -> list[Row]:
        raise AssertionError

    check_history(ANEW, [(FIRST, plain), (FIRST, None), (plain, SECOND)], rows)
    check_history(plain, [(FIRST, SECOND)], rows)


def test_a_hard_delete_that_stands_explains_nothing_and_one_that_is_taken_back_does() -> None:
    removed = row(SECOND, None)
    with pytest.raises(HistoryUnknown):
        check_history(ANEW, [(FIRST, SECOND)], lambda: [removed])
    assert overwrites([removed]) == []
    check_history(ANEW, [(FIRST, SECOND)], lambda: [row(SECOND, None, restore=True)])
    assert removals([row(SECOND, None, restore=True)]) == []


def test_a_row_whose_images_are_elsewhere_or_unreadable_tells_nothing() -> None:
    elsewhere = row(SECOND, ANEW).kept_at("s3://evidence/c1")
    broken = loss(SECOND, {**ANEW, METADATA: {"M": {}}}, State.OPEN)
    for each in (elsewhere, broken):
        assert overwrites([each]) == []


def test_the_hard_delete_of_an_item_that_was_folded_whole_keeps_old_losses_out() -> None:
    """Nothing but watermarks was left in its context."""
    (lineage,) = context_of(SECOND).heads
    taken: Any = {"lost_dots": (), "lost_watermarks": {lineage.replica: lineage.epoch}}
    removed = loss(
        SECOND, None, State.ACCEPTED, finding=Finding.REMOVED, lost_at_ms="5000", **taken
    )
    with pytest.raises(ItemRecreated):
        check_lives(ANEW, [FIRST], lambda: [removed], 2_000)


def test_a_put_took_what_a_plain_loss_rests_on_in_its_own_region_and_before_it_alone() -> None:
    plain: Image = {"id": {"S": "p1"}}
    later = merge(FIRST, SECOND)
    puts = [
        row(FIRST, plain, region="eu-west-1", lost_at_ms="2000"),
        row(later, plain, region="eu-west-1", lost_at_ms="4000"),
        row(SECOND, plain, region="us-east-1", lost_at_ms="3000"),
    ]

    def taken(*record: Any) -> Image | None:
        return image_taken(later, lambda: puts, record or None)

    assert taken("eu-west-1", 3_500) == FIRST
    assert taken("eu-west-1", 4_000) == later
    assert taken("us-east-1", 9_000) == SECOND
    assert taken("eu-west-1", 1_999) is taken("ap-southeast-1", 9_000) is taken() is None
    assert image_taken(ANEW, lambda: puts, ("eu-west-1", 9_000)) is None


def test_a_raw_value_is_no_part_of_a_loss_to_what_the_library_wrote_at_its_place() -> None:
    """Ranked by when its loss was found, it stood over what was written there since."""
    base = written(assign("name", "Ada"), assign("email", "first"), increment("balance", 1))
    lost = as_stream({**base, "name": {"S": "raw"}, "email": {"S": "raw"}})
    filed = filed_image(lost, Hlc.of(9_000))
    winner = Replica("euw1", base).write(assign("name", "Lib"), at=2_000)
    folded = encode(replace(file(winner), tip=None))  # nothing tells when it was made

    for after in (winner, folded):
        left = without_replaced(filed, lost, after)
        merged = read(merge(left, after)) or {}
        assert (merged["name"], merged["email"]) == ("Lib", "raw")
    assert without_replaced(filed, lost, base) == filed
    assert without_replaced(filed, lost, None) == filed
    plain = {name: wire for name, wire in base.items() if name != METADATA}
    assert without_replaced(filed, lost, plain) == filed


def test_nor_is_one_that_was_replaced_on_its_version_and_then_replaced_again() -> None:
    base = written(assign("name", "Ada"), increment("balance", 1))
    lost = as_stream({**base, "name": {"S": "first"}, "email": {"S": "raw"}})
    second = {**base, "name": {"S": "second"}}
    then = Replica("euw1", second).write(increment("balance", 1), at=2_000)
    winner = as_stream({**then, "name": {"S": "third"}})

    left = without_replaced(filed_image(lost, Hlc.of(9_000)), lost, winner)

    merged = read(merge(left, filed_image(winner, Hlc.of(8_000)))) or {}
    assert (merged["name"], merged["email"]) == ("third", "raw")
