"""set_aw: adding wins over concurrent discarding."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.crdt.elements import ranges, spans
from reconciler.item.image import merge, read
from tests.builders import Replica, add, as_stream, assign, discard, remove


def tags(image: Any) -> Any:
    plain = read(image)
    assert plain is not None
    return plain.get("tags")


def forks(*elements: Any) -> tuple[Replica, Replica]:
    base = Replica("apse1").write(add("tags", *elements), at=1_000)
    return Replica("use1", base), Replica("euw1", base)


@pytest.mark.parametrize("elements", [("a", "b"), (1, 20), (b"a", b"\xff")])
def test_an_addition_wins_over_a_concurrent_discard(elements: tuple[Any, Any]) -> None:
    ours, theirs = forks(*elements)
    added = ours.write(add("tags", elements[0]), at=2_000)
    discarded = theirs.write(discard("tags", *elements), at=9_000)
    assert tags(merge(as_stream(added), discarded)) == {elements[0]}


def test_a_discard_takes_away_the_additions_it_saw() -> None:
    ours, theirs = forks("a", "b")
    merged = merge(ours.write(discard("tags", "a")), theirs.write(add("tags", "c")))
    assert tags(merged) == {"b", "c"}


def test_assigning_adds_what_is_missing_and_discards_the_rest() -> None:
    ours, theirs = forks("a", "b")
    merged = merge(ours.write(assign("tags", {"b", "c"})), theirs.write(add("tags", "d")))
    assert tags(merged) == {"b", "c", "d"}


def test_removing_the_set_keeps_what_was_added_concurrently() -> None:
    ours, theirs = forks("a", "b")
    merged = merge(ours.write(remove("tags")), theirs.write(add("tags", "c")))
    assert tags(merged) == {"c"}


def test_an_emptied_set_is_no_attribute_and_can_be_filled_again() -> None:
    ours, _ = forks("a")
    assert tags(ours.write(discard("tags", "a"), at=2_000)) is None
    assert tags(ours.write(add("tags", 7), at=2_001)) == {7}


@given(positions=st.sets(st.integers(0, 60), min_size=1).map(sorted))
def test_positions_survive_as_ranges(positions: list[int]) -> None:
    text = ranges(positions)
    assert [place for low, high in spans(text) for place in range(low, high)] == positions


def test_runs_are_written_as_ranges() -> None:
    assert ranges([0, 1, 2, 5, 7, 8]) == "0-2,5,7-8"
