"""manual: every concurrent value stands, and waits for a person to decide."""

from typing import Any

import pytest

from reconciler.crdt.base import Crdt, Edit
from reconciler.item.image import DELETE, merge, read
from reconciler.item.metadata import decode, encode
from reconciler.values.wire import to_json
from tests.builders import KEY, Replica, as_stream, assign, remove
from tests.crdt.deciding import SCHEMA


class Region(Replica):
    """A replica whose schema has the types that decide."""

    def edit(self, *edits: Edit, at: int) -> Any:
        return self.write(*edits, at=at, schema=SCHEMA)


def forks(*edits: Edit) -> tuple[Region, Region]:
    base = Region("apse1").edit(*edits, at=1_000)
    return Region("use1", base), Region("euw1", base)


def state(image: Any, name: str = "owner") -> Crdt:
    return decode(image)[0].attributes[name]


def disputed(one: Edit, other: Edit) -> Any:
    """Return the merge of two concurrent edits of an owner; the other one is later."""
    ours, theirs = forks(assign("owner", "first"))
    return merge(ours.edit(one, at=2_000), theirs.edit(other, at=3_000))


def test_in_dispute_readers_see_the_later_value_and_a_person_must_decide() -> None:
    merged = disputed(assign("owner", "b"), assign("owner", "a"))
    assert read(merged) == KEY | {"owner": "a"}
    assert state(merged).undecided()


@pytest.mark.parametrize("decision", ["a", "b", "c"])
def test_a_decision_is_a_write_that_replaces_every_value_it_saw(decision: str) -> None:
    merged = disputed(assign("owner", "b"), assign("owner", "a"))
    decided = Region("use1", merged).edit(assign("owner", decision), at=4_000)
    assert read(merge(decided, merged)) == KEY | {"owner": decision}
    assert not state(merge(decided, merged)).undecided()


def test_a_value_that_the_decision_did_not_see_is_in_dispute_with_it() -> None:
    merged = disputed(assign("owner", "b"), assign("owner", "a"))
    decided = Region("use1", merged).edit(assign("owner", "c"), at=4_000)
    unseen = Region("apse1", merged).edit(assign("owner", "d"), at=3_500)
    again = merge(decided, unseen)
    assert read(again) == KEY | {"owner": "c"}
    assert state(again).undecided()


def test_equal_values_are_in_no_dispute() -> None:
    merged = disputed(assign("owner", "same"), assign("owner", "same"))
    assert read(merged) == KEY | {"owner": "same"}
    assert not state(merged).undecided()
    assert len(list(state(merged).dots())) == 2


@pytest.mark.parametrize(
    ("one", "other", "seen"),
    [
        (remove("owner"), assign("owner", "a"), {"owner": "a"}),
        (assign("owner", "a"), remove("owner"), {}),
    ],
    ids=["the assignment is later", "the removal is later"],
)
def test_a_removal_beside_an_assignment_is_a_value_in_dispute(
    one: Edit, other: Edit, seen: dict[str, str]
) -> None:
    merged = disputed(one, other)
    assert read(merged) == KEY | seen
    assert state(merged).undecided()
    decided = Region("use1", merged).edit(remove("owner"), at=4_000)
    assert read(decided) == KEY
    assert not state(decided).undecided()


@pytest.mark.parametrize(
    "removal", [remove("case.owner"), remove("case"), assign("case", {"seen": 1})]
)
def test_in_a_map_a_removal_in_any_form_is_a_value_in_dispute(removal: Edit) -> None:
    ours, theirs = forks(assign("case", {"owner": "first", "seen": 1}))
    later = ours.edit(removal, at=3_000)
    merged = merge(later, theirs.edit(assign("case.owner", "a"), at=2_000))
    assert read(merged) == read(later)
    assert state(merged, "case").undecided()
    decided = Region("use1", merged).edit(assign("case.owner", "a"), at=4_000)
    assert (read(decided) or {})["case"]["owner"] == "a"
    assert not state(decided, "case").undecided()


def test_a_new_item_after_a_delete_is_in_dispute_with_a_value_of_the_old_one() -> None:
    ours, theirs = forks(assign("owner", "first"))
    ours.edit(DELETE, at=2_000)
    renewed = ours.edit(assign("name", "new"), at=4_000)
    merged = merge(renewed, theirs.edit(assign("owner", "a"), at=3_000))
    assert read(merged) == KEY | {"name": "new"}
    assert state(merged).undecided()


def test_a_deleted_item_comes_back_with_its_dispute() -> None:
    merged = disputed(assign("owner", "b"), assign("owner", "a"))
    deleted = Region("use1", merged).edit(DELETE, at=4_000)
    assert read(deleted) is None
    back = merge(deleted, Region("euw1", merged).edit(assign("name", "kept"), at=3_500))
    assert read(back) == KEY | {"name": "kept", "owner": "a"}
    assert state(back).undecided()


def test_a_write_around_the_library_decides() -> None:
    merged = disputed(assign("owner", "b"), assign("owner", "a"))
    around = {**merged, "owner": {"S": "z"}}
    decided = Region("use1", around).edit(assign("name", "x"), at=5_000)
    assert read(decided) == KEY | {"name": "x", "owner": "z"}
    assert not state(decided).undecided()


def test_a_fold_leaves_the_values_alone() -> None:
    merged = disputed(assign("owner", "b"), remove("owner"))
    assert state(merged).fold("use1", "v" * 13) == state(merged)


@pytest.mark.parametrize("last", [None, "a", ["x", {"y": 1}], b"\xff"])
def test_the_wire_form_restores_values_and_removals_exactly(last: Any) -> None:
    ours, theirs = forks(assign("owner", "first"))
    third = Region("apse1", ours.image).edit(assign("owner", last), at=2_500)
    removed = ours.edit(remove("owner"), at=2_000)
    merged = merge(merge(removed, third), theirs.edit(remove("owner"), at=3_000))
    item, changed = decode(as_stream(merged))
    assert changed == []
    assert len(list(item.attributes["owner"].dots())) == 3
    assert to_json(encode(item)) == to_json(merged)
    assert item.attributes == decode(merged)[0].attributes
