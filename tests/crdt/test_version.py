"""version: a merge shows a number that no writer holds."""

from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from reconciler.errors import InvalidInput
from reconciler.item.image import merge, read
from reconciler.item.schema import Schema
from reconciler.values.wire import Image, to_json
from tests.builders import KEY, Replica, assign, remove

SCHEMA = Schema.of(table="parties", key=["id"], attributes={"version": "version"})
BASE = Replica("use1").write(assign("version", 1), schema=SCHEMA)


def saved(replica: str, version: Any, on: Image = BASE, at: int = 2_000) -> Image:
    return Replica(replica, on).write(assign("version", version), at=at, schema=SCHEMA)


def version(image: Image) -> Any:
    return (read(image) or {}).get("version")


def test_one_writer_s_number_is_shown_as_it_was_assigned() -> None:
    assert version(BASE) == 1
    assert version(saved("use1", 2)) == 2


def test_after_two_regions_went_from_one_to_two_neither_s_check_passes() -> None:
    """Both held version 2; the merge showed 2, and the next save wiped the other's write."""
    assert version(merge(saved("use1", 2), saved("euw1", 2))) == 3


@pytest.mark.parametrize(("numbers", "shown"), [((2, 2, 2), 4), ((3, 2, 2), 5), ((2, 9, 3), 11)])
def test_each_more_write_that_met_is_one_number_more(numbers: Any, shown: int) -> None:
    sides = [saved(name, n) for name, n in zip(("use1", "euw1", "apse1"), numbers, strict=True)]
    merges = {to_json(merge(merge(a, b), c)) for a, b, c in permutations(sides)}
    assert len(merges) == 1
    assert version(merge(merge(sides[0], sides[1]), sides[2])) == shown


def test_the_next_save_starts_from_what_the_merge_showed() -> None:
    merged = merge(saved("use1", 2), saved("euw1", 2))
    assert version(saved("use1", 4, merged, at=3_000)) == 4


def test_removing_it_is_a_remove_that_leaves_what_it_did_not_see() -> None:
    removed = Replica("use1", BASE).write(remove("version"), at=2_000, schema=SCHEMA)
    assert read(removed) == KEY
    assert version(merge(removed, saved("euw1", 2))) == 2


@pytest.mark.parametrize("value", ["2", Decimal("1.5"), None, 10**35, [1]])
def test_only_a_whole_number_with_room_above_it_is_a_version(value: Any) -> None:
    with pytest.raises(InvalidInput, match="version: a version holds a whole number"):
        saved("use1", value)
