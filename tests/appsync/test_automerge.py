"""The laws of AppSync's Automerge, and the examples that its documentation describes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.appsync.automerge import automerge, united
from reconciler.appsync.conflict import Conflict, is_same
from tests.appsync.conflicts import SCHEMA, event, judged

Item = dict[str, Any]
SCALARS = st.one_of(st.integers(-2, 2), st.sampled_from(["a", "b"]), st.booleans())
LISTS = st.lists(SCALARS, max_size=3)
VALUES = st.one_of(
    st.none(),
    SCALARS,
    LISTS,
    st.dictionaries(st.sampled_from(["city", "labels"]), st.one_of(st.none(), SCALARS, LISTS)),
)


def with_a_set(item: Item) -> Item:
    """Return the item with `tags` as a set shows them: each once."""
    tags = item.get("tags")
    return {**item, "tags": united([], tags)} if isinstance(tags, list) else item


ITEMS = st.dictionaries(st.sampled_from(["name", "tags", "lines", "address"]), VALUES).map(
    with_a_set
)


def merged(existing: Item, new: Item, said: Item | None = None) -> Item:
    return automerge(Conflict.of(event(existing, new, said or new), SCHEMA), SCHEMA)


@pytest.mark.parametrize(
    ("existing", "new", "expected"),
    [
        ({"name": "Nadia", "jersey": 5}, {"name": "Nadia", "jersey": 55}, {"jersey": 5}),
        ({"lines": ["a", "b"]}, {"lines": ["b", "c"]}, {"lines": ["a", "b", "b", "c"]}),
        ({"tags": ["a", "b"]}, {"tags": ["b", "c"]}, {"tags": ["a", "b", "c"]}),
        ({"name": None}, {"name": "Ada", "email": "a@b"}, {"name": "Ada", "email": "a@b"}),
        (
            {"address": {"city": "Rome", "labels": ["home"], "lines": [1]}},
            {"address": {"city": "Oslo", "labels": ["home", "new"], "lines": [2], "zip": "1"}},
            {"address": {"city": "Rome", "labels": ["home", "new"], "lines": [1, 2], "zip": "1"}},
        ),
    ],
    ids=["scalar", "list", "set", "new field", "map"],
)
def test_each_kind_of_field_is_merged_as_documented(
    existing: Item, new: Item, expected: Item
) -> None:
    assert merged(existing, new) | expected == merged(existing, new)


def test_a_list_that_the_mutation_does_not_name_is_not_appended_to_itself() -> None:
    assert merged({"lines": [1]}, {"lines": [1], "name": "Ada"}, {"name": "Ada"})["lines"] == [1]
    assert merged({"lines": [1]}, {"lines": [1]}, {"lines": [1]})["lines"] == [1, 1]


@given(ITEMS, ITEMS)
def test_what_the_server_has_stays_and_what_it_does_not_have_comes(
    existing: Item, new: Item
) -> None:
    result = merged(existing, new)
    assert result.keys() == existing.keys() | new.keys()
    for name, before in existing.items():
        if isinstance(before, str | int):
            assert is_same(result[name], before)
        if isinstance(before, list) and name != "tags":
            assert is_same(result[name][: len(before)], before)
        if isinstance(before, dict):
            assert result[name].keys() >= before.keys()
    for name, after in new.items():
        if existing.get(name) is None:
            assert is_same(result[name], after)


@given(ITEMS, ITEMS)
def test_a_mutation_that_comes_again_adds_to_lists_alone(existing: Item, new: Item) -> None:
    def without_lists(item: Item) -> Item:
        kept = {n: v for n, v in item.items() if n == "tags" or not isinstance(v, list)}
        return {n: without_lists(v) if isinstance(v, dict) else v for n, v in kept.items()}

    once = merged(existing, new)
    assert is_same(without_lists(merged(once, new)), without_lists(once))


@given(ITEMS)
def test_onto_nothing_a_mutation_is_what_it_says(new: Item) -> None:
    assert is_same(merged({}, new), new)


@given(LISTS, LISTS, LISTS)
def test_sets_are_united_in_whatever_order_they_come(one: Any, two: Any, three: Any) -> None:
    def members(of: list[Any]) -> set[str]:
        return {repr(each) for each in of}

    assert members(united(one, two)) == members(united(two, one))
    assert united(united(one, two), three) == united(one, united(two, three))
    assert united(united(one, two), two) == united(one, two)
    assert len(members(united(one, one))) == len(united(one, one))


@given(ITEMS, ITEMS)
def test_the_answer_has_the_key_and_no_metadata_of_appsync(existing: Item, new: Item) -> None:
    found = judged({**existing, "_ttl": 7}, {**new, "_ttl": 8}, policy="automerge")
    assert found.action == "RESOLVE"
    assert found.item is not None
    assert found.item["id"] == "p1"
    assert not [name for name in found.item if name.startswith("_")]
