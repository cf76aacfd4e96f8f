"""set_rw: discarding wins over concurrent adding."""

from typing import Any

from reconciler.item.image import merge, read
from tests.builders import Replica, add, as_stream, assign, discard, remove, written


def blocked(image: Any) -> Any:
    plain = read(image)
    assert plain is not None
    return plain.get("blocked")


def forks(*elements: Any) -> tuple[Replica, Replica]:
    base = Replica("apse1").write(assign("name", "x"), add("blocked", *elements), at=1_000)
    return Replica("use1", base), Replica("euw1", base)


def test_a_discard_wins_over_a_concurrent_addition() -> None:
    ours, theirs = forks("a", "b")
    added = ours.write(add("blocked", "a", "c"), at=9_000)
    discarded = theirs.write(discard("blocked", "a"), at=2_000)
    assert blocked(merge(as_stream(added), discarded)) == {"b", "c"}


def test_a_discard_of_what_is_not_there_yet_defeats_a_concurrent_addition() -> None:
    ours, theirs = forks("a")
    merged = merge(ours.write(add("blocked", "z")), theirs.write(discard("blocked", "z")))
    assert blocked(merged) == {"a"}


def test_an_addition_that_saw_the_discard_brings_the_element_back() -> None:
    ours, _ = forks("a", "b")
    ours.write(discard("blocked", "a"), at=2_000)
    assert blocked(ours.write(add("blocked", "a"), at=3_000)) == {"a", "b"}


def test_a_set_of_which_everything_was_discarded_is_no_attribute() -> None:
    ours, _ = forks("a")
    assert blocked(ours.write(discard("blocked", "a"))) is None


def test_assigning_discards_the_members_that_are_not_given() -> None:
    ours, theirs = forks("a", "b")
    merged = merge(ours.write(assign("blocked", {"b"})), theirs.write(add("blocked", "a")))
    assert blocked(merged) == {"b"}


def test_removing_the_set_forgets_the_discards_it_saw() -> None:
    ours, theirs = forks("a")
    ours.write(discard("blocked", "z"), at=2_000)
    ours.write(remove("blocked"), at=3_000)
    assert blocked(merge(ours.image or {}, theirs.write(add("blocked", "z")))) == {"z"}


def test_a_set_that_shows_nothing_takes_any_kind() -> None:
    ours = Replica("use1", written(assign("blocked", {"a"})))
    ours.write(discard("blocked", "a"), at=2_000)
    assert (read(ours.write(add("blocked", 1), at=3_000)) or {})["blocked"] == {1}
