"""Conflicts by the types of the schema: what is merged, and what nobody can know."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.appsync.conflicts import judged


@pytest.mark.parametrize(
    ("attribute", "before", "after", "expected"),
    [
        ("name", "Ada", "Eve", "Eve"),
        ("name", "Ada", None, None),
        ("tags", ["a", "b"], ["a", "c"], ["a", "b", "c"]),
        ("blocked", False, True, True),
        ("seen", 5, 7, 7),
        ("seen", 7, 5, 7),
        ("seen", 9, "2026-01-01", "2026-01-01"),
        ("first", 5, 7, 5),
        ("first", "b", 7, 7),
        ("edition", 4, 3, 5),
    ],
)
def test_a_type_decides_where_nothing_depends_on_the_start(
    attribute: str, before: Any, after: Any, expected: Any
) -> None:
    found = judged({attribute: before}, {attribute: after})
    assert (found.action, found.item) == ("RESOLVE", {"id": "p1", attribute: expected})


@pytest.mark.parametrize(
    ("attribute", "before", "after", "reason"),
    [
        ("loyalty", 15, 12, "what was added"),
        ("bans", ["a"], ["a", "b"], "what was removed"),
        ("notes", "x", "y", "somebody decides"),
        ("limit", 1, 2, "a person"),
        ("colour", "red", "blue", "its function"),
        ("blocked", True, False, "had seen it"),
        ("blocked", True, 1, "a flag_ew"),
        ("seen", 5, True, "a register_max"),
        ("edition", 5, 5.5, "a version"),
        ("tags", ["a"], "a", "a set_aw"),
        ("address", {"city": "Rome"}, "Rome", "a map_or"),
    ],
)
def test_what_depends_on_what_nobody_knows_is_refused_with_its_reason(
    attribute: str, before: Any, after: Any, reason: str
) -> None:
    found = judged({attribute: before}, {attribute: after})
    assert (found.action, found.item) == ("REJECT", None)
    assert found.reasons is not None
    assert list(found.reasons) == [attribute]
    assert reason in found.reasons[attribute]


def test_two_clients_that_each_added_five_to_nothing_are_not_one() -> None:
    same = {"loyalty": 5, "name": "Ada"}
    assert judged(same, same, {"loyalty": 5}).action == "REJECT"
    assert judged(same, {**same, "name": "Eve"}, {"name": "Eve"}).action == "RESOLVE"


def test_where_arguments_name_nothing_a_counter_is_not_taken_for_untouched() -> None:
    same = {"loyalty": 5}
    assert judged(same, same, {"by": 5}).action == "REJECT"


def test_a_counter_within_a_map_that_came_as_a_text_is_not_taken_for_untouched() -> None:
    same = {"address": {"visits": 5}}
    assert judged(same, same, {"address": '{"visits": 5}'}).action == "REJECT"


def test_two_clients_that_made_the_same_version_get_one_that_none_of_them_holds() -> None:
    found = judged({"edition": 5}, {"edition": 5}, {"edition": 5})
    assert found.item == {"id": "p1", "edition": 6}


def test_a_map_is_merged_field_by_field_by_their_types() -> None:
    before = {"city": "Rome", "labels": ["a"], "visits": 3}
    found = judged({"address": before}, {"address": {"labels": ["b"], "city": "Oslo", "zip": 1}})
    assert found.item is not None
    merged = {"city": "Oslo", "labels": ["a", "b"], "visits": 3, "zip": 1}
    assert found.item["address"] == merged

    counted = judged({"address": before}, {"address": {**before, "visits": 4}})
    assert counted.action == "REJECT"
    assert list(counted.reasons or ()) == ["address.visits"]


def test_what_a_put_leaves_out_stays_and_what_a_mutation_removes_by_name_is_refused() -> None:
    both = {"name": "Ada", "email": "a@b"}
    assert judged(both, {"name": "Eve"}).item == {"id": "p1", "name": "Eve", "email": "a@b"}
    assert judged(both, {"name": "Ada"}, {"email": None}).action == "REJECT"


VALUES = st.one_of(st.integers(0, 3), st.booleans(), st.lists(st.sampled_from("ab")), st.text("ab"))
ITEMS = st.dictionaries(
    st.sampled_from(["name", "loyalty", "tags", "bans", "blocked", "seen", "edition"]), VALUES
)


@given(ITEMS, ITEMS)
def test_what_is_resolved_drops_nothing_and_counts_nothing(existing: Any, new: Any) -> None:
    found = judged(existing, new)
    if found.item is None:
        assert found.action == "REJECT"
        assert found.reasons
        return
    assert found.item.keys() == existing.keys() | new.keys() | {"id"}
    for name, before in existing.items():
        if name in ("loyalty", "bans") and before is not None:
            assert found.item[name] == before
        if name == "tags" and isinstance(before, list) and name in new:
            assert set(before) | set(new[name]) == set(found.item[name])
