"""What became of a lost write, attribute by attribute."""

from typing import Any

import pytest

from reconciler.crdt.base import Edit
from reconciler.item.image import DELETE, merge, read
from reconciler.resolution.words import JOINED, KEPT, OVERRIDDEN, merge_words
from reconciler.values.wire import Image
from tests.builders import Replica, add, assign, increment, remove, written

BASE = written(assign("name", "old"), increment("balance", 10), add("tags", "a"))


def both(mine: tuple[Edit, ...], theirs: tuple[Edit, ...], later: str = "euw1") -> Any:
    """Return the word of each attribute after two regions wrote on one base; ours was lost."""
    at = {"use1": 2_000, "euw1": 3_000} if later == "euw1" else {"use1": 3_000, "euw1": 2_000}
    lost = Replica("use1", BASE).write(*mine, at=at["use1"])
    winner = Replica("euw1", BASE).write(*theirs, at=at["euw1"])
    return merge_words(lost, winner, merge(winner, lost))


def test_a_lost_value_that_nobody_else_wrote_is_kept() -> None:
    assert both((assign("name", "Ada"),), (assign("notes", "n"),)) == {"name": KEPT}


def test_of_two_values_one_stands() -> None:
    assert both((assign("name", "Ada"),), (assign("name", "Eve"),)) == {"name": OVERRIDDEN}
    assert both((assign("name", "Ada"),), (assign("name", "Eve"),), later="use1") == {"name": KEPT}


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        (increment("balance", 1), increment("balance", 2)),
        (add("tags", "b"), add("tags", "c")),
        (assign("notes", "x"), assign("notes", "y")),
    ],
)
def test_what_holds_both_is_joined(mine: Edit, theirs: Edit) -> None:
    assert set(both((mine,), (theirs,)).values()) == {JOINED}


def test_a_set_that_shows_the_lost_elements_already_is_joined_not_overridden() -> None:
    lost = Replica("use1", BASE).write(add("tags", "b"), at=2_000)
    more = Replica("euw1", merge(BASE, lost)).write(add("tags", "c"), at=3_000)
    assert merge_words(lost, more, more) == {}
    behind = Replica("euw1", BASE).write(add("tags", "b", "c"), at=3_000)
    assert merge_words(lost, behind, merge(lost, behind)) == {"tags": JOINED}


def test_a_removal_and_a_deletion_have_words_too() -> None:
    assert both((remove("name"),), (assign("notes", "n"),)) == {"name": KEPT}
    assert both((assign("name", "Ada"),), (DELETE,)) == {"name": KEPT}


def test_attributes_in_which_the_two_agreed_are_not_named() -> None:
    assert both((assign("name", "Ada"),), (assign("name", "Ada"),)) == {}


def test_what_a_put_around_the_library_left_is_compared_as_it_is() -> None:
    raw: Image = {"id": {"S": "p1"}, "name": {"S": "raw"}}
    lost = Replica("use1", BASE).write(assign("name", "Ada"), at=2_000)
    merged = merge(raw, lost)
    shown = read(merged) or {}
    assert merge_words(lost, raw, merged)["name"] == (
        KEPT if shown["name"] == "Ada" else OVERRIDDEN
    )
