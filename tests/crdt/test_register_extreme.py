"""register_max and register_min: the greatest and the least value assigned."""

from decimal import Decimal
from typing import Any

import pytest

from reconciler.errors import InvalidInput
from reconciler.item.image import merge, read
from tests.builders import KEY, Replica, assign, remove, written


@pytest.mark.parametrize(
    ("one", "other", "low", "high"),
    [
        (9, 10, 9, 10),
        (Decimal("-1.5"), -2, -2, Decimal("-1.5")),
        ("2026-01-01", "2025-12-31", "2025-12-31", "2026-01-01"),
        (10**30, "1", 10**30, "1"),
        ("z", "é", "z", "é"),
    ],
)
def test_concurrent_values_leave_the_extreme_one(one: Any, other: Any, low: Any, high: Any) -> None:
    ours = Replica("use1").write(assign("low", one), assign("high", one))
    theirs = Replica("euw1").write(assign("low", other), assign("high", other))
    assert read(merge(ours, theirs)) == KEY | {"low": low, "high": high}


def test_assigning_what_is_not_beyond_changes_nothing_readers_see() -> None:
    replica = Replica("use1", written(assign("high", 5), assign("low", 5)))
    assert read(replica.write(assign("high", 4), assign("low", 6))) == KEY | {"high": 5, "low": 5}


def test_removing_forgets_the_values_seen_and_not_concurrent_ones() -> None:
    base = written(assign("high", 10))
    removed = Replica("use1", base).write(remove("high"), at=2_000)
    assert read(removed) == KEY
    assert read(Replica("use1", removed).write(assign("high", 1), at=3_000)) == KEY | {"high": 1}
    assigned = Replica("euw1", base).write(assign("high", 20), at=1_500)
    assert read(merge(removed, assigned)) == KEY | {"high": 20}


def test_an_assignment_asserts_again_the_greatest_value_its_writer_saw() -> None:
    base = written(assign("high", 10))
    removed = Replica("use1", base).write(remove("high"), at=2_000)
    assigned = Replica("euw1", base).write(assign("high", 5), at=2_000)
    assert read(merge(removed, assigned)) == KEY | {"high": 10}


def test_only_numbers_and_strings_have_an_order() -> None:
    with pytest.raises(InvalidInput, match="high: a register_max holds numbers or strings"):
        written(assign("high", [1]))
