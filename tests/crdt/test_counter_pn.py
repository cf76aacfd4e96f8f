"""counter_pn: concurrent amounts add up, once each, exactly."""

from decimal import Decimal
from typing import Any

import pytest

from reconciler.errors import InvalidInput
from reconciler.item.image import DELETE, merge, read
from tests.builders import Replica, assign, increment, remove, written


def balance(image: Any) -> Any:
    plain = read(image)
    assert plain is not None
    return plain.get("balance")


def forks(*edits: Any) -> tuple[Replica, Replica]:
    base = Replica("apse1").write(assign("name", "Ada"), *edits, at=1_000)
    return Replica("use1", base), Replica("euw1", base)


def test_concurrent_increments_and_decrements_add_up() -> None:
    ours, theirs = forks(assign("balance", 10))
    merged = merge(ours.write(increment("balance", 5)), theirs.write(increment("balance", -8)))
    assert balance(merged) == 7


def test_concurrent_assignments_of_one_counter_add_their_differences() -> None:
    ours, theirs = forks(assign("balance", 10))
    merged = merge(ours.write(assign("balance", 15)), theirs.write(assign("balance", 17)))
    assert balance(merged) == 22


def test_removing_takes_away_what_was_seen_and_keeps_what_was_not() -> None:
    ours, theirs = forks(assign("balance", 10))
    removed = ours.write(remove("balance"), at=2_000)
    assert balance(removed) is None
    assert balance(merge(removed, theirs.write(increment("balance", 3)))) == 3


def test_counting_on_after_a_removal_starts_from_zero_in_every_lineage() -> None:
    ours, theirs = forks(assign("balance", 10))
    ours.write(increment("balance", 1), at=2_000)
    ours.write(remove("balance"), at=2_001)
    again = ours.write(increment("balance", 4), at=2_002)
    assert balance(again) == 4
    assert balance(merge(again, theirs.write(increment("balance", 100)))) == 104


def test_a_counter_at_zero_is_visible() -> None:
    assert balance(written(increment("balance", 0))) == 0


def test_many_digits_are_exact() -> None:
    tiny, huge = Decimal("1E-30"), Decimal("1E+30")
    ours, theirs = forks()
    a, b = ours.write(increment("balance", huge)), theirs.write(increment("balance", tiny))
    back = Replica("use1", merge(a, b)).write(increment("balance", -huge), at=9_000)
    assert balance(back) == tiny


def test_removing_a_counter_of_38_digits_leaves_nothing_behind() -> None:
    # Negating a Decimal rounds it to 28 digits: what was left came back with the next increment.
    ours, theirs = forks(increment("balance", 10**37 + 1))
    for clear in (remove("balance"), DELETE):
        cleared = Replica("use1", ours.image)
        cleared.write(clear, at=2_000)
        assert balance(cleared.write(increment("balance", 4), at=3_000)) == 4
    assert balance(merge(ours.write(remove("balance")), theirs.write(increment("balance")))) == 1


def test_a_sum_beyond_38_digits_is_shown_rounded_and_still_merges() -> None:
    ours, theirs = forks()
    big = Decimal("9E+125")
    merged = merge(ours.write(increment("balance", -big)), theirs.write(increment("balance", -big)))
    assert balance(merged) < -big
    assert merge(merged, merged) == merged


def test_an_amount_that_would_round_is_refused() -> None:
    ours, _ = forks(increment("balance", 1))
    ours.write(increment("balance", Decimal("1E+30")))
    with pytest.raises(InvalidInput, match="balance: the counter's slot has 41 significant digits"):
        ours.write(increment("balance", Decimal("1E-10")))


def test_text_is_no_amount() -> None:
    with pytest.raises(InvalidInput, match="balance: a counter_pn takes a number"):
        written(increment("balance", "5"))
